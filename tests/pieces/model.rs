//! A model that is asked the same thing five times.

use crate::caller::{CALLER, TEXT};
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::workflows::user::USER;
use perfidy::workflows::{Briefing, Workflow};
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan};
use std::cell::RefCell;

thread_local! {
    /// What the model has answered in the world of this thread.
    static CHOICES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_model_answers_the_same_unless_a_fault_strikes() {
    static THINKER: Workflow = Workflow {
        name: "thinker",
        singles: &["thinker"],
        assemble: |case, world| {
            let briefing = Briefing::new(case, None);
            briefing.hire(world, Name::new(USER), |_, _| Box::pin(std::future::pending()));
            briefing.hire(world, Name::new("thinker"), |agent, _| {
                Box::pin(async move {
                    for _ in 0..5 {
                        let choice = agent.think(Name::new("what"), 100, 4).await.choice;
                        CHOICES.with_borrow_mut(|all| all.push(choice));
                    }
                    agent.finish_after(SimSpan::ZERO);
                })
            });
        },
        ..CALLER
    };
    let text = TEXT.replace("\"caller\"", "\"thinker\"");
    let scenario = Scenario::parse_for(&[&THINKER], "thinker", &text).unwrap();
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
