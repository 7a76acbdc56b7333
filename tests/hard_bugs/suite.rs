//! The suite of hard bugs: what each file of this folder says.
//!
//! A file has a comment (what was observed, what is wrong, what it takes), the property that breaks, the
//! scenario in which it does, and the smallest plan that is known to break it.

use perfidy::agent::{TeamEvent, UserEvent};
use perfidy::explore::Run;
use perfidy::properties::TeamHistory;
use perfidy::safeguards::known_defect::KnownDefect;
use perfidy::safeguards::{Safeguard, SafeguardKind};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy_sim::{Engine, EventKind, Fault, Name, Plan, Seed, SimSpan, SimTime};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A bug that takes several faults, or an exact order, to show.
pub struct HardBug {
    /// The name of its file.
    pub name: String,
    /// The property that it breaks.
    pub property: String,
    /// The scenario in which it does, with the chances of its faults.
    pub case: Case,
    /// The smallest plan that is known to break it.
    pub pinned: Pinned,
}

/// Faults and the seed with which they break a property.
pub struct Pinned {
    pub seed: Seed,
    pub faults: Vec<Fault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    property: String,
    scenario: String,
    #[serde(default)]
    pinned: PinnedText,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PinnedText {
    seed: u64,
    faults: Vec<FaultText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultText {
    at: String,
    r#do: String,
}

/// Every hard bug, by name.
pub fn all() -> Vec<HardBug> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hard_bugs");
    let files = fs::read_dir(&folder).expect("the folder can be read");
    let mut paths: Vec<_> = files.map(|file| file.expect("its files can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let suite = suite_with_defects();
    paths.iter().map(|path| HardBug::read(&suite, path)).collect()
}

/// How long an agent may wait for another about a task of which the user knows the end.
const GRACE: SimSpan = SimSpan::from_secs(30);

/// No agent waits for another about a task that has ended long ago.
fn waits_end_with_their_task(history: &TeamHistory) -> bool {
    let mut ended: BTreeMap<Name, SimTime> = BTreeMap::new();
    history.events().iter().all(|event| match &event.what {
        EventKind::App(TeamEvent::User(UserEvent::Informed { report, .. })) => {
            ended.entry(report.task).or_insert(event.at);
            true
        }
        EventKind::Waiting { about, .. } => {
            let task = about.as_str().split('/').next().map_or(*about, Name::new);
            ended.get(&task).is_none_or(|at| event.at <= *at + GRACE)
        }
        _ => true,
    })
}

/// The shipped suite, whose workflows can have known defects.
fn suite_with_defects() -> Suite {
    let mut suite = Suite::shipped()
        .safeguard(SafeguardKind::of::<KnownDefect>())
        .property("waits-end-with-their-task", waits_end_with_their_task);
    for workflow in Suite::shipped().workflows() {
        let mut workflow = Workflow::clone(workflow);
        workflow.safeguards.push(KnownDefect::NAME);
        suite = suite.replacing_workflow(workflow);
    }
    suite
}

impl HardBug {
    fn read(suite: &Suite, path: &Path) -> Self {
        let file = path.display();
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let File { property, scenario, pinned } =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let scenario =
            Scenario::parse(suite, &name, &scenario).unwrap_or_else(|problems| panic!("{file}: {problems}"));
        let faults = pinned.faults.iter().map(|fault| Fault {
            at: fault.at.parse().unwrap_or_else(|error| panic!("{file}: {}: {error}", fault.at)),
            action: fault.r#do.parse().unwrap_or_else(|error| panic!("{file}: {}: {error}", fault.r#do)),
        });
        let pinned = Pinned { seed: Seed(pinned.seed), faults: faults.collect() };
        Self { name, property, case: Case::as_written(&scenario), pinned }
    }

    /// Whether these faults break it.
    pub fn breaks(&self, seed: Seed, faults: &[Fault]) -> bool {
        let run = Run::planned(&self.case, Engine::Native, seed, &Plan::Explicit(faults.into()));
        run.violation(&self.property).is_some()
    }
}
