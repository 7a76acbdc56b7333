//! What happens to TCP connections, as the history has it.

use crate::{Loss, Name, Words};
use std::fmt::Write as _;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// How many characters of a piece are kept as text.
const START: usize = 60;

/// Something that happened to one end of a connection. The node of the event is the process of that end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SocketEvent {
    /// The connection, such as `caller to echo:7 #1`: the first that `caller` makes to that port.
    pub connection: Name,
    /// The process of the other end.
    pub peer: Name,
    /// What happened.
    pub act: SocketAct,
}

/// What can happen to an end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SocketAct {
    /// It began to connect.
    Connecting,
    /// It is connected.
    Connected,
    /// Its process accepted the connection.
    Accepted,
    /// No socket listened at the port.
    Refused,
    /// Its process wrote this, and it was sent.
    Sent(SocketPiece),
    /// This arrived, in the order in which it was sent.
    Received(SocketPiece),
    /// A transmission to it was lost. What is lost is sent again, except resets.
    Lost {
        /// What kind of segment, as addresses name it.
        kind: Name,
        /// Why.
        why: Loss,
    },
    /// It sends no more.
    Closed,
    /// The other side sends no more.
    Ended,
    /// The other side has ended the connection at once.
    Reset,
    /// It gave up: nothing that it sent has arrived for long.
    TimedOut,
}

/// A piece of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SocketPiece {
    /// How many bytes it has.
    pub bytes: u32,
    /// Its first line, as far as it is text, cut short.
    pub start: Arc<str>,
    digest: u64,
}

impl SocketPiece {
    /// A description of these bytes.
    ///
    /// ```
    /// # use perfidy_sim::SocketPiece;
    /// let piece = SocketPiece::of(b"GET /tickets HTTP/1.1\r\nhost: desk\r\n\r\n");
    /// assert_eq!((piece.bytes, &*piece.start), (37, "GET /tickets HTTP/1.1"));
    /// assert_eq!(&*SocketPiece::of(&[7, 255]).start, "\\x07\\xff");
    /// ```
    pub fn of(bytes: &[u8]) -> Self {
        let mut start = String::new();
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        for byte in line {
            if start.len() >= START {
                start.push_str("..");
                break;
            }
            match byte {
                b' '..=b'~' => start.push(char::from(*byte)),
                other => write!(start, "\\x{other:02x}").expect("a text takes everything"),
            }
        }
        Self { bytes: bytes.len() as u32, start: start.into(), digest: xxh3_64(bytes) }
    }
}

impl SocketEvent {
    /// The kind under which what its process did passes the network, as addresses name it.
    pub fn segment_kind(&self) -> Option<Name> {
        let kind = match self.act {
            SocketAct::Connecting => "tcp connect",
            SocketAct::Accepted => "tcp accept",
            SocketAct::Sent(_) => "tcp data",
            SocketAct::Closed => "tcp close",
            SocketAct::Connected => "tcp open",
            SocketAct::Refused
            | SocketAct::Received(_)
            | SocketAct::Lost { .. }
            | SocketAct::Ended
            | SocketAct::Reset
            | SocketAct::TimedOut => return None,
        };
        Some(Name::literal(kind))
    }

    /// Folds the whole content into the digest.
    pub(crate) fn fold(&self, words: &mut Words) {
        words.name(self.connection).name(self.peer);
        match &self.act {
            SocketAct::Connecting => words.put(1),
            SocketAct::Connected => words.put(2),
            SocketAct::Accepted => words.put(3),
            SocketAct::Refused => words.put(4),
            SocketAct::Sent(piece) => words.put(5).put(u64::from(piece.bytes)).put(piece.digest),
            SocketAct::Received(piece) => words.put(6).put(u64::from(piece.bytes)).put(piece.digest),
            SocketAct::Lost { kind, why } => words.put(7).name(*kind).put(*why as u64),
            SocketAct::Closed => words.put(8),
            SocketAct::Ended => words.put(9),
            SocketAct::Reset => words.put(10),
            SocketAct::TimedOut => words.put(11),
        };
    }
}
