//! What is shipped, as far as it takes runs or the repository to know it: the scenarios, what runs of them
//! show of each team, and which faults have broken which property in the failures that are saved of them.
//!
//! The scenarios are part of the library, word for word. The rest is on [record](record), since thousands of
//! runs are too slow for a question. Both are written by the test below, and are there in every folder.

mod record;
mod scenarios;

use super::{Broke, Team};
use crate::scenario::Scenario;
use crate::suite::Suite;
use record::Record;
use scenarios::SCENARIOS;
use std::sync::{Arc, LazyLock};

/// What is on record, read once.
static RECORD: LazyLock<Record> =
    LazyLock::new(|| Record::parse(include_str!("record.json")).expect("it was written by a test"));

/// The scenarios that come with perfidy, for those workflows of a suite that do as well. They are of the
/// shipped suite: a tool of another can have a name that they use. What agents do in them is on record, so
/// none of them is run to be read.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only the command asks"))]
pub(crate) fn scenarios(suite: &Suite) -> Vec<Arc<Scenario>> {
    let shipped = Suite::shipped();
    let read = |(name, text): &(&str, &str)| Scenario::parse_saved(&shipped, name, text).ok();
    let is_shipped = |scenario: &Arc<Scenario>| team(suite, scenario.workflow.name).is_some();
    SCENARIOS.iter().filter_map(read).filter(is_shipped).collect()
}

/// Whether a scenario is one that comes with perfidy, word for word.
#[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only the command asks"))]
pub(crate) fn has(name: &str, text: &str) -> bool {
    SCENARIOS.iter().any(|(known, shipped)| *known == name && *shipped == text)
}

/// The team of a workflow that comes with perfidy. `None` for another, also for one in its place.
pub(crate) fn team(suite: &Suite, workflow: &str) -> Option<&'static Team> {
    let shipped = Suite::shipped();
    let (known, used) = (shipped.find_workflow(workflow)?, suite.find_workflow(workflow)?);
    RECORD.teams.get(workflow).filter(|_| Arc::ptr_eq(known, used))
}

/// What has broken in the failures that come with the repository.
pub(crate) fn broke() -> &'static [Broke] {
    &RECORD.broke
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::relations::broken_by;
    use crate::explore::{Corpus, SavedSeed};
    use crate::scenario;
    use crate::workflows::Workflow;
    use perfidy_sim::EventKinds;
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::{env, fs};

    /// The teams of all workflows that come with perfidy.
    fn teams(scenarios: &[Arc<Scenario>]) -> BTreeMap<String, Team> {
        let mut teams: BTreeMap<String, Team> = BTreeMap::new();
        for scenario in scenarios {
            let team = teams.entry(scenario.workflow.name.to_owned()).or_default();
            team.learn_from(scenario);
            // Which events there are, and what tools answer, is a matter of a scenario, and not on record.
            team.actions.events = EventKinds::default();
            team.actions.answers.clear();
        }
        teams
    }

    /// Compares what a file has with what it should have, or writes it if snapshots are written.
    fn check(file: &str, wanted: &str) {
        let file = Path::new("src/catalogue/shipped").join(file);
        if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            fs::write(&file, wanted).unwrap();
        }
        let is = fs::read_to_string(&file).unwrap();
        // The whole of it would be too long for a message.
        let differs = is.lines().zip(wanted.lines()).find(|(is, wanted)| is != wanted);
        assert!(is == wanted, "{file:?} is out of date; INSTA_UPDATE=always writes it again: {differs:?}");
    }

    #[test]
    fn every_workflow_is_on_record_for_the_suite_of_a_crate_too() {
        let suite = Suite::shipped().property("own", |_| true).workflow(Workflow::new("own"));
        for workflow in Suite::shipped().workflows() {
            assert!(team(&suite, workflow.name).is_some(), "{}", workflow.name);
        }
        assert!(team(&suite, "own").is_none());
        let replaced = suite.replacing_workflow(Workflow::new("conductor"));
        assert!(team(&replaced, "conductor").is_none(), "it is another team");
        assert!(!scenarios(&replaced).iter().any(|scenario| scenario.workflow.name == "conductor"));
    }

    #[test]
    fn the_library_has_all_scenarios_that_are_shipped() {
        let files = scenario::files_below(Path::new("scenarios")).unwrap_or_else(|bad| panic!("{bad}"));
        let names = files.iter().map(|file| file.with_extension(""));
        let names: Vec<String> =
            names.map(|file| format!("    {:?}\n", file.strip_prefix("scenarios").unwrap())).collect();
        let file = include_str!("scenarios.rs");
        let (head, _) = file.split_once("shipped! {\n").unwrap();
        check("scenarios.rs", &format!("{head}shipped! {{\n{}}}\n", names.concat()));
    }

    #[test]
    fn what_is_on_record_is_what_runs_and_saved_failures_show() {
        let suite = Suite::shipped();
        let scenarios = scenario::read_all(&suite, &["scenarios".into()]);
        let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
        let files = Corpus::new(Path::new("seeds")).files().unwrap();
        let failures = files.iter().map(|file| SavedSeed::parse("", &fs::read_to_string(file).unwrap()));
        let failures: Vec<SavedSeed> = failures.map(Result::unwrap).collect();
        let record = Record { teams: teams(&scenarios), broke: broken_by(&scenarios, &failures) };
        check("record.json", &record.written());
        assert_eq!(Record::parse(&record.written()).unwrap(), record);
    }
}
