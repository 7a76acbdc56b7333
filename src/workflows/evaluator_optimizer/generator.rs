//! The generator: makes drafts of each step until one is accepted, carries that out, and reports to the user.

use super::{EVALUATOR, EvaluatorMessage};
use crate::agent::{Agent, Content, Headers, Operation, Prompt};
use crate::protocols::{ComposedCall, SingleFlight};
use crate::safeguards::budgets::{Budgets, Spent};
use crate::safeguards::calls::{CallPolicy, call_with_retry};
use crate::safeguards::check_arguments::{CheckArguments, are_as_ordered};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::task_state::TaskEvent;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{TeamContext, one_at_a_time};
use perfidy_sim::{Name, SimSpan};
use serde::Serialize;
use std::rc::Rc;

/// How long the generator waits before it calls again where all tries of a call have failed.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// Tokens that the generator's model reads to compose a draft.
const COMPOSING_TOKENS: u32 = 400;

/// How many wordings there are of a draft.
const WORDINGS: u32 = 3;

/// The calls of models that a round takes: the draft, and the verdict on it.
const TURNS_OF_A_ROUND: u32 = 2;

/// Takes tasks in, and works on all of them at once.
pub(super) async fn generator(agent: Agent, team: TeamContext) {
    let tracker = TaskTracker::recover(&agent, &team);
    let answers = ModelAnswers::recover(&agent);
    let generator = Rc::new(Generator { agent: agent.clone(), team, tracker, answers });
    let working = SingleFlight::default();
    let work_on = |task: Name| {
        let generator = Rc::clone(&generator);
        working.start(&agent, task, async move { generator.work_on(task).await });
    };
    let open = generator.tracker.states().open();
    open.into_iter().for_each(&work_on);
    loop {
        let mail = agent.receive().await;
        if let Some(task) = generator.tracker.accept(&mail).await {
            work_on(task);
        }
    }
}

/// Draft this call. What was wrong with the drafts of the rounds before is known by their number.
#[derive(Hash, Serialize)]
struct ToDraft {
    instruction: &'static str,
    round: u32,
    call: Operation,
}

struct Generator {
    agent: Agent,
    team: TeamContext,
    tracker: TaskTracker,
    answers: ModelAnswers,
}

impl Generator {
    /// Takes the steps of a task until all are done, or one is given up.
    async fn work_on(&self, task: Name) {
        let mut is_done = true;
        for step in one_at_a_time(&self.team.plan.steps) {
            if self.tracker.states().is_open(task, step) && !self.take_step(task, step).await {
                is_done = false;
                break;
            }
        }
        self.tracker.close(task, is_done).await;
    }

    /// Makes drafts of a step until one is accepted, and carries that out; whether it is done.
    async fn take_step(&self, task: Name, step: usize) -> bool {
        let Some(draft) = self.accepted_draft(task, step).await else { return false };
        self.carry_out(task, step, draft).await
    }

    /// A draft that is accepted; `None` once the budget is used up.
    async fn accepted_draft(&self, task: Name, step: usize) -> Option<Operation> {
        let (safeguards, wanted) = (self.team.safeguards(), self.team.plan.operation_of(task, step));
        let budgets = safeguards.get::<Budgets>();
        let mut spent = Spent::default();
        for round in 0.. {
            if budgets.is_some_and(|budgets| !budgets.allow_turn(&spent)) {
                return None;
            }
            spent.turns += TURNS_OF_A_ROUND;
            let draft = self.draft(&wanted, round).await;
            let is_accepted = self.is_accepted((task, step), round, draft.clone()).await;
            // What code can compare with the order, no verdict of a model overrules.
            let is_checked = !safeguards.has::<CheckArguments>() || are_as_ordered(&draft, &wanted);
            if is_accepted && is_checked {
                return Some(wanted.with(draft));
            }
        }
        None
    }

    /// The arguments of the call, as the model composes them in this round.
    async fn draft(&self, wanted: &Operation, round: u32) -> Content {
        let (agent, safeguards) = (&self.agent, self.team.safeguards());
        let prompt = ToDraft { instruction: "Draft this call.", round, call: wanted.clone() };
        let prompt = Prompt::new(prompt, COMPOSING_TOKENS);
        let honest = |wording| ComposedCall { arguments: wanted.arguments.clone(), wording };
        let fits = |draft: &ComposedCall| draft.arguments.is_nothing() == wanted.arguments.is_nothing();
        let compose =
            async || agent.complete_valid(wanted.intent, &prompt, WORDINGS, honest, fits).await.value;
        self.answers.complete(agent, safeguards, (wanted.intent, round.into()), compose).await.arguments
    }

    /// Asks the evaluator until it answers.
    async fn is_accepted(&self, (task, step): (Name, usize), round: u32, draft: Content) -> bool {
        let (agent, evaluator) = (&self.agent, Name::literal(EVALUATOR));
        let intent = self.team.plan.intent(task, step);
        let resend = ResendOrders::of(self.team.safeguards());
        agent.declare_wait(evaluator, "a verdict", intent);
        let is_accepted = loop {
            agent.before("ask", intent).await;
            let review = EvaluatorMessage::Review { task, step, round, draft: draft.clone() };
            let reply = agent.request(evaluator, intent, review, resend).await;
            // A reply that is late or cannot be read is none.
            if let Some(EvaluatorMessage::Verdict { is_accepted }) =
                reply.as_ref().ok().and_then(|mail| mail.open())
            {
                break *is_accepted;
            }
        };
        agent.withdraw_wait(intent);
        is_accepted
    }

    /// Makes the call that was accepted, as often as it may fail; whether it is done.
    async fn carry_out(&self, task: Name, step: usize, operation: Operation) -> bool {
        let op = self.tracker.states().get(task).and_then(|state| state.ops.get(step).copied());
        let Some(op) = op else { return false };
        let safeguards = self.team.safeguards();
        let agent = self.agent.under(Headers { correlation: Some(task), ..Headers::NONE });
        let policy = CallPolicy::of(safeguards);
        let mut failures = 0;
        loop {
            // Before a crash it may have been called already.
            let tried_before = failures > 0 || agent.incarnation() > 0;
            match call_with_retry(&agent, &policy, &operation, op, tried_before).await {
                Ok(confirmed) => {
                    let confirmed = Some(confirmed);
                    self.tracker.record(TaskEvent::Completed { task, step, confirmed }).await;
                    return true;
                }
                Err(_) => failures += 1,
            }
            if GiveUpAfter::is_reached(safeguards, failures) {
                return false;
            }
            agent.sleep(PAUSE).await;
        }
    }
}
