//! Reply correlation: a caller takes a reply only for the answer to the request that it belongs to.
//!
//! Many requests share a connection. A client that takes the next reply on it for the answer to its request
//! works until one reply is late: its request has been given up, the next request takes its reply, and from
//! then on each gets the reply of another ("response desync"; in March 2023 users of one assistant saw the
//! titles of others' conversations, after a cancelled request had left its reply in a pooled connection).
//! With correlation a reply names its request, a late reply is discarded, and a reply that names another
//! request is an indefinite error.
//!
//! The client of an agent does this by itself; without the switch each of its requests takes the next reply
//! on its connection, and a request that has timed out gives its connection back to the pool.

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct ReplyCorrelation;

impl Safeguard for ReplyCorrelation {
    const NAME: &'static str = "reply-correlation";
    const ABOUT: &'static str = "built in: a caller takes a tool's reply only for the request that it names";
    const EXAMPLE: &'static str = "reply-correlation = true";
    const WITHOUT: &'static str =
        "a request takes the next reply on its connection, also a late one to another request";
    const PROTECTS: &'static [&'static str] =
        &["no-phantom-completion", "replies-match-requests", "results-paired"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for ReplyCorrelation {
    const USUAL: Self = Self;
}
