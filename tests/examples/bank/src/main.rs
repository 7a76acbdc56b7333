//! The command for this crate's suite: `cargo run -- run`, `fuzz`, `replay`, `shrink`, `audit`, `ablate`,
//! `compare`, `list`, `explain`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bank::suite().main()
}
