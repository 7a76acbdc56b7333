//! What becomes of a finding: it is made small, saved and told.
//!
//! What takes long to make small is saved as it was found first, so that it is not lost with the process;
//! once it is small that file goes. If shrinking is ended early, what there is by then is saved.

use super::ending::Ending;
use super::stopwatch::Stopwatch;
use crate::explore::{Corpus, Effort, Finding, Run, Saved, SavedSeed, ShrunkFailure, shrink_within};
use crate::inert::{self, Styled};
use crate::report::{FindingStory, Story};
use crate::scenario::Case;
use perfidy_sim::{Engine, Plan, Seed};
use std::cell::OnceCell;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// A run of so many events takes long to make small.
const LONG_RUN: u64 = 2_000;

/// What is not small after this time is saved as it was found.
const SOON: Duration = Duration::from_millis(200);

/// A finding, made as small as there was time for.
pub struct ShrunkFinding {
    /// What is saved of it.
    pub saved: SavedSeed,
    /// Where it was saved as it was found, if it was.
    pub as_found: Option<Saved>,
    /// Whether shrinking was ended from outside.
    pub is_cut: bool,
    minimal: Option<ShrunkFailure>,
}

/// Where the finding came up, and where it goes if it takes long.
pub struct Found<'a> {
    pub case: &'a Case,
    pub engine: Engine,
    pub corpus: Option<&'a Corpus>,
}

impl Found<'_> {
    /// Makes a finding small; or says that it cannot be had again.
    pub fn shrink_finding(&self, finding: &Finding, ending: &Ending) -> Result<ShrunkFinding, String> {
        let Self { case, engine, corpus } = *self;
        let Finding { property, seed, ref faults, .. } = *finding;
        let (stopwatch, as_found) = (Stopwatch::start(), OnceCell::new());
        let save_if_it_takes_long = |is_long: bool| {
            if is_long {
                // What cannot be saved now is complained of when it is small, or shown whole.
                let save =
                    |corpus: &Corpus| corpus.save_at_once(&SavedSeed::as_found(case, engine, finding)).ok();
                as_found.get_or_init(|| corpus.and_then(save));
            }
        };
        save_if_it_takes_long(finding.events >= LONG_RUN);
        let shrunk = ending.shrinking.within(|| {
            ending.watchdog.watch_each(case, seed, |next| {
                let is_over = || {
                    next();
                    save_if_it_takes_long(stopwatch.elapsed() >= SOON);
                    ending.shrinking.is_set()
                };
                let effort = Effort { is_over: &is_over, ..Effort::default() };
                shrink_within(effort, case, engine, seed, property, faults)
            })
        });
        let as_found = as_found.into_inner().flatten();
        let Ok(shrunk) = shrunk else {
            let saved = SavedSeed::as_found(case, engine, finding);
            return Ok(ShrunkFinding { saved, as_found, is_cut: true, minimal: None });
        };
        let minimal = shrunk.ok_or_else(|| {
            if let Some(as_found) = &as_found {
                Corpus::withdraw(as_found.path(), property, seed);
            }
            format!(
                "{case}, seed {seed}: {property} does not break when the injected faults are replayed. Something \
                 in these agents depends on more than the seed; `{} audit` shows where.",
                case.scenario.suite.command()
            )
        })?;
        let saved = SavedSeed::new(engine, seed, property, &minimal);
        let is_cut = !minimal.is_finished && ending.shrinking.is_set();
        Ok(ShrunkFinding { saved, as_found, is_cut, minimal: Some(minimal) })
    }
}

impl Found<'_> {
    /// What a record says of a finding that is not made small: the run as it was found.
    pub fn record_as_found(&self, finding: &Finding, again: String) -> FindingStory {
        let Self { case, engine, .. } = *self;
        let saved = SavedSeed::as_found(case, engine, finding);
        let plan = Plan::Explicit(finding.faults.as_slice().into());
        let watchdog = case.scenario.suite.watchdog();
        let run = watchdog.watch(case, finding.seed, || Run::planned(case, engine, finding.seed, &plan));
        let story = Story::new(case, &saved, &run, None).map(|story| story.events()).unwrap_or_default();
        FindingStory { saved, story, file: None, again }
    }
}

impl Found<'_> {
    /// How a command has a finding again: by the run of its seed, or by those before it too where what a
    /// strategy tries next depends on them.
    pub fn search_again(&self, finding: &Finding, strategy: &'static str, first_seed: Seed) -> SearchOptions {
        let Self { case, engine, .. } = *self;
        let random = case
            .scenario
            .suite
            .watchdog()
            .watch(case, finding.seed, || Run::fuzzed(case, engine, finding.seed));
        let usual = case.scenario.suite.usual_engine();
        let engine = Some(engine).filter(|engine| *engine != usual);
        if random.outcome.digest() == finding.digest {
            SearchOptions { strategy: Some(RANDOM), seed: finding.seed, seeds: 1, engine }
        } else {
            SearchOptions { strategy: Some(strategy), seed: first_seed, seeds: finding.after_seeds, engine }
        }
    }
}

/// The strategy by which the run of a seed does not depend on those before it.
const RANDOM: &str = "random";

/// The options of a command that searches, as they are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SearchOptions {
    strategy: Option<&'static str>,
    seed: Seed,
    seeds: u64,
    engine: Option<Engine>,
}

impl SearchOptions {
    /// Those for a command that takes this strategy if none is named.
    pub fn by_default(self, usual: &str) -> Self {
        Self { strategy: self.strategy.filter(|strategy| *strategy != usual), ..self }
    }
}

impl fmt::Display for SearchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, seed, seeds, engine } = self;
        if let Some(strategy) = strategy {
            write!(f, "--strategy {strategy} ")?;
        }
        write!(f, "--seed {seed} --seeds {seeds}")?;
        engine.map_or(Ok(()), |engine| write!(f, " --engine {engine}"))
    }
}

impl ShrunkFinding {
    /// What a record says of it: its story, and the command that replays it, or `again` if it is not saved.
    pub fn record(&self, file: Option<&Path>, again: impl FnOnce() -> String) -> FindingStory {
        let story = self.minimal.as_ref().and_then(|minimal| {
            Story::new(&minimal.case, &self.saved, &minimal.run, None).map(|story| story.events())
        });
        let replay = |file: &Path| self.saved.suite().replay_command(&inert::path(file));
        FindingStory {
            saved: self.saved.clone(),
            story: story.unwrap_or_default(),
            file: file.map(Path::to_owned),
            again: file.map_or_else(again, replay),
        }
    }

    /// Its story, with the file that it was saved to.
    pub fn story(&self, file: Option<&Path>) -> Option<Styled> {
        let Some(minimal) = &self.minimal else { return Some(in_short(&self.saved, file)) };
        let shown = file.map(inert::path);
        Story::new(&minimal.case, &self.saved, &minimal.run, shown).map(|story| story.styled())
    }
}

/// What can be said of a failure that there was no time to run again.
pub fn in_short(saved: &SavedSeed, file: Option<&Path>) -> Styled {
    let SavedSeed { property, message, seed, engine, case, .. } = saved;
    let replay = |file: &Path| {
        let command = saved.suite().replay_command(&inert::path(file));
        format!("\n  Replay  {command}\n")
    };
    let replay = file.map_or_else(String::new, replay);
    let place = format!("{}, {}; seed {seed}, {engine} engine", case.scenario, case.label);
    Styled::new(&format!(
        "{property} broke: {message}\n  {place}; as it was found, since there was no time to make it small\n{replay}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_that_a_command_takes_anyway_is_not_among_its_options() {
        let options =
            |strategy| SearchOptions { strategy: Some(strategy), seed: Seed(7), seeds: 3, engine: None };
        let written = |strategy| options(strategy).by_default("random").to_string();
        assert_eq!(written("random"), "--seed 7 --seeds 3");
        assert_eq!(written("random-walk"), "--strategy random-walk --seed 7 --seeds 3");
        assert_eq!(options("random").to_string(), "--strategy random --seed 7 --seeds 3");
        let elsewhere = SearchOptions { engine: Some(Engine::Madsim), ..options("mix") };
        assert_eq!(elsewhere.to_string(), "--strategy mix --seed 7 --seeds 3 --engine madsim");
    }
}
