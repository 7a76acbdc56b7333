//! Shrinking: few faults remain, and no more of a scenario than needed.

use crate::cases;
use perfidy::explore::{
    self, Corpus, Effort, Run, SavedSeed, ShrunkFailure, SpanLimits, Spans, shrink, shrink_within,
};
use perfidy::scenario::Case;
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Fault, Plan, Rule, Seed};
use rayon::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

/// The failures of a case among its first seeds: seed, property and injected faults.
fn failures(case: &Case, most: usize) -> Vec<Failure> {
    let Some(without) = case.without() else { return Vec::new() };
    let failures = (0..u64::from(without.within_seeds)).map(Seed).filter_map(|seed| {
        let run = Run::fuzzed(case, Engine::Native, seed);
        run.violation(without.violates[0])?;
        Some(Failure { case: case.clone(), property: without.violates[0], seed, run })
    });
    failures.take(most).collect()
}

struct Failure {
    case: Case,
    property: &'static str,
    seed: Seed,
    run: Run,
}

impl Failure {
    fn shrunk(&self) -> ShrunkFailure {
        let Self { case, property, seed, run } = self;
        shrink(case, Engine::Native, *seed, property, &run.outcome.injected).expect("it breaks again")
    }

    fn saved(&self, minimal: &ShrunkFailure) -> SavedSeed {
        SavedSeed::new(Engine::Native, self.seed, self.property, minimal)
    }
}

/// A failure that was shrunk before, shrunk once more within the spans of its file.
fn shrunk_again(case: &Case, failure: &Failure, faults: &[Fault], spans: &Spans) -> ShrunkFailure {
    let effort = Effort { spans: SpanLimits::Known(spans), ..Effort::default() };
    shrink_within(effort, case, Engine::Native, failure.seed, failure.property, faults).unwrap()
}

/// The first failure of every case that has one, and what it shrinks to: all at once, as it takes long.
fn planted() -> &'static [(Failure, ShrunkFailure)] {
    static PLANTED: LazyLock<Vec<(Failure, ShrunkFailure)>> = LazyLock::new(|| {
        let shrunk = |failure: Failure| {
            let minimal = failure.shrunk();
            (failure, minimal)
        };
        cases::all().par_iter().flat_map_iter(|case| failures(case, 1)).map(shrunk).collect()
    });
    &PLANTED
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

#[test]
fn the_median_planted_failure_shrinks_to_three_faults_at_most_in_one_or_two_tasks() {
    let before: Vec<usize> = planted().iter().map(|(found, _)| found.run.outcome.injected.len()).collect();
    let after: Vec<usize> = planted().iter().map(|(_, minimal)| minimal.faults.len()).collect();
    let tasks = planted().iter().map(|(_, minimal)| minimal.case.scenario.tasks.count as usize).collect();
    assert!(planted().len() > 100, "{} failures are too few to tell", planted().len());
    assert!(before.iter().sum::<usize>() > 5 * after.iter().sum::<usize>(), "{before:?} became {after:?}");
    assert!(median(after) <= 3 && median(tasks) <= 2);
    assert!(planted().iter().all(|(_, minimal)| minimal.is_finished), "the usual effort is not enough");
}

#[test]
fn spans_of_faults_stay_within_what_the_file_says_of_their_kind() {
    let mut checked = 0;
    for (failure, minimal) in planted() {
        let chaos = &failure.case.scenario.chaos;
        for Fault { action, .. } in &minimal.faults {
            let is_of_kind = |rule: &&Rule| rule.action.kind() == action.kind();
            let by_chance = chaos.rules.iter().filter(is_of_kind).filter_map(|rule| rule.span.clone());
            let timed = chaos.windows.iter();
            let timed = timed.filter(|window| window.disturbance.action_kinds().contains(&action.kind()));
            let spans: Vec<_> = by_chance.chain(timed.map(|window| window.lasting.clone())).collect();
            let shortest = spans.iter().map(|span| *span.start()).min();
            let longest = spans.iter().map(|span| *span.end()).max();
            let (Some(shortest), Some(longest)) = (shortest, longest) else { continue };
            if let Some(span) = action.span() {
                assert!((shortest..=longest).contains(&span), "{}: {action}", failure.case);
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked} faults with a span are too few to tell");
}

#[test]
fn what_has_been_shrunk_does_not_shrink_further() {
    planted().par_iter().for_each(|(failure, once)| {
        let again = shrunk_again(&once.case, failure, &once.faults, &once.changes.spans);
        assert_eq!(again.faults, once.faults, "{}", failure.case);
        assert_eq!(again.case.scenario.text, once.case.scenario.text, "{}", failure.case);
    });
}

#[test]
fn shrinking_that_was_cut_short_and_gone_on_with_comes_to_the_same_end() {
    // Of every third failure, as all of them take long.
    let some: Vec<_> = planted().iter().step_by(3).collect();
    let in_parts = some.par_iter().map(|(failure, _)| {
        let (mut case, mut faults) = (failure.case.clone(), failure.run.outcome.injected.clone());
        let mut known: Option<Spans> = None;
        for doublings in 0..20 {
            let spans = known.as_ref().map_or(SpanLimits::File, SpanLimits::Known);
            let effort = Effort { events: 500 << doublings, spans, ..Effort::default() };
            let part = shrink_within(effort, &case, Engine::Native, failure.seed, failure.property, &faults)
                .unwrap();
            (case, faults, known) = (part.case, part.faults, Some(part.changes.spans));
            if part.is_finished {
                break;
            }
        }
        // Another order may end with another result, but never with one that can still be shrunk.
        let end = shrunk_again(&case, failure, &faults, &known.unwrap_or_default());
        assert_eq!(end.faults, faults, "{}", failure.case);
        faults.len()
    });
    let in_parts: usize = in_parts.sum();
    let at_once: usize = some.iter().map(|(_, whole)| whole.faults.len()).sum();
    // One failure or the other ends with more faults, all of them together with a quarter more at most.
    assert!(
        4 * in_parts <= 5 * at_once,
        "{in_parts} faults, and {at_once} of the same failures shrunk at once"
    );
}

#[test]
fn a_shrunk_failure_is_read_back_and_replays_event_for_event() {
    for (failure, minimal) in planted() {
        let saved = failure.saved(minimal);
        let folder = tempfile::tempdir().unwrap();
        let place = Corpus::new(folder.path()).save(&saved).unwrap();
        let read =
            explore::Failure::read(&Suite::shipped(), place.path()).unwrap_or_else(|bad| panic!("{bad}"));
        let (run, _) = read.replay();
        assert_eq!(run.outcome.digest(), saved.digest, "{}", failure.case);
    }
}

#[test]
fn no_saved_failure_can_spare_any_of_its_faults() {
    let files = Corpus::new(Path::new("seeds")).files().unwrap();
    assert!(!files.is_empty());
    for file in files {
        let failure = explore::Failure::read(&Suite::shipped(), &file).unwrap_or_else(|bad| panic!("{bad}"));
        let explore::Failure { saved, case, .. } = failure;
        let file = file.display();
        assert!(!saved.unfinished, "{file} was not shrunk to the end: perfidy shrink {file}");
        for place in 0..saved.faults.len() {
            let mut fewer = saved.faults.clone();
            let spared = fewer.remove(place);
            let run = Run::planned(&case, saved.engine, saved.seed, &Plan::Explicit(fewer.into()));
            let breaks = run.violation(&saved.property).is_some();
            // A failure of a case as written stands for a fixed bug: it does not fail any more.
            assert!(!breaks, "{file} breaks without `{spared}`: perfidy shrink {file}");
        }
    }
}

#[test]
fn a_saved_failure_says_no_more_than_it_takes() {
    let case = cases::titled("conductor/lost-ack, without idempotency-keys");
    let failure = failures(case, 1).remove(0);
    let text = failure.saved(&failure.shrunk()).to_toml(Path::new("seeds/it.toml"));
    insta::assert_snapshot!(text);
}
