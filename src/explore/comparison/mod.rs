//! Comparison: two designs over the same seeds.
//!
//! Two scenario files describe two designs of a team: other safeguards, more agents, another workflow. Both
//! are run as written, by the chances of their own files, over the same seeds, and what came of it is
//! compared [measure by measure](Measure): tasks done, duplicate effects, time, messages, requests to tools,
//! calls of models, tokens. Random decisions are keyed by identity, so with the same faults in both files a
//! seed means the same faults at the same places, and what one seed does to both designs is no difference
//! between them.

mod measures;
mod paired;

pub use measures::Measures;
pub use paired::{Estimate, Measure, RESAMPLES, Unit};

use crate::explore::{Campaign, Run};
use crate::scenario::{Case, Scenario};
use perfidy_sim::{Abandoned, Engine, Seed};
use rayon::prelude::*;
use std::sync::Arc;

/// What two designs came to over the same seeds.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The designs.
    pub designs: [Arc<Scenario>; 2],
    /// The engine.
    pub engine: Engine,
    /// The first seed; the others follow it.
    pub first_seed: Seed,
    /// What came of each run, seed by seed.
    pub runs: [Vec<Measures>; 2],
    /// Every measure.
    pub estimates: Vec<Estimate>,
}

/// The tables of a file that say what a team has to do and what happens to it. Designs are compared with the
/// same in them.
const WORLD: &[&str] = &["fault", "faults", "model", "network", "step", "tasks"];

impl Comparison {
    /// Runs both designs over the seeds of a campaign. The result is the same for any number of threads.
    ///
    /// ```
    /// use perfidy::explore::{Campaign, Collect, Comparison, Measure, Watchdog};
    /// use perfidy::prelude::*;
    /// use perfidy::sim::Interrupt;
    ///
    /// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
    /// let fewer = text.replace("attempts = 4", "attempts = 1");
    /// let design = |name, text| Scenario::parse(&Suite::shipped(), name, text).unwrap();
    /// let designs = [design("own/four-attempts", &text), design("own/one-attempt", &fewer)];
    /// let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    /// let (engine, first_seed) = (Engine::Native, Seed(0));
    /// let campaign = Campaign { engine, first_seed, seeds: 50, collect: Collect::NONE, interrupted, watchdog };
    /// let comparison = Comparison::of(&designs, &campaign).unwrap();
    /// let done = comparison.estimate(Measure::Done);
    /// assert!(done.difference.unwrap() <= 0, "with one attempt no more tasks are done");
    /// ```
    ///
    /// # Errors
    /// [`Abandoned`] if the campaign was interrupted.
    pub fn of(designs: &[Arc<Scenario>; 2], campaign: &Campaign<'_>) -> Result<Self, Abandoned> {
        let Campaign { engine, first_seed, seeds, interrupted, watchdog, .. } = *campaign;
        let measured = |scenario: &Arc<Scenario>| -> Result<Vec<Measures>, Abandoned> {
            let case = Case::as_written(scenario);
            let run = |index: u64| {
                let seed = Seed(first_seed.0.wrapping_add(index));
                let run = || watchdog.watch(&case, seed, || Run::fuzzed(&case, engine, seed));
                interrupted.within(run).map(|run| Measures::of(&case, &run))
            };
            (0..seeds).into_par_iter().map(run).collect()
        };
        let runs = [measured(&designs[0])?, measured(&designs[1])?];
        let estimates = paired::compare([&runs[0], &runs[1]], first_seed);
        Ok(Self { designs: designs.clone(), engine, first_seed, runs, estimates })
    }

    /// A measure of both.
    ///
    /// # Panics
    /// Never: every measure is there.
    pub fn estimate(&self, measure: Measure) -> &Estimate {
        self.estimates.iter().find(|estimate| estimate.measure == measure).expect("every measure is there")
    }

    /// The tables of the files that are different and that say what the teams have to do, or what happens to
    /// them: then a difference is not of the designs alone.
    ///
    /// # Panics
    /// Never: the text of a scenario was parsed before.
    pub fn different_world(&self) -> Vec<&'static str> {
        let [a, b]: [toml::Table; 2] =
            self.designs.each_ref().map(|design| design.text.parse().expect("it was read before"));
        WORLD.iter().copied().filter(|table| a.get(*table) != b.get(*table)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Collect, Watchdog};
    use crate::suite::Suite;
    use perfidy_sim::Interrupt;

    fn compare(files: [&str; 2], seeds: u64, threads: usize) -> Comparison {
        let read = |name: &str| {
            let text = std::fs::read_to_string(format!("scenarios/{name}.toml")).unwrap();
            Scenario::parse(&Suite::shipped(), name, &text).unwrap_or_else(|bad| panic!("{bad}"))
        };
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: Seed(7),
            seeds,
            collect: Collect::NONE,
            interrupted: &Interrupt::default(),
            watchdog: &Watchdog::new(),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Comparison::of(&files.map(read), &campaign)).unwrap()
    }

    #[test]
    fn a_file_compared_with_itself_has_no_difference() {
        for file in ["conductor/lost-ack", "tool-loop/all-faults"] {
            let comparison = compare([file, file], 20, 2);
            assert!(comparison.different_world().is_empty());
            for estimate in &comparison.estimates {
                assert_eq!(estimate.difference, Some(0), "{estimate:?}");
                assert_eq!(estimate.interval, Some((0, 0)), "{estimate:?}");
            }
        }
    }

    #[test]
    fn a_comparison_is_the_same_on_any_number_of_threads() {
        let files = ["conductor/lost-ack", "peers/all-faults"];
        let [one, four] = [1, 4].map(|threads| compare(files, 30, threads));
        assert_eq!((one.runs, one.estimates), (four.runs, four.estimates));
    }
}
