//! Programs in the place of an agent's code: `[agents.NAME] run = "python my_agent.py"`, or `"node
//! my_agent.mjs"`.
//!
//! Here is only what a scenario has to know of them. How they run is the business of the layer above all
//! scenarios: the command gives its suite the [`Programs`] that it can run, as it gives it a watchdog.

use crate::workflows::{OtherCode, TeamConfig};
use perfidy_sim::{Name, Seed};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The variable that gives programs another hash seed than the usual one, as the other process of an audit
/// does.
#[cfg(feature = "cli")]
pub(crate) const HASH_SEED: &str = "PERFIDY_HASH_SEED";

/// A program that is an agent: its interpreter, its script and the arguments of that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Program(pub(crate) Vec<String>);

impl Program {
    /// Its interpreter, its script and the arguments of that.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Why a program cannot run, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotRunnable {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What it takes to run a program in one run of a case.
#[derive(Clone, Debug)]
pub struct Placement<'a> {
    /// The program.
    pub program: &'a Program,
    /// The team in which it takes the place of an agent.
    pub team: &'a Arc<TeamConfig>,
    /// The tools that recognise idempotency keys.
    pub recognising: BTreeSet<Name>,
    /// The seed of the run.
    pub seed: Seed,
}

/// Something that can run programs as agents, in the virtual time of their world.
pub trait Programs: fmt::Debug + Send + Sync {
    /// Whether a program can run, as far as can be said beforehand.
    ///
    /// # Errors
    /// [`NotRunnable`], for the author of the scenario.
    fn check(&self, program: &Program) -> Result<(), NotRunnable>;

    /// The code of the agent for one run. Like any code of an agent it depends on nothing but what it is
    /// told.
    fn code(&self, placement: Placement<'_>) -> OtherCode;

    /// The properties that ask for what a program has no way to do.
    fn not_judged(&self) -> &'static [&'static str];

    /// The properties that need not have had anything to judge in a run of a program.
    fn need_not_be_judged(&self) -> &'static [&'static str];
}
