//! The director: serves the user, and hands each task to a manager, or to another one when the first is
//! silent.

use super::{Delegation, MANAGERS, RESEND};
use crate::agent::{Agent, Delivery, Message, OpId, Outcome, Report};
use crate::protocols::{Agenda, ResendTimer};
use crate::safeguards::cancellation::Cancellation;
use crate::safeguards::checkpoint;
use crate::safeguards::deadline_propagation::propagated;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::parent_lease::{LeaseProbe, ParentLease};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::TeamContext;
use crate::workflows::user::{UserMessage, report};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a task ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
enum End {
    Done,
    Cancelled,
}

/// A journal record of the director.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Entry {
    /// `at` by the wall clock.
    Accepted {
        task: Name,
        ops: Arc<[OpId]>,
        at: SimTime,
    },
    Handed {
        task: Name,
        to: Name,
        term: u32,
    },
    Cancelled {
        task: Name,
    },
    Ended {
        task: Name,
        end: End,
    },
}

impl Entry {
    /// The task it is about.
    fn task(&self) -> Name {
        match self {
            Self::Accepted { task, .. }
            | Self::Handed { task, .. }
            | Self::Cancelled { task }
            | Self::Ended { task, .. } => *task,
        }
    }
}

impl Message for Entry {
    fn kind(&self) -> &'static str {
        "director state"
    }
}

/// The manager that has a task.
struct Holder {
    manager: Name,
    term: u32,
    /// The end of its lease, by the director's clock, like all times here.
    leased_until: SimTime,
    /// When to send to the manager again. A manager that has sent a message knows the task, but not that it
    /// is cancelled.
    telling: ResendTimer,
}

/// The state of a task.
struct Task {
    /// The number of tasks accepted before it: managers take turns.
    turn: usize,
    ops: Arc<[OpId]>,
    deadline: Option<SimTime>,
    holder: Option<Holder>,
    is_cancelled: bool,
    ended: Option<End>,
}

pub(super) struct Director {
    agent: Agent,
    team: TeamContext,
    managers: Vec<Name>,
    tasks: BTreeMap<Name, Task>,
    agenda: Agenda<Name>,
    /// The deadlines of tasks that are not cancelled or ended.
    deadlines: BTreeSet<(SimTime, Name)>,
}

impl Director {
    pub fn recover(agent: &Agent, team: TeamContext) -> Self {
        let managers = team.group(MANAGERS).to_vec();
        let (agenda, deadlines) = (Agenda::default(), BTreeSet::new());
        let mut director =
            Self { agent: agent.clone(), team, managers, tasks: BTreeMap::new(), agenda, deadlines };
        checkpoint::recover(agent, |entry| director.apply(entry));
        director
    }

    pub async fn run(mut self) {
        let open = self.tasks.iter().filter(|(_, task)| task.ended.is_none());
        open.for_each(|(task, _)| self.agenda.add(*task));
        loop {
            while let Some(task) = self.agenda.next(self.agent.monotonic()) {
                self.drive(task).await;
                self.look_again_at(task);
            }
            let Ok(mail) = self.agent.receive_within(self.next_look(), "a message").await else { continue };
            self.hear(&mail).await;
            while let Some(mail) = self.agent.receive_now() {
                self.hear(&mail).await;
            }
        }
    }

    /// The time until the next check if no message comes.
    fn next_look(&self) -> SimSpan {
        let now = self.agent.monotonic();
        self.deadlines.first().map_or(RESEND, |(deadline, _)| deadline.since(now).min(RESEND))
    }

    /// How long a manager is silent before it is told again.
    fn resend(&self) -> SimSpan {
        ResendOrders::of_or(self.team.safeguards(), RESEND)
    }

    /// Adds a task to the agenda for its next check if no message comes.
    fn look_again_at(&mut self, name: Name) {
        let Some(task) = self.tasks.get(&name).filter(|task| task.ended.is_none()) else { return };
        let deadline = task.deadline.filter(|_| !task.is_cancelled);
        let lapses = task.holder.as_ref().filter(|_| self.team.safeguards().has::<ParentLease>());
        let lapses = lapses.map(|holder| holder.leased_until);
        let due = task.holder.as_ref().and_then(|holder| holder.telling.due_at(self.resend()));
        let next = [deadline, lapses, due].into_iter().flatten().min();
        if let Some(next) = next {
            self.agenda.add_at(next, name);
        }
    }

    /// Records a change and applies it.
    async fn change(&mut self, about: Name, entry: Entry) {
        checkpoint::save(&self.agent, self.team.safeguards(), about, entry.clone()).await;
        self.apply(&entry);
    }

    fn apply(&mut self, entry: &Entry) {
        let leased_until = self.agent.monotonic() + self.lease();
        match entry {
            Entry::Accepted { task, ops, at } => {
                // After a crash only the wall clock shows how much of the time is used.
                let spent = self.agent.now().since(*at);
                let left = self.team.tasks.within.map(|within| within - spent);
                let deadline = left.map(|left| self.agent.monotonic() + left);
                let (turn, ops) = (self.tasks.len(), Arc::clone(ops));
                let new = Task { turn, ops, deadline, holder: None, is_cancelled: false, ended: None };
                if !self.tasks.contains_key(task) {
                    self.deadlines.extend(deadline.map(|deadline| (deadline, *task)));
                    self.tasks.insert(*task, new);
                }
            }
            Entry::Handed { task, to, term } => {
                let holder =
                    Holder { manager: *to, term: *term, leased_until, telling: ResendTimer::default() };
                self.tasks.entry(*task).and_modify(|task| task.holder = Some(holder));
            }
            Entry::Cancelled { task } => {
                // A cancel can overtake its task. One record says both that it is known and that it is
                // cancelled: after a crash between two, the task would look like one with nothing to do.
                let (turn, ops) = (self.tasks.len(), Arc::new([]));
                let new = Task { turn, ops, deadline: None, holder: None, is_cancelled: true, ended: None };
                self.tasks.entry(*task).and_modify(|task| task.is_cancelled = true).or_insert(new);
                self.forget_deadline(*task);
            }
            Entry::Ended { task, end } => {
                self.tasks.entry(*task).and_modify(|task| task.ended = task.ended.or(Some(*end)));
                self.forget_deadline(*task);
            }
        }
        self.agenda.add(entry.task());
    }

    fn forget_deadline(&mut self, task: Name) {
        if let Some(deadline) = self.tasks.get(&task).and_then(|task| task.deadline) {
            self.deadlines.remove(&(deadline, task));
        }
    }

    fn lease(&self) -> SimSpan {
        self.team.safeguards().get::<ParentLease>().map_or(SimSpan::ZERO, |parent| parent.lease)
    }

    async fn hear(&mut self, mail: &Delivery) {
        let (from, about) = (mail.from(), mail.about());
        let message: Option<&UserMessage> = mail.open();
        if let Some((task, ops)) = message.and_then(|message| message.task_in(&self.team.plan)) {
            match self.tasks.get(&task).map(|task| task.ended) {
                None => {
                    let at = self.agent.now();
                    self.change(task, Entry::Accepted { task, ops, at }).await;
                }
                Some(Some(end)) => self.report(task, end).await,
                Some(None) => {}
            }
        }
        if let Some(UserMessage::Cancel { task }) = message {
            self.on_cancel(*task).await;
        }
        match mail.open() {
            Some(Delegation::Ended { task, term, done })
                if self.is_held(*task, from, *term) || self.is_later(*task, *term) =>
            {
                self.agent.withdraw_wait(*task);
                self.end(*task, if *done { End::Done } else { End::Cancelled }).await;
            }
            _ => {}
        }
        if let Some(LeaseProbe::IsWanted { term }) = mail.open()
            && !self.is_later(about, *term)
        {
            let word = self.answer_to(about, from, *term);
            self.agent.reply(mail, word);
        }
    }

    async fn on_cancel(&mut self, task: Name) {
        match self.tasks.get(&task).map(|task| (task.ended, task.is_cancelled)) {
            Some((Some(end), _)) => self.report(task, end).await,
            None if Defect::CancelInTwoRecords.is_in(self.team.safeguards()) => {
                let at = self.agent.now();
                self.change(task, Entry::Accepted { task, ops: Arc::new([]), at }).await;
                self.cancel(task).await;
            }
            None | Some((None, false)) => self.cancel(task).await,
            Some((None, true)) => {}
        }
    }

    fn is_held(&self, task: Name, by: Name, term: u32) -> bool {
        self.tasks.get(&task).is_some_and(|task| {
            let holder = task.holder.as_ref().filter(|_| task.ended.is_none());
            holder.is_some_and(|holder| holder.manager == by && holder.term == term)
        })
    }

    /// Whether a task is open here, and a term of it is later than any that this process gave. Then a later
    /// process of the director gave it: how the task ended is true, but what is wanted, only that one knows.
    fn is_later(&self, task: Name, term: u32) -> bool {
        self.tasks.get(&task).is_some_and(|task| {
            let given = task.holder.as_ref().map_or(0, |holder| holder.term);
            task.ended.is_none() && term > given
        })
    }

    /// The answer to a manager that asks whether its task is still wanted.
    fn answer_to(&mut self, task: Name, from: Name, term: u32) -> LeaseProbe {
        if !self.is_held(task, from, term) {
            return LeaseProbe::Unwanted;
        }
        let (now, lease) = (self.agent.monotonic(), self.lease());
        let left = self.left(task);
        let Some(task) = self.tasks.get_mut(&task) else { return LeaseProbe::Unwanted };
        if let Some(holder) = &mut task.holder {
            holder.leased_until = now + lease;
            if !task.is_cancelled {
                holder.telling.restart(now);
            }
        }
        // A cancelled task stays with its manager, to be undone but not continued.
        if task.is_cancelled { LeaseProbe::ToUndo { lease } } else { LeaseProbe::Wanted { lease, left } }
    }

    /// The time left for a task, for the agents below. Undoing has no deadline.
    fn left(&self, task: Name) -> Option<SimSpan> {
        let deadline = self.tasks.get(&task).filter(|task| !task.is_cancelled)?.deadline?;
        propagated(self.team.safeguards(), Some(deadline.since(self.agent.monotonic())))
    }

    /// Takes the next action for a task.
    async fn drive(&mut self, name: Name) {
        let (now, may_replace) = (self.agent.monotonic(), self.team.safeguards().has::<ParentLease>());
        let Some(task) = self.tasks.get(&name).filter(|task| task.ended.is_none()) else { return };
        if !task.is_cancelled && task.deadline.is_some_and(|deadline| now >= deadline) {
            self.cancel(name).await;
        }
        let Some(task) = self.tasks.get(&name) else { return };
        let passes_it_on = self.team.safeguards().has::<Cancellation>();
        match &task.holder {
            // Without the safeguard, no manager is told of a cancel.
            holder if task.is_cancelled && (holder.is_none() || !passes_it_on) => {
                self.end(name, End::Cancelled).await;
            }
            None => {
                let turn = task.turn;
                self.hand(name, turn, 1).await;
            }
            Some(holder) if may_replace && now >= holder.leased_until => {
                let place = self.managers.iter().position(|manager| *manager == holder.manager);
                let (next, term) = (place.unwrap_or_default() + 1, holder.term + 1);
                self.hand(name, next, term).await;
            }
            Some(holder) if holder.telling.is_due(now, self.resend()) => self.tell(name).await,
            Some(_) => {}
        }
    }

    /// Hands a task to the next manager in turn.
    async fn hand(&mut self, task: Name, turn: usize, term: u32) {
        let to = self.managers[turn % self.managers.len()];
        self.change(task, Entry::Handed { task, to, term }).await;
        self.tell(task).await;
    }

    /// Sends the manager of a task its current state.
    async fn tell(&mut self, name: Name) {
        self.agent.before("delegate", name).await;
        let (now, left) = (self.agent.monotonic(), self.left(name));
        let Some(task) = self.tasks.get_mut(&name) else { return };
        let (is_cancelled, ops) = (task.is_cancelled, Arc::clone(&task.ops));
        let Some(holder) = &mut task.holder else { return };
        holder.telling.restart(now);
        self.agent.declare_wait(holder.manager, "end of a task", name);
        let please = Delegation::Delegate { task: name, term: holder.term, ops, left, is_cancelled };
        self.agent.send(holder.manager, name, please);
    }

    /// Cancels a task; its manager is told at once.
    async fn cancel(&mut self, name: Name) {
        self.change(name, Entry::Cancelled { task: name }).await;
        let holder = self.tasks.get_mut(&name).and_then(|task| task.holder.as_mut());
        if let Some(holder) = holder {
            holder.telling.expire();
        }
    }

    async fn end(&mut self, task: Name, end: End) {
        self.change(task, Entry::Ended { task, end }).await;
        self.report(task, end).await;
    }

    async fn report(&self, task: Name, end: End) {
        let outcome = match end {
            End::Done => Outcome::Done,
            End::Cancelled => Outcome::Cancelled,
        };
        report(&self.agent, Report::of(task, outcome)).await;
    }
}
