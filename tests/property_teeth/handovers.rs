//! Liars about what they were handed: they work with what breaks its contract, and say nothing of it.

use super::calm_team::{CALM, broken, do_step, next_task, report, team};
use perfidy::agent::{Agent, Content, Fact, Handover, Headers, Message, Operation, Purpose};
use perfidy::safeguards::calls::CALL_TIMEOUT;
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
        matches!(self.0, Purpose::Order | Purpose::Answer | Purpose::Claim).then_some(&self.1)
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

/// The lead reads a figure and hands it over as a fact, a liar with another value. The worker acts on it.
fn passes_a_figure_on<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, _) = next_task(&agent).await;
                for step in 0..2 {
                    let mut fact = read_fact(&agent, team.plan.intent(task, step)).await;
                    if LIES {
                        fact.value = Content::of_json(json!({ "revenue": 7 }));
                    }
                    hand_over(&agent, team.plan.intent(task, step), fact).await;
                }
                report(&agent, task);
            })
        })
        .agent("worker", |agent, team| Box::pin(acts_on_each(agent, team)))
}

/// The lead reads a figure and tells the worker, which says so. A liar then cites the worker as its evidence,
/// which had it from the lead.
fn cites_its_own_echo<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, _) = next_task(&agent).await;
                for step in 0..2 {
                    let intent = team.plan.intent(task, step);
                    let read = read_fact(&agent, intent).await;
                    let told = Item(Purpose::Answer, of_fact(read.clone()));
                    agent.send(Name::new("echo"), intent, told);
                    agent.receive().await;
                    let fact = if LIES { read.told_by(Name::new("echo")) } else { read };
                    hand_over(&agent, intent, fact).await;
                }
                report(&agent, task);
            })
        })
        .agent("echo", |agent: Agent| {
            Box::pin(async move {
                loop {
                    let mail = agent.receive().await;
                    let Some(Item(_, handover)) = mail.open().cloned() else { continue };
                    let echo = of_fact(handover.facts[0].told_by(mail.from()));
                    agent.send(mail.from(), mail.about(), Item(Purpose::Claim, echo));
                }
            })
        })
        .agent("worker", |agent, team| Box::pin(acts_on_each(agent, team)))
}

async fn read_fact(agent: &Agent, intent: Name) -> Fact {
    let [source, item] = ["filings", "revenue"].map(Name::new);
    let query = Operation::new(source, item, intent);
    let reading = agent.read(query, CALL_TIMEOUT).await.expect("the world is calm");
    Fact::read(source, item, reading.content)
}

fn of_fact(fact: Fact) -> Handover {
    Handover { facts: vec![fact], ..Handover::default() }
}

/// Orders a step by this fact, and waits until it is done.
async fn hand_over(agent: &Agent, intent: Name, fact: Fact) {
    agent.send(Name::new("worker"), intent, Item(Purpose::Order, of_fact(fact)));
    agent.receive().await;
}

async fn acts_on_each(agent: Agent, team: TeamContext) {
    loop {
        let mail = agent.receive().await;
        let task = team.plan.tasks[0];
        let step = usize::from(mail.about() == team.plan.intent(task, 1));
        let op = agent.new_operation_id(mail.about());
        do_step(&agent, &team, (task, step), op).await;
        agent.send(mail.from(), mail.about(), Item(Purpose::Done, Handover::default()));
    }
}

#[test]
fn a_figure_that_no_source_has_said_is_caught_where_it_is_acted_on() {
    let text = format!("{CALM}[tools.filings]\nkind = \"sources\"\n");
    assert!(broken(passes_a_figure_on::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(passes_a_figure_on::<true>(), &text, &[]), ["taint-contained"]);
}

#[test]
fn an_agent_whose_evidence_is_its_own_echo_is_caught() {
    let text = format!("{CALM}[tools.filings]\nkind = \"sources\"\n");
    assert!(broken(cites_its_own_echo::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(cites_its_own_echo::<true>(), &text, &[]), ["no-circular-provenance"]);
}
