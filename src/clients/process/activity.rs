//! What the process of a child does, as the system has it: whether it works, and how much it has worked.

use std::fs;
use std::time::Duration;

/// What a process does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activity {
    /// Whether it waits for something other than a processor or a disk.
    pub waits: bool,
    /// How long it has worked.
    pub worked: Duration,
}

impl Activity {
    /// Of the process with an id, where the system says so: on Linux.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Before it stands the name of the program, which may have any character in it.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let hundredths = |place: usize| fields.get(place)?.parse::<u64>().ok();
        let worked = Duration::from_millis(10 * (hundredths(11)? + hundredths(12)?));
        Some(Self { waits: fields[0] == "S", worked })
    }
}
