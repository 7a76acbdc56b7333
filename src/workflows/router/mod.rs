//! Router: a router classifies each step of a task, and sends it to a specialist of its field.
//!
//! ```text
//!   user --submit--> router --assign--> specialist-1 --call--> tool
//!    ^                | ^                  |
//!    |                | '--done/not mine---'
//!    '-----report-----'----assign--> specialist-2 ...
//! ```
//!
//! The field of a step is that of its tool, and each specialist knows one field; where there are more
//! specialists than fields, several know the same one. The router's model says which field a step is of. It
//! can be wrong: then a specialist gets work that it only half understands, and carries it out all the same.
//! It can name a field that does not exist. And the specialist of the right field can be out: the router
//! sends the step to another one of that field when no answer comes.
//!
//! The user makes the id of each operation once, and it travels with the orders: two specialists that are
//! sent the same step ask for the same operation.

mod specialist;

use crate::agent::{
    Agent, Confirmation, HANDOFF, Headers, Message, OpId, Prompt, Purpose, UNKNOWN_AGENT, UNKNOWN_TARGET,
};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::route_check::RouteCheck;
use crate::workflows::dispatcher::{DispatchAction, Dispatcher};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("router")
        .about("a router classifies each step and sends it to a specialist of its field")
        .agent(ROUTER, |agent, team| Router::recover(agent, team).run())
        .agents(Role::new("specialists", "specialist", 1..=MOST_AGENTS, 3), specialist::specialist)
        .safeguards(&[
            "call-timeout",
            "check-arguments",
            "checkpoint",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "observe-before-retry",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "route-check",
            "tool-dedupe",
            "traced-calls",
        ])
        .properties(&[
            "effects-as-wanted",
            "effects-traceable",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

const ROUTER: &str = "router";

/// Tokens that the router's model reads to classify a step.
const CLASSIFYING_TOKENS: u32 = 350;

/// How often the router has a step classified at once before that counts as a failure.
const CLASSIFICATIONS: u32 = 5;

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum RouterMessage {
    /// Do this step, under this id.
    Assign { task: Name, step: usize, op: OpId },
    /// It is done.
    Done { task: Name, step: usize, confirmed: Confirmation },
    /// It has failed.
    Failed { task: Name, step: usize },
    /// It is not of the specialist's field.
    NotMine { task: Name, step: usize },
}

impl RouterMessage {
    /// A specialist's answer to an order.
    fn outcome(task: Name, step: usize, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, confirmed },
            None => Self::Failed { task, step },
        }
    }
}

impl Message for RouterMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Assign { .. } => "assign",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::NotMine { .. } => "not mine",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Assign { op, task, .. } => Headers {
                idempotency_key: Some(*op),
                correlation: Some(*task),
                ..Headers::of(Purpose::Order)
            },
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
            Self::NotMine { .. } => Headers::of(Purpose::Refused),
        }
    }
}

/// Which field is this step of?
#[derive(Hash, Serialize)]
struct ToClassify {
    instruction: &'static str,
    about: Name,
    fields: Arc<[Name]>,
}

/// The field that a model takes a step to be of.
#[derive(Clone, Copy, PartialEq, Hash, Debug, Serialize, Deserialize)]
struct Classified {
    field: Name,
}

/// The fields of the steps, and which specialists know each. A field is named after one of its tools.
#[derive(Clone)]
struct Fields {
    names: Arc<[Name]>,
    /// The place of the field of each step among the names.
    of_steps: Arc<[usize]>,
}

impl Fields {
    fn of(team: &TeamContext) -> Self {
        let tools: BTreeSet<&str> = team.plan.steps.iter().map(|step| step.tool.as_str()).collect();
        let tools: Vec<&str> = tools.into_iter().collect();
        let count = tools.len().min(team.workers.len()).max(1);
        let place = |tool: Name| tools.iter().position(|known| *known == tool.as_str()).unwrap_or_default();
        let of_steps = team.plan.steps.iter().map(|step| place(step.tool) % count).collect();
        Self { names: tools.iter().take(count).map(|tool| Name::new(tool)).collect(), of_steps }
    }

    /// The place of a field, if there is one of that name.
    fn place(&self, field: Name) -> Option<usize> {
        self.names.iter().position(|name| *name == field)
    }

    /// The field that the nth specialist knows.
    fn known_to(&self, specialist: usize) -> usize {
        specialist % self.names.len()
    }

    /// Whether the nth specialist knows the field of a step.
    fn knows(&self, specialist: usize, step: usize) -> bool {
        self.known_to(specialist) == self.of_steps[step]
    }

    /// Of so many specialists, those that know a field.
    fn knowing(&self, field: usize, specialists: usize) -> impl Iterator<Item = usize> + Clone {
        (field..specialists).step_by(self.names.len())
    }
}

/// Where a step is sent.
#[derive(Clone, Copy)]
enum Target {
    /// To those that know the field of this place.
    Field(usize),
    /// To a field that does not exist.
    Unknown,
}

/// How a step was routed so far.
#[derive(Clone, Copy, Default)]
struct Routing {
    target: Option<Target>,
    /// How often it was classified.
    classified: u64,
    /// How often it was sent.
    orders: usize,
}

struct Router {
    agent: Agent,
    team: TeamContext,
    dispatcher: Dispatcher,
    answers: ModelAnswers,
    fields: Fields,
    routings: Lookup<(Name, usize), Routing>,
}

impl Router {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let dispatcher = Dispatcher::recover(&agent, &team, ResendOrders::of(team.safeguards()));
        let (answers, fields) = (ModelAnswers::recover(&agent), Fields::of(&team));
        Self { agent, team, dispatcher, answers, fields, routings: Lookup::default() }
    }

    async fn run(mut self) {
        self.dispatcher.resume();
        loop {
            while let Some((task, duty)) = self.dispatcher.next_action() {
                match duty {
                    DispatchAction::Step(step) if self.dispatcher.is_step_due(task, step) => {
                        self.send_on(task, step).await;
                    }
                    DispatchAction::End => self.dispatcher.end_if_complete(task).await,
                    DispatchAction::Step(_) | DispatchAction::Plan => {}
                }
            }
            let Ok(mail) = self.dispatcher.receive().await else { continue };
            if let Some(task) = self.dispatcher.tracker().accept(&mail).await {
                self.dispatcher.bring_up_steps(task);
            }
            match mail.open().cloned() {
                Some(RouterMessage::Done { task, step, confirmed }) => {
                    self.dispatcher.completed(task, step, Some(confirmed)).await;
                }
                Some(RouterMessage::Failed { task, step }) => self.dispatcher.failed(task, step).await,
                Some(RouterMessage::NotMine { task, step }) => self.is_not_of(mail.from(), task, step),
                Some(RouterMessage::Assign { .. }) | None => {}
            }
        }
    }

    /// Sends a step to a specialist of the field that it is taken to be of: each time to the next one, since
    /// one that has not answered may be out.
    async fn send_on(&mut self, task: Name, step: usize) {
        let Some(op) = self.dispatcher.states().get(task).map(|state| state.ops[step]) else { return };
        let intent = self.team.plan.intent(task, step);
        let Some(target) = self.target_of(task, step).await else {
            self.dispatcher.sent(task, DispatchAction::Step(step));
            return self.dispatcher.failed(task, step).await;
        };
        let routing = self.routings.get_or_insert_with((task, step), Routing::default);
        routing.orders += 1;
        let to = match target {
            Target::Unknown => Name::literal(UNKNOWN_AGENT),
            Target::Field(field) => {
                let all = self.fields.knowing(field, self.team.workers.len());
                let which = (routing.orders - 1) % all.clone().count();
                self.team.workers[all.clone().nth(which).expect("each field has a specialist")]
            }
        };
        self.agent.before("assign", intent).await;
        self.agent.declare_wait(to, "completion of a step", intent);
        self.agent.send(to, intent, RouterMessage::Assign { task, step, op });
        self.dispatcher.sent(task, DispatchAction::Step(step));
    }

    /// Where a step goes: as it was classified before, or as the model classifies it now. With `route-check`,
    /// an unknown field does not count as an answer, and after some of these there is none.
    async fn target_of(&mut self, task: Name, step: usize) -> Option<Target> {
        let checks = self.team.safeguards().has::<RouteCheck>();
        let mut routing = self.routings.get((task, step)).copied().unwrap_or_default();
        for _ in 0..CLASSIFICATIONS {
            if routing.target.is_none() {
                let Classified { field } = self.classify((task, step), routing.classified).await;
                routing.classified += 1;
                routing.target = match self.fields.place(field) {
                    Some(place) => Some(Target::Field(place)),
                    None if checks => None,
                    None => Some(Target::Unknown),
                };
                self.routings.insert((task, step), routing);
            }
            if routing.target.is_some() {
                return routing.target;
            }
        }
        None
    }

    /// Has the model say which field a step is of: the right one, unless it errs.
    async fn classify(&self, (task, step): (Name, usize), number: u64) -> Classified {
        let (agent, intent) = (&self.agent, self.team.plan.intent(task, step));
        let Fields { names, of_steps } = &self.fields;
        let instruction = "Say which field this step is of.";
        let prompt = ToClassify { instruction, about: intent, fields: Arc::clone(names) };
        let prompt = Prompt::new(prompt, CLASSIFYING_TOKENS);
        let ask = async || {
            let is_unknown = agent.fault_at(HANDOFF, intent, |kind| kind == UNKNOWN_TARGET).is_some();
            let classified = |nth: u32| Classified {
                field: if is_unknown { Name::literal(UNKNOWN_AGENT) } else { names[nth as usize] },
            };
            let which = (names.len() as u32, of_steps[step] as u32);
            agent.complete_rightly(intent, &prompt, which, classified).await
        };
        self.answers.complete(agent, self.team.safeguards(), (intent, number), ask).await
    }

    /// A specialist does not know the field of a step: it is classified anew, unless it has been meanwhile.
    fn is_not_of(&mut self, specialist: Name, task: Name, step: usize) {
        let Some(place) = self.team.place_of(specialist) else { return };
        let Some(routing) = self.routings.get_mut((task, step)) else { return };
        let field = self.fields.known_to(place);
        if matches!(routing.target, Some(Target::Field(taken_for)) if taken_for == field) {
            routing.target = None;
            self.dispatcher.answered(task, DispatchAction::Step(step));
            self.dispatcher.bring_up(task, DispatchAction::Step(step));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_specialists_and_each_of_them_one_field() {
        let names: Arc<[Name]> = ["bank", "mail", "wiki"].map(Name::new).into();
        let fields = Fields { names, of_steps: [2, 0].into() };
        let knowing = |field| fields.knowing(field, 7).collect::<Vec<_>>();
        assert_eq!([knowing(0), knowing(1), knowing(2)], [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert!(fields.knows(2, 0) && fields.knows(3, 1) && !fields.knows(1, 0));
        assert_eq!(
            (fields.place(Name::new("mail")), fields.place(Name::new("unknown-agent"))),
            (Some(1), None)
        );
    }
}
