//! The madsim engine: processes run on madsim's executor and clock, so they can be real tokio code.
//!
//! Every process is a node of madsim. Its tasks and timers belong to madsim, and so do its datagrams;
//! messages, TCP connections, storage, faults and the history belong to the world, as on the other engine. A
//! task, the *pump*, connects the two: it processes the next event of the world when madsim's clock has
//! reached it.
//!
//! The world's commands (kill this node, pause that one) are carried out before and after each poll of a
//! process, not when the pump is polled: madsim picks a ready task at random, and a crashed node must do
//! nothing more.
//!
//! All random picks come from one generator, so a run and its replay must poll the same tasks in the same
//! order. The pump is therefore woken by timers at the times of events, and never because an event is
//! planned.
//!
//! madsim itself detects two ends of a run that the world cannot see, and panics: no event is left for any
//! task (the run is quiescent), or tasks that use only madsim's timers ran past the end of time.
//!
//! Tasks that processes start with tokio are polled by madsim alone. Their panics are findings, but their
//! polls are not counted: a task that spins without waiting never ends.
//!
//! Each run has its own thread, because the hash keys of std, which madsim makes repeatable, belong to a
//! thread.

use crate::core::{Core, nth_address};
use crate::engine;
use crate::node::{Command, LocalFuture, Role};
use crate::queue::NodeIndex;
use crate::{Domain, RunEnd, RunOutcome, SimSpan, SimTime, World, interrupt, net, panic_capture, unlogged};
use madsim::net::NetSim;
use madsim::runtime::{Handle, NodeHandle, Runtime};
use madsim::task::NodeId;
use madsim::time::{self, TimeHandle};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{PanicHookInfo, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;
use std::time::Duration;

/// How far past the time of a timer madsim's clock is when the timer rings.
const OVERSHOOT: Duration = Duration::from_nanos(50);

/// Builds a world on a thread of its own and runs it to its end; no outcome if the run was abandoned.
pub(crate) fn run<D: Domain>(build: impl FnOnce() -> World<D> + Send) -> Option<RunOutcome<D>>
where
    RunOutcome<D>: Send,
{
    let interrupt = interrupt::current();
    let simulate = || interrupt::inherit(interrupt, || simulate(build));
    thread::scope(|scope| scope.spawn(simulate).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

fn simulate<D: Domain>(build: impl FnOnce() -> World<D>) -> Option<RunOutcome<D>> {
    // The first runtime on a thread fixes std's hash keys, which must be fixed before the world's own code
    // runs.
    drop(Runtime::with_seed_and_config(0, madsim::Config::default()));
    let world = build();
    let (seed, until, config) = {
        let core = world.core.borrow();
        let mut config = madsim::Config::default();
        let latency = core.config.links.usual();
        config.net.send_latency =
            duration(*latency.start())..duration(*latency.end()) + Duration::from_nanos(1);
        (core.config.seed.0, core.config.limits.until, config)
    };
    // The second runtime warns that the hash keys are fixed already.
    let mut runtime = unlogged(|| Runtime::with_seed_and_config(seed, config));
    let handle = runtime.handle().clone();
    let sim = runtime.block_on(async { Rc::new(Sim::new(&world, handle)) });

    runtime.set_time_limit(duration(until.since(SimTime::ZERO)) + OVERSHOOT + Duration::from_nanos(1));
    let pump = Pump(Rc::clone(&sim));
    net::within(Rc::clone(&world.core) as _, || {
        if let Err(panic) = panic_capture::catch_with_hook(note_the_node, || runtime.block_on(pump)) {
            sim.broke_off(&panic, until);
        }
    });
    runtime.set_time_limit(Duration::MAX);
    runtime.block_on(sim.tear_down());
    drop((sim, runtime));
    world.into_outcome()
}

/// The world and madsim, side by side.
struct Sim<D: Domain> {
    core: Rc<RefCell<Core<D>>>,
    handle: Handle,
    net: Arc<NetSim>,
    time: TimeHandle,
    /// By the world's index; services have none.
    nodes: RefCell<Vec<Option<NodeHandle>>>,
    /// When the pump will be woken, latest first. madsim's timers cannot be cancelled.
    timers: RefCell<Vec<SimTime>>,
}

impl<D: Domain> Sim<D> {
    fn new(world: &World<D>, handle: Handle) -> Self {
        let net = NetSim::current();
        let mut processes = 0;
        let mut core = world.core.borrow_mut();
        let nodes = core.nodes().iter().map(|node| match node.role {
            Role::Service(_) => None,
            Role::Process(_) => {
                let ip = nth_address(processes).into();
                processes += 1;
                net.add_dns_record(node.name.as_str(), ip);
                Some(handle.create_node().name(node.name.as_str()).ip(ip).build())
            }
        });
        let nodes: Vec<Option<NodeHandle>> = nodes.collect();
        let known: Vec<_> = nodes.iter().map(|node| node.as_ref().map(NodeHandle::id)).collect();
        let of = move |id| known.iter().position(|known| *known == Some(id)).map(|nth| NodeIndex(nth as u32));
        core.whose_code = Some(Box::new(move || of(madsim::plugin::node())));
        let nodes = RefCell::new(nodes);
        let time = TimeHandle::current();
        let clock = time.clone();
        core.clock = Some(Box::new(move || now(&clock)));
        Self { core: Rc::clone(&world.core), handle, net, time, nodes, timers: RefCell::default() }
    }

    /// Runs simulated code, and carries out the world's commands before and after it.
    fn attend<T>(self: &Rc<Self>, work: impl FnOnce() -> T) -> T {
        let pump = self.core.borrow_mut().alarm.take();
        self.obey();
        let done = work();
        self.obey();
        let mut core = self.core.borrow_mut();
        if let Some(pump) = &pump {
            match core.next_at() {
                _ if core.end.is_some() => pump.wake_by_ref(),
                Some(at) => self.wake_at(at, pump),
                None => {}
            }
        }
        core.alarm = pump;
        done
    }

    /// Wakes the pump at a time, to the nanosecond; madsim's own sleeps take at least a millisecond.
    fn wake_at(&self, at: SimTime, pump: &Waker) {
        let mut timers = self.timers.borrow_mut();
        if timers.last().is_some_and(|earlier| *earlier <= at) {
            return;
        }
        let mut sleep = pin!(self.time.sleep(Duration::ZERO));
        sleep.as_mut().reset(self.time.now_instant() + duration(at.since(now(&self.time))));
        match sleep.poll(&mut TaskContext::from_waker(pump)) {
            Poll::Pending => timers.push(at),
            Poll::Ready(()) => pump.wake_by_ref(),
        }
    }

    /// Processes all events whose time has come.
    fn catch_up(self: &Rc<Self>) {
        let now = self.core.borrow_mut().now();
        while self.timers.borrow_mut().pop_if(|at| *at <= now).is_some() {}
        loop {
            let mut core = self.core.borrow_mut();
            let due = core.next_at().is_some_and(|at| at <= now);
            if !due || !core.advance() {
                return;
            }
            drop(core);
            self.obey();
        }
    }

    /// Carries out the commands of the world.
    fn obey(self: &Rc<Self>) {
        loop {
            let command = self.core.borrow_mut().commands.pop_front();
            match command {
                None => return,
                Some(Command::Boot(node)) => {
                    self.revive(node);
                    let incarnation = self.core.borrow_mut().node(node).incarnation;
                    if let Some(future) = engine::boot(&self.core, node) {
                        self.spawn(node, incarnation, engine::Task { incarnation, future, cause: None });
                    }
                }
                Some(Command::Spawn { node, incarnation, cause, future }) => {
                    if self.core.borrow_mut().node(node).is_alive(incarnation) {
                        self.spawn(node, incarnation, engine::Task { incarnation, future, cause });
                    }
                }
                Some(Command::Kill(node)) => self.handle.kill(self.id(node)),
                // A task of an ended incarnation ends when it is polled next.
                Some(Command::Retire { .. }) => {}
                Some(Command::Pause(node)) => self.handle.pause(self.id(node)),
                Some(Command::Resume(node)) => self.handle.resume(self.id(node)),
                Some(Command::Link { from, to, partitioned }) => self.link(from, to, partitioned),
            }
        }
    }

    fn revive(&self, node: NodeIndex) {
        let id = self.id(node);
        if self.handle.is_exit(id) {
            self.handle.restart(id);
            // The old handle would spawn into the old incarnation.
            self.nodes.borrow_mut()[node.0 as usize] = self.handle.get_node(id);
        }
    }

    fn spawn(self: &Rc<Self>, node: NodeIndex, incarnation: u32, code: engine::Task) {
        let task = Attended { sim: Rc::clone(self), node, incarnation, code };
        let task = LocalTask::new(Box::pin(task));
        let nodes = self.nodes.borrow();
        nodes[node.0 as usize].as_ref().expect("only processes have tasks").spawn(task);
    }

    fn link(&self, from: NodeIndex, to: NodeIndex, partitioned: bool) {
        let ends = {
            let nodes = self.nodes.borrow();
            let id = |node: NodeIndex| nodes[node.0 as usize].as_ref().map(NodeHandle::id);
            id(from).zip(id(to))
        };
        match ends {
            Some((from, to)) if partitioned => self.net.clog_link(from, to),
            Some((from, to)) => self.net.unclog_link(from, to),
            // Services have no madsim sockets.
            None => {}
        }
    }

    fn id(&self, node: NodeIndex) -> NodeId {
        self.nodes.borrow()[node.0 as usize].as_ref().expect("only processes run on madsim").id()
    }

    fn kill_all(&self) {
        for node in self.nodes.borrow().iter().flatten() {
            self.handle.kill(node.id());
        }
    }

    /// madsim panicked, or a task that the world does not manage.
    fn broke_off(&self, panic: &panic_capture::Panic, until: SimTime) {
        let mut core = self.core.borrow_mut();
        match BrokeOff::from(panic_capture::message(&**panic)) {
            BrokeOff::NothingLeft => core.stop_for(RunEnd::Quiescent),
            BrokeOff::TimeOver => core.run_out(until),
            BrokeOff::Panicked(message) => {
                let id = PANICKED.take();
                let nodes = self.nodes.borrow();
                let node = nodes.iter().position(|node| node.as_ref().map(NodeHandle::id) == id);
                let node = node.unwrap_or_else(|| panic!("the madsim engine broke: {message}"));
                core.panicked(NodeIndex(node as u32), message);
            }
        }
    }

    /// Drops all tasks, which would otherwise outlive the runtime: madsim drops a killed task at its next
    /// turn.
    async fn tear_down(&self) {
        {
            let mut core = self.core.borrow_mut();
            core.clock = None;
            core.whose_code = None;
            core.alarm = None;
        }
        self.kill_all();
        time::sleep(Duration::from_millis(1)).await;
    }
}

/// The task that processes the world's events.
struct Pump<D: Domain>(Rc<Sim<D>>);

impl<D: Domain> Future for Pump<D> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Self(sim) = &*self;
        sim.core.borrow_mut().alarm.get_or_insert_with(|| cx.waker().clone());
        sim.attend(|| sim.catch_up());
        if sim.core.borrow().end.is_none() {
            return Poll::Pending;
        }
        sim.kill_all();
        Poll::Ready(())
    }
}

/// A task of a process.
struct Attended<D: Domain> {
    sim: Rc<Sim<D>>,
    node: NodeIndex,
    incarnation: u32,
    code: engine::Task,
}

impl<D: Domain> Future for Attended<D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let Self { sim, node, incarnation, code } = &mut *self;
        sim.attend(|| {
            let (alive, paused, retired) = {
                let mut core = sim.core.borrow_mut();
                let node = core.node(*node);
                (node.is_alive(*incarnation), node.paused_until.is_some(), node.is_retired(*incarnation))
            };
            if retired {
                return Poll::Ready(());
            }
            // The commands just carried out may concern this node. madsim drops or parks the task at its next
            // turn.
            if alive && !paused {
                return engine::poll(&sim.core, *node, code, cx);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

thread_local! {
    static TASKS: RefCell<Vec<Option<LocalFuture>>> = const { RefCell::new(Vec::new()) };
    static PANICKED: Cell<Option<NodeId>> = const { Cell::new(None) };
}

/// A task kept in thread-local storage: madsim requires a node's tasks to be `Send`, but never sends them.
struct LocalTask(usize);

impl LocalTask {
    fn new(task: LocalFuture) -> Self {
        TASKS.with_borrow_mut(|tasks| {
            tasks.push(Some(task));
            Self(tasks.len() - 1)
        })
    }

    fn take(&self) -> Option<LocalFuture> {
        TASKS.with_borrow_mut(|tasks| tasks[self.0].take())
    }
}

impl Future for LocalTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut task = self.take().expect("a task is polled until it is done");
        let polled = task.as_mut().poll(cx);
        if polled.is_pending() {
            TASKS.with_borrow_mut(|tasks| tasks[self.0] = Some(task));
        }
        polled
    }
}

impl Drop for LocalTask {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Why madsim ended the run.
enum BrokeOff<'a> {
    NothingLeft,
    TimeOver,
    Panicked(&'a str),
}

impl<'a> From<&'a str> for BrokeOff<'a> {
    fn from(message: &'a str) -> Self {
        match message {
            "no events, all tasks will block forever" => Self::NothingLeft,
            _ if message.starts_with("time limit exceeded") => Self::TimeOver,
            _ => Self::Panicked(message),
        }
    }
}

/// Records the node of a panicking task that the world does not manage, such as one from `tokio::spawn`.
fn note_the_node(info: &PanicHookInfo<'_>) {
    let payload = info.payload_as_str().unwrap_or_default();
    if let BrokeOff::Panicked(_) = BrokeOff::from(payload) {
        PANICKED.set(Some(madsim::plugin::node()));
    }
}

fn now(time: &TimeHandle) -> SimTime {
    SimTime::from_nanos(time.elapsed().as_nanos() as u64)
}

fn duration(span: SimSpan) -> Duration {
    Duration::from_nanos(span.as_nanos())
}
