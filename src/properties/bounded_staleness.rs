//! The content of an answer is no older than its user allows.
//!
//! Judged on the user's reports and the ledgers of the sources: the age of a content counts from the latest
//! time at which a source served it for that intent before the answer was sent. The age is taken when the
//! answer is sent, since the team does not control how long the network takes.

use crate::agent::{Outcome, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, SimSpan, SimTime};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-staleness",
        "no answer rests on data older than the user allows",
        Bound::of("max-age", AtMost::Span(SimSpan::from_secs(60))),
        judge,
    )
    .needs(kinds::SERVED.and(kinds::INFORMED_DONE))
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::SERVED.and(kinds::INFORMED_DONE);

fn judge(history: &TeamHistory, max_age_nanos: u64) -> Verdict {
    let max_age = SimSpan::from_nanos(max_age_nanos);
    let mut served: BTreeMap<_, Vec<(SimTime, &Event<TeamEvent>)>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(READS) {
        match note {
            TeamEvent::Tool(ToolEvent::Served { intent, content, as_of, .. }) => {
                served.entry((*intent, content.clone())).or_default().push((*as_of, event));
            }
            TeamEvent::User(UserEvent::Informed { report, .. }) if report.outcome == Outcome::Done => {
                let sent =
                    history.causes(event.id).find(|cause| matches!(cause.what, EventKind::Sent { .. }));
                let sent = sent.unwrap_or(event);
                for part in report.answer.iter() {
                    let sources =
                        part.content.clone().and_then(|content| served.get(&(part.intent, content)));
                    let before = sources.into_iter().flatten().filter(|(_, source)| source.id < sent.id);
                    let Some((as_of, source)) = before.max_by_key(|(as_of, _)| *as_of) else { continue };
                    verdict = Verdict::Holds;
                    let age = sent.at.since(*as_of);
                    if age > max_age {
                        let (age, as_of) =
                            (rounded(age), SimTime::ZERO + rounded(as_of.since(SimTime::ZERO)));
                        let message = format!(
                            "the answer to {} rests on {} as of {as_of}, which is {age} old; at most {max_age} was asked for",
                            report.task, part.intent
                        );
                        return Verdict::violated(&[source, sent, event], message);
                    }
                }
            }
            _ => {}
        }
    }
    verdict
}

/// Rounded to the millisecond, for output.
fn rounded(span: SimSpan) -> SimSpan {
    SimSpan::from_millis(span.as_nanos() / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, answer, number, violation};
    use perfidy_sim::Name;

    /// The answer to one question, with at most five seconds between the source and the answer.
    fn asked() -> Story {
        let at_most = AtMost::Span(SimSpan::from_secs(5)).as_number();
        Story::default().bounded(property().name, at_most).asked("task-1", &["a"])
    }

    #[test]
    fn an_answer_from_a_fresh_source_holds() {
        let story = asked().served("task-1/a", 7).answered_with("task-1", &[("task-1/a", Some(7))]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_answer_that_took_too_long_rests_on_old_data() {
        let story = asked().served("task-1/a", 7).pass(5).answered_with("task-1", &[("task-1/a", Some(7))]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [4, 10]);
        assert_eq!(
            message,
            "the answer to task-1 rests on task-1/a as of 3s, which is 6s old; at most 5s was asked for"
        );
    }

    #[test]
    fn a_source_that_was_behind_makes_data_old_at_once() {
        let story = asked().pass(9).served_as_of("task-1/a", 7, SimTime::ZERO + SimSpan::from_secs(4));
        let story = story.answered_with("task-1", &[("task-1/a", Some(7))]);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn what_a_source_says_again_is_as_young_as_the_last_time() {
        let story = asked().served("task-1/a", 7).pass(5).served("task-1/a", 7);
        let story = story.answered_with("task-1", &[("task-1/a", Some(7))]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn another_version_that_is_younger_does_not_count() {
        let story = asked().served("task-1/a", 7).pass(5).served("task-1/a", 8);
        let story = story.answered_with("task-1", &[("task-1/a", Some(7))]);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn no_answer_no_source_and_no_bound_are_nothing_to_judge() {
        assert_eq!(asked().served("task-1/a", 7).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(
            asked().answered_with("task-1", &[("task-1/a", Some(7))]).judged_by(&property()),
            Verdict::Vacuous
        );
        let story = Story::default().asked("task-1", &["a"]).served("task-1/a", 7).pass(99);
        let story = story.answered_with("task-1", &[("task-1/a", Some(7))]);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn exactly_as_old_as_is_allowed_is_not_too_old() {
        let answered_after = |seconds: usize| {
            let story = asked().served("task-1/a", 7).pass(seconds - 1);
            story.answered_with("task-1", &[("task-1/a", Some(7))]).judged_by(&property())
        };
        assert_eq!(answered_after(5), Verdict::Holds);
        assert!(answered_after(6).is_violated());
    }

    #[test]
    fn a_source_that_falls_behind_later_does_not_make_what_it_said_before_older() {
        let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
        let story = asked().pass(9).served_as_of("task-1/a", 7, at(12)).served_as_of("task-1/a", 7, at(1));
        assert_eq!(
            story.answered_with("task-1", &[("task-1/a", Some(7))]).judged_by(&property()),
            Verdict::Holds
        );
        let story = asked().pass(9).served_as_of("task-1/a", 7, at(1)).served_as_of("task-1/a", 7, at(1));
        let story = story.answered_with("task-1", &[("task-1/a", Some(7))]);
        assert_eq!(violation(story.judged_by(&property())).0, [14, 15], "the last of the youngest is shown");
    }

    #[test]
    fn what_was_said_for_another_intent_or_only_after_the_answer_does_not_count() {
        let story = asked()
            .served("task-1/b", 7)
            .answered_with("task-1", &[("task-1/a", Some(7))])
            .served("task-1/a", 7);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_report_is_judged_as_of_its_sending() {
        let answer = || answer("task-1", &[("task-1/a", Some(7))]);
        let sent = || EventKind::Sent {
            to: Name::new("user"),
            kind: Name::new("report"),
            about: Name::new("task-1"),
            content: number(0),
        };
        let fresh = asked().served("task-1/a", 7).event("synthesiser", sent()).pass(9);
        let fresh = fresh.event_because_of(Some(5), "user", EventKind::App(answer()));
        assert_eq!(fresh.judged_by(&property()), Verdict::Holds, "the network was slow, the answer was not");
        let stale = asked().served("task-1/a", 7).pass(9).event("synthesiser", sent()).served("task-1/a", 7);
        let stale = stale.event_because_of(Some(14), "user", EventKind::App(answer()));
        assert_eq!(violation(stale.judged_by(&property())).0, [4, 14, 16]);
    }

    #[test]
    fn what_is_missing_from_an_answer_or_in_no_answer_has_no_age() {
        let served = || asked().served("task-1/a", 7).pass(9);
        let missing = served().answered_with("task-1", &[("task-1/a", None)]);
        assert_eq!(missing.judged_by(&property()), Verdict::Vacuous);
        assert_eq!(served().told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Vacuous);
    }
}
