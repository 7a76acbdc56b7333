//! End-to-end check: the agent at the end compares the result with the source itself, before it reports
//! success.
//!
//! Every link of a chain can report success, and the result can be wrong all the same: each passes on what it
//! was told, with a small error of its own, and none of them sees both ends. No check at a link makes up for
//! that. The agent that answers the user does see both ends: what the source says, and what is on record at
//! the tool where the result was filed ("end-to-end argument": Saltzer, Reed and Clark 1984, "End-to-End
//! Arguments in System Design"). Where they differ, the work is done again, or reported as failed.
//!
//! [`verify`](super::verify) asks a tool *whether* an effect is on record. This compares *what* is.
//!
//! ```
//! use perfidy::agent::{Agent, Content, Operation};
//! use perfidy::safeguards::calls::ReadPolicy;
//! use perfidy::safeguards::end_to_end_check::{OnRecord, on_record, source_says};
//!
//! /// Whether what was filed is what the source says; `None` if one of them does not answer.
//! async fn is_right(agent: &Agent, source: Operation, found: &Content, filed: Operation) -> Option<bool> {
//!     let policy = ReadPolicy::default();
//!     let says_so = source_says(agent, &policy, &source, found).await?;
//!     Some(says_so && on_record(agent, &policy, &filed).await? == OnRecord::AsFiled)
//! }
//! ```

use crate::agent::{Agent, Content, Definite, Operation, ToolError};
use crate::config::{Entry, Problem};
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::retry::with_retry;
use crate::safeguards::{Safeguard, switch};
use serde_json::Value;

/// The switch.
#[derive(Default)]
pub struct EndToEndCheck;

impl Safeguard for EndToEndCheck {
    const NAME: &'static str = "end-to-end-check";
    const ABOUT: &'static str =
        "before success is reported, what was filed is compared with what the source itself says";
    const EXAMPLE: &'static str = "end-to-end-check = true";
    const WITHOUT: &'static str = "a result counts as right when every agent on its way has reported success";
    const PROTECTS: &'static [&'static str] = &["end-to-end-goal-met", "no-silent-partial"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// What a tool has on record of something that was filed there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnRecord {
    /// It says what was filed.
    AsFiled,
    /// It says something else.
    Otherwise,
    /// There is nothing.
    Nothing,
}

/// Whether a source says just this when the agent reads it itself; `None` if it does not answer. A source
/// that has a newer version by now says something else.
pub async fn source_says(
    agent: &Agent,
    policy: &ReadPolicy,
    query: &Operation,
    found: &Content,
) -> Option<bool> {
    let reading = read_with_retry(agent, policy, query).await.ok()?;
    Some(reading.content.json() == found.json())
}

/// What the tool has on record of the call that filed something, if it can be read there; `None` if it does
/// not answer.
pub async fn on_record(agent: &Agent, policy: &ReadPolicy, filed: &Operation) -> Option<OnRecord> {
    let reading = with_retry(agent, policy.retry.as_ref(), filed.intent, async || {
        agent.read(filed.clone(), policy.timeout).await
    });
    match reading.await {
        Ok(reading) => Some(compare(&filed.arguments.json(), &reading.content.json())),
        Err(ToolError::Definite(Definite::Refused)) => Some(OnRecord::Nothing),
        Err(_) => None,
    }
}

/// What a record says, compared with the arguments of the call that made it: in the fields that both have.
fn compare(filed: &Value, record: &Value) -> OnRecord {
    let (Some(filed), Some(record)) = (filed.as_object(), record.as_object()) else {
        return if filed == record { OnRecord::AsFiled } else { OnRecord::Otherwise };
    };
    let mut shared = filed.iter().filter_map(|(key, value)| Some((value, record.get(key)?))).peekable();
    let is_there = shared.peek().is_some();
    if is_there && shared.all(|(filed, on_record)| filed == on_record) {
        OnRecord::AsFiled
    } else {
        OnRecord::Otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_as_filed_if_it_says_the_same_in_every_field_that_both_have() {
        let filed = json!({ "path": "task-1.json", "content": "7" });
        assert_eq!(compare(&filed, &json!({ "version": 1, "content": "7" })), OnRecord::AsFiled);
        assert_eq!(compare(&filed, &json!({ "version": 1, "content": "8" })), OnRecord::Otherwise);
    }

    #[test]
    fn a_record_that_says_nothing_of_what_was_filed_shows_nothing() {
        let filed = json!({ "content": "7" });
        assert_eq!(compare(&filed, &json!({ "version": 1 })), OnRecord::Otherwise);
        assert_eq!(compare(&filed, &json!(null)), OnRecord::Otherwise);
    }
}
