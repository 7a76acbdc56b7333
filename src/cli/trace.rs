//! `perfidy trace`: how seeds went in this process. `perfidy audit` starts it and compares.
//!
//! The scenario comes on standard input, so that both processes have the same text. The answer is one digest
//! a line, or with `--history` one [`Trace`] a line.

use super::ending::watchdog;
use super::{Status, is_available, output, print, print_error, print_problems, say_record};
use crate::explore::{Run, Trace};
use crate::scenario::{Case, Scenario};
use crate::suite::Suite;
use perfidy_sim::{Engine, Seed};
use std::io::{self, Read};

#[derive(clap::Args)]
pub struct Arguments {
    /// The name of the scenario
    #[arg(long)]
    pub name: String,
    /// The label of the case
    #[arg(long)]
    pub case: String,
    /// Which engine
    #[arg(long)]
    pub engine: Engine,
    /// The first seed
    #[arg(long)]
    pub seed: u64,
    /// How many seeds
    #[arg(long)]
    pub seeds: u64,
    /// Say everything that happened
    #[arg(long)]
    pub history: bool,
}

impl Arguments {
    /// The command line that these arguments are read from.
    pub fn to_line(&self) -> Vec<String> {
        let mut line = vec!["trace".to_owned()];
        // A name can begin with a dash, and is no option then.
        line.push(format!("--name={}", self.name));
        line.push(format!("--case={}", self.case));
        line.extend(["--engine".to_owned(), self.engine.to_string()]);
        line.extend(["--seed".to_owned(), self.seed.to_string()]);
        line.extend(["--seeds".to_owned(), self.seeds.to_string()]);
        if self.history {
            line.push("--history".to_owned());
        }
        line
    }
}

pub fn trace(suite: &Suite, arguments: &Arguments) -> Status {
    if !is_available(arguments.engine) {
        return Status::BadInput;
    }
    let mut text = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut text) {
        print_error(format!("cannot read the scenario from standard input: {error}"));
        return Status::BadInput;
    }
    let scenario = match Scenario::parse(suite, &arguments.name, &text) {
        Ok(scenario) => scenario,
        Err(problems) => {
            print_problems(&problems);
            return Status::BadInput;
        }
    };
    let case = match Case::labelled(&scenario, &arguments.case) {
        Ok(case) => case,
        Err(error) => {
            print_error(error);
            return Status::BadInput;
        }
    };
    let watchdog = watchdog();
    for index in 0..arguments.seeds {
        if !output::is_read() {
            return Status::Inconclusive;
        }
        let seed = Seed(arguments.seed.wrapping_add(index));
        let run = watchdog.watch(&case, seed, || Run::fuzzed(&case, arguments.engine, seed));
        if arguments.history {
            let testimony = Trace::of(&run.outcome);
            say_record(&testimony);
        } else {
            print(run.outcome.digest());
        }
    }
    Status::AsExpected
}
