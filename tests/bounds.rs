//! The limits of a run: a run that only reached one is unknown and violates nothing; a violation has its own
//! evidence, whatever the size of the team.

use crate::cases;
use perfidy::agent::{Agent, Outcome, Report, TeamEvent, UserEvent};
use perfidy::explore::{Campaign, CaseReport, CaseVerdict, Collect, Run, Watchdog};
use perfidy::properties::Verdict;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy_sim::{Engine, Fault, Interrupt, Name, Plan, RunEnd, Seed, SimSpan};
use std::collections::BTreeSet;
use std::sync::Arc;
use toml_edit::{DocumentMut, Item, Table, value};

/// The scenario with the most faults of every workflow, edited.
fn every_team(edit: impl Fn(&mut DocumentMut)) -> Vec<Arc<Scenario>> {
    let edited = cases::with_all_faults().map(|scenario| {
        let mut document: DocumentMut = scenario.text.parse().unwrap();
        document.remove("without");
        edit(&mut document);
        let edited = Scenario::parse(&Suite::shipped(), scenario.name.as_str(), &document.to_string());
        edited.unwrap_or_else(|problems| panic!("{problems}"))
    });
    edited.collect()
}

fn set(document: &mut DocumentMut, table: &str, key: &str, to: impl Into<toml_edit::Value>) {
    document.entry(table).or_insert_with(|| Item::Table(Table::new()))[key] = value(to);
}

/// How a run of a scenario as written ended, and its violations.
fn run_once(scenario: &Arc<Scenario>) -> (Run, Vec<String>) {
    let run = Run::fuzzed(&Case::as_written(scenario), Engine::Native, Seed(1));
    let accused = run.verdicts.iter().filter_map(|(property, verdict)| match verdict {
        Verdict::Violated(violation) => Some(format!("{property}: {}", violation.message)),
        Verdict::Holds | Verdict::Vacuous | Verdict::Unknown { .. } => None,
    });
    let accused = accused.collect();
    (run, accused)
}

fn given(run: &Run) -> usize {
    run.outcome
        .history
        .app_events()
        .filter(|(_, note)| matches!(note, TeamEvent::User(UserEvent::TaskGiven { .. })))
        .count()
}

fn ended(run: &Run) -> usize {
    let ends = run.outcome.history.app_events().filter_map(|(_, note)| match note {
        TeamEvent::User(UserEvent::Informed { report, .. }) => Some(report.task),
        _ => None,
    });
    // Some teams report an end more than once.
    ends.collect::<BTreeSet<_>>().len()
}

/// Every team with so many tasks, without faults and with its own faults.
fn accuse_no_team(tasks: i64, of: impl Fn(&Scenario) -> bool) {
    let with_tasks = |document: &mut DocumentMut| {
        set(document, "tasks", "count", tasks);
        // A loop works on one task at a time.
        if document["workflow"].as_str().is_some_and(|workflow| ["chain", "supervisor"].contains(&workflow)) {
            set(document, "settle", "within", "2d");
        }
    };
    let fault_free = every_team(|document| {
        with_tasks(document);
        document.remove("faults");
        document.remove("fault");
    });
    let rough = every_team(with_tasks);
    for scenario in fault_free.iter().chain(&rough).filter(|scenario| of(scenario)) {
        let (run, accused) = run_once(scenario);
        assert!(accused.is_empty(), "{}: {accused:#?}", scenario.name);
        assert_eq!((run.outcome.stop, given(&run)), (RunEnd::Finished, tasks as usize), "{}", scenario.name);
    }
}

#[test]
fn a_team_with_hundreds_of_tasks_is_accused_of_nothing() {
    accuse_no_team(300, |_| true);
}

#[test]
fn a_team_with_a_thousand_tasks_is_accused_of_nothing() {
    accuse_no_team(1_000, |scenario| ["conductor", "scratchpad"].contains(&scenario.workflow.name));
}

/// The first step so many more times, under other names.
fn repeat_first_step(document: &mut DocumentMut, times: usize) {
    let steps = document["step"].as_array_of_tables_mut().expect("a team has steps");
    let originals: Vec<Table> = steps.iter().cloned().collect();
    steps.clear();
    for number in 0..times {
        let mut copy = originals[0].clone();
        copy["name"] = value(format!("more-{number}"));
        steps.push(copy);
    }
    steps.extend(originals);
}

#[test]
fn a_team_whose_tasks_have_many_steps_is_accused_of_nothing() {
    let long = every_team(|document| {
        repeat_first_step(document, 32);
        set(document, "tasks", "count", 1);
        set(document, "settle", "within", "2d");
        for table in ["faults", "fault", "properties"] {
            document.remove(table);
        }
        document["tasks"].as_table_mut().expect("a table").remove("within");
        let safeguards = document["safeguards"].as_table_mut().expect("a table");
        for limit in ["budgets", "deadline-propagation", "handoff-budget"] {
            safeguards.remove(limit);
        }
    });
    for scenario in &long {
        let (run, accused) = run_once(scenario);
        assert!(accused.is_empty(), "{}: {accused:#?}", scenario.name);
        assert!(ended(&run) > 0, "{}: no task has ended", scenario.name);
    }
}

#[test]
fn every_task_has_its_time_however_late_it_comes() {
    for scenario in every_team(|document| {
        set(document, "tasks", "every", "9m");
        set(document, "tasks", "count", 6);
    }) {
        let (run, accused) = run_once(&scenario);
        assert!(accused.is_empty(), "{}: {accused:#?}", scenario.name);
        assert_eq!((run.outcome.stop, given(&run)), (RunEnd::Finished, 6), "{}", scenario.name);
    }
}

#[test]
fn a_run_that_reaches_its_bound_of_events_is_unknown_and_the_key_is_named() {
    for scenario in every_team(|document| {
        set(document, "tasks", "count", 60);
        set(document, "limits", "events", 1_000);
    }) {
        let (run, accused) = run_once(&scenario);
        assert_eq!(run.outcome.stop, RunEnd::TooManyEvents, "{}", scenario.name);
        assert!(accused.is_empty(), "{}: {accused:#?}", scenario.name);
        let CaseVerdict::Unknown { doubt, .. } = campaign(&Case::as_written(&scenario), 1).verdict() else {
            panic!("{}: {:?}", scenario.name, campaign(&Case::as_written(&scenario), 1).verdict())
        };
        assert!(doubt.reason.contains("raise `events` in [limits]"), "{}", doubt.reason);
    }
}

#[test]
fn a_team_whose_time_is_over_in_the_middle_of_its_work_is_unknown_and_the_key_is_named() {
    const TASKS: u32 = 600;
    let mut unknown = 0;
    for scenario in every_team(|document| {
        document.remove("faults");
        document.remove("fault");
        set(document, "tasks", "count", i64::from(TASKS));
        set(document, "tasks", "every", "0s");
        // No single wait may be longer than a quarter of the time.
        let backoff = document["safeguards"].get_mut("retry").and_then(|retry| retry.get_mut("backoff"));
        if let Some(backoff) = backoff {
            *backoff = value("1s..2s");
        }
        // Loops that think and wait for a person complete nothing in a minute.
        let loops = ["chain", "supervisor", "tool-loop"];
        let is_slow = document["workflow"].as_str().is_some_and(|workflow| loops.contains(&workflow));
        set(document, "settle", "within", if is_slow { "16m" } else { "80s" });
    }) {
        let (run, accused) = run_once(&scenario);
        let all_ended = ended(&run) == TASKS as usize;
        assert!(
            all_ended || run.outcome.stop == RunEnd::Deadline,
            "{}: {:?}",
            scenario.name,
            run.outcome.stop
        );
        assert!(accused.is_empty(), "{}: {accused:#?}", scenario.name);
        match campaign(&Case::as_written(&scenario), 1).verdict() {
            CaseVerdict::Unknown { doubt, .. } => {
                unknown += 1;
                assert!(doubt.reason.contains("raise `within` in [settle]"), "{}", doubt.reason);
            }
            // The fastest team has finished by then.
            verdict => {
                assert_eq!((verdict, ended(&run)), (CaseVerdict::Holds, TASKS as usize), "{}", scenario.name);
            }
        }
    }
    assert!(unknown >= 9, "{unknown}");
}

fn campaign(case: &Case, seeds: u64) -> CaseReport {
    let interrupted = &Interrupt::default();
    let watchdog = &Watchdog::new();
    Campaign {
        engine: Engine::Native,
        first_seed: Seed(1),
        seeds,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    }
    .run(case)
}

/// A team of one worker, which runs this code when its first task comes.
fn team_that<R: Future<Output = ()> + 'static>(work: fn(Agent) -> R) -> Workflow {
    Workflow::new("team").about("a team of one").agent("worker", work).properties(&["eventual-termination"])
}

/// One of the worker's messages: all different, or all the same.
fn message(agent: &Agent, number: u64) -> UserMessage {
    UserMessage::Submit { task: agent.name(), ops: [perfidy::agent::OpId(number)].into() }
}

async fn says_the_same_without_waiting(agent: Agent) {
    agent.receive().await;
    loop {
        agent.send(Name::new(USER), agent.name(), message(&agent, 0));
    }
}

async fn says_something_else_without_waiting(agent: Agent) {
    agent.receive().await;
    for number in 0.. {
        agent.send(Name::new(USER), agent.name(), message(&agent, number));
    }
}

async fn says_the_same_every_millisecond(agent: Agent) {
    agent.receive().await;
    loop {
        agent.send(Name::new(USER), agent.name(), message(&agent, 0));
        agent.sleep(SimSpan::from_millis(1)).await;
    }
}

async fn answers_itself_twice(agent: Agent) {
    for number in 0.. {
        agent.receive().await;
        (0..2).for_each(|_| agent.send(agent.name(), agent.name(), message(&agent, number)));
    }
}

async fn looks_at_its_clock(agent: Agent) {
    agent.receive().await;
    loop {
        agent.monotonic();
    }
}

async fn sleeps_for_no_time(agent: Agent) {
    agent.receive().await;
    loop {
        agent.sleep(SimSpan::ZERO).await;
    }
}

async fn does_nothing(agent: Agent) {
    loop {
        agent.receive().await;
    }
}

/// Ends all tasks except the second, as fast as they come.
async fn forgets_the_second(agent: Agent) {
    loop {
        let mail = agent.receive().await;
        let Some(UserMessage::Submit { task, .. }) = mail.open().cloned() else { continue };
        if task.as_str() != "task-2" {
            agent.send(mail.from(), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
        }
    }
}

/// The violations of a team with so many tasks, which come one a second.
fn accused(workflow: &Workflow, tasks: u32) -> Vec<String> {
    let text = format!(
        "# A calm world.\nworkflow = \"team\"\n[tasks]\ncount = {tasks}\nevery = \"1s\"\n\
         [[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n"
    );
    let scenario = Scenario::parse(&Suite::shipped().workflow(workflow.clone()), "team", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    run_once(&scenario).1
}

#[test]
fn an_agent_that_floods_is_accused_at_any_size() {
    let same = team_that(says_the_same_without_waiting);
    let other = team_that(says_something_else_without_waiting);
    let often = team_that(says_the_same_every_millisecond);
    let echo = team_that(answers_itself_twice);
    for workflow in [&same, &other, &often, &echo] {
        for tasks in [1, 1_000] {
            let accused = accused(workflow, tasks);
            assert!(
                accused.iter().any(|of| of.starts_with("well-behaved: worker floods")),
                "{tasks}: {accused:?}"
            );
        }
    }
}

#[test]
fn an_agent_that_spins_is_accused_at_any_size() {
    let looking = team_that(looks_at_its_clock);
    let dozing = team_that(sleeps_for_no_time);
    for workflow in [&looking, &dozing] {
        for tasks in [1, 1_000] {
            let accused = accused(workflow, tasks);
            assert!(
                accused
                    .contains(&"well-behaved: worker ran on and on without waiting for anything".to_owned()),
                "{tasks}: {accused:?}"
            );
        }
    }
}

#[test]
fn a_task_that_is_stuck_is_accused_at_any_size() {
    let idle = team_that(does_nothing);
    let forgetful = team_that(forgets_the_second);
    for workflow in [&idle, &forgetful] {
        for tasks in [2, 300] {
            let accused = accused(workflow, tasks);
            assert!(accused.iter().any(|of| of.starts_with("eventual-termination")), "{tasks}: {accused:?}");
        }
    }
}

/// Files every ticket at once when it is asked for.
async fn answers_at_once(agent: Agent) {
    loop {
        if let Some(UserMessage::Submit { task, .. }) = agent.receive().await.open() {
            agent.send(Name::new(USER), *task, UserMessage::Report(Report::of(*task, Outcome::Failed)));
        }
    }
}

#[test]
fn tasks_that_never_came_are_not_said_to_have_ended() {
    let team = team_that(answers_at_once);
    let text = "# A calm world.\nworkflow = \"team\"\n[tasks]\ncount = 3\nevery = \"1m\"\n\
         [[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n";
    let scenario = Scenario::parse(&Suite::shipped().workflow(team), "late", text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    // The user has submitted the first task and pauses, for longer than the run lasts.
    let stops = Fault {
        at: "pause of the user, by hand, try 1".parse().unwrap(),
        action: "pause user at 30s for 100h".parse().unwrap(),
    };
    let case = Case::as_written(&scenario);
    let run = Run::planned(&case, Engine::Native, Seed(1), &Plan::Explicit([stops].into()));
    let of_termination = |(property, verdict): &(&str, Verdict)| {
        (*property == "eventual-termination").then(|| verdict.clone())
    };
    let Some(Verdict::Unknown { reason }) = run.verdicts.iter().find_map(of_termination) else {
        panic!("{:?}", run.verdicts)
    };
    assert_eq!(reason, "only 1 of 3 tasks came before the time of the run was over");
}
