//! The crate that a suite belongs to, and how its program is started there.
//!
//! A suite knows the command line by which a person starts it again, so that every hint (how to replay a
//! failure, how to save one) is a command that works in that crate, and not only where `perfidy` is
//! installed.

use crate::suite::Suite;
use std::env;
use std::path::{Path, PathBuf};
use std::thread;

/// The subcommands, for programs that have them all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// A program with the subcommands of perfidy, such as `perfidy` or `cargo run --`.
    Command(String),
    /// A test target without a harness of its own, which has the same subcommands.
    Harness(String),
    /// A test that runs one [check](crate::check()): started again, it replays what it has saved.
    Check(String),
}

impl Suite {
    /// What comes with perfidy, for a test of this crate: its scenarios are in `scenarios/` and its saved
    /// failures in `seeds/` of the crate's folder. Cargo names that folder to every test that it starts, in
    /// `CARGO_MANIFEST_DIR`; in a program that cargo did not start it is the current one.
    ///
    /// ```no_run
    /// // tests/agents.rs, with `harness = false` in Cargo.toml
    /// use perfidy::prelude::*;
    /// use std::process::ExitCode;
    ///
    /// fn main() -> ExitCode {
    ///     let team = Workflow::new("helpdesk").about("one clerk").agent("clerk", |agent: Agent| async move {
    ///         loop {
    ///             agent.receive().await;
    ///         }
    ///     });
    ///     Suite::here().workflow(team).main()
    /// }
    /// ```
    pub fn here() -> Self {
        let (home, program) = (home(), env::current_exe().unwrap_or_default());
        let start = match test_target(&program) {
            Some(target) => Start::Harness(format!("cargo test --test {target} --")),
            None => Start::Command(program_command(&program)),
        };
        let mut suite = Self::shipped();
        let parts = suite.parts();
        (parts.home, parts.start) = (Some(home), start);
        suite
    }

    /// The same suite for a test that runs one check of it.
    pub(crate) fn of_a_check() -> Self {
        let mut suite = Self::here();
        let program = env::current_exe().unwrap_or_default();
        let test = thread::current().name().filter(|name| *name != "main").map(str::to_owned);
        suite.parts().start = Start::Check(test_command(&home(), &program, test.as_deref()));
        suite
    }

    /// The same suite for the program that runs it: a program other than `perfidy` is started in its own
    /// way.
    #[cfg(feature = "cli")]
    pub(crate) fn as_started(&self) -> Self {
        let program = env::current_exe().unwrap_or_default();
        let is_perfidy = program.file_stem().is_some_and(|name| name == "perfidy");
        let mut suite = self.clone();
        if suite.0.home.is_none() && !is_perfidy {
            suite.parts().start = Start::Command(program_command(&program));
        }
        suite
    }

    /// Whether its program is a test target of a crate.
    #[cfg(feature = "cli")]
    pub(crate) fn is_harness(&self) -> bool {
        matches!(self.0.start, Start::Harness(_))
    }

    /// How its program is started, up to the name of a subcommand: `perfidy` for the command that comes
    /// with perfidy.
    pub fn command(&self) -> &str {
        match &self.0.start {
            Start::Command(command) | Start::Harness(command) => command,
            Start::Check(_) => "perfidy",
        }
    }

    /// The command that runs the check of this suite, if it is the suite of one.
    pub(crate) fn check_command(&self) -> Option<&str> {
        match &self.0.start {
            Start::Check(test) => Some(test),
            Start::Command(_) | Start::Harness(_) => None,
        }
    }

    /// Where names are known that this suite does not have: the `perfidy` command has what is shipped, and
    /// what is of a crate is in the suite of its tests. Nothing for the suite of a crate.
    pub(crate) fn elsewhere(&self) -> &'static str {
        match &self.0.start {
            Start::Command(command) if command == "perfidy" => {
                "; what is of a crate is known to its tests, as in `cargo test --test agents -- list`"
            }
            _ => "",
        }
    }

    /// The command line that replays a saved failure.
    pub(crate) fn replay_command(&self, file: &str) -> String {
        match &self.0.start {
            Start::Command(command) | Start::Harness(command) => format!("{command} replay {file}"),
            Start::Check(test) => format!("{test}   (replays {file} first)"),
        }
    }

    /// A folder of the crate that it belongs to, such as `scenarios`. Relative where that is the current
    /// folder.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        match &self.0.home {
            Some(home) if env::current_dir().is_ok_and(|current| current != *home) => home.join(name),
            _ => PathBuf::from(name),
        }
    }
}

/// The folder of the crate whose test or program this is.
fn home() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env::current_dir().unwrap_or_default(), PathBuf::from)
}

/// The name of the test target that a program is: cargo puts them into `deps`, with sixteen digits behind
/// the name.
fn test_target(program: &Path) -> Option<&str> {
    let (target, digits) = program.file_stem()?.to_str()?.rsplit_once('-')?;
    let is_digits = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_in_deps = program.parent()?.file_name()? == "deps";
    (is_digits && is_in_deps).then_some(target)
}

/// How a program that is no test target is started: by cargo if cargo has started it, otherwise by its path.
fn program_command(program: &Path) -> String {
    let name = program.file_stem().unwrap_or_default().to_string_lossy();
    if env::var_os("CARGO_MANIFEST_DIR").is_none() {
        return env::args().next().unwrap_or_else(|| name.into_owned());
    }
    let is_release = program.parent().and_then(Path::file_name).is_some_and(|folder| folder == "release");
    format!("cargo run {}--bin {name} --", if is_release { "--release " } else { "" })
}

/// How a test is started again.
fn test_command(home: &Path, program: &Path, test: Option<&str>) -> String {
    let target = match test_target(program) {
        Some(target) if is_integration_test(home, target) => format!(" --test {target}"),
        Some(_) => " --lib".to_owned(),
        None => " --doc".to_owned(),
    };
    format!("cargo test{target}{}", test.map(|test| format!(" {test}")).unwrap_or_default())
}

fn is_integration_test(home: &Path, target: &str) -> bool {
    let tests = home.join("tests");
    tests.join(format!("{target}.rs")).exists() || tests.join(target).join("main.rs").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_target_is_known_by_where_cargo_puts_it() {
        assert_eq!(test_target(Path::new("target/debug/deps/agents-0123456789abcdef")), Some("agents"));
        assert_eq!(test_target(Path::new("target/debug/deps/my-agents-0123456789abcdef")), Some("my-agents"));
        assert_eq!(test_target(Path::new("target/debug/agents-0123456789abcdef")), None);
        assert_eq!(test_target(Path::new("target/debug/deps/agents")), None);
    }

    #[test]
    fn a_test_is_started_again_by_its_target_and_name() {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let started = |program: &str, test| test_command(home, Path::new(program), test);
        assert_eq!(started("deps/stories-0123456789abcdef", Some("a::b")), "cargo test --test stories a::b");
        assert_eq!(started("deps/perfidy-0123456789abcdef", None), "cargo test --lib");
        assert_eq!(started("/tmp/rustdoctest/rust_out", None), "cargo test --doc");
    }

    #[test]
    fn a_suite_of_this_crate_has_its_folders_and_its_command() {
        let suite = Suite::here();
        assert_eq!(suite.folder("seeds"), Path::new("seeds"));
        assert!(suite.command().starts_with("cargo test --test perfidy"), "{}", suite.command());
        assert!(suite.is_harness() && !Suite::shipped().is_harness());
        assert_eq!(Suite::shipped().replay_command("a.toml"), "perfidy replay a.toml");
    }
}
