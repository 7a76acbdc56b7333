//! What takes time in a run, as tracing tools want it: tasks, the work of an agent on one, calls of tools and
//! of models.

use super::scene::place;
use crate::agent::{AgentEvent, TeamEvent, UserEvent};
use crate::explore::Run;
use crate::report::told::subject;
use perfidy_sim::{Event, EventKind, Name, SimTime};
use std::collections::BTreeMap;

/// What takes time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Work {
    /// A task of the user, up to the report on it.
    Task,
    /// The work of an incarnation of an agent on a task.
    Agent,
    /// A request to a tool, as its caller knows it.
    Tool,
    /// A call of a model.
    Model,
}

/// Something that takes time: from one event to another, or to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub work: Work,
    pub first: usize,
    pub last: Option<usize>,
    pub from: SimTime,
    pub until: SimTime,
    pub task: Option<Name>,
}

/// The task that an event is about.
pub(super) fn task_of(event: &Event<TeamEvent>) -> Option<Name> {
    let task = subject(event)?.as_str().split('/').next()?;
    Some(Name::new(task))
}

/// Everything in a run that takes time, by its first event.
pub(super) fn spans(run: &Run) -> Vec<Span> {
    let events = run.outcome.history.events();
    let end = run.outcome.ended;
    let mut tasks: BTreeMap<Name, Span> = BTreeMap::new();
    let mut agents: BTreeMap<(Name, u32, Name), Span> = BTreeMap::new();
    let mut spans = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let task = task_of(event);
        let begun = |work| Span { work, first: at, last: None, from: event.at, until: end, task };
        match event.app_event() {
            Some(TeamEvent::User(UserEvent::TaskGiven { task })) => {
                tasks.entry(*task).or_insert_with(|| begun(Work::Task));
            }
            Some(TeamEvent::User(UserEvent::Informed { report, .. })) => {
                if let Some(span) = tasks.get_mut(&report.task).filter(|span| span.last.is_none()) {
                    (span.last, span.until) = (Some(at), event.at);
                }
            }
            Some(TeamEvent::Agent(AgentEvent::Called { .. })) => {
                spans.push(call(events, at, begun(Work::Tool)));
            }
            Some(TeamEvent::Agent(AgentEvent::Completed { .. })) => {
                // A completion stands where it comes; the agent waits for it since what led to it.
                let from = event.cause.map_or(event.at, |cause| events[place(cause)].at);
                spans.push(Span { last: Some(at), from, until: event.at, ..begun(Work::Model) });
            }
            Some(TeamEvent::Agent(AgentEvent::Chatted { timing, .. })) => {
                let took = timing.total.as_nanos().min(event.at.as_nanos());
                let from = SimTime::from_nanos(event.at.as_nanos() - took);
                spans.push(Span { last: Some(at), from, until: event.at, ..begun(Work::Model) });
            }
            _ => {}
        }
        if let Some(TeamEvent::Agent(_)) = event.app_event()
            && let Some(task) = task.filter(|task| tasks.contains_key(task))
        {
            let span =
                agents.entry((event.node, event.incarnation, task)).or_insert_with(|| begun(Work::Agent));
            (span.last, span.until) = (Some(at), event.at);
        }
    }
    spans.extend(tasks.into_values());
    spans.extend(agents.into_values());
    // What lasts longer comes first where two begin with the same event.
    spans.sort_by_key(|span| (span.first, span.work));
    spans
}

/// A call up to its outcome, or to the crash of its caller.
fn call(events: &[Event<TeamEvent>], at: usize, begun: Span) -> Span {
    let caller = &events[at];
    let Some(TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, .. })) = caller.app_event()
    else {
        return begun;
    };
    let is_end = |event: &Event<TeamEvent>| {
        if (event.node, event.incarnation) != (caller.node, caller.incarnation) {
            return false;
        }
        match &event.what {
            EventKind::Crashed { .. } => true,
            EventKind::App(TeamEvent::Agent(AgentEvent::Answered {
                tool: t,
                operation: o,
                intent: i,
                ..
            })) => (t, o, i) == (tool, operation, intent),
            _ => false,
        }
    };
    match (at + 1..events.len()).find(|at| is_end(&events[*at])) {
        Some(last) => Span { last: Some(last), until: events[last].at, ..begun },
        None => begun,
    }
}
