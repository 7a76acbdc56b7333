//! The behaviour of a world on both engines: one module for each topic.

mod chaos;
mod clocks;
mod crash;
mod ends;
mod engines;
mod independence;
mod links;
mod messages;
mod overlapping_restarts;
mod partition;
mod pause;
mod replay;
mod request;
mod steps;
mod storage;
#[cfg(madsim)]
mod tokio_code;
mod tokio_sync;

use perfidy_sim::{
    Action, Address, Domain, Engine, EventKind, Fault, Name, Plan, RunOutcome, Seed, SimSpan, SimTime, World,
    WorldConfig,
};

/// A world whose messages and notes are numbers.
#[derive(Clone)]
struct Numbers;

impl Domain for Numbers {
    type Payload = u64;
    type AppEvent = u64;
    type Author = ();
}

/// Runs a world on every engine of this build and checks the outcome.
fn on_every_engine(
    config: &WorldConfig,
    build: impl Fn(&mut World<Numbers>) + Sync,
    mut look: impl FnMut(Engine, RunOutcome<Numbers>),
) {
    for engine in Engine::ALL.into_iter().filter(|engine| engine.available().is_ok()) {
        look(engine, run(engine, config, &build));
    }
}

fn run(
    engine: Engine,
    config: &WorldConfig,
    build: impl Fn(&mut World<Numbers>) + Sync,
) -> RunOutcome<Numbers> {
    engine.run(|| {
        let mut world = World::new(config.clone());
        build(&mut world);
        world
    })
}

/// A world with only these faults, each written `address: action`.
fn with_faults(faults: &[(&str, &str)]) -> WorldConfig {
    let fault = |(at, action): &(&str, &str)| Fault {
        at: at.parse::<Address>().unwrap(),
        action: action.parse::<Action>().unwrap(),
    };
    WorldConfig {
        plan: Plan::Explicit(faults.iter().map(fault).collect()),
        ..WorldConfig::fault_free(Seed(1))
    }
}

fn name(text: &str) -> Name {
    Name::new(text)
}

fn ms(millis: u64) -> SimSpan {
    SimSpan::from_millis(millis)
}

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + ms(millis)
}

fn notes(outcome: &RunOutcome<Numbers>) -> Vec<u64> {
    outcome.history.app_events().map(|(_, note)| *note).collect()
}

/// The last event before the run ended.
fn last_thing(outcome: &RunOutcome<Numbers>) -> &EventKind<u64> {
    assert_eq!(outcome.history.ended(), Some(outcome.stop));
    let [.., last, _] = outcome.history.events() else { panic!("nothing happened") };
    &last.what
}

/// The events of a node, in order.
fn events_at(outcome: &RunOutcome<Numbers>, node: &str) -> Vec<EventKind<u64>> {
    let events = outcome.history.events().iter().filter(|event| event.node == name(node));
    events.map(|event| event.what.clone()).collect()
}
