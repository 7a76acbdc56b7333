//! Pipeline: agents in a row in which only the last one acts.
//!
//! ```text
//!   user --submit--> lead --work item--> link-1 --work item--> link-2 --work item--> actor --call--> tool
//!                     ^  <-----------------------check version------------------------'  |
//!                     '---------------------------done/failed----------------------------'
//!                        all agents <--store, fetch--> artifact-store
//! ```
//!
//! The lead asks its model for a brief of each step, each link makes a new artifact from what it gets and
//! passes it on, and the actor carries out the last one. A lead that gets no answer asks again, and its model
//! then writes another brief: a newer *version* of the step. The output of an older version may still be in
//! the pipeline.
//!
//! An artifact travels as a summary, as a model tells it, and (with `cite-artifacts`) as a reference to the
//! artifact itself, which the artifact store keeps.

use crate::agent::{
    Agent, Artifact, ArtifactId, Confirmation, Content, Delivery, Headers, Message, OpId, Purpose, Version,
};
use crate::protocols::Question;
use crate::safeguards::cite_artifacts::{self, CiteArtifacts, artifact_store};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::reply_dedupe::{AnsweredQuestions, ReplyDedupe};
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::version_check::{VersionCheck, Versions};
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::task_state::TaskStates;
use crate::workflows::worker::{StepStatus, StepWorker};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("pipeline")
        .about("work passes along a pipeline of stages, and an actor acts on what reaches it")
        .agent(LEAD, |agent, team| Lead::recover(agent, team).run())
        .agents(Role::new("links", "link", 1..=MOST_AGENTS, 2), |agent, team| Link::of(agent, team).run())
        .agent(ACTOR, |agent, team| Actor::recover(agent, team).run())
        .agent(ARTIFACT_STORE, artifact_store)
        .safeguards(&[
            "call-timeout",
            "checkpoint",
            "checksummed-log",
            "cite-artifacts",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "reply-correlation",
            "reply-dedupe",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "version-check",
        ])
        .properties(&[
            "acts-on-current-version",
            "decisions-cite-artifacts",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

const LEAD: &str = "lead";
const ACTOR: &str = "actor";
const ARTIFACT_STORE: &str = "artifact-store";

/// How long the lead waits at least for the outcome of a step before it asks again.
const PATIENCE: SimSpan = SimSpan::from_secs(20);

/// The wait for each link of a chain that is too long for that.
const PATIENCE_A_LINK: SimSpan = SimSpan::from_millis(2_500);

/// How long the actor waits for the lead's answer about a version.
const CHECK_TIMEOUT: SimSpan = SimSpan::from_secs(5);

/// Tokens a lead reads to write a brief.
const BRIEFING_TOKENS: u32 = 800;

/// Tokens a link reads to make its artifact.
const WORKING_TOKENS: u32 = 1_500;

/// How many different artifacts a model could make of the same input.
const WAYS_TO_PUT_IT: u32 = 1_000_000;

/// A work item in the pipeline.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct WorkItem {
    task: Name,
    step: usize,
    version: u32,
    op: OpId,
    /// The summary by its maker's model.
    summary: Artifact,
    /// The artifact itself, by its digest.
    cites: Option<ArtifactId>,
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum PipelineMessage {
    WorkItem(WorkItem),
    CheckVersion { task: Name, step: usize, version: u32 },
    VersionChecked(bool),
    Done { task: Name, step: usize, confirmed: Confirmation },
    Failed { task: Name, step: usize },
}

impl PipelineMessage {
    /// A worker's answer to an order.
    fn outcome(task: Name, step: usize, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, confirmed },
            None => Self::Failed { task, step },
        }
    }
}

impl Message for PipelineMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::WorkItem(_) => "work item",
            Self::CheckVersion { .. } => "check version",
            Self::VersionChecked(true) => "current",
            Self::VersionChecked(false) => "superseded",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }

    fn headers(&self) -> Headers {
        let version = |version: &u32| Some(Version((*version).into()));
        match self {
            Self::WorkItem(WorkItem { version: number, op, summary, cites, .. }) => Headers {
                precondition: version(number),
                idempotency_key: Some(*op),
                provenance: cites.or(Some(summary.id())),
                ..Headers::of(Purpose::Order)
            },
            Self::CheckVersion { version: number, .. } => {
                Headers { precondition: version(number), ..Headers::of(Purpose::Ask) }
            }
            Self::VersionChecked(_) => Headers::of(Purpose::Answer),
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
        }
    }
}

/// A stage of the pipeline: it reads and makes artifacts.
#[derive(Clone)]
struct Stage {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
}

impl Stage {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let answers = ModelAnswers::recover(&agent);
        Self { agent, team, answers }
    }

    /// Makes a piece of work with the help of the model. To ask for another version is another question.
    async fn make(&self, about: Name, version: u32, from: Option<Artifact>, tokens: u32) -> Artifact {
        let question = Name::new(&format!("{about}/version-{version}"));
        let known = from.map_or(Content::NOTHING, Content::new);
        let prompt = Question::new("Work on this step.", about).knowing(known).prompt(tokens);
        let from = from.map(|material| material.id());
        let make = async || self.agent.make((about, question), from, &prompt, WAYS_TO_PUT_IT).await;
        self.answers.complete(&self.agent, self.team.safeguards(), (question, 0), make).await
    }

    /// Packs an artifact. `None` if it must be stored first and that failed.
    async fn pack(&self, item: WorkItem, artifact: Artifact) -> Option<WorkItem> {
        let cites = if self.team.safeguards().has::<CiteArtifacts>() {
            Some(cite_artifacts::store(&self.agent, Name::literal(ARTIFACT_STORE), artifact).await.ok()?)
        } else {
            None
        };
        let question = (artifact.about, artifact.id().0);
        let sum_up = async || self.agent.summarise(artifact).await;
        let summary = self.answers.complete(&self.agent, self.team.safeguards(), question, sum_up).await;
        Some(WorkItem { summary, cites, ..item })
    }

    /// Unpacks an item: the artifact itself if it is cited, otherwise the summary.
    async fn unpack(&self, item: &WorkItem) -> Option<Artifact> {
        let Some(id) = item.cites else { return Some(item.summary) };
        let about = self.intent(item);
        cite_artifacts::fetch(&self.agent, Name::literal(ARTIFACT_STORE), about, id).await.ok()
    }

    /// The work item in a message.
    fn item_in(&self, mail: &Delivery) -> Option<WorkItem> {
        match mail.open() {
            Some(PipelineMessage::WorkItem(item)) if self.team.plan.has_step(item.step) => Some(*item),
            _ => None,
        }
    }

    fn intent(&self, item: &WorkItem) -> Name {
        self.team.plan.intent(item.task, item.step)
    }
}

/// Orders the work, and decides which version of it is current.
struct Lead {
    stage: Stage,
    dispatcher: Dispatcher,
    versions: Rc<Versions>,
}

impl Lead {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let patience = PATIENCE.max(PATIENCE_A_LINK.saturating_mul(team.workers.len() as u64));
        Self {
            dispatcher: Dispatcher::recover(&agent, &team, ResendOrders::of_or(team.safeguards(), patience)),
            versions: Rc::new(Versions::recover(&agent, team.safeguards())),
            stage: Stage::recover(agent, team),
        }
    }

    async fn run(mut self) {
        self.dispatcher.resume();
        loop {
            while let Some((task, duty)) = self.dispatcher.next_action() {
                match duty {
                    DispatchAction::Step(step) => self.ask_for(task, step),
                    DispatchAction::End => self.dispatcher.end_if_complete(task).await,
                    DispatchAction::Plan => {}
                }
            }
            let Ok(mail) = self.dispatcher.receive().await else { continue };
            if let Some(task) = self.dispatcher.tracker().accept(&mail).await {
                self.dispatcher.bring_up_steps(task);
            }
            match mail.open() {
                Some(PipelineMessage::CheckVersion { task, step, version })
                    if self.stage.team.plan.has_step(*step) =>
                {
                    let intent = self.stage.team.plan.intent(*task, *step);
                    let may = self.versions.settle(intent, *version).await;
                    self.stage.agent.reply(&mail, PipelineMessage::VersionChecked(may));
                }
                Some(PipelineMessage::Done { task, step, confirmed }) => {
                    self.dispatcher.completed(*task, *step, Some(confirmed.clone())).await;
                }
                Some(PipelineMessage::Failed { task, step }) => self.dispatcher.failed(*task, *step).await,
                _ => {}
            }
        }
    }

    /// Orders a step that can be done, unless that was done recently.
    fn ask_for(&mut self, task: Name, step: usize) {
        if !self.dispatcher.is_step_due(task, step) {
            return;
        }
        self.dispatcher.sent(task, DispatchAction::Step(step));
        let intent = self.stage.team.plan.intent(task, step);
        self.stage.agent.declare_wait(Name::literal(ACTOR), "completion of a step", intent);
        let states = self.dispatcher.tracker().shared_states();
        let ask = ask(self.stage.clone(), states, Rc::clone(&self.versions), task, step);
        self.stage.agent.spawn(ask);
    }
}

/// Orders a step: the settled version again, or a new one.
async fn ask(stage: Stage, states: Rc<RefCell<TaskStates>>, versions: Rc<Versions>, task: Name, step: usize) {
    let intent = stage.team.plan.intent(task, step);
    let version = if let Some(settled) = versions.settled(intent) {
        settled
    } else {
        let brief = stage.make(intent, versions.next(intent), None, BRIEFING_TOKENS).await;
        let Some(version) = versions.issue(brief).await else { return };
        version
    };
    let item =
        WorkItem { task, step, version: version.number, op: version.op, summary: version.brief, cites: None };
    let Some(item) = stage.pack(item, version.brief).await else { return };
    stage.agent.before("brief", intent).await;
    if states.borrow().is_open(task, step) && versions.is_current(&version) {
        stage.agent.send(stage.team.workers[0], intent, PipelineMessage::WorkItem(item));
    }
}

/// A link of the chain: makes an artifact of what it gets, and passes it on.
struct Link {
    stage: Stage,
    next: Name,
}

impl Link {
    fn of(agent: Agent, team: TeamContext) -> Self {
        let me = team.workers.iter().position(|link| *link == agent.name());
        let next = me.and_then(|me| team.workers.get(me + 1)).copied().unwrap_or(Name::literal(ACTOR));
        Self { stage: Stage::recover(agent, team), next }
    }

    async fn run(self) {
        loop {
            let mail = self.stage.agent.receive().await;
            if let Some(item) = self.stage.item_in(&mail) {
                self.stage.agent.spawn(pass_on(self.stage.clone(), item, self.next));
            }
        }
    }
}

async fn pass_on(stage: Stage, item: WorkItem, next: Name) {
    let intent = stage.intent(&item);
    let Some(material) = stage.unpack(&item).await else { return };
    let made = stage.make(intent, item.version, Some(material), WORKING_TOKENS).await;
    let Some(item) = stage.pack(item, made).await else { return };
    stage.agent.before("forward", intent).await;
    stage.agent.send(next, intent, PipelineMessage::WorkItem(item));
}

/// The actor at the end of the chain.
#[derive(Clone)]
struct Actor {
    stage: Stage,
    worker: StepWorker,
    answers: AnsweredQuestions,
}

impl Actor {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let worker = StepWorker::recover(&agent, team.safeguards());
        let stage = Stage { agent, team, answers: worker.answers().clone() };
        Self { stage, worker, answers: AnsweredQuestions::default() }
    }

    async fn run(self) {
        loop {
            let mail = self.stage.agent.receive().await;
            let Some(item) = self.stage.item_in(&mail) else { continue };
            let WorkItem { task, step, .. } = item;
            let intent = self.stage.intent(&item);
            if self.stage.team.safeguards().has::<ReplyDedupe>() {
                if self.worker.status(intent, 0) == StepStatus::Done {
                    let outcome = PipelineMessage::outcome(task, step, self.worker.confirmed(intent));
                    self.stage.agent.send(Name::literal(LEAD), intent, outcome);
                    continue;
                }
                if !self.answers.take(intent) {
                    continue;
                }
            }
            self.stage.agent.spawn(self.clone().consider(item));
        }
    }

    /// Acts on the output of the chain, if it is still current.
    async fn consider(self, item: WorkItem) {
        let intent = self.stage.intent(&item);
        let Some(basis) = self.stage.unpack(&item).await else { return self.answers.discard(intent) };
        if !self.may_act(&item).await {
            return self.answers.discard(intent);
        }
        let headers = Headers {
            precondition: Some(Version(item.version.into())),
            provenance: Some(basis.id()),
            ..Headers::NONE
        };
        let WorkItem { task, step, op, .. } = item;
        let answers = self.answers.clone();
        let operation = self.stage.team.plan.operation_of(task, step);
        self.worker.start((operation, headers), 0, KeySource::Given(op), move |agent, confirmed| {
            if confirmed.is_none() {
                answers.discard(intent);
            }
            agent.send(Name::literal(LEAD), intent, PipelineMessage::outcome(task, step, confirmed));
        });
    }

    /// Whether the lead lets this version be acted on; always true without a check.
    async fn may_act(&self, item: &WorkItem) -> bool {
        let Stage { agent, team, .. } = &self.stage;
        if !team.safeguards().has::<VersionCheck>() {
            return true;
        }
        let WorkItem { task, step, version, .. } = *item;
        let intent = team.plan.intent(task, step);
        agent.before("check", intent).await;
        let question = PipelineMessage::CheckVersion { task, step, version };
        let answer = agent.request(Name::literal(LEAD), intent, question, CHECK_TIMEOUT).await;
        matches!(answer.as_ref().map(|mail| mail.open()), Ok(Some(PipelineMessage::VersionChecked(true))))
    }
}
