//! A test for every case of every file under `scenarios/` and for every saved failure under `seeds/`: perfidy
//! tests its own teams as any crate tests its agents.
//!
//! ```text
//! cargo test --test scenarios                                   # all of them
//! cargo test --test scenarios -- "lost-ack, as written"         # one, by any part of its name
//! PERFIDY_SEED=17 cargo test --test scenarios -- lost-ack       # one seed
//! PERFIDY_SEEDS=20000 cargo test --test scenarios               # more seeds than usual
//! cargo test --test scenarios -- replay seeds/conductor         # a subcommand of perfidy's
//! ```

use perfidy::prelude::*;
use std::process::ExitCode;

fn main() -> ExitCode {
    Suite::here().main()
}
