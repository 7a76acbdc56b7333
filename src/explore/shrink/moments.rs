//! From moments to places: `crash a at 37s` becomes `a, before order, task-3, try 1: crash`.
//!
//! What happens at a moment happens in the middle of something, and it is that which matters. A place says
//! so, and it comes up again after an edit that makes everything a little earlier or later; the moment has
//! then passed.

use super::Shrinking;
use perfidy_sim::{Action, Address, Fault, Name};

/// How many places are tried for one moment.
const MOST: usize = 100;

/// Lets nodes die and stop at steps of their own, where that will do; whether any does.
pub(super) fn to_places(shrinking: &mut Shrinking<'_>) -> bool {
    let places = 0..shrinking.best.faults.len();
    places.fold(false, |is_simpler, place| to_a_place(shrinking, place) | is_simpler)
}

fn to_a_place(shrinking: &mut Shrinking<'_>, place: usize) -> bool {
    let (node, action) = match shrinking.best.faults[place].action {
        Action::CrashAt { node, back_after, .. } => (node, Action::Crash(back_after)),
        Action::PauseAt { node, lasting, .. } => (node, Action::Pause(lasting)),
        Action::CustomAt { word, node, lasting, .. } => (node, Action::of_word(word).with_span(lasting)),
        _ => return false,
    };
    let Some(visited) = shrinking.visited() else { return false };
    let mut steps = steps_of(node, action, &visited);
    // The later it is injected, the more of the run is as it should be.
    steps.reverse();
    // A step that the author has named says more than a message sent or a record written.
    steps.sort_by_key(|at| is_act(at.site));
    steps.truncate(MOST);
    steps.into_iter().any(|at| shrinking.fault_suffices(place, Fault { at, action }))
}

/// Where a node was about to take a step or had just taken one; for what befalls a service, where it was
/// asked something.
fn steps_of(node: Name, action: Action, visited: &[Address]) -> Vec<Address> {
    let is_step = |address: &&Address| {
        let step = address.site.as_str().strip_prefix(node.as_str()).unwrap_or_default();
        match action {
            Action::Custom { .. } => step.starts_with(", "),
            _ => step.starts_with(", before ") || step.starts_with(", after "),
        }
    };
    let steps = visited.iter().filter(is_step);
    steps.flat_map(|last| (1..=last.nth).map(|nth| Address { nth, ..*last })).collect()
}

/// Whether a step is one of those that the world names itself.
fn is_act(site: Name) -> bool {
    let place = site.as_str().split_once(", ").map_or("", |(_, place)| place);
    let step = place.split_once(' ').map_or("", |(_, step)| step);
    step == "sync" || ["send ", "receive ", "write "].iter().any(|act| step.starts_with(act))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_node_are_its_own_with_every_try() {
        let visited =
            ["a, before call, task-1, try 2", "a > b, call, task-1, try 1", "ab, after call, task-1, try 1"]
                .map(|address| address.parse().unwrap());
        let steps: Vec<String> =
            steps_of(Name::new("a"), Action::Crash(None), &visited).iter().map(Address::to_string).collect();
        assert_eq!(steps, ["a, before call, task-1, try 1", "a, before call, task-1, try 2"]);
    }

    #[test]
    fn a_fault_of_a_service_is_injected_where_it_is_asked_something() {
        let visited = ["store, put, task-1, try 1", "store > a, reply to put, task-1, try 1"]
            .map(|address| address.parse().unwrap());
        let outage = "outage 5s".parse().unwrap();
        assert_eq!(steps_of(Name::new("store"), outage, &visited), visited[..1]);
    }

    #[test]
    fn what_the_world_names_itself_is_told_from_a_step_that_an_author_has_named() {
        let is_act = |site: &str| super::is_act(Name::new(site));
        for act in
            ["a, before send order", "a, after receive order", "a, after write task state", "a, before sync"]
        {
            assert!(is_act(act), "{act}");
        }
        for step in ["a, before order", "a, after sending", "a, before syncing", "store, put"] {
            assert!(!is_act(step), "{step}");
        }
    }
}
