//! The cross map: which safeguards guard a property, and which faults break it.
//!
//! Nothing of it is a list of its own. What a safeguard protects, it says itself
//! ([`Safeguard::PROTECTS`](crate::safeguards::Safeguard::PROTECTS)), and the `[[without]]` cases of
//! scenarios show it. Which faults break a property the saved failures say: each lists the few that suffice.
//! Of the failures that come with the repository that is [on record](super::shipped), for other folders.

use super::shipped;
use crate::explore::SavedSeed;
use crate::scenario::Scenario;
use crate::suite::Suite;
use perfidy_sim::{Fault, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// That something bears on something else, and where that can be seen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Relation {
    /// The other thing: a safeguard, a property or a kind of fault.
    pub name: String,
    /// A scenario or a case that shows it; `None` if none of those at hand does.
    pub shown_by: Option<String>,
}

/// That a kind of fault has broken a property, in the failure that shows it with the fewest faults.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Broke {
    property: String,
    kind: String,
    /// The scenario and the case.
    shown_by: String,
    /// How many faults the failure takes.
    faults: usize,
}

/// How the safeguards, properties and faults of a suite bear on each other, as far as these scenarios and
/// saved failures show.
pub struct Relations<'a> {
    suite: &'a Suite,
    scenarios: &'a [Arc<Scenario>],
    broke: Vec<Broke>,
}

impl<'a> Relations<'a> {
    /// The relations that show in these scenarios and saved failures, and in the failures that come with
    /// perfidy.
    pub fn new(suite: &'a Suite, scenarios: &'a [Arc<Scenario>], failures: &[SavedSeed]) -> Self {
        let broke = shipped::broke().iter().cloned().chain(broken_by(scenarios, failures)).collect();
        Self { suite, scenarios, broke }
    }

    /// The safeguards without which a property can break.
    pub fn guards_of(&self, property: &str) -> Vec<Relation> {
        let says_so = self.suite.safeguards().iter().filter(|kind| kind.protects.contains(&property));
        let mut guards: BTreeMap<&str, Option<Name>> = says_so.map(|kind| (kind.name, None)).collect();
        for (scenario, safeguards, broken) in self.cases() {
            for safeguard in safeguards.iter().filter(|_| broken.contains(&property)) {
                guards.entry(*safeguard).or_default().get_or_insert(scenario);
            }
        }
        relations(guards)
    }

    /// The properties that can break without a safeguard.
    pub fn protected_by(&self, safeguard: &str) -> Vec<Relation> {
        let kind = self.suite.find_safeguard(safeguard);
        let said = kind.map_or(&[][..], |kind| kind.protects);
        let mut properties: BTreeMap<&str, Option<Name>> = said.iter().map(|name| (*name, None)).collect();
        for (scenario, safeguards, broken) in self.cases() {
            for property in broken.iter().filter(|_| safeguards.contains(&safeguard)) {
                properties.entry(*property).or_default().get_or_insert(scenario);
            }
        }
        relations(properties)
    }

    /// The kinds of faults that have broken a property.
    pub fn threats_to(&self, property: &str) -> Vec<Relation> {
        shown(self.broke.iter().filter(|broke| broke.property == property).map(|broke| (&*broke.kind, broke)))
    }

    /// The properties that a kind of fault has broken.
    pub fn threatened_by(&self, kind: &str) -> Vec<Relation> {
        shown(self.broke.iter().filter(|broke| broke.kind == kind).map(|broke| (&*broke.property, broke)))
    }

    /// The cases in which something is taken away: the scenario, what is taken away, and what breaks.
    fn cases(&self) -> impl Iterator<Item = (Name, &'a [&'static str], &'a [&'static str])> {
        let of = |scenario: &'a Arc<Scenario>| {
            let cases = scenario.without.iter();
            cases.map(|case| (scenario.name, case.safeguards.as_slice(), case.violates.as_slice()))
        };
        // A scenario about little shows it best.
        let mut scenarios: Vec<&Arc<Scenario>> = self.scenarios.iter().collect();
        scenarios.sort_by_key(|scenario| (scenario.fault_kinds.len(), scenario.name));
        scenarios.into_iter().flat_map(of)
    }
}

/// What these failures of these scenarios have broken by which kinds of faults.
pub(crate) fn broken_by(scenarios: &[Arc<Scenario>], failures: &[SavedSeed]) -> Vec<Broke> {
    let mut best: BTreeMap<(&str, Name), &SavedSeed> = BTreeMap::new();
    for failure in failures {
        for kind in kinds_of(scenarios, failure) {
            let known = best.entry((&failure.property, kind)).or_insert(failure);
            if failure.faults.len() < known.faults.len() {
                *known = failure;
            }
        }
    }
    let broke = |((property, kind), failure): ((&str, Name), &SavedSeed)| Broke {
        property: property.to_owned(),
        kind: kind.to_string(),
        shown_by: format!("{}, {}", failure.case.scenario, failure.case.label),
        faults: failure.faults.len(),
    };
    best.into_iter().map(broke).collect()
}

/// The kinds of the faults of a failure, as its scenario calls them: what a plan calls `partition` can be a
/// `partition-leader` there.
fn kinds_of(scenarios: &[Arc<Scenario>], failure: &SavedSeed) -> impl Iterator<Item = Name> {
    let is_it = |scenario: &&Arc<Scenario>| scenario.name.as_str() == failure.case.scenario;
    let scenario = scenarios.iter().find(is_it);
    let kind = move |fault: &Fault| {
        let by_the_clock = |scenario: &Arc<Scenario>| {
            let mut windows = scenario.chaos.windows.iter();
            windows.find(|window| window.site == fault.at.site).map(|window| window.kind)
        };
        scenario.and_then(by_the_clock).unwrap_or_else(|| fault.action.kind())
    };
    failure.faults.iter().map(kind)
}

/// Each name once, with what shows it with the fewest faults.
fn shown<'b>(all: impl Iterator<Item = (&'b str, &'b Broke)>) -> Vec<Relation> {
    let mut best: BTreeMap<&str, &Broke> = BTreeMap::new();
    for (name, broke) in all {
        let known = best.entry(name).or_insert(broke);
        if broke.faults < known.faults {
            *known = broke;
        }
    }
    let relation = |(name, broke): (&str, &Broke)| Relation {
        name: name.to_owned(),
        shown_by: Some(broke.shown_by.clone()),
    };
    best.into_iter().map(relation).collect()
}

fn relations(all: BTreeMap<&str, Option<Name>>) -> Vec<Relation> {
    let relation = |(name, shown_by): (&str, Option<Name>)| Relation {
        name: name.to_owned(),
        shown_by: shown_by.map(|scenario| format!("{scenario}")),
    };
    all.into_iter().map(relation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Corpus;
    use crate::scenario;
    use std::fs;
    use std::path::Path;

    fn names(relations: &[Relation]) -> Vec<&str> {
        relations.iter().map(|relation| relation.name.as_str()).collect()
    }

    #[test]
    fn properties_safeguards_and_faults_lead_to_each_other() {
        let suite = Suite::shipped();
        let scenarios = scenario::read_all(&suite, &["scenarios".into()]);
        let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
        let files = Corpus::new(Path::new("seeds")).files().unwrap();
        let read =
            |file: &std::path::PathBuf| SavedSeed::parse("", &fs::read_to_string(file).unwrap()).unwrap();
        let failures: Vec<SavedSeed> = files.iter().map(read).collect();
        let map = Relations::new(&suite, &scenarios, &failures);
        let guards = map.guards_of("no-double-spend");
        assert_eq!(names(&guards), ["idempotency-keys", "tool-dedupe"]);
        assert_eq!(guards[0].shown_by.as_deref(), Some("conductor/double-payment"));
        assert_eq!(names(&map.protected_by("write-lock")), ["no-lost-update"]);
        assert!(names(&map.threats_to("no-duplicate-effects")).contains(&"ack-lost"));
        assert!(names(&map.threatened_by("ack-lost")).contains(&"no-duplicate-effects"));
        for property in suite.properties().iter().filter(|property| property.name != "well-behaved") {
            assert!(!map.guards_of(property.name).is_empty(), "nothing guards {}", property.name);
        }
        let without_files = Relations::new(&suite, &[], &[]);
        assert_eq!(names(&without_files.guards_of("no-double-spend")), ["idempotency-keys", "tool-dedupe"]);
        assert_eq!(without_files.threats_to("no-duplicate-effects"), map.threats_to("no-duplicate-effects"));
    }
}
