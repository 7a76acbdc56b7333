//! The user of the jobs: hands messages to the queue and events to the webhook, and gets the reports.

use super::{Schedule, TriggerMessage};
use crate::agent::{Agent, Delivery, TeamEvent, UserEvent};
use crate::protocols::{ResendTiming, request_until_answered};
use crate::workflows::TeamContext;
use crate::workflows::user::{AFTERMATH, AN_EFFECT, USER, UserMessage, record_task};
use perfidy_sim::{Name, SimSpan, SimTime};
use std::collections::BTreeSet;

/// How long the user waits before it hands a trigger over again.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// How long the user waits for a report before it looks at the clock again.
const LOOK_AGAIN: SimSpan = SimSpan::from_secs(60);

/// Hands over every trigger that is none of the clock, and acknowledges every report.
///
/// # Panics
/// If the agent is not the node of that name.
pub(super) async fn owner(agent: Agent, team: TeamContext) {
    assert_eq!(agent.name().as_str(), USER, "only the node of that name is the user");
    let schedule = Schedule::new(&team);
    for demand in team.demands() {
        agent.record_event(demand);
    }
    let mut open: BTreeSet<Name> = BTreeSet::new();
    // The ticks are known from the beginning: by a clock that is wrong, a run can begin before its time.
    for place in schedule.places(true) {
        open.insert(want(&agent, &team, &schedule, place));
    }
    let others = schedule.places(false).map(|place| (comes_at(&agent, &schedule, place), place));
    let others: Vec<(SimTime, usize)> = others.collect();
    let mut coming = others.into_iter().peekable();
    loop {
        while let Some((_, place)) = coming.next_if(|(at, _)| *at <= agent.monotonic()) {
            let task = want(&agent, &team, &schedule, place);
            open.insert(task);
            if let Some(source) = Schedule::job(place).source() {
                agent.spawn(publish(agent.clone(), source, task));
            }
        }
        let next = coming.peek().map(|(at, _)| *at);
        if open.is_empty() && next.is_none() {
            agent.finish_after(AFTERMATH);
        }
        let wait = next.map_or(LOOK_AGAIN, |at| at.since(agent.monotonic()));
        let Ok(mail) = agent.receive_within(wait, "a report").await else { continue };
        if let Some(UserMessage::Report(report)) = mail.open() {
            let task = report.task;
            agent.record_event(TeamEvent::User(UserEvent::Informed {
                by: mail.from(),
                report: report.clone(),
            }));
            open.remove(&task);
            agent.withdraw_wait(task);
            agent.reply(&mail, TriggerMessage::Ack { task });
        }
    }
}

/// When a message or a webhook comes, by the user's monotonic clock.
fn comes_at(agent: &Agent, schedule: &Schedule, place: usize) -> SimTime {
    let every = &schedule.team.tasks.every;
    let spread = SimSpan::ZERO..=*every.end() - *every.start();
    let early = agent.draw("gap before", schedule.task(place), |draw| draw.span("gap", &spread));
    SimTime::ZERO + schedule.due(place).since(SimTime::ZERO + early)
}

/// Records that the user wants the run of a trigger.
fn want(agent: &Agent, team: &TeamContext, schedule: &Schedule, place: usize) -> Name {
    let (task, job) = (schedule.task(place), Schedule::job(place).name());
    record_task(agent, team, task, AN_EFFECT);
    for step in 0..team.plan.steps.len() {
        let intent = team.plan.intent(task, step);
        agent.record_event(TeamEvent::User(UserEvent::Triggered { trigger: task, job, intent }));
    }
    let by = Schedule::job(place).source().unwrap_or(Name::literal(super::SCHEDULER));
    agent.declare_wait(by, "a report on the run", task);
    task
}

/// Hands a trigger to its source, until the source has it.
async fn publish(agent: Agent, source: Name, task: Name) {
    let timing = ResendTiming { timeout: PATIENCE, pause: PATIENCE };
    let waits_for = (source, "acknowledgement of a trigger");
    let accepted = |mail: &Delivery| {
        matches!(mail.open(), Some(TriggerMessage::Accepted { task: accepted }) if *accepted == task)
            .then_some(())
    };
    let message = TriggerMessage::Published { task };
    request_until_answered(&agent, waits_for, task, message, timing, accepted).await;
}
