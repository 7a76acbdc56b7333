//! Engines: the two executors of a world, native and madsim.
//!
//! An engine polls tasks and lets time pass; everything else belongs to the world. It calls `Core::advance`
//! for the next event, polls the tasks which that woke, and carries out the commands left. No other module
//! knows which engine runs, and only `madsim.rs` names madsim.

pub(crate) mod native;
mod outside;

#[cfg(madsim)]
mod madsim;

pub use outside::{Outside, Turn};

use crate::core::{Core, Running};
use crate::node::{LocalFuture, Role};
use crate::queue::NodeIndex;
use crate::{Context, Domain, EventId, panic_capture};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::task::{Context as TaskContext, Poll};

/// A way to run a world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// perfidy's own single-threaded executor: no flags, millions of runs in one process.
    #[default]
    Native,
    /// madsim's runtime, for processes that are real tokio code. Needs `--cfg madsim`.
    ///
    /// Every process is a host of its own: others reach it by its name or, for the nth process of the
    /// world, at 10.0.0.n (and so on upwards). Unbiased `tokio::select!` does not replay; that of
    /// `perfidy-tokio` does, or use `biased`.
    Madsim,
}

/// The engine asked for is not part of this build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineMissing;

impl fmt::Display for EngineMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the madsim engine is not part of this build; build with RUSTFLAGS=\"--cfg madsim\", or in perfidy's \
             own repository without a RUSTFLAGS variable, which would replace the flags in .cargo/config.toml",
        )
    }
}

impl std::error::Error for EngineMissing {}

impl Engine {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Native, Self::Madsim];

    /// Whether the engine is part of this build.
    ///
    /// # Errors
    /// [`EngineMissing`] for madsim without `--cfg madsim`.
    pub const fn available(self) -> Result<(), EngineMissing> {
        match self {
            Self::Madsim if cfg!(not(madsim)) => Err(EngineMissing),
            _ => Ok(()),
        }
    }

    /// The engine's name on the command line and in saved seeds.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Madsim => "madsim",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|engine| engine.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not an engine; there are `native` and `madsim`"))
    }
}

#[cfg(madsim)]
pub(crate) use madsim::run as run_madsim;

#[cfg(not(madsim))]
pub(crate) fn run_madsim<D: Domain>(
    _: impl FnOnce() -> crate::World<D> + Send,
) -> Option<crate::RunOutcome<D>> {
    panic!("{EngineMissing}")
}

/// The code of a node from its beginning; none if it panicked at once.
fn boot<D: Domain>(core: &Rc<RefCell<Core<D>>>, node: NodeIndex) -> Option<LocalFuture> {
    let boot = match &core.borrow_mut().node(node).role {
        Role::Process(boot) => Rc::clone(boot),
        Role::Service(_) => unreachable!("services have no tasks"),
    };
    let context = Context::new(Rc::clone(core), node);
    core.borrow_mut().begin_code(node);
    run_code(core, node, || boot(context))
}

/// A task managed by the world, with the last event that happened to it: the cause of its next action.
struct Task {
    incarnation: u32,
    future: LocalFuture,
    cause: Option<EventId>,
}

/// Polls a task once, unless the run is over. A task that panicked counts as ready.
fn poll<D: Domain>(
    core: &RefCell<Core<D>>,
    node: NodeIndex,
    Task { incarnation, future, cause }: &mut Task,
    cx: &mut TaskContext<'_>,
) -> Poll<()> {
    {
        let mut core = core.borrow_mut();
        if !core.begin_poll(node) {
            return Poll::Pending;
        }
        core.running = Some(Running { of: (node, *incarnation), cause: *cause });
    }
    let polled = run_code(core, node, || future.as_mut().poll(cx)).unwrap_or(Poll::Ready(()));
    *cause = core.borrow_mut().running.take().and_then(|running| running.cause);
    polled
}

fn run_code<D: Domain, T>(core: &RefCell<Core<D>>, node: NodeIndex, work: impl FnOnce() -> T) -> Option<T> {
    let result = panic_capture::catch(work);
    core.borrow_mut().end_code(node, result.as_ref().err());
    result.ok()
}
