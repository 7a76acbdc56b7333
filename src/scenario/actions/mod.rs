//! What the agents of a scenario do, learnt from runs of it.
//!
//! No workflow says which messages its agents send, what they ask of tools, at which steps they can crash or whether they
//! keep a journal. It shows in runs: what was sent and written stands in the history, and the places that came up are the
//! steps and the model call sites. A fault of something that no agent ever does can never strike, so a file that names it is
//! refused, with who does what.
//!
//! A [`Learner`] makes those runs one after the other, until what a file names has come up. What every team does shows in the
//! first, in which nothing goes wrong. What an agent does only when much has gone wrong (it cancels, undoes, hands over) shows in
//! the [storms](storm) after it, which are hard enough that rare actions are not rare in them. Only a name that comes up in
//! none of them is refused.
//!
//! What is learnt of one agent of a role holds for all of them.

mod learner;
mod storm;

pub(crate) use learner::Learner;

use crate::agent::{Agents, Request};
use crate::faults::model;
use crate::scenario::Scenario;
use crate::workflows::Workflow;
use perfidy_sim::{Hook, Name, Outcome, SimSpan, What};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What every agent, tool and service of a scenario does.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Actions {
    /// By the name of an agent, or the member name of a role for all of its agents.
    pub by: BTreeMap<Name, Doings>,
}

/// What one of them does.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Doings {
    /// The messages that it sends: to whom, and of which kind.
    pub sends: BTreeSet<(Name, Name)>,
    /// The steps at which it can crash or stop, with whether there is a place before and one after.
    pub steps: BTreeMap<Name, BeforeAndAfter>,
    /// What it asks of tools: of which, for what, and which operation.
    pub asks: BTreeSet<(Name, Request, Name)>,
    /// The moments at which it asks its model something that can go wrong.
    pub model_call_sites: BTreeSet<&'static str>,
    /// Whether it writes a journal.
    pub keeps_a_journal: bool,
    /// For what it waits at most how long.
    pub timeouts: BTreeMap<Name, RangeInclusive<SimSpan>>,
}

/// The places that a step has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BeforeAndAfter {
    /// One before it.
    pub before: bool,
    /// One after it.
    pub after: bool,
}

impl BeforeAndAfter {
    /// Whether there is one at this hook.
    pub fn at(self, hook: Hook) -> bool {
        match hook {
            Hook::Before => self.before,
            Hook::After => self.after,
            Hook::Message | Hook::Service | Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => false,
        }
    }
}

impl Actions {
    /// Everything that can be learnt of a scenario in all of its cases.
    pub fn of(scenario: &Arc<Scenario>) -> Self {
        Learner::new(scenario).all().clone()
    }

    /// What an agent does, or a tool or a service; nothing if it was never seen to do anything.
    pub fn of_node<'a>(&'a self, node: Name, roles: &Roles) -> Option<&'a Doings> {
        self.by.get(&roles.of(node))
    }

    /// Takes up what was done in other runs.
    pub fn extend(&mut self, other: Self) {
        for (node, doings) in other.by {
            self.by.entry(node).or_default().extend(doings);
        }
    }

    /// Takes up what was done in a run.
    fn observe(&mut self, outcome: &Outcome<Agents>, roles: &Roles, tools: &BTreeSet<Name>) {
        for event in outcome.history.events() {
            match &event.what {
                What::Sent { to, kind, .. } => {
                    let doings = self.by.entry(roles.of(event.node)).or_default();
                    doings.sends.insert((roles.of(*to), *kind));
                    if let Some(what) = kind.as_str().strip_prefix("call ").filter(|_| tools.contains(to)) {
                        let request = Request::at(what);
                        doings.asks.insert((*to, request, Request::operation_at(what)));
                    }
                }
                What::Wrote { .. } => {
                    self.by.entry(roles.of(event.node)).or_default().keeps_a_journal = true;
                }
                _ => {}
            }
        }
        for place in &outcome.visited {
            if let Some((node, hook, step)) = Hook::step_of(place.site) {
                let steps = &mut self.by.entry(roles.of(node)).or_default().steps;
                let places = steps.entry(step).or_default();
                *if hook == Hook::Before { &mut places.before } else { &mut places.after } = true;
            } else if let Some((node, site)) = place.site.as_str().split_once(", ")
                && let Some(site) = model::site_called(site)
                && !tools.contains(&Name::new(node))
            {
                let doings = self.by.entry(roles.of(Name::new(node))).or_default();
                doings.model_call_sites.insert(site);
            }
        }
        for (node, label, span) in &outcome.timeouts {
            let timeouts = &mut self.by.entry(roles.of(*node)).or_default().timeouts;
            let known = timeouts.entry(*label).or_insert(*span..=*span);
            *known = *span.min(known.start())..=*span.max(known.end());
        }
    }
}

impl Doings {
    fn extend(&mut self, other: Self) {
        let Self { sends, steps, asks, model_call_sites, keeps_a_journal, timeouts } = other;
        self.sends.extend(sends);
        self.asks.extend(asks);
        self.model_call_sites.extend(model_call_sites);
        self.keeps_a_journal |= keeps_a_journal;
        for (step, places) in steps {
            let known = self.steps.entry(step).or_default();
            *known =
                BeforeAndAfter { before: known.before | places.before, after: known.after | places.after };
        }
        for (label, span) in timeouts {
            let known = self.timeouts.entry(label).or_insert(span.clone());
            *known = *span.start().min(known.start())..=*span.end().max(known.end());
        }
    }
}

/// The roles of a workflow: which agents are known by one name.
#[derive(Clone, Debug)]
pub struct Roles(Vec<Name>);

impl Roles {
    /// Those of a workflow.
    pub fn of_workflow(workflow: &Workflow) -> Self {
        Self(workflow.roles.iter().map(|role| Name::new(role.member)).collect())
    }

    /// The member name of the role that an agent has; its own name if it is the only one.
    pub fn of(&self, node: Name) -> Name {
        let numbered = node.as_str().rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
        let role = numbered.and_then(|(member, _)| self.0.iter().find(|role| role.as_str() == member));
        role.copied().unwrap_or(node)
    }
}
