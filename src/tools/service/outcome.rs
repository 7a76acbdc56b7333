//! What comes of a request, as a value: it is worked out first, and then carried into effect.
//!
//! That is how the wrapper knows whether a fault makes a difference. What comes of the request with the fault
//! is worked out on a copy of the tool, and so is what comes of it without; the fault is injected only if the
//! two differ. So there is no kind of fault that is injected and does nothing.

use crate::agent::{Confirmation, Definite, OpId, ReadResult, Refused, Wire};
use crate::tools::outage::{Begun, OutOfOrder};
use perfidy_sim::{Name, SimSpan};

/// What comes of a request.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The outage that begins with it.
    pub begins: Option<Begun>,
    /// Whether the tool gets the request without the headers by which it can be traced.
    pub loses_trace: bool,
    /// How old the keys are that are forgotten before anything else happens.
    pub forgets: Option<SimSpan>,
    pub happens: ActualOutcome,
    /// What happens if it is handled a second time.
    pub again: Option<ActualOutcome>,
    /// The key under which the answer to a call is remembered.
    pub key: Option<OpId>,
    /// What a caller would be answered without a fault of the answer.
    pub honest: Option<Wire>,
    pub reply: Reply,
}

/// What a tool does about a request. Each leaves one event in the history.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum ActualOutcome {
    /// It carries the call out.
    Effect(Confirmation),
    /// It knows the call, and answers what it answered then.
    Recognised(Wire),
    /// It refuses. If it is final, the tool stays by it when the call comes again.
    Refused { refused: Refused, is_final: bool },
    /// It does nothing.
    Ignored,
    /// It is never going to carry the operation out.
    Cancelled,
    /// It says what something is.
    Served(ReadResult),
    /// It says whether it has carried a call out, and confirms it.
    LookedUp(Option<Confirmation>),
}

/// The answer that leaves the tool, if one does, and how much later than usual.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub answer: Option<Wire>,
    pub late_by: SimSpan,
    /// The intent of the request that it answers, if that is another one.
    pub of_another: Option<Name>,
    /// After how long the request is worked on again, if it is.
    pub again_after: Option<SimSpan>,
}

impl ActualOutcome {
    /// A refusal that says nothing about another try.
    pub fn refused(refused: Refused) -> Self {
        Self::Refused { refused, is_final: false }
    }

    /// What the caller is answered.
    pub fn answer(&self) -> Option<Wire> {
        match self {
            Self::Effect(done) => Some(Wire::Done(done.clone())),
            Self::Recognised(known) => Some(known.clone()),
            Self::Refused { refused, .. } => Some(Wire::Refused(refused.clone())),
            Self::Ignored => None,
            Self::Cancelled => Some(Wire::Refused(Refused::of(Definite::Declined))),
            Self::Served(reading) => Some(Wire::ReadResult(reading.clone())),
            Self::LookedUp(found) => Some(Wire::Found(found.clone())),
        }
    }
}

/// A tool that is out of order does this.
impl From<OutOfOrder> for ActualOutcome {
    fn from(out_of_order: OutOfOrder) -> Self {
        match out_of_order {
            OutOfOrder::Silent => Self::Ignored,
            OutOfOrder::Refuses(refused) => Self::refused(refused),
        }
    }
}

/// What happens is answered, at once.
impl From<ActualOutcome> for Outcome {
    fn from(happens: ActualOutcome) -> Self {
        let answer = happens.answer();
        let (late_by, of_another, again_after) = (SimSpan::ZERO, None, None);
        let reply = Reply { answer: answer.clone(), late_by, of_another, again_after };
        Self {
            begins: None,
            loses_trace: false,
            forgets: None,
            happens,
            again: None,
            key: None,
            honest: answer,
            reply,
        }
    }
}

impl Outcome {
    /// The same, remembered under this key.
    pub fn under(self, key: Option<OpId>) -> Self {
        Self { key, ..self }
    }

    /// The same, with another answer.
    pub fn answering(self, answer: Wire) -> Self {
        Self { reply: Reply { answer: Some(answer), ..self.reply }, ..self }
    }

    /// The same, with the answer to a request about another intent.
    pub fn answering_as_to(self, intent: Name, answer: Wire) -> Self {
        Self { reply: Reply { answer: Some(answer), of_another: Some(intent), ..self.reply }, ..self }
    }

    /// The same, and the request is worked on again so much later.
    pub fn put_off_by(self, span: SimSpan) -> Self {
        Self { reply: Reply { again_after: Some(span), ..self.reply }, ..self }
    }

    /// The same, without an answer.
    pub fn unanswered(self) -> Self {
        Self { reply: Reply { answer: None, ..self.reply }, ..self }
    }

    /// The same, answered so much later.
    pub fn late_by(self, late_by: SimSpan) -> Self {
        Self { reply: Reply { late_by, ..self.reply }, ..self }
    }

    /// Whether another outcome of the same request is a different one, to the caller, to the tool or in the
    /// history.
    pub fn differs_from(&self, other: &Self) -> bool {
        let Self { begins, loses_trace, forgets, happens, again, key, honest: _, reply } = self;
        (begins, loses_trace) != (&other.begins, &other.loses_trace)
            || (forgets, happens) != (&other.forgets, &other.happens)
            || (again, key, reply) != (&other.again, &other.key, &other.reply)
    }
}
