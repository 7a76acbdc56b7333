//! What an event is, as a picture draws it: one mark for each way of looking at an event, with its sign, its
//! line in the legend, and the kind by which a reader filters.

use crate::agent::{AgentEvent, TeamEvent, ToolEvent, UserEvent};
use perfidy_sim::{Action, Event, EventKind, SocketAct};

/// The sign of an event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::report) enum Mark {
    Fault,
    Lie,
    Lost,
    Crash,
    Restart,
    Pause,
    Resume,
    Partition,
    Healed,
    Effect,
    Answer,
    Call,
    Model,
    Lease,
    Store,
    Wish,
    Told,
    Decision,
    Announcement,
    Journal,
    TimeOut,
    Wait,
    Send,
    Arrival,
    Other,
}

/// Every mark, in the order of the legend.
pub(in crate::report) const MARKS: [Mark; 25] = [
    Mark::Fault,
    Mark::Lie,
    Mark::Lost,
    Mark::Crash,
    Mark::Restart,
    Mark::Pause,
    Mark::Resume,
    Mark::Partition,
    Mark::Healed,
    Mark::Effect,
    Mark::Answer,
    Mark::Call,
    Mark::Model,
    Mark::Lease,
    Mark::Store,
    Mark::Wish,
    Mark::Told,
    Mark::Decision,
    Mark::Announcement,
    Mark::Journal,
    Mark::TimeOut,
    Mark::Wait,
    Mark::Send,
    Mark::Arrival,
    Mark::Other,
];

/// The kinds of events that a reader can ask for.
pub(in crate::report) const KINDS: [&str; 9] =
    [MESSAGES, TOOLS, MODELS, LEASES, PEOPLE, FAULTS, ANNOUNCEMENTS, JOURNALS, OTHER];

const MESSAGES: &str = "messages";
const TOOLS: &str = "tools";
const MODELS: &str = "models";
const LEASES: &str = "leases and stores";
const PEOPLE: &str = "people";
const FAULTS: &str = "faults";
const ANNOUNCEMENTS: &str = "announcements";
const JOURNALS: &str = "journals";
const OTHER: &str = "other";

/// How a mark looks, and what it stands for.
pub(in crate::report) struct Look {
    /// Its name in styles.
    pub class: &'static str,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// Its sign in one character, for a terminal.
    pub character: char,
    /// What it stands for, in the legend.
    pub meaning: &'static str,
    /// The outline of its sign around the origin, as the data of an SVG path, at most 16 units wide.
    pub outline: &'static str,
}

impl Mark {
    /// The mark of an event.
    pub fn of(event: &Event<TeamEvent>) -> Self {
        match &event.what {
            EventKind::Injected(fault) => match fault.action {
                Action::Custom { .. } | Action::CustomAt { .. } | Action::Corrupt => Self::Lie,
                _ => Self::Fault,
            },
            EventKind::Lost { .. } => Self::Lost,
            EventKind::Crashed { .. } | EventKind::Panicked { .. } => Self::Crash,
            EventKind::Started { incarnation: 0 } | EventKind::Ended(_) => Self::Other,
            EventKind::Started { .. } => Self::Restart,
            EventKind::Paused { .. } => Self::Pause,
            EventKind::Resumed | EventKind::Recovered { .. } => Self::Resume,
            EventKind::PartitionBegan { .. } => Self::Partition,
            EventKind::PartitionHealed { .. } => Self::Healed,
            EventKind::Wrote { .. } | EventKind::Synced { .. } => Self::Journal,
            EventKind::TimedOut { .. } => Self::TimeOut,
            EventKind::Waiting { .. } => Self::Wait,
            EventKind::Sent { .. } => Self::Send,
            EventKind::Delivered { .. } => Self::Arrival,
            EventKind::Socket(socket) => match socket.act {
                SocketAct::Sent(_) => Self::Send,
                SocketAct::Received(_) => Self::Arrival,
                SocketAct::Lost { .. } | SocketAct::Refused | SocketAct::Reset => Self::Lost,
                SocketAct::TimedOut => Self::TimeOut,
                SocketAct::Connecting
                | SocketAct::Connected
                | SocketAct::Accepted
                | SocketAct::Closed
                | SocketAct::Ended => Self::Other,
            },
            EventKind::App(note) => Self::of_team(note),
        }
    }

    fn of_team(note: &TeamEvent) -> Self {
        match note {
            TeamEvent::Tool(ToolEvent::Effect { .. }) => Self::Effect,
            TeamEvent::Tool(_) => Self::Answer,
            TeamEvent::Lease(_) => Self::Lease,
            TeamEvent::Store(_) => Self::Store,
            TeamEvent::Person(_) | TeamEvent::Guardrail(_) => Self::Decision,
            TeamEvent::Announced { .. } => Self::Announcement,
            TeamEvent::User(UserEvent::Informed { .. }) => Self::Told,
            TeamEvent::User(_) => Self::Wish,
            TeamEvent::Agent(event) => match event {
                AgentEvent::Called { .. } => Self::Call,
                AgentEvent::Answered { .. } => Self::Answer,
                AgentEvent::Completed { .. } | AgentEvent::Chatted { .. } => Self::Model,
                AgentEvent::Asked { .. } | AgentEvent::StoreOutcome { .. } => Self::Store,
                AgentEvent::Recovered { .. } => Self::Journal,
                AgentEvent::Produced { .. } | AgentEvent::Reached { .. } => Self::Other,
            },
        }
    }

    /// How it looks and what it stands for.
    pub fn look(self) -> Look {
        let look =
            |class, kind, character, meaning, outline| Look { class, kind, character, meaning, outline };
        match self {
            Self::Fault => {
                look("fault", FAULTS, '!', "fault of the network, a node, a clock or a disk", "M0 -8L8 6H-8Z")
            }
            Self::Lie => look(
                "lie",
                FAULTS,
                '!',
                "fault of a tool, a model, a person or a message's content",
                "M0 8L8 -6H-8Z",
            ),
            Self::Lost => look("lost", MESSAGES, 'x', "a message does not arrive", "M-5 -5L5 5M5 -5L-5 5"),
            Self::Crash => look(
                "crash",
                FAULTS,
                'X',
                "crash",
                "M-7 -4L-4 -7L0 -3L4 -7L7 -4L3 0L7 4L4 7L0 3L-4 7L-7 4L-3 0Z",
            ),
            Self::Restart => {
                look("restart", FAULTS, '^', "restart: a new incarnation", "M0 -8L7 0H3V7H-3V0H-7Z")
            }
            Self::Pause => look("pause", FAULTS, '=', "pause begins", "M-5 -6H-1V6H-5ZM1 -6H5V6H1Z"),
            Self::Resume => look("resume", FAULTS, '-', "pause or degradation ends", "M-4 -6L6 0L-4 6Z"),
            Self::Partition => {
                look("partition", FAULTS, '/', "network partition begins", "M-7 -2H7M-7 2H7M-4 6L4 -6")
            }
            Self::Healed => look("healed", FAULTS, '\\', "network partition heals", "M-7 0H7"),
            Self::Effect => {
                look("effect", TOOLS, '#', "effect: it really happened in a tool", "M0 -8L8 0L0 8L-8 0Z")
            }
            Self::Answer => look(
                "answer",
                TOOLS,
                '*',
                "answer of a tool without an effect, or its outcome for the caller",
                "M-4 -4H4V4H-4Z",
            ),
            Self::Call => look("call", TOOLS, '*', "an agent calls a tool", "M-5 -5H1L6 0L1 5H-5Z"),
            Self::Model => look("model", MODELS, 'm', "model call", "M-3 -6H3L6 0L3 6H-3L-6 0Z"),
            Self::Lease => look(
                "lease",
                LEASES,
                'L',
                "the lock service grants a lease or gets it back",
                "M-5 -1H5V6H-5ZM-3 -1V-3A3 3 0 0 1 3 -3V-1",
            ),
            Self::Store => look("store", LEASES, '*', "access to the store", "M-5 -5H5V5H-5ZM-5 -1H5"),
            Self::Wish => look(
                "wish",
                PEOPLE,
                '*',
                "what the user wants",
                "M0 -7L2 -2L7 -2L3 1L5 6L0 3L-5 6L-3 1L-7 -2L-2 -2Z",
            ),
            Self::Told => look("told", PEOPLE, '*', "what the user is told", "M-6 -5H6V3H0L-4 7V3H-6Z"),
            Self::Decision => {
                look("decision", PEOPLE, '*', "decision of a person or a guardrail", "M-6 0L-2 5L6 -5")
            }
            Self::Announcement => look(
                "says",
                ANNOUNCEMENTS,
                '"',
                "announcement of an agent: no verdict rests on it",
                "M-6 -5H6V3H0L-4 7V3H-6ZM-3 -2H3M-3 0.5H1",
            ),
            Self::Journal => look(
                "journal",
                JOURNALS,
                '*',
                "journal: a record is written, synced or recovered",
                "M-3 -4H3V4H-3Z",
            ),
            Self::TimeOut => look("timeout", MESSAGES, 't', "timeout", "M-5 -6H5L-5 6H5Z"),
            Self::Wait => look(
                "wait",
                MESSAGES,
                '?',
                "still waiting at the end of the run",
                "M-6 0A1.5 1.5 0 1 0 -3 0A1.5 1.5 0 1 0 -6 0ZM-1.5 0A1.5 1.5 0 1 0 1.5 0A1.5 1.5 0 1 0 -1.5 0ZM3 0A1.5 1.5 0 1 0 6 0A1.5 1.5 0 1 0 3 0Z",
            ),
            Self::Send => look(
                "send",
                MESSAGES,
                '*',
                "a message is sent",
                "M-3.5 0A3.5 3.5 0 1 0 3.5 0A3.5 3.5 0 1 0 -3.5 0Z",
            ),
            Self::Arrival => {
                look("arrival", MESSAGES, '*', "a message arrives", "M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0Z")
            }
            Self::Other => look("other", OTHER, '*', "anything else", "M-2 0A2 2 0 1 0 2 0A2 2 0 1 0 -2 0Z"),
        }
    }
}
