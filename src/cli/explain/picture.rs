//! A workflow: its agents, who sends what to whom, how often a message is delivered, and what each does.

use super::Known;
use crate::catalogue::{Item, Team};
use crate::explore::{DeliverySemantics, MessageRoute};
use crate::faults::{Actions, FaultKinds, Places};
use crate::report::{MapArrow, MapDelivery, Theme, workflow_map};
use crate::workflows::user::USER;
use perfidy_sim::{Name, SimSpan};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// The lane of all tools on a map.
const TOOLS: &str = "tools";

#[derive(Serialize)]
pub(super) struct OfWorkflow<'a> {
    /// Its agents and groups.
    pub agents: Vec<&'a str>,
    pub safeguards: &'a [&'static str],
    pub properties: &'a [&'static str],
    /// Who sends what to whom.
    pub messages: Vec<Sent>,
    /// What each agent or role does.
    actions: BTreeMap<Name, Does>,
    /// The same, as runs of its scenarios show it.
    #[serde(skip)]
    pub team: Rc<Team>,
    #[serde(skip)]
    pub faults: &'a FaultKinds,
}

/// A kind of message between two, and how often it is delivered if the network loses one.
#[derive(Serialize)]
pub(super) struct Sent {
    pub from: Name,
    pub to: Name,
    pub message: Name,
    pub delivery: Semantics,
    /// After how long it is sent again, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_after: Option<SimSpan>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Semantics {
    AtLeastOnce,
    AtMostOnce,
    /// No fault-free run sends it.
    OnlySentUnderFaults,
}

/// What an agent or a role does, as a file can name it.
#[derive(Serialize)]
struct Does {
    requests: Vec<ToolUse>,
    steps: BTreeMap<Name, At>,
    /// The faults that its model can have at each model call site.
    model: BTreeMap<&'static str, Vec<&'static str>>,
    waits_for: BTreeMap<Name, Timeout>,
}

#[derive(Serialize)]
struct ToolUse {
    tool: Name,
    request: String,
    operation: Name,
}

/// The places of a step at which faults can be injected.
#[derive(Serialize)]
struct At {
    before: bool,
    after: bool,
}

#[derive(Serialize)]
struct Timeout {
    shortest: SimSpan,
    longest: SimSpan,
}

impl Known<'_> {
    pub(super) fn picture_of(&self, item: &Item) -> Option<OfWorkflow<'_>> {
        let workflow = self.suite.find_workflow(item.name)?;
        let groups = workflow.roles.iter().map(|role| role.group);
        let team = self.team(workflow.name);
        let agents = team.actions.by.iter().filter(|(node, _)| !team.tools.contains(node));
        Some(OfWorkflow {
            agents: workflow.singletons.iter().copied().chain(groups).collect(),
            safeguards: &workflow.safeguards,
            properties: &workflow.properties,
            messages: messages(&team),
            actions: agents.map(|(node, actions)| (*node, does(actions, self.suite.fault_kinds()))).collect(),
            team,
            faults: self.suite.fault_kinds(),
        })
    }
}

impl OfWorkflow<'_> {
    /// Who sends what to whom, as a picture.
    pub(super) fn map(&self, title: &str, theme: Theme) -> String {
        let mut arrows: Vec<MapArrow> = Vec::new();
        let mut add = |from: Name, to: Name, word: String, delivery: MapDelivery| {
            let is_it =
                |arrow: &&mut MapArrow| (arrow.from, arrow.to, arrow.delivery) == (from, to, delivery);
            match arrows.iter_mut().find(is_it) {
                Some(arrow) if arrow.words.contains(&word) => {}
                Some(arrow) => arrow.words.push(word),
                None => arrows.push(MapArrow { from, to, words: vec![word], delivery }),
            }
        };
        for sent in &self.messages {
            let delivery = match sent.delivery {
                Semantics::AtLeastOnce => MapDelivery::AtLeastOnce,
                Semantics::AtMostOnce => MapDelivery::AtMostOnce,
                Semantics::OnlySentUnderFaults => MapDelivery::OnlyUnderFaults,
            };
            add(sent.from, sent.to, sent.message.to_string(), delivery);
        }
        let Team { actions, tools, .. } = &*self.team;
        for (node, does) in actions.by.iter().filter(|(node, _)| !tools.contains(node)) {
            let requests: BTreeSet<_> = does.requests.iter().map(|(_, request, _)| *request).collect();
            for request in requests {
                add(*node, Name::literal(TOOLS), request.to_string(), MapDelivery::Request);
            }
        }
        workflow_map(title, &arrows, (USER, TOOLS), theme)
    }
}

/// A time in its largest unit: it is that of one run, and differs a little in every other.
fn rounded(span: SimSpan) -> SimSpan {
    let (second, millisecond) = (SimSpan::from_secs(1), SimSpan::from_millis(1));
    let unit = if span >= second { second } else { millisecond }.as_nanos();
    SimSpan::from_nanos((span.as_nanos() + unit / 2) / unit * unit)
}

fn messages(Team { actions, tools, deliveries }: &Team) -> Vec<Sent> {
    let sent = |(from, does): (&Name, &Actions)| {
        let from = *from;
        let to_agents = does.sends.clone().into_iter().filter(|(to, _)| !tools.contains(to));
        let one = move |(to, message)| {
            let (delivery, again_after) = match deliveries.get(&MessageRoute { from, to, kind: message }) {
                Some(DeliverySemantics::AtLeastOnce(after)) => {
                    (Semantics::AtLeastOnce, Some(rounded(*after)))
                }
                Some(DeliverySemantics::AtMostOnce) => (Semantics::AtMostOnce, None),
                None => (Semantics::OnlySentUnderFaults, None),
            };
            Sent { from, to, message, delivery, again_after }
        };
        to_agents.map(one).collect::<Vec<_>>()
    };
    actions.by.iter().filter(|(node, _)| !tools.contains(node)).flat_map(sent).collect()
}

fn does(actions: &Actions, kinds: &FaultKinds) -> Does {
    let asked = |(tool, request, operation): &(Name, crate::agent::Request, Name)| ToolUse {
        tool: *tool,
        request: request.to_string(),
        operation: *operation,
    };
    let at = |(step, places): (&Name, &Places)| (*step, At { before: places.before, after: places.after });
    let timeout = |(label, span): (&Name, &RangeInclusive<SimSpan>)| {
        (*label, Timeout { shortest: *span.start(), longest: *span.end() })
    };
    Does {
        requests: actions.requests.iter().map(asked).collect(),
        steps: actions.steps.iter().map(at).collect(),
        model: actions
            .model_call_sites
            .iter()
            .map(|site| (*site, kinds.at_call_site(site).map(|kind| kind.name).collect()))
            .collect(),
        waits_for: actions.timeouts.iter().map(timeout).collect(),
    }
}
