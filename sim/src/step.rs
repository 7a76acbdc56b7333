//! Steps: the places in a node's own work at which it can crash or pause.
//!
//! A step is an action with a name. There is a place before it and one after it, so its effect is lost or
//! not. Authors name their own steps ([`Context::before`](crate::Context::before)). The world names the steps
//! that every node has, by the act and its subject:
//!
//! | step | places | id |
//! |---|---|---|
//! | `send KIND` | before and after; of a request, the place after it is the one before the answer | what the message is about |
//! | `receive KIND` | after; before it the node has nothing to do with the message | what the message is about |
//! | `write KIND` | before and after | `journal` |
//! | `sync` | before and after; in the middle there is [`Hook::Sync`] | `journal` |
//!
//! A node that crashes at a place does nothing more. The code of an act that is not async, such as a send, is
//! unwound there with a payload of the world's own, which reaches no panic hook and no history. If a node is
//! paused there, the messages that it sends before its next wait leave when it resumes.

use crate::{Hook, Name};

/// An act of a node on a subject.
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

    /// The act that has a step of this name, if there is one.
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

/// The payload that unwinds the code of a crashed node.
pub(crate) struct Crashed;
