//! What a run of the help desk is: one history for each seed, with the HTTP between the agents in it, and
//! with the faults of the network on their way.

use perfidy::explore::{
    Campaign, CaseReport, CaseVerdict, Collect, Run, SavedSeed, Watchdog, audit, first_difference, shrink,
};
use perfidy::prelude::*;
use perfidy::report::Story;
use perfidy::scenario::read_all;
use perfidy::sim::{EventKind, Interrupt, Loss, Plan, SocketAct};
use std::sync::Arc;

fn scenario() -> Arc<Scenario> {
    let all =
        read_all(&tokio_team::suite(), &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
    Arc::clone(&all[0])
}

fn campaign(case: &Case) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let (engine, first_seed, collect) = (Engine::Madsim, Seed(0), Collect::NONE);
    Campaign { engine, first_seed, seeds: 100, collect, interrupted, watchdog }.run(case)
}

fn acts(run: &Run) -> impl Iterator<Item = &SocketAct> {
    run.outcome.history.events().iter().filter_map(|event| match &event.what {
        EventKind::Socket(socket) => Some(&socket.act),
        _ => None,
    })
}

#[test]
fn agents_talk_over_http_and_the_history_has_it() {
    let case = Case::as_written(&scenario());
    let run = Run::planned(&case, Engine::Madsim, Seed(1), &Plan::fault_free());
    let said =
        |wanted: &str| acts(&run).any(|act| matches!(act, SocketAct::Sent(piece) if *piece.start == *wanted));
    assert!(said("POST /tickets HTTP/1.1") && said("HTTP/1.1 200 OK"));
}

#[test]
fn one_seed_is_one_history_also_of_real_clients_and_servers() {
    let case = Case::as_written(&scenario());
    for seed in (0..20).map(Seed) {
        let run = || Run::fuzzed(&case, Engine::Madsim, seed).outcome;
        assert_eq!(first_difference(&run(), &run()), None);
        assert!(audit(&case, Engine::Madsim, seed).is_ok(), "{seed}");
    }
}

#[test]
fn every_fault_of_the_file_reaches_the_sockets() {
    let case = Case::as_written(&scenario());
    let runs: Vec<Run> = (0..50).map(|seed| Run::fuzzed(&case, Engine::Madsim, Seed(seed))).collect();
    let all = || runs.iter().flat_map(acts);
    let lost =
        |why: Loss| all().any(|act| matches!(act, SocketAct::Lost { why: known, .. } if *known == why));
    assert!(lost(Loss::Dropped) && lost(Loss::Partition));
    assert!(all().any(|act| *act == SocketAct::Reset) && all().any(|act| *act == SocketAct::Refused));
    for kind in ["drop", "delay", "partition", "slow-link", "crash"].map(Name::new) {
        let injected = runs.iter().flat_map(|run| &run.outcome.injected);
        assert!(injected.into_iter().any(|fault| fault.action.kind() == kind), "{kind}");
    }
}

#[test]
fn a_ticket_filed_twice_is_found_shrunk_and_told() {
    let cases = Case::all(&scenario());
    assert_eq!(campaign(&cases[0]).verdict(), CaseVerdict::Holds);
    let CaseVerdict::Caught(findings) = campaign(&cases[1]).verdict() else { panic!("not caught") };
    let finding = &findings[0];
    let small = shrink(&cases[1], Engine::Madsim, finding.seed, finding.property, &finding.faults)
        .expect("it breaks again");
    assert!(small.faults.len() <= 2, "{:?}", small.faults);
    let saved = SavedSeed::new(Engine::Madsim, finding.seed, finding.property, &small);
    let story = Story::new(&small.case, &saved, &small.run, None).expect("it broke").to_string();
    // The user may submit a task twice by itself, so that no fault is needed.
    assert!(story.contains("ticketing.create happened twice") && story.contains("2 times"), "{story}");
}

#[test]
fn a_message_kind_that_no_socket_has_is_refused_and_one_that_they_have_is_not() {
    let with = |kind: &str| {
        let drop = "drop = { between";
        let text = scenario().text.replace(drop, &format!("drop = {{ message = \"{kind}\", between"));
        Scenario::parse(&tokio_team::suite(), "helpdesk/lost-answer", &text).map_err(|bad| bad.to_string())
    };
    assert!(with("tcp data").is_ok());
    let refused = with("tcp date").expect_err("there is no such kind");
    assert!(refused.contains("did you mean `tcp data`, which `desk` and `worker` send?"), "{refused}");
}
