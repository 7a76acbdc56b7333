//! A client that perfidy starts itself, and can kill and start again.

use crate::clients::{Handle, Request};
use crate::process_group;
use std::ffi::OsString;
use std::io;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How often a process is looked at.
const TICK: Duration = Duration::from_millis(20);

/// How a client is started: its program with arguments, and what is added to its environment.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments; there is at least the program.
    pub line: Vec<OsString>,
    /// What is added to the environment.
    pub environment: Vec<(String, String)>,
}

/// The process of a client, in a process group of its own: what it starts ends with it.
#[derive(Debug)]
pub struct Child {
    process: Arc<Mutex<process::Child>>,
    is_killed: Arc<AtomicBool>,
}

impl Child {
    /// Starts a client. When it ends by itself, `handle` is told, with whether its exit status is zero. What
    /// it prints goes to standard error.
    ///
    /// # Errors
    /// If the program cannot be started.
    #[expect(clippy::disallowed_methods, reason = "a process outside of every world is waited for")]
    pub fn start(command: &Command, handle: Handle) -> io::Result<Self> {
        let mut start = process::Command::new(&command.line[0]);
        start.args(&command.line[1..]).stdin(process::Stdio::null()).stdout(io::stderr());
        start.envs(command.environment.iter().map(|(name, value)| (name, value)));
        let process = Arc::new(Mutex::new(process_group::start(&mut start)?));
        let is_killed = Arc::new(AtomicBool::new(false));
        let child = Self { process: Arc::clone(&process), is_killed: Arc::clone(&is_killed) };
        thread::spawn(move || {
            while !is_killed.load(Ordering::Relaxed) {
                let ended = lock(&process).try_wait();
                if let Ok(Some(status)) = ended
                    && !is_killed.load(Ordering::Relaxed)
                {
                    return handle.tell(Request::Ended(Some(status.success())));
                }
                thread::sleep(TICK);
            }
        });
        Ok(child)
    }
}

/// Kills the process with all that it has started, and waits for its end.
impl Drop for Child {
    fn drop(&mut self) {
        self.is_killed.store(true, Ordering::Relaxed);
        process_group::kill(&mut lock(&self.process));
    }
}

fn lock(process: &Mutex<process::Child>) -> std::sync::MutexGuard<'_, process::Child> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}
