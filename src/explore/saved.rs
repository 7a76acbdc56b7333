//! A saved failure: seed, case and the faults that suffice, in a file that says what it is.
//!
//! The file carries the text of its scenario, so that it means the same from any directory and after the scenario
//! has been edited. Read back it is a [`Failure`](crate::explore::Failure), which can be replayed.

use crate::explore::{Finding, Minimal};
use crate::scenario::{Case, Problem, Problems};
use perfidy_sim::{Digest, Engine, Fault, Seed};
use serde::{Deserialize, Serialize};
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

impl SavedSeed {
    /// A failure to be saved.
    pub fn new(engine: Engine, seed: Seed, property: &str, minimal: &Minimal) -> Self {
        let Minimal { case, faults, run, is_finished } = minimal;
        let message = run.violation(property).map(|violation| violation.message.clone()).unwrap_or_default();
        let finding = (property, message, run.outcome.digest(), faults.as_slice());
        Self::whole(case, engine, seed, finding, !is_finished)
    }

    /// A failure to be saved as it was found, before anything is left out.
    pub fn as_found(case: &Case, engine: Engine, finding: &Finding) -> Self {
        let Finding { property, seed, ref faults, ref message, digest, .. } = *finding;
        Self::whole(case, engine, seed, (property, message.clone(), digest, faults), true)
    }

    fn whole(
        case: &Case,
        engine: Engine,
        seed: Seed,
        (property, message, digest, faults): (&str, String, Digest, &[Fault]),
        unfinished: bool,
    ) -> Self {
        Self {
            schema: SCHEMA,
            perfidy: env!("CARGO_PKG_VERSION").to_owned(),
            property: property.to_owned(),
            message,
            engine,
            seed,
            digest,
            faults: faults.to_vec(),
            unfinished,
            case: SavedCase {
                scenario: case.scenario.name.to_string(),
                label: case.label(),
                text: case.scenario.text.to_string(),
            },
        }
    }

    /// Reads the text of a saved failure, which stands at `path`, without asking what it means: [`Failure`](crate::explore::Failure) does that.
    ///
    /// # Errors
    /// What is wrong and where, for a text that is no saved failure, is half of one, or was saved by another version
    /// of the format.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let bad = |problem| Problems::new(path, text, vec![problem]);
        let is_scenario = || text.lines().any(|line| line.starts_with("workflow "));
        if !Self::is_one(text) && is_scenario() {
            let problem = Problem::whole("this is a scenario, not a saved failure");
            return Err(bad(problem.help("`perfidy run` runs it")));
        }
        let saved: Self = toml::from_str(text).map_err(|error| bad(Problem::from_toml(&error)))?;
        if saved.schema != SCHEMA {
            let message =
                format!("this file has schema {}; this perfidy reads schema {SCHEMA}", saved.schema);
            return Err(bad(Problem::whole(message)));
        }
        if let Err(missing) = saved.engine.available() {
            return Err(bad(Problem::whole(missing.to_string())));
        }
        Ok(saved)
    }

    /// Whether a text looks like a saved failure, good or bad, and not like a scenario.
    pub fn is_one(text: &str) -> bool {
        text.lines().any(|line| line.starts_with("digest ") || line == "[case]")
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
        let unfinished = if self.unfinished {
            format!("\n# Something may still be left out: perfidy shrink {}", path.display())
        } else {
            String::new()
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
