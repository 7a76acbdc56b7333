//! The `perfidy` command: the shipped suite, from the command line.

use perfidy::suite::Suite;
use std::process::ExitCode;

fn main() -> ExitCode {
    Suite::shipped().main()
}
