//! Memory of campaigns of millions of runs in one process: no run may leave anything behind.
//!
//! The only test of its file, so that nothing runs beside it.

#![cfg(target_os = "linux")]

use perfidy_sim::{
    Action, Chance, Chaos, Domain, Engine, Hook, Name, Plan, Rule, Seed, Selector, SimSpan, SimTime,
    TimedEffect, TimedFault, World, WorldConfig,
};
use std::sync::Arc;

struct Numbers;

impl Domain for Numbers {
    type Payload = u64;
    type AppEvent = u64;
    type Author = ();
}

fn chaos() -> Chaos {
    let ms = SimSpan::from_millis;
    let rule = |kind, hook, action| Rule {
        kind: Name::new(kind),
        hook,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(100_000).unwrap(),
        action,
        span: Some(ms(1)..=ms(1_000)),
    };
    Chaos {
        rules: vec![
            rule("delay", Hook::Message, Action::Delay(SimSpan::ZERO)),
            rule("crash", Hook::Before, Action::Crash(Some(SimSpan::ZERO))),
            rule("pause", Hook::After, Action::Pause(SimSpan::ZERO)),
        ],
        windows: vec![TimedFault {
            kind: Name::new("crashes"),
            site: Name::new("crashes"),
            disturbance: TimedEffect::Crash(vec![Name::new("server")]),
            every: ms(100)..=ms(3_000),
            lasting: ms(100)..=ms(1_000),
        }],
        until: SimTime::ZERO + SimSpan::from_secs(10),
        ..Chaos::default()
    }
}

/// Clients that send requests, time out, write, crash and leave tasks behind when the run ends.
fn world(config: &WorldConfig) -> World<Numbers> {
    let mut world = World::new(config.clone());
    let [server, ask, answer, step] = ["server", "ask", "answer", "step"].map(Name::new);
    world.process(server, move |context| async move {
        loop {
            let question = context.receive().await;
            context.reply(&question, answer, question.payload + 1);
        }
    });
    for client in ["ann", "bob", "cid"].map(Name::new) {
        world.process(client, move |context| async move {
            let ticker = context.clone();
            context.spawn(async move {
                loop {
                    ticker.sleep(SimSpan::from_millis(150)).await;
                }
            });
            for question in 0..10 {
                context.before(step, client).await;
                let within = SimSpan::from_millis(100);
                let answered = context.request(server, ask, client, question, within).await;
                context.record_event((), answered.map_or(0, |answer| answer.payload));
                context.write(question).unwrap();
                context.after(step, client).await;
                context.sync().await;
            }
            context.finish_after(SimSpan::from_secs(1));
            context.spawn(std::future::pending());
        });
    }
    world
}

/// Sockets, tasks and timers of tokio, which madsim has to take down with the nodes they are on.
#[cfg(madsim)]
fn tokio_agents(world: &mut World<Numbers>) {
    use madsim_tokio::io::{AsyncReadExt, AsyncWriteExt};
    use madsim_tokio::net::{TcpListener, TcpStream};
    use std::time::Duration;
    world.process(Name::new("host"), |_| async {
        let listener = TcpListener::bind("0.0.0.0:7").await.unwrap();
        while let Ok((mut stream, _)) = listener.accept().await {
            madsim_tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    if stream.write_u8(byte).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    world.process(Name::new("guest"), |context| async move {
        let (step, host) = (Name::new("step"), Name::new("host"));
        loop {
            madsim_tokio::time::sleep(Duration::from_millis(10)).await;
            let Ok(mut stream) = TcpStream::connect((host.as_str(), 7)).await else { continue };
            if stream.write_u8(1).await.is_err() || stream.flush().await.is_err() {
                continue;
            }
            context.before(step, host).await;
            let echo = madsim_tokio::time::timeout(Duration::from_millis(500), stream.read_u8()).await;
            context.record_event((), u64::from(echo.is_ok()));
        }
    });
}

#[cfg(not(madsim))]
fn tokio_agents(_: &mut World<Numbers>) {}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[test]
fn memory_is_flat_over_thousands_of_runs() {
    let plan = Plan::Fuzz(Arc::new(chaos()));
    for (engine, runs) in [(Engine::Native, 10_000), (Engine::Madsim, 2_000)] {
        if engine.available().is_err() {
            continue;
        }
        let run = |seed| {
            engine.run(|| {
                let mut world =
                    world(&WorldConfig { plan: plan.clone(), ..WorldConfig::fault_free(Seed(seed)) });
                if engine == Engine::Madsim {
                    tokio_agents(&mut world);
                }
                world
            })
        };
        let (warm_up, rest) = (0..runs / 10, runs / 10..runs);
        let faults: usize = warm_up.map(|seed| run(seed).injected.len()).sum();
        assert!(faults > runs as usize / 10, "{faults} faults are not enough to show anything");
        let before = resident_bytes();
        rest.for_each(|seed| drop(run(seed)));
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown <= 1 << 20, "{engine}: {runs} runs grew by {grown} bytes");
    }
    names_from_counters_cost_little_and_nothing_again();
}

/// Names that processes make from counters are the same in every run: they cost something once.
fn names_from_counters_cost_little_and_nothing_again() {
    const NAMES: u64 = 1_000_000;
    let make = || (0..NAMES).for_each(|number| _ = Name::new(&format!("request-{number}")));
    let before = resident_bytes();
    make();
    let each = resident_bytes().saturating_sub(before) / NAMES;
    assert!(each < 64, "{each} bytes a name");
    let before = resident_bytes();
    make();
    let owner = Name::new("owner");
    (0..NAMES).for_each(|number| _ = Name::joined(owner, "/", Name::new(&format!("request-{}", number % 9))));
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown <= 1 << 20, "the same names again grew by {grown} bytes");
}
