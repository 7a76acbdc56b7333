//! The fork server: a process of Python that has imported what a script needs, and forks a child for each
//! run.
//!
//! Requests and answers are lines of JSON on a socket that is its standard input. With a request to start
//! comes one end of the child's own socket. The fork server is the parent of every child, so it is the one
//! that kills and reaps it: the number of a process that is not reaped is never that of another one. When its
//! socket is closed, as it is however this process ends, it kills what is left, removes the working
//! directories and ends.

use super::OLDEST;
use super::launcher::{Folders, Launcher, Process, Start, Started, set_environment};
use crate::workflows::HASH_SEED;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the fork server runs.
const SHIM: &str = include_str!("shim.py");

/// What reads the rest from the socket: not a byte more, which would be of the first request.
const BOOT: &str = "import socket\nc = socket.socket(fileno=0)\nall = socket.MSG_WAITALL\n\
                    code = c.recv(int(c.recv(8, all)), all)\nc.detach()\n\
                    exec(compile(code, '<perfidy>', 'exec'), {'__name__': 'perfidy'})";

/// How long it may take in real time to answer: to start Python on a busy machine, or to import what a script
/// needs.
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
struct Pid(i32);

/// The fork server of a program.
pub(super) struct ForkServer {
    control: Mutex<Control>,
    arguments: Vec<String>,
    /// The fork server removes them.
    folders: Folders,
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
        let folders = Folders::new()?;
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(interpreter);
        command.arg("-c").arg(BOOT).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        set_environment(&mut command);
        command.envs(constants());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn()?;
        drop(command);
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut control =
            Control { answers: BufReader::new(ours.try_clone()?), stream: ours, is_warm: false };
        write!(control.stream, "{:8}{SHIM}", SHIM.len())?;
        let server = Self { control: Mutex::new(control), arguments, folders, process: Mutex::new(process) };
        let load = json!({ "do": "load", "script": script, "folders": server.folders.path() });
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

    /// Forks a child, which is at the other end of `theirs`.
    ///
    /// # Errors
    /// If that is not possible.
    fn fork(&self, start: &Start<'_>, theirs: &UnixStream) -> io::Result<Pid> {
        let request = json!({
            "do": "start",
            "arguments": self.arguments,
            "folder": start.folder,
            "environment": start.environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            "hosts": start.hosts(),
            "seed": start.seed,
            "pid": start.pid,
        });
        let answer = self.control().ask(&request, Some(theirs))?;
        answer.pid.map(Pid).ok_or_else(|| io::Error::other("the fork server names no process"))
    }

    /// Kills a child, if it has not ended, and reaps it; its wait status.
    fn end(&self, Pid(pid): Pid) -> Option<i32> {
        self.control().ask(&json!({ "do": "end", "pid": pid }), None).ok()?.status
    }
}

impl Launcher for ForkServer {
    fn start(self: Arc<Self>, start: &Start<'_>) -> io::Result<Started> {
        let (stream, theirs) = UnixStream::pair()?;
        let pid = self.fork(start, &theirs)?;
        Ok(Started { stream, process: Box::new(Forked { server: self, pid }) })
    }

    fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Imports what the first child that ended by itself had to import, for those after it.
    fn learn(&self, imported: &[String]) {
        let mut control = self.control();
        if !std::mem::replace(&mut control.is_warm, true) {
            // What it cannot import is imported by each child.
            let _ = control.ask(&json!({ "do": "imports", "names": imported }), None);
        }
    }
}

/// A child, of its fork server.
struct Forked {
    server: Arc<ForkServer>,
    pid: Pid,
}

impl Process for Forked {
    fn pid(&self) -> i32 {
        self.pid.0
    }

    fn end(&mut self) -> Option<i32> {
        self.server.end(self.pid)
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

/// What is Python's own in the environment of every run.
fn constants() -> Vec<(&'static str, String)> {
    let hash_seed = std::env::var(HASH_SEED).unwrap_or_else(|_| "0".to_owned());
    vec![
        ("PYTHONHASHSEED", hash_seed),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        // The SDKs of OpenAI and Anthropic build their types when they are imported, which is once, and not
        // in each child.
        ("DEFER_PYDANTIC_BUILD", "false".to_owned()),
        // Traces would be sent to hosts that no scenario has.
        ("OPENAI_AGENTS_DISABLE_TRACING", "1".to_owned()),
        ("LANGSMITH_TRACING", "false".to_owned()),
        ("LANGCHAIN_TRACING_V2", "false".to_owned()),
        ("OTEL_SDK_DISABLED", "true".to_owned()),
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
