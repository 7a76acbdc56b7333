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

use crate::agent::{Agent, ArtifactId, Entries, Entry, Headers, Message, OpId, Outcome, Report, StoreError};
use crate::protocols::{Question, SingleFlight, write_text};
use crate::safeguards::append_only::append;
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::claim::Claims;
use crate::safeguards::consistent_reads::Reader;
use crate::safeguards::plan_commit::agree;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan, SimTime, Words};
use serde::Serialize;
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
        .safeguards(&[
            "claim-by-lease",
            "consistent-reads",
            "idempotency-keys",
            "observe-before-retry",
            "plan-commit",
            "retry",
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
#[derive(Clone, Hash, Debug, Serialize)]
struct Assignment {
    workers: Arc<[Name]>,
}

impl Message for Assignment {
    fn kind(&self) -> &'static str {
        "assignment"
    }
}

/// The store entry of a step that is done.
#[derive(Clone, Copy, Hash, Debug, Serialize)]
struct Done {
    by: Name,
}

impl Message for Done {
    fn kind(&self) -> &'static str {
        "done"
    }
}

async fn run(agent: Agent, team: TeamContext) {
    let work = SingleFlight::default();
    let peer = Peer {
        reader: Rc::new(Reader::new(&agent, team.safeguards(), team.declared_reads())),
        claims: Claims::new(&agent, team.safeguards()),
        workload: Rc::default(),
        agent,
        team,
    };
    loop {
        let mail = peer.agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = mail.open().cloned() else { continue };
        let pursuer = peer.clone();
        work.start_or_repeat(&peer.agent, task, async move || {
            // If a pursuit fails, the next one, which begins when the user asks again, corrects it.
            let _ = pursuer.pursue(task, &ops).await;
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
    workload: Rc<RefCell<Workload>>,
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
        let peers = |entries: Vec<Entry>| {
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
    async fn pursue(&self, task: Name, ops: &[OpId]) -> Result<(), StoreError> {
        let plan = &self.team.plan;
        let progress = progress_of(task);
        let mut assignment = None;
        let mut ready_since: BTreeMap<usize, SimTime> = BTreeMap::new();
        for _ in 0..LOOKS {
            let done = self.reader.read(progress).await?;
            let is_done = |step: &usize| done.has(plan.intent(task, *step));
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
            let pause = self.agent.draw("look again", task, |spot| spot.span("pause", &LOOK_AGAIN));
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
        write_text(&self.agent, task, &question.prompt(DRAFTING_TOKENS), 1).await;
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
        let operation_of = self.team.plan.operation_of(task, step);
        let policy = CallPolicy::of(self.team.safeguards());
        let Some(guard) = self.claims.take(operation_of.intent).await else { return };
        // If the claim expires on the way, the step is left to the next peer that claims it.
        let _ = guard
            .while_held(async {
                let done = self.reader.latest(progress_of(task), None).await?;
                if !done.has(operation_of.intent)
                    && call_with_retry(&agent, &policy, &operation_of, op, false).await.is_ok()
                {
                    self.put_down(task, operation_of.intent).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await;
        guard.release().await;
    }

    /// Records in the store that a step is done, for the task and for later plans.
    async fn put_down(&self, task: Name, intent: Name) -> Result<(), StoreError> {
        for item in [progress_of(task), Name::literal(WORKLOAD)] {
            let entry = Entry::new(intent, Done { by: self.agent.name() });
            let op = self.agent.new_operation_id(intent);
            append(self.agent.store(), item, entry, op).await?;
        }
        Ok(())
    }
}

fn digest(assignment: &Assignment) -> u64 {
    Words::digest(|words| words.hash(assignment))
}

fn progress_of(task: Name) -> Name {
    Name::joined(Name::literal("progress of"), " ", task)
}
