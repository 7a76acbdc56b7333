//! What an alias comes to for the failures of a workflow.

use super::table::{Table, agent_names};
use crate::agent::{Request, call_kind, reply_kind};
use crate::faults::ActionMap;
use crate::scenario::Renaming;
use crate::workflows::Workflow;
use perfidy_sim::{Name, Renames};
use std::collections::BTreeMap;

/// What an alias comes to for the failures of a workflow, if it concerns them.
pub(super) fn renaming(
    table: Table,
    (old, new): (&str, &str),
    workflow: Option<&Workflow>,
    actions: Option<&ActionMap>,
) -> Option<Renaming> {
    let global = || BTreeMap::from([(old.to_owned(), new.to_owned())]);
    let run = match table {
        Table::Workflows => return Some(Renaming { workflows: global(), ..Renaming::default() }),
        Table::Properties => return Some(Renaming { properties: global(), ..Renaming::default() }),
        Table::Safeguards => return Some(Renaming { safeguards: global(), ..Renaming::default() }),
        Table::Faults => Renames::of_faults([(old, new)]),
        Table::Tools => Renames::new([(old, new)], []),
        Table::Operations => operations(old, new),
        Table::Agents => {
            let known = agent_names(workflow?);
            let is_today = |name: &str| known.iter().any(|known| known == name);
            (is_today(new) && !is_today(old)).then(|| agents(old, new, workflow))?
        }
        Table::Messages => {
            let sent = actions?.message_kinds();
            (sent.contains(&new) && !sent.contains(&old)).then(|| Renames::of_messages([(old, new)]))?
        }
        Table::CallSites => {
            let mut sites = actions?.by.values().flat_map(|does| &does.model_call_sites);
            sites.any(|site| *site == new).then(|| Renames::of_calls([(old, new)]))?
        }
        Table::Steps => {
            let mut steps = actions?.by.values().flat_map(|does| does.steps.keys());
            (!steps.any(|step| step.as_str() == old)).then(|| Renames::new([], [(old, new)]))?
        }
    };
    Some(run.into())
}

/// An agent or a group, or a role with its members.
fn agents(old: &str, new: &str, workflow: Option<&Workflow>) -> Renames {
    let role = workflow.and_then(|workflow| workflow.roles.iter().find(|role| role.member == new));
    let numbers = role.map_or(0, |role| *role.count.end());
    let members: Vec<_> =
        (1..=numbers).map(|number| (format!("{old}-{number}"), format!("{new}-{number}"))).collect();
    let members = members.iter().map(|(old, new)| (old.as_str(), new.as_str()));
    Renames::new(members.chain([(old, new)]), [])
}

/// An operation in all the ways in which a tool can be asked about it, and in the messages that carry that.
fn operations(old: &str, new: &str) -> Renames {
    let forms = Request::ALL.map(|request| [old, new].map(|operation| request.of(Name::new(operation))));
    let calls = forms.iter().map(|[old, new]| (old.as_str(), new.as_str()));
    let carried = forms.iter().flat_map(|[old, new]| {
        [call_kind, reply_kind].map(|kind| (kind(*old).as_str(), kind(*new).as_str()))
    });
    [Renames::of_calls(calls), Renames::of_messages(carried)].into_iter().collect()
}
