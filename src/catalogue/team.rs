//! A team: what its agents do and how its messages are delivered, as runs of scenarios show.

use crate::explore::{DeliverySemantics, MessageRoute, deliveries};
use crate::faults::ActionMap;
use crate::scenario::Scenario;
use perfidy_sim::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The team of a workflow, as runs of its scenarios show it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Team {
    /// What each agent or role does.
    pub actions: ActionMap,
    /// The tools of the scenarios.
    pub tools: BTreeSet<Name>,
    /// How messages are delivered, in the first scenario that sends each.
    pub deliveries: BTreeMap<MessageRoute, DeliverySemantics>,
}

impl Team {
    /// Adds what runs of a scenario show. They are made for it, unless the suite of the scenario knows them.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only the command asks"))]
    pub fn learn_from(&mut self, scenario: &Arc<Scenario>) {
        self.actions.extend(ActionMap::of(scenario));
        self.tools.extend(scenario.tools.keys().copied());
        for (link, delivery) in deliveries(scenario) {
            self.deliveries.entry(link).or_insert(delivery);
        }
    }
}
