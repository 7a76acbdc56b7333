//! What goes wrong within agents themselves, while their processes live: an error in a handler, a runtime that
//! loses the replies that it waits for, a request to shut down.

use crate::agent::{Agent, Delivery};
use perfidy_sim::{Name, SimSpan};

/// The moment at which an agent takes in a message.
pub const HANDLER: &str = "handler";
/// Its handler raises an error: the message is gone, and the agent lives.
pub const HANDLER_ERROR: &str = "handler-error";

/// The moment at which the reply of a tool reaches its caller.
pub const REPLY: &str = "reply";
/// The runtime of the caller has restarted, and the reply finds no request.
pub const STRANDED_REPLY: &str = "stranded-reply";

/// The moment at which an agent begins a step.
pub const WORK: &str = "work";
/// The agent is asked to shut down while it works.
pub const SHUTDOWN: &str = "shutdown";

/// Which failures of agents a plan has. Agents ask for no others, so that a message costs nothing where its
/// handler cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AgentFailures {
    /// Errors of handlers.
    pub handler: bool,
    /// Replies that find no request.
    pub reply: bool,
    /// Shutdowns while an agent works.
    pub work: bool,
}

impl Agent {
    /// Whether a message is lost to an error in its handler.
    pub(super) fn fails_to_handle(&self, mail: &Delivery) -> bool {
        self.failures.handler && self.fault_at(HANDLER, mail.about(), |_| true).is_some()
    }

    /// Whether a reply about something finds no request, because the runtime has restarted.
    pub(super) fn has_stranded(&self, about: Name) -> bool {
        self.failures.reply && self.fault_at(REPLY, about, |_| true).is_some()
    }

    /// After how long the agent is asked to shut down, if it is, as it begins a step.
    pub(crate) fn shutdown_after(&self, about: Name) -> Option<SimSpan> {
        let shutdown = if self.failures.work { self.fault_at(WORK, about, |_| true) } else { None };
        shutdown.map(|(_, after)| after)
    }
}
