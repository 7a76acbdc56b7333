//! Components with which agents write a shared item and elect a leader, used as agents of another team would
//! use them.

use perfidy::agent::{Agent, Agents, Freshness, ItemEntry, LeaseService, Message, StoreService, Token};
use perfidy::safeguards::Safeguards;
use perfidy::safeguards::append_only::append;
use perfidy::safeguards::election::{Candidate, Election, Leadership};
use perfidy::safeguards::event_log::EventLog;
use perfidy::safeguards::optimistic_locking::{GaveUp, UpdateFailure, retry_on_conflict, update};
use perfidy::safeguards::single_writer::{add_through, serve};
use perfidy::safeguards::verify::Verify;
use perfidy_sim::{
    Engine, EventKind, Fault, Name, Plan, RunEnd, RunOutcome, Seed, SimSpan, SimTime, World, WorldConfig,
};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::future::Future;

/// An announcement of an agent's action.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum Mark {
    Part,
    Leads(Token),
}

impl Message for Mark {
    fn kind(&self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Leads(_) => "leads",
        }
    }
}

fn document() -> Name {
    Name::literal("document")
}

fn part(name: Name) -> ItemEntry {
    ItemEntry::new(name, Mark::Part)
}

/// Adds an agent that runs this.
pub fn agent<F: Future<Output = ()> + 'static>(
    world: &mut World<Agents>,
    name: &str,
    run: impl Fn(Agent) -> F + 'static,
) {
    let instant = SimSpan::from_millis(1)..=SimSpan::from_millis(1);
    world.process(Name::new(name), move |context| run(Agent::new(context, instant.clone())));
}

/// Adds an agent that checks after a minute that the document has these parts, and ends the run.
fn reader(world: &mut World<Agents>, parts: &'static [&'static str]) {
    agent(world, "reader", move |agent| async move {
        agent.sleep(SimSpan::from_secs(60)).await;
        let document = agent.store().read(document(), Freshness::Latest).await.unwrap();
        for part in parts {
            assert!(document.has(Name::new(part)), "{part} is missing");
        }
        assert_eq!(document.entries.len(), parts.len());
        agent.finish_after(SimSpan::ZERO);
    });
}

/// Runs a world with a store and a lock service, in which every assertion of an agent holds.
pub fn run(plan: &Plan, build: impl Fn(&mut World<Agents>) + Send + Sync) -> RunOutcome<Agents> {
    let outcome = Engine::Native.run(|| {
        let mut world = World::new(WorldConfig { plan: plan.clone(), ..WorldConfig::fault_free(Seed(1)) });
        world.service(Name::literal(StoreService::NAME), StoreService::new(0, SimSpan::ZERO..=SimSpan::ZERO));
        world.service(Name::literal(LeaseService::NAME), LeaseService::default());
        build(&mut world);
        world
    });
    let panic = outcome.history.events().iter().find_map(|event| match &event.what {
        EventKind::Panicked { message } => Some(message),
        _ => None,
    });
    assert_eq!((outcome.stop, panic), (RunEnd::Finished, None));
    outcome
}

#[test]
fn two_agents_that_update_an_item_at_once_lose_nothing() {
    run(&Plan::fault_free(), |world| {
        for name in ["ann", "ben"] {
            agent(world, name, |agent| async move {
                let own = part(agent.name());
                update(&agent, document(), 4, async |seen| {
                    // A model reads the item, which takes time.
                    agent.sleep(SimSpan::from_secs(2)).await;
                    seen.and(own.clone())
                })
                .await
                .unwrap();
            });
        }
        reader(world, &["ann", "ben"]);
    });
}

#[test]
fn a_cycle_is_begun_again_after_a_conflict_and_only_then() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcome_of = |misses: &[UpdateFailure]| {
        let begun = Cell::new(0);
        let cycle = async || {
            begun.set(begun.get() + 1);
            misses.get(begun.get() - 1).map_or(Ok(()), |miss| Err(*miss))
        };
        (runtime.block_on(retry_on_conflict(3, cycle)), begun.get())
    };
    assert_eq!(outcome_of(&[UpdateFailure::Conflict, UpdateFailure::Conflict]), (Ok(()), 3));
    assert_eq!(outcome_of(&[UpdateFailure::Conflict; 4]), (Err(GaveUp), 3));
    assert_eq!(outcome_of(&[UpdateFailure::NoAnswer]), (Err(GaveUp), 1));
}

#[test]
fn appended_entries_overwrite_nothing() {
    run(&Plan::fault_free(), |world| {
        for name in ["ann", "ben"] {
            agent(world, name, |agent| async move {
                let op = agent.new_operation_id(document());
                append(agent.store(), document(), part(agent.name()), op).await.unwrap();
            });
        }
        reader(world, &["ann", "ben"]);
    });
}

#[test]
fn a_single_writer_adds_what_the_others_send_it_and_says_so() {
    run(&Plan::fault_free(), |world| {
        agent(world, "writer", |agent| async move {
            loop {
                let mail = agent.receive().await;
                let is_served = serve(&agent, &mail, async |agent: &Agent, item, entry| {
                    let op = agent.new_operation_id(item);
                    Some(append(agent.store(), item, entry, op).await.ok()?.version)
                });
                assert!(is_served);
            }
        });
        for name in ["ann", "ben"] {
            agent(world, name, |agent| async move {
                let version = add_through(&agent, Name::new("writer"), document(), part(agent.name())).await;
                assert!(version.is_some());
            });
        }
        reader(world, &["ann", "ben"]);
    });
}

#[test]
fn an_addition_of_which_the_writer_says_nothing_is_not_confirmed() {
    run(&Plan::fault_free(), |world| {
        agent(world, "ann", |agent| async move {
            let version = add_through(&agent, Name::new("ben"), document(), part(agent.name())).await;
            assert_eq!(version, None);
            agent.finish_after(SimSpan::ZERO);
        });
        agent(world, "ben", |_| std::future::pending());
    });
}

/// A candidate that announces each leadership, and announces nothing while it follows.
struct Watchman(Agent);

impl Candidate for Watchman {
    async fn lead(&mut self, leadership: Leadership) {
        self.0.announce(document(), Mark::Leads(leadership.token()));
        while leadership.holds() {
            self.0.sleep(SimSpan::from_secs(1)).await;
        }
    }

    async fn follow(&mut self, until: SimTime) {
        self.0.sleep(until.since(self.0.monotonic())).await;
    }
}

/// Which agent began to lead when, with these faults, within two minutes.
fn leaders(faults: &[Fault]) -> Vec<(String, SimTime)> {
    let election = Election { lease: SimSpan::from_secs(9) };
    let outcome = run(&Plan::Explicit(faults.into()), |world| {
        agent(world, "first", move |agent| async move {
            election.run(&agent.clone(), document(), &mut Watchman(agent)).await;
        });
        agent(world, "second", move |agent| async move {
            election.run_as_backup(&agent.clone(), document(), &mut Watchman(agent)).await;
        });
        agent(world, "clock", |agent| async move { agent.finish_after(SimSpan::from_secs(120)) });
    });
    let begun = outcome.history.app_events().filter(|(_, note)| note.to_string().contains("Leads"));
    begun.map(|(event, _)| (event.node.to_string(), event.at)).collect()
}

#[test]
fn a_leader_that_renews_its_lease_leads_on_and_a_backup_takes_over_from_one_that_died() {
    let [(first, _)] = leaders(&[]).try_into().unwrap();
    assert_eq!(first, "first");
    let crash = Fault {
        at: "crash, first, try 1".parse().unwrap(),
        action: "crash first at 30s for good".parse().unwrap(),
    };
    let [_, (second, at)] = leaders(&[crash]).try_into().unwrap();
    let since_start = at.since(SimTime::ZERO);
    assert_eq!(second, "second");
    assert!(since_start > SimSpan::from_secs(30) && since_start < SimSpan::from_secs(50), "{since_start}");
}

#[test]
fn safeguards_can_be_turned_on_in_code() {
    let on = Safeguards::default().with(Verify).with(EventLog);
    assert!(on.has::<Verify>() && on.has::<EventLog>());
    assert_eq!(on.names().collect::<Vec<_>>(), ["event-log", "verify"]);
}
