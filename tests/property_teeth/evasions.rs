//! Liars that disguise their actions: contrary headers, a fresh id, other messages in between.

use super::calm_team::{
    CALM, Word, broken, do_step, next_task, report, reports_each_order_as_done, team, word,
};
use super::liars::lead_under;
use perfidy::agent::{Agent, Headers, OpId, Operation, Outcome, Purpose, Report, Token, ToolCall, Version};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};

/// The lead, under token 2, orders the first step; then the rival, under token 1, orders the same step. A
/// worker that obeys both claims in its calls that the newer leader ordered both.
fn obeys_an_old_order_for_the_same_step<const LIES: bool>() -> Workflow {
    team()
        .tasks_to(&["worker"])
        .agent("lead", |agent, team| Box::pin(lead_under(agent, team, 2, 0)))
        .agent("rival", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                agent.sleep(SimSpan::from_secs(5)).await;
                lead_under(agent, team, 1, 0).await;
            })
        })
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                let under = agent.under(Headers { authority: Some(Token(2)), ..Headers::NONE });
                for _ in 0..2 {
                    let order = agent.receive().await;
                    if LIES || order.headers().authority == Some(Token(2)) {
                        do_step(&under, &team, (task, 0), ops[0]).await;
                    }
                }
                agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
            })
        })
}

#[test]
fn a_worker_that_says_that_it_acts_on_the_newer_of_two_orders_for_one_step_is_caught() {
    let honest = obeys_an_old_order_for_the_same_step::<false>();
    let liar = obeys_an_old_order_for_the_same_step::<true>();
    assert!(!broken(honest, CALM, &[]).contains(&"no-split-brain"));
    assert!(broken(liar, CALM, &[]).contains(&"no-split-brain"));
}

/// The lead orders two versions of the first step. The worker acts on the newer one or, under a fresh id, on
/// something else.
fn acts_on_no_version<const LIES: bool>() -> Workflow {
    team()
        .tasks_to(&["worker"])
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let intent = team.plan.intent(team.plan.tasks[0], 0);
                for version in 1..=2 {
                    agent.sleep(SimSpan::from_secs(1)).await;
                    let headers = Headers {
                        precondition: Some(Version(version)),
                        idempotency_key: Some(OpId(version)),
                        ..Headers::of(Purpose::Order)
                    };
                    agent.send(Name::new("worker"), intent, Word::new("order", headers));
                }
            })
        })
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, _) = next_task(&agent).await;
                let mut newest = None;
                for _ in 0..2 {
                    newest = agent.receive().await.headers().idempotency_key;
                }
                let op = if LIES { OpId(99) } else { newest.expect("each order has one") };
                do_step(&agent, &team, (task, 0), op).await;
                agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
            })
        })
}

#[test]
fn a_worker_that_acts_under_an_id_that_no_order_carried_is_caught() {
    let honest = acts_on_no_version::<false>();
    let liar = acts_on_no_version::<true>();
    assert!(!broken(honest, CALM, &[]).contains(&"acts-on-current-version"));
    assert!(broken(liar, CALM, &[]).contains(&"acts-on-current-version"));
}

/// The lead orders the first step, gets the report that it is done, reads another message, and may order the
/// step again.
fn repeats_what_is_complete_after_other_news<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, _) = next_task(&agent).await;
                let (worker, intent) = (Name::new("worker"), team.plan.intent(task, 0));
                agent.send(worker, intent, word(Purpose::Order));
                while agent.receive().await.headers().purpose != Some(Purpose::Done) {}
                let _other_news = agent.receive().await;
                let says = if LIES { word(Purpose::Order) } else { Word::new("thanks", Headers::NONE) };
                agent.send(worker, intent, says);
                report(&agent, task);
            })
        })
        .agent("rival", |agent: Agent| {
            Box::pin(async move {
                agent.sleep(SimSpan::from_secs(20)).await;
                agent.send(Name::new("lead"), Name::new("weather"), Word::new("news", Headers::NONE));
            })
        })
        .agent("worker", |agent: Agent| Box::pin(reports_each_order_as_done(agent)))
}

#[test]
fn a_lead_that_repeats_a_completed_step_after_it_took_in_something_else_is_caught() {
    let honest = repeats_what_is_complete_after_other_news::<false>();
    let liar = repeats_what_is_complete_after_other_news::<true>();
    assert!(!broken(honest, CALM, &[]).contains(&"completed-work-not-rerun"));
    assert!(broken(liar, CALM, &[]).contains(&"completed-work-not-rerun"));
}

/// The worker does both steps as they are wanted, or what suits it instead.
fn calls_what_it_likes(instead: fn(Operation) -> Operation, again: bool) -> Workflow {
    team().agent("worker", move |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            for (step, op) in ops.iter().enumerate() {
                let wanted = team.plan.operation_of(task, step);
                let calls = if again { vec![wanted.clone(), instead(wanted)] } else { vec![instead(wanted)] };
                for (number, call) in (0_u64..).zip(calls) {
                    let op = OpId(op.0 + number);
                    agent.call(ToolCall::keyed(call, op), CALL_TIMEOUT).await.expect("the world is calm");
                }
            }
            report(&agent, task);
        })
    })
}

#[test]
fn another_operation_under_the_wanted_intent_is_not_what_was_wanted() {
    let touch = |wanted: Operation| Operation { name: Name::new("touch"), ..wanted };
    let honest = calls_what_it_likes(|wanted| wanted, false);
    assert!(broken(honest, CALM, &[]).is_empty());
    let liar = calls_what_it_likes(touch, false);
    assert_eq!(broken(liar, CALM, &[]), ["no-phantom-completion", "no-tainted-effects"]);
}

#[test]
fn a_second_effect_under_an_intent_of_its_own_is_wanted_by_no_user() {
    let own = |wanted: Operation| Operation {
        intent: Name::joined(wanted.intent, "-", Name::new("again")),
        ..wanted
    };
    assert_eq!(broken(calls_what_it_likes(own, true), CALM, &[]), ["no-tainted-effects"]);
}
