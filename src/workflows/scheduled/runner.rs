//! A runner: carries out the run of each trigger that it is given, one of each job at a time.

use super::{Job, Schedule, TriggerMessage};
use crate::agent::{Agent, Delivery, Headers, Message, OpId, Report};
use crate::protocols::{ResendTiming, SingleFlight, request_until_answered};
use crate::safeguards::checkpoint;
use crate::safeguards::claim::{Claims, LeaseGuard};
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::inbox::Inbox;
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::tick_claim;
use crate::workflows::user::{USER, UserMessage};
use crate::workflows::worker::StepWorker;
use crate::workflows::{TeamContext, one_at_a_time};
use perfidy_sim::{Name, SimSpan, Words};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;
use tokio::sync::{Mutex, Semaphore};

/// How long a runner waits before it asks again for a job that another runner has.
const LOOK_AGAIN: RangeInclusive<SimSpan> = SimSpan::from_secs(1)..=SimSpan::from_secs(3);

/// How often it asks before it leaves the trigger to its next delivery.
const LOOKS: u32 = 30;

/// How long it waits for the user's acknowledgement of a report.
const PATIENCE: SimSpan = SimSpan::from_secs(5);

/// A trigger, as the inbox knows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Trigger(Name);

impl Message for Trigger {
    fn kind(&self) -> &'static str {
        "trigger"
    }
}

/// A record: a run is over.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct RunEnded {
    task: Name,
    is_done: bool,
}

impl Message for RunEnded {
    fn kind(&self) -> &'static str {
        "run ended"
    }
}

/// A runner. Clones are the same runner in another async task.
#[derive(Clone)]
struct Runner {
    agent: Agent,
    team: TeamContext,
    schedule: Rc<Schedule>,
    worker: StepWorker,
    claims: Claims,
    /// The triggers that were received, each with the id of its run.
    inbox: Rc<Mutex<Inbox<Trigger, OpId>>>,
    /// How the runs ended that are over.
    ended: Rc<RefCell<BTreeMap<Name, bool>>>,
    failures: Rc<RefCell<BTreeMap<Name, u32>>>,
    /// One permit for each job.
    turns: Rc<[Semaphore; Job::ALL.len()]>,
    order: Rc<[usize]>,
}

/// Carries out the runs of triggers, and answers each trigger when its run is over.
pub(super) async fn runner(agent: Agent, team: TeamContext) {
    let runner = Runner::recover(agent, team);
    let flights = SingleFlight::default();
    loop {
        let mail = runner.agent.receive().await;
        let Some(TriggerMessage::Fire { task, run }) = mail.open().copied() else { continue };
        let Some(place) = runner.schedule.place(task) else { continue };
        let this = runner.clone();
        flights.start(&runner.agent, task, async move {
            if this.handle((task, place), run).await.is_some() {
                this.agent.reply(&mail, TriggerMessage::Finished { task });
            }
        });
    }
}

impl Runner {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let safeguards = team.safeguards();
        let mut ended = BTreeMap::new();
        checkpoint::recover(&agent, |RunEnded { task, is_done }| {
            ended.insert(*task, *is_done);
        });
        Self {
            schedule: Rc::new(Schedule::new(&team)),
            worker: StepWorker::recover(&agent, safeguards),
            claims: Claims::new(&agent, safeguards),
            inbox: Rc::new(Mutex::new(Inbox::recover(&agent, safeguards))),
            ended: Rc::new(RefCell::new(ended)),
            failures: Rc::default(),
            turns: Rc::new(Job::ALL.map(|_| Semaphore::new(1))),
            order: one_at_a_time(&team.plan.steps).into(),
            agent,
            team,
        }
    }

    /// Handles a trigger, and reports how its run ended. `None` if it has to come again.
    async fn handle(&self, (task, place): (Name, usize), fresh: OpId) -> Option<()> {
        let known = self.take_in(task, fresh).await;
        let ended = known.and_then(|_| self.ended.borrow().get(&task).copied());
        let is_done = match ended {
            Some(is_done) => is_done,
            None => self.run_alone((task, place), known.unwrap_or(fresh)).await?,
        };
        let is_new = self.ended.borrow_mut().insert(task, is_done).is_none();
        if is_new {
            checkpoint::save(&self.agent, self.team.safeguards(), task, RunEnded { task, is_done }).await;
        }
        self.report(task, is_done).await;
        Some(())
    }

    /// Receives a trigger; the id of its run, if it was received before and is recognised.
    async fn take_in(&self, task: Name, fresh: OpId) -> Option<OpId> {
        let mut inbox = self.inbox.lock().await;
        if !inbox.admits(Trigger(task)) {
            return inbox.get(Trigger(task));
        }
        inbox.take(&self.agent, task, Trigger(task), fresh).await;
        None
    }

    /// Carries out a run while no other run of its job does anything. Whether its work is done; `None` if
    /// that is open.
    async fn run_alone(&self, (task, place): (Name, usize), run: OpId) -> Option<bool> {
        let job = Schedule::job(place);
        // The semaphores are never closed, so this is always a permit.
        let _turn = self.turns[job as usize].acquire().await;
        let guard = self.claim(job).await?;
        let outcome = guard.while_held(self.carry_out(task, run)).await;
        guard.release().await;
        outcome.ok().flatten()
    }

    async fn claim(&self, job: Job) -> Option<LeaseGuard> {
        for _ in 0..LOOKS {
            if let Some(guard) = self.claims.take(job.name()).await {
                return Some(guard);
            }
            let pause = self.agent.draw("look again", job.name(), |draw| draw.span("pause", &LOOK_AGAIN));
            self.agent.sleep(pause).await;
        }
        None
    }

    async fn carry_out(&self, task: Name, mine: OpId) -> Option<bool> {
        let (agent, safeguards) = (&self.agent, self.team.safeguards());
        let tick_claim::TickRun { run, ended } =
            tick_claim::claim(agent, safeguards, task, mine).await.ok()?;
        if ended.is_some() {
            return ended;
        }
        let is_done = self.take_steps(task, run).await;
        if !is_done && !self.gives_up(task) {
            return None;
        }
        tick_claim::end(agent, safeguards, task, is_done).await;
        Some(is_done)
    }

    /// Takes the steps of a task, one after the other; whether all succeeded.
    async fn take_steps(&self, task: Name, run: OpId) -> bool {
        for step in &*self.order {
            let operation = self.team.plan.operation_of(task, *step);
            let source = KeySource::Given(id_of(run, *step));
            if self.worker.carry_out((operation, Headers::NONE), 0, source).await.is_none() {
                return false;
            }
        }
        true
    }

    /// The run of a task has failed; whether it is given up.
    fn gives_up(&self, task: Name) -> bool {
        let mut failures = self.failures.borrow_mut();
        let count = failures.entry(task).or_insert(0);
        *count += 1;
        GiveUpAfter::is_reached(self.team.safeguards(), *count)
    }

    /// Reports how a run ended, until the user has the report.
    async fn report(&self, task: Name, is_done: bool) {
        self.agent.before("report", task).await;
        let report = UserMessage::Report(Report::done_or_failed(task, is_done));
        let timing = ResendTiming { timeout: PATIENCE, pause: PATIENCE };
        let waits_for = (Name::literal(USER), "acknowledgement of a report");
        let is_acked = |mail: &Delivery| {
            matches!(mail.open(), Some(TriggerMessage::Ack { task: acked }) if *acked == task).then_some(())
        };
        request_until_answered(&self.agent, waits_for, task, report, timing, is_acked).await;
    }
}

/// The id of the operation of a step of a run.
fn id_of(run: OpId, step: usize) -> OpId {
    OpId(Words::digest(|words| {
        words.put(run.0).put(step as u64);
    }))
}
