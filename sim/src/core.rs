//! The state of a world and the one place where it changes.
//!
//! Engines call [`Core::advance`] to let the next thing happen, and carry out the commands it leaves. Contexts
//! and services call the rest. Whatever happens is appended to the history here and nowhere else.

use crate::context::NeverYields;
use crate::network::Cut;
use crate::node::{Command, Expectation, Node, Role, Waiter};
use crate::oracle::{Answer, Oracle};
use crate::queue::{NodeIndex, Pending, Queue, TimerKey};
use crate::{
    Action, Call, Desk, Disk, Domain, Envelope, EventId, Fault, History, Hook, Loss, Name, Payload, SimSpan,
    SimTime, Stop, What, WorldConfig, quiet, stamp,
};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::collections::VecDeque;
use std::task::Waker;

pub(crate) struct Core<D: Domain> {
    pub config: WorldConfig,
    now: SimTime,
    /// The clock of an engine that keeps time itself.
    pub clock: Option<Box<dyn Fn() -> SimTime>>,
    /// Who is woken when something is scheduled or commanded while the engine does not look.
    pub alarm: Option<Waker>,
    pub queue: Queue,
    pub oracle: Oracle,
    pub history: History<D::Note>,
    nodes: Vec<Node<D>>,
    by_name: HashMap<Name, NodeIndex, FxBuildHasher>,
    messages: Vec<Option<Envelope<D::Payload>>>,
    free_messages: Vec<u32>,
    cuts: Vec<Cut>,
    open_cuts: u32,
    planned: Vec<Planned>,
    pub commands: VecDeque<Command>,
    finish_at: Option<SimTime>,
    pub stop: Option<Stop>,
    /// How many operations the running code may still do without yielding.
    allowance: u32,
    /// How often tasks have been polled since `polls_since`.
    polls: u32,
    polls_since: SimTime,
    silent: [bool; 4],
}

/// A fault set by the clock.
struct Planned {
    fault: Fault,
    /// The window it came from, whose next opening follows.
    window: Option<usize>,
}

impl<D: Domain> Core<D> {
    pub fn new(config: WorldConfig) -> Self {
        let oracle = Oracle::new(config.seed, &config.plan);
        let silent =
            [Hook::Message, Hook::Before, Hook::After, Hook::Service].map(|hook| oracle.is_silent(hook));
        let mut core = Self {
            now: SimTime::ZERO,
            clock: None,
            alarm: None,
            queue: Queue::default(),
            oracle,
            history: History::default(),
            nodes: Vec::new(),
            by_name: HashMap::default(),
            messages: Vec::new(),
            free_messages: Vec::new(),
            cuts: Vec::new(),
            open_cuts: 0,
            planned: Vec::new(),
            commands: VecDeque::new(),
            finish_at: None,
            stop: None,
            allowance: u32::MAX,
            polls: 0,
            polls_since: SimTime::ZERO,
            silent,
            config,
        };
        for fault in core.config.plan.clone().pinned() {
            if fault.action.moment().is_some() {
                core.plan(*fault, None);
            }
        }
        for window in 0..core.oracle.windows() {
            core.plan_window(window, 1, SimTime::ZERO);
        }
        core
    }

    pub fn now(&mut self) -> SimTime {
        if let Some(clock) = &self.clock {
            self.now = self.now.max(clock());
        }
        self.now
    }

    pub fn add(&mut self, name: Name, role: Role<D>) -> NodeIndex {
        let index = NodeIndex(self.nodes.len() as u32);
        let tie = self.oracle.spot(name, name, 0).word("tie");
        let earlier = self.by_name.insert(name, index);
        assert!(earlier.is_none(), "two nodes are called {name}");
        self.nodes.push(Node::new(name, role, tie));
        self.start(index, None);
        index
    }

    pub fn node(&mut self, index: NodeIndex) -> &mut Node<D> {
        &mut self.nodes[index.0 as usize]
    }

    pub fn name(&self, index: NodeIndex) -> Name {
        self.nodes[index.0 as usize].name
    }

    /// All nodes in the order of their adding.
    #[cfg(madsim)]
    pub fn nodes(&self) -> &[Node<D>] {
        &self.nodes
    }

    pub fn disk(&mut self, index: NodeIndex) -> &mut Disk<D::Payload> {
        &mut self.node(index).disk
    }

    pub fn append(&mut self, node: Name, cause: Option<EventId>, what: What<D::Note>) -> EventId {
        let now = self.now();
        if self.history.len() >= self.config.limits.events as usize {
            self.stop_for(Stop::TooManyEvents);
        }
        self.history.append(now, node, cause, what)
    }

    pub fn schedule(&mut self, at: SimTime, tie: u64, what: Pending) {
        self.queue.push(at, tie, what);
        self.ring_alarm();
    }

    /// Sets a timer of a node's code.
    pub fn arm(&mut self, at: SimTime, tie: u64) -> TimerKey {
        self.ring_alarm();
        self.queue.arm(at, tie)
    }

    pub fn command(&mut self, command: Command) {
        self.commands.push_back(command);
        self.ring_alarm();
    }

    fn ring_alarm(&self) {
        if let Some(waker) = &self.alarm {
            waker.wake_by_ref();
        }
    }

    pub fn finish_after(&mut self, span: SimSpan) {
        let at = self.now() + span;
        self.finish_at.get_or_insert(at);
        self.ring_alarm();
    }

    /// Ends the run, unless it has ended already. Code that runs on is stopped at its next operation.
    pub fn stop_for(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
        if self.allowance < u32::MAX {
            self.allowance = 0;
        }
        self.ring_alarm();
    }

    /// When the run ends at the latest.
    fn end(&self) -> SimTime {
        self.finish_at.unwrap_or(SimTime::MAX).min(self.config.limits.until)
    }

    /// Ends the run because its time is over.
    #[cfg(madsim)]
    pub fn run_out(&mut self, until: SimTime) {
        self.now = self.now.max(until);
        self.stop_for(Stop::Deadline);
    }

    /// When [`Core::advance`] is to be called next; never, if nothing is going to happen.
    #[cfg(madsim)]
    pub fn next_at(&mut self) -> Option<SimTime> {
        let next = self.queue.peek().or(self.finish_at)?;
        Some(next.min(self.end()))
    }

    /// Lets the next thing happen; false when the run is over.
    pub fn advance(&mut self) -> bool {
        if self.stop.is_some() {
            return false;
        }
        let next = self.queue.peek();
        let end = self.end();
        if next.is_none_or(|next| next > end) {
            self.stop_for(match next {
                _ if self.finish_at.is_some_and(|at| at == end) => Stop::Finished,
                None => Stop::Quiescent,
                Some(_) => Stop::Deadline,
            });
            if self.stop != Some(Stop::Quiescent) {
                self.now = self.now.max(end);
            }
            return false;
        }
        let (at, what) = self.queue.pop().expect("something was just next");
        self.now = self.now.max(at);
        stamp::set_node(self.now, None);
        self.apply(what);
        true
    }

    // Code that runs.

    /// A task of the node is about to be polled; false if it must not be.
    pub fn begin_poll(&mut self, index: NodeIndex) -> bool {
        if self.stop.is_some() {
            return false;
        }
        let now = self.now();
        self.polls += 1;
        if self.polls > self.config.limits.polls {
            // An engine whose clock creeps on with every poll cannot ask whether time stands still.
            if now.since(self.polls_since) < SimSpan::from_micros(u64::from(self.polls)) {
                let node = self.name(index);
                self.stop_for(Stop::Spinning { node });
                return false;
            }
            self.count_polls_anew();
        }
        self.begin_code(index);
        true
    }

    /// Something has happened; whoever is polled now has a reason.
    pub fn count_polls_anew(&mut self) {
        self.polls = 0;
        self.polls_since = self.now;
    }

    /// Code of the node is about to run.
    pub fn begin_code(&mut self, index: NodeIndex) {
        self.allowance = self.config.limits.operations.min(u32::MAX - 1);
        stamp::set_node(self.now, Some(self.name(index)));
    }

    /// The code of the node has come to rest, or has come apart.
    pub fn end_code(&mut self, index: NodeIndex, panic: Option<&quiet::Panic>) {
        self.allowance = u32::MAX;
        let Some(panic) = panic else { return };
        let node = self.name(index);
        if panic.is::<NeverYields>() {
            self.stop_for(Stop::Spinning { node });
        } else {
            self.panicked(index, quiet::message(&**panic));
        }
    }

    /// The node's code panicked: the run ends with that finding.
    pub fn panicked(&mut self, index: NodeIndex, message: &str) {
        let node = self.name(index);
        self.append(node, None, What::Panicked { message: message.into() });
        self.stop_for(Stop::Panicked { node });
    }

    /// Counts an operation of the running code, which ends here if it has had too many.
    pub fn operate(&mut self) {
        match self.allowance.checked_sub(1) {
            _ if self.allowance == u32::MAX => {}
            Some(rest) => self.allowance = rest,
            // A destructor may not panic while its task is already coming apart.
            None if std::thread::panicking() => {}
            None => std::panic::panic_any(NeverYields),
        }
    }

    fn apply(&mut self, what: Pending) {
        match what {
            Pending::Deliver(slot) => self.deliver(slot),
            Pending::Timer(key) => self.queue.ring(key),
            Pending::Callback { service, token, cause } => {
                self.serve(service, cause, |service, desk| service.on_timer(desk, token));
            }
            Pending::Restart { node, incarnation } => {
                let node_now = self.node(node);
                if !node_now.up && node_now.incarnation == incarnation {
                    node_now.incarnation += 1;
                    self.start(node, None);
                }
            }
            Pending::Resume { node, incarnation, pauses } => {
                let node_now = self.node(node);
                if node_now.up && node_now.incarnation == incarnation && node_now.pauses == pauses {
                    node_now.paused_until = None;
                    let name = node_now.name;
                    self.append(name, None, What::Resumed);
                    self.command(Command::Resume(node));
                }
            }
            Pending::Planned(index) => self.strike_planned(index),
            Pending::CutEnds(index) => self.join(index),
        }
    }

    // Messages.

    #[expect(clippy::too_many_arguments, reason = "the parts of a message, each of another type")]
    pub fn send(
        &mut self,
        from: NodeIndex,
        to: Name,
        kind: Name,
        about: Name,
        payload: D::Payload,
        call: Call,
        cause: Option<EventId>,
    ) -> EventId {
        let from = self.name(from);
        let content = payload.digest();
        let sent = self.append(from, cause, What::Sent { to, kind, about, content });
        let site = self.oracle.site(Hook::Message, from, to, kind, &self.config.links);
        let Answer { address, action } = self.oracle.ask(site, about, self.now);
        let spot = self.oracle.spot(address.site, address.id, address.nth);
        let mut at = self.now + spot.span("latency", self.oracle.latency(site));
        let tie = spot.word("tie");
        let mut copy_after = None;
        let mut lost = self.is_cut(from, to).then_some(Loss::Cut);
        if let Some(action) = action {
            self.strike(from, Fault { at: address, action }, Some(sent));
            match action {
                Action::Drop => lost = Some(Loss::Dropped),
                Action::Delay(span) | Action::Reorder(span) => at += span,
                Action::Duplicate(span) => copy_after = Some(span),
                _ => unreachable!("the oracle answers with what fits"),
            }
        }
        if let Some(why) = lost {
            self.append(to, Some(sent), What::Lost { from, kind, about, why });
            return sent;
        }
        let envelope = Envelope { from, to, kind, about, payload, call, event: sent };
        if let Some(span) = copy_after {
            self.carry(envelope.clone(), at + span, tie);
        }
        self.carry(envelope, at, tie);
        sent
    }

    fn carry(&mut self, envelope: Envelope<D::Payload>, at: SimTime, tie: u64) {
        let slot = self.free_messages.pop().unwrap_or_else(|| {
            self.messages.push(None);
            self.messages.len() as u32 - 1
        });
        self.messages[slot as usize] = Some(envelope);
        self.schedule(at, tie, Pending::Deliver(slot));
    }

    fn deliver(&mut self, slot: u32) {
        let mut envelope = self.messages[slot as usize].take().expect("a message is delivered once");
        self.free_messages.push(slot);
        let Envelope { from, to, kind, about, event: sent, call, .. } = envelope;
        let index = self.by_name.get(&to).copied();
        let why = match index {
            None => Some(Loss::NodeDown),
            Some(index) if !self.node(index).up => Some(Loss::NodeDown),
            Some(_) if self.is_cut(from, to) => Some(Loss::Cut),
            Some(index) => match call {
                Call::Reply(id)
                    if !self.node(index).waiters.iter().any(|w| w.id == id && w.reply.is_none()) =>
                {
                    Some(Loss::Late)
                }
                _ => None,
            },
        };
        if let Some(why) = why {
            self.append(to, Some(sent), What::Lost { from, kind, about, why });
            return;
        }
        let index = index.expect("a message without a receiver is lost");
        envelope.event = self.append(to, Some(sent), What::Delivered { from, kind, about });
        let delivered = Some(envelope.event);
        let node = self.node(index);
        match (&node.role, call) {
            (Role::Service(_), _) => {
                self.serve(index, delivered, |service, desk| service.on_message(desk, envelope));
            }
            (Role::Agent(_), Call::Reply(id)) => {
                let waiter = node.waiters.iter_mut().find(|waiter| waiter.id == id);
                let waiter: &mut Waiter<_> = waiter.expect("a late reply is lost");
                waiter.reply = Some(envelope);
                if let Some(waker) = waiter.waker.take() {
                    waker.wake();
                }
            }
            (Role::Agent(_), _) => {
                node.inbox.push_back(envelope);
                node.inbox_wakers.drain(..).for_each(Waker::wake);
            }
        }
    }

    fn serve(
        &mut self,
        index: NodeIndex,
        cause: Option<EventId>,
        handle: impl FnOnce(&mut dyn crate::Service<D>, &mut Desk<'_, D>),
    ) {
        let Role::Service(slot) = &mut self.node(index).role else { return };
        let mut service = slot.take().expect("a service handles one thing at a time");
        self.begin_code(index);
        let handled = quiet::catch(|| handle(&mut *service, &mut Desk { core: self, node: index, cause }));
        self.end_code(index, handled.err().as_ref());
        self.node(index).role = Role::Service(Some(service));
    }

    fn is_cut(&self, from: Name, to: Name) -> bool {
        self.open_cuts > 0 && self.cuts.iter().any(|cut| cut.stops(from, to))
    }

    // Faults.

    /// Asks the plan about a place other than a message's.
    pub fn ask(&mut self, hook: Hook, node: NodeIndex, what: Name, about: Name) -> Option<Fault> {
        if self.silent[hook as usize] {
            return None;
        }
        let (name, now) = (self.name(node), self.now());
        let site = self.oracle.site(hook, name, name, what, &self.config.links);
        let Answer { address, action } = self.oracle.ask(site, about, now);
        action.map(|action| Fault { at: address, action })
    }

    /// Records that a fault strikes.
    pub fn strike(&mut self, node: Name, fault: Fault, cause: Option<EventId>) -> EventId {
        self.oracle.fired.push(fault);
        self.append(node, cause, What::Struck(fault))
    }

    /// Sets a fault by the clock. One beyond the end of the world is as good as none.
    fn plan(&mut self, fault: Fault, window: Option<usize>) {
        let at = fault.action.moment().expect("only faults with a moment are planned");
        if at > self.config.limits.until {
            return;
        }
        let tie = self.oracle.spot(fault.at.site, fault.at.id, fault.at.nth).word("tie");
        self.planned.push(Planned { fault, window });
        self.schedule(at, tie, Pending::Planned(self.planned.len() as u32 - 1));
    }

    fn plan_window(&mut self, window: usize, nth: u32, after: SimTime) {
        if let Some(fault) = self.oracle.opening(window, nth, after) {
            self.plan(fault, Some(window));
        }
    }

    /// The time of a planned fault has come. It strikes even if there is nothing left to hurt: a run and its
    /// replay from the list of its faults must not differ in what the clock brings.
    fn strike_planned(&mut self, index: u32) {
        let Planned { fault, window } = self.planned[index as usize];
        let victim = match fault.action {
            Action::CrashAt { node, .. } | Action::PauseAt { node, .. } => self.by_name.get(&node).copied(),
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

    fn join(&mut self, index: u32) {
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
            let ends = (self.by_name.get(&from), self.by_name.get(&to));
            if let (Some(&from_node), Some(&to_node)) = ends
                && (is_cut || !self.is_cut(from, to))
            {
                self.command(Command::Link { from: from_node, to: to_node, cut: is_cut });
            }
        }
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

    fn start(&mut self, index: NodeIndex, cause: Option<EventId>) {
        let node = self.node(index);
        node.up = true;
        let (name, incarnation) = (node.name, node.incarnation);
        let is_agent = matches!(node.role, Role::Agent(_));
        if is_agent {
            self.append(name, cause, What::Started { incarnation });
            self.command(Command::Boot(index));
        }
    }

    /// Writes down who is still waiting for whom.
    pub fn record_waiting(&mut self) {
        for index in (0..self.nodes.len() as u32).map(NodeIndex) {
            let name = self.name(index);
            for Expectation { about, on, why } in self.node(index).expectations.clone() {
                self.append(name, None, What::Waiting { on, why, about });
            }
        }
    }
}
