//! Interruption: findings are not lost and an interrupted command ends, however long a run takes.

use crate::place::{Place, Said};
use crate::workshop::{
    GENEROUS, calm_and_laborious, ended, failures, fuzz, laborious, start, start_and_wait, wait_until,
    workshop,
};
use std::fs::{self, File};
use std::process::{Child, Command};

/// So many tasks that shrinking a failure takes seconds, many times as long as finding it.
const MANY: u32 = 2_000;

fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a failure is saved.
#[track_caller]
fn wait_for_a_failure(place: &Place, child: &mut Child) {
    let (is_saved, _) = wait_until(|| !failures(place).is_empty());
    if !is_saved {
        child.kill().unwrap();
    }
    assert!(is_saved, "nothing is saved within {GENEROUS:?}");
}

#[test]
fn what_was_found_survives_a_kill_before_it_is_small() {
    for arguments in [&["fuzz"][..], &["run", "--seeds", "1000000"]] {
        let folder = laborious(MANY);
        let mut child = folder.start(arguments);
        wait_for_a_failure(&folder, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        folder.perfidy(&["check", "seeds/weak"]).ends_with(0).calmly();
        let (file, text) = failures(&folder).into_iter().next().unwrap();
        assert!(text.contains("unfinished = true"), "it was small already:\n{text}");
        folder.perfidy(&["replay", &file]).says(&["reproduced, event for event"]);
    }
}

#[test]
fn time_that_is_over_ends_a_campaign_in_the_middle_of_a_turn() {
    let folder = laborious(MANY);
    let said = ended(start(&folder, "--for 1s"));
    said.says(&["weak/laborious", "runs of mix from seed 0"]);
    assert!(folder.path("seeds/.campaign.toml").exists());
}

/// Whether these tests were started by `nohup`: then the processes that they start survive their terminal.
#[cfg(unix)]
fn is_nohup() -> bool {
    let mask = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    });
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(unix)]
#[test]
fn every_signal_that_asks_for_the_end_gets_a_summary_and_a_place() {
    for name in ["INT", "TERM", "HUP"].into_iter().filter(|name| *name != "HUP" || !is_nohup()) {
        let folder = laborious(MANY);
        let child = start_and_wait(&folder, "");
        signal(&child, name);
        let said = ended(child);
        assert!(matches!(said.status, Some(1 | 3)), "SIG{name}: {:?}", said.status);
        said.says(&["weak/laborious", "runs of mix from seed 0"]).complains(&["stopping"]);
        assert!(folder.read("seeds/.campaign.toml").contains("perfidy fuzz --resume"));
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_shrinking_and_what_there_is_stays_saved() {
    let folder = laborious(MANY);
    let mut child = start(&folder, "");
    wait_for_a_failure(&folder, &mut child);
    signal(&child, "TERM");
    ended(child).ends_with(1).says(&["BROKEN: no-duplicate-effects"]);
    let saved = failures(&folder);
    assert!(saved.values().any(|text| text.contains("unfinished = true")), "{:?}", saved.keys());
    folder.perfidy(&["check", "seeds/weak"]).ends_with(0).calmly();

    let file = saved.keys().next().unwrap();
    let child = folder.start(&["shrink", file]);
    signal(&child, "TERM");
    ended(child);
    let child = folder.start(&["shrink", "seeds/weak", "--for", "1s"]);
    ended(child).says(&["seeds/weak/laborious"]);
    folder.perfidy(&["check", "seeds/weak"]).ends_with(0).calmly();
}

#[cfg(unix)]
#[test]
fn a_campaign_that_was_ended_while_it_shrank_goes_on_as_if_it_had_not_been() {
    let (whole, parts) = (laborious(30), laborious(30));
    fuzz(&whole, "--runs 6").ends_with(1);
    let mut child = start(&parts, "--runs 6");
    wait_for_a_failure(&parts, &mut child);
    signal(&child, "TERM");
    ended(child).ends_with(1);
    fuzz(&parts, "--resume --runs 6").ends_with(1);
    let parts = failures(&parts);
    assert_eq!(failures(&whole), parts);
    assert!(!parts.is_empty() && parts.values().all(|text| !text.contains("unfinished = true")));
}

#[test]
fn the_place_is_kept_in_the_middle_of_a_turn() {
    let folder = calm_and_laborious();
    let place = || folder.read("seeds/.campaign.toml").parse::<toml::Table>().unwrap();
    let runs = |place: &toml::Table| place["case"][0]["runs"].as_integer().unwrap();
    let mut child = start_and_wait(&folder, "--strategy random");
    let (is_kept, _) = wait_until(|| runs(&place()) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_kept, "no run is in the place within {GENEROUS:?}");
    let killed = place();
    assert_eq!(
        (killed["slices"].as_integer(), killed["part"]["runs"].as_integer()),
        (Some(0), Some(runs(&killed)))
    );
    ended(start(&folder, "--resume --for 1s"));
    assert!(runs(&place()) >= runs(&killed));
}

#[test]
fn what_is_deleted_under_a_campaign_is_there_again_at_its_end() {
    let (whole, disturbed) = (workshop(), workshop());
    fuzz(&whole, "--runs 10000");
    let mut child = start(&disturbed, "--runs 10000");
    wait_for_a_failure(&disturbed, &mut child);
    // A file may be saved while the folder is emptied.
    let (is_deleted, _) = wait_until(|| fs::remove_dir_all(disturbed.path("seeds")).is_ok());
    assert!(is_deleted);
    Said::of(child.wait_with_output().unwrap()).ends_with(1);
    assert_eq!(failures(&whole), failures(&disturbed));
    assert!(disturbed.path("seeds/.campaign.toml").exists());
    fuzz(&disturbed, "--resume --runs 11000").ends_with(1);
}

#[test]
fn what_dead_processes_have_left_is_swept_and_what_is_being_written_is_not() {
    let folder = workshop();
    for name in ["seeds/.saving-dead", "seeds/weak/.saving-dead", "seeds/weak/.saving-living"] {
        folder.write(name, "half of a fail");
    }
    let living = File::options().write(true).open(folder.path("seeds/weak/.saving-living")).unwrap();
    living.lock().unwrap();
    fuzz(&folder, "scenarios/strong --runs 100");
    let is_there = |name: &str| folder.path(name).exists();
    assert!(!is_there("seeds/.saving-dead") && !is_there("seeds/weak/.saving-dead"));
    assert!(is_there("seeds/weak/.saving-living"));
}
