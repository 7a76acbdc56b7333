//! Clerks: what every coordinator does beside coordinating. They take tasks in, write down how far each is (with the
//! `checkpoint` safeguard) before they act on it, and tell the user how it ended, as often as the user asks.

use crate::agent::{Agent, Mail, Report};
use crate::safeguards::checkpoint;
use crate::workflows::Briefing;
use crate::workflows::board::{Board, Entry};
use crate::workflows::user::{USER, UserSay};
use perfidy_sim::Name;
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// How often a step may come back as failed before its task is given up.
const MAX_FAILURES: u32 = 5;

/// A coordinator's [`Board`] with its journal and its user.
pub struct Clerk {
    agent: Agent,
    briefing: Briefing,
    board: Rc<RefCell<Board>>,
    failures: BTreeMap<(Name, usize), u32>,
}

impl Clerk {
    /// The clerk as it left its board in the agent's journal, which may hold other things as well.
    pub fn recover(agent: &Agent, briefing: &Briefing) -> Self {
        let mut board = Board::new(Rc::clone(&briefing.plan));
        checkpoint::recover(agent, |entry| board.apply(entry));
        let (agent, briefing) = (agent.clone(), briefing.clone());
        Self { agent, briefing, board: Rc::new(RefCell::new(board)), failures: BTreeMap::new() }
    }

    /// How far everything is.
    pub fn board(&self) -> Ref<'_, Board> {
        self.board.borrow()
    }

    /// The board itself, for other tasks of the same agent to look at.
    pub fn shared_board(&self) -> Rc<RefCell<Board>> {
        Rc::clone(&self.board)
    }

    /// The tasks that have not ended.
    pub fn open(&self) -> Vec<Name> {
        self.board().open()
    }

    /// Takes a task in, or says once more how it ended. The name of a task that is new.
    pub async fn hear(&mut self, mail: &Mail) -> Option<Name> {
        let UserSay::Submit { task, ops } = mail.open().cloned()? else { return None };
        let known = self.board().get(task).map(|progress| progress.closed);
        match known {
            None => {
                self.change(Entry::Accepted { task, ops }).await;
                return Some(task);
            }
            Some(Some(done)) => self.report(task, done).await,
            Some(None) => {}
        }
        None
    }

    /// It was decided who does which step of a task.
    pub async fn assigned(&mut self, task: Name, doers: Arc<[Name]>) {
        self.change(Entry::Assigned { task, doers }).await;
    }

    /// A step is done. Word of it may come more than once.
    pub async fn completed(&mut self, task: Name, step: usize) {
        if self.board().is_open(task, step) {
            let intent = self.briefing.plan.intent(task, step);
            self.agent.expect_no_more(intent);
            self.change(Entry::Completed { task, step }).await;
        }
    }

    /// A step that counted as complete is not. That is known before it is on disk, as being complete is
    /// after.
    pub async fn reopened(&mut self, task: Name, step: usize) {
        self.change(Entry::Reopened { task, step }).await;
    }

    /// A try at a step has failed; after too many the task is given up.
    pub async fn failed(&mut self, task: Name, step: usize) {
        if !self.board().is_open(task, step) {
            return;
        }
        let failures = self.failures.entry((task, step)).or_insert(0);
        *failures += 1;
        if *failures >= MAX_FAILURES {
            self.agent.expect_no_more(self.briefing.plan.intent(task, step));
            self.close(task, false).await;
        }
    }

    /// A task has ended.
    pub async fn close(&mut self, task: Name, done: bool) {
        self.change(Entry::Closed { task, done }).await;
        self.report(task, done).await;
    }

    async fn change(&mut self, entry: Entry) {
        checkpoint::save(&self.agent, self.briefing.safeguards(), entry.task(), entry.clone()).await;
        self.board.borrow_mut().apply(&entry);
    }

    async fn report(&self, task: Name, done: bool) {
        self.agent.before("report", task).await;
        self.agent.send(Name::literal(USER), task, UserSay::Report(Report::done_or_failed(task, done)));
    }
}
