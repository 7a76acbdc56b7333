//! Node: a process for each run, which loads the files of `javascript/` before the script.
//!
//! They come from a temporary folder, beside those in which the runs work. A shell guards it: it is told
//! nothing, and when its input ends, as it does however this process ends, it removes the folder and kills
//! every process of its group, which are all that were started here.

use super::launcher::{Folders, Launcher, Process, Start, Started, set_environment};
use serde_json::json;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// What Node loads before the script, the first of them by itself.
const FILES: [(&str, &str); 11] = [
    ("main.cjs", include_str!("javascript/main.cjs")),
    ("channel.cjs", include_str!("javascript/channel.cjs")),
    ("dates.cjs", include_str!("javascript/dates.cjs")),
    ("enter.mjs", include_str!("javascript/enter.mjs")),
    ("loop.cjs", include_str!("javascript/loop.cjs")),
    ("network.cjs", include_str!("javascript/network.cjs")),
    ("output.cjs", include_str!("javascript/output.cjs")),
    ("ports.cjs", include_str!("javascript/ports.cjs")),
    ("randomness.cjs", include_str!("javascript/randomness.cjs")),
    ("refusals.cjs", include_str!("javascript/refusals.cjs")),
    ("timers.cjs", include_str!("javascript/timers.cjs")),
];

/// Waits for the end of its input.
const GUARD: &str = "trap '' INT TERM HUP; cat >/dev/null; rm -rf -- \"$1\"; kill -KILL 0";

/// Runs Node with its standard input, the way to this process, as the descriptor that `channel.cjs` reads.
const STARTER: &str = "exec \"$@\" 3<&0 </dev/null";

/// What Node would be told to do by the environment of the user.
const TOLD_OTHERWISE: [&str; 3] = ["NODE_OPTIONS", "NODE_V8_COVERAGE", "NODE_REPL_EXTERNAL_MODULE"];

/// Options of Node whose values are words of their own.
const WITH_VALUES: [&str; 8] =
    ["--import", "--require", "-r", "--loader", "--experimental-loader", "--conditions", "-C", "--env-file"];

/// The versions of Node that are supported, from this one on.
const OLDEST: u32 = 20;

/// Those that run TypeScript by themselves.
const WITH_TYPES: (u32, u32) = (22, 18);

/// Why a script cannot run.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Node cannot read it.
    Script(String),
    /// It is TypeScript, and Node, of that version, cannot run it.
    Types(String),
    /// Node is too old.
    Version(String),
    /// Anything else.
    Other(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// What is run: the words after the interpreter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// The options of Node.
    pub options: Vec<String>,
    /// The script.
    pub script: String,
    /// The arguments of the script.
    pub arguments: Vec<String>,
}

impl Line {
    /// That of some words; none if they name no script.
    pub fn of(words: &[&str]) -> Option<Self> {
        let (mut options, mut words) = (Vec::new(), words.iter().map(|word| (*word).to_owned()));
        let script = loop {
            let word = words.next()?;
            if !word.starts_with('-') {
                break word;
            }
            let value = if WITH_VALUES.contains(&word.as_str()) { words.next() } else { None };
            options.extend([word].into_iter().chain(value));
        };
        Some(Self { options, script, arguments: words.collect() })
    }
}

/// Whether a program is called as Node is, perhaps with its version.
pub(super) fn is_node(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    matches!(name, "node" | "nodejs")
}

/// Node with a script.
pub(super) struct Node {
    interpreter: String,
    options: Vec<String>,
    script: PathBuf,
    arguments: Vec<String>,
    folders: Folders,
    guard: Mutex<Child>,
    group: i32,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("script", &self.script).finish_non_exhaustive()
    }
}

impl Node {
    /// Makes ready to start a script, whose path is absolute.
    ///
    /// # Errors
    /// [`Trouble`] if Node cannot run, or cannot read the script.
    pub fn new(interpreter: &str, script: PathBuf, line: Line) -> Result<Self, Trouble> {
        let Line { options, arguments, .. } = line;
        check(interpreter, &script, &options)?;
        let folders = Folders::new()?;
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD, "sh"]).arg(folders.path()).process_group(0);
        let guard = guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let group = i32::try_from(guard.id()).map_err(io::Error::other)?;
        let interpreter = interpreter.to_owned();
        let guard = Mutex::new(guard);
        let node = Self { interpreter, options, script, arguments, folders, guard, group };
        fs::create_dir(node.before())?;
        for (name, text) in FILES {
            fs::write(node.before().join(name), text)?;
        }
        Ok(node)
    }

    /// Where the files are that come before the script.
    fn before(&self) -> PathBuf {
        self.folders.path().join("before")
    }
}

/// Whether a Node can run a script, as far as it can say itself.
fn check(interpreter: &str, script: &Path, options: &[String]) -> Result<(), Trouble> {
    let said = Command::new(interpreter).arg("--version").stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let found = said.trim_start_matches('v');
    let mut numbers = found.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if major < OLDEST {
        return Err(Trouble::Version(found.to_owned()));
    }
    let extension = script.extension().map(|extension| extension.to_string_lossy().into_owned());
    match extension.as_deref() {
        Some("ts" | "mts" | "cts") if options.is_empty() && (major, minor) < WITH_TYPES => {
            return Err(Trouble::Types(found.to_owned()));
        }
        Some("js" | "mjs" | "cjs") if options.is_empty() => {}
        Some("js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "tsx" | "jsx") | None => return Ok(()),
        Some(_) => return Err(Trouble::Script("its name does not end as that of a script does".to_owned())),
    }
    let mut command = Command::new(interpreter);
    let said = command.arg("--check").arg(script).stdin(Stdio::null()).output()?;
    if said.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said.stderr);
    let place = said.lines().next().and_then(|line| line.rsplit_once(':')).map(|(_, line)| line);
    let error = said.lines().find(|line| line.contains("Error: ")).unwrap_or("Node cannot read it");
    Err(Trouble::Script(place.map_or(error.to_owned(), |line| format!("{error}, line {line}"))))
}

impl Launcher for Node {
    fn start(self: Arc<Self>, start: &Start<'_>) -> io::Result<Started> {
        let (mut stream, theirs) = UnixStream::pair()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", STARTER, "sh", &self.interpreter]);
        command.arg("--require").arg(self.before().join("main.cjs"));
        if !self.options.is_empty() {
            command.args(&self.options).arg("--import").arg(self.before().join("enter.mjs"));
        }
        command.arg(&self.script).args(&self.arguments);
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).stderr(Stdio::null());
        set_environment(&mut command);
        for name in TOLD_OTHERWISE {
            command.env_remove(name);
        }
        // One thread in its pool does one thing after the other: which file is read first is no race.
        command.env("UV_THREADPOOL_SIZE", "1").envs(start.environment.iter().cloned());
        let child = command.process_group(self.group).spawn()?;
        let process = Box::new(OneRun(child));
        let told = json!({
            "seed": start.seed.to_string(),
            "pid": start.pid,
            "hosts": start.hosts(),
            "folder": start.folder,
            "entersLater": !self.options.is_empty(),
        });
        // One that has died is noticed when its answer is read.
        let _ = stream.write_all(format!("{told}\n").as_bytes());
        Ok(Started { stream, process })
    }

    fn folders(&self) -> &Folders {
        &self.folders
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let guard = self.guard.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(guard.stdin.take());
        let _ = guard.wait();
    }
}

/// The process of one run.
struct OneRun(Child);

impl Process for OneRun {
    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap_or_default()
    }

    fn end(&mut self) -> Option<i32> {
        // One that has ended by itself cannot be killed, which is as good.
        let _ = self.0.kill();
        self.0.wait().ok().map(ExitStatusExt::into_raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_options_of_node_a_script_and_its_arguments() {
        let line =
            Line::of(&["--import", "tsx", "--no-warnings", "-r=x", "agent.ts", "--key", "-r"]).unwrap();
        assert_eq!(line.options, ["--import", "tsx", "--no-warnings", "-r=x"]);
        assert_eq!(line.script, "agent.ts");
        assert_eq!(line.arguments, ["--key", "-r"]);
        assert_eq!(Line::of(&["--import", "tsx"]), None);
        assert_eq!(Line::of(&[]), None);
    }

    #[test]
    fn node_is_known_by_its_name() {
        for name in ["node", "nodejs", "node22", "node-22.1"] {
            assert!(is_node(name), "{name}");
        }
        for name in ["nodemon", "deno", "bun", "tsx", "python3"] {
            assert!(!is_node(name), "{name}");
        }
    }

    #[test]
    fn every_file_that_node_loads_before_the_script_is_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clients/process/javascript");
        let mut found: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        let mut shipped = FILES.map(|(name, _)| name.to_owned()).to_vec();
        found.sort();
        shipped.sort();
        assert_eq!(shipped, found);
    }
}
