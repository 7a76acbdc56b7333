//! Claims: before an agent does a piece of work, it takes a lease on it.
//!
//! A claim is an item of the shared store, taken by compare-and-set, so only one of two competing agents gets
//! it. It is a lease: its owner renews it by writing it again, and another agent that sees it unchanged for a
//! whole lease of its own clock may take it. No agent compares clocks with another (as in the lock client of
//! `DynamoDB` and leader election in Kubernetes). The owner counts its lease from before its request and
//! leaves a tenth of it unused, so it stops before another agent can begin even if one of their clocks runs a
//! little faster.
//!
//! Without the switch it works the naive way: check whether an agent has the work, and if not, write one's
//! own name there.

use crate::agent::{
    Agent, Change, Entries, Freshness, Headers, ItemEntry, Message, Purpose, Snapshot, StoreError, Version,
};
use crate::config::{Entry, Problem};
use crate::safeguards::known_defect::Defect;
use crate::safeguards::lease_check::LeaseCheck;
use crate::safeguards::{Safeguard, Safeguards, lease};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::{Rc, Weak};
use std::task::Poll;

/// How long a claim lasts if its owner does not renew it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimByLease {
    /// The length of the lease; an owner renews it after a third of that.
    pub lease: SimSpan,
}

impl Safeguard for ClaimByLease {
    const NAME: &'static str = "claim-by-lease";
    const ABOUT: &'static str = "work is claimed by compare-and-set, with a lease that its owner renews";
    const EXAMPLE: &'static str = r#"claim-by-lease = { lease = "15s" }"#;
    const WITHOUT: &'static str =
        "an agent takes a task that it saw free a moment ago; two agents can do so at once";
    const PROTECTS: &'static [&'static str] = &["one-owner-per-task"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let possible = SimSpan::from_secs(3)..=SimSpan::from_secs(3_600);
        Ok(Some(Self { lease: lease(entry, &possible)? }))
    }
}

/// After how long an owner counts as crashed where claims are not renewed.
const PRESUMED_DEAD: SimSpan = SimSpan::from_secs(5);

/// The part of a lease that its owner uses.
fn usable(lease: SimSpan) -> SimSpan {
    lease.split(10).saturating_mul(9)
}

/// The content of a claim that has an owner.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Owned {
    work: Name,
}

impl Message for Owned {
    fn kind(&self) -> &'static str {
        "owned"
    }

    fn headers(&self) -> Headers {
        Headers { correlation: Some(self.work), ..Headers::of(Purpose::Claim) }
    }
}

/// What an owner announces.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
pub enum Ownership {
    /// It holds its claim for this long, or until it releases it.
    Holds(Option<SimSpan>),
    /// It no longer holds it.
    LetsGo,
}

impl Message for Ownership {
    fn kind(&self) -> &'static str {
        "ownership"
    }
}

/// The claims of one agent. Clones share them.
#[derive(Clone)]
pub struct Claims {
    agent: Agent,
    /// The owner name of this incarnation of the agent: another incarnation must not take its claims for its
    /// own.
    me: Name,
    lease: Option<SimSpan>,
    /// Whether work is done only while the claim on it holds.
    checks_lease: bool,
    /// The version of each claim of another owner, and when it was first seen.
    seen: Rc<RefCell<Lookup<Name, (Version, SimTime)>>>,
}

impl Claims {
    /// The claims of an agent, initially none.
    pub fn new(agent: &Agent, safeguards: &Safeguards) -> Self {
        let lease = safeguards.get::<ClaimByLease>().map(|claim| claim.lease);
        let me = match agent.incarnation() {
            0 => agent.name(),
            _ if Defect::ClaimOfEarlierIncarnation.is_in(safeguards) => agent.name(),
            later => Name::new(&format!("{}#{later}", agent.name())),
        };
        let checks_lease = !safeguards.lacks::<LeaseCheck>();
        Self { agent: agent.clone(), me, lease, checks_lease, seen: Rc::default() }
    }

    /// Claims a piece of work; `None` if it belongs to another owner, or the store does not answer.
    pub async fn take(&self, work: Name) -> Option<LeaseGuard> {
        let item = Name::joined(Name::literal("claim on"), " ", work);
        let asks = if self.lease.is_some() { Freshness::Latest } else { Freshness::Any };
        let found = self.agent.store().read(item, asks).await.ok()?;
        if !self.is_free(item, &found) {
            return None;
        }
        let op = self.agent.new_operation_id(item);
        let asked = self.agent.monotonic();
        let stamp = self.agent.store().commit(item, self.own(work, found.stamp.version), op).await.ok()?;
        self.seen.borrow_mut().remove(item);
        let guard = LeaseGuard {
            claims: self.clone(),
            work,
            item,
            state: Rc::new(State {
                version: Cell::new(stamp.version),
                until: Cell::new(self.lease.map(|lease| asked + usable(lease))),
            }),
        };
        if !guard.is_held() {
            return None;
        }
        guard.say();
        if let Some(lease) = self.lease {
            let state = Rc::downgrade(&guard.state);
            self.agent.spawn(renew(self.clone(), (work, item), lease, state));
        }
        Some(guard)
    }

    fn is_free(&self, item: Name, found: &Snapshot) -> bool {
        let Some(owner) = found.entries.first() else { return true };
        if owner.id == self.me {
            return true;
        }
        let now = self.agent.monotonic();
        let version = found.stamp.version;
        let mut seen = self.seen.borrow_mut();
        let (known, since) = seen.get_or_insert_with(item, || (version, now));
        if *known != version {
            (*known, *since) = (version, now);
        }
        now >= *since + self.lease.unwrap_or(PRESUMED_DEAD)
    }

    /// The change that writes the agent's name into the claim on work that was at this version.
    fn own(&self, work: Name, version: Version) -> Change {
        self.rewrite(version, [ItemEntry::new(self.me, Owned { work })].into())
    }

    fn rewrite(&self, version: Version, entries: Entries) -> Change {
        match self.lease {
            Some(_) => Change::ReplaceAt { version, entries },
            None => Change::Replace { based_on: version, entries },
        }
    }
}

struct State {
    version: Cell<Version>,
    /// When it ends by the owner's monotonic clock, if it does.
    until: Cell<Option<SimTime>>,
}

impl State {
    fn is_held(&self, now: SimTime) -> bool {
        self.until.get().is_none_or(|until| now < until)
    }
}

/// A claimed piece of work. The claim is renewed until it is released or dropped.
pub struct LeaseGuard {
    claims: Claims,
    work: Name,
    item: Name,
    state: Rc<State>,
}

/// The claim has expired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseLost;

impl LeaseGuard {
    /// Whether the claim holds now.
    pub fn is_held(&self) -> bool {
        self.state.is_held(self.claims.agent.monotonic())
    }

    /// Runs `work` only while the claim holds: the clock is checked before each poll, unless a scenario takes
    /// `lease-check` away.
    ///
    /// # Errors
    /// [`LeaseLost`] if the claim expired first. Requests that `work` has already sent may still take effect.
    pub fn while_held<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Result<T, LeaseLost>> {
        // In a box, because a future that pins its argument holds that twice.
        let mut work = Box::pin(work);
        poll_fn(move |task| {
            if self.claims.checks_lease && !self.is_held() {
                return Poll::Ready(Err(LeaseLost));
            }
            work.as_mut().poll(task).map(Ok)
        })
    }

    /// Releases the claim, so that no other agent has to wait for the end of the lease.
    pub async fn release(self) {
        let Self { claims, work, item, state } = self;
        let held = state.is_held(claims.agent.monotonic());
        let version = state.version.get();
        // Stops the renewal.
        drop(state);
        claims.agent.announce(work, Ownership::LetsGo);
        if held {
            let op = claims.agent.new_operation_id(item);
            let change = claims.rewrite(version, Entries::default());
            // If this write fails, the lease expires.
            let _ = claims.agent.store().commit(item, change, op).await;
        }
    }

    fn say(&self) {
        let now = self.claims.agent.monotonic();
        let lasting = self.state.until.get().map(|until| until.since(now));
        self.claims.agent.announce(self.work, Ownership::Holds(lasting));
    }
}

/// Renews a claim until it is released or another owner has it.
async fn renew(claims: Claims, (work, item): (Name, Name), lease: SimSpan, state: Weak<State>) {
    let agent = &claims.agent;
    loop {
        agent.sleep(lease.split(3)).await;
        let Some(version) = state.upgrade().map(|state| state.version.get()) else { return };
        let op = agent.new_operation_id(item);
        let asked = agent.monotonic();
        let renewed = agent.store().commit_with_retry(item, claims.own(work, version), op).await;
        let Some(state) = state.upgrade() else { return };
        match renewed {
            Ok(stamp) if state.is_held(agent.monotonic()) => {
                state.version.set(stamp.version);
                state.until.set(Some(asked + usable(lease)));
                if state.is_held(agent.monotonic()) {
                    let lasting = Some((asked + usable(lease)).since(agent.monotonic()));
                    agent.announce(work, Ownership::Holds(lasting));
                }
            }
            Err(StoreError::Indefinite(_)) if state.is_held(agent.monotonic()) => {}
            _ => return,
        }
    }
}
