//! Stress: faults so likely that agents take the actions that they hardly ever take.
//!
//! There are five mixes of faults, in turn. Each leaves some kinds out and makes the others likely: a team
//! that is spared something gets far enough to show what it does about the rest. A sixth, which comes after
//! the others, is of crashes after which a journal comes back without most of its records: an agent then
//! answers questions about what it no longer knows.

use crate::faults::{Altered, FaultKind, Time};
use crate::scenario::Scenario;
use perfidy_sim::{Action, Chance, Chaos, Hook, Name, Rule, Selector, SimSpan, TimedEffect, TimedFault};
use std::ops::RangeInclusive;

/// A fault that is injected so many times in a hundred.
struct Often(u32);

impl Often {
    fn rule(&self, hook: Hook, from: Selector, what: Selector, action: Action) -> Rule {
        let span = action.span().map(|_| SECONDS);
        let chance = Chance::per_million(self.0 * 10_000).expect("at most all of them");
        Rule { kind: action.kind(), hook, from, to: Selector::Any, what, chance, action, span }
    }

    fn anywhere(&self, hook: Hook, action: Action) -> Rule {
        self.rule(hook, Selector::Any, Selector::Any, action)
    }
}

/// How long faults last, and how late things are: from less than any timeout to more than most.
const SECONDS: RangeInclusive<SimSpan> = SimSpan::from_secs(1)..=SimSpan::from_secs(90);

/// How long an agent is away that is soon back.
const A_MOMENT: RangeInclusive<SimSpan> = SimSpan::from_millis(100)..=SimSpan::from_secs(3);

/// More records than a journal has.
const ALL_RECORDS: u32 = 1_000;

/// Any span, to be drawn.
const SOME: SimSpan = SimSpan::from_secs(1);

/// The faults of the stress run of that number.
pub(super) fn of(scenario: &Scenario, number: u64) -> Chaos {
    let directory = scenario.directory();
    let (agents, tools) = (directory.agents, directory.tools);
    let mut chaos = Chaos { until: scenario.chaos.until, ..Chaos::default() };
    match number % 5 {
        0 => {
            chaos.rules.extend(of_messages(2));
            chaos.rules.extend(of_agents(&agents, 1));
            chaos.rules.extend(of_tools(scenario, &tools, 2));
            chaos.rules.extend(of_models(scenario, 20));
        }
        1 => {
            chaos.rules.extend(of_own(scenario, 10));
            chaos.rules.extend(of_messages(10));
        }
        2 => {
            chaos.rules.extend(of_agents(&agents, 2));
            chaos.windows.extend(of_the_clock(&agents));
        }
        3 => {
            chaos.rules.extend(of_tools(scenario, &tools, 6));
            chaos.rules.extend(of_models(scenario, 50));
        }
        _ => {
            let refused = Action::of_word(Name::literal("permanent-error"));
            let how_often = [30, 60, 90][(number / 5 % 3) as usize];
            chaos.rules.push(Often(how_often).rule(
                Hook::Service,
                Selector::Of(tools),
                Selector::Any,
                refused,
            ));
            chaos.rules.extend(of_messages(1));
            chaos.rules.extend(of_models(scenario, 20));
        }
    }
    chaos
}

/// The faults of the stress run of that number, from one, of those that lose storage. One agent after the
/// other is hit: what an agent has forgotten shows only while the others remember it.
pub(super) fn of_storage(scenario: &Scenario, number: u64) -> Chaos {
    let agents = scenario.directory().agents;
    if agents.is_empty() {
        return Chaos::default();
    }
    let victims = vec![agents[number as usize % agents.len()]];
    let mut chaos = Chaos { until: scenario.chaos.until, ..Chaos::default() };
    let of = |percent: u32, hook, action| {
        Often(percent).rule(hook, Selector::Of(victims.clone()), Selector::Any, action)
    };
    // It is soon back, while the others still ask it.
    let crash = |hook| Rule { span: Some(A_MOMENT), ..of(7, hook, Action::Crash(Some(SOME))) };
    chaos.rules.extend([crash(Hook::Before), crash(Hook::After)]);
    chaos.rules.push(of(90, Hook::Recovery, Action::StaleJournal { records: ALL_RECORDS }));
    chaos
}

/// Rules that concern every place of agents and of their models, and never fire.
pub(super) fn all_places() -> Vec<Rule> {
    let models = Often(0).anywhere(Hook::Service, Action::of_word(Name::literal("never")));
    Rule::of_all_steps().into_iter().chain([models]).collect()
}

fn of_messages(percent: u32) -> impl Iterator<Item = Rule> {
    let actions = [Action::Drop, Action::Duplicate(SOME), Action::Delay(SOME), Action::Corrupt];
    actions.into_iter().map(move |action| Often(percent).anywhere(Hook::Message, action))
}

fn of_agents(agents: &[Name], percent: u32) -> impl Iterator<Item = Rule> {
    let steps = [
        (Hook::Before, Action::Crash(Some(SOME))),
        (Hook::After, Action::Crash(Some(SOME))),
        (Hook::After, Action::Zombie(SOME)),
    ];
    // A crash is rare enough; what it does to a journal need not be.
    let disk = [(Hook::Loss, Action::TornWrite), (Hook::Recovery, Action::StaleJournal { records: 2 })];
    let agents = agents.to_vec();
    let often = steps.into_iter().chain([(Hook::Write, Action::WriteError)]).map(move |rule| (percent, rule));
    let rules = often.chain(disk.into_iter().map(|rule| (40, rule)));
    rules.map(move |(percent, (hook, action))| {
        Often(percent).rule(hook, Selector::Of(agents.clone()), Selector::Any, action)
    })
}

/// Every fault of tools that the suite has.
fn of_tools(scenario: &Scenario, tools: &[Name], percent: u32) -> Vec<Rule> {
    let rule = |kind: &FaultKind| {
        Often(percent).rule(Hook::Service, Selector::Of(tools.to_vec()), Selector::Any, named(kind))
    };
    scenario.suite.fault_kinds().of_tools().map(rule).collect()
}

/// Every fault of models and of people that the suite has.
fn of_models(scenario: &Scenario, percent: u32) -> Vec<Rule> {
    let rule = |kind: &FaultKind| {
        let call_site = Selector::only(Name::new(kind.call_site()?));
        Some(Often(percent).rule(Hook::Service, Selector::Any, call_site, named(kind)))
    };
    scenario.suite.faults().filter_map(rule).collect()
}

/// The suite's own faults of messages.
fn of_own(scenario: &Scenario, percent: u32) -> Vec<Rule> {
    let own = scenario.suite.fault_kinds().own().names(Altered::Messages);
    let action = |name| Action::of_word(Name::new(name));
    own.map(|name| Often(percent).anywhere(Hook::Message, action(name))).collect()
}

/// What happens where a fault is known by its name.
fn named(kind: &FaultKind) -> Action {
    let span = if kind.time() == Time::None { SimSpan::ZERO } else { SOME };
    Action::of_word(Name::new(kind.name)).with_span(span)
}

/// Agents that are away for as long as it takes to be replaced.
fn of_the_clock(agents: &[Name]) -> impl Iterator<Item = TimedFault> {
    let away =
        [("crash", TimedEffect::Crash(agents.to_vec())), ("pause", TimedEffect::Pause(agents.to_vec()))];
    let alone = (agents.len() > 1)
        .then(|| ("partition", TimedEffect::Split { among: agents.to_vec(), minority: false }));
    away.into_iter().chain(alone).map(|(kind, disturbance)| TimedFault {
        kind: Name::new(kind),
        site: Name::new(kind),
        disturbance,
        every: SimSpan::from_secs(10)..=SimSpan::from_secs(60),
        lasting: SimSpan::from_secs(20)..=SimSpan::from_secs(120),
    })
}
