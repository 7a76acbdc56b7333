//! Liars: each team violates a property and does not report it, or reports the opposite. The evidence of the
//! tools, the store, the network and the user must be enough. The same team without the lie violates nothing.

use super::calm_team::{
    CALM, Word, broken, do_all, do_step, next_task, report, reports_each_order_as_done, team, word,
};
use perfidy::agent::{
    Agent, AnswerPart, ArtifactId, Body, Content, Headers, Message, Outcome, Prompt, Purpose, Report, Token,
    ToolCall,
};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::safeguards::claim::Claims;
use perfidy::scenario::Scenario;
use perfidy::suite::Suite;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};

fn reports_without_doing<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            if !LIES {
                do_all(&agent, &team, task, &ops).await;
            }
            report(&agent, task);
        })
    })
}

#[test]
fn a_team_that_reports_done_and_did_nothing_is_caught() {
    let honest = reports_without_doing::<false>();
    let liar = reports_without_doing::<true>();
    assert!(broken(honest, CALM, &[]).is_empty());
    assert_eq!(broken(liar, CALM, &[]), ["no-phantom-completion"]);
}

fn reports_a_receipt<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            let mut answer = Vec::new();
            for (step, op) in ops.iter().enumerate() {
                let call = ToolCall::keyed(team.plan.operation_of(task, step), *op);
                let intent = call.operation.intent;
                let mut told = agent.call_confirmed(call, CALL_TIMEOUT).await.expect("the world is calm");
                told.receipt.0 += u64::from(LIES);
                answer.push(AnswerPart { intent, content: Some(Content::new(told)) });
            }
            let report = Report { answer: answer.into(), ..Report::of(task, Outcome::Done) };
            agent.send(Name::new(USER), task, UserMessage::Report(report));
        })
    })
}

#[test]
fn a_team_that_reports_another_receipt_than_it_was_told_is_caught() {
    let honest = reports_a_receipt::<false>();
    let liar = reports_a_receipt::<true>();
    assert!(broken(honest, CALM, &[]).is_empty());
    assert_eq!(broken(liar, CALM, &[]), ["reports-match-effects"]);
}

fn answers_from_a_part<const LIES: bool>() -> Workflow {
    team().tasks_are_questions().agent("lead", |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, _) = next_task(&agent).await;
            let mut answer = Vec::new();
            for step in 0..(if LIES { 1 } else { 2 }) {
                let query = team.plan.operation_of(task, step);
                let intent = query.intent;
                let content: Content = agent.read(query, CALL_TIMEOUT).await.expect("a calm world").content;
                answer.push(AnswerPart { intent, content: Some(content) });
            }
            let report = Report { answer: answer.into(), ..Report::of(task, Outcome::Done) };
            agent.send(Name::new(USER), task, UserMessage::Report(report));
        })
    })
}

#[test]
fn a_team_that_answers_from_partial_data_in_silence_is_caught() {
    let honest = answers_from_a_part::<false>();
    let liar = answers_from_a_part::<true>();
    let sources = |name: &str| format!("[tools.{name}]\nkind = \"sources\"");
    let text = CALM.replace("[tools.ticketing]", &sources("ticketing"));
    let text = text.replace("[tools.billing]", &sources("billing"));
    assert!(broken(honest, &text, &[]).is_empty());
    assert_eq!(broken(liar, &text, &[]), ["no-silent-partial"]);
}

/// The lead, under token 2, orders the first step; then the rival, under token 1, orders the second. A worker
/// that obeys both claims in its calls that the newer leader ordered both.
fn obeys_an_old_token<const LIES: bool>() -> Workflow {
    team()
        .tasks_to(&["worker"])
        .agent("lead", |agent, team| Box::pin(lead_under(agent, team, 2, 0)))
        .agent("rival", |agent, team| Box::pin(lead_under(agent, team, 1, 1)))
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                for _ in 0..2 {
                    let order = agent.receive().await;
                    let step = usize::from(order.about() == team.plan.intent(task, 1));
                    let token = Some(Token(2));
                    if LIES || order.headers().authority == token {
                        let under = agent.under(Headers { authority: token, ..Headers::NONE });
                        do_step(&under, &team, (task, step), ops[step]).await;
                    }
                }
                agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, Outcome::Failed)));
            })
        })
}

pub async fn lead_under(agent: Agent, team: TeamContext, token: u64, step: usize) {
    agent.sleep(SimSpan::from_secs(1 + step as u64)).await;
    let intent = team.plan.intent(team.plan.tasks[0], step);
    let headers = Headers { authority: Some(Token(token)), ..Headers::of(Purpose::Order) };
    agent.send(Name::new("worker"), intent, Word::new("order", headers));
}

#[test]
fn a_worker_that_acts_under_an_old_token_is_caught() {
    let honest = obeys_an_old_token::<false>();
    let liar = obeys_an_old_token::<true>();
    assert!(!broken(honest, CALM, &[]).contains(&"no-split-brain"));
    assert!(broken(liar, CALM, &[]).contains(&"no-split-brain"));
}

/// The lead hands the task to the worker, which hands it back, and so on; they number that, or not.
fn hands_over_again_and_again<const LIES: bool, const COUNTS: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                for hop in 0..(if LIES { 3 } else { 1 }) {
                    let attempt = COUNTS.then_some(2 * hop);
                    let headers = Headers { attempt, ..Headers::of(Purpose::Handoff) };
                    agent
                        .request(Name::new("worker"), task, Word::new("take", headers), CALL_TIMEOUT)
                        .await
                        .unwrap();
                }
                do_all(&agent, &team, task, &ops).await;
                report(&agent, task);
            })
        })
        .agent("worker", |agent: Agent| {
            Box::pin(async move {
                loop {
                    let mail = agent.receive().await;
                    let attempt = mail.headers().attempt.map(|attempt| attempt + 1);
                    agent.reply(
                        &mail,
                        Word::new("take", Headers { attempt, ..Headers::of(Purpose::Handoff) }),
                    );
                }
            })
        })
}

#[test]
fn a_team_that_hands_over_more_often_than_allowed_is_caught() {
    let text = format!("{CALM}[properties]\nbounded-handoffs = {{ hops = 3 }}\n");
    let honest = [hands_over_again_and_again::<false, true>(), hands_over_again_and_again::<false, false>()];
    let liars = [hands_over_again_and_again::<true, true>(), hands_over_again_and_again::<true, false>()];
    for (honest, liar) in honest.into_iter().zip(liars) {
        assert!(broken(honest, &text, &[]).is_empty());
        assert_eq!(broken(liar, &text, &[]), ["bounded-handoffs"]);
    }
}

/// The lead claims the first step in the store and works on it; the rival works on it too, without a claim.
fn has_two_owners<const LIES: bool>() -> Workflow {
    team()
        .store_if(|_| true)
        .tasks_to(&["lead", "rival"])
        .agent("lead", |agent, team| Box::pin(owner(agent, team, true)))
        .agent("rival", |agent, team| Box::pin(owner(agent, team, !LIES)))
}

async fn owner(agent: Agent, team: TeamContext, claims_it: bool) {
    let claims = Claims::new(&agent, team.safeguards());
    let (task, ops) = next_task(&agent).await;
    for step in 0..2 {
        let held = if claims_it { claims.take(team.plan.intent(task, step)).await } else { None };
        if !claims_it || held.is_some() {
            agent.sleep(SimSpan::from_secs(1)).await;
            do_step(&agent, &team, (task, step), ops[step]).await;
        }
    }
    agent.sleep(SimSpan::from_secs(20)).await;
    report(&agent, task);
}

#[test]
fn two_owners_of_one_piece_of_work_are_caught() {
    let honest = has_two_owners::<false>();
    let liar = has_two_owners::<true>();
    let text = format!("{CALM}[safeguards]\nclaim-by-lease = {{ lease = \"9s\" }}\n");
    assert!(!broken(honest, &text, &[]).contains(&"one-owner-per-task"));
    assert!(broken(liar, &text, &[]).contains(&"one-owner-per-task"));
}

/// The worker does the steps. The worker itself, or the rival, then approves them.
fn approves_its_own_work<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                let worker = Name::new("worker");
                agent.send(worker, team.plan.intent(task, 0), UserMessage::Submit { task, ops });
                while agent.receive().await.headers().purpose != Some(Purpose::Approval) {}
                report(&agent, task);
            })
        })
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                do_all(&agent, &team, task, &ops).await;
                let (to, says) =
                    if LIES { ("lead", word(Purpose::Approval)) } else { ("rival", word(Purpose::Ask)) };
                agent.send(Name::new(to), task, says);
            })
        })
        .agent("rival", |agent: Agent| {
            Box::pin(async move {
                let asked = agent.receive().await;
                agent.send(Name::new("lead"), asked.about(), word(Purpose::Approval));
            })
        })
}

#[test]
fn a_worker_that_approves_its_own_work_is_caught() {
    let honest = approves_its_own_work::<false>();
    let liar = approves_its_own_work::<true>();
    assert!(broken(honest, CALM, &[]).is_empty());
    assert_eq!(broken(liar, CALM, &[]), ["decisions-are-authorised"]);
}

/// A record that a step is done.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Finished(Name);

impl Message for Finished {
    fn kind(&self) -> &'static str {
        "finished"
    }

    fn headers(&self) -> Headers {
        Headers { correlation: Some(self.0), ..Headers::NONE }
    }
}

/// The worker records that a step is done, syncs or not, and reports that it is done.
fn tells_what_is_not_durable<const LIES: bool>() -> Workflow {
    team()
        .tasks_to(&["worker"])
        .agent("worker", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let (task, ops) = next_task(&agent).await;
                do_all(&agent, &team, task, &ops).await;
                let intent = team.plan.intent(task, 0);
                agent.write(Finished(intent)).expect("the disk is well");
                if !LIES {
                    agent.sync().await;
                }
                agent.send(Name::new("lead"), intent, word(Purpose::Done));
                agent.sleep(SimSpan::from_secs(60)).await;
                report(&agent, task);
            })
        })
        .agent("lead", |agent: Agent| Box::pin(async move { drop(agent.receive().await) }))
}

#[test]
fn an_agent_that_goes_on_from_a_state_that_it_had_not_made_durable_is_caught() {
    let crash = [("crash of the worker, by hand, try 1", "crash worker at 20s, back after 1s")];
    let is_broken = |team| broken(team, CALM, &crash).contains(&"recovered-state-is-a-prefix");
    assert!(!is_broken(tells_what_is_not_durable::<false>()));
    assert!(is_broken(tells_what_is_not_durable::<true>()));
}

/// The lead orders the first step and gets the report that it is done; it thanks the worker, and crashes. It
/// has recorded its progress, or not.
fn repeats_what_is_complete<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let mut is_done = false;
                agent.recover(Body::open::<Finished>, |_| is_done = true);
                let (task, _) = next_task(&agent).await;
                let (worker, intent) = (Name::new("worker"), team.plan.intent(task, 0));
                while !is_done {
                    agent.send(worker, intent, word(Purpose::Order));
                    is_done = agent.receive().await.headers().purpose == Some(Purpose::Done);
                    if is_done && !LIES {
                        agent.persist(Finished(intent)).await;
                    }
                    agent.send(worker, intent, Word::new("thanks", Headers::NONE));
                }
                agent.sleep(SimSpan::from_secs(60)).await;
                report(&agent, task);
            })
        })
        .agent("worker", |agent: Agent| Box::pin(reports_each_order_as_done(agent)))
}

#[test]
fn a_lead_that_repeats_a_completed_step_after_a_crash_is_caught() {
    let honest = repeats_what_is_complete::<false>();
    let liar = repeats_what_is_complete::<true>();
    let crash = [("crash of the lead, by hand, try 1", "crash lead at 20s, back after 1s")];
    assert!(!broken(honest, CALM, &crash).contains(&"completed-work-not-rerun"));
    assert!(broken(liar, CALM, &crash).contains(&"completed-work-not-rerun"));
}

/// The lead orders the first step, gets the report that it is done and makes that durable; it takes in the
/// next message, sends nothing, and crashes. It then reads what it had recorded, or not.
fn repeats_what_it_had_recorded<const LIES: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| {
            Box::pin(async move {
                let mut is_done = false;
                agent.recover(Body::open::<Finished>, |_| is_done = !LIES);
                let (task, _) = next_task(&agent).await;
                let (worker, intent) = (Name::new("worker"), team.plan.intent(task, 0));
                if !is_done {
                    agent.send(worker, intent, word(Purpose::Order));
                    while agent.receive().await.headers().purpose != Some(Purpose::Done) {}
                    agent.persist(Finished(intent)).await;
                    let news = agent.receive().await;
                    agent.persist(Finished(news.about())).await;
                }
                agent.sleep(SimSpan::from_secs(60)).await;
                report(&agent, task);
            })
        })
        .agent("worker", |agent: Agent| {
            Box::pin(async move {
                loop {
                    let mail = agent.receive().await;
                    agent.reply(&mail, word(Purpose::Done));
                    agent.sleep(SimSpan::from_secs(1)).await;
                    agent.send(mail.from(), Name::new("weather"), Word::new("news", Headers::NONE));
                }
            })
        })
}

#[test]
fn a_lead_that_repeats_a_step_that_it_had_recorded_as_complete_is_caught() {
    let honest = repeats_what_it_had_recorded::<false>();
    let liar = repeats_what_it_had_recorded::<true>();
    let crash = [("crash of the lead, by hand, try 1", "crash lead at 20s, back after 1s")];
    assert!(!broken(honest, CALM, &crash).contains(&"completed-work-not-rerun"));
    assert!(broken(liar, CALM, &crash).contains(&"completed-work-not-rerun"));
}

/// The lead does its work and reports; it may end the run then.
fn ends_the_run<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
            if LIES {
                agent.finish_after(SimSpan::ZERO);
            }
        })
    })
}

#[test]
fn an_agent_that_ends_the_run_before_its_user_does_is_caught() {
    assert!(broken(ends_the_run::<false>(), CALM, &[]).is_empty());
    assert!(broken(ends_the_run::<true>(), CALM, &[]).contains(&"well-behaved"));
}

#[test]
fn no_agent_can_have_the_name_of_a_person_or_of_a_service() {
    for name in ["approver", "on-call", "user", "store"] {
        let team = team().agent("lead", |_: Agent| async {}).agent(name, |_: Agent| async {});
        let suite = Suite::shipped().workflow(team);
        let refused = Scenario::parse(&suite, "honesty/liars", CALM).unwrap_err().to_string();
        let why =
            format!("names an agent `{name}`, which is the name of a person or a service of every team");
        assert!(refused.contains(&why), "{refused}");
    }
}

/// The lead lets its model make an artifact, and acts on it or on an invented one.
fn cites_what_was_made_up<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| {
        Box::pin(async move {
            let (task, ops) = next_task(&agent).await;
            for step in 0..2 {
                let intent = team.plan.intent(task, step);
                let made = agent.make((intent, intent), None, &Prompt::new("a step", 100), 1_000).await.id();
                let provenance = Some(if LIES { ArtifactId(made.0 ^ 1) } else { made });
                let under = agent.under(Headers { provenance, ..Headers::NONE });
                do_step(&under, &team, (task, step), ops[step]).await;
            }
            report(&agent, task);
        })
    })
}

#[test]
fn an_agent_that_cites_what_was_never_made_is_caught() {
    let honest = cites_what_was_made_up::<false>();
    let liar = cites_what_was_made_up::<true>();
    assert!(broken(honest, CALM, &[]).is_empty());
    assert_eq!(broken(liar, CALM, &[]), ["decisions-cite-artifacts"]);
}
