//! Everything that one event holds, for a reader who asks: who said what to whom, under which headers, what
//! the model was given and what it answered.

use super::contents::difference;
use super::scene::Scene;
use crate::agent::{
    AgentEvent, Body, Content, Headers, StoreEvent, TeamEvent, ToolEvent, ToolRequest, UserEvent,
};
use crate::report::told::{label, told};
use perfidy_sim::{Event, EventKind};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// How many characters of a text are shown.
const CHARACTERS: usize = 20_000;

/// What an event holds.
#[derive(Serialize)]
pub(in crate::report) struct Detail {
    /// The node and what happened, in words.
    #[serde(rename = "t")]
    pub title: String,
    /// Short values, each with its label.
    #[serde(rename = "f")]
    pub fields: Vec<(&'static str, String)>,
    /// Long texts, each with its heading.
    #[serde(rename = "b")]
    pub texts: Vec<(&'static str, String)>,
    /// The numbers of the events that led to it, the latest first, each with its link.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<(u32, u8)>,
}

impl Detail {
    pub fn of(event: &Event<TeamEvent>) -> Self {
        let mut detail = Self {
            title: format!("{} {}", label(event), told(event)),
            fields: vec![("event", event.id.to_string()), ("time", event.at.to_string())],
            texts: Vec::new(),
            causes: Vec::new(),
        };
        detail.field("node", &event.node);
        if event.incarnation > 0 {
            detail.field("incarnation", &(event.incarnation + 1));
        }
        detail.of_kind(&event.what);
        detail
    }

    pub fn field(&mut self, label: &'static str, value: &dyn fmt::Display) {
        self.fields.push((label, value.to_string()));
    }

    fn text(&mut self, heading: &'static str, text: String) {
        let cut = text.char_indices().nth(CHARACTERS).map(|(at, _)| at);
        let text = match cut {
            Some(at) => format!("{}\n... and {} more bytes", &text[..at], text.len() - at),
            None => text,
        };
        self.texts.push((heading, text));
    }

    fn json(&mut self, heading: &'static str, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(text) => self.text(heading, text.clone()),
            _ => self.text(heading, format!("{value:#}")),
        }
    }

    fn content(&mut self, heading: &'static str, content: &Content) {
        if !content.is_nothing() {
            self.json(heading, &content.json());
        }
    }

    fn headers(&mut self, headers: Headers) {
        let json = serde_json::to_value(headers).expect("headers are plain data");
        if json.as_object().is_some_and(|table| !table.is_empty()) {
            self.json("headers", &json);
        }
    }

    fn body(&mut self, body: &Body) {
        self.headers(body.headers());
        self.json("content", &body.json());
    }

    fn request(&mut self, request: &ToolRequest) {
        self.field("request", &request.kind());
        self.field("sent by", &request.by);
        if let Some(op) = request.op() {
            self.field("operation id", &op);
        }
        self.headers(request.headers());
        self.content("arguments", &request.operation().arguments);
    }

    fn of_kind(&mut self, what: &EventKind<TeamEvent>) {
        match what {
            EventKind::Sent { to, kind, about, content } => {
                self.field("to", to);
                self.field("message", kind);
                self.field("about", about);
                self.body(content);
            }
            EventKind::Delivered { from, kind, about, content, .. } => {
                self.field("from", from);
                self.field("message", kind);
                self.field("about", about);
                self.body(content);
            }
            EventKind::Lost { from, kind, about, .. } => {
                self.field("from", from);
                self.field("message", kind);
                self.field("about", about);
            }
            EventKind::Injected(fault) => {
                self.field("place", &fault.at);
                self.field("fault", &fault.action);
            }
            EventKind::Wrote { content } => self.body(content),
            EventKind::Waiting { on, why, about } => {
                self.field("waits for", on);
                self.field("for", why);
                self.field("about", about);
            }
            EventKind::Socket(socket) => {
                self.field("connection", &socket.connection);
                self.field("peer", &socket.peer);
            }
            EventKind::Panicked { message } => self.text("panic", message.to_string()),
            EventKind::Crashed { .. }
            | EventKind::Started { .. }
            | EventKind::TimedOut { .. }
            | EventKind::Paused { .. }
            | EventKind::Resumed
            | EventKind::PartitionBegan { .. }
            | EventKind::PartitionHealed { .. }
            | EventKind::Synced { .. }
            | EventKind::Recovered { .. }
            | EventKind::Ended(_) => {}
            EventKind::App(note) => self.of_team(note),
        }
    }

    fn of_team(&mut self, note: &TeamEvent) {
        if let Some(about) = note.intent() {
            self.field("about", &about);
        }
        match note {
            TeamEvent::Agent(event) => self.of_agent(event),
            TeamEvent::Tool(event) => self.of_tool(event),
            TeamEvent::User(UserEvent::Wanted { arguments, .. }) => self.content("arguments", arguments),
            TeamEvent::User(UserEvent::Informed { report, .. }) => {
                for part in report.answer.iter() {
                    let nothing = Content::NOTHING;
                    self.content("answer", part.content.as_ref().unwrap_or(&nothing));
                }
            }
            TeamEvent::Store(StoreEvent::Entered { content, .. }) | TeamEvent::Announced { content, .. } => {
                self.body(content);
            }
            TeamEvent::User(_)
            | TeamEvent::Person(_)
            | TeamEvent::Guardrail(_)
            | TeamEvent::Lease(_)
            | TeamEvent::Store(_) => {}
        }
    }

    fn of_agent(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Called { tool, operation, op, request, .. } => {
                self.field("calls", &format_args!("{tool}.{operation}"));
                self.field("operation id", op);
                self.headers(request.headers());
                self.content("arguments", &request.operation().arguments);
            }
            AgentEvent::Answered { tool, operation, told, content, .. } => {
                self.field("outcome of", &format_args!("{tool}.{operation}"));
                self.field("outcome", told);
                self.content("answer", content);
            }
            AgentEvent::Completed { prompt, completion, tokens_in, tokens_out, .. } => {
                self.field("tokens", &format_args!("{tokens_in} in, {tokens_out} out"));
                self.content("prompt", prompt);
                self.content("completion", completion);
            }
            AgentEvent::Chatted { transcript, reply, timing, .. } => {
                self.field("tokens in", &transcript.tokens());
                self.field("took", &timing.total);
                match reply {
                    Ok(reply) => {
                        let json = serde_json::to_value(reply).expect("a reply is plain data");
                        self.json("reply", &json);
                    }
                    Err(error) => self.text("no reply", error.to_string()),
                }
                let json = serde_json::to_value(transcript.messages()).expect("messages are plain data");
                self.json("transcript", &json);
            }
            AgentEvent::Recovered { taken } => {
                for (_, record) in taken.iter() {
                    self.json("record", &record.json());
                }
            }
            AgentEvent::Asked { .. }
            | AgentEvent::StoreOutcome { .. }
            | AgentEvent::Produced { .. }
            | AgentEvent::Reached { .. } => {}
        }
    }

    fn of_tool(&mut self, event: &ToolEvent) {
        if let Some(request) = event.request() {
            self.request(request);
        }
        match event {
            ToolEvent::Served { content, as_of, .. } => {
                self.field("as of", as_of);
                self.content("content", content);
            }
            ToolEvent::Refused { refused, .. } => {
                self.field("refused", &refused.error);
                self.content("why", &refused.why);
            }
            ToolEvent::Effect { receipt, .. } => self.field("receipt", receipt),
            ToolEvent::SchemaRolled { version } => self.field("version", version),
            ToolEvent::Opened { .. }
            | ToolEvent::Recognised { .. }
            | ToolEvent::Cancelled { .. }
            | ToolEvent::LookedUp { .. }
            | ToolEvent::Ignored { .. } => {}
        }
    }

    /// What it holds of the like of its event in the other run.
    pub fn of_like(&mut self, event: &Event<TeamEvent>, like: Option<&Event<TeamEvent>>) {
        let Some(like) = like else { return self.field("in the other run", &"not there") };
        let when =
            if like.at == event.at { "at the same time".to_owned() } else { format!("at {}", like.at) };
        if told(event) == told(like) {
            return self.field("in the other run", &format_args!("the same, {when}"));
        }
        self.field("in the other run", &format_args!("with another content, {when}"));
        if let Some(difference) = difference(event, like) {
            self.field("first difference", &difference);
        }
        self.text("in the other run", told(like));
    }

    /// What led to its event, and if that is a message which was altered, what it was.
    pub fn caused_by(&mut self, scene: &Scene<'_>, place: usize) {
        let causes = scene.causes.of(place).iter();
        self.causes =
            causes.map(|cause| (scene.shots[cause.place].event.id.get(), cause.link as u8)).collect();
        let event = scene.shots[place].event;
        let EventKind::Delivered { content, .. } = &event.what else { return };
        let sent = event.cause.and_then(|cause| said(&scene.shots[super::scene::place(cause)].event.what));
        if let Some(sent) = sent.filter(|sent| *sent != content) {
            self.json("content as it was sent", &sent.json());
        }
    }
}

/// What a message says.
fn said(what: &EventKind<TeamEvent>) -> Option<&Body> {
    match what {
        EventKind::Sent { content, .. } | EventKind::Delivered { content, .. } => Some(content),
        _ => None,
    }
}
