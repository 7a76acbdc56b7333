//! Resent orders: a coordinator sends an order again until it is answered.
//!
//! Networks lose messages, and receivers crash with messages in their inbox. An order that is sent once is
//! lost with its message, and its task waits for ever. Its receiver must answer each copy alike; see
//! [`Resend`](crate::protocols::Resend).

use crate::config::{Entry, Problem};
use crate::safeguards::call_timeout::UNLIMITED;
use crate::safeguards::{BuiltIn, Safeguard, Safeguards, span_or_none};
use perfidy_sim::SimSpan;

/// After what time an order that was not answered is sent again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResendOrders(pub SimSpan);

impl Safeguard for ResendOrders {
    const NAME: &'static str = "resend-orders";
    const ABOUT: &'static str = "built in: a coordinator sends an order again until it is answered";
    const EXAMPLE: &'static str = r#"resend-orders = "15s""#;
    const WITHOUT: &'static str = "an order is sent once; if it is lost, its task waits for ever";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let possible = SimSpan::from_millis(100)..=SimSpan::from_secs(3_600);
        Ok(span_or_none(entry, &possible)?.map(Self))
    }
}

impl BuiltIn for ResendOrders {
    const USUAL: Self = Self(SimSpan::from_secs(15));
}

impl ResendOrders {
    /// The interval of a coordinator with these safeguards.
    pub fn of(safeguards: &Safeguards) -> SimSpan {
        let Self(usual) = Self::USUAL;
        Self::of_or(safeguards, usual)
    }

    /// The interval of a coordinator that has its own if the scenario says nothing.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::resend_orders::ResendOrders;
    /// use perfidy_sim::SimSpan;
    ///
    /// let own = SimSpan::from_secs(5);
    /// assert_eq!(ResendOrders::of_or(&Safeguards::default(), own), own);
    /// ```
    pub fn of_or(safeguards: &Safeguards, usual: SimSpan) -> SimSpan {
        if safeguards.lacks::<Self>() {
            return UNLIMITED;
        }
        safeguards.get::<Self>().map_or(usual, |Self(interval)| *interval)
    }
}
