//! Teams with one planted defect each, which no agent of the team notices: wrong arguments, a step done
//! twice, work that is not wanted any more, an answer that is never given.

use super::calm_team::{CALM, Word, broken, do_all, do_step, next_task, report, team, word};
use perfidy::agent::{
    Agent, AnswerPart, ArtifactId, Change, Content, Freshness, Headers, ItemEntry, OpId, Operation, Outcome,
    Prompt, Purpose, Report, StoreError, ToolCall,
};
use perfidy::explore::Run;
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Engine, Name, Seed, SimSpan};

/// The text of the calm world with a bound for a property.
fn bounded(property: &str, bound: &str) -> String {
    format!("{CALM}[properties]\n{property} = {{ {bound} }}\n")
}

fn report_as(agent: &Agent, task: Name, outcome: Outcome) {
    agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, outcome)));
}

/// The lead leads for five seconds, and gives its order in this time or long after.
fn orders_after_its_lease<const LATE: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            let (resource, second) = (Name::new("leadership"), SimSpan::from_secs(1));
            let span = SimSpan::from_secs(5);
            let lease = agent.lease(resource, span, second).await.expect("no other agent asks for it");
            agent.sleep(if LATE { SimSpan::from_secs(15) } else { second }).await;
            let headers = Headers {
                authority: Some(lease.token),
                idempotency_key: Some(ops[0]),
                ..Headers::of(Purpose::Order)
            };
            agent.send(Name::new("worker"), team.plan.intent(task, 0), Word::new("order", headers));
        })
        .agent("worker", |agent: Agent, team: TeamContext| async move {
            let order = agent.receive().await;
            let op = order.headers().idempotency_key.expect("each order has one");
            let under = agent.under(Headers { authority: order.headers().authority, ..Headers::NONE });
            do_step(&under, &team, (team.plan.tasks[0], 0), op).await;
        })
}

#[test]
fn a_worker_that_carries_out_an_order_from_after_a_lease_is_caught() {
    let text = bounded("accepted-within-lease", "grace = \"1s\"");
    let is_broken = |team| broken(team, &text, &[]).contains(&"accepted-within-lease");
    assert!(!is_broken(orders_after_its_lease::<false>()));
    assert!(is_broken(orders_after_its_lease::<true>()));
}

/// The lead and the rival answer the same questions of two tasks; the rival may make its answers up.
fn two_answer<const AGREE: bool>() -> Workflow {
    let answers = |makes_up: bool| {
        move |agent: Agent, team: TeamContext| async move {
            for _ in 0..2 {
                let (task, _) = next_task(&agent).await;
                let mut answer = Vec::new();
                for step in 0..2 {
                    let query = team.plan.operation_of(task, step);
                    let intent = query.intent;
                    let read = agent.read(query, CALL_TIMEOUT).await.expect("a calm world").content;
                    let content = Some(if makes_up { Content::new("a guess") } else { read });
                    answer.push(AnswerPart { intent, content });
                }
                let report = Report { answer: answer.into(), ..Report::of(task, Outcome::Done) };
                agent.send(Name::new(USER), task, UserMessage::Report(report));
            }
        }
    };
    team()
        .tasks_are_questions()
        .tasks_to(&["lead", "rival"])
        .agent("lead", answers(false))
        .agent("rival", answers(!AGREE))
}

/// The calm world with sources for tools.
fn sources() -> String {
    let of = |name: &str| format!("[tools.{name}]\nkind = \"sources\"");
    let text = CALM.replace("[tools.ticketing]", &of("ticketing"));
    text.replace("[tools.billing]", &of("billing"))
}

#[test]
fn two_agents_that_answer_one_question_differently_are_caught() {
    let text = sources().replace("count = 1", "count = 2\nevery = \"20s\"");
    let is_broken = |team| broken(team, &text, &[]).contains(&"agreement");
    assert!(!is_broken(two_answer::<true>()));
    assert!(is_broken(two_answer::<false>()));
}

/// The lead reads, and answers at once or after two minutes.
fn answers_later<const LATE: bool>() -> Workflow {
    team().tasks_are_questions().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, _) = next_task(&agent).await;
        let mut answer = Vec::new();
        for step in 0..2 {
            let query = team.plan.operation_of(task, step);
            let intent = query.intent;
            let content = agent.read(query, CALL_TIMEOUT).await.expect("a calm world").content;
            answer.push(AnswerPart { intent, content: Some(content) });
        }
        agent.sleep(SimSpan::from_secs(if LATE { 120 } else { 0 })).await;
        let report = Report { answer: answer.into(), ..Report::of(task, Outcome::Done) };
        agent.send(Name::new(USER), task, UserMessage::Report(report));
    })
}

#[test]
fn an_agent_that_answers_from_what_it_read_long_ago_is_caught() {
    let text = format!("{}[properties]\nbounded-staleness = {{ max-age = \"60s\" }}\n", sources());
    assert!(broken(answers_later::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(answers_later::<true>(), &text, &[]), ["bounded-staleness"]);
}

/// The lead does both steps and reports, or does one of them and gives up.
fn stops_half_way<const STOPS: bool>() -> Workflow {
    team().properties(&["all-or-compensated"]).agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        if STOPS {
            do_step(&agent, &team, (task, 0), ops[0]).await;
            report_as(&agent, task, Outcome::Failed);
        } else {
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
        }
    })
}

#[test]
fn a_team_that_gives_up_half_way_and_undoes_nothing_is_caught() {
    let undo = |text: &str, call: &str, undo: &str| {
        text.replace(&format!("tool = \"{call}\""), &format!("tool = \"{call}\"\nundo = \"{undo}\""))
    };
    let text = undo(CALM, "ticketing.create", "ticketing.withdraw");
    let text = undo(&text, "billing.charge", "billing.refund");
    assert!(broken(stops_half_way::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(stops_half_way::<true>(), &text, &[]), ["all-or-compensated"]);
}

/// The lead does each step once or twice, each time under another id, with these arguments or others.
fn calls(times: u64, change: fn(Operation) -> Operation) -> Workflow {
    team().agent("lead", move |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        for (step, op) in ops.iter().enumerate() {
            for time in 0..times {
                let call = ToolCall::keyed(change(team.plan.operation_of(task, step)), OpId(op.0 + time));
                agent.call(call, CALL_TIMEOUT).await.expect("the world is calm");
            }
        }
        report(&agent, task);
    })
}

/// One step: a transfer.
const TRANSFER: &str = "# A calm world.
workflow = \"liars\"
[tasks]
count = 1
[[step]]
name = \"pay\"
tool = \"bank.transfer\"
args = { from = \"alice\", to = \"bob\", amount = 5 }
[tools.bank]
kind = \"accounts\"
balances = { alice = 500, bob = 0 }
";

fn of_fifty(operation: Operation) -> Operation {
    let arguments = serde_json::json!({ "from": "alice", "to": "bob", "amount": 50 });
    operation.with(Content::of_json(arguments))
}

#[test]
fn an_agent_that_transfers_another_amount_is_caught() {
    assert!(broken(calls(1, |call| call), TRANSFER, &[]).is_empty());
    assert!(broken(calls(1, of_fifty), TRANSFER, &[]).contains(&"effects-as-wanted"));
}

#[test]
fn an_agent_that_transfers_twice_is_caught_by_the_balances() {
    assert!(broken(calls(2, |call| call), TRANSFER, &[]).contains(&"no-double-spend"));
}

/// What an agent makes of a call whose answer it does not wait for.
#[derive(Clone, Copy, PartialEq)]
enum GivenUp {
    /// It waits for it.
    Not,
    ReportsDone,
    ReportsFailed,
}

fn gives_a_call_up(how: GivenUp) -> Workflow {
    team().person_on_call().agent("lead", move |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        do_step(&agent, &team, (task, 0), ops[0]).await;
        let call = ToolCall::keyed(team.plan.operation_of(task, 1), ops[1]);
        let patience = if how == GivenUp::Not { CALL_TIMEOUT } else { SimSpan::from_millis(1) };
        let told = agent.call(call, patience).await;
        assert_eq!(told.is_ok(), how == GivenUp::Not);
        report_as(&agent, task, if how == GivenUp::ReportsFailed { Outcome::Failed } else { Outcome::Done });
    })
}

#[test]
fn an_agent_that_gives_a_call_up_and_tells_no_person_is_caught() {
    assert!(broken(gives_a_call_up(GivenUp::Not), CALM, &[]).is_empty());
    assert_eq!(broken(gives_a_call_up(GivenUp::ReportsFailed), CALM, &[]), ["every-call-accounted"]);
}

#[test]
fn an_agent_that_reports_a_call_of_unknown_outcome_as_done_is_caught() {
    let text = bounded("failures-surface", "failures = 0");
    let is_broken = |how| broken(gives_a_call_up(how), &text, &[]).contains(&"failures-surface");
    assert!(!is_broken(GivenUp::Not));
    assert!(!is_broken(GivenUp::ReportsFailed));
    assert!(is_broken(GivenUp::ReportsDone));
}

#[test]
fn an_agent_that_leaves_an_effect_behind_of_which_it_does_not_know_is_caught() {
    let text = bounded("no-orphan-effects", "effects = 0");
    let is_broken = |how| broken(gives_a_call_up(how), &text, &[]).contains(&"no-orphan-effects");
    assert!(!is_broken(GivenUp::Not));
    assert!(!is_broken(GivenUp::ReportsDone), "it was not given up");
    assert!(is_broken(GivenUp::ReportsFailed));
}

/// The lead asks the worker about the first step, and the worker asks the lead about the second, or answers.
fn waits_in_a_cycle<const LOCKED: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            agent.send(Name::new("worker"), team.plan.intent(task, 0), word(Purpose::Ask));
            while agent.receive().await.headers().purpose != Some(Purpose::Answer) {}
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
        })
        .agent("worker", |agent: Agent, team: TeamContext| async move {
            let asked = agent.receive().await;
            if LOCKED {
                let intent = team.plan.intent(team.plan.tasks[0], 1);
                agent.send(Name::new("lead"), intent, word(Purpose::Ask));
                while agent.receive().await.headers().purpose != Some(Purpose::Answer) {}
            }
            agent.reply(&asked, word(Purpose::Answer));
        })
}

#[test]
fn two_agents_that_each_wait_for_the_answer_of_the_other_are_caught() {
    assert!(broken(waits_in_a_cycle::<false>(), CALM, &[]).is_empty());
    assert_eq!(broken(waits_in_a_cycle::<true>(), CALM, &[]), ["eventual-termination", "no-deadlock"]);
}

/// The lead orders the first step and crashes. The worker does it at once, or long after.
fn works_for_a_dead_parent<const LATE: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            let headers = Headers { idempotency_key: Some(ops[0]), ..Headers::of(Purpose::Order) };
            agent.send(Name::new("worker"), team.plan.intent(task, 0), Word::new("order", headers));
            agent.receive().await;
        })
        .agent("worker", |agent: Agent, team: TeamContext| async move {
            let order = agent.receive().await;
            agent.sleep(SimSpan::from_secs(if LATE { 90 } else { 1 })).await;
            let op = order.headers().idempotency_key.expect("each order has one");
            do_step(&agent, &team, (team.plan.tasks[0], 0), op).await;
        })
}

#[test]
fn an_agent_that_works_on_long_after_its_parent_has_died_is_caught() {
    let text = bounded("no-orphans", "within = \"30s\"");
    let crash = [("crash of the lead, by hand, try 1", "crash lead at 20s, back after 300s")];
    let is_broken = |team| broken(team, &text, &crash).contains(&"no-orphans");
    assert!(!is_broken(works_for_a_dead_parent::<false>()));
    assert!(is_broken(works_for_a_dead_parent::<true>()));
}

/// One step: a file is written.
const FILE: &str = "# A calm world.
workflow = \"liars\"
[tasks]
count = 2
every = \"20s\"
[[step]]
name = \"publish\"
tool = \"disk.write\"
args = { path = \"status.md\", content = \"as of {task}\" }
[tools.disk]
kind = \"files\"
";

/// The lead writes a file for each task, and may write once more what it wrote first.
fn writes_once_more<const AGAIN: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let mut earlier = None;
        for _ in 0..2 {
            let (task, ops) = next_task(&agent).await;
            do_step(&agent, &team, (task, 0), ops[0]).await;
            if let Some((earlier, op)) = earlier.filter(|_| AGAIN) {
                do_step(&agent, &team, (earlier, 0), op).await;
            }
            report(&agent, task);
            earlier = Some((task, ops[0]));
        }
    })
}

#[test]
fn an_agent_that_writes_an_old_text_over_a_newer_one_is_caught() {
    assert!(broken(writes_once_more::<false>(), FILE, &[]).is_empty());
    assert!(broken(writes_once_more::<true>(), FILE, &[]).contains(&"no-reverted-file"));
}

/// The lead and the rival call for the same task, each under a plan: the same one, or one each.
fn follow_a_plan<const EACH_ITS_OWN: bool>() -> Workflow {
    let does = |step: usize, plan: u64| {
        move |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            let under = agent.under(Headers { plan: Some(ArtifactId(plan)), ..Headers::NONE });
            do_step(&under, &team, (task, step), ops[step]).await;
            agent.sleep(SimSpan::from_secs(20)).await;
            report(&agent, task);
        }
    };
    team()
        .tasks_to(&["lead", "rival"])
        .agent("lead", does(0, 1 << 60))
        .agent("rival", does(1, if EACH_ITS_OWN { 2 } else { 1 } << 60))
}

#[test]
fn two_agents_that_follow_different_plans_for_one_task_are_caught() {
    assert!(broken(follow_a_plan::<false>(), CALM, &[]).is_empty());
    assert_eq!(broken(follow_a_plan::<true>(), CALM, &[]), ["plan-agreement"]);
}

/// The rival asks the worker about six things at once; the worker answers each, or none.
fn owes_answers<const ANSWERS: bool>() -> Workflow {
    team()
        .agent("lead", |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            do_all(&agent, &team, task, &ops).await;
            agent.sleep(SimSpan::from_secs(60)).await;
            report(&agent, task);
        })
        .agent("rival", |agent: Agent| async move {
            for about in ["wind", "rain", "sun", "snow", "frost", "fog"] {
                agent.send(Name::new("worker"), Name::new(about), word(Purpose::Ask));
                agent.sleep(SimSpan::from_secs(2)).await;
            }
        })
        .agent("worker", |agent: Agent| async move {
            loop {
                let asked = agent.receive().await;
                if ANSWERS {
                    agent.reply(&asked, word(Purpose::Answer));
                }
            }
        })
}

#[test]
fn an_agent_that_takes_in_more_requests_than_it_answers_is_caught() {
    let text = bounded("queues-bounded", "requests = 5");
    assert!(broken(owes_answers::<true>(), &text, &[]).is_empty());
    assert_eq!(broken(owes_answers::<false>(), &text, &[]), ["queues-bounded"]);
}

/// The lead changes an item again and again, and the rival reads it after each change: from the primary, or
/// from any replica.
fn reads_from_any_replica<const ANY: bool>() -> Workflow {
    let item = || Name::new("progress");
    team()
        .store_if(|_| true)
        .agent("lead", move |agent: Agent, team: TeamContext| async move {
            let (task, ops) = next_task(&agent).await;
            for number in 0..10 {
                let entry = ItemEntry::new(Name::new(&format!("entry-{number}")), word(Purpose::Done));
                let op = agent.new_operation_id(item());
                agent.store().commit(item(), Change::Append(entry), op).await.expect("a calm world");
                agent.request(Name::new("rival"), item(), word(Purpose::Ask), CALL_TIMEOUT).await.unwrap();
            }
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
        })
        .agent("rival", move |agent: Agent| async move {
            loop {
                let asked = agent.receive().await;
                let freshness = if ANY { Freshness::Any } else { Freshness::Latest };
                let read: Result<_, StoreError> = agent.store().read(item(), freshness).await;
                read.expect("a calm world");
                agent.reply(&asked, word(Purpose::Answer));
            }
        })
}

#[test]
fn an_agent_that_reads_any_replica_where_linearizable_reads_are_declared_is_caught() {
    let text = format!("{CALM}[store]\nreplicas = 3\nlag = \"1s..5s\"\nreads = \"linearizable\"\n");
    assert!(broken(reads_from_any_replica::<false>(), &text, &[]).is_empty());
    let stale = broken(reads_from_any_replica::<true>(), &text, &[]);
    assert_eq!(stale, ["reads-keep-declared-consistency"]);
}

/// The lead asks its model about the first step, does it, and crashes. It then asks again, or not.
fn asks_again_after_a_crash<const AGAIN: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        let intent = team.plan.intent(task, 0);
        if AGAIN || agent.incarnation() == 0 {
            let _ = agent.make((intent, intent), None, &Prompt::new("a step", 100), 1).await;
            do_step(&agent, &team, (task, 0), ops[0]).await;
        }
        agent.sleep(SimSpan::from_secs(60)).await;
        do_step(&agent, &team, (task, 1), ops[1]).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_asks_its_model_again_for_what_it_had_acted_on_is_caught() {
    let text = bounded("recovery-calls-no-model", "again = 0");
    let crash = [("crash of the lead, by hand, try 1", "crash lead at 40s, back after 1s")];
    let is_broken = |team| broken(team, &text, &crash).contains(&"recovery-calls-no-model");
    assert!(!is_broken(asks_again_after_a_crash::<false>()));
    assert!(is_broken(asks_again_after_a_crash::<true>()));
}

/// The lead does its work, and reports so many seconds after it got it.
fn reports_after<const SECONDS: u64>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        do_all(&agent, &team, task, &ops).await;
        agent.sleep(SimSpan::from_secs(SECONDS)).await;
        report(&agent, task);
    })
}

#[test]
fn a_team_that_reports_too_late_is_caught() {
    let text = bounded("within-deadline", "within = \"60s\"");
    assert!(broken(reports_after::<10>(), &text, &[]).is_empty());
    assert_eq!(broken(reports_after::<90>(), &text, &[]), ["within-deadline"]);
}

/// Ticks, messages and webhooks have only the shipped workflow for them: here its runners and schedulers do
/// not claim a tick.
#[test]
fn schedulers_that_do_not_claim_their_ticks_are_caught() {
    let text = include_str!("../../scenarios/scheduled/two-schedulers.toml");
    let scenario = Scenario::parse(&Suite::shipped(), "scheduled/two-schedulers", text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let is_broken = |case: &Case, seed| {
        Run::fuzzed(case, Engine::Native, Seed(seed)).violation("one-firing-per-tick").is_some()
    };
    let (with, without) = (Case::as_written(&scenario), Case::removing(&scenario, &["tick-claim"]));
    let seed = (0..300).find(|seed| is_broken(&without, *seed)).expect("no seed makes two runs of one tick");
    assert!(!is_broken(&with, seed), "seed {seed}");
}
