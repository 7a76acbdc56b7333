//! Streams as tokio has them.

use super::*;
use perfidy_sim::RunEnd;
use std::net::SocketAddr;
use tokio::net::TcpSocket;

#[test]
fn nobody_listening_is_a_refusal_after_the_way_there_and_back() {
    let outcome = run(&[], |world| {
        echo(world);
        caller(world, |context| async move {
            let connected = TcpStream::connect("echo:8").await;
            context.record_event((), told(&connected));
            let nowhere: SocketAddr = "10.9.9.9:1".parse().unwrap();
            context.record_event((), told(&TcpStream::connect(nowhere).await));
            context.record_event((), told(&TcpStream::connect("ecco:8").await));
        });
    });
    assert_eq!(noted(&outcome), [REFUSED, 6, 99]);
    assert!(notes(&outcome)[0].0 >= at(3));
}

#[test]
fn both_ends_know_both_addresses() {
    let outcome = run(&[], |world| {
        world.process(name("desk"), |_| async {
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            assert_eq!(stream.local_addr().unwrap().to_string(), "10.0.0.1:80");
            assert_eq!(stream.peer_addr().unwrap(), peer);
            assert_eq!(peer.to_string(), "10.0.0.2:32768");
        });
        caller(world, |_| async {
            let stream = TcpStream::connect(("desk", 80)).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap().to_string(), "10.0.0.1:80");
            assert_eq!(stream.local_addr().unwrap().to_string(), "10.0.0.2:32768");
        });
    });
    assert_eq!(outcome.stop, RunEnd::Quiescent);
}

#[test]
fn a_port_has_one_listener_and_is_free_again_when_that_is_dropped() {
    let outcome = run(&[], |world| {
        world.process(name("desk"), |context| async move {
            let first = TcpListener::bind("0.0.0.0:80").await.unwrap();
            context.record_event((), told(&TcpListener::bind("127.0.0.1:80").await));
            context.record_event((), told(&TcpListener::bind("10.0.0.77:80").await));
            drop(first);
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind("0.0.0.0:80".parse().unwrap()).unwrap();
            context.record_event((), told(&socket.listen(16)));
            let chosen = TcpListener::bind("0.0.0.0:0").await.unwrap();
            context.record_event((), chosen.local_addr().unwrap().port().into());
        });
    });
    assert_eq!(noted(&outcome), [7, 8, DONE, 32_768]);
}

#[test]
fn one_side_can_end_while_the_other_goes_on() {
    let outcome = run(&[], |world| {
        world.process(name("desk"), |context| async move {
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            context.record_event((), stream.read_to_end(&mut asked).await.unwrap() as u64);
            stream.write_all(b"the answer").await.unwrap();
        });
        caller(world, |context| async move {
            let (mut read, mut write) = TcpStream::connect("desk:80").await.unwrap().into_split();
            tokio::spawn(async move {
                write.write_all(b"ask").await.unwrap();
            });
            let mut answer = String::new();
            read.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "the answer");
            context.record_event((), 1);
        });
    });
    assert_eq!(noted(&outcome), [3, 1]);
}

#[test]
fn halves_become_one_stream_again() {
    let outcome = run(&[], |world| {
        echo(world);
        caller(world, |context| async move {
            let (read, write) = TcpStream::connect("echo:7").await.unwrap().into_split();
            let mut stream = read.reunite(write).unwrap();
            context.record_event((), ask(&mut stream, 5).await.unwrap().into());
            let (mut read, mut write) = stream.split();
            write.write_u8(6).await.unwrap();
            context.record_event((), read.read_u8().await.unwrap().into());
        });
    });
    assert_eq!(noted(&outcome), [5, 6]);
}

#[test]
fn a_stream_that_is_dropped_is_an_end_for_its_reader_and_a_broken_pipe_for_its_writer() {
    let outcome = run(&[], |world| {
        world.process(name("desk"), |_| async {
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            drop(listener.accept().await.unwrap());
            sleep(60_000).await;
        });
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("desk:80").await.unwrap();
            context.record_event((), told(&stream.read_u8().await));
            stream.write_u8(1).await.unwrap();
            sleep(100).await;
            context.record_event((), told(&stream.write_u8(2).await));
            stream.shutdown().await.unwrap_err();
        });
    });
    assert_eq!(noted(&outcome), [CUT_OFF, RESET]);
}

#[test]
fn who_has_ended_its_side_can_write_no_more() {
    let outcome = run(&[], |world| {
        echo(world);
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            stream.write_u8(3).await.unwrap();
            stream.shutdown().await.unwrap();
            context.record_event((), told(&stream.write_u8(1).await));
            context.record_event((), stream.read_u8().await.unwrap().into());
            context.record_event((), told(&stream.read_u8().await));
        });
    });
    assert_eq!(noted(&outcome), [BROKEN_PIPE, 3, CUT_OFF]);
}

#[test]
fn a_writer_waits_for_a_reader_that_is_slow() {
    let outcome = run(&[], |world| {
        world.process(name("desk"), |_| async {
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            sleep(5_000).await;
            let mut space = vec![0; 600_000];
            stream.read_exact(&mut space).await.unwrap();
            assert!(space.iter().all(|byte| *byte == 7));
        });
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("desk:80").await.unwrap();
            assert!(stream.try_read(&mut [0]).is_err());
            stream.write_all(&vec![7; 600_000]).await.unwrap();
            context.record_event((), 1);
            sleep(60_000).await;
        });
    });
    assert_eq!(noted(&outcome), [1]);
    assert!(notes(&outcome)[0].0 > at(5_000));
}

#[test]
fn what_was_peeked_is_read_again() {
    let outcome = run(&[], |world| {
        echo(world);
        caller(world, |context| async move {
            let mut stream = TcpStream::connect("echo:7").await.unwrap();
            stream.write_all(b"ab").await.unwrap();
            stream.readable().await.unwrap();
            let mut first = [0; 1];
            assert_eq!(stream.peek(&mut first).await.unwrap(), 1);
            context.record_event((), first[0].into());
            context.record_event((), stream.read_u8().await.unwrap().into());
        });
    });
    assert_eq!(noted(&outcome), [b'a'.into(), b'a'.into()]);
}

#[test]
fn a_process_can_talk_to_itself_however_it_is_cut_off() {
    let fault = ("cut, a, try 1", "cut echo from caller at 0ms for 10s");
    let outcome = run(&[fault], |world| {
        echo(world);
        caller(world, |context| async move {
            let listener = TcpListener::bind("127.0.0.1:80").await.unwrap();
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_u8(8).await.unwrap();
            });
            let mut stream = TcpStream::connect("localhost:80").await.unwrap();
            context.record_event((), stream.read_u8().await.unwrap().into());
        });
    });
    assert_eq!(noted(&outcome), [8]);
    assert!(notes(&outcome)[0].0 < at(10));
}
