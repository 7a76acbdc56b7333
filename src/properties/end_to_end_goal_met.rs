//! What a task that is reported done has on record is what its source has said.
//!
//! A user who wants a record of what a source says does not care how many agents the answer has passed
//! through, or whether each of them reports success. Judged on the ledger, on what the sources served, and on
//! the reports to the user: when a task is reported done, the arguments of each such effect contain a content
//! that a source has served for that task, whole and unaltered. Which of its versions makes no difference, as
//! long as a source served it for this task. What a source itself says wrongly is its own error.

use super::ledger::Ledger;
use crate::agent::{Outcome, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKinds, Lookup, Name};
use serde_json::Value;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "end-to-end-goal-met",
        "what a task that is reported done has on record is what its source has said",
        judge,
    )
    .needs(kinds::RECORD_OF.and(kinds::INFORMED_DONE))
}

/// The kinds of events that it reads.
const READS: EventKinds = Ledger::READS.and(kinds::RECORD_OF).and(kinds::SERVED).and(kinds::INFORMED_DONE);

#[derive(Default)]
struct Records<'a> {
    /// By task: the effects that it wants, and what each is to say.
    wanted: Lookup<Name, Vec<(Name, Name)>>,
    ledger: Ledger<'a>,
    /// By the intent of the read.
    served: Lookup<Name, Vec<Value>>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut records = Records::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(READS) {
        records.ledger.take_in(event, note);
        match note {
            TeamEvent::User(UserEvent::RecordOf { task, intent, source }) => {
                records.wanted.get_or_insert_with(*task, Vec::new).push((*intent, *source));
            }
            TeamEvent::Tool(ToolEvent::Served { intent, content, .. }) => {
                records.served.get_or_insert_with(*intent, Vec::new).push(content.json());
            }
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Done => {
                match records.judge(event, report.task) {
                    Verdict::Vacuous => {}
                    Verdict::Holds => verdict = Verdict::Holds,
                    flaw => return flaw,
                }
            }
            _ => {}
        }
    }
    verdict
}

impl Records<'_> {
    /// Judges a task that was reported done.
    fn judge(&self, informed: &Event<TeamEvent>, task: Name) -> Verdict {
        let Some(wanted) = self.wanted.get(task) else { return Verdict::Vacuous };
        for (intent, source) in wanted {
            let Some(effect) = self.ledger.remaining(*intent).last() else {
                let message = format!("{task} was reported done, and nothing is on record for {intent}");
                return Verdict::violated(&[informed], message);
            };
            let on_record = arguments_of(effect);
            let said = self.served.get(*source).map_or(&[][..], Vec::as_slice);
            if !said.iter().any(|said| contains(&on_record, said)) {
                let message = format!(
                    "{task} was reported done, and what {} has on record for {intent} is nothing that a source has said for {source}",
                    effect.node
                );
                return Verdict::violated(&[*effect, informed], message);
            }
        }
        Verdict::Holds
    }
}

/// The arguments with which an effect was asked for.
fn arguments_of(effect: &Event<TeamEvent>) -> Value {
    match &effect.what {
        perfidy_sim::EventKind::App(TeamEvent::Tool(event)) => {
            event.request().map_or(Value::Null, |request| request.operation().arguments.json())
        }
        _ => Value::Null,
    }
}

/// Whether a value is within another, also within the JSON that one of its texts is.
fn contains(value: &Value, wanted: &Value) -> bool {
    value == wanted
        || match value {
            Value::Array(parts) => parts.iter().any(|part| contains(part, wanted)),
            Value::Object(table) => table.values().any(|part| contains(part, wanted)),
            Value::String(text) => serde_json::from_str(text)
                .is_ok_and(|inner: Value| !inner.is_string() && contains(&inner, wanted)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Operation};
    use crate::properties::testing::{Story, violation};
    use serde_json::json;

    /// A task that wants on record what a source says for `task-1/figure`.
    fn given() -> Story {
        let [task, intent, source] = ["task-1", "task-1/file", "task-1/figure"].map(Name::new);
        let wanted = UserEvent::RecordOf { task, intent, source };
        Story::default().given("task-1").record_event("user", TeamEvent::User(wanted))
    }

    fn files(story: Story, arguments: Value) -> Story {
        let [tool, name, intent] = ["ticketing", "create", "task-1/file"].map(Name::new);
        story.carries_out(&Operation::new(tool, name, intent).with(Content::of_json(arguments)))
    }

    fn done(story: Story) -> Verdict {
        story.told("task-1", Outcome::Done).judged_by(&property())
    }

    #[test]
    fn a_record_of_what_the_source_has_said_is_what_was_wanted() {
        let served = || given().served("task-1/figure", 7);
        assert_eq!(done(files(served(), json!({ "content": 7 }))), Verdict::Holds);
        assert_eq!(done(files(served(), json!({ "content": "{\"found\":[7]}" }))), Verdict::Holds);
    }

    #[test]
    fn any_version_that_was_served_for_the_task_will_do() {
        let served = given().served("task-1/figure", 7).served("task-1/figure", 8);
        assert_eq!(done(files(served, json!({ "content": 7 }))), Verdict::Holds);
    }

    #[test]
    fn another_content_is_shown_with_its_effect() {
        let story = files(given().served("task-1/figure", 7), json!({ "content": 8 }));
        let (events, message) = violation(done(story));
        assert_eq!(events, [5, 6]);
        assert_eq!(
            message,
            "task-1 was reported done, and what ticketing has on record for task-1/file is nothing that a source has \
             said for task-1/figure"
        );
    }

    #[test]
    fn what_was_served_for_another_task_or_only_later_does_not_count() {
        let other = files(given().served("task-2/figure", 7), json!({ "content": 7 }));
        assert!(done(other).is_violated());
        let later = files(given(), json!({ "content": 7 })).told("task-1", Outcome::Done);
        assert!(later.served("task-1/figure", 7).judged_by(&property()).is_violated());
    }

    #[test]
    fn done_without_any_record_is_not_done() {
        let (events, message) = violation(done(given().served("task-1/figure", 7)));
        assert_eq!(events, [5]);
        assert_eq!(message, "task-1 was reported done, and nothing is on record for task-1/file");
    }

    #[test]
    fn a_task_that_failed_or_wants_no_record_promises_nothing() {
        let failed = files(given(), json!({ "content": 8 })).told("task-1", Outcome::Failed);
        assert_eq!(failed.judged_by(&property()), Verdict::Vacuous);
        assert_eq!(done(Story::default().given("task-1").effect("task-1/file", 1)), Verdict::Vacuous);
    }
}
