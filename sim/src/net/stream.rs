//! Streams.

use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{ToSocketAddrs, lookup_host, world};
use crate::core::EndId;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One end of a connection. It is closed when it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    end: EndId,
    pub local: SocketAddr,
    pub peer: SocketAddr,
}

impl Socket {
    pub fn poll_read(&self, waker: Option<&Waker>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if bytes.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        world()?.poll_read(self.end, waker, &mut |first, second| {
            let first = &first[..first.len().min(bytes.remaining())];
            bytes.put_slice(first);
            let second = &second[..second.len().min(bytes.remaining())];
            bytes.put_slice(second);
            first.len() + second.len()
        })
    }

    pub fn poll_peek(&self, waker: Option<&Waker>, bytes: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let mut count = 0;
        let peeked = world()?.poll_read(self.end, waker, &mut |first, second| {
            for piece in [first, second] {
                let piece = &piece[..piece.len().min(bytes.remaining())];
                bytes.put_slice(piece);
                count += piece.len();
            }
            0
        });
        peeked.map_ok(|()| count)
    }

    /// Whether a read would not wait.
    pub fn poll_readable(&self, waker: Option<&Waker>) -> Poll<io::Result<()>> {
        world()?.poll_read(self.end, waker, &mut |_, _| 0).map(|_| Ok(()))
    }

    pub fn poll_write(&self, waker: Option<&Waker>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        world()?.poll_write(self.end, waker, bytes)
    }

    /// Writes the pieces as one.
    pub fn poll_write_pieces(
        &self,
        waker: Option<&Waker>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut written = 0;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            match self.poll_write(waker, piece) {
                Poll::Ready(Ok(more)) => {
                    written += more;
                    if more < piece.len() {
                        break;
                    }
                }
                _ if written > 0 => break,
                other => return other,
            }
        }
        Poll::Ready(Ok(written))
    }

    pub fn shut_down(&self) -> io::Result<()> {
        world()?.shut_down(self.end)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Ok(world) = world() {
            world.close(self.end);
        }
    }
}

/// What a read or a write that does not wait gives.
pub(super) fn at_once<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(done) => done,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

/// A stream, as `tokio::net::TcpStream`.
///
/// What is written in one go is sent as one segment when the writer waits, flushed or not. A writer waits
/// when 256 KiB of it are unread.
#[derive(Debug)]
pub struct TcpStream(pub(super) Socket);

impl TcpStream {
    pub(super) fn new(end: EndId, local: SocketAddr, peer: SocketAddr) -> Self {
        Self(Socket { end, local, peer })
    }

    /// Connects to a port of another process, by its name or address.
    ///
    /// # Errors
    /// `ConnectionRefused` if no socket listens there, `TimedOut` after 127 s without an answer,
    /// `HostUnreachable` at an address that no node has.
    pub async fn connect<A: ToSocketAddrs>(address: A) -> io::Result<Self> {
        let mut failed = None;
        for address in lookup_host(address).await? {
            let (end, [local, peer]) = match world()?.connect(address) {
                Ok(begun) => begun,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            let stream = Self::new(end, local, peer);
            match poll_fn(|task| world()?.poll_connect(end, Some(task.waker()))).await {
                Ok(()) => return Ok(stream),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| ErrorKind::InvalidInput.into()))
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

    /// Splits it into halves that borrow it.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf(&self.0), WriteHalf(&self.0))
    }

    /// Splits it into halves that go to tasks of their own. To drop the writing half ends that side.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        let socket = Arc::new(self.0);
        (OwnedReadHalf(Arc::clone(&socket)), OwnedWriteHalf::new(socket))
    }

    /// Waits until there is something to read, an end, or an error.
    ///
    /// # Errors
    /// None; the read has it.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|task| self.0.poll_readable(Some(task.waker()))).await
    }

    /// Waits until something can be written.
    ///
    /// # Errors
    /// None; the write has it.
    pub async fn writable(&self) -> io::Result<()> {
        poll_fn(|task| self.0.poll_write(Some(task.waker()), &[])).await.map_or(Ok(()), |_| Ok(()))
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

    /// Writes without waiting.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        at_once(self.0.poll_write(None, bytes))
    }

    /// Reads, and leaves what it has read to be read again.
    ///
    /// # Errors
    /// As a read.
    pub async fn peek(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut bytes = ReadBuf::new(bytes);
        poll_fn(|task| self.0.poll_peek(Some(task.waker()), &mut bytes)).await
    }

    /// Sets nothing: what is written is sent when the writer waits.
    ///
    /// # Errors
    /// None.
    pub fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    /// True: nothing is held back.
    ///
    /// # Errors
    /// None.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Sets nothing.
    ///
    /// # Errors
    /// None.
    pub fn set_linger(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    /// Sets nothing.
    ///
    /// # Errors
    /// None.
    pub fn set_ttl(&self, _: u32) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(Some(task.waker()), bytes)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(Some(task.waker()), bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_pieces(Some(task.waker()), pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shut_down())
    }
}
