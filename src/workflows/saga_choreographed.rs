//! Choreographed saga: without a coordinator, each service does its step on the event that the step before
//! was done, and undoes it on the event that the step after failed or was undone.
//!
//! ```text
//!   user --submit--> service-1 --done--> service-2 --done--> service-3
//!   user <--report-- service-1 <--undone-- service-2 <--failed----'
//! ```
//!
//! No component has the whole state of a task: each service knows its own steps and the events it has
//! received. So an event must not be lost between a state change and its sending (`outbox`), and a repeated
//! event must have no second effect (`inbox-dedupe`). The first service takes in tasks, gets the events of
//! their end, and reports to the user.

use crate::agent::{Agent, Delivery, Headers, Message, OpId, Purpose, Report};
use crate::safeguards::compensate::Compensate;
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::inbox::{Ack, Inbox};
use crate::safeguards::known_defect::Defect;
use crate::safeguards::outbox::{Outbox, OutboxEvent, RESEND};
use crate::safeguards::saga_log::SagaAction;
use crate::workflows::saga::carry_out;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow, one_at_a_time};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("saga-choreographed")
        .about("services carry out and undo their steps on each other's events")
        .agents(Role::new("services", "service", 1..=MOST_AGENTS, 3), Service::begin)
        .tasks_to(&[FIRST])
        .person_on_call()
        .safeguards(&[
            "call-timeout",
            "compensate",
            "dead-letter",
            "event-log",
            "idempotency-keys",
            "inbox-dedupe",
            "journal-fencing",
            "outbox",
            "reply-correlation",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
        ])
        .properties(&[
            "all-or-compensated",
            "eventual-termination",
            "every-call-accounted",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

/// The service that takes in tasks.
const FIRST: &str = "service-1";

/// The new state of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
enum Fact {
    /// The user wants it done; only for the first step.
    Requested,
    /// It was done.
    Done,
    /// It failed for good.
    Failed,
    /// It was undone, or the saga will not undo it any more.
    Undone,
}

/// An event of a step of a task; `place` is the index of the step in the order of execution.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
struct Event {
    task: Name,
    place: usize,
    fact: Fact,
}

impl Message for Event {
    fn kind(&self) -> &'static str {
        match self.fact {
            Fact::Requested => "requested",
            Fact::Done => "done",
            Fact::Failed => "failed",
            Fact::Undone => "undone",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self.fact {
            Fact::Requested => Purpose::Order,
            Fact::Done => Purpose::Done,
            Fact::Failed => Purpose::Failed,
            Fact::Undone => Purpose::Undone,
        })
    }
}

/// The reaction to an event.
enum Reaction {
    /// Do the step at this index.
    Do(usize),
    /// Undo the step at this index.
    Undo(usize),
    /// Report to the user how the task ended.
    Report { done: bool },
}

/// A change of a service's state: the reaction to an event is finished.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Settled(Event);

impl Message for Settled {
    fn kind(&self) -> &'static str {
        "settled"
    }
}

struct Service {
    desk: ServiceContext,
    /// The events that were received, each with a fresh operation id for its reaction.
    inbox: Inbox<Event, OpId>,
    ended: BTreeMap<Name, bool>,
}

/// The state that a service needs to handle an event concurrently with others. Clones share it.
#[derive(Clone)]
struct ServiceContext {
    agent: Agent,
    team: TeamContext,
    order: Arc<[usize]>,
    /// The index of each step in the order.
    places: Arc<[usize]>,
    outbox: Outbox<Event>,
    answers: ModelAnswers,
}

impl Service {
    /// Continues the work from the journal.
    async fn begin(agent: Agent, team: TeamContext) {
        let mut settled = BTreeSet::new();
        let outbox = Outbox::recover(&agent, team.safeguards(), |Settled(event)| {
            settled.insert(*event);
        });
        let mut inbox = Inbox::recover(&agent, team.safeguards());
        if Defect::SettledEventsForgotten.is_in(team.safeguards()) {
            for event in &settled {
                inbox.forget(*event);
            }
        }
        let order: Arc<[usize]> = one_at_a_time(&team.plan.steps).into();
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, step)| places[*step] = place);
        let answers = ModelAnswers::recover(&agent);
        let desk = ServiceContext { agent, team, order, places: places.into(), outbox, answers };
        let mut service = Self { desk, inbox, ended: BTreeMap::new() };
        let unsettled: Vec<Event> = service.inbox.events().filter(|event| !settled.contains(event)).collect();
        for event in unsettled {
            service.react(event).await;
        }
        service.run().await;
    }

    async fn run(mut self) {
        let steps = self.desk.order.len();
        let is_in_order = |event: &Event| event.place < steps;
        loop {
            self.desk.outbox.send_again();
            let Ok(mail) = self.desk.agent.receive_within(RESEND, "a message").await else { continue };
            if let Some(UserMessage::Submit { task, .. }) = mail.open() {
                self.on_submit(*task).await;
            } else if let Some(Ack(event)) = mail.open::<Ack<Event>>() {
                self.desk.outbox.arrived(*event);
            } else if let Some(event) = mail.open::<Event>().filter(|event| is_in_order(event)) {
                self.on_event(&mail, *event).await;
            }
        }
    }

    /// The user submits a task, or submits it again.
    async fn on_submit(&mut self, task: Name) {
        let event = Event { task, place: 0, fact: Fact::Requested };
        if let Some(done) = self.ended.get(&task) {
            report(&self.desk.agent, Report::done_or_failed(task, *done)).await;
        } else if self.inbox.get(event).is_none() {
            self.take(event).await;
        }
    }

    async fn on_event(&mut self, mail: &Delivery, event: Event) {
        let is_new = self.inbox.admits(event);
        if is_new {
            self.take(event).await;
        }
        self.desk.agent.send(mail.from(), mail.about(), Ack(event));
    }

    async fn take(&mut self, event: Event) {
        let (agent, about) = (&self.desk.agent, self.desk.about(event));
        let op = agent.new_operation_id(about);
        self.inbox.take(agent, about, event, op).await;
        self.react(event).await;
    }

    async fn react(&mut self, event: Event) {
        let (action, began_with) = match self.desk.reaction(event) {
            Reaction::Do(place) => (SagaAction::Do(self.desk.order[place]), event),
            Reaction::Undo(place) => (SagaAction::Undo(self.desk.order[place]), cause_of(event.task, place)),
            Reaction::Report { done } => {
                self.ended.insert(event.task, done);
                return report(&self.desk.agent, Report::done_or_failed(event.task, done)).await;
            }
        };
        // A service that never did a step has nothing to undo.
        let Some(op) = self.inbox.get(began_with) else { return };
        let desk = self.desk.clone();
        self.desk.agent.spawn(async move { desk.settle(event, action, op).await });
    }
}

/// The event that triggers the step at `place`.
fn cause_of(task: Name, place: usize) -> Event {
    match place.checked_sub(1) {
        None => Event { task, place, fact: Fact::Requested },
        Some(place) => Event { task, place, fact: Fact::Done },
    }
}

impl ServiceContext {
    /// The reaction to an event; the same rule for every service.
    fn reaction(&self, Event { place, fact, .. }: Event) -> Reaction {
        let compensates = self.team.safeguards().has::<Compensate>();
        match (fact, place.checked_sub(1)) {
            (Fact::Requested, _) => Reaction::Do(place),
            (Fact::Done, _) if place + 1 < self.order.len() => Reaction::Do(place + 1),
            (Fact::Done, _) => Reaction::Report { done: true },
            (Fact::Failed | Fact::Undone, Some(before)) if compensates => Reaction::Undo(before),
            (Fact::Failed | Fact::Undone, _) => Reaction::Report { done: false },
        }
    }

    /// The service that must react to an event.
    fn concerned(&self, event: Event) -> Name {
        let services = &self.team.workers;
        match self.reaction(event) {
            Reaction::Do(place) | Reaction::Undo(place) => services[place % services.len()],
            Reaction::Report { .. } => services[0],
        }
    }

    fn about(&self, event: Event) -> Name {
        self.team.plan.intent(event.task, self.order[event.place])
    }

    /// Carries out the reaction to an event, and sends the resulting event.
    async fn settle(self, event: Event, action: SagaAction, op: OpId) {
        let Self { agent, team, places, outbox, answers, .. } = &self;
        let was_done = carry_out(agent, team, answers, (event.task, action), op).await;
        let (SagaAction::Do(step) | SagaAction::Undo(step)) = action;
        let fact = match action {
            SagaAction::Do(_) if was_done => Fact::Done,
            SagaAction::Do(_) => Fact::Failed,
            SagaAction::Undo(_) => Fact::Undone,
        };
        let outcome = Event { place: places[step], fact, ..event };
        let intent = team.plan.intent(event.task, step);
        let outgoing = OutboxEvent { to: self.concerned(outcome), about: intent, event: outcome };
        outbox.commit(Settled(event), outgoing).await;
    }
}
