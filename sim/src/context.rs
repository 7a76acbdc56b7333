//! The API of a node's code: send, receive, request, sleep, store, draw, and record events.
//!
//! A [`Context`] is cheap to clone and belongs to one incarnation of one node. The cause of an action is the
//! last event that happened to the task that acts, whichever clone of the context the task uses; a spawned
//! task starts with the cause of the task that spawned it. Tasks that the world does not manage
//! (`tokio::spawn` under madsim) are the exception: there each clone remembers the last event that happened
//! to itself.

use crate::core::{Core, journal};
use crate::injector::LATENCY;
use crate::node::{Command, DeclaredWait};
use crate::queue::NodeIndex;
use crate::service::{DueFault, reply_to};
use crate::step::{Act, Crashed};
use crate::{
    Action, Call, Domain, DrawSite, EventId, EventKind, Fault, Hook, IncomingMessage, Name, Payload, SimSpan,
    SimTime,
};
use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context as TaskContext, Poll};

mod wait;

pub use wait::{TimedOut, Within};

/// A node's view of its world.
pub struct Context<D: Domain> {
    core: Rc<RefCell<Core<D>>>,
    node: NodeIndex,
    incarnation: u32,
    name: Name,
    cause: Cell<Option<EventId>>,
}

impl<D: Domain> Clone for Context<D> {
    fn clone(&self) -> Self {
        Self {
            core: Rc::clone(&self.core),
            node: self.node,
            incarnation: self.incarnation,
            name: self.name,
            cause: self.cause.clone(),
        }
    }
}

/// A storage write returned an error: nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteError;

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the storage did not take the record")
    }
}

impl std::error::Error for WriteError {}

/// The id of all draws for syncs.
static SYNC: LazyLock<Name> = LazyLock::new(|| Name::new("sync"));

/// The payload with which a task that never yields is stopped.
pub(crate) struct NeverYields;

#[cold]
fn used_by_another_task(node: Name) -> ! {
    panic!("a handle of {node} was used by a task that is not of that incarnation of it")
}

impl<D: Domain> Context<D> {
    pub(crate) fn new(core: Rc<RefCell<Core<D>>>, node: NodeIndex) -> Self {
        let (name, incarnation) = {
            let mut core = core.borrow_mut();
            (core.name(node), core.node(node).incarnation)
        };
        Self { core, node, incarnation, name, cause: Cell::default() }
    }

    /// The world, for one operation.
    ///
    /// # Panics
    /// If the task that runs is of another node, or of another incarnation of this one.
    #[inline]
    fn core(&self) -> RefMut<'_, Core<D>> {
        let mut core = self.core.borrow_mut();
        if core.running.is_some_and(|running| running.of != (self.node, self.incarnation)) {
            drop(core);
            used_by_another_task(self.name);
        }
        core.operate();
        core
    }

    /// The node's name.
    pub fn name(&self) -> Name {
        self.name
    }

    /// The time on the node's wall clock: the virtual time, unless the clock is wrong. It can jump, and the
    /// clocks of two nodes can differ; for durations use [`Context::monotonic`].
    pub fn now(&self) -> SimTime {
        let mut core = self.core();
        let now = core.now();
        core.node(self.node).wall(now)
    }

    /// The time on the node's monotonic clock: it never jumps, may run a little fast or slow, and has no
    /// meaning on another node. Sleeps and timeouts use it.
    pub fn monotonic(&self) -> SimTime {
        let mut core = self.core();
        let now = core.now();
        core.node(self.node).monotonic(now)
    }

    /// How many times this node has crashed before.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The last event that happened to the running task: the cause of its next action.
    pub fn cause(&self) -> Option<EventId> {
        self.cause_in(&self.core.borrow())
    }

    fn cause_in(&self, core: &Core<D>) -> Option<EventId> {
        core.running.map_or(self.cause.get(), |running| running.cause)
    }

    /// An event happened to the running task.
    fn has_happened(&self, core: &mut Core<D>, event: EventId) {
        if let Some(running) = &mut core.running {
            running.cause = Some(event);
        }
        self.cause.set(Some(event));
    }

    fn author(&self) -> (Name, u32) {
        (self.name, self.incarnation)
    }

    /// Appends an event of this node, which becomes the cause of what follows.
    #[inline]
    fn append(&self, core: &mut Core<D>, what: EventKind<D::AppEvent>) -> EventId {
        let event = core.append(self.author(), self.cause_in(core), what);
        self.has_happened(core, event);
        event
    }

    // Messages.

    /// Sends a message. The sender does not learn whether it arrives.
    pub fn send(&self, to: Name, kind: Name, about: Name, payload: D::Payload) -> EventId {
        self.send_as(to, kind, about, payload, Call::Tell)
    }

    /// Answers a message.
    pub fn reply(&self, to: &IncomingMessage<D::Payload>, kind: Name, payload: D::Payload) -> EventId {
        self.send_as(to.from, kind, to.about, payload, reply_to(to.call))
    }

    fn send_as(&self, to: Name, kind: Name, about: Name, payload: D::Payload, call: Call) -> EventId {
        let mut core = self.place(self.core(), (Hook::Before, Act::Send), || kind, || about);
        if self.is_past_its_end(&mut core) {
            return core
                .history
                .events()
                .last()
                .map(|event| event.id)
                .expect("the end of the node stands in the history");
        }
        let cause = self.cause_in(&core);
        let sent = core.send((self.node, self.incarnation), to, kind, about, payload, call, cause);
        drop(self.place(core, (Hook::After, Act::Send), || kind, || about));
        sent
    }

    /// The next message that is not a reply, if one has arrived already.
    pub fn receive_now(&self) -> Option<IncomingMessage<D::Payload>> {
        let mut core = self.core();
        if core.may_ask_act(Hook::After, self.node)
            && let Some(&IncomingMessage { event, kind, about, .. }) =
                core.node(self.node).peek_message(self.incarnation)
        {
            self.has_happened(&mut core, event);
            core = self.place(core, (Hook::After, Act::Receive), || kind, || about);
        }
        let incoming = core.node(self.node).take_message(self.incarnation)?;
        self.has_happened(&mut core, incoming.event);
        Some(incoming)
    }

    /// The next message that is not a reply.
    pub async fn receive(&self) -> IncomingMessage<D::Payload> {
        if self.core.borrow().may_ask_act(Hook::After, self.node) {
            return self.receive_at_a_place().await;
        }
        let poll = |task: &mut TaskContext<'_>| {
            self.core().node(self.node).poll_inbox(self.incarnation, task.waker())
        };
        let incoming = poll_fn(poll).await;
        self.has_happened(&mut self.core.borrow_mut(), incoming.event);
        incoming
    }

    /// Receives a message at a place where a fault is possible. The message stays in the inbox until the
    /// fault is decided, so a receiver that gives up meanwhile leaves it to the next receiver.
    async fn receive_at_a_place(&self) -> IncomingMessage<D::Payload> {
        let peek = |task: &mut TaskContext<'_>| {
            let mut core = self.core();
            let node = core.node(self.node);
            if let Some(next) = node.peek_message(self.incarnation) {
                return Poll::Ready((next.event, next.kind, next.about));
            }
            node.wake_for_message(task.waker());
            Poll::Pending
        };
        let mut asked = None;
        loop {
            let (event, kind, about) = poll_fn(peek).await;
            if asked == Some(event)
                && let Some(incoming) = self.core().node(self.node).take_message(self.incarnation)
            {
                return incoming;
            }
            asked = Some(event);
            self.has_happened(&mut self.core.borrow_mut(), event);
            self.step(Hook::After, Act::Receive.step(kind), about).await;
        }
    }

    /// Sends a message and waits for its reply, for at most `within`.
    ///
    /// # Errors
    /// [`TimedOut`]: the message, its reply or both were lost or late; the caller cannot know which.
    pub async fn request(
        &self,
        to: Name,
        kind: Name,
        about: Name,
        payload: D::Payload,
        within: SimSpan,
    ) -> Result<IncomingMessage<D::Payload>, TimedOut> {
        self.act(Hook::Before, (Act::Send, kind), about).await;
        let incoming = self.request_in_a_step(to, kind, about, payload, within).await?;
        self.act(Hook::After, (Act::Receive, incoming.kind), about).await;
        Ok(incoming)
    }

    /// The same as part of a step that has its own fault places before and after it. One place remains:
    /// between the two, after the request was sent.
    ///
    /// # Errors
    /// As [`Context::request`].
    pub async fn request_in_a_step(
        &self,
        to: Name,
        kind: Name,
        about: Name,
        payload: D::Payload,
        within: SimSpan,
    ) -> Result<IncomingMessage<D::Payload>, TimedOut> {
        let id = {
            let mut core = self.core();
            let id = core.node(self.node).begin_request();
            let (author, cause) = ((self.node, self.incarnation), self.cause_in(&core));
            core.send(author, to, kind, about, payload, Call::Request(id), cause);
            id
        };
        let answer = Answer { context: self, id };
        let answered = async {
            self.act(Hook::After, (Act::Send, kind), about).await;
            answer.await
        };
        let incoming = self.within(within, kind, answered).await?;
        self.has_happened(&mut self.core.borrow_mut(), incoming.event);
        Ok(incoming)
    }

    /// Lets other tasks run first.
    pub async fn yield_now(&self) {
        let mut yielded = false;
        poll_fn(|task| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            task.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    // Steps, at which a fault may crash or pause the node.

    /// Just before the step `what` about `about`: the node may crash or pause here.
    pub async fn before(&self, what: Name, about: Name) {
        self.step(Hook::Before, what, about).await;
    }

    /// Just after the step `what` about `about`: the node may crash or pause here.
    pub async fn after(&self, what: Name, about: Name) {
        self.step(Hook::After, what, about).await;
    }

    /// The place before or after an act that is async.
    async fn act(&self, hook: Hook, (act, subject): (Act, Name), about: Name) {
        if self.core.borrow().may_ask_act(hook, self.node) {
            self.step(hook, act.step(subject), about).await;
        }
    }

    /// The place before or after an act that is not async. A node that crashes there does nothing more, so
    /// this does not return, except in code that the engine does not supervise.
    fn place<'a>(
        &self,
        mut core: RefMut<'a, Core<D>>,
        at: (Hook, Act),
        subject: impl FnOnce() -> Name,
        about: impl FnOnce() -> Name,
    ) -> RefMut<'a, Core<D>> {
        let Some(fault) = core.ask_act(at, self.node, subject, about) else { return core };
        let cause = self.cause_in(&core);
        match fault.action {
            Action::Crash(back_after) => {
                core.crash(self.node, back_after, fault, cause);
                // To unwind out of a destructor during unwinding would end the process.
                if core.is_supervised() && !std::thread::panicking() {
                    drop(core);
                    resume_unwind(Box::new(Crashed));
                }
            }
            Action::Pause(span) | Action::Zombie(span) => core.pause(self.node, span, fault, cause),
            _ => unreachable!("the injector answers with what fits"),
        }
        core
    }

    /// Whether this is code of a crashed node that could not be stopped at once, because the engine does not
    /// supervise it (for example a local task of tokio). It runs on until it waits; what it sends and writes
    /// has no effect.
    fn is_past_its_end(&self, core: &mut Core<D>) -> bool {
        !core.is_supervised() && !core.node(self.node).is_alive(self.incarnation)
    }

    /// Whether the plan may be asked about any step of any node at this hook, before or after. If not, there
    /// is no need to say which step it is.
    #[inline]
    pub fn may_stop(&self, hook: Hook) -> bool {
        !self.core().is_silent(hook)
    }

    async fn step(&self, hook: Hook, what: Name, about: Name) {
        let injected = {
            let mut core = self.core();
            core.ask_step(hook, self.node, what, about).map(|fault| (fault, self.cause_in(&core)))
        };
        if let Some((fault, cause)) = injected {
            self.stop_for(fault, cause).await;
        }
    }

    /// The node dies or stops.
    async fn stop_for(&self, fault: Fault, cause: Option<EventId>) {
        match fault.action {
            Action::Crash(back_after) => {
                self.core().crash(self.node, back_after, fault, cause);
                pending::<()>().await;
            }
            Action::Pause(span) | Action::Zombie(span) => {
                self.core().pause(self.node, span, fault, cause);
                self.yield_now().await;
            }
            _ => unreachable!("the injector answers with what fits"),
        }
    }

    /// Asks the plan whether a fault of the upper layer is injected as the node does `what` about `about`:
    /// the word and the span of the fault, if any.
    pub fn inject_fault(&self, what: Name, about: Name) -> Option<(Name, SimSpan)> {
        let fault = self.due_faults(what, about).into_iter().next()?;
        let said = (fault.word(), fault.span());
        self.inject(fault);
        Some(said)
    }

    /// The faults that the plan has as the node does `what` about `about`, of which none has been injected
    /// yet. The first that makes a difference is to be [injected](Context::inject), the others are not.
    pub fn due_faults(&self, what: Name, about: Name) -> Vec<DueFault> {
        self.core().due_faults(self.node, what, about).into_iter().map(DueFault).collect()
    }

    /// Records that a fault is injected.
    pub fn inject(&self, DueFault(fault): DueFault) {
        self.apply_fault(&mut self.core(), fault);
    }

    /// Draws what a fault does, at its own address.
    pub fn draw_at<T>(&self, DueFault(fault): &DueFault, draw: impl FnOnce(DrawSite<'_>) -> T) -> T {
        draw(self.core().injector.draw_site_of(fault.at))
    }

    fn apply_fault(&self, core: &mut Core<D>, fault: Fault) {
        let event = core.apply_fault(self.author(), fault, self.cause_in(core));
        self.has_happened(core, event);
    }

    // Storage.

    /// Writes a record to the node's storage. It is durable only after [`Context::sync`].
    ///
    /// # Errors
    /// [`WriteError`] if the storage returns an error (for example, disk full).
    pub fn write(&self, record: D::Payload) -> Result<(), WriteError> {
        let mut core = self.place(self.core(), (Hook::Before, Act::Write), || record.kind(), journal);
        if self.is_past_its_end(&mut core) {
            return Ok(());
        }
        if let Some(fault) = core.ask_storage(Hook::Write, self.node, || record.kind()) {
            self.apply_fault(&mut core, fault);
            return Err(WriteError);
        }
        self.append(&mut core, EventKind::Wrote { content: record.clone() });
        let kind = core.may_ask_act(Hook::After, self.node).then(|| record.kind());
        core.disk(self.node).append(record);
        if let Some(kind) = kind {
            drop(self.place(core, (Hook::After, Act::Write), || kind, journal));
        }
        Ok(())
    }

    /// Makes everything written so far durable, which takes time.
    pub async fn sync(&self) {
        let sync = *SYNC;
        if self.may_stop(Hook::Before) {
            self.step(Hook::Before, sync, journal()).await;
        }
        let begun = {
            let mut core = self.core();
            let nth = core.injector.count_draw(self.name, sync);
            let span = core.injector.draw_site(self.name, sync, nth).span(LATENCY, &core.config.sync_latency);
            let cause = self.cause_in(&core);
            let delay = core.sync_delay(self.node, cause);
            delay.map(|delay| (core.disk(self.node).len(), span + delay))
        };
        let Some((written, span)) = begun else { return pending().await };
        self.work(span).await;
        {
            let mut core = self.core();
            core.disk(self.node).sync_up_to(written);
            self.append(&mut core, EventKind::Synced { records: written as u32 });
        }
        if self.may_stop(Hook::After) {
            self.step(Hook::After, sync, journal()).await;
        }
    }

    /// The records in the node's storage, oldest first.
    pub fn records(&self) -> Vec<D::Payload> {
        self.records_after(0)
    }

    /// The same without the first `place` records.
    pub fn records_after(&self, place: usize) -> Vec<D::Payload> {
        self.core().disk(self.node).records().skip(place).cloned().collect()
    }

    // Draws, tasks, notes.

    /// Draws a value at the next occurrence of `about` at `site`, which should begin with the node's name.
    pub fn draw<T>(&self, site: Name, about: Name, draw: impl FnOnce(DrawSite<'_>) -> T) -> T {
        let mut core = self.core();
        let nth = core.injector.count_draw(site, about);
        draw(core.injector.draw_site(site, about, nth))
    }

    /// Draws a value about `about` at `site` that stays the same however often it is drawn. `site` should
    /// begin with the node's name.
    pub fn draw_once<T>(&self, site: Name, about: Name, draw: impl FnOnce(DrawSite<'_>) -> T) -> T {
        draw(self.core().injector.draw_site(site, about, 1))
    }

    /// Runs one more task on this node; it ends when the node crashes.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let (node, incarnation, future) = (self.node, self.incarnation, Box::pin(future));
        let mut core = self.core();
        let cause = self.cause_in(&core);
        core.command(Command::Spawn { node, incarnation, cause, future });
    }

    /// The running task takes over a message that another task of this node has received: what it does next
    /// is because of that message.
    pub fn takes_over(&self, incoming: &IncomingMessage<D::Payload>) {
        self.has_happened(&mut self.core.borrow_mut(), incoming.event);
    }

    /// Ends this incarnation if the next one has begun already, as a process exits that finds out that it was
    /// replaced. Otherwise it goes on.
    pub async fn step_down(&self) {
        let has_ended = {
            let mut core = self.core();
            let cause = self.cause_in(&core);
            core.step_down(self.node, self.incarnation, cause)
        };
        if has_ended {
            pending::<()>().await;
        }
    }

    /// Records an event of the upper layer in the history.
    #[inline]
    pub fn record_event(&self, _: D::Author, event: D::AppEvent) -> EventId {
        self.append(&mut self.core(), EventKind::App(event))
    }

    /// Declares that this node waits for `on` before it can go on with `about`, for the report of an
    /// unfinished run. Has no other effect.
    pub fn declare_wait(&self, on: Name, why: Name, about: Name) {
        let mut core = self.core();
        if let Some(waits) = &mut core.waits {
            waits.declared.insert((self.name, on, why));
        }
        core.node(self.node).declare_wait(DeclaredWait { about, on, why });
    }

    /// Withdraws a declaration of [`Context::declare_wait`].
    pub fn withdraw_wait(&self, about: Name) {
        self.core().node(self.node).withdraw_wait(about);
    }

    /// Ends the run after `span`; the first call counts.
    pub fn finish_after(&self, span: SimSpan) {
        self.core().finish_after(span);
    }
}

/// Waits for the reply to a request; forgets the request when dropped.
struct Answer<'a, D: Domain> {
    context: &'a Context<D>,
    id: u64,
}

impl<D: Domain> Future for Answer<'_, D> {
    type Output = IncomingMessage<D::Payload>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.context.core().node(self.context.node).poll_answer(self.id, task.waker())
    }
}

impl<D: Domain> Drop for Answer<'_, D> {
    fn drop(&mut self) {
        // A world in the middle of an operation is about to end.
        if let Ok(mut core) = self.context.core.try_borrow_mut() {
            core.node(self.context.node).end_request(self.id);
        }
    }
}
