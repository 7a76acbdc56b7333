//! Long campaigns: their findings do not depend on threads or other cases, and none is lost.

use crate::place::Said;
use crate::workshop::{failures, fuzz, records, start, workshop};
use std::process::Command;

#[test]
fn one_thread_and_four_find_and_save_the_same_with_every_strategy() {
    for strategy in ["mix", "random", "storm", "swarm", "pct"] {
        let found = [1, 4].map(|threads| {
            let folder = workshop();
            let options = format!("--strategy {strategy} --threads {threads} --format json");
            let output = fuzz(&folder, &format!("--runs 8000 --without {options}")).ends_with(1);
            (records(&output), failures(&folder))
        });
        assert!(found[0].1.len() > 3, "{strategy}: {:?}", found[0].1.keys());
        assert!(found[0].0.iter().all(|record| record["strategy"] == strategy));
        assert_eq!(found[0], found[1], "{strategy}");
    }
}

#[test]
fn exhaustive_is_no_campaign() {
    let folder = workshop();
    let output = fuzz(&folder, "--strategy exhaustive").ends_with(2);
    output.complains(&["use `perfidy run --strategy exhaustive`"]);
    assert!(!folder.path("seeds").exists(), "nothing was run");
}

#[test]
fn what_broke_is_told_in_five_stories_at_most_and_replays() {
    let folder = workshop();
    let output = fuzz(&folder, "--runs 20000 --seed 7");
    let told = output.ends_with(1).out;
    let saved = failures(&folder);
    assert_eq!(told.matches("One fault suffices").count() + told.matches("faults suffice").count(), 5);
    assert!(told.contains(&format!("and {} more new failures, saved in seeds", saved.len() - 5)), "{told}");
    assert!(told.contains("BROKEN: no-duplicate-effects in "), "{told}");
    assert!(told.contains("nothing broke"), "{told}");
    assert!(told.contains(&format!(
        "20000 runs of mix from seed 7, {0} different failures, {0} of them new",
        saved.len()
    )));
    let replay = folder.perfidy(&["replay", "seeds"]);
    assert_eq!(replay.out.matches(": reproduced, event for event").count(), saved.len());
}

#[test]
fn a_campaign_finds_nothing_new_in_what_it_has_been_through() {
    let folder = workshop();
    fuzz(&folder, "scenarios/weak --runs 2000");
    let before = failures(&folder);
    let output = fuzz(&folder, "scenarios/weak --runs 2000");
    let wanted = format!("{} different failures, 0 of them new", before.len());
    assert!(output.out.contains(&wanted), "{}", output.out);
    assert!(!output.out.contains("One fault suffices"));
    assert_eq!(failures(&folder), before);
}

/// File writes meet a size limit of zero, as on a full disk.
#[cfg(unix)]
#[test]
fn what_cannot_be_saved_is_shown_whole_and_the_exit_status_says_so() {
    let folder = workshop();
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", full, env!("CARGO_BIN_EXE_perfidy"), "fuzz", "scenarios/weak"])
        .current_dir(folder.path("."))
        .output()
        .unwrap();
    let output = Said::of(output).ends_with(2);
    let told = output.err;
    assert!(failures(&folder).is_empty());
    let shown: Vec<&str> = told.split("this is the file, to be saved by hand:\n\n").skip(1).collect();
    assert!(!shown.is_empty(), "{told}");
    for shown in shown {
        folder.write("by-hand.toml", shown.split("\nerror: ").next().unwrap());
        folder.perfidy(&["replay", "by-hand.toml"]).says(&["reproduced, event for event"]);
    }
    let told = output.out;
    assert!(told.contains("faults suffice") || told.contains("One fault suffices"), "{told}");
}

#[test]
fn two_processes_share_a_corpus() {
    let (alone, shared) = (workshop(), workshop());
    fuzz(&alone, "--runs 10000");
    let both = [1, 2].map(|_| start(&shared, "--runs 10000"));
    let outputs = both.map(|child| Said::of(child.wait_with_output().unwrap()).ends_with(1));
    let names = |folder| failures(folder).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&alone), names(&shared));
    let new: usize = outputs
        .iter()
        .map(|output| output.out.trim_end().rsplit(", ").next().unwrap().to_owned())
        .map(|line| line.strip_suffix(" of them new").unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(new, failures(&shared).len(), "each is new to one of the two");
}

#[test]
fn cases_in_which_a_promise_should_break_are_run_when_asked_for() {
    let folder = workshop();
    let usual = fuzz(&folder, "scenarios/strong --runs 600 --format json");
    assert_eq!((records(&usual).len(), usual.status), (1, Some(0)));
    let output = fuzz(&folder, "scenarios/strong --runs 1024 --without --format json").ends_with(0);
    let records = records(&output);
    assert_eq!(records[0]["verdict"], "nothing-broke");
    assert_eq!(records[1]["verdict"], "caught");
    assert_eq!(records[1]["runs"], 512);
    assert!(!failures(&folder).is_empty());
}

#[test]
fn a_text_stands_for_a_first_seed() {
    let folder = workshop();
    let first_seed = |base: &str| {
        let output = fuzz(&folder, &format!("scenarios/strong --runs 1 --format json --base {base}"));
        let record = records(&output).remove(0);
        assert_eq!(record["base"], base);
        record["first_seed"].as_u64().unwrap()
    };
    assert_eq!(first_seed("2026-11-20"), first_seed("2026-11-20"));
    assert_ne!(first_seed("2026-11-20"), first_seed("2026-11-21"));
    assert!(first_seed("main") < 1 << 48);
}

#[test]
fn a_corpus_that_cannot_be_written_to_is_found_out_before_anything_runs() {
    let folder = workshop();
    folder.write("seeds", "in the way");
    let output = fuzz(&folder, "").ends_with(2);
    assert!(output.err.contains("nothing was run"), "{}", output.err);

    folder.write("corpus/weak", "in the way");
    let output = fuzz(&folder, "--corpus corpus").ends_with(2);
    assert!(output.err.contains("cannot save corpus/weak"), "{}", output.err);
    assert!(output.out.is_empty());
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let folder = workshop();
    for (arguments, complaint) in [
        ("--for soon", "`soon` is not a length of time"),
        ("--for 0s", "nothing can be run in no time"),
        ("--runs 0", "0 is not in 1.."),
        ("--base a --seed 1", "cannot be used with"),
        ("--resume --base a", "cannot be used with"),
        ("--resume --strategy swarm", "cannot be used with"),
        ("--strategy luck", "[possible values: mix, random, storm, swarm, pct, exhaustive, lineage]"),
        ("scenarois", "no such file or directory"),
    ] {
        let output = fuzz(&folder, arguments).ends_with(2);
        assert!(output.err.contains(complaint), "{arguments}: {}", output.err);
    }
}
