//! Nobody obeys an older leader after a newer one, and no two leaders share a token.
//!
//! Two processes that both *believe* to lead are not yet split-brain: a paused leader cannot know that its lease
//! has run out. It becomes one when somebody acts on the word of the older leader after that of the newer.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-split-brain",
    promise: "nobody obeys an older leader after a newer one, and no two leaders share a token",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut newest_obeyed_by = BTreeMap::new();
    let mut leader_with = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        let Note::Claimed(Claim::Obeyed { leader, token, intent }) = *note else { continue };
        verdict = Verdict::Holds;
        let (first, known) = *leader_with.entry(token).or_insert((event, leader));
        if known != leader {
            let message = format!("{known} and {leader} both led with token {token}");
            return Verdict::violated(&[first, event], message);
        }
        let newest = newest_obeyed_by.entry(event.node).or_insert((event, token, leader));
        if token < newest.1 {
            let message = format!(
                "{} obeyed {leader} (token {token}) on {intent} after it had obeyed {} (token {})",
                event.node, newest.2, newest.1
            );
            return Verdict::violated(&[newest.0, event], message);
        }
        *newest = (event, token, leader);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Token;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::{Name, What};

    fn obey(story: Story, worker: &str, leader: &str, token: u64) -> Story {
        let claim = Claim::Obeyed {
            leader: Name::new(leader),
            token: Token(token),
            intent: Name::new("task-1/file"),
        };
        story.claim(worker, claim)
    }

    #[test]
    fn one_leader_after_another_is_no_split_brain() {
        let mut story = Story::default();
        for (leader, token) in [("a", 1), ("a", 1), ("b", 2), ("a", 3)] {
            story = obey(story, "worker-1", leader, token);
        }
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn an_older_leader_obeyed_after_a_newer_one_is() {
        let story = obey(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert!(
            message.contains("obeyed a (token 1)") && message.contains("obeyed b (token 2)"),
            "{message}"
        );
    }

    #[test]
    fn a_worker_that_has_not_heard_of_the_newer_leader_is_judged_by_what_it_knew() {
        let story = obey(obey(Story::default(), "worker-1", "b", 2), "worker-2", "a", 1);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn two_leaders_with_one_token_are_split_brain() {
        let story = obey(obey(Story::default(), "worker-1", "a", 1), "worker-2", "b", 1);
        let (events, message) = violation(obey(story, "worker-3", "a", 1).judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert_eq!(message, "a and b both led with token 1");
    }

    #[test]
    fn without_orders_there_is_nothing_to_judge() {
        let story = Story::default().claim("a", Claim::Leads { token: Token(1) });
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn the_newest_leader_that_was_ever_obeyed_counts_and_each_word_of_it() {
        let mut story = Story::default();
        for (leader, token) in [("a", 1), ("c", 3), ("c", 3)] {
            story = obey(story, "worker-1", leader, token);
        }
        let (events, _) = violation(obey(story, "worker-1", "b", 2).judged_by(&PROPERTY));
        assert_eq!(events, [3, 4]);
    }

    #[test]
    fn a_worker_that_came_back_or_is_there_twice_has_obeyed_what_it_had_obeyed() {
        let started = What::Started { incarnation: 1 };
        let obeyed = obey(Story::default(), "worker-1", "b", 2);
        let twice = obeyed.clone().event("worker-1", started.clone());
        assert!(obey(twice, "worker-1", "a", 1).judged_by(&PROPERTY).is_violated());
        let back = obeyed.dies("worker-1").event("worker-1", started);
        assert!(obey(back, "worker-1", "a", 1).judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn what_is_refused_is_not_obeyed() {
        let [leader, intent] = ["a", "task-1/file"].map(Name::new);
        let story = obey(Story::default(), "worker-1", "b", 2);
        let story = story.claim("worker-1", Claim::Rejected { leader, token: Token(1), intent });
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }
}
