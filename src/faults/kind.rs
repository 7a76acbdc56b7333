//! Kinds of faults: what each is injected into, and all kinds of a suite as one value.

use super::model::COMPLETION;
use super::{Directory, model, network, tool_faults};
use crate::agent::{Altered, OwnFault, OwnFaults, Request};
use crate::config::{Entry, Problem};
use crate::tools::{ToolFault, ToolFaults};
use perfidy_sim::{Chaos, Name, SimSpan};
use std::fmt;
use std::sync::Arc;

/// A kind of fault. One of your own that alters content is an [`OwnFault`]; any other that a tool can have,
/// or that an agent of yours has at a place of its own, is made by [`FaultKind::of_tools`] or
/// [`FaultKind::at_call_site`] and added to a [suite](crate::suite::Suite::fault_kind).
#[derive(Clone)]
pub struct FaultKind {
    /// Its name in files and reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// How a file configures it.
    pub example: &'static str,
    /// What it is injected into.
    pub target: Target,
    /// Reads one entry of `[faults]`.
    pub read: fn(&Entry<'_>, &Directory, &mut Chaos) -> Result<(), Problem>,
}

/// What a kind does to the requests of tools, by the span that was drawn.
#[derive(Clone)]
pub enum MakeFault {
    /// Of a shipped kind, which is a constant.
    Shipped(fn(SimSpan) -> ToolFault),
    /// Of a kind of a suite, which can hold what it needs.
    Own(Arc<dyn Fn(SimSpan) -> ToolFault + Send + Sync>),
}

impl MakeFault {
    fn by(&self, span: SimSpan) -> ToolFault {
        match self {
            Self::Shipped(make) => make(span),
            Self::Own(make) => make(span),
        }
    }
}

/// What a kind of fault is injected into.
#[derive(Clone)]
pub enum Target {
    /// Links, nodes, clocks, disks, and messages as a whole. What happens there is not known by the name of
    /// the kind.
    World,
    /// The content of messages.
    Messages,
    /// Requests that a tool handles.
    Tools {
        /// What it does to them.
        fault: MakeFault,
        /// Whether it takes a time.
        time: Time,
    },
    /// What tools answer, by an own fault.
    ToolAnswers,
    /// What happens at a call site of an agent: a model completes, a person decides, a handler takes in a
    /// message, a trigger is delivered.
    CallSite {
        /// The name of the call site.
        call_site: &'static str,
        /// Whether it takes a time.
        time: Time,
    },
}

/// Whether a fault takes a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// It does not.
    None,
    /// It does; the words say what is missing without it.
    Needed(&'static str),
    /// It lasts for that long, or for good.
    OrForGood,
}

impl fmt::Debug for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultKind").field(&self.name).finish()
    }
}

impl FaultKind {
    /// A kind that does this to the requests of tools. A file says `at` which tools, for which `operation`
    /// and with which `chance`; and `by` how long, if the fault takes a time: `time` says then what is
    /// missing without it.
    ///
    /// ```
    /// use perfidy::faults::FaultKind;
    /// use perfidy::suite::Suite;
    /// use perfidy::tools::{CallFault, ToolFault};
    ///
    /// let jam = FaultKind::of_tools(
    ///     "paper-jam",
    ///     "the printer answers once a person has opened it",
    ///     r#"paper-jam = { at = "printer", chance = "5%", by = "1m..10m" }"#,
    ///     |by| ToolFault::of_calls(CallFault::LateReply(by)),
    ///     Some("how long it takes to open it"),
    /// );
    /// assert!(Suite::shipped().fault_kind(jam).find_fault("paper-jam").is_some());
    /// ```
    pub fn of_tools(
        name: &'static str,
        about: &'static str,
        example: &'static str,
        fault: impl Fn(SimSpan) -> ToolFault + Send + Sync + 'static,
        time: Option<&'static str>,
    ) -> Self {
        let is_altering = fault(SimSpan::ZERO).is_altering();
        let read = match time {
            Some(_) => tool_faults::read_by,
            None if is_altering => tool_faults::read_altering,
            None => tool_faults::read_plain,
        };
        let fault = MakeFault::Own(Arc::new(fault));
        let target = Target::Tools { fault, time: time.map_or(Time::None, Time::Needed) };
        Self { name, about, example, target, read }
    }

    /// A kind that happens at a place of an agent's own code, which asks for it with
    /// [`Agent::fault_at`](crate::agent::Agent::fault_at). A file says `at` which agents and with which
    /// `chance`; and `by` how long, if the fault takes a time.
    pub fn at_call_site(
        name: &'static str,
        about: &'static str,
        example: &'static str,
        call_site: &'static str,
        time: Option<&'static str>,
    ) -> Self {
        let read = if time.is_some() { model::read_slow } else { model::read_at_its_call_site };
        let target = Target::CallSite { call_site, time: time.map_or(Time::None, Time::Needed) };
        Self { name, about, example, target, read }
    }

    /// The kind that an own fault is, as files configure it: `at` which tools, for which `operation`; or in
    /// which messages, `between` which ends; or `at` the models of which agents; and the `chance`.
    fn own(fault: &OwnFault) -> Self {
        let OwnFault { name, about, example, altered, .. } = *fault;
        let completion = Target::CallSite { call_site: COMPLETION, time: Time::None };
        let (target, read): (Target, fn(&Entry<'_>, &Directory, &mut Chaos) -> _) = match altered {
            Altered::ToolAnswers => (Target::ToolAnswers, tool_faults::read_plain),
            Altered::Messages => (Target::Messages, network::read_own),
            Altered::Completions => (completion, model::read_at_its_call_site),
        };
        Self { name, about, example, target, read }
    }

    /// What it does to the requests of tools, with the span that was drawn; `None` if it is no fault of
    /// tools.
    pub fn tool_fault(&self, span: SimSpan) -> Option<ToolFault> {
        match &self.target {
            Target::Tools { fault, .. } => Some(fault.by(span)),
            Target::ToolAnswers => Some(ToolFault::own(Name::new(self.name))),
            Target::World | Target::Messages | Target::CallSite { .. } => None,
        }
    }

    /// Whether it is a fault of tools.
    pub fn is_of_tools(&self) -> bool {
        matches!(self.target, Target::Tools { .. } | Target::ToolAnswers)
    }

    /// Whether a file can name the field of a tool's answers that it alters.
    pub fn takes_a_field(&self) -> bool {
        matches!(self.target, Target::Tools { time: Time::None, .. })
            && self.tool_fault(SimSpan::ZERO).is_some_and(ToolFault::is_altering)
    }

    /// The kinds of requests to a tool that it does something to.
    pub fn requests(&self) -> impl Iterator<Item = Request> {
        let fault = self.tool_fault(SimSpan::from_secs(1));
        Request::ALL.into_iter().filter(move |request| fault.is_some_and(|fault| fault.concerns(*request)))
    }

    /// The call site of models, or of people, at which it is injected, if it is a fault of these.
    pub fn call_site(&self) -> Option<&'static str> {
        match self.target {
            Target::CallSite { call_site, .. } => Some(call_site),
            Target::World | Target::Messages | Target::Tools { .. } | Target::ToolAnswers => None,
        }
    }

    /// Whether it takes a time where it is known by its name.
    pub fn time(&self) -> Time {
        match self.target {
            Target::Tools { time, .. } | Target::CallSite { time, .. } => time,
            Target::World | Target::Messages | Target::ToolAnswers => Time::None,
        }
    }
}

/// The kinds of faults of a suite, by name.
#[derive(Clone, Default)]
pub struct FaultKinds {
    kinds: Arc<[FaultKind]>,
    own: OwnFaults,
}

impl fmt::Debug for FaultKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FaultKinds {
    /// Those that come with perfidy.
    pub(crate) fn shipped() -> Self {
        Self { kinds: super::shipped().cloned().collect(), own: OwnFaults::default() }
    }

    /// These and an own one.
    #[must_use]
    pub(crate) fn and(self, fault: OwnFault) -> Self {
        let kinds = self.kinds.iter().cloned().chain([FaultKind::own(&fault)]).collect();
        Self { kinds, own: self.own.and(fault) }
    }

    /// These and one more kind.
    #[must_use]
    pub(crate) fn and_kind(self, kind: FaultKind) -> Self {
        Self { kinds: self.kinds.iter().cloned().chain([kind]).collect(), ..self }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &FaultKind> {
        self.kinds.iter()
    }

    /// The kind of that name.
    pub fn find(&self, name: &str) -> Option<&FaultKind> {
        self.iter().find(|kind| kind.name == name)
    }

    /// Those that did not come with perfidy.
    pub fn own(&self) -> &OwnFaults {
        &self.own
    }

    /// The faults of tools.
    pub fn of_tools(&self) -> impl Iterator<Item = &FaultKind> {
        self.iter().filter(|kind| kind.is_of_tools())
    }

    /// The faults of models and of people at a call site.
    pub fn at_call_site<'a>(&'a self, call_site: &'a str) -> impl Iterator<Item = &'a FaultKind> {
        self.iter().filter(move |kind| kind.call_site() == Some(call_site))
    }

    /// The name of a call site at which any fault can be injected, if it is one.
    pub fn call_site(&self, name: &str) -> Option<&'static str> {
        self.at_call_site(name).next()?.call_site()
    }

    /// What of a tool's requests each does something to, for a tool that is subject to all of them.
    pub(crate) fn of_a_tool(&self) -> ToolFaults {
        let kinds = self.clone();
        let fault = move |name: Name, span| kinds.find(name.as_str())?.tool_fault(span);
        ToolFaults::new(fault, self.own.clone())
    }
}
