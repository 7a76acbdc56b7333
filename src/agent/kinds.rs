//! Event kinds of a team: the kinds of its events and of its message headers.
//!
//! A history knows which kinds it contains ([`History::kinds`](perfidy_sim::History::kinds)). A property that
//! declares the kinds it needs is not run on a history without them
//! ([`Property::needs`](crate::properties::Property::needs)).
//!
//! ```
//! use perfidy::agent::{Purpose, kinds};
//! use perfidy_sim::EventKinds;
//!
//! let orders_with_a_token = EventKinds::SENT.and(kinds::purpose(Purpose::Order)).and(kinds::AUTHORITY);
//! assert!(orders_with_a_token.contains(kinds::AUTHORITY));
//! assert!(!orders_with_a_token.contains(kinds::EFFECT));
//! ```

use crate::agent::{
    AgentEvent, GuardrailEvent, Headers, LeaseEvent, Outcome, PersonEvent, Purpose, StoreEvent, TeamEvent,
    ToolEvent, UserEvent,
};
use perfidy_sim::{EventKinds, Payload};

const fn kind(nth: u32) -> EventKinds {
    EventKinds::of_layer(nth)
}

/// The first kind for purposes, after the kinds below.
const PURPOSES: u32 = 64;

/// Messages, records and entries of the store with that purpose.
pub const fn purpose(purpose: Purpose) -> EventKinds {
    kind(PURPOSES + purpose as u32)
}

/// Those with a [correlation id](Headers::correlation).
pub const CORRELATION: EventKinds = kind(0);
/// Those with an [attempt](Headers::attempt).
pub const ATTEMPT: EventKinds = kind(1);
/// Those with an [idempotency key](Headers::idempotency_key).
pub const IDEMPOTENCY_KEY: EventKinds = kind(2);
/// Those with an [authority](Headers::authority).
pub const AUTHORITY: EventKinds = kind(3);
/// Those with a [precondition](Headers::precondition).
pub const PRECONDITION: EventKinds = kind(4);
/// Those with a [deadline](Headers::deadline).
pub const DEADLINE: EventKinds = kind(5);
/// Those with a [plan](Headers::plan).
pub const PLAN: EventKinds = kind(6);
/// Those with a [provenance](Headers::provenance).
pub const PROVENANCE: EventKinds = kind(7);

/// Those with an [expiry](Headers::expiry).
pub const EXPIRY: EventKinds = kind(49);

/// Messages under a [contract](crate::agent::Contract).
pub const HANDOVER: EventKinds = kind(51);

/// [`UserEvent::Bound`].
pub const BOUND: EventKinds = kind(8);
/// [`UserEvent::TaskGiven`].
pub const TASK_GIVEN: EventKinds = kind(9);
/// [`UserEvent::Withdrawn`].
pub const WITHDRAWN: EventKinds = kind(10);
/// [`UserEvent::Informed`].
pub const INFORMED: EventKinds = kind(11);
/// [`UserEvent::Wanted`].
pub const WANTED: EventKinds = kind(12);
/// [`UserEvent::Declared`].
pub const DECLARED: EventKinds = kind(13);
/// [`UserEvent::UndoneBy`].
pub const UNDONE_BY: EventKinds = kind(14);
/// [`UserEvent::Question`].
pub const QUESTION: EventKinds = kind(15);
/// [`UserEvent::Triggered`].
pub const TRIGGERED: EventKinds = kind(46);
/// [`UserEvent::RecordOf`].
pub const RECORD_OF: EventKinds = kind(50);

/// [`PersonEvent::IsOnCall`].
pub const IS_ON_CALL: EventKinds = kind(16);
/// [`PersonEvent::DeadLetterRecorded`].
pub const DEAD_LETTERED: EventKinds = kind(17);

/// [`ToolEvent::Effect`].
pub const EFFECT: EventKinds = kind(18);
/// [`ToolEvent::Recognised`].
pub const RECOGNISED: EventKinds = kind(19);
/// [`ToolEvent::Cancelled`].
pub const CANCELLED: EventKinds = kind(20);
/// [`ToolEvent::Served`].
pub const SERVED: EventKinds = kind(21);

/// [`ToolEvent::Opened`].
pub const OPENED: EventKinds = kind(38);
/// [`ToolEvent::SchemaRolled`].
pub const SCHEMA_ROLLED: EventKinds = kind(52);
/// [`ToolEvent::LookedUp`].
pub const LOOKED_UP: EventKinds = kind(39);
/// [`ToolEvent::Refused`].
pub const REFUSED: EventKinds = kind(40);
/// [`ToolEvent::Ignored`].
pub const IGNORED: EventKinds = kind(41);
/// What tools record of requests: one event for each.
pub const TOOL_REQUESTS: EventKinds =
    EFFECT.and(RECOGNISED).and(CANCELLED).and(SERVED).and(LOOKED_UP).and(REFUSED).and(IGNORED);

/// [`LeaseEvent::Granted`].
pub const GRANTED: EventKinds = kind(22);
/// [`LeaseEvent::GivenBack`].
pub const GIVEN_BACK: EventKinds = kind(23);

/// [`StoreEvent::Stored`].
pub const STORED: EventKinds = kind(24);
/// [`StoreEvent::Entered`]; it also has the kinds of its content.
pub const ENTERED: EventKinds = kind(25);
/// [`StoreEvent::Vanished`].
pub const VANISHED: EventKinds = kind(26);

/// [`AgentEvent::Called`].
pub const CALLED: EventKinds = kind(27);
/// [`AgentEvent::Answered`].
pub const ANSWERED: EventKinds = kind(28);
/// [`AgentEvent::Completed`].
pub const COMPLETED: EventKinds = kind(29);
/// [`AgentEvent::Asked`].
pub const ASKED: EventKinds = kind(30);
/// [`AgentEvent::StoreOutcome`].
pub const HEARD: EventKinds = kind(31);
/// [`AgentEvent::Produced`].
pub const PRODUCED: EventKinds = kind(32);
/// [`AgentEvent::Recovered`].
pub const RECOVERED: EventKinds = kind(33);
/// [`AgentEvent::Reached`].
pub const REACHED: EventKinds = kind(42);

/// [`PersonEvent::MustApprove`].
pub const MUST_APPROVE: EventKinds = kind(44);
/// [`PersonEvent::Decided`].
pub const DECIDED: EventKinds = kind(45);
/// [`GuardrailEvent::MustCheck`].
pub const MUST_CHECK: EventKinds = kind(47);
/// [`GuardrailEvent::Judged`].
pub const JUDGED: EventKinds = kind(48);
/// [`AgentEvent::Chatted`].
pub const CHATTED: EventKinds = kind(43);

/// [`TeamEvent::Announced`]. It has no kinds of its content: an announcement is no evidence.
pub const ANNOUNCED: EventKinds = kind(34);

/// [`UserEvent::Informed`] that the task is done.
pub const INFORMED_DONE: EventKinds = INFORMED.and(kind(35));
/// [`UserEvent::Informed`] that the task has failed.
pub const INFORMED_FAILED: EventKinds = INFORMED.and(kind(36));
/// [`UserEvent::Informed`] that the task was cancelled.
pub const INFORMED_CANCELLED: EventKinds = INFORMED.and(kind(37));

/// The kinds of a set in words, for a reader who wants to know what a property reads.
pub fn in_words(kinds: EventKinds) -> Vec<&'static str> {
    let named = NAMED.iter().filter(|(kind, _)| kinds.contains(*kind)).map(|(_, words)| *words);
    named.collect()
}

/// Every kind in words; one that contains another stands for both.
const NAMED: &[(EventKinds, &str)] = &[
    (EventKinds::STARTED, "the start of a node"),
    (EventKinds::SENT, "a message that is sent"),
    (EventKinds::DELIVERED, "a message that is delivered"),
    (EventKinds::LOST, "a message that is lost"),
    (EventKinds::TIMED_OUT, "a wait that times out"),
    (EventKinds::INJECTED, "an injected fault"),
    (EventKinds::CRASHED, "a crash"),
    (EventKinds::PAUSED, "a pause"),
    (EventKinds::RESUMED, "the end of a pause"),
    (EventKinds::PARTITION_BEGAN, "a partition"),
    (EventKinds::PARTITION_HEALED, "the end of a partition"),
    (EventKinds::WROTE, "a write to a journal"),
    (EventKinds::SYNCED, "a sync of a journal"),
    (EventKinds::WAITING, "a wait that is open at the end"),
    (EventKinds::PANICKED, "a panic"),
    (EventKinds::RECOVERED, "the end of a degradation"),
    (EventKinds::ENDED, "the end of the run"),
    (CORRELATION, "a message with a correlation id"),
    (ATTEMPT, "a message with an attempt"),
    (IDEMPOTENCY_KEY, "a message with an idempotency key"),
    (AUTHORITY, "a message with an authority (fencing token)"),
    (PRECONDITION, "a message with a precondition (version)"),
    (DEADLINE, "a message with a deadline"),
    (EXPIRY, "a message with an expiry"),
    (PLAN, "a message with a plan"),
    (PROVENANCE, "a message with its provenance (artifact)"),
    (HANDOVER, "a message under a contract"),
    (BOUND, "a bound that the user asks for"),
    (TASK_GIVEN, "a task"),
    (WITHDRAWN, "a task that the user withdraws"),
    (WANTED, "an effect that a task wants"),
    (DECLARED, "the consistency that readers of the store rely on"),
    (UNDONE_BY, "a step that can be undone"),
    (QUESTION, "a question of a task"),
    (TRIGGERED, "a run that a trigger begins"),
    (RECORD_OF, "a record of what a source says that a task wants"),
    (IS_ON_CALL, "a person on call"),
    (DEAD_LETTERED, "a dead letter that a person recorded"),
    (EFFECT, "an effect of a tool"),
    (RECOGNISED, "a call that a tool recognises"),
    (CANCELLED, "a call that a tool cancels"),
    (SERVED, "a read that a tool answers"),
    (OPENED, "the first state of a tool"),
    (SCHEMA_ROLLED, "a new version of a tool's schema"),
    (LOOKED_UP, "a look-up that a tool answers"),
    (REFUSED, "a request that a tool refuses"),
    (IGNORED, "a request that a tool ignores"),
    (GRANTED, "a lease that is granted"),
    (GIVEN_BACK, "a lease that is released"),
    (STORED, "a version of an item in the store"),
    (ENTERED, "an entry in the store"),
    (VANISHED, "an entry that is gone from the store"),
    (CALLED, "a call of an agent"),
    (ANSWERED, "the outcome of a call"),
    (COMPLETED, "a completion of a model"),
    (CHATTED, "a reply of a chat model"),
    (MUST_APPROVE, "an operation that a person must approve"),
    (DECIDED, "a decision of a person"),
    (MUST_CHECK, "an operation that a guardrail must check"),
    (JUDGED, "a verdict of a guardrail"),
    (ASKED, "a request to the store"),
    (HEARD, "an answer of the store"),
    (PRODUCED, "an artifact"),
    (RECOVERED, "records that an agent recovers"),
    (REACHED, "a probe"),
    (ANNOUNCED, "an announcement"),
    (INFORMED_DONE, "a report that a task is done"),
    (INFORMED_FAILED, "a report that a task failed"),
    (INFORMED_CANCELLED, "a report that a task is cancelled"),
    (purpose(Purpose::Order), "an order"),
    (purpose(Purpose::Undo), "an order to undo"),
    (purpose(Purpose::Cancel), "a cancel"),
    (purpose(Purpose::Handoff), "a handoff"),
    (purpose(Purpose::Ask), "a question between agents"),
    (purpose(Purpose::Answer), "an answer between agents"),
    (purpose(Purpose::Pending), "an answer that is pending"),
    (purpose(Purpose::Done), "notice that work is done"),
    (purpose(Purpose::Failed), "notice that work failed"),
    (purpose(Purpose::Undone), "notice that work is undone"),
    (purpose(Purpose::Cancelled), "notice that work is cancelled"),
    (purpose(Purpose::Refused), "notice that an order is refused"),
    (purpose(Purpose::Approval), "an approval"),
    (purpose(Purpose::Rejection), "a rejection"),
    (purpose(Purpose::Claim), "a claim"),
    (purpose(Purpose::Prepare), "a request to prepare"),
    (purpose(Purpose::Commit), "an order to commit"),
];

impl Headers {
    /// The kinds of a message with these headers.
    pub const fn kinds(&self) -> EventKinds {
        let mut kinds = match self.purpose {
            Some(of) => purpose(of),
            None => EventKinds::NONE,
        };
        let Self { purpose: _, correlation, attempt, idempotency_key, authority, .. } = self;
        let Self { precondition, deadline, expiry, plan, provenance, .. } = self;
        let there = [
            (correlation.is_some(), CORRELATION),
            (attempt.is_some(), ATTEMPT),
            (idempotency_key.is_some(), IDEMPOTENCY_KEY),
            (authority.is_some(), AUTHORITY),
            (precondition.is_some(), PRECONDITION),
            (deadline.is_some(), DEADLINE),
            (expiry.is_some(), EXPIRY),
            (plan.is_some(), PLAN),
            (provenance.is_some(), PROVENANCE),
        ];
        let mut nth = 0;
        while nth < there.len() {
            if there[nth].0 {
                kinds = kinds.and(there[nth].1);
            }
            nth += 1;
        }
        kinds
    }
}

impl TeamEvent {
    /// The kinds of this event.
    pub fn kinds(&self) -> EventKinds {
        match self {
            Self::User(event) => match event {
                UserEvent::Bound { .. } => BOUND,
                UserEvent::TaskGiven { .. } => TASK_GIVEN,
                UserEvent::Withdrawn { .. } => WITHDRAWN,
                UserEvent::Informed { report, .. } => match report.outcome {
                    Outcome::Done => INFORMED_DONE,
                    Outcome::Failed => INFORMED_FAILED,
                    Outcome::Cancelled => INFORMED_CANCELLED,
                },
                UserEvent::Wanted { .. } => WANTED,
                UserEvent::Declared { .. } => DECLARED,
                UserEvent::UndoneBy { .. } => UNDONE_BY,
                UserEvent::Question { .. } => QUESTION,
                UserEvent::Triggered { .. } => TRIGGERED,
                UserEvent::RecordOf { .. } => RECORD_OF,
            },
            Self::Person(event) => match event {
                PersonEvent::IsOnCall => IS_ON_CALL,
                PersonEvent::MustApprove { .. } => MUST_APPROVE,
                PersonEvent::Decided { .. } => DECIDED,
                PersonEvent::DeadLetterRecorded { .. } => DEAD_LETTERED,
            },
            Self::Tool(event) => match event {
                ToolEvent::Effect { .. } => EFFECT,
                ToolEvent::Recognised { .. } => RECOGNISED,
                ToolEvent::Cancelled { .. } => CANCELLED,
                ToolEvent::Served { .. } => SERVED,
                ToolEvent::Opened { .. } => OPENED,
                ToolEvent::SchemaRolled { .. } => SCHEMA_ROLLED,
                ToolEvent::LookedUp { .. } => LOOKED_UP,
                ToolEvent::Refused { .. } => REFUSED,
                ToolEvent::Ignored { .. } => IGNORED,
            },
            Self::Lease(event) => match event {
                LeaseEvent::Granted { .. } => GRANTED,
                LeaseEvent::GivenBack { .. } => GIVEN_BACK,
            },
            Self::Store(event) => match event {
                StoreEvent::Stored { .. } => STORED,
                StoreEvent::Entered { content, .. } => ENTERED.and(content.kinds()),
                StoreEvent::Vanished { .. } => VANISHED,
            },
            Self::Agent(event) => match event {
                AgentEvent::Called { .. } => CALLED,
                AgentEvent::Answered { .. } => ANSWERED,
                AgentEvent::Completed { .. } => COMPLETED,
                AgentEvent::Chatted { .. } => CHATTED,
                AgentEvent::Asked { .. } => ASKED,
                AgentEvent::StoreOutcome { .. } => HEARD,
                AgentEvent::Produced { .. } => PRODUCED,
                AgentEvent::Recovered { .. } => RECOVERED,
                AgentEvent::Reached { .. } => REACHED,
            },
            Self::Announced { .. } => ANNOUNCED,
            Self::Guardrail(event) => match event {
                GuardrailEvent::MustCheck { .. } => MUST_CHECK,
                GuardrailEvent::Judged { .. } => JUDGED,
            },
        }
    }
}
