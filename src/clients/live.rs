//! A client in real time: the clock that ties virtual time to it, and the way in for other threads.

use crate::clients::port::{Inbound, Port};
use crate::clients::recording::Arrival;
use crate::clients::{Answer, Request};
use perfidy_sim::{Outside, SimTime, Turn};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many requests can wait for the world. More are refused.
const MOST_WAITING: usize = 1_024;

/// How much of what a client asks is recorded, in bytes. When it is more, the client counts as gone: no tool
/// could read the file.
const MOST_RECORDED: usize = 128 << 20;

/// How often the clock looks whether it is to stop.
const TICK: Duration = Duration::from_millis(50);

/// The way into the world for other threads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    sender: SyncSender<Inbound>,
    next: Arc<AtomicU64>,
}

/// What comes in.
#[derive(Debug)]
pub struct Inbox(Receiver<Inbound>);

/// A handle and what it leads to.
pub fn channel() -> (Handle, Inbox) {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    (Handle { sender, next: Arc::default() }, Inbox(receiver))
}

impl Handle {
    /// Asks, and waits for the answer. There is none if the node of the client is down or crashes, the run is
    /// over, or too many requests wait. If the future is dropped before, the client has given the request up.
    pub async fn ask(&self, request: Request) -> Option<Answer> {
        let (number, answer) = self.send(request)?;
        let mut waits = Waits { handle: self, number: Some(number) };
        let answer = answer.await.ok();
        waits.number = None;
        answer
    }

    /// Says something that has no answer. If too many requests wait, it waits for its turn: it is not lost.
    pub fn tell(&self, request: Request) {
        // Once the run is over, there is nothing to be told.
        let _ = self.sender.send(self.inbound(request).0);
    }

    fn send(&self, request: Request) -> Option<(u64, oneshot::Receiver<Answer>)> {
        let (inbound, answer) = self.inbound(request);
        let number = inbound.number;
        self.sender.try_send(inbound).ok()?;
        Some((number, answer))
    }

    fn inbound(&self, request: Request) -> (Inbound, oneshot::Receiver<Answer>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        (Inbound { number, request, reply }, answer)
    }
}

/// A client that waits for an answer.
struct Waits<'a> {
    handle: &'a Handle,
    number: Option<u64>,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // On a thread that must not wait: if it is lost, the answer goes nowhere instead.
            let _ = self.handle.send(Request::GaveUp(number));
        }
    }
}

/// Virtual time as a multiple of real time.
struct Pace {
    begun: Instant,
    speed: u32,
}

impl Pace {
    #[expect(clippy::disallowed_methods, reason = "a client lives in real time")]
    fn start(speed: u32) -> Self {
        Self { begun: Instant::now(), speed: speed.max(1) }
    }

    fn now(&self) -> SimTime {
        let nanos = self.begun.elapsed().as_nanos().saturating_mul(u128::from(self.speed));
        SimTime::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How long it takes in real time until then.
    fn until(&self, at: SimTime) -> Duration {
        Duration::from_nanos(at.since(self.now()).as_nanos() / u64::from(self.speed))
    }
}

/// A client in real time, as the outside of a run: an event comes when its time has come, and a request at
/// the time at which it arrives. When the client has left, the rest of the run takes no time.
pub struct Live<'a> {
    inbox: Inbox,
    pace: Pace,
    stop: &'a AtomicBool,
    pub(super) port: Rc<Port>,
    /// Called with the incarnation of the node, counted from one, whenever it starts or is down.
    on_node: Box<dyn FnMut(Option<u32>) + 'a>,
    incarnation: Option<u32>,
    /// A request that has arrived, and when.
    due: Option<(SimTime, Inbound)>,
    has_left: bool,
    pub(super) arrivals: Vec<Arrival>,
    /// The length of these in bytes.
    recorded: usize,
}

impl<'a> Live<'a> {
    /// A client whose requests come in at `inbox`, from now on. Virtual time passes `speed` times as fast as
    /// real time. When `stop` is set, the client counts as gone. `on_node` is called when its node starts,
    /// with the number of its incarnation from one, and when it is down.
    pub fn new(
        inbox: Inbox,
        speed: u32,
        stop: &'a AtomicBool,
        on_node: impl FnMut(Option<u32>) + 'a,
    ) -> Self {
        Self {
            inbox,
            pace: Pace::start(speed),
            stop,
            port: Rc::default(),
            on_node: Box::new(on_node),
            incarnation: None,
            due: None,
            has_left: false,
            arrivals: Vec::new(),
            recorded: 0,
        }
    }

    /// What comes in next within a time, if anything does.
    fn arrival(&self, within: Duration) -> Option<Inbound> {
        let left = || {
            let (reply, _) = oneshot::channel();
            Some(Inbound { number: u64::MAX, request: Request::Ended(None), reply })
        };
        if self.recorded > MOST_RECORDED || self.stop.load(Ordering::Relaxed) {
            return left();
        }
        match self.inbox.0.recv_timeout(within.min(TICK)) {
            Ok(inbound) => Some(inbound),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => left(),
        }
    }

    fn watch_node(&mut self) {
        let incarnation = self.port.incarnation();
        if incarnation != self.incarnation && !self.has_left {
            self.incarnation = incarnation;
            (self.on_node)(incarnation);
        }
    }

    fn take_in(&mut self, at: SimTime, inbound: Inbound) -> Turn {
        let Inbound { number, request, reply } = inbound;
        self.has_left = matches!(request, Request::Ended(_));
        self.recorded += serde_json::to_vec(&request).map_or(0, |json| json.len());
        self.arrivals.push(Arrival { at, number, request: request.clone() });
        self.port.ask(Inbound { number, request, reply });
        Turn::At(at)
    }
}

impl Outside for Live<'_> {
    fn turn(&mut self, now: SimTime, next: SimTime) -> Turn {
        self.watch_node();
        loop {
            match self.due.take() {
                Some((at, inbound)) if next > at => return self.take_in(at, inbound),
                Some(due) => {
                    self.due = Some(due);
                    return Turn::Event;
                }
                None if self.has_left => return Turn::Event,
                None => {}
            }
            let wait = self.pace.until(next);
            if wait.is_zero() {
                return Turn::Event;
            }
            self.due = self.arrival(wait).map(|inbound| (now.max(self.pace.now()), inbound));
        }
    }
}
