//! Suites and scenarios in code: the shorthands of a suite, and what a builder of scenarios says.

use crate::cases;
use perfidy::agent::{AgentEvent, TeamEvent};
use perfidy::prelude::*;
use perfidy_sim::EventKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use toml_edit::{DocumentMut, Item};

/// A bank, which may have a bug.
#[derive(Clone, Hash, Debug, Serialize)]
struct Bank {
    accounts: BTreeMap<String, u64>,
    is_generous: bool,
}

impl Bank {
    fn with<const N: usize>(accounts: [(&str, u64); N]) -> Self {
        let accounts = accounts.map(|(name, balance)| (name.to_owned(), balance)).into();
        Self { accounts, is_generous: false }
    }

    fn total(&self) -> u64 {
        self.accounts.values().sum()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Call {
    Transfer { from: String, to: String, amount: u64 },
}

impl Tool for Bank {
    type Call = Call;
    type Reply = u64;
    type Refusal = &'static str;

    fn apply(&mut self, Call::Transfer { from, to, amount }: Call, _: &Caller) -> Result<u64, &'static str> {
        let source = self.accounts.get_mut(&from).ok_or("no such account")?;
        let left = source.checked_sub(amount).ok_or("not enough money")?;
        if !self.is_generous {
            *source = left;
        }
        *self.accounts.entry(to).or_default() += amount;
        Ok(left)
    }

    fn read(&self, _: Call, _: &ToolContext<'_>) -> Result<u64, &'static str> {
        Err("a transfer is not a read")
    }
}

/// What the agents of this crate run on.
struct Runtime {
    timeout: SimSpan,
}

async fn teller(agent: Agent, runtime: Arc<Runtime>) {
    loop {
        let order = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = order.open().cloned() else { continue };
        let intent = Name::joined(task, "/", Name::new("pay"));
        let pay = Call::Transfer { from: "alice".to_owned(), to: "bob".to_owned(), amount: 5 };
        let transfer = Operation::calling(Name::new("bank"), intent, &pay);
        let call = ToolCall::keyed(transfer, ops[0]);
        while agent.call(call.clone(), runtime.timeout).await.is_err() {
            agent.sleep(SimSpan::from_secs(1)).await;
        }
        agent.send(order.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
    }
}

fn banking(bank: impl Fn() -> Bank + Send + Sync + 'static) -> Suite {
    let runtime = Arc::new(Runtime { timeout: SimSpan::from_secs(5) });
    Suite::here()
        .workflow(Workflow::new("banking").agent("teller", move |agent| teller(agent, runtime.clone())))
        .tool("bank", bank)
        .property("sum-is-constant", |history| {
            history.states::<Bank>("bank").always(|bank| bank.total() == 500)
        })
}

/// Three transfers, of which some are not acknowledged.
fn transfers() -> ScenarioBuilder {
    Scenario::of("banking")
        .about("A lost acknowledgement moves no money twice.")
        .tasks(3)
        .push(
            "step",
            json!({
                "name": "pay",
                "tool": "bank.transfer",
                "args": { "from": "alice", "to": "bob", "amount": 5 },
            }),
        )
        .tool("bank", json!({ "deduplicates": true }))
        .safeguard("tool-dedupe", true)
        .fault("ack-lost", json!({ "at": "bank", "chance": "30%" }))
        .without("tool-dedupe", "no-duplicate-effects")
}

#[test]
fn a_suite_of_one_agent_one_tool_and_one_property_is_judged_with_all_that_is_shipped() {
    let suite = banking(|| Bank::with([("alice", 500), ("bob", 0)]));
    let scenario = transfers().build(&suite).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(scenario.tools[&Name::new("bank")].kind, "bank");
    let [as_written, without] = &Case::all(&scenario)[..] else { panic!("two cases") };
    assert!(as_written.is_about().contains(&"sum-is-constant"));
    let breaks = |case: &Case| {
        (0..50).any(|seed| {
            let run = Run::fuzzed(case, Engine::Native, Seed(seed));
            assert!(!run.verdicts.contains(&("sum-is-constant", Verdict::Vacuous)));
            assert_eq!(run.violation("sum-is-constant"), None);
            run.violation("no-duplicate-effects").is_some()
        })
    };
    assert!(!breaks(as_written) && breaks(without));
}

#[test]
fn a_property_given_as_a_closure_is_violated_by_its_name() {
    let generous = || Bank { is_generous: true, ..Bank::with([("alice", 500), ("bob", 0)]) };
    let scenario = transfers().build(&banking(generous)).unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let violation = run.violation("sum-is-constant").expect("money is made");
    assert!(violation.message.contains("bank is in a state"), "{}", violation.message);
}

/// Asks for more than there is, and writes down what it is told.
async fn asks_for_too_much(agent: Agent, told: Arc<Mutex<Vec<CallError>>>) {
    let pay = Call::Transfer { from: "alice".to_owned(), to: "bob".to_owned(), amount: 501 };
    let transfer = Operation::calling(Name::new("bank"), Name::new("task-1/pay"), &pay);
    let call = ToolCall::keyed(transfer, agent.new_operation_id(Name::new("task-1/pay")));
    let refused = agent.call_confirmed(call, SimSpan::from_secs(60)).await;
    told.lock().unwrap().extend(refused.err());
}

#[test]
fn a_refusal_reaches_its_caller_and_the_history_in_the_words_of_the_tool() {
    let told: Arc<Mutex<Vec<CallError>>> = Arc::default();
    let noted = Arc::clone(&told);
    let suite = Suite::here()
        .workflow(
            Workflow::new("banking").agent("teller", move |agent| asks_for_too_much(agent, noted.clone())),
        )
        .tool("bank", || Bank::with([("alice", 500), ("bob", 0)]));
    let scenario = Scenario::of("banking")
        .about("A transfer of more than there is.")
        .tasks(1)
        .push(
            "step",
            json!({
                "name": "pay",
                "tool": "bank.transfer",
                "args": { "from": "alice", "to": "bob", "amount": 501 },
            }),
        )
        .tool("bank", json!({}))
        .build(&suite)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let told = told.lock().unwrap();
    let [error] = &told[..] else { panic!("one call, and one refusal: {told:?}") };
    assert_eq!(error.read::<String>().ok().as_deref(), Some("not enough money"));
    assert!(error.to_string().ends_with("not enough money\""), "{error}");
    let told_of = run.outcome.history.events().iter().filter_map(|event| match &event.what {
        EventKind::App(TeamEvent::Agent(AgentEvent::Answered { content, .. })) => Some(content),
        _ => None,
    });
    assert_eq!(told_of.collect::<Vec<_>>(), [&error.why]);
}

#[test]
fn a_tool_without_keys_of_its_own_says_so() {
    let suite = banking(|| Bank::with([("alice", 500), ("bob", 0)]));
    let bad = transfers()
        .tool("bank", json!({ "balances": { "alice": 1 } }))
        .build(&suite)
        .unwrap_err()
        .to_string();
    assert!(bad.contains("`balances` is no key of a tool of the kind `bank`"), "{bad}");
}

#[test]
fn a_builder_can_say_what_each_shipped_file_says() {
    let suite = Suite::shipped();
    let files = cases::scenarios();
    assert!(files.len() > 50);
    for file in files {
        let document: DocumentMut = file.text.parse().unwrap();
        let builder = Scenario::of("").named(file.name.as_str()).about(&file.about);
        let builder = document.iter().fold(builder, |builder, (key, item)| match item {
            Item::ArrayOfTables(tables) => tables
                .iter()
                .fold(builder, |builder, table| builder.push(key, json(&Item::Table(table.clone())))),
            Item::Table(table) => table
                .iter()
                .fold(builder, |builder, (name, item)| builder.set(&format!("{key}.{name}"), json(item))),
            item => builder.set(key, json(item)),
        });
        let built = builder.build(&suite).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(format!("{:?}", file.chaos), format!("{:?}", built.chaos), "{}", file.name);
        for seed in 0..2 {
            let [of_file, of_builder] = [file, &built]
                .map(|scenario| Run::fuzzed(&Case::as_written(scenario), Engine::Native, Seed(seed)).outcome);
            assert_eq!(perfidy::explore::first_difference(&of_file, &of_builder), None, "{}", file.name);
        }
    }
}

/// A value of a file as JSON.
fn json(item: &Item) -> Value {
    let text = match item {
        Item::Table(table) => table.clone().into_inline_table().to_string(),
        item => item.to_string(),
    };
    let table: toml::Table = format!("value = {}", text.trim()).parse().unwrap();
    serde_json::to_value(&table["value"]).unwrap()
}

#[test]
fn what_is_wrong_with_a_scenario_in_code_is_told_as_of_a_file() {
    let suite = Suite::shipped();
    let ticket =
        || Scenario::of("conductor").step("file-ticket", "ticketing.create").tool("ticketing", json!({}));
    for (builder, said) in [
        (ticket().fault("ack-lots", json!({ "chance": "5%" })), "did you mean `ack-lost`?"),
        (ticket().fault("ack-lost", json!({ "chance": 5 })), "expected a chance in quotes"),
        (ticket().safeguard("tool-dedup", true), "did you mean `tool-dedupe`?"),
        (ticket().team("executers", 3), "did you mean `executors`?"),
        (ticket().set("tasks.cuont", 3), "did you mean `count`?"),
        (ticket().tasks(0), "`count` is a number from 1"),
        (ticket().without("tool-dedupe", "no-duplicate-effects"), "tool-dedupe"),
        (ticket().push("step", json!("file")), "`step` is a list of tables"),
        (Scenario::of("conductr"), "did you mean `conductor`?"),
    ] {
        let builder = builder.named("a/b");
        let bad = builder.build(&suite).unwrap_err();
        let of_file = Scenario::parse(&suite, "a/b", &builder.to_toml()).unwrap_err();
        assert_eq!(bad.to_string(), of_file.to_string());
        assert!(bad.to_string().contains(said), "no {said:?} in\n{bad}");
    }
}

#[test]
fn a_builder_writes_the_file_that_a_person_would_write() {
    let text = transfers().waive("no-lost-update", "there is no store").set("faults.until", "5m").to_toml();
    let expected = r#"# A lost acknowledgement moves no money twice.
workflow = "banking"

[tasks]
count = 3

[[step]]
args = { amount = 5, from = "alice", to = "bob" }
name = "pay"
tool = "bank.transfer"

[tools]
bank = { deduplicates = true }

[safeguards]
tool-dedupe = true

[faults]
ack-lost = { at = "bank", chance = "30%" }
until = "5m"

[[without]]
safeguards = "tool-dedupe"
violates = "no-duplicate-effects"

[properties]
no-lost-update = { waive = "there is no store" }
"#;
    assert_eq!(text, expected);
}

#[test]
fn the_later_value_counts_and_null_takes_a_value_away() {
    let base = || Scenario::of("conductor").tasks(3).set("tasks.every", "1s");
    let said = |builder: ScenarioBuilder| builder.to_toml();
    assert_eq!(said(base().tasks(5)), said(base()).replace("count = 3", "count = 5"));
    assert_eq!(said(base().set("tasks.every", json!(null))), said(base()).replace("every = \"1s\"\n", ""));
}
