//! What a crate needs to test its agents: `use perfidy::prelude::*`.
//!
//! Everything of a first test is here, of perfidy and of the simulated world under it, so that one
//! dependency is enough. What is needed less often is found in the [modules](crate#modules), and the rest
//! of the world in [`crate::sim`].

pub use crate::agent::{
    Agent, CallError, Content, Definite, Delivery, Indefinite, Message, OpId, Operation, Outcome, Report,
    Request, SendAgent, ToolCall, ToolError,
};
pub use crate::config::{Entry, Problem};
pub use crate::explore::{Campaign, CaseVerdict, Collect, Run};
pub use crate::faults::OwnFault;
pub use crate::probe::Probe;
pub use crate::properties::{Property, StatesOverTime, TeamHistory, Verdict, Violation};
pub use crate::safeguards::{Safeguard, SafeguardKind, Safeguards};
pub use crate::scenario::{Case, Scenario, ScenarioBuilder};
pub use crate::suite::Suite;
pub use crate::testing::{Check, check};
pub use crate::tools::{Caller, Tool, ToolContext, ToolKind};
pub use crate::workflows::user::UserMessage;
pub use crate::workflows::{AgentCode, Role, TeamContext, Workflow};
pub use perfidy_sim::{Engine, Name, Seed, SimSpan, SimTime};
pub use serde_json::json;
