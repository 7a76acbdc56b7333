//! Explanations for people.

use super::across::{Across, OfFault, OfProperty, OfSafeguard};
use super::picture::{OfWorkflow, Semantics, Sent};
use super::{Explained, Known, OfItem};
use crate::catalogue::{self, Family, Item, Relation, Team};
use crate::cli::{not_there, print};
use crate::inert;
use crate::report::action_map;
use crate::scenario::Scenario;
use std::collections::BTreeSet;

/// How many scenarios are named.
const SHOWN: usize = 8;

impl Known<'_> {
    pub(super) fn print(&self, explained: &Explained<'_>) {
        match explained {
            Explained::Item(of) => self.print_item(of),
            Explained::Key { key, meanings } => {
                print(format_args!("{key}, a key"));
                for meaning in meanings {
                    let more = meaning.of.len().saturating_sub(SHOWN);
                    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                    let owners = meaning.of[..meaning.of.len().min(SHOWN)].join(", ");
                    print(format_args!("\n  Of {owners}{more}\n    {}", meaning.means));
                }
                print("");
            }
            Explained::Value { value, place, means } => {
                print(format_args!("{value}, in {place}: {means}\n"));
            }
            Explained::Action { action, uses } => {
                for (what, by_workflow) in uses {
                    print(format_args!("{}, {what}", inert::line(action)));
                    for (workflow, said) in by_workflow {
                        print(format_args!("\n  In {workflow}"));
                        for line in said {
                            print(format_args!("    {}", inert::line(line)));
                        }
                    }
                    print("");
                }
            }
        }
    }

    fn print_item(&self, OfItem { item, across, used_by, .. }: &OfItem<'_>) {
        print(format_args!("{}, a {}: {}\n", item.name, item.family, item.about));
        let width = item.keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
        if !item.keys.is_empty() {
            print("  What can be said of it");
            item.keys.iter().for_each(|key| print(format_args!("    {:width$}  {}", key.name, key.means)));
            print("");
        }
        if let Some(example) = item.example {
            let place = catalogue::heading(item);
            let example = if place.ends_with('=') {
                format!("{place} {example}")
            } else {
                format!("{place}\n    {example}")
            };
            print(format_args!("  How a scenario says it\n    {example}\n"));
        }
        match across {
            Across::Property(of) => print_property(of),
            Across::Safeguard(of) => print_safeguard(of),
            Across::Fault(of) => print_fault(of),
            Across::Workflow(of) => print_workflow(of),
            Across::Nothing {} => {}
        }
        self.print_use(item, used_by);
    }

    /// Where to see it at work.
    fn print_use(&self, item: &Item, used_by: &[&Scenario]) {
        let (command, folder) = (self.suite.command(), self.folder);
        if item.family == Family::Strategy {
            print(format_args!("  Try it\n    {command} run --strategy {}\n", item.name));
            return;
        }
        if let Some(best) = used_by.first() {
            if self.in_folder.contains(&best.name) {
                let file = folder.join(format!("{}.toml", best.name));
                print(format_args!("  Try it\n    {command} run {}\n", inert::path(&file)));
                print("  Scenarios that use it");
            } else {
                print("  Scenarios that use it, all in the repository of perfidy");
            }
            let shown = || used_by.iter().take(SHOWN);
            let width = shown().map(|scenario| scenario.name.as_str().len()).max().unwrap_or_default();
            shown().for_each(|scenario| {
                print(format_args!("    {:width$}  {}", scenario.name, inert::line(&scenario.about)));
            });
            if used_by.len() > SHOWN {
                print(format_args!("    and {} more", used_by.len() - SHOWN));
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
}

fn print_property(OfProperty { safeguards, faults, judged_on, workflows }: &OfProperty<'_>) {
    list("Safeguards that protect it, and a scenario that shows it", safeguards);
    list("Faults that have broken it, and a case in which few suffice", faults);
    match judged_on.join(", and ").as_str() {
        "" => print("  Judged on\n    every run\n"),
        needed => print(format_args!("  Judged on\n    {needed}: a run without is vacuous\n")),
    }
    names("Must have something to judge in", workflows);
}

fn print_safeguard(OfSafeguard { without, needs, properties, workflows }: &OfSafeguard<'_>) {
    for (heading, text) in [("Without it", without), ("What it needs", needs)] {
        if !text.is_empty() {
            print(format_args!("  {heading}\n    {text}\n"));
        }
    }
    list("Properties that it protects, and a scenario that shows it", properties);
    names("Workflows that have it", workflows);
}

fn print_fault(OfFault { properties, places, requests, targets }: &OfFault) {
    list("Properties that it has broken, and a case in which few faults suffice", properties);
    if places.is_empty() {
        return;
    }
    print("  Where scenarios inject it");
    for place in places {
        print(format_args!("    {place}"));
    }
    if !requests.is_empty() {
        print(format_args!("    when agents {}", requests.join(", ")));
    }
    let width = targets.keys().map(|workflow| workflow.len()).max().unwrap_or_default();
    for (workflow, targets) in targets {
        let targets: Vec<&str> = targets.iter().copied().collect();
        print(format_args!("    {workflow:width$}  {}", targets.join(", ")));
    }
    print("");
}

fn print_workflow(of: &OfWorkflow<'_>) {
    for (what, words) in [
        ("Its agents", of.agents.join(", ")),
        ("Its safeguards", of.safeguards.join(", ")),
        ("Its properties", of.properties.join(", ")),
    ] {
        let words = if words.is_empty() { "nothing" } else { &words };
        print(format_args!("  {what:16}  {words}"));
    }
    print("");
    let Team { actions, tools, .. } = &*of.team;
    if actions.by.is_empty() {
        return;
    }
    print("  Who sends what to whom, and how often it arrives if the network loses one");
    for row in rows(of) {
        print(format_args!("    {row}"));
    }
    print("\n  What its agents do, as runs of its scenarios show");
    print(action_map(actions, tools, of.faults));
}

/// A row for each kind of message between two.
fn rows(of: &OfWorkflow<'_>) -> Vec<String> {
    let mut cells: Vec<[String; 4]> = Vec::new();
    let Team { actions, tools, .. } = &*of.team;
    for (node, does) in actions.by.iter().filter(|(node, _)| !tools.contains(node)) {
        let sent = of.messages.iter().filter(|sent| sent.from == *node);
        cells.extend(sent.map(|sent| {
            [sent.from.to_string(), sent.to.to_string(), format!("`{}`", sent.message), how_often(sent)]
        }));
        let requests: BTreeSet<_> = does.requests.iter().map(|(_, request, _)| *request).collect();
        if !requests.is_empty() {
            let requests: Vec<String> = requests.iter().map(ToString::to_string).collect();
            let safeguards = "as its safeguards say".to_owned();
            cells.push([node.to_string(), "tools".to_owned(), requests.join(", "), safeguards]);
        }
    }
    let width = |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [from_width, to_width, kind_width] = [width(0), width(1), width(2)];
    let row = |[from, to, kind, delivery]: &[String; 4]| {
        let row = format!("{from:from_width$} -> {to:to_width$}  {kind:kind_width$}  {delivery}");
        inert::line(&row).into_owned()
    };
    cells.iter().map(row).collect()
}

fn how_often(Sent { delivery, again_after, .. }: &Sent) -> String {
    match (delivery, again_after) {
        (Semantics::AtLeastOnce, Some(after)) => format!("at least once: again after about {after}"),
        (Semantics::AtLeastOnce, None) => "at least once".to_owned(),
        (Semantics::AtMostOnce, _) => "at most once".to_owned(),
        (Semantics::OnlySentUnderFaults, _) => "only sent under faults".to_owned(),
    }
}

/// A list of relations under a heading; nothing if there are none.
fn list(heading: &str, relations: &[Relation]) {
    if relations.is_empty() {
        return;
    }
    print(format_args!("  {heading}"));
    let width = relations.iter().map(|relation| relation.name.len()).max().unwrap_or_default();
    for Relation { name, shown_by } in relations {
        match shown_by {
            Some(shown_by) => print(format_args!("    {name:width$}  {shown_by}")),
            None => print(format_args!("    {name}")),
        }
    }
    print("");
}

/// Names in a row under a heading; nothing if there are none.
fn names(heading: &str, names: &[&str]) {
    if !names.is_empty() {
        print(format_args!("  {heading}\n    {}\n", names.join(", ")));
    }
}
