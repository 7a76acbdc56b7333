//! Rejects what a file says of tools and links that no agent uses.
//!
//! A table for a tool that is never called and is spelt nearly like one that is, or a link between nodes that
//! never send each other anything, is a typing error or a misunderstanding, as a fault
//! [out of reach](super::reach) is. What agents do is [learnt](crate::scenario::learn).

use super::Tables;
use crate::config::{Problem, nearest};
use crate::scenario::learn::Learner;
use crate::scenario::{Link, Scenario};
use crate::workflows::Step;
use perfidy_sim::{Action, Chance, Hook, Name, Rule, Selector};
use std::sync::Arc;

pub(super) fn check(tables: &Tables<'_>, scenario: &Arc<Scenario>) -> Vec<Problem> {
    let called: Vec<Name> = scenario.steps.iter().flat_map(Step::calls).map(|(tool, _)| tool).collect();
    let table = |name| tables.get(name).and_then(|entry| entry.entries().ok()).unwrap_or_default();
    let known: Vec<&str> = called.iter().map(|tool| tool.as_str()).collect();
    let mut uncalled = table("tools");
    uncalled.retain(|entry| !known.contains(&entry.name) && nearest(entry.name, &known).is_some());
    if uncalled.is_empty() && scenario.network.links.is_empty() {
        return Vec::new();
    }
    let mut learner = Learner::new(scenario);
    let mut problems = Vec::new();
    for entry in uncalled {
        let tool = Name::new(entry.name);
        if !learner.shows(|actions| actions.calls().iter().any(|(_, called, _)| *called == tool)) {
            let message = format!("no step and no agent calls `{tool}`");
            problems.push(Problem::at(entry.key_span, message).nearest_of(entry.name, &known));
        }
    }
    let place = table("network").into_iter().find(|entry| entry.name == "link");
    if let Some(place) = place {
        let idle = scenario.network.links.iter().filter(|link| !is_used(scenario, link, &mut learner));
        problems.extend(idle.map(|Link { left, right, .. }| {
            let message = format!("{} and {} send each other nothing", listed(left), listed(right));
            let help = "`perfidy explain` shows who sends what to whom";
            Problem::at(place.key_span.clone(), message).help(help)
        }));
    }
    problems
}

fn listed(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.join(", ")
}

/// Whether any message goes from one side of a link to the other.
fn is_used(scenario: &Scenario, link: &Link, learner: &mut Learner) -> bool {
    let between = |from: &[Name], to: &[Name]| Rule {
        kind: Name::literal("link"),
        hook: Hook::Message,
        from: Selector::Of(from.to_vec()),
        to: Selector::Of(to.to_vec()),
        what: Selector::Any,
        chance: Chance::NEVER,
        action: Action::Drop,
        span: None,
    };
    let ways = [between(&link.left, &link.right), between(&link.right, &link.left)];
    let (members, faults) = (learner.roles().clone(), scenario.directory().faults);
    learner.shows(|actions| ways.iter().any(|way| actions.can_meet(way, &members, &faults)))
}
