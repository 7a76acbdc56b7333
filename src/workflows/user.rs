//! The user: hands tasks to the team, asks again when nothing comes back, and goes home when all have ended.

use crate::agent::{Agent, Claim, Message, Note, OpId, Wish};
use crate::workflows::Briefing;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The user's name.
pub const USER: &str = "user";

/// How long the user waits before asking again.
const PATIENCE: SimSpan = SimSpan::from_secs(30);

/// How long a run goes on after the last report, for what is still on its way.
const AFTERMATH: SimSpan = SimSpan::from_secs(60);

/// What the user and the team say to each other.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, Hash, Debug)]
pub enum UserSay {
    /// Please do this task. Each of its steps has an operation id, minted here, once.
    Submit { task: Name, ops: Rc<[OpId]> },
    /// This is how it ended.
    Report { task: Name, done: bool },
}

impl Message for UserSay {
    fn kind(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submit",
            Self::Report { .. } => "report",
        }
    }
}

/// Submits every task of the case to each of the `contacts`, until one of them has reported on it. What a task wants is
/// to happen, once.
pub async fn user(agent: Agent, briefing: Briefing, contacts: &'static [&'static str]) {
    submit_all(agent, briefing, contacts, |task, intent| Note::Wanted { task, intent }).await;
}

/// Does the same for tasks that want to know something, and nothing to happen.
pub async fn inquirer(agent: Agent, briefing: Briefing, contacts: &'static [&'static str]) {
    submit_all(agent, briefing, contacts, |task, intent| Note::Question { task, intent }).await;
}

async fn submit_all(
    agent: Agent,
    briefing: Briefing,
    contacts: &'static [&'static str],
    wants: fn(Name, Name) -> Note,
) {
    let plan = &briefing.plan;
    let contacts: Vec<Name> = contacts.iter().copied().map(Name::literal).collect();
    let mut open: BTreeMap<Name, Rc<[OpId]>> = BTreeMap::new();
    let mut coming = plan.tasks.iter().copied();
    let mut next = coming.next();
    let mut next_at = SimTime::ZERO;
    let mut ask_again_at = SimTime::ZERO + PATIENCE;
    briefing.bounds().for_each(|bound| agent.note(bound));
    loop {
        while let Some(task) = next.filter(|_| agent.monotonic() >= next_at) {
            agent.note(Note::TaskGiven { task });
            let intents = (0..plan.steps.len()).map(|step| plan.intent(task, step));
            intents.clone().for_each(|intent| agent.note(wants(task, intent)));
            for Wish { tool, operation, intent } in
                (0..plan.steps.len()).filter_map(|step| plan.undoing(task, step))
            {
                agent.note(Note::UndoneBy { intent, tool, operation });
            }
            let ops: Rc<[OpId]> = intents.map(|intent| agent.mint_op(intent)).collect();
            submit(&agent, &contacts, task, &ops);
            open.insert(task, ops);
            next = coming.next();
            next_at += agent.draw("gap after", task, |spot| spot.span("gap", briefing.task_gap()));
        }
        if open.is_empty() && next.is_none() {
            return agent.finish_after(AFTERMATH);
        }
        if agent.monotonic() >= ask_again_at {
            for (task, ops) in &open {
                submit(&agent, &contacts, *task, ops);
            }
            ask_again_at = agent.monotonic() + PATIENCE;
        }
        let wake_at = if next.is_some() { ask_again_at.min(next_at) } else { ask_again_at };
        let Ok(mail) = agent.receive_within(wake_at.since(agent.monotonic()), "a report").await else {
            continue;
        };
        if let Some(UserSay::Report { task, .. }) = mail.open()
            && open.remove(task).is_some()
        {
            agent.expect_no_more(*task);
            agent.claim(Claim::Informed { task: *task });
        }
    }
}

fn submit(agent: &Agent, contacts: &[Name], task: Name, ops: &Rc<[OpId]>) {
    for contact in contacts {
        agent.expect(*contact, "a report on the task", task);
        agent.send(*contact, task, UserSay::Submit { task, ops: Rc::clone(ops) });
    }
}
