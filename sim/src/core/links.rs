//! Link faults: partitions, flapping links and slow links.

use super::Core;
use crate::network::{Partition, SlowLink};
use crate::node::Command;
use crate::queue::Pending;
use crate::{Domain, EventId, EventKind, Name, SimSpan, SimTime};

impl<D: Domain> Core<D> {
    /// Begins a partition until `ends`; if it has turns, its links fail and recover in turn.
    pub(super) fn partition(&mut self, partition: Partition, ends: SimTime, injected: EventId) {
        let (left, right) = (partition.left_name, partition.right_name);
        let (first, turn) = (partition.left[0], partition.turn);
        self.append((first, 0), Some(injected), EventKind::PartitionBegan { left, right });
        self.partitions.push(partition);
        let index = self.partitions.len() as u32 - 1;
        self.set_partition(index, true);
        self.schedule(ends, 0, Pending::PartitionEnds(index));
        if let Some(turn) = turn {
            self.schedule(self.now + turn, 0, Pending::FlapTurns { partition: index, ends });
        }
    }

    /// A flapping link fails or recovers.
    pub(super) fn turn(&mut self, index: u32, ends: SimTime) {
        let Some(turn) = self.partitions[index as usize].turn.filter(|_| self.now < ends) else { return };
        let was_open = self.partitions[index as usize].open;
        self.set_partition(index, !was_open);
        let next = self.now + turn;
        if next < ends {
            self.schedule(next, 0, Pending::FlapTurns { partition: index, ends });
        }
    }

    pub(super) fn heal(&mut self, index: u32) {
        if self.partitions[index as usize].open {
            self.set_partition(index, false);
        }
        let partition = &self.partitions[index as usize];
        let (first, left, right) = (partition.left[0], partition.left_name, partition.right_name);
        self.append((first, 0), None, EventKind::PartitionHealed { left, right });
    }

    fn set_partition(&mut self, index: u32, open: bool) {
        self.partitions[index as usize].open = open;
        if open {
            self.open_partitions.push(index);
        } else {
            self.open_partitions.retain(|known| *known != index);
        }
        if self.carries_sockets() {
            let partition = self.partitions[index as usize].clone();
            self.link(&partition, open);
        }
    }

    /// Applies a partition to the sockets that the engine carries; another partition may still be open on the
    /// same link.
    fn link(&mut self, partition: &Partition, is_partitioned: bool) {
        for (from, to) in partition.pairs() {
            let ends = (self.index_of(from), self.index_of(to));
            if let (Some(from_node), Some(to_node)) = ends
                && (is_partitioned || !self.is_partitioned(from, to))
            {
                self.command(Command::Link { from: from_node, to: to_node, partitioned: is_partitioned });
            }
        }
    }

    pub(super) fn is_partitioned(&self, from: Name, to: Name) -> bool {
        self.open_partitions.iter().any(|partition| self.partitions[*partition as usize].stops(from, to))
    }

    /// Makes messages between two groups slower until `ends`.
    pub(super) fn slow_down(&mut self, slow_link: SlowLink, ends: SimTime) {
        let index = self.slow_links.len() as u32;
        self.slow_links.push(slow_link);
        self.open_slow_links.push(index);
        self.schedule(ends, 0, Pending::SlowLinkEnds(index));
    }

    pub(super) fn slow_link_ends(&mut self, index: u32) {
        let slow_link = &mut self.slow_links[index as usize];
        slow_link.links.open = false;
        self.open_slow_links.retain(|known| *known != index);
        let first = slow_link.links.left[0];
        self.append((first, 0), None, EventKind::Recovered { from: Name::literal("slow-link") });
    }

    /// The extra latency of a message that is sent now.
    pub(super) fn slow_link_latency(&self, from: Name, to: Name) -> SimSpan {
        let open = self.open_slow_links.iter().map(|slow_link| &self.slow_links[*slow_link as usize]);
        open.filter(|slow_link| slow_link.links.stops(from, to))
            .fold(SimSpan::ZERO, |sum, slow_link| sum + slow_link.by)
    }
}
