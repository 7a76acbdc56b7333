//! Which calls a loop may make: those of its request, that no guardrail forbids and that people approve where
//! they must.

use super::{AgentLoop, LoopTask, PreparedCall, SessionEvent};
use crate::agent::{CallRequest, Content, Operation, ToolResult};
use crate::safeguards::approval_binding::ApprovalBinding;
use crate::safeguards::approval_gate::ApprovalGate;
use crate::safeguards::check_arguments::{CheckArguments, are_as_ordered};
use crate::safeguards::durable_approvals::DurableApprovals;
use crate::safeguards::effect_permissions::EffectPermissions;
use crate::safeguards::guardrail::{Guardrail, Runs};
use perfidy_sim::Name;

impl AgentLoop {
    /// When a guardrail checks, if calls wait for it.
    pub(super) fn guardrail_runs(&self) -> Option<Runs> {
        self.team.safeguards().get::<Guardrail>().map(|guardrail| guardrail.runs)
    }

    /// Whether a guardrail has forbidden what is asked for, as far as is known. One that runs beside the
    /// model is asked here.
    pub(super) fn has_tripped(&self, task: &LoopTask) -> bool {
        let checks = self.approvals.checks();
        let requested = checks.guarded(task.operations());
        if matches!(self.guardrail_runs(), None | Some(Runs::Beside)) {
            checks.ask(task.work(), &requested, &requested);
        }
        checks.forbid(&requested)
    }

    /// Whether a guardrail has forbidden what is asked for, as far as is known.
    pub(super) fn is_forbidden(&self, task: &LoopTask) -> bool {
        let checks = self.approvals.checks();
        self.guardrail_runs().is_some() && checks.forbid(&checks.guarded(task.operations()))
    }

    /// Whether a guardrail keeps these calls from being made: it has forbidden them, or has not allowed them
    /// where they wait for that.
    pub(super) async fn are_forbidden(&self, task: &LoopTask, asked: &[CallRequest]) -> bool {
        let checks = self.approvals.checks();
        let requested = checks.guarded(task.operations());
        match self.guardrail_runs() {
            None => checks.forbid(&requested),
            Some(Runs::Before | Runs::Beside) => !checks.allow(task.work(), &requested, &requested).await,
            Some(Runs::After) => {
                let asked = checks.guarded(asked.iter().map(|call| &call.operation));
                !checks.allow(task.work(), &requested, &asked).await
            }
        }
    }

    /// Whether a person has approved a call, or does so now. With `durable-approvals` that is on record
    /// before the call is made, so that neither a crash nor a call that fails makes the person decide again.
    pub(super) async fn is_approved(&mut self, work: Name, call: &PreparedCall, gate: ApprovalGate) -> bool {
        let safeguards = self.team.safeguards().clone();
        if !safeguards.has::<DurableApprovals>() {
            let decision = self.approvals.ask(&call.operation, call.op, gate).await;
            return decision.is_some_and(|decision| decision.is_approved);
        }
        loop {
            // One can come while another is recorded.
            while let Some(decision) = self.approvals.later_decision(&call.operation, call.op) {
                self.session.record(work, SessionEvent::Decided(decision)).await;
            }
            let on_record = self.session.approvals();
            if on_record.allow(&call.operation, call.op, self.agent.now()) {
                return true;
            }
            if on_record.forbid(&call.operation, call.op) {
                return false;
            }
            let Some(decision) = self.approvals.ask(&call.operation, call.op, gate).await else {
                return false;
            };
            let is_approved = decision.is_approved;
            self.session.record(work, SessionEvent::Decided(decision)).await;
            if is_approved && !safeguards.has::<ApprovalBinding>() {
                return true;
            }
            // It may have expired while it was recorded.
        }
    }

    /// Why a call is not made, if it is none of the request, or its arguments are not those of a call.
    /// Without `effect-permissions`, any call can be made that a tool of the team knows.
    pub(super) fn problem_with(&self, task: &LoopTask, asked: &Operation) -> Option<ToolResult> {
        let mut orders = task.request.steps.iter().map(|step| &step.operation);
        let order = orders
            .find(|order| (order.intent, order.tool, order.name) == (asked.intent, asked.tool, asked.name));
        let safeguards = self.team.safeguards();
        let Some(order) = order else {
            let mut known = self.team.plan.steps.iter().map(|step| (step.tool, step.operation));
            let is_known = known.any(|call| call == (asked.tool, asked.name));
            let is_made = is_known && EffectPermissions::allow_others(safeguards);
            return (!is_made).then_some(ToolResult::UnknownTool);
        };
        let checks = safeguards.has::<CheckArguments>();
        let is_right =
            fits(&asked.arguments, &order.arguments) && (!checks || are_as_ordered(&asked.arguments, order));
        (!is_right).then_some(ToolResult::InvalidArguments)
    }
}

/// Whether arguments fit the schema of the tool: a table of values where the step has one, and otherwise
/// nothing.
fn fits(arguments: &Content, ordered: &Content) -> bool {
    if ordered.is_nothing() { arguments.is_nothing() } else { arguments.json().is_object() }
}
