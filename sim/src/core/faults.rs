//! Fault injection: where the plan is asked, and how a fault takes effect.

use super::Core;
use crate::injector::TIE;
use crate::network::{Partition, SlowLink};
use crate::node::{Command, Role};
use crate::queue::{NodeIndex, Pending};
use crate::step::Act;
use crate::{Action, Domain, EventId, EventKind, Fault, Hook, Name, Payload, SimSpan, SimTime};

/// A timed fault.
pub(super) struct Planned {
    fault: Fault,
    /// The timed fault schedule that it comes from, which then plans its next fault.
    window: Option<usize>,
}

impl<D: Domain> Core<D> {
    /// Whether no fault can be injected at a hook.
    pub fn is_silent(&self, hook: Hook) -> bool {
        self.silent[hook as usize]
    }

    /// Asks the plan about a place other than a message's.
    pub fn ask(&mut self, hook: Hook, node: NodeIndex, what: Name, about: Name) -> Option<Fault> {
        if self.is_silent(hook) {
            return None;
        }
        let (name, now) = (self.name(node), self.now());
        self.injector.events = self.history.len() as u32;
        self.injector.ask(hook, name, what, about, now)
    }

    /// Asks the plan about the place before or after a step of a node.
    pub fn ask_step(&mut self, hook: Hook, node: NodeIndex, step: Name, about: Name) -> Option<Fault> {
        if self.is_silent(hook) {
            return None;
        }
        let class = self.nodes[node.0 as usize].class;
        if !self.injector.concerns(class, hook, step) {
            return None;
        }
        self.ask(hook, node, step, about)
    }

    /// Whether the plan may be asked about an act of a node at all.
    pub fn may_ask_act(&self, hook: Hook, node: NodeIndex) -> bool {
        !self.is_silent(hook) && self.injector.concerns_acts(self.nodes[node.0 as usize].class, hook)
    }

    /// The same for an act. `subject` is not evaluated if the plan concerns no act.
    pub fn ask_act(
        &mut self,
        (hook, act): (Hook, Act),
        node: NodeIndex,
        subject: impl FnOnce() -> Name,
        about: impl FnOnce() -> Name,
    ) -> Option<Fault> {
        if !self.may_ask_act(hook, node) {
            return None;
        }
        self.ask_step(hook, node, act.step(subject()), about())
    }

    /// Asks the plan about a place where only faults of the layer above can be injected: all that it has for
    /// it.
    pub fn due_faults(&mut self, node: NodeIndex, what: Name, about: Name) -> Vec<Fault> {
        if self.silent[Hook::Service as usize] {
            return Vec::new();
        }
        let (name, now) = (self.name(node), self.now());
        self.injector.events = self.history.len() as u32;
        self.injector.ask_all(Hook::Service, name, what, about, now)
    }

    /// Asks the plan about a place of the node's storage. `about` is not evaluated if no fault can be
    /// injected there.
    pub fn ask_storage(
        &mut self,
        hook: Hook,
        node: NodeIndex,
        about: impl FnOnce() -> Name,
    ) -> Option<Fault> {
        if self.is_silent(hook) {
            return None;
        }
        let what = hook.of_storage().expect("only places of storage are asked about here");
        self.ask(hook, node, Name::literal(what), about())
    }

    /// Records that a fault is injected.
    pub fn apply_fault(&mut self, node: (Name, u32), fault: Fault, cause: Option<EventId>) -> EventId {
        let now = self.now();
        self.injector.inject(node.0, fault, now);
        self.append(node, cause, EventKind::Injected(Box::new(fault)))
    }

    /// Plans a timed fault. One after the end of the run is ignored.
    pub(super) fn plan(&mut self, fault: Fault, window: Option<usize>) {
        let at = fault.action.moment().expect("only faults with a moment are planned");
        if at > self.config.limits.until {
            return;
        }
        let tie = self.injector.draw_site(fault.at.site, fault.at.id, fault.at.nth).bits(TIE);
        self.planned.push(Planned { fault, window });
        self.schedule(at, tie, Pending::Planned(self.planned.len() as u32 - 1));
    }

    pub(super) fn plan_window(&mut self, window: usize, nth: u32, after: SimTime) {
        if let Some(fault) = self.injector.timed_fault(window, nth, after) {
            self.plan(fault, Some(window));
        }
    }

    /// Injects a timed fault whose time has come, even if it has no effect: a run and its replay from the
    /// list of its faults must not differ in timed faults.
    pub(super) fn inject_planned(&mut self, index: u32) {
        let Planned { mut fault, window } = self.planned[index as usize];
        if let (Some(window), Some(marked)) = (window, self.marked) {
            fault = self.injector.aimed(window, fault, marked);
        }
        let mut ends = self.now;
        match fault.action {
            Action::Partition { left, right, one_way, lasting, .. } => {
                ends += lasting;
                let injected = self.inject_reached(left, fault);
                self.partition(Partition::new(left, right, one_way), ends, injected);
            }
            Action::Flap { left, right, lasting, turn, .. } => {
                ends += lasting;
                let injected = self.inject_reached(left, fault);
                self.partition(
                    Partition { turn: Some(turn), ..Partition::new(left, right, false) },
                    ends,
                    injected,
                );
            }
            Action::SlowLink { left, right, lasting, by, .. } => {
                ends += lasting;
                self.inject_reached(left, fault);
                self.slow_down(SlowLink::new(left, right, by), ends);
            }
            Action::CrashAt { node, back_after, .. } => {
                ends += back_after.unwrap_or_default();
                if let Some(node) = self.index_of(node) {
                    self.injector.meet(&fault);
                    self.crash(node, back_after, fault, None);
                }
            }
            Action::PauseAt { node, lasting, .. } => {
                ends += lasting;
                if let Some(node) = self.index_of(node) {
                    self.injector.meet(&fault);
                    self.pause(node, lasting, fault, None);
                }
            }
            Action::Degrade { node, lasting, .. } => {
                ends += lasting;
                if let Some(index) = self.index_of(node) {
                    let injected = self.inject_reached(node, fault);
                    self.degrade(index, fault, ends, injected);
                }
            }
            Action::CustomAt { word, node, lasting, .. } => {
                ends += lasting;
                if let Some(service) = self.index_of(node).filter(|node| self.is_service(*node)) {
                    let injected = self.inject_reached(node, fault);
                    self.serve(service, Some(injected), |service, context| {
                        service.on_fault(context, word, lasting);
                    });
                }
            }
            _ => unreachable!("only faults with a moment are planned"),
        }
        // If no node has the name of the victim, the fault is not reached.
        if let Some(window) = window {
            self.plan_window(window, fault.at.nth + 1, ends);
        }
    }

    fn is_service(&self, index: NodeIndex) -> bool {
        matches!(self.nodes[index.0 as usize].role, Role::Service(_))
    }

    fn inject_reached(&mut self, node: Name, fault: Fault) -> EventId {
        self.injector.meet(&fault);
        self.apply_fault((node, 0), fault, None)
    }

    /// Crashes a node, which may restart.
    pub fn crash(
        &mut self,
        index: NodeIndex,
        back_after: Option<SimSpan>,
        fault: Fault,
        cause: Option<EventId>,
    ) {
        let author = self.author(index);
        let injected = self.apply_fault(author, fault, cause);
        if !self.is_up_process(index) {
            return;
        }
        let torn = self.is_torn(index, injected);
        let node = self.node(index);
        node.die();
        let lost_writes =
            if torn { node.disk().crash_tearing(Payload::corrupted) } else { node.disk().crash() };
        let crashed =
            self.append(author, Some(injected), EventKind::Crashed { lost_writes: lost_writes as u32 });
        self.lose_sockets(index, crashed);
        self.command(Command::Kill(index));
        if let Some(span) = back_after {
            let (incarnation, tie) = (self.node(index).incarnation, self.node(index).tie);
            let at = self.now + span;
            self.schedule(at, tie, Pending::Restart { node: index, incarnation });
        }
    }

    /// Whether a crash leaves the first unsynced record half-written (a torn write).
    fn is_torn(&mut self, index: NodeIndex, crash: EventId) -> bool {
        if self.disk(index).unsynced() == 0 {
            return false;
        }
        let Some(fault) = self.ask_storage(Hook::Loss, index, journal) else { return false };
        self.apply_fault(self.author(index), fault, Some(crash));
        true
    }

    /// A restarted node may not see the last records that it had synced.
    pub(super) fn look_back(&mut self, index: NodeIndex) {
        if self.disk(index).is_empty() {
            return;
        }
        if let Some(fault) = self.ask_storage(Hook::Recovery, index, journal)
            && let Action::StaleJournal { records } = fault.action
        {
            self.apply_fault(self.author(index), fault, None);
            self.disk(index).miss_last(records as usize);
        }
    }

    /// The extra time of a sync that begins now; `None` if the node crashes in the middle of it.
    pub fn sync_delay(&mut self, index: NodeIndex, cause: Option<EventId>) -> Option<SimSpan> {
        let Some(fault) = self.ask_storage(Hook::Sync, index, journal) else { return Some(SimSpan::ZERO) };
        match fault.action {
            Action::SlowSync(span) => {
                self.apply_fault(self.author(index), fault, cause);
                Some(span)
            }
            Action::Crash(back_after) => {
                self.crash(index, back_after, fault, cause);
                None
            }
            _ => unreachable!("the injector answers with what fits"),
        }
    }

    /// Pauses a node for a while.
    pub fn pause(&mut self, index: NodeIndex, span: SimSpan, fault: Fault, cause: Option<EventId>) {
        let injected = self.apply_fault(self.author(index), fault, cause);
        self.hold(index, span, matches!(fault.action, Action::Zombie(_)), injected);
    }
}

/// All records of a node together, as addresses name them.
pub(crate) fn journal() -> Name {
    Name::literal("journal")
}
