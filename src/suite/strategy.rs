//! Strategies: which seeds and plans a campaign tries next.
//!
//! A strategy names [`Trial`]s in batches; the campaign runs a batch on all cores and then tells the
//! strategy, in the order of the trials, what it wanted to learn from each. Nothing depends on which run was
//! over first, so a campaign comes to the same result on any number of threads. One of your own starts from
//! the faults of a scenario and a seed ([`OwnStrategy`]); those that come with perfidy are in
//! [`explore::strategy`](crate::explore::strategy).

use super::Outline;
use perfidy_sim::{Chaos, Fault, Plan, Seed};
use std::fmt;
use std::sync::Arc;

/// One run that a strategy wants.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Where its draws come from.
    pub seed: Seed,
    /// What goes wrong.
    pub plan: Plan,
    /// What the strategy wants to know of it.
    pub wants: WantedFeedback,
}

/// The feedback that a strategy wants from a trial. Other feedback is not computed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WantedFeedback {
    /// Nothing.
    Nothing,
    /// Whether every property held.
    Verdict,
    /// That, and which faults could have been injected.
    Chances,
    /// Whether every property held, and what the run did that is not among these, which are sorted. Only
    /// if there is something, also which faults could have been injected, though not all of them: there may
    /// be thousands.
    Coverage(Arc<Vec<u64>>),
}

/// The feedback of a run.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// Whether every property that the scenario asks for held, for certain.
    pub holds: bool,
    /// The injected faults.
    pub injected: Vec<Fault>,
    /// The single faults that could have been injected as well, all different.
    pub chances: Vec<Fault>,
    /// What the run did that was not known, without when and to whom; sorted.
    pub coverage: Vec<u64>,
    /// The run in outline, if the chances are wanted.
    pub(crate) outline: Option<Arc<Outline>>,
}

/// Decides what is tried next.
pub trait Strategy: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The next trials, at most `limit`; none when there is nothing left to try.
    fn next(&mut self, limit: usize) -> Vec<Trial>;

    /// The feedback of one of its trials, if it wants feedback. Called in the order of the trials, once a
    /// batch is over.
    fn learn(&mut self, trial: &Trial, feedback: &Feedback) {
        let _ = (trial, feedback);
    }

    /// Whether it tries plans of one seed, and not seeds. Then `within-seeds` of a case does not bound it,
    /// and what it does not break may take more faults than its plans have.
    fn tries_plans(&self) -> bool {
        false
    }

    /// Single faults that it left out, since it knows of the run that they would make no difference to what
    /// it looks for.
    fn left_out(&self) -> &[Fault] {
        &[]
    }

    /// What it has to say before it begins.
    fn opening(&self) -> Option<String> {
        None
    }

    /// What it has shown, once every trial is over.
    fn closing(&self) -> Option<String> {
        None
    }

    /// Why it ended before it had tried everything.
    fn gave_up(&self) -> Option<&str> {
        None
    }
}

/// What goes wrong with a seed.
pub(crate) type PlanOf = Box<dyn Fn(Seed) -> Plan + Send>;

/// A strategy that learns nothing: it takes seed after seed, and each has its plan.
pub(crate) struct BySeed {
    pub name: &'static str,
    pub next: Seed,
    pub plan_of: PlanOf,
}

impl Strategy for BySeed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn next(&mut self, limit: usize) -> Vec<Trial> {
        let trial = |_| {
            let seed = self.next;
            self.next = after(seed);
            Trial { seed, plan: (self.plan_of)(seed), wants: WantedFeedback::Nothing }
        };
        (0..limit).map(trial).collect()
    }
}

pub(crate) fn after(seed: Seed) -> Seed {
    Seed(seed.0.wrapping_add(1))
}

/// Starts a strategy from the faults of a scenario and the first seed.
type StartOwn = dyn Fn(&Arc<Chaos>, Seed) -> Box<dyn Strategy> + Send + Sync;

/// A strategy of your own.
///
/// ```
/// use perfidy::suite::{OwnStrategy, Suite};
/// use perfidy_sim::{Chance, Chaos, Plan, Seed};
/// use std::sync::Arc;
///
/// // Every fault is certain with every tenth seed.
/// let stormy = OwnStrategy::by_seed("stormy", "a storm with every tenth seed", |chaos, seed| {
///     let mut chaos = Chaos::clone(chaos);
///     if seed.0 % 10 == 0 {
///         chaos.rules.iter_mut().for_each(|rule| rule.chance = Chance::ALWAYS);
///     }
///     Plan::Fuzz(Arc::new(chaos))
/// });
/// let suite = Suite::shipped().strategy(stormy);
/// assert_eq!(suite.strategies()[0].name, "stormy");
/// ```
#[derive(Clone)]
pub struct OwnStrategy {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    start: Arc<StartOwn>,
}

impl fmt::Debug for OwnStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnStrategy").field(&self.name).finish()
    }
}

impl OwnStrategy {
    /// A strategy that is started with the faults of a scenario and the first seed.
    pub fn new<S: Strategy + 'static>(
        name: &'static str,
        about: &'static str,
        start: impl Fn(&Arc<Chaos>, Seed) -> S + Send + Sync + 'static,
    ) -> Self {
        let start =
            move |chaos: &Arc<Chaos>, first_seed| -> Box<dyn Strategy> { Box::new(start(chaos, first_seed)) };
        Self { name, about, start: Arc::new(start) }
    }

    /// A strategy that learns nothing: it takes seed after seed, and a function says the plan of each.
    pub fn by_seed(
        name: &'static str,
        about: &'static str,
        plan_of: impl Fn(&Arc<Chaos>, Seed) -> Plan + Send + Sync + 'static,
    ) -> Self {
        let plan_of = Arc::new(plan_of);
        Self::new(name, about, move |chaos, next| {
            let (plan_of, chaos) = (Arc::clone(&plan_of), Arc::clone(chaos));
            BySeed { name, next, plan_of: Box::new(move |seed| plan_of(&chaos, seed)) }
        })
    }

    /// The strategy for a scenario with these faults.
    pub(crate) fn start(&self, chaos: &Arc<Chaos>, first_seed: Seed) -> Box<dyn Strategy> {
        (self.start)(chaos, first_seed)
    }
}
