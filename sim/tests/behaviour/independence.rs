//! No draw depends on unrelated events.

use crate::{Numbers, chaos, ms, name, on_every_engine, run};
use perfidy_sim::{Engine, EventKind, Fault, RunOutcome, SimTime, World};

/// The workload with two more nodes that draw, tick and exchange messages.
fn with_strangers(world: &mut World<Numbers>) {
    for (node, other) in [("stranger", "friend"), ("friend", "stranger")] {
        world.process(name(node), move |context| async move {
            let coin = context.draw(name(node), name("coin"), |draw| draw.below("coin", 2));
            context.record_event((), coin);
            loop {
                context.sleep(ms(700)).await;
                context.send(name(other), name("heartbeat"), name("alive"), coin);
            }
        });
    }
    chaos::workload(world);
}

const LOCALS: [&str; 4] = ["a", "b", "c", "counter"];

fn local_events(outcome: &RunOutcome<Numbers>) -> Vec<(SimTime, perfidy_sim::Name, EventKind<u64>)> {
    let local = |event: &&perfidy_sim::Event<u64>| LOCALS.contains(&event.node.as_str());
    let waiting = |event: &&perfidy_sim::Event<u64>| matches!(event.what, EventKind::Waiting { .. });
    let events = outcome.history.events().iter().filter(local).filter(|event| !waiting(event));
    events.map(|event| (event.at, event.node, event.what.clone())).collect()
}

fn local_faults(outcome: &RunOutcome<Numbers>) -> Vec<Fault> {
    let stranger = |fault: &Fault| ["stranger", "friend"].iter().any(|s| fault.at.site.as_str().contains(s));
    let mut faults: Vec<Fault> = outcome.injected.iter().copied().filter(|fault| !stranger(fault)).collect();
    faults.sort_unstable();
    faults
}

#[test]
fn strangers_change_no_decision() {
    for seed in 0..30 {
        let config = chaos::config(seed, 30_000, false);
        let alone = run(Engine::Native, &config, chaos::workload);
        let in_company = run(Engine::Native, &config, with_strangers);
        assert_eq!(local_events(&alone), local_events(&in_company), "seed {seed}");
        // If several tasks of a node are ready at once, madsim polls a random one; here there are none.
        let config = chaos::without_rushes(&config);
        on_every_engine(&config, chaos::workload, |engine, alone| {
            let in_company = run(engine, &config, with_strangers);
            assert!(!alone.injected.is_empty());
            assert_eq!(local_faults(&alone), local_faults(&in_company), "{engine}, seed {seed}");
        });
    }
}
