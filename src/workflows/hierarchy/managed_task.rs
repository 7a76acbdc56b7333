//! A task that a manager leads: the state and the worker of each step.

use crate::agent::OpId;
use crate::protocols::{Agenda, ResendTimer};
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::TaskPlan;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// After this many requests to undo a step, another worker is asked.
const PATIENCE: u32 = 3;

/// The state of a step.
#[derive(Clone, Copy, Default)]
pub struct StepState {
    pub is_complete: bool,
    pub is_undone: bool,
    pub has_stopped: bool,
    /// The worker of the step.
    pub worker: Option<Name>,
    /// When to send to the worker again, unless it sends something first.
    pub telling: ResendTimer,
    /// The end of the worker's lease on the step.
    pub leased_until: SimTime,
    /// The worker that must undo it, when to send to that worker again, and how many times that was done.
    pub taker: Option<Name>,
    pub asking: ResendTimer,
    pub times: u32,
}

impl StepState {
    /// Whether no worker works on it any more: the worker has said so, or its lease has expired. Without
    /// leases, only the first counts.
    fn is_let_go(&self, now: SimTime, are_leased: bool) -> bool {
        let is_lapsed = are_leased && now >= self.leased_until;
        self.worker.is_none() || self.is_complete || self.has_stopped || is_lapsed
    }
}

/// A task that a manager leads, in one term.
pub struct ManagedTask {
    pub task: Name,
    pub director: Name,
    pub term: u32,
    pub ops: Arc<[OpId]>,
    pub scope: Rc<WorkScope>,
    /// The worker's lease, if there is one.
    pub lease: Option<SimSpan>,
    /// How long a worker is silent before it is told again.
    pub resend: SimSpan,
    pub is_cancelled: Cell<bool>,
    pub ended: Cell<Option<bool>>,
    pub steps: RefCell<Vec<StepState>>,
    /// How many steps are not complete.
    left: Cell<usize>,
    /// The steps that may have to be ordered.
    agenda: RefCell<Agenda<usize>>,
    pub changed: Notify,
}

impl ManagedTask {
    /// A task in a new term, with the known state of the one before.
    pub fn new(
        (task, term): (Name, u32),
        director: Name,
        ops: Arc<[OpId]>,
        (lease, resend): (Option<SimSpan>, SimSpan),
        before: Option<&Self>,
    ) -> Self {
        let scope = if lease.is_some() { WorkScope::on_lease() } else { WorkScope::unlimited() };
        let known = |step: &StepState| StepState {
            is_complete: step.is_complete,
            is_undone: step.is_undone,
            ..StepState::default()
        };
        let steps = before.map(|before| before.steps.borrow().iter().map(known).collect());
        let steps: Vec<StepState> = steps.unwrap_or_else(|| vec![StepState::default(); ops.len()]);
        let mut agenda = Agenda::default();
        (0..steps.len()).for_each(|step| agenda.add(step));
        Self {
            task,
            director,
            term,
            scope: Rc::new(scope),
            lease,
            resend,
            is_cancelled: Cell::new(before.is_some_and(|before| before.is_cancelled.get())),
            ended: Cell::new(None),
            left: Cell::new(steps.iter().filter(|step| !step.is_complete).count()),
            agenda: RefCell::new(agenda),
            steps: RefCell::new(steps),
            ops,
            changed: Notify::new(),
        }
    }

    /// One of its steps.
    pub fn step(&self, number: usize) -> StepState {
        self.steps.borrow()[number]
    }

    /// Changes the state of a step.
    pub fn update(&self, number: usize, change: impl FnOnce(&mut StepState)) {
        change(&mut self.steps.borrow_mut()[number]);
    }

    /// A step is complete; those that need it may be ready now.
    pub fn complete(&self, number: usize, plan: &TaskPlan) {
        if !std::mem::replace(&mut self.steps.borrow_mut()[number].is_complete, true) {
            self.left.set(self.left.get() - 1);
        }
        let mut agenda = self.agenda.borrow_mut();
        plan.needed_by(number).iter().for_each(|next| agenda.add(*next));
    }

    /// Cancels the task. A worker that was ordered to do a step has not been told to stop yet.
    pub fn cancel(&self) {
        self.is_cancelled.set(true);
        self.steps.borrow_mut().iter_mut().for_each(|step| step.telling.expire());
    }

    /// Whether every step is complete.
    pub fn is_complete(&self) -> bool {
        self.left.get() == 0
    }

    /// Whether every step is undone, and no worker works on one.
    pub fn is_undone(&self, now: SimTime) -> bool {
        let is_gone = |step: &StepState| step.is_undone && step.is_let_go(now, self.lease.is_some());
        self.steps.borrow().iter().all(is_gone)
    }

    /// The steps to order now: those that are due and whose worker has sent nothing for a while.
    pub fn to_order(&self, plan: &TaskPlan, now: SimTime) -> Vec<usize> {
        let (steps, mut agenda) = (self.steps.borrow(), self.agenda.borrow_mut());
        let mut ready = Vec::new();
        while let Some(number) = agenda.next(now) {
            let has_its_needs = plan.steps[number].needs.iter().all(|need| steps[*need].is_complete);
            match steps[number].telling.due_at(self.resend) {
                // It is added again once the steps it needs are complete.
                _ if steps[number].is_complete || !has_its_needs => {}
                Some(due) if now < due => agenda.add_at(due, number),
                _ => ready.push(number),
            }
        }
        // A step stays on the agenda until its worker has been told.
        for number in &ready {
            agenda.add(*number);
        }
        ready
    }

    /// The steps whose workers must be told now to stop.
    pub fn to_stop(&self, now: SimTime) -> Vec<(usize, Name)> {
        let steps = self.steps.borrow();
        let is_at_it = |step: &StepState| {
            !step.is_let_go(now, self.lease.is_some()) && step.telling.is_due(now, self.resend)
        };
        let workers = steps.iter().enumerate().filter(|(_, step)| is_at_it(step));
        workers.filter_map(|(number, step)| Some((number, step.worker?))).collect()
    }

    /// The steps to undo now, each before those that it needed.
    pub fn to_take_back(&self, plan: &TaskPlan, now: SimTime) -> Vec<usize> {
        let steps = self.steps.borrow();
        let is_needed = |number: usize| plan.needed_by(number).iter().any(|later| !steps[*later].is_undone);
        let is_ready = |number: &usize| {
            let step = &steps[*number];
            !step.is_undone && step.asking.is_due(now, self.resend) && !is_needed(*number)
        };
        (0..steps.len()).filter(is_ready).collect()
    }

    /// The worker to order a step from: the current one, or the next if its lease has expired.
    pub fn worker(&self, number: usize, first: usize, workers: &[Name], now: SimTime) -> Name {
        let step = self.step(number);
        match step.worker {
            Some(worker) if self.lease.is_none() || now < step.leased_until => worker,
            worker => after(worker, first + number, workers),
        }
    }

    /// The worker that must undo a step: first the one that did it, and after a while without an answer
    /// another.
    pub fn taker(&self, number: usize, first: usize, workers: &[Name]) -> Name {
        let step = self.step(number);
        match step.taker {
            None => step.worker.unwrap_or_else(|| after(None, first + number, workers)),
            Some(taker) if !step.times.is_multiple_of(PATIENCE) => taker,
            taker => after(taker, 0, workers),
        }
    }
}

/// The worker after `last`, or the one whose turn it is.
fn after(last: Option<Name>, turn: usize, workers: &[Name]) -> Name {
    let place = last.and_then(|last| workers.iter().position(|known| *known == last));
    workers[place.map_or(turn, |place| place + 1) % workers.len()]
}

#[cfg(test)]
mod tests {
    use super::{Arc, ManagedTask, OpId, TaskPlan};
    use crate::workflows::hierarchy::RESEND;
    use crate::workflows::{Step, StepArguments};
    use perfidy_sim::{Name, SimSpan, SimTime};

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    /// Three steps: the second needs the first, the third is independent.
    fn plan() -> TaskPlan {
        let step = |name, needs: &[usize]| Step {
            name: Name::new(name),
            tool: Name::new("tool"),
            operation: Name::new("do"),
            needs: needs.to_vec(),
            irreversible: false,
            guarded: false,
            undo: None,
            evidence: None,
            arguments: StepArguments::default(),
        };
        TaskPlan::of(Vec::new(), vec![step("first", &[]), step("second", &[0]), step("aside", &[])])
    }

    fn led(lease: Option<SimSpan>) -> ManagedTask {
        let ops: Arc<[OpId]> = [OpId(1), OpId(2), OpId(3)].into();
        ManagedTask::new((Name::new("task-1"), 1), Name::new("director"), ops, (lease, RESEND), None)
    }

    fn workers() -> [Name; 2] {
        ["worker-1", "worker-2"].map(Name::new)
    }

    #[test]
    fn a_step_is_ordered_when_what_it_needs_is_complete_and_again_when_its_doer_is_silent() {
        let led = led(None);
        assert_eq!(led.to_order(&plan(), at(0)), [0, 2]);
        led.complete(0, &plan());
        led.update(2, |step| step.telling.restart(at(0)));
        assert_eq!(led.to_order(&plan(), at(4)), [1]);
        assert_eq!(led.to_order(&plan(), at(5)), [1, 2]);
        led.update(2, |step| step.telling.restart(at(3)));
        assert_eq!(led.to_order(&plan(), at(5)), [1]);
    }

    #[test]
    fn a_cancelled_step_is_stopped_at_once_and_undone_after_those_that_need_it() {
        let led = led(None);
        led.update(1, |step| {
            step.worker = Some(workers()[1]);
            step.telling.restart(at(0));
        });
        led.cancel();
        assert_eq!(led.to_stop(at(0)), [(1, workers()[1])]);
        assert_eq!(led.to_take_back(&plan(), at(0)), [1, 2]);
        led.update(1, |step| step.is_undone = true);
        led.update(2, |step| step.is_undone = true);
        assert_eq!(led.to_take_back(&plan(), at(0)), [0]);
        led.update(0, |step| step.is_undone = true);
        assert!(!led.is_undone(at(1_000)), "a worker may still be at it");
        led.update(1, |step| step.has_stopped = true);
        assert!(led.is_undone(at(0)));
    }

    #[test]
    fn a_doer_whose_lease_has_run_out_is_replaced_and_not_waited_for() {
        let led = led(Some(SimSpan::from_secs(10)));
        led.update(0, |step| (step.worker, step.leased_until) = (Some(workers()[0]), at(10)));
        assert_eq!(led.worker(0, 0, &workers(), at(9)), workers()[0]);
        assert_eq!(led.worker(0, 0, &workers(), at(10)), workers()[1]);
        for number in 0..3 {
            led.update(number, |step| step.is_undone = true);
        }
        assert!(!led.is_undone(at(9)) && led.is_undone(at(10)));
    }

    #[test]
    fn who_does_not_answer_is_not_asked_for_ever_to_take_something_back() {
        let led = led(None);
        led.update(0, |step| step.worker = Some(workers()[1]));
        let asked: Vec<Name> = (0..5)
            .map(|_| {
                let taker = led.taker(0, 0, &workers());
                led.update(0, |step| (step.taker, step.times) = (Some(taker), step.times + 1));
                taker
            })
            .collect();
        let [one, two] = workers();
        assert_eq!(asked, [two, two, two, one, one]);
    }

    #[test]
    fn a_new_term_knows_what_is_done_and_not_who_is_at_what() {
        let before = led(None);
        before.complete(0, &plan());
        before.update(0, |step| step.worker = Some(workers()[0]));
        before.cancel();
        let ops = Arc::clone(&before.ops);
        let led = ManagedTask::new((before.task, 2), before.director, ops, (None, RESEND), Some(&before));
        assert!(led.step(0).is_complete && led.step(0).worker.is_none() && led.is_cancelled.get());
    }
}
