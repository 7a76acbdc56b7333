//! What is said about files that are no scenarios: each with the place, and with what to do.
//!
//! One good file is edited in one place at a time; the snapshots show what somebody who made that mistake reads.

use perfidy::scenario::{Scenario, read_all};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const GOOD: &str = r#"# A lost acknowledgement must not file the ticket twice.
workflow = "conductor"

[team]
executors = 2

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[[step]]
name = "tell-customer"
tool = "mail.send"
needs = ["file-ticket"]
irreversible = true

[tasks]
count = 5
every = "1s..2s"

[safeguards]
idempotency-keys = true
tool-dedupe = true
retry = { attempts = 4, backoff = "1s..30s" }

[tools.ticketing]
latency = "50ms..2s"
deduplicates = true

[tools.mail]

[network]
latency = "1ms..9ms"

[model]
latency = "1s"

[faults]
until = "10m"
ack-lost = { at = "ticketing", chance = "5%" }
partition = { between = ["coordinator", "executors"], every = "1m..5m", lasting = "10s..60s" }

[[fault]]
at = "ticketing > executor-1, reply, task-2, try 1"
do = "drop"

[settle]
within = "15m"

[properties]
no-phantom-completion = { waive = "the network may drop it" }

[[without]]
safeguards = ["idempotency-keys"]
violates = "no-duplicate-effects"
within-seeds = 200
"#;

/// The good file with something in it replaced.
fn edited(edits: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "the good file has no `{from}`");
        text = text.replacen(from, to, 1);
    }
    text
}

fn said_of(text: &str) -> String {
    Scenario::parse("lost-ack.toml", text)
        .map_or_else(|problems| problems.to_string(), |_| "nothing".to_owned())
}

/// What is said about each of these edits, under their names.
fn said_of_edits(table: &[(&str, &[(&str, &str)])]) -> String {
    let mut all = String::new();
    for (name, edits) in table {
        writeln!(all, "--- {name}\n{}\n", said_of(&edited(edits))).unwrap();
    }
    all
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(said_of(GOOD), "nothing");
}

#[test]
fn keys_and_types() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a key that does not exist", &[("[settle]", "[setle]")]),
        ("a key that does not exist, in an inline table", &[("chance = \"5%\"", "chnace = \"5%\"")]),
        ("a key with an underscore", &[("within-seeds", "within_seeds")]),
        ("text for a number", &[("count = 5", "count = \"five\"")]),
        ("a number for text", &[("within = \"15m\"", "within = 15")]),
        ("a fraction for a chance", &[("chance = \"5%\"", "chance = 0.05")]),
        ("a word for a switch", &[("irreversible = true", "irreversible = \"yes\"")]),
        ("a switch for a table", &[("retry = { attempts = 4, backoff = \"1s..30s\" }", "retry = true")]),
        (
            "a value for a table",
            &[("[settle]\nwithin = \"15m\"", ""), ("[team]", "settle = \"15m\"\n[team]")],
        ),
        ("a table for a list of tables", &[("[[without]]", "[without]")]),
        ("a key that is missing", &[("tool = \"mail.send\"\n", "")]),
        ("no first line", &[("# A lost acknowledgement must not file the ticket twice.\n", "")]),
        ("an empty first line", &[("# A lost acknowledgement must not file the ticket twice.", "#")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn toml_that_is_none() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a quote that does not end", &[("\"conductor\"", "\"conductor")]),
        ("a value without quotes", &[("\"conductor\"", "conductor")]),
        ("a key twice", &[("count = 5", "count = 5\ncount = 6")]),
        ("a table twice", &[("[settle]", "[team]")]),
        ("a bracket that does not end", &[("[\"file-ticket\"]", "[\"file-ticket\"")]),
        ("no value", &[("executors = 2", "executors =")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn names_that_nobody_has() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a workflow", &[("\"conductor\"", "\"conducter\"")]),
        ("no workflow", &[("workflow = \"conductor\"\n", "")]),
        ("a role", &[("executors = 2", "executor = 2")]),
        ("a role of another workflow", &[("executors = 2", "workers = 2")]),
        ("a tool, nearly", &[("ticketing.create", "ticketting.create")]),
        ("a tool without a table", &[("mail.send", "calendar.invite")]),
        ("a step", &[("needs = [\"file-ticket\"]", "needs = [\"file-tickets\"]")]),
        ("a property", &[("violates = \"no-duplicate-effects\"", "violates = \"no-duplicates\"")]),
        ("a waived property", &[("no-phantom-completion =", "no-phantom-completions =")]),
        ("a safeguard", &[("idempotency-keys = true", "idempotency = true")]),
        ("a kind of fault", &[("ack-lost", "ack-list")]),
        ("an agent", &[("\"coordinator\", ", "\"cordinator\", ")]),
        ("an agent that the team does not have", &[("\"coordinator\", ", "\"executor-3\", ")]),
        ("a tool that lies", &[("at = \"ticketing\"", "at = \"ticket\"")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn quantities_that_make_no_sense() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("more than always", &[("\"5%\"", "\"120%\"")]),
        ("never", &[("\"5%\"", "\"0%\"")]),
        ("less than never", &[("\"5%\"", "\"-5%\"")]),
        ("no percent", &[("\"5%\"", "\"5\"")]),
        ("a range that runs backwards", &[("\"50ms..2s\"", "\"2s..50ms\"")]),
        ("a range without an end", &[("\"50ms..2s\"", "\"50ms..\"")]),
        ("no length of time", &[("\"15m\"", "\"a while\"")]),
        ("no time to settle", &[("\"15m\"", "\"0s\"")]),
        ("chaos for two days", &[("\"10m\"", "\"48h\"")]),
        ("windows without a pause", &[("\"1m..5m\"", "\"0s..5m\"")]),
        ("windows that never open", &[("\"1m..5m\"", "\"20m..30m\"")]),
        ("too many executors", &[("executors = 2", "executors = 40")]),
        ("fewer than no executors", &[("executors = 2", "executors = -1")]),
        ("tasks that come too late", &[("\"1s..2s\"", "\"7m\"")]),
        ("no tasks", &[("count = 5", "count = 0")]),
        ("no seeds", &[("within-seeds = 200", "within-seeds = 0")]),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn steps_that_cannot_be_taken() {
    let needs = "needs = [\"file-ticket\"]";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("a step that needs itself", &[(needs, "needs = [\"tell-customer\"]")]),
        (
            "steps in a circle",
            &[("tool = \"ticketing.create\"", "tool = \"ticketing.create\"\nneeds = \"tell-customer\"")],
        ),
        ("two steps of one name", &[("name = \"tell-customer\"", "name = \"file-ticket\"")]),
        (
            "a name that cannot stand in an address",
            &[("name = \"file-ticket\"", "name = \"file, then tell\"")],
        ),
        ("a tool without an operation", &[("mail.send", "mail")]),
        ("needs that are empty", &[(needs, "needs = []")]),
        (
            "a tool with the name of an agent",
            &[("mail.send", "planner.send"), ("[tools.mail]", "[tools.planner]")],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
    insta::assert_snapshot!(said_of("# No steps.\nworkflow = \"standby\"\nstep = []\n"));
}

const WITH_STORE: &str = r#"# Nobody's part is lost.
workflow = "scratchpad"

[[step]]
name = "findings"
tool = "library.search"

[safeguards]
retry = { attempts = 4, backoff = "1s..30s" }

[store]
replicas = 3
lag = "10ms..2s"
reads = "sequential"

[tools.library]
"#;

#[test]
fn stores_that_make_no_sense() {
    assert_eq!(said_of(WITH_STORE), "nothing");
    let table = [
        ("a workflow that has none", "scratchpad\"", "conductor\""),
        ("too many replicas", "replicas = 3", "replicas = 30"),
        ("replicas that nobody counted", "replicas = 3", "replicas = \"a few\""),
        ("a lag of nobody", "replicas = 3\n", ""),
        ("a model that nobody knows", "sequential", "strong"),
        ("a tool of the same name", "library.search\"", "store.search\"\n\n[tools.store]"),
        ("a lease that makes no sense", "retry = {", "write-lock = { lease = \"1ms\" }\nretry = {"),
    ];
    let mut all = String::new();
    for (name, from, to) in table {
        assert!(WITH_STORE.contains(from), "{from}");
        writeln!(all, "--- {name}\n{}\n", said_of(&WITH_STORE.replacen(from, to, 1))).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn tasks_that_cannot_be_cancelled() {
    let (tasks, switch) = ("[tasks]\nwithin = \"3m\"\n", "idempotency-keys = true\n");
    let cancelled = "cancelled = { chance = \"40%\", after = \"1s..20s\" }";
    let undo = "undo = \"shop.cancel\"";
    let (able, unable) = ("deduplicates = true", "");
    let called_off = "acknowledged-cancel = true\ntool-dedupe = true\n";
    let both = [switch, called_off].concat();
    let passed_on = "deadline-propagation = true\n";
    let table: [(&str, [&str; 4]); 9] = [
        ("the way it should be", [&[tasks, cancelled].concat(), undo, &[&both, passed_on].concat(), able]),
        ("never", ["[tasks]\ncancelled = { chance = \"0%\", after = \"1s\" }", undo, switch, unable]),
        ("not said when", ["[tasks]\ncancelled = { chance = \"10%\" }", undo, switch, unable]),
        ("no time at all", ["[tasks]\nwithin = \"0s\"", undo, switch, unable]),
        ("a deadline that is not there", ["", undo, passed_on, unable]),
        ("a step that cannot be undone", ["", "irreversible = true", switch, unable]),
        ("a step of which nobody says how", ["", "", switch, unable]),
        ("operations without ids", ["", undo, called_off, able]),
        (
            "a tool that does not know them",
            ["", undo, "idempotency-keys = true\nacknowledged-cancel = true\n", unable],
        ),
    ];
    let mut all = String::new();
    for (name, [tasks, undo, safeguards, tool]) in &table {
        let text = format!(
            "# A hierarchy.\nworkflow = \"hierarchy\"\n\n[[step]]\nname = \"order\"\ntool = \"shop.order\"\n{undo}\n\n\
             {tasks}\n\n[safeguards]\n{safeguards}\n[tools.shop]\n{tool}\n"
        );
        writeln!(all, "--- {name}\n{}\n", said_of(&text)).unwrap();
    }
    let conductor = edited(&[("[safeguards]", &format!("{tasks}{cancelled}\n\n[safeguards]"))]);
    writeln!(all, "--- a team that cannot be told to stop\n{}\n", said_of(&conductor)).unwrap();
    insta::assert_snapshot!(all);
}

#[test]
fn safeguards_that_cannot_be_had_or_taken() {
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "one the agents do not know",
            &[("idempotency-keys = true", "idempotency-keys = true\nfencing-tokens = true")],
        ),
        ("a tool that deduplicates, without the switch", &[("tool-dedupe = true\n", "")]),
        ("the switch, without a tool", &[("deduplicates = true", "")]),
        ("taking away what is not on", &[("safeguards = [\"idempotency-keys\"]", "safeguards = \"verify\"")]),
        (
            "taking away what does not exist",
            &[("safeguards = [\"idempotency-keys\"]", "safeguards = \"keys\"")],
        ),
        (
            "breaking what is waived",
            &[("violates = \"no-duplicate-effects\"", "violates = \"no-phantom-completion\"")],
        ),
        ("waiving without a reason", &[("\"the network may drop it\"", "\"\"")]),
        (
            "the same case twice",
            &[(
                "within-seeds = 200",
                "\n[[without]]\nsafeguards = \"idempotency-keys\"\nviolates = \"well-behaved\"",
            )],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn faults_that_cannot_strike() {
    let partition = "partition = { between = [\"coordinator\", \"executors\"]";
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "a partition of a group from its member",
            &[(partition, "partition = { between = [\"executor-1\", \"executors\"]")],
        ),
        (
            "a partition of three",
            &[(partition, "partition = { between = [\"planner\", \"verifier\", \"executors\"]")],
        ),
        ("an agent that lies", &[("at = \"ticketing\"", "at = \"planner\"")]),
        ("a tool that crashes", &[("ack-lost = { at = \"ticketing\"", "crash = { at = \"ticketing\"")]),
        (
            "a crash at no time",
            &[("ack-lost = { at = \"ticketing\", chance = \"5%\" }", "crash = { at = \"planner\" }")],
        ),
        (
            "a crash before a step that nobody takes",
            &[("ack-lost = { at = \"ticketing\",", "crash = { at = \"planner\", before = \"plans\",")],
        ),
        ("no fault in a list", &[("ack-lost = { at = \"ticketing\", chance = \"5%\" }", "ack-lost = []")]),
        (
            "one of two in a list",
            &[(
                "ack-lost = { at = \"ticketing\", chance = \"5%\" }",
                "mute = [{ at = \"mail\", chance = \"1%\" }, { at = \"post\", chance = \"1%\" }]",
            )],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn pinned_faults_that_cannot_happen() {
    let at = "ticketing > executor-1, reply, task-2, try 1";
    let action = "do = \"drop\"";
    let table: &[(&str, &[(&str, &str)])] = &[
        ("no address", &[(at, "somewhere")]),
        ("an address of nothing", &[(at, "ticketing, task-2, try 1")]),
        ("a message without a kind", &[(at, "ticketing > executor-1, task-2, try 1")]),
        ("a message to somebody else", &[(at, "ticketing > executor-9, reply, task-2, try 1")]),
        ("a message to a group", &[(at, "ticketing > executors, reply, task-2, try 1")]),
        (
            "a step that nobody takes",
            &[(at, "executor-1, before lunch, task-2, try 1"), (action, "do = \"pause 1s\"")],
        ),
        (
            "neither before nor after",
            &[(at, "executor-1, call, task-2, try 1"), (action, "do = \"pause 1s\"")],
        ),
        ("no action", &[(action, "do = \"Drop it!\"")]),
        ("an action that is misspelt", &[(action, "do = \"dorp\"")]),
        ("a crash of a message", &[(action, "do = \"crash for good\"")]),
        ("a loss of a step", &[(at, "executor-1, before call, task-2, try 1")]),
        ("a lie that nobody tells", &[(at, "mail, send, task-2, try 1"), (action, "do = \"ack-loss\"")]),
        (
            "a late reply that is not late",
            &[(at, "mail, send, task-2, try 1"), (action, "do = \"late-reply\"")],
        ),
        ("a lie that takes no time", &[(at, "mail, send, task-2, try 1"), (action, "do = \"mute 3s\"")]),
        (
            "a disk that does something else",
            &[(at, "planner's disk, read, journal, try 1"), (action, "do = \"refuse\"")],
        ),
        (
            "a torn write that is no crash",
            &[(at, "planner's disk, write, finished, try 1"), (action, "do = \"tear\"")],
        ),
        ("the disk of a tool", &[(at, "mail's disk, write, finished, try 1"), (action, "do = \"refuse\"")]),
        ("a twin of a tool", &[(action, "do = \"twin mail at 1m for 9s\"")]),
        ("a clock of nobody", &[(action, "do = \"skew bob at 1m for 9s, 5s ahead\"")]),
        ("a flapping link to oneself", &[(action, "do = \"flap mail from mail at 1m for 9s, every 1s\"")]),
        ("a cut of somebody else", &[(action, "do = \"cut planner from bob at 1m for 1s\"")]),
        ("a cut of one group", &[(action, "do = \"cut planner from verifier+planner at 1m for 1s\"")]),
        ("a crash of a tool", &[(action, "do = \"crash mail at 1m for good\"")]),
        ("a pause after the end", &[(action, "do = \"pause planner at 11m for 1s\"")]),
        (
            "two at one place",
            &[(
                "do = \"drop\"",
                "do = \"drop\"\n[[fault]]\nat = \"ticketing > executor-1, reply, task-2, try 1\"\ndo = \"delay 1s\"",
            )],
        ),
    ];
    insta::assert_snapshot!(said_of_edits(table));
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = edited(&[
        ("executors = 2", "executors = 99"),
        ("mail.send", "male.send"),
        ("count = 5", "cuont = 5"),
        ("\"5%\"", "\"500%\""),
        ("do = \"drop\"", "do = \"pause 1s\""),
        ("\"15m\"", "\"15\""),
    ]);
    insta::assert_snapshot!(said_of(&text));
}

/// A folder of files, gone when the test ends.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// What is said about a path, with the folder's own path left out.
    fn said_of(&self, below: &str) -> String {
        let bad = read_all(&[self.path(below)]).map_or_else(|bad| bad, |good| panic!("{good:?}"));
        let said: Vec<String> = bad.iter().map(ToString::to_string).collect();
        said.join("\n\n").replace(&self.0.path().display().to_string(), "[folder]")
    }
}

#[test]
fn files_that_cannot_be_read() {
    let huge = vec![b'#'; (1 << 20) + 1];
    let folder = Folder::new(&[
        ("lost-ack.toml", GOOD.as_bytes()),
        ("empty.toml", b" \n"),
        ("latin.toml", b"# One.\n# Gr\xfc\xdfe.\n"),
        ("huge.toml", &huge),
        ("nothing/readme.md", b"nothing to see"),
    ]);
    let mut all = String::new();
    for path in ["lost-ask.toml", "no/such/folder", "empty.toml", "latin.toml", "huge.toml", "nothing"] {
        writeln!(all, "--- {path}\n{}\n", folder.said_of(path)).unwrap();
    }
    insta::assert_snapshot!(all);

    let directory = Scenario::read(&folder.path("nothing"), Path::new("")).unwrap_err();
    assert!(directory.to_string().starts_with("error: this is a directory, not a file"));
}

#[test]
fn a_directory_with_bad_files_names_them_all_and_yields_nothing() {
    let folder = Folder::new(&[
        ("scenarios/a/good.toml", GOOD.as_bytes()),
        ("scenarios/a/bad.toml", b"# No workflow.\n"),
        ("scenarios/b/worse.toml", b"workflow ="),
        ("scenarios/b/notes.txt", b"not a scenario"),
        ("scenarios/.hidden/bad.toml", b"hidden"),
    ]);
    insta::assert_snapshot!(folder.said_of("scenarios"));
}

#[test]
fn scenarios_have_one_name_however_they_are_reached() {
    let folder = Folder::new(&[
        ("scenarios/b/two.toml", GOOD.as_bytes()),
        ("scenarios/a/one.toml", GOOD.as_bytes()),
        ("elsewhere/three.toml", GOOD.as_bytes()),
    ]);
    let names = |paths: &[&str]| -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| folder.path(path)).collect();
        read_all(&paths).unwrap().iter().map(|scenario| scenario.name.to_string()).collect()
    };
    assert_eq!(names(&["scenarios"]), ["a/one", "b/two"]);
    assert_eq!(names(&["scenarios/a"]), ["a/one"]);
    assert_eq!(names(&["scenarios/b/two.toml", "scenarios"]), ["b/two", "a/one"]);
    assert_eq!(names(&["elsewhere"]), ["three"]);
    assert_eq!(names(&["elsewhere/three.toml"]), ["three"]);
}

#[test]
fn two_scenarios_of_one_name_are_not_read_together() {
    let folder = Folder::new(&[("a/one.toml", GOOD.as_bytes()), ("b/one.toml", GOOD.as_bytes())]);
    let bad = read_all(&[folder.path("a"), folder.path("b")]).unwrap_err();
    assert!(bad[0].to_string().contains("one.toml is called `one` as well"), "{}", bad[0]);
}

#[test]
fn a_megabyte_of_mistakes_is_read_to_its_end() {
    let pieces = [
        "[[step]]\nname = \"a\"\ntool = \"b.c\"\n",
        "[[without]]\nsafeguards = \"retry\"\nviolates = \"well-behaved\"\n",
        "[[faults.drop]]\nchance = \"1%\"\n",
        "[[faults.mute]]\nat = \"nobody\"\nchance = \"1%\"\n",
        "[[fault]]\nat = \"a, b, c, try 1\"\ndo = \"mute\"\n",
        "[tools.a#]\n",
        "a# = 1\n",
        "[[",
    ];
    for piece in pieces {
        let lines = (0..(1 << 19) / piece.len()).map(|number| piece.replace('#', &number.to_string()));
        let text = format!("{GOOD}{}", lines.collect::<String>());
        assert!(said_of(&text).len() < 20_000, "{piece}");
    }
}

/// Pieces of which files are made, the strange ones included.
const PIECES: &[&str] = &[
    "",
    "\n",
    "=",
    "[",
    "]",
    "[[",
    "{",
    "}",
    ",",
    "\"",
    "'''",
    "#",
    ".",
    "..",
    "%",
    "\u{feff}",
    "\0",
    "ß",
    "🦀",
    "\r",
    "true",
    "0",
    "-1",
    "9999999999999999999999",
    "1e400",
    "1979-05-27",
    "[faults]",
    "[[fault]]",
    "[[step]]",
    "[team]",
    "[[faults.drop]]",
    "drop = {}",
    "crash = []",
    "\"5%\"",
    "\"100.00001%\"",
    "\"..\"",
    "\"1s..0s\"",
    "\"584542046090y\"",
    "\"everyone\"",
    "\"executor-1\"",
    "\"cut a+b from c at 1m for 40s\"",
    "\"a > b, c, d, try 1\"",
    "\", , try 1\"",
    "needs = [\"file-ticket\", \"tell-customer\"]",
];

proptest! {
    #[test]
    fn no_text_at_all_panics(text in any::<String>()) {
        said_of(&text);
    }

    #[test]
    fn no_edit_of_a_good_file_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(PIECES)), 1..6)
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (place, length, piece) in edits {
            let start = place.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.chars());
        }
        said_of(&text.into_iter().collect::<String>());
    }
}
