//! The state of each task, as a coordinator knows it, and the plan of its steps.
//!
//! A [`TaskPlan`] is known to every agent of a team from its start: the steps of a task and their order. The
//! [`TaskStates`] are one coordinator's view: which tasks it has accepted and the state of each step. Only a
//! [`TaskEvent`] changes them; the coordinator writes these events to its journal and replays them after a
//! crash (event sourcing).

use crate::agent::{AnswerPart, Confirmation, Content, Message, OpId, Operation, Report};
use crate::workflows::{Step, Undo};
use perfidy_sim::{Lookup, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The steps of every task, and the names of the tasks and of their intents.
#[derive(Debug)]
pub struct TaskPlan {
    /// The tasks, in the order in which they come.
    pub tasks: Vec<Name>,
    /// The steps of each.
    pub steps: Vec<Step>,
    /// For each step, the steps that need it.
    needed_by: Vec<Vec<usize>>,
}

impl TaskPlan {
    /// The plan of so many tasks, which all have these steps.
    pub fn new(tasks: u32, steps: Vec<Step>) -> Self {
        let tasks = (1..=tasks).map(|number| Name::new(&format!("task-{number}")));
        Self::of(tasks.collect(), steps)
    }

    /// The plan of these tasks with these steps.
    pub fn of(tasks: Vec<Name>, steps: Vec<Step>) -> Self {
        let mut needed_by = vec![Vec::new(); steps.len()];
        for (number, step) in steps.iter().enumerate() {
            step.needs.iter().for_each(|need| needed_by[*need].push(number));
        }
        Self { tasks, steps, needed_by }
    }

    /// Whether each task has a step of that number. An altered message can name one that it has not.
    pub fn has_step(&self, step: usize) -> bool {
        step < self.steps.len()
    }

    /// The steps that need a step.
    pub fn needed_by(&self, step: usize) -> &[usize] {
        &self.needed_by[step]
    }

    /// The steps that a step rests on in the end: those that need no other, among all that it needs, directly
    /// or through others.
    pub fn first_steps_of(&self, step: usize) -> BTreeSet<usize> {
        let (mut seen, mut first) = (BTreeSet::new(), BTreeSet::new());
        let mut left = self.steps[step].needs.clone();
        while let Some(need) = left.pop() {
            if !seen.insert(need) {
                continue;
            }
            if self.steps[need].needs.is_empty() {
                first.insert(need);
            }
            left.extend(&self.steps[need].needs);
        }
        first
    }

    /// The intent of a step of a task: the identity of its effect, whichever agent causes it and however
    /// often it tries.
    pub fn intent(&self, task: Name, step: usize) -> Name {
        Name::joined(task, "/", self.steps[step].name)
    }

    /// The operation of a step of a task: an effect or a read.
    pub fn operation_of(&self, task: Name, step: usize) -> Operation {
        let Step { tool, operation, ref arguments, .. } = self.steps[step];
        Operation::new(tool, operation, self.intent(task, step)).with(arguments.of(task))
    }

    /// The compensation of a step of a task, if it has one: an operation with the arguments of the step.
    pub fn undoing(&self, task: Name, step: usize) -> Option<Operation> {
        let Undo { tool, operation } = self.steps[step].undo?;
        let arguments = self.steps[step].arguments.of(task);
        Some(Operation::new(tool, operation, self.intent(task, step)).with(arguments))
    }
}

/// An event in a coordinator's view of a task.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub enum TaskEvent {
    /// A task has come in, with the operation ids its user gave to its steps.
    Accepted {
        /// The task.
        task: Name,
        /// The operation id of each step.
        ops: Arc<[OpId]>,
    },
    /// Each step has been assigned to an agent.
    Assigned {
        /// The task.
        task: Name,
        /// The agent of each step.
        workers: Arc<[Name]>,
    },
    /// A step counts as complete, and the tool has confirmed it, as far as that is known.
    Completed {
        /// The task.
        task: Name,
        /// The step, from zero.
        step: usize,
        /// What the tool confirmed it with, if that is known.
        confirmed: Option<Confirmation>,
    },
    /// A step turned out not to be complete.
    Reopened {
        /// The task.
        task: Name,
        /// The step, from zero.
        step: usize,
    },
    /// A task has ended.
    Closed {
        /// The task.
        task: Name,
        /// Whether all its steps are done.
        done: bool,
    },
}

impl TaskEvent {
    /// The task it is about.
    pub fn task(&self) -> Name {
        match self {
            Self::Accepted { task, .. }
            | Self::Assigned { task, .. }
            | Self::Completed { task, .. }
            | Self::Reopened { task, .. }
            | Self::Closed { task, .. } => *task,
        }
    }
}

impl Message for TaskEvent {
    fn kind(&self) -> &'static str {
        "task state"
    }

    /// If half-written, the number of the step and what follows is missing, and reads as zero and as nothing.
    fn corrupted(&self) -> Option<Self> {
        match self {
            Self::Completed { task, step, .. } if *step > 0 => {
                Some(Self::Completed { task: *task, step: 0, confirmed: None })
            }
            _ => None,
        }
    }
}

/// The state of a task.
#[derive(Clone, Debug)]
pub struct TaskState {
    /// The operation ids its user gave to its steps.
    pub ops: Arc<[OpId]>,
    /// The agent of each step, once they are assigned.
    pub workers: Option<Arc<[Name]>>,
    /// Which steps count as complete.
    pub complete: Vec<bool>,
    /// How many times each step was reopened: a worker that gets a higher number does it once more.
    pub rounds: Vec<u32>,
    /// What the tool has confirmed of each step, as far as that is known.
    pub confirmed: Vec<Option<Confirmation>>,
    /// How it ended, once it has.
    pub closed: Option<bool>,
    /// How many steps are not complete.
    left: usize,
}

impl TaskState {
    fn set(&mut self, step: usize, complete: bool) {
        match (std::mem::replace(&mut self.complete[step], complete), complete) {
            (false, true) => self.left -= 1,
            (true, false) => self.left += 1,
            _ => {}
        }
    }
}

/// One coordinator's view of all tasks.
#[derive(Debug)]
pub struct TaskStates {
    plan: Arc<TaskPlan>,
    tasks: Lookup<Name, TaskState>,
    /// The tasks that have not ended.
    open: BTreeSet<Name>,
}

impl TaskStates {
    /// No tasks yet.
    pub fn new(plan: Arc<TaskPlan>) -> Self {
        Self { plan, tasks: Lookup::default(), open: BTreeSet::new() }
    }

    /// Applies an event. One that comes twice or too late changes nothing.
    pub fn apply(&mut self, entry: &TaskEvent) {
        let steps = self.plan.steps.len();
        if let TaskEvent::Accepted { task, ops } = entry {
            if !self.tasks.contains(*task) {
                let (ops, complete, rounds) = (Arc::clone(ops), vec![false; steps], vec![0; steps]);
                let (confirmed, left) = (vec![None; steps], steps);
                let new = TaskState { ops, workers: None, complete, rounds, confirmed, closed: None, left };
                self.tasks.insert(*task, new);
                self.open.insert(*task);
            }
            return;
        }
        let Some(progress) = self.tasks.get_mut(entry.task()) else { return };
        match entry {
            TaskEvent::Accepted { .. } => {}
            TaskEvent::Assigned { workers, .. } => {
                progress.workers.get_or_insert_with(|| Arc::clone(workers));
            }
            TaskEvent::Completed { step, confirmed, .. } => {
                progress.set(*step, true);
                progress.confirmed[*step].clone_from(confirmed);
            }
            TaskEvent::Reopened { step, .. } => {
                progress.set(*step, false);
                progress.confirmed[*step] = None;
                progress.rounds[*step] += 1;
            }
            TaskEvent::Closed { task, done } => {
                progress.closed.get_or_insert(*done);
                self.open.remove(task);
            }
        }
    }

    /// The state of a task, if it was accepted.
    pub fn get(&self, task: Name) -> Option<&TaskState> {
        self.tasks.get(task)
    }

    /// The tasks that have not ended, in the order of their names.
    pub fn open(&self) -> Vec<Name> {
        self.open.iter().copied().collect()
    }

    /// Whether a task was accepted and has not ended.
    pub fn has_open(&self, task: Name) -> bool {
        self.get(task).is_some_and(|progress| progress.closed.is_none())
    }

    /// The steps of a task that can be done now: not complete, with everything they need complete.
    pub fn ready(&self, task: Name) -> Vec<usize> {
        (0..self.plan.steps.len()).filter(|step| self.is_ready(task, *step)).collect()
    }

    /// Whether a step of a task can be done now.
    pub fn is_ready(&self, task: Name, step: usize) -> bool {
        let needs_of = |step: usize| self.plan.steps[step].needs.iter();
        self.get(task).is_some_and(|TaskState { complete, .. }| {
            complete.get(step) == Some(&false) && needs_of(step).all(|need| complete[*need])
        })
    }

    /// Whether a step of a task is still to be done.
    pub fn is_open(&self, task: Name, step: usize) -> bool {
        let is_incomplete = |state: &TaskState| state.complete.get(step) == Some(&false);
        self.get(task).is_some_and(|state| state.closed.is_none() && is_incomplete(state))
    }

    /// How many times a step of a task was reopened.
    pub fn round(&self, task: Name, step: usize) -> u32 {
        self.get(task).and_then(|state| state.rounds.get(step).copied()).unwrap_or_default()
    }

    /// The report that a task is done or has failed; one that is done says what the tools have confirmed.
    pub fn report(&self, task: Name, done: bool) -> Report {
        let confirmed = self.get(task).filter(|_| done).map_or(&[][..], |state| state.confirmed.as_slice());
        let parts = confirmed.iter().enumerate().filter_map(|(step, confirmed)| {
            let content = Some(Content::new(confirmed.clone()?));
            Some(AnswerPart { intent: self.plan.intent(task, step), content })
        });
        Report { answer: parts.collect(), ..Report::done_or_failed(task, done) }
    }

    /// Whether every step of a task is complete.
    pub fn is_complete(&self, task: Name) -> bool {
        self.get(task).is_some_and(|progress| progress.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Receipt;
    use crate::workflows::StepArguments;

    fn step(name: &str, needs: &[usize]) -> Step {
        Step {
            name: Name::new(name),
            tool: Name::new("tool"),
            operation: Name::new("do"),
            needs: needs.to_vec(),
            irreversible: false,
            guarded: false,
            undo: None,
            evidence: None,
            arguments: StepArguments::default(),
        }
    }

    fn states() -> (TaskStates, Name) {
        let task = Name::new("task-1");
        let steps = vec![step("first", &[]), step("second", &[0]), step("aside", &[])];
        let mut states = TaskStates::new(Arc::new(TaskPlan::of(vec![task], steps)));
        states.apply(&TaskEvent::Accepted { task, ops: Arc::new([OpId(1), OpId(2), OpId(3)]) });
        (states, task)
    }

    #[test]
    fn a_step_rests_on_the_steps_that_need_no_other() {
        let steps = vec![step("a", &[]), step("b", &[]), step("c", &[0, 1]), step("d", &[2, 1])];
        let plan = TaskPlan::of(vec![Name::new("task-1")], steps);
        assert_eq!(plan.first_steps_of(3), BTreeSet::from([0, 1]));
        assert_eq!(plan.first_steps_of(0), BTreeSet::new());
    }

    fn completed(task: Name, step: usize) -> TaskEvent {
        let receipt = Receipt(1 + step as u64);
        TaskEvent::Completed {
            task,
            step,
            confirmed: Some(Confirmation { receipt, result: Content::NOTHING }),
        }
    }

    #[test]
    fn a_report_that_a_task_is_done_says_what_the_tools_have_confirmed_last() {
        let (mut states, task) = states();
        states.apply(&completed(task, 0));
        states.apply(&completed(task, 2));
        states.apply(&TaskEvent::Reopened { task, step: 2 });
        states.apply(&TaskEvent::Completed { task, step: 1, confirmed: None });
        assert_eq!(states.report(task, true).to_string(), "task-1 is done; task-1/first: {receipt: 1}");
        assert_eq!(states.report(task, false).to_string(), "task-1 is failed");
    }

    #[test]
    fn a_step_is_ready_when_what_it_needs_is_complete() {
        let (mut states, task) = states();
        assert_eq!(states.ready(task), [0, 2]);
        states.apply(&completed(task, 0));
        assert_eq!(states.ready(task), [1, 2]);
        states.apply(&completed(task, 1));
        states.apply(&completed(task, 2));
        assert!(states.is_complete(task));
        states.apply(&TaskEvent::Reopened { task, step: 1 });
        assert_eq!(states.ready(task), [1]);
        assert_eq!(states.get(task).unwrap().rounds, [0, 1, 0]);
    }

    #[test]
    fn an_event_that_comes_twice_or_too_late_changes_nothing() {
        let (mut states, task) = states();
        states.apply(&completed(task, 0));
        states.apply(&TaskEvent::Accepted { task, ops: Arc::new([OpId(9)]) });
        assert_eq!(states.get(task).unwrap().ops[0], OpId(1));
        states.apply(&TaskEvent::Closed { task, done: true });
        states.apply(&TaskEvent::Closed { task, done: false });
        assert_eq!(states.get(task).unwrap().closed, Some(true));
        assert!(states.open().is_empty());
        states.apply(&completed(Name::new("unknown"), 0));
    }
}
