//! `perfidy ablate`: what breaks without each safeguard of a scenario.
//!
//! [`Ablation`] makes the matrix; here it is asked for and told. With `--remove` only what is named is
//! removed, and each property that breaks is told as a story, in the smallest form: that is where the hint of
//! a cell leads.

use super::ending::Ending;
use super::findings::Found;
use super::options::{Subject, Threads, strategy_of};
use super::{
    SheetFormat, Status, is_available, output, print, print_error, say_record, say_styled, some_time,
};
use crate::config::problem::nearest_in_words;
use crate::explore::{Ablation, Campaign, Cell, Claim, Collect, Matrix, Removals, Row};
use crate::inert;
use crate::report::{
    AblationRecord, AblationSummary, AblationSummaryRecord, Hints, SheetsPage, ablation_in_markdown,
    ablation_in_text, ablations_in_markdown, ablations_in_text,
};
use crate::scenario::Scenario;
use crate::suite::Suite;
use perfidy_sim::SimSpan;
use std::sync::Arc;

/// How many seeds a row gets by default.
const SEEDS: u64 = 300;

/// What is tried by default: by `random`, every row sees the same faults by the same chances.
pub(super) const USUAL_STRATEGY: &str = "random";

/// Stands for all safeguards of a file in `--remove`.
const ALL: &str = "all";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    /// How many seeds each row gets [default: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Remove each pair of safeguards as well
    #[arg(long)]
    pairs: bool,
    /// Remove also the safeguards that are on without being named in the file
    #[arg(long)]
    built_in: bool,
    /// Remove only these, together, and tell how each property breaks; `all` for all of a file
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', conflicts_with_all = ["pairs", "built_in"])]
    remove: Vec<String>,
    /// What is tried next; with `random`, every row sees the same faults by the same chances
    #[arg(long, value_name = "NAME", default_value = USUAL_STRATEGY)]
    strategy: String,
    #[command(flatten)]
    threads: Threads,
    /// For how long at most, such as 90s, 10m or 1h 30m
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<SimSpan>,
}

pub fn ablate(suite: &Suite, arguments: &Arguments) -> Status {
    if !is_available(arguments.subject.runs.engine) {
        return Status::BadInput;
    }
    let Some(scenarios) = arguments.subject.read(suite) else { return Status::BadInput };
    let Some(removals) = arguments.removals(suite, &scenarios) else { return Status::BadInput };
    if !arguments.threads.start() {
        return Status::BadInput;
    }
    let ending = Ending::within(arguments.time);
    let mut page = SheetsPage::default();
    let (status, matrices) = arguments.run_all(suite, &scenarios, &removals, &ending, &mut page);
    ending.reached();
    if matrices.len() > 1 {
        tell_summary(&AblationSummary::of(&matrices), arguments.format, &mut page);
    }
    if arguments.format == SheetFormat::Page {
        output::say_document(page.to_html().as_bytes());
    }
    status
}

impl Arguments {
    /// What is removed; complains if a scenario does not have it on.
    fn removals(&self, suite: &Suite, scenarios: &[Arc<Scenario>]) -> Option<Removals> {
        if self.remove.is_empty() {
            return Some(Removals::Each { pairs: self.pairs, built_in: self.built_in });
        }
        if self.remove == [ALL] {
            return Some(Removals::All);
        }
        let mut removed = Vec::new();
        for name in &self.remove {
            let Some(kind) = suite.find_safeguard(name) else {
                let near = nearest_in_words(name, &suite.safeguard_names());
                print_error(format!("there is no safeguard `{name}`; {near}; nothing was run"));
                return None;
            };
            let lacks = scenarios.iter().find(|scenario| !scenario.safeguards.is_on(kind));
            if let Some(scenario) = lacks {
                let scenario = scenario.name;
                print_error(format!(
                    "`{name}` is not on in {scenario}, so it cannot be removed; nothing was run"
                ));
                return None;
            }
            if !removed.contains(&kind.name) {
                removed.push(kind.name);
            }
        }
        Some(Removals::Only(removed))
    }

    fn run_all(
        &self,
        suite: &Suite,
        scenarios: &[Arc<Scenario>],
        removals: &Removals,
        ending: &Ending,
        page: &mut SheetsPage,
    ) -> (Status, Vec<Matrix>) {
        let strategy = strategy_of(suite, &self.strategy);
        let usual = if strategy.ends() { u64::MAX } else { SEEDS };
        let campaign = || Campaign {
            engine: self.subject.runs.engine,
            first_seed: self.subject.runs.first_seed(),
            seeds: self.seeds.unwrap_or(usual),
            collect: Collect::NONE,
            interrupted: &ending.runs,
            watchdog: &ending.watchdog,
        };
        let (mut status, mut matrices) = (Status::AsExpected, Vec::new());
        for scenario in scenarios {
            let removals = removals.clone();
            let ablation = Ablation { campaign: campaign(), strategy: &strategy, removals };
            let matrix = ablation.run(scenario);
            if !matrices.is_empty() && matches!(self.format, SheetFormat::Text | SheetFormat::Markdown) {
                print("");
            }
            self.tell(&matrix, ending, page);
            status = status.worse(status_of(&matrix));
            let interrupted = matrix.interrupted;
            matrices.push(matrix);
            if interrupted {
                break;
            }
        }
        (status, matrices)
    }

    fn tell(&self, matrix: &Matrix, ending: &Ending, page: &mut SheetsPage) {
        let look = |row: &Row, cell: &Cell| self.look(matrix, row, cell);
        let file = inert::path(&self.subject.file_of(&matrix.scenario));
        let hints = self.remove.is_empty().then_some(Hints { look: &look, file });
        match self.format {
            SheetFormat::Text => print(ablation_in_text(matrix, hints.as_ref())),
            SheetFormat::Markdown => print(ablation_in_markdown(matrix, hints.as_ref())),
            SheetFormat::Json => say_record(&AblationRecord::new(matrix)),
            SheetFormat::Page => page.add_ablation(matrix, hints.as_ref()),
        }
        if !self.remove.is_empty() && self.format == SheetFormat::Text {
            tell_stories(matrix, ending);
        }
    }

    /// The command that tells how a property first broke in a row.
    fn look(&self, matrix: &Matrix, row: &Row, cell: &Cell) -> String {
        let case = matrix.case_of(row);
        let found = Found { case: &case, engine: matrix.engine, corpus: None };
        let search =
            found.search_again(&cell.first, matrix.strategy, matrix.first_seed).by_default(USUAL_STRATEGY);
        let file = inert::path(&self.subject.file_of(&matrix.scenario));
        let is_all = matrix.removes_all(row) && !self.built_in;
        let removed = if is_all { ALL.to_owned() } else { row.removed.join(",") };
        format!("{} ablate {file} --remove {removed} {search}", case.scenario.suite.command())
    }
}

/// Tells how each property broke that holds while nothing is removed.
fn tell_stories(matrix: &Matrix, ending: &Ending) {
    let rows = matrix.rows.iter().filter(|row| !row.removed.is_empty());
    let cells = rows.flat_map(|row| row.cells.iter().map(move |(property, cell)| (row, *property, cell)));
    for (row, property, cell) in cells.filter(|(_, _, cell)| cell.claim != Claim::AsWritten) {
        // What cannot be said in a file cannot be made small, but it can be looked at.
        let case = matrix.case_of(row).in_a_file(property).unwrap_or_else(|| matrix.case_of(row));
        let found = Found { case: &case, engine: matrix.engine, corpus: None };
        match found.shrink_finding(&cell.first, ending).map(|small| small.story(None)) {
            Ok(Some(story)) => say_styled(&story),
            Ok(None) => {}
            Err(error) => print_error(error),
        }
    }
}

fn status_of(matrix: &Matrix) -> Status {
    let broken = if matrix.breaks_as_written() { Status::Broken } else { Status::AsExpected };
    let was_run = matrix.rows.iter().all(|row| row.not_run.is_none());
    if matrix.interrupted || !was_run { broken.worse(Status::Inconclusive) } else { broken }
}

fn tell_summary(summary: &AblationSummary, format: SheetFormat, page: &mut SheetsPage) {
    match format {
        SheetFormat::Text => print(format_args!("\n{}", ablations_in_text(summary))),
        SheetFormat::Markdown => print(format_args!("\n{}", ablations_in_markdown(summary))),
        SheetFormat::Json => say_record(&AblationSummaryRecord::new(summary)),
        SheetFormat::Page => page.add_summary(summary),
    }
}
