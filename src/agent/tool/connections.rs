//! Pooled connections without correlation: a request takes the next reply on its connection for its answer.
//!
//! One request at a time uses a connection to a tool, and the replies on it come without a name. While each
//! reply comes in time, each reaches its request. A request that has timed out gives its connection back to
//! the pool with its reply still on the way: the next request on it reads that reply, and from then on each
//! request on it reads the reply to the one before.

use crate::agent::{Agents, Body};
use perfidy_sim::{Context, IncomingMessage, Lookup, Name, SimSpan, TimedOut};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::sync::oneshot;

/// For how long a connection stays open for a reply: longer than any run.
const OPEN: SimSpan = SimSpan::from_secs(10 * 365 * 24 * 3_600);

type Reply = IncomingMessage<Body>;

/// A connection to a tool.
#[derive(Default)]
struct Connection {
    /// The replies that no request has read.
    unread: VecDeque<Reply>,
    /// The request that waits for a reply.
    waiting: Option<oneshot::Sender<Reply>>,
}

impl Connection {
    fn is_idle(&self) -> bool {
        self.waiting.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Uses the connection for a request: the next reply on it.
    fn begin(&mut self) -> oneshot::Receiver<Reply> {
        let (sender, receiver) = oneshot::channel();
        self.waiting = Some(sender);
        if let Some(reply) = self.unread.pop_front() {
            self.arrives(reply);
        }
        receiver
    }

    /// A reply arrives, for the request that waits now or the next one.
    fn arrives(&mut self, reply: Reply) {
        let not_taken = match self.waiting.take() {
            Some(waiting) => waiting.send(reply).err(),
            None => Some(reply),
        };
        self.unread.extend(not_taken);
    }
}

/// The connections of an agent to each tool, in the order in which they were opened.
#[derive(Default)]
pub(in crate::agent) struct Connections(RefCell<Lookup<Name, Vec<Connection>>>);

impl Connections {
    /// Sends a request of a kind about an intent to a tool on the first idle connection, and waits for the
    /// next reply on it.
    pub async fn request(
        self: &Rc<Self>,
        context: &Context<Agents>,
        (tool, kind, intent): (Name, Name, Name),
        request: Body,
        within: SimSpan,
    ) -> Result<Reply, TimedOut> {
        let (place, reply) = self.begin(tool);
        let (connections, sender) = (Rc::clone(self), context.clone());
        context.spawn(async move {
            if let Ok(reply) = sender.request_in_a_step(tool, kind, intent, request, OPEN).await {
                connections.with(tool, |all| all[place].arrives(reply));
            }
        });
        let reply = context.within(within, kind, reply).await?;
        let reply = reply.expect("a connection keeps its request until a reply is there");
        context.takes_over(&reply);
        Ok(reply)
    }

    fn begin(&self, tool: Name) -> (usize, oneshot::Receiver<Reply>) {
        self.with(tool, |all| {
            let place = all.iter().position(Connection::is_idle).unwrap_or_else(|| {
                all.push(Connection::default());
                all.len() - 1
            });
            (place, all[place].begin())
        })
    }

    fn with<T>(&self, tool: Name, change: impl FnOnce(&mut Vec<Connection>) -> T) -> T {
        change(self.0.borrow_mut().get_or_insert_with(tool, Vec::new))
    }
}
