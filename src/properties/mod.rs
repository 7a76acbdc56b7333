//! Properties: judged on the history of a run and on nothing else. One file each.
//!
//! Every property of a suite is judged on every history; most are vacuous on it. A new shipped property is
//! one file and one line in [`shipped`]; one of your own is a [`Property`] that you add to your
//! [`Suite`](crate::suite::Suite).

mod acts_on_current_version;
mod all_or_compensated;
mod approvals;
mod approved_before_irreversible;
mod bounded_failures;
mod bounded_handoffs;
mod bounded_staleness;
mod bounded_turns;
mod completed_work_not_rerun;
mod decisions_are_authorised;
mod decisions_cite_artifacts;
mod effects_as_wanted;
mod eventual_termination;
mod every_call_accounted;
mod flood;
mod headway;
mod ledger;
mod no_deadlock;
mod no_double_spend;
mod no_duplicate_effects;
mod no_effect_after_cancel;
mod no_effect_after_veto;
mod no_lost_update;
mod no_orphans;
mod no_phantom_completion;
mod no_reverted_file;
mod no_silent_partial;
mod no_split_brain;
mod no_tainted_effects;
mod one_owner_per_task;
mod plan_agreement;
mod reads_keep_declared_consistency;
mod recovered_state_is_a_prefix;
mod recovery_calls_no_model;
mod replies_match_requests;
mod required_facts_survive;
mod results_paired;
mod states;
mod tasks_do_not_leak;
mod waits;
mod well_behaved;
mod wire;
mod within_context_budget;

pub use states::{States, StatesOverTime};

use crate::agent::{TeamEvent, UserEvent, kinds};
use perfidy_sim::{Event, EventId, EventKinds, History, RunEnd, SimSpan, SimTime};
use std::fmt;
use std::sync::Arc;

/// The history of a team.
pub type TeamHistory = History<TeamEvent>;

/// Judges a history.
type Judge = Arc<dyn Fn(&TeamHistory) -> Verdict + Send + Sync>;

/// A property, and the function that judges it.
///
/// ```
/// use perfidy::properties::{Property, TeamHistory, Verdict};
///
/// let most_events = 10_000;
/// let property = Property::new("short-runs", "a run has few events", move |history: &TeamHistory| {
///     history.len() <= most_events
/// });
/// assert_eq!(property.judge(&TeamHistory::default()), Verdict::Holds);
/// ```
#[derive(Clone)]
pub struct Property {
    /// Its name in files and reports.
    pub name: &'static str,
    /// The property, in one line.
    pub promise: &'static str,
    /// Its bound, if it limits an amount.
    pub bound: Option<Bound>,
    /// The kinds of events without which the verdict is vacuous.
    needs: EventKinds,
    judge: Judge,
}

/// The bound of a property. The user asks for it with a [`UserEvent::Bound`], where the property finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// The key of the bound in a file, such as `max-age`.
    pub key: &'static str,
    /// The default bound.
    pub usual: AtMost,
}

/// An amount that may not be exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtMost {
    /// A duration.
    Span(SimSpan),
    /// A number.
    Count(u64),
}

impl AtMost {
    /// As a [`UserEvent::Bound`] gives it: nanoseconds, or the number.
    pub fn as_number(self) -> u64 {
        match self {
            Self::Span(span) => span.as_nanos(),
            Self::Count(count) => count,
        }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Property").field(&self.name).finish()
    }
}

impl Property {
    /// A property by that name, judged by `judge`. The result of `judge` is converted to a [`Verdict`]: a
    /// `bool` is enough where the whole history is the evidence.
    pub fn new<V: Into<Verdict>>(
        name: &'static str,
        promise: &'static str,
        judge: impl Fn(&TeamHistory) -> V + Send + Sync + 'static,
    ) -> Self {
        let judge = move |history: &TeamHistory| match judge(history).into() {
            Verdict::Violated(violation) if violation.message.is_empty() => {
                Verdict::Violated(Violation { message: format!("not kept: {promise}"), ..violation })
            }
            verdict => verdict,
        };
        Self { name, promise, bound: None, needs: EventKinds::NONE, judge: Arc::new(judge) }
    }

    /// A property with a bound: `judge` gets the bound that the user asks for, in nanoseconds for a span and
    /// otherwise as a number. If the user asks for none, the verdict is vacuous.
    pub fn bounded(
        name: &'static str,
        promise: &'static str,
        bound: Bound,
        judge: impl Fn(&TeamHistory, u64) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let judge = move |history: &TeamHistory| {
            let asked_for = history.notes_of(kinds::BOUND).find_map(|(_, note)| match note {
                TeamEvent::User(UserEvent::Bound { property, at_most }) if property.as_str() == name => {
                    Some(*at_most)
                }
                _ => None,
            });
            asked_for.map_or(Verdict::Vacuous, |at_most| judge(history, at_most))
        };
        Self { name, promise, bound: Some(bound), needs: kinds::BOUND, judge: Arc::new(judge) }
    }

    /// The same, for histories that have all these kinds of events. On any other it is not run, and the
    /// verdict is vacuous. A judge that reads only the events of its kinds
    /// ([`History::notes_of`], [`History::events_of`]) costs nothing where there are none.
    ///
    /// ```
    /// use perfidy::agent::{Purpose, kinds};
    /// use perfidy::properties::{Property, TeamHistory, Verdict};
    ///
    /// let approved = Property::new("approved", "what happens was approved", |_: &TeamHistory| false)
    ///     .needs(kinds::EFFECT.and(kinds::purpose(Purpose::Approval)));
    /// assert_eq!(approved.judge(&TeamHistory::default()), Verdict::Vacuous);
    /// ```
    #[must_use]
    pub fn needs(self, kinds: EventKinds) -> Self {
        Self { needs: self.needs.and(kinds), ..self }
    }

    /// The kinds of events that a history must have; on any other the verdict is vacuous.
    pub fn needed(&self) -> EventKinds {
        self.needs
    }

    /// Judges a history.
    pub fn judge(&self, history: &TeamHistory) -> Verdict {
        if history.kinds().contains(self.needs) { (self.judge)(history) } else { Verdict::Vacuous }
    }
}

/// The shipped properties, by name.
pub fn shipped() -> Vec<Property> {
    vec![
        acts_on_current_version::property(),
        all_or_compensated::property(),
        approved_before_irreversible::property(),
        bounded_failures::property(),
        bounded_handoffs::property(),
        bounded_staleness::property(),
        bounded_turns::property(),
        completed_work_not_rerun::property(),
        decisions_are_authorised::property(),
        decisions_cite_artifacts::property(),
        effects_as_wanted::property(),
        eventual_termination::property(),
        every_call_accounted::property(),
        no_deadlock::property(),
        no_double_spend::property(),
        no_duplicate_effects::property(),
        no_effect_after_cancel::property(),
        no_effect_after_veto::property(),
        no_lost_update::property(),
        no_orphans::property(),
        no_phantom_completion::property(),
        no_reverted_file::property(),
        no_silent_partial::property(),
        no_split_brain::property(),
        no_tainted_effects::property(),
        one_owner_per_task::property(),
        plan_agreement::property(),
        reads_keep_declared_consistency::property(),
        recovered_state_is_a_prefix::property(),
        recovery_calls_no_model::property(),
        replies_match_requests::property(),
        required_facts_survive::property(),
        results_paired::property(),
        tasks_do_not_leak::property(),
        well_behaved::property(),
        within_context_budget::property(),
    ]
}

/// The name of the property that every task ends.
pub const EVENTUAL_TERMINATION: &str = "eventual-termination";

/// The name of the property about agents of any workflow: no panic, no endless loop, no flood.
pub const WELL_BEHAVED: &str = "well-behaved";

/// The name of the property of sagas. The files of such a workflow say how each step is undone.
pub const ALL_OR_COMPENSATED: &str = "all-or-compensated";

/// The name of the property of teams whose tasks can be cancelled. Their files say how each step is undone,
/// and may limit the time of a task or let the user cancel some.
pub const NO_EFFECT_AFTER_CANCEL: &str = "no-effect-after-cancel";

/// The verdict of a property on a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The property holds.
    Holds,
    /// It is violated.
    Violated(Violation),
    /// There was nothing to judge.
    Vacuous,
    /// It could not be judged.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Whether and why a run was stopped before the team had its time: missing work may then only be late.
fn cut_short(history: &TeamHistory) -> Option<Verdict> {
    let reason = match history.ended()? {
        RunEnd::TooManyEvents => {
            let events = history.len() - 1;
            format!("the run was cut short after {events} events; raise `events` in [limits]")
        }
        RunEnd::Spinning { node } => format!("the run was cut short because {node} did not stop"),
        RunEnd::Panicked { node } => format!("the run was cut short because {node} panicked"),
        RunEnd::Deadline if headway::was_made_to_the_end(history) => {
            "the time of the run was over while work was still getting done; raise `within` in [settle]"
                .to_owned()
        }
        RunEnd::Finished | RunEnd::Quiescent | RunEnd::Deadline => return None,
    };
    Some(Verdict::Unknown { reason })
}

/// How a property was violated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// When the violation became final.
    pub at: SimTime,
    /// The events that show it, in order.
    pub because: Vec<EventId>,
    /// In words.
    pub message: String,
}

impl Verdict {
    pub(crate) fn violated(because: &[&Event<TeamEvent>], message: String) -> Self {
        let mut events: Vec<_> = because.iter().map(|event| event.id).collect();
        events.sort_unstable();
        events.dedup();
        let at = because.iter().map(|event| event.at).max().unwrap_or_default();
        Self::Violated(Violation { at, because: events, message })
    }

    /// Whether the property is violated.
    pub fn is_violated(&self) -> bool {
        matches!(self, Self::Violated(_))
    }

    /// `holds`, `violated`, `vacuous` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated(_) => "violated",
            Self::Vacuous => "vacuous",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Holds or violated, with the whole history as the evidence.
impl From<bool> for Verdict {
    fn from(is_kept: bool) -> Self {
        if is_kept { Self::Holds } else { Self::violated(&[], String::new()) }
    }
}

impl From<Violation> for Verdict {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

/// `None` means that the property holds.
impl From<Option<Violation>> for Verdict {
    fn from(violation: Option<Violation>) -> Self {
        violation.map_or(Self::Holds, Self::Violated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Run;
    use crate::scenario::{self, Case};
    use crate::suite::Suite;
    use perfidy_sim::{Engine, Seed};

    #[test]
    fn what_a_property_needs_can_be_said_in_words() {
        for property in Suite::shipped().properties() {
            let words = kinds::in_words(property.needed());
            let is_any = property.needed() == EventKinds::NONE;
            assert_eq!(is_any, words.is_empty(), "{}", property.name);
        }
    }

    #[test]
    fn what_a_property_needs_it_really_needs_in_every_shipped_scenario() {
        let suite = Suite::shipped();
        let scenarios =
            scenario::read_all(&suite, &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
        let (mut asked, mut spared) = (0, 0);
        for case in scenarios.iter().flat_map(Case::all) {
            for seed in 0..3 {
                let history = Run::fuzzed(&case, Engine::Native, Seed(seed)).outcome.history;
                for property in suite.properties() {
                    if history.kinds().contains(property.needs) {
                        asked += 1;
                        continue;
                    }
                    spared += 1;
                    let verdict = (property.judge)(&history);
                    assert_eq!(verdict, Verdict::Vacuous, "{}: {case:?}, seed {seed}", property.name);
                }
            }
        }
        assert!(spared > asked, "{spared} of {} verdicts were spared", asked + spared);
    }
}

#[cfg(test)]
mod own {
    use super::testing::Story;
    use super::{Property, TeamHistory, Verdict};
    use crate::agent::kinds;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_property_is_run_only_on_a_history_with_the_events_that_it_needs() {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let judge = move |history: &TeamHistory| {
            counted.fetch_add(1, Ordering::Relaxed);
            history.notes_of(kinds::EFFECT).count() == 1
        };
        let own = Property::new("one-effect", "a task has one effect", judge).needs(kinds::EFFECT);
        let given = Story::default().given("task-1");
        assert_eq!(given.clone().judged_by(&own), Verdict::Vacuous);
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        assert_eq!(given.effect("task-1/file", 1).judged_by(&own), Verdict::Holds);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }
}

#[cfg(test)]
mod testing {
    //! Hand-written histories.

    use super::{TeamHistory, Verdict};
    use crate::agent::{
        AgentEvent, AnswerPart, Body, CallOutcome, ChatMessage, Content, Definite, Finish, Headers,
        Indefinite, InitialState, Message, ModelError, OpId, Operation, Outcome, PersonEvent, Reply, Report,
        TaskRequest, TeamEvent, ToolCall, ToolEvent, ToolRequest, UserEvent, Wire,
    };
    use crate::tools::Tool;
    use perfidy_sim::{EventId, EventKind, Name, RunEnd, SimSpan, SimTime};
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;

    /// A message or record with these headers and a number as content.
    #[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
    struct Numbered(Headers, u64);

    impl Message for Numbered {
        fn kind(&self) -> &'static str {
            "numbered"
        }

        fn headers(&self) -> Headers {
            self.0
        }
    }

    /// A message with these headers.
    pub fn message(headers: Headers) -> Body {
        Body::new(Numbered(headers, 0))
    }

    /// A message or record with a number as content.
    pub fn number(number: u64) -> Body {
        Body::new(Numbered(Headers::NONE, number))
    }

    /// A call as it reached a tool.
    pub fn asked(operation: Name, intent: Name) -> ToolRequest {
        let operation = Operation::new(Name::new("ticketing"), operation, intent);
        let call = Wire::Call(Box::new(ToolCall::unkeyed(operation, OpId(1))));
        ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(call))
    }

    /// A call as an agent makes it.
    pub fn called([tool, operation, intent]: [Name; 3], op: OpId) -> AgentEvent {
        let call = ToolCall::unkeyed(Operation::new(tool, operation, intent), op);
        let request =
            ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(Wire::Call(Box::new(call))));
        AgentEvent::Called { tool, operation, intent, op, request }
    }

    /// That a task wants something, whatever the arguments.
    pub fn wanted(task: Name, intent: Name) -> UserEvent {
        UserEvent::Wanted { task, intent, arguments: Content::NOTHING }
    }

    /// A model that answers something.
    pub fn completed(about: Name) -> AgentEvent {
        let [prompt, completion] = [Content::new("which?"), Content::new("the first")];
        AgentEvent::Completed { about, choice: 0, prompt, completion, tokens_in: 9, tokens_out: 9 }
    }

    /// A history under construction: one event a second.
    #[derive(Clone, Default)]
    pub struct Story(TeamHistory);

    impl Story {
        pub fn event(self, node: &str, what: EventKind<TeamEvent>) -> Self {
            self.event_because_of(None, node, what)
        }

        /// An event caused by the event of that number.
        pub fn event_because_of(
            mut self,
            cause: Option<u32>,
            node: &str,
            what: EventKind<TeamEvent>,
        ) -> Self {
            let at = SimTime::ZERO + SimSpan::from_secs(self.0.len() as u64);
            // Written as `node#1`, an event belongs to incarnation 1.
            let (node, incarnation) = node.split_once('#').unwrap_or((node, "0"));
            let author = (Name::new(node), incarnation.parse().expect("an incarnation is a number"));
            self.0.append(at, author, cause.and_then(EventId::new), what);
            self
        }

        pub fn note(self, node: &str, says: TeamEvent) -> Self {
            self.event(node, EventKind::App(says))
        }

        /// The number of the last event.
        pub fn last(&self) -> u32 {
            self.0.len() as u32
        }

        /// A message is sent, without a cause.
        pub fn sends(self, (from, to): (&str, &str), about: &str, headers: Headers) -> Self {
            self.sends_because_of(None, (from, to), about, headers)
        }

        /// A message is sent, caused by the event of that number.
        pub fn sends_because_of(
            self,
            cause: Option<u32>,
            (from, to): (&str, &str),
            about: &str,
            headers: Headers,
        ) -> Self {
            let [to, kind, about] = [to, "word", about].map(Name::new);
            self.event_because_of(cause, from, EventKind::Sent { to, kind, about, content: message(headers) })
        }

        /// A message is sent, two events in all, and arrives.
        pub fn tells(self, route: (&str, &str), about: &str, headers: Headers) -> Self {
            self.sends(route, about, headers).arrives(route, about, headers, false)
        }

        /// The same, as the reply to a request.
        pub fn replies(self, route: (&str, &str), about: &str, headers: Headers) -> Self {
            self.sends(route, about, headers).arrives(route, about, headers, true)
        }

        /// The message that was just sent arrives.
        fn arrives(self, (from, to): (&str, &str), about: &str, headers: Headers, is_reply: bool) -> Self {
            let (sending, [from, kind, about]) = (self.last(), [from, "word", about].map(Name::new));
            let delivered = EventKind::Delivered { from, kind, about, is_reply, content: message(headers) };
            self.event_because_of(Some(sending), to, delivered)
        }

        /// A tool call with these headers, two events in all: its record, and its sending.
        pub fn calls(self, node: &str, intent: &str, headers: Headers) -> Self {
            let called = self.called(node, intent);
            let call = called.last();
            called.sends_because_of(Some(call), (node, "ticketing"), intent, headers)
        }

        /// The same under an operation id, caused by the event of that number.
        pub fn calls_under(
            self,
            cause: u32,
            node: &str,
            intent: &str,
            (op, headers): (u64, Headers),
        ) -> Self {
            let called = called(["ticketing", "create", intent].map(Name::new), OpId(op));
            let called = self.event_because_of(Some(cause), node, EventKind::App(TeamEvent::Agent(called)));
            let call = called.last();
            called.sends_because_of(Some(call), (node, "ticketing"), intent, headers)
        }

        /// The user asks for a bound of a property.
        pub fn bounded(self, property: &str, at_most: u64) -> Self {
            let property = Name::new(property);
            self.note("user", TeamEvent::User(UserEvent::Bound { property, at_most }))
        }

        /// A task with one intent, `TASK/file`.
        pub fn given(self, task: &str) -> Self {
            let (task, intent) = (Name::new(task), Name::new(&format!("{task}/file")));
            self.note("user", TeamEvent::User(UserEvent::TaskGiven { task }))
                .note("user", TeamEvent::User(wanted(task, intent)))
        }

        pub fn effect(self, intent: &str, op: u64) -> Self {
            let (operation, intent) = (Name::new("create"), Name::new(intent));
            self.note(
                "ticketing",
                TeamEvent::Tool(ToolEvent::Effect {
                    operation,
                    intent,
                    op: OpId(op),
                    receipt: op,
                    request: asked(operation, intent),
                }),
            )
        }

        pub fn undo(self, intent: &str, op: u64) -> Self {
            let (operation, intent) = (Name::new("withdraw"), Name::new(intent));
            self.note(
                "ticketing",
                TeamEvent::Tool(ToolEvent::Effect {
                    operation,
                    intent,
                    op: OpId(op),
                    receipt: op,
                    request: asked(operation, intent),
                }),
            )
        }

        pub fn called(self, node: &str, intent: &str) -> Self {
            let call = ["ticketing", "create", intent].map(Name::new);
            self.note(node, TeamEvent::Agent(called(call, OpId(1))))
        }

        pub fn answered(self, node: &str, intent: &str, told: CallOutcome) -> Self {
            let (tool, operation) = (Name::new("ticketing"), Name::new("create"));
            self.note(
                node,
                TeamEvent::Agent(AgentEvent::Answered { tool, operation, intent: Name::new(intent), told }),
            )
        }

        pub fn refused(self, node: &str, intent: &str) -> Self {
            self.answered(node, intent, CallOutcome::Not(Definite::Refused))
        }

        /// A model replies to the request of a task, followed by these messages.
        pub fn chats(self, task: &str, messages: &[ChatMessage]) -> Self {
            self.chats_as("assistant", task, messages)
        }

        /// The same of the model of that agent.
        pub fn chats_as(self, node: &str, task: &str, messages: &[ChatMessage]) -> Self {
            let (calls, finish) = (Arc::default(), Finish::Stop);
            let reply = Reply { calls, is_done: false, wording: 0, text_tokens: 9, finish };
            self.chats_with((node, task), messages, Ok(reply))
        }

        /// The same without a reply.
        pub fn chats_in_vain(self, task: &str, messages: &[ChatMessage]) -> Self {
            self.chats_with(("assistant", task), messages, Err(ModelError::Overloaded))
        }

        fn chats_with(
            self,
            (node, task): (&str, &str),
            messages: &[ChatMessage],
            reply: Result<Reply, ModelError>,
        ) -> Self {
            let (task, turn) = (Name::new(task), Name::new(&format!("{task}/turn-1")));
            let request = ChatMessage::User(TaskRequest::new(task, Arc::default()));
            let transcript = [request].into_iter().chain(messages.iter().cloned()).collect();
            self.note(node, TeamEvent::Agent(AgentEvent::Chatted { task, turn, transcript, reply }))
        }

        pub fn dead_lettered(self, intent: &str) -> Self {
            let (tool, operation) = (Name::new("ticketing"), Name::new("create"));
            let (intent, op, by) = (Name::new(intent), OpId(1), Name::new("executor-1"));
            let told = CallOutcome::Unknown(Indefinite::TimedOut);
            self.note(
                "on-call",
                TeamEvent::Person(PersonEvent::DeadLetterRecorded {
                    tool,
                    operation,
                    intent,
                    op,
                    told,
                    at: SimTime::ZERO,
                    by,
                }),
            )
        }

        /// A task with these questions, each prefixed with the name of the task.
        pub fn asked(self, task: &str, wants: &[&str]) -> Self {
            let given = self.note("user", TeamEvent::User(UserEvent::TaskGiven { task: Name::new(task) }));
            wants.iter().fold(given, |story, want| {
                let (task, intent) = (Name::new(task), Name::new(&format!("{task}/{want}")));
                story.note("user", TeamEvent::User(UserEvent::Question { task, intent }))
            })
        }

        /// A tool begins with a state.
        pub fn opens(self, tool: &str, state: impl Tool) -> Self {
            self.note(tool, TeamEvent::Tool(ToolEvent::Opened { state: InitialState::new(state) }))
        }

        /// A tool carries an operation out.
        pub fn carries_out(self, wanted: &Operation) -> Self {
            let (operation, intent) = (wanted.name, wanted.intent);
            let call = Wire::Call(Box::new(ToolCall::unkeyed(wanted.clone(), OpId(1))));
            let request = ToolRequest::new(Name::new("executor-1"), SimTime::ZERO, Body::new(call));
            let effect = ToolEvent::Effect { operation, intent, op: OpId(1), receipt: 1, request };
            self.note(wanted.tool.as_str(), TeamEvent::Tool(effect))
        }

        /// A source serves a content, as of now.
        pub fn served(self, intent: &str, content: u64) -> Self {
            let now = SimTime::ZERO + SimSpan::from_secs(self.0.len() as u64);
            self.served_as_of(intent, content, now)
        }

        pub fn served_as_of(self, intent: &str, content: u64, as_of: SimTime) -> Self {
            let (item, intent, content) = (Name::new("item"), Name::new(intent), Content::new(content));
            let request = asked(item, intent);
            self.note("source", TeamEvent::Tool(ToolEvent::Served { item, intent, as_of, content, request }))
        }

        /// The user gets a report of how a task ended.
        pub fn told(self, task: &str, outcome: Outcome) -> Self {
            let report = Report::of(Name::new(task), outcome);
            self.note("user", TeamEvent::User(UserEvent::Informed { by: Name::new("coordinator"), report }))
        }

        /// The user gets an answer: each part with its content, or marked as missing.
        pub fn answered_with(self, task: &str, parts: &[(&str, Option<u64>)]) -> Self {
            self.note("user", answer(task, parts))
        }

        pub fn dies(self, node: &str) -> Self {
            self.event(node, EventKind::Crashed { lost_writes: 0 })
        }

        pub fn ended(self, stop: RunEnd) -> Self {
            self.event("world", EventKind::Ended(stop))
        }

        /// The same story three times, each stopped in another way.
        pub fn cut_short(self) -> [Self; 3] {
            let node = Name::new("executor-1");
            [RunEnd::TooManyEvents, RunEnd::Spinning { node }, RunEnd::Panicked { node }]
                .map(|stop| self.clone().ended(stop))
        }

        /// So many seconds pass.
        pub fn pass(self, seconds: usize) -> Self {
            (0..seconds).fold(self, |story, _| story.event("world", EventKind::Resumed))
        }

        pub fn history(self) -> TeamHistory {
            self.0
        }

        pub fn judged_by(self, property: &super::Property) -> Verdict {
            property.judge(&self.0)
        }
    }

    /// A report to the user, with these parts in the answer.
    pub fn answer(task: &str, parts: &[(&str, Option<u64>)]) -> TeamEvent {
        let part = |(intent, content): &(&str, Option<u64>)| AnswerPart {
            intent: Name::new(intent),
            content: content.map(Content::new),
        };
        let answer = parts.iter().map(part).collect();
        let report = Report { answer, ..Report::of(Name::new(task), Outcome::Done) };
        TeamEvent::User(UserEvent::Informed { by: Name::new("synthesiser"), report })
    }

    /// A task that wants a ticket filed, which can be withdrawn, and then something billed, which cannot be
    /// undone.
    pub fn saga() -> Story {
        let (task, bill) = (Name::new("task-1"), Name::new("task-1/bill"));
        let (intent, tool, operation) =
            (Name::new("task-1/file"), Name::new("ticketing"), Name::new("withdraw"));
        let story = Story::default().given("task-1").note("user", TeamEvent::User(wanted(task, bill)));
        story.note("user", TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }))
    }

    /// The events in a violation, by number, and its message.
    pub fn violation(verdict: Verdict) -> (Vec<u32>, String) {
        match verdict {
            Verdict::Violated(violation) => {
                (violation.because.iter().map(|event| event.get()).collect(), violation.message)
            }
            other => panic!("not violated but {other:?}"),
        }
    }
}
