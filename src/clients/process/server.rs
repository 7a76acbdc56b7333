//! The fork server: a process of Python that has imported what a script needs, and forks a child for each run.
//!
//! Requests and answers are lines of JSON on a socket that is its standard input. With a request to start comes one
//! end of the child's own socket. The fork server is the parent of every child, so it is the one that kills and
//! reaps it: the number of a process that is not reaped is never that of another one. When its socket is closed,
//! as it is however this process ends, it kills what is left, removes the working directories and ends.

use super::OLDEST;
use crate::workflows::HASH_SEED;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the fork server runs.
const SHIM: &str = include_str!("shim.py");

/// Variables that would send what is for the services of a scenario somewhere else.
const PROXIES: [&str; 7] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "OPENAI_API_BASE"];

/// What reads the rest from the socket: not a byte more, which would be of the first request.
const BOOT: &str = "import socket\nc = socket.socket(fileno=0)\nall = socket.MSG_WAITALL\n\
                    code = c.recv(int(c.recv(8, all)), all)\nc.detach()\n\
                    exec(compile(code, '<perfidy>', 'exec'), {'__name__': 'perfidy'})";

/// How long it may take in real time to answer: to start Python on a busy machine, or to import what a script needs.
const PATIENCE: Duration = Duration::from_mins(10);

/// Why there is no fork server.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The script cannot be compiled.
    Script(String),
    /// Python is too old.
    Version(String),
    /// Anything else.
    Other(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// A child as its fork server knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pid(pub(super) i32);

/// What a process does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    /// Whether it waits for something other than a processor or a disk.
    pub waits: bool,
    /// How long it has worked.
    pub worked: Duration,
}

impl Pid {
    /// What the process does, where the system says so: on Linux.
    pub fn activity(self) -> Option<Activity> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        // Before it stands the name of the program, which may have any character in it.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let hundredths = |place: usize| fields.get(place)?.parse::<u64>().ok();
        let worked = Duration::from_millis(10 * (hundredths(11)? + hundredths(12)?));
        Some(Activity { waits: fields[0] == "S", worked })
    }
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

/// The fork server of a program.
pub(super) struct ForkServer {
    control: Mutex<Control>,
    arguments: Vec<String>,
    /// Where the runs work, each in a folder of its own. The fork server removes it.
    folders: PathBuf,
    next_folder: AtomicU64,
    process: Mutex<Child>,
}

struct Control {
    stream: UnixStream,
    answers: BufReader<UnixStream>,
    /// Whether it has imported what its first child did.
    is_warm: bool,
}

#[derive(Deserialize)]
struct Answer {
    error: Option<String>,
    version: Option<(u32, u32, u32)>,
    pid: Option<i32>,
    status: Option<i32>,
}

impl fmt::Debug for ForkServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForkServer").field("folders", &self.folders).finish_non_exhaustive()
    }
}

impl ForkServer {
    /// Starts one.
    ///
    /// # Errors
    /// [`Trouble`] if Python cannot run, or the script cannot be compiled.
    pub fn start(interpreter: &str, script: &Path, arguments: Vec<String>) -> Result<Self, Trouble> {
        let folders = tempfile::Builder::new().prefix("perfidy-").tempdir()?;
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(interpreter);
        command.arg("-c").arg(BOOT).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        for name in PROXIES {
            command.env_remove(name);
        }
        for (name, value) in constants() {
            command.env(name, value);
        }
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn()?;
        drop(command);
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut control =
            Control { answers: BufReader::new(ours.try_clone()?), stream: ours, is_warm: false };
        write!(control.stream, "{:8}{SHIM}", SHIM.len())?;
        let server = Self {
            control: Mutex::new(control),
            arguments,
            folders: folders.keep(),
            next_folder: AtomicU64::new(0),
            process: Mutex::new(process),
        };
        let load = json!({ "do": "load", "script": script, "folders": server.folders });
        let loaded = server.control().ask(&load, None);
        let answer = loaded.map_err(|error| match error {
            Refusal::Said(why) => Trouble::Script(why),
            Refusal::Gone(error) => Trouble::Other(error.to_string()),
        })?;
        let (major, minor, patch) = answer.version.unwrap_or_default();
        if (major, minor) < OLDEST {
            return Err(Trouble::Version(format!("{major}.{minor}.{patch}")));
        }
        Ok(server)
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new folder in which a run works.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new_folder(&self) -> io::Result<PathBuf> {
        let number = self.next_folder.fetch_add(1, Ordering::Relaxed);
        let folder = self.folders.join(number.to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Forks a child, which is at the other end of `theirs`.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn fork(&self, start: &Start<'_>, theirs: &UnixStream) -> io::Result<Pid> {
        let request = json!({
            "do": "start",
            "arguments": self.arguments,
            "folder": start.folder,
            "environment": start.environment.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "hosts": start.hosts.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "seed": start.seed,
            "pid": start.pid,
        });
        let answer = self.control().ask(&request, Some(theirs))?;
        answer.pid.map(Pid).ok_or_else(|| io::Error::other("the fork server names no process"))
    }

    /// Kills a child, if it has not ended, and reaps it; its wait status.
    pub fn end(&self, Pid(pid): Pid) -> Option<i32> {
        self.control().ask(&json!({ "do": "end", "pid": pid }), None).ok()?.status
    }

    /// Imports what the first child that ended by itself had to import, for those after it.
    pub fn learn(&self, imported: &[String]) {
        let mut control = self.control();
        if !std::mem::replace(&mut control.is_warm, true) {
            // What it cannot import is imported by each child.
            let _ = control.ask(&json!({ "do": "imports", "names": imported }), None);
        }
    }
}

/// Why a request was not granted.
enum Refusal {
    Said(String),
    Gone(io::Error),
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(why) => Self::other(why),
            Refusal::Gone(error) => error,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl Control {
    fn ask(&mut self, request: &Value, with: Option<&UnixStream>) -> Result<Answer, Refusal> {
        let line = format!("{request}\n");
        match with {
            None => self.stream.write_all(line.as_bytes())?,
            Some(stream) => send_with(&self.stream, line.as_bytes(), stream)?,
        }
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            return Err(io::Error::other("it has ended").into());
        }
        let answer: Answer = serde_json::from_str(&answer).map_err(io::Error::other)?;
        match answer.error {
            Some(why) => Err(Refusal::Said(why)),
            None => Ok(answer),
        }
    }
}

/// Sends bytes, and with the first of them a socket.
fn send_with(stream: &UnixStream, bytes: &[u8], with: &UnixStream) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [with.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&fds));
    let sent = sendmsg(stream, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty())?;
    (&*stream).write_all(&bytes[sent..])
}

/// What is the same in the environment of every run.
fn constants() -> Vec<(&'static str, String)> {
    let hash_seed = std::env::var(HASH_SEED).unwrap_or_else(|_| "0".to_owned());
    vec![
        ("PYTHONHASHSEED", hash_seed),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
        // The SDKs of OpenAI and Anthropic build their types when they are imported, which is once, and not in
        // each child.
        ("DEFER_PYDANTIC_BUILD", "false".to_owned()),
        // Traces would be sent to hosts that no scenario has.
        ("OPENAI_AGENTS_DISABLE_TRACING", "1".to_owned()),
        ("LANGSMITH_TRACING", "false".to_owned()),
        ("LANGCHAIN_TRACING_V2", "false".to_owned()),
        ("OTEL_SDK_DISABLED", "true".to_owned()),
        ("OPENAI_BASE_URL", "http://model/v1".to_owned()),
        ("OPENAI_API_KEY", "perfidy".to_owned()),
        ("ANTHROPIC_BASE_URL", "http://model".to_owned()),
        ("ANTHROPIC_API_KEY", "perfidy".to_owned()),
        ("PERFIDY_MCP_URL", "http://mcp/mcp".to_owned()),
        ("PERFIDY_USER_URL", "http://user/".to_owned()),
    ]
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        let control = self.control.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = control.stream.shutdown(std::net::Shutdown::Both);
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = process.wait();
    }
}
