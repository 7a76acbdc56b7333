//! `perfidy run`: scenarios over many seeds.

use super::ending::Ending;
use super::findings::Found;
use super::options::{Search, Subject};
use super::pages::{write_file, write_pages};
use super::progress::Progress;
use super::save::save;
use super::stopwatch::{Stopwatch, timed};
use super::{Status, is_available, print, print_error, say_record, say_styled, tell};
use crate::config::Problems;
use crate::explore::strategy::{Bounds, Choice, Start, Strategy, StrategyRefused};
use crate::explore::{Campaign, CampaignNews, CaseReport, Collect, Corpus, Finding};
use crate::inert;
use crate::report::{self, CampaignPage, CaseRecord, FindingStory, table};
use crate::scenario::{Case, Scenario};
use crate::suite::Suite;
use clap::ValueEnum;
use perfidy_sim::Abandoned;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many seeds a case as written gets by default.
const SEEDS: u64 = 1_000;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    format: RunFormat,
    /// How many seeds each case gets [default: 1000, and for a [[without]] case what its file allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    #[command(flatten)]
    search: Search,
    /// How many faults the plans of `exhaustive` and `lineage` have at most [default: 1]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(0..=8))]
    faults: Option<u8>,
    /// How many plans `exhaustive` and `lineage` may try [default: 200000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_plans: Option<u64>,
    /// How many plans `exhaustive` draws where there are more than it may try
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Have `exhaustive` leave out plans whose result follows from that of others (causal reduction)
    #[arg(long, conflicts_with = "sample")]
    reduce: bool,
    /// Leave out what agents only say of themselves; every verdict must be the same without it
    #[arg(long)]
    drop_announcements: bool,
    /// Also count the calls, retries and failures of each tool, in as many runs by the chances of each file
    #[arg(long)]
    metrics: bool,
    /// Which failures to save: those that should not be, also those of [[without]] cases, or none
    #[arg(long, value_enum, default_value_t = Save::Unexpected)]
    save: Save,
    /// Also write the verdicts to this file as a report of `JUnit`, for a CI service
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write pages to this folder: all of it, and each failure that is saved
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
}

/// How the results of a run are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RunFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
    /// For people, with annotations for a pull request on GitHub
    Github,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Save {
    Unexpected,
    All,
    None,
}

/// A case and the strategy that looks for failures in it.
type StartedCase = (Case, Box<dyn Strategy>);

/// The cases with their strategies, and whether these come to an end by themselves.
struct Started {
    cases: Vec<StartedCase>,
    ends: bool,
}

/// The cases with their strategies; none are started unless all can be.
fn start_all(
    strategy: &Choice,
    arguments: &Arguments,
    scenarios: &[Arc<Scenario>],
    ending: &Ending,
) -> Result<Result<Vec<StartedCase>, Vec<StrategyRefused>>, Abandoned> {
    let usual = Bounds::default();
    let bounds = Bounds {
        faults: arguments.faults.map_or(usual.faults, usize::from),
        plans: arguments.max_plans.unwrap_or(usual.plans),
        sample: arguments.sample,
        is_reduced: arguments.reduce,
    };
    let (mut started, mut refused) = (Vec::new(), Vec::new());
    for case in scenarios.iter().flat_map(Case::all) {
        let case = if arguments.drop_announcements { case.dropping_announcements() } else { case };
        let first_seed = arguments.subject.runs.first_seed();
        let start = Start { case: &case, engine: arguments.subject.runs.engine, first_seed, bounds };
        let start = || strategy.start(&start);
        match ending.runs.within(|| ending.watchdog.watch(&case, first_seed, start))? {
            Ok(strategy) => started.push((case, strategy)),
            Err(why) => refused.push(why),
        }
    }
    Ok(if refused.is_empty() { Ok(started) } else { Err(refused) })
}

/// What is wrong with the bounds of a strategy that has none of these.
fn refused_bounds(arguments: &Arguments, strategy: &Choice) -> Option<&'static str> {
    let has_bounds = arguments.faults.is_some() || arguments.max_plans.is_some();
    if has_bounds && !strategy.ends() {
        return Some("--faults and --max-plans belong to --strategy exhaustive and --strategy lineage");
    }
    let is_of_exhaustive = arguments.sample.is_some() || arguments.reduce;
    (is_of_exhaustive && strategy.name() != "exhaustive")
        .then_some("--sample and --reduce belong to --strategy exhaustive")
}

pub fn run(suite: &Suite, arguments: &Arguments) -> Status {
    if !is_available(arguments.subject.runs.engine) {
        return Status::BadInput;
    }
    let mut bad: Vec<Problems> = Vec::new();
    let Some(scenarios) = arguments.subject.read_telling(suite, |problems| bad.push(problems.clone())) else {
        if arguments.format == RunFormat::Github {
            bad.iter().flat_map(report::annotations).for_each(print);
        }
        return write_junit(arguments.junit.as_deref(), || report::junit_of_bad_files(&bad))
            .worse(Status::BadInput);
    };
    if !arguments.search.threads.start() {
        return Status::BadInput;
    }
    let strategy = arguments.search.strategy(suite);
    if let Some(refused) = refused_bounds(arguments, &strategy) {
        print_error(refused);
        return Status::BadInput;
    }
    // A strategy may run a case to see where things could go wrong, so these come first.
    let ending = Ending::by_signal();
    let started = match start_all(&strategy, arguments, &scenarios, &ending) {
        Ok(Ok(started)) => started,
        Ok(Err(refused)) => {
            refused.iter().for_each(print_error);
            print_error("nothing was run");
            return Status::BadInput;
        }
        Err(Abandoned) => {
            ending.reached();
            print_error("nothing was run");
            return Status::Inconclusive;
        }
    };
    let rows: Rows = Arc::default();
    ending.on_stuck({
        let (rows, format, junit) = (Arc::clone(&rows), arguments.format, arguments.junit.clone());
        move || tell_rows(&rows, format, junit.as_deref(), &|_, _| None).worse(Status::Inconclusive)
    });
    let corpus = (arguments.save != Save::None).then(|| Corpus::new(arguments.search.corpus(suite)));
    let plan = Started { cases: started, ends: strategy.ends() };
    let stopwatch = Stopwatch::start();
    let (mut status, files) = run_all(arguments, corpus.as_ref(), plan, &ending, &rows);
    ending.reached();
    let again = |report: &CaseReport, finding: &Finding| {
        let found = Found { case: &report.case, engine: arguments.subject.runs.engine, corpus: None };
        Some(again(arguments, &found, strategy.name(), finding))
    };
    status = status.worse(tell_rows(&rows, arguments.format, arguments.junit.as_deref(), &again));
    let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    if arguments.format != RunFormat::Json && io::stderr().is_terminal() {
        tell(format_args!("\n{}", summary(&rows, stopwatch.elapsed())));
    }
    if let Some(folder) = &arguments.pages {
        let page = page_of(&rows, arguments);
        status = status.worse(write_pages(suite, folder, page, &files, &ending.watchdog));
    }
    status
}

/// The cases that are through, and how long they took.
type Rows = Arc<Mutex<Vec<(CaseReport, Duration)>>>;

/// How all cases went, in a line: what a person looks for at the end.
fn summary(rows: &[(CaseReport, Duration)], took: Duration) -> String {
    let runs: u64 = rows.iter().map(|(report, _)| report.seeds).sum();
    let count = |status| rows.iter().filter(|(report, _)| report.verdict().status() == status).count();
    let (good, bad, open) = (count(0), count(1), rows.len() - count(0) - count(1));
    let mut parts = vec![format!("{good} as they should be")];
    parts.extend((bad > 0).then(|| format!("{bad} broken or not caught")));
    parts.extend((open > 0).then(|| format!("{open} vacuous, unknown or unfinished")));
    let cases = report::counted(rows.len() as u64, "case", "cases");
    format!("{cases}: {}; {runs} runs in {:.1} s", parts.join(", "), took.as_secs_f64())
}

/// The page of all cases.
fn page_of(rows: &[(CaseReport, Duration)], arguments: &Arguments) -> CampaignPage {
    let runs: u64 = rows.iter().map(|(report, _)| report.seeds).sum();
    let cases = report::counted(rows.len() as u64, "case", "cases");
    let about = format!("{runs} runs of {cases} from seed {}", arguments.subject.runs.seed);
    let mut page = CampaignPage::new("Scenarios over many seeds", about);
    for (report, _) in rows {
        page.add_report(report);
    }
    page
}

fn tell_rows(rows: &Rows, format: RunFormat, junit: Option<&Path>, again: &report::Again<'_>) -> Status {
    let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    if format != RunFormat::Json {
        print(table(&rows));
    }
    write_junit(junit, || report::junit(&rows, again))
}

/// Writes a report of `JUnit`, if one is wanted.
fn write_junit(file: Option<&Path>, report: impl FnOnce() -> String) -> Status {
    file.map_or(Status::AsExpected, |file| write_file(file, report().as_bytes()))
}

fn run_all(
    arguments: &Arguments,
    corpus: Option<&Corpus>,
    started: Started,
    ending: &Ending,
    rows: &Rows,
) -> (Status, Vec<PathBuf>) {
    let campaign = |seeds| Campaign {
        engine: arguments.subject.runs.engine,
        first_seed: arguments.subject.runs.first_seed(),
        seeds,
        collect: Collect {
            digests: arguments.format == RunFormat::Json,
            metrics: arguments.metrics,
            shapes: false,
        },
        interrupted: &ending.runs,
        watchdog: &ending.watchdog,
    };
    if let Some(corpus) = corpus {
        corpus.sweep();
    }
    let (mut status, mut files) = (Status::AsExpected, Vec::new());
    let mut as_written: Option<CaseReport> = None;
    let Started { cases, ends } = started;
    let (all, progress) = (cases.len(), Progress::of_steps());
    for (place, (case, mut strategy)) in cases.into_iter().enumerate() {
        let step = format!("{} of {all} cases: {case}", place + 1);
        progress.show(&step);
        if let Some(opening) = strategy.opening() {
            tell(opening);
        }
        let usual = || if ends { u64::MAX } else { usual_seeds(&case) };
        let seeds = arguments.seeds.unwrap_or_else(usual);
        let found = Found { case: &case, engine: arguments.subject.runs.engine, corpus };
        let name = strategy.name();
        let mut keeping = Keeping {
            arguments,
            found,
            strategy: name,
            ending,
            stories: Vec::new(),
            files: Vec::new(),
            status,
            took: Duration::ZERO,
        };
        let mut hear = |news: CampaignNews<'_>| match news {
            CampaignNews::Found(finding) => keeping.keep(finding),
            CampaignNews::Ran(runs) if seeds == u64::MAX => {
                progress.show(format_args!("{step}: {runs} runs"));
            }
            CampaignNews::Ran(runs) => progress.show(format_args!("{step}: {runs} of {seeds} runs")),
        };
        let (mut report, took) = timed(|| campaign(seeds).run_telling(&case, &mut *strategy, &mut hear));
        let kept = keeping.took;
        match &as_written {
            Some(whole) if case.without().is_some() => report.compare_with(whole),
            _ => as_written = Some(report.clone()),
        }
        status = keeping.status.worse(status_of(&report));
        files.append(&mut keeping.files);
        let took = took.saturating_sub(kept);
        if let Some(why) = strategy.gave_up() {
            print_error(why);
            status = Status::BadInput;
        }
        match arguments.format {
            RunFormat::Json => {
                let first_seed = arguments.subject.runs.first_seed();
                say_record(&CaseRecord::new(&report, first_seed, took, &keeping.stories_of(&report)));
            }
            RunFormat::Github => {
                let file = inert::path(&arguments.subject.file_of(&report.case.scenario));
                let again = |finding: &Finding| keeping.again(finding);
                report::annotation(&report, &file, again).into_iter().for_each(print);
            }
            RunFormat::Text => {}
        }
        rows.lock().unwrap_or_else(PoisonError::into_inner).push((report, took));
        if ending.runs.is_set() {
            status = status.worse(Status::Inconclusive);
            break;
        }
    }
    progress.end();
    (status, files)
}

fn usual_seeds(case: &Case) -> u64 {
    let as_written = || SEEDS.max(case.scenario.runs_for_service_levels());
    case.without().map_or_else(as_written, |without| without.within_seeds.into())
}

fn status_of(report: &CaseReport) -> Status {
    match report.verdict().status() {
        0 => Status::AsExpected,
        1 => Status::Broken,
        _ => Status::Inconclusive,
    }
}

/// What becomes of the findings of a case.
struct Keeping<'a> {
    arguments: &'a Arguments,
    found: Found<'a>,
    strategy: &'static str,
    ending: &'a Ending,
    /// The stories of those that were made small, for programs.
    stories: Vec<FindingStory>,
    /// The files that they are saved in.
    files: Vec<PathBuf>,
    status: Status,
    took: Duration,
}

impl Keeping<'_> {
    /// Makes small, saves and tells what broke, as soon as it did.
    fn keep(&mut self, finding: &Finding) {
        if self.is_worth_it(finding) {
            let ((), took) = timed(|| self.make_small_and_save(finding));
            self.took += took;
        }
    }

    fn is_worth_it(&self, finding: &Finding) -> bool {
        let case = self.found.case;
        let is_in_time = case.without().is_none_or(|without| {
            self.arguments.save == Save::All && finding.after_seeds <= u64::from(without.within_seeds)
        });
        is_in_time && case.is_about_breaking(finding.property)
    }

    fn make_small_and_save(&mut self, finding: &Finding) {
        let small = match self.found.shrink_finding(finding, self.ending) {
            Ok(small) => small,
            Err(error) => {
                print_error(error);
                self.status = self.status.worse(Status::Broken);
                return;
            }
        };
        let file = self.found.corpus.and_then(|corpus| {
            let saved = save(corpus, &small);
            if saved.is_none() {
                self.status = Status::BadInput;
            }
            saved.map(|saved| saved.path().to_owned())
        });
        self.files.extend(file.clone());
        if self.arguments.format != RunFormat::Json
            && let Some(story) = small.story(file.as_deref())
        {
            say_styled(&story);
        }
        if self.arguments.format == RunFormat::Json {
            self.stories.push(small.record(file.as_deref(), || self.again(finding)));
        }
    }

    /// The stories of all findings: those that were not made small are run once more.
    fn stories_of(mut self, report: &CaseReport) -> Vec<FindingStory> {
        for finding in &report.findings {
            let is_of_it = |story: &FindingStory| {
                story.saved.property == finding.property && story.saved.seed == finding.seed
            };
            if !self.stories.iter().any(is_of_it) && !self.ending.runs.is_set() {
                self.stories.push(self.found.record_as_found(finding, self.again(finding)));
            }
        }
        self.stories
    }

    /// The command that has a finding again which is not saved.
    fn again(&self, finding: &Finding) -> String {
        again(self.arguments, &self.found, self.strategy, finding)
    }
}

/// The command that has a finding again.
fn again(arguments: &Arguments, found: &Found<'_>, strategy: &'static str, finding: &Finding) -> String {
    let case = found.case;
    let subject = &arguments.subject;
    let search = found.search_again(finding, strategy, subject.runs.first_seed());
    let all = if case.without().is_some() { " --save all" } else { "" };
    let file = inert::path(&subject.file_of(&case.scenario));
    format!("{} run {file} {search}{all}", case.scenario.suite.command())
}
