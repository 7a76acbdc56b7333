//! What the history has of sockets, and that one seed is one history.

use super::*;
use perfidy_sim::{Chance, Chaos, EventKind, Hook, Rule, Selector, SocketAct, TimedEffect, TimedFault};
use std::sync::Arc;

fn acts(outcome: &Outcome, node: &str) -> Vec<String> {
    let of_node = outcome.history.events().iter().filter(|event| event.node == name(node));
    let told = |what: &EventKind<u64>| match what {
        EventKind::Socket(socket) => Some(match &socket.act {
            SocketAct::Sent(piece) => format!("sent {} {}", piece.bytes, piece.start),
            SocketAct::Received(piece) => format!("got {} {}", piece.bytes, piece.start),
            other => format!("{other:?}"),
        }),
        _ => None,
    };
    of_node.filter_map(|event| told(&event.what)).collect()
}

fn greeting(world: &mut World<Numbers>) {
    world.process(name("desk"), |_| async {
        let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 18];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    });
    caller(world, |_| async {
        let mut stream = TcpStream::connect("desk:80").await.unwrap();
        for piece in [&b"GET / HTTP"[..], b"/1.1", b"\r\n\r\n"] {
            stream.write_all(piece).await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    });
}

#[test]
fn the_history_has_who_connected_and_what_was_said_with_its_causes() {
    let outcome = run(&[], greeting);
    assert_eq!(
        acts(&outcome, "caller"),
        ["Connecting", "Connected", "sent 18 GET / HTTP/1.1", "got 19 HTTP/1.1 200 OK", "Ended", "Closed"]
    );
    // The data came right behind the connection, before the desk got to accept that.
    assert_eq!(
        acts(&outcome, "desk"),
        ["got 18 GET / HTTP/1.1", "Accepted", "sent 19 HTTP/1.1 200 OK", "Closed"]
    );
    let said = |what: &EventKind<u64>, start: &str| match what {
        EventKind::Socket(socket) => {
            matches!(&socket.act, SocketAct::Sent(piece) | SocketAct::Received(piece) if piece.start.starts_with(start))
        }
        _ => false,
    };
    let answered = outcome.history.events().iter().rfind(|event| said(&event.what, "HTTP")).unwrap();
    assert_eq!(answered.node, name("caller"));
    assert!(
        outcome
            .history
            .causes(answered.id)
            .any(|event| event.node == name("caller") && said(&event.what, "GET"))
    );
}

/// A few processes that all talk to one, under every kind of fault.
fn crowd(world: &mut World<Numbers>) {
    echo(world);
    for caller in ["ann", "bob", "cid"] {
        world.process(name(caller), |context| async move {
            for _ in 0..5 {
                sleep(300).await;
                let asked = async {
                    let mut stream = TcpStream::connect("echo:7").await?;
                    for byte in 0..3 {
                        ask(&mut stream, byte).await?;
                        sleep(200).await;
                    }
                    io::Result::Ok(())
                };
                let asked = tokio::time::timeout(Duration::from_secs(2), asked).await;
                context.record_event((), asked.map_or(50, |asked| told(&asked)));
            }
        });
    }
}

fn chaos(seed: u64) -> WorldConfig {
    let rule = |kind: &str, action: Action, parts: u32| Rule {
        kind: name(kind),
        hook: Hook::Message,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(parts).unwrap(),
        action,
        span: action.span().map(|_| SimSpan::from_millis(5)..=SimSpan::from_millis(900)),
    };
    let some = SimSpan::from_millis(1);
    let span = |from, to| SimSpan::from_millis(from)..=SimSpan::from_millis(to);
    let window = |site: &str, disturbance| TimedFault {
        kind: name(site),
        site: name(site),
        every: span(500, 3_000),
        lasting: span(100, 2_500),
        disturbance,
    };
    let windows = vec![
        window("crash", TimedEffect::Crash(vec![name("echo"), name("ann")])),
        window(
            "partition",
            TimedEffect::Partition {
                left: vec![name("echo")],
                right: vec![name("bob"), name("cid")],
                one_way: false,
            },
        ),
    ];
    let rules = vec![
        rule("drop", Action::Drop, 50_000),
        rule("delay", Action::Delay(some), 50_000),
        rule("corrupt", Action::Corrupt, 20_000),
        rule("duplicate", Action::Duplicate(some), 20_000),
        rule("reorder", Action::Reorder(some), 20_000),
    ];
    let chaos = Chaos { rules, windows, until: at(20_000), ..Chaos::default() };
    WorldConfig { plan: Plan::Fuzz(Arc::new(chaos)), ..WorldConfig::fault_free(Seed(seed)) }
}

#[test]
fn one_seed_is_one_history_and_so_is_the_list_of_its_faults() {
    let mut struck = 0;
    for seed in 0..60 {
        let fuzzed = run_with(&chaos(seed), crowd);
        let again = run_with(&chaos(seed), crowd);
        assert_eq!(fuzzed.history.first_difference(&again.history), None, "seed {seed}");
        let plan = Plan::Explicit(fuzzed.injected.as_slice().into());
        let replayed = run_with(&WorldConfig { plan, ..chaos(seed) }, crowd);
        assert_eq!(fuzzed.history.first_difference(&replayed.history), None, "seed {seed}");
        struck += fuzzed.injected.len();
    }
    assert!(struck > 300, "{struck}");
}

#[test]
fn a_fault_taken_away_leaves_the_draws_of_the_others_as_they_are() {
    let fuzzed = run_with(&chaos(3), crowd);
    let bob = |outcome: &Outcome| {
        let first = outcome.history.events().iter().find(|event| match &event.what {
            EventKind::Socket(socket) => socket.act == SocketAct::Connected && event.node == name("bob"),
            _ => false,
        });
        first.map(|event| event.at)
    };
    let calm = run_with(&WorldConfig { plan: Plan::fault_free(), ..chaos(3) }, crowd);
    let only_anns = fuzzed.injected.iter().filter(|fault| fault.at.site.as_str().contains("ann"));
    let plan = Plan::Explicit(only_anns.copied().collect());
    let disturbed = run_with(&WorldConfig { plan, ..chaos(3) }, crowd);
    let close = |one: SimTime, other: SimTime| one.max(other).since(one.min(other)) < SimSpan::from_millis(1);
    assert!(close(bob(&calm).unwrap(), bob(&disturbed).unwrap()));
}
