//! The handle through which an agent acts on its world.

use crate::agent::clock::Stamping;
use crate::agent::journal_epoch::JournalEpoch;
use crate::agent::model::{Model, ModelFaults};
use crate::agent::store::StoreSession;
use crate::agent::tool::Connections;
use crate::agent::write_order::WriteOrder;
use crate::agent::{
    AgentEvent, AgentFailures, Agents, Author, Body, ChatLimits, Headers, Message, Store, TeamEvent,
};
use perfidy_sim::{Context, DrawSite, EventId, Hook, IncomingMessage, Name, SimSpan, SimTime, TimedOut};
use std::future::Future;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

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
    pub(super) store: Rc<StoreSession>,
    pub(super) write_order: WriteOrder,
    pub(super) headers: Headers,
    /// How it stamps what it sends, if it does.
    pub(super) stamping: Option<Rc<Stamping>>,
    /// Whether its announcements go into the history.
    pub(super) announces: bool,
    /// The epoch in which it has opened its journal, if it shares it with other incarnations.
    pub(super) epoch: Option<Rc<JournalEpoch>>,
    /// Its connections to tools, if it takes the next reply on a connection for its answer.
    pub(super) connections: Option<Rc<Connections>>,
    /// Whether it goes on when a journal write has failed.
    pub(super) writes_once: bool,
    /// Whether it may end the run.
    pub(super) may_finish: bool,
    /// Which failures of agents there can be.
    pub(super) failures: AgentFailures,
}

impl Agent {
    /// The agent on a node, whose model answers in a time from `model_latency`.
    pub fn new(context: Context<Agents>, model_latency: RangeInclusive<SimSpan>) -> Self {
        let (chat, faults) = (ChatLimits::default(), ModelFaults::default());
        Self::with_model(context, Rc::new(Model::new(model_latency, chat, faults)))
    }

    /// The agent on a node, with this model, which the agents of a team share.
    pub(crate) fn with_model(context: Context<Agents>, model: Rc<Model>) -> Self {
        Self {
            context,
            model,
            store: Rc::default(),
            write_order: WriteOrder::default(),
            headers: Headers::NONE,
            stamping: None,
            announces: true,
            epoch: None,
            connections: None,
            writes_once: false,
            may_finish: true,
            failures: AgentFailures::default(),
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

    /// The same agent, whose clients stamp each call of these tools: by its wall clock, or by a
    /// [logical one](crate::agent::HybridClock), which then stamps all its messages and records too.
    #[must_use]
    pub(crate) fn that_stamps(self, tools: &Arc<[Name]>, is_logical: bool) -> Self {
        Self { stamping: Some(Rc::new(Stamping::new(Arc::clone(tools), is_logical))), ..self }
    }

    /// The same agent, which cannot end the run.
    pub(crate) fn that_may_not_finish(self) -> Self {
        Self { may_finish: false, ..self }
    }

    /// The same agent, which is subject to these failures.
    pub(crate) fn that_may_fail(self, failures: AgentFailures) -> Self {
        Self { failures, ..self }
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
        self.context.send(to, Name::literal(message.kind()), about, self.stamped(message));
    }

    /// The next message.
    pub async fn receive(&self) -> Delivery {
        loop {
            let mail = self.received(self.context.receive().await);
            if !self.fails_to_handle(&mail) {
                return mail;
            }
        }
    }

    /// The next message, if one has come already.
    pub fn receive_now(&self) -> Option<Delivery> {
        loop {
            let mail = self.received(self.context.receive_now()?);
            if !self.fails_to_handle(&mail) {
                return Some(mail);
            }
        }
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
        let request = self.stamped(message);
        self.context.request(to, kind, about, request, span).await.map(|answer| self.received(answer))
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
        let request = self.stamped(message);
        let answer = self.context.request_in_a_step(to, kind, about, request, span).await;
        answer.map(|answer| self.received(answer))
    }

    /// Answers a message.
    pub fn reply(&self, to: &Delivery, message: impl Message) {
        self.context.reply(&to.0, Name::literal(message.kind()), self.stamped(message));
    }

    /// A message or a record as it leaves the agent.
    pub(super) fn stamped(&self, message: impl Message) -> Body {
        let body = Body::new(message);
        match &self.stamping {
            None => body,
            Some(stamping) => body.stamped(stamping.of_message(self.now())),
        }
    }

    /// A message as the agent takes it in.
    fn received(&self, incoming: IncomingMessage<Body>) -> Delivery {
        if let Some(stamping) = &self.stamping {
            stamping.observe(&incoming.payload);
        }
        Delivery(incoming)
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
            self.context.record_event(
                Author::HARNESS,
                TeamEvent::Announced { about, content: Body::new(announcement) },
            );
        }
    }

    /// Counts this place in the agent's code as reached: the [probe](crate::probe) of that name. It has no
    /// other effect.
    pub fn reached(&self, probe: &'static str) {
        let probe = Name::literal(probe);
        self.context.record_event(Author::HARNESS, TeamEvent::Agent(AgentEvent::Reached { probe }));
    }

    /// The fault of a [kind of your own](crate::faults::FaultKind::at_call_site) that is injected at this
    /// place of the agent's code, if one is, and its span, if it takes a time. What it does is for the code
    /// to do, as after `BUGGIFY` in FoundationDB. One that would make no difference is not injected:
    /// `concerns` gets the name of a kind and says whether it does.
    pub fn fault_at(
        &self,
        call_site: &'static str,
        about: Name,
        concerns: impl Fn(&str) -> bool,
    ) -> Option<(&'static str, SimSpan)> {
        let due = self.context.due_faults(Name::literal(call_site), about);
        let due = due.into_iter().find(|due| concerns(due.word().as_str()))?;
        let said = (due.word().as_str(), due.span());
        self.context.inject(due);
        Some(said)
    }

    /// How many times the agent has crashed before. It distinguishes incarnations, like a session id that a
    /// process draws at its start.
    pub fn incarnation(&self) -> u32 {
        self.context.incarnation()
    }

    /// Records any other event in the history and returns its id. Only the harness may: such events are
    /// facts.
    pub(crate) fn record_event(&self, event: TeamEvent) -> EventId {
        self.context.record_event(Author::HARNESS, event)
    }

    /// Declares which agent this agent waits for, about what and why, for the report of an unfinished run.
    pub fn declare_wait(&self, on: Name, why: &'static str, about: Name) {
        if self.announces {
            self.context.declare_wait(on, Name::literal(why), about);
        }
    }

    /// Withdraws a declaration of [`Agent::declare_wait`].
    pub fn withdraw_wait(&self, about: Name) {
        self.context.withdraw_wait(about);
    }

    /// Runs one more task on this agent; it ends when the agent crashes.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        self.context.spawn(future);
    }

    /// Ends the run after `span`: the work is over, and messages in flight may still arrive.
    ///
    /// # Panics
    /// If the agent is of a team. What comes after the end is judged by nothing, so only the team's user says
    /// when that is.
    pub fn finish_after(&self, span: SimSpan) {
        assert!(self.may_finish, "{} is not the user, and only the user ends a run", self.name());
        self.context.finish_after(span);
    }
}
