//! Clients: agents outside of perfidy, under the faults of a scenario.
//!
//! A scenario of one agent ([`Workflow::agent`](crate::workflows::Workflow::agent) and no more) is a world
//! with a gap in the place of its agent: the user, the tools, the model, the network and all faults are
//! there. In simulation perfidy's own code fills the gap. Here the node of that agent does what something
//! outside asks of it: it calls a tool, asks the model, tells the user, through the same handle as any agent.
//! So tools, faults, ledger, properties and stories are the same, and a plan of faults means the same.
//!
//! ```text
//!   client --MCP, HTTP--> server threads --Inbound--> Live (time) --Port--> node `assistant` --> world
//!          <------------------------------- Answer ---------------------------'
//! ```
//!
//! * A [`Request`] is what a client asks, as data. It says nothing that only the harness knows: for which
//!   intent a call is made is worked out from what is called (`intents`).
//! * [`Live`] is the clock: it lets virtual time pass as real time does, and gives each request the time at
//!   which it came. Only it knows real time; the world is simulated on one thread, as ever.
//! * The times and requests are a [`Recording`]. With the scenario, the seed and the plan they make the run
//!   again, event by event, so a recording is a history that can be judged, told and checked anywhere.
//!   Verdicts rest on what the world makes of the requests. An edited file is still a run that the world can
//!   have; it is no proof of who asked.
//!
//! Faults are drawn by identity, never by time: the nth call of a tool for an intent meets the same fault
//! whenever it comes, so a seed means the same faults for a client in real time.
//!
//! A real model can be asked in the place of the simulated one (`server::Upstream`): what it says comes into
//! the world as data, where faults alter it, and stands in the recording.
//!
//! A real team that never was in a world can be judged too, as far as it was seen: [`Observed`].
//!
//! A client in virtual time (a process whose clock belongs to perfidy) takes the place of [`Live`]: another
//! [`Outside`](perfidy_sim::Outside), which lets the next event come when the client is idle.

mod catalogue;
mod chat;
mod child;
mod intents;
mod live;
mod node;
mod observed;
mod port;
mod process;
mod recording;
mod request;
pub(crate) mod server;
mod session;

#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, NotServed, ServedTool};
pub use child::{Child, Command};
pub use live::{Handle, Inbox, Live, channel};
pub use observed::Observed;
pub use process::Interpreters;
pub use recording::{History, Judged, NotAHistory, Recording};
pub use request::{Answer, CallAnswer, CallFailure, ChatAnswer, ChatCall, ChatTurn, Request, Said};
pub use server::{Server, ServerConfig, Upstream};
pub use session::{Served, Session};
