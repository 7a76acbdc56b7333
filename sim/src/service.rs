//! Services: nodes without code of their own, such as stores and lock services.
//!
//! A service handles messages at once, without tasks. It never crashes; its author decides which faults it
//! has, by asking the plan ([`ServiceContext::inject_fault`]).

use crate::core::Core;
use crate::queue::{NodeIndex, Pending};
use crate::{
    Action, Call, Domain, DrawPurpose, DrawSite, EventId, EventKind, Fault, IncomingMessage, Name, SimSpan,
    SimTime,
};
use std::ops::RangeInclusive;

const SPAN: DrawPurpose = DrawPurpose::new("span");

/// A node that handles messages.
pub trait Service<D: Domain> {
    /// A message has arrived.
    fn on_message(&mut self, context: &mut ServiceContext<'_, D>, incoming: IncomingMessage<D::Payload>);

    /// The time asked for with [`ServiceContext::call_back`] has come.
    fn on_timer(&mut self, context: &mut ServiceContext<'_, D>, token: u64) {
        let _ = (context, token);
    }

    /// A timed fault was injected. The service defines the meaning of the word.
    fn on_fault(&mut self, context: &mut ServiceContext<'_, D>, word: Name, lasting: SimSpan) {
        let _ = (context, word, lasting);
    }
}

/// The service context: what a service may do in a handler.
pub struct ServiceContext<'a, D: Domain> {
    pub(crate) core: &'a mut Core<D>,
    pub(crate) node: NodeIndex,
    pub(crate) cause: Option<EventId>,
}

impl<D: Domain> ServiceContext<'_, D> {
    /// The service's own name.
    pub fn name(&self) -> Name {
        self.core.name(self.node)
    }

    /// The time on the service's wall clock: the virtual time, unless the clock is wrong.
    pub fn now(&mut self) -> SimTime {
        self.core.operate();
        let now = self.core.now();
        self.core.node(self.node).wall(now)
    }

    /// Sends a message that is not a reply.
    pub fn send(&mut self, to: Name, kind: Name, about: Name, payload: D::Payload) -> EventId {
        self.core.operate();
        self.core.send((self.node, 0), to, kind, about, payload, Call::Tell, self.cause)
    }

    /// Answers a message.
    pub fn reply(&mut self, to: &IncomingMessage<D::Payload>, kind: Name, payload: D::Payload) -> EventId {
        self.core.operate();
        let call = reply_to(to.call);
        self.core.send((self.node, 0), to.from, kind, to.about, payload, call, self.cause)
    }

    /// Asks to be called back with `token` after `span` of the service's monotonic clock.
    pub fn call_back(&mut self, token: u64, span: SimSpan) {
        self.core.operate();
        let at = self.core.now() + self.core.node(self.node).true_span(span);
        let tie = self.core.node(self.node).tie;
        let (service, cause) = (self.node, self.cause);
        self.core.schedule(at, tie, Pending::Callback { service, token, cause });
    }

    /// Asks the plan which fault happens as the service handles `what` about `about`. A returned fault is
    /// injected.
    pub fn inject_fault(&mut self, what: Name, about: Name) -> Option<(Name, SimSpan)> {
        let fault = self.due_faults(what, about).into_iter().next()?;
        let said = (fault.word(), fault.span());
        self.inject(fault);
        Some(said)
    }

    /// The faults that the plan has as the service handles `what` about `about`, of which none has been
    /// injected yet. The first that makes a difference is to be [injected](ServiceContext::inject), the
    /// others are not.
    pub fn due_faults(&mut self, what: Name, about: Name) -> Vec<DueFault> {
        self.core.operate();
        self.core.due_faults(self.node, what, about).into_iter().map(DueFault).collect()
    }

    /// Records that a fault is injected.
    pub fn inject(&mut self, DueFault(fault): DueFault) {
        let name = self.name();
        self.cause = Some(self.core.apply_fault((name, 0), fault, self.cause));
    }

    /// The place where what a fault does is drawn: its own address.
    pub fn draw_site_of(&self, DueFault(fault): &DueFault) -> DrawSite<'_> {
        self.core.injector.draw_site_of(fault.at)
    }

    /// Draws a span for `purpose` at the next occurrence of `about` at `site`.
    pub fn draw_span(&mut self, site: Name, about: Name, range: &RangeInclusive<SimSpan>) -> SimSpan {
        self.draw(site, about, |draw| draw.span(SPAN, range))
    }

    /// Draws a value at the next occurrence of `about` at `site`.
    pub fn draw<T>(&mut self, site: Name, about: Name, draw: impl FnOnce(DrawSite<'_>) -> T) -> T {
        self.core.operate();
        let nth = self.core.injector.count_draw(site, about);
        draw(self.core.injector.draw_site(site, about, nth))
    }

    /// The draw site of the nth occurrence (from one) of `about` at `site`, for a value that is drawn once
    /// and read often. Does not count as an occurrence.
    pub fn draw_site_at(&self, site: Name, about: Name, nth: u32) -> DrawSite<'_> {
        self.core.injector.draw_site(site, about, nth)
    }

    /// Marks a node as the current leader, as a lock service does with the holder of a lease. Only a timed
    /// fault can read the mark ([`TimedEffect::PartitionLeader`](crate::TimedEffect::PartitionLeader)).
    pub fn mark(&mut self, node: Name) {
        self.core.marked = Some(node);
    }

    /// Records an event of the upper layer in the history.
    #[inline]
    pub fn record_event(&mut self, _: D::Author, event: D::AppEvent) -> EventId {
        self.core.operate();
        let name = self.name();
        let event = self.core.append((name, 0), self.cause, EventKind::App(event));
        self.cause = Some(event);
        event
    }

    /// Ends the run after `span`; the first call counts.
    pub fn finish_after(&mut self, span: SimSpan) {
        self.core.finish_after(span);
    }
}

/// A fault whose meaning belongs to the layer above, which the plan has for a place and which has not been
/// injected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DueFault(pub(crate) Fault);

impl DueFault {
    /// The word for it.
    ///
    /// # Panics
    /// Never: nothing else fits such a place.
    pub fn word(&self) -> Name {
        self.said().0
    }

    /// What it concerns of the thing it is injected into, if that was said.
    ///
    /// # Panics
    /// Never: nothing else fits such a place.
    pub fn detail(&self) -> Option<Name> {
        self.said().1
    }

    /// The span that was drawn for it; zero if it has none.
    pub fn span(&self) -> SimSpan {
        self.said().2
    }

    fn said(&self) -> (Name, Option<Name>, SimSpan) {
        match self.0.action {
            Action::Custom { word, detail, span } => (word, detail, span),
            _ => unreachable!("the injector answers with what fits"),
        }
    }
}

pub(crate) fn reply_to(call: Call) -> Call {
    match call {
        Call::Request(id) => Call::Reply(id),
        Call::Tell | Call::Reply(_) => Call::Tell,
    }
}
