//! A bank branch, tested with perfidy: an example of a crate with its own workflow, tool, fault, safeguard
//! and property.
//!
//! A customer wants money moved. The [front desk and the tellers](branch) do that with a [bank](ledger) that
//! knows only two operations, to withdraw and to deposit. The bank sometimes answers with the cents left out
//! ([`CENTS_DROPPED`], a fault of this crate's own); a teller that deposits what the bank *says* it withdrew
//! then loses money, unless it [checks amounts](CheckAmounts). [`no_money_lost`] finds out by looking into
//! the bank. A slip from the front desk to a teller is sometimes [hard to read](SMUDGED), and then has to be
//! written again.
//!
//! ```
//! use perfidy::scenario::Scenario;
//!
//! let text = include_str!("../scenarios/branch/cents-dropped.toml");
//! Scenario::parse(&bank::suite(), "branch/cents-dropped", text).unwrap();
//! ```

pub mod branch;
pub mod ledger;

use ledger::Bank;
use perfidy::config::{Entry, Problem};
use perfidy::faults::OwnFault;
use perfidy::probe::Probe;
use perfidy::properties::{StatesOverTime, TeamHistory, Verdict, Violation};
use perfidy::safeguards::{Safeguard, SafeguardKind};
use perfidy::sim::RunEnd;
use perfidy::suite::Suite;
use serde_json::Value;

/// The name of the fault that drops the cents from an answer.
pub const CENTS_DROPPED: &str = "cents-dropped";

/// The name of the fault that makes a slip hard to read.
pub const SMUDGED: &str = "smudged";

/// The name of the probe that a teller reaches when it asks the bank again.
pub const SECOND_TRY: &str = "second-try";

/// What comes with perfidy, and what this crate adds, with the scenarios and saved failures of this crate.
pub fn suite() -> Suite {
    Suite::here()
        .workflow(branch::workflow())
        .tool("bank", || Bank::with([("alice", 100_000), ("bob", 0)]))
        .property("no-money-lost", no_money_lost)
        .safeguard(SafeguardKind::of::<CheckAmounts>())
        .fault(cents_dropped())
        .fault(smudged())
        .probe(Probe::in_code(SECOND_TRY, "a teller has to ask the bank again"))
}

/// Tellers deposit the ordered amount, whatever amount the bank's answer contains.
#[derive(Default)]
pub struct CheckAmounts;

impl Safeguard for CheckAmounts {
    const NAME: &'static str = "check-amounts";
    const ABOUT: &'static str = "a teller compares the amount in the bank's answer with the order";
    const EXAMPLE: &'static str = "check-amounts = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then(Self::default))
    }
}

/// When all tasks have ended, the bank has as much money as at the beginning.
fn no_money_lost(history: &TeamHistory) -> Verdict {
    if history.ended() != Some(RunEnd::Finished) {
        return Verdict::Unknown { reason: "a transfer may still be under way".to_owned() };
    }
    let states = history.states::<Bank>("bank");
    let mut states = states.iter();
    let (Some((_, first)), Some((event, last))) = (states.next(), states.last()) else {
        return Verdict::Vacuous;
    };
    if first.total() == last.total() {
        return Verdict::Holds;
    }
    let message = format!("{} are in the bank, and {} were", last.total(), first.total());
    Violation { at: event.at, because: vec![event.id], message }.into()
}

/// The bank's answer contains 1000 instead of 1050.
fn cents_dropped() -> OwnFault {
    let amount = |answer: &Value| answer["amount"].as_u64().unwrap_or_default();
    OwnFault::altering(
        CENTS_DROPPED,
        "the bank leaves the cents out of the amount in its answer",
        r#"cents-dropped = { at = "bank", operation = "withdraw", chance = "5%" }"#,
        move |answer, _| answer["amount"] = (amount(answer) - amount(answer) % 100).into(),
    )
    .only_where(move |answer| amount(answer) % 100 > 0)
}

/// A slip on its way to a teller says the amount in words, which no teller can read: the front desk has to
/// ask again.
fn smudged() -> OwnFault {
    OwnFault::altering(
        SMUDGED,
        "a slip says its amount in words",
        r#"smudged = { message = "move", chance = "5%" }"#,
        |slip, _| slip["move"]["from"]["amount"] = "a lot".into(),
    )
    .in_messages()
    .only_where(|slip| slip["move"].is_object())
}
