//! A team in a calm world, in which one agent may lie, and the properties that it violates.

use perfidy::agent::{Agent, Headers, Message, OpId, Outcome, Purpose, Report, ToolCall};
use perfidy::explore::Run;
use perfidy::safeguards::calls::CALL_TIMEOUT;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::workflows::user::{USER, UserMessage};
use perfidy::workflows::{TeamContext, Workflow};
use perfidy_sim::{Engine, Fault, Name, Plan, Seed};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Two steps, in a world without faults.
pub const CALM: &str = "# A calm world.
workflow = \"liars\"
[tasks]
count = 1
[[step]]
name = \"file\"
tool = \"ticketing.create\"
[[step]]
name = \"bill\"
tool = \"billing.charge\"
[tools.ticketing]
[tools.billing]
";

/// A message with a kind and headers, but without content.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
pub struct Word(Name, Headers);

impl Word {
    pub fn new(kind: &str, headers: Headers) -> Self {
        Self(Name::new(kind), headers)
    }
}

impl Message for Word {
    fn kind(&self) -> &'static str {
        self.0.as_str()
    }

    fn headers(&self) -> Headers {
        self.1
    }
}

pub fn word(purpose: Purpose) -> Word {
    Word::new("word", Headers::of(purpose))
}

pub fn team() -> Workflow {
    Workflow::new("liars")
        .about("a team in which one may lie")
        .safeguards(&["claim-by-lease"])
        .properties(&["eventual-termination"])
}

/// The properties that a team violates under these faults, except those that every team violates that does
/// not do its task.
pub fn broken(team: Workflow, text: &str, faults: &[(&str, &str)]) -> Vec<&'static str> {
    let scenario = Scenario::parse(&Suite::shipped().workflow(team), "honesty/liars", text)
        .unwrap_or_else(|why| panic!("{why}"));
    let fault =
        |(at, action): &(&str, &str)| Fault { at: at.parse().unwrap(), action: action.parse().unwrap() };
    let plan = Plan::Explicit(faults.iter().map(fault).collect());
    let case = Case::as_written(&scenario).dropping_announcements();
    let run = Run::planned(&case, Engine::Native, Seed(1), &plan);
    let broken = run.verdicts.iter().filter(|(_, verdict)| verdict.is_violated());
    broken.map(|(property, _)| *property).collect()
}

/// The next task that the user submits, with its operation ids.
pub async fn next_task(agent: &Agent) -> (Name, Arc<[OpId]>) {
    loop {
        if let Some(UserMessage::Submit { task, ops }) = agent.receive().await.open().cloned() {
            return (task, ops);
        }
    }
}

pub async fn do_step(agent: &Agent, team: &TeamContext, (task, step): (Name, usize), op: OpId) {
    let call = ToolCall::keyed(team.plan.operation_of(task, step), op);
    agent.call(call, CALL_TIMEOUT).await.expect("the world is calm");
}

pub async fn do_all(agent: &Agent, team: &TeamContext, task: Name, ops: &[OpId]) {
    for (step, op) in ops.iter().enumerate() {
        do_step(agent, team, (task, step), *op).await;
    }
}

pub fn report(agent: &Agent, task: Name) {
    agent.send(Name::new(USER), task, UserMessage::Report(Report::of(task, Outcome::Done)));
}

pub async fn reports_each_order_as_done(agent: Agent) {
    loop {
        let mail = agent.receive().await;
        if mail.headers().purpose == Some(Purpose::Order) {
            agent.reply(&mail, word(Purpose::Done));
        }
    }
}
