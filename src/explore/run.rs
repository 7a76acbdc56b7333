//! One run of one case, judged.

use crate::agent::{AgentEvent, Agents, TeamEvent, UserEvent, kinds};
use crate::config::problem::nearest_in_words;
use crate::probe::Probe;
use crate::properties::{EVENTUAL_TERMINATION, Property, TeamHistory, Verdict, Violation};
use crate::scenario::Case;
use perfidy_sim::{Engine, Event, Plan, Rule, RunEnd, RunOutcome, Seed, Words, interrupt};
use std::mem::discriminant;
use std::sync::Arc;

/// A run and what the properties say of it.
pub struct Run {
    /// What is left of it.
    pub outcome: RunOutcome<Agents>,
    /// What each property of the suite says, by its name.
    pub verdicts: Vec<(&'static str, Verdict)>,
    /// The probes of the workflow that it reached.
    pub reached: Vec<&'static str>,
}

impl Run {
    /// Runs a case with the faults of its scenario.
    pub fn fuzzed(case: &Case, engine: Engine, seed: Seed) -> Self {
        Self::planned(case, engine, seed, &Plan::Fuzz(Arc::clone(&case.scenario.chaos)))
    }

    /// Runs a case with these faults.
    ///
    /// # Panics
    /// If the engine is not part of this build; ask [`Engine::available`] first.
    pub fn planned(case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Self {
        Self::judged(case, engine.run(|| case.world(seed, plan.clone())))
    }

    /// The same, with every place counted that the scenario's rules concern, whatever the plan is, and those
    /// that came up before the end of the faults told apart.
    pub(crate) fn marked(case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Self {
        let outcome = engine.run(|| {
            let mut world = case.world(seed, plan.clone());
            world.mark(case.scenario.chaos.until);
            world.notice(&case.scenario.chaos.rules);
            world
        });
        Self::judged(case, outcome)
    }

    /// The same, with every step of every agent counted.
    pub(crate) fn with_all_steps(case: &Case, engine: Engine, seed: Seed, plan: &Plan) -> Self {
        let outcome = engine.run(|| {
            let mut world = case.world(seed, plan.clone());
            world.notice(&Rule::of_all_steps());
            world
        });
        Self::judged(case, outcome)
    }

    /// Judges a run of a case, however it came about.
    pub(crate) fn judged(case: &Case, outcome: RunOutcome<Agents>) -> Self {
        let history = &outcome.history;
        let missing = tasks_missing(case, &outcome);
        let not_judged = case.not_judged();
        let judge = |property: &Property| {
            // To judge a long history can take longer than to make it.
            interrupt::check();
            if not_judged.contains(&property.name) {
                return (property.name, Verdict::Vacuous);
            }
            match property.judge(history) {
                Verdict::Holds if property.name == EVENTUAL_TERMINATION => {
                    (property.name, missing.clone().unwrap_or(Verdict::Holds))
                }
                verdict => (property.name, verdict),
            }
        };
        check_probes(case, history);
        let verdicts = case.scenario.suite.properties().iter().map(judge).collect();
        let reached =
            case.probes().filter(|probe| probe.is_reached(history)).map(|probe| probe.name).collect();
        Self { outcome, verdicts, reached }
    }

    /// A fingerprint of how it went, whenever and to whom: how many events of each kind it has, by powers of
    /// two, what the properties say, and which probes it reached.
    pub(crate) fn shape(&self) -> u64 {
        Words::digest(|words| {
            self.outcome.history.put_shape(words);
            for (_, verdict) in &self.verdicts {
                words.hash(&discriminant(verdict));
            }
            words.hash(&self.reached);
        })
    }

    /// The properties that broke and are not waived in the scenario, with how they broke.
    #[cfg(feature = "clients")]
    pub(crate) fn broken<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.verdicts.iter().filter_map(|(property, verdict)| match verdict {
            Verdict::Violated(violation) if !case.scenario.waived.contains_key(property) => {
                Some((*property, violation.message.as_str()))
            }
            _ => None,
        })
    }

    /// How the property of that name was broken, if it was.
    ///
    /// # Panics
    /// If the suite has no property of that name: a test that asks for a property that there is not would
    /// always pass.
    pub fn violation(&self, property: &str) -> Option<&Violation> {
        match self.verdict(property) {
            Verdict::Violated(violation) => Some(violation),
            _ => None,
        }
    }

    /// What the property of that name says of the run.
    ///
    /// # Panics
    /// If the suite has no property of that name.
    pub fn verdict(&self, property: &str) -> &Verdict {
        let judged = self.verdicts.iter().find(|(judged, _)| *judged == property);
        let (_, verdict) = judged.unwrap_or_else(|| {
            let known: Vec<&str> = self.verdicts.iter().map(|(judged, _)| *judged).collect();
            panic!("there is no property `{property}`; {}", nearest_in_words(property, &known))
        });
        verdict
    }
}

/// Probes that agents reach are those of the suite: one by another name would never be counted.
fn check_probes(case: &Case, history: &TeamHistory) {
    for (_, note) in history.app_events_of(kinds::REACHED) {
        let TeamEvent::Agent(AgentEvent::Reached { probe }) = note else { continue };
        let probes = case.scenario.suite.probes();
        if probes.iter().all(|known| known.name != probe.as_str()) {
            let known: Vec<&str> = probes.iter().map(|probe| probe.name).collect();
            let near = nearest_in_words(probe.as_str(), &known);
            panic!("an agent reaches the probe `{probe}`, which the suite does not have; {near}");
        }
    }
}

/// What is to be said of a run whose time was over before every task had come: nothing holds of those that
/// did not.
fn tasks_missing(case: &Case, outcome: &RunOutcome<Agents>) -> Option<Verdict> {
    if outcome.stop != RunEnd::Deadline {
        return None;
    }
    let given = outcome
        .history
        .app_events()
        .filter(|(_, note)| matches!(note, TeamEvent::User(UserEvent::TaskGiven { .. })))
        .count();
    let count = case.scenario.tasks.count;
    let reason = || format!("only {given} of {count} tasks came before the time of the run was over");
    (given < count as usize).then(|| Verdict::Unknown { reason: reason() })
}

impl Case {
    /// The probes that its runs should reach.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &Probe> {
        let wanted = &self.scenario.workflow.probes;
        self.scenario.suite.probes().iter().filter(|probe| wanted.contains(&probe.name))
    }
}

/// The first event in which two runs that should be the same are not, in words.
pub fn first_difference(left: &RunOutcome<Agents>, right: &RunOutcome<Agents>) -> Option<String> {
    let (a, b) = left.history.first_difference(&right.history)?;
    let show = |event: Option<&Event<TeamEvent>>| {
        event.map_or_else(
            || "nothing more".to_owned(),
            |event| format!("{} at {} on {}: {:?}", event.id, event.at, event.node, event.what),
        )
    };
    Some(format!("one run has {}\nthe other has {}", show(a), show(b)))
}
