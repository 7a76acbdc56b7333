//! The saga log: how far a saga is, durable before anybody acts on it.
//!
//! A [`Saga`] is the log read from its beginning: which steps were done and under which ids, whether it has
//! turned back, and what comes next. It follows from the entries alone, so an orchestrator that dies anywhere
//! comes back to the same next deed. Without the log it starts over, under new ids, and what it did before
//! belongs to nobody.
//!
//! ```
//! use perfidy::agent::OpId;
//! use perfidy::safeguards::saga_log::{Deed, Mark, Next, Saga};
//! let mut saga = Saga::new(&[0, 1, 2], [OpId(1), OpId(2), OpId(3)].into());
//! saga.apply(Mark::Did(0));
//! saga.apply(Mark::Did(1));
//! saga.apply(Mark::Failed(2));
//! assert_eq!(saga.next(), Next::Deed(Deed::Undo(1)));
//! saga.apply(Mark::Undid(1));
//! saga.apply(Mark::Undid(0));
//! assert_eq!(saga.next(), Next::End { done: false });
//! ```

use crate::agent::{Agent, Message, OpId};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Lookup, Name};
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The switch.
#[derive(Default)]
pub struct SagaLog;

impl Safeguard for SagaLog {
    const NAME: &'static str = "saga-log";
    const ABOUT: &'static str =
        "how far a saga is, and under which ids, is durable before anybody acts on it";
    const EXAMPLE: &'static str = "saga-log = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// One thing to be done for a saga.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub enum Deed {
    /// Take this step.
    Do(usize),
    /// Take back what this step did.
    Undo(usize),
}

/// What comes next in a saga.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// This is to be done.
    Deed(Deed),
    /// Nothing; it was done, or taken back.
    End {
        /// Whether all steps were done.
        done: bool,
    },
}

/// What the log says of a saga that has begun. A mark that comes twice or too late makes no difference.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Mark {
    /// This step was done.
    Did(usize),
    /// This step was not, for good: the saga turns back.
    Failed(usize),
    /// What this step did was taken back.
    Undid(usize),
    /// It was not, and is not going to be by the saga.
    LeftBehind(usize),
    /// The saga has ended.
    Ended {
        /// Whether all steps were done.
        done: bool,
    },
}

/// How far a saga is.
#[derive(Clone, Debug)]
pub struct Saga {
    order: Arc<[usize]>,
    ops: Arc<[OpId]>,
    /// How many steps, in order, stand.
    standing: usize,
    turned_back: bool,
    ended: Option<bool>,
}

impl Saga {
    /// A saga at its beginning: its steps in `order`, each with its operation id in `ops`, which is in the
    /// order of the steps' numbers.
    pub fn new(order: &[usize], ops: Arc<[OpId]>) -> Self {
        Self { order: order.into(), ops, standing: 0, turned_back: false, ended: None }
    }

    /// The operation id of a step.
    pub fn op(&self, step: usize) -> OpId {
        self.ops[step]
    }

    /// How it ended, once it has.
    pub fn ended(&self) -> Option<bool> {
        self.ended
    }

    /// What comes next.
    pub fn next(&self) -> Next {
        match (self.turned_back, self.standing) {
            (false, standing) => match self.order.get(standing) {
                Some(step) => Next::Deed(Deed::Do(*step)),
                None => Next::End { done: true },
            },
            (true, 0) => Next::End { done: false },
            (true, standing) => Next::Deed(Deed::Undo(self.order[standing - 1])),
        }
    }

    /// Takes a mark in.
    pub fn apply(&mut self, mark: Mark) {
        let next = self.next();
        match mark {
            Mark::Did(step) if next == Next::Deed(Deed::Do(step)) => self.standing += 1,
            Mark::Failed(step) if next == Next::Deed(Deed::Do(step)) => self.turned_back = true,
            Mark::Undid(step) | Mark::LeftBehind(step) if next == Next::Deed(Deed::Undo(step)) => {
                self.standing -= 1;
            }
            Mark::Ended { done } => self.ended = self.ended.or(Some(done)),
            Mark::Did(_) | Mark::Failed(_) | Mark::Undid(_) | Mark::LeftBehind(_) => {}
        }
    }
}

/// A line of the log.
#[derive(Clone, Hash, Debug, Serialize)]
enum Line {
    Begun { saga: Name, ops: Arc<[OpId]> },
    Marked { saga: Name, mark: Mark },
}

impl Message for Line {
    fn kind(&self) -> &'static str {
        "saga"
    }
}

/// The sagas of one orchestrator, and their log.
#[derive(Debug)]
pub struct Sagas {
    order: Arc<[usize]>,
    begun: Lookup<Name, Saga>,
    /// Those that have not ended.
    open: BTreeSet<Name>,
}

impl Sagas {
    /// The sagas, whose steps are taken in `order`, as the agent left them in its journal: none if nothing
    /// was logged.
    pub fn recover(agent: &Agent, order: &[usize]) -> Self {
        let mut sagas = Self { order: order.into(), begun: Lookup::default(), open: BTreeSet::new() };
        checkpoint::recover(agent, |line| sagas.take_in(line));
        sagas
    }

    /// The saga of that name, if it has begun.
    pub fn get(&self, saga: Name) -> Option<&Saga> {
        self.begun.get(saga)
    }

    /// The names of those that have not ended, in their order.
    pub fn open(&self) -> Vec<Name> {
        self.open.iter().copied().collect()
    }

    /// Begins a saga under these ids, and comes back once that is durable, if the switch is on.
    pub async fn begin(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, ops: Arc<[OpId]>) {
        self.log(agent, safeguards, saga, Line::Begun { saga, ops }).await;
    }

    /// Marks how far a saga is, and comes back once that is durable, if the switch is on.
    pub async fn mark(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, mark: Mark) {
        self.log(agent, safeguards, saga, Line::Marked { saga, mark }).await;
    }

    async fn log(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, line: Line) {
        agent.before("record", saga).await;
        if safeguards.has::<SagaLog>() {
            agent.persist(line.clone()).await;
        }
        self.take_in(&line);
        agent.after("record", saga).await;
    }

    fn take_in(&mut self, line: &Line) {
        match line {
            Line::Begun { saga, ops } => {
                if !self.begun.contains(*saga) {
                    let begun = Saga { order: Arc::clone(&self.order), ..Saga::new(&[], Arc::clone(ops)) };
                    self.begun.insert(*saga, begun);
                    self.open.insert(*saga);
                }
            }
            Line::Marked { saga: name, mark } => {
                let Some(saga) = self.begun.get_mut(*name) else { return };
                saga.apply(*mark);
                if saga.ended.is_some() {
                    self.open.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saga(marks: &[Mark]) -> Saga {
        let mut saga = Saga::new(&[1, 0, 2], [OpId(1), OpId(2), OpId(3)].into());
        for mark in marks {
            saga.apply(*mark);
        }
        saga
    }

    #[test]
    fn steps_are_taken_in_order_until_all_are_done() {
        assert_eq!(saga(&[]).next(), Next::Deed(Deed::Do(1)));
        assert_eq!(saga(&[Mark::Did(1)]).next(), Next::Deed(Deed::Do(0)));
        assert_eq!(saga(&[Mark::Did(1), Mark::Did(0), Mark::Did(2)]).next(), Next::End { done: true });
    }

    #[test]
    fn a_failure_turns_back_and_undoes_the_last_first() {
        let back = [Mark::Did(1), Mark::Did(0), Mark::Failed(2)];
        assert_eq!(saga(&back).next(), Next::Deed(Deed::Undo(0)));
        let mut back = saga(&back);
        back.apply(Mark::LeftBehind(0));
        assert_eq!(back.next(), Next::Deed(Deed::Undo(1)));
        back.apply(Mark::Undid(1));
        assert_eq!(back.next(), Next::End { done: false });
        assert_eq!(saga(&[Mark::Failed(1)]).next(), Next::End { done: false });
    }

    #[test]
    fn marks_that_come_twice_or_too_late_make_no_difference() {
        assert_eq!(saga(&[Mark::Did(1), Mark::Did(1)]).next(), Next::Deed(Deed::Do(0)));
        let back = saga(&[Mark::Did(1), Mark::Failed(0), Mark::Did(0), Mark::Undid(0)]);
        assert_eq!(back.next(), Next::Deed(Deed::Undo(1)));
        let mut ended = saga(&[Mark::Failed(1), Mark::Ended { done: false }]);
        ended.apply(Mark::Ended { done: true });
        assert_eq!(ended.ended(), Some(false));
    }
}
