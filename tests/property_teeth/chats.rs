//! Liars with models, people and tools: each breaks a property of transcripts, approvals or calls, and hides
//! it: it names its turns as one, uses another operation id, or reports something else later.

use super::calm_team::{CALM, broken, do_all, do_step, next_task, report, team};
use perfidy::agent::{
    Agent, ChatMessage, Finish, GUARDRAIL, OpId, Operation, Outcome, Receipt, Reply, Report, RequestedStep,
    TaskRequest, ToolCall, ToolResult, Transcript,
};
use perfidy::protocols::{ApprovalMessage, ApprovalRequest, GuardrailMessage};
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::workflows::approver::APPROVER;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};

/// A task as its user asks for it, with so many of its steps.
fn request(team: &TeamContext, task: Name, steps: usize) -> ChatMessage {
    let step = |step| RequestedStep { operation: team.plan.operation_of(task, step), needs: [].into() };
    ChatMessage::User(TaskRequest { task, steps: (0..steps).map(step).collect(), notes: [].into() })
}

fn asked(messages: impl IntoIterator<Item = ChatMessage>) -> Transcript {
    [ChatMessage::System("Do what the user asks.")].into_iter().chain(messages).collect()
}

/// A team of one that asks its model so many times, each time in the same turn as it says.
fn asks_its_model<const TIMES: u32>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        for _ in 0..TIMES {
            let _ = agent.chat(task, 1, &asked([request(&team, task, 2)])).await;
        }
        do_all(&agent, &team, task, &ops).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_calls_every_turn_its_first_is_caught_with_too_many() {
    let text = format!("{CALM}[properties]\nbounded-turns = {{ turns = 3 }}\n");
    assert!(broken(asks_its_model::<3>(), &text, &[]).is_empty());
    assert_eq!(broken(asks_its_model::<4>(), &text, &[]), ["bounded-turns"]);
}

#[test]
fn an_agent_that_calls_every_turn_its_first_is_caught_with_too_many_tokens() {
    // The request of two steps goes in with 360 tokens, and comes back with 370 at most.
    let text = format!("{CALM}[properties]\nbounded-tokens = {{ tokens = 2000 }}\n");
    assert!(broken(asks_its_model::<2>(), &text, &[]).is_empty());
    assert_eq!(broken(asks_its_model::<6>(), &text, &[]), ["bounded-tokens"]);
}

/// Two steps with the same tool.
fn one_tool() -> String {
    CALM.replace("billing.charge", "ticketing.close").replace("[tools.billing]\n", "")
}

/// The lead has its model ask for both steps, and gives it each result with the receipt of the other.
fn swaps_results<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, _) = next_task(&agent).await;
        let mut transcript = asked([request(&team, task, 2)]);
        let reply = agent.chat(task, 1, &transcript).await.expect("the world is calm");
        let mut receipts = Vec::new();
        for call in reply.calls.iter() {
            let call = ToolCall::keyed(call.operation.clone(), call.id);
            receipts.push(agent.call(call, CALL_TIMEOUT).await.expect("the world is calm"));
        }
        if LIES {
            receipts.reverse();
        }
        let calls = reply.calls.clone();
        transcript.push(ChatMessage::Assistant(reply));
        for (call, receipt) in calls.iter().zip(receipts) {
            transcript.push(ChatMessage::Tool { call: call.id, result: ToolResult::Done(receipt) });
        }
        let _ = agent.chat(task, 2, &transcript).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_tells_its_model_the_result_of_another_call_is_caught() {
    assert!(broken(swaps_results::<false>(), &one_tool(), &[]).is_empty());
    assert_eq!(broken(swaps_results::<true>(), &one_tool(), &[]), ["results-paired"]);
}

/// The lead works on one task after the other. Its model gets the transcript of both, or of one, in a turn
/// that names the one.
fn keeps_its_session<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let mut earlier = Vec::new();
        for _ in 0..2 {
            let (task, ops) = next_task(&agent).await;
            let request = request(&team, task, 2);
            let before = if LIES { earlier.clone() } else { Vec::new() };
            let _ = agent.chat(task, 1, &asked(before.into_iter().chain([request.clone()]))).await;
            earlier.push(request);
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
        }
    })
}

#[test]
fn an_agent_whose_model_is_told_of_another_task_is_caught() {
    let text = CALM.replace("count = 1", "count = 2\nevery = \"5s\"");
    assert!(broken(keeps_its_session::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(keeps_its_session::<true>(), &text, &[]), ["tasks-do-not-leak"]);
}

/// The model is told of one step of two. The agent takes both.
fn leaves_a_step_out<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        let _ = agent.chat(task, 1, &asked([request(&team, task, if LIES { 1 } else { 2 })])).await;
        do_all(&agent, &team, task, &ops).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_whose_model_does_not_see_all_that_is_asked_for_is_caught() {
    assert!(broken(leaves_a_step_out::<false>(), CALM, &[]).is_empty());
    assert_eq!(broken(leaves_a_step_out::<true>(), CALM, &[]), ["required-facts-survive"]);
}

/// The model gets a reply of its own of this length again, and then the request.
fn sends_a_long_transcript<const TOKENS: u32>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        let (calls, finish) = ([].into(), Finish::Stop);
        let long = Reply { calls, is_done: false, wording: 0, text_tokens: TOKENS, finish };
        let _ = agent.chat(task, 1, &asked([ChatMessage::Assistant(long), request(&team, task, 2)])).await;
        do_all(&agent, &team, task, &ops).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_sends_more_than_its_user_allows_is_caught() {
    let text = format!("{CALM}[properties]\nwithin-context-budget = {{ tokens = 1000 }}\n");
    assert!(broken(sends_a_long_transcript::<100>(), &text, &[]).is_empty());
    assert_eq!(broken(sends_a_long_transcript::<1_000>(), &text, &[]), ["within-context-budget"]);
}

/// Both steps need a person's approval, of many tasks: the person vetoes some.
fn guarded() -> String {
    let text = CALM.replace("count = 1", "count = 12\nevery = \"1s\"");
    let text = text.replace("\ntool = ", "\nirreversible = true\ntool = ");
    format!("{text}[settle]\nwithin = \"60m\"\n")
}

/// Asks the person for a call under this id; whether it is approved.
async fn may_i(agent: &Agent, operation: &Operation, op: OpId) -> bool {
    let (approver, intent) = (Name::new(APPROVER), operation.intent);
    let expires_at = agent.now() + SimSpan::from_secs(600);
    let request = ApprovalRequest { operation: operation.clone(), op, expires_at };
    agent.send(approver, intent, ApprovalMessage::Requested(request));
    loop {
        match agent.receive().await.open() {
            Some(ApprovalMessage::Decided(decision)) if decision.call() == (operation, op) => {
                return decision.is_approved;
            }
            _ => {}
        }
    }
}

/// What a liar does about approvals.
#[derive(Clone, Copy, PartialEq)]
enum Approvals {
    Heeds,
    /// Has one call approved, and makes another for the same step.
    CallsUnderAnotherId,
    /// Makes a call that was vetoed under another id.
    CallsAfterAVeto,
    /// Has an approved call approved again once it is made.
    AsksAgain,
}

fn asks_a_person(how: Approvals) -> Workflow {
    team().approver().agent("lead", move |agent: Agent, team: TeamContext| async move {
        let tasks = team.plan.tasks.clone();
        for task in tasks {
            let mut is_done = true;
            for step in 0..2 {
                let operation = team.plan.operation_of(task, step);
                let [asked, other] = [0, 1].map(|_| agent.new_operation_id(operation.intent));
                let is_approved = may_i(&agent, &operation, asked).await;
                let op = match how {
                    Approvals::Heeds | Approvals::AsksAgain => is_approved.then_some(asked),
                    Approvals::CallsUnderAnotherId => is_approved.then_some(other),
                    Approvals::CallsAfterAVeto => Some(if is_approved { asked } else { other }),
                };
                match op {
                    Some(op) => do_step(&agent, &team, (task, step), op).await,
                    None => is_done = false,
                }
                if how == Approvals::AsksAgain {
                    may_i(&agent, &operation, asked).await;
                }
            }
            let outcome = if is_done { Outcome::Done } else { Outcome::Failed };
            agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, outcome)));
        }
    })
}

#[test]
fn an_agent_that_makes_another_call_than_was_approved_is_caught() {
    assert!(broken(asks_a_person(Approvals::Heeds), &guarded(), &[]).is_empty());
    let liar = broken(asks_a_person(Approvals::CallsUnderAnotherId), &guarded(), &[]);
    assert_eq!(liar, ["approved-before-irreversible"]);
}

#[test]
fn an_agent_that_makes_a_vetoed_call_under_another_id_is_caught() {
    let liar = broken(asks_a_person(Approvals::CallsAfterAVeto), &guarded(), &[]);
    assert_eq!(liar, ["approved-before-irreversible", "no-effect-after-veto"]);
}

#[test]
fn an_agent_that_has_a_call_approved_again_after_it_was_made_is_caught() {
    assert_eq!(broken(asks_a_person(Approvals::AsksAgain), &guarded(), &[]), ["no-lost-approval"]);
}

/// Both steps must be checked by a guardrail, of many tasks: it forbids some.
fn checked() -> String {
    let text = CALM.replace("count = 1", "count = 12\nevery = \"1s\"");
    let text = text.replace("\ntool = ", "\nguarded = true\ntool = ");
    format!("{text}[settle]\nwithin = \"60m\"\n")
}

/// Whether the guardrail allows an operation.
async fn is_allowed(agent: &Agent, operation: &Operation) -> bool {
    let operations = [operation.clone()];
    let check =
        GuardrailMessage::Check { requested: operations.clone().into(), operations: operations.into() };
    agent.send(Name::new(GUARDRAIL), operation.intent, check);
    loop {
        if let Some(GuardrailMessage::Checked(verdicts)) = agent.receive().await.open()
            && let Some(verdict) = verdicts.iter().find(|verdict| verdict.operation == *operation)
        {
            return verdict.is_allowed;
        }
    }
}

/// What a liar does about a guardrail.
#[derive(Clone, Copy, PartialEq)]
enum Checks {
    Heeds,
    /// Asks about an operation that is like the one it calls, for another intent.
    AsksAboutAnother,
    /// Calls first, and then asks.
    AsksAfterwards,
}

fn asks_a_guardrail(how: Checks) -> Workflow {
    team().guardrail().agent("lead", move |agent: Agent, team: TeamContext| async move {
        let tasks = team.plan.tasks.clone();
        for task in tasks {
            let mut is_done = true;
            for step in 0..2 {
                let operation = team.plan.operation_of(task, step);
                let op = agent.new_operation_id(operation.intent);
                let asked = match how {
                    Checks::Heeds | Checks::AsksAfterwards => operation.clone(),
                    Checks::AsksAboutAnother => team.plan.operation_of(team.plan.tasks[0], step),
                };
                if how == Checks::AsksAfterwards || is_allowed(&agent, &asked).await {
                    do_step(&agent, &team, (task, step), op).await;
                } else {
                    is_done = false;
                }
                if how == Checks::AsksAfterwards {
                    is_allowed(&agent, &asked).await;
                }
            }
            let outcome = if is_done { Outcome::Done } else { Outcome::Failed };
            agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, outcome)));
        }
    })
}

#[test]
fn an_agent_that_asks_its_guardrail_about_something_else_or_too_late_is_caught() {
    assert!(broken(asks_a_guardrail(Checks::Heeds), &checked(), &[]).is_empty());
    for how in [Checks::AsksAboutAnother, Checks::AsksAfterwards] {
        assert_eq!(broken(asks_a_guardrail(how), &checked(), &[]), ["no-forbidden-effects"]);
    }
}

/// The lead gives its first call up at once, and then makes the second, whose answer it takes from whatever
/// comes next on its connection, or from the reply to it.
fn takes_any_reply<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let agent = if LIES { agent.that_takes_the_next_reply() } else { agent };
        let (task, ops) = next_task(&agent).await;
        let first = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
        let given_up = agent.call(first, SimSpan::from_millis(1)).await;
        assert!(given_up.is_err(), "no tool is as fast as that");
        agent.sleep(SimSpan::from_secs(3)).await;
        let second: Result<Receipt, _> =
            agent.call(ToolCall::keyed(team.plan.operation_of(task, 1), ops[1]), CALL_TIMEOUT).await;
        second.expect("the world is calm");
        agent.sleep(SimSpan::from_secs(3)).await;
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_takes_the_reply_to_another_request_for_its_answer_is_caught() {
    assert!(broken(takes_any_reply::<false>(), &one_tool(), &[]).is_empty());
    assert_eq!(broken(takes_any_reply::<true>(), &one_tool(), &[]), ["replies-match-requests"]);
}

/// The lead reports each task as failed, and later that it is done.
fn fails_first<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        for _ in 0..2 {
            let (task, ops) = next_task(&agent).await;
            if LIES {
                let report = Report::of(task, Outcome::Failed);
                agent.send(Name::new(USER), task, UserMessage::Report(report));
            }
            do_all(&agent, &team, task, &ops).await;
            report(&agent, task);
        }
    })
}

#[test]
fn an_agent_that_reports_a_failure_and_takes_it_back_later_is_caught() {
    let text = CALM.replace("count = 1", "count = 2\nevery = \"20s\"");
    let text = format!("{text}[properties]\nbounded-failures = {{ tasks = 1 }}\n");
    assert!(broken(fails_first::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(fails_first::<true>(), &text, &[]), ["bounded-failures"]);
}

/// The lead asks its tool again and again whether it has done what it has done.
fn looks_up_again_and_again<const LIES: bool>() -> Workflow {
    team().agent("lead", |agent: Agent, team: TeamContext| async move {
        let (task, ops) = next_task(&agent).await;
        do_all(&agent, &team, task, &ops).await;
        for _ in 0..(if LIES { 30 } else { 3 }) {
            let _ = agent.look_up(&team.plan.operation_of(task, 0), CALL_TIMEOUT).await;
            agent.sleep(SimSpan::from_millis(50)).await;
        }
        report(&agent, task);
    })
}

#[test]
fn an_agent_that_uses_up_the_budget_of_a_tool_with_questions_is_caught() {
    let text = format!("{CALM}[properties]\ncalls-within-budget = {{ per-10s = 10 }}\n");
    assert!(broken(looks_up_again_and_again::<false>(), &text, &[]).is_empty());
    assert_eq!(broken(looks_up_again_and_again::<true>(), &text, &[]), ["calls-within-budget"]);
}
