//! Prototypes: a tool of any type in the state in which a run finds it.

use super::{Caller, Tool, ToolContext};
use crate::agent::{Content, InitialState, StateMachine, ToolRequest};
use perfidy_sim::Name;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A tool of any type in the state in which every run finds it; each run works on a copy.
#[derive(Clone)]
pub struct Prototype(Arc<dyn Running>);

/// Why a tool did not do what it was asked to.
pub(super) enum NotDone {
    /// It cannot make out what the request says.
    Unreadable(String),
    /// It has a reason, as content.
    Declined(Content),
}

/// A tool whose type is forgotten.
pub(super) trait Running: Send + Sync {
    fn copy(&self) -> Box<dyn Running>;
    fn apply(&mut self, operation: Name, arguments: &Content, asked: &Caller) -> Result<Content, NotDone>;
    fn read(
        &self,
        operation: Name,
        arguments: &Content,
        moment: &ToolContext<'_>,
    ) -> Result<Content, NotDone>;
    fn check(&self, operation: Name, arguments: &Content) -> Result<(), String>;
    fn can_reply(&self, result: Value) -> bool;
    fn initial_state(&self) -> Option<InitialState>;
    fn orders_by_stamp(&self) -> bool;
}

impl<T: Tool> Running for T {
    fn copy(&self) -> Box<dyn Running> {
        Box::new(self.clone())
    }

    fn apply(&mut self, operation: Name, arguments: &Content, asked: &Caller) -> Result<Content, NotDone> {
        let call = T::parse(operation, arguments).map_err(NotDone::Unreadable)?;
        Tool::apply(self, call, asked).map(Content::new).map_err(|why| NotDone::Declined(Content::new(why)))
    }

    fn read(
        &self,
        operation: Name,
        arguments: &Content,
        moment: &ToolContext<'_>,
    ) -> Result<Content, NotDone> {
        let call = T::parse(operation, arguments).map_err(NotDone::Unreadable)?;
        Tool::read(self, call, moment).map(Content::new).map_err(|why| NotDone::Declined(Content::new(why)))
    }

    fn check(&self, operation: Name, arguments: &Content) -> Result<(), String> {
        T::parse(operation, arguments).map(drop)
    }

    /// Whether this is a reply of the tool's type.
    fn can_reply(&self, result: Value) -> bool {
        serde_json::from_value::<T::Reply>(result).is_ok()
    }

    /// A tool without state has no states.
    fn initial_state(&self) -> Option<InitialState> {
        (size_of::<T>() > 0).then(|| InitialState::new(self.clone()))
    }

    fn orders_by_stamp(&self) -> bool {
        T::ORDERS_BY_STAMP
    }
}

impl<T: Tool> StateMachine for T {
    fn copy(&self) -> Box<dyn StateMachine> {
        Box::new(self.clone())
    }

    fn apply_again(&mut self, request: &ToolRequest) -> Option<Content> {
        let operation = request.operation();
        Running::apply(self, operation.name, &operation.arguments, &Caller::by(request)).ok()
    }
}

impl Prototype {
    /// A tool in this state.
    pub fn new(tool: impl Tool) -> Self {
        Self(Arc::new(tool))
    }

    /// A copy for one run.
    pub(super) fn copy(&self) -> Box<dyn Running> {
        Running::copy(&*self.0)
    }

    /// Whether the tool orders calls by the stamps of their callers.
    pub fn orders_by_stamp(&self) -> bool {
        self.0.orders_by_stamp()
    }

    /// Whether the tool can be asked this.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self, operation: Name, arguments: &Content) -> Result<(), String> {
        self.0.check(operation, arguments)
    }
}

impl fmt::Debug for Prototype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prototype")
    }
}
