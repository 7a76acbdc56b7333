//! Which single faults a run left room for: at every place that came up, and at every moment at which something
//! happened, each action that the scenario could have answered with.
//!
//! A span is taken from the middle of its range. Faults by the clock strike where they can make a difference: a crash,
//! a pause or a partition begins whenever something happens on a node that it concerns. Nothing strikes once the
//! scenario's chaos is over.

use super::Trial;
use crate::agent::{Agents, Note, Request};
use crate::explore::Run;
use crate::faults::tool_lies;
use crate::scenario::Case;
use perfidy_sim::{
    Action, Address, Chaos, Disturbance, Engine, Fault, History, Hook, Name, Outcome, Plan, Rule, SimSpan,
    SimTime, Window,
};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The plan in which nothing goes wrong but what stands in the scenario word for word. Its rules are all there and
/// their time is over, so that every place at which they could strike is counted.
pub(super) fn calm(chaos: &Chaos) -> Plan {
    let calm = Chaos { windows: Vec::new(), until: SimTime::ZERO, ..chaos.clone() };
    Plan::Fuzz(Arc::new(calm))
}

/// The faults, each of which could strike in addition to those of the trial; sorted.
pub(super) fn of(case: &Case, engine: Engine, trial: &Trial, outcome: &Outcome<Agents>) -> Vec<Fault> {
    let chaos = &case.scenario.chaos;
    // Places have no time. What came up after the end of chaos is told apart by a run that ends there.
    let until_the_end = (outcome.ended >= chaos.until)
        .then(|| Run::visited_until(case, engine, trial.seed, &trial.plan, chaos.until));
    let mut faults = Vec::new();
    for place in until_the_end.as_ref().unwrap_or(&outcome.visited) {
        let actions = actions_at(chaos, place.site);
        let each = (1..=place.nth).map(|nth| Address { nth, ..*place });
        faults.extend(each.flat_map(|at| actions.iter().map(move |action| Fault { at, action: *action })));
    }
    for window in &chaos.windows {
        by_the_clock(window, chaos.until, &outcome.history, &mut faults);
    }
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// What the rules could do at a site.
fn actions_at(chaos: &Chaos, site: Name) -> Vec<Action> {
    let Some(passage) = Passage::read(site) else { return Vec::new() };
    chaos.rules.iter().filter(|rule| passage.concerns(rule)).map(action_of).collect()
}

fn action_of(rule: &Rule) -> Action {
    rule.span.as_ref().map_or(rule.action, |range| rule.action.with_span(middle(range)))
}

fn middle(range: &RangeInclusive<SimSpan>) -> SimSpan {
    *range.start() + (*range.end() - *range.start()).split(2)
}

/// Where and what a site is about, read back from its name.
struct Passage {
    hook: Hook,
    from: Name,
    to: Name,
    what: Name,
}

impl Passage {
    fn read(site: Name) -> Option<Self> {
        let (who, what) = site.as_str().split_once(", ")?;
        let step = |hook, step: &str| (hook, who, who, Name::new(step));
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

    fn concerns(&self, rule: &Rule) -> bool {
        rule.hook == self.hook
            && rule.from.covers(self.from)
            && rule.to.covers(self.to)
            && rule.what.covers(self.what)
            && self.makes_sense(rule.action)
    }

    /// Whether a lie can be told of what a tool is asked here.
    fn makes_sense(&self, action: Action) -> bool {
        let Action::Custom { word, .. } = action else { return true };
        let of = tool_lies::find(word.as_str()).map(|kind| kind.of);
        of.is_none_or(|requests| requests.contains(&Request::at(self.what.as_str())))
    }
}

fn by_the_clock(window: &Window, until: SimTime, history: &History<Note>, faults: &mut Vec<Fault>) {
    let mut open = |among: &[Name], action: &dyn Fn(SimTime, SimSpan) -> Action| {
        for at in moments(among, until, history) {
            let lasting = middle(&window.lasting).min(until.since(at));
            // A window is known by its number; here the millisecond is one that no other moment shares.
            let nth = (at.as_nanos() / 1_000_000) as u32 + 1;
            let at_window = Address { site: window.site, id: Name::new("window"), nth };
            faults.push(Fault { at: at_window, action: action(at, lasting) });
        }
    };
    match &window.disturbance {
        Disturbance::Crash(among) => {
            for &node in among {
                open(&[node], &|at, lasting| Action::CrashAt { node, at, back_after: Some(lasting) });
            }
        }
        Disturbance::Pause(among) => {
            for &node in among {
                open(&[node], &|at, lasting| Action::PauseAt { node, at, lasting });
            }
        }
        Disturbance::Custom { word, among } => {
            for &node in among {
                open(&[node], &|at, lasting| Action::CustomAt { word: *word, node, at, lasting });
            }
        }
        Disturbance::Cut { left, right, one_way } => {
            let among: Vec<Name> = left.iter().chain(right).copied().collect();
            let [left, right] = [left, right].map(|names| joined(names));
            open(&among, &|at, lasting| Action::Cut { left, right, one_way: *one_way, at, lasting });
        }
    }
}

/// When something happened on any of these nodes.
fn moments(among: &[Name], until: SimTime, history: &History<Note>) -> BTreeSet<SimTime> {
    let concerned = history.events().iter().filter(|event| among.contains(&event.node));
    concerned.map(|event| event.at).filter(|at| *at < until).collect()
}

fn joined(names: &[Name]) -> Name {
    Name::new(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("+"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::strategy::Wants;
    use crate::explore::strategy::tests::{all_cases, case};
    use perfidy_sim::Seed;

    fn in_calm(case: &Case) -> Vec<Fault> {
        let plan = calm(&case.scenario.chaos);
        let trial = Trial { seed: Seed(3), plan, wants: Wants::Chances };
        let run = Run::planned(case, Engine::Native, trial.seed, &trial.plan);
        assert!(run.outcome.fired.is_empty());
        of(case, Engine::Native, &trial, &run.outcome)
    }

    #[test]
    fn every_kind_that_a_scenario_configures_has_a_place_in_a_calm_run() {
        for name in ["conductor/lost-ack", "conductor/rough-weather", "standby/paused-leader"] {
            let case = case(name);
            let kinds: BTreeSet<Name> = in_calm(&case).iter().map(|fault| fault.action.kind()).collect();
            assert!(case.scenario.fault_kinds.iter().all(|kind| kinds.contains(kind)), "{name}: {kinds:?}");
        }
    }

    #[test]
    fn each_of_them_strikes_if_it_is_planned() {
        for case in ["conductor/crash-before-record", "standby/rough-weather"].map(case) {
            for fault in in_calm(&case).into_iter().step_by(7) {
                let plan = Plan::Explicit([fault].into());
                let run = Run::planned(&case, Engine::Native, Seed(3), &plan);
                assert_eq!(run.outcome.fired, [fault], "{case}");
            }
        }
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
