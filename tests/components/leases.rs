//! Leases from an agent's view: one holder at a time, which is one incarnation of an agent.

use perfidy::agent::{Agent, Agents, LeaseEvent, LeaseService, TeamEvent, Token};
use perfidy_sim::{Engine, Fault, Name, Plan, Seed, SimSpan, SimTime, World, WorldConfig};

const LEASE: SimSpan = SimSpan::from_secs(10);

/// When each token was first granted to an agent that asks every second for a minute, with this fault.
fn reigns(place: &str, action: &str) -> Vec<(SimTime, Token)> {
    let fault = Fault { at: place.parse().unwrap(), action: action.parse().unwrap() };
    let outcome = Engine::Native.run(|| {
        let config = WorldConfig { plan: Plan::Explicit([fault].into()), ..WorldConfig::fault_free(Seed(3)) };
        let mut world = World::<Agents>::new(config);
        world.service(Name::literal(LeaseService::NAME), LeaseService::default());
        world.process(Name::new("a"), |context| async move {
            let agent = Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO);
            while agent.monotonic() < SimTime::ZERO + SimSpan::from_secs(60) {
                let _ = agent.lease(Name::new("office"), LEASE, SimSpan::from_secs(1)).await;
                agent.sleep(SimSpan::from_secs(1)).await;
            }
            agent.finish_after(SimSpan::ZERO);
        });
        world
    });
    let mut reigns: Vec<(SimTime, Token)> = Vec::new();
    for (event, note) in outcome.history.app_events() {
        if let TeamEvent::Lease(LeaseEvent::Granted { token, .. }) = note
            && reigns.last().is_none_or(|(_, latest)| latest != token)
        {
            reigns.push((event.at, *token));
        }
    }
    reigns
}

fn seconds(span: u64) -> SimTime {
    SimTime::ZERO + SimSpan::from_secs(span)
}

#[test]
fn an_agent_that_comes_back_waits_until_its_own_lease_has_run_out() {
    let reigns = reigns("crash, a, try 1", "crash a at 20s, back after 2s");
    let [(_, Token(1)), (again, Token(2))] = reigns.as_slice() else { panic!("{reigns:?}") };
    assert!((seconds(28)..seconds(32)).contains(again), "{again}");
}

#[test]
fn a_twin_never_holds_what_the_other_life_holds() {
    let reigns = reigns("overlapping-restart, a, try 1", "overlapping-restart a at 20s for 15s");
    let [(_, Token(1)), (again, Token(2))] = reigns.as_slice() else { panic!("{reigns:?}") };
    assert!(
        (seconds(43)..seconds(47)).contains(again),
        "the older life has renewed its lease to its end: {again}"
    );
}
