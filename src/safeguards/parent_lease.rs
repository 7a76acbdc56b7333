//! Parent leases: whoever works for somebody goes on only as long as that somebody says so.
//!
//! A child asks its parent whether its work is still wanted, and believes the answer for the length of a
//! lease, counted from when it *asked*: however late the answer comes, the child never believes it for longer
//! than the parent thinks. The parent passes on no more than it has itself, so when somebody in the middle
//! dies or is cut off, everybody below stops at the latest one lease after the last word from above; then,
//! and not before, is it time to hand the work to somebody else (Gray and Cheriton 1989, "Leases").
//!
//! Taking back what was called off is work like any other: it ends with the lease too, and the next child
//! that gets the work takes everything back.

use crate::agent::{Agent, Headers, Message, Purpose};
use crate::safeguards::warrant::Warrant;
use crate::safeguards::{LEASES, Safeguard, lease};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Name, SimSpan};
use serde::Serialize;
use std::rc::Rc;

/// How long a child goes on without word of its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParentLease {
    /// The length of a lease; a child asks again after a third of that.
    pub lease: SimSpan,
}

impl Safeguard for ParentLease {
    const NAME: &'static str = "parent-lease";
    const ABOUT: &'static str =
        "who hears nothing from above stops, and the work of who is silent is given to others";
    const EXAMPLE: &'static str = r#"parent-lease = { lease = "10s" }"#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self { lease: lease(entry, &LEASES)? }))
    }
}

/// What a child asks and a parent answers.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
pub enum Lifeline {
    /// Is this still wanted, as it was handed to me in that term?
    StillWanted {
        /// Counts how often it was handed to somebody.
        term: u32,
    },
    /// Yes, for so long from when you asked.
    Wanted {
        /// How long.
        lease: SimSpan,
        /// What is left of the time for the whole, if that is limited and passed on.
        left: Option<SimSpan>,
    },
    /// Only to be taken back, which is yours for so long from when you asked.
    ToTakeBack {
        /// How long.
        lease: SimSpan,
    },
    /// No, or not by you.
    Unwanted,
}

impl Message for Lifeline {
    fn kind(&self) -> &'static str {
        match self {
            Self::StillWanted { .. } => "still wanted?",
            Self::Wanted { .. } => "wanted",
            Self::ToTakeBack { .. } => "to take back",
            Self::Unwanted => "unwanted",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::StillWanted { term } => Headers { attempt: Some(term), ..Headers::of(Purpose::Ask) },
            Self::Wanted { left, .. } => Headers { deadline: left, ..Headers::of(Purpose::Answer) },
            Self::ToTakeBack { .. } | Self::Unwanted => Headers::of(Purpose::Answer),
        }
    }
}

/// Asks `parent` again and again whether `about` is still wanted, as it was handed out in that term, and
/// keeps the warrant accordingly, until it is revoked.
pub async fn keep_asking(
    agent: Agent,
    lease: SimSpan,
    parent: Name,
    (about, term): (Name, u32),
    warrant: Rc<Warrant>,
) {
    let within = lease.split(3);
    while !warrant.is_revoked() {
        let asked = agent.monotonic();
        let answer = agent.request(parent, about, Lifeline::StillWanted { term }, within).await;
        match answer.as_ref().ok().and_then(|mail| mail.open()) {
            Some(Lifeline::Wanted { lease, left }) => {
                if let Some(left) = left {
                    warrant.limit(asked + *left);
                }
                warrant.prolong(asked + *lease);
                agent.sleep(within).await;
            }
            Some(Lifeline::ToTakeBack { lease }) => {
                warrant.limit(asked);
                warrant.prolong(asked + *lease);
                agent.sleep(within).await;
            }
            Some(Lifeline::Unwanted) => warrant.revoke(),
            Some(Lifeline::StillWanted { .. }) | None => {}
        }
    }
}
