//! Madsim: one executor for all nodes, a timer queue, and tagged datagrams between `Endpoint`s.
//!
//! Madsim can seed the standard hash maps of a thread only once, so a run is repeatable only on a thread of
//! its own; [`run`] includes the cost of that thread, as a harness must, [`run_on_this_thread`] shows the
//! cost without it. On top of the configured latency, an endpoint sleeps 1 ms of virtual time before each
//! send and after each receive. A server that still waits when its runtime is dropped would leak and slow
//! down later runs, so a run ends by stopping its servers.

use crate::workload::{
    DROP_RATE, History, Kind, MAX_LATENCY, MIN_LATENCY, ORIGIN, Packet, Pair, SharedHistory, Size, TIMEOUT,
};
use madsim::Config;
use madsim::net::Endpoint;
use madsim::runtime::Runtime;
use madsim::time::TimeHandle;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

const PORT: u16 = 1000;
const REQUEST: u64 = u64::MAX;

pub fn run(size: Size, seed: u64) -> History {
    #[expect(clippy::disallowed_methods, reason = "madsim seeds a thread's hash maps only once")]
    let thread = std::thread::spawn(move || run_on_this_thread(size, seed));
    thread.join().expect("the run did not panic")
}

pub fn run_on_this_thread(size: Size, seed: u64) -> History {
    let mut config = Config::default();
    config.net.packet_loss_rate = DROP_RATE;
    config.net.send_latency = MIN_LATENCY..MAX_LATENCY;
    let runtime = Runtime::with_seed_and_config(seed, config);
    let history = SharedHistory::default();
    let mut servers = Vec::new();
    let mut clients = Vec::new();
    for pair in size.pairs() {
        let server = runtime.create_node().ip(address(pair.server).ip()).build();
        servers.push(server.spawn(serve(pair, history.clone())));
    }
    for pair in size.pairs() {
        let client = runtime.create_node().ip(address(pair.client).ip()).build();
        clients.push(client.spawn(ask(pair, size.sequences(pair.client), history.clone())));
    }
    runtime.block_on(async {
        for client in clients {
            client.await.expect("no client is cancelled").expect("the network is up");
        }
        for server in servers {
            server.abort();
            server.await.expect_err("a server never stops by itself");
        }
    });
    history.take()
}

async fn serve(pair: Pair, history: SharedHistory) -> io::Result<()> {
    let clock = TimeHandle::current();
    let endpoint = Endpoint::bind(address(pair.server)).await?;
    let mut buffer = [0; Packet::SIZE];
    loop {
        let (_, client) = endpoint.recv_from(REQUEST, &mut buffer).await?;
        let Packet { sequence, sent } = Packet::decode(buffer);
        let sent = history.with(|history| {
            let arrived = history.record(clock.elapsed(), Kind::Delivered, pair.request(sequence), sent);
            history.record(clock.elapsed(), Kind::Sent, pair.response(sequence), arrived)
        });
        endpoint.send_to(client, sequence.into(), &Packet { sequence, sent }.encode()).await?;
    }
}

async fn ask(pair: Pair, sequences: Range<u32>, history: SharedHistory) -> io::Result<()> {
    let clock = TimeHandle::current();
    let endpoint = Endpoint::bind(address(pair.client)).await?;
    let mut buffer = [0; Packet::SIZE];
    let mut cause = ORIGIN;
    for sequence in sequences {
        cause = loop {
            let request = pair.request(sequence);
            let sent = history.with(|history| history.record(clock.elapsed(), Kind::Sent, request, cause));
            endpoint.send_to(address(pair.server), REQUEST, &Packet { sequence, sent }.encode()).await?;
            let answer = endpoint.recv_from(sequence.into(), &mut buffer);
            if let Ok(received) = madsim::time::timeout(TIMEOUT, answer).await {
                received?;
                let Packet { sent, .. } = Packet::decode(buffer);
                let response = pair.response(sequence);
                break history.with(|history| history.record_answer(clock.elapsed(), response, sent));
            }
            cause = history.with(|history| history.record_timeout_and_loss(clock.elapsed(), request, sent));
        };
    }
    Ok(())
}

fn address(node: u16) -> SocketAddr {
    let [high, low] = node.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, high, low + 1)), PORT)
}
