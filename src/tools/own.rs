//! Faults of your own: what they do to the answer of a tool is a closure.
//!
//! Where and how often one strikes, a scenario says as of any other fault of a tool (`at`, `operation`,
//! `chance`); what it does is told in code. It is drawn, counted, shrunk, saved and replayed like the shipped
//! ones, since to all of that a fault is an address and a name.

use super::ToolFault;
use perfidy_sim::{Name, SimSpan, Spot};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Whether a fault can do something to an answer.
type Concerns = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// What a fault does to an answer.
type Alter = Arc<dyn Fn(&mut Value, Spot<'_>) + Send + Sync>;

/// A kind of fault that alters what a tool answers.
///
/// ```
/// use perfidy::tools::OwnFault;
///
/// let doubled = OwnFault::altering(
///     "doubled",
///     "a tool answers with twice the amount",
///     r#"doubled = { at = "bank", chance = "5%" }"#,
///     |answer, _| answer["amount"] = (2 * answer["amount"].as_u64().unwrap_or_default()).into(),
/// )
/// .only_where(|answer| answer["amount"].as_u64().is_some_and(|amount| amount > 0));
/// assert_eq!(doubled.name, "doubled");
/// ```
#[derive(Clone)]
pub struct OwnFault {
    /// Its name in files and reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// How a file configures it.
    pub example: &'static str,
    concerns: Concerns,
    alter: Alter,
}

impl fmt::Debug for OwnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnFault").field(&self.name).finish()
    }
}

impl OwnFault {
    /// A fault that does `alter` to the JSON of what a tool says. What it draws from the [`Spot`] belongs to
    /// the address of the fault, so it is the same when the failure is replayed.
    pub fn altering(
        name: &'static str,
        about: &'static str,
        example: &'static str,
        alter: impl Fn(&mut Value, Spot<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self { name, about, example, concerns: Arc::new(|_| true), alter: Arc::new(alter) }
    }

    /// The same, injected only where it can do something to the answer.
    #[must_use]
    pub fn only_where(self, concerns: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Self {
        Self { concerns: Arc::new(concerns), ..self }
    }
}

/// What the fault of a name and a span does to the requests of tools, if it is one of tools.
type Shipped = fn(Name, SimSpan) -> Option<ToolFault>;

/// Every fault that tools can be subject to, by name.
#[derive(Clone, Debug)]
pub struct ToolFaults {
    shipped: Shipped,
    pub(super) own: OwnFaults,
}

/// None.
impl Default for ToolFaults {
    fn default() -> Self {
        Self { shipped: |_, _| None, own: OwnFaults::default() }
    }
}

impl ToolFaults {
    /// The shipped faults, as a function says what each is, and these.
    pub fn new(shipped: fn(Name, SimSpan) -> Option<ToolFault>, own: OwnFaults) -> Self {
        Self { shipped, own }
    }

    /// The fault of that name and span, if it is one of tools.
    pub(super) fn find(&self, name: Name, span: SimSpan) -> Option<ToolFault> {
        (self.shipped)(name, span).or_else(|| self.own.find(name).map(|_| ToolFault::own(name)))
    }
}

/// The faults of a suite's own that tools can be subject to, by name.
#[derive(Clone, Debug, Default)]
pub struct OwnFaults(Arc<[OwnFault]>);

impl OwnFaults {
    /// These and one more.
    #[must_use]
    pub fn and(self, fault: OwnFault) -> Self {
        Self(self.0.iter().cloned().chain([fault]).collect())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|fault| fault.name)
    }

    pub(super) fn find(&self, name: Name) -> Option<&OwnFault> {
        self.0.iter().find(|fault| fault.name == name.as_str())
    }

    /// Does to what a tool says whatever the fault of that name does, if it concerns it.
    pub(super) fn alter(&self, name: Name, said: &mut Value, spot: Spot<'_>) {
        if let Some(fault) = self.find(name).filter(|fault| (fault.concerns)(said)) {
            (fault.alter)(said, spot);
        }
    }
}
