//! Which single faults a run left room for: at every place that came up, and at every moment at which
//! something happened, each action that the scenario could have answered with.
//!
//! A span is the shortest, the middle or the longest of its range: a leader that is back before its lease is
//! over is another trouble than one that stays away. Faults by the clock are injected where they can make a
//! difference: a crash, a pause or a partition begins whenever something happens on a node that it concerns.
//! Nothing is injected once the scenario's fault phase is over.

use crate::agent::{Agents, Request, TeamEvent};
use crate::faults::FaultKinds;
use crate::scenario::Scenario;
use perfidy_sim::{
    Action, Address, Chaos, Fault, History, Hook, Name, Plan, Rule, RunOutcome, SimSpan, SimTime,
    TimedEffect, TimedFault,
};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How many of the chances are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    /// All there are.
    Full,
    /// Spans from the middle, and of the moments of a fault by the clock few on each node, spread evenly: for
    /// those who try only some.
    Coarse,
}

/// How many moments are few.
const FEW: usize = 32;

/// The plan in which nothing goes wrong but what stands in the scenario word for word. Its rules are all
/// there and their time is over, so that every place at which they could be injected is counted.
pub(super) fn fault_free(chaos: &Chaos) -> Plan {
    let fault_free = Chaos { windows: Vec::new(), until: SimTime::ZERO, ..chaos.clone() };
    Plan::Fuzz(Arc::new(fault_free))
}

/// The faults, each of which could be injected in addition to those of the trial; all different, in the order
/// in which their places came up.
///
/// The run has to be a [marked](crate::explore::Run::marked) one: places have no time, and what came up only
/// after the end of the faults is told apart by the mark.
pub(super) fn of(scenario: &Scenario, outcome: &RunOutcome<Agents>, detail: Detail) -> Vec<Fault> {
    let chaos = &scenario.chaos;
    let mut faults = Vec::new();
    // There are few sites and many places; what can happen at a site is worked out once.
    let mut sites: Vec<(Name, Vec<Action>)> = Vec::new();
    for place in &outcome.visited_early {
        let known = sites.iter().position(|(site, _)| *site == place.site).unwrap_or_else(|| {
            sites.push((place.site, actions_at(scenario, place.site, detail)));
            sites.len() - 1
        });
        let actions = &sites[known].1;
        let each = (1..=place.nth).map(|nth| Address { nth, ..*place });
        faults.extend(each.flat_map(|at| actions.iter().map(move |action| Fault { at, action: *action })));
    }
    for window in &chaos.windows {
        by_the_clock(window, (chaos.until, detail), &outcome.history, &mut faults);
    }
    faults
}

/// What the rules could do at a site; two that come to the same are one.
fn actions_at(scenario: &Scenario, site: Name, detail: Detail) -> Vec<Action> {
    let Some(fate) = MessageFate::read(site) else { return Vec::new() };
    let kinds = scenario.suite.fault_kinds();
    let concerned = scenario.chaos.rules.iter().filter(|rule| fate.concerns(rule, kinds));
    let mut actions: Vec<Action> = concerned.flat_map(|rule| actions_of(rule, detail)).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn actions_of(rule: &Rule, detail: Detail) -> Vec<Action> {
    let with_span = |span| rule.action.with_span(span);
    rule.span
        .as_ref()
        .map_or_else(|| vec![rule.action], |range| spans(range, detail).into_iter().map(with_span).collect())
}

fn middle(range: &RangeInclusive<SimSpan>) -> SimSpan {
    *range.start() + (*range.end() - *range.start()).split(2)
}

/// The spans that stand for a range, all different.
fn spans(range: &RangeInclusive<SimSpan>, detail: Detail) -> Vec<SimSpan> {
    let (shortest, longest) = (*range.start(), *range.end());
    let middle = middle(range);
    let mut spans = match detail {
        Detail::Full => vec![shortest, middle, longest],
        Detail::Coarse => vec![middle],
    };
    spans.dedup();
    spans
}

/// Where and what a site is about, read back from its name.
struct MessageFate {
    hook: Hook,
    from: Name,
    to: Name,
    what: Name,
}

impl MessageFate {
    fn read(site: Name) -> Option<Self> {
        let (who, what) = site.as_str().split_once(", ")?;
        let step = |hook, step: &str| (hook, who, who, Name::new(step));
        if let Some(who) = who.strip_suffix("'s disk") {
            let hook = Hook::ALL.into_iter().find(|hook| hook.of_storage() == Some(what))?;
            let who = Name::new(who);
            return Some(Self { hook, from: who, to: who, what: Name::new(what) });
        }
        let (hook, from, to, what) = if let Some((from, to)) = who.split_once(" > ") {
            (Hook::Message, from, to, Name::new(what))
        } else if let Some(what) = what.strip_prefix("before ") {
            step(Hook::Before, what)
        } else if let Some(what) = what.strip_prefix("after ") {
            step(Hook::After, what)
        } else {
            step(Hook::Service, what)
        };
        Some(Self { hook, from: Name::new(from), to: Name::new(to), what })
    }

    fn concerns(&self, rule: &Rule, kinds: &FaultKinds) -> bool {
        rule.hook == self.hook
            && rule.from.covers(self.from)
            && rule.to.covers(self.to)
            && rule.what.covers(self.what)
            && self.makes_sense(rule.action, kinds)
    }

    /// Whether a fault of tools does something to what a tool is asked here.
    fn makes_sense(&self, action: Action, kinds: &FaultKinds) -> bool {
        let Action::Custom { word, .. } = action else { return true };
        let kind = kinds.find(word.as_str()).filter(|kind| kind.is_of_tools());
        kind.is_none_or(|kind| kind.requests().any(|request| request == Request::at(self.what.as_str())))
    }
}

fn by_the_clock(
    window: &TimedFault,
    (until, detail): (SimTime, Detail),
    history: &History<TeamEvent>,
    faults: &mut Vec<Fault>,
) {
    let kills = matches!(window.disturbance, TimedEffect::Kill { .. });
    let lengths = spans(&window.lasting, detail);
    let mut open = |among: &[Name], action: &dyn Fn(SimTime, SimSpan) -> Action| {
        let moments = moments(among, until, history);
        let step = match detail {
            Detail::Full => 1,
            Detail::Coarse => moments.len().div_ceil(FEW).max(1),
        };
        for at in moments.into_iter().step_by(step) {
            // A window is known by its number; here the millisecond is one that no other moment shares. Kills
            // are all the first, so that no two are ever tried together: a single one is within any budget.
            let nth = if kills { 1 } else { (at.as_nanos() / 1_000_000) as u32 + 1 };
            let at_window = Address { site: window.site, id: Name::literal("window"), nth };
            let mut lasting: Vec<SimSpan> =
                lengths.iter().map(|length| (*length).min(until.since(at))).collect();
            lasting.dedup();
            let actions = lasting.into_iter().map(|lasting| action(at, lasting));
            faults.extend(actions.map(|action| Fault { at: at_window, action }));
        }
    };
    let mut apart =
        |left: &[Name], right: &[Name], action: &dyn Fn(Name, Name, SimTime, SimSpan) -> Action| {
            let among: Vec<Name> = left.iter().chain(right).copied().collect();
            let [left, right] = [left, right].map(joined);
            open(&among, &|at, lasting| action(left, right, at, lasting));
        };
    let partition = |one_way: bool| {
        move |left, right, at, lasting| Action::Partition { left, right, one_way, at, lasting }
    };
    match &window.disturbance {
        TimedEffect::Partition { left, right, one_way } => apart(left, right, &partition(*one_way)),
        // Of all the ways to fall apart, those in which one is alone.
        TimedEffect::Split { among, .. } => {
            for one in among {
                apart(&[*one], &others(among, *one), &partition(false));
            }
        }
        TimedEffect::PartitionLeader { otherwise, right, one_way } => {
            for one in otherwise {
                apart(&[*one], &others(right, *one), &partition(*one_way));
            }
        }
        TimedEffect::Flap { left, right, turn } => {
            let turn = middle(turn);
            apart(left, right, &|left, right, at, lasting| Action::Flap { left, right, at, lasting, turn });
        }
        TimedEffect::SlowLink { left, right, by } => {
            let by = middle(by);
            apart(left, right, &|left, right, at, lasting| Action::SlowLink { left, right, at, lasting, by });
        }
        TimedEffect::Crash(among) => {
            for &node in among {
                open(&[node], &|at, lasting| Action::CrashAt { node, at, back_after: Some(lasting) });
            }
        }
        TimedEffect::Kill { among, .. } => {
            for &node in among {
                open(&[node], &|at, _| Action::CrashAt { node, at, back_after: None });
            }
        }
        TimedEffect::Pause(among) => {
            for &node in among {
                open(&[node], &|at, lasting| Action::PauseAt { node, at, lasting });
            }
        }
        TimedEffect::Degrade { among, degradations, amount } => {
            let amount = amount.start() + (amount.end() - amount.start()) / 2;
            for (&node, degradation) in
                among.iter().flat_map(|node| degradations.iter().map(move |what| (node, what)))
            {
                let degradation = degradation.with_amount(amount);
                open(&[node], &|at, lasting| Action::Degrade { node, at, lasting, degradation });
            }
        }
        TimedEffect::Custom { word, among } => {
            for &node in among {
                open(&[node], &|at, lasting| Action::CustomAt { word: *word, node, at, lasting });
            }
        }
    }
}

/// The names but one, unless that is the only one.
fn others(names: &[Name], one: Name) -> Vec<Name> {
    let others: Vec<Name> = names.iter().copied().filter(|name| *name != one).collect();
    if others.is_empty() { names.to_vec() } else { others }
}

/// When something happened on any of these nodes.
fn moments(among: &[Name], until: SimTime, history: &History<TeamEvent>) -> Vec<SimTime> {
    let in_time = history.events().iter().take_while(|event| event.at < until);
    let mut moments: Vec<SimTime> =
        in_time.filter(|event| among.contains(&event.node)).map(|event| event.at).collect();
    moments.dedup();
    moments
}

fn joined(names: &[Name]) -> Name {
    Name::new(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("+"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Run;
    use crate::explore::strategy::tests::{all_cases, case};
    use crate::scenario::{Case, Scenario};
    use perfidy_sim::{Engine, Seed};
    use std::collections::BTreeSet;

    fn in_calm(case: &Case) -> Vec<Fault> {
        let plan = fault_free(&case.scenario.chaos);
        let run = Run::marked(case, Engine::Native, Seed(3), &plan);
        assert!(run.outcome.injected.is_empty());
        of(&case.scenario, &run.outcome, Detail::Full)
    }

    #[test]
    fn every_kind_that_a_scenario_configures_has_a_place_in_a_calm_run() {
        for name in ["conductor/lost-ack", "conductor/all-faults", "standby/paused-leader"] {
            let case = case(name);
            let kinds: BTreeSet<Name> = in_calm(&case).iter().map(|fault| fault.action.kind()).collect();
            assert!(case.scenario.fault_kinds.iter().all(|kind| kinds.contains(kind)), "{name}: {kinds:?}");
        }
    }

    #[test]
    fn each_of_them_is_injected_if_it_is_planned() {
        for case in ["conductor/crash-before-record", "standby/all-faults"].map(case) {
            for fault in in_calm(&case).into_iter().step_by(7) {
                let plan = Plan::Explicit([fault].into());
                let run = Run::planned(&case, Engine::Native, Seed(3), &plan);
                assert_eq!(run.outcome.injected, [fault], "{case}");
            }
        }
    }

    #[test]
    fn anywhere_is_every_action_of_the_agent() {
        let text = "# A crash anywhere.\nworkflow = \"conductor\"\n[team]\nexecutors = 1\n[[step]]\nname = \"file\"\n\
            tool = \"ticketing.create\"\n[tasks]\ncount = 1\n[tools.ticketing]\n[faults]\n\
            crash = { at = \"executors\", anywhere = true, chance = \"1%\" }\n";
        let scenario = Scenario::parse(&crate::suite::Suite::shipped(), "anywhere", text)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let faults = in_calm(&Case::as_written(&scenario));
        let places: Vec<String> = faults.iter().map(|fault| fault.at.to_string()).collect();
        assert_eq!(
            places,
            [
                "executor-1, after receive assign, task-1/file, try 1",
                "executor-1, before model call, task-1/file, try 1",
                "executor-1, after model call, task-1/file, try 1",
                "executor-1, before call, task-1/file, try 1",
                "executor-1, after send call create, task-1/file, try 1",
                "executor-1, after call, task-1/file, try 1",
                "executor-1, before send done, task-1/file, try 1",
                "executor-1, after send done, task-1/file, try 1",
            ]
        );
    }

    #[test]
    fn steps_and_tools_are_known_even_where_the_plan_is_silent() {
        let case = &all_cases("conductor/crash-before-record")[0];
        let sites: BTreeSet<&str> = in_calm(case).iter().map(|fault| fault.at.site.as_str()).collect();
        assert!(sites.contains("executor-1, after call"), "{sites:?}");
        assert!(sites.contains("executor-1, before record"), "{sites:?}");
        assert!(sites.iter().all(|site| !site.contains(" > ")), "{sites:?}");
    }
}
