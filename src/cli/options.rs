//! Options that several commands share.

use super::{not_there, print_error, print_problems, tell};
use crate::config::Problems;
use crate::explore::strategy::Choice;
use crate::report::Theme;
use crate::scenario::{self, Scenario};
use crate::suite::Suite;
use clap::Command;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser};
use perfidy_sim::{Engine, Seed};
use std::path::PathBuf;
use std::sync::Arc;

/// What is run, and from which seed on.
#[derive(Clone, clap::Args)]
pub struct Subject {
    /// Scenarios, or folders of them [default: scenarios]
    scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
}

/// From which seed on, and how.
#[derive(Clone, Copy, clap::Args)]
pub struct Runs {
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Which engine
    #[arg(long, default_value_t = Engine::Native, value_name = "native|madsim")]
    pub engine: Engine,
}

impl Runs {
    /// The first seed.
    pub fn first_seed(self) -> Seed {
        Seed(self.seed)
    }
}

impl Subject {
    /// Reads the scenarios; complains of every one that is bad, and then there are none.
    pub fn read(&self, suite: &Suite) -> Option<Vec<Arc<Scenario>>> {
        self.read_telling(suite, |_| ())
    }

    /// The same, and also tells what is wrong with each file.
    pub fn read_telling(&self, suite: &Suite, tell_bad: impl FnMut(&Problems)) -> Option<Vec<Arc<Scenario>>> {
        let usual = suite.folder("scenarios");
        if self.scenarios.is_empty() && !usual.exists() {
            print_error(format!(
                "{there}; nothing was run\n  = help: name the scenarios, as in `{command} run path/to/scenarios`; \
                 `{command} new` writes the first ones",
                there = not_there(&usual),
                command = suite.command()
            ));
            return None;
        }
        let read = match self.scenarios.as_slice() {
            [] => scenario::read_all(suite, &[usual]),
            given => scenario::read_all(suite, given),
        };
        let complained = read.map_err(|bad| {
            bad.iter().for_each(print_problems);
            bad.iter().for_each(tell_bad);
            for path in self.scenarios.iter().filter(|path| path.is_relative() && !path.exists()) {
                tell(format_args!("  = note: {}", not_there(path)));
            }
            print_error("nothing was run");
        });
        complained.ok()
    }

    /// The paths that were given, or the usual folder.
    pub fn paths(&self, suite: &Suite) -> Vec<PathBuf> {
        if self.scenarios.is_empty() { vec![suite.folder("scenarios")] } else { self.scenarios.clone() }
    }

    /// The file of one of the scenarios, as a person names it on the command line.
    pub fn file_of(&self, scenario: &Scenario) -> PathBuf {
        let given = self.scenarios.iter().find_map(|path| scenario::file_named(path, scenario.name.as_str()));
        given.unwrap_or_else(|| scenario.suite.folder("scenarios").join(format!("{}.toml", scenario.name)))
    }
}

/// How failures are looked for, and where they go.
#[derive(Clone, clap::Args)]
pub struct Search {
    /// What is tried next
    #[arg(long, value_name = "NAME", default_value = "mix")]
    strategy: String,
    #[command(flatten)]
    pub threads: Threads,
    /// Where failures are saved [default: seeds]
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
}

impl Search {
    /// What is tried next: a strategy of the suite.
    pub fn strategy(&self, suite: &Suite) -> Choice {
        strategy_of(suite, &self.strategy)
    }

    /// Where failures are saved.
    pub fn corpus(&self, suite: &Suite) -> PathBuf {
        self.corpus.clone().unwrap_or_else(|| suite.folder("seeds"))
    }
}

/// The colours of a picture.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colours {
    /// As the reader prefers
    Auto,
    Light,
    Dark,
}

impl From<Colours> for Theme {
    fn from(colours: Colours) -> Self {
        match colours {
            Colours::Auto => Self::Auto,
            Colours::Light => Self::Light,
            Colours::Dark => Self::Dark,
        }
    }
}

/// How many runs are made at once.
#[derive(Clone, clap::Args)]
pub struct Threads {
    /// How many threads [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    /// Starts the threads that runs are spread over, if a number was asked for; false if it cannot be had.
    pub fn start(&self) -> bool {
        let Some(threads) = self.threads else { return true };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        pool.map_err(|error| print_error(format!("cannot start {threads} threads: {error}"))).is_ok()
    }
}

/// The strategy of a suite that an argument names.
pub fn strategy_of(suite: &Suite, name: &str) -> Choice {
    Choice::find(suite, name).expect("the arguments were read for this suite")
}

/// The command with the strategies of a suite by name, each with its line for `--help`, and with its usual
/// engine.
pub fn for_suite(command: Command, suite: &Suite) -> Command {
    let usual = suite.usual_engine().as_str();
    let command = ["run", "fuzz", "audit", "ablate", "compare"].into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| command.mut_arg("engine", |arg| arg.default_value(usual)))
    });
    let value = |choice: Choice| PossibleValue::new(choice.name()).help(choice.about());
    let values: Vec<PossibleValue> = Choice::all(suite).map(value).collect();
    ["run", "fuzz", "ablate"].into_iter().fold(command, |command, name| {
        let parser = PossibleValuesParser::new(values.clone());
        command.mut_subcommand(name, |command| command.mut_arg("strategy", |arg| arg.value_parser(parser)))
    })
}
