//! What a monitoring of the team would record of each step of a model: which agent in which role, what it
//! saw, what it answered, in which time and for how many tokens, and what the agent did on it.
//!
//! Everything is read from the history. A tool call or a message belongs to a step if the step is the last
//! one among its causes and was made by the same incarnation of the same agent: an executor that calls a tool
//! on an order acts on no step of the coordinator that sent the order.

use crate::agent::{AgentEvent, Body, Content, Purpose, ReplyTiming, StatedConfidence, TeamEvent};
use crate::faults::Directory;
use crate::properties::TeamHistory;
use perfidy_sim::{Event, EventId, EventKind, Name, SimSpan, Words};
use serde::Serialize;
use serde_json::Value;

/// One step of an agent's model: a completion, or a reply to a transcript.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ModelStep {
    /// The number of its event in the history: `#25`.
    pub event: String,
    /// When it ended, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// The agent.
    pub agent: Name,
    /// The group of agents that it belongs to; its own name if it is the only one of its kind.
    pub role: Name,
    /// How often the agent had crashed before.
    pub incarnation: u32,
    /// The task, the step or the turn that it is about.
    pub about: Name,
    /// The number of the event that led to it, if there is one.
    pub cause: Option<String>,
    /// A digest of what the model saw: equal contexts have equal digests.
    pub context_digest: String,
    /// The tokens it read.
    pub tokens_in: u32,
    /// The tokens it wrote.
    pub tokens_out: u32,
    /// The time to the first token, in nanoseconds; nothing if there was no reply.
    pub first_token_ns: Option<u64>,
    /// The time to the whole reply, or to the error, in nanoseconds.
    pub total_ns: u64,
    /// How sure of it the model said it was, in percent; nothing if there was no reply.
    pub confidence_percent: Option<u8>,
    /// What it answered, or why it did not.
    pub output: Value,
    /// The tool calls that the agent made on it.
    pub tool_calls: Vec<StepCall>,
    /// The agents that it set to work, or handed work over to.
    pub agents_started: Vec<Name>,
}

/// A tool call of a step.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepCall {
    /// The tool.
    pub tool: Name,
    /// The operation by name.
    pub operation: Name,
    /// What the operation is for.
    pub intent: Name,
    /// The arguments.
    pub input: Value,
    /// The outcome as the agent knows it, in words; nothing if it was never told.
    pub outcome: Option<String>,
    /// The content of the answer.
    pub output: Value,
}

/// Every model step of a history, in order.
///
/// ```
/// use perfidy::explore::{Run, model_steps};
/// use perfidy::prelude::*;
/// use perfidy::scenario::Case;
/// use perfidy::sim::{Engine, Seed};
///
/// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
/// let scenario = Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).unwrap();
/// let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
/// let steps = model_steps(&run.outcome.history, &scenario.directory());
/// let composed = steps.iter().find(|step| !step.tool_calls.is_empty()).unwrap();
/// assert_eq!(composed.role.as_str(), "executors");
/// assert!(composed.first_token_ns < Some(composed.total_ns));
/// ```
pub fn model_steps(history: &TeamHistory, directory: &Directory) -> Vec<ModelStep> {
    let mut steps: Vec<ModelStep> = Vec::new();
    let mut calls = Calls::default();
    // Of each event, the place of the last step among its causes, itself included.
    let mut last_step: Vec<Option<usize>> = Vec::with_capacity(history.len());
    for event in history.events() {
        let before = event.cause.and_then(|cause| last_step[place_of(cause)]);
        if let Some(step) = step_of(event, directory) {
            last_step.push(Some(steps.len()));
            steps.push(step);
            continue;
        }
        last_step.push(before);
        calls.answer(event, &mut steps);
        let Some(place) = before.filter(|place| is_by(&steps[*place], event)) else { continue };
        match &event.what {
            EventKind::App(TeamEvent::Agent(called @ AgentEvent::Called { .. })) => {
                calls.open(event, called, (place, &mut steps[place]));
            }
            EventKind::Sent { to, content, .. } if starts(content, *to, directory) => {
                steps[place].agents_started.push(*to);
            }
            _ => {}
        }
    }
    steps
}

fn place_of(event: EventId) -> usize {
    event.get() as usize - 1
}

/// Whether an event is of the agent that made a step, in the same incarnation.
fn is_by(step: &ModelStep, event: &Event<TeamEvent>) -> bool {
    (step.agent, step.incarnation) == (event.node, event.incarnation)
}

/// Whether a message sets another agent to work.
fn starts(content: &Body, to: Name, directory: &Directory) -> bool {
    let purpose = content.headers().purpose;
    matches!(purpose, Some(Purpose::Order | Purpose::Handoff)) && directory.agents.contains(&to)
}

/// An agent, and which of its incarnations.
type Incarnation = (Name, u32);

/// The place of a step among the steps, and of a call among its calls.
type Position = (usize, usize);

/// The calls that have no answer yet: whose each is, and where it stands among the steps.
#[derive(Default)]
struct Calls {
    open: Vec<(Incarnation, [Name; 3], Position)>,
}

impl Calls {
    fn open(
        &mut self,
        event: &Event<TeamEvent>,
        called: &AgentEvent,
        (place, step): (usize, &mut ModelStep),
    ) {
        let AgentEvent::Called { tool, operation, intent, request, .. } = called else { return };
        let author = (event.node, event.incarnation);
        self.open.push((author, [*tool, *operation, *intent], (place, step.tool_calls.len())));
        step.tool_calls.push(StepCall {
            tool: *tool,
            operation: *operation,
            intent: *intent,
            input: request.operation().arguments.json(),
            outcome: None,
            output: Value::Null,
        });
    }

    /// The first open call of an agent that an event answers, if it does, gets its outcome.
    fn answer(&mut self, event: &Event<TeamEvent>, steps: &mut [ModelStep]) {
        let EventKind::App(TeamEvent::Agent(answered)) = &event.what else { return };
        let AgentEvent::Answered { tool, operation, intent, told, content } = answered else { return };
        let (author, call) = ((event.node, event.incarnation), [*tool, *operation, *intent]);
        let is_it = |open: &((Name, u32), [Name; 3], _)| (open.0, open.1) == (author, call);
        let Some(found) = self.open.iter().position(is_it) else { return };
        let (_, _, (place, nth)) = self.open.remove(found);
        let call = &mut steps[place].tool_calls[nth];
        (call.outcome, call.output) = (Some(told.to_string()), content.json());
    }
}

/// The step that an event is, without what the agent does on it.
fn step_of(event: &Event<TeamEvent>, directory: &Directory) -> Option<ModelStep> {
    let EventKind::App(TeamEvent::Agent(note)) = &event.what else { return None };
    let (about, saw, (tokens_in, tokens_out), output) = match note {
        AgentEvent::Completed { about, prompt, completion, tokens_in, tokens_out, .. } => {
            let saw = Words::digest(|words| words.hash(prompt));
            (*about, saw, (*tokens_in, *tokens_out), completion.json())
        }
        AgentEvent::Chatted { turn, transcript, reply, .. } => {
            let saw = Words::digest(|words| words.hash(transcript));
            let (tokens_out, output) = match reply {
                Ok(reply) => (reply.tokens(), Content::new(reply.clone())),
                Err(error) => (0, Content::new(*error)),
            };
            (*turn, saw, (transcript.tokens(), tokens_out), output.json())
        }
        _ => return None,
    };
    let (timing, confidence) = measured(note)?;
    Some(ModelStep {
        event: event.id.to_string(),
        at_ns: event.at.as_nanos(),
        agent: event.node,
        role: role_of(event.node, directory),
        incarnation: event.incarnation,
        about,
        cause: event.cause.map(|cause| cause.to_string()),
        context_digest: format!("{saw:016x}"),
        tokens_in,
        tokens_out,
        first_token_ns: timing.first_token.map(SimSpan::as_nanos),
        total_ns: timing.total.as_nanos(),
        confidence_percent: confidence.map(StatedConfidence::percent),
        output,
        tool_calls: Vec::new(),
        agents_started: Vec::new(),
    })
}

/// The times of a step, and how sure of its answer the model said it was.
fn measured(note: &AgentEvent) -> Option<(ReplyTiming, Option<StatedConfidence>)> {
    match *note {
        AgentEvent::Completed { timing, confidence, .. } => Some((timing, Some(confidence))),
        AgentEvent::Chatted { timing, confidence, .. } => Some((timing, confidence)),
        _ => None,
    }
}

/// The group of agents that an agent belongs to; its own name if it is in none.
fn role_of(agent: Name, directory: &Directory) -> Name {
    let mut groups = directory.groups.iter();
    groups.find(|(_, members)| members.contains(&agent)).map_or(agent, |(group, _)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{CallOutcome, Headers, OpId};
    use crate::properties::testing::{Story, answered, called, completed};
    use std::collections::BTreeMap;

    fn directory() -> Directory {
        let workers = ["worker-1", "worker-2"].map(Name::new).to_vec();
        let agents = [Name::new("lead")].into_iter().chain(workers.clone()).collect();
        Directory {
            workflow: "team",
            agents,
            groups: BTreeMap::from([(Name::new("workers"), workers)]),
            tools: Vec::new(),
            faults: crate::faults::FaultKinds::default(),
            deduplicating: Vec::new(),
            services: Vec::new(),
        }
    }

    fn app(note: AgentEvent) -> EventKind<TeamEvent> {
        EventKind::App(TeamEvent::Agent(note))
    }

    /// The lead thinks and sends an order, on which a worker calls a tool twice, and thinks.
    fn story() -> Story {
        let (about, call) = (Name::new("task-1"), ["ticketing", "create", "task-1/file"].map(Name::new));
        let order = Headers::of(Purpose::Order);
        let lead = Story::default().event("lead", app(completed(about)));
        let ordered = lead.tells_because_of(Some(1), ("lead", "worker-1"), "task-1", order);
        let thought = ordered.event_because_of(Some(3), "worker-1", app(completed(about)));
        let called_once = thought.event_because_of(Some(4), "worker-1", app(called(call, OpId(1))));
        let answered_once =
            called_once.event_because_of(Some(5), "worker-1", app(answered(call, CallOutcome::Done)));
        answered_once.event_because_of(Some(6), "worker-1", app(called(call, OpId(2))))
    }

    #[test]
    fn a_step_has_the_calls_and_the_orders_that_its_agent_made_on_it() {
        let steps = model_steps(&story().history(), &directory());
        let [lead, worker] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((lead.role.as_str(), worker.role.as_str()), ("lead", "workers"));
        assert_eq!(lead.agents_started, [Name::new("worker-1")]);
        assert!(lead.tool_calls.is_empty() && worker.agents_started.is_empty());
        let outcomes: Vec<_> = worker.tool_calls.iter().map(|call| call.outcome.as_deref()).collect();
        assert_eq!(outcomes, [Some("done"), None]);
        assert_eq!((worker.cause.as_deref(), worker.confidence_percent), (Some("#3"), Some(90)));
        assert_eq!(lead.context_digest, worker.context_digest, "they were asked the same");
    }

    #[test]
    fn a_call_on_an_order_belongs_to_no_step_of_the_agent_that_sent_it() {
        let call = ["ticketing", "create", "task-1/file"].map(Name::new);
        let story = story().event_because_of(Some(3), "worker-1", app(called(call, OpId(3))));
        let steps = model_steps(&story.history(), &directory());
        assert_eq!(steps.iter().map(|step| step.tool_calls.len()).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn a_restarted_agent_acts_on_no_step_of_its_former_self() {
        let call = ["ticketing", "create", "task-1/file"].map(Name::new);
        let story = story().event_because_of(Some(4), "worker-1#1", app(called(call, OpId(3))));
        let steps = model_steps(&story.history(), &directory());
        assert_eq!(steps[1].tool_calls.len(), 2);
    }
}
