//! `perfidy explain`: what something is, how a file says it, and where to see it at work.

use super::{Status, complain_of, not_there, print, print_error};
use crate::catalogue::{self, Family, Item};
use crate::faults::ActionMap;
use crate::inert;
use crate::report::action_map;
use crate::scenario::{self, Scenario};
use crate::suite::Suite;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many scenarios are named.
const SHOWN: usize = 8;

#[derive(clap::Args)]
pub struct Arguments {
    /// A fault, safeguard, property, workflow or strategy; `perfidy list` shows them
    #[arg(required = true)]
    names: Vec<String>,
    /// Where to look for scenarios that use it [default: scenarios]
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
}

pub fn explain(suite: &Suite, arguments: &Arguments) -> Status {
    // What a word means can be explained without any scenario.
    let folder = arguments.scenarios.clone().unwrap_or_else(|| suite.folder("scenarios"));
    let scenarios = if folder.exists() {
        scenario::read_all(suite, std::slice::from_ref(&folder))
    } else {
        Ok(Vec::new())
    };
    let (scenarios, mut status) = match scenarios {
        Ok(scenarios) => (scenarios, Status::AsExpected),
        Err(bad) => {
            bad.iter().for_each(complain_of);
            (Vec::new(), Status::BadInput)
        }
    };
    for name in &arguments.names {
        let mut items = catalogue::named(suite, name).peekable();
        if items.peek().is_none() {
            let all = catalogue::all(suite);
            let known: Vec<&str> = all.iter().map(|item| item.name).collect();
            let meant = crate::config::nearest(name, &known).map_or_else(
                || format!("`{} list` shows what there is", suite.command()),
                |near| format!("did you mean `{near}`?"),
            );
            print_error(format!("nothing is called `{}`; {meant}", inert::line(name)));
            status = Status::BadInput;
        }
        items.for_each(|item| show(suite, &item, &scenarios, &folder));
    }
    status
}

fn show(suite: &Suite, item: &Item, scenarios: &[Arc<Scenario>], folder: &Path) {
    print(format_args!("{}, a {}: {}\n", item.name, item.family, item.about));
    let width = item.keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
    if !item.keys.is_empty() {
        print("  What can be said of it");
        item.keys.iter().for_each(|key| print(format_args!("    {:width$}  {}", key.name, key.means)));
        print("");
    }
    if let Some(example) = item.example {
        print(format_args!("  How a scenario says it\n    {}\n    {example}\n", item.family.place()));
    }
    if let Some(workflow) = suite.find_workflow(item.name).filter(|_| item.family == Family::Workflow) {
        let groups = workflow.roles.iter().map(|role| role.group);
        let agents: Vec<&str> = workflow.singletons.iter().copied().chain(groups).collect();
        for (what, words) in [
            ("Its agents", agents.join(", ")),
            ("Its safeguards", workflow.safeguards.join(", ")),
            ("Its promises", workflow.properties.join(", ")),
        ] {
            let words = if words.is_empty() { "nothing" } else { &words };
            print(format_args!("  {what:16}  {words}"));
        }
        print("");
        show_actions(scenarios.iter().filter(|scenario| item.is_used_by(scenario)));
    }
    let command = suite.command();
    if item.family == Family::Strategy {
        print(format_args!("  Try it\n    {command} run --strategy {}\n", item.name));
        return;
    }
    let mut using: Vec<&Arc<Scenario>> =
        scenarios.iter().filter(|scenario| item.is_used_by(scenario)).collect();
    // One that breaks for want of it shows it best, and among those the one with the least beside it.
    using.sort_by_key(|scenario| (!item.is_missed_in(scenario), scenario.text.len()));
    let file = |scenario: &Scenario| folder.join(format!("{}.toml", scenario.name));
    if let Some(best) = using.first() {
        print(format_args!("  Try it\n    {command} run {}\n", inert::path(&file(best))));
        print("  Scenarios that use it");
        let shown = || using.iter().take(SHOWN);
        let width = shown().map(|scenario| scenario.name.as_str().len()).max().unwrap_or_default();
        shown().for_each(|scenario| {
            print(format_args!("    {:width$}  {}", scenario.name, inert::line(&scenario.about)));
        });
        if using.len() > SHOWN {
            print(format_args!("    and {} more", using.len() - SHOWN));
        }
    } else if folder.exists() {
        print(format_args!("  No scenario under {} uses it.", inert::path(folder)));
    } else {
        let there = not_there(folder);
        print(format_args!(
            "  No scenario was looked at: {there}. `--scenarios FOLDER` says where they are."
        ));
    }
    print("");
}

/// What the agents of a workflow do, as far as these scenarios of it show.
fn show_actions<'a>(scenarios: impl Iterator<Item = &'a Arc<Scenario>>) {
    let (mut actions, mut tools) = (ActionMap::default(), BTreeSet::new());
    for scenario in scenarios {
        actions.extend(ActionMap::of(scenario));
        tools.extend(scenario.tools.keys().copied());
    }
    if !actions.by.is_empty() {
        print("  What its agents do, as runs of its scenarios show");
        print(action_map(&actions, &tools));
    }
}
