//! A chain of requests step by step: what travels along it, and what happens when a link is slow, wrong or
//! says too much.

use perfidy::agent::{AgentEvent, Purpose, TeamEvent, ToolEvent, UserEvent};
use perfidy::explore::Run;
use perfidy::properties::Verdict;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, EventKind, Seed, SimSpan, SimTime};
use serde_json::Value;

/// A task of a chain of three services, with this more in `[tasks]`, these safeguards and these faults, each
/// `place: action`.
fn run(tasks: &str, safeguards: &[&str], faults: &[&str]) -> Run {
    let on: Vec<String> = safeguards.iter().map(|safeguard| format!("{safeguard}\n")).collect();
    let faults = faults.iter().filter_map(|fault| fault.split_once(": "));
    let faults: Vec<String> =
        faults.map(|(at, action)| format!("[[fault]]\nat = \"{at}\"\ndo = \"{action}\"\n")).collect();
    let text = format!(
        "# A chain.\nworkflow = \"cascade\"\n[team]\nservices = 3\n\
         [[step]]\nname = \"figure\"\ntool = \"filings.revenue\"\n\
         [[step]]\nname = \"record\"\ntool = \"disk.write\"\nneeds = \"figure\"\n\
         args = {{ path = \"{{task}}.json\", content = \"\" }}\n\
         [tasks]\ncount = 1\n{tasks}\n\
         [safeguards]\n{}event-log = true\nidempotency-keys = true\ntool-dedupe = true\n\
         [tools.filings]\nkind = \"sources\"\ntokens = \"200..2000\"\n\
         [tools.disk]\nkind = \"files\"\ndeduplicates = true\n{}",
        on.concat(),
        faults.concat()
    );
    let scenario = Scenario::parse(&Suite::shipped(), "cascade.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
    let missed: Vec<_> = run.outcome.pinned.iter().filter(|pinned| !pinned.reached).collect();
    assert!(missed.is_empty(), "{missed:?} never came up");
    run
}

/// What the user was told, in words, and when.
fn told(run: &Run) -> (String, SimTime) {
    let told = run.outcome.history.app_events().find_map(|(event, note)| match note {
        TeamEvent::User(UserEvent::Informed { report, .. }) => Some((report.outcome.to_string(), event.at)),
        _ => None,
    });
    told.expect("a report")
}

fn verdict<'a>(run: &'a Run, property: &str) -> &'a Verdict {
    run.verdicts.iter().find(|(name, _)| *name == property).map(|(_, verdict)| verdict).expect("the property")
}

/// The messages of a kind, each with its sender, as JSON, and how much time its header says is left.
fn sent(run: &Run, of: &str) -> Vec<(&'static str, Value, Option<SimSpan>)> {
    let message = |event: &perfidy_sim::Event<TeamEvent>| match &event.what {
        EventKind::Sent { kind, content, .. } if kind.as_str() == of => {
            Some((event.node.as_str(), content.json(), content.headers().deadline))
        }
        _ => None,
    };
    run.outcome.history.events().iter().filter_map(message).collect()
}

/// What is on record in the end.
fn filed(run: &Run) -> Vec<String> {
    let effect = |note: &TeamEvent| match note {
        TeamEvent::Tool(ToolEvent::Effect { request, .. }) => {
            Some(request.operation().arguments.json()["content"].as_str().expect("a text").to_owned())
        }
        _ => None,
    };
    run.outcome.history.app_events().filter_map(|(_, note)| effect(note)).collect()
}

#[test]
fn what_the_source_says_goes_through_every_service_and_is_filed_once() {
    let calm = run("", &[], &[]);
    assert_eq!(told(&calm).0, "done");
    assert_eq!(verdict(&calm, "end-to-end-goal-met"), &Verdict::Holds);
    let [record]: [String; 1] = filed(&calm).try_into().expect("one record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    assert_eq!(record["item"], "revenue");
    let responses: Vec<&str> = sent(&calm, "response").iter().map(|(from, ..)| *from).collect();
    assert_eq!(responses, ["service-3", "service-2", "service-1"]);
}

#[test]
fn each_request_says_how_much_time_is_left_and_only_where_deadlines_are_passed_on() {
    let left = |safeguards: &[&str]| -> Vec<Option<SimSpan>> {
        let run = run("within = \"60s\"", safeguards, &[]);
        sent(&run, "request").iter().map(|(_, _, left)| *left).collect()
    };
    let passed_on = left(&["deadline-propagation = true"]);
    assert_eq!(passed_on.len(), 3);
    assert_eq!(passed_on[0], Some(SimSpan::from_secs(60)));
    assert!(passed_on.iter().all(|left| left.is_some_and(|left| left <= SimSpan::from_secs(60))));
    assert_eq!(left(&[]), [None; 3]);
}

#[test]
fn a_slow_service_costs_the_answer_and_no_service_works_when_the_time_is_over() {
    let slow = ["service-2, first-token, task-1/figure, try 1: slow-first-token 2m"];
    let within = SimSpan::from_secs(30);
    let completions_after = |run: &Run, at: SimTime| {
        let events = run.outcome.history.app_events();
        let completed = events.filter(|(event, note)| {
            matches!(note, TeamEvent::Agent(AgentEvent::Completed { .. })) && event.at > at
        });
        completed.count()
    };
    let given_up = run("within = \"30s\"", &["deadline-propagation = true"], &slow);
    let (outcome, at) = told(&given_up);
    assert_eq!(outcome, "failed");
    assert!(at >= SimTime::ZERO + within && at <= SimTime::ZERO + within + SimSpan::from_secs(2), "{at}");
    assert_eq!(completions_after(&given_up, at), 0);
    assert!(filed(&given_up).is_empty());
}

#[test]
fn a_wrong_word_of_one_service_is_filed_unless_the_front_compares_with_the_source() {
    let wrong = ["service-2, completion, task-1/figure, try 1: wrong-completion"];
    let trusting = run("", &[], &wrong);
    assert_eq!(told(&trusting).0, "done");
    assert!(verdict(&trusting, "end-to-end-goal-met").is_violated());
    let checking = run("", &["end-to-end-check = true"], &wrong);
    assert_eq!(told(&checking).0, "done");
    assert_eq!(verdict(&checking, "end-to-end-goal-met"), &Verdict::Holds);
    let requests = sent(&checking, "request");
    let of_the_front = requests.iter().filter(|(from, ..)| *from == "front");
    let attempts: Vec<u64> = of_the_front
        .map(|(_, request, _)| request["Request"]["query"]["attempt"].as_u64().expect("a number"))
        .collect();
    assert_eq!(attempts, [0, 1]);
}

#[test]
fn a_success_without_an_effect_is_noticed_in_the_record_and_filed_again() {
    let lie = ["disk, write, task-1/record, try 1: success-without-effect"];
    assert!(verdict(&run("", &[], &lie), "end-to-end-goal-met").is_violated());
    let checking = run("", &["end-to-end-check = true"], &lie);
    assert_eq!(told(&checking).0, "done");
    assert_eq!(filed(&checking).len(), 1);
}

#[test]
fn a_long_answer_travels_as_a_reference_and_is_filed_in_full() {
    let long = ["filings, read of revenue, task-1/figure, try 1: oversize-result"];
    let is_reference = |(_, response, _): &(&str, Value, Option<SimSpan>)| {
        response["Response"]["payload"].get("Reference").is_some()
    };
    let limited = run("", &["payload-limit = { tokens = 4000 }"], &long);
    assert_eq!(told(&limited).0, "done");
    assert!(sent(&limited, "response").iter().all(is_reference));
    let in_full = run("", &[], &long);
    assert!(!sent(&in_full, "response").iter().any(is_reference));
    assert_eq!(filed(&limited), filed(&in_full), "whatever travelled, the same is filed");
    assert_eq!(verdict(&limited, "end-to-end-goal-met"), &Verdict::Holds);
}

#[test]
fn a_request_that_is_lost_is_sent_again_and_answered_once() {
    let lost = [
        "service-1 > service-2, request, task-1/figure, try 1: drop",
        "service-2 > service-1, response, task-1/figure, try 1: drop",
    ];
    let run = run("", &[], &lost);
    assert_eq!(told(&run).0, "done");
    let asks = run.outcome.history.events().iter().filter(|event| {
        let is_ask = |content: &perfidy::agent::Body| content.is_for(Purpose::Ask);
        event.node.as_str() == "service-1"
            && matches!(&event.what, EventKind::Sent { content, .. } if is_ask(content))
    });
    assert_eq!(asks.count(), 3, "once, after the loss of the request, and after that of the answer");
    assert_eq!(filed(&run).len(), 1);
}
