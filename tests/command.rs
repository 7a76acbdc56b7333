//! The command from end to end, as a process of its own in a folder of its own.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A team that never repeats itself under another name: it holds as written, and the case without keys is caught.
const REFUND: &str = r#"# A refund is paid once, however often its acknowledgement is lost.
workflow = "conductor"

[[step]]
name = "pay"
tool = "bank.refund"
irreversible = true

[safeguards]
checkpoint = true
idempotency-keys = true
persist-before-call = true
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }

[tools.bank]
deduplicates = true

[faults]
until = "5m"
ack-lost = { at = "bank", chance = "20%" }

[[without]]
safeguards = ["idempotency-keys"]
violates = "no-duplicate-effects"
within-seeds = 100
"#;

/// A team that pays twice.
fn careless() -> String {
    REFUND.split("[[without]]").next().unwrap().replace("idempotency-keys = true\n", "")
}

/// A folder in which the command runs.
struct Place(TempDir);

/// What a command has said.
struct Said {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self::new();
        for (path, text) in files {
            place.write(path, text);
        }
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts other words in the place of some of a file's.
    #[track_caller]
    fn change(&self, file: &str, place: impl Fn(&str) -> Option<Range<usize>>, new: impl Fn(&str) -> String) {
        let mut text = fs::read_to_string(self.path(file)).unwrap();
        let place = place(&text).unwrap_or_else(|| panic!("there is no such place in:\n{text}"));
        let new = new(&text[place.clone()]);
        text.replace_range(place, &new);
        fs::write(self.path(file), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perfidy"));
        command.current_dir(self.0.path()).args(arguments).stdin(Stdio::null());
        for variable in ["PERFIDY_LOG", "CLICOLOR_FORCE", "FORCE_COLOR"] {
            command.env_remove(variable);
        }
        command
    }

    fn perfidy(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// All files below a folder, by their paths in this place.
    fn files(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.0.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// Runs the careless team; gives back the file that its failure was saved in.
    fn saved_failure(&self) -> String {
        self.write("scenarios/bank/careless.toml", &careless());
        self.perfidy(&["run", "--seeds", "100"]).ends_with(1);
        let files = self.files("seeds");
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

/// The table of the one fault of a saved failure.
fn fault_of(text: &str) -> Option<Range<usize>> {
    Some(text.find("[[fault]]")?..text.find("\n[case]")?)
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn ends_with(self, status: i32) -> Self {
        let Self { out, err, .. } = &self;
        assert_eq!(self.status, Some(status), "\n-- standard output\n{out}\n-- standard error\n{err}");
        self
    }

    /// Nothing was complained of.
    #[track_caller]
    fn calmly(self) -> Self {
        assert_eq!(self.err, "");
        self
    }

    /// Each of the words stands in the text.
    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.out.contains(word), "no `{word}` in:\n{}", self.out);
        }
        self
    }

    /// Each of the words stands in the complaint.
    #[track_caller]
    fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no `{word}` in:\n{}", self.err);
        }
        self
    }

    /// One JSON object a line.
    #[track_caller]
    fn records(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

fn keys(record: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn scenarios_that_go_as_expected_make_a_table_and_nothing_else() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run"]).ends_with(0).calmly().says(&[
        "bank/refund",
        "as written",
        "1000",
        "holds",
        "without idempotency-keys",
        "caught: no-duplicate-effects broke",
        "ack-lost",
    ]);
    assert_eq!(place.files("seeds"), [""; 0]);
}

#[test]
fn a_broken_promise_is_told_saved_and_replayed_by_the_command_it_names() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    let said = place.perfidy(&["run", "--seeds", "100"]).ends_with(1).calmly().says(&[
        "no-duplicate-effects broke: bank.refund happened twice",
        "One fault suffices",
        "The ledger",
        "BROKEN: no-duplicate-effects (seed ",
    ]);
    let (_, command) = said.out.split_once("Replay  perfidy ").expect("the story names a command");
    let arguments: Vec<&str> = command.lines().next().unwrap().split(' ').collect();
    assert_eq!(arguments, ["replay", place.files("seeds")[0].as_str()]);
    let again = place.perfidy(&arguments).ends_with(1).calmly();
    let again = again.says(&["no-duplicate-effects broke", "reproduced, event for event"]);
    let story = |text: &str| {
        text[text.find("What happened").unwrap()..text.find("Replay").unwrap_or(text.len())].to_owned()
    };
    assert!(story(&again.out).starts_with(story(&said.out).trim_end()));
}

#[test]
fn a_saved_failure_means_the_same_from_another_folder() {
    let (here, there) = (Place::new(), Place::new());
    let file = here.path(&here.saved_failure());
    let text = fs::read_to_string(&file).unwrap();
    there.write("mail/attachment.toml", &text);
    let records = there
        .perfidy(&["replay", "mail", file.to_str().unwrap(), "--format", "json"])
        .ends_with(1)
        .calmly()
        .records();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record["answer"], "reproduced");
        assert_eq!(record["same_history"], true);
        assert!(text.contains(&format!("digest = {}", record["digest"])), "{record}");
    }
}

#[test]
fn a_safeguard_that_nobody_misses_is_reported() {
    let idle = REFUND.replace(r#"["idempotency-keys"]"#, r#"["checkpoint"]"#);
    let place = Place::with(&[("scenarios/bank/idle.toml", &idle)]);
    place
        .perfidy(&["run"])
        .ends_with(1)
        .calmly()
        .says(&["NOT CAUGHT: no-duplicate-effects should break within 100 seeds"]);
}

#[test]
fn bad_input_is_named_with_its_place_and_nothing_is_run() {
    let bad = REFUND.replace("chance = \"20%\"", "chance = \"20\"");
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND), ("scenarios/bank/typo.toml", &bad)]);
    let said = place.perfidy(&["run"]).ends_with(2);
    assert_eq!(said.out, "");
    said.complains(&["scenarios/bank/typo.toml:21:", "is not a chance in percent", "nothing was run"]);
}

#[test]
fn a_folder_that_is_not_there_is_bad_input() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run", "scenario"]).ends_with(2).complains(&["no such file", "did you mean scenarios?"]);
    Place::new().perfidy(&["run"]).ends_with(2).complains(&["scenarios", "no such file", "nothing was run"]);
}

#[test]
fn a_fault_that_never_strikes_is_vacuous() {
    let rare = REFUND.split("[[without]]").next().unwrap().replace("20%", "0.0001%");
    let place = Place::with(&[("scenarios/rare.toml", &rare)]);
    let said = place.perfidy(&["run", "--seeds", "1"]).ends_with(3).calmly();
    said.says(&["VACUOUS: the fault `ack-lost` never struck"]);
}

#[test]
fn arguments_that_make_no_sense_are_bad_input() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    for arguments in [
        &["run", "--seeds", "0"][..],
        &["run", "--seeds", "many"],
        &["run", "--engine", "steam"],
        &["run", "--threads", "0"],
        &["replay"],
        &["dance"],
        &["run", "--log", "perfidy=loud"],
    ] {
        let said = place.perfidy(arguments).ends_with(2);
        assert_eq!(
            (said.out.as_str(), said.err.starts_with("error: ")),
            ("", true),
            "{arguments:?}: {}",
            said.err
        );
    }
}

#[test]
fn the_other_engine_runs_saves_and_replays_too() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let said = place.perfidy(&["run", "--engine", "madsim", "--seeds", "100", "--save", "all"]);
    if cfg!(madsim) {
        said.ends_with(0).calmly().says(&["holds", "caught: no-duplicate-effects"]);
        let said = place.perfidy(&["replay", "seeds", "--format", "json"]).ends_with(0).calmly();
        let [record] = &said.records()[..] else { panic!("{}", said.out) };
        assert_eq!((&record["engine"], &record["same_history"]), (&"madsim".into(), &true.into()));
    } else {
        said.ends_with(2).complains(&["build with RUSTFLAGS=\"--cfg madsim\""]);
    }
}

#[test]
fn what_programs_read_of_a_run_is_complete() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let said =
        place.perfidy(&["run", "--format", "json", "--seed", "7", "--save", "all"]).ends_with(0).calmly();
    let [written, without] = &said.records()[..] else { panic!("{}", said.out) };
    for record in [written, without] {
        assert_eq!(
            keys(record),
            [
                "case",
                "digest",
                "engine",
                "events",
                "faults_fired",
                "findings",
                "first_seed",
                "properties",
                "runs_per_second",
                "saved",
                "scenario",
                "schema",
                "seeds",
                "shown",
                "strategy",
                "summary",
                "verdict"
            ]
        );
        assert_eq!((&record["schema"], &record["first_seed"]), (&1.into(), &7.into()));
        assert_eq!((&record["scenario"], &record["engine"]), (&"bank/refund".into(), &"native".into()));
        let tally = record["properties"]["no-duplicate-effects"].as_object().unwrap();
        assert_eq!(
            tally.values().map(|count| count.as_u64().unwrap()).sum::<u64>(),
            record["seeds"].as_u64().unwrap()
        );
        assert!(record["events"].as_u64() > record["seeds"].as_u64());
        assert!(record["faults_fired"]["ack-lost"].as_u64() > Some(0));
    }
    assert_eq!((&written["case"], &written["verdict"]), (&"as written".into(), &"holds".into()));
    assert_eq!(
        (&without["case"], &without["verdict"]),
        (&"without idempotency-keys".into(), &"caught".into())
    );
    assert_eq!((&written["seeds"], &without["seeds"]), (&1000.into(), &100.into()));
    assert_eq!(written["saved"], Value::Array(Vec::new()));
    assert_eq!(without["saved"], Value::from(place.files("seeds")));
    assert_eq!(keys(&without["findings"][0]), ["after_seeds", "property", "seed"]);
}

#[test]
fn what_programs_read_of_a_replay_is_complete() {
    let place = Place::new();
    let file = place.saved_failure();
    let said = place.perfidy(&["replay", &file, "--format", "json"]).ends_with(1).calmly();
    let [record] = &said.records()[..] else { panic!("{}", said.out) };
    assert_eq!(
        keys(record),
        [
            "answer",
            "case",
            "digest",
            "engine",
            "events",
            "faults_fired",
            "file",
            "first_seed",
            "properties",
            "property",
            "same_history",
            "scenario",
            "schema",
            "seeds"
        ]
    );
    assert_eq!(
        (&record["file"], &record["property"]),
        (&file.as_str().into(), &"no-duplicate-effects".into())
    );
    assert_eq!(record["properties"]["no-duplicate-effects"], "violated");
    assert_eq!(record["faults_fired"]["ack-lost"], 1);
}

#[test]
fn a_failure_is_saved_once_however_often_it_is_found() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let files = |arguments: &[&str]| {
        place.perfidy(arguments).ends_with(0).calmly();
        place.files("seeds")
    };
    assert_eq!(files(&["run", "--save", "none"]), [""; 0]);
    let once = files(&["run", "--save", "all"]);
    assert_eq!(once.len(), 1);
    let text = fs::read_to_string(place.path(&once[0])).unwrap();
    assert_eq!(files(&["run", "--save", "all"]), once);
    assert_eq!(fs::read_to_string(place.path(&once[0])).unwrap(), text);
    // The case has lost its safeguard, so its failure is as it should be.
    place.perfidy(&["replay", "seeds"]).ends_with(0).calmly().says(&["reproduced, event for event"]);
}

#[test]
fn two_processes_that_save_the_same_failure_make_one_whole_file() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless())]);
    let both: Vec<Child> = (0..2).map(|_| place.start(&["run", "--seeds", "100"])).collect();
    for one in both {
        Said::of(one.wait_with_output().unwrap()).ends_with(1).calmly();
    }
    let files = place.files("seeds");
    assert_eq!(files.len(), 1, "{files:?}");
    place.perfidy(&["check", &files[0]]).ends_with(0).calmly();
}

#[test]
fn check_says_what_good_files_are_and_what_is_wrong_with_others() {
    let place =
        Place::with(&[("scenarios/bank/refund.toml", REFUND), ("bad.toml", "# Nothing.\nworkflow = 3\n")]);
    let file = place.saved_failure();
    place.perfidy(&["check", "scenarios", &file]).ends_with(0).calmly().says(&[
        "scenarios/bank/refund.toml: a scenario for conductor with 2 cases",
        "a saved failure of bank/careless, as written: no-duplicate-effects",
    ]);
    let said = place.perfidy(&["check", "bad.toml", "nowhere", &file]).ends_with(2);
    said.complains(&["bad.toml:2:12", "nowhere"]).says(&["a saved failure of bank/careless"]);
}

#[test]
fn a_half_written_failure_is_named_and_passed_over_and_left_as_it_is() {
    let place = Place::new();
    let whole = place.saved_failure();
    let text = fs::read_to_string(place.path(&whole)).unwrap();
    let half = &text[..text.len() / 2];
    place.write("seeds/bank/broken.toml", half);
    for command in ["replay", "check"] {
        let said = place.perfidy(&[command, "seeds"]).ends_with(2);
        said.complains(&["seeds/bank/broken.toml"]).says(&[&whole, "no-duplicate-effects"]);
    }
    assert_eq!(fs::read_to_string(place.path("seeds/bank/broken.toml")).unwrap(), half);
}

#[test]
fn a_half_written_file_where_a_failure_belongs_is_not_taken_for_it() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = fs::read_to_string(place.path(&file)).unwrap();
    let half = &text[..text.len() / 2];
    place.write(&file, half);
    let said = place.perfidy(&["run", "--seeds", "100"]).ends_with(2);
    said.complains(&["cannot save", &file]).says(&["no-duplicate-effects broke"]);
    assert_eq!(fs::read_to_string(place.path(&file)).unwrap(), half);
}

#[test]
fn a_corpus_that_cannot_be_written_to_is_an_error_and_the_story_is_told_all_the_same() {
    let place = Place::with(&[("scenarios/bank/careless.toml", &careless()), ("file", "in the way")]);
    let refused = |corpus: &str| {
        let said = place.perfidy(&["run", "--seeds", "100", "--corpus", corpus]).ends_with(2);
        said.complains(&["error: cannot save", corpus]).says(&[
            "no-duplicate-effects broke",
            "One fault suffices",
            "BROKEN",
        ]);
    };
    refused("file");
    fs::create_dir(place.path("locked")).unwrap();
    let mut permissions = fs::metadata(place.path("locked")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(place.path("locked"), permissions).unwrap();
    // Root writes wherever it likes.
    if fs::write(place.path("locked/probe"), "").is_err() {
        refused("locked");
    }
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "in the way");
}

#[test]
fn a_failure_of_other_code_is_stale_and_the_nearest_place_is_named() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = fs::read_to_string(place.path(&file)).unwrap();
    let at = text.find("\nat = \"").unwrap();
    let moved = text[at..].replacen("bank, refund, task-", "bank, refund, task-9", 1);
    place.write(&file, &format!("{}{moved}", &text[..at]));
    let said = place.perfidy(&["replay", &file]).ends_with(3).calmly();
    said.says(&[
        "stale: `bank, refund, task-9",
        "never came up; the nearest that did is `bank, refund, task-",
        "if something was only renamed, say so in seeds/bank/aliases.toml",
    ]);
}

#[test]
fn a_fault_that_the_run_was_too_short_for_is_ambiguous() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(&file, fault_of, |_| {
        "[[fault]]\nat = \"crash planner, window, try 1\"\ndo = \"crash planner at 4m 59s for good\"\n"
            .to_owned()
    });
    let said = place.perfidy(&["replay", &file]).ends_with(3).calmly();
    said.says(&["ambiguous: all was over at ", "before `crash planner, window, try 1` could come up"]);
}

#[test]
fn a_failure_whose_safeguard_is_back_is_fixed_as_it_should_be() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(
        &file,
        |text| text.find("persist-before-call").map(|at| at..at),
        |_| "idempotency-keys = true\n".to_owned(),
    );
    let said = place.perfidy(&["replay", &file]).ends_with(0).calmly();
    said.says(&["fixed: every fault was met, and no-duplicate-effects holds"]);
}

#[test]
fn a_failure_that_should_show_what_a_safeguard_is_for_must_not_be_fixed() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    place.perfidy(&["run", "--save", "all"]).ends_with(0);
    let file = place.files("seeds")[0].clone();
    place.change(&file, fault_of, |_| String::new());
    let said = place.perfidy(&["replay", &file]).ends_with(1).calmly();
    said.says(&["fixed: every fault was met", "the case takes a safeguard away, so it should fail"]);
}

#[test]
fn a_failure_with_another_history_is_refreshed_when_asked_to_and_nothing_else_in_its_file_changes() {
    let place = Place::new();
    let file = place.saved_failure();
    place.change(&file, |text| text.find("\nschema").map(|at| at..at), |_| "# See issue 12.\n".to_owned());
    let whole = fs::read_to_string(place.path(&file)).unwrap();
    let replay = |arguments: &[&str], word: &str| {
        place.perfidy(&[&["replay", &file][..], arguments].concat()).ends_with(1).calmly().says(&[word]);
        fs::read_to_string(place.path(&file)).unwrap()
    };
    assert_eq!(replay(&["--refresh"], "reproduced, event for event"), whole, "there was nothing to refresh");

    place.change(&file, |text| text.find("\ndigest = \"").map(|at| at + 11..at + 43), |_| "0".repeat(32));
    let message = "bank.refund happened twice";
    for from in [whole.find("\nmessage").unwrap(), 0] {
        let words = |text: &str| text[from..].find(message).map(|at| from + at..from + at + message.len());
        place.change(&file, words, |_| "it broke".to_owned());
    }
    let old = fs::read_to_string(place.path(&file)).unwrap();
    assert_eq!(replay(&[], "the history is not the saved one"), old);
    assert_eq!(replay(&["--refresh"], "the history was not the saved one, and is now"), whole);
    assert_eq!(place.files("seeds"), [file.as_str()], "nothing is left behind");
}

#[test]
fn a_failure_saved_under_other_names_asks_for_aliases_and_is_replayed_with_them() {
    let place = Place::new();
    let file = place.saved_failure();
    // As if it had been saved when the executors were runners: the text of its scenario says so.
    let group = |text: &str| text.find("\nexecutors = ").map(|at| at + 1..at + 10);
    place.change(&file, group, |_| "runners".to_owned());
    place.perfidy(&["replay", "seeds"]).ends_with(2).complains(&[
        "the workflow `conductor` has no role `runners`",
        "if something was renamed since this was saved, say so in seeds/bank/aliases.toml",
    ]);
    place.write("seeds/aliases.toml", "[agents]\nrunner = \"executor\"\nrunners = \"executors\"\n");
    place
        .perfidy(&["replay", "seeds"])
        .ends_with(1)
        .calmly()
        .says(&["no-duplicate-effects broke", "reproduced"]);
    place
        .perfidy(&["check", "seeds"])
        .ends_with(0)
        .calmly()
        .says(&["seeds/aliases.toml: aliases of 2 names"]);

    place.write("seeds/aliases.toml", "[agents]\nrunners = \"executers\"\n");
    for command in ["replay", "check"] {
        place.perfidy(&[command, "seeds"]).ends_with(2).complains(&[
            "seeds/aliases.toml:2:11",
            "unknown agent `executers`",
            "did you mean `executors`?",
        ]);
    }
}

#[test]
fn the_number_of_threads_changes_nothing_but_the_speed() {
    let place = Place::with(&[("scenarios/a.toml", REFUND), ("scenarios/b.toml", &careless())]);
    let records = |threads| {
        let said =
            place.perfidy(&["run", "--format", "json", "--save", "none", "--threads", threads]).ends_with(1);
        let mut records = said.calmly().records();
        for record in &mut records {
            record.as_object_mut().unwrap().remove("runs_per_second");
        }
        records
    };
    assert_eq!(records("1"), records("2"));
}

#[test]
fn a_scenario_makes_the_same_histories_alone_and_among_others() {
    let place = Place::with(&[("scenarios/a.toml", &careless()), ("scenarios/b.toml", REFUND)]);
    let digest = |path| {
        let said = place.perfidy(&["run", path, "--format", "json", "--save", "none", "--seeds", "50"]);
        let records = said.calmly().records();
        let found = records.iter().find(|record| record["scenario"] == "b" && record["case"] == "as written");
        found.unwrap()["digest"].clone()
    };
    assert_eq!(digest("scenarios"), digest("scenarios/b.toml"));
}

#[test]
fn nobody_listening_any_more_is_no_error() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let mut child = place.start(&["run", "--seeds", "100"]);
    drop(child.stdout.take());
    Said::of(child.wait_with_output().unwrap()).ends_with(0).calmly();
}

#[test]
fn logs_are_off_unless_asked_for_and_carry_virtual_time_node_and_event() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let arguments = ["run", "--seeds", "1", "--save", "none"];
    place.perfidy(&arguments).calmly();
    let logged = Said::of(place.command(&arguments).env("PERFIDY_LOG", "trace").output().unwrap());
    // With one seed the missing safeguard may go unnoticed; the logs are what matters.
    let line = logged.err.lines().find(|line| line.contains("Effect {"));
    let line = line.unwrap_or_else(|| panic!("no effect in:\n{}", logged.err)).trim_start();
    assert!(line.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    assert!(line.contains("ms ") && line.contains(" #") && line.contains("node=bank"), "{line}");
    assert!(!logged.err.contains('\u{1b}'), "colours are for terminals");
}

/// Interrupts a process that has begun to run seeds, as Ctrl-C would.
#[cfg(unix)]
#[test]
fn an_interrupted_campaign_reports_what_it_has() {
    let place = Place::with(&[("scenarios/bank/refund.toml", REFUND)]);
    let mut child = place.start(&["run", "--seeds", "100000000", "--log", "trace"]);
    // The first event of a run says that runs have begun; what follows has to be read, or the process would wait.
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(kill.success());
    let mut rest = Vec::new();
    log.read_to_end(&mut rest).unwrap();
    let said = Said::of(child.wait_with_output().unwrap()).ends_with(3);
    said.says(&["bank/refund", "as written", "interrupted"]);
    assert!(String::from_utf8_lossy(&rest).contains("stopping"));
}

#[test]
fn the_command_explains_itself() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["replay", "--help"], &["check", "--help"]] {
        place.perfidy(arguments).ends_with(0).calmly().says(&["Usage: perfidy"]);
    }
    place.perfidy(&["--help"]).says(&["Exit status: 0 as expected"]);
    let version = format!("perfidy {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(place.perfidy(&["--version"]).ends_with(0).out, version);
}

#[test]
fn a_failure_that_was_not_shrunk_to_the_end_is_shrunk_in_its_place() {
    let place = Place::new();
    let small = place.saved_failure();
    let text = fs::read_to_string(place.path(&small)).unwrap();
    // Somebody adds a fault that makes no difference, and says that shrinking was cut short.
    let more = "[[fault]]\nat = \"user > coordinator, submit, task-1, try 1\"\ndo = \"delay 1ms\"\n\n[case]";
    let large = text.replacen("[case]", more, 1).replacen("digest = ", "unfinished = true\ndigest = ", 1);
    fs::remove_file(place.path(&small)).unwrap();
    place.write("seeds/bank/large.toml", &large);
    place.perfidy(&["shrink", "seeds"]).ends_with(0).calmly().says(&[
        &small,
        "2 faults",
        "became 1 fault in",
        "nothing more can go",
    ]);
    assert_eq!(place.files("seeds"), [small.as_str()]);
    assert_eq!(fs::read_to_string(place.path(&small)).unwrap(), text);
    place.perfidy(&["shrink", &small, "--for", "1m"]).ends_with(0).says(&["nothing more can go"]);
    assert_eq!(fs::read_to_string(place.path(&small)).unwrap(), text);
}

#[test]
fn what_does_not_break_any_more_is_not_shrunk_and_stays_where_it_is() {
    let place = Place::new();
    let file = place.saved_failure();
    let text = fs::read_to_string(place.path(&file)).unwrap();
    let mended = text.replacen("[safeguards]", "[safeguards]\nidempotency-keys = true", 1);
    place.write(&file, &mended);
    place.perfidy(&["shrink", &file, "nowhere.toml"]).ends_with(2).says(&["does not break any more"]);
    assert_eq!(fs::read_to_string(place.path(&file)).unwrap(), mended);
}
