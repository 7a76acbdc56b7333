//! MCP over standard input and output: one JSON message a line, of limited length.

use super::MOST_BYTES;
use super::mcp::Mcp;
use crate::clients::Request;
use rmcp::ServiceExt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf, Stdin};

/// Serves the MCP client at standard input and output until it leaves.
pub(super) async fn serve(mcp: Mcp) {
    let handle = mcp.handle.clone();
    let input = Lines { input: tokio::io::stdin(), since_newline: 0 };
    if let Ok(running) = mcp.serve((input, tokio::io::stdout())).await {
        let _ = running.waiting().await;
    }
    handle.tell(Request::Ended(None));
}

/// Standard input, which ends with an error in a line that is too long.
struct Lines {
    input: Stdin,
    since_newline: usize,
}

impl AsyncRead for Lines {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.input).poll_read(task, buffer))?;
        let new = &buffer.filled()[before..];
        self.since_newline = match new.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => new.len() - newline,
            None => self.since_newline.saturating_add(new.len()),
        };
        if self.since_newline > MOST_BYTES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long")));
        }
        Poll::Ready(Ok(()))
    }
}
