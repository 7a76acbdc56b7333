//! The place of a campaign: a file in its corpus from which it can be taken up again.
//!
//! The file is replaced whole, so a process that is killed leaves the place before or the place after. Of several
//! campaigns that share a corpus only one has the place; it holds a lock, which ends with its process.

use crate::explore::Rounds;
use crate::explore::corpus::readable_by_all;
use crate::scenario::{Problem, Problems, read_text};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file of the place, in the corpus.
const FILE: &str = ".campaign.toml";

/// The file to which the place of an earlier campaign goes when another begins.
const BEFORE: &str = ".campaign.before.toml";

/// The file that is locked. It is another one because the place is replaced.
const LOCK: &str = ".campaign.lock";

/// The place of a campaign.
pub struct Place {
    path: PathBuf,
    /// Locked for as long as it is open. `None` if the place is somebody else's.
    lock: Option<File>,
}

impl Place {
    /// Claims the place in a corpus, which is made if it is not there.
    ///
    /// # Errors
    /// If the folder cannot be made or written to.
    pub fn claim(corpus: &Path) -> io::Result<Self> {
        fs::create_dir_all(corpus)?;
        let lock = File::options().create(true).append(true).open(corpus.join(LOCK))?;
        let lock = match lock.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            // A file system without locks is not shared by campaigns that could be told apart.
            Ok(()) | Err(TryLockError::Error(_)) => Some(lock),
        };
        Ok(Self { path: corpus.join(FILE), lock })
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
    pub fn read(&self) -> Result<Rounds, Problems> {
        let text = read_text(&self.path)?;
        let bad = |problem| Problems::new(self.path.display().to_string(), text.as_str(), vec![problem]);
        let rounds: Rounds = toml::from_str(&text).map_err(|error| bad(Problem::in_toml(&text, &error)))?;
        if rounds.has_this_schema() {
            return Ok(rounds);
        }
        Err(bad(Problem::whole("another version of perfidy left this campaign")
            .help("begin anew without --resume")))
    }

    /// Copies the place of an earlier campaign, if there is one and it is not somebody else's, so that another can begin
    /// without it being lost; says where to. What was copied there before is replaced.
    ///
    /// # Errors
    /// If the copy cannot be written.
    pub fn set_aside(&self) -> io::Result<Option<PathBuf>> {
        if !self.is_ours() || !self.path.exists() {
            return Ok(None);
        }
        let aside = self.path.with_file_name(BEFORE);
        replace(&aside, &fs::read(&self.path)?)?;
        Ok(Some(aside))
    }

    /// Keeps the place of a campaign, unless it is somebody else's.
    ///
    /// # Errors
    /// If the file cannot be written; the one that was there stays.
    ///
    /// # Panics
    /// Never: a campaign has nothing that TOML cannot say.
    pub fn keep(&self, rounds: &Rounds) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let text = toml::to_string(rounds).expect("a campaign has nothing that TOML cannot say");
        let text = format!("# Where a campaign stands. Go on with: perfidy fuzz --resume\n\n{text}");
        replace(&self.path, text.as_bytes())
    }
}

/// Writes a file that is whole or, if that fails, as it was.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = readable_by_all().tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
