//! An answer has everything that was asked for, or says what is missing.
//!
//! Judged by what sources really said: an answer that rests on something no source has said for that intent does not
//! have it.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::What;
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-silent-partial",
    promise: "an answer has everything that was asked for, or says what is missing",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut asked: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut served = BTreeSet::new();
    // What each agent has said since its last answer: on what it rests, and what it lacks.
    let mut cited: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    let mut lacking: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        // What was said towards an answer that its author died over is no part of the next one.
        if let What::Crashed { .. } = event.what {
            cited.remove(&event.node);
            lacking.remove(&event.node);
        }
        let Some(note) = event.note() else { continue };
        match *note {
            Note::Question { task, intent } => asked.entry(task).or_default().push((event, intent)),
            Note::Served { intent, content, .. } => drop(served.insert((intent, content))),
            Note::Claimed(Claim::Cites { intent, content }) => {
                cited.entry(event.node).or_default().insert(intent, (event, content));
            }
            Note::Claimed(Claim::Lacks { intent }) => {
                lacking.entry(event.node).or_default().insert(intent);
            }
            Note::Claimed(Claim::Answers { task }) => {
                let cited = cited.remove(&event.node).unwrap_or_default();
                let lacking = lacking.remove(&event.node).unwrap_or_default();
                for (question, intent) in asked.get(&task).into_iter().flatten() {
                    let flaw = match cited.get(intent) {
                        Some((_, content)) if served.contains(&(*intent, *content)) => None,
                        Some((_, content)) => {
                            Some(format!("has {content} for {intent}, which no source has said"))
                        }
                        None if lacking.contains(intent) => None,
                        None => Some(format!("lacks {intent} and does not say so")),
                    };
                    if let Some(flaw) = flaw {
                        let rests_on = cited.values().map(|(cite, _)| *cite);
                        let because: Vec<_> =
                            [*question].into_iter().chain(rests_on).chain([event]).collect();
                        return Verdict::violated(&because, format!("the answer to {task} {flaw}"));
                    }
                }
                if !cited.is_empty() {
                    verdict = Verdict::Holds;
                }
            }
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;

    #[test]
    fn an_answer_with_everything_in_it_is_whole() {
        let story = Story::default()
            .asked("task-1", &["a", "b"])
            .served("task-1/a", 7)
            .served("task-1/b", 8)
            .cites("task-1/a", 7)
            .cites("task-1/b", 8)
            .answers("task-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn an_answer_that_says_what_it_lacks_is_honest() {
        let story = Story::default().asked("task-1", &["a", "b"]).served("task-1/a", 7).cites("task-1/a", 7);
        let story = story.lacks("task-1/b").answers("task-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn an_answer_that_hides_what_it_lacks_is_not() {
        let story = Story::default().asked("task-1", &["a", "b"]).served("task-1/a", 7).cites("task-1/a", 7);
        let (events, message) = violation(story.answers("task-1").judged_by(&PROPERTY));
        assert_eq!(events, [3, 5, 6]);
        assert_eq!(message, "the answer to task-1 lacks task-1/b and does not say so");
    }

    #[test]
    fn what_was_said_for_an_earlier_answer_does_not_count_for_a_later_one() {
        let story = Story::default().asked("task-1", &["a"]).served("task-1/a", 7).cites("task-1/a", 7);
        let story = story.answers("task-1").answers("task-1");
        assert!(story.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn what_no_source_has_said_is_made_up() {
        let story = Story::default().asked("task-1", &["a"]).served("task-1/a", 7).cites("task-1/a", 9);
        let (events, message) = violation(story.answers("task-1").judged_by(&PROPERTY));
        assert_eq!(events, [2, 4, 5]);
        assert!(message.ends_with("for task-1/a, which no source has said"), "{message}");
    }

    #[test]
    fn no_answer_or_one_that_lacks_everything_is_nothing_to_judge() {
        let story = || Story::default().asked("task-1", &["a"]);
        let failed = story().claim("synthesiser", Claim::TaskFailed { task: Name::new("task-1") });
        assert_eq!(failed.judged_by(&PROPERTY), Verdict::Vacuous);
        assert_eq!(story().lacks("task-1/a").answers("task-1").judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn what_was_said_for_another_intent_or_only_after_the_answer_is_made_up() {
        let story = Story::default().asked("task-1", &["a"]).served("task-1/b", 7).cites("task-1/a", 7);
        let (_, message) = violation(story.answers("task-1").served("task-1/a", 7).judged_by(&PROPERTY));
        assert!(message.ends_with("for task-1/a, which no source has said"), "{message}");
    }

    #[test]
    fn an_answer_that_says_both_rests_on_what_it_cites() {
        let story = || Story::default().asked("task-1", &["a"]).served("task-1/a", 7).lacks("task-1/a");
        assert_eq!(story().cites("task-1/a", 7).answers("task-1").judged_by(&PROPERTY), Verdict::Holds);
        assert!(story().cites("task-1/a", 8).answers("task-1").judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn what_others_say_and_what_they_lack_is_not_in_the_answer() {
        let asked = || Story::default().asked("task-1", &["a", "b"]).served("task-1/a", 7);
        let [task, intent] = ["task-1", "task-1/b"].map(Name::new);
        let story = asked().cites("task-1/a", 7).claim("somebody", Claim::Lacks { intent });
        assert!(story.answers("task-1").judged_by(&PROPERTY).is_violated());
        let story = asked().cites("task-1/a", 7).lacks("task-1/b").claim("somebody", Claim::Answers { task });
        assert!(story.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn what_was_said_in_an_earlier_life_is_not_in_the_answer() {
        let story = |dies: &str| {
            let story = Story::default().asked("task-1", &["a", "b"]).served("task-1/a", 7);
            story.cites("task-1/a", 7).lacks("task-1/b").dies(dies)
        };
        let (_, message) = violation(story("synthesiser").answers("task-1").judged_by(&PROPERTY));
        assert_eq!(message, "the answer to task-1 lacks task-1/a and does not say so");
        assert_eq!(story("somebody").answers("task-1").judged_by(&PROPERTY), Verdict::Holds);
        let half = story("synthesiser").cites("task-1/a", 7).answers("task-1");
        let (_, message) = violation(half.judged_by(&PROPERTY));
        assert_eq!(message, "the answer to task-1 lacks task-1/b and does not say so");
    }

    #[test]
    fn each_answer_has_what_its_own_task_asked_for() {
        let story = Story::default().asked("task-1", &["a"]).asked("task-2", &["a"]).served("task-1/a", 7);
        assert_eq!(story.cites("task-1/a", 7).answers("task-1").judged_by(&PROPERTY), Verdict::Holds);
    }
}
