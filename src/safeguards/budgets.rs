//! Budgets: work that is passed from agent to agent carries its remaining budget, and an agent that finds it
//! used up stops.
//!
//! Agents that always find another agent better suited, or the draft not good enough, never stop by
//! themselves: no single step looks wrong. The cost so far travels with the work, so any agent can end it,
//! with a report of failure to the user (the same idea as the hop limit of IP, RFC 791). In a team of loops,
//! such as a supervisor and its workers, turns and tokens are those of one loop: what a loop does for others
//! counts with the work that it was given.

use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The budget of a piece of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budgets {
    /// How often it may be passed on.
    pub hops: u32,
    /// How often a model may be asked about it.
    pub turns: u32,
    /// How many tokens that may take, input and output.
    pub tokens: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    hops: u32,
    turns: u32,
    tokens: u32,
}

impl Safeguard for Budgets {
    const NAME: &'static str = "budgets";
    const ABOUT: &'static str = "work that exceeds its hops, turns or tokens fails, and the user is told; each loop of a team has its own";
    const EXAMPLE: &'static str = "budgets = { hops = 6, turns = 20, tokens = 40000 }";
    const WITHOUT: &'static str = "a task is passed on for as long as models name another agent";
    const PROTECTS: &'static [&'static str] = &["bounded-handoffs", "bounded-tokens", "bounded-turns"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { hops, turns, tokens } = entry.read()?;
        let ranges: [(_, _, RangeInclusive<u32>); 3] =
            [("hops", hops, 1..=1_000), ("turns", turns, 1..=10_000), ("tokens", tokens, 1..=100_000_000)];
        for (key, amount, range) in ranges {
            if !range.contains(&amount) {
                let (least, most) = range.into_inner();
                return Err(entry.problem(format!("`{key}` is {amount}; it can be {least} to {most}")));
            }
        }
        Ok(Some(Self { hops, turns, tokens }))
    }
}

/// The cost of a piece of work so far; it travels with the work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Spent {
    /// How often it was passed on.
    pub hops: u32,
    /// How often a model was asked about it.
    pub turns: u32,
    /// How many tokens that took.
    pub tokens: u32,
}

impl Budgets {
    /// Whether a model may be asked once more.
    ///
    /// ```
    /// use perfidy::safeguards::budgets::{Budgets, Spent};
    /// let budgets = Budgets { hops: 1, turns: 2, tokens: 1_000 };
    /// assert!(budgets.allow_turn(&Spent { hops: 1, turns: 1, tokens: 999 }));
    /// assert!(!budgets.allow_turn(&Spent { hops: 0, turns: 2, tokens: 0 }));
    /// assert!(!budgets.allow_turn(&Spent { hops: 0, turns: 0, tokens: 1_000 }));
    /// assert!(!budgets.allow_hop(&Spent { hops: 1, turns: 0, tokens: 0 }));
    /// ```
    pub fn allow_turn(&self, spent: &Spent) -> bool {
        spent.turns < self.turns && spent.tokens < self.tokens
    }

    /// Whether the work may be passed on once more.
    pub fn allow_hop(&self, spent: &Spent) -> bool {
        spent.hops < self.hops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_passed_on_and_asked_about_up_to_its_budget_and_not_beyond() {
        let budgets = Budgets { hops: 2, turns: 3, tokens: 1_000 };
        let spent = |hops, turns, tokens| Spent { hops, turns, tokens };
        let hops = [0, 1, 2, 3].map(|hops| budgets.allow_hop(&spent(hops, 9, 9_000)));
        assert_eq!(hops, [true, true, false, false]);
        let turns = [0, 2, 3, 4].map(|turns| budgets.allow_turn(&spent(9, turns, 999)));
        assert_eq!(turns, [true, true, false, false]);
        let tokens = [0, 999, 1_000, 1_001].map(|tokens| budgets.allow_turn(&spent(0, 0, tokens)));
        assert_eq!(tokens, [true, true, false, false]);
    }
}
