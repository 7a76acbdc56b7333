//! Building a world: its nodes, network, fault plan and limits.

use crate::core::{Core, Waits};
use crate::engine::Engine;
use crate::node::Role;
use crate::{
    Address, Boot, Context, Digest, Domain, DrawSite, Fault, History, Links, LocalFuture, Name, Pass, Plan,
    Renames, Rule, Seed, Service, SimSpan, SimTime, interrupt,
};
use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// The limits of a run. Each limit that is hit is a separate outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The virtual time at which a run ends at the latest.
    pub until: SimTime,
    /// How many events a history may have.
    pub events: u32,
    /// How often tasks may be polled without time passing and without an event in between.
    pub polls: u32,
    /// How many operations a task may do without a yield and without an event.
    pub operations: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            until: SimTime::ZERO + SimSpan::from_secs(3_600),
            events: 200_000,
            polls: 100_000,
            operations: 1_000_000,
        }
    }
}

/// The configuration of a world, apart from its nodes.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Where all draws come from.
    pub seed: Seed,
    /// The faults.
    pub plan: Plan,
    /// How long messages take.
    pub links: Links,
    /// How long it takes to make writes durable.
    pub sync_latency: RangeInclusive<SimSpan>,
    /// When to stop.
    pub limits: Limits,
    /// From current names of nodes and steps to previous ones, so that draws stay the same.
    pub previous_names: Option<Arc<Renames>>,
}

impl WorldConfig {
    /// A fault-free world in which messages take 1 to 10 ms and syncs 1 to 5 ms.
    pub fn fault_free(seed: Seed) -> Self {
        let ms = SimSpan::from_millis;
        Self {
            seed,
            plan: Plan::fault_free(),
            links: Links::uniform(ms(1)..=ms(10)),
            sync_latency: ms(1)..=ms(5),
            limits: Limits::default(),
            previous_names: None,
        }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnd {
    /// A node or service called for the end of the run.
    Finished,
    /// No event was left: all tasks wait.
    Quiescent,
    /// The virtual time was over.
    Deadline,
    /// The history grew past its bound.
    TooManyEvents,
    /// A node's code ran on without a wait.
    Spinning {
        /// Whose.
        node: Name,
    },
    /// A node's code panicked.
    Panicked {
        /// Whose.
        node: Name,
    },
}

/// What became of a pinned fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pinned {
    /// The fault.
    pub fault: Fault,
    /// Whether its place was reached in the run.
    pub reached: bool,
}

/// The results of a run.
#[derive(Clone)]
pub struct RunOutcome<D: Domain> {
    /// The events.
    pub history: History<D::AppEvent>,
    /// Why it ended.
    pub stop: RunEnd,
    /// When it ended.
    pub ended: SimTime,
    /// The injected faults, in order. As an explicit plan with the same seed they make the same run.
    pub injected: Vec<Fault>,
    /// The pinned faults of the plan.
    pub pinned: Vec<Pinned>,
    /// Every place in the order in which it was first reached, with the number of occurrences. Places at
    /// which the plan could inject no fault are left out.
    pub visited: Vec<Address>,
    /// The same of what came up before the time set by [`World::mark`]; empty if none was set.
    pub visited_early: Vec<Address>,
    /// Each occurrence of what came up before that time, in order.
    pub passes: Vec<Pass>,
    /// Which node has waited for what for at most how long, each once; empty if that was not [asked
    /// for](World::watch_waits).
    pub timeouts: Vec<(Name, Name, SimSpan)>,
    /// Which node has [declared](Context::declare_wait) that it waits for which other, and for what, each
    /// once; empty if that was not [asked for](World::watch_waits).
    pub declared_waits: Vec<(Name, Name, Name)>,
}

impl<D: Domain> RunOutcome<D> {
    /// The fingerprint of the history.
    pub fn digest(&self) -> Digest {
        self.history.digest()
    }
}

/// A world under construction.
///
/// ```
/// use perfidy_sim::{Domain, Engine, Name, Seed, RunEnd, World, WorldConfig};
///
/// struct Numbers;
/// impl Domain for Numbers {
///     type Payload = u64;
///     type AppEvent = u64;
///     type Author = ();
/// }
///
/// let outcome = Engine::Native.run(|| {
///     let mut world = World::<Numbers>::new(WorldConfig::fault_free(Seed(1)));
///     let [ping, pong, about] = ["ping", "pong", "ball"].map(Name::new);
///     world.process(ping, move |context| async move {
///         let answer = context.request(pong, ping, about, 20, perfidy_sim::SimSpan::from_secs(1)).await;
///         context.record_event((), answer.unwrap().payload);
///         context.finish_after(perfidy_sim::SimSpan::ZERO);
///     });
///     world.process(pong, move |context| async move {
///         let ball = context.receive().await;
///         context.reply(&ball, pong, ball.payload + 1);
///     });
///     world
/// });
/// assert_eq!(outcome.stop, RunEnd::Finished);
/// assert_eq!(outcome.history.app_events().map(|(_, note)| *note).collect::<Vec<_>>(), [21]);
/// ```
pub struct World<D: Domain> {
    pub(crate) core: Rc<RefCell<Core<D>>>,
}

impl<D: Domain> World<D> {
    /// A world without nodes.
    pub fn new(config: WorldConfig) -> Self {
        crate::stamp::clear();
        Self { core: Rc::new(RefCell::new(Core::new(config))) }
    }

    /// Adds a process: a node with code of its own, which runs from its beginning now and after every crash.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn process<F>(&mut self, name: Name, boot: impl Fn(Context<D>) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let boot: Boot<D> = Rc::new(move |context| Box::pin(boot(context)) as LocalFuture);
        self.core.borrow_mut().add(name, Role::Process(boot));
    }

    /// Has faults of the layer above alter messages: `alter` gets the word of the fault with its detail, the
    /// message, and the place where what it does is drawn, and gives another message, or `None` if it is the
    /// same with the fault as without.
    pub fn alter_messages(
        &mut self,
        alter: impl Fn((Name, Option<Name>), &D::Payload, DrawSite<'_>) -> Option<D::Payload> + 'static,
    ) {
        self.core.borrow_mut().alter = Some(Box::new(alter));
    }

    /// Has the outcome say which places came up before a time, apart from all that came up.
    pub fn mark(&mut self, at: SimTime) {
        self.core.borrow_mut().injector.mark(at);
    }

    /// Makes the outcome also list the places that these rules concern, although the rules are not part of
    /// the plan and have no effect.
    pub fn notice(&mut self, rules: &[Rule]) {
        self.core.borrow_mut().notice(rules);
    }

    /// Has the outcome say which timeouts the nodes' code sets, and which waits it declares.
    pub fn watch_waits(&mut self) {
        self.core.borrow_mut().waits = Some(Waits::default());
    }

    /// Adds a service.
    ///
    /// # Panics
    /// If the name is taken.
    pub fn service(&mut self, name: Name, service: impl Service<D> + 'static) {
        self.core.borrow_mut().add(name, Role::Service(Some(Box::new(service))));
    }

    /// Whether there is a node of this name.
    pub fn has(&self, name: Name) -> bool {
        self.core.borrow().index_of(name).is_some()
    }

    /// The outcome, once an engine has run the world to its end and dropped every task; none for an abandoned
    /// run.
    pub(crate) fn into_outcome(self) -> Option<RunOutcome<D>> {
        // A task that was never started may hold a reference to the world: a reference cycle.
        while let Some(never_run) = { self.core.borrow_mut().commands.pop_front() } {
            drop(never_run);
        }
        let outcome = self.core.borrow_mut().outcome();
        crate::stamp::clear();
        if let Ok(core) = Rc::try_unwrap(self.core) {
            core.into_inner().leave();
        }
        outcome
    }
}

impl Engine {
    /// Builds a world and runs it to its end. [Within](crate::Interrupt::within) an interrupt that is set,
    /// the call unwinds instead of returning.
    ///
    /// # Panics
    /// If the engine is not compiled in; ask [`Engine::available`] first.
    pub fn run<D: Domain>(self, build: impl FnOnce() -> World<D> + Send) -> RunOutcome<D>
    where
        RunOutcome<D>: Send,
    {
        let outcome = match self {
            Self::Native => crate::engine::native::run(build(), None),
            Self::Madsim => crate::engine::run_madsim(build),
        };
        outcome.unwrap_or_else(|| interrupt::abandon())
    }
}
