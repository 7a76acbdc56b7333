//! What has become of one case of a campaign: counts, and what broke.

use super::{Broke, Fingerprint, Knowledge};
use crate::explore::RunSummary;
use crate::explore::counting::OtherFaults;
use crate::scenario::Case;
use perfidy_sim::{Name, Seed, SimSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of one case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CaseProgress {
    /// The scenario's name.
    pub scenario: Name,
    /// The label of the case.
    pub label: String,
    /// What tells the scenario's text apart from others.
    pub(super) text: Fingerprint,
    /// How many runs there were.
    pub runs: u64,
    /// How long they took in real time.
    pub took: SimSpan,
    /// How often each kind of fault was injected.
    pub injected: BTreeMap<Name, u64>,
    /// How many runs reached each probe of the workflow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub probes: BTreeMap<String, u64>,
    /// The properties that broke.
    pub broke: BTreeMap<String, Broke>,
    /// Of a `[[without]]` case: the properties that should break and that broke by faults which the file does
    /// not name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_other_faults: BTreeMap<String, OtherFaults>,
    /// As written: the waived properties that broke. They say nothing of the case, but something of those
    /// that should break without a safeguard.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    waived: BTreeMap<String, First>,
    /// What its runs have shown.
    #[serde(default)]
    pub known: Knowledge,
}

/// Where something happened first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct First {
    #[serde(with = "crate::explore::saved::seed")]
    seed: Seed,
}

impl CaseProgress {
    pub(super) fn new(case: &Case) -> Self {
        Self {
            scenario: case.scenario.name,
            label: case.label(),
            text: Fingerprint::of_text(&case.scenario.text),
            runs: 0,
            took: SimSpan::ZERO,
            injected: BTreeMap::new(),
            probes: case.probes().map(|probe| (probe.name.to_owned(), 0)).collect(),
            broke: BTreeMap::new(),
            by_other_faults: BTreeMap::new(),
            waived: BTreeMap::new(),
            known: Knowledge::new(case),
        }
    }

    /// Whether this is what became of that case.
    pub fn is_of(&self, case: &Case) -> bool {
        self.scenario == case.scenario.name && self.label == case.label()
    }

    pub(super) fn is_called_like(&self, other: &Self) -> bool {
        self.scenario == other.scenario && self.label == other.label
    }

    /// How many different failures there are.
    pub fn failures(&self) -> usize {
        self.broke.values().map(|broke| broke.failures.len()).sum()
    }

    pub(super) fn take_in_what_is_not_counted(&mut self, case: &Case, run: &RunSummary) {
        for property in &run.by_other_faults {
            let others = || OtherFaults::of(case, run.seed, &run.injected);
            self.by_other_faults.entry((*property).to_owned()).or_insert_with(others);
        }
        if case.without().is_none() {
            for (property, _) in run.violations().filter(|(property, _)| !case.is_about_breaking(property)) {
                self.waived.entry(property.to_owned()).or_insert(First { seed: run.seed });
            }
        }
    }

    /// The first seed at which a property broke, also if it is waived.
    pub(super) fn first_broken(&self, property: &str) -> Option<Seed> {
        let broke = self.broke.get(property).map(|broke| broke.first_seed);
        broke.or_else(|| self.waived.get(property).map(|first| first.seed))
    }
}
