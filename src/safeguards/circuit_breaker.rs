//! Circuit breakers: an agent leaves a tool alone for a while after some of its calls have failed in a row.
//!
//! Calls to a tool that is down cost time and keep it down. After so many failures the circuit is open: no
//! call leaves, and each waits. When the time is over, one call goes through; the circuit is closed if it
//! succeeds, and open for as long again if it does not (Nygard 2007, "Release It!"). All calls of an agent to
//! a tool share one circuit.

use crate::agent::Agent;
use crate::config::{Entry, Problem, Span};
use crate::safeguards::Safeguard;
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::Deserialize;
use std::cell::RefCell;

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CircuitBreaker {
    /// How many calls in a row have to fail.
    pub failures: u32,
    /// How long no call leaves then.
    pub open: SimSpan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    failures: u32,
    open: Span,
}

impl Safeguard for CircuitBreaker {
    const NAME: &'static str = "circuit-breaker";
    const ABOUT: &'static str = "after some failures in a row, an agent leaves a tool alone for a while";
    const EXAMPLE: &'static str = r#"circuit-breaker = { failures = 3, open = "10s" }"#;
    const WITHOUT: &'static str = "a tool that fails is called on";
    const PROTECTS: &'static [&'static str] = &["calls-within-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { failures, open: Span(open) } = entry.read()?;
        if !(1..=1_000).contains(&failures) {
            return Err(entry.problem(format!("`failures` is {failures}; it can be 1 to 1000")));
        }
        if open == SimSpan::ZERO {
            return Err(entry
                .problem("`open` is no time at all")
                .help("write how long, as in open = \"10s\""));
        }
        Ok(Some(Self { failures, open }))
    }
}

/// The state of the circuit to a tool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Circuit {
    /// Calls leave; so many have failed in a row.
    Closed(u32),
    /// One call may leave at that time, and no other before.
    Open(SimTime),
}

/// The circuits of an agent, one to each tool.
///
/// ```
/// use perfidy::safeguards::circuit_breaker::{CircuitBreaker, Circuits};
/// use perfidy_sim::{Name, SimSpan, SimTime};
/// let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
/// let circuits = Circuits::new(CircuitBreaker { failures: 2, open: SimSpan::from_secs(10) });
/// let tool = Name::new("ticketing");
/// (0..2).for_each(|_| circuits.ended(tool, false, at(1)));
/// assert_eq!(circuits.admit(tool, at(2)), Err(at(11)));
/// assert_eq!(circuits.admit(tool, at(11)), Ok(()), "one call goes through");
/// assert_eq!(circuits.admit(tool, at(11)), Err(at(21)), "and no other");
/// circuits.ended(tool, true, at(12));
/// assert_eq!(circuits.admit(tool, at(12)), Ok(()));
/// ```
#[derive(Debug)]
pub struct Circuits {
    breaker: CircuitBreaker,
    of: RefCell<Lookup<Name, Circuit>>,
}

impl Circuits {
    /// All circuits are closed.
    pub fn new(breaker: CircuitBreaker) -> Self {
        Self { breaker, of: RefCell::default() }
    }

    /// Admits a call of a tool.
    ///
    /// # Errors
    /// The time at which to ask again, if the circuit is open.
    pub fn admit(&self, tool: Name, now: SimTime) -> Result<(), SimTime> {
        let mut circuits = self.of.borrow_mut();
        let circuit = circuits.get_or_insert_with(tool, || Circuit::Closed(0));
        match *circuit {
            Circuit::Closed(_) => Ok(()),
            Circuit::Open(until) if now < until => Err(until),
            Circuit::Open(_) => {
                *circuit = Circuit::Open(now + self.breaker.open);
                Ok(())
            }
        }
    }

    /// A call of a tool has ended, well or not.
    pub fn ended(&self, tool: Name, well: bool, now: SimTime) {
        let mut circuits = self.of.borrow_mut();
        let circuit = circuits.get_or_insert_with(tool, || Circuit::Closed(0));
        *circuit = match *circuit {
            _ if well => Circuit::Closed(0),
            Circuit::Closed(failed) if failed + 1 < self.breaker.failures => Circuit::Closed(failed + 1),
            Circuit::Closed(_) => Circuit::Open(now + self.breaker.open),
            // A call that left before the circuit opened, or the one that went through.
            Circuit::Open(until) => Circuit::Open(until.max(now + self.breaker.open)),
        };
    }

    /// Waits until a call of a tool may leave.
    pub async fn until_admitted(&self, agent: &Agent, tool: Name) {
        while let Err(until) = self.admit(tool, agent.monotonic()) {
            agent.sleep(until.since(agent.monotonic())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    fn circuits(failures: u32) -> Circuits {
        Circuits::new(CircuitBreaker { failures, open: SimSpan::from_secs(10) })
    }

    #[test]
    fn only_failures_in_a_row_open_a_circuit_and_only_that_of_their_tool() {
        let (circuits, [mail, bank]) = (circuits(2), ["mail", "bank"].map(Name::new));
        circuits.ended(mail, false, at(1));
        assert_eq!(circuits.admit(mail, at(1)), Ok(()), "one is not enough");
        circuits.ended(mail, true, at(2));
        circuits.ended(mail, false, at(3));
        assert_eq!(circuits.admit(mail, at(3)), Ok(()), "one went well in between");
        circuits.ended(mail, false, at(4));
        assert_eq!(circuits.admit(mail, at(4)), Err(at(14)));
        assert_eq!(circuits.admit(bank, at(4)), Ok(()));
    }

    #[test]
    fn the_failure_of_a_call_that_left_before_makes_an_open_circuit_last_longer_and_never_shorter() {
        let (circuits, mail) = (circuits(1), Name::new("mail"));
        circuits.ended(mail, false, at(5));
        circuits.ended(mail, false, at(3));
        assert_eq!(circuits.admit(mail, at(14)), Err(at(15)));
        circuits.ended(mail, false, at(8));
        assert_eq!(circuits.admit(mail, at(17)), Err(at(18)));
    }

    #[test]
    fn one_call_after_the_time_is_over_decides_whether_the_circuit_closes() {
        let (circuits, mail) = (circuits(1), Name::new("mail"));
        circuits.ended(mail, false, at(0));
        assert_eq!(circuits.admit(mail, at(10)), Ok(()));
        circuits.ended(mail, false, at(12));
        assert_eq!(circuits.admit(mail, at(21)), Err(at(22)), "it failed");
        assert_eq!(circuits.admit(mail, at(22)), Ok(()));
        circuits.ended(mail, true, at(23));
        assert_eq!([23, 23].map(|time| circuits.admit(mail, at(time))), [Ok(()), Ok(())]);
    }
}
