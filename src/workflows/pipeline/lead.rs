//! The lead at the beginning of the chain: it orders the work.

use super::message::{PipelineMessage, WorkItem};
use super::stage::Stage;
use super::{ACTOR, BRIEFING_TOKENS, LEAD, PATIENCE, PATIENCE_A_LINK};
use crate::agent::{Agent, Handover};
use crate::safeguards::known_defect::Defect;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::version_check::Versions;
use crate::workflows::TeamContext;
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::task_state::TaskStates;
use perfidy_sim::Name;
use std::cell::RefCell;
use std::rc::Rc;

/// Orders the work, and decides which version of it is current.
pub(super) struct Lead {
    stage: Stage,
    dispatcher: Dispatcher,
    versions: Rc<Versions>,
}

impl Lead {
    pub fn recover(agent: Agent, team: TeamContext) -> Self {
        let patience = PATIENCE.max(PATIENCE_A_LINK.saturating_mul(team.workers.len() as u64));
        Self {
            dispatcher: Dispatcher::recover(&agent, &team, ResendOrders::of_or(team.safeguards(), patience)),
            versions: Rc::new(Versions::recover(&agent, team.safeguards())),
            stage: Stage::recover(agent, team),
        }
    }

    pub async fn run(mut self) {
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
            let is_open = |task, step| self.dispatcher.states().is_open(task, step);
            if let Some((task, step)) = self.stage.is_refused_for_good(&mail, is_open) {
                self.dispatcher.failed(task, step).await;
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
    let Some(facts) = stage.find_evidence((task, step), stage.team.workers[0]).await else {
        return stage.agent.send(Name::literal(LEAD), intent, PipelineMessage::Failed { task, step });
    };
    let handover = Handover::of(stage.team.plan.operation_of(task, step).arguments);
    let handover = Handover { facts, ..handover };
    let (summary, cites) = (version.brief, None);
    let item = WorkItem { task, step, version: version.number, op: version.op, summary, cites, handover };
    let Some(item) = stage.pack(item, version.brief).await else { return };
    stage.agent.before("brief", intent).await;
    let orders_any_version = Defect::ReplacedVersionOrdered.is_in(stage.team.safeguards());
    let is_current = orders_any_version || versions.is_current(&version);
    if states.borrow().is_open(task, step) && is_current {
        stage.hand_over(stage.team.workers[0], item);
    }
}
