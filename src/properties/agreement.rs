//! The agents that answer a user do not contradict each other.
//!
//! Judged on what the user was told, by which agent: two agents whose answers to one question have different
//! contents disagree. An answer that says that something is missing contradicts none.

use crate::agent::{AnswerPart, Content, Outcome, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("agreement", "agents that answer the same question give the same answer", judge)
        .needs(kinds::QUESTION.and(kinds::INFORMED_DONE))
}

/// The first answer to a question.
struct Answer<'a> {
    by: Name,
    content: &'a Content,
    told: &'a Event<TeamEvent>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut questions = BTreeSet::new();
    let mut first: BTreeMap<Name, Answer<'_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (told, note) in history.app_events_of(kinds::QUESTION.and(kinds::INFORMED_DONE)) {
        let (by, report) = match note {
            TeamEvent::User(UserEvent::Question { intent, .. }) => {
                questions.insert(*intent);
                continue;
            }
            TeamEvent::User(UserEvent::Informed { by, report }) if report.outcome == Outcome::Done => {
                (by, report)
            }
            _ => continue,
        };
        for AnswerPart { intent, content } in
            report.answer.iter().filter(|part| questions.contains(&part.intent))
        {
            let Some(content) = content else { continue };
            match first.get(intent) {
                None => {
                    first.insert(*intent, Answer { by: *by, content, told });
                }
                Some(answer) if answer.by == *by => {}
                Some(answer) if answer.content == content => verdict = Verdict::Holds,
                Some(answer) => {
                    let other = answer.by;
                    let difference = difference("", Some(&answer.content.json()), Some(&content.json()));
                    let message = format!("{other} and {by} answered {intent} differently: {difference}");
                    return Verdict::violated(&[answer.told, told], message);
                }
            }
        }
    }
    verdict
}

/// The first place within two values at which they differ, in words; `path` is where they are.
fn difference(path: &str, one: Option<&Value>, other: Option<&Value>) -> String {
    let within = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (one, other) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut keys = one.keys().chain(other.keys());
            let key = keys.find(|key| one.get(*key) != other.get(*key));
            key.map_or_else(String::new, |key| difference(&within(key), one.get(key), other.get(key)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            let place = (0..one.len().max(other.len())).find(|place| one.get(*place) != other.get(*place));
            place.map_or_else(String::new, |place| {
                difference(&within(&place.to_string()), one.get(place), other.get(place))
            })
        }
        (Some(one), Some(other)) if path.is_empty() => format!("{one} and {other}"),
        (Some(one), Some(other)) => format!("{path} is {one} and {other}"),
        (Some(_), None) => format!("only the first has {path}"),
        (None, _) => format!("only the second has {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Report;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::EventKind;
    use serde_json::json;

    /// An agent tells the user an answer to task-1/a.
    fn told(story: Story, by: &str, answer: Option<u32>) -> Story {
        let content = answer.map(Content::new);
        let part = AnswerPart { intent: Name::new("task-1/a"), content };
        let report = Report { answer: [part].into(), ..Report::of(Name::new("task-1"), Outcome::Done) };
        let informed = TeamEvent::User(UserEvent::Informed { by: Name::new(by), report });
        story.event("user", EventKind::App(informed))
    }

    /// A question has been asked: two events.
    fn asked() -> Story {
        Story::default().asked("task-1", &["a"])
    }

    #[test]
    fn two_agents_with_one_answer_agree() {
        let story = told(told(asked(), "aggregator", Some(7)), "auditor", Some(7));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn two_agents_with_two_answers_do_not() {
        let story = told(told(asked(), "aggregator", Some(7)), "auditor", Some(8));
        let last = story.last();
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [last - 1, last]);
        assert_eq!(message, "aggregator and auditor answered task-1/a differently: 7 and 8");
    }

    #[test]
    fn the_first_place_at_which_answers_differ_is_named() {
        let one = json!({ "item": "a", "sections": ["x", "y"], "version": 1 });
        let difference_to = |other: Value| difference("", Some(&one), Some(&other));
        assert_eq!(
            difference_to(json!({ "item": "a", "sections": ["x", "z"], "version": 2 })),
            r#"sections.1 is "y" and "z""#
        );
        assert_eq!(
            difference_to(json!({ "item": "a", "sections": ["x"], "version": 1 })),
            "only the first has sections.1"
        );
        assert_eq!(
            difference_to(json!({ "item": "a", "sections": ["x", "y"] })),
            "only the first has version"
        );
        assert_eq!(difference_to(json!(7)), r#"{"item":"a","sections":["x","y"],"version":1} and 7"#);
    }

    #[test]
    fn what_is_said_to_be_missing_contradicts_nothing() {
        let story = told(told(asked(), "aggregator", None), "auditor", Some(8));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn an_agent_that_corrects_itself_does_not_disagree_with_another() {
        let story = told(told(asked(), "aggregator", Some(7)), "aggregator", Some(8));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
