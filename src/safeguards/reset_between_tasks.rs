//! Reset between tasks: the record of a session says where each task begins, so that a restarted agent does
//! not go on with the messages of an earlier one.
//!
//! An agent that empties its memory after a task looks as if it forgot it. Its session store still has every
//! message, and the next restart brings them all back: a model then reads what belongs to another task, and
//! perhaps to another customer.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct ResetBetweenTasks;

impl Safeguard for ResetBetweenTasks {
    const NAME: &'static str = "reset-between-tasks";
    const ABOUT: &'static str = "the start of each task is durable in the session, and recovery begins there";
    const EXAMPLE: &'static str = "reset-between-tasks = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
