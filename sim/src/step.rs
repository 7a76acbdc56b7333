//! Steps: the places in a node's own work at which it can crash or stop.
//!
//! A step is an action with a name, and there is a place before it and one after it: what it did is then lost
//! or not. Authors name steps of their own ([`Context::before`](crate::Context::before)). What every node
//! does, the world names itself, by what is done and to what:
//!
//! | step | places | id |
//! |---|---|---|
//! | `send KIND` | before and after; of a request, the place after it is the one before the answer | what the message is about |
//! | `receive KIND` | after; before it the node has nothing to do with the message | what the message is about |
//! | `write KIND` | before and after | `journal` |
//! | `sync` | before and after; in the middle there is [`Hook::Sync`] | `journal` |
//!
//! A node that crashes at a place does nothing more. The code of an act that cannot wait, such as a send, is
//! unwound there, with a payload of the world's own: no panic hook sees it, and no history. What a node that
//! was stopped does before it waits next takes effect elsewhere when it goes on: its messages leave then.

use crate::{Hook, Name};

/// What a node does to something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    Send,
    Receive,
    Write,
}

impl Act {
    const ALL: [Self; 3] = [Self::Send, Self::Receive, Self::Write];

    const fn verb(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Write => "write",
        }
    }

    /// The step of doing this to `subject`.
    pub fn step(self, subject: Name) -> Name {
        Name::joined(Name::literal(self.verb()), " ", subject)
    }

    /// The act whose step has this name, if it is one's.
    pub fn of(step: Name) -> Option<Self> {
        let (verb, _) = step.as_str().split_once(' ')?;
        Self::ALL.into_iter().find(|act| act.verb() == verb)
    }
}

impl Hook {
    /// The node and the step of a site that is the place before or after one.
    ///
    /// ```
    /// use perfidy_sim::{Hook, Name};
    /// let [node, step] = ["executor-1", "send plan, please"].map(Name::new);
    /// let site = Name::new("executor-1, after send plan, please");
    /// assert_eq!(Hook::step_of(site), Some((node, Hook::After, step)));
    /// assert_eq!(Hook::step_of(Name::new("executor-1 > ticketing, call create")), None);
    /// ```
    pub fn step_of(site: Name) -> Option<(Name, Self, Name)> {
        let (node, place) = site.as_str().split_once(", ")?;
        let (hook, step) = place
            .strip_prefix("before ")
            .map(|step| (Self::Before, step))
            .or_else(|| place.strip_prefix("after ").map(|step| (Self::After, step)))?;
        Some((Name::new(node), hook, Name::new(step)))
    }
}

/// The payload with which the code of a node is unwound that has crashed.
pub(crate) struct Crashed;
