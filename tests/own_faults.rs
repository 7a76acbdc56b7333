//! Faults of a suite's own, which alter messages and what models complete, or happen to tools and at places
//! of an agent's own code: drawn, counted, found missing, shrunk, saved and replayed like the shipped ones.

use perfidy::agent::{Agent, Completion, Message, Outcome, Prompt, Report, ToolCall};
use perfidy::explore::strategy::{Bounds, Choice, Start};
use perfidy::explore::{
    Campaign, CaseReport, CaseVerdict, Collect, Corpus, Failure, ReplayOutcome, Run, SavedSeed, Watchdog,
};
use perfidy::explore::{first_difference, shrink};
use perfidy::faults::{FaultKind, OwnFault};
use perfidy::properties::{Property, TeamHistory, Verdict, Violation};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::tools::{CallFault, ToolFault};
use perfidy::workflows::user::UserMessage;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Engine, Interrupt, Name, Seed, SimSpan};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the office and the clerk say to each other.
#[derive(Clone, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
enum Slip {
    /// Stamp so many copies.
    Stamp { copies: u32 },
    /// So many were stamped.
    Stamped { copies: u32 },
}

impl Message for Slip {
    fn kind(&self) -> &'static str {
        match self {
            Self::Stamp { .. } => "stamp",
            Self::Stamped { .. } => "stamped",
        }
    }
}

/// Asks its model how many copies there are to be, has the clerk make them, and has them stamped and reports
/// the task as done if there are three.
async fn office(agent: Agent, team: TeamContext) {
    loop {
        let message = agent.receive().await;
        if !matches!(message.open(), Some(UserMessage::Submit { .. })) {
            continue;
        }
        let task = message.about();
        let outcome = match copies_of(&agent, task).await {
            Some(3) => {
                let call = ToolCall::unkeyed(team.plan.operation_of(task, 0), agent.new_operation_id(task));
                match agent.call(call, SimSpan::from_secs(5)).await {
                    Ok(_) => Outcome::Done,
                    Err(_) => Outcome::Failed,
                }
            }
            Some(_) | None => Outcome::Failed,
        };
        agent.send(message.from(), task, UserMessage::Report(Report::of(task, outcome)));
    }
}

async fn copies_of(agent: &Agent, task: Name) -> Option<u32> {
    let prompt = Prompt::new(("How many copies?", task), 10);
    let Ok(Completion { value: copies, .. }) = agent.complete(task, &prompt, 1, |_| 3_u32).await else {
        return None;
    };
    let order = Slip::Stamp { copies };
    let answer = agent.request(Name::new("clerk"), task, order, SimSpan::from_secs(5)).await.ok()?;
    match answer.open() {
        Some(Slip::Stamped { copies }) => Some(*copies),
        _ => None,
    }
}

async fn clerk(agent: Agent, _: TeamContext) {
    loop {
        let message = agent.receive().await;
        if let Some(Slip::Stamp { copies }) = message.open() {
            if let Some((_, span)) = agent.fault_at("desk", message.about(), |_| true) {
                agent.sleep(span).await;
            }
            agent.reply(&message, Slip::Stamped { copies: *copies });
        }
    }
}

fn suite() -> Suite {
    let workflow = Workflow::new("office")
        .about("an office that has copies stamped")
        .agent("office", office)
        .agent("clerk", clerk)
        .properties(&["never-fails"]);
    let failed = |history: &TeamHistory| {
        history.events().iter().find(|event| format!("{:?}", event.what).contains("outcome: Failed")).cloned()
    };
    let never_fails =
        Property::new("never-fails", "no task fails", move |history: &TeamHistory| match failed(history) {
            Some(event) => {
                Violation { at: event.at, because: vec![event.id], message: "a task failed".to_owned() }
                    .into()
            }
            None => Verdict::Holds,
        });
    let more_copies = OwnFault::altering(
        "more-copies",
        "an order on its way asks for more copies",
        r#"more-copies = { message = "stamp", chance = "20%" }"#,
        |slip, draw| slip["stamp"]["copies"] = (4 + draw.below("copies", 100)).into(),
    )
    .in_messages()
    .only_where(|slip| slip["stamp"].is_object());
    let no_copies = OwnFault::altering(
        "no-copies",
        "a model finds that there are to be no copies",
        r#"no-copies = { at = "office", chance = "20%" }"#,
        |copies, _| *copies = 0.into(),
    )
    .in_completions();
    let idle = OwnFault::altering("idle", "nothing changes", r#"idle = { chance = "100%" }"#, |_, _| {})
        .in_messages();
    let nap = FaultKind::at_call_site(
        "nap",
        "an agent sleeps over its work",
        r#"nap = { at = "clerk", chance = "20%", by = "6s..9s" }"#,
        "desk",
        Some("how long it sleeps"),
    );
    let jam = FaultKind::of_tools(
        "paper-jam",
        "a tool answers once a person has opened it",
        r#"paper-jam = { at = "desk", chance = "20%", by = "6s..9s" }"#,
        |by| ToolFault::of_calls(CallFault::LateReply(by)),
        Some("how long it takes to open it"),
    );
    Suite::shipped()
        .workflow(workflow)
        .add_property(never_fails)
        .fault_kind(nap)
        .fault_kind(jam)
        .fault(more_copies)
        .fault(no_copies)
        .fault(idle)
}

fn scenario(faults: &str) -> Arc<Scenario> {
    let text = format!(
        "# Copies.\nworkflow = \"office\"\n\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n\n[tools.desk]\n\n[faults]\n{faults}\n"
    );
    Scenario::parse(&suite(), "office", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn report(faults: &str) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: 30,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    };
    campaign.run(&Case::as_written(&scenario(faults)))
}

const FAULTS: [&str; 4] = [
    "more-copies = { message = \"stamp\", chance = \"20%\" }",
    "no-copies = { at = \"office\", chance = \"20%\" }",
    "nap = { at = \"clerk\", chance = \"20%\", by = \"6s..9s\" }",
    "paper-jam = { at = \"desk\", chance = \"20%\", by = \"6s..9s\" }",
];

#[test]
fn what_own_faults_break_is_shrunk_saved_and_replayed() {
    for (faults, kind) in FAULTS.iter().zip(["more-copies", "no-copies", "nap", "paper-jam"]) {
        let report = report(faults);
        let CaseVerdict::Broken(findings) = report.verdict() else { panic!("{:?}", report.verdict()) };
        let finding = &findings[0];
        let case = Case::as_written(&scenario(faults));
        let small = shrink(&case, Engine::Native, finding.seed, finding.property, &finding.faults)
            .expect("it breaks again");
        let kinds: Vec<&str> = small.faults.iter().map(|fault| fault.action.kind().as_str()).collect();
        assert_eq!(kinds, [kind]);
        let folder = tempfile::tempdir().expect("a folder");
        let seed = SavedSeed::new(Engine::Native, finding.seed, finding.property, &small);
        let saved = Corpus::new(folder.path()).save(&seed).expect("it is saved");
        let failure = Failure::read(&suite(), saved.path()).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(failure.replay().1, ReplayOutcome::Reproduced { same_history: true });
    }
}

#[test]
fn one_seed_is_one_history_on_both_engines() {
    let case = Case::as_written(&scenario(&FAULTS.join("\n")));
    for engine in [Engine::Native, Engine::Madsim] {
        let run = || Run::fuzzed(&case, engine, Seed(7)).outcome;
        assert_eq!(first_difference(&run(), &run()), None);
    }
    let injected = |engine| Run::fuzzed(&case, engine, Seed(7)).outcome.injected;
    assert_eq!(injected(Engine::Native), injected(Engine::Madsim));
}

#[test]
fn what_was_injected_is_seen_as_json_by_stories() {
    let case = Case::as_written(&scenario(FAULTS[1]));
    let outcomes = (0..30).map(|seed| Run::fuzzed(&case, Engine::Native, Seed(seed)).outcome);
    let outcome =
        outcomes.into_iter().find(|outcome| !outcome.injected.is_empty()).expect("a run with a fault");
    let shown: Vec<String> = outcome.history.app_events().map(|(_, note)| note.to_string()).collect();
    assert!(
        shown.iter().any(|note| note.contains("\"How many copies?\"") && note.contains("completes 0 ")),
        "{shown:?}"
    );
}

#[test]
fn an_own_fault_that_changes_no_message_is_never_injected_and_so_vacuous() {
    let report = report("idle = { chance = \"100%\" }");
    assert!(report.injected.is_empty());
    assert!(matches!(report.verdict(), CaseVerdict::Vacuous { .. }), "{:?}", report.verdict());
}

#[test]
fn every_strategy_injects_own_faults() {
    let case = Case::as_written(&scenario(&FAULTS.join("\n")));
    for choice in Choice::all(&suite()) {
        let (engine, first_seed, bounds) = (Engine::Native, Seed(0), Bounds::default());
        let start = Start { case: &case, engine, first_seed, bounds };
        let mut strategy = choice.start(&start).unwrap_or_else(|refused| panic!("{refused}"));
        let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
        let campaign =
            Campaign { engine, first_seed, seeds: 100, collect: Collect::NONE, interrupted, watchdog };
        let injected = campaign.run_with(&case, &mut *strategy).injected;
        for kind in ["more-copies", "no-copies"] {
            assert!(injected.contains_key(&Name::new(kind)), "{}: {injected:?}", choice.name());
        }
    }
}

/// Warns of an order for more copies than there ever are.
#[derive(Clone, Hash, Serialize, Deserialize, Debug)]
struct Alarm;

impl Message for Alarm {
    fn kind(&self) -> &'static str {
        "alarm"
    }
}

/// Orders three copies for every task.
async fn plain_office(agent: Agent, _: TeamContext) {
    loop {
        let message = agent.receive().await;
        if matches!(message.open(), Some(UserMessage::Submit { .. })) {
            let (task, order) = (message.about(), Slip::Stamp { copies: 3 });
            let _ = agent.request(Name::new("clerk"), task, order, SimSpan::from_secs(5)).await;
            agent.send(message.from(), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
        }
    }
}

async fn watchful_clerk(agent: Agent, _: TeamContext) {
    loop {
        let message = agent.receive().await;
        if let Some(Slip::Stamp { copies }) = message.open() {
            if *copies > 3 {
                agent.send(message.from(), message.about(), Alarm);
            }
            agent.reply(&message, Slip::Stamped { copies: *copies });
        }
    }
}

#[test]
fn what_agents_do_only_after_an_own_fault_is_learnt_also_if_the_file_does_not_have_it() {
    let watchful = Workflow::new("watchful").agent("office", plain_office).agent("clerk", watchful_clerk);
    let text = "# Copies.\nworkflow = \"watchful\"\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n\
                [tools.desk]\n[faults]\ndrop = { message = \"alarm\", chance = \"5%\" }\n";
    let reads = |suite: Suite| Scenario::parse(&suite.workflow(watchful.clone()), "watchful", text).is_ok();
    assert!(reads(suite()), "an order can be altered there");
    assert!(!reads(Suite::shipped()), "no shipped fault alters an order");
}

#[test]
fn an_own_fault_of_messages_is_refused_where_it_cannot_be_injected() {
    for (faults, said) in [
        ("more-copies = { message = \"stmp\", chance = \"20%\" }", "did you mean `stamp`"),
        ("more-copies = { at = \"office\", chance = \"20%\" }", "unknown key `at`"),
        ("no-copies = { at = \"offise\", chance = \"20%\" }", "did you mean `office`?"),
        (
            "[[fault]]\nat = \"office > clerk, stamp, task-1, try 1\"\ndo = \"no-copies\"",
            "`no-copies` does not happen to a message",
        ),
        (
            "[[fault]]\nat = \"office, completion, task-1, try 1\"\ndo = \"no-copies 5s\"",
            "`no-copies` takes no time",
        ),
    ] {
        let text = format!(
            "# Copies.\nworkflow = \"office\"\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n[tools.desk]\n[faults]\n{faults}\n"
        );
        let bad = Scenario::parse(&suite(), "office", &text).unwrap_err().to_string();
        assert!(bad.contains(said), "{faults}: {bad}");
    }
}

#[test]
fn a_fault_at_a_place_that_no_agent_asks_for_is_refused() {
    let suite = suite().fault_kind(FaultKind::at_call_site(
        "lunch",
        "an agent is away",
        "lunch = { at = \"clerk\", chance = \"20%\" }",
        "canteen",
        None,
    ));
    let text = "# Lunch.\nworkflow = \"office\"\n\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n\n[tools.desk]\n\n[faults]\nlunch = { at = \"clerk\", chance = \"20%\" }\n";
    let refused = Scenario::parse(&suite, "office", text).unwrap_err().to_string();
    assert!(refused.contains("where `lunch` could be injected"), "{refused}");
}

#[test]
#[should_panic(expected = "nothing at the call site `trigger` knows the fault `lunch`")]
fn a_fault_at_a_place_of_shipped_code_which_does_not_know_it_is_refused() {
    let (about, example) = ("a source is away", "lunch = { at = \"clerk\", chance = \"20%\" }");
    let _ = suite().fault_kind(FaultKind::at_call_site("lunch", about, example, "trigger", None));
}
