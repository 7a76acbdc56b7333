//! What a tool's wrapper can do to a caller.
//!
//! A fault says for each kind of request what it does to one, if anything: what says nothing about a request
//! is never injected into it. The wrapper matches each of these enums without a wildcard, so a fault that is
//! injected and does nothing does not compile.

use crate::agent::{Alteration, Request};
use perfidy_sim::{Name, SimSpan};

/// What a fault does to a request of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ToolFault {
    /// To a call.
    pub call: Option<CallFault>,
    /// To a question.
    pub read: Option<ReadFault>,
    /// To a look-up of an earlier call.
    pub look_up: Option<LookUpFault>,
    /// To the tool as a whole, from any request on: so long, or for good if that is no time.
    pub outage: Option<(Outage, SimSpan)>,
}

/// A fault of a tool in a call of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallFault {
    /// The effect happens; the answer is lost.
    AckLost,
    /// The effect happens; the answer comes so much later.
    LateReply(SimSpan),
    /// The call is worked on only so much later, whatever its caller does meanwhile.
    LateEffect(SimSpan),
    /// The effect happens; the answer is an error.
    ErrorWithEffect,
    /// Nothing happens; the answer is success.
    SuccessWithoutEffect,
    /// Nothing happens; no answer comes.
    NoResponse,
    /// Nothing happens; the answer is that it was refused. A tool that deduplicates stays by that answer to a
    /// key.
    Refused,
    /// The call is handled twice, as by a queue that delivers at least once.
    DuplicateEffect,
    /// The call is carried out as if it had no key, which is not remembered either.
    KeyIgnored,
    /// The call comes without the headers by which it can be traced.
    TraceLost,
    /// Keys that are so old are forgotten.
    KeyForgotten(SimSpan),
    /// It is done; the answer is that to another request.
    WrongReply,
    /// It is done; the answer is no JSON at all.
    MalformedResult,
    /// It is done; the answer is altered.
    Altered(Alteration),
    /// It is done; the answer is altered by the suite's own fault of that name.
    Own(Name),
}

/// A fault of a tool in a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadFault {
    /// The answer comes so much later.
    LateReply(SimSpan),
    /// No answer comes.
    NoResponse,
    /// The answer is that to another question.
    WrongReply,
    /// The answer is as it was so long ago, and says so.
    Stale(SimSpan),
    /// The answer is no JSON at all.
    MalformedResult,
    /// The answer is altered.
    Altered(Alteration),
    /// The answer is altered by the suite's own fault of that name.
    Own(Name),
}

/// A fault of a tool in a look-up of an earlier call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookUpFault {
    /// The answer is as it was so long ago.
    Stale(SimSpan),
}

/// What keeps a tool from doing anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outage {
    /// It does not answer.
    NoResponse,
    /// It has had too many requests.
    RateLimit,
    /// It is down.
    Down,
    /// It is somewhere else, and says where.
    EndpointMoved,
    /// It lets no caller in.
    PermissionRevoked,
    /// It speaks another version of its schema.
    SchemaChanged,
    /// It speaks another version of its schema, and reads calls that state none as if they were made for it.
    SchemaRolled,
}

impl ToolFault {
    /// A fault of calls.
    pub const fn of_calls(fault: CallFault) -> Self {
        Self { call: Some(fault), read: None, look_up: None, outage: None }
    }

    /// A fault of calls and questions.
    pub const fn of_answers(call: CallFault, read: ReadFault) -> Self {
        Self { call: Some(call), read: Some(read), look_up: None, outage: None }
    }

    /// Whatever is said, it is altered.
    pub const fn altering(alteration: Alteration) -> Self {
        Self::of_answers(CallFault::Altered(alteration), ReadFault::Altered(alteration))
    }

    /// Whatever is said, the suite's own fault of that name alters it.
    pub const fn own(name: Name) -> Self {
        Self::of_answers(CallFault::Own(name), ReadFault::Own(name))
    }

    /// What is read or looked up is as it was so long ago.
    pub const fn stale(age: SimSpan) -> Self {
        Self {
            call: None,
            read: Some(ReadFault::Stale(age)),
            look_up: Some(LookUpFault::Stale(age)),
            outage: None,
        }
    }

    /// The tool as a whole is out of order for so long, or for good if that is no time.
    pub const fn out(outage: Outage, lasting: SimSpan) -> Self {
        Self { call: None, read: None, look_up: None, outage: Some((outage, lasting)) }
    }

    /// Whether it alters what is said, and does nothing else.
    pub const fn is_altering(self) -> bool {
        matches!(
            self,
            Self {
                call: None | Some(CallFault::Altered(_)),
                read: None | Some(ReadFault::Altered(_)),
                look_up: None,
                outage: None,
            }
        )
    }

    /// Whether it does something to a request of this kind.
    pub fn concerns(&self, request: Request) -> bool {
        let is_said = match request {
            Request::Call => self.call.is_some(),
            Request::Read => self.read.is_some(),
            Request::LookUp => self.look_up.is_some(),
            Request::Cancel => false,
        };
        is_said || self.outage.is_some()
    }
}
