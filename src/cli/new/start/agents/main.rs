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

use bank::Bank;
use perfidy::prelude::*;
use std::process::ExitCode;

/// What scenarios can name: all that comes with perfidy, and what is of this crate.
pub fn suite() -> Suite {
    Suite::here()
        .workflow(Workflow::new("branch").agent("teller", teller::teller))
        .tool("bank", || Bank::with([("alice", 500), ("bob", 0)]))
        // Three tasks pay 5 to bob each.
        .property("paid-once", |history| {
            history
                .states::<Bank>("bank")
                .always(|bank| bank.balance("bob") <= 15)
        })
}

pub fn main() -> ExitCode {
    suite().main()
}
