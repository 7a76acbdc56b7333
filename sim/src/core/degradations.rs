//! Node degradation: how a node becomes slow, frozen, doubled or wrong about time, and recovers.

use super::Core;
use crate::clock::{Clock, opposite};
use crate::node::{Command, Node, Role, number_of};
use crate::queue::{NodeIndex, Pending};
use crate::{
    Action, Call, Degradation, Domain, DrawPurpose, EventId, EventKind, Fault, Name, SimSpan, SimTime,
};

const OVERLAPPING_RESTART: DrawPurpose = DrawPurpose::new("overlapping-restart");

/// The degradation of a node. A node that never had any has none of this.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub clock: Clock,
    /// The factor by which its work takes longer.
    times: u32,
    /// The time to take in one message.
    intake: SimSpan,
    /// When it has taken in all messages that have arrived.
    free_at: SimTime,
    /// While it is frozen.
    frozen: Option<Freeze>,
    /// How many of its requests, the first ones, can get no reply any more.
    stranded: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            clock: Clock::default(),
            times: 1,
            intake: SimSpan::ZERO,
            free_at: SimTime::ZERO,
            frozen: None,
            stranded: 0,
        }
    }
}

impl Health {
    /// The node is no longer frozen; other degradation stays.
    pub fn thaw(&mut self) {
        self.frozen = None;
    }
}

/// A freeze of a node with its clocks.
#[derive(Clone, Copy, Debug)]
struct Freeze {
    span: SimSpan,
    /// What its monotonic clock shows meanwhile.
    reading: SimTime,
}

/// A degradation of one node for a limited time.
#[derive(Clone, Copy)]
pub(super) struct Degraded {
    node: NodeIndex,
    degradation: Degradation,
    /// The incarnation of the node that it concerns, if it concerns one.
    incarnation: u32,
}

impl<D: Domain> Core<D> {
    fn health(&mut self, index: NodeIndex) -> &mut Health {
        self.any_ailing = true;
        self.node(index).health.get_or_insert_default()
    }

    /// A degradation of a node begins; it ends at `ends`.
    pub(super) fn degrade(&mut self, index: NodeIndex, fault: Fault, ends: SimTime, injected: EventId) {
        let Action::Degrade { degradation, lasting, .. } = fault.action else {
            unreachable!("only degradations degrade a node")
        };
        let (now, incarnation) = (self.now, self.node(index).incarnation);
        match degradation {
            Degradation::Zombie => {
                self.hold(index, lasting, true, injected);
                return;
            }
            Degradation::OverlappingRestart => {
                if !self.start_overlap(index, injected) {
                    return;
                }
            }
            Degradation::RuntimeRestart => self.health(index).stranded = u32::MAX,
            Degradation::Slow { times } => {
                let health = self.health(index);
                health.times = health.times.saturating_mul(times.max(1));
            }
            Degradation::SlowReceiver { each } => {
                let health = self.health(index);
                health.intake = health.intake + each;
            }
            Degradation::Skew { by, direction } | Degradation::Step { by, direction } => {
                self.health(index).clock.set(by, direction);
            }
            Degradation::Drift { ppm, direction } => self.health(index).clock.run(now, ppm, direction),
        }
        self.gets_over(Degraded { node: index, degradation, incarnation }, ends);
    }

    fn gets_over(&mut self, degraded: Degraded, ends: SimTime) {
        self.degraded.push(degraded);
        self.schedule(ends, 0, Pending::Recovers(self.degraded.len() as u32 - 1));
    }

    /// A degradation of a node ends.
    pub(super) fn recovers(&mut self, index: u32) {
        let Degraded { node: index, degradation, incarnation } = self.degraded[index as usize];
        let now = self.now;
        let name = self.name(index);
        match degradation {
            Degradation::Zombie => self.health(index).clock.synchronise(now),
            Degradation::OverlappingRestart => {
                if !self.end_overlap(index, incarnation) {
                    return;
                }
            }
            Degradation::RuntimeRestart => {
                let made = self.node(index).requests_made();
                self.health(index).stranded = made;
            }
            Degradation::Slow { times } => {
                let health = self.health(index);
                health.times = (health.times / times.max(1)).max(1);
            }
            Degradation::SlowReceiver { each } => {
                let health = self.health(index);
                health.intake = health.intake - each;
            }
            Degradation::Skew { by, direction } | Degradation::Step { by, direction } => {
                self.health(index).clock.set(by, opposite(direction));
            }
            Degradation::Drift { ppm, direction } => {
                let clock = &mut self.health(index).clock;
                clock.run(now, ppm, opposite(direction));
                clock.synchronise(now);
            }
        }
        self.append((name, incarnation), None, EventKind::Recovered { from: degradation.kind() });
    }

    // Zombies and paused nodes.

    /// Pauses a node for a while. If it is frozen, its clocks and its messages in flight stop with it.
    pub(super) fn hold(&mut self, index: NodeIndex, span: SimSpan, is_frozen: bool, injected: EventId) {
        let author = self.author(index);
        let until = self.now() + span;
        let longer = self.node(index).paused_until.is_none_or(|already| already < until);
        if !self.is_up_process(index) || !longer {
            return;
        }
        self.append(author, Some(injected), EventKind::Paused { span });
        if is_frozen {
            let now = self.now;
            let health = self.health(index);
            let reading = health.frozen.map_or_else(|| health.clock.monotonic(now), |freeze| freeze.reading);
            health.frozen = Some(Freeze { span, reading });
        }
        let node = self.node(index);
        node.paused_until = Some(until);
        node.pauses += 1;
        let (pauses, tie) = (node.pauses, node.tie);
        self.schedule(until, tie, Pending::Resume { node: index, pauses });
        self.command(Command::Pause(index));
    }

    /// A paused node goes on.
    pub(super) fn resume(&mut self, index: NodeIndex, pauses: u32) {
        let now = self.now;
        let node = self.node(index);
        if node.pauses != pauses {
            return;
        }
        let incarnation = node.incarnation;
        node.paused_until = None;
        let (name, health) = (node.name, node.health.as_deref_mut());
        let frozen = health.and_then(|health| {
            let freeze = health.frozen.take()?;
            health.clock.continue_from(freeze.reading, now);
            Some(freeze.span)
        });
        self.append((name, incarnation), None, EventKind::Resumed);
        self.command(Command::Resume(index));
        if let Some(span) = frozen {
            let ends = now + span;
            self.gets_over(Degraded { node: index, degradation: Degradation::Zombie, incarnation }, ends);
        }
    }

    /// When a message that arrives now is really delivered: later if its sender is frozen or its receiver is
    /// slow.
    pub(super) fn held_until(&mut self, from: Name, to: Name) -> Option<SimTime> {
        let now = self.now;
        if let Some(from) = self.index_of(from) {
            let node = self.node(from);
            let is_frozen = node.health.as_ref().is_some_and(|health| health.frozen.is_some());
            if let Some(thaws) = node.paused_until.filter(|thaws| is_frozen && *thaws > now) {
                return Some(thaws);
            }
        }
        let to = self.index_of(to)?;
        let health = self.node(to).health.as_mut()?;
        if health.intake == SimSpan::ZERO {
            return None;
        }
        let free_at = health.free_at.max(now);
        health.free_at = free_at + health.intake;
        (free_at > now).then_some(free_at)
    }

    /// Whether this is the reply to a request that a restart of the node's runtime has lost.
    pub(super) fn has_stranded(&mut self, index: NodeIndex, call: Call) -> bool {
        let stranded = self.node(index).health.as_ref().map_or(0, |health| health.stranded);
        matches!(call, Call::Reply(id) if number_of(id) <= stranded)
    }

    // Overlapping restarts.

    /// Starts a second incarnation beside the first; false if there is no first, or a second already.
    fn start_overlap(&mut self, index: NodeIndex, injected: EventId) -> bool {
        if !self.is_up_process(index) || self.node(index).outgoing.is_some() {
            return false;
        }
        let node = self.node(index);
        node.outgoing = Some(node.incarnation);
        node.incarnation += 1;
        self.start(index, Some(injected));
        true
    }

    /// Ends the older of two incarnations, if both are still there.
    fn end_overlap(&mut self, index: NodeIndex, incarnation: u32) -> bool {
        let node = self.node(index);
        if node.outgoing != Some(incarnation) {
            return false;
        }
        node.outgoing = None;
        node.wake_receivers();
        self.command(Command::Retire { node: index, incarnation });
        true
    }

    /// The older of two incarnations ends itself; false if it is not the older of two.
    pub fn step_down(&mut self, index: NodeIndex, incarnation: u32, cause: Option<EventId>) -> bool {
        let is_older = self.end_overlap(index, incarnation);
        if is_older {
            let from = Degradation::OverlappingRestart.kind();
            self.append((self.name(index), incarnation), cause, EventKind::Recovered { from });
        }
        is_older
    }

    /// Which of two incarnations gets a message, as from a load balancer; `None` where there is only one. It
    /// is drawn, since otherwise it would depend on which of them an engine runs first.
    pub(super) fn incarnation_that_gets(&mut self, index: NodeIndex, about: Name) -> Option<u32> {
        let Node { name, incarnation, outgoing, .. } = *self.node(index);
        let older = outgoing?;
        let site = Name::joined(name, ", ", Name::literal("mail of twins"));
        let nth = self.injector.count_draw(site, about);
        let is_for_the_older = self.injector.draw_site(site, about, nth).below(OVERLAPPING_RESTART, 2) == 0;
        Some(if is_for_the_older { older } else { incarnation })
    }

    pub(super) fn is_up_process(&self, index: NodeIndex) -> bool {
        let node = &self.nodes[index.0 as usize];
        node.up && matches!(node.role, Role::Process(_))
    }

    /// How long a piece of work takes on this node if it takes `span` on a healthy one.
    pub fn work_span(&mut self, index: NodeIndex, span: SimSpan) -> SimSpan {
        let health = self.node(index).health.as_ref();
        health.map_or(span, |health| span.saturating_mul(health.times.into()))
    }
}
