//! Faults: where the plan is asked, and how what it answers comes about.

use super::Core;
use crate::network::Cut;
use crate::node::{Command, Role};
use crate::oracle::{Answer, TIE};
use crate::queue::{NodeIndex, Pending};
use crate::{Action, Domain, EventId, Fault, Hook, Name, SimSpan, SimTime, What};

/// A fault set by the clock.
pub(super) struct Planned {
    fault: Fault,
    /// The window it came from, whose next opening follows.
    window: Option<usize>,
}

impl<D: Domain> Core<D> {
    /// Asks the plan about a place other than a message's, where only some actions matter.
    pub fn ask(
        &mut self,
        hook: Hook,
        node: NodeIndex,
        what: Name,
        about: Name,
        matters: impl Fn(&Action) -> bool,
    ) -> Option<Fault> {
        if self.silent[hook as usize] {
            return None;
        }
        let (name, now) = (self.name(node), self.now());
        let Answer { address, action } = self.oracle.ask(hook, name, what, about, now, matters);
        action.map(|action| Fault { at: address, action })
    }

    /// Asks the plan about a place where only faults of the layer above can strike, of which only some matter.
    pub fn ask_custom(
        &mut self,
        node: NodeIndex,
        what: Name,
        about: Name,
        matters: impl Fn(Name, SimSpan) -> bool,
    ) -> Option<Fault> {
        self.ask(Hook::Service, node, what, about, |action| match action {
            Action::Custom { word, span } => matters(*word, *span),
            _ => false,
        })
    }

    /// Records that a fault strikes.
    pub fn strike(&mut self, node: Name, fault: Fault, cause: Option<EventId>) -> EventId {
        self.oracle.fired.push(fault);
        self.append(node, cause, What::Struck(Box::new(fault)))
    }

    /// Sets a fault by the clock. One beyond the end of the world is as good as none.
    pub(super) fn plan(&mut self, fault: Fault, window: Option<usize>) {
        let at = fault.action.moment().expect("only faults with a moment are planned");
        if at > self.config.limits.until {
            return;
        }
        let tie = self.oracle.spot(fault.at.site, fault.at.id, fault.at.nth).word(TIE);
        self.planned.push(Planned { fault, window });
        self.schedule(at, tie, Pending::Planned(self.planned.len() as u32 - 1));
    }

    pub(super) fn plan_window(&mut self, window: usize, nth: u32, after: SimTime) {
        if let Some(fault) = self.oracle.opening(window, nth, after) {
            self.plan(fault, Some(window));
        }
    }

    /// The time of a planned fault has come. It strikes even if there is nothing left to hurt: a run and its
    /// replay from the list of its faults must not differ in what the clock brings.
    pub(super) fn strike_planned(&mut self, index: u32) {
        let Planned { fault, window } = self.planned[index as usize];
        let victim = match fault.action {
            Action::CrashAt { node, .. } | Action::PauseAt { node, .. } | Action::CustomAt { node, .. } => {
                self.index_of(node)
            }
            _ => None,
        };
        let mut ends = self.now;
        match (fault.action, victim) {
            (Action::Cut { left, right, one_way, lasting, .. }, _) => {
                ends += lasting;
                self.oracle.meet(&fault);
                let struck = self.strike(left, fault, None);
                self.cut(Cut::new(left, right, one_way), ends, struck);
            }
            (Action::CrashAt { back_after, .. }, Some(node)) => {
                ends += back_after.unwrap_or_default();
                self.oracle.meet(&fault);
                self.crash(node, back_after, fault, None);
            }
            (Action::PauseAt { lasting, .. }, Some(node)) => {
                ends += lasting;
                self.oracle.meet(&fault);
                self.pause(node, lasting, fault, None);
            }
            (Action::CustomAt { word, node, lasting, .. }, Some(service)) if self.is_service(service) => {
                ends += lasting;
                self.oracle.meet(&fault);
                let struck = self.strike(node, fault, None);
                self.serve(service, Some(struck), |service, desk| service.on_fault(desk, word, lasting));
            }
            // Nobody has that name, so the fault is not met.
            _ => {}
        }
        if let Some(window) = window {
            self.plan_window(window, fault.at.nth + 1, ends);
        }
    }

    fn cut(&mut self, mut cut: Cut, ends: SimTime, struck: EventId) {
        cut.open = true;
        self.open_cuts += 1;
        let (left, right) = (cut.left_name, cut.right_name);
        self.append(cut.left[0], Some(struck), What::CutBegan { left, right });
        self.link(&cut, true);
        self.cuts.push(cut);
        self.schedule(ends, 0, Pending::CutEnds(self.cuts.len() as u32 - 1));
    }

    pub(super) fn join(&mut self, index: u32) {
        let mut cut = self.cuts[index as usize].clone();
        cut.open = false;
        self.open_cuts -= 1;
        self.cuts[index as usize].open = false;
        self.append(cut.left[0], None, What::CutEnded { left: cut.left_name, right: cut.right_name });
        self.link(&cut, false);
    }

    /// Has the sockets that the engine carries follow a cut; another cut may still be open on the same link.
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

    fn is_service(&self, index: NodeIndex) -> bool {
        matches!(self.nodes[index.0 as usize].role, Role::Service(_))
    }

    fn is_up_agent(&self, index: NodeIndex) -> bool {
        let node = &self.nodes[index.0 as usize];
        node.up && matches!(node.role, Role::Agent(_))
    }

    /// A node dies and may come back.
    pub fn crash(
        &mut self,
        index: NodeIndex,
        back_after: Option<SimSpan>,
        fault: Fault,
        cause: Option<EventId>,
    ) {
        let name = self.name(index);
        let struck = self.strike(name, fault, cause);
        if !self.is_up_agent(index) {
            return;
        }
        let lost_writes = self.node(index).die() as u32;
        self.append(name, Some(struck), What::Crashed { lost_writes });
        self.command(Command::Kill(index));
        if let Some(span) = back_after {
            let (incarnation, tie) = (self.node(index).incarnation, self.node(index).tie);
            let at = self.now + span;
            self.schedule(at, tie, Pending::Restart { node: index, incarnation });
        }
    }

    /// A node stops for a while.
    pub fn pause(&mut self, index: NodeIndex, span: SimSpan, fault: Fault, cause: Option<EventId>) {
        let name = self.name(index);
        let struck = self.strike(name, fault, cause);
        let until = self.now() + span;
        let longer = self.node(index).paused_until.is_none_or(|already| already < until);
        if !self.is_up_agent(index) || !longer {
            return;
        }
        self.append(name, Some(struck), What::Paused { span });
        let node = self.node(index);
        node.paused_until = Some(until);
        node.pauses += 1;
        let (incarnation, pauses, tie) = (node.incarnation, node.pauses, node.tie);
        self.schedule(until, tie, Pending::Resume { node: index, incarnation, pauses });
        self.command(Command::Pause(index));
    }
}
