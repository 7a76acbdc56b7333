//! Files that are whole or not there, also after the machine has lost its power.
//!
//! A file is written under a temporary name beside its place, synced, and then moved there; the folder is
//! synced after that, since a name is not durable before its folder is. The writer holds a lock on the
//! temporary file. The lock ends with its process, so [`sweep`] can tell what a dead process has left behind
//! from what is being written right now, on this machine or another that shares the folder, and without a
//! process id, which another process may have by then. On a file system without locks nothing is swept.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// How the names of temporary files begin.
const PREFIX: &str = ".saving-";

/// How often a file is begun anew if it or its folder is deleted while it is written.
const ATTEMPTS: u32 = 5;

/// Writes a file where none stands; false if there is one.
pub(super) fn write_new(path: &Path, content: &[u8]) -> io::Result<bool> {
    persistently(|| match drafted(path, content)?.persist_noclobber(path) {
        Ok(_file) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    })
}

/// Writes a file, over the one that stands there.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    persistently(|| {
        let _file = drafted(path, content)?.persist(path)?;
        sync_folder(folder_of(path))
    })
}

fn persistently<T>(write: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let is_deleted = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let earlier = (1..ATTEMPTS).map(|_| write()).find(|written| !written.as_ref().is_err_and(is_deleted));
    earlier.unwrap_or_else(write)
}

/// Removes a file for good; one that is gone already is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_folder(folder_of(path)),
    }
}

/// Makes a folder and those above it.
pub(super) fn create_folders(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(|made| sync_folder(folder_of(made)))
}

/// Tries whether a file could be written to a folder.
pub(super) fn try_folder(folder: &Path) -> io::Result<()> {
    readable_by_all().tempfile_in(folder).map(drop)
}

/// Removes the temporary files that dead processes have left in a folder and those below it. What cannot be
/// removed stays; it does no harm.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !name.as_encoded_bytes().starts_with(b".") {
                sweep(&path);
            }
        } else if name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && let Ok(file) = File::options().write(true).open(&path)
            && file.try_lock().is_ok()
        {
            // Removed while the lock is held: who has just made it and waits for its lock looks whether it is
            // there.
            let _ = fs::remove_file(&path);
        }
    }
}

/// A temporary file beside a path, with its content synced.
fn drafted(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    create_folders(folder)?;
    let mut file = loop {
        let file = readable_by_all().tempfile_in(folder)?;
        match file.as_file().try_lock() {
            // A sweep has it and is about to remove it.
            Err(TryLockError::WouldBlock) => {}
            Ok(()) if !file.path().exists() => {}
            Ok(()) | Err(TryLockError::Error(_)) => break file,
        }
    };
    file.write_all(content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Temporary files are private by default; a corpus is there to be shared, as far as the umask allows.
fn readable_by_all() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems cannot, and are as durable as they are.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_takes_what_the_dead_have_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("below")).unwrap();
        for name in [".saving-dead", "below/.saving-dead", "below/saved.toml", ".campaign.toml"] {
            fs::write(path(name), "text").unwrap();
        }
        let living = drafted(&path("below/other.toml"), b"text").unwrap();
        sweep(folder.path());
        let is_there = |name: &str| path(name).exists();
        assert!(!is_there(".saving-dead") && !is_there("below/.saving-dead"));
        assert!(is_there("below/saved.toml") && is_there(".campaign.toml") && living.path().exists());
    }

    #[test]
    fn a_new_file_never_replaces_another_and_makes_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.toml");
        assert!(write_new(&path, b"one").unwrap());
        assert!(!write_new(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
