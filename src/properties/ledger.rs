//! Remaining effects: the effects in the ledgers that were not undone.
//!
//! The intent of an effect is the word of the agent that called the tool. What the user wants for an intent
//! is one operation of one tool, and another one for that intent is not what was wanted: it does not count.
//!
//! A compensation is an effect too, by the operation that the user has named for it. It undoes one earlier
//! effect for the same intent; an effect after its compensation stands.

use crate::agent::{TeamEvent, ToolEvent, UserEvent, kinds};
use perfidy_sim::{Event, EventKinds, Lookup, Name};

/// The ledgers of all tools together, up to the current event.
#[derive(Default)]
pub(super) struct Ledger<'a> {
    /// The tool and the operation that the user wants, by intent.
    wanted: Lookup<Name, (Name, Name)>,
    /// Tool, operation and intent of every compensation that the user has named.
    undoings: Lookup<(Name, Name, Name), ()>,
    /// The intents of these.
    undoable: Lookup<Name, ()>,
    remaining: Lookup<Name, Vec<&'a Event<TeamEvent>>>,
    /// The last compensation for each intent.
    undone: Lookup<Name, &'a Event<TeamEvent>>,
}

impl<'a> Ledger<'a> {
    /// The kinds of events that make a difference to it.
    pub const READS: EventKinds = kinds::WANTED.and(kinds::UNDONE_BY).and(kinds::EFFECT);

    /// Reads one more note.
    pub fn take_in(&mut self, event: &'a Event<TeamEvent>, note: &TeamEvent) {
        match *note {
            TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }) => {
                self.undoings.insert((tool, operation, intent), ());
                self.undoable.insert(intent, ());
            }
            TeamEvent::User(UserEvent::Wanted { intent, tool, operation, .. }) => {
                self.wanted.insert(intent, (tool, operation));
            }
            TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) => {
                let remaining = self.remaining.get_or_insert_with(intent, Vec::new);
                if self.undoings.contains((event.node, operation, intent)) {
                    remaining.pop();
                    self.undone.insert(intent, event);
                } else if self.wanted.get(intent).is_none_or(|wanted| *wanted == (event.node, operation)) {
                    remaining.push(event);
                }
            }
            _ => {}
        }
    }

    /// Whether an operation undoes what was done for an intent.
    pub fn is_undoing(&self, tool: Name, operation: Name, intent: Name) -> bool {
        self.undoings.contains((tool, operation, intent))
    }

    /// Whether the user has named what undoes an intent.
    pub fn can_be_undone(&self, intent: Name) -> bool {
        self.undoable.contains(intent)
    }

    /// The effects for an intent that stand, oldest first.
    pub fn remaining(&self, intent: Name) -> &[&'a Event<TeamEvent>] {
        self.remaining.get(intent).map_or(&[], Vec::as_slice)
    }

    /// Whether the effect of an intent has happened and stands.
    pub fn stands(&self, intent: Name) -> bool {
        !self.remaining(intent).is_empty()
    }

    /// The last compensation for an intent, if there was one.
    pub fn undone(&self, intent: Name) -> Option<&'a Event<TeamEvent>> {
        self.undone.get(intent).copied()
    }

    /// Whether there was any effect or compensation for an intent.
    pub fn knows(&self, intent: Name) -> bool {
        self.remaining.contains(intent)
    }
}
