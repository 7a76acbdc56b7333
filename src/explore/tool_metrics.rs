//! Metrics of tools: how often each was called, how often it failed and how, what was retried, and which
//! calls were given up.
//!
//! The numbers are those that a monitoring of the team would have, so calls and failures are counted where
//! they are known, at the caller. Effects are counted by the tool.

use crate::agent::{AgentEvent, CallOutcome, Definite, Indefinite, PersonEvent, TeamEvent, ToolEvent, kinds};
use crate::properties::TeamHistory;
use perfidy_sim::{EventKinds, Lookup, Name};
use serde::Serialize;
use std::collections::BTreeMap;

/// What became of the calls of one tool.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
pub struct ToolMetrics {
    /// How often agents called it.
    pub calls: u64,
    /// Of these, how many were made again: the same operation for the same intent had been called before.
    pub retries: u64,
    /// How many calls took effect, whatever their callers were told.
    pub effects: u64,
    /// How many calls failed for their callers, by kind of failure.
    pub failures: BTreeMap<&'static str, u64>,
    /// How many failed calls were escalated to the person on call.
    pub dead_letters: u64,
}

/// What became of the calls of each tool, by its name.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(transparent)]
pub struct MetricsByTool(pub BTreeMap<Name, ToolMetrics>);

/// The kinds of events that are counted.
const READS: EventKinds =
    kinds::CALLED.and(kinds::ANSWERED).and(kinds::TOOL_REQUESTS).and(kinds::DEAD_LETTERED);

impl MetricsByTool {
    /// Of a history.
    ///
    /// ```
    /// use perfidy::explore::{MetricsByTool, Run};
    /// use perfidy::prelude::*;
    /// use perfidy::scenario::Case;
    /// use perfidy::sim::{Engine, Name, Seed};
    ///
    /// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
    /// let scenario = Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).unwrap();
    /// let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    /// let metrics = MetricsByTool::of(&run.outcome.history);
    /// let ticketing = &metrics.0[&Name::new("ticketing")];
    /// assert_eq!(ticketing.effects, 3, "one for each task");
    /// assert_eq!(ticketing.calls, ticketing.effects + ticketing.retries);
    /// ```
    pub fn of(history: &TeamHistory) -> Self {
        let mut metrics = Self::default();
        let mut called = Lookup::default();
        for (event, note) in history.app_events_of(READS) {
            match note {
                TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, .. }) => {
                    let of_tool = metrics.tool(*tool);
                    of_tool.calls += 1;
                    of_tool.retries += u64::from(called.insert((*tool, *operation, *intent), ()).is_some());
                }
                TeamEvent::Agent(AgentEvent::Answered { tool, told, .. }) => {
                    if let Some(kind) = failure_of(*told) {
                        *metrics.tool(*tool).failures.entry(kind).or_default() += 1;
                    }
                }
                TeamEvent::Tool(ToolEvent::Effect { .. }) => metrics.tool(event.node).effects += 1,
                TeamEvent::Person(PersonEvent::DeadLetterRecorded { tool, .. }) => {
                    metrics.tool(*tool).dead_letters += 1;
                }
                _ => {}
            }
        }
        metrics
    }

    fn tool(&mut self, tool: Name) -> &mut ToolMetrics {
        self.0.entry(tool).or_default()
    }

    /// Adds those of another run.
    pub(super) fn add(&mut self, more: &Self) {
        for (tool, ToolMetrics { calls, retries, effects, failures, dead_letters }) in &more.0 {
            let all = self.tool(*tool);
            all.calls += calls;
            all.retries += retries;
            all.effects += effects;
            all.dead_letters += dead_letters;
            for (kind, count) in failures {
                *all.failures.entry(kind).or_default() += count;
            }
        }
    }
}

/// The kind of failure that an outcome is, in a word; `None` if it is none.
fn failure_of(outcome: CallOutcome) -> Option<&'static str> {
    Some(match outcome {
        CallOutcome::Done | CallOutcome::Found(_) | CallOutcome::Cancelled | CallOutcome::AsOf(_) => {
            return None;
        }
        CallOutcome::Not(error) | CallOutcome::Unknown(Indefinite::Refused(error)) => match error {
            Definite::Refused => "refused",
            Definite::Declined => "declined",
            Definite::RateLimited { .. } => "rate-limited",
            Definite::Unavailable => "unavailable",
            Definite::Moved => "moved",
            Definite::Forbidden => "forbidden",
            Definite::OtherSchema => "other-schema",
            Definite::Unreadable => "unreadable-call",
            Definite::Untraced => "untraced-call",
        },
        CallOutcome::Unknown(Indefinite::TimedOut) => "timeout",
        CallOutcome::Unknown(Indefinite::Failed) => "internal-error",
        CallOutcome::Unknown(Indefinite::Malformed) => "malformed-answer",
        CallOutcome::Unknown(Indefinite::OfAnotherRequest) => "other-answer",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_of_many_runs_are_the_sums_of_theirs() {
        let one = |tool: &str, calls, kind| {
            let (retries, effects, dead_letters) = (calls / 2, calls * 3, calls * 5);
            let failures = BTreeMap::from([(kind, calls * 7)]);
            let metrics = ToolMetrics { calls, retries, effects, failures, dead_letters };
            MetricsByTool(BTreeMap::from([(Name::new(tool), metrics)]))
        };
        let mut all = MetricsByTool::default();
        for more in [one("mail", 2, "timeout"), one("mail", 4, "timeout"), one("bank", 8, "moved")] {
            all.add(&more);
        }
        let failures = BTreeMap::from([("timeout", 42)]);
        let mail = ToolMetrics { calls: 6, retries: 3, effects: 18, failures, dead_letters: 30 };
        assert_eq!(all.0[&Name::new("mail")], mail);
        assert_eq!(MetricsByTool(all.0.into_iter().take(1).collect()), one("bank", 8, "moved"));
    }

    #[test]
    fn a_refusal_that_leaves_the_outcome_open_is_the_same_kind_of_failure() {
        for error in [Definite::Refused, Definite::Declined, Definite::Unavailable, Definite::Moved] {
            let [definite, open] =
                [CallOutcome::Not(error), CallOutcome::Unknown(Indefinite::Refused(error))];
            assert_eq!(failure_of(definite), failure_of(open));
            assert!(failure_of(open).is_some());
        }
        assert_eq!(failure_of(CallOutcome::Done), None);
        assert_eq!(failure_of(CallOutcome::Unknown(Indefinite::TimedOut)), Some("timeout"));
    }
}
