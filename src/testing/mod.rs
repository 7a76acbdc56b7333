//! Testing: cases and saved failures as tests, which pass or say why they do not.
//!
//! Two ways lead here. A crate that tests its agents in depth has a test target without a harness of its
//! own, whose `main` is [`Suite::main`](crate::suite::Suite::main): every case of every file under
//! `scenarios/` and every saved failure under `seeds/` is then a named test. For a quick start there is
//! [`check`]: one workflow, one scenario in the text of the test, no files.
//!
//! With the feature `proptest`, a run is the input of a property test (`arbitrary`).
//!
//! The first two understand `PERFIDY_SEED` (only this seed) and `PERFIDY_SEEDS` (so many seeds).

#[cfg(feature = "proptest")]
pub mod arbitrary;
mod check;
#[cfg(feature = "cli")]
mod harness;
mod judge;
mod seeds;

pub use check::{Check, check};
#[cfg(feature = "cli")]
pub(crate) use harness::run_as_tests;
