//! Scratchpad: editors refine one shared document for each task, and know of each other's work only what
//! stands there.
//!
//! ```text
//!   user --submit--> every editor <--updated--> every editor
//!                       |--call--> tool
//!                       '--read, commit--> store (one document a task)
//!   user <---report-----'
//! ```
//!
//! Each editor has steps of its own in every task (the third step is the third editor's, and so on in turn).
//! When what a step needs stands in the document, its editor does it through its tool, reads the document,
//! composes its part and writes it there: a cycle of reading, composing and writing, and others are in the
//! middle of theirs. Whoever finds all parts in the document reports to the user.

use crate::agent::{
    Agent, Entry, Headers, LeaseService, Mail, Message, OpId, Outcome, Purpose, Report, Request,
    StoreService, Version,
};
use crate::protocols::SingleFlight;
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::perform::perform;
use crate::safeguards::single_writer::SingleWriter;
use crate::safeguards::update::Writer;
use crate::workflows::user::{USER, UserSay, report};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan};
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new(
        "scratchpad",
        "editors refine a shared document by reading it, composing a part and writing it back",
    )
    .agents(Role::new("editors", "editor", 2..=MOST_AGENTS, 3), |agent, briefing| {
        Editor::new(agent, briefing).run()
    })
    .store_if(|_| true)
    .safeguards(&[
        "append-only",
        "consistent-reads",
        "fencing-tokens",
        "idempotency-keys",
        "lock-whole-cycle",
        "observe-before-retry",
        "optimistic-locking",
        "retry",
        "single-writer",
        "tool-dedupe",
        "write-lock",
    ])
    .crash_points(&["call", "commit", "report"])
    .sends(&[
        (USER, &["submit"]),
        ("editor", &["acquire", "add", "added", "commit", "give back", "read", "report", "updated"]),
        (LeaseService::NAME, LeaseService::SENDS),
        (StoreService::NAME, StoreService::SENDS),
    ])
    .requests(&[Request::Call, Request::LookUp])
    .properties(&[
        "eventual-termination",
        "no-duplicate-effects",
        "no-lost-update",
        "no-phantom-completion",
    ])
}

/// How long an editor waits for the one that writes.
const WRITER_TIMEOUT: SimSpan = SimSpan::from_secs(10);

#[derive(Clone, Copy, Hash, Debug, Serialize)]
enum Say {
    /// Something new stands in the document of a task.
    Updated { task: Name },
    /// Please write this part.
    Add { task: Name, part: Name },
    /// It stands there, since this version.
    Added { version: Version },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Updated { .. } => "updated",
            Self::Add { .. } => "add",
            Self::Added { .. } => "added",
        }
    }

    fn headers(&self) -> Headers {
        match *self {
            Self::Updated { .. } => Headers::NONE,
            Self::Add { .. } => Headers::of(Purpose::Ask),
            Self::Added { version } => {
                Headers { precondition: Some(version), ..Headers::of(Purpose::Answer) }
            }
        }
    }
}

/// What stands in a document under the name of a part.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
struct Part {
    author: Name,
}

impl Message for Part {
    fn kind(&self) -> &'static str {
        "part"
    }
}

/// An editor. Clones are the same editor in another of its tasks.
#[derive(Clone)]
struct Editor {
    agent: Agent,
    briefing: Briefing,
    reader: Rc<Reader>,
    writer: Rc<Writer>,
    work: SingleFlight<Name>,
    /// The tasks it has heard of, with the operation ids their user gave to the steps.
    tasks: Rc<RefCell<Lookup<Name, Arc<[OpId]>>>>,
    /// With which version each of its parts came into a document.
    written: Rc<RefCell<Lookup<Name, Version>>>,
}

impl Editor {
    fn new(agent: Agent, briefing: Briefing) -> Self {
        let reader = Rc::new(Reader::new(&agent, briefing.safeguards(), briefing.declared_reads()));
        let writer = Rc::new(Writer::new(&agent, briefing.safeguards(), Rc::clone(&reader)));
        let (work, tasks, written) = (SingleFlight::default(), Rc::default(), Rc::default());
        Self { agent, briefing, reader, writer, work, tasks, written }
    }

    async fn run(self) {
        loop {
            let mail = self.agent.receive().await;
            if let Some(UserSay::Submit { task, ops }) = mail.open() {
                self.tasks.borrow_mut().insert(*task, Arc::clone(ops));
                self.pursue(*task);
            }
            match mail.open() {
                Some(Say::Updated { task }) => self.pursue(*task),
                Some(Say::Add { task, part }) => {
                    let (editor, entry) = (self.clone(), Entry::new(*part, Part { author: mail.from() }));
                    let task = *task;
                    self.agent.spawn(async move {
                        if let Ok(version) = editor.writer.add(task, entry).await {
                            editor.agent.reply(&mail, Say::Added { version });
                            editor.tell_all(task);
                        }
                    });
                }
                Some(Say::Added { .. }) | None => {}
            }
        }
    }

    fn pursue(&self, task: Name) {
        if let Some(ops) = self.tasks.borrow().get(task).cloned() {
            let editor = self.clone();
            self.work.start_or_repeat(&self.agent, task, async move || editor.work_on(task, &ops).await);
        }
    }

    /// Does whatever this editor can do for a task now.
    async fn work_on(&self, task: Name, ops: &[OpId]) {
        let plan = &self.briefing.plan;
        loop {
            let Ok(document) = self.reader.read(task).await else { return };
            let is_there = |step: &usize| document.has(plan.intent(task, *step));
            let is_open = |step: &usize| {
                !is_there(step) && !self.has_written(plan.intent(task, *step), document.stamp.version)
            };
            let steps = 0..plan.steps.len();
            if steps.clone().all(|step| is_there(&step)) {
                return report(&self.agent, Report::of(task, Outcome::Done)).await;
            }
            let is_mine =
                |step: &usize| self.briefing.doers[step % self.briefing.doers.len()] == self.agent.name();
            let can_be_done = |step: &usize| plan.steps[*step].needs.iter().all(is_there);
            let Some(step) = steps.filter(is_mine).filter(can_be_done).find(is_open) else { return };
            let wish = plan.wish(task, step);
            if perform(&self.agent, self.briefing.safeguards(), wish, ops[step], false).await.is_err() {
                return;
            }
            let Some(version) = self.add(task, wish.intent).await else { return };
            self.written.borrow_mut().insert(wish.intent, version);
        }
    }

    /// Whether this editor has written a part that a document of this version is too old to have.
    fn has_written(&self, part: Name, version: Version) -> bool {
        self.written.borrow().get(part).is_some_and(|since| version < *since)
    }

    /// Gets a part into the document: by its own hand, or by that of the one who writes. Gives the version
    /// since which it stands there, if it does.
    async fn add(&self, task: Name, part: Name) -> Option<Version> {
        let writer = self.briefing.doers[0];
        if self.briefing.safeguards().has::<SingleWriter>() && writer != self.agent.name() {
            self.agent.expect(writer, "word that a part is written", part);
            let answer = self.agent.request(writer, part, Say::Add { task, part }, WRITER_TIMEOUT).await;
            self.agent.expect_no_more(part);
            return match answer.ok().as_ref().and_then(Mail::open) {
                Some(Say::Added { version }) => Some(*version),
                _ => None,
            };
        }
        let entry = Entry::new(part, Part { author: self.agent.name() });
        let version = self.writer.add(task, entry).await.ok()?;
        self.tell_all(task);
        Some(version)
    }

    fn tell_all(&self, task: Name) {
        for editor in self.briefing.doers.iter().filter(|editor| **editor != self.agent.name()) {
            self.agent.send(*editor, task, Say::Updated { task });
        }
        self.pursue(task);
    }
}
