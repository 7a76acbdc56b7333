//! What a campaign or a replay means for a test.

use super::seeds::Seeds;
use crate::explore::{
    Campaign, CaseReport, CaseVerdict, Collect, Corpus, Effort, Failure, Finding, ReplayOutcome, Run,
    SavedSeed, Watchdog, shrink_within,
};
use crate::inert;
use crate::report::Story;
use crate::scenario::{Case, Scenario};
use perfidy_sim::{Engine, Fault, Interrupt, Seed};
use std::path::Path;
use std::process::exit;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a run may take in real time before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why a test fails: in one line, and in full.
pub(super) struct Failing {
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "tests by file have a line each"))]
    pub summary: String,
    pub story: String,
}

impl Failing {
    pub fn new(summary: impl Into<String>, story: impl Into<String>) -> Self {
        Self { summary: summary.into(), story: story.into() }
    }
}

/// A watchdog that ends the tests when code of an agent does not come back.
pub(super) fn watchdog() -> Watchdog {
    Watchdog::with_timeout(PATIENCE, |overdue| {
        eprintln!("Error: {}", overdue.in_words(PATIENCE));
        exit(1);
    })
}

/// A scenario as written, which is run once for all of its cases.
pub(super) struct AsWritten {
    case: Case,
    engine: Engine,
    seeds: Seeds,
    report: OnceLock<CaseReport>,
}

impl AsWritten {
    pub fn new(scenario: &Arc<Scenario>, engine: Engine, seeds: Seeds) -> Self {
        Self { case: Case::as_written(scenario), engine, seeds, report: OnceLock::new() }
    }

    fn report(&self) -> &CaseReport {
        self.report.get_or_init(|| run(&self.case, self.engine, self.seeds))
    }

    /// Runs a case of the scenario as a test does. What breaks as written too does not count in a
    /// `[[without]]` case, so one that would be caught is compared.
    pub fn run(&self, case: &Case) -> CaseReport {
        if case.without().is_none() {
            return self.report().clone();
        }
        let mut report = run(case, self.engine, self.seeds);
        if matches!(report.verdict(), CaseVerdict::Caught(_)) {
            report.compare_with(self.report());
        }
        report
    }
}

/// Runs a case as a test does, under the watchdog of its suite.
fn run(case: &Case, engine: Engine, seeds: Seeds) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), case.scenario.suite.watchdog());
    let (first_seed, seeds) = (seeds.first(), seeds.count(case));
    Campaign { engine, first_seed, seeds, collect: Collect::NONE, interrupted, watchdog }.run(case)
}

/// Replays a saved failure, under the watchdog of its suite.
pub(super) fn replay(failure: &Failure) -> (Run, ReplayOutcome) {
    let Failure { saved, case, .. } = failure;
    case.scenario.suite.watchdog().watch(case, saved.seed, || failure.replay())
}

/// Whether a campaign is as its scenario wants it. What breaks is saved in `corpus`.
pub(super) fn judge(report: &CaseReport, seeds: Seeds, corpus: &Corpus) -> Result<(), Failing> {
    let enough = report.seeds >= seeds.needed(&report.case);
    match report.verdict() {
        // A few seeds can show that something happens, and not that it never does.
        CaseVerdict::Holds | CaseVerdict::Caught(_) | CaseVerdict::NotYetCaught { .. } => Ok(()),
        CaseVerdict::Vacuous { .. } | CaseVerdict::LevelUndecided(_) if !enough => Ok(()),
        CaseVerdict::Broken(findings) => {
            let stories: Vec<String> =
                findings.iter().map(|finding| story_of(report, finding, corpus)).collect();
            let broken: Vec<String> =
                findings.iter().map(|found| format!("{} (seed {})", found.property, found.seed)).collect();
            Err(Failing::new(format!("broke: {}", broken.join(", ")), stories.join("\n")))
        }
        CaseVerdict::NotCaught { property, within_seeds } => {
            let first = seeds.first();
            let why = report.why_not_caught().unwrap_or_default();
            let what = format!(
                "{property} should break within {within_seeds} seeds from seed {first}, and did not: {why}"
            );
            let help = "Either the safeguard is not what keeps this property, or the faults of the file seldom test it";
            let story = format!("{}: {what}.\n{help}.", report.case);
            Err(Failing::new(what, story))
        }
        CaseVerdict::Vacuous { what } => {
            let (case, seeds, help) = (&report.case, report.seeds, report.what_to_do().unwrap_or_default());
            let story = format!("{case}: in {seeds} seeds {what}, so the case shows nothing: {help}.");
            Err(Failing::new(format!("vacuous: {what}; {help}"), story))
        }
        CaseVerdict::LevelMissed(level) | CaseVerdict::LevelUndecided(level) => {
            let (what, case) = (level.to_string(), &report.case);
            let story = format!(
                "{case}: {what}.\nThe faults of the file, or what the team does about them, decide it."
            );
            Err(Failing::new(what, story))
        }
        CaseVerdict::Unknown { property, doubt } => Err(Failing::new(
            format!("unknown: {property} could not be judged (seed {})", doubt.seed),
            format!("{}: {property}: {}. Unknown is no pass.", report.case, doubt.reason),
        )),
        CaseVerdict::Interrupted => {
            Err(Failing::new("interrupted", format!("{} was interrupted", report.case)))
        }
    }
}

/// The story of a property that broke, made small, and how to have it again.
fn story_of(report: &CaseReport, finding: &Finding, corpus: &Corpus) -> String {
    let CaseReport { case, engine, .. } = report;
    let Finding { property, seed, .. } = *finding;
    let found = Run::fuzzed(case, *engine, seed);
    let (story, not_saved) = story_of_failure(case, *engine, seed, property, &found.outcome.injected, corpus);
    match not_saved {
        Some(why) => format!("{story}\n  {why}\n  PERFIDY_SEED={seed} has the test run this seed again\n"),
        None => story,
    }
}

/// The same for a run in which these faults were injected; and why it was not saved, if it was not.
pub(super) fn story_of_failure(
    case: &Case,
    engine: Engine,
    seed: Seed,
    property: &str,
    faults: &[Fault],
    corpus: &Corpus,
) -> (String, Option<String>) {
    let minimal = case.scenario.suite.watchdog().watch_each(case, seed, |next| {
        let is_over = || {
            next();
            false
        };
        let effort = Effort { is_over: &is_over, ..Effort::default() };
        shrink_within(effort, case, engine, seed, property, faults)
    });
    let Some(minimal) = minimal else {
        let story = format!(
            "{case}, seed {seed}: {property} does not break when the injected faults are replayed. Something in \
             these agents depends on more than the seed."
        );
        return (story, None);
    };
    let saved = SavedSeed::new(engine, seed, property, &minimal);
    let (file, not_saved) = match corpus.save(&saved) {
        Ok(place) => (Some(inert::path(place.path())), None),
        Err(error) => (None, Some(format!("Not saved: {error}"))),
    };
    let story = Story::new(&minimal.case, &saved, &minimal.run, file);
    (story.map(|story| story.to_string()).unwrap_or_default(), not_saved)
}

/// Whether a saved failure means what it should. One of a case without a safeguard must go on failing: it
/// shows that the property has teeth. One of a case as written must stay fixed. The history may change with
/// the code, the answer may not.
pub(super) fn judge_failure(file: &Path, failure: &Failure) -> Result<(), Failing> {
    let (run, answer) = replay(failure);
    let (Failure { saved, case, .. }, file) = (failure, inert::path(file));
    let failing = |what: String, rest: String| Err(Failing::new(&*what, format!("{file}: {what}.\n{rest}")));
    match (answer, case.without().is_some()) {
        (ReplayOutcome::Reproduced { .. }, true) | (ReplayOutcome::Fixed, false) => Ok(()),
        (ReplayOutcome::Reproduced { .. }, false) => {
            let story = Story::new(case, saved, &run, Some(file));
            let story = story.map(|story| story.to_string()).unwrap_or_default();
            Err(Failing::new(format!("{} breaks again", saved.property), story))
        }
        (ReplayOutcome::Fixed, true) => {
            let why = "though every fault was injected and the safeguard is away. Something else keeps this property now";
            failing(format!("{} holds, {why}", saved.property), find_again(case))
        }
        (ReplayOutcome::Stale { missing, nearest }, _) => {
            let near = nearest.map_or_else(String::new, |near| format!("; the nearest that did is `{near}`"));
            failing(format!("stale: `{missing}` never came up{near}"), find_again(case))
        }
        (ReplayOutcome::Ambiguous { why }, _) => failing(format!("ambiguous: {why}"), find_again(case)),
    }
}

fn find_again(case: &Case) -> String {
    format!(
        "If the code has moved, delete the file and find the failure again: {} run scenarios/{}.toml --save all",
        case.scenario.suite.command(),
        case.scenario.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;

    const TEXT: &str = r#"# A payment that is made again.
workflow = "conductor"
[[step]]
name = "pay"
tool = "bank.pay"
[safeguards]
checkpoint = true
retry = { attempts = 4, backoff = "1s..30s" }
[tools.bank]
[faults]
until = "2m"
ack-lost = { at = "bank", chance = "20%" }
[[without]]
safeguards = "checkpoint"
violates = "no-duplicate-effects"
"#;

    #[test]
    fn what_breaks_is_saved_and_where_it_cannot_be_that_is_said() {
        let text = TEXT.split("[[without]]").next().unwrap();
        let scenario = Scenario::parse(&Suite::shipped(), "own/pay", text);
        let scenario = scenario.unwrap_or_else(|bad| panic!("{bad}"));
        let seeds = Seeds::from_environment(50).unwrap();
        let report = AsWritten::new(&scenario, Engine::Native, seeds).run(&Case::as_written(&scenario));
        let folder = tempfile::tempdir().unwrap();
        let story = |corpus: &Corpus| judge(&report, seeds, corpus).expect_err("it breaks").story;
        let corpus = Corpus::new(folder.path().join("seeds"));
        let saved = story(&corpus);
        let file = inert::path(&corpus.files().unwrap()[0]);
        assert!(saved.ends_with(&format!("\n  Replay  perfidy replay {file}\n")), "{saved}");
        let in_the_way = folder.path().join("file");
        std::fs::write(&in_the_way, "").unwrap();
        let not_saved = story(&Corpus::new(in_the_way));
        for words in ["What happened\n", "  Not saved: cannot save ", "  PERFIDY_SEED="] {
            assert!(not_saved.contains(words), "{not_saved}");
        }
    }

    #[test]
    fn a_test_of_a_case_without_a_safeguard_counts_only_what_does_not_break_as_written_too() {
        let scenario =
            Scenario::parse(&Suite::shipped(), "own/pay", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
        let seeds = Seeds::from_environment(50).unwrap();
        let as_written = AsWritten::new(&scenario, Engine::Native, seeds);
        let report = as_written.run(&Case::all(&scenario)[1]);
        assert!(report.finding("no-duplicate-effects").is_some());
        let Err(Failing { summary, story }) = judge(&report, seeds, &Corpus::new("nowhere")) else {
            panic!("{:?}", report.verdict())
        };
        for told in [summary, story] {
            assert!(told.contains("and did not: it breaks as written too (seed "), "{told}");
        }
    }
}
