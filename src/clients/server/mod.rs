//! The servers that clients connect to, on a thread of their own: they only pass messages.
//!
//! | path | what |
//! |---|---|
//! | `/mcp` | MCP over streamable HTTP |
//! | `/v1/chat/completions`, `/v1/responses` | the model, as OpenAI's API |
//! | `/v1/messages` | the model, as Anthropic's API |
//! | `POST /tools/NAME` | a tool, without MCP: arguments as JSON, and `Idempotency-Key` as a header |
//! | `POST /tell_user` | tells the user how a task ended: `{"done": true}` |
//! | `/` | what there is, as JSON |
//!
//! With a real model the paths of models lead there ([`Upstream`]). Each path can begin with the name of a
//! task, as in `/task-2/mcp`, for clients that work on several at once. Requests come from outside and are
//! not trusted: hosts and origins are checked, sizes and numbers are bounded, and nothing that a client sends
//! is run.

pub(super) mod anthropic;
pub(super) mod api;
pub(super) mod completions;
mod http;
pub(super) mod mcp;
mod models;
pub(super) mod responses;
mod stdio;
mod upstream;

use crate::clients::{Catalogue, Handle};
use http::Routes;
use mcp::Mcp;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use tokio::runtime::{Builder, Runtime};
pub use upstream::Upstream;

/// The longest message or body of a request.
const MOST_BYTES: usize = 4 << 20;

/// What is served, and where.
#[derive(Clone, Debug, Default)]
pub struct ServerConfig {
    /// Whether an MCP client is at standard input and output.
    pub stdio: bool,
    /// Where to listen for HTTP, if at all.
    pub listen: Option<SocketAddr>,
    /// How many times as fast as real time virtual time passes: what a service says of times is divided by
    /// it.
    pub speed: u32,
    /// The real model, if the simulated one is not to be asked.
    pub model: Option<Upstream>,
}

/// Servers under way, on threads of their own until the process ends.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Where HTTP is served.
    pub address: Option<SocketAddr>,
}

impl Server {
    /// Starts the servers. What clients ask goes to `handle`.
    ///
    /// # Errors
    /// If a thread or a socket cannot be had.
    pub fn start(config: &ServerConfig, handle: &Handle, catalogue: &Arc<Catalogue>) -> io::Result<Self> {
        let mut address = None;
        if let Some(listen) = config.listen {
            let listener = TcpListener::bind(listen)?;
            listener.set_nonblocking(true)?;
            let bound = listener.local_addr()?;
            let routes = Routes::new(handle, catalogue, config, bound.ip().is_loopback());
            on_a_thread("http", move || async move { http::serve(listener, routes).await })?;
            address = Some(bound);
        }
        if config.stdio {
            let mcp = Mcp { handle: handle.clone(), catalogue: Arc::clone(catalogue), task: None };
            on_a_thread("stdio", move || stdio::serve(mcp))?;
        }
        Ok(Self { address })
    }
}

fn on_a_thread<F: Future<Output = ()>>(
    name: &str,
    serve: impl FnOnce() -> F + Send + 'static,
) -> io::Result<()> {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(serve())).map(drop)
}
