//! The port: where the node of a client takes in what comes from outside.

use crate::clients::{Answer, Request};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use tokio::sync::{Notify, oneshot};

/// A request on its way into the world, with its number, and where its answer goes. Without an answer the
/// sender is dropped, and the client's connection with it.
pub(super) struct Inbound {
    pub number: u64,
    pub request: Request,
    pub reply: oneshot::Sender<Answer>,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, request, .. } = self;
        f.debug_struct("Inbound").field("number", number).field("request", request).finish_non_exhaustive()
    }
}

/// Between a node and the outside, on one thread.
#[derive(Default)]
pub(super) struct Port {
    waiting: RefCell<VecDeque<Inbound>>,
    arrived: Notify,
    /// The incarnation that is up, counted from one; zero while the node is down.
    up: Cell<u32>,
}

impl Port {
    /// Passes a request to the node. If that is down, its connections are refused.
    pub fn ask(&self, inbound: Inbound) {
        if self.up.get() > 0 {
            self.waiting.borrow_mut().push_back(inbound);
            self.arrived.notify_one();
        }
    }

    /// The next request.
    pub async fn next(&self) -> Inbound {
        loop {
            if let Some(inbound) = { self.waiting.borrow_mut().pop_front() } {
                return inbound;
            }
            self.arrived.notified().await;
        }
    }

    /// The incarnation of the node that is up, counted from one; `None` while it is down.
    pub fn incarnation(&self) -> Option<u32> {
        Some(self.up.get()).filter(|incarnation| *incarnation > 0)
    }

    /// The node is up for as long as the guard lives, which its code holds.
    pub fn open(self: &Rc<Self>, incarnation: u32) -> Up {
        self.up.set(incarnation + 1);
        Up(Rc::clone(self), incarnation + 1)
    }
}

/// That the node is up.
pub(super) struct Up(Rc<Port>, u32);

impl Drop for Up {
    fn drop(&mut self) {
        // An incarnation that overlaps the next one leaves after that has come.
        if self.0.up.get() == self.1 {
            self.0.up.set(0);
            self.0.waiting.borrow_mut().clear();
        }
    }
}
