//! Scratchpad: editors write one shared document for each task, and know each other's work only from it.
//!
//! ```text
//!   user --submit--> every editor <--updated--> every editor
//!                       |--call--> tool
//!                       '--read, commit--> store (one document a task)
//!   user <---report-----'
//! ```
//!
//! Each editor has steps of its own in every task (the third step is the third editor's, and so on in turn).
//! When the steps that a step needs are in the document, its editor does it through its tool, reads the
//! document, composes its part and writes it there: a cycle of reading, composing and writing that runs
//! concurrently with those of other editors. An editor that finds all parts in the document reports to the
//! user. An editor whose tool fails again and again escalates the call and writes into the document that the
//! task is given up; each editor that reads this reports the task as failed.

use crate::agent::{Agent, ItemEntry, Message, OpId, Outcome, Report, ToolError, Version};
use crate::protocols::SingleFlight;
use crate::safeguards::Safeguards;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::read_modify_write::ItemWriter;
use crate::safeguards::single_writer::{SingleWriter, add_through, serve};
use crate::workflows::on_call::ON_CALL;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// How long an editor waits between two reads of a document in which a call of its own is still open.
const BETWEEN_READS: SimSpan = SimSpan::from_secs(5);

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("scratchpad")
        .about("editors refine a shared document by reading it, composing a part and writing it back")
        .agents(Role::new("editors", "editor", 2..=MOST_AGENTS, 3), |agent, team| {
            Editor::new(agent, team).run()
        })
        .store_if(|_| true)
        .person_on_call_if(Safeguards::has::<DeadLetter>)
        .safeguards(&[
            "append-only",
            "call-timeout",
            "consistent-reads",
            "dead-letter",
            "event-log",
            "fencing-tokens",
            "give-up-after",
            "idempotency-keys",
            "lease-check",
            "lock-whole-cycle",
            "observe-before-retry",
            "optimistic-locking",
            "reply-correlation",
            "retry",
            "retry-backoff",
            "single-writer",
            "tool-dedupe",
            "write-lock",
        ])
        .properties(&[
            "eventual-termination",
            "no-duplicate-effects",
            "no-lost-update",
            "no-phantom-completion",
        ])
}

/// A notice that the document of a task has changed.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Updated {
    task: Name,
}

impl Message for Updated {
    fn kind(&self) -> &'static str {
        "updated"
    }
}

/// The entry of a part in a document.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Part {
    author: Name,
}

impl Message for Part {
    fn kind(&self) -> &'static str {
        "part"
    }
}

/// The entry of a task that its editor has given up.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct GivenUp {
    by: Name,
}

impl Message for GivenUp {
    fn kind(&self) -> &'static str {
        "given up"
    }
}

/// An editor. Clones are the same editor in another async task.
#[derive(Clone)]
struct Editor {
    agent: Agent,
    team: TeamContext,
    reader: Rc<Reader>,
    writer: Rc<ItemWriter>,
    work: SingleFlight<Name>,
    /// The tasks it knows, with the operation ids of their steps.
    tasks: Rc<RefCell<Lookup<Name, Arc<[OpId]>>>>,
    /// The version of the document that added each of its parts.
    written: Rc<RefCell<Lookup<Name, Version>>>,
    /// Those of its steps that have failed.
    failures: Rc<RefCell<Lookup<Name, Failures>>>,
}

/// The failures of a step.
#[derive(Default)]
struct Failures {
    count: u32,
    /// The last error, until the step is done or the person on call knows.
    open: Option<ToolError>,
}

impl Editor {
    fn new(agent: Agent, team: TeamContext) -> Self {
        let reader = Rc::new(Reader::new(&agent, team.safeguards(), team.declared_reads()));
        let writer = Rc::new(ItemWriter::new(&agent, team.safeguards(), Rc::clone(&reader)));
        let (work, tasks) = (SingleFlight::default(), Rc::default());
        let (written, failures) = (Rc::default(), Rc::default());
        Self { agent, team, reader, writer, work, tasks, written, failures }
    }

    async fn run(self) {
        loop {
            let mail = self.agent.receive().await;
            let submitted = mail.open().and_then(|message| UserMessage::task_in(message, &self.team.plan));
            if let Some((task, ops)) = submitted {
                self.tasks.borrow_mut().insert(task, ops);
                self.start_work(task);
            }
            if let Some(Updated { task }) = mail.open() {
                self.start_work(*task);
            }
            let editor = self.clone();
            serve(&self.agent, &mail, async move |_: &Agent, task, entry| editor.write(task, entry).await);
        }
    }

    fn start_work(&self, task: Name) {
        if let Some(ops) = self.tasks.borrow().get(task).cloned() {
            let editor = self.clone();
            self.work.start_or_repeat(&self.agent, task, async move || editor.work_on(task, &ops).await);
        }
    }

    /// Does everything that this editor can do for a task now.
    async fn work_on(&self, task: Name, ops: &[OpId]) {
        let (plan, policy) = (&self.team.plan, CallPolicy::of(self.team.safeguards()));
        loop {
            let Ok(document) = self.reader.read(task).await else {
                // Another editor may have given the task up, and will not say so again: a call that failed
                // must not be forgotten because the store did not answer.
                if self.has_open_failure(task, ops) {
                    self.agent.sleep(BETWEEN_READS).await;
                    continue;
                }
                return;
            };
            let is_there = |step: &usize| document.has(plan.intent(task, *step));
            let is_open = |step: &usize| {
                !is_there(step) && !self.has_written(plan.intent(task, *step), document.stamp.version)
            };
            if document.has(end_of(task)) {
                if !Defect::FailedCallForgotten.is_in(self.team.safeguards()) {
                    self.escalate_failures(task, ops).await;
                }
                return report(&self.agent, Report::of(task, Outcome::Failed)).await;
            }
            let steps = 0..plan.steps.len();
            if steps.clone().all(|step| is_there(&step)) {
                return report(&self.agent, Report::of(task, Outcome::Done)).await;
            }
            let is_mine =
                |step: &usize| self.team.workers[step % self.team.workers.len()] == self.agent.name();
            let can_be_done = |step: &usize| plan.steps[*step].needs.iter().all(is_there);
            let Some(step) = steps.filter(is_mine).filter(can_be_done).find(is_open) else { return };
            let operation = plan.operation_of(task, step);
            let called = call_with_retry(&self.agent, &policy, &operation, ops[step], false).await;
            if let Err(error) = called {
                return self.has_failed(task, operation.intent, ops, error).await;
            }
            if let Some(failures) = self.failures.borrow_mut().get_mut(operation.intent) {
                failures.open = None;
            }
            let part = ItemEntry::new(operation.intent, Part { author: self.agent.name() });
            let Some(version) = self.add(task, part).await else { return };
            self.written.borrow_mut().insert(operation.intent, version);
        }
    }

    /// Whether this editor has written a part that this version of the document does not have yet.
    fn has_written(&self, part: Name, version: Version) -> bool {
        self.written.borrow().get(part).is_some_and(|since| version < *since)
    }

    /// A step has failed. After too many failures its editor gives the task up: no other editor does its
    /// steps, so the task cannot be done any more.
    async fn has_failed(&self, task: Name, intent: Name, ops: &[OpId], error: ToolError) {
        let count = {
            let mut failures = self.failures.borrow_mut();
            let failures = failures.get_or_insert_with(intent, Failures::default);
            failures.count += 1;
            failures.open = Some(error);
            failures.count
        };
        if !GiveUpAfter::is_reached(self.team.safeguards(), count) {
            return;
        }
        self.escalate_failures(task, ops).await;
        self.add(task, ItemEntry::new(end_of(task), GivenUp { by: self.agent.name() })).await;
    }

    /// Whether a step of the task has failed of which no person on call knows.
    fn has_open_failure(&self, task: Name, ops: &[OpId]) -> bool {
        let failures = self.failures.borrow();
        let is_open =
            |step| failures.get(self.team.plan.intent(task, step)).is_some_and(|it| it.open.is_some());
        self.team.safeguards().has::<DeadLetter>() && (0..ops.len()).any(is_open)
    }

    /// Escalates the steps of a task that this editor leaves undone after a failure.
    async fn escalate_failures(&self, task: Name, ops: &[OpId]) {
        if !self.team.safeguards().has::<DeadLetter>() {
            return;
        }
        for (step, op) in ops.iter().enumerate() {
            let operation = self.team.plan.operation_of(task, step);
            let error = self.failures.borrow_mut().get_mut(operation.intent).and_then(|it| it.open.take());
            if let Some(error) = error {
                escalate(&self.agent, Name::literal(ON_CALL), &operation, *op, error).await;
            }
        }
    }

    /// Gets an entry into the document, directly or through the single writer. Returns the version since
    /// which it is there, if it is.
    async fn add(&self, task: Name, entry: ItemEntry) -> Option<Version> {
        let writer = self.team.workers[0];
        if self.team.safeguards().has::<SingleWriter>() && writer != self.agent.name() {
            return add_through(&self.agent, writer, task, entry).await;
        }
        self.write(task, entry).await
    }

    /// Writes a part into the document, and notifies the others.
    async fn write(&self, task: Name, part: ItemEntry) -> Option<Version> {
        let version = self.writer.add(task, part).await.ok()?;
        self.tell_all(task);
        Some(version)
    }

    fn tell_all(&self, task: Name) {
        for editor in self.team.workers.iter().filter(|editor| **editor != self.agent.name()) {
            self.agent.send(*editor, task, Updated { task });
        }
        self.start_work(task);
    }
}

/// The entry of a task that is given up.
fn end_of(task: Name) -> Name {
    Name::joined(Name::literal("end of"), " ", task)
}
