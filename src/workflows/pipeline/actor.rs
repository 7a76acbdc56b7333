//! The actor at the end of the chain: the only one that acts.

use super::message::{PipelineMessage, WorkItem};
use super::stage::Stage;
use super::{CHECK_TIMEOUT, LEAD};
use crate::agent::{Agent, Content, Handover, Headers, Version};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::reply_dedupe::{AnsweredQuestions, ReplyDedupe};
use crate::safeguards::version_check::VersionCheck;
use crate::workflows::TeamContext;
use crate::workflows::worker::{StepStatus, StepWorker};
use perfidy_sim::Name;
use serde_json::{Map, Value};

/// The actor at the end of the chain.
#[derive(Clone)]
pub(super) struct Actor {
    stage: Stage,
    worker: StepWorker,
    answers: AnsweredQuestions,
}

impl Actor {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let worker = StepWorker::recover(&agent, team.safeguards());
        let stage = Stage::with_answers(agent, team, worker.answers().clone());
        Self { stage, worker, answers: AnsweredQuestions::default() }
    }

    pub async fn run(self) {
        loop {
            let mail = self.stage.agent.receive().await;
            let Some(item) = self.stage.accept(&mail) else { continue };
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
            self.stage.agent.spawn(self.clone().consider(item, mail.from()));
        }
    }

    /// Acts on the output of the chain, if it is still current.
    async fn consider(self, item: WorkItem, from: Name) {
        let intent = self.stage.intent(&item);
        let Some(item) = self.stage.with_sound_facts(item, from).await else {
            return self.answers.discard(intent);
        };
        let Some(basis) = self.stage.unpack(&item).await else { return self.answers.discard(intent) };
        if !self.may_act(&item).await {
            return self.answers.discard(intent);
        }
        let headers = Headers {
            precondition: Some(Version(item.version.into())),
            provenance: Some(basis.id()),
            ..Headers::NONE
        };
        let WorkItem { task, step, op, handover, .. } = item;
        let answers = self.answers.clone();
        let operation = self.stage.team.plan.operation_of(task, step).with(arguments(handover));
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

/// The arguments of a call by what was handed over: its fields, and each fact under the name of its item.
fn arguments(handover: Handover) -> Content {
    if handover.facts.is_empty() {
        return handover.fields;
    }
    let mut arguments = match handover.fields.json() {
        Value::Object(table) => table,
        _ => Map::new(),
    };
    let facts = handover.facts.into_iter().map(|fact| (fact.item.as_str().to_owned(), fact.value.json()));
    arguments.extend(facts);
    Content::of_json(Value::Object(arguments))
}
