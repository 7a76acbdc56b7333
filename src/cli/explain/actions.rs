//! What agents do: messages, steps, records, waits and model call sites, by name, as runs of scenarios show.

use crate::catalogue::Team;
use crate::faults::Actions;
use crate::report::timeouts_in_words;
use perfidy_sim::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a name is in a team: the kind of action, and what is to be said of it there.
pub(super) type Uses = BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<String>>>;

/// What an agent or an action of that name is; nothing if no team has one.
pub(super) fn uses(name: &str, teams: &BTreeMap<&'static str, Rc<Team>>) -> Uses {
    let mut uses = Uses::default();
    for (workflow, team) in teams {
        for (node, does) in &team.actions.by {
            for (what, said) in uses_of(name, *node, does) {
                uses.entry(what).or_default().entry(*workflow).or_default().insert(said);
            }
        }
    }
    uses
}

/// Every name that [`uses`] can explain.
pub(super) fn names(teams: &BTreeMap<&'static str, Rc<Team>>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (node, does) in teams.values().flat_map(|team| &team.actions.by) {
        let sends = does.sends.iter().map(|(_, kind)| *kind);
        let waits = does.declared_waits.iter().map(|(_, why)| *why);
        let steps = does.steps.keys().chain(does.timeouts.keys()).copied();
        names.extend(sends.chain(waits).chain(steps).chain([*node]).map(|name| format!("{name}")));
    }
    names
}

/// What a name is for an agent: each kind of action, and a sentence about it.
fn uses_of(name: &str, node: Name, does: &Actions) -> Vec<(&'static str, String)> {
    let mut uses = Vec::new();
    if node.as_str() == name {
        let kinds: BTreeSet<&str> = does.sends.iter().map(|(_, kind)| kind.as_str()).collect();
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        uses.push(("an agent, a role or a tool", format!("it sends {}", kinds.join(", "))));
    }
    for (to, _) in does.sends.iter().filter(|(_, kind)| kind.as_str() == name) {
        uses.push(("a message (`message` in [faults])", format!("{node} sends it to {to}")));
    }
    if let Some(places) = does.steps.get(&Name::new(name)) {
        let places = match (places.before, places.after) {
            (true, true) => "before and after it",
            (true, false) => "before it",
            (false, _) => "after it",
        };
        uses.push((
            "a step (`before` and `after` in [faults])",
            format!("{node} takes it; faults can be injected {places}"),
        ));
    }
    if does.steps.contains_key(&Name::new(&format!("write {name}"))) {
        uses.push(("a record", format!("{node} writes it to its journal")));
    }
    for (_, span) in does.timeouts.iter().filter(|(label, _)| label.as_str() == name) {
        uses.push(("a wait", format!("{node} waits for it at most {}", timeouts_in_words(span))));
    }
    for (on, _) in does.declared_waits.iter().filter(|(_, why)| why.as_str() == name) {
        uses.push(("a wait, as stories tell it", format!("{node} waits for {on}")));
    }
    if does.model_call_sites.contains(name) {
        uses.push(("a model call site", format!("the model of {node} can make a mistake there")));
    }
    uses
}
