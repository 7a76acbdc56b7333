//! Deadlock detection without an agent that sees the whole: edge chasing (Chandy, Misra and Haas 1983,
//! "Distributed deadlock detection").
//!
//! An agent that has waited for a while sends a [`WaitProbe`] to the agent that it waits for. An agent that
//! waits itself forwards the probe to the one *it* waits for; an agent that does not drops it. A probe that
//! comes back to its origin has found a cycle. Each agent in the cycle finds it, but one must give up its
//! wait and not all: the probe carries the first (by name) of the waits that are optional, and only the agent
//! of that wait becomes the *victim*.
//!
//! A cycle does not go away by itself, so a probe may be lost, late or doubled: the next one finds the cycle
//! again.

use crate::agent::{Agent, Message};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The maximum length of a cycle; a probe that went this far follows a cycle that does not include its
/// origin.
const MAX_STEPS: u32 = 64;

/// The switch.
#[derive(Default)]
pub struct DeadlockDetection;

impl Safeguard for DeadlockDetection {
    const NAME: &'static str = "deadlock-detection";
    const ABOUT: &'static str =
        "waiting agents send probes along the waits; one agent in a cycle stops waiting";
    const EXAMPLE: &'static str = "deadlock-detection = true";
    const WITHOUT: &'static str = "agents that wait for each other wait for ever";
    const PROTECTS: &'static [&'static str] = &["no-deadlock"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A wait: one piece of work cannot go on before another is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Wait {
    /// The work that has to wait.
    pub intent: Name,
    /// The work it waits for.
    pub needs: Name,
    /// The agent that does that.
    pub on: Name,
    /// Whether it could be done without.
    pub optional: bool,
}

/// A message that finds out whether a wait is part of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct WaitProbe {
    /// The work whose wait it checks.
    origin: Name,
    /// The work that it asks about.
    at: Name,
    /// The work whose wait must be given up, of those seen so far.
    victim: Option<Name>,
    /// How far it has come.
    steps: u32,
}

impl Message for WaitProbe {
    fn kind(&self) -> &'static str {
        "probe"
    }
}

impl WaitProbe {
    /// Sends it to an agent.
    pub fn send(self, agent: &Agent, to: Name) {
        agent.send(to, self.at, self);
    }
}

/// What became of a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeOutcome {
    /// The work it asks about does not wait: there is no cycle.
    Dropped,
    /// It is to be sent to this agent.
    Forward(Name, WaitProbe),
    /// It is back at its origin: there is a cycle, and this is the wait to give up, if any can be.
    CycleFound(Option<Wait>),
}

/// The waits of one agent, at most one for each piece of work.
#[derive(Default, Debug)]
pub struct OwnWaits(RefCell<BTreeMap<Name, Wait>>);

impl OwnWaits {
    /// Begins a wait.
    pub fn begin(&self, wait: Wait) {
        self.0.borrow_mut().insert(wait.intent, wait);
    }

    /// Ends the wait of that work; returns whether there was one.
    pub fn end(&self, intent: Name) -> bool {
        self.0.borrow_mut().remove(&intent).is_some()
    }

    /// Whether that work still waits.
    pub fn is_waiting(&self, intent: Name) -> bool {
        self.0.borrow().contains_key(&intent)
    }

    /// Sends a probe to the agent that this work waits for.
    pub fn send_probe(&self, agent: &Agent, intent: Name) {
        if let Some((on, probe)) = self.probe(intent) {
            probe.send(agent, on);
        }
    }

    fn probe(&self, intent: Name) -> Option<(Name, WaitProbe)> {
        let waits = self.0.borrow();
        let wait = waits.get(&intent)?;
        let victim = wait.optional.then_some(intent);
        Some((wait.on, WaitProbe { origin: intent, at: wait.needs, victim, steps: 1 }))
    }

    /// Decides what happens to a received probe.
    pub fn follow(&self, probe: WaitProbe) -> ProbeOutcome {
        let waits = self.0.borrow();
        let Some(wait) = waits.get(&probe.at) else { return ProbeOutcome::Dropped };
        if probe.at == probe.origin {
            return ProbeOutcome::CycleFound((probe.victim == Some(probe.origin)).then_some(*wait));
        }
        if probe.steps >= MAX_STEPS {
            return ProbeOutcome::Dropped;
        }
        let own = wait.optional.then_some(wait.intent);
        let victim = [probe.victim, own].into_iter().flatten().min();
        ProbeOutcome::Forward(wait.on, WaitProbe { at: wait.needs, victim, steps: probe.steps + 1, ..probe })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each agent waits for the next; the waits named in `optional` can be given up.
    fn waiting(pairs: &[(&str, &str)], optional: &[&str]) -> Vec<OwnWaits> {
        let wait = |(intent, needs): &(&str, &str)| {
            let waits = OwnWaits::default();
            waits.begin(Wait {
                intent: Name::new(intent),
                needs: Name::new(needs),
                on: Name::new(needs),
                optional: optional.contains(intent),
            });
            waits
        };
        pairs.iter().map(wait).collect()
    }

    /// Sends a probe for `origin` and follows it to its end.
    fn chase(pairs: &[(&str, &str)], optional: &[&str], origin: &str) -> ProbeOutcome {
        let agents = waiting(pairs, optional);
        let owner = |name: Name| pairs.iter().position(|(intent, _)| *intent == name.as_str());
        let (mut on, mut probe) = agents[owner(Name::new(origin)).unwrap()].probe(Name::new(origin)).unwrap();
        loop {
            let Some(agent) = owner(on) else { return ProbeOutcome::Dropped };
            match agents[agent].follow(probe) {
                ProbeOutcome::Forward(next, further) => (on, probe) = (next, further),
                end => return end,
            }
        }
    }

    #[test]
    fn in_a_cycle_each_probe_comes_back_and_one_wait_is_the_victim() {
        let circle = [("code", "plan"), ("plan", "test"), ("test", "code")];
        let victim = |origin| match chase(&circle, &["plan", "test"], origin) {
            ProbeOutcome::CycleFound(wait) => wait.map(|wait| wait.intent.as_str()),
            other => panic!("{other:?}"),
        };
        assert_eq!(["code", "plan", "test"].map(victim), [None, Some("plan"), None]);
    }

    #[test]
    fn a_chain_is_no_cycle() {
        assert_eq!(
            chase(&[("code", "plan"), ("plan", "test")], &["code", "plan"], "code"),
            ProbeOutcome::Dropped
        );
    }

    #[test]
    fn a_probe_that_follows_a_cycle_without_its_origin_is_dropped() {
        let circle = [("code", "plan"), ("plan", "test"), ("test", "plan")];
        assert_eq!(chase(&circle, &["code", "plan"], "code"), ProbeOutcome::Dropped);
    }

    #[test]
    fn a_cycle_in_which_no_wait_is_optional_has_no_victim() {
        assert_eq!(chase(&[("code", "plan"), ("plan", "code")], &[], "code"), ProbeOutcome::CycleFound(None));
    }

    #[test]
    fn a_wait_that_is_over_is_in_no_cycle() {
        let agents = waiting(&[("code", "plan"), ("plan", "code")], &["code", "plan"]);
        let (_, probe) = agents[0].probe(Name::new("code")).unwrap();
        let ProbeOutcome::Forward(_, probe) = agents[1].follow(probe) else { panic!("it waits") };
        assert!(agents[0].end(Name::new("code")));
        assert_eq!(agents[0].follow(probe), ProbeOutcome::Dropped);
    }
}
