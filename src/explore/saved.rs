//! A saved failure: seed, case and the faults that suffice, in a file that says what it is.
//!
//! The file carries the text of its scenario, so that it means the same from any directory and after the scenario
//! has been edited. Replaying it gives one of four [`Answer`]s.

use crate::explore::{Minimal, Run};
use crate::properties;
use crate::scenario::{Case, Problem, Problems, Scenario};
use perfidy_sim::{Address, Digest, Engine, Fault, Plan, Seed, Stop};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The version of the file format.
const SCHEMA: u32 = 1;

/// A failure that can be replayed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSeed {
    schema: u32,
    /// The version of perfidy that saved it.
    pub perfidy: String,
    /// The property that broke.
    pub property: String,
    /// How, in words.
    pub message: String,
    /// The engine; digests are each engine's own.
    pub engine: Engine,
    /// The seed.
    pub seed: Seed,
    /// The fingerprint of the history.
    pub digest: Digest,
    /// Whether something could perhaps still be left out, because shrinking was cut short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// The faults that suffice.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// The case.
    pub case: SavedCase,
}

/// The case of a saved failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedCase {
    /// The scenario's name.
    pub scenario: String,
    /// The label of the case.
    pub label: String,
    /// The scenario's text.
    pub text: String,
}

/// A saved failure that cannot be used.
#[derive(Debug)]
pub struct BadSeed(Problems);

impl BadSeed {
    /// What is wrong with it.
    pub fn problems(&self) -> &Problems {
        &self.0
    }

    /// What is wrong with it.
    pub fn into_problems(self) -> Problems {
        self.0
    }
}

impl fmt::Display for BadSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BadSeed {}

/// What a saved failure means today.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The property broke again.
    Reproduced {
        /// Whether the history is the saved one, event for event.
        same_history: bool,
    },
    /// Every fault was met, and the property holds.
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

impl SavedSeed {
    /// A failure to be saved.
    pub fn new(engine: Engine, seed: Seed, property: &str, minimal: &Minimal) -> Self {
        let Minimal { case, faults, run, is_finished } = minimal;
        let message = run.violation(property).map(|violation| violation.message.clone()).unwrap_or_default();
        Self {
            schema: SCHEMA,
            perfidy: env!("CARGO_PKG_VERSION").to_owned(),
            property: property.to_owned(),
            message,
            engine,
            seed,
            digest: run.outcome.digest(),
            faults: faults.clone(),
            unfinished: !is_finished,
            case: SavedCase {
                scenario: case.scenario.name.to_string(),
                label: case.label(),
                text: case.scenario.text.to_string(),
            },
        }
    }

    /// Reads a saved failure.
    ///
    /// # Errors
    /// [`BadSeed`] with what is wrong and where, for a file that cannot be read, is half-written, or was saved by
    /// another version of the format. The file is left as it is.
    pub fn read(path: &Path) -> Result<Self, BadSeed> {
        let text = crate::scenario::read_text(path).map_err(BadSeed)?;
        let shown = path.display().to_string();
        let bad = |problem| BadSeed(Problems::new(shown.clone(), text.as_str(), vec![problem]));
        let saved: Self = toml::from_str(&text).map_err(|error| bad(Problem::from_toml(&error)))?;
        if saved.schema != SCHEMA {
            let message =
                format!("this file has schema {}; this perfidy reads schema {SCHEMA}", saved.schema);
            return Err(bad(Problem::whole(message)));
        }
        if properties::find(&saved.property).is_none() {
            return Err(bad(Problem::whole(format!("there is no property `{}`", saved.property))));
        }
        if let Err(missing) = saved.engine.available() {
            return Err(bad(Problem::whole(missing.to_string())));
        }
        let problems = saved.case()?.scenario.check_pinned(&text);
        if problems.is_empty() { Ok(saved) } else { Err(BadSeed(Problems::new(shown, text, problems))) }
    }

    /// Whether a text looks like a saved failure, good or bad, and not like a scenario.
    pub fn is_one(text: &str) -> bool {
        text.lines().any(|line| line.starts_with("digest ") || line == "[case]")
    }

    /// The case it is about.
    ///
    /// # Errors
    /// [`BadSeed`] with the problems of the scenario that it carries.
    pub fn case(&self) -> Result<Case, BadSeed> {
        self.resolve().map_err(BadSeed)
    }

    fn resolve(&self) -> Result<Case, Problems> {
        let scenario = Scenario::parse(&self.case.scenario, &self.case.text)?;
        Case::labelled(&scenario, &self.case.label).map_err(|error| {
            let problem = Problem::whole(error.to_string());
            Problems::new(self.case.scenario.as_str(), self.case.text.as_str(), vec![problem])
        })
    }

    /// Runs it again.
    pub fn replay(&self, case: &Case) -> (Run, Answer) {
        let run = Run::planned(case, self.engine, self.seed, &Plan::Explicit(self.faults.as_slice().into()));
        let answer = self.answer(&run);
        (run, answer)
    }

    fn answer(&self, run: &Run) -> Answer {
        if run.violation(&self.property).is_some() {
            return Answer::Reproduced { same_history: run.outcome.digest() == self.digest };
        }
        let missing = run.outcome.pinned.iter().find(|pinned| !pinned.met).map(|pinned| pinned.fault.at);
        let ended = match run.outcome.stop {
            Stop::Finished => None,
            // Everything was met and judged; that time ran out is what another property is about.
            Stop::Quiescent | Stop::Deadline if missing.is_none() => None,
            Stop::Quiescent => Some("everybody was waiting".to_owned()),
            Stop::Deadline => Some("time ran out".to_owned()),
            Stop::TooManyEvents => Some("there were too many events".to_owned()),
            Stop::Spinning { node } => Some(format!("{node} ran on without waiting")),
            Stop::Panicked { node } => Some(format!("{node} panicked")),
        };
        match (missing, ended) {
            (None, None) => Answer::Fixed,
            (Some(missing), None) => {
                Answer::Stale { missing, nearest: nearest(missing, &run.outcome.visited) }
            }
            (None, Some(ended)) => Answer::Ambiguous { why: format!("the run was cut short: {ended}") },
            (Some(missing), Some(ended)) => {
                Answer::Ambiguous { why: format!("{ended} before `{missing}` could come up") }
            }
        }
    }

    /// What tells it apart: the property, the case and the faults.
    pub fn fingerprint(&self) -> u64 {
        perfidy_sim::Words::digest(|words| {
            words.text(&self.property).text(&self.case.scenario).text(&self.case.label);
            words.text(self.engine.as_str());
            let mut faults = self.faults.clone();
            faults.sort_unstable();
            for fault in &faults {
                words.text(&fault.to_string());
            }
        })
    }

    /// The file's text, as it stands at `path`.
    ///
    /// # Panics
    /// Never: a saved seed has nothing that TOML cannot say.
    pub fn to_toml(&self, path: &Path) -> String {
        let faults = match self.faults.len() {
            0 => "No fault is needed.".to_owned(),
            1 => "One fault suffices.".to_owned(),
            count => format!("{count} faults suffice."),
        };
        let unfinished = match self.unfinished {
            true => format!("\n# Something may still be left out: perfidy shrink {}", path.display()),
            false => String::new(),
        };
        format!(
            "# {}, {}: {} broke.\n# {}. {faults}\n# Replay it with: perfidy replay {}{unfinished}\n\n{}",
            self.case.scenario,
            self.case.label,
            self.property,
            self.message,
            path.display(),
            toml::to_string(self).expect("a saved seed has nothing that TOML cannot say"),
        )
    }
}

/// The place most like one that did not come up: the same site before the same id, then by spelling.
fn nearest(missing: Address, visited: &[Address]) -> Option<Address> {
    let likeness = |address: &Address| {
        let site = strsim::normalized_levenshtein(address.site.as_str(), missing.site.as_str());
        let id = strsim::normalized_levenshtein(address.id.as_str(), missing.id.as_str());
        ((site * 2.0 + id) * 1e6) as u64
    };
    visited.iter().copied().max_by_key(|address| (likeness(address), *address))
}
