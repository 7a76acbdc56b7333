//! Capability checks: a caller states what it knows of a tool with each call, and learns from a refusal what
//! has changed.
//!
//! Tools move, their schemas get new versions and permissions end, and no agent is told. A caller that states
//! with each call for which endpoint and which version it is made (as with a versioned media type, or the
//! `Stripe-Version` header) is refused when the world has changed under it, instead of misread. The refusal
//! is typed and says what is new, so the caller calls again as the tool is now (HTTP 308 and 426). To ask
//! beforehand would not do: the tool may change between the question and the call.
//!
//! What it may no longer do, a caller cannot mend: that is for a [person](super::dead_letter).

use crate::agent::{Agent, Capability, Confirmation, ToolCall, ToolChange, ToolError};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::{Lookup, Name, SimSpan};
use std::cell::RefCell;

/// How many changes a caller follows within one try.
const CHANGES: u32 = 4;

/// The switch.
#[derive(Default)]
pub struct CapabilityCheck;

impl Safeguard for CapabilityCheck {
    const NAME: &'static str = "capability-check";
    const ABOUT: &'static str =
        "calls state the endpoint and the schema that their caller knows; a refusal says what is new";
    const EXAMPLE: &'static str = "capability-check = true";
    const WITHOUT: &'static str = "a caller takes a tool for what it was, and may be misread";
    const PROTECTS: &'static [&'static str] = &["contracts-hold"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// What an agent knows of the tools that it calls. At first it knows each as it was built against: its first
/// endpoint and schema.
#[derive(Debug, Default)]
pub struct Capabilities(RefCell<Lookup<Name, Capability>>);

impl Capabilities {
    /// What the agent knows of a tool.
    ///
    /// ```
    /// use perfidy::agent::{Capability, ToolChange};
    /// use perfidy::safeguards::capability_check::Capabilities;
    /// use perfidy_sim::Name;
    ///
    /// let (capabilities, bank) = (Capabilities::default(), Name::new("bank"));
    /// assert_eq!(capabilities.of(bank), Capability::FIRST);
    /// assert!(capabilities.learn(bank, ToolChange::Schema(2)));
    /// assert!(!capabilities.learn(bank, ToolChange::Schema(2)), "that is not new");
    /// assert_eq!(capabilities.of(bank), Capability { schema: Some(2), ..Capability::FIRST });
    /// ```
    pub fn of(&self, tool: Name) -> Capability {
        self.0.borrow().get(tool).copied().unwrap_or(Capability::FIRST)
    }

    /// Learns how a tool has changed; whether that is new.
    pub fn learn(&self, tool: Name, change: ToolChange) -> bool {
        let known = self.of(tool);
        let learnt = match change {
            ToolChange::Endpoint(endpoint) => Capability { endpoint: Some(endpoint), ..known },
            ToolChange::Schema(schema) => Capability { schema: Some(schema), ..known },
        };
        self.0.borrow_mut().insert(tool, learnt);
        learnt != known
    }

    /// Calls a tool as it is known to be, and again as long as its refusals say what has changed.
    ///
    /// # Errors
    /// As [`Agent::call_confirmed`], for the last of these calls.
    pub async fn call(
        &self,
        agent: &Agent,
        call: &ToolCall,
        within: SimSpan,
    ) -> Result<Confirmation, ToolError> {
        let tool = call.operation.tool;
        let mut changes = 0;
        loop {
            let stated = ToolCall { capability: self.of(tool), ..call.clone() };
            let refused = match agent.call_confirmed(stated, within).await {
                Ok(confirmed) => return Ok(confirmed),
                Err(refused) => refused,
            };
            let is_new = refused.read().is_ok_and(|change| self.learn(tool, change));
            changes += 1;
            if !is_new || changes > CHANGES {
                return Err(refused.error);
            }
        }
    }
}
