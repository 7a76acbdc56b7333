//! Agents that are programs: `[agents.NAME] run = "python3 my_agent.py"`. They need Python 3.11 or later, as
//! `python3`, and no package; those that need packages are in tests/programs/run.

use crate::place::{Place, Said};
use crate::workshop::wait_until;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const SUPPORT: &str = include_str!("../programs/support.toml");
pub const KILLED: &str = include_str!("../programs/killed.toml");
pub const MANY_FAULTS: &str = include_str!("../programs/many-faults.toml");
pub const FILE: &str = "scenarios/tool-loop/agent.toml";

/// A scenario with another program as its agent.
pub fn running(scenario: &str, program: &str) -> String {
    let own = scenario.lines().find(|line| line.starts_with("run = ")).expect("it has a program");
    scenario.replacen(own, &format!("run = \"{program}\""), 1)
}

/// A folder with the scripts, and a scenario with one of them as its agent.
fn place(scenario: &str, script: &str) -> Place {
    Place::with(&[
        (FILE, running(scenario, &format!("python3 agents/{script}")).as_str()),
        ("agents/support.py", include_str!("../programs/agents/support.py")),
        ("agents/remembers.py", include_str!("../programs/agents/remembers.py")),
        ("agents/trouble.py", include_str!("../programs/agents/trouble.py")),
        ("agents/hash_order.py", include_str!("../programs/agents/hash_order.py")),
    ])
}

/// What a run says. Soon after it there must be neither a temporary file nor a process of it.
#[track_caller]
pub fn leaves_nothing(place: &Place, arguments: &[&str]) -> Said {
    let temporary = place.path("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = place.command(arguments);
    command.env("TMPDIR", &temporary);
    let said = Said::at_the_end_of(command);
    let left = || {
        let mut left: Vec<_> = fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).collect();
        left.extend(processes_at(&temporary));
        left
    };
    // What the other process of an audit has started ends after it.
    wait_until(|| left().is_empty());
    assert_eq!(left(), Vec::<PathBuf>::new(), "{}", said.err);
    said
}

/// The processes whose environment names a folder, where the system says so.
fn processes_at(folder: &Path) -> Vec<PathBuf> {
    let names = folder.to_str().unwrap();
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let is_there = |path: &PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(names)
    };
    entries.map(|entry| entry.path()).filter(is_there).collect()
}

#[test]
fn a_lost_acknowledgement_makes_an_unmodified_agent_file_the_ticket_twice() {
    let place = place(SUPPORT, "support.py");
    let said = leaves_nothing(&place, &["run", "--seeds", "60"]).ends_with(1);
    said.says(&[
        "no-duplicate-effects broke: ticketing.create happened twice for task-1/file-ticket",
        "ticketing, create, task-1/file-ticket, try 1: ack-lost",
        "2 times  task-1/file-ticket by ticketing.create",
    ]);
    let saved = place.files("seeds");
    assert_eq!(saved.len(), 1, "{saved:?}");
    leaves_nothing(&place, &["replay", "seeds"]).ends_with(1).says(&["reproduced, event for event"]);
    // The saved failure is as it was; the agent is another one now, which is what a fix is.
    let careful = place.read("agents/support.py").replace("\"--key\" in sys.argv", "True");
    place.write("agents/support.py", &careful);
    leaves_nothing(&place, &["replay", "seeds"]).ends_with(0).says(&["fixed"]);
}

/// A block of code of a page of the guide.
pub fn block(page: &str, language: &str, number: usize) -> String {
    let start = page.match_indices(&format!("```{language}\n")).nth(number).expect("it is there");
    let lines = page[start.0..].lines().skip(1).take_while(|line| *line != "```");
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_example_of_the_guide_is_as_the_guide_says() {
    let block = |language: &str, number: usize| {
        block(include_str!("../../src/guide/python_agents.md"), language, number)
    };
    let place = Place::with(&[("agent.py", &block("python", 0)), ("ticket.toml", &block("toml", 0))]);
    let said = leaves_nothing(&place, &["run", "ticket.toml", "--save", "none"]).ends_with(1);
    said.says(&["ticketing.create happened twice", "One fault suffices"]);
    let line = "    request = urllib.request.Request(\"http://ticketing/create\", body)\n";
    let fixed = place.read("agent.py").replace(line, &block("python", 1));
    place.write("agent.py", &fixed);
    leaves_nothing(&place, &["run", "ticket.toml"]).ends_with(0).says(&["ack-lost"]);
}

#[test]
fn an_agent_with_idempotency_keys_holds_and_is_the_same_in_another_process_with_another_hash_seed() {
    let place = place(SUPPORT, "support.py --key");
    leaves_nothing(&place, &["run", "--seeds", "200"]).ends_with(0).says(&["ack-lost"]);
    let said = leaves_nothing(&place, &["audit", FILE, "--seeds", "4"]).ends_with(0);
    said.says(&["4 seeds, the same on other threads, in another process and replayed"]);
}

#[test]
fn an_agent_with_timeouts_and_keys_keeps_its_word_under_many_kinds_of_faults() {
    let place = place(MANY_FAULTS, "support.py --key");
    let said = leaves_nothing(&place, &["run", "--seeds", "40"]).ends_with(0);
    said.says(&["ack-lost", "error-with-effect", "model-error", "model-rate-limit", "partition"]);
}

#[test]
fn an_agent_that_depends_on_the_order_of_a_set_is_found_by_an_audit() {
    let place = place(SUPPORT, "hash_order.py");
    let said = leaves_nothing(&place, &["audit", FILE, "--seeds", "1"]).ends_with(1);
    said.says(&["another process", "title"]);
}

#[test]
fn a_killed_agent_finds_what_it_left_on_its_disk_and_an_hour_of_sleep_costs_nothing() {
    let remembers = place(KILLED, "remembers.py");
    leaves_nothing(&remembers, &["run", "--seeds", "60"]).ends_with(0).says(&["crash"]);
    let forgets = place(KILLED, "remembers.py --forgets");
    let said = leaves_nothing(&forgets, &["run", "--seeds", "60", "--save", "none"]).ends_with(1);
    said.says(&[
        "no-duplicate-effects broke",
        "assistant, after call, task-1/file-ticket, try 1: crash",
        "assistant (2) restarts",
    ]);
}

#[test]
fn what_no_simulated_agent_can_do_is_reported_with_what_it_was() {
    let cases = [
        ("unknown-host", "a connection to `api.example.com`: the scenario has no such host; it has "),
        ("real-address", "a connection to `93.184.216.34`: the scenario has no such host"),
        ("real-socket", "socket.__new__: a simulated agent only connects to the services of its scenario"),
        // The kernel of Linux refuses it.
        #[cfg(target_os = "linux")]
        ("socket-of-an-extension", "was killed by signal 6; the last that it printed: refused"),
        ("fork", "os.fork: another process would not be simulated"),
        ("process", "subprocess.Popen: another process would not be simulated"),
        ("waits-for-thread", "a wait for another thread: nothing runs beside the script here"),
        ("waits-for-queue", "a wait for another thread: nothing runs beside the script here"),
        ("listens", "listening at ('127.0.0.1', 8080)"),
        ("dies", "was killed by signal 6; the last that it printed: begins"),
        ("leaves", "ended without a word, with status 3"),
        ("breaks-the-pipe", "said what is no"),
        ("flood", "said more than 64 MiB in one turn"),
    ];
    for (what, report) in cases {
        let place = place(SUPPORT, &format!("trouble.py {what}"));
        let said =
            leaves_nothing(&place, &["run", "--seeds", "1", "--seed", "7", "--save", "none"]).ends_with(1);
        said.says(&["well-behaved broke", "seed 7", report]);
    }
}

#[test]
fn a_thousand_runs_leave_no_descriptor_open() {
    let place = place(SUPPORT, "support.py --key");
    // Each run has a socket and a folder of its own: with few descriptors a leak ends this.
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -n 64; exec \"$0\" run --seeds 1000 --save none");
    command.arg(env!("CARGO_BIN_EXE_perfidy")).current_dir(place.path(""));
    Said::at_the_end_of(command).ends_with(0).says(&["1000"]);
}

#[test]
fn a_program_that_cannot_run_is_a_problem_of_its_file() {
    let cases = [
        ("python3 agents/suport.py", "there is no script `agents/suport.py`"),
        ("python3", "names no script"),
        ("ruby agents/support.py", "`ruby` is no interpreter that runs in virtual time"),
        ("python9 agents/support.py", "there is no `python9` on this machine"),
        ("python3 agents/broken.py", "`agents/broken.py` is not Python"),
    ];
    let place = place(SUPPORT, "support.py");
    place.write("agents/broken.py", "def main(:\n");
    for (run, problem) in cases {
        place.write(FILE, &SUPPORT.replace("python3 agents/support.py", run));
        place.perfidy(&["run", FILE]).ends_with(2).complains(&[problem, FILE]);
    }
    place.write(FILE, &SUPPORT.replace("[agents.assistant]", "[agents.helper]"));
    place
        .perfidy(&["run", FILE])
        .ends_with(2)
        .complains(&["has no agent `helper`", "its agent is `assistant`"]);
    place.write(
        FILE,
        &SUPPORT.replace("[safeguards]", "[safeguards]\nretry = { attempts = 3, backoff = \"1s\" }"),
    );
    place.perfidy(&["run", FILE]).ends_with(2).complains(&["`retry` is code of perfidy's own agents"]);
}
