//! Budgets: work that is passed from agent to agent carries what it may still cost, and an agent that finds
//! that used up stops.
//!
//! Agents that each find the next one better suited, or the draft not good enough, never stop by themselves:
//! no single step looks wrong. What is spent travels with the work, so no agent needs to see the whole to end
//! it, and the end is not silence but a report of failure to the user (the same idea as the hop limit of IP,
//! RFC 791).

use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// How far a piece of work may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budgets {
    /// How often it may be passed on.
    pub hops: u32,
    /// How often a model may be asked about it.
    pub turns: u32,
    /// How many tokens that may take, read and written.
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
    const ABOUT: &'static str =
        "a task that has used up its hops, turns or tokens goes back to the user as failed";
    const EXAMPLE: &'static str = "budgets = { hops = 6, turns = 20, tokens = 40000 }";

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

/// What a piece of work has cost so far; it travels with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize)]
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
