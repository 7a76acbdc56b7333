//! What a workflow says its agents do is what they do, no less and no more: what they ask of models and tools, what they
//! send, which steps they take. On it depends which faults a file may set against them.

use perfidy::agent::{LeaseService, Request, STEPS, StoreService};
use perfidy::explore::Run;
use perfidy::faults::model::{COMPLETION, MOMENTS};
use perfidy::scenario::{Case, read_all};
use perfidy::suite::Suite;
use perfidy::workflows::Workflow;
use perfidy_sim::{Action, Chance, Engine, Hook, Name, Plan, Rule, Seed, Selector, SimSpan, What};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SEEDS: u64 = 12;

/// What was asked in some runs of a workflow.
#[derive(Default, PartialEq, Eq, Debug)]
struct Asked {
    moments: BTreeSet<&'static str>,
    requests: BTreeSet<String>,
    sends: BTreeSet<(String, String)>,
    steps: BTreeSet<String>,
    journals: bool,
}

/// A rule that strikes models at every moment there is, whether or not a file could set it against these.
fn slips() -> impl Iterator<Item = Rule> {
    let words = MOMENTS.iter().flat_map(|(moment, words)| words.iter().map(|word| (*moment, *word)));
    words.map(|(moment, word)| Rule {
        kind: Name::new(word),
        hook: Hook::Service,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Of(vec![Name::new(moment)]),
        chance: Chance::per_million(200_000).expect("less than always"),
        action: Action::Custom { word: Name::new(word), span: SimSpan::ZERO },
        span: None,
    })
}

/// A rule for every step, with which a run keeps a list of them, and one with which tools refuse for good, so that agents
/// have failures to tell of.
fn steps_and_refusals(tools: &BTreeSet<Name>) -> impl Iterator<Item = Rule> {
    let [refused, pause] = ["refused", "pause"].map(Name::new);
    let rule = |kind, hook, from, per_million, action| Rule {
        kind,
        hook,
        from,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(per_million).expect("less than always"),
        action,
        span: None,
    };
    let lie = Action::Custom { word: refused, span: SimSpan::ZERO };
    let pauses = [Hook::Before, Hook::After]
        .map(|hook| rule(pause, hook, Selector::Any, 1, Action::Pause(SimSpan::from_millis(1))));
    let tools = Selector::Of(tools.iter().copied().collect());
    pauses.into_iter().chain([rule(refused, Hook::Service, tools, 100_000, lie)])
}

fn is_service(node: Name) -> bool {
    [LeaseService::NAME, StoreService::NAME].contains(&node.as_str())
}

/// What a workflow calls a sender: the member name of a role for all of its agents.
fn sender(name: Name) -> String {
    let numbered = name.as_str().rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
    numbered.map_or(name.as_str(), |(member, _)| member).to_owned()
}

fn ask(case: &Case, asked: &mut Asked) {
    let tools: BTreeSet<Name> = case.scenario.tools.keys().copied().collect();
    let mut chaos = (*case.scenario.chaos).clone();
    chaos.rules.extend(slips());
    chaos.rules.extend(steps_and_refusals(&tools));
    let plan = Plan::Fuzz(Arc::new(chaos));
    let is_tool = |node: &Name| tools.contains(node);
    for seed in (0..SEEDS).map(Seed) {
        let outcome = Run::planned(case, Engine::Native, seed, &plan).outcome;
        for event in outcome.history.events() {
            match &event.what {
                What::Struck(fault) => {
                    let site = fault.at.site.as_str();
                    let moment = site.split_once(", ").map(|(_, moment)| moment);
                    // Whatever a model is asked, it completes something: no workflow needs to say so.
                    let said = MOMENTS.iter().map(|(known, _)| *known).filter(|known| *known != COMPLETION);
                    asked.moments.extend({ said }.find(|known| moment == Some(known)));
                }
                What::Delivered { kind, .. } if tools.contains(&event.node) => {
                    let what = kind.as_str().strip_prefix("call ").unwrap_or(kind.as_str());
                    asked.requests.insert(Request::at(what).to_string());
                }
                // Services answer what they are asked; not every team asks for every answer.
                What::Sent { kind, to, .. }
                    if ![event.node, *to].iter().any(is_tool) && !is_service(event.node) =>
                {
                    asked.sends.insert((sender(event.node), kind.to_string()));
                }
                What::Wrote { .. } => asked.journals = true,
                _ => {}
            }
        }
        for at in &outcome.visited {
            let step = at.site.as_str().split_once(", ").and_then(|(_, moment)| {
                moment.strip_prefix("before ").or_else(|| moment.strip_prefix("after "))
            });
            // What every agent does, no workflow needs to say.
            asked.steps.extend(step.filter(|step| !is_of_every_agent(step)).map(str::to_owned));
        }
    }
}

fn is_of_every_agent(step: &str) -> bool {
    let is_said = ["call", "commit", "read"].contains(&step);
    let verb = step.split_once(' ').map_or(step, |(verb, _)| verb);
    !is_said && (STEPS.contains(&step) || ["send", "receive", "write"].contains(&verb))
}

fn sends(workflow: &Workflow) -> BTreeSet<(String, String)> {
    let agents = workflow.sends.iter().filter(|(sender, _)| !is_service(Name::new(sender)));
    let pairs = agents.flat_map(|(sender, kinds)| kinds.iter().map(move |kind| (*sender, *kind)));
    pairs.map(|(sender, kind)| (sender.to_owned(), kind.to_owned())).collect()
}

#[test]
fn every_kind_of_message_that_a_service_says_it_sends_is_sent_to_some_team() {
    let scenarios = read_all(&Suite::shipped(), &["scenarios/scratchpad".into()])
        .unwrap_or_else(|bad| panic!("{}", bad[0]));
    let mut sent: BTreeSet<(Name, Name)> = BTreeSet::new();
    for case in scenarios.iter().flat_map(Case::all) {
        for seed in (0..SEEDS).map(Seed) {
            let history = Run::fuzzed(&case, Engine::Native, seed).outcome.history;
            let of_services = history.events().iter().filter(|event| is_service(event.node));
            sent.extend(of_services.filter_map(|event| match event.what {
                What::Sent { kind, .. } => Some((event.node, kind)),
                _ => None,
            }));
        }
    }
    let services = [(LeaseService::NAME, LeaseService::SENDS), (StoreService::NAME, StoreService::SENDS)];
    let said =
        services.iter().flat_map(|(name, kinds)| kinds.iter().map(|kind| (Name::new(name), Name::new(kind))));
    assert_eq!(sent, said.collect());
}

#[test]
fn every_workflow_says_what_its_agents_ask_send_and_do() {
    let scenarios =
        read_all(&Suite::shipped(), &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
    let mut reached: BTreeMap<&str, Asked> = BTreeMap::new();
    let mut said: BTreeMap<&str, Asked> = BTreeMap::new();
    for scenario in &scenarios {
        let workflow = &scenario.workflow;
        said.entry(workflow.name).or_insert_with(|| Asked {
            moments: workflow.moments.iter().copied().collect(),
            requests: workflow.requests.iter().map(ToString::to_string).collect(),
            sends: sends(workflow),
            steps: workflow.crash_points.iter().map(|step| (*step).to_owned()).collect(),
            journals: workflow.keeps_journals,
        });
        for case in Case::all(scenario) {
            ask(&case, reached.entry(workflow.name).or_default());
        }
    }
    for (workflow, said) in &said {
        let reached = &reached[workflow];
        let kinds: Vec<_> = reached.sends.symmetric_difference(&said.sends).collect();
        assert!(kinds.is_empty(), "{workflow} sends, or says that it does: {kinds:?}");
        assert_eq!(reached, said, "{workflow}");
    }
}
