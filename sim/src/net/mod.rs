//! TCP sockets in the shape of tokio's, carried by the world: links, partitions and faults of messages reach
//! them, and what happens to them is in the history ([`SocketEvent`](crate::SocketEvent)).
//!
//! Code of processes does not name this module: it says `tokio::net`, and `perfidy-tokio`, which it has in
//! tokio's place under `--cfg madsim`, gives it these types. They are not those of madsim because a stream of
//! madsim decides by itself what becomes of its bytes, with one latency for all links, by draws that follow
//! the order of events, and without a place where another could decide or record it; and because there a
//! partition refuses a connection, which no real one does.
//!
//! They need nothing of an engine but to know whose code runs, so they work on both.
//!
//! ```
//! use perfidy_sim::net::{TcpListener, TcpStream};
//! use perfidy_sim::{Domain, Engine, Name, Seed, World, WorldConfig};
//! use std::future::poll_fn;
//! use std::pin::Pin;
//! use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
//! # struct Numbers;
//! # impl Domain for Numbers {
//! #     type Payload = u64;
//! #     type AppEvent = u64;
//! #     type Author = ();
//! # }
//!
//! let outcome = Engine::Native.run(|| {
//!     let mut world = World::<Numbers>::new(WorldConfig::fault_free(Seed(1)));
//!     world.process(Name::new("caller"), |_| async {
//!         let mut stream = TcpStream::connect("desk:80").await.unwrap();
//!         poll_fn(|task| Pin::new(&mut stream).poll_write(task, b"hello")).await.unwrap();
//!     });
//!     world.process(Name::new("desk"), |context| async move {
//!         let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
//!         let (mut stream, _) = listener.accept().await.unwrap();
//!         let (mut space, mut count) = ([0; 16], 0);
//!         loop {
//!             let mut bytes = ReadBuf::new(&mut space);
//!             poll_fn(|task| Pin::new(&mut stream).poll_read(task, &mut bytes)).await.unwrap();
//!             match bytes.filled().len() {
//!                 0 => break,
//!                 more => count += more as u64,
//!             }
//!         }
//!         context.record_event((), count);
//!     });
//!     world
//! });
//! assert_eq!(outcome.history.app_events().map(|(_, note)| *note).collect::<Vec<_>>(), [5]);
//! ```

mod address;
mod halves;
mod listener;
mod stream;

use crate::core::{Transport, WORLD};
use crate::{Name, scoped};
pub use address::{ToSocketAddrs, lookup_host};
use std::io;
use std::rc::Rc;

pub use halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use listener::{TcpListener, TcpSocket};
pub use stream::TcpStream;

/// The halves of a stream, where tokio has them.
pub mod tcp {
    pub use super::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
}

/// Does work while the sockets of this thread are those of a world.
pub(crate) fn within<T>(world: Rc<dyn Transport>, work: impl FnOnce() -> T) -> T {
    scoped::within(&WORLD, Some(world), work)
}

/// The world of this thread.
fn world() -> io::Result<Rc<dyn Transport>> {
    // A thread that ends may drop sockets after its world.
    let world = WORLD.try_with(|world| world.borrow().clone()).ok().flatten();
    world.ok_or_else(|| io::Error::other("no world runs on this thread"))
}

/// A keyed draw below `bound`, of the process whose code runs: the nth of `what` there. Zero outside of a
/// world.
///
/// It is what `select!` takes in the place of tokio's random start.
pub fn draw_below(what: Name, bound: u32) -> u32 {
    world().map_or(0, |world| world.draw_below(what, bound))
}
