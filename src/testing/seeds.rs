//! Which seeds a test runs, as the environment says.

use crate::scenario::Case;
use perfidy_sim::Seed;
use std::env;

/// The seeds that `PERFIDY_SEED` and `PERFIDY_SEEDS` ask for.
#[derive(Clone, Copy)]
pub(super) struct Seeds {
    first: Option<u64>,
    count: Option<u64>,
    /// How many a case as written gets otherwise.
    usual: u64,
}

impl Seeds {
    /// What the environment asks for, or else `usual` seeds from the first on.
    ///
    /// # Errors
    /// A number that is none.
    pub fn from_environment(usual: u64) -> Result<Self, String> {
        let seeds = Self { first: number("PERFIDY_SEED")?, count: number("PERFIDY_SEEDS")?, usual };
        if seeds.count == Some(0) {
            return Err("PERFIDY_SEEDS is 0, but without seeds nothing is tested".to_owned());
        }
        Ok(seeds)
    }

    pub fn first(self) -> Seed {
        Seed(self.first.unwrap_or(0))
    }

    /// How many seeds a case gets. A first seed and no count mean that seed alone.
    pub fn count(self, case: &Case) -> u64 {
        self.count.unwrap_or(if self.first.is_some() { 1 } else { self.needed(case) })
    }

    /// How many seeds are enough to say that something never happens in a case.
    pub fn needed(self, case: &Case) -> u64 {
        let as_written = || self.usual.max(case.scenario.runs_for_service_levels());
        case.without().map_or_else(as_written, |without| without.within_seeds.into())
    }
}

fn number(name: &str) -> Result<Option<u64>, String> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let shown = value.to_string_lossy();
    match shown.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{name} is `{shown}`, which is not a whole number from 0 to {}", u64::MAX)),
    }
}
