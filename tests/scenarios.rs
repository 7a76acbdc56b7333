//! A test for every case of every file under `scenarios/` and for every saved failure under `seeds/`.
//!
//! ```text
//! cargo test --test scenarios                                   # all of them
//! cargo test --test scenarios -- "lost-ack, as written"         # one, by any part of its name
//! PERFIDY_SEED=17 cargo test --test scenarios -- lost-ack       # one seed
//! PERFIDY_SEEDS=20000 cargo test --test scenarios               # more seeds than usual
//! ```
//!
//! The list is made when the tests start, so a new file is a new test without a word of Rust. A file that cannot be
//! read is a test that fails.

use libtest_mimic::{Arguments, Failed, Trial};
use perfidy::explore::{
    Answer, Campaign, CaseReport, CaseVerdict, Corpus, Failure, Finding, Run, SavedSeed, Watchdog, shrink,
};
use perfidy::inert;
use perfidy::report::Story;
use perfidy::scenario::{self, Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::env;
use std::path::Path;
use std::process::{ExitCode, exit};
use std::time::Duration;

/// How many seeds a case as written gets if nobody says otherwise.
const SEEDS: u64 = 200;

/// How many saved failures there may be, and how many events each may have. The suite has five minutes, of which its saved
/// failures get a fifth: 60 s. A slow machine makes 200,000 events a second in the profile of tests, which is 12 million in that
/// time. Counted in events, the bound is the same on every machine.
const MOST_FAILURES: usize = 1_200;
const MOST_EVENTS: usize = 10_000;

/// How long a run may take in real time before it counts as stuck.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let seeds = match Seeds::from_environment() {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials = scenario_trials(seeds);
    trials.extend(seed_trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Which seeds to run, as the environment says.
#[derive(Clone, Copy)]
struct Seeds {
    first: Option<u64>,
    count: Option<u64>,
}

impl Seeds {
    fn from_environment() -> Result<Self, String> {
        let seeds = Self { first: number("PERFIDY_SEED")?, count: number("PERFIDY_SEEDS")? };
        if seeds.count == Some(0) {
            return Err("PERFIDY_SEEDS is 0, but without seeds nothing is tested".to_owned());
        }
        Ok(seeds)
    }

    fn first(self) -> Seed {
        Seed(self.first.unwrap_or(0))
    }

    /// How many seeds a case gets. Who names a first seed and nothing else means that one.
    fn count(self, case: &Case) -> u64 {
        self.count.unwrap_or(if self.first.is_some() { 1 } else { Self::needed(case) })
    }

    /// How many seeds it takes to say of a case that something never happens in it.
    fn needed(case: &Case) -> u64 {
        case.without().map_or(SEEDS, |without| without.within_seeds.into())
    }
}

fn number(name: &str) -> Result<Option<u64>, String> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let shown = value.to_string_lossy();
    match shown.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{name} is `{shown}`, which is not a whole number from 0 to {}", u64::MAX)),
    }
}

fn scenario_trials(seeds: Seeds) -> Vec<Trial> {
    let root = Path::new("scenarios");
    let files = match scenario::files_below(root) {
        Ok(files) => files,
        Err(problems) => return vec![unreadable(root, problems.to_string())],
    };
    let of_file = |file: &Path| match Scenario::read(&Suite::shipped(), file, root) {
        Ok(scenario) => Case::all(&scenario).into_iter().map(|case| case_trial(case, seeds)).collect(),
        Err(problems) => vec![unreadable(file, problems.to_string())],
    };
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn seed_trials() -> Vec<Trial> {
    let root = Path::new("seeds");
    let files = match Corpus::new(root).files() {
        Ok(files) => files,
        Err(error) => return vec![unreadable(root, format!("error: cannot read the folder: {error}"))],
    };
    let of_file = |file: &Path| match Failure::read(&Suite::shipped(), file) {
        Ok(failure) => seed_trial(file, failure),
        Err(bad) => unreadable(file, bad.to_string()),
    };
    let mut trials: Vec<Trial> = files.iter().map(|file| of_file(file)).collect();
    trials.push(share_trial(files.len()));
    trials
}

fn share_trial(failures: usize) -> Trial {
    Trial::test("saved failures take at most a fifth of the time of the suite", move || {
        if failures <= MOST_FAILURES {
            return Ok(());
        }
        let what = format!("there are {failures} saved failures, and time for {MOST_FAILURES}");
        fail(&what, &format!("{what}.\nKeep of failures that are alike the shortest, and delete the others."))
    })
}

/// A test that fails, in the name of a file.
fn unreadable(file: &Path, problems: String) -> Trial {
    Trial::test(inert::path(file), move || {
        fail("it cannot be read", problems.strip_prefix("error: ").unwrap_or(&problems))
    })
}

/// Fails a test in one line, and tells the whole of it at once on standard error, where `JUnit` readers look for it.
fn fail(summary: &str, story: &str) -> Result<(), Failed> {
    eprint!("Error: {}\n\n", anstream::adapter::strip_str(story).to_string().trim_end());
    Err(Failed::from(summary))
}

fn case_trial(case: Case, seeds: Seeds) -> Trial {
    Trial::test(case.to_string(), move || {
        let watchdog = Watchdog::barking(PATIENCE, |run| {
            eprintln!("Error: {run}: this run has not come back for {}s", PATIENCE.as_secs());
            exit(1);
        });
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: seeds.first(),
            seeds: seeds.count(&case),
            interrupted: &Interrupt::default(),
            watchdog: &watchdog,
        };
        judge(&campaign.run(&case), seeds)
    })
}

fn judge(report: &CaseReport, seeds: Seeds) -> Result<(), Failed> {
    let enough = report.seeds >= Seeds::needed(&report.case);
    match report.verdict() {
        // A few seeds can show that something happens, and not that it never does.
        CaseVerdict::Holds | CaseVerdict::Caught(_) | CaseVerdict::NotYetCaught { .. } => Ok(()),
        CaseVerdict::Vacuous { .. } if !enough => Ok(()),
        CaseVerdict::Broken(findings) => {
            let stories: Vec<String> = findings.iter().map(|finding| story_of(report, finding)).collect();
            let broken: Vec<String> =
                findings.iter().map(|found| format!("{} (seed {})", found.property, found.seed)).collect();
            fail(&format!("broke: {}", broken.join(", ")), &stories.join("\n"))
        }
        CaseVerdict::NotCaught { property, within_seeds } => {
            let first = seeds.first();
            let what =
                format!("{property} should break within {within_seeds} seeds from seed {first}, and did not");
            fail(
                &what,
                &format!(
                    "{}: {what}.\nEither the safeguard is not what keeps this promise, or the faults of the file \
                     seldom bring it to the test.",
                    report.case
                ),
            )
        }
        CaseVerdict::Vacuous { what } => fail(
            &format!("vacuous: {what}"),
            &format!("{}: in {} seeds {what}, so the case shows nothing.", report.case, report.seeds),
        ),
        CaseVerdict::Unknown { property, doubt } => fail(
            &format!("unknown: {property} could not be judged (seed {})", doubt.seed),
            &format!("{}: {property}: {}. Unknown is no pass.", report.case, doubt.reason),
        ),
        CaseVerdict::Interrupted => fail("interrupted", &format!("{} was interrupted", report.case)),
    }
}

/// The story of a property that broke, made small, and how to have it again.
fn story_of(report: &CaseReport, finding: &Finding) -> String {
    let CaseReport { case, engine, .. } = report;
    let Finding { property, seed, .. } = *finding;
    let found = Run::fuzzed(case, *engine, seed);
    let Some(minimal) = shrink(case, *engine, seed, property, &found.outcome.fired) else {
        return format!(
            "{case}, seed {seed}: {property} does not break when the faults that struck are replayed. Something in \
             these agents depends on more than the seed."
        );
    };
    let saved = SavedSeed::new(*engine, seed, property, &minimal);
    let story = Story::new(&minimal.case, &saved, &minimal.run, None)
        .map(|story| story.to_string())
        .unwrap_or_default();
    format!(
        "{story}\n  Save it with  perfidy run scenarios/{}.toml --seed {seed} --seeds 1\n",
        case.scenario.name
    )
}

/// A failure of a case without a safeguard must go on failing: it shows that the property has teeth. A failure
/// of a case as written must stay mended. The history may change with the code, the answer may not.
fn seed_trial(file: &Path, failure: Failure) -> Trial {
    let file = inert::path(file);
    Trial::test(file.clone(), move || {
        let (run, answer) = failure.replay();
        let Failure { saved, case, .. } = &failure;
        let events = run.outcome.history.len();
        if events > MOST_EVENTS {
            let what = format!("{events} events, of which a saved failure may have {MOST_EVENTS}");
            let why = "Every run of the tests replays it. Save it with fewer tasks, or with chaos that ends earlier";
            return fail(&what, &format!("{file}: {what}.\n{why}."));
        }
        match (answer, case.without().is_some()) {
            (Answer::Reproduced { .. }, true) | (Answer::Fixed, false) => Ok(()),
            (Answer::Reproduced { .. }, false) => {
                let story = Story::new(case, saved, &run, Some(file));
                let story = story.map(|story| story.to_string()).unwrap_or_default();
                fail(&format!("{} breaks again", saved.property), &story)
            }
            (Answer::Fixed, true) => {
                let what = format!("{} holds", saved.property);
                let why = "though every fault was met and the safeguard is away. Something else keeps this promise now";
                fail(&what, &format!("{file}: {what}, {why}.\n{}", find_again(case)))
            }
            (Answer::Stale { missing, nearest }, _) => {
                let near =
                    nearest.map_or_else(String::new, |near| format!("; the nearest that did is `{near}`"));
                let what = format!("stale: `{missing}` never came up{near}");
                fail(&what, &format!("{file}: {what}.\n{}", find_again(case)))
            }
            (Answer::Ambiguous { why }, _) => {
                let what = format!("ambiguous: {why}");
                fail(&what, &format!("{file}: {what}.\n{}", find_again(case)))
            }
        }
    })
}

fn find_again(case: &Case) -> String {
    format!(
        "If the code has moved, delete the file and find the failure again: perfidy run scenarios/{}.toml --save all",
        case.scenario.name
    )
}
