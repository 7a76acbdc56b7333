//! The front: asks the first service, files what comes back, and reports to the user.

use super::{Link, PAYLOAD_STORE, Query};
use crate::agent::{Agent, Content, Message, Operation};
use crate::protocols::SingleFlight;
use crate::safeguards::calls::{CallPolicy, ReadPolicy, call_with_retry};
use crate::safeguards::checkpoint;
use crate::safeguards::end_to_end_check::{EndToEndCheck, OnRecord, on_record, source_says};
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::payload_limit::{Payload, unpack};
use crate::workflows::task_state::TaskEvent;
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::{TeamContext, one_at_a_time};
use perfidy_sim::{Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long the front waits before it begins anew with a step that has failed.
const PAUSE: SimSpan = SimSpan::from_secs(5);

/// The argument in which what was found is filed.
const CONTENT: &str = "content";

/// Takes tasks in, and works on all of them at once.
pub(super) async fn front(agent: Agent, team: TeamContext) {
    let front = Rc::new(Front::recover(agent.clone(), team));
    let working = SingleFlight::default();
    let work_on = |task: Name| {
        let front = Rc::clone(&front);
        working.start(&agent, task, async move { front.work_on(task).await });
    };
    let open = front.tracker.states().open();
    open.into_iter().for_each(&work_on);
    loop {
        let mail = agent.receive().await;
        if let Some(task) = front.tracker.accept(&mail).await {
            work_on(task);
        }
    }
}

/// What was found out for a step, on record.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Found {
    intent: Name,
    payload: Payload,
}

impl Message for Found {
    fn kind(&self) -> &'static str {
        "found"
    }
}

struct Front {
    link: Link,
    tracker: TaskTracker,
    /// What was found out, by intent.
    found: RefCell<BTreeMap<Name, Payload>>,
}

impl Front {
    fn recover(agent: Agent, team: TeamContext) -> Self {
        let mut found = BTreeMap::new();
        checkpoint::recover(&agent, |Found { intent, payload }| {
            found.insert(*intent, payload.clone());
        });
        let tracker = TaskTracker::recover(&agent, &team);
        Self { tracker, link: Link::recover(agent, team), found: RefCell::new(found) }
    }

    /// Takes the steps of a task until all are taken, one is given up, or the time for the task is over; and
    /// reports that. After a crash the time counts anew.
    async fn work_on(&self, task: Name) {
        let Link { agent, team, .. } = &self.link;
        let within = team.tasks.within;
        let work = self.take_steps(task, within.map(|within| agent.monotonic() + within));
        let is_done = match within {
            Some(within) => agent.within(within, "the deadline", work).await.unwrap_or(false),
            None => work.await,
        };
        for step in 0..team.plan.steps.len() {
            agent.withdraw_wait(team.plan.intent(task, step));
        }
        self.tracker.close(task, is_done).await;
    }

    async fn take_steps(&self, task: Name, deadline: Option<SimTime>) -> bool {
        let plan = &self.link.team.plan;
        for step in one_at_a_time(&plan.steps) {
            if !self.tracker.states().is_open(task, step) {
                continue;
            }
            let is_taken = if plan.steps[step].needs.is_empty() {
                self.find(task, step, deadline).await.is_some()
            } else {
                self.file(task, step, deadline).await
            };
            if !is_taken {
                return false;
            }
        }
        true
    }

    /// Whether a step that has failed so often is given up; if not, this takes a pause.
    async fn gives_up(&self, failures: u32) -> bool {
        let is_over = GiveUpAfter::is_reached(self.link.team.safeguards(), failures);
        if !is_over {
            self.link.agent.sleep(PAUSE).await;
        }
        is_over
    }

    /// Finds something out, in as many attempts as it may fail; `None` if it is given up.
    async fn find(&self, task: Name, step: usize, deadline: Option<SimTime>) -> Option<Payload> {
        let intent = self.link.team.plan.intent(task, step);
        let known = self.found.borrow().get(&intent).cloned();
        if known.is_some() {
            return known;
        }
        let mut attempt = 0;
        loop {
            let query = Query { task, step, attempt };
            if let Some(payload) = self.link.ask(self.link.team.workers[0], query, deadline).await {
                let payload = self.link.restate(query, payload).await;
                if self.is_right(query, &payload).await {
                    self.has_found(task, step, payload.clone()).await;
                    return Some(payload);
                }
            }
            attempt += 1;
            if self.gives_up(attempt).await {
                return None;
            }
        }
    }

    /// Whether the source itself says what has come back through the services. Without the check, that counts
    /// as right.
    async fn is_right(&self, query: Query, payload: &Payload) -> bool {
        let Link { agent, team, .. } = &self.link;
        if !team.safeguards().has::<EndToEndCheck>() {
            return true;
        }
        let operation = team.plan.operation_of(query.task, query.step);
        let Some(content) = self.content_of(operation.intent, payload).await else { return false };
        let policy = ReadPolicy::of(team.safeguards());
        source_says(agent, &policy, &operation, &content).await == Some(true)
    }

    async fn has_found(&self, task: Name, step: usize, payload: Payload) {
        let Link { agent, team, .. } = &self.link;
        let intent = team.plan.intent(task, step);
        let found = Found { intent, payload: payload.clone() };
        checkpoint::save(agent, team.safeguards(), intent, found).await;
        self.found.borrow_mut().insert(intent, payload);
        self.tracker.record(TaskEvent::Completed { task, step, confirmed: None }).await;
    }

    /// Files what the steps before this one have found; whether that is on record.
    async fn file(&self, task: Name, step: usize, deadline: Option<SimTime>) -> bool {
        let Link { agent, team, .. } = &self.link;
        let op = self.tracker.states().get(task).and_then(|state| state.ops.get(step).copied());
        let Some(op) = op else { return false };
        let policy = CallPolicy::of(team.safeguards());
        let mut failures = 0;
        loop {
            if let Some(operation) = self.to_file(task, step, deadline).await
                && call_with_retry(agent, &policy, &operation, op, failures > 0).await.is_ok()
            {
                match self.on_record(&operation).await {
                    Some(OnRecord::AsFiled) => {
                        // The receipt of a call can be wrong; the user is told only what the front relies on.
                        self.tracker.record(TaskEvent::Completed { task, step, confirmed: None }).await;
                        return true;
                    }
                    // Under this id nothing else will be filed.
                    Some(OnRecord::Otherwise) => return false,
                    Some(OnRecord::Nothing) | None => {}
                }
            }
            failures += 1;
            if self.gives_up(failures).await {
                return false;
            }
        }
    }

    /// What the tool has on record. Without the check, what it has confirmed counts as on record.
    async fn on_record(&self, filed: &Operation) -> Option<OnRecord> {
        let Link { agent, team, .. } = &self.link;
        if !team.safeguards().has::<EndToEndCheck>() {
            return Some(OnRecord::AsFiled);
        }
        on_record(agent, &ReadPolicy::of(team.safeguards()), filed).await
    }

    /// The call that files what was found; `None` if some of that cannot be had.
    async fn to_file(&self, task: Name, step: usize, deadline: Option<SimTime>) -> Option<Operation> {
        let plan = &self.link.team.plan;
        let mut contents = Vec::new();
        for source in plan.first_steps_of(step) {
            let payload = self.find(task, source, deadline).await?;
            contents.push(self.content_of(plan.intent(task, source), &payload).await?.json());
        }
        let text = match contents.as_slice() {
            [only] => only.to_string(),
            _ => Value::Array(contents).to_string(),
        };
        let operation = plan.operation_of(task, step);
        let arguments = operation.arguments.json();
        let mut arguments = arguments.as_object().cloned().unwrap_or_else(Map::new);
        arguments.insert(CONTENT.to_owned(), Value::String(text));
        Some(operation.with(Content::of_json(Value::Object(arguments))))
    }

    /// The content that has come through the services, whether in full or by reference.
    async fn content_of(&self, about: Name, payload: &Payload) -> Option<Content> {
        unpack(&self.link.agent, Name::literal(PAYLOAD_STORE), (about, payload)).await.ok()
    }
}
