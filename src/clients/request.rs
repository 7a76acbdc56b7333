//! What a client asks, and what it is answered: plain data, so that a recording can hold it.

use crate::agent::{Definite, Finish, Indefinite, ModelError, ToolError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a client asks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// It calls a tool.
    Call {
        /// The task that it works on, if it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// The name under which the tool is served.
        tool: String,
        /// The arguments.
        arguments: Map<String, Value>,
        /// The idempotency key, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// It asks the model.
    Chat {
        /// The task that it works on, if it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// The conversation, oldest first.
        turns: Vec<ChatTurn>,
        /// What a real model has replied, if one was asked in the place of the simulated one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<Said>,
    },
    /// It tells the user how a task ended.
    Tell {
        /// The task, if it says which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Whether the task is done.
        done: bool,
    },
    /// It does not wait any longer for the answer to the request of this number.
    GaveUp(u64),
    /// It has ended: done or failed, if it said so by its exit status.
    Ended(Option<bool>),
}

/// One turn of a conversation, of which no text is kept but the results of calls: it is all that a simulated
/// model reads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChatTurn {
    /// The instructions of the client for its model.
    System,
    /// The user, or the client on its behalf, says something; here the names of the tasks in it.
    User(Vec<String>),
    /// The model said this.
    Assistant {
        /// The length of its text in tokens.
        tokens: u32,
        /// The calls that it asked for.
        calls: Vec<ChatCall>,
    },
    /// The result of a call.
    Result {
        /// The id of the call.
        call: String,
        /// The text.
        text: String,
        /// Whether the client marks it as an error.
        is_error: bool,
    },
}

/// A call that a model asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatCall {
    /// The id by which its result refers to it.
    pub id: String,
    /// The name of the tool, as it is served.
    pub tool: String,
    /// The arguments as text: JSON, if the model makes no mistake.
    pub arguments: String,
}

/// What a real model has replied to a conversation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The calls that it asks for.
    pub calls: Vec<ChatCall>,
    /// The length of its text in tokens.
    pub tokens: u32,
    /// Why it ended.
    pub finish: Finish,
}

/// What a client is answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// To a call.
    Call(Result<CallAnswer, CallFailure>),
    /// To a question to the model.
    Chat(Result<ChatAnswer, ModelError>),
    /// To a question to a real model: its reply stands, no fault has altered it.
    AsSaid,
    /// It was heard.
    Heard,
}

/// A call took effect, as far as the client is told.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CallAnswer {
    /// The number of the effect in the ledger of the tool.
    pub receipt: u64,
    /// What the tool says.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub result: Value,
}

/// A call has failed.
#[derive(Clone, PartialEq, Debug)]
pub struct CallFailure {
    /// What is known of it.
    pub error: ToolError,
    /// What the tool says of it.
    pub why: Value,
}

impl CallFailure {
    /// What a service calls such an error, and the HTTP status that it has. `None` if the answer cannot be
    /// read at all.
    pub fn name_and_status(&self) -> Option<(&'static str, u16)> {
        Some(match self.error {
            ToolError::Definite(error) | ToolError::Indefinite(Indefinite::Refused(error)) => match error {
                Definite::Refused => ("refused", 422),
                Definite::Declined => ("declined", 409),
                Definite::RateLimited { .. } => ("rate-limited", 429),
                Definite::Unavailable => ("unavailable", 503),
                Definite::Moved => ("moved", 410),
                Definite::Forbidden => ("forbidden", 403),
                Definite::OtherSchema => ("other-schema", 406),
                Definite::Untraced => ("untraced", 428),
                Definite::Unreadable => ("unreadable", 400),
            },
            ToolError::Indefinite(Indefinite::TimedOut) => ("timed-out", 504),
            ToolError::Indefinite(Indefinite::Failed | Indefinite::OfAnotherRequest) => {
                ("internal-error", 500)
            }
            ToolError::Indefinite(Indefinite::Malformed) => return None,
        })
    }

    /// What an error says that a service calls so.
    pub(super) fn error_called(name: &str) -> Option<ToolError> {
        Some(ToolError::Definite(match name {
            "refused" => Definite::Refused,
            "declined" => Definite::Declined,
            "rate-limited" => Definite::RateLimited { retry_after_secs: 0 },
            "unavailable" => Definite::Unavailable,
            "moved" => Definite::Moved,
            "forbidden" => Definite::Forbidden,
            "other-schema" => Definite::OtherSchema,
            "untraced" => Definite::Untraced,
            "unreadable" => Definite::Unreadable,
            "timed-out" => return Some(ToolError::Indefinite(Indefinite::TimedOut)),
            "internal-error" => return Some(ToolError::Indefinite(Indefinite::Failed)),
            _ => return None,
        }))
    }
}

/// What the model said.
#[derive(Clone, PartialEq, Debug)]
pub struct ChatAnswer {
    /// Its text; empty if it only asks for calls.
    pub text: String,
    /// The calls that it asks for.
    pub calls: Vec<ChatCall>,
    /// Why it ended.
    pub finish: Finish,
    /// The length of the conversation in tokens.
    pub tokens_in: u32,
    /// The length of the reply in tokens.
    pub tokens_out: u32,
}
