//! The halves of a stream.

use super::TcpStream;
use super::stream::{Socket, at_once};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The reading half of a stream, which borrows it.
#[derive(Debug)]
pub struct ReadHalf<'a>(pub(super) &'a Socket);

/// The writing half of a stream, which borrows it.
#[derive(Debug)]
pub struct WriteHalf<'a>(pub(super) &'a Socket);

/// The reading half of a stream, for a task of its own.
#[derive(Debug)]
pub struct OwnedReadHalf(pub(super) Arc<Socket>);

/// The writing half of a stream, for a task of its own. Dropped, it ends that side.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    socket: Arc<Socket>,
    ends_its_side: bool,
}

/// Two halves that are not of one stream.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not of one stream")
    }
}

impl Error for ReuniteError {}

impl OwnedReadHalf {
    /// The stream again.
    ///
    /// # Errors
    /// If the other half is that of another stream.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        other.reunite(self)
    }

    /// Waits until there is something to read, an end, or an error.
    ///
    /// # Errors
    /// None; the read has it.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|task| self.0.poll_readable(Some(task.waker()))).await
    }

    /// Reads without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there yet.
    pub fn try_read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut bytes = ReadBuf::new(bytes);
        at_once(self.0.poll_read(None, &mut bytes))?;
        Ok(bytes.filled().len())
    }

    /// The address of this end.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.local)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// None.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.0.peer)
    }
}

impl OwnedWriteHalf {
    pub(super) fn new(socket: Arc<Socket>) -> Self {
        Self { socket, ends_its_side: true }
    }

    fn reunite(mut self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        if !Arc::ptr_eq(&self.socket, &other.0) {
            return Err(ReuniteError(other, self));
        }
        drop(other);
        self.ends_its_side = false;
        let socket = Arc::clone(&self.socket);
        drop(self);
        Ok(TcpStream(Arc::into_inner(socket).expect("there were two halves")))
    }

    /// Leaves its side open although it is dropped.
    pub fn forget(mut self) {
        self.ends_its_side = false;
    }

    /// Writes without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        at_once(self.socket.poll_write(None, bytes))
    }

    /// The address of this end.
    ///
    /// # Errors
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.socket.local)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// None.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.socket.peer)
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.ends_its_side {
            // One that is over has no side to end.
            let _ = self.socket.shut_down();
        }
    }
}

/// Reading and writing by way of the socket of a half.
macro_rules! halves {
    ($reads:ty, $writes:ty, $socket:ident) => {
        impl AsyncRead for $reads {
            fn poll_read(
                self: Pin<&mut Self>,
                task: &mut Context<'_>,
                bytes: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                self.0.poll_read(Some(task.waker()), bytes)
            }
        }

        impl AsyncWrite for $writes {
            fn poll_write(
                self: Pin<&mut Self>,
                task: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.$socket().poll_write(Some(task.waker()), bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                task: &mut Context<'_>,
                pieces: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.$socket().poll_write_pieces(Some(task.waker()), pieces)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.$socket().shut_down())
            }
        }
    };
}

impl WriteHalf<'_> {
    fn socket(&self) -> &Socket {
        self.0
    }
}

impl OwnedWriteHalf {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

halves!(ReadHalf<'_>, WriteHalf<'_>, socket);
halves!(OwnedReadHalf, OwnedWriteHalf, socket);
