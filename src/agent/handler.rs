//! What goes wrong within agents themselves, while their processes live: an error in a handler, a runtime
//! that loses the replies that it waits for, a request to shut down.

use crate::agent::{Agent, Delivery, FIRST_TOKEN};
use perfidy_sim::{Name, SimSpan};

/// The place at which an agent takes in a message.
pub const HANDLER: &str = "handler";
/// Its handler raises an error: the message is gone, and the agent lives.
pub const HANDLER_ERROR: &str = "handler-error";

/// The place at which the reply of a tool reaches its caller.
pub const REPLY: &str = "reply";
/// The runtime of the caller has restarted, and the reply finds no request.
pub const STRANDED_REPLY: &str = "stranded-reply";

/// The place at which an agent begins a step.
pub const WORK: &str = "work";
/// The agent is asked to shut down while it works.
pub const SHUTDOWN: &str = "shutdown";

/// Which failures of agents, and of the latency of their models, a plan has. Agents ask for no others, so
/// that a message costs nothing where its handler cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AgentFailures(u8);

impl AgentFailures {
    const HANDLER: Self = Self(1);
    const REPLY: Self = Self(2);
    const WORK: Self = Self(4);
    const FIRST_TOKEN: Self = Self(8);

    /// The call sites at which agents ask for a failure only if there can be one.
    pub const CALL_SITES: [&str; 4] = [HANDLER, REPLY, WORK, FIRST_TOKEN];

    /// The failures at one of these call sites.
    pub fn at(call_site: &str) -> Self {
        match call_site {
            HANDLER => Self::HANDLER,
            REPLY => Self::REPLY,
            WORK => Self::WORK,
            FIRST_TOKEN => Self::FIRST_TOKEN,
            _ => Self::default(),
        }
    }

    /// These and others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    fn has(self, failures: Self) -> bool {
        self.0 & failures.0 != 0
    }

    /// Whether replies can find no request.
    pub(super) fn can_strand_replies(self) -> bool {
        self.has(Self::REPLY)
    }
}

impl Agent {
    /// Whether a message is lost to an error in its handler.
    pub(super) fn fails_to_handle(&self, mail: &Delivery) -> bool {
        self.failures.has(AgentFailures::HANDLER) && self.fault_at(HANDLER, mail.about(), |_| true).is_some()
    }

    /// Whether a reply about something finds no request, because the runtime has restarted.
    pub(super) fn has_stranded(&self, about: Name) -> bool {
        self.failures.can_strand_replies() && self.fault_at(REPLY, about, |_| true).is_some()
    }

    /// How much later than usual the model begins to answer.
    pub(super) fn first_token_delay(&self, about: Name) -> SimSpan {
        let can_be_slow = self.failures.has(AgentFailures::FIRST_TOKEN);
        let slow = can_be_slow.then(|| self.fault_at(FIRST_TOKEN, about, |_| true)).flatten();
        slow.map_or(SimSpan::ZERO, |(_, by)| by)
    }

    /// After how long the agent is asked to shut down, if it is, as it begins a step.
    pub(crate) fn shutdown_after(&self, about: Name) -> Option<SimSpan> {
        let can_be = self.failures.has(AgentFailures::WORK);
        let shutdown = can_be.then(|| self.fault_at(WORK, about, |_| true)).flatten();
        shutdown.map(|(_, after)| after)
    }
}
