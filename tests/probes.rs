//! Probes: places that a campaign must reach at least once.

use perfidy::agent::{Agent, LeaseEvent, Outcome, Report, TeamEvent};
use perfidy::explore::strategy::{Bounds, Choice, Start};
use perfidy::explore::{
    Campaign, CaseReport, CaseVerdict, Collect, FuzzState, Run, TrialsProgress, Watchdog,
};
use perfidy::probe::Probe;
use perfidy::report::probes_table;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy::workflows::user::UserMessage;
use perfidy_sim::{Engine, Interrupt, Seed};

/// Fails every task, and reaches `again` if it gets one twice.
async fn clerk(agent: Agent) {
    let mut tasks = Vec::new();
    loop {
        let message = agent.receive().await;
        let task = message.about();
        if tasks.contains(&task) {
            agent.reached("again");
        }
        tasks.push(task);
        agent.send(message.from(), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
    }
}

fn suite(probes: &[&'static str]) -> Suite {
    let office =
        Workflow::new("office").about("a clerk that fails every task").agent("clerk", clerk).probes(probes);
    let leads = |note: &TeamEvent| matches!(note, TeamEvent::Lease(LeaseEvent::Granted { .. }));
    Suite::shipped()
        .workflow(office)
        .probe(Probe::in_code("again", "a task comes twice"))
        .probe(Probe::when("short", "a run is short", |history| history.len() < 1_000))
        .probe(Probe::when("led", "a lease is granted", move |history| {
            history.app_events().any(|(_, note)| leads(note))
        }))
}

const TEXT: &str = "# Messages that come twice.\nworkflow = \"office\"\n\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n\n\
                    [tools.desk]\n\n[faults]\nduplicate = { message = \"submit\", chance = \"20%\", after = \"1s\" }\n";

fn report(probes: &[&'static str]) -> CaseReport {
    let scenario = Scenario::parse(&suite(probes), "office", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: 50,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    };
    campaign.run(&Case::as_written(&scenario))
}

#[test]
fn a_probe_counts_the_runs_that_reach_it() {
    let report = report(&["again", "short"]);
    assert_eq!(report.verdict(), CaseVerdict::Holds);
    let [again, short] = ["again", "short"].map(|probe| report.probes[probe]);
    assert!(again > 0 && again < 50, "{again}");
    assert_eq!(short, 50);
}

#[test]
fn a_probe_that_no_run_reaches_makes_the_case_vacuous() {
    let what = "no run reached the probe `led`".to_owned();
    assert_eq!(report(&["led", "short"]).verdict(), CaseVerdict::Vacuous { what });
}

#[test]
fn a_probe_counts_only_for_the_workflows_that_name_it() {
    assert_eq!(report(&["short"]).probes.keys().collect::<Vec<_>>(), [&"short"]);
}

#[test]
fn a_workflow_that_names_a_probe_that_is_not_there_is_refused_with_the_nearest() {
    let bad = Scenario::parse(&suite(&["agian"]), "office", TEXT).unwrap_err().to_string();
    assert!(bad.contains("the workflow `office` names the probe `agian`; did you mean `again`?"), "{bad}");
}

#[test]
#[should_panic(
    expected = "an agent reaches the probe `again`, which the suite does not have; there is only `once`"
)]
fn an_agent_that_reaches_a_probe_that_is_not_there_is_told_so() {
    let office = Workflow::new("office").about("a clerk that fails every task").agent("clerk", clerk);
    let suite = Suite::shipped().workflow(office).probe(Probe::in_code("once", "a task comes once"));
    let scenario = Scenario::parse(&suite, "office", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
    (0..50).map(Seed).for_each(|seed| drop(Run::fuzzed(&Case::as_written(&scenario), Engine::Native, seed)));
}

#[test]
fn a_long_campaign_counts_the_runs_that_reach_each_probe_and_names_those_that_none_has_reached() {
    let scenario = Scenario::parse(&suite(&["led", "short"]), "office", TEXT).unwrap();
    let case = Case::as_written(&scenario);
    let mix = Choice::find(&scenario.suite, "mix").expect("there is one");
    let mut rounds = FuzzState::new(std::slice::from_ref(&case), Engine::Native, &mix, Seed(0), None);
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: 20,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    };
    let start = Start { case: &case, engine: Engine::Native, first_seed: Seed(0), bounds: Bounds::default() };
    let mut strategy = mix.start(&start).expect("it starts");
    let mut trials = campaign.start(&case, &mut *strategy);
    while let TrialsProgress::Ran(runs) = trials.go_on(20 - trials.done()) {
        for run in &runs {
            rounds.take_in(&case, run);
        }
        if trials.done() == 20 {
            break;
        }
    }
    let table = probes_table(&rounds.cases).expect("there are probes");
    let rows: Vec<String> =
        table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows,
        [
            "SCENARIO CASE PROBE REACHED IN",
            "office as written led no run: vacuous",
            "office as written short 20 runs"
        ]
    );
}
