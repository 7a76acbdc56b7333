//! Parent leases: an agent that works for another continues only while its parent confirms that the work is
//! wanted.
//!
//! A child asks its parent whether its work is still wanted, and relies on the answer for the length of a
//! lease, counted from when it *asked*: however late the answer comes, the child never relies on it for
//! longer than the parent assumes. The parent never leases for longer than its own lease, so when an agent in
//! the middle crashes or is partitioned, all agents below stop at the latest one lease after the last answer
//! from above. Only then can another agent be given the work (Gray and Cheriton 1989, "Leases").
//!
//! Undoing cancelled work is ordinary work: it ends with the lease too, and the next child that gets the work
//! undoes everything.

use crate::agent::{Agent, Headers, Message, Purpose};
use crate::config::{Entry, Problem};
use crate::safeguards::work_scope::WorkScope;
use crate::safeguards::{LEASES, Safeguard, lease};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// How long a child goes on without an answer of its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParentLease {
    /// The length of a lease; a child asks again after a third of that.
    pub lease: SimSpan,
}

impl Safeguard for ParentLease {
    const NAME: &'static str = "parent-lease";
    const ABOUT: &'static str =
        "a worker stops when its parent's lease expires; work of silent workers is reassigned";
    const EXAMPLE: &'static str = r#"parent-lease = { lease = "10s" }"#;
    const WITHOUT: &'static str =
        "a worker goes on for a parent that is gone; the work of a silent worker is not reassigned";
    const PROTECTS: &'static [&'static str] = &["no-orphans"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self { lease: lease(entry, &LEASES)? }))
    }
}

/// Messages between a child and its parent.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
pub enum LeaseProbe {
    /// Is this still wanted, as it was ordered in that term?
    IsWanted {
        /// Counts how often the work was given to an agent.
        term: u32,
    },
    /// Yes, for so long from when the child asked.
    Wanted {
        /// How long.
        lease: SimSpan,
        /// The time left for the whole task, if that is limited and propagated.
        left: Option<SimSpan>,
    },
    /// Only to be undone, for this long from when the child asked.
    ToUndo {
        /// How long.
        lease: SimSpan,
    },
    /// No, or not by this child.
    Unwanted,
}

impl Message for LeaseProbe {
    fn kind(&self) -> &'static str {
        match self {
            Self::IsWanted { .. } => "is wanted",
            Self::Wanted { .. } => "wanted",
            Self::ToUndo { .. } => "to undo",
            Self::Unwanted => "unwanted",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::IsWanted { term } => Headers { attempt: Some(term), ..Headers::of(Purpose::Ask) },
            Self::Wanted { left, .. } => Headers { deadline: left, ..Headers::of(Purpose::Answer) },
            Self::ToUndo { .. } | Self::Unwanted => Headers::of(Purpose::Answer),
        }
    }
}

/// Asks `parent` again and again whether `about` is still wanted, as ordered in that term, and limits the
/// scope by the answers, until it is revoked.
pub async fn keep_probing(
    agent: Agent,
    lease: SimSpan,
    parent: Name,
    (about, term): (Name, u32),
    scope: Rc<WorkScope>,
) {
    let within = lease.split(3);
    while !scope.is_revoked() {
        let asked = agent.monotonic();
        let answer = agent.request(parent, about, LeaseProbe::IsWanted { term }, within).await;
        match answer.as_ref().ok().and_then(|mail| mail.open()) {
            Some(LeaseProbe::Wanted { lease, left }) => {
                if let Some(left) = left {
                    scope.set_deadline(asked + *left);
                }
                scope.extend_lease(asked + *lease);
                agent.sleep(within).await;
            }
            Some(LeaseProbe::ToUndo { lease }) => {
                scope.set_deadline(asked);
                scope.extend_lease(asked + *lease);
                agent.sleep(within).await;
            }
            Some(LeaseProbe::Unwanted) => scope.revoke(),
            Some(LeaseProbe::IsWanted { .. }) | None => {}
        }
    }
}
