//! Checked arguments: an agent compares the call that its model composed with what was ordered, before it
//! makes the call.
//!
//! A structured output that fits its schema can still be wrong: the amount is a number, and another one than
//! in the order. The schema cannot tell, and neither can the tool. The order can. Frameworks have a place for
//! such a check beside the schema (output validators of Pydantic AI, guardrails of `openai-agents`).
//!
//! ```
//! use perfidy::agent::{Content, Operation};
//! use perfidy::safeguards::check_arguments::are_as_ordered;
//! use perfidy_sim::Name;
//! use serde_json::json;
//!
//! let [tool, operation, intent] = ["bank", "transfer", "task-1/pay"].map(Name::new);
//! let order = Operation::new(tool, operation, intent).with(Content::of_json(json!({ "amount": 5 })));
//! assert!(are_as_ordered(&Content::of_json(json!({ "amount": 5 })), &order));
//! assert!(!are_as_ordered(&Content::of_json(json!({ "amount": 505 })), &order));
//! ```

use crate::agent::{Content, Operation};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct CheckArguments;

impl Safeguard for CheckArguments {
    const NAME: &'static str = "check-arguments";
    const ABOUT: &'static str =
        "an agent makes the call that its model composed only if it says what was ordered";
    const EXAMPLE: &'static str = "check-arguments = true";
    const WITHOUT: &'static str = "an agent makes every call that its model composes, with whatever values";
    const PROTECTS: &'static [&'static str] = &["effects-as-wanted"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Whether the arguments that a model composed are those of the order.
pub fn are_as_ordered(arguments: &Content, order: &Operation) -> bool {
    arguments.json() == order.arguments.json()
}
