//! The dispatcher, used as a coordinator of another team would use it.

use super::writers::{agent, run};
use perfidy::agent::{Agent, OpId};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::TeamContext;
use perfidy::workflows::dispatcher::{DispatchAction, Dispatcher};
use perfidy::workflows::task_state::TaskEvent;
use perfidy::workflows::user::USER;
use perfidy_sim::{Name, Plan, SimSpan};
use std::sync::Arc;

const RESEND: SimSpan = SimSpan::from_secs(15);

/// A team whose tasks have two steps, where the second needs the first.
fn team() -> TeamContext {
    let text = "# Build, then ship.\nworkflow = \"standby\"\n[[step]]\nname = \"build\"\ntool = \"ci.build\"\n\
                [[step]]\nname = \"ship\"\ntool = \"ci.ship\"\nneeds = [\"build\"]\n[tools.ci]\n";
    let scenario = Scenario::parse(&Suite::shipped(), "pieces/dispatcher", text).unwrap();
    TeamContext::new(Arc::clone(Case::as_written(&scenario).team()))
}

fn task() -> Name {
    Name::literal("task-1")
}

/// Runs a coordinator that has accepted one task.
fn with_one_task(check: impl AsyncFn(&Agent, Dispatcher) + Copy + Send + Sync + 'static) {
    run(&Plan::fault_free(), |world| {
        agent(world, USER, |_| std::future::pending());
        agent(world, "lead", move |agent| async move {
            let mut dispatcher = Dispatcher::recover(&agent, &team(), RESEND);
            let ops = [OpId(1), OpId(2)].into();
            dispatcher.tracker().record(TaskEvent::Accepted { task: task(), ops }).await;
            check(&agent, dispatcher).await;
            agent.finish_after(SimSpan::ZERO);
        });
    });
}

/// The duties that come up in one round.
fn round(dispatcher: &mut Dispatcher) -> Vec<DispatchAction> {
    std::iter::from_fn(|| dispatcher.next_action()).map(|(_, duty)| duty).collect()
}

#[test]
fn an_order_is_due_when_its_step_is_ready_and_again_when_it_is_not_answered_in_time() {
    with_one_task(async |agent, mut dispatcher| {
        dispatcher.bring_up_steps(task());
        assert_eq!(
            round(&mut dispatcher),
            [DispatchAction::Step(0), DispatchAction::Step(1), DispatchAction::End]
        );
        assert!(dispatcher.is_step_due(task(), 0) && !dispatcher.is_step_due(task(), 1));
        dispatcher.sent(task(), DispatchAction::Step(0));
        assert!(!dispatcher.is_step_due(task(), 0) && round(&mut dispatcher).is_empty());
        agent.sleep(RESEND).await;
        assert_eq!(round(&mut dispatcher), [DispatchAction::Step(0)]);
        assert!(dispatcher.is_step_due(task(), 0));
        dispatcher.completed(task(), 0, None).await;
        assert_eq!(round(&mut dispatcher), [DispatchAction::Step(1), DispatchAction::End]);
        assert!(dispatcher.is_step_due(task(), 1));
    });
}

#[test]
fn a_task_ends_when_its_steps_are_complete_and_not_before() {
    with_one_task(async |_, mut dispatcher| {
        dispatcher.completed(task(), 0, None).await;
        dispatcher.end_if_complete(task()).await;
        assert!(dispatcher.states().has_open(task()));
        dispatcher.completed(task(), 1, None).await;
        dispatcher.end_if_complete(task()).await;
        assert_eq!(dispatcher.states().get(task()).and_then(|state| state.closed), Some(true));
    });
}

#[test]
fn a_task_is_given_up_when_a_step_has_failed_too_often() {
    with_one_task(async |_, mut dispatcher| {
        for _ in 0..4 {
            dispatcher.failed(task(), 0).await;
        }
        assert!(dispatcher.states().has_open(task()));
        dispatcher.failed(task(), 0).await;
        assert_eq!(dispatcher.states().get(task()).and_then(|state| state.closed), Some(false));
    });
}
