//! A stage of the chain: it runs a loop for each of its steps, and passes on what is left.

use super::{Brief, ChainMessage, LEAD, STAGES, steps_of};
use crate::agent::{Agent, Delivery, Headers, Message, RequestedStep, TaskRequest};
use crate::safeguards::checkpoint;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::inbox::InboxDedupe;
use crate::safeguards::transfer_acks::hand_over;
use crate::safeguards::work_scope::WorkScope;
use crate::workflows::TeamContext;
use crate::workflows::agent_loop::{AgentLoop, Approvals, LoopTask, ToolCalls};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// Which run of the chain it is, for which task.
type RunId = (Name, u32);

/// A journal record of a stage.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum Record {
    /// A run has come in.
    Took { task: Name, run: u32, brief: Brief },
    /// The loop of a step begins.
    Began { task: Name, run: u32, step: usize },
    /// A step is done, or not, and tools have said this.
    Ended { task: Name, run: u32, step: usize, is_done: bool, notes: Arc<[Name]> },
    /// What is left was passed on, or the failure was told.
    Passed { task: Name, run: u32 },
}

impl Message for Record {
    fn kind(&self) -> &'static str {
        "stage state"
    }
}

/// A run that has come in and was not passed on.
struct Job {
    brief: Brief,
    begun: BTreeSet<usize>,
    ended: BTreeMap<usize, bool>,
    notes: Vec<Name>,
}

/// What the two tasks of a stage share.
struct Shared {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    jobs: RefCell<BTreeMap<RunId, Job>>,
    passed: RefCell<BTreeSet<RunId>>,
    arrived: Notify,
}

/// Receives messages, and has a task of its own work on what comes in.
pub(super) async fn stage(agent: Agent, team: TeamContext) {
    let approvals = Approvals::new(&agent, &team);
    let agent_loop = AgentLoop::recover(&agent, &team, &approvals);
    let calls = ToolCalls::recover(&agent, &team);
    let shared = Rc::new(Shared::recover(&agent, team));
    agent.spawn(Stage { shared: Rc::clone(&shared), agent_loop, calls }.run());
    loop {
        let mail = agent.receive().await;
        if approvals.accept(&mail) {
            continue;
        }
        if let Some(ChainMessage::Delegate { task, run, brief }) = mail.open().cloned() {
            shared.take(&mail, (task, run), brief).await;
        }
    }
}

impl Shared {
    fn recover(agent: &Agent, team: TeamContext) -> Self {
        let (jobs, passed, arrived) = (RefCell::default(), RefCell::default(), Notify::new());
        let answers = ModelAnswers::recover(agent);
        let shared = Self { agent: agent.clone(), team, answers, jobs, passed, arrived };
        checkpoint::recover(agent, |record| shared.apply(record));
        shared
    }

    async fn change(&self, about: Name, record: Record) {
        checkpoint::save(&self.agent, self.team.safeguards(), about, record.clone()).await;
        self.apply(&record);
    }

    fn apply(&self, record: &Record) {
        let mut jobs = self.jobs.borrow_mut();
        match record {
            Record::Took { task, run, brief } => {
                let (begun, ended) = (BTreeSet::new(), BTreeMap::new());
                let job = Job { brief: brief.clone(), begun, ended, notes: brief.notes.to_vec() };
                jobs.insert((*task, *run), job);
            }
            Record::Began { task, run, step } => {
                if let Some(job) = jobs.get_mut(&(*task, *run)) {
                    job.begun.insert(*step);
                }
            }
            Record::Ended { task, run, step, is_done, notes } => {
                if let Some(job) = jobs.get_mut(&(*task, *run)) {
                    job.ended.insert(*step, *is_done);
                    job.notes.extend(notes.iter());
                }
            }
            Record::Passed { task, run } => {
                jobs.remove(&(*task, *run));
                self.passed.borrow_mut().insert((*task, *run));
            }
        }
    }

    /// Takes a run in, unless it has it already, and says so.
    async fn take(&self, mail: &Delivery, id: RunId, brief: Brief) {
        let (task, run) = id;
        let dedupes = self.team.safeguards().has::<InboxDedupe>();
        let has_passed_it = dedupes && self.passed.borrow().contains(&id);
        if !self.jobs.borrow().contains_key(&id) && !has_passed_it {
            self.change(task, Record::Took { task, run, brief }).await;
            self.arrived.notify_one();
        }
        self.agent.reply(mail, ChainMessage::Accepted { task, run });
    }

    /// The run to work on: that whose step the session is about, or the first.
    fn next(&self, begun: Option<Name>) -> Option<RunId> {
        let jobs = self.jobs.borrow();
        let mine = steps_of(&self.team, self.agent.name());
        let is_begun =
            |id: &&RunId| mine.iter().any(|step| begun == Some(self.team.plan.intent(id.0, *step)));
        jobs.keys().rev().find(is_begun).or_else(|| jobs.keys().next()).copied()
    }
}

struct Stage {
    shared: Rc<Shared>,
    agent_loop: AgentLoop,
    calls: ToolCalls,
}

impl Stage {
    async fn run(mut self) {
        loop {
            let next = self.shared.next(self.agent_loop.work());
            match next {
                Some(id) => self.work_on(id).await,
                None => self.shared.arrived.notified().await,
            }
        }
    }

    /// Does the steps of this stage, and passes the rest on.
    async fn work_on(&mut self, id: RunId) {
        let (task, run) = id;
        for step in steps_of(&self.shared.team, self.shared.agent.name()) {
            let ended = self.shared.jobs.borrow().get(&id).and_then(|job| job.ended.get(&step).copied());
            let is_done = match ended {
                Some(is_done) => is_done,
                None => self.do_step(id, step).await,
            };
            if !is_done {
                self.tell_lead(task, run, false).await;
                return self.shared.change(task, Record::Passed { task, run }).await;
            }
        }
        self.pass_on(task, run).await;
        self.shared.change(task, Record::Passed { task, run }).await;
    }

    /// Runs a loop for a step, unless an earlier run has done it; whether it is done.
    async fn do_step(&mut self, (task, run): RunId, step: usize) -> bool {
        let intent = self.shared.team.plan.intent(task, step);
        let Some(assignment) = self.assignment((task, run), intent) else { return true };
        let is_begun = |job: &Job| job.begun.contains(&step);
        if !self.shared.jobs.borrow().get(&(task, run)).is_some_and(is_begun) {
            self.agent_loop.begin(intent).await;
            self.shared.change(intent, Record::Began { task, run, step }).await;
        }
        let headers = Headers { correlation: Some(task), ..Headers::NONE };
        let calls = self.calls.ordered(headers, Arc::default(), run > 1);
        let outcome = self.agent_loop.run(&assignment, &calls).await;
        self.agent_loop.escalate_failures(&assignment, &calls, &outcome).await;
        let notes = outcome.said.into();
        let record = Record::Ended { task, run, step, is_done: outcome.is_done, notes };
        self.shared.change(intent, record).await;
        outcome.is_done
    }

    /// A step as a piece of work: what the brief says of it, or the request that it carries. `None` if it is
    /// done already.
    fn assignment(&self, id: RunId, intent: Name) -> Option<LoopTask> {
        let jobs = self.shared.jobs.borrow();
        let Job { brief, notes, .. } = jobs.get(&id)?;
        if brief.done.contains(&intent) {
            return None;
        }
        let known = brief.request.as_ref().unwrap_or(&brief.steps);
        let asked = known.iter().filter(|step| step.operation.intent == intent);
        let steps = asked.map(|step| RequestedStep { needs: Arc::default(), ..step.clone() }).collect();
        let request = TaskRequest { task: intent, steps, notes: notes.as_slice().into() };
        Some(LoopTask { request, effects: Arc::default(), scope: Rc::new(WorkScope::unlimited()) })
    }

    /// Passes what is left to the next stage, or tells the lead that nothing is.
    async fn pass_on(&self, task: Name, run: u32) {
        let shared = &self.shared;
        let stages = shared.team.group(STAGES);
        let place = stages.iter().position(|name| *name == shared.agent.name()).unwrap_or_default();
        let Some(next) = stages.get(place + 1).copied() else {
            return self.tell_lead(task, run, true).await;
        };
        let known = shared.jobs.borrow().get(&(task, run)).map(|job| (job.brief.clone(), job.notes.clone()));
        let Some((brief, notes)) = known else { return };
        let mine = steps_of(&shared.team, shared.agent.name());
        let is_mine = |intent: Name| mine.iter().any(|step| shared.team.plan.intent(task, *step) == intent);
        let left: Arc<[RequestedStep]> =
            brief.steps.iter().filter(|step| !is_mine(step.operation.intent)).cloned().collect();
        let write = async || shared.agent.write_brief(task, Arc::clone(&left)).await;
        let steps = if mine.is_empty() {
            left
        } else {
            let safeguards = shared.team.safeguards();
            shared.answers.complete(&shared.agent, safeguards, (task, run.into()), write).await
        };
        let brief = Brief { steps, notes: notes.into(), ..brief };
        shared.agent.before("delegate", task).await;
        let message = ChainMessage::Delegate { task, run, brief };
        // The next stage is on the team.
        let _ = hand_over(&shared.agent, shared.team.safeguards(), stages, next, task, message).await;
    }

    /// Tells the lead how the run has ended.
    async fn tell_lead(&self, task: Name, run: u32, is_done: bool) {
        let shared = &self.shared;
        let (lead, message) = (Name::literal(LEAD), ChainMessage::Ended { task, run, is_done });
        // The lead is on the team.
        let _ = hand_over(&shared.agent, shared.team.safeguards(), &[lead], lead, task, message).await;
    }
}
