//! Processes that are real tokio code, on madsim.

use crate::{Numbers, at, chaos, last_thing, ms, name, notes, run, with_faults};
use madsim_tokio as tokio;
use perfidy_sim::{Context, Engine, EventKind, Limits, RunEnd, RunOutcome, SimSpan, World, WorldConfig};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn on_madsim(faults: &[(&str, &str)], build: impl Fn(&mut World<Numbers>) + Sync) -> RunOutcome<Numbers> {
    run(Engine::Madsim, &with_faults(faults), build)
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Sends back every byte it gets.
fn echo(world: &mut World<Numbers>) {
    world.process(name("echo"), |_| async {
        let listener = TcpListener::bind("0.0.0.0:7").await.unwrap();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    if stream.write_u8(byte).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
            });
        }
    });
}

async fn ask(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    stream.write_u8(byte).await?;
    stream.flush().await?;
    stream.read_u8().await
}

/// Connects as soon as the other side listens.
async fn connect(to: &str) -> TcpStream {
    loop {
        match TcpStream::connect((to, 7)).await {
            Ok(stream) => return stream,
            Err(_) => sleep(10).await,
        }
    }
}

/// Asks the echo for one byte a second and records the replies that came within the second, plus one.
fn caller(world: &mut World<Numbers>) {
    world.process(name("caller"), |context| async move {
        let mut stream = connect("echo").await;
        for byte in 1..=6 {
            let answer = tokio::time::timeout(Duration::from_secs(1), ask(&mut stream, byte)).await;
            context.record_event((), answer.map_or(0, |echoed| u64::from(echoed.unwrap_or(255))));
            sleep(1_000).await;
        }
    });
}

#[test]
fn agents_talk_over_tcp_by_their_names() {
    let outcome = on_madsim(&[], |world| {
        echo(world);
        caller(world);
    });
    assert_eq!(notes(&outcome), [1, 2, 3, 4, 5, 6]);
    assert_eq!(outcome.stop, RunEnd::Quiescent);
}

#[test]
fn a_cut_is_a_cut_for_tcp_too() {
    let outcome = on_madsim(&[("cut, a, try 1", "cut echo from caller at 500ms for 10s")], |world| {
        echo(world);
        caller(world);
    });
    assert_eq!(notes(&outcome)[..4], [1, 0, 0, 0]);
}

#[test]
fn a_crash_closes_sockets_and_drops_spawned_tasks() {
    let outcome = on_madsim(&[("crash, a, try 1", "crash echo at 1500ms, back after 1s")], |world| {
        echo(world);
        world.process(name("caller"), |context| async move {
            for life in 0..2 {
                let mut stream = connect("echo").await;
                context.record_event((), life);
                while ask(&mut stream, 1).await.is_ok() {
                    sleep(100).await;
                }
            }
        });
    });
    // The second connection is made to the second incarnation; nothing more happens to it within the hour.
    assert_eq!(notes(&outcome), [0, 1]);
    let second = outcome.history.app_events().last().unwrap().0.at;
    assert!((at(2_500)..at(2_700)).contains(&second), "{second}");
    assert_eq!(outcome.stop, RunEnd::Deadline);
}

#[test]
fn a_pause_stops_tokio_timers_and_tasks() {
    let outcome = on_madsim(&[("pause, a, try 1", "pause sleeper at 1s for 10s")], |world| {
        world.process(name("sleeper"), |context| async move {
            let (ticks, mut ticked) = tokio::sync::mpsc::unbounded_channel();
            tokio::spawn(async move {
                for tick in 0..3 {
                    sleep(900).await;
                    ticks.send(tick).unwrap();
                }
            });
            while let Some(tick) = ticked.recv().await {
                context.record_event((), tick);
            }
        });
    });
    let times: Vec<_> = outcome.history.app_events().map(|(event, _)| event.at).collect();
    assert!(times[0] < at(1_000) && times[1] > at(11_000) && times[2] > at(11_900), "{times:?}");
}

#[test]
fn both_clocks_are_one() {
    let outcome = on_madsim(&[], |world| {
        world.process(name("agent"), |context| async move {
            sleep(1_500).await;
            assert!((at(1_500)..at(1_501)).contains(&context.now()));
            #[expect(clippy::disallowed_methods, reason = "on madsim this is the simulated time")]
            let before = std::time::Instant::now();
            context.sleep(SimSpan::from_secs(5)).await;
            assert!((5_000..5_001).contains(&before.elapsed().as_millis()));
        });
    });
    assert_eq!(outcome.stop, RunEnd::Quiescent);
}

#[test]
fn a_world_in_which_only_tokio_timers_are_left_goes_on_until_its_time_is_over() {
    let limits = Limits { until: at(5_000), ..Limits::default() };
    let outcome = run(Engine::Madsim, &WorldConfig { limits, ..with_faults(&[]) }, |world| {
        world.process(name("agent"), |context| async move {
            loop {
                sleep(900).await;
                context.record_event((), 1);
            }
        });
    });
    assert_eq!(outcome.stop, RunEnd::Deadline);
    assert_eq!((notes(&outcome).len(), outcome.ended), (5, at(5_000)));
}

#[test]
fn a_task_of_tokio_that_panics_is_a_finding_about_its_node() {
    let outcome = on_madsim(&[], |world| {
        for node in ["calm", "fragile"] {
            world.process(name(node), move |_| async move {
                tokio::spawn(async move {
                    sleep(100).await;
                    assert!(node == "calm", "spawned and lost");
                });
                std::future::pending::<()>().await;
            });
        }
    });
    assert_eq!(outcome.stop, RunEnd::Panicked { node: name("fragile") });
    assert_eq!(*last_thing(&outcome), EventKind::Panicked { message: "spawned and lost".into() });
}

#[test]
fn a_local_task_of_tokio_may_use_the_context() {
    let outcome = on_madsim(&[("local, before step, it, try 1", "crash, back after 1s")], |world| {
        world.process(name("local"), |context| async move {
            let inner = context.clone();
            tokio::task::spawn_local(async move {
                inner.sleep(ms(10)).await;
                inner.before(name("step"), name("it")).await;
                inner.record_event((), u64::from(inner.incarnation()));
                inner.send(name("other"), name("done"), name("it"), 7);
            });
            std::future::pending::<()>().await;
        });
        world.process(name("other"), |context| async move {
            let done = context.receive().await.payload;
            context.record_event((), done);
            context.finish_after(ms(10));
        });
    });
    assert_eq!(notes(&outcome), [1, 7]);
    assert_eq!(outcome.stop, RunEnd::Finished);
}

#[test]
fn hash_sets_of_std_iterate_in_the_same_order_in_every_run() {
    let order = || {
        let outcome = on_madsim(&[], |world| {
            #[expect(clippy::disallowed_types, reason = "agents are other people's code")]
            let numbers: std::collections::HashSet<u64> = (0..50).collect();
            world.process(name("agent"), move |context| {
                let numbers: Vec<u64> = numbers.iter().copied().collect();
                async move {
                    for number in numbers {
                        context.record_event((), number);
                    }
                }
            });
        });
        notes(&outcome)
    };
    assert_eq!(order(), order());
}

/// Tokio code beside the workload with every kind of fault, and in contact with it.
pub fn mixed(world: &mut World<Numbers>) {
    chaos::workload(world);
    echo(world);
    caller(world);
    world.process(name("d"), |context: Context<Numbers>| async move {
        let inner = context.clone();
        tokio::task::spawn_local(async move {
            loop {
                sleep(333).await;
                inner.send(name("a"), name("rumour"), name("local"), 1);
                inner.sleep(ms(40)).await;
            }
        });
        loop {
            let request = context.request(name("counter"), name("count"), name("tokio"), 1, ms(300));
            let counted = tokio::time::timeout(Duration::from_millis(20), request).await;
            context.record_event((), counted.map_or(0, |count| count.map_or(1, |count| count.payload)));
            context.before(name("sleep"), name("tokio")).await;
            sleep(500).await;
        }
    });
}
