//! A test target without a harness of its own: its tests are the files of its crate.
//!
//! The list is made when the tests start, so a new file is a new test without a word of Rust. A file that
//! cannot be read is a test that fails. What breaks is saved, and is a test of its own the next time.

use super::judge::{AsWritten, Failing, judge, judge_failure, replay};
use super::seeds::Seeds;
use crate::config::nearest;
use crate::explore::{Corpus, Failure};
use crate::inert;
use crate::scenario::{self, Case, Scenario};
use crate::schema;
use crate::suite::Suite;
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// How many seeds a case as written gets if `PERFIDY_SEEDS` does not say.
const SEEDS: u64 = 200;

/// How many saved failures there may be, and how many events each may have. A test target has five minutes,
/// of which its saved failures get a fifth: 60 s. A slow machine makes 200,000 events a second in the
/// profile of tests, which is 12 million in that time. Counted in events, the bound is the same on every
/// machine.
const MOST_FAILURES: usize = 1_200;
const MOST_EVENTS: usize = 10_000;

/// Runs the cases and the saved failures of the crate as tests, as the arguments of this process say, which
/// are those of any test target. `commands` are the subcommands, of which one may have been mistyped.
pub(crate) fn run_as_tests(suite: &Suite, commands: &[&str]) -> ExitCode {
    let arguments = Arguments::from_args();
    let seeds = match Seeds::from_environment(SEEDS) {
        Ok(seeds) => seeds,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    if let Err(missing) = suite.usual_engine().available() {
        eprintln!("error: {missing}");
        return ExitCode::from(2);
    }
    let mut tests = tests_of_scenarios(suite, seeds);
    tests.extend(tests_of_failures(suite));
    tests.extend(test_of_schema(suite));
    if let Some(filter) = &arguments.filter
        && !tests.iter().any(|test| test.name().contains(filter.as_str()))
        && let Some(near) = nearest(filter, commands)
    {
        eprintln!("error: no test is called `{}`; did you mean the command `{near}`?", inert::line(filter));
        return ExitCode::from(2);
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn tests_of_scenarios(suite: &Suite, seeds: Seeds) -> Vec<Trial> {
    let root = suite.folder("scenarios");
    let files = match scenario::files_below(&root) {
        Ok(files) => files,
        Err(problems) => return vec![unreadable(&root, problems.to_string())],
    };
    let of_file = |file: &Path| match Scenario::read(suite, file, &root) {
        Ok(scenario) => {
            let as_written = Arc::new(AsWritten::new(&scenario, suite.usual_engine(), seeds));
            let test = |case| test_of_case(case, Arc::clone(&as_written), seeds);
            Case::all(&scenario).into_iter().map(test).collect()
        }
        Err(problems) => vec![unreadable(file, problems.to_string())],
    };
    files.iter().flat_map(|file| of_file(file)).collect()
}

fn tests_of_failures(suite: &Suite) -> Vec<Trial> {
    let root = suite.folder("seeds");
    let files = match Corpus::new(&root).files() {
        Ok(files) => files,
        Err(error) => return vec![unreadable(&root, format!("error: cannot read the folder: {error}"))],
    };
    let of_file = |file: &Path| match Failure::read(suite, file) {
        Ok(failure) => Some(test_of_failure(file, failure)),
        // Its check is a test of its own.
        Err(bad) if bad.check().is_some() => None,
        Err(bad) => Some(unreadable(file, bad.to_string())),
    };
    let mut tests: Vec<Trial> = files.iter().filter_map(|file| of_file(file)).collect();
    if !tests.is_empty() {
        tests.push(test_of_share(files.len()));
    }
    tests
}

/// That the schema which the crate keeps beside its scenarios is the one of its suite, if it keeps one.
fn test_of_schema(suite: &Suite) -> Option<Trial> {
    let file = suite.folder(schema::FILE);
    let is = fs::read_to_string(&file).ok()?;
    let suite = suite.clone();
    Some(Trial::test(inert::path(&file), move || {
        if is.trim_end() == schema::pretty(&suite) {
            return Ok(());
        }
        let story = format!("write it again:  {} schema > {}", suite.command(), schema::FILE);
        told(Err(Failing::new("it is out of date", story)))
    }))
}

fn test_of_share(failures: usize) -> Trial {
    Trial::test("saved failures take at most a fifth of the time of the suite", move || {
        if failures <= MOST_FAILURES {
            return Ok(());
        }
        let what = format!("there are {failures} saved failures, and time for {MOST_FAILURES}");
        let story = format!("{what}.\nKeep of failures that are alike the shortest, and delete the others.");
        told(Err(Failing::new(what, story)))
    })
}

/// A test that fails, in the name of a file.
fn unreadable(file: &Path, problems: String) -> Trial {
    Trial::test(inert::path(file), move || {
        let story = problems.strip_prefix("error: ").unwrap_or(&problems);
        told(Err(Failing::new("it cannot be read", story)))
    })
}

/// Fails a test in one line, and tells the whole of it at once on standard error, where `JUnit` readers
/// look for it.
fn told(result: Result<(), Failing>) -> Result<(), Failed> {
    result.map_err(|Failing { summary, story }| {
        eprint!("Error: {}\n\n", story.trim_end());
        Failed::from(summary)
    })
}

fn test_of_case(case: Case, as_written: Arc<AsWritten>, seeds: Seeds) -> Trial {
    let corpus = Corpus::new(case.scenario.suite.folder("seeds"));
    Trial::test(case.to_string(), move || told(judge(&as_written.run(&case), seeds, &corpus)))
}

fn test_of_failure(file: &Path, failure: Failure) -> Trial {
    let file = file.to_owned();
    Trial::test(inert::path(&file), move || {
        let events = replay(&failure).0.outcome.history.len();
        if events > MOST_EVENTS {
            let what = format!("{events} events, of which a saved failure may have {MOST_EVENTS}");
            let why = "Every run of the tests replays it. Save it with fewer tasks, or with faults that end earlier";
            let story = format!("{}: {what}.\n{why}.", inert::path(&file));
            return told(Err(Failing::new(what, story)));
        }
        told(judge_failure(&file, &failure))
    })
}
