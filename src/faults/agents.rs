//! Failures of agents themselves: their processes live, and something in them does not do what it should.
//!
//! | | at the call site | what happens |
//! |---|---|---|
//! | `handler-error` | `handler`: an agent takes in a message | the handler raises; the message is lost and the agent lives |
//! | `stranded-reply` | `reply`: the reply of a tool reaches its caller | the runtime has restarted; the reply finds no request |
//! | `shutdown` | `work`: an agent begins a step | a while later the agent is asked to shut down |
//!
//! The first two concern every agent that takes in messages or calls tools. What a shutdown does to the steps
//! that are under way says [`drain-on-shutdown`](crate::safeguards::drain). A request that goes on after its
//! caller has given it up is a fault of its tool: `late-effect`.

use super::model::{add_at_its_call_site, read_at_its_call_site};
use super::{FaultKind, Target, Time};
use crate::agent::AgentFailures;
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Chaos, Fault, Name, Rule, Selector};
use serde::Deserialize;
use toml::Spanned;

pub use crate::agent::{HANDLER, HANDLER_ERROR, REPLY, SHUTDOWN, STRANDED_REPLY, WORK};

const AFTER_HOW_LONG: Time = Time::Needed("after how long the agent is asked to shut down");

/// The failures of agents.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: HANDLER_ERROR,
        about: "the handler of a message raises an error; the message is lost, and the agent lives",
        example: r#"handler-error = { at = "everyone", chance = "5%" }"#,
        target: Target::CallSite { call_site: HANDLER, time: Time::None },
        read: read_at_its_call_site,
    },
    FaultKind {
        name: STRANDED_REPLY,
        about: "the runtime of an agent restarts, and a tool's reply finds no request that waits for it",
        example: r#"stranded-reply = { at = "everyone", chance = "5%" }"#,
        target: Target::CallSite { call_site: REPLY, time: Time::None },
        read: read_at_its_call_site,
    },
    FaultKind {
        name: SHUTDOWN,
        about: "an agent is asked to shut down some time after it has begun a step",
        example: r#"shutdown = { at = "everyone", chance = "5%", after = "100ms..3s" }"#,
        target: Target::CallSite { call_site: WORK, time: AFTER_HOW_LONG },
        read: read_shutdown,
    },
];

/// Which failures of agents a plan has.
pub(crate) fn failures_in(chaos: &Chaos) -> AgentFailures {
    let has = |call_site: &str| {
        let call_site = Name::new(call_site);
        let by_rule = |rule: &Rule| matches!(&rule.what, Selector::Of(sites) if sites.contains(&call_site));
        let is_pinned = |fault: &Fault| fault.at.site.as_str().ends_with(&format!(", {call_site}"));
        chaos.rules.iter().any(by_rule) || chaos.pinned.iter().any(is_pinned)
    };
    let there = AgentFailures::CALL_SITES.into_iter().filter(|call_site| has(call_site));
    there.fold(AgentFailures::default(), |all, call_site| all.and(AgentFailures::at(call_site)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shutdown {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    after: Spanned<Spread>,
}

fn read_shutdown(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Shutdown { at, chance, after } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&after), directory, chaos)
}

#[cfg(test)]
mod tests {
    use super::failures_in;
    use crate::agent::AgentFailures;
    use crate::faults::tests::chaos_of;
    use perfidy_sim::{Action, Fault, Name, SimSpan};

    #[test]
    fn agents_ask_only_for_failures_that_there_can_be() {
        let none = AgentFailures::default();
        let mut chaos = chaos_of(r#"drop = { chance = "5%" }"#);
        assert_eq!(failures_in(&chaos), none);
        let at = "planner, handler, task-1, try 1".parse().unwrap();
        let word = Name::new("handler-error");
        chaos.pinned.push(Fault { at, action: Action::of_word(word) });
        assert_eq!(failures_in(&chaos), AgentFailures::at("handler"));
        let stranded = chaos_of(r#"stranded-reply = { at = "planner", chance = "5%" }"#);
        assert_eq!(failures_in(&stranded), AgentFailures::at("reply"));
        let shutdown = chaos_of(r#"shutdown = { at = "planner", chance = "5%", after = "1s" }"#);
        assert_eq!(failures_in(&shutdown), AgentFailures::at("work"));
    }

    #[test]
    fn a_shutdown_comes_some_time_after_a_step_has_begun() {
        let chaos = chaos_of(r#"shutdown = { at = "executors", chance = "5%", after = "1s..3s" }"#);
        assert_eq!(chaos.rules[0].span, Some(SimSpan::from_secs(1)..=SimSpan::from_secs(3)));
    }
}
