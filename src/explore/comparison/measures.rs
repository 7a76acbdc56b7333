//! What a run took and what came of it, in numbers.
//!
//! All of it is witnessed: by the user, who gives tasks and is informed of them, by tools, which record what
//! they are asked and what took effect, by the network, and by the handle through which an agent calls its
//! model. What agents announce counts for nothing.

use crate::agent::{Content, Outcome, Report, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::explore::Run;
use crate::properties::{TeamHistory, Verdict, tokens_of};
use crate::scenario::Case;
use perfidy_sim::{EventKinds, Lookup, Name, RunEnd, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};

/// What a run took, and what came of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Measures {
    /// How many tasks the user gave.
    pub given: u64,
    /// Of these, how many the user was informed of as done, with the time from task to report. A task that is
    /// reported twice counts as it was reported first.
    pub done: Vec<SimSpan>,
    /// How many the user was informed of as failed or cancelled.
    pub given_up: u64,
    /// How many effects happened again: the same operation of the same tool for the same intent.
    pub duplicates: u64,
    /// How many questions the user got an answer to that no source has given: wrong acceptances.
    pub wrong_answers: u64,
    /// How many messages were sent, those to and from tools and services included.
    pub messages: u64,
    /// How many requests reached tools, whatever became of them: calls, reads, look-ups and cancellations.
    pub tool_requests: u64,
    /// How many calls of models there were, also those without a reply.
    pub model_calls: u64,
    /// How many tokens they took, as `bounded-tokens` counts them.
    pub tokens: u64,
    /// Whether a property broke that the file does not waive.
    pub is_broken: bool,
    /// Whether the run was ended by a bound on its length, or by a panic.
    pub is_cut_short: bool,
}

/// The kinds of events that are counted.
const READS: EventKinds = kinds::TASK_GIVEN
    .and(kinds::QUESTION)
    .and(kinds::INFORMED)
    .and(kinds::TOOL_REQUESTS)
    .and(kinds::CHATTED)
    .and(kinds::COMPLETED);

impl Measures {
    /// Of a run of a case.
    pub fn of(case: &Case, run: &Run) -> Self {
        let is_broken = run.verdicts.iter().any(|(property, verdict)| {
            matches!(verdict, Verdict::Violated(_)) && !case.scenario.waived.contains_key(property)
        });
        let is_cut_short = matches!(
            run.outcome.stop,
            RunEnd::TooManyEvents | RunEnd::Spinning { .. } | RunEnd::Panicked { .. }
        );
        Self { is_broken, is_cut_short, ..Self::in_history(&run.outcome.history) }
    }

    /// What a history tells. Whether a property broke does not stand in it.
    pub(super) fn in_history(history: &TeamHistory) -> Self {
        let mut measures =
            Self { messages: history.events_of(EventKinds::SENT).count() as u64, ..Self::default() };
        let mut open: BTreeMap<Name, SimTime> = BTreeMap::new();
        let mut effects = Lookup::default();
        let (mut asked, mut served, mut wrong) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (event, note) in history.app_events_of(READS) {
            match note {
                TeamEvent::User(UserEvent::TaskGiven { task }) => {
                    measures.given += 1;
                    open.insert(*task, event.at);
                }
                TeamEvent::User(UserEvent::Question { intent, .. }) => {
                    asked.insert(*intent);
                }
                TeamEvent::User(UserEvent::Informed { report, .. }) => {
                    let is_wrong =
                        |answer: &(Name, Content)| asked.contains(&answer.0) && !served.contains(answer);
                    wrong.extend(answers(report).filter(is_wrong).map(|(of, _)| of));
                    let Some(given) = open.remove(&report.task) else { continue };
                    match report.outcome {
                        Outcome::Done => measures.done.push(event.at.since(given)),
                        Outcome::Failed | Outcome::Cancelled => measures.given_up += 1,
                    }
                }
                TeamEvent::Tool(ToolEvent::Opened { .. } | ToolEvent::SchemaRolled { .. }) => {}
                TeamEvent::Tool(request) => {
                    measures.tool_requests += 1;
                    match request {
                        ToolEvent::Effect { operation, intent, .. } => {
                            let earlier = effects.insert((event.node, *operation, *intent), ());
                            measures.duplicates += u64::from(earlier.is_some());
                        }
                        ToolEvent::Served { intent, content, .. } => {
                            served.insert((*intent, content.clone()));
                        }
                        _ => {}
                    }
                }
                TeamEvent::Agent(call) => {
                    let Some((_, tokens)) = tokens_of(call) else { continue };
                    measures.model_calls += 1;
                    measures.tokens += tokens;
                }
                _ => {}
            }
        }
        Self { wrong_answers: wrong.len() as u64, ..measures }
    }

    /// How many tasks ended without any report.
    pub fn never_ended(&self) -> u64 {
        self.given - self.done.len() as u64 - self.given_up
    }
}

/// The answers of a report to the questions of its task, if that is done.
fn answers(report: &Report) -> impl Iterator<Item = (Name, Content)> + '_ {
    let parts = report.answer.iter().filter(|_| report.outcome == Outcome::Done);
    parts.filter_map(|part| Some((part.intent, part.content.clone()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_neither_done_nor_given_up_has_never_ended() {
        let measures =
            Measures { given: 9, done: vec![SimSpan::ZERO; 4], given_up: 2, ..Measures::default() };
        assert_eq!(measures.never_ended(), 3);
    }
}
