//! How long a team has to settle once faults are over and the last task has come.
//!
//! A run whose time is over while work is still getting done is `unknown` and no failure of its team.
//! [Whether it is](crate::properties::headway) shows in the last part of that time, so no wait that the file
//! itself asks for may be longer than such a part: a sound team would be taken for one that is stuck.

use super::{Diagnostics, LONGEST, Tables, within_limit};
use crate::config::{Problem, Shape, Span};
use crate::properties::headway;
use crate::safeguards::Safeguards;
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::call_timeout::CallTimeout;
use crate::safeguards::retry::Retry;
use crate::scenario::Model;
use crate::tools::ToolConfig;
use crate::workflows::Workflow;
use perfidy_sim::{Name, SimSpan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// A team has so long to settle, or, if that is longer, so long for every agent and step.
const SETTLING: SimSpan = SimSpan::from_secs(15 * 60);
const SETTLING_A_STEP_OF_AN_AGENT: SimSpan = SimSpan::from_secs(5);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct SettleTable {
    within: Option<Spanned<Span>>,
}

/// What the table can be.
pub(super) fn shape() -> Shape {
    Shape::of::<SettleTable>()
}

/// What the file says, and where.
pub(super) fn read(tables: &Tables<'_>, found: &mut Diagnostics) -> Option<(SimSpan, Range<usize>)> {
    let within = tables.closed::<SettleTable>("settle", found).within?;
    Some((found.keep(within_limit(&within, "within"))?, within.span()))
}

/// How long a team has to settle if its file does not say. Work may have to pass through every agent, step
/// after step.
pub(super) fn usual(
    workflow: &Workflow,
    team: &BTreeMap<&'static str, u32>,
    steps: usize,
    wait: SimSpan,
) -> SimSpan {
    let agents = workflow.size(team.values().copied());
    let by_size = SETTLING_A_STEP_OF_AN_AGENT.saturating_mul(agents * steps as u64);
    by_size.max(needed_for(wait)).clamp(SETTLING, LONGEST)
}

/// The longest time in which a sound team may complete nothing at all: a call whose answer is lost as faults
/// end is given up, made again after its backoff, and waits for the model, the tool and a person.
pub(super) fn longest_wait(
    tools: &BTreeMap<Name, ToolConfig>,
    model: &Model,
    safeguards: &Safeguards,
) -> SimSpan {
    let timeout = safeguards.built_in::<CallTimeout>().map(|CallTimeout(timeout)| timeout);
    let backoff = safeguards.get::<Retry>().map(|retry| *retry.backoff.end());
    let person = safeguards.get::<ApprovalGate>().map(|gate| gate.expires_after);
    let tool = tools.values().map(|tool| *tool.latency.end()).max();
    let waits = [timeout, backoff, person, tool, Some(*model.latency.end())];
    waits.into_iter().flatten().fold(SimSpan::ZERO, |sum, wait| sum + wait)
}

fn needed_for(wait: SimSpan) -> SimSpan {
    wait.saturating_mul(headway::PARTS)
}

/// Whether the time that a file gives is enough to tell a slow team from one that is stuck.
pub(super) fn is_enough(within: SimSpan, place: Range<usize>, wait: SimSpan) -> Result<(), Problem> {
    let needed = needed_for(wait);
    if within >= needed {
        return Ok(());
    }
    let message = format!(
        "`within` is {within}, and a single call can take {wait} here: its timeout, its backoff, the latency of its tool \
         and of the model, and a person's approval if it needs one"
    );
    let help = format!(
        "write at least within = \"{needed}\", so that a slow team is not taken for one that is stuck"
    );
    Err(Problem::at(place, message).help(help))
}
