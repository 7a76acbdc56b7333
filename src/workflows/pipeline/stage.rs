//! A stage of the pipeline: it accepts work, makes artifacts of it, and hands them over to the next.

use super::message::{PipelineMessage, WorkItem};
use super::{ACTOR, ARTIFACT_STORE, CHECK_TIMEOUT, LEAD, WORKING_TOKENS};
use crate::agent::{Agent, Artifact, Breach, Content, Delivery, Fact, Handover, Operation};
use crate::protocols::Question;
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::carry_provenance::taken_over;
use crate::safeguards::cite_artifacts::{self, CiteArtifacts};
use crate::safeguards::contract_check::{AfterRefusal, ContractCheck, Outgoing};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::fact_check::{Checked, FactCheck, compare_with_source};
use crate::workflows::{Evidence, TeamContext};
use perfidy_sim::Name;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many different artifacts a model could make of the same input.
const WAYS_TO_PUT_IT: u32 = 1_000_000;

/// A stage: it reads and makes artifacts.
#[derive(Clone)]
pub(super) struct Stage {
    pub agent: Agent,
    pub team: TeamContext,
    pub answers: ModelAnswers,
    /// What it has handed over, each to whom.
    outgoing: Outgoing<(Name, WorkItem)>,
    /// What it knows of the evidence behind each step, as it passes it on.
    evidence: Rc<RefCell<BTreeMap<Name, Vec<Fact>>>>,
}

impl Stage {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let answers = ModelAnswers::recover(&agent);
        Self::with_answers(agent, team, answers)
    }

    /// The stage of an agent whose model has answered this.
    pub fn with_answers(agent: Agent, team: TeamContext, answers: ModelAnswers) -> Self {
        Self { agent, team, answers, outgoing: Outgoing::default(), evidence: Rc::default() }
    }

    /// Makes a piece of work with the help of the model. To ask for another version is another question.
    pub async fn make(&self, about: Name, version: u32, from: Option<Artifact>, tokens: u32) -> Artifact {
        let question = Name::new(&format!("{about}/version-{version}"));
        let known = from.map_or(Content::NOTHING, Content::new);
        let prompt = Question::new("Work on this step.", about).knowing(known).prompt(tokens);
        let from = from.map(|material| material.id());
        let make = async || self.agent.make((about, question), from, &prompt, WAYS_TO_PUT_IT).await;
        self.answers.complete(&self.agent, self.team.safeguards(), (question, 0), make).await
    }

    /// Packs an artifact. `None` if it must be stored first and that failed.
    pub async fn pack(&self, item: WorkItem, artifact: Artifact) -> Option<WorkItem> {
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
    pub async fn unpack(&self, item: &WorkItem) -> Option<Artifact> {
        let Some(id) = item.cites else { return Some(item.summary) };
        let about = self.intent(item);
        cite_artifacts::fetch(&self.agent, Name::literal(ARTIFACT_STORE), about, id).await.ok()
    }

    /// The work item in a message, if the stage accepts it. One that breaks its contract it refuses.
    pub fn accept(&self, mail: &Delivery) -> Option<WorkItem> {
        let Some(PipelineMessage::WorkItem(item)) = mail.open() else { return None };
        if !self.team.plan.has_step(item.step) {
            return None;
        }
        match self.breach(item) {
            None => Some(item.clone()),
            Some(breach) => {
                self.refuse(mail.from(), item, breach);
                None
            }
        }
    }

    /// How an item breaks its contract, if it does and the stage checks that: it has all fields of the step's
    /// arguments, and the evidence on which the step rests.
    fn breach(&self, WorkItem { task, step, handover, .. }: &WorkItem) -> Option<Breach> {
        let safeguards = self.team.safeguards();
        let order = self.team.plan.operation_of(*task, *step).arguments;
        if let Err(breach) = ContractCheck::check(safeguards, &order, handover) {
            return Some(breach);
        }
        let Evidence { source, item } =
            self.team.plan.steps[*step].evidence.filter(|_| safeguards.has::<ContractCheck>())?;
        let is_there = handover.facts.iter().any(|fact| (fact.source, fact.item) == (source, item));
        (!is_there).then_some(Breach::Missing(item))
    }

    fn refuse(&self, from: Name, item: &WorkItem, breach: Breach) {
        let WorkItem { task, step, version, .. } = *item;
        let refusal = PipelineMessage::Refused { task, step, version, breach };
        self.agent.send(from, self.intent(item), refusal);
    }

    /// The item of that sender with its facts as this stage passes them on. `None` if one of them is wrong,
    /// which the stage refuses, or cannot be checked.
    pub async fn with_sound_facts(&self, item: WorkItem, from: Name) -> Option<WorkItem> {
        if item.handover.facts.is_empty() {
            return Some(item);
        }
        let (safeguards, intent) = (self.team.safeguards(), self.intent(&item));
        if safeguards.has::<FactCheck>() {
            let policy = ReadPolicy::of(safeguards);
            for fact in &item.handover.facts {
                match compare_with_source(&self.agent, &policy, fact, intent).await {
                    Checked::Right => {}
                    Checked::Wrong => {
                        self.refuse(from, &item, Breach::WrongFact(fact.item));
                        return None;
                    }
                    Checked::Unknown => return None,
                }
            }
        }
        let facts = taken_over(safeguards, &item.handover.facts, from);
        self.evidence.borrow_mut().insert(intent, facts.clone());
        Some(WorkItem { handover: Handover { facts, ..item.handover }, ..item })
    }

    /// The evidence on which a step rests, as a reading of its source, or, if that does not answer, as this
    /// stage is told. `None` if it is not known.
    pub async fn find_evidence(&self, (task, step): (Name, usize), informant: Name) -> Option<Vec<Fact>> {
        let Some(Evidence { source, item }) = self.team.plan.steps[step].evidence else {
            return Some(Vec::new());
        };
        let (safeguards, intent) = (self.team.safeguards(), self.team.plan.intent(task, step));
        let query = Operation::new(source, item, intent);
        if let Ok(reading) = read_with_retry(&self.agent, &ReadPolicy::of(safeguards), &query).await {
            return Some(vec![Fact::read(source, item, reading.content)]);
        }
        let question = PipelineMessage::AskEvidence { task, step };
        let answer = self.agent.request(informant, intent, question, CHECK_TIMEOUT).await.ok()?;
        let Some(PipelineMessage::Evidence(told)) = answer.open() else { return None };
        let facts = taken_over(safeguards, &told.facts, informant);
        let is_it = |fact: &Fact| (fact.source, fact.item) == (source, item);
        facts.iter().any(is_it).then_some(facts)
    }

    /// Says what it knows of the evidence behind a step, if the message asks for that.
    fn tell_evidence(&self, mail: &Delivery) {
        if let Some(PipelineMessage::AskEvidence { .. }) = mail.open() {
            let facts = self.evidence.borrow().get(&mail.about()).cloned().unwrap_or_default();
            self.agent.reply(mail, PipelineMessage::Evidence(Handover { facts, ..Handover::default() }));
        }
    }

    /// Hands an item over to the next stage.
    pub fn hand_over(&self, to: Name, item: WorkItem) {
        let intent = self.intent(&item);
        self.outgoing.sent(intent, (to, item.clone()));
        self.agent.send(to, intent, PipelineMessage::WorkItem(item));
    }

    /// Hands over again what its receiver has refused, if that step is still wanted. The task and the step,
    /// once that has happened too often; also if the message is no refusal, `None`.
    pub fn is_refused_for_good(
        &self,
        mail: &Delivery,
        is_wanted: impl Fn(Name, usize) -> bool,
    ) -> Option<(Name, usize)> {
        let Some(&PipelineMessage::Refused { task, step, version, .. }) = mail.open() else { return None };
        if !is_wanted(task, step) {
            return None;
        }
        let is_it = |(to, item): &(Name, WorkItem)| {
            *to == mail.from() && (item.task, item.step, item.version) == (task, step, version)
        };
        match self.outgoing.refused(mail.about(), is_it) {
            AfterRefusal::Again((to, item)) => {
                self.agent.send(to, mail.about(), PipelineMessage::WorkItem(item));
                None
            }
            AfterRefusal::TooOften => Some((task, step)),
            AfterRefusal::Unknown => None,
        }
    }

    pub fn intent(&self, item: &WorkItem) -> Name {
        self.team.plan.intent(item.task, item.step)
    }
}

/// A link of the chain: makes an artifact of what it gets, and passes it on.
pub(super) struct Link {
    stage: Stage,
    next: Name,
}

impl Link {
    pub fn of(agent: Agent, team: TeamContext) -> Self {
        let me = team.workers.iter().position(|link| *link == agent.name());
        let next = me.and_then(|me| team.workers.get(me + 1)).copied().unwrap_or(Name::literal(ACTOR));
        Self { stage: Stage::recover(agent, team), next }
    }

    pub async fn run(self) {
        loop {
            let mail = self.stage.agent.receive().await;
            if let Some((task, step)) = self.stage.is_refused_for_good(&mail, |_, _| true) {
                let failed = PipelineMessage::Failed { task, step };
                self.stage.agent.send(Name::literal(LEAD), mail.about(), failed);
            } else if let Some(item) = self.stage.accept(&mail) {
                self.stage.agent.spawn(pass_on(self.stage.clone(), (item, mail.from()), self.next));
            }
            self.stage.tell_evidence(&mail);
        }
    }
}

async fn pass_on(stage: Stage, (item, from): (WorkItem, Name), next: Name) {
    let intent = stage.intent(&item);
    let Some(item) = stage.with_sound_facts(item, from).await else { return };
    let Some(material) = stage.unpack(&item).await else { return };
    let made = stage.make(intent, item.version, Some(material), WORKING_TOKENS).await;
    let Some(item) = stage.pack(item, made).await else { return };
    stage.agent.before("forward", intent).await;
    stage.hand_over(next, item);
}
