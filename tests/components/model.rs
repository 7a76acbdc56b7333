//! A model that gets the same question five times.

use super::caller::TEXT;
use perfidy::agent::{Agent, AgentEvent, Prompt, Route, TeamEvent};
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};

thread_local! {
    /// The model's answers in the world of this thread.
    static CHOICES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    /// Whom the model chose in the world of this thread.
    static ROUTE: Cell<Option<Route>> = const { Cell::new(None) };
}

#[test]
fn a_model_answers_the_same_unless_a_fault_is_injected() {
    let thinker = Workflow::new("thinker")
        .about("an agent that asks its model the same five times")
        .user(|_: Agent| std::future::pending())
        .agent("thinker", |agent: Agent| async move {
            for _ in 0..5 {
                let choice = agent
                    .complete(Name::new("what"), &Prompt::new("which?", 100), 4, |nth| nth)
                    .await
                    .unwrap()
                    .value;
                CHOICES.with_borrow_mut(|all| all.push(choice));
            }
            agent.finish_after(SimSpan::ZERO);
        })
        .safeguards(&["tool-dedupe"]);
    let text = TEXT.replace("\"caller\"", "\"thinker\"");
    let scenario = Scenario::parse(&Suite::shipped().workflow(thinker), "thinker", &text).unwrap();
    for seed in 0..20 {
        let choices = |faults: &[Fault]| {
            let plan = Plan::Explicit(faults.into());
            Run::planned(&Case::as_written(&scenario), Engine::Native, Seed(seed), &plan);
            CHOICES.take()
        };
        let usual = choices(&[]);
        assert!(usual.iter().all(|choice| *choice == usual[0]), "{usual:?}");
        let at = "thinker, answer, what, try 3".parse().unwrap();
        let once = choices(&[Fault { at, action: "different-answer".parse().unwrap() }]);
        for (nth, (choice, usual)) in once.iter().zip(&usual).enumerate() {
            assert_eq!(choice != usual, nth == 2, "seed {seed}, question {}", nth + 1);
        }
    }
}

#[test]
fn a_hand_over_is_forced_only_where_the_model_would_not_hand_over() {
    let router = Workflow::new("chooser")
        .about("an agent that asks its model who should go on")
        .user(|_: Agent| std::future::pending())
        .agent("chooser", |agent: Agent| async move {
            let said = agent.route(Name::new("what"), &Prompt::new("who?", 100), 1).await;
            ROUTE.set(Some(said.value));
            agent.finish_after(SimSpan::ZERO);
        })
        .safeguards(&["tool-dedupe"]);
    let text = TEXT.replace("\"caller\"", "\"chooser\"");
    let scenario = Scenario::parse(&Suite::shipped().workflow(router), "chooser", &text).unwrap();
    let mut forced = 0;
    for seed in 0..20 {
        let chosen = |faults: &[Fault]| {
            let plan = Plan::Explicit(faults.into());
            let run = Run::planned(&Case::as_written(&scenario), Engine::Native, Seed(seed), &plan);
            (ROUTE.take(), run.outcome.injected.len())
        };
        let (usual, _) = chosen(&[]);
        let at = "chooser, handoff, what, try 1".parse().unwrap();
        let fault = Fault { at, action: "always-hand-off".parse().unwrap() };
        let is_forced = usual == Some(Route::Myself);
        assert_eq!(chosen(&[fault]), (Some(Route::Colleague(0)), usize::from(is_forced)), "seed {seed}");
        forced += u32::from(is_forced);
    }
    assert!((1..20).contains(&forced), "{forced}");
}

/// What the thinker is to get: a plan with two fields.
#[derive(Clone, PartialEq, Hash, Debug, Serialize, Deserialize)]
struct Planned {
    steps: Vec<String>,
    deadline: u64,
}

fn planned(_: u32) -> Planned {
    Planned { steps: ["look", "act"].map(str::to_owned).to_vec(), deadline: 30 }
}

thread_local! {
    /// What the planner of this thread got, and what it got once it had insisted on something valid.
    static PLANS: RefCell<Vec<Option<Planned>>> = const { RefCell::new(Vec::new()) };
}

/// A planner that asks its model once and takes what comes, and then asks until there are two steps.
fn planner() -> Workflow {
    Workflow::new("thinker")
        .about("an agent that has its model plan")
        .user(|_: Agent| std::future::pending())
        .agent("thinker", |agent: Agent| async move {
            let prompt = Prompt::new(("Plan this.", Name::new("what")), 100);
            let got = agent.complete(Name::new("what"), &prompt, 1, planned).await.ok();
            PLANS.with_borrow_mut(|all| all.push(got.map(|said| said.value)));
            let is_valid = |plan: &Planned| plan.steps.len() == 2;
            let valid = agent.complete_valid(Name::new("what"), &prompt, 1, planned, is_valid).await;
            PLANS.with_borrow_mut(|all| all.push(Some(valid.value)));
            agent.finish_after(SimSpan::ZERO);
        })
        .safeguards(&["tool-dedupe"])
}

/// What the planner gets if this fault is injected each of the first two times, and the completions as they
/// stand in the history.
fn plans_with(word: &str) -> (Vec<Option<Planned>>, Vec<String>) {
    let text = TEXT.replace("\"caller\"", "\"thinker\"");
    let scenario = Scenario::parse(&Suite::shipped().workflow(planner()), "thinker", &text).unwrap();
    let fault = |nth: u32| {
        let at = format!("thinker, completion, what, try {nth}").parse().unwrap();
        Fault { at, action: word.parse().unwrap() }
    };
    let run = Run::planned(
        &Case::as_written(&scenario),
        Engine::Native,
        Seed(3),
        &Plan::Explicit([fault(1), fault(2)].into()),
    );
    assert_eq!(run.outcome.injected.len(), 2, "{word} is injected");
    let completion = |note: &TeamEvent| match note {
        TeamEvent::Agent(AgentEvent::Completed { completion, .. }) => Some(completion.json().to_string()),
        _ => None,
    };
    (PLANS.take(), run.outcome.history.app_events().filter_map(|(_, note)| completion(note)).collect())
}

#[test]
fn what_a_fault_of_completions_leaves_is_read_as_the_type_that_the_agent_expects_or_cannot_be_read() {
    for word in [
        "missing-field",
        "mistyped-field",
        "malformed-completion",
        "truncated-completion",
        "wrong-completion",
    ] {
        let (plans, completions) = plans_with(word);
        let honest = planned(0);
        assert_ne!(plans[0].as_ref(), Some(&honest), "{word}");
        let is_readable = plans[0].is_some();
        match word {
            "missing-field" | "mistyped-field" | "malformed-completion" => assert!(!is_readable, "{word}"),
            _ => assert!(is_readable, "{word}"),
        }
        assert_eq!(plans[1].as_ref().map(|plan| plan.steps.len()), Some(2), "{word}");
        assert_ne!(
            completions[0],
            serde_json::to_string(&honest).unwrap(),
            "the history has what the agent got"
        );
    }
}

#[test]
fn a_prompt_and_its_completion_stand_in_the_history_as_content() {
    let (_, completions) = plans_with("malformed-completion");
    assert_eq!(completions.last().unwrap(), "{\"deadline\":30,\"steps\":[\"look\",\"act\"]}");
}
