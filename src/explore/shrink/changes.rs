//! What shrinking has changed: the scenario around the faults, and whether that matters.
//!
//! A smaller scenario is another one, and a reader who knows the file has to see in what it differs. Whether
//! the faults do the same in the file as it was shows in one run.

use super::{ShrunkFailure, Spans};
use crate::scenario::Case;
use perfidy_sim::{Fault, Name};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// Tables that are not compared: what the faults and cases of the file are, the failure says itself.
const NOT_COMPARED: [&str; 3] = ["fault", "faults", "without"];

/// More faults than this are not pinned into a file by hand.
const MOST_FAULTS: usize = 8;

/// What shrinking has changed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// Of the scenario, key by key: `team.executors 2 -> 1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenario: Vec<String>,
    /// Whether the faults alone break the property in the file as it was too, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks_in_file: Option<bool>,
    /// The spans that the file gives to faults of these kinds, or else those that were found.
    #[serde(default, skip_serializing_if = "Spans::is_empty")]
    pub spans: Spans,
    /// The faults that suffice in the file as it was, if those of the smaller scenario do not.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults_in_file: Vec<Fault>,
}

impl Changes {
    /// What is different in a failure that was made small out of this case, where the faults `in_file`
    /// suffice; `breaks` says whether these faults break the property in a case, if there is time for a run.
    pub(super) fn of(
        case: &Case,
        small: &ShrunkFailure,
        (spans, in_file): (Spans, Vec<Fault>),
        breaks: impl Fn(&Case, &[Fault]) -> Option<bool>,
    ) -> Self {
        let table = |case: &Case| case.scenario.text.parse::<Table>().unwrap_or_default();
        let (mut before, mut after) = (table(case), table(&small.case));
        for name in NOT_COMPARED {
            before.remove(name);
            after.remove(name);
        }
        let kinds: Vec<Name> = small.faults.iter().map(|fault| fault.action.kind()).collect();
        let mut scenario = Vec::new();
        compare_tables("", &before, &after, &mut scenario);
        let breaks_in_file = if small.is_finished { breaks(case, &small.faults) } else { None };
        let is_needed = breaks_in_file == Some(false) && in_file.len() <= MOST_FAULTS;
        let faults_in_file = if is_needed { in_file } else { Vec::new() };
        Self { scenario, breaks_in_file, spans: spans.of_kinds(&kinds), faults_in_file }
    }

    /// These changes after others, of the same failure when it was shrunk before.
    #[must_use]
    pub fn after(self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier else { return self };
        // In the file as it was no run was made now; what is known of it is of other faults.
        let mut scenario = earlier.scenario.clone();
        scenario.extend(self.scenario);
        let faults_in_file = earlier.faults_in_file.clone();
        Self { scenario, breaks_in_file: None, spans: self.spans, faults_in_file }
    }
}

fn compare_tables(path: &str, before: &Table, after: &Table, changes: &mut Vec<String>) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(&path, before.get(key), after.get(key), changes);
    }
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<String>) {
    match (before, after) {
        (Some(Value::Table(before)), Some(Value::Table(after))) => {
            compare_tables(path, before, after, changes);
        }
        (None, Some(Value::Table(after))) => compare_tables(path, &Table::new(), after, changes),
        (Some(Value::Array(before)), Some(Value::Array(after))) if before.iter().all(Value::is_table) => {
            compare_lists(path, before, after, changes);
        }
        (Some(before), Some(after)) if before == after => {}
        (Some(before), Some(after)) => changes.push(format!("{path} {} -> {}", bare(before), bare(after))),
        (Some(_), None) => changes.push(format!("without {path}")),
        (None, Some(after)) => changes.push(format!("{path} {}", bare(after))),
        (None, None) => {}
    }
}

/// Lists of tables with names, such as steps: which are gone, and how the others differ.
fn compare_lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<String>) {
    for (place, value) in before.iter().enumerate() {
        let name = value.get("name");
        let same = |other: &&Value| name.is_some() && other.get("name") == name;
        let other = if name.is_some() { after.iter().find(same) } else { after.get(place) };
        let path = match name.and_then(Value::as_str) {
            Some(name) => format!("{path} {name}"),
            None => format!("{path} {}", place + 1),
        };
        compare(&path, Some(value), other, changes);
    }
}

/// A value without quotes around texts.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(before: &str, after: &str) -> Vec<String> {
        let mut changes = Vec::new();
        compare_tables("", &before.parse().unwrap(), &after.parse().unwrap(), &mut changes);
        changes
    }

    #[test]
    fn what_is_other_gone_or_new_is_told_key_by_key() {
        let before = "tasks = { count = 3 }\n[team]\nexecutors = 2\n[tools.mail]\nlatency = \"50ms..2s\"\n\
                      [tools.pager]\n[settle]\nwithin = \"10m\"\n";
        let after = "tasks = { count = 1 }\n[team]\nexecutors = 2\n[tools.mail]\nlatency = \"50ms\"\n\
                     [settle]\nwithin = \"10m\"\n[network]\nlatency = \"1ms\"\n";
        assert_eq!(
            changes(before, after),
            [
                "tasks.count 3 -> 1",
                "tools.mail.latency 50ms..2s -> 50ms",
                "without tools.pager",
                "network.latency 1ms"
            ]
        );
    }

    #[test]
    fn steps_are_told_by_their_names() {
        let steps = |names: &[&str]| -> String {
            names.iter().fold(String::new(), |text, name| {
                text + &format!("[[step]]\nname = \"{name}\"\ntool = \"mail.{name}\"\n")
            })
        };
        assert_eq!(changes(&steps(&["ask", "send"]), &steps(&["send"])), ["without step ask"]);
        let with_need = steps(&["ask", "send"]) + "needs = [\"ask\"]\n";
        assert_eq!(changes(&with_need, &steps(&["send"])), ["without step ask", "without step send.needs"]);
    }

    #[test]
    fn what_was_changed_before_stays_told() {
        let once = Changes { scenario: vec!["team.executors 2 -> 1".to_owned()], ..Changes::default() };
        let twice = Changes { scenario: vec!["tasks.count 3 -> 1".to_owned()], ..Changes::default() };
        assert_eq!(twice.after(Some(&once)).scenario, ["team.executors 2 -> 1", "tasks.count 3 -> 1"]);
    }
}
