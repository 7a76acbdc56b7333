//! What tokio code of processes meets under `--cfg madsim`: sockets, faults, and `select!`.
#![cfg(madsim)]

mod faults;
mod history;
mod select;
mod streams;

use perfidy_sim::{
    Action, Address, Context, Domain, Engine, Fault, Name, Plan, RunOutcome, Seed, SimSpan, SimTime, World,
    WorldConfig,
};
use perfidy_tokio as tokio;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A world whose messages and notes are numbers.
struct Numbers;

impl Domain for Numbers {
    type Payload = u64;
    type AppEvent = u64;
    type Author = ();
}

type Outcome = RunOutcome<Numbers>;

/// Runs a world with only these faults, each written `address: action`.
fn run(faults: &[(&str, &str)], build: impl Fn(&mut World<Numbers>) + Sync) -> Outcome {
    run_with(&with_faults(faults), build)
}

fn run_with(config: &WorldConfig, build: impl Fn(&mut World<Numbers>) + Sync) -> Outcome {
    Engine::Madsim.run(|| {
        let mut world = World::new(config.clone());
        build(&mut world);
        world
    })
}

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

fn at(millis: u64) -> SimTime {
    SimTime::ZERO + SimSpan::from_millis(millis)
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// What was noted, and when.
fn notes(outcome: &Outcome) -> Vec<(SimTime, u64)> {
    outcome.history.app_events().map(|(event, note)| (event.at, *note)).collect()
}

fn noted(outcome: &Outcome) -> Vec<u64> {
    notes(outcome).into_iter().map(|(_, note)| note).collect()
}

/// What became of a call, as a number.
fn told<T>(result: &io::Result<T>) -> u64 {
    match result {
        Ok(_) => 0,
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused => 1,
            ErrorKind::ConnectionReset => 2,
            ErrorKind::TimedOut => 3,
            ErrorKind::BrokenPipe => 4,
            ErrorKind::UnexpectedEof => 5,
            ErrorKind::HostUnreachable => 6,
            ErrorKind::AddrInUse => 7,
            ErrorKind::AddrNotAvailable => 8,
            _ => 99,
        },
    }
}

const DONE: u64 = 0;
const REFUSED: u64 = 1;
const RESET: u64 = 2;
const TIMED_OUT: u64 = 3;
const BROKEN_PIPE: u64 = 4;
const CUT_OFF: u64 = 5;

/// Sends back every byte it gets, from port 7.
fn echo(world: &mut World<Numbers>) {
    world.process(name("echo"), |_| async {
        let listener = TcpListener::bind("0.0.0.0:7").await.unwrap();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    if stream.write_u8(byte).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
}

async fn ask(stream: &mut TcpStream, byte: u8) -> io::Result<u8> {
    stream.write_u8(byte).await?;
    stream.read_u8().await
}

/// Adds `caller`, which runs this code once the others listen.
fn caller<F: Future<Output = ()> + 'static>(
    world: &mut World<Numbers>,
    code: impl Fn(Context<Numbers>) -> F + 'static,
) {
    world.process(name("caller"), move |context| {
        let code = code(context);
        async move {
            sleep(1).await;
            code.await;
        }
    });
}

/// Asks the echo for this many bytes, a second apart, and notes each as it comes.
fn counting(world: &mut World<Numbers>, bytes: u8) {
    echo(world);
    caller(world, move |context| async move {
        let mut stream = TcpStream::connect("echo:7").await.unwrap();
        for byte in 1..=bytes {
            let asked = ask(&mut stream, byte).await;
            context.record_event(
                (),
                asked.as_ref().map_or_else(|_| 1_000 + told(&asked), |byte| (*byte).into()),
            );
            if asked.is_err() {
                return;
            }
            sleep(1_000).await;
        }
    });
}
