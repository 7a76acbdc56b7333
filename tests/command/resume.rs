//! `perfidy fuzz --resume`: a campaign continues as if it had not ended, and never continues another one.

use crate::place::Said;
use crate::workshop::{FORGETFUL, failures, fuzz, records, start_and_wait, workshop};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// What a campaign has counted. How a property broke is told of what a process has saved itself.
fn counts(said: &Said) -> Vec<Value> {
    let mut records = records(said);
    let broke = records.iter_mut().filter_map(|record| record["broke"].as_object_mut());
    for finding in broke.flat_map(|broke| broke.values_mut()).filter_map(Value::as_object_mut) {
        for story in ["message", "faults", "story", "replay"] {
            finding.remove(story).expect("each has one");
        }
    }
    records
}

#[test]
fn a_campaign_in_parts_is_the_campaign_in_one() {
    for strategy in ["mix", "storm"] {
        let (whole, parts) = (workshop(), workshop());
        let options = format!("--without --base nightly --strategy {strategy}");
        let at_once = fuzz(&whole, &format!("--runs 7000 {options} --format json"));
        // It is stopped at numbers of runs that end no turn, batch or block.
        fuzz(&parts, &format!("--runs 333 {options}"));
        fuzz(&parts, "--resume --runs 3001");
        let at_last = fuzz(&parts, "--resume --runs 7000 --format json");
        assert_eq!(records(&at_once)[0]["strategy"], strategy);
        assert_eq!(counts(&at_once), counts(&at_last), "{strategy}");
        assert_eq!(failures(&whole), failures(&parts), "{strategy}");
    }
}

#[test]
fn a_new_campaign_sets_the_place_of_the_last_one_aside() {
    let folder = workshop();
    fuzz(&folder, "--runs 2000 --seed 7");
    let [place, before] = ["seeds/.campaign.toml", "seeds/.campaign.before.toml"];
    let earlier = folder.read(place);
    let output = fuzz(&folder, "--runs 600 scenarios/strong");
    let told = output.ends_with(0).err;
    assert!(
        told.contains("the campaign of 2000 runs from seed 7 is now in seeds/.campaign.before.toml"),
        "{told}"
    );
    assert_eq!(folder.read(before), earlier);
    fs::rename(folder.path(before), folder.path(place)).unwrap();
    let resumed = fuzz(&folder, "--resume --runs 3000 --format json");
    assert_eq!(records(&resumed)[0]["first_seed"], 7);
}

#[test]
fn a_campaign_that_was_killed_goes_on_as_if_it_had_not_been() {
    let (whole, killed) = (workshop(), workshop());
    let at_once = fuzz(&whole, "--runs 30000 --format json");
    let mut child = start_and_wait(&killed, "--runs 30000");
    child.kill().unwrap();
    child.wait().unwrap();
    let at_last = fuzz(&killed, "--resume --runs 30000 --format json");
    assert_eq!(counts(&at_once), counts(&at_last));
    assert_eq!(failures(&whole), failures(&killed));
}

#[test]
fn a_campaign_that_still_runs_is_not_taken_up_by_another_process() {
    let folder = workshop();
    let mut child = start_and_wait(&folder, "--for 10m");
    let resumed = fuzz(&folder, "--resume");
    let beside = fuzz(&folder, "--runs 600 scenarios/strong");
    child.kill().unwrap();
    child.wait().unwrap();
    resumed.ends_with(2).complains(&["still running"]);
    beside.ends_with(0).complains(&["cannot be resumed"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_campaign_that_can_go_on_later() {
    let folder = workshop();
    let child = start_and_wait(&folder, "scenarios/strong");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = Said::of(child.wait_with_output().unwrap()).ends_with(3);
    assert!(output.out.contains("nothing broke"), "{}", output.out);
    let runs = |arguments: &str| {
        let resumed = fuzz(&folder, &format!("scenarios/strong --resume --format json {arguments}"));
        records(&resumed.ends_with(0))[0]["runs"].as_u64().unwrap()
    };
    let first = runs("--for 50ms");
    assert!(first > 0 && runs("--for 1s") > first);
}

#[test]
fn a_campaign_over_other_scenarios_is_not_taken_up() {
    let folder = workshop();
    fuzz(&folder, "--runs 2000");
    let refused = |arguments| fuzz(&folder, arguments).ends_with(2).err;
    assert!(refused("scenarios/strong --resume").contains("weak/forgetful, as written is missing"));
    folder.write("scenarios/weak/forgetful.toml", &FORGETFUL.replace('4', "5"));
    assert!(refused("--resume").contains("weak/forgetful was edited. Begin anew without --resume."));
    folder.write("scenarios/weak/another.toml", FORGETFUL);
    assert!(refused("--resume").contains("weak/another, as written is new; weak/forgetful was edited"));
}

#[test]
fn a_place_that_is_none_is_not_taken_up() {
    let folder = workshop();
    let refused = || fuzz(&folder, "--resume --runs 2000").ends_with(2).err;
    assert!(refused().contains("no such file"));
    let place = "seeds/.campaign.toml";
    folder.write(place, "slices = \"many\"");
    assert!(refused().contains("expected a whole number"), "{}", refused());
    fuzz(&folder, "--runs 2000");
    let left = folder.read(place);
    let later = left.replacen("schema = ", "schema = 9", 1);
    assert_ne!(left, later, "the place of a campaign has no schema");
    folder.write(place, &later);
    assert!(refused().contains("another version of perfidy left this campaign"), "{}", refused());
}
