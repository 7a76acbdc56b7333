//! For which intent of the user a call is made.
//!
//! A client does not know the names that the harness has for what its user wants, and is not asked for them.
//! A call belongs to the step of a task that names its tool and operation; if several do, to the one whose
//! arguments are most like those of the call, then to the task at hand, then to the one that was called
//! least. A call with the idempotency key of an earlier one is for the same as that one.

use crate::agent::OpId;
use crate::workflows::TaskPlan;
use perfidy_sim::Name;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the user wants, and which calls there were for it.
pub(super) struct Intents {
    plan: Arc<TaskPlan>,
    /// How many calls there were for each intent.
    calls: BTreeMap<Name, u32>,
    /// The intent of the calls with a key.
    by_key: BTreeMap<(Name, Name, OpId), Name>,
}

impl Intents {
    /// Those of a plan, before any call.
    pub fn new(plan: Arc<TaskPlan>) -> Self {
        Self { plan, calls: BTreeMap::new(), by_key: BTreeMap::new() }
    }

    /// The intent of a call. `named` is the task that the client names, `at_hand` the one that it probably
    /// works on.
    pub fn intent_of(
        &mut self,
        (tool, operation): (Name, Name),
        arguments: &Map<String, Value>,
        key: Option<OpId>,
        (named, at_hand): (Option<Name>, Name),
    ) -> Name {
        let known = key.and_then(|key| self.by_key.get(&(tool, operation, key)).copied());
        let intent = known.unwrap_or_else(|| self.likely((tool, operation), arguments, (named, at_hand)));
        *self.calls.entry(intent).or_default() += 1;
        if let Some(key) = key {
            self.by_key.insert((tool, operation, key), intent);
        }
        intent
    }

    /// The intent that a call is most likely for.
    pub fn likely(
        &self,
        (tool, operation): (Name, Name),
        arguments: &Map<String, Value>,
        (named, at_hand): (Option<Name>, Name),
    ) -> Name {
        let mut best: Option<(Likeness, Name)> = None;
        let tasks = self.plan.tasks.iter().copied();
        for task in tasks.filter(|task| named.is_none_or(|named| named == *task)) {
            for (number, step) in self.plan.steps.iter().enumerate() {
                let undo = step.undo.map(|undo| (undo.tool, undo.operation));
                if (step.tool, step.operation) != (tool, operation) && undo != Some((tool, operation)) {
                    continue;
                }
                let intent = self.plan.intent(task, number);
                let alike = fields_alike(&step.arguments.of(task).json(), arguments);
                let calls = self.calls.get(&intent).copied().unwrap_or_default();
                let rank = (alike, task == at_hand, Reverse(calls));
                if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                    best = Some((rank, intent));
                }
            }
        }
        let nobodys = || Name::new(&format!("{at_hand}/unasked-{tool}-{operation}"));
        best.map_or_else(nobodys, |(_, intent)| intent)
    }
}

/// How likely a call is for an intent: how many fields are alike, whether the task is the one at hand, and
/// how seldom it was called.
type Likeness = (usize, bool, Reverse<u32>);

/// How many fields of what is wanted the arguments have with the same value.
pub(super) fn fields_alike(wanted: &Value, arguments: &Map<String, Value>) -> usize {
    let wanted = wanted.as_object();
    wanted
        .map_or(0, |wanted| wanted.iter().filter(|(name, value)| arguments.get(*name) == Some(value)).count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflows::{Step, StepArguments};
    use serde_json::json;

    fn step(name: &str, title: Option<&str>) -> Step {
        let arguments = title.map(|title| StepArguments::new(json!({ "title": title })));
        Step {
            name: Name::new(name),
            tool: Name::new("ticketing"),
            operation: Name::new("create"),
            needs: Vec::new(),
            irreversible: false,
            guarded: false,
            undo: None,
            arguments: arguments.unwrap_or_default(),
            evidence: None,
        }
    }

    fn intents(tasks: u32, steps: Vec<Step>) -> Intents {
        Intents::new(Arc::new(TaskPlan::new(tasks, steps)))
    }

    const CREATE: fn() -> (Name, Name) = || (Name::new("ticketing"), Name::new("create"));

    fn titled(title: &str) -> Map<String, Value> {
        json!({ "title": title }).as_object().unwrap().clone()
    }

    #[test]
    fn a_repeated_call_is_for_the_same_intent_whatever_its_key() {
        let mut intents =
            intents(1, vec![step("file", None), Step { tool: Name::new("mail"), ..step("tell", None) }]);
        let at_hand = (None, Name::new("task-1"));
        for key in [None, Some(OpId(1)), Some(OpId(2))] {
            let intent = intents.intent_of(CREATE(), &Map::new(), key, at_hand);
            assert_eq!(intent, Name::new("task-1/file"));
        }
    }

    #[test]
    fn arguments_tell_steps_and_tasks_apart() {
        let mut intents =
            intents(2, vec![step("first", Some("a of {task}")), step("second", Some("b of {task}"))]);
        let at_hand = (None, Name::new("task-1"));
        for (title, intent) in [
            ("b of task-1", "task-1/second"),
            ("a of task-2", "task-2/first"),
            ("a of task-1", "task-1/first"),
        ] {
            for _ in 0..2 {
                assert_eq!(intents.intent_of(CREATE(), &titled(title), None, at_hand), Name::new(intent));
            }
        }
    }

    #[test]
    fn between_equal_intents_the_named_task_counts_then_the_one_at_hand_then_the_least_called() {
        let mut intents = intents(2, vec![step("first", None), step("second", None)]);
        let mut ask = |named: Option<&str>, at_hand: &str| {
            let task = (named.map(Name::new), Name::new(at_hand));
            intents.intent_of(CREATE(), &Map::new(), None, task).to_string()
        };
        assert_eq!(ask(Some("task-2"), "task-1"), "task-2/first");
        assert_eq!(ask(None, "task-1"), "task-1/first");
        assert_eq!(ask(None, "task-1"), "task-1/second");
        assert_eq!(ask(None, "task-2"), "task-2/second");
    }

    #[test]
    fn a_key_is_stronger_than_arguments_and_a_call_that_nobody_wants_has_an_intent_of_its_own() {
        let mut intents = intents(1, vec![step("first", Some("a")), step("second", Some("b"))]);
        let at_hand = (None, Name::new("task-1"));
        intents.intent_of(CREATE(), &titled("a"), Some(OpId(7)), at_hand);
        let again = intents.intent_of(CREATE(), &titled("b"), Some(OpId(7)), at_hand);
        assert_eq!(again, Name::new("task-1/first"));
        let other = intents.intent_of((Name::new("mail"), Name::new("send")), &Map::new(), None, at_hand);
        assert_eq!(other, Name::new("task-1/unasked-mail-send"));
    }
}
