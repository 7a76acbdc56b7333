//! tokio for crates whose agents perfidy tests, in the place of tokio:
//!
//! ```toml
//! [dependencies]
//! tokio = { package = "perfidy-tokio", version = "0.1", features = ["full"] }
//! ```
//!
//! In a build without `--cfg madsim`, which is every build but that of the tests, it *is* tokio: every item
//! is tokio's own. Under the flag, time, tasks and signals are those of madsim (as `madsim-tokio` has them),
//! and two things are perfidy's:
//!
//! * `tokio::net`: TCP connections are carried by the simulated world, so that its links, its partitions and
//!   its faults reach them, and its history has them (`perfidy_sim::net`). Datagrams and Unix sockets are
//!   madsim's: partitions reach datagrams, and nothing else does.
//! * `tokio::select!` begins with a branch that the world draws. tokio draws it from a generator that differs
//!   from process to process, so that a run would not replay.
//!
//! What is neither simulated nor refused: `fs` and `process` are the real ones.

pub use madsim_tokio::*;

#[cfg(madsim)]
pub mod net {
    //! Sockets.

    pub use madsim_tokio::net::{UdpSocket, UnixDatagram, UnixListener, UnixStream};
    pub use perfidy_sim::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host, tcp};
}

/// What the macros of this crate need.
#[cfg(madsim)]
#[doc(hidden)]
pub mod simulated {
    #[cfg(feature = "macros")]
    pub use madsim_tokio::select;

    /// With which of so many branches `select!` begins.
    pub fn first_branch(branches: u32) -> u32 {
        perfidy_sim::net::draw_below(perfidy_sim::Name::new("select"), branches)
    }
}

/// Waits for the first of several branches, as `tokio::select!`; where several are ready, the world draws
/// which one is first.
// The rules of tokio's macro begin with the expression for the first branch, in which `BRANCHES` is their
// number. That is no part of its interface: a tokio that changes it does not compile here.
#[cfg(all(madsim, feature = "macros"))]
#[macro_export]
macro_rules! select {
    (biased; $($branches:tt)*) => { $crate::simulated::select!(biased; $($branches)*) };
    (else => $else:expr $(,)?) => {{ $else }};
    ($($branches:tt)*) => {
        $crate::simulated::select!(
            @{ start={ $crate::simulated::first_branch(BRANCHES) }; () } $($branches)*
        )
    };
}
