//! Contract checks: a receiver checks what it is handed against the contract, before it works with it.
//!
//! A reader that takes what it finds makes the most of a message in which a field is missing, and passes the
//! rest on; the agent that acts, three stages later, cannot know what was there. So the contract is checked
//! at each boundary ("Design by Contract": Meyer 1992; "schema on write"). A receiver refuses what breaks it,
//! and its refusal says what is wrong. The sender still has what it sent: it sends it again, and once that
//! was refused too often, it reports the work as failed.
//!
//! ```
//! use perfidy::safeguards::contract_check::{AfterRefusal, Outgoing, RESENDS};
//! use perfidy_sim::Name;
//!
//! let (outgoing, step) = (Outgoing::default(), Name::new("task-1/pay"));
//! outgoing.sent(step, "120 EUR");
//! for _ in 0..RESENDS {
//!     assert_eq!(outgoing.refused(step, |_| true), AfterRefusal::Again("120 EUR"));
//! }
//! assert_eq!(outgoing.refused(step, |_| true), AfterRefusal::TooOften);
//! ```

use crate::agent::{Breach, Content, Contract, Handover};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often a sender sends again what was refused.
pub const RESENDS: u32 = 3;

/// The switch.
#[derive(Default)]
pub struct ContractCheck;

impl Safeguard for ContractCheck {
    const NAME: &'static str = "contract-check";
    const ABOUT: &'static str =
        "a receiver refuses a handover that breaks its contract, and the sender sends it again";
    const EXAMPLE: &'static str = "contract-check = true";
    const WITHOUT: &'static str = "an agent works with the fields that it finds, and passes them on";
    const PROTECTS: &'static [&'static str] = &["contracts-hold", "effects-as-wanted"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

impl ContractCheck {
    /// Checks a handover of what was ordered; without the switch, nothing is a breach.
    ///
    /// # Errors
    /// How it breaks the contract.
    pub fn check(safeguards: &Safeguards, order: &Content, handover: &Handover) -> Result<(), Breach> {
        if !safeguards.has::<Self>() {
            return Ok(());
        }
        Contract::of(order).map_or(Ok(()), |contract| contract.check(handover))
    }
}

/// What a sender has handed over last of each piece of work, and how often it was refused. Clones share it.
#[derive(Clone, Debug)]
pub struct Outgoing<T>(Rc<RefCell<BTreeMap<Name, (T, u32)>>>);

impl<T> Default for Outgoing<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T: Clone> Outgoing<T> {
    /// This is handed over now.
    pub fn sent(&self, about: Name, what: T) {
        self.0.borrow_mut().insert(about, (what, 0));
    }

    /// What follows from a refusal of what `is_it` describes.
    pub fn refused(&self, about: Name, is_it: impl Fn(&T) -> bool) -> AfterRefusal<T> {
        let mut sent = self.0.borrow_mut();
        let Some((what, refusals)) = sent.get_mut(&about).filter(|(what, _)| is_it(what)) else {
            return AfterRefusal::Unknown;
        };
        *refusals += 1;
        if *refusals <= RESENDS { AfterRefusal::Again(what.clone()) } else { AfterRefusal::TooOften }
    }
}

/// What follows from a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AfterRefusal<T> {
    /// To send this again.
    Again(T),
    /// To report the work as failed: it was refused too often.
    TooOften,
    /// Nothing: the sender has handed over another since, or has forgotten it in a crash.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_sent_again_a_few_times_and_from_the_start_once_it_is_another() {
        let (outgoing, work) = (Outgoing::default(), Name::new("task-1"));
        assert_eq!(outgoing.refused(work, |_| true), AfterRefusal::Unknown, "nothing was handed over");
        outgoing.sent(work, "draft");
        for _ in 0..RESENDS {
            assert_eq!(outgoing.refused(work, |what| *what == "draft"), AfterRefusal::Again("draft"));
        }
        assert_eq!(outgoing.refused(work, |what| *what == "draft"), AfterRefusal::TooOften);
        outgoing.sent(work, "final");
        assert_eq!(outgoing.refused(work, |what| *what == "draft"), AfterRefusal::Unknown);
        assert_eq!(outgoing.refused(work, |_| true), AfterRefusal::Again("final"));
    }
}
