//! A help desk, tested with perfidy: an example of agents that are tokio code.
//!
//! The [desk](desk) takes tasks and hands each to a worker, over HTTP with hyper; a [worker](worker) is an
//! axum router that files a ticket. Both are what they would be in production: `tokio::spawn`, `tokio::time`,
//! `mpsc`, `select!`, `TcpStream`. Of perfidy they know the handle by which tasks come in and tools are
//! called.
//!
//! The desk gives up on a worker after ten seconds and asks another. If only the answer was late, the ticket
//! is filed twice, unless the ticketing recognises the key that both workers send.
//!
//! ```
//! use perfidy::scenario::Scenario;
//!
//! let text = include_str!("../scenarios/helpdesk/lost-answer.toml");
//! Scenario::parse(&tokio_team::suite(), "helpdesk/lost-answer", text).unwrap();
//! ```

pub mod desk;
pub mod worker;

use perfidy::prelude::*;
use serde::{Deserialize, Serialize};

/// What the desk posts to a worker, as JSON.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Ticket {
    /// The task for which it is filed.
    pub task: Name,
    /// The id of the operation, which is the key by which it is recognised when it comes again.
    pub operation: OpId,
}

/// What a worker answers.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Filed {
    /// The ticket is there.
    Done,
    /// The ticketing declined.
    Declined,
}

/// What comes with perfidy and the team of this crate, on the engine for tokio code.
pub fn suite() -> Suite {
    let workers = Role::new("workers", "worker", 1..=10, 2);
    let helpdesk = Workflow::new("helpdesk")
        .about("a desk hands tickets to workers over HTTP")
        .agent("desk", desk::desk)
        .agents(workers, worker::worker);
    Suite::here().engine(Engine::Madsim).workflow(helpdesk)
}
