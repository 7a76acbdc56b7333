//! Rejects cases whose property would never have anything to judge.
//!
//! A property that needs events of which no run of the team has any cannot break, whatever is taken away.
//! Which kinds of events runs have is [learnt](crate::scenario::learn).

use super::safeguards::WithoutTable;
use super::{Diagnostics, Tables};
use crate::agent::kinds;
use crate::config::Problem;
use crate::scenario::Scenario;
use crate::scenario::learn::Learner;
use std::sync::Arc;

pub(super) fn check(tables: &Tables<'_>, scenario: &Arc<Scenario>) -> Vec<Problem> {
    let cases = tables.list("without", &mut Diagnostics::default());
    let cases: Vec<WithoutTable> = cases.iter().filter_map(|entry| entry.read().ok()).collect();
    let mut learner = Learner::new(scenario);
    let mut problems = Vec::new();
    for word in cases.iter().flat_map(|case| &case.violates) {
        let Some(property) = scenario.suite.find_property(word.get_ref()) else { continue };
        let needed = property.needed();
        if learner.shows(|actions| actions.events.contains(needed)) {
            continue;
        }
        let (name, workflow) = (property.name, scenario.workflow.name);
        let needed = kinds::in_words(needed).join(" and ");
        let message = format!("`{name}` never has anything to judge here, so it cannot break");
        let help = format!("it judges {needed}, of which no run of `{workflow}` had any");
        problems.push(Problem::at(word.span(), message).help(help));
    }
    problems
}
