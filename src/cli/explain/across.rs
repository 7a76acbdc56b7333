//! What bears on what: the safeguards of a property, the faults that break it, and back.

use super::Known;
use crate::agent::kinds;
use crate::catalogue::Relation;
use crate::cli::print;
use crate::faults::{ActionMap, tool_faults};
use crate::scenario::Scenario;
use perfidy_sim::{Disturbance, Hook, Rule, TimedFault};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Known<'_> {
    pub(super) fn across_of_property(&self, name: &str) {
        let workflows = self.suite.workflows().filter(|workflow| workflow.properties.contains(&name));
        let workflows: Vec<&str> = workflows.map(|workflow| workflow.name).collect();
        list("Safeguards that protect it, and a scenario that shows it", &self.relations.guards_of(name));
        list("Faults that have broken it, and a case in which few suffice", &self.relations.threats_to(name));
        let property = self.suite.find_property(name);
        let needed = property.map(|property| kinds::in_words(property.needed())).unwrap_or_default();
        let on = if needed.is_empty() { "every run".to_owned() } else { needed.join(", and ") };
        print(format_args!(
            "  Judged on\n    {on}{}\n",
            if needed.is_empty() { "" } else { ": a run without is vacuous" }
        ));
        if !workflows.is_empty() {
            print(format_args!("  Must have something to judge in\n    {}\n", workflows.join(", ")));
        }
    }

    pub(super) fn across_of_safeguard(&self, name: &str) {
        let Some(kind) = self.suite.find_safeguard(name) else { return };
        for (heading, text) in [("Without it", kind.without), ("What it needs", kind.needs)] {
            if !text.is_empty() {
                print(format_args!("  {heading}\n    {text}\n"));
            }
        }
        list("Properties that it protects, and a scenario that shows it", &self.relations.protected_by(name));
        let workflows = self.suite.workflows().filter(|workflow| workflow.safeguards.contains(&name));
        let workflows: Vec<&str> = workflows.map(|workflow| workflow.name).collect();
        if !workflows.is_empty() {
            print(format_args!("  Workflows that have it\n    {}\n", workflows.join(", ")));
        }
    }

    pub(super) fn across_of_fault(&self, name: &str) {
        let threatened = self.relations.threatened_by(name);
        list("Properties that it has broken, and a case in which few faults suffice", &threatened);
        self.places_of_fault(name);
    }

    /// Where a fault can strike: what kinds of places, and whom in which workflow.
    fn places_of_fault(&self, name: &str) {
        let mut places: BTreeSet<&'static str> = BTreeSet::new();
        let mut whom: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
        for scenario in self.scenarios {
            let rules: Vec<Rule> = of_kind(&scenario.chaos.rules, |rule| rule.kind.as_str() == name);
            let windows: Vec<TimedFault> =
                of_kind(&scenario.chaos.windows, |window| window.kind.as_str() == name);
            places.extend(rules.iter().map(place));
            places.extend(windows.iter().map(|window| place_by_the_clock(&window.disturbance)));
            // What agents do takes runs to learn; one scenario of a workflow shows most of it.
            if !rules.is_empty() && !whom.contains_key(scenario.workflow.name) {
                whom.insert(scenario.workflow.name, struck(scenario, &rules));
            }
        }
        if places.is_empty() {
            return;
        }
        print("  Where it can strike");
        places.iter().for_each(|place| print(format_args!("    {place}")));
        if let Some(kind) = tool_faults::find(name) {
            let requests: Vec<String> = kind.requests().map(|request| format!("{request}")).collect();
            print(format_args!("    when agents {}", requests.join(", ")));
        }
        let width = whom.keys().map(|workflow| workflow.len()).max().unwrap_or_default();
        for (workflow, whom) in &whom {
            let whom: Vec<&str> = whom.iter().copied().collect();
            print(format_args!("    {workflow:width$}  {}", whom.join(", ")));
        }
        print("");
    }
}

fn of_kind<T: Clone>(all: &[T], is_it: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|one| is_it(one)).cloned().collect()
}

/// Who of a team does something that these rules could strike.
fn struck(scenario: &Arc<Scenario>, rules: &[Rule]) -> BTreeSet<&'static str> {
    let roles = scenario.workflow.member_names();
    ActionMap::of(scenario).who_can_meet(rules, &roles).into_iter().collect()
}

fn place(rule: &Rule) -> &'static str {
    match rule.hook {
        Hook::Message => "a message on its way",
        Hook::Before | Hook::After => "a step of an agent, before or after it",
        Hook::Service if tool_faults::find(rule.kind.as_str()).is_some() => "a request that a tool handles",
        Hook::Service => "what a model completes, or what a tool answers",
        Hook::Write => "a write to a journal",
        Hook::Sync => "a sync of a journal",
        Hook::Loss => "what a crash leaves of a journal",
        Hook::Recovery => "the journal that a restarted node reads",
    }
}

fn place_by_the_clock(disturbance: &Disturbance) -> &'static str {
    match disturbance {
        Disturbance::Cut { .. }
        | Disturbance::Split { .. }
        | Disturbance::PartitionLeader { .. }
        | Disturbance::Flap { .. }
        | Disturbance::SlowLink { .. } => "links, by the clock",
        Disturbance::Ail { .. }
        | Disturbance::Kill { .. }
        | Disturbance::Pause(_)
        | Disturbance::Crash(_) => "a node, by the clock",
        Disturbance::Custom { .. } => "a tool or service, by the clock",
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
