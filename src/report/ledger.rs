//! The ledger of a run, as stories show it: what the tasks wanted, and what took effect.

use crate::agent::{TeamEvent, ToolEvent, UserEvent};
use crate::explore::Run;
use perfidy_sim::{EventId, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The lines of all ledgers.
#[derive(Default)]
pub(in crate::report) struct Ledger {
    /// The effects: intent, tool and operation.
    pub effects: BTreeMap<(Name, Name, Name), Vec<EventId>>,
    /// What was undone, by intent.
    pub undoings: BTreeMap<Name, Vec<EventId>>,
    /// The intents whose effect never happened.
    pub missing: Vec<Name>,
}

impl Ledger {
    pub fn of(run: &Run) -> Self {
        let mut ledger = Self::default();
        let mut undone_by = BTreeSet::new();
        for (event, note) in run.outcome.history.app_events() {
            match *note {
                TeamEvent::User(UserEvent::Wanted { intent, .. }) => ledger.missing.push(intent),
                TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }) => {
                    undone_by.insert((intent, tool, operation));
                }
                TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) => {
                    let call = (intent, event.node, operation);
                    if undone_by.contains(&call) {
                        ledger.undoings.entry(intent).or_default().push(event.id);
                    } else {
                        ledger.effects.entry(call).or_default().push(event.id);
                    }
                }
                _ => {}
            }
        }
        ledger.missing.retain(|intent| !ledger.effects.keys().any(|(known, ..)| known == intent));
        ledger
    }
}
