//! Liars about what they were handed: they work with what breaks its contract, and say nothing of it.

use super::calm_team::{CALM, broken, do_step, next_task, report, team};
use perfidy::agent::{Agent, Content, Handover, Headers, Message, Purpose};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Work that is handed over, or what follows from it.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Item(Purpose, Handover);

impl Message for Item {
    fn kind(&self) -> &'static str {
        "item"
    }

    fn headers(&self) -> Headers {
        Headers::of(self.0)
    }

    fn handover(&self) -> Option<&Handover> {
        (self.0 == Purpose::Order).then_some(&self.1)
    }
}

/// The lead first hands each step over without its amount, and as a whole once that is refused. The worker
/// knows from the plan what belongs there, so its calls are right; a liar does not refuse anything.
fn works_with_what_is_there<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, _) = next_task(&agent).await;
                for step in 0..2 {
                    let intent = team.plan.intent(task, step);
                    for fields in [json!({ "to": "alice" }), json!({ "to": "alice", "amount": 7 })] {
                        let handover = Handover::of(Content::of_json(fields));
                        agent.send(Name::new("worker"), intent, Item(Purpose::Order, handover));
                        if agent.receive().await.headers().purpose == Some(Purpose::Done) {
                            break;
                        }
                    }
                }
                report(&agent, task);
            })
        })
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                loop {
                    let mail = agent.receive().await;
                    let Some(Item(_, handover)) = mail.open().cloned() else { continue };
                    let task = team.plan.tasks[0];
                    let step = usize::from(mail.about() == team.plan.intent(task, 1));
                    let is_whole = handover.fields.json().get("amount").is_some();
                    let mut answer = Purpose::Refused;
                    if LIES || is_whole {
                        let op = agent.new_operation_id(mail.about());
                        do_step(&agent, &team, (task, step), op).await;
                        answer = Purpose::Done;
                    }
                    agent.send(mail.from(), mail.about(), Item(answer, Handover::default()));
                }
            })
        })
}

#[test]
fn an_agent_that_works_with_a_broken_handover_is_caught_although_its_calls_are_right() {
    let args = "args = { to = \"alice\", amount = 7 }\n";
    let text = CALM.replace("[[step]]\n", &format!("[[step]]\n{args}"));
    assert!(broken(works_with_what_is_there::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(works_with_what_is_there::<true>(), &text, &[]), ["contracts-hold"]);
}
