//! Managers: each has the steps of its tasks done by workers, or taken back, for as long as the director wants it.
//!
//! Every task that a manager leads is driven by a task of its own, under the warrant of the director. What the workers
//! are told about how long their work is wanted is never more than the manager itself has been told.

use super::{Lead, MANAGERS, RESEND, Say};
use crate::agent::{Agent, Claim, Mail, Message, OpId};
use crate::safeguards::checkpoint;
use crate::safeguards::deadline_propagation::passed_on;
use crate::safeguards::parent_lease::{Lifeline, ParentLease, keep_asking};
use crate::safeguards::warrant::Warrant;
use crate::workflows::Briefing;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// Tokens a manager reads to decide who does what.
const PLANNING_TOKENS: u32 = 800;

/// After how many orders to take something back another worker is asked.
const PATIENCE: u32 = 3;

/// What a manager writes down.
#[derive(Clone, Hash, Debug)]
enum Entry {
    Took { task: Name, director: Name, term: u32, ops: Rc<[OpId]> },
    CalledOff { task: Name },
    Completed { task: Name, step: usize },
    TakenBack { task: Name, step: usize },
    Ended { task: Name, done: bool },
}

impl Message for Entry {
    fn kind(&self) -> &'static str {
        MANAGERS
    }
}

/// How far a step is.
#[derive(Clone, Copy, Default)]
struct Step {
    is_complete: bool,
    is_taken_back: bool,
    /// Who was last told to do it or to take it back, when, and how often.
    worker: Option<Name>,
    told_at: Option<SimTime>,
    times: u32,
    /// Until when that worker may believe that it is theirs.
    leased_until: SimTime,
}

/// A task that a manager leads, in one term.
struct Led {
    task: Name,
    director: Name,
    term: u32,
    ops: Rc<[OpId]>,
    warrant: Rc<Warrant>,
    is_called_off: Cell<bool>,
    ended: Cell<Option<bool>>,
    steps: RefCell<Vec<Step>>,
    news: Notify,
}

pub(super) struct Manager {
    agent: Agent,
    briefing: Briefing,
    led: RefCell<BTreeMap<Name, Rc<Led>>>,
}

impl Manager {
    pub fn recover(agent: Agent, briefing: Briefing) -> Rc<Self> {
        let manager = Rc::new(Self { agent: agent.clone(), briefing, led: RefCell::default() });
        checkpoint::recover(&agent, |entry| manager.apply(entry));
        manager
    }

    pub async fn run(self: Rc<Self>) {
        let recovered: Vec<_> = self.led.borrow().values().cloned().collect();
        recovered.into_iter().for_each(|led| self.set_to_work(led));
        loop {
            let mail = self.agent.receive().await;
            if let Some(please) = mail.open::<Lead>().cloned() {
                self.on_lead(mail.from(), please).await;
            } else if let Some(say) = mail.open::<Say>() {
                self.on_say(&mail, *say).await;
            } else if let Some(Lifeline::StillWanted { .. }) = mail.open() {
                self.agent.reply(&mail, self.word_on(mail.about(), mail.from()));
            }
        }
    }

    fn led(&self, task: Name) -> Option<Rc<Led>> {
        self.led.borrow().get(&task).cloned()
    }

    fn parent_lease(&self) -> Option<ParentLease> {
        self.briefing.safeguards().get::<ParentLease>().copied()
    }

    /// Writes something down, then takes it in.
    async fn change(&self, about: Name, entry: Entry) {
        checkpoint::save(&self.agent, self.briefing.safeguards(), about, entry.clone()).await;
        self.apply(&entry);
    }

    fn apply(&self, entry: &Entry) {
        if let Entry::Took { task, director, term, ops } = entry {
            return self.take(*task, *director, *term, Rc::clone(ops));
        }
        let (Entry::Took { task, .. }
        | Entry::CalledOff { task }
        | Entry::Completed { task, .. }
        | Entry::TakenBack { task, .. }
        | Entry::Ended { task, .. }) = entry;
        let Some(led) = self.led(*task) else { return };
        let mut steps = led.steps.borrow_mut();
        match entry {
            Entry::Took { .. } => {}
            Entry::CalledOff { .. } => {
                led.is_called_off.set(true);
                // Who was told to do a step has not been told to take it back.
                steps.iter_mut().for_each(|step| step.told_at = None);
            }
            Entry::Completed { step, .. } => steps[*step].is_complete = true,
            Entry::TakenBack { step, .. } => steps[*step].is_taken_back = true,
            Entry::Ended { done, .. } => led.ended.set(Some(*done)),
        }
        led.news.notify_one();
    }

    /// Leads a task in a new term, knowing what was known in the one before.
    fn take(&self, task: Name, director: Name, term: u32, ops: Rc<[OpId]>) {
        let before = self.led(task);
        let steps = match &before {
            Some(before) => {
                before.warrant.revoke();
                before.news.notify_one();
                let forget = |step: &Step| Step { worker: None, told_at: None, ..*step };
                before.steps.borrow().iter().map(forget).collect()
            }
            None => vec![Step::default(); ops.len()],
        };
        let warrant = if self.parent_lease().is_some() { Warrant::on_lease() } else { Warrant::unlimited() };
        let led = Led {
            task,
            director,
            term,
            ops,
            warrant: Rc::new(warrant),
            is_called_off: Cell::new(before.is_some_and(|before| before.is_called_off.get())),
            ended: Cell::new(None),
            steps: RefCell::new(steps),
            news: Notify::new(),
        };
        self.led.borrow_mut().insert(task, Rc::new(led));
    }

    async fn on_lead(self: &Rc<Self>, director: Name, please: Lead) {
        let Lead::Please { task, term, ops, left, is_called_off } = please else { return };
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
            return self.agent.send(director, task, Lead::Ended { task, term, done });
        }
        if is_called_off && !led.is_called_off.get() {
            self.change(task, Entry::CalledOff { task }).await;
        }
        if let Some(left) = left {
            led.warrant.limit(self.agent.now() + left);
        }
        if is_new {
            self.set_to_work(led);
        }
    }

    async fn on_say(&self, mail: &Mail, say: Say) {
        match say {
            Say::Done { task, step } => {
                let led = self.led(task).filter(|led| !led.steps.borrow()[step].is_complete);
                if let Some(led) = led.filter(|led| led.ended.get().is_none()) {
                    let intent = self.briefing.plan.intent(task, step);
                    self.change(task, Entry::Completed { task, step }).await;
                    self.agent.claim(Claim::Completed { intent });
                    if !led.is_called_off.get() {
                        self.agent.expect_no_more(intent);
                    }
                }
                self.agent.reply(mail, Say::Noted);
            }
            Say::TakenBack { task, step } => {
                let led = self.led(task).filter(|led| led.is_called_off.get());
                if led.is_some_and(|led| !led.steps.borrow()[step].is_taken_back) {
                    let intent = self.briefing.plan.intent(task, step);
                    self.change(task, Entry::TakenBack { task, step }).await;
                    self.agent.claim(Claim::Undone { intent });
                    self.agent.expect_no_more(intent);
                }
            }
            // It is ordered again in time.
            Say::Failed { .. } => {}
            Say::Order { .. } | Say::TakeBack { .. } | Say::Noted => {}
        }
    }

    /// What a worker is told who asks whether a step is still wanted of them.
    fn word_on(&self, intent: Name, from: Name) -> Lifeline {
        let now = self.agent.now();
        let Some(ParentLease { lease }) = self.parent_lease() else { return Lifeline::Unwanted };
        for led in self.led.borrow().values() {
            let is_it = |step: &usize| self.briefing.plan.intent(led.task, *step) == intent;
            let Some(step) = (0..led.ops.len()).find(is_it) else { continue };
            let step = &mut led.steps.borrow_mut()[step];
            // After a crash nobody here knows who is at it; whoever says so is as good as anybody.
            let is_theirs = step.worker.is_none_or(|worker| worker == from);
            if !is_theirs || led.is_called_off.get() || led.ended.get().is_some() || !led.warrant.holds(now) {
                return Lifeline::Unwanted;
            }
            let lease = led.warrant.leased_for(now, lease);
            step.worker = Some(from);
            step.leased_until = now + lease;
            return Lifeline::Wanted { lease, left: self.left(led) };
        }
        Lifeline::Unwanted
    }

    fn left(&self, led: &Led) -> Option<SimSpan> {
        passed_on(self.briefing.safeguards(), led.warrant.left(self.agent.now()))
    }

    /// Begins to lead, unless that is over already.
    fn set_to_work(self: &Rc<Self>, led: Rc<Led>) {
        if led.ended.get().is_some() {
            return;
        }
        if let Some(lease) = self.parent_lease() {
            let warrant = Rc::clone(&led.warrant);
            self.agent.spawn(keep_asking(self.agent.clone(), lease, led.director, led.task, led.term, warrant));
        }
        let manager = Rc::clone(self);
        self.agent.spawn(async move { manager.lead(&led).await });
    }

    /// Leads a task to its end, or until somebody else does.
    async fn lead(&self, led: &Led) {
        let mut first = None;
        while !led.warrant.is_revoked() {
            if led.is_called_off.get() {
                if led.steps.borrow().iter().all(|step| step.is_taken_back) {
                    return self.end(led, false).await;
                }
                self.take_back(led, first.unwrap_or_default()).await;
            } else if !led.warrant.comes_to_hold(&self.agent, SimSpan::from_secs(1)).await {
                continue;
            } else if led.steps.borrow().iter().all(|step| step.is_complete) {
                return self.end(led, true).await;
            } else if let Some(first) = first {
                self.hand_out(led, first).await;
            } else {
                let think = self.agent.think(led.task, PLANNING_TOKENS, self.briefing.doers.len() as u32);
                first = led.warrant.during(&self.agent, think).await.ok().map(|thought| thought.choice as usize);
                continue;
            }
            let _ = self.agent.within(RESEND, "news", led.news.notified()).await;
        }
        for step in 0..led.ops.len() {
            self.agent.expect_no_more(self.briefing.plan.intent(led.task, step));
        }
    }

    /// Orders every step whose time has come.
    async fn hand_out(&self, led: &Led, first: usize) {
        for (number, step) in self.briefing.plan.steps.iter().enumerate() {
            let (now, known) = (self.agent.now(), led.steps.borrow()[number]);
            let is_ready = {
                let steps = led.steps.borrow();
                !known.is_complete && step.needs.iter().all(|need| steps[*need].is_complete)
            };
            if !is_ready || known.told_at.is_some_and(|told| now < told + RESEND) {
                continue;
            }
            let worker = match known.worker {
                None => self.worker(first + number),
                Some(worker) if self.parent_lease().is_some() && now >= known.leased_until => {
                    self.after(worker)
                }
                Some(worker) => worker,
            };
            let intent = self.briefing.plan.intent(led.task, number);
            self.agent.before("order", intent).await;
            if led.is_called_off.get() || !led.warrant.holds(self.agent.now()) {
                return;
            }
            self.tell(led, number, worker);
            self.agent.claim(Claim::Ordered { intent, to: worker });
            self.agent.expect(worker, "word that a step is done", intent);
            let (task, op, left) = (led.task, led.ops[number], self.left(led));
            self.agent.send(worker, intent, Say::Order { task, step: number, op, left });
        }
    }

    /// Has every step taken back, each before those that it needed.
    async fn take_back(&self, led: &Led, first: usize) {
        let all = &self.briefing.plan.steps;
        for number in 0..all.len() {
            let (now, known) = (self.agent.now(), led.steps.borrow()[number]);
            let is_ready = {
                let steps = led.steps.borrow();
                let stands = |(later, step): (usize, &crate::scenario::Step)| {
                    step.needs.contains(&number) && !steps[later].is_taken_back
                };
                !known.is_taken_back && !all.iter().enumerate().any(stands)
            };
            if !is_ready || known.told_at.is_some_and(|told| now < told + RESEND) {
                continue;
            }
            let worker = match known.worker {
                None => self.worker(first + number),
                Some(worker) if known.told_at.is_some() && known.times % PATIENCE == 0 => self.after(worker),
                Some(worker) => worker,
            };
            let intent = self.briefing.plan.intent(led.task, number);
            self.agent.before("order", intent).await;
            self.tell(led, number, worker);
            self.agent.claim(Claim::Recalled { intent, to: worker });
            self.agent.expect(worker, "word that nothing is left of a step", intent);
            let (task, op, was_done) = (led.task, led.ops[number], known.is_complete);
            self.agent.send(worker, intent, Say::TakeBack { task, step: number, op, was_done });
        }
    }

    fn worker(&self, turn: usize) -> Name {
        self.briefing.doers[turn % self.briefing.doers.len()]
    }

    fn after(&self, worker: Name) -> Name {
        let place = self.briefing.doers.iter().position(|known| *known == worker);
        self.worker(place.unwrap_or_default() + 1)
    }

    /// Remembers who was told about a step.
    fn tell(&self, led: &Led, step: usize, worker: Name) {
        let now = self.agent.now();
        let step = &mut led.steps.borrow_mut()[step];
        if step.worker != Some(worker) {
            step.leased_until = now + self.parent_lease().map_or(SimSpan::ZERO, |parent| parent.lease);
        }
        (step.worker, step.told_at) = (Some(worker), Some(now));
        step.times += 1;
    }

    async fn end(&self, led: &Led, done: bool) {
        let Led { task, term, director, .. } = *led;
        self.change(task, Entry::Ended { task, done }).await;
        led.warrant.revoke();
        self.agent.before("report", task).await;
        self.agent.send(director, task, Lead::Ended { task, term, done });
    }
}
