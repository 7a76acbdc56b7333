//! Single writer: one agent writes the shared items, and the others send their additions to it.
//!
//! An agent that writes one addition after the other cannot conflict with itself ("single-writer principle",
//! Thompson 2011). The writer is a bottleneck, and this works only while all agents agree which one it is.
//!
//! ```
//! use perfidy::agent::{Agent, ItemEntry};
//! use perfidy::safeguards::append_only::append;
//! use perfidy::safeguards::single_writer::{add_through, serve};
//! use perfidy_sim::Name;
//!
//! /// The writer of a log.
//! async fn writer(agent: Agent) {
//!     loop {
//!         let mail = agent.receive().await;
//!         serve(&agent, &mail, async |agent: &Agent, item, entry: ItemEntry| {
//!             let op = agent.new_operation_id(entry.id);
//!             Some(append(agent.store(), item, entry, op).await.ok()?.version)
//!         });
//!     }
//! }
//!
//! /// Any other agent.
//! async fn log(agent: &Agent, line: ItemEntry) -> bool {
//!     add_through(agent, Name::new("writer"), Name::new("log"), line).await.is_some()
//! }
//! ```

use crate::agent::{Agent, Delivery, Headers, ItemEntry, Message, Purpose, Version};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};

/// How long an agent waits for the writer.
const WRITER_TIMEOUT: SimSpan = SimSpan::from_secs(10);

/// The switch.
#[derive(Default)]
pub struct SingleWriter;

impl Safeguard for SingleWriter {
    const NAME: &'static str = "single-writer";
    const ABOUT: &'static str = "one agent writes the shared items; the others send it their additions";
    const EXAMPLE: &'static str = "single-writer = true";
    const WITHOUT: &'static str = "every agent writes the shared items itself";
    const PROTECTS: &'static [&'static str] = &["no-lost-update"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Messages between an agent and the writer.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Addition {
    /// A request to add this entry to this item.
    Requested { item: Name, entry: ItemEntry },
    /// The entry is there since this version.
    Written(Version),
}

impl Message for Addition {
    fn kind(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "add",
            Self::Written(_) => "added",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Requested { .. } => Headers::of(Purpose::Ask),
            Self::Written(version) => Headers { precondition: Some(version), ..Headers::of(Purpose::Answer) },
        }
    }
}

/// Asks the writer to add an entry to an item; the version since which it is there, or `None` if the writer
/// does not confirm it. It may have been added all the same.
pub async fn add_through(agent: &Agent, writer: Name, item: Name, entry: ItemEntry) -> Option<Version> {
    let about = entry.id;
    agent.declare_wait(writer, "acknowledgement of an addition", about);
    let answer = agent.request(writer, about, Addition::Requested { item, entry }, WRITER_TIMEOUT).await;
    agent.withdraw_wait(about);
    match answer.ok()?.open() {
        Some(Addition::Written(version)) => Some(*version),
        Some(Addition::Requested { .. }) | None => None,
    }
}

/// For the writer: if a message asks for an addition, lets `add` write it, concurrently with the agent's
/// other work, and replies once it is there. Returns whether the message was such a request.
pub fn serve(
    agent: &Agent,
    mail: &Delivery,
    add: impl AsyncFnOnce(&Agent, Name, ItemEntry) -> Option<Version> + 'static,
) -> bool {
    let Some(Addition::Requested { item, entry }) = mail.open().cloned() else { return false };
    let (writer, mail) = (agent.clone(), mail.clone());
    agent.spawn(async move {
        if let Some(version) = add(&writer, item, entry).await {
            writer.reply(&mail, Addition::Written(version));
        }
    });
    true
}
