//! A folder of saved failures as a page: the campaign that was left there, if there is one, what broke by
//! which faults, each failure with its picture, and on request how soon each strategy finds them.

use super::tables::{add_ablations, add_comparison, campaign};
use super::{Arguments, Document};
use crate::cli::ending::Ending;
use crate::cli::pages::add_failures;
use crate::cli::{Status, print_error, print_problems, tell};
use crate::explore::strategy::Choice;
use crate::explore::{CampaignCheckpoint, Corpus, Failure, FuzzState, SavedSeed, seeds_to_detection};
use crate::inert;
use crate::report::{CampaignPage, DetectionTable};
use crate::scenario::{Case, Scenario, read_long_text, root_of};
use crate::suite::Suite;
use perfidy_sim::Abandoned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The document of a corpus.
pub(super) fn of_corpus(suite: &Suite, arguments: &Arguments) -> Result<(Vec<u8>, Status), Status> {
    if !matches!(arguments.format, Document::Page | Document::Svg) {
        print_error("a folder of saved failures can be written as `page` or as `svg`");
        return Err(Status::BadInput);
    }
    arguments
        .refuse(&[("--case", arguments.case.is_some())], "belongs to a scenario, and this is a folder")?;
    if arguments.detection.is_none() && arguments.ablation.is_none() && arguments.compare.is_none() {
        let given = [("--seed", arguments.seed.is_some()), ("--engine", arguments.engine.is_some())];
        arguments.refuse(&given, "needs --detection, --ablation or --compare for a folder")?;
    }
    let corpus = Corpus::new(&arguments.file);
    let files = corpus.files().map_err(|error| {
        print_error(format_args!("cannot read {}: {error}", inert::path(&arguments.file)));
        Status::BadInput
    })?;
    let checkpoint = CampaignCheckpoint::to_be_read(&arguments.file);
    if files.is_empty() && !checkpoint.path().exists() {
        print_error(format_args!("there is no saved failure in {}", inert::path(&arguments.file)));
        return Err(Status::BadInput);
    }
    if !files.is_empty() && !checkpoint.path().exists() && !files.iter().any(|file| is_saved_failure(file)) {
        print_error(format_args!(
            "{} holds no saved failure; for a run of a scenario name its file, as in `{} report {} --seed 7`",
            inert::path(&arguments.file),
            suite.command(),
            inert::path(&files[0])
        ));
        return Err(Status::BadInput);
    }
    let ending = Ending::by_signal();
    let (mut about, mut state) = (about(&files), None);
    if checkpoint.path().exists() {
        let read = checkpoint.read().map_err(|problems| {
            print_problems(&problems);
            Status::BadInput
        })?;
        about = format!("{} runs of {} from seed {}; {about}", read.runs(), read.strategy, read.first_seed);
        state = Some(read);
    }
    let mut page = CampaignPage::new(format!("The failures in {}", inert::path(&arguments.file)), about);
    if let Some(state) = &state {
        let mut scenarios = Scenarios::new(suite);
        page.add_state(state, |progress| scenarios.case(progress.scenario.as_str(), &progress.label));
    }
    // A bad file is named and left out; the others are on the page.
    let mut status = add_failures(suite, &mut page, &files, None, &ending.watchdog);
    if let Some([a, b]) = arguments.compare.as_deref() {
        add_comparison(&mut page, suite, (arguments, [a, b]), &ending)?;
    }
    if let Some(within) = arguments.detection {
        let table = measure(suite, arguments, &files, within, &ending).map_err(|Abandoned| {
            ending.reached();
            Status::Inconclusive
        })?;
        page.set_detection(table);
    }
    if let Some(seeds) = arguments.ablation {
        let scenarios = scenarios_of(suite, &files, state.as_ref());
        let (arguments, scenarios) = ((arguments, seeds), (suite, scenarios.as_slice()));
        status = status.worse(add_ablations(&mut page, scenarios, arguments, &ending));
    }
    ending.reached();
    let more = more(arguments);
    if !more.is_empty() {
        page.add_note(format!("This page can also show {}.", more.join("; ")));
    }
    let document = match arguments.format {
        Document::Svg => page.to_svg(arguments.theme()).into_bytes(),
        _ => page.to_html().into_bytes(),
    };
    Ok((document, status))
}

/// What else can be on the page.
fn more(arguments: &Arguments) -> Vec<&'static str> {
    let all = [
        (
            arguments.detection.is_some(),
            "after how many seeds each strategy finds what broke (--detection 300)",
        ),
        (arguments.ablation.is_some(), "what breaks without each safeguard (--ablation 300)"),
        (arguments.compare.is_some(), "two designs compared (--compare A.toml B.toml)"),
    ];
    all.into_iter().filter(|(is_there, _)| !is_there).map(|(_, more)| more).collect()
}

/// The scenarios of failures and of a campaign, as their files are today.
fn scenarios_of(suite: &Suite, files: &[PathBuf], state: Option<&FuzzState>) -> Vec<Arc<Scenario>> {
    let failures = files.iter().filter_map(|file| Failure::read(suite, file).ok());
    let mut names: BTreeSet<String> = failures.map(|failure| failure.saved.case.scenario).collect();
    names.extend(state.iter().flat_map(|state| &state.cases).map(|case| case.scenario.to_string()));
    names.iter().filter_map(|name| scenario_of(suite, name)).collect()
}

/// The scenario of this name, if its file is there today and can be read.
fn scenario_of(suite: &Suite, name: &str) -> Option<Arc<Scenario>> {
    let file = suite.folder("scenarios").join(format!("{name}.toml"));
    Scenario::read(suite, &file, &root_of(&file)).ok()
}

fn is_saved_failure(file: &Path) -> bool {
    read_long_text(file).is_ok_and(|text| SavedSeed::is_one(&text))
}

fn about(files: &[PathBuf]) -> String {
    match files.len() {
        1 => "1 saved failure".to_owned(),
        count => format!("{count} saved failures, each in its smallest form"),
    }
}

/// The scenarios of the suite's folder, by name, each read once.
struct Scenarios<'a> {
    suite: &'a Suite,
    cases: BTreeMap<String, Vec<Case>>,
}

impl<'a> Scenarios<'a> {
    fn new(suite: &'a Suite) -> Self {
        Self { suite, cases: BTreeMap::new() }
    }

    /// A case of a scenario, if its file is there today and can be read.
    fn case(&mut self, scenario: &str, label: &str) -> Option<Case> {
        let suite = self.suite;
        let cases = self.cases.entry(scenario.to_owned()).or_insert_with(|| {
            scenario_of(suite, scenario).map(|scenario| Case::all(&scenario)).unwrap_or_default()
        });
        cases.iter().find(|case| case.label() == label).cloned()
    }
}

/// How soon each strategy finds what the saved failures break, in the cases of today.
fn measure(
    suite: &Suite,
    arguments: &Arguments,
    files: &[PathBuf],
    within: u64,
    ending: &Ending,
) -> Result<DetectionTable, Abandoned> {
    let strategies: Vec<Choice> = Choice::all(suite).filter(|choice| !choice.ends()).collect();
    let campaign = campaign(arguments, within, ending);
    let mut scenarios = Scenarios::new(suite);
    let mut wanted: BTreeMap<(String, String), Case> = BTreeMap::new();
    let mut gone = 0;
    for failure in files.iter().filter_map(|file| Failure::read(suite, file).ok()) {
        let saved = &failure.saved;
        let place = format!("{}, {}", saved.case.scenario, saved.case.label);
        match scenarios.case(&saved.case.scenario, &saved.case.label) {
            Some(case) => drop(wanted.insert((saved.property.clone(), place), case)),
            None => gone += 1,
        }
    }
    if gone > 0 {
        tell(format_args!(
            "{gone} of the failures are of cases that are not there any more; they are not looked for"
        ));
    }
    let mut rows = Vec::new();
    for ((property, place), case) in wanted {
        let find = |strategy: &Choice| Ok(seeds_to_detection(&campaign, &case, &property, strategy)?.ok());
        let found: Result<Vec<_>, Abandoned> = strategies.iter().map(find).collect();
        rows.push((property, place, found?));
    }
    Ok(DetectionTable { within, strategies: strategies.iter().map(Choice::name).collect(), rows })
}
