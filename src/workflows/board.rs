//! What is to be done, and what a coordinator knows of it.
//!
//! A [`Plan`] is what everybody in a team is told at the beginning: the steps of a task and their order. A
//! [`Board`] is one coordinator's own view: which tasks it has accepted and how far each step is, changed
//! only by [`Entry`]s, which are what it writes into its journal and reads after a crash.

use crate::agent::{Message, OpId, Query, Wish};
use crate::scenario::{Case, Step, Undo};
use perfidy_sim::{Lookup, Name};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// The steps of every task, and the names of the tasks and of what they want.
#[derive(Debug)]
pub struct Plan {
    /// The tasks, in the order in which they come.
    pub tasks: Vec<Name>,
    /// The steps of each.
    pub steps: Vec<Step>,
    /// For each step those that need it.
    needed_by: Vec<Vec<usize>>,
}

impl Plan {
    /// The plan of a case.
    pub fn new(case: &Case) -> Self {
        let tasks = (1..=case.scenario.tasks.count).map(|number| Name::new(&format!("task-{number}")));
        Self::of(tasks.collect(), case.scenario.steps.clone())
    }

    /// The plan of these tasks, which all have these steps.
    pub fn of(tasks: Vec<Name>, steps: Vec<Step>) -> Self {
        let mut needed_by = vec![Vec::new(); steps.len()];
        for (number, step) in steps.iter().enumerate() {
            step.needs.iter().for_each(|need| needed_by[*need].push(number));
        }
        Self { tasks, steps, needed_by }
    }

    /// The steps that need a step.
    pub fn needed_by(&self, step: usize) -> &[usize] {
        &self.needed_by[step]
    }

    /// What a task wants of a step: the identity of the effect, whoever brings it about and however often
    /// they try.
    pub fn intent(&self, task: Name, step: usize) -> Name {
        Name::joined(task, "/", self.steps[step].name)
    }

    /// The step of a task as something to be read from a tool.
    pub fn query(&self, task: Name, step: usize) -> Query {
        let Step { tool, operation, .. } = self.steps[step];
        Query { tool, item: operation, intent: self.intent(task, step) }
    }

    /// The step of a task as something to be done through a tool.
    pub fn wish(&self, task: Name, step: usize) -> Wish {
        let Step { tool, operation, .. } = self.steps[step];
        Wish { tool, operation, intent: self.intent(task, step) }
    }

    /// What takes the effect of a step of a task back, if something does.
    pub fn undoing(&self, task: Name, step: usize) -> Option<Wish> {
        let Undo { tool, operation } = self.steps[step].undo?;
        Some(Wish { tool, operation, intent: self.intent(task, step) })
    }
}

/// A change to a board.
#[expect(missing_docs, reason = "the fields are what their names and types say")]
#[derive(Clone, Hash, Debug)]
pub enum Entry {
    /// A task has come in, with the operation ids its user gave to its steps.
    Accepted { task: Name, ops: Arc<[OpId]> },
    /// It was decided who does which step.
    Assigned { task: Name, doers: Arc<[Name]> },
    /// A step counts as complete.
    Completed { task: Name, step: usize },
    /// A step turned out not to be.
    Reopened { task: Name, step: usize },
    /// A task has ended.
    Closed { task: Name, done: bool },
}

impl Entry {
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

impl Message for Entry {
    fn kind(&self) -> &'static str {
        "board"
    }

    /// Half-written, the number of a step is missing, and what is missing reads as zero.
    fn garbled(&self) -> Option<Self> {
        match self {
            Self::Completed { task, step } if *step > 0 => Some(Self::Completed { task: *task, step: 0 }),
            _ => None,
        }
    }
}

/// How far a task is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The operation ids its user gave to its steps.
    pub ops: Arc<[OpId]>,
    /// Who does which step, once that is decided.
    pub doers: Option<Arc<[Name]>>,
    /// Which steps count as complete.
    pub complete: Vec<bool>,
    /// How often each step was opened again: a doer that hears a higher number does it once more.
    pub rounds: Vec<u32>,
    /// How it ended, once it has.
    pub closed: Option<bool>,
    /// How many steps are not complete.
    left: usize,
}

impl Progress {
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
pub struct Board {
    plan: Rc<Plan>,
    tasks: Lookup<Name, Progress>,
    /// The tasks that have not ended.
    open: BTreeSet<Name>,
}

impl Board {
    /// A board on which nothing stands.
    pub fn new(plan: Rc<Plan>) -> Self {
        Self { plan, tasks: Lookup::default(), open: BTreeSet::new() }
    }

    /// Makes a change. Changes that come twice or too late make no difference.
    pub fn apply(&mut self, entry: &Entry) {
        let steps = self.plan.steps.len();
        if let Entry::Accepted { task, ops } = entry {
            if !self.tasks.contains(*task) {
                let (ops, complete, rounds) = (Arc::clone(ops), vec![false; steps], vec![0; steps]);
                let new = Progress { ops, doers: None, complete, rounds, closed: None, left: steps };
                self.tasks.insert(*task, new);
                self.open.insert(*task);
            }
            return;
        }
        let Some(progress) = self.tasks.get_mut(entry.task()) else { return };
        match entry {
            Entry::Accepted { .. } => {}
            Entry::Assigned { doers, .. } => {
                progress.doers.get_or_insert_with(|| Arc::clone(doers));
            }
            Entry::Completed { step, .. } => progress.set(*step, true),
            Entry::Reopened { step, .. } => {
                progress.set(*step, false);
                progress.rounds[*step] += 1;
            }
            Entry::Closed { task, done } => {
                progress.closed.get_or_insert(*done);
                self.open.remove(task);
            }
        }
    }

    /// How far a task is, if it was accepted.
    pub fn get(&self, task: Name) -> Option<&Progress> {
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
        self.get(task).is_some_and(|Progress { complete, .. }| {
            !complete[step] && needs_of(step).all(|need| complete[*need])
        })
    }

    /// Whether a step of a task is still to be done.
    pub fn is_open(&self, task: Name, step: usize) -> bool {
        self.get(task).is_some_and(|progress| progress.closed.is_none() && !progress.complete[step])
    }

    /// How often a step of a task was opened again.
    pub fn round(&self, task: Name, step: usize) -> u32 {
        self.get(task).map_or(0, |progress| progress.rounds[step])
    }

    /// Whether every step of a task is complete.
    pub fn is_complete(&self, task: Name) -> bool {
        self.get(task).is_some_and(|progress| progress.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> (Board, Name) {
        let step = |name, needs: &[usize]| Step {
            name: Name::new(name),
            tool: Name::new("tool"),
            operation: Name::new("do"),
            needs: needs.to_vec(),
            irreversible: false,
            undo: None,
        };
        let task = Name::new("task-1");
        let steps = vec![step("first", &[]), step("second", &[0]), step("aside", &[])];
        let mut board = Board::new(Rc::new(Plan::of(vec![task], steps)));
        board.apply(&Entry::Accepted { task, ops: Arc::new([OpId(1), OpId(2), OpId(3)]) });
        (board, task)
    }

    #[test]
    fn a_step_is_ready_when_what_it_needs_is_complete() {
        let (mut board, task) = board();
        assert_eq!(board.ready(task), [0, 2]);
        board.apply(&Entry::Completed { task, step: 0 });
        assert_eq!(board.ready(task), [1, 2]);
        board.apply(&Entry::Completed { task, step: 1 });
        board.apply(&Entry::Completed { task, step: 2 });
        assert!(board.is_complete(task));
        board.apply(&Entry::Reopened { task, step: 1 });
        assert_eq!(board.ready(task), [1]);
        assert_eq!(board.get(task).unwrap().rounds, [0, 1, 0]);
    }

    #[test]
    fn what_comes_twice_or_too_late_makes_no_difference() {
        let (mut board, task) = board();
        board.apply(&Entry::Completed { task, step: 0 });
        board.apply(&Entry::Accepted { task, ops: Arc::new([OpId(9)]) });
        assert_eq!(board.get(task).unwrap().ops[0], OpId(1));
        board.apply(&Entry::Closed { task, done: true });
        board.apply(&Entry::Closed { task, done: false });
        assert_eq!(board.get(task).unwrap().closed, Some(true));
        assert!(board.open().is_empty());
        board.apply(&Entry::Completed { task: Name::new("unknown"), step: 0 });
    }
}
