//! What a run did, without when, to whom or about what: its behaviour.
//!
//! An event is reduced to its kind, the role of its node (`executor` for `executor-3`) and the word that it
//! carries: a kind of message, an answer, a claim. A behaviour is such an event, or two of them in a row on
//! one node. Faults are no behaviour: what counts is what they lead to.

use crate::agent::{AgentEvent, TeamEvent};
use perfidy_sim::{EventKind, History, Name, RunEnd, SocketAct, Words};
use std::mem::discriminant;

/// A node that something has happened on.
struct Seen {
    node: Name,
    role: u64,
    last: Option<u64>,
}

/// How many behaviours are remembered to pass over those that come again; a power of two. Teams repeat
/// themselves: what is left is a fraction, and sorting it costs a fraction too.
const REMEMBERED: usize = 1 << 9;

/// The behaviours of a run, sorted.
pub(super) fn of(history: &History<TeamEvent>) -> Vec<u64> {
    // A team is small: going through it is faster than any map.
    let mut team: Vec<Seen> = Vec::new();
    let mut remembered = [0; REMEMBERED];
    let mut behaviours = Vec::new();
    let mut show = |behaviour: u64| {
        let earlier = &mut remembered[behaviour as usize % REMEMBERED];
        if *earlier != behaviour {
            *earlier = behaviour;
            behaviours.push(behaviour);
        }
    };
    for event in history.events() {
        let Some(word) = word(&event.what) else { continue };
        let place = team.iter().position(|seen| seen.node == event.node).unwrap_or_else(|| {
            team.push(Seen { node: event.node, role: role_hash(event.node), last: None });
            team.len() - 1
        });
        let seen = &mut team[place];
        let word = mixed(seen.role, word);
        show(word);
        if let Some(before) = seen.last.replace(word) {
            show(mixed(before, word));
        }
    }
    behaviours.sort_unstable();
    behaviours.dedup();
    behaviours
}

/// One number for two, in their order.
fn mixed(first: u64, second: u64) -> u64 {
    let mixed = (first.rotate_left(23) ^ second).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

fn role_hash(node: Name) -> u64 {
    Words::digest(|words| {
        words.text(role(node));
    })
}

fn role(node: Name) -> &'static str {
    let name = node.as_str();
    let unnumbered = name.trim_end_matches(|c: char| c.is_ascii_digit());
    unnumbered.strip_suffix('-').unwrap_or(name)
}

/// What of an event counts; nothing of faults.
fn word(what: &EventKind<TeamEvent>) -> Option<u64> {
    let (kind, detail) = match what {
        EventKind::Started { incarnation } => (1, u64::from(*incarnation > 0)),
        EventKind::Sent { kind, .. } => (2, kind.hash64()),
        EventKind::Delivered { kind, .. } => (3, kind.hash64()),
        EventKind::Lost { kind, why, .. } => (4, kind.hash64() ^ *why as u64),
        EventKind::TimedOut { label } => (5, label.hash64()),
        EventKind::Crashed { lost_writes } => (6, u64::from(*lost_writes > 0)),
        EventKind::Wrote { .. } => (7, 0),
        EventKind::Synced { .. } => (8, 0),
        EventKind::Waiting { why, .. } => (9, why.hash64()),
        EventKind::Panicked { .. } => (10, 0),
        EventKind::Ended(stop) => (11, ending(*stop)),
        EventKind::Socket(socket) => (13, socket_word(&socket.act)),
        // What an agent says of itself is not what it does.
        EventKind::App(TeamEvent::Announced { .. })
        | EventKind::Injected(_)
        | EventKind::Paused { .. }
        | EventKind::Resumed
        | EventKind::Recovered { .. }
        | EventKind::PartitionBegan { .. }
        | EventKind::PartitionHealed { .. } => return None,
        EventKind::App(note) => (12, note_word(note)),
    };
    Some(detail.wrapping_mul(32).wrapping_add(kind))
}

/// What happened to a connection, without what was said in it.
fn socket_word(act: &SocketAct) -> u64 {
    match act {
        SocketAct::Connecting => 1,
        SocketAct::Connected => 2,
        SocketAct::Accepted => 3,
        SocketAct::Refused => 4,
        SocketAct::Sent(_) => 5,
        SocketAct::Received(_) => 6,
        SocketAct::Lost { kind, why } => kind.hash64() ^ *why as u64,
        SocketAct::Closed => 8,
        SocketAct::Ended => 9,
        SocketAct::Reset => 10,
        SocketAct::TimedOut => 11,
    }
}

fn ending(stop: RunEnd) -> u64 {
    match stop {
        RunEnd::Finished => 0,
        RunEnd::Quiescent => 1,
        RunEnd::Deadline => 2,
        RunEnd::TooManyEvents => 3,
        RunEnd::Spinning { .. } => 4,
        RunEnd::Panicked { .. } => 5,
    }
}

/// Which kind of note it is, and what of it leads to different behaviour.
fn note_word(note: &TeamEvent) -> u64 {
    Words::digest(|words| {
        words.hash(&discriminant(note));
        match note {
            TeamEvent::Agent(AgentEvent::Called { tool, operation, .. }) => words.hash(&(tool, operation)),
            TeamEvent::Agent(AgentEvent::Answered { told, .. }) => words.hash(told),
            TeamEvent::Agent(AgentEvent::Completed { choice, .. }) => words.hash(choice),
            TeamEvent::Agent(AgentEvent::Chatted { reply, .. }) => {
                words.hash(
                    &reply.as_ref().map(|reply| (reply.finish, reply.calls.len())).map_err(discriminant),
                );
            }
            _ => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Body, Message};
    use perfidy_sim::SimTime;
    use serde::{Deserialize, Serialize};

    #[derive(Hash, Debug, Serialize, Deserialize)]
    struct Beat(u64);

    impl Message for Beat {
        fn kind(&self) -> &'static str {
            "beat"
        }
    }

    fn sent(node: &str, millis: u64, kind: &str) -> Vec<u64> {
        let mut history = History::default();
        let [node, to, about] = [node, "ticketing", "task-1"].map(Name::new);
        let at = SimTime::from_nanos(millis * 1_000_000);
        history.append(at, (node, 0), None, EventKind::Started { incarnation: 0 });
        history.append(
            at,
            (node, 0),
            None,
            EventKind::Sent { to, kind: Name::new(kind), about, content: Body::new(Beat(millis)) },
        );
        of(&history)
    }

    #[test]
    fn time_content_and_number_make_no_difference_and_the_kind_of_message_does() {
        let one = sent("executor-1", 5, "create");
        assert_eq!(one.len(), 3);
        assert_eq!(one, sent("executor-2", 9, "create"));
        assert_ne!(one, sent("executor-1", 5, "cancel"));
        assert_ne!(one, sent("planner", 5, "create"));
    }

    #[test]
    fn a_role_is_a_name_without_its_number() {
        assert_eq!(
            ["executor-12", "backup", "mail2"].map(|name| role(Name::new(name))),
            ["executor", "backup", "mail2"]
        );
    }
}
