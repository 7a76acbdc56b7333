//! The state of a world, and the only code that changes it.
//!
//! Engines call [`Core::advance`] to process the next event, and carry out the commands it leaves. Contexts
//! and services call the other methods. Every event is appended to the history here and nowhere else.

mod degradations;
mod faults;
mod links;
mod messages;
mod sockets;

use crate::context::NeverYields;
use crate::injector::{FaultInjector, Record, TIE, Table};
use crate::network::{Partition, SlowLink};
use crate::node::{Command, DeclaredWait, Node, NodeState, Role};
use crate::queue::{NodeIndex, Pending, Queue, TimerKey};
use crate::slab::Slab;
use crate::step::Crashed;
use crate::{
    Activity, Disk, Domain, DrawSite, EventId, EventKind, History, Hook, IncomingMessage, Interrupt, Name,
    Pinned, Rule, RunEnd, RunOutcome, SimSpan, SimTime, WorldConfig, activity, interrupt, panic_capture,
    pool, stamp,
};
use degradations::Degraded;
pub(crate) use degradations::Health;
use faults::Planned;
pub(crate) use faults::journal;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use sockets::Sockets;
pub(crate) use sockets::{EndId, ListenerId, SocketTimer, Transport, WORLD, nth_address};
use std::collections::{BTreeSet, VecDeque};
use std::task::Waker;

/// What a fault of the layer above, with its detail, makes of a message, if that is another one.
type Alter<D> =
    dyn Fn((Name, Option<Name>), &<D as Domain>::Payload, DrawSite<'_>) -> Option<<D as Domain>::Payload>;

pub(crate) struct Core<D: Domain> {
    pub config: WorldConfig,
    now: SimTime,
    /// The clock of an engine that keeps time itself.
    pub clock: Option<Box<dyn Fn() -> SimTime>>,
    /// The waker to call when something is scheduled or commanded while the engine is idle.
    pub alarm: Option<Waker>,
    pub queue: Queue,
    pub injector: FaultInjector,
    pub history: History<D::AppEvent>,
    nodes: Vec<Node<D>>,
    /// Whose code runs, on an engine that has tasks which the world does not manage.
    pub whose_code: Option<Box<dyn Fn() -> Option<NodeIndex>>>,
    sockets: Box<Sockets>,
    by_name: HashMap<Name, NodeIndex, FxBuildHasher>,
    messages: Slab<IncomingMessage<D::Payload>>,
    partitions: Vec<Partition>,
    /// The open partitions, by number.
    open_partitions: Vec<u32>,
    slow_links: Vec<SlowLink>,
    open_slow_links: Vec<u32>,
    degraded: Vec<Degraded>,
    /// Whether any node was ever degraded.
    any_ailing: bool,
    /// The node that a service has marked last.
    pub marked: Option<Name>,
    /// What faults of the layer above make of a message.
    pub alter: Option<Box<Alter<D>>>,
    planned: Vec<Planned>,
    pub commands: VecDeque<Command>,
    /// Reusable state that nodes of earlier runs left for the nodes still to be added.
    local_state: Vec<NodeState<D::Payload>>,
    finish_at: Option<SimTime>,
    pub end: Option<End>,
    /// Set from outside when the run is to be abandoned.
    interrupt: Option<Interrupt>,
    /// Where the node whose code runs is shown to other threads.
    activity: Option<Activity>,
    /// While a task managed by the world is polled: that task.
    pub running: Option<Running>,
    /// How many operations the running code may still do without yielding.
    allowance: u32,
    /// How often tasks were polled since time last passed or the history last grew, and the time and length
    /// at that point.
    polls: u32,
    polls_since: SimTime,
    polls_since_events: usize,
    silent: [bool; Hook::ALL.len()],
    /// What the nodes have waited for, if that is asked for.
    pub waits: Option<Waits>,
}

/// What the nodes of a run have waited for.
#[derive(Default)]
pub(crate) struct Waits {
    /// Which node, for what, and for at most how long.
    pub timeouts: BTreeSet<(Name, Name, SimSpan)>,
    /// Which node has declared that it waits for which other, and for what.
    pub declared: BTreeSet<(Name, Name, Name)>,
}

/// The task that runs.
#[derive(Clone, Copy)]
pub(crate) struct Running {
    /// The incarnation of the node that it belongs to.
    pub of: (NodeIndex, u32),
    /// The last event that happened to it: the cause of its next action.
    pub cause: Option<EventId>,
}

/// How a run came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// By itself.
    Of(RunEnd),
    /// From outside; the run has no outcome.
    Abandoned,
}

/// The containers of a core, empty, for the next run on the same thread.
struct Buffers<D: Domain> {
    queue: Queue,
    table: Box<Table>,
    nodes: Vec<Node<D>>,
    by_name: HashMap<Name, NodeIndex, FxBuildHasher>,
    messages: Slab<IncomingMessage<D::Payload>>,
    commands: VecDeque<Command>,
    local_state: Vec<NodeState<D::Payload>>,
}

impl<D: Domain> Default for Buffers<D> {
    fn default() -> Self {
        Self {
            queue: Queue::default(),
            table: Box::default(),
            nodes: Vec::new(),
            by_name: HashMap::default(),
            messages: Slab::default(),
            commands: VecDeque::new(),
            local_state: Vec::new(),
        }
    }
}

impl<D: Domain> Core<D> {
    pub fn new(config: WorldConfig) -> Self {
        let Buffers { queue, table, nodes, by_name, messages, commands, local_state } = pool::take();
        let injector = FaultInjector::new(&config, table);
        let silent = Hook::ALL.map(|hook| injector.is_silent(hook));
        let mut core = Self {
            now: SimTime::ZERO,
            clock: None,
            alarm: None,
            queue,
            injector,
            history: History::default(),
            nodes,
            whose_code: None,
            sockets: Box::default(),
            by_name,
            messages,
            partitions: Vec::new(),
            open_partitions: Vec::new(),
            slow_links: Vec::new(),
            open_slow_links: Vec::new(),
            degraded: Vec::new(),
            any_ailing: false,
            marked: None,
            alter: None,
            planned: Vec::new(),
            commands,
            local_state,
            finish_at: None,
            end: None,
            interrupt: interrupt::current(),
            activity: activity::current(),
            running: None,
            allowance: u32::MAX,
            polls: 0,
            polls_since: SimTime::ZERO,
            polls_since_events: 0,
            silent,
            waits: None,
            config,
        };
        for fault in core.config.plan.clone().pinned() {
            if fault.action.moment().is_some() {
                core.plan(*fault, None);
            }
        }
        for window in 0..core.injector.windows() {
            core.plan_window(window, 1, SimTime::ZERO);
        }
        core
    }

    /// Passes the containers to the next run. Their contents are dropped.
    pub fn leave(mut self) {
        let mut local_state = self.local_state;
        local_state.extend(self.nodes.drain(..).map(Node::leave));
        self.queue.clear();
        self.by_name.clear();
        self.messages.clear();
        self.commands.clear();
        pool::give(Buffers::<D> {
            queue: self.queue,
            table: self.injector.into_table(),
            nodes: self.nodes,
            by_name: self.by_name,
            messages: self.messages,
            commands: self.commands,
            local_state,
        });
    }

    /// Also counts the places that these rules concern.
    pub fn notice(&mut self, rules: &[Rule]) {
        self.injector.notice(rules);
        self.silent = Hook::ALL.map(|hook| self.injector.is_silent(hook));
        for node in &mut self.nodes {
            node.class = self.injector.class_of(node.name);
        }
    }

    pub fn now(&mut self) -> SimTime {
        if let Some(clock) = &self.clock {
            self.now = self.now.max(clock());
        }
        self.now
    }

    pub fn add(&mut self, name: Name, role: Role<D>) -> NodeIndex {
        let index = NodeIndex(self.nodes.len() as u32);
        let tie = self.injector.draw_site(name, name, 0).bits(TIE);
        let earlier = self.by_name.insert(name, index);
        assert!(earlier.is_none(), "two nodes are called {name}");
        let class = self.injector.class_of(name);
        let local_state = self.local_state.pop().unwrap_or_default();
        self.nodes.push(Node::new(name, role, tie, class, local_state));
        self.start(index, None);
        index
    }

    pub fn node(&mut self, index: NodeIndex) -> &mut Node<D> {
        &mut self.nodes[index.0 as usize]
    }

    pub fn index_of(&self, name: Name) -> Option<NodeIndex> {
        self.by_name.get(&name).copied()
    }

    pub fn name(&self, index: NodeIndex) -> Name {
        self.nodes[index.0 as usize].name
    }

    /// A node's name and its current incarnation, the younger if there are two.
    pub fn author(&self, index: NodeIndex) -> (Name, u32) {
        let Node { name, incarnation, .. } = self.nodes[index.0 as usize];
        (name, incarnation)
    }

    /// All nodes in the order in which they were added.
    #[cfg(madsim)]
    pub fn nodes(&self) -> &[Node<D>] {
        &self.nodes
    }

    pub fn disk(&mut self, index: NodeIndex) -> &mut Disk<D::Payload> {
        self.node(index).disk()
    }

    /// Appends an event of an incarnation of a node.
    pub fn append(
        &mut self,
        node: (Name, u32),
        cause: Option<EventId>,
        what: EventKind<D::AppEvent>,
    ) -> EventId {
        let now = self.now();
        if self.history.len() >= self.config.limits.events as usize {
            self.stop_for(RunEnd::TooManyEvents);
        }
        // Code that produces events is limited by the bound on events instead.
        if self.allowance < u32::MAX && self.end.is_none() {
            self.allowance = self.full_allowance();
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

    /// Whether the engine carries sockets beside the messages of the world. Such an engine keeps time itself.
    fn carries_sockets(&self) -> bool {
        self.clock.is_some()
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

    /// Ends the run, unless it has ended already. Code that is running stops at its next operation.
    pub fn stop_for(&mut self, stop: RunEnd) {
        self.end.get_or_insert(End::Of(stop));
        if self.allowance < u32::MAX {
            self.allowance = 0;
        }
        self.ring_alarm();
    }

    /// When the run ends at the latest.
    fn ends_at(&self) -> SimTime {
        self.finish_at.unwrap_or(SimTime::MAX).min(self.config.limits.until)
    }

    /// Ends the run because its time is over.
    #[cfg(madsim)]
    pub fn run_out(&mut self, until: SimTime) {
        self.now = self.now.max(until);
        self.stop_for(RunEnd::Deadline);
    }

    /// When [`Core::advance`] must be called next; never, if nothing is scheduled.
    #[cfg(madsim)]
    pub fn next_at(&mut self) -> Option<SimTime> {
        let next = self.queue.peek().or(self.finish_at)?;
        Some(next.min(self.ends_at()))
    }

    /// What time it is, and the time of the next event or of the end of the run; nothing if it has ended.
    pub fn time_of_next(&mut self) -> Option<(SimTime, SimTime)> {
        let next = self.queue.peek().unwrap_or(SimTime::MAX).min(self.ends_at());
        self.end.is_none().then_some((self.now, next))
    }

    /// Lets time pass until then, without an event.
    ///
    /// # Panics
    /// If that is before the time of the run or after the next event.
    pub fn elapse(&mut self, at: SimTime) {
        let next = self.queue.peek().unwrap_or(SimTime::MAX);
        assert!(self.now <= at && at <= next, "time passes from {} until {at}, before {next}", self.now);
        self.now = at;
        stamp::set_node(at, None);
    }

    /// Processes the next event; false when the run is over.
    pub fn advance(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        if self.interrupt.as_ref().is_some_and(Interrupt::is_set) {
            self.end = Some(End::Abandoned);
            return false;
        }
        let next = self.queue.peek();
        let end = self.ends_at();
        if next.is_none_or(|next| next > end) {
            self.stop_for(match next {
                _ if self.finish_at.is_some_and(|at| at == end) => RunEnd::Finished,
                None => RunEnd::Quiescent,
                Some(_) => RunEnd::Deadline,
            });
            if self.end != Some(End::Of(RunEnd::Quiescent)) {
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

    // Running code.

    /// A task of the node is about to be polled; false if it must not be.
    pub fn begin_poll(&mut self, index: NodeIndex) -> bool {
        if self.end.is_some() {
            return false;
        }
        let now = self.now();
        self.polls += 1;
        if self.polls > self.config.limits.polls {
            // The clock of a madsim engine advances a little with every poll, so a check that time stands
            // still fails there.
            if now.since(self.polls_since) < SimSpan::from_micros(u64::from(self.polls)) {
                let node = self.name(index);
                self.stop_for(RunEnd::Spinning { node });
                return false;
            }
            self.count_polls_anew();
        }
        self.begin_code(index);
        true
    }

    /// Resets the count of polls if time passed or the history grew. A timer that rings at once does not
    /// count.
    pub fn count_polls_anew(&mut self) {
        let (now, events) = (self.now, self.history.len());
        if now > self.polls_since || events > self.polls_since_events {
            (self.polls, self.polls_since, self.polls_since_events) = (0, now, events);
        }
    }

    /// Code of the node is about to run.
    pub fn begin_code(&mut self, index: NodeIndex) {
        self.allowance = self.full_allowance();
        stamp::set_node(self.now, Some(self.name(index)));
        if let Some(activity) = &self.activity {
            activity.set_node(Some(self.name(index)));
        }
    }

    /// Whether the running code is supervised by the engine: its panics are then findings of the run.
    pub fn is_supervised(&self) -> bool {
        self.allowance < u32::MAX
    }

    fn full_allowance(&self) -> u32 {
        self.config.limits.operations.min(u32::MAX - 1)
    }

    /// The code of the node now waits, or has panicked.
    pub fn end_code(&mut self, index: NodeIndex, panic: Option<&panic_capture::Panic>) {
        self.allowance = u32::MAX;
        if let Some(activity) = &self.activity {
            activity.set_node(None);
        }
        let Some(panic) = panic else { return };
        let node = self.name(index);
        if panic.is::<NeverYields>() {
            self.stop_for(RunEnd::Spinning { node });
        } else if !panic.is::<Crashed>() {
            self.panicked(index, panic_capture::message(&**panic));
        }
    }

    /// The node's code panicked: the run ends with that finding.
    pub fn panicked(&mut self, index: NodeIndex, message: &str) {
        let (node, incarnation) = self.author(index);
        self.append((node, incarnation), None, EventKind::Panicked { message: message.into() });
        self.stop_for(RunEnd::Panicked { node });
    }

    /// Counts an operation of the running code, which ends here if it has had too many.
    #[inline]
    pub fn operate(&mut self) {
        match self.allowance {
            u32::MAX => {}
            0 => stop_code_that_never_yields(),
            left => self.allowance = left - 1,
        }
    }

    fn apply(&mut self, what: Pending) {
        match what {
            Pending::Deliver(slot) => self.arrive(slot),
            Pending::Admit(slot) => self.deliver(slot),
            Pending::Timer(key) => self.queue.ring(key),
            Pending::Callback { service, token, cause } => {
                self.serve(service, cause, |service, context| service.on_timer(context, token));
            }
            Pending::Restart { node, incarnation } => {
                let node_now = self.node(node);
                if !node_now.up && node_now.incarnation == incarnation {
                    node_now.incarnation += 1;
                    self.look_back(node);
                    self.start(node, None);
                }
            }
            Pending::Resume { node, pauses } => self.resume(node, pauses),
            Pending::Planned(index) => self.inject_planned(index),
            Pending::PartitionEnds(index) => self.heal(index),
            Pending::FlapTurns { partition, ends } => self.turn(partition, ends),
            Pending::SlowLinkEnds(index) => self.slow_link_ends(index),
            Pending::Recovers(index) => self.recovers(index),
            Pending::Socket(timer) => self.socket_timer(timer),
        }
    }

    fn start(&mut self, index: NodeIndex, cause: Option<EventId>) {
        let node = self.node(index);
        node.up = true;
        let (name, incarnation) = (node.name, node.incarnation);
        let is_process = matches!(node.role, Role::Process(_));
        if is_process {
            self.append((name, incarnation), cause, EventKind::Started { incarnation });
            self.command(Command::Boot(index));
        }
    }

    /// Records which nodes still wait for which others.
    fn record_waiting(&mut self) {
        for index in (0..self.nodes.len() as u32).map(NodeIndex) {
            let author = self.author(index);
            for DeclaredWait { about, on, why } in self.node(index).declared_waits() {
                self.append(author, None, EventKind::Waiting { on, why, about });
            }
        }
    }

    /// Ends the history and returns the outcome, unless the run was abandoned.
    pub fn outcome(&mut self) -> Option<RunOutcome<D>> {
        let stop = match self.end.expect("an engine runs until the world stops") {
            End::Of(stop) => stop,
            End::Abandoned => return None,
        };
        self.record_waiting();
        self.append((Name::literal("world"), 0), None, EventKind::Ended(stop));
        let ended = self.now();
        let Record { injected, reached, visited, visited_early, passes } = self.injector.take_record();
        let faults = self.config.plan.pinned().iter();
        let pinned = faults.zip(reached).map(|(fault, reached)| Pinned { fault: *fault, reached }).collect();
        let history = std::mem::take(&mut self.history);
        let Waits { timeouts, declared } = self.waits.take().unwrap_or_default();
        let (timeouts, declared_waits) = (timeouts.into_iter().collect(), declared.into_iter().collect());
        Some(RunOutcome {
            history,
            stop,
            ended,
            injected,
            pinned,
            visited,
            visited_early,
            passes,
            timeouts,
            declared_waits,
        })
    }
}

#[cold]
fn stop_code_that_never_yields() {
    // A destructor may not panic while its task is already coming apart.
    if !std::thread::panicking() {
        std::panic::panic_any(NeverYields);
    }
}
