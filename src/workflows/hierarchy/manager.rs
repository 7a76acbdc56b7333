//! Managers: each has workers do the steps of its tasks, or undo them, as long as the director wants it.
//!
//! Each task of a manager runs as a separate async task, in a scope of the director. The leases and deadlines
//! that a manager gives to workers never exceed its own.

use super::managed_task::ManagedTask;
use super::{Delegation, RESEND, TeamMessage};
use crate::agent::{Agent, Delivery, Message, OpId};
use crate::protocols::choose_agent;
use crate::safeguards::checkpoint;
use crate::safeguards::deadline_propagation::propagated;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::known_defect::Defect;
use crate::safeguards::parent_lease::{LeaseProbe, ParentLease, keep_probing};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::TeamContext;
use perfidy_sim::{Lookup, Name, SimSpan, TimedOut};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Tokens a manager reads to assign steps.
const PLANNING_TOKENS: u32 = 800;

/// What a manager asks its model.
const FIRST_STEP: &str = "Choose the worker of the first step. The others follow in turn.";

/// How often a manager without a scope looks whether it has been told to take its task back.
const LOOK: SimSpan = SimSpan::from_secs(1);

/// A journal record of a manager.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Entry {
    Took { task: Name, director: Name, term: u32, ops: Arc<[OpId]> },
    Gave { task: Name, step: usize, to: Name },
    Completed { task: Name, step: usize },
    Cancelled { task: Name },
    Undone { task: Name, step: usize },
    Ended { task: Name, done: bool },
}

impl Message for Entry {
    fn kind(&self) -> &'static str {
        "manager state"
    }
}

pub(super) struct Manager {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    led: RefCell<BTreeMap<Name, Rc<ManagedTask>>>,
    /// The step of each intent, for messages of workers.
    steps: RefCell<Lookup<Name, (Name, usize)>>,
}

impl Manager {
    pub fn recover(agent: &Agent, team: TeamContext) -> Rc<Self> {
        let manager = Rc::new(Self {
            agent: agent.clone(),
            team,
            answers: ModelAnswers::recover(agent),
            led: RefCell::default(),
            steps: RefCell::default(),
        });
        checkpoint::recover(agent, |entry| manager.apply(entry));
        manager
    }

    pub async fn run(self: Rc<Self>) {
        let recovered: Vec<_> = self.led.borrow().values().cloned().collect();
        for led in recovered {
            self.start(led);
        }
        loop {
            let mail = self.agent.receive().await;
            if let Some(please) = mail.open::<Delegation>().cloned() {
                self.on_delegation(mail.from(), please).await;
            } else if let Some(say) = mail.open::<TeamMessage>() {
                self.on_say(&mail, *say).await;
            } else if let Some(LeaseProbe::IsWanted { .. }) = mail.open() {
                self.agent.reply(&mail, self.answer_to(mail.about(), mail.from()));
            }
        }
    }

    fn led(&self, task: Name) -> Option<Rc<ManagedTask>> {
        self.led.borrow().get(&task).cloned()
    }

    fn lease(&self) -> Option<SimSpan> {
        self.team.safeguards().get::<ParentLease>().map(|parent| parent.lease)
    }

    /// Records a change and applies it.
    async fn change(&self, about: Name, entry: Entry) {
        checkpoint::save(&self.agent, self.team.safeguards(), about, entry.clone()).await;
        self.apply(&entry);
    }

    fn apply(&self, entry: &Entry) {
        let (Entry::Took { task, .. }
        | Entry::Gave { task, .. }
        | Entry::Completed { task, .. }
        | Entry::Cancelled { task }
        | Entry::Undone { task, .. }
        | Entry::Ended { task, .. }) = entry;
        let known = self.led(*task);
        if let Some(led) = &known {
            led.changed.notify_one();
        }
        match (entry, known) {
            (Entry::Took { director, term, ops, .. }, known) => {
                if let Some(before) = &known {
                    before.scope.revoke();
                }
                let led = ManagedTask::new(
                    (*task, *term),
                    *director,
                    Arc::clone(ops),
                    (self.lease(), ResendOrders::of_or(self.team.safeguards(), RESEND)),
                    known.as_deref(),
                );
                for number in 0..led.ops.len() {
                    let intent = self.team.plan.intent(*task, number);
                    self.steps.borrow_mut().insert(intent, (*task, number));
                }
                self.led.borrow_mut().insert(*task, Rc::new(led));
            }
            (Entry::Gave { step, to, .. }, Some(led)) => led.update(*step, |step| {
                step.worker = Some(*to);
                step.leased_until = self.agent.monotonic() + self.lease().unwrap_or_default();
            }),
            (Entry::Completed { step, .. }, Some(led)) => led.complete(*step, &self.team.plan),
            (Entry::Cancelled { .. }, Some(led)) => led.cancel(),
            (Entry::Undone { step, .. }, Some(led)) => led.update(*step, |step| step.is_undone = true),
            (Entry::Ended { done, .. }, Some(led)) => led.ended.set(Some(*done)),
            (_, None) => {}
        }
    }

    async fn on_delegation(self: &Rc<Self>, director: Name, please: Delegation) {
        let Delegation::Delegate { task, term, ops, left, is_cancelled } = please else { return };
        if ops.len() != self.team.plan.steps.len() {
            return;
        }
        let known = self.led(task);
        if known.as_ref().is_some_and(|led| led.term > term) {
            return;
        }
        let is_new = known.is_none_or(|led| led.term < term);
        if is_new {
            self.change(task, Entry::Took { task, director, term, ops }).await;
        }
        let Some(led) = self.led(task) else { return };
        if let Some(done) = led.ended.get() {
            return self.agent.send(director, task, Delegation::Ended { task, term, done });
        }
        if is_cancelled && !led.is_cancelled.get() {
            self.change(task, Entry::Cancelled { task }).await;
        }
        if let Some(left) = left {
            led.scope.set_deadline(self.agent.monotonic() + left);
        }
        if is_new {
            self.start(led);
        }
    }

    async fn on_say(&self, mail: &Delivery, say: TeamMessage) {
        if !say.fits(&self.team.plan) {
            return;
        }
        match say {
            TeamMessage::Done { task, step } => {
                if let Some(led) = self.led(task).filter(|led| led.ended.get().is_none()) {
                    self.on_done(&led, step).await;
                }
                self.agent.reply(mail, TeamMessage::Ack);
            }
            TeamMessage::Stopped { task, step } => {
                if let Some(led) = self.led(task).filter(|led| led.step(step).worker == Some(mail.from())) {
                    led.update(step, |step| step.has_stopped = true);
                    led.changed.notify_one();
                }
            }
            TeamMessage::Undone { task, step } => {
                let led = self.led(task).filter(|led| led.is_cancelled.get());
                if led.is_some_and(|led| !led.step(step).is_undone) {
                    let intent = self.team.plan.intent(task, step);
                    self.change(task, Entry::Undone { task, step }).await;
                    self.agent.withdraw_wait(intent);
                }
            }
            // A failed step is ordered again in time; the other messages are not for a manager.
            TeamMessage::Failed
            | TeamMessage::Order { .. }
            | TeamMessage::Stop { .. }
            | TeamMessage::Undo { .. }
            | TeamMessage::Ack => {}
        }
    }

    async fn on_done(&self, led: &ManagedTask, step: usize) {
        if led.step(step).is_complete {
            return;
        }
        let (task, intent) = (led.task, self.team.plan.intent(led.task, step));
        self.change(task, Entry::Completed { task, step }).await;
        if !led.is_cancelled.get() {
            self.agent.withdraw_wait(intent);
        }
    }

    /// The answer to a worker that asks whether its step is still wanted.
    fn answer_to(&self, intent: Name, from: Name) -> LeaseProbe {
        let now = self.agent.monotonic();
        let step = self.steps.borrow().get(intent).copied();
        let Some((led, number)) = step.and_then(|(task, number)| Some((self.led(task)?, number))) else {
            return LeaseProbe::Unwanted;
        };
        let is_theirs = led.step(number).worker == Some(from);
        let is_over = led.is_cancelled.get() || led.ended.get().is_some();
        match led.lease.filter(|_| is_theirs && !is_over && led.scope.holds(now)) {
            Some(lease) => {
                let lease = led.scope.leased_for(now, lease);
                led.update(number, |step| {
                    step.telling.restart(now);
                    step.leased_until = now + lease;
                });
                if !led.step(number).is_complete {
                    self.agent.declare_wait(from, "completion of a step", intent);
                }
                LeaseProbe::Wanted { lease, left: self.left(&led) }
            }
            None => LeaseProbe::Unwanted,
        }
    }

    /// The time left for a task, for the workers.
    fn left(&self, led: &ManagedTask) -> Option<SimSpan> {
        propagated(self.team.safeguards(), led.scope.left(self.agent.monotonic()))
    }

    /// Begins to lead, unless the task is over already.
    fn start(self: &Rc<Self>, led: Rc<ManagedTask>) {
        if led.ended.get().is_some() {
            return;
        }
        if let Some(lease) = led.lease {
            let (agent, scope) = (self.agent.clone(), Rc::clone(&led.scope));
            self.agent.spawn(keep_probing(agent, lease, led.director, (led.task, led.term), scope));
        }
        let manager = Rc::clone(self);
        self.agent.spawn(async move { manager.lead(&led).await });
    }

    /// Leads a task to its end, or until another manager does.
    async fn lead(&self, led: &ManagedTask) {
        let mut first = None;
        while !led.scope.is_revoked() {
            if led.is_cancelled.get() {
                if led.is_undone(self.agent.monotonic()) {
                    return self.end(led, false).await;
                }
                let needs_lease = !Defect::ManagerUndoesWithoutLease.is_in(self.team.safeguards());
                if needs_lease && !led.scope.wait_until_leased(&self.agent, LOOK).await {
                    self.wait_no_more(led);
                    continue;
                }
                self.take_back(led, first.unwrap_or_default()).await;
            } else if !led.scope.wait_until_holds(&self.agent, LOOK).await {
                self.wait_no_more(led);
                continue;
            } else if led.is_complete() {
                return self.end(led, true).await;
            } else if let Some(first) = first {
                self.send_orders(led, first).await;
            } else {
                let (agent, workers) = (&self.agent, &self.team.workers);
                let ask = async || choose_agent(agent, led.task, FIRST_STEP, workers, PLANNING_TOKENS).await;
                let choice = self.answers.complete(agent, self.team.safeguards(), (led.task, 0), ask);
                first = led.scope.run(&self.agent, choice).await.ok();
                continue;
            }
            let (Ok(()) | Err(TimedOut)) =
                self.agent.within(RESEND, "a message", led.changed.notified()).await;
        }
        self.wait_no_more(led);
    }

    /// Withdraws the declared waits for workers: without a lease, a manager assumes that another one has the
    /// task.
    fn wait_no_more(&self, led: &ManagedTask) {
        for step in 0..led.ops.len() {
            self.agent.withdraw_wait(self.team.plan.intent(led.task, step));
        }
    }

    /// Orders every step that is due.
    async fn send_orders(&self, led: &ManagedTask, first: usize) {
        let (plan, task) = (&self.team.plan, led.task);
        for step in led.to_order(plan, self.agent.monotonic()) {
            let intent = plan.intent(task, step);
            let to = led.worker(step, first, &self.team.workers, self.agent.monotonic());
            if led.step(step).worker != Some(to) {
                // Without this record, the worker could not be told to stop after a crash.
                self.change(task, Entry::Gave { task, step, to }).await;
            }
            self.agent.before("order", intent).await;
            // Messages may have changed the state since the list of steps was made.
            if led.is_cancelled.get() || !led.scope.holds(self.agent.monotonic()) {
                return;
            }
            if led.step(step).is_complete {
                continue;
            }
            led.update(step, |step| step.telling.restart(self.agent.monotonic()));
            self.agent.declare_wait(to, "completion of a step", intent);
            let order = TeamMessage::Order { task, step, op: led.ops[step], left: self.left(led) };
            self.agent.send(to, intent, order);
        }
    }

    /// Stops all workers at once, and then has every step undone, each before those that it needed.
    async fn take_back(&self, led: &ManagedTask, first: usize) {
        let (plan, task) = (&self.team.plan, led.task);
        for (step, worker) in led.to_stop(self.agent.monotonic()) {
            led.update(step, |step| step.telling.restart(self.agent.monotonic()));
            self.agent.send(worker, plan.intent(task, step), TeamMessage::Stop { task, step });
        }
        for step in led.to_take_back(plan, self.agent.monotonic()) {
            let intent = plan.intent(task, step);
            self.agent.before("order", intent).await;
            let to = led.taker(step, first, &self.team.workers);
            let was_done = led.step(step).is_complete;
            led.update(step, |step| {
                step.taker = Some(to);
                step.asking.restart(self.agent.monotonic());
                step.times += 1;
            });
            self.agent.declare_wait(to, "undo of a step", intent);
            self.agent.send(to, intent, TeamMessage::Undo { task, step, op: led.ops[step], was_done });
        }
    }

    async fn end(&self, led: &ManagedTask, done: bool) {
        let ManagedTask { task, term, director, .. } = *led;
        self.change(task, Entry::Ended { task, done }).await;
        led.scope.revoke();
        self.agent.before("report", task).await;
        self.agent.send(director, task, Delegation::Ended { task, term, done });
    }
}
