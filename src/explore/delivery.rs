//! Delivery: what a team does about a message that is lost.
//!
//! No workflow declares it: it shows. Of each kind of message the first one of a fault-free run is dropped,
//! and the sender then sends the same message again, or it does not.

use crate::agent::Agents;
use crate::scenario::{Case, Scenario};
use perfidy_sim::{
    Action, Address, EventKind, Fault, Name, Plan, RunOutcome, Seed, SimSpan, SimTime, unlogged,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A kind of message between two agents or roles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MessageRoute {
    /// The agent or the role that sends it.
    pub from: Name,
    /// The agent or the role that it is for.
    pub to: Name,
    /// Its kind.
    pub kind: Name,
}

/// How often a message is delivered if the network loses one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliverySemantics {
    /// At least once: it is sent again, for the first time after this long.
    AtLeastOnce(SimSpan),
    /// At most once: it is not sent again.
    AtMostOnce,
}

/// How the messages of a scenario's team are delivered, as far as a fault-free run sends them. What agents
/// send to tools and get from them is a matter of safeguards and left out.
///
/// ```
/// use perfidy::explore::{DeliverySemantics, MessageRoute, deliveries};
/// use perfidy::scenario::Scenario;
/// use perfidy::suite::Suite;
/// use perfidy_sim::Name;
/// let text = "# A team.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n";
/// let scenario = Scenario::parse(&Suite::shipped(), "own/team", text).unwrap();
/// let [from, to, kind] = ["coordinator", "executor", "assign"].map(Name::new);
/// let semantics = deliveries(&scenario)[&MessageRoute { from, to, kind }];
/// assert!(matches!(semantics, DeliverySemantics::AtLeastOnce(_)));
/// ```
pub fn deliveries(scenario: &Arc<Scenario>) -> BTreeMap<MessageRoute, DeliverySemantics> {
    let case = Case::as_written(scenario);
    let roles = scenario.workflow.member_names();
    let mut firsts: BTreeMap<MessageRoute, Message> = BTreeMap::new();
    for (_, message) in sent(&run(&case, Plan::fault_free())) {
        if ![message.from, message.to].iter().any(|node| scenario.tools.contains_key(node)) {
            let (from, to) = (roles.of(message.from), roles.of(message.to));
            firsts.entry(MessageRoute { from, to, kind: message.kind }).or_insert(message);
        }
    }
    firsts.into_iter().map(|(link, first)| (link, delivery(&case, first))).collect()
}

/// A message as a plan addresses it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Message {
    from: Name,
    to: Name,
    kind: Name,
    about: Name,
}

/// What becomes of a message whose first sending is dropped.
fn delivery(case: &Case, first: Message) -> DeliverySemantics {
    let Message { from, to, kind, about } = first;
    let at = Address { site: Name::new(&format!("{from} > {to}, {kind}")), id: about, nth: 1 };
    let drop = Fault { at, action: Action::Drop };
    let outcome = run(case, Plan::Explicit([drop].into()));
    let mut times = sent(&outcome).filter(|(_, message)| *message == first).map(|(at, _)| at);
    match (times.next(), times.next()) {
        (Some(first), Some(again)) => DeliverySemantics::AtLeastOnce(again.since(first)),
        _ => DeliverySemantics::AtMostOnce,
    }
}

fn sent(outcome: &RunOutcome<Agents>) -> impl Iterator<Item = (SimTime, Message)> {
    outcome.history.events().iter().filter_map(|event| {
        let EventKind::Sent { to, kind, about, .. } = event.what else { return None };
        Some((event.at, Message { from: event.node, to, kind, about }))
    })
}

/// A run that leaves no trace in the log, which is of the runs that the user asked for.
fn run(case: &Case, plan: Plan) -> RunOutcome<Agents> {
    let engine = case.scenario.suite.usual_engine();
    unlogged(|| engine.run(|| case.world(Seed(0), plan)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;
    use std::path::Path;

    #[test]
    fn a_handover_is_sent_again_only_by_those_who_wait_for_its_acknowledgement() {
        let text = std::fs::read_to_string("scenarios/handoff/lost-transfer.toml").unwrap();
        let of = |text: &str| {
            let file = Path::new("scenarios/handoff/lost-transfer.toml");
            let scenario = Scenario::parse_file(&Suite::shipped(), file, Path::new("scenarios"), text);
            deliveries(&scenario.unwrap_or_else(|bad| panic!("{bad}")))
        };
        let transfers = |all: BTreeMap<MessageRoute, DeliverySemantics>| -> Vec<DeliverySemantics> {
            let is_it = |(link, _): &(MessageRoute, DeliverySemantics)| link.kind.as_str() == "transfer";
            all.into_iter().filter(is_it).map(|(_, delivery)| delivery).collect()
        };
        let acknowledged = transfers(of(&text));
        assert!(!acknowledged.is_empty());
        assert!(acknowledged.iter().all(|delivery| matches!(delivery, DeliverySemantics::AtLeastOnce(_))));
        let text = text.replace("transfer-acks = true\n", "").split("[[without]]").next().unwrap().to_owned();
        assert!(transfers(of(&text)).contains(&DeliverySemantics::AtMostOnce));
    }
}
