//! A saved failure, read back: understood in the names of today, and asked what it means today.

use crate::config::{Problem, Problems};
use crate::explore::embedded::{Embedded, place_of};
use crate::explore::{Aliases, Run, SaveError, SavedSeed, corpus, saved};
use crate::faults::ActionMap;
use crate::inert;
use crate::scenario::{self, Case, Renaming, Scenario};
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Action, Address, Pinned, Plan, RunEnd};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::DeTable;

/// A saved failure that can be replayed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What was saved, in the names of today.
    pub saved: SavedSeed,
    /// The case.
    pub case: Case,
    /// The same under other names, if the file does not say how old it is.
    perhaps: Option<Case>,
    path: PathBuf,
    /// The file as it was read.
    text: String,
    /// The kinds of faults that have another name today.
    kinds: Renaming,
}

/// A saved failure that cannot be used.
#[derive(Debug)]
pub struct BadSeed {
    problems: Problems,
    check: Option<String>,
}

impl BadSeed {
    /// What is wrong with it.
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// What is wrong with it.
    pub fn into_problems(self) -> Problems {
        self.problems
    }

    /// If a [check](crate::check) of a test found it: the command that runs this test, which replays it. A
    /// suite need not know the workflow of a check, so for others than the check nothing is wrong.
    pub fn check(&self) -> Option<&str> {
        self.check.as_deref()
    }
}

impl fmt::Display for BadSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.fmt(f)
    }
}

impl std::error::Error for BadSeed {}

impl From<Problems> for BadSeed {
    fn from(problems: Problems) -> Self {
        Self { problems, check: None }
    }
}

/// What a saved failure means today.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplayOutcome {
    /// The property broke again.
    Reproduced {
        /// Whether the history is the saved one, event for event.
        same_history: bool,
    },
    /// Every fault was injected, and the property holds.
    Fixed,
    /// A fault's place never came up: the code under test has moved.
    Stale {
        /// The place.
        missing: Address,
        /// The place most like it that did come up.
        nearest: Option<Address>,
    },
    /// The run ended before the place could come up, or was cut short.
    Ambiguous {
        /// How the run ended, in words.
        why: String,
    },
}

impl ReplayOutcome {
    /// Whether the property broke again.
    pub fn is_reproduced(&self) -> bool {
        matches!(self, Self::Reproduced { .. })
    }
}

impl Failure {
    /// Reads a saved failure of a case of the suite, and the [`Aliases`] beside it.
    ///
    /// # Errors
    /// [`BadSeed`] with a diagnostic for a file that cannot be read, is half-written, was saved by another
    /// version of the format, or names unknown items. The file is not changed.
    pub fn read(suite: &Suite, path: &Path) -> Result<Self, BadSeed> {
        let text = scenario::read_long_text(path)?;
        let shown = path.display().to_string();
        let aliases_for = |scenario: &str| match Aliases::beside(path, scenario) {
            Some(file) => Aliases::read(suite, &file),
            None => Ok(Aliases::default()),
        };
        let (saved, aliases) = match (SavedSeed::parse(&shown, &text), scenario_in(&text)) {
            (Ok(saved), _) => {
                let aliases = aliases_for(&saved.case.scenario)?;
                (saved, aliases)
            }
            (Err(bad), None) => return Err(bad.into()),
            (Err(_), Some(scenario)) => {
                let aliases = aliases_for(&scenario)?;
                let saved = parse(&shown, &text, &aliases.of_faults())
                    .map_err(|bad| if has_unknown_action(&text) { may_be_renamed(bad, path) } else { bad })?;
                (saved, aliases)
            }
        };
        let check = saved.check.clone();
        Self::resolve(suite, path, text, saved, &aliases).map_err(|bad| BadSeed { check, ..bad })
    }

    /// Reads the text of a saved failure that may not stand at `path` yet, in the names of today.
    pub(super) fn read_text(suite: &Suite, path: &Path, text: String) -> Result<Self, BadSeed> {
        let saved = SavedSeed::parse(&path.display().to_string(), &text)?;
        Self::resolve(suite, path, text, saved, &Aliases::default())
    }

    fn resolve(
        suite: &Suite,
        path: &Path,
        text: String,
        mut saved: SavedSeed,
        aliases: &Aliases,
    ) -> Result<Self, BadSeed> {
        let shown = path.display().to_string();
        let all = aliases_of(suite, &saved, &text, aliases);
        let Names { older, unclear } = Names::of(&saved, &text, all);
        let today = |text: &str| scenario::renamed(text, &older);
        let as_saved = std::mem::take(&mut saved.case.text);
        saved.property = older.property(&saved.property);
        saved.case.text = today(&as_saved);
        saved.case.label = older.label(&saved.case.label);
        saved.faults.iter_mut().for_each(|fault| *fault = older.run.fault(*fault));
        if suite.find_property(&saved.property).is_none() {
            let place = place_of(&text, &["property"]);
            let problem = Problem::unknown(place, "property", &saved.property, &suite.property_names());
            return Err(may_be_renamed(Problems::new(shown, text, vec![problem]), path).into());
        }
        saved.suite = Some(suite.clone());
        let scenario = Scenario::parse_saved(suite, &saved.case.scenario, &saved.case.text);
        let scenario = scenario.map_err(|problems| {
            let place = place_of(&text, &["case", "text"]);
            let embedded = Embedded { file: &text, place, text: &as_saved };
            may_be_renamed(embedded.problems_in_file(&shown, &problems), path)
        })?;
        let mut case = Case::labelled(&scenario, &saved.case.label).map_err(|_| {
            let labels: Vec<String> = Case::all(&scenario).iter().map(Case::label).collect();
            let known: Vec<&str> = labels.iter().map(String::as_str).collect();
            let place = place_of(&text, &["case", "label"]);
            let problem = Problem::unknown(place, "case", &saved.case.label, &known);
            Problems::new(shown.as_str(), text.as_str(), vec![problem])
        })?;
        // The places of problems are those of the file, line for line.
        let text_today = today(&text);
        let problems = scenario.check_pinned(&text_today);
        if !problems.is_empty() {
            return Err(may_be_renamed(Problems::new(shown, text_today, problems), path).into());
        }
        // What is not clear is taken to be as old as the rest, and else tried the other way round.
        let both: Renaming = [older.clone(), unclear.clone()].into_iter().collect();
        let (likely, perhaps) = if older.is_empty() { (older, both) } else { (both, older) };
        let drawn_under =
            |names: Renaming| Some(Arc::new(names.run.reversed())).filter(|names| !names.is_empty());
        case.previous_names = drawn_under(likely);
        let perhaps = (!unclear.is_empty()).then(|| {
            let mut case = case.clone();
            case.previous_names = drawn_under(perhaps);
            case
        });
        Ok(Self { saved, case, perhaps, path: path.to_owned(), text, kinds: aliases.of_faults() })
    }

    /// The text of its file.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Whether it was saved under other names than those of today.
    pub fn is_renamed(&self) -> bool {
        self.case.previous_names.is_some()
    }

    /// Runs it again.
    pub fn replay(&self) -> (Run, ReplayOutcome) {
        let first = self.replay_as(&self.case);
        let Some(perhaps) = self.perhaps.as_ref().filter(|_| !first.1.is_reproduced()) else { return first };
        let second = self.replay_as(perhaps);
        if second.1.is_reproduced() { second } else { first }
    }

    fn replay_as(&self, case: &Case) -> (Run, ReplayOutcome) {
        let plan = Plan::Explicit(self.saved.faults.as_slice().into());
        let run = Run::planned(case, self.saved.engine, self.saved.seed, &plan);
        let answer = self.answer(case, &run);
        (run, answer)
    }

    /// Writes what a run has made of a failure that was reproduced into its file: the history, what broke in
    /// words, and the version of perfidy. Everything else in the file stays as it is, comments as well.
    ///
    /// # Errors
    /// [`SaveError`] if the file cannot be written, was changed meanwhile or could not be read again; the old
    /// file then stays intact.
    ///
    /// # Panics
    /// Never: what was read as TOML is TOML.
    pub fn refresh(&self, run: &Run) -> Result<(), SaveError> {
        let Some(violation) = run.violation(&self.saved.property) else { return Ok(()) };
        let message = saved::shortened(&violation.message);
        let today = [
            ("digest", run.outcome.digest().to_string()),
            ("message", message.clone()),
            ("perfidy", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        let root = DeTable::parse(&self.text).expect("it was read as TOML");
        let mut spans: Vec<_> = today
            .into_iter()
            .filter_map(|(key, value)| Some((root.get_ref().get(key)?.span(), value)))
            .collect();
        spans.sort_by_key(|(span, _)| span.start);
        let mut text = self.text.clone();
        for (span, value) in spans.into_iter().rev() {
            text.replace_range(span, &toml::Value::String(value).to_string());
        }
        // The head of the file says in a comment what broke.
        let head = text.find("\n\n").unwrap_or(0);
        let told_anew = text[..head].replacen(&*inert::line(&self.saved.message), &message, 1);
        text.replace_range(..head, &told_anew);
        let shown = self.path.display().to_string();
        let is_whole = parse(&shown, &text, &self.kinds)
            .is_ok_and(|read| read.digest == run.outcome.digest() && read.message == message);
        if !is_whole {
            return Err(SaveError::does_not_read_back(
                &self.path,
                "the edited file would say something else",
            ));
        }
        corpus::rewrite(&self.path, &self.text, &text)
    }

    fn answer(&self, case: &Case, run: &Run) -> ReplayOutcome {
        let outcome = &run.outcome;
        if run.violation(&self.saved.property).is_some() {
            return ReplayOutcome::Reproduced { same_history: outcome.digest() == self.saved.digest };
        }
        let missing: Vec<&Pinned> = outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
        // A timed fault can only be missed if the run ends first, or if no node has that name.
        let too_late =
            |pinned: &&Pinned| pinned.fault.action.moment().is_some_and(|moment| moment > outcome.ended);
        let moved = missing.iter().find(|pinned| !too_late(pinned)).or(missing.first());
        let ended = match outcome.stop {
            RunEnd::Finished if missing.iter().all(too_late) && !missing.is_empty() => {
                Some(format!("all was over at {}", outcome.ended))
            }
            RunEnd::Finished => None,
            // Every fault was injected and every property judged; that time ran out is what another property
            // is about.
            RunEnd::Quiescent | RunEnd::Deadline if missing.is_empty() => None,
            RunEnd::Quiescent => Some("every agent was waiting".to_owned()),
            RunEnd::Deadline => Some("time ran out".to_owned()),
            RunEnd::TooManyEvents => Some("there were too many events".to_owned()),
            RunEnd::Spinning { node } => Some(format!("{node} ran on without waiting")),
            RunEnd::Panicked { node } => Some(format!("{node} panicked")),
        };
        match (moved.map(|pinned| pinned.fault.at), ended) {
            (None, None) => ReplayOutcome::Fixed,
            (Some(missing), None) => {
                // A run counts only the steps that its plan names; the nearest may be another.
                let plan = Plan::Explicit(self.saved.faults.as_slice().into());
                let again = Run::with_all_steps(case, self.saved.engine, self.saved.seed, &plan);
                ReplayOutcome::Stale { missing, nearest: nearest(missing, &again.outcome.visited) }
            }
            (None, Some(ended)) => {
                ReplayOutcome::Ambiguous { why: format!("the run was cut short: {ended}") }
            }
            (Some(missing), Some(ended)) => {
                ReplayOutcome::Ambiguous { why: format!("{ended} before `{missing}` could come up") }
            }
        }
    }
}

/// Parses the text of a saved failure whose actions may be of kinds that have another name today.
fn parse(shown: &str, text: &str, kinds: &Renaming) -> Result<SavedSeed, Problems> {
    SavedSeed::parse(shown, text).or_else(|bad| match scenario::renamed(text, kinds) {
        today if today == text => Err(bad),
        today => SavedSeed::parse(shown, &today),
    })
}

/// Whether a fault of the text does what is no action, at least by the names of today.
fn has_unknown_action(text: &str) -> bool {
    let Ok(root) = DeTable::parse(text) else { return false };
    let changes = root.get_ref().get("changes").and_then(|changes| changes.get_ref().as_table());
    let tables = [Some(root.get_ref()), changes].into_iter().flatten();
    let faults = tables.filter_map(|table| table.get("fault")?.get_ref().as_array());
    let actions = faults.flat_map(|faults| faults.iter());
    let mut actions = actions.filter_map(|fault| fault.get_ref().as_table()?.get("do")?.get_ref().as_str());
    actions.any(|action| action.parse::<Action>().is_err())
}

/// The name of the scenario in a text that may not be a saved failure.
fn scenario_in(text: &str) -> Option<String> {
    let root = DeTable::parse(text).ok()?;
    let name = root.get_ref().get("case")?.get_ref().as_table()?.get("scenario")?.get_ref().as_str()?;
    scenario::trouble_with_name(name).is_none().then(|| name.to_owned())
}

/// Which aliases concern a failure.
struct Names {
    /// Those of which it has the old names.
    older: Renaming,
    /// Those of which it has neither the old names nor the new ones.
    unclear: Renaming,
}

impl Names {
    fn of(saved: &SavedSeed, file: &str, aliases: Vec<Renaming>) -> Self {
        let has = |names: &Renaming| {
            let is_in = |text: &str| scenario::renamed(text, names) != text;
            // Of the file, that is its property and its faults; the scenario stands in it as text.
            is_in(file) || is_in(&saved.case.text) || names.label(&saved.case.label) != saved.case.label
        };
        let (older, rest): (Vec<_>, Vec<_>) = aliases.into_iter().partition(&has);
        // What no file needs to name can still be what a run has drawn by.
        let can_be_drawn_by = |alias: &Renaming| alias.run.concerns_places();
        let is_unclear = |alias: &Renaming| can_be_drawn_by(alias) && !has(&alias.run.reversed().into());
        let unclear = rest.into_iter().filter(is_unclear).collect();
        Self { older: older.into_iter().collect(), unclear }
    }
}

/// What the aliases come to that concern a failure.
fn aliases_of(suite: &Suite, saved: &SavedSeed, file: &str, aliases: &Aliases) -> Vec<Renaming> {
    let workflow = workflow_of(suite, &saved.case.text, aliases);
    let without_actions = aliases.of(workflow, None);
    if !aliases.are_of_actions() {
        return without_actions;
    }
    // The team is that of the file in the names of today; what its agents do needs no name of an action.
    let text = scenario::renamed(&saved.case.text, &Names::of(saved, file, without_actions).older);
    let today = Scenario::parse_saved(suite, &saved.case.scenario, &text).ok();
    aliases.of(workflow, today.map(|scenario| ActionMap::of(&scenario)).as_ref())
}

/// The workflow that a scenario's text names, perhaps by a name that it had before.
fn workflow_of<'a>(suite: &'a Suite, text: &str, aliases: &Aliases) -> Option<&'a Workflow> {
    let root = DeTable::parse(text).ok()?;
    let name = root.get_ref().get("workflow")?.get_ref().as_str()?;
    let name = aliases.workflow(name);
    suite.find_workflow(name).map(|workflow| &**workflow)
}

/// Problems of a text that was good when it was saved. Something may just be called something else now.
fn may_be_renamed(mut problems: Problems, path: &Path) -> Problems {
    let file = path.with_file_name(Aliases::FILE);
    let hint = format!("if something was renamed since this was saved, say so in {}", file.display());
    if let Some(problem) = problems.list.first_mut() {
        problem.help = Some(match problem.help.take() {
            // A help that lists all there is can be long, and what is too long is cut.
            Some(help) => format!("{hint}; {help}"),
            None => hint,
        });
    }
    problems
}

/// The place most like one that did not come up: another try at the same place, else another id at the same
/// site, else the same id at another site, else by spelling.
pub(super) fn nearest(missing: Address, visited: &[Address]) -> Option<Address> {
    let alike = |a: perfidy_sim::Name, b: perfidy_sim::Name| {
        (strsim::normalized_levenshtein(a.as_str(), b.as_str()) * 1e6) as u64
    };
    let likeness = |address: &Address| {
        let same = (address.site == missing.site, address.id == missing.id);
        (same, alike(address.site, missing.site) * 2 + alike(address.id, missing.id))
    };
    visited.iter().copied().max_by_key(|address| (likeness(address), *address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn the_nearest_place_is_at_the_same_site_if_anything_was_there() {
        let all = [
            "bank > worker-1, reply to pay, task-2, try 2",
            "bank > worker-1, reply to pay, task-9/other, try 1",
            "bank > worker-2, reply to pay, task-2, try 1",
            "bank > worker-1, reply to play, task-20, try 1",
            "leases, leadership, try 1",
        ]
        .map(address);
        let missing = address("bank > worker-1, reply to pay, task-2, try 3");
        for left_out in 0..all.len() {
            assert_eq!(nearest(missing, &all[left_out..]), Some(all[left_out]));
        }
        assert_eq!(nearest(missing, &[]), None);
    }
}
