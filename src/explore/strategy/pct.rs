//! PCT: random node priorities with few priority changes, to find ordering bugs.
//!
//! Burckhardt et al. 2010, "A randomized scheduler with probabilistic guarantees of finding bugs": most
//! ordering bugs need only `d` events in a certain order, and a scheduler that draws random priorities and
//! changes them at `d - 1` random points finds each such order with a guaranteed probability. Here nodes have
//! priorities, and a step is a message of a fault-free run. Messages to the lowest-priority node are delayed
//! by one drawn span, far longer than a message takes, so that messages to other nodes overtake them; at a
//! change point, the node with the next lowest priority becomes the lowest. A delay is an ordinary `reorder`
//! fault: it is recorded, replayed and shrunk. The scenario's own chances apply as well.

use super::{BySeed, Kind, PlanOf, Start, chances};
use crate::agent::TeamEvent;
use crate::explore::Run;
use perfidy_sim::{
    Action, Address, Chaos, DrawPurpose, DrawSite, Draws, EventKind, Fault, History, Name, Plan, Seed,
    SimSpan, SimTime,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

pub(super) const KIND: Kind = Kind {
    name: "pct",
    about: "PCT: delays messages to the lowest-priority node; priorities change at a few random points",
    ends: false,
    start: |start| Ok(Box::new(BySeed { name: KIND.name, next: start.first_seed, plan_of: plan_of(start) })),
};

/// How many events must come in a certain order for the bugs that are looked for.
const DEPTH: u64 = 3;

/// A message is held back for between one and so many doublings of the time that messages take at most.
const DOUBLINGS: u64 = 7;

/// A message of the fault-free run.
struct Message {
    at: Address,
    to: Name,
}

/// The plans of seeds. The fault-free run is made when the first of them is wanted.
pub(super) fn plan_of(start: &Start<'_>) -> PlanOf {
    let Start { case, engine, first_seed, .. } = *start;
    let (case, known) = (case.clone(), OnceLock::new());
    Box::new(move |seed| {
        let chaos = &case.scenario.chaos;
        let (messages, nodes) = known.get_or_init(|| {
            let fault_free = Run::planned(&case, engine, first_seed, &chances::fault_free(chaos));
            let messages = messages(&fault_free.outcome.history, chaos.until);
            let nodes: BTreeSet<Name> = messages.iter().map(|message| message.to).collect();
            (messages, nodes)
        });
        let is_free = |fault: &Fault| chaos.pinned.iter().all(|pinned| pinned.at != fault.at);
        let held = held_back(messages, nodes, *case.scenario.network.latency.end(), seed);
        let mut chaos = Chaos::clone(chaos);
        chaos.pinned.extend(held.into_iter().filter(is_free));
        Plan::Fuzz(Arc::new(chaos))
    })
}

/// The messages of a run in their order, as a plan addresses them.
fn messages(history: &History<TeamEvent>, until: SimTime) -> Vec<Message> {
    let mut counts: BTreeMap<(Name, Name), u32> = BTreeMap::new();
    let sent = history.events().iter().take_while(|event| event.at < until).filter_map(|event| {
        let EventKind::Sent { to, kind, about, .. } = event.what else { return None };
        let site = Name::new(&format!("{} > {to}, {kind}", event.node));
        let nth = counts.entry((site, about)).or_default();
        *nth += 1;
        Some(Message { at: Address { site, id: about, nth: *nth }, to })
    });
    sent.collect()
}

/// The messages that a seed holds back, each with how long; `nodes` are those that messages go to.
fn held_back(messages: &[Message], nodes: &BTreeSet<Name>, longest: SimSpan, seed: Seed) -> Vec<Fault> {
    let draws = Draws::new(seed);
    let draw = |what: Name, nth| draws.draw_site(Name::literal("pct"), what, nth);
    let priority = |node: Name| draw(node, 0).bits(const { DrawPurpose::new("priority") });
    let Some(last) = nodes.iter().copied().min_by_key(|node| priority(*node)) else { return Vec::new() };
    let change =
        |nth: u64| draw(Name::literal("change"), nth as u32).below("step", messages.len() as u64) as usize;
    let changes: Vec<usize> = (1..DEPTH).map(change).collect();
    let action = Action::Reorder(hold(draw(Name::literal("hold"), 0), longest));
    let mut last = last;
    let mut held = Vec::new();
    for (step, message) in messages.iter().enumerate() {
        if changes.contains(&step) {
            last = message.to;
        }
        if message.to == last {
            held.push(Fault { at: message.at, action });
        }
    }
    held
}

/// How long: every doubling is as likely as every other.
fn hold(draw: DrawSite<'_>, longest: SimSpan) -> SimSpan {
    let shortest =
        longest.max(SimSpan::from_millis(1)).saturating_mul(1 << draw.below("doublings", DOUBLINGS));
    draw.span("span", &(shortest..=shortest.saturating_mul(2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::Bounds;
    use crate::explore::strategy::tests::case;
    use perfidy_sim::Engine;

    fn start(case: &crate::scenario::Case) -> Start<'_> {
        Start { case, engine: Engine::Native, first_seed: Seed(3), bounds: Bounds::default() }
    }

    #[test]
    fn the_messages_of_a_run_have_the_addresses_under_which_the_plan_is_asked() {
        let case = case("conductor/lost-ack");
        let fault_free =
            Run::planned(&case, Engine::Native, Seed(3), &chances::fault_free(&case.scenario.chaos));
        let messages = messages(&fault_free.outcome.history, SimTime::MAX);
        assert!(messages.len() > 20);
        for message in messages {
            let place = |place: &&Address| (place.site, place.id) == (message.at.site, message.at.id);
            let place = fault_free.outcome.visited.iter().find(place);
            assert!(place.is_some_and(|place| place.nth >= message.at.nth), "{}", message.at);
        }
    }

    #[test]
    fn at_most_as_many_nodes_as_the_depth_are_held_back_and_not_always_the_same() {
        let case = case("conductor/lost-ack");
        let plan_of = plan_of(&start(&case));
        let held = |seed| {
            let plan = plan_of(Seed(seed));
            let sites = plan.pinned().iter().map(|fault| fault.at.site.as_str());
            let mut to: Vec<&str> =
                sites.filter_map(|site| Some(site.split_once(", ")?.0.split_once(" > ")?.1)).collect();
            to.sort_unstable();
            to.dedup();
            to
        };
        let all: Vec<_> = (0..50).map(held).collect();
        assert!(all.iter().all(|nodes| !nodes.is_empty() && nodes.len() as u64 <= DEPTH), "{all:?}");
        assert!(all.iter().any(|nodes| *nodes != all[0]));
    }

    #[test]
    fn what_is_held_back_is_recorded_as_a_fault() {
        let case = case("conductor/lost-ack");
        let plan = plan_of(&start(&case))(Seed(8));
        let run = Run::planned(&case, Engine::Native, Seed(8), &plan);
        assert!(run.outcome.injected.iter().any(|fault| fault.action.kind().as_str() == "reorder"));
    }
}
