//! Listeners, and sockets that are not connected yet.

use super::{TcpStream, ToSocketAddrs, lookup_host, world};
use crate::core::ListenerId;
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// A listener, as `tokio::net::TcpListener`.
#[derive(Debug)]
pub struct TcpListener {
    id: ListenerId,
    address: SocketAddr,
}

impl TcpListener {
    /// Listens at a port of the process: at every address of it, or at the one that is named.
    ///
    /// # Errors
    /// If the address is not one of the process, or something listens there already.
    pub async fn bind<A: ToSocketAddrs>(address: A) -> io::Result<Self> {
        let mut refused = None;
        for address in lookup_host(address).await? {
            match world()?.bind(address) {
                Ok((id, address)) => return Ok(Self { id, address }),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
    }

    /// The next connection, and the address of its other end.
    ///
    /// # Errors
    /// None that a process would meet: the world is there as long as its code runs.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|task| self.poll_accept(task)).await
    }

    /// The same, polled.
    pub fn poll_accept(&self, task: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let accepted = std::task::ready!(world()?.poll_accept(self.id, Some(task.waker())));
        Poll::Ready(accepted.map(|(end, [local, peer])| (TcpStream::new(end, local, peer), peer)))
    }

    /// The address at which it listens.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    /// The time to live, which means nothing here.
    ///
    /// # Errors
    /// None.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(64)
    }

    /// Sets nothing.
    ///
    /// # Errors
    /// None.
    pub fn set_ttl(&self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        if let Ok(world) = world() {
            world.close_listener(self.id);
        }
    }
}

/// A socket that is not connected yet, as `tokio::net::TcpSocket`. Its options change nothing.
#[derive(Debug)]
pub struct TcpSocket(Cell<Option<SocketAddr>>);

impl TcpSocket {
    /// A socket.
    ///
    /// # Errors
    /// None.
    pub fn new_v4() -> io::Result<Self> {
        Ok(Self(Cell::new(None)))
    }

    /// Sets nothing: a port is free as soon as no socket listens there.
    ///
    /// # Errors
    /// None.
    pub fn set_reuseaddr(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// Sets nothing.
    ///
    /// # Errors
    /// None.
    pub fn set_reuseport(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// Sets nothing.
    ///
    /// # Errors
    /// None.
    pub fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// The address at which it will listen.
    ///
    /// # Errors
    /// None; [`TcpSocket::listen`] says whether the address can be had.
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.0.set(Some(address));
        Ok(())
    }

    /// Listens.
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    pub fn listen(self, _: u32) -> io::Result<TcpListener> {
        let address = self.0.get().unwrap_or_else(|| ([0, 0, 0, 0], 0).into());
        let (id, address) = world()?.bind(address)?;
        Ok(TcpListener { id, address })
    }

    /// Connects.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub async fn connect(self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }
}
