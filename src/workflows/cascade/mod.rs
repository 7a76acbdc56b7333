//! Cascade: services that ask each other, each of which waits for the next, and a front that files what comes
//! back.
//!
//! ```text
//!   user --submit--> front --request--> service-1 --request--> service-2 ... --read--> source
//!    ^                |  ^---response-----'  ^------response------'
//!    '----report------'--file--> tool
//! ```
//!
//! A step that needs no other is something to find out: it is asked for along the whole chain, and the last
//! service reads it from a source. On the way back, every service has its model restate what it was told, and
//! so does the front. A step that needs others is a record: the front files what the steps before it have
//! found, as the text `content` among the arguments of the call.
//!
//! Nested requests add up. The user waits for the latencies of all links together, and when one of them gives
//! up, the ones behind it still work (`deadline-propagation`). Each model can get a word wrong, and every
//! service reports success all the same (`end-to-end-check`). Whatever the source says travels through the
//! context of every model on the way (`payload-limit`).
//!
//! Services keep nothing but what their models have answered: everything can be asked for again.

mod front;
mod service;

use crate::agent::{Agent, Content, Headers, Message, Purpose};
use crate::protocols::Question;
use crate::safeguards::deadline_propagation::propagated;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::payload_limit::{Payload, payload_store};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::user::record_keeper;
use crate::workflows::{Role, TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan, SimTime, Words};
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("cascade")
        .about("services ask each other along a chain, each waiting for the next; a front files the answer")
        .agent(FRONT, front::front)
        .agents(Role::new("services", "service", 1..=MOST_SERVICES, 3), service::service)
        .agent(PAYLOAD_STORE, payload_store)
        .user(|agent: Agent, team: TeamContext| record_keeper(agent, team, [Name::literal(FRONT)].into()))
        .deadlines()
        .safeguards(&[
            "call-timeout",
            "checkpoint",
            "deadline-propagation",
            "end-to-end-check",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "payload-limit",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            "end-to-end-goal-met",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

const FRONT: &str = "front";
const PAYLOAD_STORE: &str = "payload-store";

/// A request passes through all services, one after another; with more of them it takes longer than any user
/// waits.
const MOST_SERVICES: u32 = 30;

/// Tokens that a model reads to restate something, in addition to that.
const RESTATING_TOKENS: u32 = 300;

/// What is to be found out: a step of a task, in an attempt of the front.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Query {
    task: Name,
    step: usize,
    attempt: u32,
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum CascadeMessage {
    /// What is the answer to this? There is so much time left for it, if that is limited.
    Request { query: Query, left: Option<SimSpan> },
    /// The answer.
    Response { payload: Payload },
    /// There is none.
    NotFound,
}

impl Message for CascadeMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Request { .. } => "request",
            Self::Response { .. } => "response",
            Self::NotFound => "not found",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Request { query, left } => {
                Headers { attempt: Some(query.attempt), deadline: *left, ..Headers::of(Purpose::Ask) }
            }
            Self::Response { .. } => Headers::of(Purpose::Answer),
            Self::NotFound => Headers::of(Purpose::Failed),
        }
    }
}

/// What a model makes of something that it is to restate.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Restated {
    payload: Payload,
}

/// What the front and the services have in common: they ask the next service, and restate its answer.
#[derive(Clone)]
struct Link {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
}

impl Link {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let answers = ModelAnswers::recover(&agent);
        Self { agent, team, answers }
    }

    /// Asks the next service until it answers, and says how much time is left each time; `None` if it has
    /// found nothing.
    async fn ask(&self, next: Name, query: Query, deadline: Option<SimTime>) -> Option<Payload> {
        let (agent, safeguards) = (&self.agent, self.team.safeguards());
        let intent = self.team.plan.intent(query.task, query.step);
        let resend = ResendOrders::of(safeguards);
        agent.declare_wait(next, "an answer", intent);
        let answer = loop {
            agent.before("ask", intent).await;
            let left = deadline.map(|deadline| deadline.since(agent.monotonic()));
            let request = CascadeMessage::Request { query, left: propagated(safeguards, left) };
            let reply = agent.request(next, intent, request, resend).await;
            match reply.as_ref().ok().and_then(|mail| mail.open()) {
                Some(CascadeMessage::Response { payload }) => break Some(payload.clone()),
                Some(CascadeMessage::NotFound) => break None,
                // It is late, or cannot be read.
                Some(CascadeMessage::Request { .. }) | None => {}
            }
        };
        agent.withdraw_wait(intent);
        answer
    }

    /// Has the model restate an answer. Another answer, and another attempt, is another question.
    async fn restate(&self, query: Query, payload: Payload) -> Payload {
        let intent = self.team.plan.intent(query.task, query.step);
        let question = Question::new("Restate what was found.", intent);
        let tokens = RESTATING_TOKENS.saturating_add(payload.tokens());
        let prompt = question.knowing(Content::new(payload.clone())).prompt(tokens);
        let number = Words::digest(|words| words.hash(&(query.attempt, &payload)));
        let restate = async || {
            let honest = |_| Restated { payload: payload.clone() };
            self.agent.complete_valid(intent, &prompt, 1, honest, |_| true).await.value
        };
        let safeguards = self.team.safeguards();
        self.answers.complete(&self.agent, safeguards, (intent, number), restate).await.payload
    }
}
