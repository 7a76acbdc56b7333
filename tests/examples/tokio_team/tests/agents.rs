//! Every case of every file under `scenarios/` and every saved failure under `seeds/` is a test.

use std::process::ExitCode;

fn main() -> ExitCode {
    tokio_team::suite().main()
}
