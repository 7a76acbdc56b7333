//! The saga log: the progress of a saga is durable before an agent acts on it.
//!
//! A [`Saga`] is the log replayed from its beginning: which steps were done and under which ids, whether it
//! is rolling back, and what comes next (event sourcing). It follows from the events alone, so an
//! orchestrator that crashes at any point continues with the same next action. Without the log it starts over
//! under new ids, and its earlier effects belong to no saga.
//!
//! ```
//! use perfidy::agent::OpId;
//! use perfidy::safeguards::saga_log::{Next, Saga, SagaAction, SagaEvent};
//! let mut saga = Saga::new(&[0, 1, 2], [OpId(1), OpId(2), OpId(3)].into());
//! saga.apply(SagaEvent::Did(0));
//! saga.apply(SagaEvent::Did(1));
//! saga.apply(SagaEvent::Failed(2));
//! assert_eq!(saga.next(), Next::Action(SagaAction::Undo(1)));
//! saga.apply(SagaEvent::Undid(1));
//! saga.apply(SagaEvent::Undid(0));
//! assert_eq!(saga.next(), Next::End { done: false });
//! ```

use crate::agent::{Agent, Message, OpId};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, checkpoint, switch};
use perfidy_sim::{Lookup, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The switch.
#[derive(Default)]
pub struct SagaLog;

impl Safeguard for SagaLog {
    const NAME: &'static str = "saga-log";
    const ABOUT: &'static str =
        "a saga's progress and operation ids are durable before any agent acts on them";
    const EXAMPLE: &'static str = "saga-log = true";
    const WITHOUT: &'static str =
        "after a crash a saga begins anew under new ids; what it did before belongs to no saga";
    const PROTECTS: &'static [&'static str] = &["all-or-compensated"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// An action that a saga needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum SagaAction {
    /// Take this step.
    Do(usize),
    /// Undo what this step did (compensation).
    Undo(usize),
}

/// What comes next in a saga.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// This is to be done.
    Action(SagaAction),
    /// Nothing; it was done, or undone.
    End {
        /// Whether all steps were done.
        done: bool,
    },
}

/// An event of a saga. One that comes twice or too late changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SagaEvent {
    /// This step was done.
    Did(usize),
    /// This step failed for good: the saga rolls back.
    Failed(usize),
    /// What this step did was undone.
    Undid(usize),
    /// It was not undone, and the saga will not undo it.
    LeftBehind(usize),
    /// The saga has ended.
    Ended {
        /// Whether all steps were done.
        done: bool,
    },
}

/// The progress of a saga.
#[derive(Clone, Debug)]
pub struct Saga {
    order: Arc<[usize]>,
    ops: Arc<[OpId]>,
    /// How many steps, in order, are done and not undone.
    completed: usize,
    turned_back: bool,
    ended: Option<bool>,
}

impl Saga {
    /// A saga at its beginning: its steps in `order`, each with its operation id in `ops`, which is in the
    /// order of the steps' numbers.
    pub fn new(order: &[usize], ops: Arc<[OpId]>) -> Self {
        Self { order: order.into(), ops, completed: 0, turned_back: false, ended: None }
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
        match (self.turned_back, self.completed) {
            (false, completed) => match self.order.get(completed) {
                Some(step) => Next::Action(SagaAction::Do(*step)),
                None => Next::End { done: true },
            },
            (true, 0) => Next::End { done: false },
            (true, completed) => Next::Action(SagaAction::Undo(self.order[completed - 1])),
        }
    }

    /// Applies an event.
    pub fn apply(&mut self, event: SagaEvent) {
        let next = self.next();
        match event {
            SagaEvent::Did(step) if next == Next::Action(SagaAction::Do(step)) => self.completed += 1,
            SagaEvent::Failed(step) if next == Next::Action(SagaAction::Do(step)) => self.turned_back = true,
            SagaEvent::Undid(step) | SagaEvent::LeftBehind(step)
                if next == Next::Action(SagaAction::Undo(step)) =>
            {
                self.completed -= 1;
            }
            SagaEvent::Ended { done } => self.ended = self.ended.or(Some(done)),
            SagaEvent::Did(_) | SagaEvent::Failed(_) | SagaEvent::Undid(_) | SagaEvent::LeftBehind(_) => {}
        }
    }
}

/// A line of the log.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum LogRecord {
    Begun { saga: Name, ops: Arc<[OpId]> },
    Recorded { saga: Name, event: SagaEvent },
}

impl Message for LogRecord {
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

    /// Begins a saga under these ids, and returns once that is durable, if the switch is on.
    pub async fn begin(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, ops: Arc<[OpId]>) {
        self.log(agent, safeguards, saga, LogRecord::Begun { saga, ops }).await;
    }

    /// Records an event of a saga, and returns once that is durable, if the switch is on.
    pub async fn record(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, event: SagaEvent) {
        self.log(agent, safeguards, saga, LogRecord::Recorded { saga, event }).await;
    }

    async fn log(&mut self, agent: &Agent, safeguards: &Safeguards, saga: Name, line: LogRecord) {
        agent.before("record", saga).await;
        if safeguards.has::<SagaLog>() {
            agent.persist(line.clone()).await;
        }
        self.take_in(&line);
        agent.after("record", saga).await;
    }

    fn take_in(&mut self, line: &LogRecord) {
        match line {
            LogRecord::Begun { saga, ops } => {
                if !self.begun.contains(*saga) {
                    let begun = Saga { order: Arc::clone(&self.order), ..Saga::new(&[], Arc::clone(ops)) };
                    self.begun.insert(*saga, begun);
                    self.open.insert(*saga);
                }
            }
            LogRecord::Recorded { saga: name, event } => {
                let Some(saga) = self.begun.get_mut(*name) else { return };
                saga.apply(*event);
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

    fn saga(events: &[SagaEvent]) -> Saga {
        let mut saga = Saga::new(&[1, 0, 2], [OpId(1), OpId(2), OpId(3)].into());
        for event in events {
            saga.apply(*event);
        }
        saga
    }

    #[test]
    fn steps_are_taken_in_order_until_all_are_done() {
        assert_eq!(saga(&[]).next(), Next::Action(SagaAction::Do(1)));
        assert_eq!(saga(&[SagaEvent::Did(1)]).next(), Next::Action(SagaAction::Do(0)));
        assert_eq!(
            saga(&[SagaEvent::Did(1), SagaEvent::Did(0), SagaEvent::Did(2)]).next(),
            Next::End { done: true }
        );
    }

    #[test]
    fn a_failure_turns_back_and_undoes_the_last_first() {
        let back = [SagaEvent::Did(1), SagaEvent::Did(0), SagaEvent::Failed(2)];
        assert_eq!(saga(&back).next(), Next::Action(SagaAction::Undo(0)));
        let mut back = saga(&back);
        back.apply(SagaEvent::LeftBehind(0));
        assert_eq!(back.next(), Next::Action(SagaAction::Undo(1)));
        back.apply(SagaEvent::Undid(1));
        assert_eq!(back.next(), Next::End { done: false });
        assert_eq!(saga(&[SagaEvent::Failed(1)]).next(), Next::End { done: false });
    }

    #[test]
    fn events_that_come_twice_or_too_late_change_nothing() {
        assert_eq!(saga(&[SagaEvent::Did(1), SagaEvent::Did(1)]).next(), Next::Action(SagaAction::Do(0)));
        let back = saga(&[SagaEvent::Did(1), SagaEvent::Failed(0), SagaEvent::Did(0), SagaEvent::Undid(0)]);
        assert_eq!(back.next(), Next::Action(SagaAction::Undo(1)));
        let mut ended = saga(&[SagaEvent::Failed(1), SagaEvent::Ended { done: false }]);
        ended.apply(SagaEvent::Ended { done: true });
        assert_eq!(ended.ended(), Some(false));
    }

    #[test]
    fn a_saga_is_open_from_its_beginning_to_its_end_and_begins_once() {
        let mut sagas = Sagas { order: [0].into(), begun: Lookup::default(), open: BTreeSet::new() };
        let [trip, other] = ["trip", "other"].map(Name::new);
        let begun = |op| LogRecord::Begun { saga: trip, ops: [OpId(op)].into() };
        let recorded = |saga, event| LogRecord::Recorded { saga, event };
        sagas.take_in(&recorded(other, SagaEvent::Did(0)));
        assert!(sagas.get(other).is_none() && sagas.open().is_empty(), "it has not begun");
        sagas.take_in(&begun(1));
        sagas.take_in(&recorded(trip, SagaEvent::Did(0)));
        sagas.take_in(&begun(2));
        assert_eq!(sagas.get(trip).unwrap().op(0), OpId(1), "it goes on under its first ids");
        assert_eq!(sagas.get(trip).unwrap().next(), Next::End { done: true });
        assert_eq!(sagas.open(), [trip]);
        sagas.take_in(&recorded(trip, SagaEvent::Ended { done: true }));
        assert_eq!((sagas.open().len(), sagas.get(trip).unwrap().ended()), (0, Some(true)));
    }
}
