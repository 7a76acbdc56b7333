//! Faults of your own: what they do to the JSON of what is said is a closure.
//!
//! A fault alters one kind of content: what tools answer, what agents say to each other, or what models
//! complete. Where and how often it is injected, a scenario says as of any other fault (`at` or `between`,
//! `chance`); what it does is told in code. It is drawn, counted, shrunk, saved and replayed like the shipped
//! ones, since to all of that a fault is an address and a name. It is injected only where it leaves something
//! else than there was.

use perfidy_sim::{DrawSite, Name};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Which content a fault alters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Altered {
    /// What tools answer: the result of a call, the content of a reading.
    ToolAnswers,
    /// Messages between agents and whatever they talk to. The receiver gets the message with the altered
    /// content, as the type of the message reads it; JSON that is no such message any more arrives as a
    /// corrupted message.
    Messages,
    /// What models complete. The agent gets what its type reads out of the altered JSON.
    Completions,
}

/// Whether a fault can do something to content.
type Concerns = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// What a fault does to content.
type Alter = Arc<dyn Fn(&mut Value, DrawSite<'_>) + Send + Sync>;

/// A kind of fault that alters what is said.
///
/// ```
/// use perfidy::faults::OwnFault;
///
/// let doubled = OwnFault::altering(
///     "doubled",
///     "a tool answers with twice the amount",
///     r#"doubled = { at = "bank", chance = "5%" }"#,
///     |answer, _| answer["amount"] = (2 * answer["amount"].as_u64().unwrap_or_default()).into(),
/// )
/// .only_where(|answer| answer["amount"].as_u64().is_some_and(|amount| amount > 0));
///
/// let greedy = OwnFault::altering(
///     "greedy",
///     "an order on its way asks for more",
///     r#"greedy = { message = "order", chance = "5%" }"#,
///     |order, _| order["order"]["amount"] = 1_000_000.into(),
/// )
/// .in_messages();
/// assert_eq!([doubled.name, greedy.name], ["doubled", "greedy"]);
/// ```
#[derive(Clone)]
pub struct OwnFault {
    /// Its name in files and reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// How a file configures it.
    pub example: &'static str,
    /// Which content it alters.
    pub altered: Altered,
    concerns: Concerns,
    alter: Alter,
}

impl fmt::Debug for OwnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnFault").field(&self.name).finish()
    }
}

impl OwnFault {
    /// A fault that does `alter` to the JSON of what a tool says. What it draws from the [`DrawSite`] belongs
    /// to the address of the fault, so it is the same when the failure is replayed.
    pub fn altering(
        name: &'static str,
        about: &'static str,
        example: &'static str,
        alter: impl Fn(&mut Value, DrawSite<'_>) + Send + Sync + 'static,
    ) -> Self {
        let altered = Altered::ToolAnswers;
        Self { name, about, example, altered, concerns: Arc::new(|_| true), alter: Arc::new(alter) }
    }

    /// The same, done to messages. A file says of which kinds (`message`) and on which way (`between`).
    #[must_use]
    pub fn in_messages(self) -> Self {
        Self { altered: Altered::Messages, ..self }
    }

    /// The same, done to what models complete. A file says to those of which agents (`at`).
    #[must_use]
    pub fn in_completions(self) -> Self {
        Self { altered: Altered::Completions, ..self }
    }

    /// The same, only where the content is like this.
    #[must_use]
    pub fn only_where(self, concerns: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        Self { concerns: Arc::new(concerns), ..self }
    }
}

/// The faults of a suite's own, by name.
#[derive(Clone, Debug, Default)]
pub struct OwnFaults(Arc<[OwnFault]>);

impl OwnFaults {
    /// These and one more.
    #[must_use]
    pub fn and(self, fault: OwnFault) -> Self {
        Self(self.0.iter().cloned().chain([fault]).collect())
    }

    /// The names of those that alter such content.
    pub fn names(&self, altered: Altered) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(move |fault| fault.altered == altered).map(|fault| fault.name)
    }

    /// The fault of that name, if it alters such content.
    pub(crate) fn find(&self, name: Name, altered: Altered) -> Option<&OwnFault> {
        self.0.iter().find(|fault| fault.altered == altered && fault.name == name.as_str())
    }

    /// Does to such content whatever the fault of that name does, if it concerns it.
    pub(crate) fn alter(&self, name: Name, altered: Altered, said: &mut Value, draw: DrawSite<'_>) {
        if let Some(fault) = self.find(name, altered).filter(|fault| (fault.concerns)(said)) {
            (fault.alter)(said, draw);
        }
    }
}
