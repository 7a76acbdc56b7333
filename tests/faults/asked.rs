//! What a workflow says its agents ask of models and tools and which steps they take is what they do, no less and no more:
//! on it depends which faults a file may set against them.

use perfidy::agent::Request;
use perfidy::explore::Run;
use perfidy::faults::model::MOMENTS;
use perfidy::scenario::{Case, read_all};
use perfidy_sim::{Action, Chance, Engine, Hook, Name, Plan, Rule, Seed, Selector, SimSpan, What};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was asked and done in some runs of a workflow.
#[derive(Default, PartialEq, Eq, Debug)]
struct Asked {
    moments: BTreeSet<&'static str>,
    requests: BTreeSet<String>,
    steps: BTreeSet<&'static str>,
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

/// Rules that let the places come up where agents take steps, and hardly ever strike.
fn looks_at_steps() -> impl Iterator<Item = Rule> {
    [Hook::Before, Hook::After].into_iter().map(|hook| Rule {
        kind: Name::new("pause"),
        hook,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(1).expect("less than always"),
        action: Action::Pause(SimSpan::from_millis(1)),
        span: None,
    })
}

fn ask(case: &Case, asked: &mut Asked) {
    let tools: BTreeSet<Name> = case.scenario.tools.keys().copied().collect();
    let mut chaos = (*case.scenario.chaos).clone();
    chaos.rules.extend(slips().chain(looks_at_steps()));
    let plan = Plan::Fuzz(Arc::new(chaos));
    for seed in (0..40).map(Seed) {
        let outcome = Run::planned(case, Engine::Native, seed, &plan).outcome;
        let moments = outcome.visited.iter().filter_map(|at| Some(at.site.as_str().split_once(", ")?.1));
        let step = |moment: &'static str| {
            let (when, step) = moment.split_once(' ')?;
            ["before", "after"].contains(&when).then_some(step)
        };
        asked.steps.extend(moments.filter_map(step));
        for event in outcome.history.events() {
            match &event.what {
                What::Struck(fault) => {
                    let site = fault.at.site.as_str();
                    let moment = site.split_once(", ").map(|(_, moment)| moment);
                    asked
                        .moments
                        .extend(MOMENTS.iter().map(|(known, _)| *known).find(|known| moment == Some(known)));
                }
                What::Delivered { kind, .. } if tools.contains(&event.node) => {
                    let what = kind.as_str().strip_prefix("call ").unwrap_or(kind.as_str());
                    asked.requests.insert(Request::at(what).to_string());
                }
                What::Wrote { .. } => asked.journals = true,
                _ => {}
            }
        }
    }
}

#[test]
fn every_workflow_says_what_its_agents_ask_of_models_and_tools_and_which_steps_they_take() {
    let scenarios = read_all(&["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
    let mut reached: BTreeMap<&str, Asked> = BTreeMap::new();
    let mut said: BTreeMap<&str, Asked> = BTreeMap::new();
    for scenario in &scenarios {
        let workflow = scenario.workflow;
        said.entry(workflow.name).or_insert_with(|| Asked {
            moments: workflow.moments.iter().copied().collect(),
            requests: workflow.requests.iter().map(ToString::to_string).collect(),
            steps: workflow.crash_points.iter().copied().collect(),
            journals: workflow.keeps_journals,
        });
        ask(&Case::as_written(scenario), reached.entry(workflow.name).or_default());
    }
    assert_eq!(reached, said);
}
