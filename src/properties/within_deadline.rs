//! The user of a task is told its end in time, and no work for it begins after that time.
//!
//! A chain of requests takes as long as all of its links together, and its user waits for the sum. A team
//! that answers late has answered nothing, and one that goes on after its user has stopped waiting pays for
//! what is of no use. Judged on when the task was given, when the user was told how it ended, and what the
//! team began later than the bound after the task was given: calls and reads of tools, requests and orders to
//! other agents, and calls of models. A call of a model stands in the history when it ends; it has begun
//! after what its agent had met last. To undo something, to look a call up or to cancel one is no new work.
//!
//! An agent that crashes cannot answer in time, so this is judged only in cases that ask for it.

use crate::agent::{AgentEvent, Purpose, Request, TeamEvent, ToolRequest, UserEvent, kinds};
use crate::properties::waits::task_of;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name, SimSpan, SimTime};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "within-deadline",
        "the user is told the end of each task in time, and no work for it begins after that time",
        Bound::of("within", AtMost::Span(SimSpan::from_secs(180))),
        judge,
    )
    .needs(kinds::TASK_GIVEN)
}

type At<'a> = &'a Event<TeamEvent>;

/// The kinds of events that it reads.
const READS: EventKinds = kinds::TASK_GIVEN
    .and(kinds::INFORMED)
    .and(kinds::UNDONE_BY)
    .and(EventKinds::SENT)
    .and(kinds::COMPLETED)
    .and(kinds::CHATTED);

/// What the user has given and was told, so far.
#[derive(Default)]
struct Tasks<'a> {
    given: BTreeMap<&'static str, At<'a>>,
    told: BTreeMap<&'static str, At<'a>>,
    /// The node that gives the tasks.
    user: Option<Name>,
    /// Intent, tool and operation of each compensation.
    undoings: Lookup<(Name, Name, Name), ()>,
}

fn judge(history: &TeamHistory, within_nanos: u64) -> Verdict {
    let within = SimSpan::from_nanos(within_nanos);
    let mut tasks = Tasks::default();
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::App(TeamEvent::User(UserEvent::TaskGiven { task })) => {
                tasks.given.insert(task.as_str(), event);
                tasks.user = Some(event.node);
            }
            EventKind::App(TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation })) => {
                tasks.undoings.insert((*intent, *tool, *operation), ());
            }
            EventKind::App(TeamEvent::User(UserEvent::Informed { report, .. })) => {
                let Some(given) = tasks.given.get(report.task.as_str()) else { continue };
                if !tasks.told.contains_key(report.task.as_str()) && event.at > given.at + within {
                    return too_late(given, event, report.task.as_str(), within);
                }
                tasks.told.insert(report.task.as_str(), event);
            }
            _ => {
                let Some((about, began, what)) = tasks.work(history, event) else { continue };
                let task = task_of(about);
                let Some(given) = tasks.given.get(task) else { continue };
                if began > given.at + within {
                    let (node, after) = (event.node, began.since(given.at));
                    let message = format!(
                        "{node} {what} for {about}, {after} after {task} was given; at most {within} was asked for"
                    );
                    return Verdict::violated(&[given, event], message);
                }
            }
        }
    }
    let end = history.events().last().map_or(SimTime::ZERO, |event| event.at);
    let is_overdue =
        |(task, given): &(&&str, &At<'_>)| !tasks.told.contains_key(*task) && end > given.at + within;
    match tasks.given.iter().find(is_overdue) {
        Some((task, given)) => {
            Verdict::violated(&[*given], format!("the user was not told within {within} how {task} ended"))
        }
        None if tasks.told.is_empty() => Verdict::Vacuous,
        None => Verdict::Holds,
    }
}

fn too_late(given: At<'_>, told: At<'_>, task: &str, within: SimSpan) -> Verdict {
    let after = told.at.since(given.at);
    let message = format!("{task} ended for its user only after {after}; at most {within} was asked for");
    Verdict::violated(&[given, told], message)
}

impl Tasks<'_> {
    /// What work an event is the beginning of, or shows to have begun: what it is about, when it began at the
    /// earliest, and in words.
    fn work(&self, history: &TeamHistory, event: At<'_>) -> Option<(Name, SimTime, &'static str)> {
        match &event.what {
            EventKind::Sent { about, content, .. } => {
                if let Some(request) = ToolRequest::of(event) {
                    return self.tool_work(&request).map(|what| (*about, event.at, what));
                }
                let is_request = content.is_for(Purpose::Ask) || content.is_for(Purpose::Order);
                let is_of_the_team = self.user != Some(event.node);
                (is_request && is_of_the_team).then_some((*about, event.at, "asked for work"))
            }
            EventKind::App(TeamEvent::Agent(
                AgentEvent::Completed { about, .. } | AgentEvent::Chatted { turn: about, .. },
            )) => Some((*about, history.event(event.cause?).at, "called its model")),
            _ => None,
        }
    }

    fn tool_work(&self, request: &ToolRequest) -> Option<&'static str> {
        let operation = request.operation();
        match request.kind() {
            Request::Call if self.undoings.contains((operation.intent, operation.tool, operation.name)) => {
                None
            }
            Request::Call => Some("called a tool"),
            Request::Read => Some("read from a tool"),
            Request::LookUp | Request::Cancel => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Body, Headers, OpId, Operation, Outcome, ToolCall, Wire};
    use crate::properties::testing::{Story, completed, violation};
    use perfidy_sim::RunEnd;

    /// The task is given in the second second, and ten more are allowed.
    fn given() -> Story {
        let bound = AtMost::Span(SimSpan::from_secs(10)).as_number();
        Story::default().bounded(property().name, bound).given("task-1")
    }

    fn done(story: Story) -> Story {
        story.told("task-1", Outcome::Done)
    }

    #[test]
    fn a_task_that_ends_in_time_holds_however_it_ends() {
        for outcome in [Outcome::Done, Outcome::Failed] {
            assert_eq!(given().pass(5).told("task-1", outcome).judged_by(&property()), Verdict::Holds);
        }
    }

    #[test]
    fn an_end_that_the_user_hears_of_too_late_is_none() {
        assert_eq!(done(given().pass(8)).judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(done(given().pass(9)).judged_by(&property()));
        assert_eq!(events, [2, 13]);
        assert_eq!(message, "task-1 ended for its user only after 11s; at most 10s was asked for");
    }

    #[test]
    fn a_task_that_never_ends_is_overdue_once_its_time_is_over() {
        let open = |seconds| given().pass(seconds).ended(RunEnd::Deadline);
        assert_eq!(open(3).judged_by(&property()), Verdict::Vacuous);
        let (events, message) = violation(open(20).judged_by(&property()));
        assert_eq!(events, [2]);
        assert_eq!(message, "the user was not told within 10s how task-1 ended");
    }

    #[test]
    fn a_run_that_was_cut_short_before_the_time_of_a_task_was_over_shows_nothing() {
        for run in given().pass(3).cut_short() {
            assert_eq!(run.judged_by(&property()), Verdict::Vacuous);
        }
        for run in given().pass(20).cut_short() {
            assert!(run.judged_by(&property()).is_violated());
        }
    }

    #[test]
    fn calls_and_requests_after_the_time_are_work_that_is_of_no_use() {
        let ask = Headers::of(Purpose::Ask);
        let asks = |story: Story| story.sends(("service-1", "service-2"), "task-1/figure", ask);
        let early = asks(given());
        assert_eq!(done(early).judged_by(&property()), Verdict::Holds);
        let (_, message) = violation(asks(done(given()).pass(8)).judged_by(&property()));
        assert_eq!(
            message,
            "service-1 asked for work for task-1/figure, 11s after task-1 was given; at most 10s was asked for"
        );
    }

    #[test]
    fn a_model_that_is_called_after_the_time_is_work_and_one_that_only_ends_then_is_not() {
        let completes = |story: Story, cause: u32| {
            let completed = EventKind::App(TeamEvent::Agent(completed(Name::new("task-1/figure"))));
            story.event_because_of(Some(cause), "service-1", completed)
        };
        let late = || done(given()).pass(10);
        assert_eq!(completes(late(), 4).judged_by(&property()), Verdict::Holds);
        let last = late().last();
        let (_, message) = violation(completes(late(), last).judged_by(&property()));
        assert!(message.starts_with("service-1 called its model for task-1/figure"), "{message}");
    }

    #[test]
    fn what_the_user_asks_again_or_other_tasks_need_is_no_work_for_this_one() {
        let order = Headers::of(Purpose::Order);
        let late = || done(given()).pass(12);
        assert_eq!(late().sends(("user", "front"), "task-1", order).judged_by(&property()), Verdict::Holds);
        let other = late().sends(("service-1", "service-2"), "task-2/figure", Headers::of(Purpose::Ask));
        assert_eq!(other.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_a_bound_or_a_task_there_is_nothing_to_judge() {
        assert_eq!(done(Story::default().given("task-1").pass(99)).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().bounded(property().name, 1).judged_by(&property()), Verdict::Vacuous);
    }

    /// A service calls a tool for the figure of task-1: what it wants, and how it asks.
    fn asks_a_tool(story: Story, name: &str, wire: fn(Operation) -> Wire) -> Story {
        let [to, kind, about] = ["ticketing", "word", "task-1/file"].map(Name::new);
        let content = Body::new(wire(Operation::new(to, Name::new(name), about)));
        story.event("service-1", EventKind::Sent { to, kind, about, content })
    }

    fn calls(operation: Operation) -> Wire {
        Wire::Call(Box::new(ToolCall::unkeyed(operation, OpId(1))))
    }

    #[test]
    fn a_tool_that_is_called_after_the_time_is_work() {
        assert_eq!(
            asks_a_tool(done(given()).pass(7), "create", calls).judged_by(&property()),
            Verdict::Holds
        );
        let late = asks_a_tool(done(given()).pass(8), "create", calls);
        let (events, message) = violation(late.judged_by(&property()));
        assert_eq!(events, [2, 13]);
        let why =
            "service-1 called a tool for task-1/file, 11s after task-1 was given; at most 10s was asked for";
        assert_eq!(message, why);
    }

    #[test]
    fn to_undo_something_after_the_time_is_no_work() {
        let [intent, tool, operation] = ["task-1/file", "ticketing", "withdraw"].map(Name::new);
        let undone_by = TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation });
        let late = || done(given().record_event("user", undone_by.clone())).pass(9);
        assert_eq!(asks_a_tool(late(), "withdraw", calls).judged_by(&property()), Verdict::Holds);
        assert!(asks_a_tool(late(), "create", calls).judged_by(&property()).is_violated());
    }

    #[test]
    fn a_run_that_ends_with_the_time_of_a_task_is_not_overdue() {
        assert_eq!(given().pass(8).ended(RunEnd::Deadline).judged_by(&property()), Verdict::Vacuous);
        assert!(given().pass(9).ended(RunEnd::Deadline).judged_by(&property()).is_violated());
    }
}
