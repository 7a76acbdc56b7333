//! Protocols: message exchanges that agents of all teams use, each in one place.
//!
//! A network loses, delays and duplicates messages, so an agent resends an order until it is answered
//! ([`Resend`]), repeats a request until a reply comes ([`request_until_answered`]), does not start the same
//! work twice ([`SingleFlight`]), serves the latest of several requests for the same ([`Coalesced`]), and
//! looks only at what may need attention ([`Agenda`]). Each piece works in any process that has a clock and a
//! network. What agents ask their models is here too ([`Question`], [`choose_agent`], [`compose_call`]).
//! None of them is a switch of a scenario: a team without them would not work at all. What a team
//! can be without is in [`safeguards`](crate::safeguards).

mod agenda;
mod approval;
mod coalesced;
mod guardrail;
mod model;
mod repeat;
mod resend;
mod single_flight;

pub use agenda::Agenda;
pub use approval::{ApprovalMessage, ApprovalRequest, Decision};
pub use coalesced::Coalesced;
pub use guardrail::{GuardrailMessage, GuardrailVerdict};
pub use model::{ComposedCall, Question, choose_agent, compose_call, write_text};
pub use repeat::{ResendTiming, in_attempts, request_until_answered, until_some};
pub use resend::{Resend, ResendTimer};
pub use single_flight::SingleFlight;
