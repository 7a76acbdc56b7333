//! The actions of a team: what each of its agents sends, asks of tools, asks its model, writes and waits for,
//! as far as faults are concerned.
//!
//! No workflow declares any of this. It shows in runs: the history has the messages and the writes, and the
//! places that came up are the steps and the model call sites. A [`ActionMap`] keeps what was observed, agent
//! by agent, and answers for a rule of a plan whether it could ever inject a fault into this team.
//!
//! All agents of a role run the same code, so they have one entry, under the member name of the role: what is
//! observed of a team of five holds for a thousand.

use crate::agent::{Agents, Body, Request, Wire, reply_operation};
use crate::faults::FaultKinds;
use perfidy_sim::{EventKind, EventKinds, Hook, Name, Rule, RunOutcome, Selector, SimSpan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// What every agent, tool and service of a team does.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ActionMap {
    /// By the name of an agent, or the member name of a role for all of its agents.
    pub by: BTreeMap<Name, Actions>,
    /// The fields of what a tool answers about an operation, of all its tables.
    pub answers: BTreeMap<(Name, Name), BTreeSet<Name>>,
    /// The kinds of events that runs of it have.
    pub events: EventKinds,
}

/// What one agent does, or one role, tool or service.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Actions {
    /// The messages that it sends: to which agent or role, and of which kind.
    pub sends: BTreeSet<(Name, Name)>,
    /// The steps that it takes, each with the places at which a fault can be injected there.
    pub steps: BTreeMap<Name, Places>,
    /// What it asks of tools: of which, in which way, and about which operation.
    pub requests: BTreeSet<(Name, Request, Name)>,
    /// The model call sites at which its model can make a mistake.
    pub model_call_sites: BTreeSet<&'static str>,
    /// Whether it writes a journal.
    pub keeps_journal: bool,
    /// What it waits for, and for how long at most: the shortest and the longest timeout.
    pub timeouts: BTreeMap<Name, RangeInclusive<SimSpan>>,
    /// For which agent or role it declares to wait, and for what, as stories of unfinished runs tell it.
    pub declared_waits: BTreeSet<(Name, Name)>,
}

/// The places of a step.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Places {
    /// Whether there is one before it.
    pub before: bool,
    /// Whether there is one after it.
    pub after: bool,
}

impl Places {
    /// Whether there is one at this hook.
    pub fn at(self, hook: Hook) -> bool {
        match hook {
            Hook::Before => self.before,
            Hook::After => self.after,
            Hook::Message | Hook::Service | Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => false,
        }
    }
}

impl ActionMap {
    /// Adds what was observed in other runs.
    pub fn extend(&mut self, other: Self) {
        self.events = self.events.and(other.events);
        for (node, actions) in other.by {
            self.by.entry(node).or_default().extend(actions);
        }
        for (asked, fields) in other.answers {
            self.answers.entry(asked).or_default().extend(fields);
        }
    }

    /// Adds what a run of a team with these roles, tools and faults shows.
    pub(crate) fn observe(
        &mut self,
        outcome: &RunOutcome<Agents>,
        (roles, tools, faults): (&RoleNames, &BTreeSet<Name>, &FaultKinds),
    ) {
        self.events = self.events.and(outcome.history.kinds());
        for event in outcome.history.events() {
            match &event.what {
                EventKind::Sent { to, kind, content, .. } => {
                    let actions = self.by.entry(roles.of(event.node)).or_default();
                    actions.sends.insert((roles.of(*to), *kind));
                    if let Some(what) = kind.as_str().strip_prefix("call ").filter(|_| tools.contains(to)) {
                        actions.requests.insert((*to, Request::at(what), Request::operation_at(what)));
                    }
                    if tools.contains(&event.node) {
                        self.observe_answer(event.node, *kind, content);
                    }
                }
                EventKind::Socket(socket) => {
                    if let Some(kind) = socket.segment_kind() {
                        let actions = self.by.entry(roles.of(event.node)).or_default();
                        actions.sends.insert((roles.of(socket.peer), kind));
                    }
                }
                EventKind::Wrote { .. } => {
                    self.by.entry(roles.of(event.node)).or_default().keeps_journal = true;
                }
                _ => {}
            }
        }
        for place in &outcome.visited {
            self.observe_place(place.site, (roles, tools, faults));
        }
        for (node, label, span) in &outcome.timeouts {
            let timeouts = &mut self.by.entry(roles.of(*node)).or_default().timeouts;
            let known = timeouts.entry(*label).or_insert(*span..=*span);
            *known = *span.min(known.start())..=*span.max(known.end());
        }
        for (node, on, why) in &outcome.declared_waits {
            self.by.entry(roles.of(*node)).or_default().declared_waits.insert((roles.of(*on), *why));
        }
    }

    /// Adds the fields of what a tool answers, unless a fault has altered it.
    fn observe_answer(&mut self, tool: Name, kind: Name, content: &Body) {
        let (Some(what), Some((json, _))) =
            (reply_operation(kind), content.open::<Wire>().and_then(Wire::said))
        else {
            return;
        };
        let fields = self.answers.entry((tool, Request::operation_at(what))).or_default();
        collect_fields(&json, fields);
    }

    /// Adds a step or a model call site. Sites of other shapes are no actions.
    fn observe_place(
        &mut self,
        site: Name,
        (roles, tools, faults): (&RoleNames, &BTreeSet<Name>, &FaultKinds),
    ) {
        if let Some((node, hook, step)) = Hook::step_of(site) {
            let steps = &mut self.by.entry(roles.of(node)).or_default().steps;
            let places = steps.entry(step).or_default();
            *if hook == Hook::Before { &mut places.before } else { &mut places.after } = true;
            return;
        }
        let Some((node, what)) = site.as_str().split_once(", ") else { return };
        let node = Name::new(node);
        if let Some(call_site) = faults.call_site(what).filter(|_| !tools.contains(&node)) {
            self.by.entry(roles.of(node)).or_default().model_call_sites.insert(call_site);
        }
    }

    /// Whether a rule could inject one of these faults into this team: whether what it concerns was observed.
    pub(crate) fn can_meet(&self, rule: &Rule, roles: &RoleNames, faults: &FaultKinds) -> bool {
        let tool_fault = faults.find(rule.kind.as_str()).filter(|kind| kind.is_of_tools());
        let concerns = |request: Request| {
            tool_fault.is_none_or(|kind| kind.requests().any(|concerned| concerned == request))
        };
        let mut concerned = self.by.iter().filter(|(node, _)| roles.are_in(&rule.from, **node));
        match rule.hook {
            Hook::Message => concerned.any(|(_, actions)| {
                let mut sends = actions.sends.iter();
                sends.any(|(to, kind)| roles.are_in(&rule.to, *to) && rule.what.covers(*kind))
            }),
            Hook::Before | Hook::After => concerned.any(|(_, actions)| {
                actions.steps.iter().any(|(step, places)| rule.what.covers(*step) && places.at(rule.hook))
            }),
            Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
                concerned.any(|(_, actions)| actions.keeps_journal)
            }
            Hook::Service => {
                let alters = |tool: Name, operation: Name| {
                    let field = rule.action.detail();
                    let has =
                        |field| self.answers.get(&(tool, operation)).is_some_and(|all| all.contains(&field));
                    field.is_none_or(has)
                };
                let mut requests = self.by.values().flat_map(|actions| &actions.requests);
                let is_asked = requests.any(|(tool, request, operation)| {
                    let what = request.of(*operation);
                    rule.from.covers(*tool)
                        && rule.what.covers(what)
                        && concerns(*request)
                        && alters(*tool, *operation)
                });
                let mut call_sites = concerned.flat_map(|(_, actions)| &actions.model_call_sites);
                is_asked || call_sites.any(|site| rule.what.covers(Name::new(site)))
            }
        }
    }

    /// The agents and roles into which one of these rules could inject a fault if it concerned every agent.
    pub(crate) fn who_can_meet(
        &self,
        rules: &[Rule],
        members: &RoleNames,
        faults: &FaultKinds,
    ) -> Vec<&'static str> {
        let can = |node: Name| {
            rules.iter().any(|rule| {
                let rule = Rule { from: Selector::only(node), to: Selector::Any, ..rule.clone() };
                self.can_meet(&rule, members, faults)
            })
        };
        self.by.keys().filter(|node| can(**node)).map(|node| node.as_str()).collect()
    }

    /// Which agent or role asks which tool for which operation, in whatever way.
    pub(crate) fn calls(&self) -> BTreeSet<(Name, Name, Name)> {
        let of = |(agent, actions): (&Name, &Actions)| {
            let requests = actions.requests.iter().map(|(tool, _, operation)| (*agent, *tool, *operation));
            requests.collect::<Vec<_>>()
        };
        self.by.iter().flat_map(of).collect()
    }

    /// From whom to whom messages of a kind are sent.
    pub(crate) fn links_of(&self, kind: &str) -> Vec<(Name, Name)> {
        let of = |(from, actions): (&Name, &Actions)| {
            let links = actions.sends.iter().filter(|(_, sent)| sent.as_str() == kind);
            links.map(|(to, _)| (*from, *to)).collect::<Vec<_>>()
        };
        self.by.iter().flat_map(of).collect()
    }

    /// Whether anything is sent from one of these nodes to one of those.
    pub(crate) fn has_link(&self, (from, to): (&[Name], &[Name]), roles: &RoleNames) -> bool {
        let is_in = |names: &[Name], role: Name| names.iter().any(|name| roles.of(*name) == role);
        let mut senders = self.by.iter().filter(|(node, _)| is_in(from, **node));
        senders.any(|(_, actions)| actions.sends.iter().any(|(receiver, _)| is_in(to, *receiver)))
    }

    /// With whom these nodes exchange messages.
    pub(crate) fn peers_of(&self, nodes: &[Name], roles: &RoleNames) -> Vec<&'static str> {
        let are_linked = |role: Name| {
            let this = [role];
            self.has_link((nodes, &this), roles) || self.has_link((&this, nodes), roles)
        };
        let receivers = self.by.values().flat_map(|actions| &actions.sends).map(|(receiver, _)| *receiver);
        let all: BTreeSet<Name> = self.by.keys().copied().chain(receivers).collect();
        all.into_iter().filter(|role| are_linked(*role)).map(Name::as_str).collect()
    }

    /// The kinds of messages that are sent, each once, in order.
    pub(crate) fn message_kinds(&self) -> Vec<&'static str> {
        let sends = self.by.values().flat_map(|actions| &actions.sends);
        sends.map(|(_, kind)| kind.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Actions {
    fn extend(&mut self, other: Self) {
        let Self { sends, steps, requests, model_call_sites, keeps_journal, timeouts, declared_waits } =
            other;
        self.declared_waits.extend(declared_waits);
        self.sends.extend(sends);
        self.requests.extend(requests);
        self.model_call_sites.extend(model_call_sites);
        self.keeps_journal |= keeps_journal;
        for (step, Places { before, after }) in steps {
            let known = self.steps.entry(step).or_default();
            *known = Places { before: known.before | before, after: known.after | after };
        }
        for (label, span) in timeouts {
            let known = self.timeouts.entry(label).or_insert(span.clone());
            *known = *span.start().min(known.start())..=*span.end().max(known.end());
        }
    }
}

/// Adds the names of the fields of all tables within a value that hold something.
pub(crate) fn collect_fields(value: &Value, fields: &mut BTreeSet<Name>) {
    match value {
        Value::Array(parts) => parts.iter().for_each(|part| collect_fields(part, fields)),
        Value::Object(table) => {
            for (field, part) in table.iter().filter(|(_, part)| !part.is_null()) {
                fields.insert(Name::new(field));
                collect_fields(part, fields);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The roles of a workflow: which agents share one entry of an [`ActionMap`].
#[derive(Clone, Debug)]
pub struct RoleNames(Vec<&'static str>);

impl RoleNames {
    /// The roles whose members have these names without their number, such as `executor`.
    pub fn new(members: impl Iterator<Item = &'static str>) -> Self {
        Self(members.collect())
    }

    /// The member name of the role that an agent has; its own name if it is the only one.
    pub fn of(&self, node: Name) -> Name {
        let numbered = node.as_str().rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
        let role = numbered.and_then(|(member, _)| self.0.iter().find(|role| **role == member));
        role.map_or(node, |role| Name::new(role))
    }

    /// Whether a selector concerns an agent of that role.
    pub(crate) fn are_in(&self, selector: &Selector, role: Name) -> bool {
        match selector {
            Selector::Any => true,
            Selector::Of(names) => names.iter().any(|name| self.of(*name) == role),
        }
    }
}

/// What is known so far of one team, and how many of the runs that can show more are behind it.
#[derive(Clone, Default, Debug)]
pub struct Observed {
    /// What the runs showed.
    pub actions: ActionMap,
    /// How many runs that were.
    pub runs: usize,
    /// Whether a fault-free run failed to come to its end: then nothing is known of the actions that are
    /// missing.
    pub is_incomplete: bool,
}
