//! A service: answers a request with what the next one answers, or, as the last one, with what the source
//! says.

use super::{CascadeMessage, Link, PAYLOAD_STORE, Query};
use crate::agent::{Agent, Delivery};
use crate::protocols::SingleFlight;
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::payload_limit::{Payload, pack};
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Answers several requests at a time, each only once at a time. A request that is sent again while it is
/// being answered changes only where the answer goes: its sender waits for the reply to the latest one.
pub(super) async fn service(agent: Agent, team: TeamContext) {
    let place = team.place_of(agent.name());
    let next = place.and_then(|place| team.workers.get(place + 1)).copied();
    let service = Service { link: Link::recover(agent.clone(), team), next, latest: Rc::default() };
    let answering = SingleFlight::default();
    loop {
        let mail = agent.receive().await;
        let Some(CascadeMessage::Request { query, left }) = mail.open().cloned() else { continue };
        if service.link.team.plan.has_step(query.step) {
            service.latest.borrow_mut().insert(query, mail);
            answering.start(&agent, query, service.clone().serve(query, left));
        }
    }
}

#[derive(Clone)]
struct Service {
    link: Link,
    /// The service that this one asks; the last one reads.
    next: Option<Name>,
    /// The latest request for each query that is being answered.
    latest: Rc<RefCell<BTreeMap<Query, Delivery>>>,
}

impl Service {
    /// Answers a query, unless there is not enough time left. Then its sender has given up as well.
    async fn serve(self, query: Query, left: Option<SimSpan>) {
        let (agent, intent) = (&self.link.agent, self.link.team.plan.intent(query.task, query.step));
        let deadline = left.map(|left| agent.monotonic() + left);
        let work = self.answer(query, deadline);
        let answer = match left {
            Some(left) => agent.within(left, "an answer in time", work).await.ok(),
            None => Some(work.await),
        };
        agent.withdraw_wait(intent);
        let latest = self.latest.borrow_mut().remove(&query);
        let (Some(answer), Some(mail)) = (answer, latest) else { return };
        agent.reply(
            &mail,
            answer.map_or(CascadeMessage::NotFound, |payload| CascadeMessage::Response { payload }),
        );
    }

    /// What the next service or the source says, restated; `None` if that is nothing.
    async fn answer(&self, query: Query, deadline: Option<SimTime>) -> Option<Payload> {
        let found = match self.next {
            Some(next) => self.link.ask(next, query, deadline).await?,
            None => self.read(query).await?,
        };
        Some(self.link.restate(query, found).await)
    }

    async fn read(&self, query: Query) -> Option<Payload> {
        let Link { agent, team, .. } = &self.link;
        let operation = team.plan.operation_of(query.task, query.step);
        let reading = read_with_retry(agent, &ReadPolicy::of(team.safeguards()), &operation).await.ok()?;
        let store = Name::literal(PAYLOAD_STORE);
        pack(agent, team.safeguards(), store, (operation.intent, reading.content)).await.ok()
    }
}
