//! What the code of processes asks of its sockets.
//!
//! A socket of tokio's shape can be moved to any task and has no type of its world, so it holds a number and
//! finds the world through its thread. It belongs to the process whose code makes it: the engine knows which
//! one runs.

use super::{Connection, End, EndId, Listener, State, WINDOW};
use crate::core::Core;
use crate::node::Role;
use crate::queue::NodeIndex;
use crate::{Domain, EventId, Name, SocketAct};
use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::task::{Poll, Waker};

thread_local! {
    /// The world that runs on this thread.
    pub(crate) static WORLD: RefCell<Option<Rc<dyn Transport>>> = const { RefCell::new(None) };
}

/// A listener: its key, and its number among all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenerId {
    key: (NodeIndex, u16),
    number: u32,
}

/// A world, as its sockets see it. Without a waker nothing is waited for.
pub(crate) trait Transport {
    /// The address of a host.
    fn resolve(&self, host: &str) -> Option<IpAddr>;
    fn bind(&self, address: SocketAddr) -> io::Result<(ListenerId, SocketAddr)>;
    fn poll_accept(
        &self,
        listener: ListenerId,
        waker: Option<&Waker>,
    ) -> Poll<io::Result<(EndId, [SocketAddr; 2])>>;
    fn close_listener(&self, listener: ListenerId);
    /// Begins to connect.
    fn connect(&self, to: SocketAddr) -> io::Result<(EndId, [SocketAddr; 2])>;
    fn poll_connect(&self, end: EndId, waker: Option<&Waker>) -> Poll<io::Result<()>>;
    /// How many bytes `take` took of those that have come, in up to two pieces; `take` is called once. No
    /// bytes have come after the last ones.
    fn poll_read(
        &self,
        end: EndId,
        waker: Option<&Waker>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> usize,
    ) -> Poll<io::Result<()>>;
    /// Writes some of the bytes. Of no bytes at all, it says whether some could be written.
    fn poll_write(&self, end: EndId, waker: Option<&Waker>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Ends one side.
    fn shut_down(&self, end: EndId) -> io::Result<()>;
    /// The process has dropped it.
    fn close(&self, end: EndId);
    /// A keyed draw of the process whose code runs.
    fn draw_below(&self, what: Name, bound: u32) -> u32;
}

impl<D: Domain> Core<D> {
    /// The process whose code runs, its incarnation, and the last event that happened to the code.
    fn caller(&mut self) -> (NodeIndex, u32, Option<EventId>) {
        if let Some(running) = self.running {
            return (running.of.0, running.of.1, running.cause);
        }
        let whose = self.whose_code.as_ref().and_then(|whose| whose());
        let node = whose.expect("sockets are made by the code of processes");
        (node, self.node(node).incarnation, None)
    }

    /// The last event that happened to the running task, where the engine knows the task.
    fn caller_cause(&self) -> Option<EventId> {
        self.running.and_then(|running| running.cause)
    }

    /// What has happened to an end has happened to the task that reads it.
    fn notices(&mut self, id: EndId) {
        let last = self.sockets.end(id).last;
        if let (Some(running), Some(last)) = (&mut self.running, last) {
            running.cause = Some(last);
        }
    }

    fn processes(&mut self) -> &[NodeIndex] {
        if self.sockets.processes.is_empty() {
            let nodes = (0..).map(NodeIndex).zip(&self.nodes);
            let processes = nodes.filter(|(_, node)| matches!(node.role, Role::Process(_)));
            self.sockets.processes = processes.map(|(index, _)| index).collect();
        }
        &self.sockets.processes
    }

    fn address_of(&mut self, node: NodeIndex) -> Option<IpAddr> {
        let nth = self.processes().binary_search(&node).ok()?;
        Some(nth_address(nth).into())
    }

    /// The node at an address, as this node sees it.
    fn node_at(&mut self, address: IpAddr, seen_by: NodeIndex) -> Option<NodeIndex> {
        if address.is_loopback() || address.is_unspecified() {
            return Some(seen_by);
        }
        let IpAddr::V4(address) = address else { return None };
        let nth = u32::from(address).checked_sub(u32::from(nth_address(0)))?;
        self.processes().get(nth as usize).copied()
    }

    /// Whether the run is over, and its sockets are dropped with their tasks.
    fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

/// The address of the nth process, from zero.
pub(crate) fn nth_address(nth: usize) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 1)) + nth as u32)
}

fn remember(slot: &mut Option<Waker>, waker: Option<&Waker>) {
    if let Some(waker) = waker {
        match slot {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }
}

/// A process calls into its own system, which is never busy.
fn enter<D: Domain>(core: &RefCell<Core<D>>) -> RefMut<'_, Core<D>> {
    let mut core = core.borrow_mut();
    core.operate();
    core
}

impl<D: Domain> Transport for RefCell<Core<D>> {
    fn resolve(&self, host: &str) -> Option<IpAddr> {
        let mut core = enter(self);
        if host == "localhost" {
            return Some(Ipv4Addr::LOCALHOST.into());
        }
        let node = core.index_of(Name::new(host))?;
        core.address_of(node)
    }

    fn bind(&self, address: SocketAddr) -> io::Result<(ListenerId, SocketAddr)> {
        let mut core = enter(self);
        let (node, incarnation, _) = core.caller();
        let ip = address.ip();
        if core.node_at(ip, node) != Some(node) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        let port = match address.port() {
            0 => core.sockets.free_port(node),
            port => port,
        };
        let key = (node, port);
        // A new incarnation takes over from the one that it replaces.
        if core.sockets.listeners.get(&key).is_some_and(|known| known.incarnation == incarnation) {
            return Err(ErrorKind::AddrInUse.into());
        }
        core.sockets.listened += 1;
        let (number, address) = (core.sockets.listened, SocketAddr::new(ip, port));
        let listener = Listener { number, incarnation, address, backlog: VecDeque::new(), waker: None };
        core.sockets.listeners.insert(key, listener);
        Ok((ListenerId { key, number }, address))
    }

    fn poll_accept(
        &self,
        listener: ListenerId,
        waker: Option<&Waker>,
    ) -> Poll<io::Result<(EndId, [SocketAddr; 2])>> {
        let mut core = enter(self);
        let known = core.sockets.listeners.get_mut(&listener.key);
        let Some(known) = known.filter(|known| known.number == listener.number) else {
            return Poll::Pending;
        };
        let (incarnation, is_everywhere) = (known.incarnation, known.address.ip().is_unspecified());
        let address = known.address;
        loop {
            let known = core.sockets.listeners.get_mut(&listener.key).expect("it listens");
            let Some(id) = known.backlog.pop_front() else {
                remember(&mut known.waker, waker);
                return Poll::Pending;
            };
            let peer = core.sockets.end(id.other()).address;
            let end = core.sockets.end_mut(id);
            if end.state != State::Open {
                continue;
            }
            end.incarnation = incarnation;
            if !is_everywhere {
                end.address = address;
            }
            let (local, last) = (end.address, end.last);
            core.socket_event(id, last, SocketAct::Accepted);
            core.notices(id);
            return Poll::Ready(Ok((id, [local, peer])));
        }
    }

    fn close_listener(&self, listener: ListenerId) {
        let mut core = self.borrow_mut();
        if core.is_over() {
            return;
        }
        let known = core.sockets.listeners.get(&listener.key);
        if known.is_none_or(|known| known.number != listener.number) {
            return;
        }
        let closed = core.sockets.listeners.remove(&listener.key).expect("it listens");
        for id in closed.backlog {
            core.abandon(id);
        }
    }

    fn connect(&self, to: SocketAddr) -> io::Result<(EndId, [SocketAddr; 2])> {
        let mut core = enter(self);
        let (client, incarnation, cause) = core.caller();
        let server = core.node_at(to.ip(), client).ok_or(ErrorKind::HostUnreachable)?;
        let own = if to.ip().is_loopback() { Some(to.ip()) } else { core.address_of(client) };
        let own = own.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let local = SocketAddr::new(own, core.sockets.free_port(client));
        let peer = match core.address_of(server) {
            Some(address) if to.ip().is_unspecified() => SocketAddr::new(address, to.port()),
            _ => to,
        };
        let (from, port) = (core.name(client), to.port());
        let name = core.name(server);
        let nth = core.sockets.made.entry((client, server, port)).or_default();
        *nth += 1;
        let text = |words: String| Name::new(&words);
        let connection = Connection {
            name: text(format!("{from} to {name}:{port} #{nth}")),
            ids: [text(format!("to port {port} #{nth}")), text(format!("from port {port} #{nth}"))],
            port,
            ends: [End::new(client, incarnation, local), End::new(server, 0, peer)],
        };
        core.sockets.connections.push(connection);
        let id = EndId { connection: core.sockets.connections.len() as u32 - 1, is_server: false };
        core.begin_connection(id, cause);
        Ok((id, [local, peer]))
    }

    fn poll_connect(&self, id: EndId, waker: Option<&Waker>) -> Poll<io::Result<()>> {
        let mut core = enter(self);
        core.notices(id);
        let end = core.sockets.end_mut(id);
        match (end.state, end.error) {
            (State::Connecting, _) => {
                remember(&mut end.writer, waker);
                Poll::Pending
            }
            (_, Some(error)) => Poll::Ready(Err(error.into())),
            (State::Open | State::Closed | State::Gone, None) => Poll::Ready(Ok(())),
        }
    }

    fn poll_read(
        &self,
        id: EndId,
        waker: Option<&Waker>,
        take: &mut dyn FnMut(&[u8], &[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        let mut core = enter(self);
        let end = core.sockets.end_mut(id);
        if !end.received.is_empty() {
            let (first, second) = end.received.as_slices();
            let taken = take(first, second);
            end.received.drain(..taken);
            core.notices(id);
            let writer = core.sockets.end_mut(id.other());
            writer.unread = writer.unread.saturating_sub(taken);
            writer.writer.take().into_iter().for_each(Waker::wake);
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = end.error {
            core.notices(id);
            return Poll::Ready(Err(error.into()));
        }
        if end.has_heard_all {
            core.notices(id);
            return Poll::Ready(Ok(()));
        }
        remember(&mut end.reader, waker);
        Poll::Pending
    }

    fn poll_write(&self, id: EndId, waker: Option<&Waker>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut core = enter(self);
        let cause = core.caller_cause();
        let end = core.sockets.end_mut(id);
        if let Some(error) = end.error {
            return Poll::Ready(Err(error.into()));
        }
        if end.wants_to_finish || end.state == State::Gone {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW.saturating_sub(end.unread);
        if room == 0 {
            remember(&mut end.writer, waker);
            return Poll::Pending;
        }
        let taken = bytes.len().min(room);
        end.unread += taken;
        end.unsent.extend_from_slice(&bytes[..taken]);
        if taken > 0 {
            core.will_depart(id, cause);
        }
        Poll::Ready(Ok(taken))
    }

    fn shut_down(&self, id: EndId) -> io::Result<()> {
        let mut core = self.borrow_mut();
        if core.is_over() {
            return Ok(());
        }
        let cause = core.caller_cause();
        let end = core.sockets.end_mut(id);
        if end.state == State::Gone {
            return Err(end.error.unwrap_or(ErrorKind::NotConnected).into());
        }
        if !end.wants_to_finish {
            end.wants_to_finish = true;
            core.will_depart(id, cause);
        }
        Ok(())
    }

    fn close(&self, id: EndId) {
        let mut core = self.borrow_mut();
        if !core.is_over() {
            core.abandon(id);
        }
    }

    fn draw_below(&self, what: Name, bound: u32) -> u32 {
        let mut core = enter(self);
        let (node, ..) = core.caller();
        let site = Name::joined(core.name(node), ", ", what);
        let nth = core.injector.count_draw(site, what);
        core.injector.draw_site(site, what, nth).below(what, bound.into()) as u32
    }
}

impl<D: Domain> Core<D> {
    /// A process no longer uses an end. What it wrote is still sent; if it has left something unread, the
    /// other side is told at once that the connection is over.
    fn abandon(&mut self, id: EndId) {
        let cause = self.caller_cause();
        let end = self.sockets.end_mut(id);
        match end.state {
            State::Gone | State::Closed => {}
            State::Connecting => end.fail(None),
            State::Open if !end.received.is_empty() => {
                let cause = cause.or(end.last);
                let closed = self.socket_event(id, cause, SocketAct::Closed);
                self.sockets.end_mut(id).fail(None);
                self.send_reset(id, closed);
            }
            State::Open => {
                end.state = State::Closed;
                end.wants_to_finish = true;
                if !end.has_ended {
                    self.will_depart(id, cause);
                }
            }
        }
    }
}
