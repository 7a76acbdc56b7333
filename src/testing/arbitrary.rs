//! Runs as the input of tests by proptest: which scenario, which seed, which faults.
//!
//! A [`RunInput`] is drawn like any other input of a property test, and can be combined with others: a
//! prompt, an account, the number of agents. What breaks is shrunk by perfidy, whose draws are keyed by
//! identity, so that a fault can be taken away and all others stay; proptest then shrinks the other inputs. A
//! failure ends with the story and the saved file of the run.
//!
//! A run needs a scenario, so there is no `any::<RunInput>()`; [`runs_of`] is given the scenarios.
//!
//! ```
//! use perfidy::prelude::*;
//! use perfidy::testing::arbitrary::runs_of;
//! use proptest::prelude::*;
//!
//! fn helpdesk() -> std::sync::Arc<Scenario> {
//!     Scenario::of("conductor")
//!         .step("file-ticket", "ticketing.create")
//!         .tool("ticketing", json!({ "deduplicates": true }))
//!         .safeguard("idempotency-keys", true)
//!         .safeguard("tool-dedupe", true)
//!         .fault("ack-lost", json!({ "at": "ticketing", "chance": "5%" }))
//!         .build(&Suite::shipped())
//!         .unwrap()
//! }
//!
//! proptest! {
//!     #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]
//!
//!     // A test has #[test] here.
//!     fn tickets_are_filed_once(run in runs_of([helpdesk()])) {
//!         run.check()?;
//!     }
//! }
//! # tickets_are_filed_once();
//! ```

use super::judge::story_of_failure;
use crate::explore::strategy::{self, Bounds, Start};
use crate::explore::{Corpus, Run, ShrunkFailure, shrink};
use crate::properties::Verdict;
use crate::scenario::{Case, Scenario};
use perfidy_sim::{Engine, Plan, Seed};
use proptest::prelude::Rng;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{TestCaseError, TestRunner};
use std::fmt;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

/// The strategies of perfidy from which plans come: the chances of the scenario as they are, and varied.
const STRATEGIES: [&str; 2] = ["random", "swarm"];

/// What decides a run: a case, a seed, and the plan of its faults.
#[derive(Clone)]
pub struct RunInput {
    /// The case: a scenario as it is written, or what is left of it when it is shrunk.
    pub case: Case,
    /// The seed.
    pub seed: Seed,
    /// The faults.
    pub plan: Plan,
    corpus: PathBuf,
}

impl RunInput {
    /// Runs it, on the suite's usual engine.
    pub fn run(&self) -> Run {
        Run::planned(&self.case, self.engine(), self.seed, &self.plan)
    }

    fn engine(&self) -> Engine {
        self.case.scenario.suite.usual_engine()
    }

    /// Runs it, and checks every property of the suite but those that may break: the file waives them, asks
    /// for them in a share of runs, or says that they break without what the case takes away. What breaks is
    /// shrunk and saved.
    ///
    /// # Errors
    /// A failure with the whole story if a property breaks or cannot be judged.
    pub fn check(&self) -> Result<Run, TestCaseError> {
        let run = self.run();
        for (property, verdict) in &run.verdicts {
            match verdict {
                Verdict::Holds | Verdict::Vacuous => {}
                Verdict::Unknown { reason } => {
                    let why = format!("{self:?}: {property} could not be judged: {reason}");
                    return Err(TestCaseError::fail(why));
                }
                Verdict::Violated(_) if self.may_break(property) => {}
                Verdict::Violated(_) => {
                    let (faults, corpus) = (&run.outcome.injected, Corpus::new(&self.corpus));
                    let (story, not_saved) =
                        story_of_failure(&self.case, self.engine(), self.seed, property, faults, &corpus);
                    let not_saved = not_saved.map_or_else(String::new, |why| format!("\n  {why}\n"));
                    return Err(TestCaseError::fail(story + &not_saved));
                }
            }
        }
        Ok(run)
    }

    fn may_break(&self, property: &str) -> bool {
        let mut without = self.case.without().into_iter().flat_map(|without| &without.violates);
        self.case.scenario.may_break(property) || without.any(|broken| *broken == property)
    }

    /// The same failure, as small as it gets; `None` if no property breaks.
    fn shrunk(&self) -> Option<Self> {
        let run = self.run();
        let (property, _) = run.verdicts.iter().find(|(_, verdict)| verdict.is_violated())?;
        let ShrunkFailure { case, faults, .. } =
            shrink(&self.case, self.engine(), self.seed, property, &run.outcome.injected)?;
        Some(Self { case, plan: Plan::Explicit(faults.into()), ..self.clone() })
    }
}

/// For the minimal failing input of a test: what is needed to make the same run.
impl fmt::Debug for RunInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}, ", self.case, self.seed)?;
        match &self.plan {
            Plan::Fuzz(_) => f.write_str("faults by chance"),
            Plan::Explicit(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                f.debug_list().entries(faults).finish()
            }
        }
    }
}

/// Runs of these scenarios as they are written: one of them, any seed, and the faults that its chances
/// give, half of the time with some kinds of faults left out and others more likely (swarm testing).
///
/// # Panics
/// When the first is drawn, if there is no scenario.
pub fn runs_of(scenarios: impl IntoIterator<Item = Arc<Scenario>>) -> RunInputs {
    runs_of_cases(scenarios.into_iter().map(|scenario| Case::as_written(&scenario)))
}

/// The same for runs of these cases, also of some without a safeguard.
///
/// ```
/// use perfidy::prelude::*;
/// use perfidy::scenario::Case;
/// use perfidy::testing::arbitrary::runs_of_cases;
/// use proptest::prelude::*;
///
/// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
/// let scenario = Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).unwrap();
/// proptest!(ProptestConfig::with_cases(20), |(run in runs_of_cases(Case::all(&scenario)))| {
///     // Without a safeguard only what its `[[without]]` names may break.
///     run.check()?;
/// });
/// ```
///
/// # Panics
/// When the first is drawn, if there is no case.
pub fn runs_of_cases(cases: impl IntoIterator<Item = Case>) -> RunInputs {
    RunInputs { cases: cases.into_iter().collect(), corpus: None }
}

/// The runs of some cases; [`runs_of`] and [`runs_of_cases`] make them.
#[derive(Clone, Debug)]
pub struct RunInputs {
    cases: Arc<[Case]>,
    corpus: Option<PathBuf>,
}

impl RunInputs {
    /// With failures saved below this folder, in the place of `seeds/` of the crate.
    #[must_use]
    pub fn saving_to(self, folder: impl Into<PathBuf>) -> Self {
        Self { corpus: Some(folder.into()), ..self }
    }
}

impl Strategy for RunInputs {
    type Tree = RunInputTree;
    type Value = RunInput;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        if self.cases.is_empty() {
            return Err("there is no scenario to run".into());
        }
        let rng = runner.rng();
        let mut one_of = |count: usize| (rng.next_u64() % count as u64) as usize;
        let (case, strategy) = (&self.cases[one_of(self.cases.len())], STRATEGIES[one_of(STRATEGIES.len())]);
        let start = Start {
            case,
            engine: case.scenario.suite.usual_engine(),
            first_seed: Seed(rng.next_u64()),
            bounds: Bounds::default(),
        };
        let kind = strategy::find(strategy).expect("it is in the list of strategies");
        let mut strategy = (kind.start)(&start).map_err(|refused| refused.to_string())?;
        let trial = strategy.next(1).pop().ok_or("the strategy has nothing to try")?;
        let corpus = self.corpus.clone().unwrap_or_else(|| case.scenario.suite.folder("seeds"));
        let found = RunInput { case: case.clone(), seed: trial.seed, plan: trial.plan, corpus };
        Ok(RunInputTree { current: found, shrinking: Shrinking::Untried })
    }
}

/// A run on its way from how it was found to the smallest that fails.
#[derive(Debug)]
pub struct RunInputTree {
    current: RunInput,
    shrinking: Shrinking,
}

#[derive(Debug)]
enum Shrinking {
    Untried,
    /// The current run is small, and was this one before.
    Tried(Box<RunInput>),
    Over,
}

impl ValueTree for RunInputTree {
    type Value = RunInput;

    fn current(&self) -> RunInput {
        self.current.clone()
    }

    /// All the way at once: perfidy shrinks until nothing can go.
    fn simplify(&mut self) -> bool {
        let Shrinking::Untried = mem::replace(&mut self.shrinking, Shrinking::Over) else { return false };
        let Some(small) = self.current.shrunk() else { return false };
        self.shrinking = Shrinking::Tried(Box::new(mem::replace(&mut self.current, small)));
        true
    }

    /// The test wants something else of the run than the property that broke: it stays as it was.
    fn complicate(&mut self) -> bool {
        let Shrinking::Tried(before) = mem::replace(&mut self.shrinking, Shrinking::Over) else {
            return false;
        };
        self.current = *before;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;
    use proptest::test_runner::{Config, TestError};
    use serde_json::json;

    /// Tickets that are filed again when an acknowledgement is lost.
    fn careless() -> Arc<Scenario> {
        let scenario = Scenario::of("conductor")
            .about("A lost acknowledgement files the ticket twice.")
            .step("file-ticket", "ticketing.create")
            .tool("ticketing", json!({}))
            .fault("ack-lost", json!({ "at": "ticketing", "chance": "30%" }))
            .fault("delay", json!({ "chance": "5%", "by": "1s..5s" }));
        scenario.build(&Suite::shipped()).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn careful() -> Arc<Scenario> {
        let text = include_str!("../../scenarios/conductor/lost-ack.toml");
        Scenario::parse(&Suite::shipped(), "conductor/lost-ack", text)
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn runner() -> TestRunner {
        TestRunner::new(Config { cases: 50, failure_persistence: None, ..Config::default() })
    }

    #[test]
    fn a_scenario_that_holds_holds_in_every_run() {
        let inputs = runs_of([careful()]);
        runner().run(&inputs, |run| run.check().map(drop)).unwrap();
    }

    #[test]
    fn without_a_safeguard_what_its_case_names_may_break_and_nothing_else() {
        let cases = Case::all(&careful());
        assert!(cases.len() > 1);
        runner().run(&runs_of_cases(cases), |run| run.check().map(drop)).unwrap();
    }

    #[test]
    fn a_failure_is_handed_over_shrunk_told_and_saved() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = runs_of([careful(), careless()]).saving_to(folder.path());
        let failed = runner().run(&inputs, |run| run.check().map(drop));
        let Err(TestError::Fail(story, run)) = failed else { panic!("it holds") };
        let story = story.to_string();
        assert!(
            story.contains("no-duplicate-effects broke") && story.contains("One fault suffices"),
            "{story}"
        );
        let Plan::Explicit(faults) = &run.plan else { panic!("{run:?}") };
        assert_eq!(faults.len(), 1, "{run:?}");
        assert!(run.run().violation("no-duplicate-effects").is_some());
        let saved = Corpus::new(folder.path()).files().unwrap();
        assert_eq!(saved.len(), 1, "{saved:?}");
        assert!(story.contains(&saved[0].display().to_string()), "{story}");
    }

    #[test]
    fn a_run_that_fails_for_another_reason_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let inputs = runs_of([careless()]).saving_to(folder.path());
        // Two effects too many are none of the business of a property here, and are gone when it is shrunk.
        let failed = runner().run(&inputs, |run| match run.run().outcome.injected.len() {
            0..=3 => Ok(()),
            many => Err(TestCaseError::fail(format!("{many} faults"))),
        });
        let Err(TestError::Fail(_, run)) = failed else { panic!("it holds") };
        assert!(matches!(run.plan, Plan::Fuzz(_)) || run.run().outcome.injected.len() > 3, "{run:?}");
    }

    #[test]
    fn without_a_scenario_there_is_nothing_to_draw() {
        assert!(runs_of([]).new_tree(&mut runner()).is_err());
    }
}
