//! The store service: a primary that decides, and replicas that follow with a lag.

use super::{Change, Commit, Entries, Freshness, ItemStamp, Refusal, Snapshot, StoreWire, Version};
use crate::agent::{Agents, Author, Body, Message, OpId, Stamp, StoreEvent, TeamEvent, Token};
use perfidy_sim::{DrawPurpose, IncomingMessage, Lookup, Name, Service, ServiceContext, SimSpan, SimTime};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The draw sites for the lag of each replica behind a change.
const LAG_OF: [&str; StoreService::MAX_REPLICAS] = [
    "store, lag of replica 1",
    "store, lag of replica 2",
    "store, lag of replica 3",
    "store, lag of replica 4",
    "store, lag of replica 5",
];

/// The draw site for the replica that serves a read.
const CHOICE: &str = "store, replica for a read";
const WHICH: DrawPurpose = DrawPurpose::new("which");

/// When a change reaches each replica.
type Arrivals = [SimTime; StoreService::MAX_REPLICAS];

/// The store.
pub struct StoreService {
    replicas: usize,
    lag: RangeInclusive<SimSpan>,
    items: Lookup<Name, Item>,
    /// When each change of the store reaches each replica, in the order of changes.
    log: Vec<Arrivals>,
    /// For each replica, how many changes it has received without a gap.
    complete: [usize; StoreService::MAX_REPLICAS],
}

struct Kept {
    snapshot: Snapshot,
    /// The highest stamp of the changes that it is made of, if any had one.
    stamp: Option<Stamp>,
    arrives: Arrivals,
}

#[derive(Default)]
struct Item {
    /// The latest state and the earlier ones that some replica may still return, the oldest first.
    kept: VecDeque<Kept>,
    done: Lookup<OpId, ItemStamp>,
    fence: Option<Token>,
}

impl Item {
    fn latest(&self) -> Snapshot {
        self.kept.back().map_or_else(nothing, |kept| kept.snapshot.clone())
    }

    /// The highest stamp of the changes up to this version, if any had one.
    fn stamp_at(&self, version: Version) -> Option<Stamp> {
        self.kept.iter().rev().find(|kept| kept.snapshot.stamp.version == version)?.stamp
    }

    fn at_replica(&self, replica: usize, now: SimTime) -> Snapshot {
        let arrived = |kept: &&Kept| kept.arrives[replica] <= now;
        self.kept.iter().rev().find(arrived).map_or_else(nothing, |kept| kept.snapshot.clone())
    }

    /// Whether a token is high enough; from now on lower ones are refused.
    fn pass(&mut self, token: Option<Token>) -> Result<(), Refusal> {
        match self.fence {
            Some(highest) if token.is_some_and(|token| token < highest) => Err(Refusal::Fenced(highest)),
            _ => {
                self.fence = self.fence.max(token);
                Ok(())
            }
        }
    }

    /// The entries after a change and the version it is based on, if the change is possible.
    fn apply(&self, change: &Change) -> Result<(Entries, Version), Refusal> {
        let now = self.latest();
        match change {
            Change::Replace { based_on, entries } => Ok((entries.clone(), *based_on)),
            Change::ReplaceAt { version, .. } if *version != now.stamp.version => {
                Err(Refusal::Moved(now.stamp))
            }
            Change::ReplaceAt { version, entries } => Ok((entries.clone(), *version)),
            Change::Append(entry) => Ok((now.and(entry.clone()), now.stamp.version)),
        }
    }
}

fn nothing() -> Snapshot {
    Snapshot { stamp: ItemStamp::default(), entries: Entries::default() }
}

impl StoreService {
    /// The name under which a world has its store.
    pub const NAME: &'static str = "store";

    /// How many replicas there can be.
    pub const MAX_REPLICAS: usize = 5;

    /// A store whose reads are served by so many replicas, or by the primary if there are none. Each replica
    /// receives a change after a time from `lag`.
    ///
    /// # Panics
    /// If there are more than [`StoreService::MAX_REPLICAS`].
    pub fn new(replicas: usize, lag: RangeInclusive<SimSpan>) -> Self {
        assert!(replicas <= Self::MAX_REPLICAS, "a store has at most {} replicas", Self::MAX_REPLICAS);
        Self { replicas, lag, items: Lookup::default(), log: Vec::new(), complete: [0; Self::MAX_REPLICAS] }
    }

    fn read(
        &mut self,
        context: &mut ServiceContext<'_, Agents>,
        item: Name,
        asks: Freshness,
        fence: Option<Token>,
    ) -> Result<Snapshot, Refusal> {
        let replicas = self.replicas as u64;
        if fence.is_some() {
            self.items.get_or_insert_with(item, Item::default).pass(fence)?;
        }
        let Some(known) = self.items.get(item) else { return Ok(nothing()) };
        if replicas == 0 || asks == Freshness::Latest {
            return Ok(known.latest());
        }
        let replica = context.draw(Name::literal(CHOICE), item, |draw| draw.below(WHICH, replicas) as usize);
        let now = context.now();
        let has = known.at_replica(replica, now);
        let is_enough = match asks {
            Freshness::Any | Freshness::Latest => true,
            Freshness::Version(version) => has.stamp.version >= version,
            Freshness::Commit(commit) => {
                let complete = &mut self.complete[replica];
                while self.log.get(*complete).is_some_and(|arrives| arrives[replica] <= now) {
                    *complete += 1;
                }
                *complete as u64 >= commit.0
            }
        };
        Ok(if is_enough { has } else { known.latest() })
    }

    fn commit(
        &mut self,
        context: &mut ServiceContext<'_, Agents>,
        incoming: &IncomingMessage<Body>,
        item: Name,
        (change, op, fence): (&Change, OpId, Option<Token>),
    ) -> Result<ItemStamp, Refusal> {
        let known = self.items.get_or_insert_with(item, Item::default);
        if let Some(stamp) = known.done.get(op) {
            return Ok(*stamp);
        }
        known.pass(fence)?;
        let (entries, based_on) = known.apply(change)?;
        let before = known.latest();
        let version = Version(before.stamp.version.0 + 1);
        context.record_event(
            Author::HARNESS,
            TeamEvent::Store(StoreEvent::Stored { item, by: incoming.from, version, based_on }),
        );
        let after =
            Snapshot { stamp: ItemStamp { version, commit: Commit(self.log.len() as u64 + 1) }, entries };
        for entry in after.entries.since(&before.entries) {
            context.record_event(
                Author::HARNESS,
                TeamEvent::Store(StoreEvent::Entered { item, entry: entry.id, version, content: entry.body }),
            );
        }
        for entry in before.entries.since(&after.entries) {
            context.record_event(
                Author::HARNESS,
                TeamEvent::Store(StoreEvent::Vanished { item, entry: entry.id, version }),
            );
        }
        let now = context.now();
        let mut arrives = [now; Self::MAX_REPLICAS];
        for (arrival, site) in arrives.iter_mut().zip(LAG_OF).take(self.replicas) {
            *arrival = now + context.draw_span(Name::literal(site), item, &self.lag);
        }
        let stamp = after.stamp;
        self.log.push(arrives);
        known.done.insert(op, stamp);
        let highest = known.stamp_at(before.stamp.version).max(incoming.payload.stamp());
        known.kept.push_back(Kept { snapshot: after, stamp: highest, arrives });
        // A state is dropped once every replica has the next one.
        while known.kept.get(1).is_some_and(|next| next.arrives.iter().all(|arrival| *arrival <= now)) {
            known.kept.pop_front();
        }
        Ok(stamp)
    }
}

impl Service<Agents> for StoreService {
    fn on_message(&mut self, context: &mut ServiceContext<'_, Agents>, incoming: IncomingMessage<Body>) {
        let (item, answer, version) = match incoming.payload.open::<StoreWire>() {
            Some(StoreWire::Read { item, asks, fence }) => {
                let read = self.read(context, *item, *asks, *fence);
                let version = read.as_ref().ok().map(|snapshot| snapshot.stamp.version);
                (*item, read.map_or_else(StoreWire::Refused, StoreWire::Snapshot), version)
            }
            Some(StoreWire::Commit { item, change, op, fence }) => {
                let committed = self.commit(context, &incoming, *item, (change, *op, *fence));
                let version = committed.as_ref().ok().map(|stamp| stamp.version);
                (*item, committed.map_or_else(StoreWire::Refused, StoreWire::Committed), version)
            }
            _ => return,
        };
        // The reader of a change learns the clocks of its writers.
        let stamp = version.zip(self.items.get(item)).and_then(|(version, item)| item.stamp_at(version));
        context.reply(&incoming, Name::literal(answer.kind()), Body::new(answer).stamped(stamp));
    }
}
