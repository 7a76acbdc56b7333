//! Turmoil: a tokio runtime for every node, advanced in ticks of 1 ms, and simulated UDP between them.
//!
//! Two of its settings are adjusted to approximate the workload. Its latency is exponential, in whole
//! milliseconds and cut off at the maximum, so the curve gets the rate at which the mean is that of the
//! uniform latency. Its fail rate breaks a link, and the next message on the link repairs it without a draw,
//! so the rate is raised until the intended share of all messages is lost.

use crate::workload::{
    DROP_RATE, History, Kind, MAX_LATENCY, MIN_LATENCY, ORIGIN, Packet, Pair, SharedHistory, Size, TIMEOUT,
};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::{Duration, SystemTime};
use turmoil::net::UdpSocket;

const PORT: u16 = 1000;
const TICK: Duration = Duration::from_millis(1);
/// Far beyond the two virtual seconds that the longest runs take.
const DEADLINE: Duration = Duration::from_mins(1);
/// Solves E\[min(floor(9 X), 9)\] = 4.5 for an exponential X of this rate.
const LATENCY_CURVE: f64 = 1.388;
const FAIL_RATE: f64 = DROP_RATE / (1.0 - DROP_RATE);

pub fn run(size: Size, seed: u64) -> History {
    let history = SharedHistory::default();
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .epoch(SystemTime::UNIX_EPOCH)
        .simulation_duration(DEADLINE)
        .tick_duration(TICK)
        .min_message_latency(MIN_LATENCY)
        .max_message_latency(MAX_LATENCY)
        .fail_rate(FAIL_RATE)
        .build();
    sim.set_message_latency_curve(LATENCY_CURVE);
    for pair in size.pairs() {
        let history = history.clone();
        sim.host(name(pair.server), move || serve(pair, history.clone()));
    }
    for pair in size.pairs() {
        sim.client(name(pair.client), ask(pair, size.sequences(pair.client), history.clone()));
    }
    sim.run().expect("every client gets its answers before the deadline");
    history.take()
}

async fn serve(pair: Pair, history: SharedHistory) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let mut buffer = [0; Packet::SIZE];
    loop {
        let (_, client) = socket.recv_from(&mut buffer).await?;
        let Packet { sequence, sent } = Packet::decode(buffer);
        let sent = history.with(|history| {
            let arrived = history.record(now(), Kind::Delivered, pair.request(sequence), sent);
            history.record(now(), Kind::Sent, pair.response(sequence), arrived)
        });
        socket.send_to(&Packet { sequence, sent }.encode(), client).await?;
    }
}

async fn ask(pair: Pair, sequences: Range<u32>, history: SharedHistory) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let server = (turmoil::lookup(name(pair.server)), PORT);
    let mut buffer = [0; Packet::SIZE];
    let mut cause = ORIGIN;
    for sequence in sequences {
        cause = loop {
            let request = pair.request(sequence);
            let sent = history.with(|history| history.record(now(), Kind::Sent, request, cause));
            socket.send_to(&Packet { sequence, sent }.encode(), server).await?;
            if let Ok(received) = tokio::time::timeout(TIMEOUT, socket.recv_from(&mut buffer)).await {
                received?;
                let answer = Packet::decode(buffer);
                assert_eq!(answer.sequence, sequence, "no answer outlives its request's timeout");
                break history
                    .with(|history| history.record_answer(now(), pair.response(sequence), answer.sent));
            }
            cause = history.with(|history| history.record_timeout_and_loss(now(), request, sent));
        };
    }
    Ok(())
}

fn name(node: u16) -> String {
    format!("node-{node}")
}

fn now() -> Duration {
    turmoil::sim_elapsed().expect("asked from inside the simulation")
}
