//! Long campaigns: what they find does not depend on threads, interruptions or company, and nothing found is lost.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A team that forgets its idempotency keys, among acknowledgements that get lost.
const FORGETFUL: &str = r#"# A team that should have used idempotency keys.
workflow = "conductor"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[[step]]
name = "tell-customer"
tool = "mail.send"

[[step]]
name = "book-room"
tool = "calendar.book"

[[step]]
name = "post-note"
tool = "chat.post"

[safeguards]
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }

[tools]
ticketing = { deduplicates = true }
mail = { deduplicates = true }
calendar = { deduplicates = true }
chat = { deduplicates = true }

[faults]
until = "10m"
ack-lost = { at = ["ticketing", "mail", "calendar", "chat"], chance = "1%" }
late-reply = { at = ["ticketing", "mail", "calendar", "chat"], chance = "1%", by = "5s..40s" }
"#;

/// The same team with its keys, and a case without them.
const CAREFUL: &str = r#"# Nothing is done twice.
workflow = "conductor"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[safeguards]
idempotency-keys = true
persist-before-call = true
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }
verify = true
checkpoint = true

[tools.ticketing]
deduplicates = true

[faults]
until = "10m"
ack-lost = { at = "ticketing", chance = "5%" }

[[without]]
safeguards = ["idempotency-keys"]
violates = "no-duplicate-effects"
within-seeds = 300
"#;

/// Two scenarios in a folder of their own, `weak/forgetful` and `strong/careful`.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("weak/forgetful", FORGETFUL), ("strong/careful", CAREFUL)] {
        let file = folder.path().join("scenarios").join(name).with_extension("toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder
}

fn command(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perfidy"));
    command.arg("fuzz").args(arguments.split_whitespace()).current_dir(folder.path());
    command
}

fn fuzz(folder: &TempDir, arguments: &str) -> Output {
    command(folder, arguments).output().unwrap()
}

fn start(folder: &TempDir, arguments: &str) -> Child {
    command(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for, in real time")]
fn wait_a_moment() {
    thread::sleep(Duration::from_millis(5));
}

/// Starts a campaign and waits until it has kept its place once.
fn start_and_wait(folder: &TempDir, arguments: &str) -> Child {
    let mut child = start(folder, arguments);
    while !folder.path().join("seeds/.campaign.toml").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended without a place");
        wait_a_moment();
    }
    child
}

/// The failures below a corpus, by path, each with its whole text.
fn failures(folder: &TempDir) -> BTreeMap<String, String> {
    let corpus = folder.path().join("seeds");
    let mut found = BTreeMap::new();
    for scenario in ["weak", "strong"] {
        for entry in fs::read_dir(corpus.join(scenario)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&corpus).unwrap().display().to_string();
            found.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    found
}

/// The records of a campaign without what depends on the machine.
fn records(output: &Output) -> Vec<Value> {
    let read = |line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("runs_per_second").unwrap();
        record
    };
    let records: Vec<Value> = text(&output.stdout).lines().map(read).collect();
    assert!(!records.is_empty(), "{}", text(&output.stderr));
    records
}

fn write(path: impl AsRef<Path>, text: &str) {
    fs::write(path, text).unwrap();
}

#[test]
fn one_thread_and_four_find_and_save_the_same_with_every_strategy() {
    for strategy in ["mix", "random", "swarm", "pct", "guided"] {
        let found = [1, 4].map(|threads| {
            let folder = workshop();
            let options = format!("--strategy {strategy} --threads {threads} --format json");
            let output = fuzz(&folder, &format!("--runs 8000 --without {options}"));
            assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
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
    let output = fuzz(&folder, "--strategy exhaustive");
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("use `perfidy run --strategy exhaustive`"), "{told}");
    assert!(!folder.path().join("seeds").exists(), "nothing was run");
}

#[test]
fn what_broke_is_told_in_five_stories_at_most_and_replays() {
    let folder = workshop();
    let output = fuzz(&folder, "--runs 20000 --seed 7");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let saved = failures(&folder);
    assert_eq!(told.matches("One fault suffices").count() + told.matches("faults suffice").count(), 5);
    assert!(told.contains(&format!("and {} more new failures, saved in seeds", saved.len() - 5)), "{told}");
    assert!(told.contains("BROKEN: no-duplicate-effects in "), "{told}");
    assert!(told.contains("nothing broke"), "{told}");
    assert!(told.contains(&format!(
        "20000 runs of mix from seed 7, {0} different failures, {0} of them new",
        saved.len()
    )));
    let mut replay = Command::new(env!("CARGO_BIN_EXE_perfidy"));
    let replay = replay.args(["replay", "seeds"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(text(&replay.stdout).matches(": reproduced, event for event").count(), saved.len());
}

#[test]
fn a_campaign_finds_nothing_new_in_what_it_has_been_through() {
    let folder = workshop();
    fuzz(&folder, "scenarios/weak --runs 2000");
    let before = failures(&folder);
    let output = fuzz(&folder, "scenarios/weak --runs 2000");
    let wanted = format!("{} different failures, 0 of them new", before.len());
    assert!(text(&output.stdout).contains(&wanted), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("One fault suffices"));
    assert_eq!(failures(&folder), before);
}

#[test]
fn a_campaign_in_two_parts_is_the_campaign_in_one() {
    for strategy in ["mix", "guided"] {
        let (whole, parts) = (workshop(), workshop());
        let options = format!("--without --base nightly --strategy {strategy}");
        let at_once = fuzz(&whole, &format!("--runs 7000 {options} --format json"));
        fuzz(&parts, &format!("--runs 3000 {options}"));
        let at_last = fuzz(&parts, "--resume --runs 7000 --format json");
        assert_eq!(records(&at_once)[0]["strategy"], strategy);
        assert_eq!(records(&at_once), records(&at_last), "{strategy}");
        assert_eq!(failures(&whole), failures(&parts), "{strategy}");
    }
}

#[test]
fn a_new_campaign_sets_the_place_of_the_last_one_aside() {
    let folder = workshop();
    fuzz(&folder, "--runs 2000 --seed 7");
    let [place, before] =
        [".campaign.toml", ".campaign.before.toml"].map(|name| folder.path().join("seeds").join(name));
    let earlier = fs::read_to_string(&place).unwrap();
    let output = fuzz(&folder, "--runs 600 scenarios/strong");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("the campaign of 1024 runs from seed 7 is now in seeds/.campaign.before.toml"),
        "{told}"
    );
    assert_eq!(fs::read_to_string(&before).unwrap(), earlier);
    fs::rename(&before, &place).unwrap();
    let resumed = fuzz(&folder, "--resume --runs 3000 --format json");
    assert_eq!(records(&resumed)[0]["first_seed"], 7);
}

/// What is written to files meets a limit of nothing at all, as on a disk that is full.
#[cfg(unix)]
#[test]
fn what_cannot_be_saved_is_shown_whole_and_the_exit_status_says_so() {
    let folder = workshop();
    let full = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", full, env!("CARGO_BIN_EXE_perfidy"), "fuzz", "scenarios/weak"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(failures(&folder).is_empty());
    let shown: Vec<&str> = told.split("this is the file, to be saved by hand:\n\n").skip(1).collect();
    assert!(!shown.is_empty(), "{told}");
    for shown in shown {
        let file = folder.path().join("by-hand.toml");
        write(&file, shown.split("\nerror: ").next().unwrap());
        let mut replay = Command::new(env!("CARGO_BIN_EXE_perfidy"));
        let replay = replay.arg("replay").arg(&file).output().unwrap();
        let said = text(&replay.stdout);
        assert!(said.contains("reproduced, event for event"), "{said}{}", text(&replay.stderr));
    }
    let told = text(&output.stdout);
    assert!(told.contains("faults suffice") || told.contains("One fault suffices"), "{told}");
}

#[test]
fn a_campaign_that_was_killed_goes_on_as_if_it_had_not_been() {
    let (whole, killed) = (workshop(), workshop());
    let at_once = fuzz(&whole, "--runs 30000 --format json");
    let mut child = start_and_wait(&killed, "--runs 30000");
    child.kill().unwrap();
    child.wait().unwrap();
    let at_last = fuzz(&killed, "--resume --runs 30000 --format json");
    assert_eq!(records(&at_once), records(&at_last));
    assert_eq!(failures(&whole), failures(&killed));
}

#[test]
fn two_processes_share_a_corpus() {
    let (alone, shared) = (workshop(), workshop());
    fuzz(&alone, "--runs 10000");
    let both = [1, 2].map(|_| start(&shared, "--runs 10000"));
    let outputs = both.map(|child| child.wait_with_output().unwrap());
    assert!(outputs.iter().all(|output| output.status.code() == Some(1)));
    let names = |folder| failures(folder).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&alone), names(&shared));
    let new: usize = outputs
        .iter()
        .map(|output| text(&output.stdout).trim_end().rsplit(", ").next().unwrap().to_owned())
        .map(|line| line.strip_suffix(" of them new").unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(new, failures(&shared).len(), "each is new to one of the two");
}

#[test]
fn a_campaign_that_still_runs_is_not_taken_up_by_another_process() {
    let folder = workshop();
    let mut child = start_and_wait(&folder, "--for 10m");
    let resumed = fuzz(&folder, "--resume");
    let beside = fuzz(&folder, "--runs 600 scenarios/strong");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(resumed.status.code(), Some(2));
    assert!(text(&resumed.stderr).contains("still running"), "{}", text(&resumed.stderr));
    assert_eq!(beside.status.code(), Some(0));
    assert!(text(&beside.stderr).contains("cannot be resumed"), "{}", text(&beside.stderr));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_campaign_that_can_go_on_later() {
    let folder = workshop();
    let child = start_and_wait(&folder, "scenarios/strong");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("nothing broke"), "{}", text(&output.stdout));
    let resumed = fuzz(&folder, "scenarios/strong --resume --for 50ms --format json");
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    assert!(records(&resumed)[0]["runs"].as_u64().unwrap() >= 1024);
}

#[test]
fn cases_in_which_a_promise_should_break_are_run_when_asked_for() {
    let folder = workshop();
    let usual = fuzz(&folder, "scenarios/strong --runs 600 --format json");
    assert_eq!((records(&usual).len(), usual.status.code()), (1, Some(0)));
    let output = fuzz(&folder, "scenarios/strong --runs 1024 --without --format json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
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
    write(folder.path().join("seeds"), "in the way");
    let output = fuzz(&folder, "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nothing was run"), "{}", text(&output.stderr));

    fs::create_dir(folder.path().join("corpus")).unwrap();
    write(folder.path().join("corpus/weak"), "in the way");
    let output = fuzz(&folder, "--corpus corpus");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot save corpus/weak"), "{}", text(&output.stderr));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_campaign_over_other_scenarios_is_not_taken_up() {
    let folder = workshop();
    fuzz(&folder, "--runs 2000");
    let refused = |arguments| {
        let output = fuzz(&folder, arguments);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr).to_owned()
    };
    assert!(refused("scenarios/strong --resume").contains("weak/forgetful, as written is missing"));
    let file = folder.path().join("scenarios/weak/forgetful.toml");
    write(&file, &FORGETFUL.replace('4', "5"));
    assert!(refused("--resume").contains("weak/forgetful was edited. Begin anew without --resume."));
    write(file.with_file_name("another.toml"), FORGETFUL);
    assert!(refused("--resume").contains("weak/another, as written is new; weak/forgetful was edited"));
}

#[test]
fn a_place_that_is_none_is_not_taken_up() {
    let folder = workshop();
    let refused = || {
        let output = fuzz(&folder, "--resume");
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr).to_owned()
    };
    assert!(refused().contains("no such file"));
    let place = folder.path().join("seeds/.campaign.toml");
    write(&place, "turns = \"many\"");
    assert!(refused().contains("expected a whole number"), "{}", refused());
    fuzz(&folder, "--runs 2000");
    let later = fs::read_to_string(&place).unwrap().replace("schema = 2", "schema = 3");
    write(&place, &later);
    assert!(refused().contains("another version of perfidy left this campaign"), "{}", refused());
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
        ("--strategy luck", "[possible values: mix, random, swarm, pct, guided, exhaustive]"),
        ("scenarois", "no such file or directory"),
    ] {
        let output = fuzz(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text(&output.stderr).contains(complaint), "{arguments}: {}", text(&output.stderr));
    }
}
