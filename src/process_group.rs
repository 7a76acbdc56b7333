//! A process with all that it starts, in a process group of its own: they end together.
//!
//! Cargo starts the test target that it has built, and an agent may start anything. To end only
//! the process that was started leaves the others running. Where there are no process groups, only that one
//! is ended.

use std::io;
use std::process::{Child, Command};

/// Starts a process as the first of a group of its own, which signals from a terminal do not reach.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn start(command: &mut Command) -> io::Result<Child> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command.spawn()
}

/// Kills what is left of the group, and waits for the process.
pub(crate) fn kill(first: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(first.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // The first may have ended, and others of the group not.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    // One that has ended by itself cannot be killed, which is as good.
    let _ = first.kill();
    let _ = first.wait();
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::Stdio;

    #[test]
    fn what_a_process_has_started_ends_with_it() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo started; wait"]).stdout(Stdio::piped());
        let mut child = start(&mut shell).unwrap();
        let mut out = child.stdout.take().unwrap();
        let mut said = [0; 8];
        out.read_exact(&mut said).unwrap();
        kill(&mut child);
        // The end of its output comes when no process has it any more: not in ten minutes, but now.
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        assert_eq!((&said, &*rest), (b"started\n", &b""[..]));
    }
}
