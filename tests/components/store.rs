//! The shared store from an agent's view: versions, repetitions, lagging replicas, tokens.

use perfidy::agent::{
    Agent, Agents, Change, Entries, Freshness, ItemEntry, LeaseService, Message, OpId, Refusal, Snapshot,
    StoreError, StoreService, Token, Version,
};
use perfidy_sim::{Context, Engine, Name, RunEnd, Seed, SimSpan, World, WorldConfig};
use serde::{Deserialize, Serialize};

#[derive(Debug, Hash, Serialize, Deserialize)]
struct Line;

impl Message for Line {
    fn kind(&self) -> &'static str {
        "line"
    }
}

const ITEM: &str = "notes";

fn item() -> Name {
    Name::literal(ITEM)
}

fn line(id: &str) -> ItemEntry {
    ItemEntry::new(Name::new(id), Line)
}

fn lines(ids: &[&str]) -> Entries {
    ids.iter().map(|id| line(id)).collect()
}

fn names(snapshot: &Snapshot) -> Vec<&'static str> {
    snapshot.entries.all().iter().map(|entry| entry.id.as_str()).collect()
}

/// Runs a team of one agent in worlds of several seeds, whose store has replicas that lag by `lag`.
fn alone(lag: (u64, u64), code: impl AsyncFn(Agent) + Copy + Send + Sync + 'static) {
    for seed in 0..20 {
        let outcome = Engine::Native.run(|| {
            let mut world = World::<Agents>::new(WorldConfig::fault_free(Seed(seed)));
            let lag = SimSpan::from_secs(lag.0)..=SimSpan::from_secs(lag.1);
            world.service(Name::literal(StoreService::NAME), StoreService::new(3, lag));
            world.service(Name::literal(LeaseService::NAME), LeaseService::default());
            world.process(Name::new("a"), move |context: Context<Agents>| async move {
                let agent = Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO);
                code(agent.clone()).await;
                agent.finish_after(SimSpan::ZERO);
            });
            world
        });
        assert_eq!(outcome.stop, RunEnd::Finished, "seed {seed}");
    }
}

#[test]
fn an_item_that_was_never_written_is_empty() {
    alone((1, 5), async |agent: Agent| {
        for asks in [Freshness::Any, Freshness::Latest] {
            let snapshot = agent.store().read(item(), asks).await.unwrap();
            assert_eq!((snapshot.stamp.version, names(&snapshot).len()), (Version(0), 0));
        }
    });
}

#[test]
fn a_change_that_is_asked_for_twice_is_made_once() {
    alone((1, 5), async |agent: Agent| {
        let first = agent.store().commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        let again = agent.store().commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        assert_eq!(first, again);
        let other = agent.store().commit(item(), Change::Append(line("two")), OpId(2)).await.unwrap();
        assert_eq!(other.version, Version(2));
        assert_eq!(names(&agent.store().read(item(), Freshness::Latest).await.unwrap()), ["one", "two"]);
    });
}

#[test]
fn of_two_changes_at_one_version_the_second_hears_where_the_item_has_moved() {
    alone((1, 5), async |agent: Agent| {
        let change = |id: &str| Change::ReplaceAt { version: Version(0), entries: lines(&[id]) };
        let first = agent.store().commit(item(), change("one"), OpId(1)).await.unwrap();
        let second = agent.store().commit(item(), change("two"), OpId(2)).await;
        assert_eq!(second, Err(StoreError::Definite(Refusal::Moved(first))));
        assert_eq!(names(&agent.store().read(item(), Freshness::Latest).await.unwrap()), ["one"]);
    });
}

#[test]
fn a_replacement_does_not_look_at_what_it_replaces() {
    alone((1, 5), async |agent: Agent| {
        for (op, id) in [(1, "one"), (2, "two")] {
            let change = Change::Replace { based_on: Version(0), entries: lines(&[id]) };
            agent.store().commit(item(), change, OpId(op)).await.unwrap();
        }
        assert_eq!(names(&agent.store().read(item(), Freshness::Latest).await.unwrap()), ["two"]);
    });
}

#[test]
fn replicas_lag_and_a_stronger_read_is_current() {
    alone((2, 9), async |agent: Agent| {
        let stamp = agent.store().commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        for asks in [Freshness::Version(stamp.version), Freshness::Commit(stamp.commit), Freshness::Latest] {
            assert_eq!(agent.store().read(item(), asks).await.unwrap().stamp, stamp, "{asks:?}");
        }
        let stale = agent.store().read(item(), Freshness::Any).await.unwrap();
        assert_eq!(stale.stamp.version, Version(0), "no replica has heard of it yet");
        agent.sleep(SimSpan::from_secs(9)).await;
        assert_eq!(agent.store().read(item(), Freshness::Any).await.unwrap().stamp, stamp);
    });
}

#[test]
fn a_replica_may_hear_of_a_later_change_first_and_does_not_count_it_as_complete() {
    alone((0, 9), async |agent: Agent| {
        let other = Name::new("other");
        agent.store().commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        let second = agent.store().commit(other, Change::Append(line("one")), OpId(2)).await.unwrap();
        for _ in 0..20 {
            agent.sleep(SimSpan::from_millis(400)).await;
            let all = agent.store().read(item(), Freshness::Commit(second.commit)).await.unwrap();
            assert_eq!(all.stamp.version, Version(1), "a reader of all up to the second has the first");
        }
    });
}

#[test]
fn whatever_an_agent_was_told_counts_for_what_it_has_seen() {
    alone((2, 9), async |agent: Agent| {
        let other = Name::new("other");
        assert_eq!((agent.store().seen(item()), agent.store().seen_of_all()), <_>::default());
        let written = agent.store().commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        assert_eq!(agent.store().seen(item()), written.version);
        let late = Change::ReplaceAt { version: Version(9), entries: lines(&["late"]) };
        let moved = agent.store().commit(item(), late, OpId(2)).await;
        assert_eq!(moved, Err(StoreError::Definite(Refusal::Moved(written))));
        let later = agent.store().commit(other, Change::Append(line("one")), OpId(3)).await.unwrap();
        let all = agent.clone().store().seen_of_all();
        assert_eq!(all, later.commit, "a change of one item counts for a read of any other");
        let read = agent.store().read(item(), Freshness::Commit(all)).await.unwrap();
        assert_eq!(read.stamp, written);
        // A replica with an older state does not lower the session's version.
        agent.store().read(item(), Freshness::Any).await.unwrap();
        assert_eq!((agent.store().seen(item()), agent.store().seen_of_all()), (written.version, all));
    });
}

#[test]
fn a_lower_token_is_refused_once_a_higher_one_has_come_by_in_a_read() {
    alone((1, 5), async |agent: Agent| {
        let (older, newer) = (agent.store().fenced(Some(Token(1))), agent.store().fenced(Some(Token(2))));
        older.commit(item(), Change::Append(line("one")), OpId(1)).await.unwrap();
        assert_eq!(names(&newer.read(item(), Freshness::Latest).await.unwrap()), ["one"]);
        let refused = Err(StoreError::Definite(Refusal::Fenced(Token(2))));
        assert_eq!(older.commit(item(), Change::Append(line("two")), OpId(2)).await, refused);
        newer.commit(item(), Change::Append(line("three")), OpId(3)).await.unwrap();
        assert_eq!(names(&agent.store().read(item(), Freshness::Latest).await.unwrap()), ["one", "three"]);
    });
}

#[test]
fn a_lease_that_was_given_back_can_be_had_at_once_under_a_higher_token() {
    alone((1, 5), async |agent: Agent| {
        let minute = SimSpan::from_secs(60);
        let first = agent.lease(item(), minute, minute).await.unwrap();
        agent.release_lease(first);
        agent.sleep(SimSpan::from_secs(1)).await;
        let second = agent.lease(item(), minute, minute).await.unwrap();
        assert!(second.token > first.token);
        agent.release_lease(first);
        agent.sleep(SimSpan::from_secs(1)).await;
        let renewed = agent.lease(item(), minute, minute).await.unwrap();
        assert_eq!(renewed.token, second.token, "an old lease cannot be released for a new one");
    });
}
