//! The way of segments: sent, lost, sent again, delivered in order.

use super::{CONNECT_TIMEOUT, End, EndId, LOOPBACK, Segment, SocketTimer, State, TRANSMISSIONS};
use crate::core::Core;
use crate::injector::MessageFate;
use crate::queue::{NodeIndex, Pending};
use crate::{
    Action, Domain, EventId, EventKind, Fault, Loss, Name, SimTime, SocketAct, SocketEvent, SocketPiece,
};
use std::io;

impl<D: Domain> Core<D> {
    pub(in crate::core) fn socket_timer(&mut self, timer: SocketTimer) {
        match timer {
            SocketTimer::Depart(id) => self.depart(id),
            SocketTimer::Arrive { of, number } => self.segment_arrives(of, number, false),
            SocketTimer::Admit { of, number } => self.segment_arrives(of, number, true),
            SocketTimer::Retry { of, number } => self.retry(of, number),
            SocketTimer::Reset { at, cause } => self.reset_arrives(at, cause),
            SocketTimer::GiveUp(id) => {
                if self.sockets.end(id).state == State::Connecting {
                    self.give_up(id);
                }
            }
        }
    }

    /// Appends an event of an end, which becomes the cause of what follows there.
    pub(super) fn socket_event(&mut self, id: EndId, cause: Option<EventId>, act: SocketAct) -> EventId {
        let End { node, incarnation, .. } = *self.sockets.end(id);
        let peer = self.name(self.sockets.end(id.other()).node);
        let connection = self.sockets.connection(id).name;
        let what = EventKind::Socket(Box::new(SocketEvent { connection, peer, act }));
        let event = self.append((self.name(node), incarnation), cause, what);
        self.sockets.end_mut(id).last = Some(event);
        event
    }

    /// A node begins to connect to a port of another.
    pub(super) fn begin_connection(&mut self, id: EndId, cause: Option<EventId>) {
        let event = self.socket_event(id, cause, SocketAct::Connecting);
        let at = self.now() + CONNECT_TIMEOUT;
        self.schedule(at, 0, Pending::Socket(SocketTimer::GiveUp(id)));
        self.put_on_its_way(id, Segment::Connect, event);
    }

    fn put_on_its_way(&mut self, id: EndId, segment: Segment, cause: EventId) {
        let number = self.sockets.end_mut(id).push(segment, cause);
        self.transmit(id, number);
    }

    /// Has an end send what was written to it, as one segment, once the code that writes waits.
    pub(super) fn will_depart(&mut self, id: EndId, cause: Option<EventId>) {
        let end = self.sockets.end_mut(id);
        if end.is_departing {
            return;
        }
        (end.is_departing, end.unsent_cause) = (true, cause.or(end.last));
        let now = self.now();
        self.schedule(now, 0, Pending::Socket(SocketTimer::Depart(id)));
    }

    fn depart(&mut self, id: EndId) {
        let end = self.sockets.end_mut(id);
        end.is_departing = false;
        if end.state == State::Gone {
            return;
        }
        let cause = end.unsent_cause.take();
        let bytes = std::mem::take(&mut end.unsent);
        if !bytes.is_empty() {
            let sent = self.socket_event(id, cause, SocketAct::Sent(SocketPiece::of(&bytes)));
            self.put_on_its_way(id, Segment::Data(bytes), sent);
        }
        let end = self.sockets.end_mut(id);
        if end.wants_to_finish && !end.has_ended {
            end.has_ended = true;
            let closed = self.socket_event(id, cause, SocketAct::Closed);
            self.put_on_its_way(id, Segment::Close, closed);
        }
    }

    fn transmit(&mut self, id: EndId, number: u32) {
        let now = self.now();
        let Some(outgoing) = self.sockets.end_mut(id).on_its_way(number) else { return };
        outgoing.transmissions += 1;
        outgoing.sent_at = now;
        let (kind, cause) = (outgoing.segment.kind(), outgoing.cause);
        match self.segment_fate(id, kind, cause) {
            Some((at, tie)) => self.schedule(at, tie, arrival(id, number)),
            None => self.will_retry(id, number),
        }
    }

    /// When what an end sends now arrives, and in which order; `None` if it is lost.
    fn segment_fate(&mut self, id: EndId, kind: Name, cause: EventId) -> Option<(SimTime, u64)> {
        let now = self.now();
        let (from, to) = (self.sockets.end(id).node, self.sockets.end(id.other()).node);
        if from == to {
            return Some((now + LOOPBACK, 0));
        }
        let author = (self.name(from), self.sockets.end(id).incarnation);
        let (from, to) = (author.0, self.name(to));
        let about = self.sockets.connection(id).ids[usize::from(id.is_server)];
        let MessageFate { address, actions, latency, tie } = self.injector.pass(from, to, kind, about, now);
        let mut at = now + latency + self.slow_link_latency(from, to);
        let mut lost = self.is_partitioned(from, to).then_some(Loss::Partition);
        // TCP discards what comes twice, and no fault of the layer above knows bytes.
        let differs = |action: &Action| !matches!(action, Action::Duplicate(_) | Action::Custom { .. });
        if let Some(action) = actions.into_iter().find(differs) {
            self.apply_fault(author, Fault { at: address, action }, Some(cause));
            match action {
                // What is corrupted fails its checksum.
                Action::Drop | Action::Corrupt => lost = Some(Loss::Dropped),
                Action::Delay(span) | Action::Reorder(span) => at += span,
                _ => unreachable!("the injector answers with what fits"),
            }
        }
        if let Some(why) = lost {
            self.segment_is_lost(id, kind, cause, why);
            return None;
        }
        Some((at, tie))
    }

    /// Records at the receiver that something of this end did not arrive.
    fn segment_is_lost(&mut self, of: EndId, kind: Name, cause: EventId, why: Loss) {
        let (from, to) = (self.sockets.end(of).node, self.sockets.end(of.other()).node);
        let (peer, connection) = (self.name(from), self.sockets.connection(of).name);
        let act = SocketAct::Lost { kind, why };
        let what = EventKind::Socket(Box::new(SocketEvent { connection, peer, act }));
        self.append((self.name(to), 0), Some(cause), what);
    }

    fn will_retry(&mut self, id: EndId, number: u32) {
        let now = self.now();
        let Some(outgoing) = self.sockets.end_mut(id).on_its_way(number) else { return };
        let at = outgoing.sent_at + outgoing.segment.patience(outgoing.transmissions);
        self.schedule(at.max(now), 0, Pending::Socket(SocketTimer::Retry { of: id, number }));
    }

    fn retry(&mut self, id: EndId, number: u32) {
        let end = self.sockets.end_mut(id);
        // The system of a crashed process sends nothing again.
        if end.state == State::Gone {
            return;
        }
        match end.on_its_way(number) {
            None => {}
            Some(outgoing) if outgoing.transmissions < TRANSMISSIONS => self.transmit(id, number),
            Some(_) => self.give_up(id),
        }
    }

    /// An end has waited in vain.
    fn give_up(&mut self, id: EndId) {
        let last = self.sockets.end(id).last;
        self.socket_event(id, last, SocketAct::TimedOut);
        self.sockets.end_mut(id).fail(Some(io::ErrorKind::TimedOut));
    }

    fn segment_arrives(&mut self, of: EndId, number: u32, is_admitted: bool) {
        let (from, to) = (self.sockets.end(of).node, self.sockets.end(of.other()).node);
        let Some(outgoing) = self.sockets.end_mut(of).on_its_way(number) else { return };
        let (kind, cause) = (outgoing.segment.kind(), outgoing.cause);
        let (from, to) = (self.name(from), self.name(to));
        if from != to && self.is_partitioned(from, to) {
            self.segment_is_lost(of, kind, cause, Loss::Partition);
            return self.will_retry(of, number);
        }
        if self.any_ailing
            && !is_admitted
            && let Some(until) = self.held_until(from, to)
        {
            return self.schedule(until, 0, Pending::Socket(SocketTimer::Admit { of, number }));
        }
        self.sockets.end_mut(of).on_its_way(number).expect("it was there").has_arrived = true;
        while let Some(next) = self.sockets.end(of).outgoing.front()
            && next.has_arrived
        {
            let next = self.sockets.end_mut(of).outgoing.pop_front().expect("there is one");
            let (number, cause) = (next.number, next.cause);
            if let Err(segment) = self.take_in(of.other(), next.segment, cause) {
                // No socket is there for it: a reset goes back, and it will be sent again should that get
                // lost.
                let again = super::Outgoing { segment, has_arrived: false, ..next };
                self.sockets.end_mut(of).outgoing.push_front(again);
                self.will_retry(of, number);
                return self.send_reset(of.other(), cause);
            }
        }
    }

    /// The next segment for an end has arrived; an error if no socket is there for it.
    fn take_in(&mut self, id: EndId, segment: Segment, cause: EventId) -> Result<(), Segment> {
        match segment {
            Segment::Connect => {
                if self.listener_for(id).is_none() {
                    return Err(segment);
                }
                self.put_on_its_way(id, Segment::Accept, cause);
            }
            Segment::Accept => {
                let end = self.sockets.end_mut(id);
                if end.state != State::Connecting {
                    return Err(segment);
                }
                end.state = State::Open;
                end.wake();
                let connected = self.socket_event(id, Some(cause), SocketAct::Connected);
                self.put_on_its_way(id, Segment::Open, connected);
            }
            Segment::Open => {
                let Some(key) = self.listener_for(id) else { return Err(segment) };
                let end = self.sockets.end_mut(id);
                if end.state != State::Connecting {
                    return Err(segment);
                }
                (end.state, end.last) = (State::Open, Some(cause));
                let listener = self.sockets.listeners.get_mut(&key).expect("it listens");
                listener.backlog.push_back(id);
                listener.waker.take().into_iter().for_each(std::task::Waker::wake);
            }
            Segment::Data(bytes) => {
                if !self.sockets.end(id).takes_bytes() {
                    return Err(Segment::Data(bytes));
                }
                self.socket_event(id, Some(cause), SocketAct::Received(SocketPiece::of(&bytes)));
                let end = self.sockets.end_mut(id);
                end.received.extend(bytes);
                end.reader.take().into_iter().for_each(std::task::Waker::wake);
            }
            Segment::Close => {
                if self.sockets.end(id).takes_bytes() {
                    self.socket_event(id, Some(cause), SocketAct::Ended);
                }
                let end = self.sockets.end_mut(id);
                end.has_heard_all = true;
                end.reader.take().into_iter().for_each(std::task::Waker::wake);
            }
        }
        Ok(())
    }

    /// The listener at which a connection that has arrived at this end comes in.
    fn listener_for(&self, id: EndId) -> Option<(NodeIndex, u16)> {
        let key = (self.sockets.end(id).node, self.sockets.connection(id).port);
        (self.is_up_process(key.0) && self.sockets.listeners.contains_key(&key)).then_some(key)
    }

    /// An end tells the other, once, that the connection is over.
    pub(super) fn send_reset(&mut self, from: EndId, cause: EventId) {
        if let Some((at, tie)) = self.segment_fate(from, Name::literal("tcp reset"), cause) {
            self.schedule(at, tie, Pending::Socket(SocketTimer::Reset { at: from.other(), cause }));
        }
    }

    fn reset_arrives(&mut self, id: EndId, cause: EventId) {
        let (from, to) = (self.sockets.end(id.other()).node, self.sockets.end(id).node);
        if from != to && self.is_partitioned(self.name(from), self.name(to)) {
            return self.segment_is_lost(id.other(), Name::literal("tcp reset"), cause, Loss::Partition);
        }
        let (act, error) = match self.sockets.end(id).state {
            State::Connecting if !id.is_server => (SocketAct::Refused, io::ErrorKind::ConnectionRefused),
            State::Open => (SocketAct::Reset, io::ErrorKind::ConnectionReset),
            // Its process does not know it, or no longer.
            State::Connecting | State::Closed => return self.sockets.end_mut(id).fail(None),
            State::Gone => return,
        };
        self.socket_event(id, Some(cause), act);
        self.sockets.end_mut(id).fail(Some(error));
    }

    /// A process has crashed: its system closes what it listened to, and resets its connections.
    pub(in crate::core) fn lose_sockets(&mut self, node: NodeIndex, cause: EventId) {
        self.sockets.listeners.retain(|(owner, _), _| *owner != node);
        for connection in 0..self.sockets.connections.len() as u32 {
            for is_server in [false, true] {
                let id = EndId { connection, is_server };
                let end = self.sockets.end_mut(id);
                // What the process had closed, its system goes on to deliver.
                if end.node != node || matches!(end.state, State::Closed | State::Gone) {
                    continue;
                }
                let was_used = end.state == State::Open;
                end.state = State::Gone;
                // What is on its way already arrives, but is not sent again.
                end.unsent.clear();
                let is_known = was_used && !(end.has_heard_all && end.has_ended);
                if is_known && self.sockets.end(id.other()).state != State::Gone {
                    self.send_reset(id, cause);
                }
            }
        }
    }
}

fn arrival(of: EndId, number: u32) -> Pending {
    Pending::Socket(SocketTimer::Arrive { of, number })
}
