//! Every fault of the network, and of processes, as sockets meet it.

use super::*;
use perfidy_sim::{Chance, Chaos, EventKind, Hook, Links, Loss, Rule, Selector, SocketAct};
use std::sync::Arc;

/// When the byte of that number came back.
fn when(outcome: &Outcome, byte: u64) -> SimTime {
    notes(outcome).into_iter().find(|(_, note)| *note == byte).expect("it came back").0
}

fn lost(outcome: &Outcome) -> Vec<(&'static str, Loss)> {
    let lost = |what: &EventKind<u64>| match what {
        EventKind::Socket(socket) => match socket.act {
            SocketAct::Lost { kind, why } => Some((kind.as_str(), why)),
            _ => None,
        },
        _ => None,
    };
    outcome.history.events().iter().filter_map(|event| lost(&event.what)).collect()
}

#[test]
fn without_faults_every_byte_comes_back_within_the_latency_of_the_link() {
    let outcome = run(&[], |world| counting(world, 3));
    assert_eq!(noted(&outcome), [1, 2, 3]);
    assert!(when(&outcome, 1) < at(60) && lost(&outcome).is_empty());
}

#[test]
fn a_dropped_segment_is_a_delay_and_not_a_loss() {
    let fault = ("caller > echo, tcp data, to port 7 #1, try 2", "drop");
    let outcome = run(&[fault], |world| counting(world, 3));
    assert_eq!(noted(&outcome), [1, 2, 3]);
    let waited = when(&outcome, 2).since(when(&outcome, 1)) - SimSpan::from_secs(1);
    assert!((200..230).contains(&(waited.as_nanos() / 1_000_000)), "{waited}");
    assert_eq!(lost(&outcome), [("tcp data", Loss::Dropped)]);
    assert_eq!(outcome.injected.len(), 1);
}

#[test]
fn a_corrupted_segment_fails_its_checksum_and_is_sent_again() {
    let fault = ("echo > caller, tcp data, from port 7 #1, try 1", "corrupt");
    let outcome = run(&[fault], |world| counting(world, 2));
    assert_eq!(noted(&outcome), [1, 2]);
    assert!(when(&outcome, 1) > at(200));
}

#[test]
fn a_segment_that_comes_twice_is_read_once_and_counts_as_no_fault() {
    let fault = ("caller > echo, tcp data, to port 7 #1, try 1", "duplicate after 5ms");
    let outcome = run(&[fault], |world| counting(world, 2));
    assert_eq!(noted(&outcome), [1, 2]);
    assert!(outcome.injected.is_empty());
}

#[test]
fn what_is_behind_a_late_segment_waits_for_it() {
    for action in ["delay 3s", "reorder 3s", "drop"] {
        let fault = ("caller > desk, tcp data, to port 7 #1, try 1", action);
        let outcome = run(&[fault], |world| {
            world.process(name("desk"), |context| async move {
                let listener = TcpListener::bind("0.0.0.0:7").await.unwrap();
                let (mut stream, _) = listener.accept().await.unwrap();
                while let Ok(byte) = stream.read_u8().await {
                    context.record_event((), byte.into());
                }
            });
            caller(world, |_| async {
                let mut stream = TcpStream::connect("desk:7").await.unwrap();
                for byte in 1..=3 {
                    stream.write_u8(byte).await.unwrap();
                    sleep(50).await;
                }
            });
        });
        assert_eq!(noted(&outcome), [1, 2, 3], "{action}");
        let late = if action == "drop" { at(200) } else { at(3_000) };
        assert!(when(&outcome, 1) > late, "{action}");
    }
}

#[test]
fn a_lost_request_to_connect_is_made_again_after_a_second() {
    let fault = ("caller > echo, tcp connect, to port 7 #1, try 1", "drop");
    let outcome = run(&[fault], |world| counting(world, 1));
    assert!((at(1_000)..at(1_060)).contains(&when(&outcome, 1)));
}

/// Every segment of one kind between any two is lost.
fn always(kind: &str, action: Action) -> WorldConfig {
    let rule = Rule {
        kind: name("drop"),
        hook: Hook::Message,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::only(name(kind)),
        chance: Chance::ALWAYS,
        action,
        span: None,
    };
    let chaos = Chaos { rules: vec![rule], until: at(10_000_000), ..Chaos::default() };
    WorldConfig { plan: Plan::Fuzz(Arc::new(chaos)), ..WorldConfig::fault_free(Seed(1)) }
}

#[test]
fn a_sender_whose_segments_are_all_lost_gives_up_after_a_quarter_of_an_hour() {
    let outcome = run_with(&always("tcp data", Action::Drop), |world| counting(world, 1));
    let [(given_up, note)] = notes(&outcome)[..] else { panic!("{:?}", notes(&outcome)) };
    assert_eq!(note, 1_000 + TIMED_OUT);
    assert!((at(800_000)..at(1_000_000)).contains(&given_up), "{given_up}");
    assert_eq!(lost(&outcome).len(), 16);
}

#[test]
fn an_attempt_to_connect_is_given_up_after_127_seconds() {
    for kind in ["tcp connect", "tcp accept"] {
        let outcome = run_with(&always(kind, Action::Drop), |world| {
            echo(world);
            caller(world, |context| async move {
                let connected = TcpStream::connect("echo:7").await;
                context.record_event((), told(&connected));
            });
        });
        let [(given_up, note)] = notes(&outcome)[..] else { panic!("{:?}", notes(&outcome)) };
        assert_eq!(note, TIMED_OUT, "{kind}");
        assert!((at(127_000)..at(127_010)).contains(&given_up), "{kind}: {given_up}");
    }
}

#[test]
fn a_partition_is_silence_for_who_connects_and_no_refusal() {
    let fault = ("cut, a, try 1", "cut echo from caller at 0ms for 10s");
    let outcome = run(&[fault], |world| {
        echo(world);
        caller(world, |context| async move {
            let quick = Duration::from_secs(5);
            let connecting = tokio::time::timeout(quick, TcpStream::connect("echo:7")).await;
            context.record_event((), u64::from(connecting.is_err()));
            let connected = TcpStream::connect("echo:7").await;
            context.record_event((), told(&connected));
        });
    });
    assert_eq!(noted(&outcome), [1, DONE]);
    // Tried 5, 6, 8 and 12 seconds after the start.
    assert!((at(12_000)..at(12_050)).contains(&notes(&outcome)[1].0), "{:?}", notes(&outcome));
}

#[test]
fn a_partition_is_silence_for_who_talks_and_the_bytes_come_after_it() {
    let fault = ("cut, a, try 1", "cut echo from caller at 500ms for 10s");
    let outcome = run(&[fault], |world| counting(world, 3));
    assert_eq!(noted(&outcome), [1, 2, 3]);
    assert!(when(&outcome, 2) > at(10_500), "{}", when(&outcome, 2));
    assert!(lost(&outcome).iter().all(|lost| *lost == ("tcp data", Loss::Partition)));
}

#[test]
fn a_partition_that_begins_while_a_segment_is_under_way_stops_it() {
    let faults = [
        ("caller > echo, tcp data, to port 7 #1, try 1", "delay 2s"),
        ("cut, a, try 1", "cut echo from caller at 1s for 5s"),
    ];
    let outcome = run(&faults, |world| counting(world, 1));
    assert_eq!(lost(&outcome)[0], ("tcp data", Loss::Partition));
    assert!(when(&outcome, 1) > at(6_000));
}

#[test]
fn a_one_way_cut_stops_the_answers_and_lets_the_requests_through() {
    let fault = ("cut, a, try 1", "cut echo towards caller at 500ms for 10s");
    let outcome = run(&[fault], |world| counting(world, 2));
    assert!(when(&outcome, 2) > at(10_500));
    let got = outcome.history.events().iter().filter(|event| match &event.what {
        EventKind::Socket(socket) => matches!(socket.act, SocketAct::Received(_)),
        _ => false,
    });
    let second = got.filter(|event| event.node == name("echo")).nth(1).expect("the request is there");
    assert!(second.at < at(1_100), "{}", second.at);
}

#[test]
fn a_flapping_link_lets_bytes_through_in_turns() {
    let fault = ("flap, a, try 1", "flap echo from caller at 500ms for 9s, every 3s");
    let outcome = run(&[fault], |world| counting(world, 4));
    assert_eq!(noted(&outcome), [1, 2, 3, 4]);
    assert!((at(3_500)..at(6_500)).contains(&when(&outcome, 2)), "{}", when(&outcome, 2));
}

#[test]
fn a_slow_link_is_slow_for_bytes_both_ways() {
    let fault = ("lag, a, try 1", "lag echo from caller at 500ms for 10s, by 2s");
    let outcome = run(&[fault], |world| counting(world, 2));
    let waited = when(&outcome, 2).since(when(&outcome, 1)) - SimSpan::from_secs(1);
    assert!((4_000..4_030).contains(&(waited.as_nanos() / 1_000_000)), "{waited}");
    assert!(lost(&outcome).is_empty(), "nothing is sent twice because it is late");
}

#[test]
fn each_link_has_its_own_latency() {
    let ms = SimSpan::from_millis;
    let links = Links::uniform(ms(1)..=ms(2)).with(&[name("caller")], &[name("echo")], &(ms(300)..=ms(310)));
    let outcome = run_with(&WorldConfig { links, ..with_faults(&[]) }, |world| counting(world, 1));
    // To connect takes one way there and one back, and so does the byte.
    assert!((at(1_200)..at(1_260)).contains(&when(&outcome, 1)), "{}", when(&outcome, 1));
}

#[test]
fn a_crash_resets_connections_and_refuses_new_ones_until_the_process_listens_again() {
    let fault = ("crash, a, try 1", "crash echo at 500ms, back after 3s");
    let outcome = run(&[fault], |world| {
        echo(world);
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            let read = stream.read_u8().await;
            context.record_event((), told(&read));
            let connected = TcpStream::connect("echo:7").await;
            context.record_event((), told(&connected));
            sleep(3_500).await;
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            context.record_event((), ask(&mut stream, 42).await.unwrap().into());
        });
    });
    assert_eq!(noted(&outcome), [RESET, REFUSED, 42]);
    assert!((at(500)..at(520)).contains(&notes(&outcome)[0].0));
}

#[test]
fn a_lost_reset_leaves_a_reader_waiting_until_it_writes() {
    let faults = [
        ("cut, a, try 1", "cut echo from caller at 400ms for 1s"),
        ("crash, a, try 1", "crash echo at 500ms, back after 1s"),
    ];
    let outcome = run(&faults, |world| {
        echo(world);
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            let read = tokio::time::timeout(Duration::from_mins(1), stream.read_u8()).await;
            context.record_event((), u64::from(read.is_err()));
            let answer = ask(&mut stream, 1).await;
            context.record_event((), told(&answer));
        });
    });
    assert_eq!(noted(&outcome), [1, RESET]);
    assert_eq!(lost(&outcome), [("tcp reset", Loss::Partition)]);
}

#[test]
fn a_paused_process_is_connected_by_its_system_and_answers_when_it_goes_on() {
    let fault = ("pause, a, try 1", "pause echo at 500ms for 5s");
    let outcome = run(&[fault], |world| {
        echo(world);
        caller(world, |context| async move {
            sleep(1_000).await;
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            context.record_event((), 100);
            context.record_event((), ask(&mut stream, 1).await.unwrap().into());
        });
    });
    assert!(when(&outcome, 100) < at(1_100) && when(&outcome, 1) > at(5_500));
}

#[test]
fn a_frozen_machine_sends_nothing_until_it_thaws() {
    let fault = ("zombie, a, try 1", "zombie caller at 500ms for 5s");
    let outcome = run(&[fault], |world| {
        world.process(name("desk"), |context| async move {
            let listener = TcpListener::bind("0.0.0.0:7").await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            context.record_event((), stream.read_u8().await.unwrap().into());
        });
        caller(world, |_| async {
            let mut stream = TcpStream::connect("desk:7").await.unwrap();
            sleep(498 - 50).await;
            stream.write_u8(9).await.unwrap();
            sleep(60_000).await;
        });
    });
    let written = when(&outcome, 9);
    assert!(written < at(520) || written > at(5_400), "{written}");
}
