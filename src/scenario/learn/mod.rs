//! What the agents of a scenario do, learnt from runs of it.
//!
//! No workflow declares which messages its agents send, what they ask of tools, at which steps they can crash
//! or whether they keep a journal. A [`Learner`] finds out: it runs the scenario's workflow with few tasks
//! and few agents of each role, and keeps what it observed in an [`ActionMap`]. A fault that concerns none of
//! it can never be injected, so a file that configures one is rejected, with what the agents do instead.
//!
//! The runs are always the same, and made one after the other until what a file names was observed:
//!
//! 1. Of each case of the scenario, and of its team without any safeguard, a fault-free run. What every run
//!    of a team shows is in the first of them.
//! 2. Of each of these, [stress](stress) runs: faults of every kind, so likely that rare actions (to cancel,
//!    undo, hand over, give up) are not rare.
//! 3. Before anything is rejected, runs with the faults of the file itself.
//!
//! So a legal fault costs a run or two. The first two depend on nothing but the team, its steps, tools and
//! safeguards, so the suite keeps what they showed, for every file that has the same.
//!
//! Nothing is rejected where the agents cannot be observed: where a fault-free run panics, as one of code for
//! another engine does, or is longer than a run here may be.

mod stress;

use crate::agent::Agents;
use crate::faults::{ActionMap, Observed, RoleNames, collect_fields};
use crate::safeguards::Safeguards;
use crate::scenario::{Case, Contents, Scenario, Step};
use crate::workflows::CancelledTasks;
use perfidy_sim::{
    Chance, Chaos, Engine, EventKind, EventKinds, Name, Plan, Rule, RunEnd, RunOutcome, Seed, SimSpan,
    unlogged,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A team does with so many tasks what it does with thousands.
const TASKS: u32 = 4;

/// A team does with so many steps what it does with a thousand, which would be too long a run.
const STEPS: usize = 50;

/// So many agents of a role do what a thousand do, and have a majority.
const AGENTS_OF_A_ROLE: u32 = 5;

/// A run may be so long, and so much longer for each step of a task.
const EVENTS: u32 = 20_000;
const EVENTS_OF_A_STEP: u32 = 100;

/// How many stress runs there are of the scenario as written, and of each other case. The last ones of the
/// scenario as written lose storage.
const STRESS_RUNS: u64 = 30;
const STRESS_RUNS_OF_A_CASE: u64 = 5;
const STRESS_RUNS_WITH_LOST_STORAGE: u64 = 12;

/// How many runs there are with the faults of the file itself, of each case.
const OWN_RUNS: u64 = 20;

/// More cases than this show nothing new.
const CASES: usize = 16;

/// How long stress lasts after the last task has come.
const STRESS: SimSpan = SimSpan::from_secs(5 * 60);

/// The tables of a file that have no part in what its agents do.
const TABLES_ABOUT_FAULTS: [&str; 3] = ["fault", "faults", "properties"];

/// What is known so far of the actions of a scenario's agents, and the runs that can show more.
pub(crate) struct Learner {
    scenario: Arc<Scenario>,
    /// The cases that are run, each of the small scenario; the last is its team without safeguards.
    cases: Vec<Case>,
    roles: RoleNames,
    tools: BTreeSet<Name>,
    observed: Arc<Mutex<Observed>>,
    /// What the runs with the faults of the file itself showed, once they were made.
    in_own_faults: Option<ActionMap>,
}

/// One of the runs that need no fault of the file.
#[derive(Clone, Copy)]
struct Turn {
    /// The place of its case among all.
    place: usize,
    /// The number of its stress; 0 for a fault-free run.
    stress: u64,
}

impl Learner {
    /// One that goes on from what the scenario's suite knows of such a team.
    pub fn new(scenario: &Arc<Scenario>) -> Self {
        let small = Arc::new(small(scenario));
        let without_safeguards = Scenario(Contents {
            safeguards: Safeguards::default(),
            without: Vec::new(),
            ..Contents::clone(&small)
        });
        let mut cases = Case::all(&small);
        cases.truncate(CASES);
        cases.push(Case::as_written(&Arc::new(without_safeguards)));
        Self {
            scenario: Arc::clone(scenario),
            cases,
            roles: scenario.workflow.member_names(),
            tools: scenario.tools.keys().copied().collect(),
            observed: scenario.suite.observed(&team_of(scenario)),
            in_own_faults: None,
        }
    }

    /// The roles by which agents are known in what is learnt.
    pub fn roles(&self) -> &RoleNames {
        &self.roles
    }

    /// Whether any of the runs shows what is looked for. Where agents cannot be observed, it may be there.
    pub fn shows(&mut self, is_there: impl Fn(&ActionMap) -> bool) -> bool {
        {
            let observed = Arc::clone(&self.observed);
            let mut observed = lock(&observed);
            loop {
                if is_there(&observed.actions) || observed.is_incomplete {
                    return true;
                }
                if !self.run_next(&mut observed) {
                    break;
                }
            }
        }
        is_there(self.with_own_faults())
    }

    /// What all of the runs show that need no fault of the file.
    pub fn all(&mut self) -> ActionMap {
        let observed = Arc::clone(&self.observed);
        let mut observed = lock(&observed);
        while self.run_next(&mut observed) {}
        observed.actions.clone()
    }

    /// The fields of the messages that these rules concern, of all their tables: those that the runs show up
    /// to the one that shows this field, and none where the agents cannot be observed. To know them takes the
    /// JSON of each message, so these runs are made only for files that name a field, and once more.
    pub fn fields_until(&self, rules: &[Rule], field: Name) -> BTreeSet<Name> {
        let mut fields = BTreeSet::new();
        let runs =
            (0..).map_while(|runs| self.run_of_turn(runs)).map(|(turn, outcome)| (Some(turn), outcome));
        let with_own_faults = self.runs_with_own_faults().map(|outcome| (None, outcome));
        for (turn, outcome) in runs.chain(with_own_faults) {
            if turn.is_some_and(|turn| self.is_incomplete(turn, &outcome)) {
                return BTreeSet::new();
            }
            for event in outcome.history.events_of(EventKinds::SENT) {
                let EventKind::Sent { to, kind, ref content, .. } = event.what else { continue };
                let is_between = |rule: &Rule| {
                    self.roles.are_in(&rule.from, self.roles.of(event.node))
                        && self.roles.are_in(&rule.to, self.roles.of(to))
                };
                if rules.iter().any(|rule| rule.what.covers(kind) && is_between(rule)) {
                    collect_fields(&content.json(), &mut fields);
                }
            }
            if fields.contains(&field) {
                break;
            }
        }
        fields
    }

    /// Makes the next run; false if there is none left.
    fn run_next(&self, observed: &mut Observed) -> bool {
        let Some((turn, outcome)) = self.run_of_turn(observed.runs) else { return false };
        observed.runs += 1;
        observed.is_incomplete |= self.is_incomplete(turn, &outcome);
        observed.actions.observe(&outcome, (&self.roles, &self.tools, self.scenario.suite.fault_kinds()));
        true
    }

    /// Whether a run is a fault-free one of a team of the file that did not come to its end.
    fn is_incomplete(&self, turn: Turn, outcome: &RunOutcome<Agents>) -> bool {
        let was_cut_short =
            matches!(outcome.stop, RunEnd::Panicked { .. } | RunEnd::Spinning { .. } | RunEnd::TooManyEvents);
        turn.stress == 0 && was_cut_short && turn.place < self.cases.len() - 1
    }

    /// The run that comes after so many.
    fn run_of_turn(&self, runs: usize) -> Option<(Turn, RunOutcome<Agents>)> {
        let turn @ Turn { place, stress } = self.turn(runs)?;
        let case = &self.cases[place];
        let plan = match stress {
            0 => Plan::fault_free(),
            number if number > STRESS_RUNS => {
                Plan::Fuzz(Arc::new(stress::of_storage(&case.scenario, number - STRESS_RUNS)))
            }
            number => Plan::Fuzz(Arc::new(stress::of(&case.scenario, number))),
        };
        Some((turn, watch(case, Seed(stress), plan)))
    }

    /// Which run comes after so many.
    fn turn(&self, runs: usize) -> Option<Turn> {
        let fault_free = (0..self.cases.len()).map(|place| Turn { place, stress: 0 });
        let stressed = (0..self.cases.len()).flat_map(|place| {
            let runs = match place {
                0 => STRESS_RUNS + STRESS_RUNS_WITH_LOST_STORAGE,
                _ => STRESS_RUNS_OF_A_CASE,
            };
            (1..=runs).map(move |stress| Turn { place, stress })
        });
        fault_free.chain(stressed).nth(runs)
    }

    /// What the runs with the faults of the file itself show.
    fn with_own_faults(&mut self) -> &ActionMap {
        if self.in_own_faults.is_none() {
            let mut actions = ActionMap::default();
            for outcome in self.runs_with_own_faults() {
                actions.observe(&outcome, (&self.roles, &self.tools, self.scenario.suite.fault_kinds()));
            }
            self.in_own_faults = Some(actions);
        }
        self.in_own_faults.get_or_insert_default()
    }

    /// The runs with the faults of the file itself.
    fn runs_with_own_faults(&self) -> impl Iterator<Item = RunOutcome<Agents>> {
        let scenario = &self.scenario;
        // The faults name agents, who are not all there in a smaller team.
        let is_small = scenario.team.values().all(|count| *count <= AGENTS_OF_A_ROLE);
        let cases = if is_small { Case::all(&Arc::new(with_little_to_do(scenario))) } else { Vec::new() };
        cases.into_iter().take(CASES).flat_map(move |case| {
            let run = move |seed| watch(&case, Seed(seed), Plan::Fuzz(Arc::clone(&scenario.chaos)));
            (0..OWN_RUNS).map(run)
        })
    }
}

impl ActionMap {
    /// What the agents of a scenario do: all that can be learnt from runs with other faults than its own.
    pub fn of(scenario: &Arc<Scenario>) -> Self {
        Learner::new(scenario).all()
    }

    /// What the agents do in one case of a scenario, and in no other.
    pub(crate) fn of_case(case: &Case) -> Self {
        let of_all = Learner::new(&case.scenario);
        let cases = of_all.cases.iter().filter(|small| small.label() == case.label()).take(1).cloned();
        Learner { cases: cases.collect(), observed: Arc::default(), ..of_all }.all()
    }
}

/// Runs a case and counts every place and every timeout. A log is of the runs that the user asked for, so
/// these leave no trace in it. The suite's watchdog knows of them, since an agent that loops without waiting
/// would keep a file from ever being read.
fn watch(case: &Case, seed: Seed, plan: Plan) -> RunOutcome<Agents> {
    let usual = case.scenario.suite.usual_engine();
    let engine = usual.available().map_or(Engine::Native, |()| usual);
    let run = || {
        engine.run(|| {
            let mut world = case.world(seed, plan);
            world.notice(&stress::all_places());
            world.watch_waits();
            world
        })
    };
    let name = case.scenario.name;
    let name = move || format!("{name}, read by running its agents");
    let watchdog = case.scenario.suite.watchdog();
    watchdog.watch_agents(name, || unlogged(run))
}

/// A scenario of a smaller team with little to do, and with time for stress.
fn small(scenario: &Scenario) -> Scenario {
    let Scenario(mut small) = with_little_to_do(scenario);
    for count in small.team.values_mut() {
        *count = (*count).min(AGENTS_OF_A_ROLE);
    }
    if let Some(CancelledTasks { chance, .. }) = &mut small.tasks.cancelled {
        *chance = (*chance).max(Chance::per_million(500_000).expect("one half"));
    }
    let until = small.tasks.last_at() + STRESS;
    small.chaos = Arc::new(Chaos { until, ..Chaos::default() });
    Scenario(small)
}

/// The same scenario with fewer tasks, and with runs of a length that is worth their time.
fn with_little_to_do(scenario: &Scenario) -> Scenario {
    let mut little = Contents::clone(scenario);
    // The code of the workflow does in its place what its programs do.
    little.program = None;
    little.tasks.count = little.tasks.count.min(TASKS);
    little.steps = few(&little.steps);
    let events = EVENTS + EVENTS_OF_A_STEP * little.steps.len() as u32;
    little.most_events = Some(events.min(little.most_events.unwrap_or(events)));
    Scenario(little)
}

/// At most [`STEPS`] steps, in the order of the file: first those that differ from all before them in what
/// they ask of tools and how they are treated.
fn few(steps: &[Step]) -> Vec<Step> {
    let kind =
        |step: &Step| (step.tool, step.operation, step.undo, step.evidence, step.irreversible, step.guarded);
    let is_new = |number: &usize| steps[..*number].iter().all(|before| kind(before) != kind(&steps[*number]));
    let (new, others): (Vec<usize>, Vec<usize>) = (0..steps.len()).partition(is_new);
    let kept: BTreeSet<usize> = new.into_iter().chain(others).take(STEPS).collect();
    let place = |number: &usize| kept.contains(number).then(|| kept.range(..number).count());
    let keep = |number: &usize| {
        let step = &steps[*number];
        Step { needs: step.needs.iter().filter_map(place).collect(), ..step.clone() }
    };
    kept.iter().map(keep).collect()
}

/// The text of everything in a file that has a part in what its agents do.
fn team_of(scenario: &Scenario) -> String {
    let mut team: toml::Table = scenario.text.parse().expect("it was read before");
    team.retain(|table, _| !TABLES_ABOUT_FAULTS.contains(&table));
    team.to_string()
}

fn lock(observed: &Mutex<Observed>) -> MutexGuard<'_, Observed> {
    observed.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Agent;
    use crate::suite::{Suite, Watchdog};
    use crate::workflows::{StepArguments, Workflow};
    use std::path::Path;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn what_agents_do_only_after_they_have_lost_their_storage_is_learnt() {
        let file = Path::new("scenarios/pipeline/all-faults.toml");
        let scenario = Scenario::read(&Suite::shipped(), file, Path::new("scenarios"));
        let actions = ActionMap::of(&scenario.unwrap_or_else(|bad| panic!("{bad}")));
        assert!(actions.message_kinds().contains(&"not found"), "{:?}", actions.message_kinds());
    }

    #[test]
    fn what_no_agent_does_is_rejected_however_many_steps_a_task_has() {
        let parse = |fault: &str| {
            let step = |number: u32| format!("[[step]]\nname = \"step-{number}\"\ntool = \"office.do\"\n");
            let steps: String = (0..1_000).map(step).collect();
            let text = format!(
                "# Much to do.\nworkflow = \"conductor\"\n[tools.office]\n[faults]\n{fault}\n{steps}"
            );
            Scenario::parse(&Suite::shipped(), "conductor/much-to-do", &text)
        };
        let unknown = "drop = { message = \"assgin\", chance = \"1%\" }";
        let problems = parse(unknown).expect_err("no agent sends it").to_string();
        assert!(problems.contains("did you mean `assign`"), "{problems}");
        parse("drop = { message = \"assign\", chance = \"1%\" }").unwrap_or_else(|bad| panic!("{bad}"));
        parse("ack-lost = { at = \"office\", operation = \"do\", chance = \"1%\" }")
            .unwrap_or_else(|bad| panic!("{bad}"));
    }

    #[test]
    fn of_many_steps_each_kind_is_learnt_with_what_it_needs_of_the_others() {
        let step = |number: usize, operation: &str, needs: &[usize]| Step {
            name: Name::new(&format!("step-{number}")),
            tool: Name::new("office"),
            operation: Name::new(operation),
            needs: needs.to_vec(),
            irreversible: false,
            guarded: false,
            undo: None,
            evidence: None,
            arguments: StepArguments::default(),
        };
        let mut steps: Vec<Step> = (0..STEPS + 10).map(|number| step(number, "file", &[])).collect();
        steps.push(step(STEPS + 10, "approve", &[0, STEPS + 9]));
        let few = few(&steps);
        assert_eq!(few.len(), STEPS);
        let last = few.last().expect("there are some");
        assert_eq!((last.operation.as_str(), last.needs.as_slice()), ("approve", &[0][..]));
    }

    /// What is offered to a log that is off costs a fifth of a run.
    #[test]
    fn the_log_stays_off_after_a_file_was_read_by_running_its_agents() {
        let file = Path::new("scenarios/conductor/lost-ack.toml");
        let scenario = Scenario::read(&Suite::shipped(), file, Path::new("scenarios"));
        let actions = ActionMap::of(&scenario.unwrap_or_else(|bad| panic!("{bad}")));
        assert!(!actions.by.is_empty());
        assert_eq!(LevelFilter::current(), LevelFilter::OFF);
    }

    /// The agent waits outside of its world for the test, which goes on once the watchdog has named it.
    #[test]
    fn an_agent_whose_code_does_not_come_back_while_its_file_is_read_is_named() {
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let workflow = Workflow::new("stuck").agent("loops", move |_: Agent| {
            let gate = Arc::clone(&gate);
            async move {
                let _ = gate.lock().expect("a test").recv();
            }
        });
        let watchdog = Watchdog::new();
        let suite = Suite::shipped().workflow(workflow).watched_by(watchdog.clone());
        let text = "# A crash.\nworkflow = \"stuck\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n\
                    [tools.ticketing]\n[faults]\nack-lost = { at = \"ticketing\", chance = \"5%\" }\n";
        thread::scope(|scope| {
            let reading = scope.spawn(|| Scenario::parse(&suite, "stuck/lost-ack", text).is_ok());
            let overdue = loop {
                match watchdog.tick(0) {
                    // The user comes before it, and goes on by itself.
                    Some(overdue) if overdue.agent == Some(Name::new("loops")) => break overdue,
                    _ => thread::yield_now(),
                }
            };
            drop(release);
            let said = overdue.in_words(Duration::from_mins(1));
            let start =
                "stuck/lost-ack, read by running its agents: the agent `loops` has not come back for 60s.";
            assert!(said.starts_with(start), "{said}");
            assert!(!reading.join().expect("it is read"), "no agent calls the tool");
        });
    }
}
