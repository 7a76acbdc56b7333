//! What files are watched, and which of them have changed.

use crate::scenario::files_below;
use crate::suite::Suite;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What of a crate is watched, from its folder.
const OF_A_CRATE: [&str; 5] = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "tests"];

/// What has to be run again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// Everything: the crate has changed, or there are other scenarios than before.
    All,
    /// These scenarios.
    Scenarios(Vec<PathBuf>),
}

/// What tells a file from what it was.
type Version = (Option<SystemTime>, u64);

/// The files as they were when they were last looked at.
pub struct Files {
    scenarios: BTreeMap<PathBuf, Version>,
    of_the_crate: BTreeMap<PathBuf, Version>,
    paths: Vec<PathBuf>,
    home: Option<PathBuf>,
}

impl Files {
    pub fn of(suite: &Suite, paths: &[PathBuf]) -> Self {
        // The command that comes with perfidy watches no crate: it would not be built again.
        let home = suite.is_harness().then(|| suite.folder("."));
        let mut files =
            Self { scenarios: BTreeMap::new(), of_the_crate: BTreeMap::new(), paths: paths.to_vec(), home };
        files.changed();
        files
    }

    /// What has changed since the last look.
    pub fn changed(&mut self) -> Option<Change> {
        let found = self.paths.iter().flat_map(|path| files_below(path).unwrap_or_default());
        let scenarios: BTreeMap<PathBuf, Version> =
            found.map(|path| (path.clone(), version(&path))).collect();
        let mut of_the_crate = BTreeMap::new();
        if let Some(home) = &self.home {
            for name in OF_A_CRATE {
                look(&home.join(name), &mut of_the_crate);
            }
        }
        let change = if of_the_crate != self.of_the_crate || !scenarios.keys().eq(self.scenarios.keys()) {
            Some(Change::All)
        } else {
            let is_other =
                |(path, version): &(&PathBuf, &Version)| self.scenarios.get(*path) != Some(*version);
            let changed: Vec<PathBuf> =
                scenarios.iter().filter(is_other).map(|(path, _)| path.clone()).collect();
            (!changed.is_empty()).then_some(Change::Scenarios(changed))
        };
        (self.scenarios, self.of_the_crate) = (scenarios, of_the_crate);
        change
    }
}

fn version(path: &Path) -> Version {
    let of = fs::metadata(path);
    of.map_or((None, 0), |of| (of.modified().ok(), of.len()))
}

/// Notes a file, or all sources below a folder.
fn look(path: &Path, into: &mut BTreeMap<PathBuf, Version>) {
    if path.is_file() {
        into.insert(path.to_owned(), version(path));
        return;
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_source = path.extension().is_some_and(|ending| ending == "rs" || ending == "toml");
        if path.is_dir() || is_source {
            look(&path, into);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_scenario_is_named_and_another_file_is_a_change_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.toml"), "1").unwrap();
        fs::write(at("b.toml"), "1").unwrap();
        let mut files = Files::of(&Suite::shipped(), &[folder.path().to_owned()]);
        assert_eq!(files.changed(), None);
        fs::write(at("b.toml"), "22").unwrap();
        assert_eq!(files.changed(), Some(Change::Scenarios(vec![at("b.toml")])));
        assert_eq!(files.changed(), None);
        fs::remove_file(at("a.toml")).unwrap();
        assert_eq!(files.changed(), Some(Change::All));
    }
}
