//! Agents that lose track: of the task that a call is for, or of the write that came before theirs.

use super::calm_team::{CALM, broken, next_task, report, team};
use perfidy::agent::{Agent, Headers, Stamp, ToolCall};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::Name;

/// Does all steps of its task, each under the headers that `headers` says for the nth.
fn does_all_under(headers: fn(usize, Name) -> Headers) -> Workflow {
    team().agent("lead", move |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            for (step, op) in ops.iter().enumerate() {
                let call = ToolCall::keyed(team.plan.operation_of(task, step), *op);
                let under = agent.under(headers(step, task));
                under.call(call, CALL_TIMEOUT).await.expect("the world is calm");
            }
            report(&agent, task);
        })
    })
}

fn for_task(task: Name) -> Headers {
    Headers { correlation: Some(task), ..Headers::NONE }
}

#[test]
fn a_team_that_traces_its_first_call_and_not_its_second_is_caught() {
    assert!(broken(does_all_under(|_, task| for_task(task)), CALM, &[]).is_empty());
    let forgets = |step: usize, task| if step == 0 { for_task(task) } else { Headers::NONE };
    assert_eq!(broken(does_all_under(forgets), CALM, &[]), ["effects-traceable"]);
}

#[test]
fn a_team_that_traces_a_call_to_a_task_that_no_user_gave_is_caught() {
    let invents = |step: usize, task| if step == 0 { for_task(task) } else { for_task(Name::new("task-99")) };
    assert_eq!(broken(does_all_under(invents), CALM, &[]), ["effects-traceable"]);
}

#[test]
fn an_agent_that_stamps_its_second_write_as_older_than_its_first_is_caught() {
    let text = r#"# Two writes under one key.
workflow = "liars"
tasks = { count = 1 }

[[step]]
name = "draft"
tool = "wiki.put"
args = { key = "page", value = "draft" }

[[step]]
name = "final"
tool = "wiki.put"
args = { key = "page", value = "final" }
needs = ["draft"]

[tools.wiki]
kind = "registers"
"#;
    assert!(broken(does_all_under(|_, _| Headers::NONE), text, &[]).is_empty());
    let backdates = |step: usize, _| {
        let stamp = (step == 1).then_some(Stamp(1));
        Headers { stamp, ..Headers::NONE }
    };
    assert_eq!(broken(does_all_under(backdates), text, &[]), ["causal-order"]);
}
