//! Files without read or write permission, for a user that is not root.

use crate::place::{Place, REFUND, Said, careless, command};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

const ROOT: u32 = 0;

/// The user id without any permission.
const NOBODY: u32 = 65_534;

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs the command as a user to whom permissions apply: the current user or, if that is root, `nobody`, with
/// a copy of the command that `nobody` can reach.
fn without_privilege(place: &Place, arguments: &[&str]) -> Said {
    if fs::metadata(place.path(".")).unwrap().uid() != ROOT {
        return place.perfidy(arguments);
    }
    let program = place.path("perfidy");
    // Copied by another process: a test that starts a process at this moment would inherit a file that this
    // one has open for writing, and a file that is open for writing cannot be executed.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_perfidy")).arg(&program).status().unwrap();
    assert!(copied.success());
    permit(&program, 0o755);
    permit(&place.path("."), 0o755);
    let mut command = command(&program, arguments);
    let output = command.current_dir(place.path(".")).uid(NOBODY).gid(NOBODY).output();
    Said::of(output.expect("nobody can reach the folder of temporary files"))
}

#[test]
fn what_may_not_be_read_is_named_and_nothing_is_run() {
    let place = Place::with(&[("scenarios/a/good.toml", REFUND), ("scenarios/b/secret.toml", REFUND)]);
    permit(&place.path("scenarios/b/secret.toml"), 0o000);
    let file = without_privilege(&place, &["run", "scenarios"]);
    permit(&place.path("scenarios/b"), 0o000);
    let folder = without_privilege(&place, &["run", "scenarios"]);
    permit(&place.path("scenarios/b"), 0o755);
    for (said, path) in [(file, "scenarios/b/secret.toml"), (folder, "scenarios/b")] {
        let said = said.ends_with(2).complains(&[path, "ermission denied", "nothing was run"]);
        assert_eq!(said.out, "");
    }
}

#[test]
fn a_corpus_without_permission_to_write_costs_a_run_its_file_and_a_campaign_its_beginning() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    fs::create_dir(place.path("seeds")).unwrap();
    permit(&place.path("seeds"), 0o555);
    let run = without_privilege(&place, &["run", "--seeds", "100"]).ends_with(2);
    run.complains(&["error: cannot save seeds"]).says(&["no-duplicate-effects broke", "One fault suffices"]);
    let campaign = without_privilege(&place, &["fuzz", "--runs", "600"]).ends_with(2);
    assert_eq!(campaign.out, "");
    campaign.complains(&["seeds", "nothing was run"]);
    assert_eq!(place.files("seeds"), [""; 0]);
}
