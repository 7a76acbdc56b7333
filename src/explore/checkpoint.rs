//! The checkpoint of a campaign: a file in its corpus from which it can be taken up again.
//!
//! The file is replaced whole, so a process that is killed leaves the checkpoint before or the checkpoint
//! after. Of several campaigns that share a corpus only one has the checkpoint; it holds a lock, which ends
//! with its process. If the folder is emptied while a campaign runs, the checkpoint and its lock are made
//! anew when the checkpoint is written next.

use crate::config::{Problem, Problems};
use crate::explore::{FuzzState, durable};
use crate::scenario::read_long_text;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file of the checkpoint, in the corpus.
const FILE: &str = ".campaign.toml";

/// The file to which the checkpoint of an earlier campaign goes when another begins.
const BEFORE: &str = ".campaign.before.toml";

/// The file that is locked. It is another one because the checkpoint is replaced.
const LOCK: &str = ".campaign.lock";

/// The checkpoint of a campaign.
pub struct CampaignCheckpoint {
    path: PathBuf,
    /// Locked for as long as it is open. `None` if the checkpoint is another process's.
    lock: Option<File>,
}

impl CampaignCheckpoint {
    /// Claims the checkpoint in a corpus, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made or written to.
    pub fn claim(corpus: &Path) -> io::Result<Self> {
        Ok(Self { path: corpus.join(FILE), lock: lock(corpus)? })
    }

    /// The checkpoint in a corpus, to be read and not to be kept.
    pub fn to_be_read(corpus: &Path) -> Self {
        Self { path: corpus.join(FILE), lock: None }
    }

    /// Whether no other campaign has it.
    pub fn is_ours(&self) -> bool {
        self.lock.is_some()
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The campaign that was left here.
    ///
    /// # Errors
    /// If there is none, or the file is not one that a campaign wrote.
    pub fn read(&self) -> Result<FuzzState, Problems> {
        let text = read_long_text(&self.path)?;
        let bad = |problem| Problems::new(self.path.display().to_string(), text.as_str(), vec![problem]);
        let rounds: FuzzState =
            toml::from_str(&text).map_err(|error| bad(Problem::in_toml(&text, &error)))?;
        if rounds.has_this_schema() {
            return Ok(rounds);
        }
        Err(bad(Problem::whole("another version of perfidy left this campaign")
            .help("begin anew without --resume")))
    }

    /// Copies the checkpoint of an earlier campaign, if there is one and it is not another process's, so that
    /// another can begin without it being lost; says where to. What was copied there before is replaced.
    ///
    /// # Errors
    /// If the copy cannot be written.
    pub fn set_aside(&self) -> io::Result<Option<PathBuf>> {
        if !self.is_ours() || !self.path.exists() {
            return Ok(None);
        }
        let aside = self.path.with_file_name(BEFORE);
        durable::replace(&aside, &fs::read(&self.path)?)?;
        Ok(Some(aside))
    }

    /// Keeps the checkpoint of a campaign, unless it is another process's.
    ///
    /// # Errors
    /// If the file cannot be written, and then the one that was there stays; or if the lock was deleted and
    /// is now another process's, and with it the checkpoint.
    ///
    /// # Panics
    /// Never: a campaign has nothing that TOML cannot say.
    pub fn keep(&mut self, rounds: &FuzzState) -> io::Result<()> {
        let Some(held) = &self.lock else { return Ok(()) };
        let corpus = self.path.parent().unwrap_or(Path::new("."));
        if !is_at(held, &corpus.join(LOCK)) {
            self.lock = lock(corpus)?;
            if self.lock.is_none() {
                let taken = "its lock was deleted, and another campaign has taken the checkpoint";
                return Err(io::Error::other(taken));
            }
        }
        let text = toml::to_string(rounds).expect("a campaign has nothing that TOML cannot say");
        let text = format!("# Where a campaign stands. Go on with: perfidy fuzz --resume\n\n{text}");
        durable::replace(&self.path, text.as_bytes())
    }
}

/// The lock in a corpus, which is made if it is not there; `None` if another process has it.
fn lock(corpus: &Path) -> io::Result<Option<File>> {
    durable::create_folders(corpus)?;
    let lock = File::options().create(true).append(true).open(corpus.join(LOCK))?;
    Ok(match lock.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        // A file system without locks is not shared by campaigns that could be told apart.
        Ok(()) | Err(TryLockError::Error(_)) => Some(lock),
    })
}

/// Whether the open file is the one that stands at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |of: io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    identity(file.metadata()) == identity(fs::metadata(path))
}

/// Whether the open file is the one that stands at a path: on these systems an open file is not deleted.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
