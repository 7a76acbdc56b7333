//! An agent that sends requests to two tools and keeps the answers: one tool has effects, one is read.

use perfidy::agent::{
    Agent, Cancelled, Content, Definite, Headers, Indefinite, OpId, Operation, ReadResult, Receipt,
    TeamEvent, ToolCall, ToolError, ToolEvent,
};
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::tools::Document;
use perfidy::workflows::Workflow;
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan};
use serde_json::json;
use std::cell::RefCell;

/// One request of the caller to its tool.
#[derive(Clone, Copy)]
pub enum Ask {
    /// The effect, under this key.
    Call(&'static str, u64),
    /// The same, and it says for which task it is made.
    TracedCall(&'static str, u64),
    Read(&'static str),
    LookUp(&'static str),
    /// Never the effect, under this key.
    Cancel(&'static str, u64),
    Wait(u64),
}

#[derive(Clone, PartialEq, Debug)]
pub enum StoreOutcome {
    Call(Result<Receipt, ToolError>),
    Read(Result<ReadResult, ToolError>),
    LookUp(Result<bool, Indefinite>),
    Cancel(Result<Cancelled, Indefinite>),
}

thread_local! {
    /// The requests and the answers of the caller on this thread. A test communicates with its agent through
    /// them, outside the world.
    static ASKS: RefCell<Vec<Ask>> = const { RefCell::new(Vec::new()) };
    static HEARD: RefCell<Vec<StoreOutcome>> = const { RefCell::new(Vec::new()) };
}

pub fn caller_team() -> Workflow {
    Workflow::new("caller")
        .about("an agent that asks a tool for a few things")
        .user(|_: Agent| std::future::pending())
        .agent("caller", caller)
        .safeguards(&["reply-correlation", "retry", "tool-dedupe", "traced-calls"])
}

/// The task for which traced calls are made.
pub const TASK: &str = "task-1";

fn put(intent: &'static str, key: u64) -> ToolCall {
    let arguments = Content::of_json(json!({ "what": intent }));
    let operation = Operation::new(Name::new("vault"), Name::new("put"), Name::new(intent)).with(arguments);
    ToolCall::keyed(operation, OpId(key))
}

async fn caller(agent: Agent) {
    let tool = Name::new("vault");
    let within = SimSpan::from_secs(5);
    for ask in ASKS.take() {
        let heard = match ask {
            Ask::Call(intent, key) => StoreOutcome::Call(agent.call(put(intent, key), within).await),
            Ask::TracedCall(intent, key) => {
                let traced = agent.under(Headers { correlation: Some(Name::new(TASK)), ..Headers::NONE });
                StoreOutcome::Call(traced.call(put(intent, key), within).await)
            }
            Ask::Read(item) => {
                let intent = Name::new(&format!("want/{item}"));
                let query = Operation::new(Name::new("feed"), Name::new(item), intent);
                StoreOutcome::Read(agent.read(query, within).await)
            }
            Ask::LookUp(intent) => {
                let operation = Operation::new(tool, Name::new("put"), Name::new(intent));
                StoreOutcome::LookUp(agent.look_up(&operation, within).await.map(|found| found.is_some()))
            }
            Ask::Cancel(intent, key) => {
                let operation = Operation::new(tool, Name::new("put"), Name::new(intent));
                StoreOutcome::Cancel(agent.cancel(&operation, OpId(key), within).await)
            }
            Ask::Wait(secs) => {
                agent.sleep(SimSpan::from_secs(secs)).await;
                continue;
            }
        };
        HEARD.with_borrow_mut(|all| all.push(heard));
    }
    agent.finish_after(SimSpan::from_secs(200));
}

pub const TEXT: &str = r#"# A tool and its caller.
workflow = "caller"

[[step]]
name = "put"
tool = "vault.put"

[safeguards]
tool-dedupe = true

[tools.vault]
latency = "100ms"
deduplicates = true

[tools.feed]
kind = "sources"
latency = "100ms"
changes-every = "10s"

[faults]
until = "30m"
"#;

/// The answers to the caller, and how often each intent was carried out, with only these faults.
pub struct CallOutcome {
    pub heard: Vec<StoreOutcome>,
    pub run: Run,
}

impl CallOutcome {
    pub fn effects(&self, intent: &str) -> usize {
        let is_it = |note: &TeamEvent| matches!(note, TeamEvent::Tool(ToolEvent::Effect { intent: of, .. }) if *of == Name::new(intent));
        self.run.outcome.history.app_events().filter(|(_, note)| is_it(note)).count()
    }

    /// The content of the document that was read.
    pub fn document(&self, nth: usize) -> Document {
        self.read(nth).read().expect("a document")
    }

    pub fn read(&self, nth: usize) -> ReadResult {
        match &self.heard[nth] {
            StoreOutcome::Read(Ok(reading)) => reading.clone(),
            other => panic!("{other:?}"),
        }
    }
}

pub fn told(asks: &[Ask], faults: &[&str]) -> CallOutcome {
    let told = met_or_not(asks, faults);
    let injected: Vec<String> = told.run.outcome.injected.iter().map(ToString::to_string).collect();
    assert_eq!(injected, faults, "every fault is injected, in this order");
    told
}

pub fn met_or_not(asks: &[Ask], faults: &[&str]) -> CallOutcome {
    met_or_not_in(TEXT, asks, faults)
}

pub fn met_or_not_in(text: &str, asks: &[Ask], faults: &[&str]) -> CallOutcome {
    let scenario = Scenario::parse(&Suite::shipped().workflow(caller_team()), "caller", text)
        .unwrap_or_else(|bad| panic!("{bad}"));
    let faults = faults.iter().map(|text| {
        let (at, action) = text.split_once(": ").unwrap();
        Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
    });
    let plan = Plan::Explicit(faults.collect());
    told_in(&Case::as_written(&scenario), Seed(1), &plan, asks)
}

/// Sets what the caller asks for in the next run, and forgets what it was told in runs before.
pub fn will_ask(asks: &[Ask]) {
    drop(HEARD.take());
    ASKS.set(asks.to_vec());
}

pub fn told_in(case: &Case, seed: Seed, plan: &Plan, asks: &[Ask]) -> CallOutcome {
    will_ask(asks);
    let run = Run::planned(case, Engine::Native, seed, plan);
    CallOutcome { heard: HEARD.take(), run }
}

pub const DONE: StoreOutcome = StoreOutcome::Call(Ok(Receipt(1)));

pub fn unclear(error: Indefinite) -> ToolError {
    ToolError::Indefinite(error)
}

pub fn refused(error: Definite) -> ToolError {
    ToolError::Definite(error)
}
