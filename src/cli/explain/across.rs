//! What bears on what: the safeguards of a property, the faults that break it, and back.

use super::Known;
use super::picture::OfWorkflow;
use crate::agent::kinds;
use crate::catalogue::{Family, Item, Relation};
use crate::faults::{FaultKind, FaultKinds};
use perfidy_sim::{Hook, Name, Rule, TimedEffect};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What bears on an item, by its family.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Across<'a> {
    Property(OfProperty<'a>),
    Safeguard(OfSafeguard<'a>),
    Fault(OfFault),
    Workflow(OfWorkflow<'a>),
    Nothing {},
}

#[derive(Serialize)]
pub(super) struct OfProperty<'a> {
    /// The safeguards that protect it.
    pub safeguards: Vec<Relation>,
    /// The faults that have broken it.
    pub faults: Vec<Relation>,
    /// What a run must have, to be judged; nothing if every run is.
    pub judged_on: Vec<&'static str>,
    /// The workflows in which it must have something to judge.
    pub workflows: Vec<&'a str>,
}

#[derive(Serialize)]
pub(super) struct OfSafeguard<'a> {
    /// What a team does without it.
    pub without: &'static str,
    /// What it needs besides.
    pub needs: &'static str,
    /// The properties that it protects.
    pub properties: Vec<Relation>,
    /// The workflows that have it.
    pub workflows: Vec<&'a str>,
}

#[derive(Serialize)]
pub(super) struct OfFault {
    /// The properties that it has broken.
    pub properties: Vec<Relation>,
    /// The kinds of places at which it is injected.
    pub places: BTreeSet<&'static str>,
    /// The requests to a tool at which it is injected.
    pub requests: Vec<String>,
    /// The agents, roles and tools that take such actions, by workflow.
    pub targets: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

impl Known<'_> {
    pub(super) fn across(&self, item: &Item) -> Across<'_> {
        match item.family {
            Family::Property => Across::Property(self.across_of_property(item.name)),
            Family::Safeguard => {
                self.across_of_safeguard(item.name).map_or(Across::Nothing {}, Across::Safeguard)
            }
            Family::Fault => Across::Fault(self.across_of_fault(item.name)),
            Family::Workflow => self.picture_of(item).map_or(Across::Nothing {}, Across::Workflow),
            Family::Probe | Family::Tool | Family::Table | Family::Strategy => Across::Nothing {},
        }
    }

    fn across_of_property(&self, name: &str) -> OfProperty<'_> {
        let workflows = self.suite.workflows().filter(|workflow| workflow.properties.contains(&name));
        let property = self.suite.find_property(name);
        OfProperty {
            safeguards: self.relations.guards_of(name),
            faults: self.relations.threats_to(name),
            judged_on: property.map(|property| kinds::in_words(property.needed())).unwrap_or_default(),
            workflows: workflows.map(|workflow| workflow.name).collect(),
        }
    }

    fn across_of_safeguard(&self, name: &str) -> Option<OfSafeguard<'_>> {
        let kind = self.suite.find_safeguard(name)?;
        let workflows = self.suite.workflows().filter(|workflow| workflow.safeguards.contains(&name));
        Some(OfSafeguard {
            without: kind.without,
            needs: kind.needs,
            properties: self.relations.protected_by(name),
            workflows: workflows.map(|workflow| workflow.name).collect(),
        })
    }

    /// What a fault has broken, and where it can be injected: at what kinds of places, and into whom in which
    /// workflow.
    fn across_of_fault(&self, name: &str) -> OfFault {
        let (mut places, mut targets) = (BTreeSet::new(), BTreeMap::new());
        for scenario in self.scenarios {
            let rules = scenario.chaos.rules.iter().filter(|rule| rule.kind.as_str() == name);
            let rules: Vec<Rule> = rules.cloned().collect();
            let timed = scenario.chaos.windows.iter().filter(|window| window.kind.as_str() == name);
            places.extend(rules.iter().map(|rule| place(rule, self.suite.fault_kinds())));
            places.extend(timed.map(|window| place_by_the_clock(&window.disturbance)));
            if !rules.is_empty() && !targets.contains_key(scenario.workflow.name) {
                let (team, members) = (self.team(scenario.workflow.name), scenario.workflow.member_names());
                let concerned = team.actions.who_can_meet(&rules, &members, self.suite.fault_kinds());
                // The team is known with the tools of all scenarios.
                let is_there = |name: &&str| {
                    !team.tools.contains(&Name::new(name)) || scenario.tools.contains_key(&Name::new(name))
                };
                targets.insert(scenario.workflow.name, concerned.into_iter().filter(is_there).collect());
            }
        }
        let kind = self.suite.find_fault(name).filter(|kind| kind.is_of_tools() && !places.is_empty());
        let requests = kind.map(|kind| kind.requests().map(|request| request.to_string()).collect());
        OfFault {
            properties: self.relations.threatened_by(name),
            places,
            requests: requests.unwrap_or_default(),
            targets,
        }
    }
}

fn place(rule: &Rule, kinds: &FaultKinds) -> &'static str {
    let is_of_tools = || kinds.find(rule.kind.as_str()).is_some_and(FaultKind::is_of_tools);
    match rule.hook {
        Hook::Message => "a message on its way",
        Hook::Before | Hook::After => "a step of an agent, before or after it",
        Hook::Service if is_of_tools() => "a request that a tool handles",
        Hook::Service => "what a model completes, what a tool answers, or what a handler does",
        Hook::Write => "a write to a journal",
        Hook::Sync => "a sync of a journal",
        Hook::Loss => "what a crash leaves of a journal",
        Hook::Recovery => "the journal that a restarted node reads",
    }
}

fn place_by_the_clock(disturbance: &TimedEffect) -> &'static str {
    match disturbance {
        TimedEffect::Partition { .. }
        | TimedEffect::Split { .. }
        | TimedEffect::PartitionLeader { .. }
        | TimedEffect::Flap { .. }
        | TimedEffect::SlowLink { .. } => "links, by the clock",
        TimedEffect::Degrade { .. }
        | TimedEffect::Kill { .. }
        | TimedEffect::Pause(_)
        | TimedEffect::Crash(_) => "a node, by the clock",
        TimedEffect::Custom { .. } => "a tool or service, by the clock",
    }
}
