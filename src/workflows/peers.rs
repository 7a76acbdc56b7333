//! Peers: equal agents take work from the user through a shared store, without a coordinator.
//!
//! ```text
//!   user --submit--> every peer --draft, claim, progress--> store
//!                       |--call--> tool
//!   user <---report-----'
//! ```
//!
//! A peer that gets a task drafts a plan for it, unless there is one: which peer does which step, by the
//! number of steps each has done so far, as far as the drafter knows. Every peer then does its own steps of
//! the plan it follows, and takes over another peer's step that has waited too long. Before it begins a step
//! it claims it.
//!
//! A peer whose tool fails again and again gives the task up: it records that where all peers see it, and
//! each escalates the steps that have failed with it and reports the task as failed.

use crate::agent::{
    Agent, ArtifactId, Entries, Headers, ItemEntry, Message, OpId, Outcome, Report, StoreError, ToolError,
};
use crate::protocols::{Question, SingleFlight, write_text};
use crate::safeguards::Safeguards;
use crate::safeguards::append_only::append;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::claim::Claims;
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::dead_letter::{DeadLetter, escalate};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::optimistic_locking::replace_if_unchanged;
use crate::safeguards::plan_commit::agree;
use crate::workflows::on_call::ON_CALL;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan, SimTime, Words};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("peers")
        .about("equal agents share work through a store, by plans and claims, without a coordinator")
        .agents(Role::new("peers", "peer", 2..=MOST_AGENTS, 3), run)
        .store_if(|_| true)
        .person_on_call_if(Safeguards::has::<DeadLetter>)
        .safeguards(&[
            "call-timeout",
            "claim-by-lease",
            "consistent-reads",
            "dead-letter",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "lease-check",
            "logical-clocks",
            "observe-before-retry",
            "plan-commit",
            "reply-correlation",
            "retry",
            "retry-backoff",
            "tool-dedupe",
        ])
        .properties(&[
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "one-owner-per-task",
            "plan-agreement",
        ])
}

/// How many steps each peer has done, as input for plans.
const WORKLOAD: &str = "workload";

/// Tokens a peer reads to draft a plan.
const DRAFTING_TOKENS: u32 = 900;

/// How long a peer waits before it checks a task again.
const LOOK_AGAIN: RangeInclusive<SimSpan> = SimSpan::from_secs(2)..=SimSpan::from_secs(5);

/// How long a step may wait for its peer.
const PATIENCE: SimSpan = SimSpan::from_secs(8);

/// How many times a peer checks a task before it waits for the user's next request.
const LOOKS: u32 = 40;

/// Which peer does which step.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Assignment {
    workers: Arc<[Name]>,
}

impl Message for Assignment {
    fn kind(&self) -> &'static str {
        "assignment"
    }
}

/// The store entry of a step that is done.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Done {
    by: Name,
}

impl Message for Done {
    fn kind(&self) -> &'static str {
        "done"
    }
}

/// The store entry of a task that its team has given up.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct GivenUp {
    by: Name,
}

impl Message for GivenUp {
    fn kind(&self) -> &'static str {
        "given up"
    }
}

/// The failures of a step at one peer.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    op: OpId,
    last: ToolError,
}

async fn run(agent: Agent, team: TeamContext) {
    let work = SingleFlight::default();
    let peer = Peer {
        reader: Rc::new(Reader::new(&agent, team.safeguards(), team.declared_reads())),
        claims: Claims::new(&agent, team.safeguards()),
        answers: ModelAnswers::recover(&agent),
        workload: Rc::default(),
        failures: Rc::default(),
        agent,
        team,
    };
    loop {
        let mail = peer.agent.receive().await;
        let submitted = mail.open().and_then(|message| UserMessage::task_in(message, &peer.team.plan));
        let Some((task, ops)) = submitted else { continue };
        let pursuer = peer.clone();
        work.start_or_repeat(&peer.agent, task, async move || {
            // If a pursuit fails, the next one, which begins when the user asks again, corrects it.
            let _ = pursuer.start_work(task, &ops).await;
        });
    }
}

/// A peer. Clones are the same peer in another async task.
#[derive(Clone)]
struct Peer {
    agent: Agent,
    team: TeamContext,
    reader: Rc<Reader>,
    claims: Claims,
    answers: ModelAnswers,
    workload: Rc<RefCell<Workload>>,
    /// The steps that have failed here, and that no peer has done since.
    failures: Rc<RefCell<BTreeMap<(Name, usize), Failures>>>,
}

/// How many steps each peer has done, as far as has been read: the entries, and the counts.
#[derive(Default)]
struct Workload {
    read: Entries,
    load: Vec<usize>,
}

impl Workload {
    /// The counts of these entries. Those counted before are not counted again.
    fn of(&mut self, entries: &Entries, team: &TeamContext) -> Vec<usize> {
        let Self { read, load } = self;
        load.resize(team.workers.len(), 0);
        let peers = |entries: Vec<ItemEntry>| {
            entries.into_iter().filter_map(|entry| team.place_of(entry.body.open::<Done>()?.by))
        };
        if let Some(more) = entries.behind(read) {
            peers(more).for_each(|peer| load[peer] += 1);
        } else if let Some(fewer) = read.behind(entries) {
            peers(fewer).for_each(|peer| load[peer] -= 1);
        } else {
            load.fill(0);
            peers(entries.all()).for_each(|peer| load[peer] += 1);
        }
        *read = entries.clone();
        load.clone()
    }
}

impl Peer {
    /// Works on a task until it ends, as long as the store answers.
    async fn start_work(&self, task: Name, ops: &[OpId]) -> Result<(), StoreError> {
        let plan = &self.team.plan;
        let progress = progress_of(task);
        let mut assignment = None;
        let mut ready_since: BTreeMap<usize, SimTime> = BTreeMap::new();
        for _ in 0..LOOKS {
            let done = self.reader.read(progress).await?;
            let is_done = |step: &usize| done.has(plan.intent(task, *step));
            if done.has(end_of(task)) {
                self.escalate_failures(task, is_done).await;
                report(&self.agent, Report::of(task, Outcome::Failed)).await;
                return Ok(());
            }
            if (0..plan.steps.len()).all(|step| is_done(&step)) {
                report(&self.agent, Report::of(task, Outcome::Done)).await;
                return Ok(());
            }
            let assignment = match &assignment {
                Some(known) => known,
                None => assignment.insert(self.follow(task).await?),
            };
            let can_be_done = |step: &usize| !is_done(step) && plan.steps[*step].needs.iter().all(is_done);
            for step in (0..plan.steps.len()).filter(can_be_done) {
                let since = *ready_since.entry(step).or_insert(self.agent.monotonic());
                let is_mine = assignment.workers[step] == self.agent.name();
                if is_mine || self.agent.monotonic() >= since + PATIENCE {
                    self.try_to_do((task, step), ops[step], assignment).await;
                }
            }
            let pause = self.agent.draw("look again", task, |draw| draw.span("pause", &LOOK_AGAIN));
            self.agent.sleep(pause).await;
        }
        Ok(())
    }

    /// The plan this peer follows for a task.
    async fn follow(&self, task: Name) -> Result<Assignment, StoreError> {
        let item = Name::joined(Name::literal("plan of"), " ", task);
        let draft = async || self.draft(task).await;
        let assignment = agree(&self.agent, self.team.safeguards(), (item, task), draft).await?;
        Ok(assignment)
    }

    /// Gives each step to the peer that has done least so far, as far as this peer knows.
    async fn draft(&self, task: Name) -> Result<Assignment, StoreError> {
        let evidence = self.reader.read(Name::literal(WORKLOAD)).await?;
        let question = Question::new("Give each step to the peer that has done least.", task);
        let prompt = question.prompt(DRAFTING_TOKENS);
        let write = async || write_text(&self.agent, task, &prompt, 1).await;
        self.answers.complete(&self.agent, self.team.safeguards(), (task, 0), write).await;
        let peers = &self.team.workers;
        let mut load = self.workload.borrow_mut().of(&evidence.entries, &self.team);
        let least_loaded =
            |load: &[usize]| (0..load.len()).min_by_key(|peer| load[*peer]).unwrap_or_default();
        let workers = (0..self.team.plan.steps.len()).map(|_| {
            let peer = least_loaded(&load);
            load[peer] += 1;
            peers[peer]
        });
        let assignment = Assignment { workers: workers.collect() };
        Ok(assignment)
    }

    /// Does a step, if this peer can claim it and no other peer has done it meanwhile.
    async fn try_to_do(&self, (task, step): (Name, usize), op: OpId, assignment: &Assignment) {
        let plan = Some(ArtifactId(digest(assignment)));
        let agent = self.agent.under(Headers { plan, ..Headers::NONE });
        let operation = self.team.plan.operation_of(task, step);
        let policy = CallPolicy::of(self.team.safeguards());
        let Some(guard) = self.claims.take(operation.intent).await else { return };
        // If the claim expires on the way, the step is left to the next peer that claims it.
        let tried = guard
            .while_held(async {
                let done = self.reader.latest(progress_of(task), None).await?;
                if done.has(operation.intent) || done.has(end_of(task)) {
                    return Ok(None);
                }
                if let Err(error) = call_with_retry(&agent, &policy, &operation, op, false).await {
                    return Ok(Some(error));
                }
                self.put_down(task, operation.intent).await?;
                Ok::<_, StoreError>(None)
            })
            .await;
        guard.release().await;
        if let Ok(Ok(Some(error))) = tried {
            self.has_failed((task, step), op, error).await;
        }
    }

    /// A try at a step has failed. After too many, this peer gives the task up for all of them: the store has
    /// the record, which stands only if not all steps were done before.
    async fn has_failed(&self, (task, step): (Name, usize), op: OpId, error: ToolError) {
        let count = {
            let mut failures = self.failures.borrow_mut();
            let known = failures.entry((task, step)).or_insert(Failures { count: 0, op, last: error });
            (known.count, known.last) = (known.count + 1, error);
            known.count
        };
        if !GiveUpAfter::is_reached(self.team.safeguards(), count) {
            return;
        }
        // Before any peer can report that the task has failed: this one may crash, or not reach the store.
        if self.team.safeguards().has::<DeadLetter>() {
            let operation = self.team.plan.operation_of(task, step);
            escalate(&self.agent, Name::literal(ON_CALL), &operation, op, error).await;
        }
        let progress = progress_of(task);
        let Ok(seen) = self.reader.latest(progress, None).await else { return };
        if seen.has(self.team.plan.intent(task, step)) || seen.has(end_of(task)) {
            return;
        }
        let entries = seen.and(ItemEntry::new(end_of(task), GivenUp { by: self.agent.name() }));
        let op = self.agent.new_operation_id(task);
        // If another peer has written meanwhile, the next failure decides.
        let _ = replace_if_unchanged(self.agent.store(), progress, &seen, entries, op).await;
    }

    /// Hands the steps of a task that have failed here less often, and are not done, to the person on call.
    async fn escalate_failures(&self, task: Name, is_done: impl Fn(&usize) -> bool) {
        let of_task = (task, 0)..=(task, usize::MAX);
        let failures: Vec<_> =
            self.failures.borrow().range(of_task).map(|((_, step), failures)| (*step, *failures)).collect();
        for (step, Failures { op, last, .. }) in failures {
            if self.team.safeguards().has::<DeadLetter>() && !is_done(&step) {
                let operation = self.team.plan.operation_of(task, step);
                escalate(&self.agent, Name::literal(ON_CALL), &operation, op, last).await;
            }
            self.failures.borrow_mut().remove(&(task, step));
        }
    }

    /// Records in the store that a step is done, for the task and for later plans.
    async fn put_down(&self, task: Name, intent: Name) -> Result<(), StoreError> {
        for item in [progress_of(task), Name::literal(WORKLOAD)] {
            let entry = ItemEntry::new(intent, Done { by: self.agent.name() });
            let op = self.agent.new_operation_id(intent);
            append(self.agent.store(), item, entry, op).await?;
        }
        Ok(())
    }
}

fn digest(assignment: &Assignment) -> u64 {
    Words::digest(|words| words.hash(assignment))
}

/// The entry of a task that is given up.
fn end_of(task: Name) -> Name {
    Name::joined(Name::literal("end of"), " ", task)
}

fn progress_of(task: Name) -> Name {
    Name::joined(Name::literal("progress of"), " ", task)
}
