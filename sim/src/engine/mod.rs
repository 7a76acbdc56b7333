//! Engines: two ways to run one world.
//!
//! An engine polls tasks and lets time pass; everything else is the world's. It calls `Core::advance` for the
//! next thing to happen, polls what that woke, and carries out the commands that were left. Nothing above this
//! module knows which engine runs, and only `madsim.rs` names madsim.

pub(crate) mod native;

#[cfg(madsim)]
mod madsim;

use serde::{Deserialize, Serialize};
use std::any::Any;
use std::fmt;
use std::str::FromStr;

/// A way to run a world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// perfidy's own single-threaded executor: no flags, millions of runs in one process.
    #[default]
    Native,
    /// madsim's runtime, for agents that are real tokio code. Needs `--cfg madsim`.
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

    /// Its name, as on the command line and in saved seeds.
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
pub(crate) fn run_madsim<D: crate::Domain>(_: impl FnOnce() -> crate::World<D> + Send) -> crate::Outcome<D> {
    panic!("{EngineMissing}")
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
