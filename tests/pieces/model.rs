//! A model that is asked the same thing five times.

use crate::caller::TEXT;
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan};
use std::cell::RefCell;

thread_local! {
    /// What the model has answered in the world of this thread.
    static CHOICES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_model_answers_the_same_unless_a_fault_strikes() {
    let thinker = Workflow::new("thinker", "an agent that asks its model the same five times")
        .user(|_, _| std::future::pending())
        .agent("thinker", |agent, _| async move {
            for _ in 0..5 {
                let choice = agent.think(Name::new("what"), 100, 4).await.choice;
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
