//! Hierarchy: a director hands tasks to managers, managers order steps from workers, and any of them can fail
//! forever.
//!
//! ```text
//!   user --submit/cancel--> director --delegate (term)--> manager --order/undo--> worker --call--> tool
//!        <--report----------   ^ ^-------ended---------'  ^ ^----done/undone----'
//!                              '--------is wanted--------' '------is wanted------'
//! ```
//!
//! Orders go down the hierarchy, and so does their end: an agent above has crashed, time is up, or the user
//! has cancelled. All agents below work in a [`WorkScope`](crate::safeguards::work_scope::WorkScope), which
//! ends when one of these is known or when no message comes for a while.
//!
//! The user makes the id of each operation once, and it travels with the orders: two managers that order the
//! same step ask for the same operation, and any agent that knows the id can cancel or undo it. A task that
//! is handed to another manager gets a new *term*, by which messages of the previous term are recognised as
//! stale.

mod director;
mod managed_task;
mod manager;
mod worker;

use crate::agent::{Headers, Message, OpId, Purpose};
use crate::properties::{ALL_OR_COMPENSATED, NO_EFFECT_AFTER_CANCEL};
use crate::workflows::task_state::TaskPlan;
use crate::workflows::{MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("hierarchy")
        .about(
            "a director assigns tasks to managers, managers assign steps to workers; tasks can be cancelled",
        )
        .agent(DIRECTOR, |agent, team| director::Director::recover(&agent, team).run())
        .agents(Role::new(MANAGERS, "manager", 1..=MOST_AGENTS, 2), |agent, team| {
            manager::Manager::recover(&agent, team).run()
        })
        .agents(Role::new(WORKERS, "worker", 1..=MOST_AGENTS, 3), |agent, team| {
            worker::Worker::recover(agent, team).run()
        })
        .safeguards(&[
            "acknowledged-cancel",
            "call-timeout",
            "cancellation",
            "checkpoint",
            "compensate",
            "deadline-propagation",
            "event-log",
            "idempotency-keys",
            "journal-fencing",
            "observe-before-retry",
            "parent-lease",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            ALL_OR_COMPENSATED,
            "eventual-termination",
            "no-duplicate-effects",
            NO_EFFECT_AFTER_CANCEL,
            "no-orphans",
            "no-phantom-completion",
        ])
}

const DIRECTOR: &str = "director";
const MANAGERS: &str = "managers";
const WORKERS: &str = "workers";

/// How long an agent waits for the answer to an order before it resends the order.
const RESEND: SimSpan = SimSpan::from_secs(5);

/// Messages between the director and the managers.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Delegation {
    /// Do this task; or, once it is cancelled, make sure that it has no effect.
    Delegate { task: Name, term: u32, ops: Arc<[OpId]>, left: Option<SimSpan>, is_cancelled: bool },
    /// It is done, or completely undone.
    Ended { task: Name, term: u32, done: bool },
}

impl Message for Delegation {
    fn kind(&self) -> &'static str {
        match self {
            Self::Delegate { is_cancelled: false, .. } => "delegate",
            Self::Delegate { is_cancelled: true, .. } => "cancel delegation",
            Self::Ended { .. } => "ended",
        }
    }

    fn headers(&self) -> Headers {
        let (purpose, term, deadline) = match *self {
            Self::Delegate { is_cancelled: false, term, left, .. } => (Purpose::Order, term, left),
            Self::Delegate { is_cancelled: true, term, .. } => (Purpose::Cancel, term, None),
            Self::Ended { done: true, term, .. } => (Purpose::Done, term, None),
            Self::Ended { done: false, term, .. } => (Purpose::Cancelled, term, None),
        };
        Headers { attempt: Some(term), deadline, ..Headers::of(purpose) }
    }
}

/// Messages between the managers and the workers.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum TeamMessage {
    /// Do this step.
    Order { task: Name, step: usize, op: OpId, left: Option<SimSpan> },
    /// Stop this step.
    Stop { task: Name, step: usize },
    /// Make sure that this step has no effect; `was_done` as far as the manager knows.
    Undo { task: Name, step: usize, op: OpId, was_done: bool },
    /// The step is done; sent until it is acknowledged.
    Done { task: Name, step: usize },
    /// The acknowledgement of `Done`.
    Ack,
    /// The step failed this time.
    Failed,
    /// The step is stopped, and will not be started again.
    Stopped { task: Name, step: usize },
    /// The step has no effect any more.
    Undone { task: Name, step: usize },
}

impl TeamMessage {
    /// Whether it is about a step of this plan, if it is about one.
    fn fits(&self, plan: &TaskPlan) -> bool {
        match *self {
            Self::Order { step, .. }
            | Self::Stop { step, .. }
            | Self::Undo { step, .. }
            | Self::Done { step, .. }
            | Self::Stopped { step, .. }
            | Self::Undone { step, .. } => plan.has_step(step),
            Self::Ack | Self::Failed => true,
        }
    }
}

impl Message for TeamMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order { .. } => "order",
            Self::Stop { .. } => "stop",
            Self::Undo { .. } => "undo",
            Self::Done { .. } => "done",
            Self::Ack => "ack",
            Self::Failed => "failed",
            Self::Stopped { .. } => "stopped",
            Self::Undone { .. } => "undone",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Order { op, left, .. } => {
                Headers { idempotency_key: Some(op), deadline: left, ..Headers::of(Purpose::Order) }
            }
            Self::Undo { op, .. } => Headers { idempotency_key: Some(op), ..Headers::of(Purpose::Undo) },
            Self::Stop { .. } => Headers::of(Purpose::Cancel),
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed => Headers::of(Purpose::Failed),
            Self::Stopped { .. } => Headers::of(Purpose::Cancelled),
            Self::Undone { .. } => Headers::of(Purpose::Undone),
            Self::Ack => Headers::NONE,
        }
    }
}
