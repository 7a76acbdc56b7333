//! Acknowledged transfers: an agent that transfers a task keeps it until the receiver has acknowledged it.
//!
//! A transfer is a message, and messages are lost. It is sent until it is acknowledged, and only to an agent
//! that can acknowledge it; the receiver recognises a repetition by the number of the transfer. Meanwhile two
//! agents may have it in their journals, but never none ("at-least-once delivery").

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::protocols::{ResendTiming, request_until_answered};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::{Name, SimSpan};
use std::fmt;

/// How long to wait for an acknowledgement before the transfer is sent again.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// The switch.
#[derive(Default)]
pub struct TransferAcks;

impl Safeguard for TransferAcks {
    const NAME: &'static str = "transfer-acks";
    const ABOUT: &'static str =
        "an agent that hands over a task keeps it until the receiver has acknowledged it";
    const EXAMPLE: &'static str = "transfer-acks = true";
    const WITHOUT: &'static str =
        "a task is handed over by one message; if it is lost or names no agent, so is the task";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// There is no agent of that name on the team; the sender keeps the task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownAgent;

impl fmt::Display for UnknownAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no agent of that name on the team")
    }
}

impl std::error::Error for UnknownAgent {}

/// Transfers something to an agent of the team. With the switch on, it returns once the agent has
/// acknowledged it, however long that takes; without it, the transfer is sent once to the given name, whether
/// an agent has that name or not.
///
/// # Errors
/// [`UnknownAgent`] if `to` is not on the team.
pub async fn hand_over(
    agent: &Agent,
    safeguards: &Safeguards,
    team: &[Name],
    to: Name,
    about: Name,
    message: impl Message + Clone,
) -> Result<(), UnknownAgent> {
    if !safeguards.has::<TransferAcks>() {
        agent.send(to, about, message);
        return Ok(());
    }
    if !team.contains(&to) {
        return Err(UnknownAgent);
    }
    let timing = ResendTiming::without_pause(PATIENCE);
    let waits_for = (to, "acknowledgement of a transfer");
    request_until_answered(agent, waits_for, about, message, timing, |_| Some(())).await;
    Ok(())
}
