//! The agents of this crate, among lost answers, crashes and partitions.
//!
//! Every case of every file under `scenarios/` and every saved failure under `seeds/` is a test:
//!
//! ```text
//! cargo test --test agents                      # all of them
//! cargo test --test agents -- run               # 1000 seeds each; what breaks is saved under seeds/
//! cargo test --test agents -- fuzz --for 10m    # other seeds, until something breaks
//! cargo test --test agents -- explain ack-lost  # what a fault, safeguard or property is
//! ```

mod bank;
mod teller;

use perfidy::prelude::*;
use std::process::ExitCode;

/// What scenarios can name: all that comes with perfidy, and what is of this crate.
pub fn suite() -> Suite {
    let branch = Workflow::new(
        "branch",
        "a teller moves money between the accounts of a bank",
    )
    .agent("teller", teller::teller)
    .safeguards(&["idempotency-keys", "tool-dedupe"])
    .properties(&["eventual-termination", "no-duplicate-effects", "paid-once"]);
    Suite::here()
        .workflow(branch)
        .tool(bank::kind())
        .property(bank::paid_once())
}

pub fn main() -> ExitCode {
    suite().main()
}
