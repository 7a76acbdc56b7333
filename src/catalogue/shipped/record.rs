//! The record of what runs have shown, as a file: a line for each agent, message and fault.

use crate::agent::Request;
use crate::catalogue::{Broke, Team};
use crate::explore::{DeliverySemantics, MessageRoute};
use crate::faults::{ActionMap, Actions, Places};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is on record.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Record {
    /// The team of each workflow.
    pub teams: BTreeMap<String, Team>,
    /// Which kinds of faults have broken which properties.
    pub broke: Vec<Broke>,
}

#[derive(Serialize, Deserialize)]
struct File {
    broke: Vec<Broke>,
    teams: BTreeMap<String, TeamOnFile>,
}

#[derive(Serialize, Deserialize)]
struct TeamOnFile {
    tools: BTreeSet<Name>,
    messages: Vec<MessageOnFile>,
    agents: BTreeMap<Name, AgentOnFile>,
}

#[derive(Serialize, Deserialize)]
struct MessageOnFile {
    from: Name,
    to: Name,
    kind: Name,
    /// After what time it is sent again; nothing if it is not.
    again_after: Option<SimSpan>,
}

#[derive(Serialize, Deserialize)]
struct AgentOnFile {
    sends: BTreeSet<(Name, Name)>,
    /// Each step, and whether there is a place before and after it.
    steps: BTreeMap<Name, (bool, bool)>,
    /// The tool, and what is asked of it, as sites have it.
    requests: BTreeSet<(Name, Name)>,
    model_call_sites: BTreeSet<Name>,
    keeps_journal: bool,
    timeouts: BTreeMap<Name, (SimSpan, SimSpan)>,
    declared_waits: BTreeSet<(Name, Name)>,
}

impl Record {
    /// Reads the file.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        let File { broke, teams } = serde_json::from_str(text)?;
        let teams = teams.into_iter().map(|(workflow, team)| (workflow, team.into())).collect();
        Ok(Self { teams, broke })
    }
}

impl From<TeamOnFile> for Team {
    fn from(file: TeamOnFile) -> Self {
        let delivery = |MessageOnFile { from, to, kind, again_after }: MessageOnFile| {
            (
                MessageRoute { from, to, kind },
                again_after.map_or(DeliverySemantics::AtMostOnce, DeliverySemantics::AtLeastOnce),
            )
        };
        let by = file.agents.into_iter().map(|(node, agent)| (node, agent.into())).collect();
        Self {
            actions: ActionMap { by, ..ActionMap::default() },
            tools: file.tools,
            deliveries: file.messages.into_iter().map(delivery).collect(),
        }
    }
}

impl From<AgentOnFile> for Actions {
    fn from(file: AgentOnFile) -> Self {
        let places = |(step, (before, after))| (step, Places { before, after });
        let request = |(tool, what): (Name, Name)| {
            (tool, Request::at(what.as_str()), Request::operation_at(what.as_str()))
        };
        Self {
            sends: file.sends,
            steps: file.steps.into_iter().map(places).collect(),
            requests: file.requests.into_iter().map(request).collect(),
            model_call_sites: file.model_call_sites.into_iter().map(Name::as_str).collect(),
            keeps_journal: file.keeps_journal,
            timeouts: file.timeouts.into_iter().map(|(label, (least, most))| (label, least..=most)).collect(),
            declared_waits: file.declared_waits,
        }
    }
}

#[cfg(test)]
mod writing {
    use super::*;
    use serde_json::Value;

    /// What is deeper than this is one line.
    const DEPTH: usize = 4;

    impl Record {
        /// The text of the file.
        pub fn written(&self) -> String {
            let teams = self.teams.iter().map(|(workflow, team)| (workflow.clone(), team.into())).collect();
            let file = File { broke: self.broke.clone(), teams };
            let value = serde_json::to_value(file).expect("plain data");
            format!("{}\n", in_lines(&value, DEPTH, ""))
        }
    }

    impl From<&Team> for TeamOnFile {
        fn from(team: &Team) -> Self {
            let message = |(link, delivery): (&MessageRoute, &DeliverySemantics)| {
                let MessageRoute { from, to, kind } = *link;
                let again_after = match delivery {
                    DeliverySemantics::AtLeastOnce(after) => Some(*after),
                    DeliverySemantics::AtMostOnce => None,
                };
                MessageOnFile { from, to, kind, again_after }
            };
            Self {
                tools: team.tools.clone(),
                messages: team.deliveries.iter().map(message).collect(),
                agents: team.actions.by.iter().map(|(node, actions)| (*node, actions.into())).collect(),
            }
        }
    }

    impl From<&Actions> for AgentOnFile {
        fn from(actions: &Actions) -> Self {
            let places = |(step, places): (&Name, &Places)| (*step, (places.before, places.after));
            let timeout = |(label, span): (&Name, &std::ops::RangeInclusive<SimSpan>)| {
                (*label, (*span.start(), *span.end()))
            };
            let requests = actions.requests.iter();
            Self {
                sends: actions.sends.clone(),
                steps: actions.steps.iter().map(places).collect(),
                requests: requests
                    .map(|(tool, request, operation)| (*tool, request.of(*operation)))
                    .collect(),
                model_call_sites: actions.model_call_sites.iter().map(|site| Name::new(site)).collect(),
                keeps_journal: actions.keeps_journal,
                timeouts: actions.timeouts.iter().map(timeout).collect(),
                declared_waits: actions.declared_waits.clone(),
            }
        }
    }

    /// A value with a line for each of its parts, down to some depth.
    fn in_lines(value: &Value, depth: usize, indent: &str) -> String {
        let inner = format!("{indent} ");
        let (brackets, parts): (_, Vec<String>) = match value {
            Value::Object(all) if depth > 0 && !all.is_empty() => {
                let part = |(key, value)| {
                    format!("{}: {}", Value::from(String::clone(key)), in_lines(value, depth - 1, &inner))
                };
                (["{", "}"], all.iter().map(part).collect())
            }
            Value::Array(all) if depth > 1 && !all.is_empty() => {
                (["[", "]"], all.iter().map(|value| in_lines(value, depth.min(1) - 1, &inner)).collect())
            }
            _ => return value.to_string(),
        };
        let [open, close] = brackets;
        format!("{open}\n{inner}{}\n{indent}{close}", parts.join(&format!(",\n{inner}")))
    }
}
