//! Order expiry: an order carries the end of its sender's lease, and its receiver rejects it after that.
//!
//! A [fencing token](super::fencing) protects a receiver that has heard of the next leader, and a
//! [lease check](super::lease_check) protects a leader that is slow before it sends. Neither stops an order
//! that is on its way when the lease ends. The end of the lease in its headers (`expiry`) does, as far as the
//! clocks of sender and receiver agree.

use crate::agent::Headers;
use crate::config::{Entry, Problem};
use crate::safeguards::election::Election;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::SimTime;

/// The switch.
#[derive(Default)]
pub struct OrderExpiry;

impl Safeguard for OrderExpiry {
    const NAME: &'static str = "order-expiry";
    const ABOUT: &'static str = "workers reject an order that comes after the end of its sender's lease";
    const EXAMPLE: &'static str = "order-expiry = true";
    const WITHOUT: &'static str =
        "an order that comes after its sender's lease is carried out, unless a newer leader is known";
    const NEEDS: &'static str = "a lease: `election`";
    const PROTECTS: &'static [&'static str] = &["accepted-within-lease"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<Election>(Self::NAME)
    }
}

/// Whether an order with these headers has expired at this time by its receiver's wall clock. One without an
/// expiry never does.
///
/// ```
/// use perfidy::agent::{Headers, Purpose};
/// use perfidy::safeguards::order_expiry::is_expired;
/// use perfidy_sim::{SimSpan, SimTime};
///
/// let noon = SimTime::ZERO + SimSpan::from_secs(12 * 3600);
/// let order = Headers { expiry: Some(noon), ..Headers::of(Purpose::Order) };
/// assert!(!is_expired(&order, noon));
/// assert!(is_expired(&order, noon + SimSpan::from_secs(1)));
/// assert!(!is_expired(&Headers::of(Purpose::Order), noon));
/// ```
pub fn is_expired(order: &Headers, now: SimTime) -> bool {
    order.expiry.is_some_and(|expiry| now > expiry)
}
