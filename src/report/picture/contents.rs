//! What an event says, as a value in which two events can be compared.

use crate::agent::{AgentEvent, Content, TeamEvent, ToolEvent, UserEvent};
use crate::report::altered::Difference;
use perfidy_sim::{Event, EventKind};
use serde_json::Value;

/// What a message says, a model completes, a tool is asked or answers, a user is told.
fn contents(event: &Event<TeamEvent>) -> Option<Value> {
    match &event.what {
        EventKind::Sent { content, .. } | EventKind::Delivered { content, .. } => Some(content.json()),
        EventKind::App(TeamEvent::Agent(event)) => match event {
            AgentEvent::Completed { completion, .. } => Some(completion.json()),
            AgentEvent::Answered { content, .. } => Some(content.json()),
            AgentEvent::Called { request, .. } => Some(request.operation().arguments.json()),
            AgentEvent::Chatted { reply, .. } => serde_json::to_value(reply.as_ref().ok()?).ok(),
            _ => None,
        },
        EventKind::App(TeamEvent::Tool(ToolEvent::Served { content, .. })) => Some(content.json()),
        EventKind::App(TeamEvent::Tool(event)) => Some(event.request()?.operation().arguments.json()),
        EventKind::App(TeamEvent::User(UserEvent::Informed { report, .. })) => {
            let parts = report.answer.iter().map(|part| {
                let content = part.content.as_ref().map(Content::json).unwrap_or_default();
                (part.intent.to_string(), content)
            });
            Some(Value::Object(parts.collect()))
        }
        _ => None,
    }
}

/// What an event says that its like in another run says otherwise: where, what, and what it is there.
pub(super) fn difference(event: &Event<TeamEvent>, like: &Event<TeamEvent>) -> Option<String> {
    let Difference { path, before, after } = Difference::of(&contents(like)?, &contents(event)?)?;
    let [here, there] = [after, before].map(|value| value.unwrap_or_else(|| "nothing".to_owned()));
    Some(format!("{path} is {here}, and {there} in the other run"))
}
