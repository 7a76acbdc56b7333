//! What an answer rests on was true no longer ago than its user allows.
//!
//! Judged by the ledgers of the sources: a content counts as of the latest time of which a source gave it out for that
//! intent, until the answer. How it came to the answer, and what anybody believed about its age, makes no difference.

use crate::agent::{Claim, Content, Note};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Name, SimSpan, SimTime, What};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "bounded-staleness",
    promise: "what an answer rests on is no older than the user allows",
    bound: Some(Bound { key: "max-age", usual: AtMost::Span(SimSpan::from_secs(60)) }),
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let Some(max_age) = PROPERTY.asked_for(history).map(SimSpan::from_nanos) else { return Verdict::Vacuous };
    let mut served = BTreeMap::new();
    let mut cited: BTreeMap<(Name, Name), Content> = BTreeMap::new();
    let mut asked: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        // An answer that nobody has given rests on nothing.
        if let What::Crashed { .. } = event.what {
            cited.retain(|(who, _), _| *who != event.node);
        }
        let Some(note) = event.note() else { continue };
        match *note {
            Note::Question { task, intent } => asked.entry(task).or_default().push(intent),
            Note::Served { intent, content, as_of, .. } => {
                let latest = served.entry((intent, content)).or_insert((as_of, event));
                if latest.0 <= as_of {
                    *latest = (as_of, event);
                }
            }
            Note::Claimed(Claim::Cites { intent, content }) => {
                cited.insert((event.node, intent), content);
            }
            Note::Claimed(Claim::Answers { task }) => {
                for intent in asked.get(&task).into_iter().flatten() {
                    let content = cited.remove(&(event.node, *intent));
                    let Some(&(as_of, source)) = content.and_then(|content| served.get(&(*intent, content)))
                    else {
                        continue;
                    };
                    verdict = Verdict::Holds;
                    let age = event.at.since(as_of);
                    if age > max_age {
                        let (age, as_of) =
                            (rounded(age), SimTime::ZERO + rounded(as_of.since(SimTime::ZERO)));
                        let message = format!(
                            "the answer to {task} rests on {intent} as of {as_of}, which is {age} old; \
                             at most {max_age} was asked for"
                        );
                        return Verdict::violated(&[source, event], message);
                    }
                }
            }
            _ => {}
        }
    }
    verdict
}

/// To the millisecond, for people.
fn rounded(span: SimSpan) -> SimSpan {
    SimSpan::from_millis(span.as_nanos() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    /// The answer to one question, with at most five seconds between the source and the answer.
    fn asked() -> Story {
        let at_most = AtMost::Span(SimSpan::from_secs(5)).as_number();
        let property = Name::new(PROPERTY.name);
        Story::default().note("user", Note::Bound { property, at_most }).asked("task-1", &["a"])
    }

    #[test]
    fn an_answer_from_a_fresh_source_holds() {
        let story = asked().served("task-1/a", 7).cites("task-1/a", 7).answers("task-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn an_answer_that_took_too_long_rests_on_old_data() {
        let story = asked().served("task-1/a", 7).pass(5).cites("task-1/a", 7).answers("task-1");
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [4, 11]);
        assert_eq!(
            message,
            "the answer to task-1 rests on task-1/a as of 3s, which is 7s old; at most 5s was asked for"
        );
    }

    #[test]
    fn a_source_that_was_behind_makes_data_old_at_once() {
        let story = asked().pass(9).served_as_of("task-1/a", 7, SimTime::ZERO + SimSpan::from_secs(4));
        let story = story.cites("task-1/a", 7).answers("task-1");
        assert!(story.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn what_a_source_says_again_is_as_young_as_the_last_time() {
        let story = asked().served("task-1/a", 7).pass(5).served("task-1/a", 7);
        let story = story.cites("task-1/a", 7).answers("task-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn another_version_that_is_younger_does_not_count() {
        let story = asked().served("task-1/a", 7).pass(5).served("task-1/a", 8);
        let story = story.cites("task-1/a", 7).answers("task-1");
        assert!(story.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn no_answer_no_source_and_no_bound_are_nothing_to_judge() {
        assert_eq!(asked().served("task-1/a", 7).judged_by(&PROPERTY), Verdict::Vacuous);
        assert_eq!(asked().cites("task-1/a", 7).answers("task-1").judged_by(&PROPERTY), Verdict::Vacuous);
        let story = Story::default().asked("task-1", &["a"]).served("task-1/a", 7).pass(99);
        let story = story.cites("task-1/a", 7).answers("task-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn exactly_as_old_as_is_allowed_is_not_too_old() {
        let answered_after = |seconds: usize| {
            let story = asked().served("task-1/a", 7).pass(seconds - 2);
            story.cites("task-1/a", 7).answers("task-1").judged_by(&PROPERTY)
        };
        assert_eq!(answered_after(5), Verdict::Holds);
        assert!(answered_after(6).is_violated());
    }

    #[test]
    fn a_source_that_falls_behind_later_does_not_make_what_it_said_before_older() {
        let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
        let story = asked().pass(9).served_as_of("task-1/a", 7, at(12)).served_as_of("task-1/a", 7, at(1));
        assert_eq!(story.cites("task-1/a", 7).answers("task-1").judged_by(&PROPERTY), Verdict::Holds);
        let story = asked().pass(9).served_as_of("task-1/a", 7, at(1)).served_as_of("task-1/a", 7, at(1));
        let story = story.cites("task-1/a", 7).answers("task-1");
        assert_eq!(violation(story.judged_by(&PROPERTY)).0, [14, 16], "the last of the youngest is shown");
    }

    #[test]
    fn what_was_said_for_another_intent_or_only_after_the_answer_does_not_count() {
        let story =
            asked().served("task-1/b", 7).cites("task-1/a", 7).answers("task-1").served("task-1/a", 7);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn an_answer_rests_on_what_its_own_author_said_for_it_and_lived_to_give() {
        let cited = || asked().served("task-1/a", 7).cites("task-1/a", 7);
        let task = Name::new("task-1");
        let by_another = cited().pass(9).claim("somebody", Claim::Answers { task });
        assert_eq!(by_another.judged_by(&PROPERTY), Verdict::Vacuous);
        let in_another_life = cited().dies("synthesiser").pass(9).answers("task-1");
        assert_eq!(in_another_life.judged_by(&PROPERTY), Verdict::Vacuous);
        let somebody_else_died = cited().dies("somebody").pass(9).answers("task-1");
        assert!(somebody_else_died.judged_by(&PROPERTY).is_violated());
        let twice = cited().answers("task-1").pass(9).answers("task-1");
        assert_eq!(twice.judged_by(&PROPERTY), Verdict::Holds, "the second rests on nothing");
    }
}
