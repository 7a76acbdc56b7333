//! Events in words, as stories tell them.

use crate::agent::{Access, AgentEvent, Body, Purpose, TeamEvent, UserEvent};
use crate::report::words::counted;
use crate::workflows::user::USER;
use perfidy_sim::{
    Event, EventKind, Fault, Hook, Loss, Name, SimSpan, SimTime, SocketAct, SocketEvent, SocketPiece,
};

/// In nanoseconds. A bound of so many is a span; no count is as high.
const MILLISECOND: u64 = 1_000_000;

/// A time in milliseconds, short enough for a column.
pub(in crate::report) fn rounded(at: SimTime) -> String {
    SimTime::from_nanos(at.as_nanos() / 1_000_000 * 1_000_000).to_string()
}

/// The node of an event. From its second incarnation on, with the number of the incarnation: two of them can
/// be alive at once.
pub(in crate::report) fn label(event: &Event<TeamEvent>) -> String {
    match event.incarnation {
        0 => event.node.to_string(),
        earlier => format!("{} ({})", event.node, earlier + 1),
    }
}

/// Whether an event is informative for a person.
pub(in crate::report) fn is_telling(event: &Event<TeamEvent>) -> bool {
    match &event.what {
        EventKind::App(
            TeamEvent::Agent(AgentEvent::Completed { .. } | AgentEvent::Asked { access: Access::Read, .. })
            | TeamEvent::User(
                UserEvent::TaskGiven { .. }
                | UserEvent::Wanted { .. }
                | UserEvent::UndoneBy { .. }
                | UserEvent::Triggered { .. }
                | UserEvent::RecordOf { .. },
            ),
        )
        | EventKind::Delivered { .. }
        | EventKind::Wrote { .. }
        | EventKind::Synced { .. }
        | EventKind::Started { incarnation: 0 }
        | EventKind::TimedOut { .. }
        | EventKind::Ended(_) => false,
        EventKind::Sent { content, .. } => {
            event.node.as_str() != USER && is_decisive(content.headers().purpose)
        }
        EventKind::App(_)
        | EventKind::Lost { .. }
        | EventKind::Started { .. }
        | EventKind::Injected(_)
        | EventKind::Crashed { .. }
        | EventKind::Paused { .. }
        | EventKind::Resumed
        | EventKind::Recovered { .. }
        | EventKind::PartitionBegan { .. }
        | EventKind::PartitionHealed { .. }
        | EventKind::Waiting { .. }
        | EventKind::Panicked { .. } => true,
        // The bytes that were sent say what arrives, unless they do not.
        EventKind::Socket(socket) => match socket.act {
            SocketAct::Sent(_)
            | SocketAct::Refused
            | SocketAct::Lost { .. }
            | SocketAct::Reset
            | SocketAct::TimedOut => true,
            SocketAct::Connecting
            | SocketAct::Connected
            | SocketAct::Accepted
            | SocketAct::Received(_)
            | SocketAct::Closed
            | SocketAct::Ended => false,
        },
    }
}

/// Whether a message with this purpose changes what is done, or by which agent.
fn is_decisive(purpose: Option<Purpose>) -> bool {
    use Purpose::{Approval, Cancel, Handoff, Order, Rejection, Undo};
    matches!(purpose, Some(Order | Undo | Cancel | Handoff | Approval | Rejection))
}

/// The content of a message, and its headers if there are relevant ones.
fn saying(content: &Body) -> String {
    match content.headers().to_string() {
        headers if headers.is_empty() => format!(": {content}"),
        headers => format!(" ({headers}): {content}"),
    }
}

/// The subject of an event, so that events about the same subject can be grouped.
pub(in crate::report) fn subject(event: &Event<TeamEvent>) -> Option<Name> {
    match &event.what {
        EventKind::Sent { about, .. }
        | EventKind::Delivered { about, .. }
        | EventKind::Lost { about, .. } => Some(*about),
        EventKind::App(note) => note.intent(),
        EventKind::Socket(socket) => Some(socket.connection),
        _ => None,
    }
}

/// What happened, in words.
pub(in crate::report) fn told(event: &Event<TeamEvent>) -> String {
    match &event.what {
        EventKind::Started { incarnation: 0 } => "starts".to_owned(),
        EventKind::Started { .. } => "restarts from its journal".to_owned(),
        EventKind::Sent { to, kind, about, content } => {
            format!("sends {kind} to {to}, {about}{}", saying(content))
        }
        EventKind::Delivered { from, kind, about, content, .. } => {
            format!("gets {kind} from {from}, {about}{}", saying(content))
        }
        EventKind::Lost { from, kind, about, why } => {
            format!("does not get {kind} from {from}, {about}: {}", why_lost(*why))
        }
        EventKind::App(TeamEvent::User(UserEvent::Bound { property, at_most }))
            if *at_most >= MILLISECOND =>
        {
            format!("asks for {property}, at most {}", SimSpan::from_nanos(*at_most))
        }
        EventKind::Socket(socket) => told_of_socket(socket),
        EventKind::TimedOut { label } => format!("times out waiting for {label}"),
        EventKind::Injected(fault) => match subject_of_fault(fault) {
            Some(what) => format!("FAULT {} ({what})", fault.action),
            None => format!("FAULT {}", fault.action),
        },
        EventKind::Crashed { lost_writes: 0 } => "crashes".to_owned(),
        EventKind::Crashed { lost_writes } => format!("crashes; {lost_writes} unsynced writes are lost"),
        EventKind::Paused { span } => format!("is paused for {span}"),
        EventKind::Resumed => "resumes".to_owned(),
        EventKind::Recovered { from } => format!("recovers from {from}"),
        EventKind::PartitionBegan { left, right } => format!("is partitioned: {left} from {right}"),
        EventKind::PartitionHealed { left, right } => {
            format!("is no longer partitioned: {left} from {right}")
        }
        EventKind::Wrote { content } => format!("writes to its journal: {content}"),
        EventKind::Synced { records } => {
            format!("has {} on disk", counted(u64::from(*records), "record", "records"))
        }
        EventKind::Waiting { on, why, about } => format!("still waits for {on}: {why}, {about}"),
        EventKind::Ended(stop) => format!("the run ends: {stop:?}"),
        EventKind::Panicked { message } => format!("panics: {message}"),
        EventKind::App(note) => note.to_string(),
    }
}

fn why_lost(why: Loss) -> &'static str {
    match why {
        Loss::Dropped => "it was dropped",
        Loss::Partition => "network partition",
        Loss::NodeDown => "the receiver is down",
        Loss::NoSuchNode => "there is no such node",
        Loss::Late => "late reply: the caller no longer waits for it",
        Loss::Stranded => "its runtime has restarted, and knows no request of the reply",
    }
}

fn told_of_socket(SocketEvent { connection, peer, act }: &SocketEvent) -> String {
    let what = match act {
        SocketAct::Connecting => format!("connects to {peer}"),
        SocketAct::Connected => format!("is connected to {peer}"),
        SocketAct::Accepted => format!("accepts the connection of {peer}"),
        SocketAct::Refused => format!("is refused the connection by {peer}, where nobody listens"),
        SocketAct::Sent(piece) => format!("sends {} to {peer}", bytes(piece)),
        SocketAct::Received(piece) => format!("gets {} from {peer}", bytes(piece)),
        SocketAct::Lost { kind, why } => format!("does not get {kind} from {peer}: {}", why_lost(*why)),
        SocketAct::Closed => format!("sends no more to {peer}"),
        SocketAct::Ended => format!("hears that {peer} sends no more"),
        SocketAct::Reset => format!("finds its connection reset by {peer}"),
        SocketAct::TimedOut => format!("gives up the connection to {peer}: it has timed out"),
    };
    format!("{what} ({connection})")
}

fn bytes(SocketPiece { bytes, start, .. }: &SocketPiece) -> String {
    let unit = if *bytes == 1 { "byte" } else { "bytes" };
    format!("{bytes} {unit} `{start}`")
}

/// The same without the content of a message that arrives as it was sent, which its sending has told.
#[cfg(feature = "report")]
pub(in crate::report) fn told_once(event: &Event<TeamEvent>) -> String {
    match &event.what {
        EventKind::Delivered { from, kind, about, .. } => format!("gets {kind} from {from}, {about}"),
        _ => told(event),
    }
}

/// Where a fault was injected into a node: at which message, call or step. `None` for a timed fault, which
/// concerns the node or its links as a whole and says so, and for a node's disk.
fn subject_of_fault(fault: &Fault) -> Option<String> {
    if fault.action.moment().is_some() {
        return None;
    }
    let (site, id) = (fault.at.site, fault.at.id);
    let (who, what) = site.as_str().split_once(", ")?;
    if let Some((_, to)) = who.split_once(" > ") {
        return Some(format!("{what} to {to}, {id}"));
    }
    if let Some((_, hook, step)) = Hook::step_of(site) {
        let when = if hook == Hook::Before { "before" } else { "after" };
        return Some(format!("{when} {step}, {id}"));
    }
    (!who.ends_with("'s disk")).then(|| format!("{what}, {id}"))
}
