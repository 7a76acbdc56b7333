//! Where faults have struck in a run, for as long as that makes others more likely.

use crate::plan::{Action, Aftershocks, Fault};
use crate::{Chance, Name, SimTime};

/// No fault is more likely than this because of those before it, in parts per million.
const MOST_LIKELY: u32 = 400_000;

/// How many of the last faults count.
const LAST: usize = 8;

/// The faults of a run, with the time and the place of each.
#[derive(Default)]
pub(super) struct Shocks(Vec<Shock>);

struct Shock {
    at: SimTime,
    /// The nodes that it concerned.
    nodes: Vec<Name>,
    /// The task that it was about.
    task: Name,
}

impl Shocks {
    /// Adds a fault that is injected at a node.
    pub fn add(&mut self, node: Name, fault: &Fault, at: SimTime) {
        let mut nodes = vec![node];
        nodes.extend(fault.action.victim());
        if let Action::Partition { left, right, .. } = fault.action {
            let sides = [left, right];
            nodes.extend(sides.iter().flat_map(|side| side.as_str().split('+')).map(Name::new));
        }
        let ends = fault.at.site.as_str().split_once(", ").and_then(|(ends, _)| ends.split_once(" > "));
        nodes.extend(ends.into_iter().flat_map(|(from, to)| [Name::new(from), Name::new(to)]));
        self.0.push(Shock { at, nodes, task: task_of(fault.at.id) });
    }

    /// How many times as likely faults are now at a place between these nodes, for work of that name.
    pub fn factor(&self, aftershocks: Aftershocks, ends: [Name; 2], about: Name, now: SimTime) -> u32 {
        if self.0.is_empty() {
            return 1;
        }
        let task = task_of(about);
        let is_near = |shock: &Shock| {
            let is_there = shock.task == task || shock.nodes.iter().any(|node| ends.contains(node));
            is_there && now <= shock.at + aftershocks.within
        };
        if self.0.iter().rev().take(LAST).any(is_near) { aftershocks.factor } else { 1 }
    }
}

/// The task of a step: what comes before the first slash of its name.
fn task_of(about: Name) -> Name {
    about.as_str().split_once('/').map_or(about, |(task, _)| Name::new(task))
}

/// The chance of a fault that is so many times as likely as usual.
pub(super) fn raised(chance: Chance, factor: u32) -> Chance {
    if factor == 1 {
        return chance;
    }
    let usual = chance.as_per_million();
    Chance::per_million(usual.saturating_mul(factor).min(usual.max(MOST_LIKELY))).unwrap_or(chance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimSpan;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    /// The factor after one fault at second 10, of a place between `ann` and another node.
    fn factor(fault: &str, (to, about): (&str, &str), now: u64) -> u32 {
        let (place, action) = fault.rsplit_once(": ").unwrap();
        let fault = Fault { at: place.parse().unwrap(), action: action.parse().unwrap() };
        let mut shocks = Shocks::default();
        shocks.add(Name::new("bob"), &fault, at(10));
        let aftershocks = Aftershocks { factor: 8, within: SimSpan::from_secs(5) };
        shocks.factor(aftershocks, [Name::new("ann"), Name::new(to)], Name::new(about), at(now))
    }

    #[test]
    fn faults_are_more_likely_at_its_nodes_and_for_its_task_and_only_for_a_while() {
        let drop = "bob > carol, hello, task-1/file, try 1: drop";
        assert_eq!(factor(drop, ("carol", "task-2/file"), 12), 8);
        assert_eq!(factor(drop, ("dave", "task-1/mail"), 12), 8);
        assert_eq!(factor(drop, ("dave", "task-2/file"), 12), 1);
        assert_eq!(factor(drop, ("carol", "task-1/file"), 16), 1);
    }

    #[test]
    fn a_timed_fault_concerns_the_nodes_that_it_hits() {
        let crash = "crash everyone, window, try 1: crash dave at 10s, back after 2s";
        assert_eq!(factor(crash, ("dave", "task-1"), 11), 8);
        let partition = "partition a | b, window, try 1: cut carol from dave+eve at 10s for 5s";
        assert_eq!(factor(partition, ("eve", "task-1"), 11), 8);
        assert_eq!(factor(partition, ("frank", "task-1"), 11), 1);
    }

    #[test]
    fn a_chance_is_raised_to_less_than_certainty_and_never_lowered() {
        let chance = |parts| Chance::per_million(parts).unwrap();
        assert_eq!(raised(chance(10_000), 8), chance(80_000));
        assert_eq!(raised(chance(200_000), 8), chance(400_000));
        assert_eq!(raised(chance(700_000), 8), chance(700_000));
        assert_eq!(raised(Chance::NEVER, 8), Chance::NEVER);
    }
}
