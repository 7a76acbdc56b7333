//! Leases: the right to lead for a limited time, with a fencing token that only grows.
//!
//! The lock service guarantees, by its own clock, that until a lease expires or is released it is granted to
//! no other session. As in Chubby (Burrows 2006), a lease belongs to a session, and every incarnation of an
//! agent has its own: after a crash, or during an overlapping restart, the same agent counts as another
//! holder. A lease does not stop a holder after its end: a leader that was paused still believes in its
//! lease. This is what the token is for ("fencing token", Kleppmann 2016, "How to do distributed locking"): a
//! receiver of orders can reject a token lower than one it has seen.

use crate::agent::{Agent, Agents, Author, Body, Delivery, LeaseEvent, Message, TeamEvent};
use perfidy_sim::{IncomingMessage, Lookup, Name, Service, ServiceContext, SimSpan, SimTime, TimedOut};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A fencing token: every grant to a new holder has a higher one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Token(pub u64);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A lease, as its holder knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// What it is for.
    pub resource: Name,
    /// The token to send with every order.
    pub token: Token,
    /// When it ends by the holder's wall clock, counted from before the request: never later than by the lock
    /// service, as long as both clocks run alike. A holder whose clock was set back or stood still believes
    /// in it for too long.
    pub until: SimTime,
}

/// The lease was not granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseError {
    /// Another agent or incarnation holds it.
    Held,
    /// The lock service did not answer in time.
    NoAnswer,
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held => "another agent holds the lease",
            Self::NoAnswer => "the lock service did not answer",
        })
    }
}

impl std::error::Error for LeaseError {}

impl Agent {
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
}

/// The session id: distinguishes the incarnations of an agent at the lock service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Session(u32);

/// Messages between an agent and the lock service.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum LeaseWire {
    Acquire { resource: Name, span: SimSpan, session: Session },
    Release { resource: Name, token: Token },
    Granted(Token),
    Held,
}

impl Message for LeaseWire {
    fn kind(&self) -> &'static str {
        match self {
            Self::Acquire { .. } => "acquire",
            Self::Release { .. } => "release",
            Self::Granted(_) => "granted",
            Self::Held => "held",
        }
    }
}

struct Grant {
    holder: (Name, Session),
    token: Token,
    until: SimTime,
}

/// The lock service.
#[derive(Default)]
pub struct LeaseService {
    grants: Lookup<Name, Grant>,
}

impl LeaseService {
    /// The name under which a world has its lock service.
    pub const NAME: &'static str = "leases";

    fn decide(
        &mut self,
        context: &mut ServiceContext<'_, Agents>,
        holder: (Name, Session),
        resource: Name,
        span: SimSpan,
    ) -> LeaseWire {
        let now = context.now();
        let token = match self.grants.get(resource) {
            Some(grant) if grant.holder == holder && now < grant.until => grant.token,
            Some(grant) if now < grant.until => return LeaseWire::Held,
            Some(grant) => Token(grant.token.0 + 1),
            None => Token(1),
        };
        let until = now + span;
        self.grants.insert(resource, Grant { holder, token, until });
        let (holder, _) = holder;
        context.record_event(
            Author::HARNESS,
            TeamEvent::Lease(LeaseEvent::Granted { resource, holder, token, until }),
        );
        context.mark(holder);
        LeaseWire::Granted(token)
    }

    fn take_back(
        &mut self,
        context: &mut ServiceContext<'_, Agents>,
        from: Name,
        resource: Name,
        token: Token,
    ) {
        let now = context.now();
        let Some(grant) = self.grants.get_mut(resource) else { return };
        if grant.holder.0 == from && grant.token == token && now < grant.until {
            grant.until = now;
            context.record_event(
                Author::HARNESS,
                TeamEvent::Lease(LeaseEvent::GivenBack { resource, holder: from, token }),
            );
        }
    }
}

impl Service<Agents> for LeaseService {
    fn on_message(&mut self, context: &mut ServiceContext<'_, Agents>, incoming: IncomingMessage<Body>) {
        match incoming.payload.open::<LeaseWire>().copied() {
            Some(LeaseWire::Acquire { resource, span, session }) => {
                let answer = self.decide(context, (incoming.from, session), resource, span);
                context.reply(&incoming, Name::literal(answer.kind()), Body::new(answer));
            }
            Some(LeaseWire::Release { resource, token }) => {
                self.take_back(context, incoming.from, resource, token);
            }
            Some(LeaseWire::Granted(_) | LeaseWire::Held) | None => {}
        }
    }
}
