//! Election by lease: of several candidates one leads at a time, and another takes over when its lease has
//! run out.
//!
//! Each candidate asks a lock service for the same lease. The one that gets it leads and renews the lease in
//! time; the others follow and ask again ([`Election::run`]; "leader election" with a coordination service,
//! as in Chubby, Burrows 2006). A lease does not stop a leader that is paused between a check of the lease
//! and its next action: that takes [fencing tokens](super::fencing), so each [`Leadership`] has one.
//!
//! ```
//! use perfidy::agent::Agent;
//! use perfidy::safeguards::election::{Candidate, Election, Leadership};
//! use perfidy_sim::{Name, SimSpan, SimTime};
//!
//! struct Printer(Agent);
//!
//! impl Candidate for Printer {
//!     async fn lead(&mut self, leadership: Leadership) {
//!         while leadership.holds() {
//!             println!("leading, token {}", leadership.token());
//!             self.0.sleep(SimSpan::from_secs(1)).await;
//!         }
//!     }
//!
//!     async fn follow(&mut self, until: SimTime) {
//!         self.0.sleep(until.since(self.0.monotonic())).await;
//!     }
//! }
//!
//! async fn candidate(agent: Agent) {
//!     let election = Election { lease: SimSpan::from_secs(10) };
//!     election.run(&agent.clone(), Name::new("printing"), &mut Printer(agent)).await;
//! }
//! ```

use crate::agent::{Agent, Lease, LeaseError, Token};
use crate::config::{Entry, Problem};
use crate::safeguards::{LEASES, Safeguard, lease};
use perfidy_sim::{Name, SimSpan, SimTime};
use std::future::Future;
use tokio::sync::watch;

/// How long a leader's lease lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Election {
    /// The length of a lease; a holder renews it after a third of that.
    pub lease: SimSpan,
}

impl Safeguard for Election {
    const NAME: &'static str = "election";
    const ABOUT: &'static str = "a backup takes over leadership when the leader's lease expires";
    const EXAMPLE: &'static str = r#"election = { lease = "10s" }"#;
    const WITHOUT: &'static str = "there is one leader and no other candidate; without it no agent leads";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(Some(Self { lease: lease(entry, &LEASES)? }))
    }
}

/// An agent that may lead.
pub trait Candidate {
    /// Leads, and returns when it does not lead any more: at the latest when the leadership does not hold.
    fn lead(&mut self, leadership: Leadership) -> impl Future<Output = ()>;

    /// Follows until that time by its monotonic clock.
    fn follow(&mut self, until: SimTime) -> impl Future<Output = ()>;
}

impl Election {
    /// Asks for the lease, leads while it holds, and asks again, without end.
    pub async fn run(self, agent: &Agent, resource: Name, candidate: &mut impl Candidate) {
        loop {
            match self.stand(agent, resource).await {
                Ok(leadership) => candidate.lead(leadership).await,
                Err(_) => candidate.follow(agent.monotonic() + self.lease.split(2)).await,
            }
        }
    }

    /// The same for a backup, which leaves the first lease to another candidate.
    pub async fn run_as_backup(self, agent: &Agent, resource: Name, candidate: &mut impl Candidate) {
        candidate.follow(agent.monotonic() + self.lease).await;
        self.run(agent, resource, candidate).await;
    }

    /// Asks for the lease once. It is renewed for as long as the leadership is kept.
    ///
    /// # Errors
    /// [`LeaseError`] if another candidate leads, or the lock service does not answer.
    pub async fn stand(self, agent: &Agent, resource: Name) -> Result<Leadership, LeaseError> {
        let lease = agent.lease(resource, self.lease, self.lease.split(3)).await?;
        let (renewed, held) = watch::channel(lease);
        agent.spawn(renew(agent.clone(), self.lease, renewed));
        Ok(Leadership { agent: agent.clone(), held })
    }
}

/// The lease of a leader, which is renewed until this is dropped.
pub struct Leadership {
    agent: Agent,
    held: watch::Receiver<Lease>,
}

impl Leadership {
    /// The token of this leadership, for every order.
    pub fn token(&self) -> Token {
        self.held.borrow().token
    }

    /// When it ends by the agent's wall clock if it is not renewed.
    pub fn until(&self) -> SimTime {
        self.held.borrow().until
    }

    /// Whether the lease holds at this moment by the agent's wall clock.
    pub fn holds(&self) -> bool {
        self.agent.now() < self.until()
    }

    /// How long it holds if it is not renewed.
    pub fn left(&self) -> SimSpan {
        self.until().since(self.agent.now())
    }
}

/// Renews the lease until that fails or the leadership has been dropped.
async fn renew(agent: Agent, span: SimSpan, lease: watch::Sender<Lease>) {
    let Lease { resource, token, .. } = *lease.borrow();
    loop {
        agent.sleep(span.split(3)).await;
        if lease.is_closed() {
            return;
        }
        agent.before("lease", resource).await;
        match agent.lease(resource, span, span.split(3)).await {
            Ok(renewed) if renewed.token == token => drop(lease.send(renewed)),
            // Another token is another leadership; the leader finds out when this lease ends.
            Ok(_) => return,
            Err(_) if agent.now() >= lease.borrow().until => return,
            Err(_) => {}
        }
    }
}
