//! No agent panics, runs on without ever waiting, or floods the world with messages.
//!
//! Each violation needs its own evidence. A run that only reached one of its limits was perhaps too large for
//! it: then the verdict is unknown.

use crate::properties::{Property, TeamHistory, Verdict, WELL_BEHAVED, cut_short, flood};
use perfidy_sim::{EventKind, RunEnd};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(WELL_BEHAVED, "no agent panics, spins without waiting, or floods the network", judge)
}

fn judge(history: &TeamHistory) -> Verdict {
    let Some(last) = history.events().last() else { return Verdict::Vacuous };
    let EventKind::Ended(stop) = last.what else { return Verdict::Vacuous };
    match stop {
        RunEnd::Finished | RunEnd::Quiescent | RunEnd::Deadline => {
            flood::of_one_message(history).unwrap_or(Verdict::Holds)
        }
        RunEnd::Panicked { node } => {
            let panic = history.events().iter().find_map(|event| match &event.what {
                EventKind::Panicked { message } => Some((event, message)),
                _ => None,
            });
            match panic {
                Some((event, message)) => Verdict::violated(&[event], format!("{node} panicked: {message}")),
                None => Verdict::violated(&[last], format!("{node} panicked")),
            }
        }
        RunEnd::Spinning { node } => {
            Verdict::violated(&[last], format!("{node} ran on and on without waiting for anything"))
        }
        RunEnd::TooManyEvents => flood::of_one_message(history)
            .or_else(|| flood::beyond_the_work(history))
            .or_else(|| cut_short(history))
            .unwrap_or(Verdict::Holds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::Name;

    fn ended(stop: RunEnd) -> Verdict {
        Story::default().given("task-1").event("world", EventKind::Ended(stop)).judged_by(&property())
    }

    #[test]
    fn an_end_by_the_clock_or_by_agreement_is_good_behaviour() {
        for stop in [RunEnd::Finished, RunEnd::Quiescent, RunEnd::Deadline] {
            assert_eq!(ended(stop), Verdict::Holds);
        }
    }

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        let node = Name::new("executor-1");
        let story = Story::default()
            .event("executor-1", EventKind::Panicked { message: "index out of bounds".into() })
            .event("world", EventKind::Ended(RunEnd::Panicked { node }));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!((events, message.as_str()), (vec![1], "executor-1 panicked: index out of bounds"));
    }

    #[test]
    fn spinning_is_named() {
        let (_, message) = violation(ended(RunEnd::Spinning { node: Name::new("planner") }));
        assert_eq!(message, "planner ran on and on without waiting for anything");
    }

    #[test]
    fn many_events_alone_are_no_flood_and_the_key_that_allows_more_is_named() {
        let Verdict::Unknown { reason } = ended(RunEnd::TooManyEvents) else { panic!("not unknown") };
        assert_eq!(reason, "the run was cut short after 2 events; raise `events` in [limits]");
    }

    #[test]
    fn a_history_without_an_end_is_nothing_to_judge() {
        assert_eq!(Story::default().given("task-1").judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_panic_that_left_no_words_is_told_all_the_same() {
        let (events, message) = violation(ended(RunEnd::Panicked { node: Name::new("executor-1") }));
        assert_eq!((events, message.as_str()), (vec![3], "executor-1 panicked"));
    }

    #[test]
    fn an_empty_history_is_nothing_to_judge() {
        assert_eq!(Story::default().judged_by(&property()), Verdict::Vacuous);
    }
}
