//! A step that a coordinator counts as complete is not handed out by it again, also not after a crash.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "completed-work-not-rerun",
    promise: "a step that a coordinator counts as complete is not handed out by it again",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut complete = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        match *note {
            Note::Claimed(Claim::Completed { intent }) => {
                verdict = Verdict::Holds;
                complete.insert((event.node, intent), event);
            }
            Note::Claimed(Claim::Reopened { intent }) => drop(complete.remove(&(event.node, intent))),
            Note::Claimed(Claim::Ordered { intent, to }) => {
                if let Some(completed) = complete.get(&(event.node, intent)) {
                    let message =
                        format!("{} handed {intent} to {to} after it had counted it as complete", event.node);
                    return Verdict::violated(&[completed, event], message);
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
    use perfidy_sim::{Name, What};

    fn story(claims: &[(&str, Claim)]) -> Story {
        claims.iter().fold(Story::default(), |story, (node, claim)| story.claim(node, *claim))
    }

    fn claims() -> (Claim, Claim, Claim) {
        let intent = Name::new("task-1/file");
        let to = Name::new("executor-1");
        (Claim::Ordered { intent, to }, Claim::Completed { intent }, Claim::Reopened { intent })
    }

    #[test]
    fn ordering_again_before_it_is_complete_is_a_retry() {
        let (order, complete, _) = claims();
        let story = story(&[("c", order), ("c", order), ("c", complete)]);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn ordering_again_after_it_is_complete_is_a_rerun() {
        let (order, complete, _) = claims();
        let (events, message) =
            violation(story(&[("c", order), ("c", complete), ("c", order)]).judged_by(&PROPERTY));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "c handed task-1/file to executor-1 after it had counted it as complete");
    }

    #[test]
    fn what_turned_out_not_to_be_complete_may_be_ordered_again() {
        let (order, complete, reopen) = claims();
        let story = story(&[("c", complete), ("c", reopen), ("c", order)]);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn another_coordinator_does_not_know() {
        let (order, complete, _) = claims();
        assert_eq!(story(&[("c", complete), ("d", order)]).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn nothing_complete_is_nothing_to_judge() {
        let (order, _, _) = claims();
        assert_eq!(story(&[("c", order)]).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn each_step_is_counted_by_itself_and_by_whoever_counts_it() {
        let (order, complete, reopen) = claims();
        let to = Name::new("executor-1");
        let other = Claim::Ordered { intent: Name::new("task-2/file"), to };
        assert_eq!(story(&[("c", complete), ("c", other)]).judged_by(&PROPERTY), Verdict::Holds);
        let reopened_by_another = story(&[("c", complete), ("d", reopen), ("c", order)]);
        assert!(reopened_by_another.judged_by(&PROPERTY).is_violated());
        let complete_again = story(&[("c", complete), ("c", reopen), ("c", complete), ("c", order)]);
        assert_eq!(violation(complete_again.judged_by(&PROPERTY)).0, [3, 4]);
    }

    #[test]
    fn a_coordinator_that_comes_back_or_is_there_twice_is_still_the_same() {
        let (order, complete, _) = claims();
        let started = What::Started { incarnation: 1 };
        let twice = story(&[("c", complete)]).event("c", started.clone()).claim("c", order);
        assert!(twice.judged_by(&PROPERTY).is_violated());
        let back = story(&[("c", complete)]).dies("c").event("c", started).claim("c", order);
        assert!(back.judged_by(&PROPERTY).is_violated());
    }
}
