//! A child: the script, once, for one task.
//!
//! It is spoken to in strict turns. Each says in one message what has happened, and waits for the other; the
//! child may send more than one message in its turn, of which the last says that the turn is over.

use super::activity::Activity;
use super::launcher::{Launcher, Process, Start, Started};
use perfidy_sim::{SimTime, interrupt};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

/// How long a child may work or wait in one turn, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a wait for a child is looked at.
const TICK: Duration = Duration::from_millis(100);

/// The longest message, and how much a child may say in one turn.
const MOST_BYTES: usize = 64 << 20;

/// What happens to a connection of a child: of which kind, its number, and what has come.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Event(pub &'static str, pub u64, pub String);

impl Event {
    /// Bytes have come.
    pub fn data(number: u64, bytes: &[u8]) -> Self {
        Self("data", number, bytes.iter().copied().map(char::from).collect())
    }
}

/// What a child does.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Operation {
    /// It opens a connection.
    Open { number: u64, host: String },
    /// It sends bytes.
    Send { number: u64, bytes: Vec<u8> },
    /// It sends no more on a connection, and still hears what comes.
    Finish { number: u64 },
    /// It closes a connection.
    Close { number: u64 },
    /// It prints something, on the stream of that name.
    Print { stream: String, text: String },
    /// It wanted what there is not, and was told what to do instead.
    Refused { what: String },
}

/// How a turn ends.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Then {
    /// It waits for something to come, or for a time if it has a timer.
    Waits(Option<SimTime>),
    /// It has ended, with a status.
    Ended(u8),
}

#[derive(Serialize)]
struct Resume<'a> {
    now: SimTimeNanos,
    wall: u64,
    events: &'a [Event],
}

type SimTimeNanos = u64;

#[derive(Deserialize)]
struct Said {
    ops: Vec<Vec<serde_json::Value>>,
    /// Whether the turn ends here, and the child waits: for the time `due`, if it has a timer.
    #[serde(default)]
    waits: bool,
    due: Option<u64>,
    exit: Option<u8>,
    imported: Option<Vec<String>>,
}

/// Why a child goes no further.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// It did what no child may, in words.
    Broken(String),
    /// The run is abandoned.
    Interrupted,
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Broken(what)
    }
}

/// A child, which is killed when this is dropped.
pub(super) struct Child {
    stream: UnixStream,
    unread: Vec<u8>,
    process: Box<dyn Process>,
    launcher: Arc<dyn Launcher>,
}

impl Child {
    /// Starts one.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn start(launcher: &Arc<dyn Launcher>, start: &Start<'_>) -> io::Result<Self> {
        let Started { stream, process } = Arc::clone(launcher).start(start)?;
        stream.set_read_timeout(Some(TICK))?;
        Ok(Self { stream, unread: Vec::new(), process, launcher: Arc::clone(launcher) })
    }

    /// Lets the child run at a time of its clocks, with what has happened to its connections, until it waits
    /// or ends. What it does until then is added to `operations`, also if it goes wrong.
    ///
    /// # Errors
    /// [`Stop`] if it did what no child may, or the run is abandoned.
    pub fn resume(
        &mut self,
        (monotonic, wall): (SimTime, u64),
        events: &[Event],
        operations: &mut Vec<Operation>,
    ) -> Result<Then, Stop> {
        let resume = Resume { now: monotonic.as_nanos(), wall, events };
        let mut line = serde_json::to_vec(&resume).expect("plain data");
        line.push(b'\n');
        // One that has died is noticed when its answer is read.
        let _ = self.stream.write_all(&line);
        let mut bytes = 0;
        loop {
            let line = self.line()?;
            bytes += line.len();
            if bytes > MOST_BYTES {
                return Err(Stop::Broken(format!("said more than {} MiB in one turn", MOST_BYTES >> 20)));
            }
            let said: Said =
                serde_json::from_slice(&line).map_err(|error| format!("said what is no message: {error}"))?;
            for operation in &said.ops {
                let read = operation_of(operation);
                operations.push(read.ok_or_else(|| format!("said what is no operation: {operation:?}"))?);
            }
            if let Some(status) = said.exit {
                self.launcher.learn(&said.imported.unwrap_or_default());
                return Ok(Then::Ended(status));
            }
            if said.waits {
                return Ok(Then::Waits(said.due.map(SimTime::from_nanos)));
            }
        }
    }

    /// The next line.
    fn line(&mut self) -> Result<Vec<u8>, Stop> {
        let (mut patience, mut seen) = (Patience::with(self.process.pid()), 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            if let Some(length) = self.unread[seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.unread.split_off(seen + length + 1);
                return Ok(std::mem::replace(&mut self.unread, rest));
            }
            seen = self.unread.len();
            if seen > MOST_BYTES {
                return Err(Stop::Broken(format!("said more than {} MiB at once", MOST_BYTES >> 20)));
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(self.how_it_died().into()),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if interrupt::current().is_some_and(|interrupt| interrupt.is_set()) {
                        return Err(Stop::Interrupted);
                    }
                    if patience.is_over() {
                        let seconds = PATIENCE.as_secs();
                        return Err(Stop::Broken(format!(
                            "did not come back for {seconds} s of real time: its clock stands still while it works, so \
                             a loop that waits for a time has to sleep, and a lock that is held by itself is never free"
                        )));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Broken(format!("cannot be heard: {error}"))),
            }
        }
    }

    fn how_it_died(&mut self) -> String {
        match self.process.end() {
            Some(status) if status & 0x7f != 0 => format!("was killed by signal {}", status & 0x7f),
            Some(status) => format!("ended without a word, with status {}", status >> 8),
            None => "is gone, with the process that had started it".to_owned(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// How long a turn may still take. On a busy machine a child may wait for a processor for long, which is not
/// its fault: what counts is how long it works, and how long it waits for something else.
struct Patience {
    pid: i32,
    /// How long it had worked at the first tick.
    worked_before: Option<Duration>,
    waited: Duration,
}

impl Patience {
    fn with(pid: i32) -> Self {
        Self { pid, worked_before: None, waited: Duration::ZERO }
    }

    /// Whether it is over, after one more tick.
    fn is_over(&mut self) -> bool {
        let activity = Activity::of(self.pid);
        if activity.is_none_or(|activity| activity.waits) {
            self.waited += TICK;
        }
        let worked = activity.map_or(Duration::ZERO, |activity| activity.worked);
        let worked_before = *self.worked_before.get_or_insert(worked);
        self.waited + worked.saturating_sub(worked_before) > PATIENCE
    }
}

fn operation_of(words: &[serde_json::Value]) -> Option<Operation> {
    let text = |place: usize| words.get(place)?.as_str().map(str::to_owned);
    let number = || words.get(1)?.as_u64();
    Some(match words.first()?.as_str()? {
        "open" => Operation::Open { number: number()?, host: text(2)? },
        "send" => {
            let bytes: Option<Vec<u8>> =
                words.get(2)?.as_str()?.chars().map(|c| u8::try_from(c).ok()).collect();
            Operation::Send { number: number()?, bytes: bytes? }
        }
        "finish" => Operation::Finish { number: number()? },
        "close" => Operation::Close { number: number()? },
        "print" => Operation::Print { stream: text(1)?, text: text(2)? },
        "refused" => Operation::Refused { what: text(1)? },
        _ => return None,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn patience_is_for_work_and_for_waiting_and_not_for_a_busy_machine() {
        let ticks = 300;
        for (command, ends) in [("exec sleep 600", true), ("while :; do :; done", false)] {
            let mut process = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).spawn().unwrap();
            let pid = i32::try_from(process.id()).unwrap();
            while ends && !Activity::of(pid).unwrap().waits {
                std::thread::yield_now();
            }
            let mut patience = Patience::with(pid);
            let is_over = (0..ticks).any(|_| patience.is_over());
            process.kill().unwrap();
            process.wait().unwrap();
            assert_eq!(is_over, ends, "{command}");
        }
    }
}
