//! What starts a program, once for each run: how is a matter of its language.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Variables that would send what is for the services of a scenario somewhere else.
const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NODE_USE_ENV_PROXY",
    "OPENAI_API_BASE",
];

/// What is the same in the environment of every run: where the services are.
const SERVICES: [(&str, &str); 7] = [
    ("TZ", "UTC"),
    ("OPENAI_BASE_URL", "http://model/v1"),
    ("OPENAI_API_KEY", "perfidy"),
    ("ANTHROPIC_BASE_URL", "http://model"),
    ("ANTHROPIC_API_KEY", "perfidy"),
    ("PERFIDY_MCP_URL", "http://mcp/mcp"),
    ("PERFIDY_USER_URL", "http://user/"),
];

/// Starts the children of one program. What it has started ends with it.
pub(super) trait Launcher: fmt::Debug + Send + Sync {
    /// Starts a child.
    ///
    /// # Errors
    /// If that is not possible.
    fn start(self: Arc<Self>, start: &Start<'_>) -> io::Result<Started>;

    /// Where the runs work.
    fn folders(&self) -> &Folders;

    /// Hears what a child that ended by itself had to import.
    fn learn(&self, _imported: &[String]) {}
}

/// A child that runs.
pub(super) struct Started {
    /// The way to it.
    pub stream: UnixStream,
    /// Its process.
    pub process: Box<dyn Process>,
}

/// The process of a child.
pub(super) trait Process {
    /// Its id.
    fn pid(&self) -> i32;

    /// Kills it, if it has not ended, and reaps it; its wait status, if that is known.
    fn end(&mut self) -> Option<i32>;
}

/// What a child is started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Where it works.
    pub folder: &'a Path,
    /// What is added to its environment.
    pub environment: Vec<(&'static str, String)>,
    /// The hosts that there are, by name, with their addresses.
    pub hosts: Vec<(String, String)>,
    /// What all of its randomness depends on.
    pub seed: u64,
    /// The process id that it sees.
    pub pid: u32,
}

impl Start<'_> {
    /// The hosts by their names, as JSON.
    pub fn hosts(&self) -> Value {
        json!(self.hosts.iter().cloned().collect::<BTreeMap<_, _>>())
    }
}

/// Gives a process the environment that is the same for every run.
pub(super) fn set_environment(command: &mut Command) {
    for name in PROXIES {
        command.env_remove(name);
    }
    command.envs(SERVICES);
}

/// Where the runs of a program work, each in a folder of its own. They are removed with this value, and by a
/// process that outlives this one.
#[derive(Debug)]
pub(super) struct Folders {
    root: TempDir,
    next: AtomicU64,
}

impl Folders {
    /// A new temporary folder for them.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("perfidy-").tempdir()?;
        Ok(Self { root, next: AtomicU64::new(0) })
    }

    /// The folder of all of them.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// A new folder in which a run works.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn for_a_run(&self) -> io::Result<PathBuf> {
        let folder = self.path().join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }
}
