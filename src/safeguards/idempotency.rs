//! Idempotency keys: a call carries the id of its operation, so that the tool can recognise a repetition.
//!
//! The key identifies the operation, not the request: every retry of one operation carries the same key
//! ("idempotency key", as in the APIs of Stripe and AWS). It only helps with a tool that deduplicates and a
//! caller that remembers the key across a crash (`persist-before-call`).

use crate::agent::{Headers, ToolCall};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct IdempotencyKeys;

impl Safeguard for IdempotencyKeys {
    const NAME: &'static str = "idempotency-keys";
    const ABOUT: &'static str = "calls carry the id of their operation, so that a tool can recognise a retry";
    const EXAMPLE: &'static str = "idempotency-keys = true";
    const WITHOUT: &'static str = "a retry carries no key, and the tool takes it for a new call";
    const NEEDS: &'static str = "`tool-dedupe`; across crashes also `persist-before-call`";
    const PROTECTS: &'static [&'static str] =
        &["no-double-spend", "no-duplicate-effects", "no-reverted-file"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The call with the id of its operation as its idempotency key.
///
/// ```
/// use perfidy::agent::{OpId, Operation, ToolCall};
/// use perfidy::safeguards::idempotency::stamp;
/// use perfidy_sim::Name;
/// let [tool, operation, intent] = ["ledger", "pay", "task-1/pay"].map(Name::new);
/// let call = stamp(ToolCall::unkeyed(Operation::new(tool, operation, intent), OpId(7)));
/// assert_eq!(call.headers.idempotency_key, Some(OpId(7)));
/// ```
#[must_use]
pub fn stamp(call: ToolCall) -> ToolCall {
    ToolCall { headers: Headers { idempotency_key: Some(call.op), ..call.headers }, ..call }
}
