//! The handle through which an agent acts on its world.

use crate::agent::journal_epoch::{JournalEpoch, Opened, Unfenced};
use crate::agent::lease::{LeaseWire, Session};
use crate::agent::model::{Model, ModelFaults};
use crate::agent::store::StoreSession;
use crate::agent::tool::{Connections, Done, Refused, Wire, call_kind, cancel_of, look_up_of, read_of};
use crate::agent::write_order::WriteOrder;
use crate::agent::{
    AgentEvent, Agents, Author, Body, CallOutcome, Cancelled, ChatLimits, Content, Definite, Headers,
    Indefinite, Lease, LeaseError, LeaseService, Message, OpId, Operation, Reading, Receipt, Store,
    TeamEvent, ToolCall, ToolError, ToolRequest,
};
use perfidy_sim::{
    Context, DrawSite, EventId, Hook, IncomingMessage, Name, Payload, Purpose, SimSpan, SimTime, TimedOut,
    WriteRefused,
};
use serde::de::DeserializeOwned;
use std::future::Future;
use std::ops::RangeInclusive;
use std::rc::Rc;

const OP: Purpose = Purpose::new("op");

/// How long an agent waits before it repeats a write that returned an error.
const WRITE_AGAIN: SimSpan = SimSpan::from_secs(1);

/// The actions of every agent that are steps with a fixed name. Other steps have a subject in theirs: `send
/// KIND`, `receive KIND`, `write KIND`.
pub const STEPS: &[&str] =
    &["acquire", "call", "cancel", "commit", "look-up", "model call", "read", "store read", "sync"];

/// A message as an agent gets it.
#[derive(Clone, Debug)]
pub struct Delivery(IncomingMessage<Body>);

impl Delivery {
    /// From whom.
    pub fn from(&self) -> Name {
        self.0.from
    }

    /// Its logical id: what it is about.
    pub fn about(&self) -> Name {
        self.0.about
    }

    /// The message, if it is of this type.
    pub fn open<M: Message>(&self) -> Option<&M> {
        self.0.payload.open()
    }

    /// Its headers.
    pub fn headers(&self) -> Headers {
        self.0.payload.headers()
    }
}

/// The API of an agent: messages, tools, model, journal, leases, store and clock. Cheap to clone.
///
/// Every action is a step, and the agent can crash or pause before and after it: `send KIND`, `write KIND`
/// and the [`STEPS`], about a task, an item or a resource; `receive KIND` only after. A request has one more
/// place, which no list contains: after `send KIND` it is sent and not yet answered. Your own code has steps
/// too, if you name them with [`Agent::before`] and [`Agent::after`].
#[derive(Clone)]
pub struct Agent {
    pub(super) context: Context<Agents>,
    pub(super) model: Rc<Model>,
    store: Rc<StoreSession>,
    write_order: WriteOrder,
    headers: Headers,
    /// Whether its announcements go into the history.
    announces: bool,
    /// The epoch in which it has opened its journal, if it shares it with other incarnations.
    epoch: Option<Rc<JournalEpoch>>,
    /// Its connections to tools, if it takes the next reply on a connection for its answer.
    connections: Option<Rc<Connections>>,
    /// Whether it goes on when a journal write has failed.
    writes_once: bool,
}

impl Agent {
    /// The agent on a node, whose model answers in a time from `model_latency`.
    pub fn new(context: Context<Agents>, model_latency: RangeInclusive<SimSpan>) -> Self {
        let (chat, faults) = (ChatLimits::default(), ModelFaults::default());
        let model = Model { latency: model_latency, chat, faults };
        Self::with_model(context, Rc::new(model))
    }

    /// The agent on a node, with this model, which the agents of a team share.
    pub(crate) fn with_model(context: Context<Agents>, model: Rc<Model>) -> Self {
        Self {
            context,
            model,
            store: Rc::default(),
            write_order: WriteOrder::default(),
            headers: Headers::NONE,
            announces: true,
            epoch: None,
            connections: None,
            writes_once: false,
        }
    }

    /// The same agent, whose model is subject to these faults.
    #[must_use]
    pub fn with_model_faults(self, faults: ModelFaults) -> Self {
        let mut agent = self;
        Rc::make_mut(&mut agent.model).faults = faults;
        agent
    }

    /// The same agent, whose model has these limits as a chat model.
    #[must_use]
    pub fn with_chat_limits(self, limits: ChatLimits) -> Self {
        let mut agent = self;
        Rc::make_mut(&mut agent.model).chat = limits;
        agent
    }

    /// The same agent; its announcements do not go into the history.
    #[must_use]
    pub fn that_says_nothing(self) -> Self {
        Self { announces: false, ..self }
    }

    /// The same agent; a request of it takes the next reply on its connection to the tool for its answer,
    /// whichever request the reply names.
    #[must_use]
    pub fn that_takes_the_next_reply(self) -> Self {
        Self { connections: Some(Rc::default()), ..self }
    }

    /// The same agent; [`Agent::persist`] drops the error of a failed write.
    #[must_use]
    pub fn that_writes_once(self) -> Self {
        Self { writes_once: true, ..self }
    }

    /// The same agent with these headers: every tool call through this handle carries them, unless the call
    /// has its own.
    #[must_use]
    pub fn under(&self, headers: Headers) -> Self {
        Self { headers: headers.within(self.headers), ..self.clone() }
    }

    /// Its name.
    pub fn name(&self) -> Name {
        self.context.name()
    }

    /// Its wall clock, which can be wrong: it can be off, drift, and jump. It is the clock to compare with
    /// other agents; for durations use [`Agent::monotonic`].
    pub fn now(&self) -> SimTime {
        self.context.now()
    }

    /// Its monotonic clock: it never jumps, and has no meaning for other agents. Sleeps and timeouts use it.
    pub fn monotonic(&self) -> SimTime {
        self.context.monotonic()
    }

    /// Waits.
    pub fn sleep(&self, span: SimSpan) -> impl Future<Output = ()> {
        self.context.sleep(span)
    }

    // Messages.

    /// Sends a message. The sender does not learn whether it arrives.
    pub fn send(&self, to: Name, about: Name, message: impl Message) {
        self.context.send(to, Name::literal(message.kind()), about, Body::new(message));
    }

    /// The next message.
    pub async fn receive(&self) -> Delivery {
        Delivery(self.context.receive().await)
    }

    /// The next message, if one has come already.
    pub fn receive_now(&self) -> Option<Delivery> {
        self.context.receive_now().map(Delivery)
    }

    /// Waits for `future`, for at most `span`; `label` names the wait in the history.
    ///
    /// # Errors
    /// [`TimedOut`] when the span is over.
    pub fn within<T>(
        &self,
        span: SimSpan,
        label: &'static str,
        future: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T, TimedOut>> {
        self.context.within(span, Name::literal(label), future)
    }

    /// The next message, if one comes within `span`; `label` names the wait in the history.
    ///
    /// # Errors
    /// [`TimedOut`] when the span is over.
    pub fn receive_within(
        &self,
        span: SimSpan,
        label: &'static str,
    ) -> impl Future<Output = Result<Delivery, TimedOut>> {
        self.within(span, label, self.receive())
    }

    /// Sends a message and waits for the answer to it.
    ///
    /// # Errors
    /// [`TimedOut`] when none came within `span`; the other side may have acted all the same.
    pub async fn request(
        &self,
        to: Name,
        about: Name,
        message: impl Message,
        span: SimSpan,
    ) -> Result<Delivery, TimedOut> {
        let kind = Name::literal(message.kind());
        self.context.request(to, kind, about, Body::new(message), span).await.map(Delivery)
    }

    /// The same as part of a step that has its own fault places before and after it.
    pub(crate) async fn request_in_a_step(
        &self,
        to: Name,
        about: Name,
        message: impl Message,
        span: SimSpan,
    ) -> Result<Delivery, TimedOut> {
        let kind = Name::literal(message.kind());
        self.context.request_in_a_step(to, kind, about, Body::new(message), span).await.map(Delivery)
    }

    /// Answers a message.
    pub fn reply(&self, to: &Delivery, message: impl Message) {
        self.context.reply(&to.0, Name::literal(message.kind()), Body::new(message));
    }

    // Tools.

    /// Calls a tool and waits for its answer, for at most `within`.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened.
    pub async fn call(&self, call: ToolCall, within: SimSpan) -> Result<Receipt, ToolError> {
        Ok(self.call_for(call, within).await?.receipt)
    }

    /// Calls a tool and waits for its result, read as a value of this type.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened: also
    /// if an answer came whose result is not of this type.
    pub async fn call_and_read<T: DeserializeOwned + Clone + 'static>(
        &self,
        call: ToolCall,
        within: SimSpan,
    ) -> Result<T, ToolError> {
        let done = self.call_for(call, within).await?;
        done.result.read().map_err(|_| ToolError::Indefinite(Indefinite::Malformed))
    }

    /// Calls a tool and waits for its receipt and its result, as any content.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if it may have happened.
    pub async fn call_with_result(
        &self,
        call: ToolCall,
        within: SimSpan,
    ) -> Result<(Receipt, Content), ToolError> {
        let Done { receipt, result } = self.call_for(call, within).await?;
        Ok((receipt, result))
    }

    async fn call_for(&self, call: ToolCall, within: SimSpan) -> Result<Done, ToolError> {
        let Operation { tool, name: operation, intent, .. } = call.operation;
        let op = call.op;
        self.before("call", intent).await;
        let headers = call.headers.within(self.headers);
        let call = Body::new(Wire::Call(Box::new(ToolCall { headers, ..call })));
        let request = ToolRequest::new(self.name(), self.now(), call.clone());
        let called = AgentEvent::Called { tool, operation, intent, op, request };
        self.context.note(Author::HARNESS, TeamEvent::Agent(called));
        let answer = self.ask_tool(tool, operation, intent, call, within).await;
        let result =
            answer.and_then(|answer| answer.done().ok_or(ToolError::Indefinite(Indefinite::Malformed)));
        let told = result.as_ref().map_or_else(|error| CallOutcome::from(*error), |_| CallOutcome::Done);
        self.context
            .note(Author::HARNESS, TeamEvent::Agent(AgentEvent::Answered { tool, operation, intent, told }));
        self.after("call", intent).await;
        result
    }

    /// Sends a tool a read-only query and waits for its answer, for at most `within`.
    ///
    /// # Errors
    /// [`ToolError::Definite`] if the tool refuses, [`ToolError::Indefinite`] if no answer came or it cannot
    /// be read.
    pub async fn read(&self, question: Operation, within: SimSpan) -> Result<Reading, ToolError> {
        let Operation { tool, name, intent, .. } = question;
        self.before("read", intent).await;
        let answer =
            self.ask_tool(tool, read_of(name), intent, Body::new(Wire::Read(question)), within).await;
        let result =
            answer.and_then(|answer| answer.reading().ok_or(ToolError::Indefinite(Indefinite::Malformed)));
        let told = result
            .as_ref()
            .map_or_else(|error| CallOutcome::from(*error), |reading| CallOutcome::AsOf(reading.as_of));
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: read_of(name), intent, told }),
        );
        self.after("read", intent).await;
        result
    }

    /// Sends a tool a request and waits for its answer.
    async fn ask_tool(
        &self,
        tool: Name,
        what: Name,
        intent: Name,
        request: Body,
        within: SimSpan,
    ) -> Result<Wire, ToolError> {
        let kind = call_kind(what);
        let answer = match &self.connections {
            None => self.context.request_in_a_step(tool, kind, intent, request, within).await,
            Some(connections) => {
                connections.request(&self.context, (tool, kind, intent), request, within).await
            }
        };
        let is_correlated = self.connections.is_none();
        match answer.as_ref().map(|envelope| envelope.payload.open()) {
            Ok(_) if is_correlated && answer.as_ref().is_ok_and(|reply| reply.about != intent) => {
                Err(ToolError::Indefinite(Indefinite::OfAnotherRequest))
            }
            Ok(Some(Wire::Refused(Refused { error, .. }))) => Err(ToolError::Definite(*error)),
            Ok(Some(Wire::Failed)) => Err(ToolError::Indefinite(Indefinite::Failed)),
            Ok(Some(answer)) => Ok(answer.clone()),
            Ok(None) => Err(ToolError::Indefinite(Indefinite::Malformed)),
            Err(TimedOut) => Err(ToolError::Indefinite(Indefinite::TimedOut)),
        }
    }

    /// Asks a tool whether it has a record of an operation, without changing anything.
    ///
    /// # Errors
    /// [`Indefinite`] if no answer came, or the tool refused to answer: the outcome of the operation is still
    /// unknown.
    pub async fn look_up(
        &self,
        operation: &Operation,
        within: SimSpan,
    ) -> Result<Option<Receipt>, Indefinite> {
        let Operation { tool, name, intent, .. } = *operation;
        self.before("look-up", intent).await;
        let request = Body::new(Wire::LookUp(operation.clone()));
        let result = match self.ask_tool(tool, look_up_of(name), intent, request, within).await {
            Ok(Wire::Found(found)) => Ok(found),
            Ok(_) => Err(Indefinite::Malformed),
            Err(ToolError::Definite(error)) => Err(Indefinite::Refused(error)),
            Err(ToolError::Indefinite(error)) => Err(error),
        };
        let told = match result {
            Ok(found) => CallOutcome::Found(found.is_some()),
            Err(error) => CallOutcome::Unknown(error),
        };
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: look_up_of(name), intent, told }),
        );
        self.after("look-up", intent).await;
        result
    }

    /// Asks a tool to cancel an operation: never to carry it out from now on, whichever agent sends it under
    /// that id.
    ///
    /// # Errors
    /// [`Indefinite`] if no clear answer came. A tool that does not deduplicate cannot give one.
    pub async fn cancel(
        &self,
        operation: &Operation,
        op: OpId,
        within: SimSpan,
    ) -> Result<Cancelled, Indefinite> {
        let Operation { tool, name, intent, .. } = *operation;
        let what = cancel_of(name);
        let request = Body::new(Wire::Cancel(Box::new(ToolCall::keyed(operation.clone(), op))));
        self.before("cancel", intent).await;
        let result = match self.ask_tool(tool, what, intent, request, within).await {
            Ok(Wire::Done(done)) => Ok(Cancelled::DoneAlready(done.receipt)),
            Ok(_) => Err(Indefinite::Malformed),
            Err(ToolError::Definite(Definite::Declined)) => Ok(Cancelled::NeverHappens),
            Err(ToolError::Definite(error)) => Err(Indefinite::Refused(error)),
            Err(ToolError::Indefinite(error)) => Err(error),
        };
        let told = match result {
            Ok(Cancelled::NeverHappens) => CallOutcome::Cancelled,
            Ok(Cancelled::DoneAlready(_)) => CallOutcome::Done,
            Err(error) => CallOutcome::Unknown(error),
        };
        self.context.note(
            Author::HARNESS,
            TeamEvent::Agent(AgentEvent::Answered { tool, operation: what, intent, told }),
        );
        self.after("cancel", intent).await;
        result
    }

    /// A fresh, random operation id: a second call, or a call after a crash, gets another.
    pub fn new_operation_id(&self, intent: Name) -> OpId {
        OpId(self.draw("mint", intent, |spot| spot.word(OP)))
    }

    // Journal.

    /// Writes a record to the journal. A crash loses it unless [`Agent::sync`] has returned since.
    ///
    /// # Errors
    /// [`WriteRefused`] if the write returns an error; nothing was written then.
    pub fn write(&self, record: impl Message) -> Result<(), WriteRefused> {
        self.context.write(Body::new(record))
    }

    /// Writes a record to the journal, makes it durable, and then returns. A failed write is repeated every
    /// second: an agent must not promise what it has not recorded. Records that are persisted meanwhile wait
    /// behind it, so the journal has them in the order of the calls.
    ///
    /// In an agent with an [opened](Agent::open_journal) journal it does not return once a later incarnation
    /// has opened the journal: this incarnation exits.
    pub async fn persist(&self, record: impl Message) {
        let record = Body::new(record);
        let record = match &self.epoch {
            Some(epoch) => epoch.stamp(record),
            None => record,
        };
        self.write_until_done(record).await;
        self.sync().await;
        if let Some(epoch) = &self.epoch
            && epoch.is_over(&self.context)
        {
            self.context.step_down().await;
        }
    }

    async fn write_until_done(&self, record: Body) {
        if self.writes_once {
            // The record is lost, and the agent does not know.
            let _ = self.context.write(record);
        } else if !self.write_order.is_free() || self.context.write(record.clone()).is_err() {
            let turn = self.write_order.wait();
            loop {
                self.sleep(WRITE_AGAIN).await;
                if turn.has_come() && self.context.write(record.clone()).is_ok() {
                    break;
                }
            }
        }
    }

    /// The agent with its journal opened by this incarnation, which every earlier one finds there before it
    /// acts on a record that it [persists](Agent::persist). It must come before [`Agent::recover`]. Without
    /// it, two incarnations that run at once do not know of each other.
    pub async fn open_journal(self) -> Self {
        let incarnation = self.incarnation();
        self.write_until_done(Body::new(Opened { incarnation })).await;
        Self { epoch: Some(Rc::new(JournalEpoch::of(incarnation))), ..self }
    }

    /// Makes everything written so far durable.
    pub fn sync(&self) -> impl Future<Output = ()> {
        self.context.sync()
    }

    /// Reads the journal, oldest first: `read` selects the records that the agent wants, and `take` gets
    /// their content. The history records what `take` got. As `read` can store nothing, an agent knows only
    /// records that the history shows as taken:
    ///
    /// ```compile_fail,E0308
    /// # fn look(agent: &perfidy::agent::Agent) {
    /// let mut seen = 0;
    /// agent.recover(|_| { seen += 1; None::<&u64> }, |_| {});
    /// # }
    /// ```
    pub fn recover<R: ?Sized>(&self, read: fn(&Body) -> Option<&R>, mut take: impl FnMut(&R)) {
        let mut taken = Vec::new();
        let mut unfenced = Unfenced::default();
        for (place, written) in self.context.records().iter().enumerate() {
            if let Some(content) = unfenced.next(written).and_then(read) {
                take(content);
                taken.push((place as u32, written.digest()));
            }
        }
        if self.context.incarnation() > 0 {
            self.context
                .note(Author::HARNESS, TeamEvent::Agent(AgentEvent::Recovered { taken: taken.into() }));
        }
    }

    // Leases.

    /// Asks the lock service for a lease on `resource`, or to renew it. A lease from before a crash belongs
    /// to another incarnation.
    ///
    /// # Errors
    /// [`LeaseError`] if another agent or incarnation holds it, or no answer came.
    pub async fn lease(&self, resource: Name, span: SimSpan, within: SimSpan) -> Result<Lease, LeaseError> {
        let asked = self.now();
        let service = Name::literal(LeaseService::NAME);
        let session = Session(self.context.incarnation());
        let message = LeaseWire::Acquire { resource, span, session };
        self.before("acquire", resource).await;
        let answer = self.request_in_a_step(service, resource, message, within).await;
        self.after("acquire", resource).await;
        match answer.as_ref().map(Delivery::open::<LeaseWire>) {
            Ok(Some(LeaseWire::Granted(token))) => Ok(Lease { resource, token: *token, until: asked + span }),
            Ok(_) => Err(LeaseError::Held),
            Err(TimedOut) => Err(LeaseError::NoAnswer),
        }
    }

    /// Releases a lease before it ends. If that message is lost, the lease expires.
    pub fn release_lease(&self, lease: Lease) {
        let Lease { resource, token, .. } = lease;
        self.send(Name::literal(LeaseService::NAME), resource, LeaseWire::Release { resource, token });
    }

    // Store.

    /// The store that the team shares.
    pub fn store(&self) -> Store<'_> {
        Store::new(self, &self.store)
    }

    // Steps, draws, announcements.

    /// Just before `step`: a place where the agent may crash or pause.
    pub async fn before(&self, step: &'static str, about: Name) {
        if self.context.may_stop(Hook::Before) {
            self.context.before(Name::literal(step), about).await;
        }
    }

    /// Just after `step`: a place where the agent may crash or pause.
    pub async fn after(&self, step: &'static str, about: Name) {
        if self.context.may_stop(Hook::After) {
            self.context.after(Name::literal(step), about).await;
        }
    }

    /// Draws a value, keyed by the agent, the purpose, the subject and the number of such draws so far.
    pub fn draw<T>(&self, purpose: &'static str, about: Name, draw: impl FnOnce(DrawSite<'_>) -> T) -> T {
        self.context.draw(self.site(purpose), about, draw)
    }

    /// Where the agent draws for a purpose.
    pub(super) fn site(&self, purpose: &'static str) -> Name {
        Name::joined(self.name(), ", ", Name::literal(purpose))
    }

    /// Writes an announcement of the agent about itself or its work into the history. It has no other effect,
    /// and is no evidence.
    pub fn announce(&self, about: Name, announcement: impl Message) {
        if self.announces {
            self.context
                .note(Author::HARNESS, TeamEvent::Announced { about, content: Body::new(announcement) });
        }
    }

    /// Counts this place in the agent's code as reached: the [probe](crate::probe) of that name. It has no
    /// other effect.
    pub fn reached(&self, probe: &'static str) {
        let probe = Name::literal(probe);
        self.context.note(Author::HARNESS, TeamEvent::Agent(AgentEvent::Reached { probe }));
    }

    /// How many times the agent has crashed before. It distinguishes incarnations, like a session id that a
    /// process draws at its start.
    pub fn incarnation(&self) -> u32 {
        self.context.incarnation()
    }

    /// Writes any other event into the history. Only the harness may: such events are facts.
    pub(crate) fn note(&self, note: TeamEvent) {
        self.noted(note);
    }

    /// Writes an event into the history and returns its id.
    pub(crate) fn noted(&self, note: TeamEvent) -> EventId {
        self.context.note(Author::HARNESS, note)
    }

    /// Declares which agent this agent waits for, about what and why, for the report of an unfinished run.
    pub fn expect(&self, on: Name, why: &'static str, about: Name) {
        if self.announces {
            self.context.expect(on, Name::literal(why), about);
        }
    }

    /// Withdraws a declaration of [`Agent::expect`].
    pub fn expect_no_more(&self, about: Name) {
        self.context.expect_no_more(about);
    }

    /// Runs one more task on this agent; it ends when the agent crashes.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.context.spawn(future);
    }

    /// Ends the run after `span`: the work is over, and messages in flight may still arrive.
    pub fn finish_after(&self, span: SimSpan) {
        self.context.finish_after(span);
    }
}
