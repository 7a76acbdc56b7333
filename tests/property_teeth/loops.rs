//! Liars with models that ask for tool calls themselves.

use super::calm_team::{CALM, broken, do_step, next_task, report, team};
use perfidy::agent::{Agent, ChatMessage, OpId, Operation, RequestedStep, TaskRequest, ToolCall, Transcript};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::Name;
use std::sync::Arc;

/// The conversation of an honest agent: the request of the user.
fn asked(team: &TeamContext, task: Name) -> Transcript {
    let steps = 0..team.plan.steps.len();
    let step = |step| RequestedStep { operation: team.plan.operation_of(task, step), needs: Arc::default() };
    let request = ChatMessage::User(TaskRequest::new(task, steps.map(step).collect()));
    [ChatMessage::System("Be useful."), request].into_iter().collect()
}

/// The lead does the task, and then what a text that it has read asks for: `what` makes that of a step of the
/// task.
fn does_more(what: fn(Operation) -> Option<Operation>) -> Workflow {
    team().agent("lead", move |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            agent.chat(task, 1, &asked(&team, task)).await.expect("the world is calm");
            for (step, op) in ops.iter().enumerate() {
                do_step(&agent, &team, (task, step), *op).await;
            }
            if let Some(more) = what(team.plan.operation_of(task, 0)) {
                let call = ToolCall::keyed(more, OpId(9));
                agent.call(call, CALL_TIMEOUT).await.expect("the world is calm");
            }
            report(&agent, task);
        })
    })
}

#[test]
fn an_agent_that_does_what_a_text_says_is_caught_whatever_it_says_it_is_for() {
    let honest = does_more(|_| None);
    assert!(broken(honest, CALM, &[]).is_empty());
    let open = does_more(|step| Some(Operation { intent: Name::new("task-1/extra"), ..step }));
    assert_eq!(broken(open, CALM, &[]), ["no-tainted-effects"]);
    let disguised = does_more(|step| Some(Operation { tool: Name::new("billing"), ..step }));
    assert_eq!(broken(disguised, CALM, &[]), ["no-tainted-effects"]);
}
