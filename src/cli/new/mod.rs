//! `perfidy new`: the start of a crate's tests, or one more scenario.
//!
//! What is written passes at once: it is a module of perfidy itself, compiled and tested with it. Nothing
//! that is there already is changed, apart from `Cargo.toml`, to which the dependencies and the test target
//! are added.

mod draft;
mod manifest;
mod scenario;
mod work;
// In the usual style of rustfmt, which is that of most crates.
#[rustfmt::skip]
#[path = "start/agents/main.rs"]
mod start;

use super::{Status, print, print_error};
use crate::inert;
use crate::schema;
use crate::suite::Suite;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The `main` of the tests of another crate, which is compiled here and never called.
const _: fn() -> ExitCode = start::main;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// The folder of the crate, which is made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Write a commented scenario for a workflow
    Scenario(scenario::Arguments),
}

/// A file of the start. Without those that are needed, what is written would not pass.
struct Piece {
    path: &'static str,
    text: fn() -> String,
    is_needed: bool,
}

const PIECES: &[Piece] = &[
    Piece {
        path: "tests/agents/main.rs",
        text: || include_str!("start/agents/main.rs").into(),
        is_needed: true,
    },
    Piece {
        path: "tests/agents/bank.rs",
        text: || include_str!("start/agents/bank.rs").into(),
        is_needed: true,
    },
    Piece {
        path: "tests/agents/teller.rs",
        text: || include_str!("start/agents/teller.rs").into(),
        is_needed: true,
    },
    Piece {
        path: "scenarios/branch/lost-ack.toml",
        text: || include_str!("start/lost-ack.toml").into(),
        is_needed: true,
    },
    Piece { path: schema::FILE, text: || schema::pretty(&start::suite()) + "\n", is_needed: true },
    Piece { path: "clippy.toml", text: || include_str!("start/clippy.toml").into(), is_needed: false },
    Piece {
        path: ".github/workflows/agents.yml",
        text: || include_str!("start/agents.yml").into(),
        is_needed: false,
    },
];

pub fn new(suite: &Suite, arguments: &Arguments) -> Status {
    if let Some(Part::Scenario(arguments)) = &arguments.part {
        return scenario::write(suite, arguments);
    }
    match write_start(&arguments.folder) {
        Ok(()) => Status::AsExpected,
        Err(trouble) => {
            print_error(trouble);
            Status::BadInput
        }
    }
}

/// Writes the start into the crate in a folder, or into a new crate there.
fn write_start(folder: &Path) -> Result<(), String> {
    let in_the_way = ["tests/agents.rs", "tests/agents"].into_iter();
    let in_the_way = in_the_way.chain(PIECES.iter().filter(|piece| piece.is_needed).map(|piece| piece.path));
    if let Some(path) = in_the_way.map(|path| folder.join(path)).find(|path| path.exists()) {
        return Err(format!(
            "{} is there already, so the start is not written; `perfidy new scenario` writes one more scenario",
            inert::path(&path)
        ));
    }
    let cannot = |path: &Path, error: &io::Error| format!("cannot write {}: {error}", inert::path(path));
    let manifest = folder.join("Cargo.toml");
    let is_fresh = !manifest.exists();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let with_start = if is_fresh {
        manifest::fresh(folder, source)?
    } else {
        let text = fs::read_to_string(&manifest).map_err(|error| cannot(&manifest, &error))?;
        manifest::with_start(&text, source).map_err(|why| format!("{}: {why}", inert::path(&manifest)))?
    };
    let mut written = Vec::new();
    if is_fresh && !folder.join("src").exists() {
        written.push((folder.join("src/lib.rs"), "//! What the agents do.\n".to_owned(), true));
    }
    written.extend(PIECES.iter().map(|piece| (folder.join(piece.path), (piece.text)(), piece.is_needed)));
    for (path, text, is_needed) in &written {
        match write_new(path, text) {
            Ok(()) => print(format_args!("written  {}", inert::path(path))),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && !is_needed => {
                print(format_args!("kept     {} (it is there already)", inert::path(path)));
            }
            Err(error) => return Err(cannot(path, &error)),
        }
    }
    fs::write(&manifest, with_start).map_err(|error| cannot(&manifest, &error))?;
    let what = if is_fresh { "written " } else { "added to" };
    print(format_args!("{what} {}\n\nNow try:  cargo test --test agents", inert::path(&manifest)));
    Ok(())
}

/// Writes a file that is not there yet, with the folders above it.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::start;
    use crate::explore::{Campaign, CaseVerdict, Collect, Watchdog};
    use crate::scenario::{Case, Scenario};
    use perfidy_sim::{Engine, Interrupt, Seed};

    #[test]
    fn the_start_holds_as_written_and_is_caught_without_its_safeguard() {
        let text = include_str!("start/lost-ack.toml");
        let scenario = Scenario::parse(&start::suite(), "branch/lost-ack", text);
        let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
        let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
        let campaign = Campaign {
            engine: Engine::Native,
            first_seed: Seed(0),
            seeds: 200,
            collect: Collect::NONE,
            interrupted,
            watchdog,
        };
        let cases = Case::all(&scenario);
        assert_eq!(campaign.run(&cases[0]).verdict(), CaseVerdict::Holds);
        assert!(matches!(campaign.run(&cases[1]).verdict(), CaseVerdict::Caught(_)));
    }
}
