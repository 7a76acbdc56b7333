//! Link faults: partitions, flapping links and slow links.

use super::Core;
use crate::network::{Cut, SlowLink};
use crate::node::Command;
use crate::queue::Pending;
use crate::{Domain, EventId, EventKind, Name, SimSpan, SimTime};

impl<D: Domain> Core<D> {
    /// Cuts links until `ends`; if the cut has turns, it opens and closes in turn.
    pub(super) fn cut(&mut self, cut: Cut, ends: SimTime, struck: EventId) {
        let (left, right) = (cut.left_name, cut.right_name);
        let (first, turn) = (cut.left[0], cut.turn);
        self.append((first, 0), Some(struck), EventKind::CutBegan { left, right });
        self.cuts.push(cut);
        let index = self.cuts.len() as u32 - 1;
        self.set_cut(index, true);
        self.schedule(ends, 0, Pending::CutEnds(index));
        if let Some(turn) = turn {
            self.schedule(self.now + turn, 0, Pending::CutTurns { cut: index, ends });
        }
    }

    /// A flapping link fails or recovers.
    pub(super) fn turn(&mut self, index: u32, ends: SimTime) {
        let Some(turn) = self.cuts[index as usize].turn.filter(|_| self.now < ends) else { return };
        let was_open = self.cuts[index as usize].open;
        self.set_cut(index, !was_open);
        let next = self.now + turn;
        if next < ends {
            self.schedule(next, 0, Pending::CutTurns { cut: index, ends });
        }
    }

    pub(super) fn join(&mut self, index: u32) {
        if self.cuts[index as usize].open {
            self.set_cut(index, false);
        }
        let cut = &self.cuts[index as usize];
        let (first, left, right) = (cut.left[0], cut.left_name, cut.right_name);
        self.append((first, 0), None, EventKind::CutEnded { left, right });
    }

    fn set_cut(&mut self, index: u32, open: bool) {
        self.cuts[index as usize].open = open;
        if open {
            self.open_cuts.push(index);
        } else {
            self.open_cuts.retain(|known| *known != index);
        }
        if self.carries_sockets() {
            let cut = self.cuts[index as usize].clone();
            self.link(&cut, open);
        }
    }

    /// Applies a cut to the sockets that the engine carries; another cut may still be open on the same link.
    fn link(&mut self, cut: &Cut, is_cut: bool) {
        for (from, to) in cut.pairs() {
            let ends = (self.index_of(from), self.index_of(to));
            if let (Some(from_node), Some(to_node)) = ends
                && (is_cut || !self.is_cut(from, to))
            {
                self.command(Command::Link { from: from_node, to: to_node, cut: is_cut });
            }
        }
    }

    pub(super) fn is_cut(&self, from: Name, to: Name) -> bool {
        self.open_cuts.iter().any(|cut| self.cuts[*cut as usize].stops(from, to))
    }

    /// Makes messages between two groups slower until `ends`.
    pub(super) fn lag(&mut self, lag: SlowLink, ends: SimTime) {
        let index = self.lags.len() as u32;
        self.lags.push(lag);
        self.open_lags.push(index);
        self.schedule(ends, 0, Pending::LagEnds(index));
    }

    pub(super) fn lag_ends(&mut self, index: u32) {
        let lag = &mut self.lags[index as usize];
        lag.links.open = false;
        self.open_lags.retain(|known| *known != index);
        let first = lag.links.left[0];
        self.append((first, 0), None, EventKind::Recovered { from: Name::literal("slow-link") });
    }

    /// The extra latency of a message that is sent now.
    pub(super) fn lag_of(&self, from: Name, to: Name) -> SimSpan {
        let open = self.open_lags.iter().map(|lag| &self.lags[*lag as usize]);
        open.filter(|lag| lag.links.stops(from, to)).fold(SimSpan::ZERO, |sum, lag| sum + lag.by)
    }
}
