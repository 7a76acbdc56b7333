//! What stands: the effects of the ledgers that were not undone.
//!
//! An undoing is an effect too, by the operation that the user has named for it. It takes back one effect for
//! the same intent that came before it; an effect that comes after its undoing stands.

use crate::agent::{Note, ToolEvent, UserEvent, kinds};
use perfidy_sim::{Event, EventKinds, Lookup, Name};

/// The ledgers of all tools together, as far as they have been read.
#[derive(Default)]
pub(super) struct Ledger<'a> {
    /// Tool, operation and intent of every undoing that the user has named.
    undoings: Lookup<(Name, Name, Name), ()>,
    /// The intents of these.
    undoable: Lookup<Name, ()>,
    standing: Lookup<Name, Vec<&'a Event<Note>>>,
    /// The last undoing for each intent.
    undone: Lookup<Name, &'a Event<Note>>,
}

impl<'a> Ledger<'a> {
    /// The kinds of events that make a difference to it.
    pub const READS: EventKinds = kinds::UNDONE_BY.and(kinds::EFFECT);

    /// Reads one more note.
    pub fn take_in(&mut self, event: &'a Event<Note>, note: &Note) {
        match *note {
            Note::User(UserEvent::UndoneBy { intent, tool, operation }) => {
                self.undoings.insert((tool, operation, intent), ());
                self.undoable.insert(intent, ());
            }
            Note::Tool(ToolEvent::Effect { operation, intent, .. }) => {
                let standing = self.standing.get_or_insert_with(intent, Vec::new);
                if self.undoings.contains((event.node, operation, intent)) {
                    standing.pop();
                    self.undone.insert(intent, event);
                } else {
                    standing.push(event);
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
    pub fn standing(&self, intent: Name) -> &[&'a Event<Note>] {
        self.standing.get(intent).map_or(&[], Vec::as_slice)
    }

    /// Whether what an intent is about has happened and stands.
    pub fn stands(&self, intent: Name) -> bool {
        !self.standing(intent).is_empty()
    }

    /// The last undoing for an intent, if there was one.
    pub fn undone(&self, intent: Name) -> Option<&'a Event<Note>> {
        self.undone.get(intent).copied()
    }

    /// Whether anything was ever done or undone for an intent.
    pub fn knows(&self, intent: Name) -> bool {
        self.standing.contains(intent)
    }
}
