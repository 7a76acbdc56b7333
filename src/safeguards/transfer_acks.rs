//! Acknowledged transfers: whoever hands something over keeps it until the other has said that they have it.
//!
//! A transfer is a message, and messages are lost. It is sent until it is acknowledged, and only to somebody who can
//! acknowledge it; the receiver tells a repetition by the number of the transfer. In between, two may have it in their
//! books, but never nobody.

use crate::agent::{Agent, Message};
use crate::protocols::{ResendTiming, request_until_answered};
use crate::safeguards::{Safeguard, Safeguards, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Name, SimSpan};
use std::fmt;

/// How long to wait for an acknowledgement before saying it again.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct TransferAcks;

impl Safeguard for TransferAcks {
    const NAME: &'static str = "transfer-acks";
    const ABOUT: &'static str = "whoever hands a task over keeps it until a colleague has acknowledged it";
    const EXAMPLE: &'static str = "transfer-acks = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Nobody of that name can take anything over; it stays where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NobodyThere;

impl fmt::Display for NobodyThere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody of that name is on the team")
    }
}

impl std::error::Error for NobodyThere {}

/// Hands something over to one of a team. With the switch on it comes back once that is certain, however long it
/// takes; without, it is sent once to whatever name was given, and good luck.
///
/// # Errors
/// [`NobodyThere`] if `to` is not on the team.
pub async fn hand_over(
    agent: &Agent,
    safeguards: &Safeguards,
    team: &[Name],
    to: Name,
    about: Name,
    message: impl Message + Clone,
) -> Result<(), NobodyThere> {
    if !safeguards.has::<TransferAcks>() {
        agent.send(to, about, message);
        return Ok(());
    }
    if !team.contains(&to) {
        return Err(NobodyThere);
    }
    let timing = ResendTiming::without_pause(PATIENCE);
    let waits_for = (to, "word that it has taken over");
    request_until_answered(agent, waits_for, about, message, timing, |_| Some(())).await;
    Ok(())
}
