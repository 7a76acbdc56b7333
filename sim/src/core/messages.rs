//! Messages: out of a node, past the plan, over the network and into a node.

use super::Core;
use crate::node::{Role, Waiter};
use crate::oracle::Answer;
use crate::queue::{NodeIndex, Pending};
use crate::{
    Action, Call, Desk, Domain, Envelope, EventId, Fault, Hook, Loss, Name, Payload, SimTime, What, quiet,
};
use std::task::Waker;

impl<D: Domain> Core<D> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a message, each of another type")]
    pub fn send(
        &mut self,
        from: NodeIndex,
        to: Name,
        kind: Name,
        about: Name,
        payload: D::Payload,
        call: Call,
        cause: Option<EventId>,
    ) -> EventId {
        let from = self.name(from);
        let content = payload.digest();
        let sent = self.append(from, cause, What::Sent { to, kind, about, content });
        let site = self.oracle.site(Hook::Message, from, to, kind, &self.config.links);
        let Answer { address, action } = self.oracle.ask(site, about, self.now);
        let spot = self.oracle.spot(address.site, address.id, address.nth);
        let mut at = self.now + spot.span("latency", self.oracle.latency(site));
        let tie = spot.word("tie");
        let mut copy_after = None;
        let mut lost = self.is_cut(from, to).then_some(Loss::Cut);
        if let Some(action) = action {
            self.strike(from, Fault { at: address, action }, Some(sent));
            match action {
                Action::Drop => lost = Some(Loss::Dropped),
                Action::Delay(span) | Action::Reorder(span) => at += span,
                Action::Duplicate(span) => copy_after = Some(span),
                _ => unreachable!("the oracle answers with what fits"),
            }
        }
        if let Some(why) = lost {
            self.append(to, Some(sent), What::Lost { from, kind, about, why });
            return sent;
        }
        let envelope = Envelope { from, to, kind, about, payload, call, event: sent };
        if let Some(span) = copy_after {
            self.carry(envelope.clone(), at + span, tie);
        }
        self.carry(envelope, at, tie);
        sent
    }

    fn carry(&mut self, envelope: Envelope<D::Payload>, at: SimTime, tie: u64) {
        let slot = self.free_messages.pop().unwrap_or_else(|| {
            self.messages.push(None);
            self.messages.len() as u32 - 1
        });
        self.messages[slot as usize] = Some(envelope);
        self.schedule(at, tie, Pending::Deliver(slot));
    }

    pub(super) fn deliver(&mut self, slot: u32) {
        let mut envelope = self.messages[slot as usize].take().expect("a message is delivered once");
        self.free_messages.push(slot);
        let Envelope { from, to, kind, about, event: sent, call, .. } = envelope;
        let index = self.by_name.get(&to).copied();
        let why = match index {
            None => Some(Loss::NodeDown),
            Some(index) if !self.node(index).up => Some(Loss::NodeDown),
            Some(_) if self.is_cut(from, to) => Some(Loss::Cut),
            Some(index) => match call {
                Call::Reply(id)
                    if !self.node(index).waiters.iter().any(|w| w.id == id && w.reply.is_none()) =>
                {
                    Some(Loss::Late)
                }
                _ => None,
            },
        };
        if let Some(why) = why {
            self.append(to, Some(sent), What::Lost { from, kind, about, why });
            return;
        }
        let index = index.expect("a message without a receiver is lost");
        envelope.event = self.append(to, Some(sent), What::Delivered { from, kind, about });
        let delivered = Some(envelope.event);
        let node = self.node(index);
        match (&node.role, call) {
            (Role::Service(_), _) => {
                self.serve(index, delivered, |service, desk| service.on_message(desk, envelope));
            }
            (Role::Agent(_), Call::Reply(id)) => {
                let waiter = node.waiters.iter_mut().find(|waiter| waiter.id == id);
                let waiter: &mut Waiter<_> = waiter.expect("a late reply is lost");
                waiter.reply = Some(envelope);
                if let Some(waker) = waiter.waker.take() {
                    waker.wake();
                }
            }
            (Role::Agent(_), _) => {
                node.inbox.push_back(envelope);
                node.inbox_wakers.drain(..).for_each(Waker::wake);
            }
        }
    }

    pub(super) fn serve(
        &mut self,
        index: NodeIndex,
        cause: Option<EventId>,
        handle: impl FnOnce(&mut dyn crate::Service<D>, &mut Desk<'_, D>),
    ) {
        let Role::Service(slot) = &mut self.node(index).role else { return };
        let mut service = slot.take().expect("a service handles one thing at a time");
        self.begin_code(index);
        let handled = quiet::catch(|| handle(&mut *service, &mut Desk { core: self, node: index, cause }));
        self.end_code(index, handled.err().as_ref());
        self.node(index).role = Role::Service(Some(service));
    }
}
