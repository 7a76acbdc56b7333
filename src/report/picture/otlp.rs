//! Spans of OpenTelemetry in OTLP JSON, with the semantic conventions for generative AI: `invoke_agent`,
//! `execute_tool` and `chat`. One trace is one run; its id is the digest of the run. Virtual time begins a
//! billion seconds after the Unix epoch, since backends reject what is as old as the epoch itself.

use super::spans::{Span, Work, spans, task_of};
use super::{Origin, Picture};
use crate::agent::{AgentEvent, CallOutcome, TeamEvent};
use crate::inert;
use crate::report::told::{is_telling, told};
use perfidy_sim::{Event, Name, SimTime};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// Virtual time zero, in nanoseconds of Unix time.
const EPOCH: u64 = 1_000_000_000_000_000_000;

/// The id of the span of the whole run; others begin at one.
const ROOT: u64 = u64::MAX;

const INTERNAL: u32 = 1;
const CLIENT: u32 = 3;
const ERROR: u32 = 2;

/// An attribute.
fn text(key: &str, value: &dyn fmt::Display) -> Value {
    json!({ "key": key, "value": { "stringValue": value.to_string() } })
}

fn number(key: &str, value: u32) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn time(at: SimTime) -> Value {
    Value::String(EPOCH.saturating_add(at.as_nanos()).to_string())
}

fn id(number: u64) -> String {
    format!("{number:016x}")
}

pub(super) fn spans_of(picture: &Picture<'_>) -> Value {
    let run = picture.run;
    let trace = run.outcome.digest().to_string();
    let all = spans(run);
    let events = run.outcome.history.events();
    let places = Places::of(&all, events);
    let (notes, of_run) = notes(events, &places);
    let mut by_node: BTreeMap<Name, Vec<Value>> = BTreeMap::new();
    for (place, span) in all.iter().enumerate() {
        let event = &events[span.first];
        let mut value = described(span, events);
        value["traceId"] = json!(trace);
        value["spanId"] = json!(id(place as u64 + 1));
        value["parentSpanId"] = json!(id(parent(span, &places, event)));
        value["startTimeUnixNano"] = time(span.from);
        value["endTimeUnixNano"] = time(span.until);
        value["events"] = notes.get(&place).cloned().unwrap_or_default().into();
        by_node.entry(event.node).or_default().push(value);
    }
    let mut attributes = vec![
        text("perfidy.scenario", &picture.case.scenario.name),
        text("perfidy.case", &picture.case.label()),
    ];
    if picture.origin != Origin::RealTeam {
        attributes.push(text("perfidy.seed", &picture.seed));
    }
    if picture.origin == Origin::Simulation {
        attributes.push(text("perfidy.engine", &picture.engine));
    }
    let mut root = json!({
        "traceId": trace,
        "spanId": id(ROOT),
        "name": picture.case.to_string(),
        "kind": INTERNAL,
        "startTimeUnixNano": time(SimTime::ZERO),
        "endTimeUnixNano": time(run.outcome.ended),
        "attributes": attributes,
        "events": of_run,
    });
    if let Some((property, violation)) = picture.broke {
        root["status"] =
            json!({ "code": ERROR, "message": format!("{property} broke: {}", violation.message) });
    }
    by_node.entry(Name::new("perfidy")).or_default().push(root);
    let resource = |(node, spans): (Name, Vec<Value>)| {
        json!({
            "resource": { "attributes": [text("service.name", &node), text("service.namespace", &picture.case.scenario.workflow.name)] },
            "scopeSpans": [{ "scope": { "name": "perfidy", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
        })
    };
    json!({ "resourceSpans": by_node.into_iter().map(resource).collect::<Vec<_>>() })
}

pub(super) fn export(picture: &Picture<'_>) -> String {
    inert::json(&spans_of(picture).to_string()).into_owned() + "\n"
}

/// Where the first span of each task is, and the first of the work of each agent on it, incarnations told
/// apart.
#[derive(Default)]
struct Places {
    tasks: BTreeMap<Name, usize>,
    agents: BTreeMap<(Name, Name, u32), usize>,
}

impl Places {
    fn of(all: &[Span], events: &[Event<TeamEvent>]) -> Self {
        let mut places = Self::default();
        for (place, span) in all.iter().enumerate() {
            let (Some(task), event) = (span.task, &events[span.first]) else { continue };
            match span.work {
                Work::Task => places.tasks.entry(task).or_insert(place),
                Work::Agent => places.agents.entry((task, event.node, event.incarnation)).or_insert(place),
                Work::Tool | Work::Model => continue,
            };
        }
        places
    }

    /// The work of the agent that an event is of.
    fn agent(&self, task: Option<Name>, event: &Event<TeamEvent>) -> Option<usize> {
        self.agents.get(&(task?, event.node, event.incarnation)).copied()
    }

    fn task(&self, task: Option<Name>) -> Option<usize> {
        self.tasks.get(&task?).copied()
    }
}

/// The span in which another is: a call in the work of its agent, that work in its task, a task in the run.
fn parent(span: &Span, places: &Places, event: &Event<TeamEvent>) -> u64 {
    let found = match span.work {
        Work::Task => None,
        Work::Agent => places.task(span.task),
        Work::Tool | Work::Model => places.agent(span.task, event),
    };
    found.map_or(ROOT, |place| place as u64 + 1)
}

/// What happens within spans, by the place of the span, and what happens outside of all.
fn notes(events: &[Event<TeamEvent>], places: &Places) -> (BTreeMap<usize, Vec<Value>>, Vec<Value>) {
    let (mut within, mut outside) = (BTreeMap::<usize, Vec<Value>>::new(), Vec::new());
    for event in events.iter().filter(|event| is_telling(event)) {
        let task = task_of(event);
        let place = places.agent(task, event).or_else(|| places.task(task));
        let attributes = [
            text("perfidy.event", &event.id),
            text("perfidy.node", &event.node),
            text("perfidy.text", &told(event)),
        ];
        let look = super::mark::Mark::of(event).look();
        let note = json!({ "timeUnixNano": time(event.at), "name": format!("perfidy.{}", look.class), "attributes": attributes });
        match place {
            Some(place) => within.entry(place).or_default().push(note),
            None => outside.push(note),
        }
    }
    (within, outside)
}

/// The name, the kind, the attributes and the status of a span.
fn described(span: &Span, events: &[Event<TeamEvent>]) -> Value {
    let event = &events[span.first];
    match (span.work, event.app_event()) {
        (Work::Tool, Some(TeamEvent::Agent(AgentEvent::Called { tool, operation, op, request, .. }))) => {
            let mut attributes = vec![
                text("gen_ai.operation.name", &"execute_tool"),
                text("gen_ai.tool.name", &format_args!("{tool}.{operation}")),
                text("gen_ai.tool.type", &"function"),
                text("gen_ai.tool.call.id", op),
                text("gen_ai.tool.call.arguments", &request.operation().arguments.json()),
            ];
            let answer = span.last.and_then(|last| events[last].app_event());
            let trouble = match answer {
                Some(TeamEvent::Agent(AgentEvent::Answered { told, content, .. })) => {
                    attributes.push(text("gen_ai.tool.call.result", &content.json()));
                    match told {
                        CallOutcome::Not(_) | CallOutcome::Unknown(_) => Some(told.to_string()),
                        CallOutcome::Done
                        | CallOutcome::Found(_)
                        | CallOutcome::Cancelled
                        | CallOutcome::AsOf(_) => None,
                    }
                }
                _ => Some("no outcome".to_owned()),
            };
            let name = format!("execute_tool {tool}.{operation}");
            with_status(json!({ "name": name, "kind": INTERNAL }), attributes, trouble)
        }
        (Work::Model, Some(TeamEvent::Agent(event))) => model_call(event),
        (Work::Agent, _) => {
            let attributes = vec![
                text("gen_ai.operation.name", &"invoke_agent"),
                text("gen_ai.agent.name", &event.node),
                text("gen_ai.agent.id", &format_args!("{}/{}", event.node, event.incarnation + 1)),
                text("gen_ai.conversation.id", &span.task.map_or("", |task| task.as_str())),
            ];
            with_status(
                json!({ "name": format!("invoke_agent {}", event.node), "kind": INTERNAL }),
                attributes,
                None,
            )
        }
        _ => {
            let task = span.task.map_or("", |task| task.as_str());
            let trouble = span.last.is_none().then(|| "no report".to_owned());
            with_status(json!({ "name": task, "kind": CLIENT }), vec![text("perfidy.task", &task)], trouble)
        }
    }
}

fn model_call(event: &AgentEvent) -> Value {
    let mut attributes = vec![
        text("gen_ai.operation.name", &"chat"),
        text("gen_ai.provider.name", &"perfidy"),
        text("gen_ai.request.model", &"simulated"),
    ];
    let trouble = match event {
        AgentEvent::Completed { prompt, completion, tokens_in, tokens_out, .. } => {
            attributes.extend([
                number("gen_ai.usage.input_tokens", *tokens_in),
                number("gen_ai.usage.output_tokens", *tokens_out),
                text("gen_ai.input.messages", &message("user", &prompt.json())),
                text("gen_ai.output.messages", &message("assistant", &completion.json())),
            ]);
            None
        }
        AgentEvent::Chatted { transcript, reply, .. } => {
            let messages = serde_json::to_value(transcript.messages()).expect("messages are plain data");
            attributes.push(number("gen_ai.usage.input_tokens", transcript.tokens()));
            attributes.push(text("gen_ai.input.messages", &message("user", &messages)));
            match reply {
                Ok(reply) => {
                    let finish = serde_json::to_value(reply.finish).expect("a word is plain data");
                    let finish = json!({ "values": [{ "stringValue": finish }] });
                    let said = serde_json::to_value(reply).expect("a reply is plain data");
                    attributes.extend([
                        number("gen_ai.usage.output_tokens", reply.tokens()),
                        json!({ "key": "gen_ai.response.finish_reasons", "value": { "arrayValue": finish } }),
                        text("gen_ai.output.messages", &message("assistant", &said)),
                    ]);
                    None
                }
                Err(error) => Some(error.to_string()),
            }
        }
        _ => None,
    };
    with_status(json!({ "name": "chat simulated", "kind": CLIENT }), attributes, trouble)
}

/// A message in the form that the conventions give it.
fn message(role: &str, content: &Value) -> Value {
    json!([{ "role": role, "parts": [{ "type": "text", "content": content.to_string() }] }])
}

fn with_status(mut span: Value, mut attributes: Vec<Value>, trouble: Option<String>) -> Value {
    if let Some(trouble) = trouble {
        attributes.push(text("error.type", &&trouble));
        span["status"] = json!({ "code": ERROR, "message": trouble });
    }
    span["attributes"] = attributes.into();
    span
}
