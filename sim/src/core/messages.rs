//! Messages: how they are sent, lost, carried and delivered.

use super::Core;
use crate::injector::MessageFate;
use crate::node::Role;
use crate::queue::{NodeIndex, Pending};
use crate::{
    Action, Call, Domain, EventId, EventKind, Fault, IncomingMessage, Loss, Name, Payload, ServiceContext,
    SimTime, panic_capture,
};

impl<D: Domain> Core<D> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a message, each of another type")]
    pub fn send(
        &mut self,
        (from, incarnation): (NodeIndex, u32),
        to: Name,
        kind: Name,
        about: Name,
        payload: D::Payload,
        call: Call,
        cause: Option<EventId>,
    ) -> EventId {
        let leaves = self.leaves_at(from);
        let from = self.name(from);
        let content = payload.clone();
        let sent = self.append((from, incarnation), cause, EventKind::Sent { to, kind, about, content });
        self.injector.events = sent.get();
        let MessageFate { address, actions, latency, tie } =
            self.injector.pass(from, to, kind, about, self.now);
        let mut at = leaves + latency + self.slow_link_latency(from, to);
        let mut copy_after = None;
        let mut payload = payload;
        let mut lost = self.is_partitioned(from, to).then_some(Loss::Partition);
        for action in actions {
            if let Action::Custom { word, detail, .. } = action {
                // A fault of the layer above is injected only if the message is another one with it.
                let draw = self.injector.draw_site_of(address);
                let Some(altered) =
                    self.alter.as_ref().and_then(|alter| alter((word, detail), &payload, draw))
                else {
                    continue;
                };
                payload = altered;
            }
            self.apply_fault((from, incarnation), Fault { at: address, action }, Some(sent));
            match action {
                Action::Drop => lost = Some(Loss::Dropped),
                Action::Delay(span) | Action::Reorder(span) => at += span,
                Action::Duplicate(span) => copy_after = Some(span),
                Action::Corrupt => payload = payload.corrupted(),
                Action::Custom { .. } => {}
                _ => unreachable!("the injector answers with what fits"),
            }
            break;
        }
        if let Some(why) = lost {
            self.append((to, 0), Some(sent), EventKind::Lost { from, kind, about, why });
            return sent;
        }
        let incoming = IncomingMessage { from, to, kind, about, payload, call, event: sent };
        if let Some(span) = copy_after {
            self.carry(incoming.clone(), at + span, tie);
        }
        self.carry(incoming, at, tie);
        sent
    }

    /// When a message that a node sends now leaves: a node that was paused in the middle of its work sends
    /// the rest of its messages when it resumes.
    fn leaves_at(&mut self, from: NodeIndex) -> SimTime {
        let now = self.now();
        self.node(from).paused_until.map_or(now, |goes_on| goes_on.max(now))
    }

    fn carry(&mut self, incoming: IncomingMessage<D::Payload>, at: SimTime, tie: u64) {
        let slot = self.messages.put(incoming);
        self.schedule(at, tie, Pending::Deliver(slot));
    }

    /// A message arrives at its receiver, or waits because its sender is frozen.
    pub(super) fn arrive(&mut self, slot: u32) {
        if self.any_ailing {
            let &IncomingMessage { from, to, .. } = self.messages.get(slot);
            if let Some(until) = self.held_until(from, to) {
                return self.schedule(until, 0, Pending::Admit(slot));
            }
        }
        self.deliver(slot);
    }

    pub(super) fn deliver(&mut self, slot: u32) {
        let incoming = self.messages.take(slot);
        let IncomingMessage { from, to, kind, about, event: sent, call, .. } = incoming;
        let why = match self.index_of(to) {
            Some(index) if self.node(index).up => {
                let is_late = matches!(call, Call::Reply(id) if !self.node(index).awaits(id));
                if self.is_partitioned(from, to) {
                    Loss::Partition
                } else if is_late {
                    Loss::Late
                } else if self.any_ailing && self.has_stranded(index, call) {
                    Loss::Stranded
                } else {
                    return self.hand_over(index, incoming);
                }
            }
            Some(_) => Loss::NodeDown,
            None => Loss::NoSuchNode,
        };
        self.append((to, 0), Some(sent), EventKind::Lost { from, kind, about, why });
    }

    /// Delivers a message to its receiver.
    fn hand_over(&mut self, index: NodeIndex, mut incoming: IncomingMessage<D::Payload>) {
        let IncomingMessage { from, kind, about, event: sent, .. } = incoming;
        let (name, present) = self.author(index);
        let is_reply = matches!(incoming.call, Call::Reply(_));
        let incarnation = if is_reply { None } else { self.incarnation_that_gets(index, about) };
        let content = incoming.payload.clone();
        let delivered = EventKind::Delivered { from, kind, about, is_reply, content };
        incoming.event = self.append((name, incarnation.unwrap_or(present)), Some(sent), delivered);
        let node = self.node(index);
        match (&node.role, incoming.call) {
            (Role::Service(_), _) => {
                let cause = Some(incoming.event);
                self.serve(index, cause, |service, context| service.on_message(context, incoming));
            }
            (Role::Process(_), Call::Reply(id)) => node.answer(id, incoming),
            (Role::Process(_), _) => node.receive(incoming, incarnation),
        }
    }

    pub(super) fn serve(
        &mut self,
        index: NodeIndex,
        cause: Option<EventId>,
        handle: impl FnOnce(&mut dyn crate::Service<D>, &mut ServiceContext<'_, D>),
    ) {
        let Role::Service(slot) = &mut self.node(index).role else { return };
        let mut service = slot.take().expect("a service handles one thing at a time");
        self.begin_code(index);
        let handled = panic_capture::catch(|| {
            handle(&mut *service, &mut ServiceContext { core: self, node: index, cause });
        });
        self.end_code(index, handled.err().as_ref());
        self.node(index).role = Role::Service(Some(service));
    }
}
