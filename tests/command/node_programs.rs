//! Agents that are scripts of Node: `[agents.NAME] run = "node my_agent.mjs"`. They need Node 20 or later, as
//! `node`, and no package; those that need packages are in tests/programs/node/run.

use crate::place::{Place, Said};
use crate::programs::{FILE, KILLED, MANY_FAULTS, SUPPORT, block, leaves_nothing, running};
use std::process::Command;

/// A folder with the scripts, and a scenario with one of them as its agent.
fn place(scenario: &str, script: &str) -> Place {
    Place::with(&[
        (FILE, running(scenario, &format!("node agents/{script}")).as_str()),
        ("agents/support.mjs", include_str!("../programs/agents/support.mjs")),
        ("agents/remembers.cjs", include_str!("../programs/agents/remembers.cjs")),
        ("agents/times.mjs", include_str!("../programs/agents/times.mjs")),
        ("agents/trouble.mjs", include_str!("../programs/agents/trouble.mjs")),
    ])
}

#[test]
fn a_lost_acknowledgement_makes_an_unmodified_agent_file_the_ticket_twice() {
    for script in ["support.mjs", "support.mjs --http"] {
        let place = place(SUPPORT, script);
        let said = leaves_nothing(&place, &["run", "--seeds", "4"]).ends_with(1);
        said.says(&[
            "no-duplicate-effects broke: ticketing.create happened twice for task-1/file-ticket",
            "ticketing, create, task-1/file-ticket, try 1: ack-lost",
            "2 times  task-1/file-ticket by ticketing.create",
        ]);
        let saved = place.files("seeds");
        assert_eq!(saved.len(), 1, "{saved:?}");
        leaves_nothing(&place, &["replay", "seeds"]).ends_with(1).says(&["reproduced, event for event"]);
        let careful = place.read("agents/support.mjs").replace("process.argv.includes('--key')", "true");
        place.write("agents/support.mjs", &careful);
        leaves_nothing(&place, &["replay", "seeds"]).ends_with(0).says(&["fixed"]);
    }
}

#[test]
fn the_example_of_the_guide_is_as_the_guide_says() {
    let block = |language: &str, number: usize| {
        block(include_str!("../../src/guide/node_agents.md"), language, number)
    };
    let place = Place::with(&[("agent.mjs", &block("js", 0)), ("ticket.toml", &block("toml", 0))]);
    let said =
        leaves_nothing(&place, &["run", "ticket.toml", "--seeds", "20", "--save", "none"]).ends_with(1);
    said.says(&["ticketing.create happened twice", "One fault suffices"]);
    let line = "  const request = { method: 'POST', body, signal: AbortSignal.timeout(2_000) };\n";
    let fixed = place.read("agent.mjs").replace(line, &block("js", 1));
    assert_ne!(fixed, place.read("agent.mjs"));
    place.write("agent.mjs", &fixed);
    leaves_nothing(&place, &["run", "ticket.toml", "--seeds", "20"]).ends_with(0).says(&["ack-lost"]);
}

#[test]
fn an_agent_with_idempotency_keys_holds_and_is_the_same_in_another_process() {
    let place = place(SUPPORT, "support.mjs --key");
    leaves_nothing(&place, &["run", "--seeds", "20"]).ends_with(0).says(&["ack-lost"]);
    let said = leaves_nothing(&place, &["audit", FILE, "--seeds", "2"]).ends_with(0);
    said.says(&["2 seeds, the same on other threads, in another process and replayed"]);
}

#[test]
fn an_agent_with_timeouts_and_keys_keeps_its_word_under_many_kinds_of_faults_for_two_tasks() {
    let place = place(MANY_FAULTS, "support.mjs --key --http");
    let said = leaves_nothing(&place, &["run", "--seeds", "30"]).ends_with(0);
    said.says(&["ack-lost", "error-with-effect", "model-error", "model-rate-limit", "partition"]);
}

#[test]
fn a_killed_agent_finds_what_it_left_on_its_disk_and_an_hour_of_sleep_costs_nothing() {
    let remembers = place(KILLED, "remembers.cjs");
    leaves_nothing(&remembers, &["run", "--seeds", "12"]).ends_with(0).says(&["crash"]);
    let forgets = place(KILLED, "remembers.cjs --forgets");
    let said = leaves_nothing(&forgets, &["run", "--seeds", "4", "--save", "none"]).ends_with(1);
    said.says(&[
        "no-duplicate-effects broke",
        "assistant, after call, task-1/file-ticket, try 1: crash",
        "assistant (2) restarts",
    ]);
}

#[test]
fn every_timer_clock_and_source_of_randomness_is_of_the_run() {
    // The script checks them itself, and ends with an error if one is not what it should be.
    let place = place(&SUPPORT.replace("until = \"10m\"", "until = \"1h\""), "times.mjs --key");
    leaves_nothing(&place, &["run", "--seeds", "4"]).ends_with(0);
    let said = leaves_nothing(&place, &["audit", FILE, "--seeds", "1"]).ends_with(0);
    said.says(&["1 seed, the same on other threads, in another process and replayed"]);
}

#[test]
fn what_no_simulated_agent_can_do_is_reported_with_what_it_was() {
    let cases = [
        ("unknown-host", "a connection to `api.example.com`: the scenario has no such host; it has "),
        ("unknown-host", "the last that it printed: Uncaught TypeError: fetch failed"),
        ("real-address", "a connection to `93.184.216.34`: the scenario has no such host"),
        ("encrypted", "an encrypted connection: TLS is not simulated; use http://"),
        ("process", "child_process.execSync: another process would not be simulated"),
        ("thread", "worker_threads.Worker: nothing runs beside the script here"),
        ("listens", "listening: a simulated agent only connects"),
        ("datagram", "a socket of UDP: a simulated agent only connects"),
        ("watches", "fs.watch: nothing but the script changes its files"),
        ("addon", "a native addon: its threads and sockets would be of the real world"),
        ("binding", "process.binding: it is of Node itself"),
        ("lock", "Atomics.wait without a time: no other thread could end it"),
        ("dies", "was killed by signal 6; the last that it printed: {\"exit\": 0, \"ops\": []}"),
        ("breaks-the-pipe", "said what is no"),
        ("flood", "said more than 64 MiB in one turn"),
    ];
    for (what, report) in cases {
        let place = place(SUPPORT, &format!("trouble.mjs {what}"));
        let said =
            leaves_nothing(&place, &["run", "--seeds", "1", "--seed", "7", "--save", "none"]).ends_with(1);
        said.says(&["well-behaved broke", "seed 7", report]);
    }
}

#[test]
fn a_rejection_that_nothing_handles_ends_the_script_with_its_words() {
    let place = place(SUPPORT, "trouble.mjs unhandled-rejection");
    let mut command = place.command(&["run", "--seeds", "1", "--seed", "7", "--save", "none"]);
    command.env("PERFIDY_LOG", "info");
    let said = Said::at_the_end_of(command);
    assert!(said.err.contains("Uncaught Error: nobody waits for this"), "{}", said.err);
}

#[test]
fn many_runs_leave_no_descriptor_open() {
    let place = place(SUPPORT, "support.mjs --key");
    // Each run has a socket and a folder of its own: with few descriptors a leak ends this.
    let mut command = Command::new("sh");
    command.arg("-c").arg("ulimit -n 32; exec \"$0\" run --seeds 40 --save none");
    command.arg(env!("CARGO_BIN_EXE_perfidy")).current_dir(place.path(""));
    Said::at_the_end_of(command).ends_with(0).says(&["40"]);
}

#[test]
fn a_script_that_cannot_run_is_a_problem_of_its_file() {
    let cases = [
        ("node agents/suport.mjs", "there is no script `agents/suport.mjs`"),
        ("node --no-warnings", "names no script"),
        ("node9 agents/support.mjs", "there is no `node9` on this machine"),
        ("node agents/broken.mjs", "`agents/broken.mjs` is not JavaScript: SyntaxError: "),
        ("node agents/support.py", "its name does not end as that of a script does"),
    ];
    let place = place(SUPPORT, "support.mjs");
    place.write("agents/broken.mjs", "\nfunction main( {\n");
    place.write("agents/support.py", "print()\n");
    for (run, problem) in cases {
        place.write(FILE, &running(SUPPORT, run));
        place.perfidy(&["run", FILE]).ends_with(2).complains(&[problem, FILE]);
    }
}
