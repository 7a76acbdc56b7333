//! No two agents work on the same thing at the same time.
//!
//! Who owns a piece of work is what the agents believe; it ends when they say so, when the time they gave themselves is
//! over, or when they die. Two of them may not believe it at once, and nobody may call a tool for what somebody else
//! owns, whatever it believes itself.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name, SimTime, What};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "one-owner-per-task",
    promise: "no two agents work on the same thing at the same time",
    bound: None,
    judge,
};

struct Owned<'a> {
    event: &'a Event<Note>,
    until: Option<SimTime>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut owners: BTreeMap<Name, BTreeMap<Name, Owned<'_>>> = BTreeMap::new();
    // What each agent may own.
    let mut works: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        let (work, does) = match &event.what {
            What::Crashed { .. } => {
                for work in works.remove(&event.node).unwrap_or_default() {
                    owners.entry(work).or_default().remove(&event.node);
                }
                continue;
            }
            What::Note(Note::Claimed(Claim::LetGo { work })) => {
                owners.entry(*work).or_default().remove(&event.node);
                continue;
            }
            What::Note(Note::Claimed(Claim::Took { work, .. })) => (*work, "took it".to_owned()),
            What::Note(Note::Called { tool, operation, intent, .. }) => {
                (*intent, format!("called {tool}.{operation} for it"))
            }
            _ => continue,
        };
        let owners = owners.entry(work).or_default();
        let is_over = |owned: &Owned<'_>| owned.until.is_some_and(|until| until <= event.at);
        let other = owners.iter().find(|(owner, owned)| **owner != event.node && !is_over(owned));
        if let Some((owner, owned)) = other {
            let message = format!("{owner} owned {work} when {} {does}", event.node);
            return Verdict::violated(&[owned.event, event], message);
        }
        if let What::Note(Note::Claimed(Claim::Took { lasting, .. })) = event.what {
            verdict = Verdict::Holds;
            let until = lasting.map(|span| event.at + span);
            owners.insert(event.node, Owned { event, until });
            works.entry(event.node).or_default().insert(work);
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::OpId;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::SimSpan;

    fn took(story: Story, who: &str, seconds: u64) -> Story {
        let lasting = (seconds > 0).then(|| SimSpan::from_secs(seconds));
        story.claim(who, Claim::Took { work: Name::new("task-1/file"), lasting })
    }

    fn lets_go(story: Story, who: &str) -> Story {
        story.claim(who, Claim::LetGo { work: Name::new("task-1/file") })
    }

    fn calls(story: Story, who: &str) -> Story {
        let [tool, operation, intent] = ["ticketing", "create", "task-1/file"].map(Name::new);
        story.note(who, Note::Called { tool, operation, intent, op: OpId(1) })
    }

    #[test]
    fn one_owner_after_another_is_as_promised() {
        let story = lets_go(calls(took(Story::default(), "a", 0), "a"), "a");
        assert_eq!(calls(took(story, "b", 0), "b").judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn two_owners_at_once_are_not() {
        let (events, message) = violation(took(took(Story::default(), "a", 0), "b", 0).judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert_eq!(message, "a owned task-1/file when b took it");
    }

    #[test]
    fn a_lease_that_is_over_owns_nothing_and_one_that_was_renewed_does() {
        let begun = || took(Story::default(), "a", 2).given("task-2");
        assert_eq!(took(begun(), "b", 2).judged_by(&PROPERTY), Verdict::Holds);
        let renewed = took(took(Story::default(), "a", 2), "a", 2).given("task-2");
        assert_eq!(took(renewed, "b", 2).judged_by(&PROPERTY), Verdict::Holds, "renewed at 1s until 3s");
        let renewed = took(took(Story::default(), "a", 2), "a", 9).given("task-2");
        assert!(took(renewed, "b", 2).judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn whoever_works_on_what_another_owns_breaks_it_without_a_claim_of_its_own() {
        let (events, message) = violation(calls(took(Story::default(), "a", 0), "b").judged_by(&PROPERTY));
        assert_eq!(events, [1, 2]);
        assert_eq!(message, "a owned task-1/file when b called ticketing.create for it");
    }

    #[test]
    fn the_dead_own_nothing() {
        let story = took(Story::default(), "a", 0).event("a", What::Crashed { lost_writes: 0 });
        assert_eq!(took(story, "b", 0).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn work_that_nobody_claims_is_nothing_to_judge() {
        assert_eq!(calls(Story::default(), "a").judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn only_its_owner_can_let_it_go_or_die_over_it() {
        let owned = || took(Story::default(), "a", 0);
        assert!(took(lets_go(owned(), "c"), "b", 0).judged_by(&PROPERTY).is_violated());
        assert!(took(owned().dies("c"), "b", 0).judged_by(&PROPERTY).is_violated());
        let let_go = Claim::LetGo { work: Name::new("task-2/file") };
        assert!(took(owned().claim("a", let_go), "b", 0).judged_by(&PROPERTY).is_violated());
        let other = Claim::Took { work: Name::new("task-2/file"), lasting: None };
        assert_eq!(owned().claim("b", other).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn whoever_comes_back_to_what_another_has_taken_meanwhile_works_on_it_as_a_second() {
        let story = took(took(Story::default(), "a", 1), "b", 9);
        let (events, message) = violation(calls(story, "a").judged_by(&PROPERTY));
        assert_eq!(events, [2, 3]);
        assert_eq!(message, "b owned task-1/file when a called ticketing.create for it");
    }

    #[test]
    fn a_lease_holds_up_to_its_last_moment() {
        assert!(took(took(Story::default(), "a", 2), "b", 2).judged_by(&PROPERTY).is_violated());
        let until_then = took(Story::default(), "a", 2).given("task-2");
        assert_eq!(calls(until_then, "b").judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_second_life_of_the_owner_is_the_owner() {
        let story = took(Story::default(), "a", 0).event("a", What::Started { incarnation: 1 });
        assert_eq!(calls(took(story.clone(), "a", 0), "a").judged_by(&PROPERTY), Verdict::Holds);
        assert!(calls(story, "b").judged_by(&PROPERTY).is_violated());
    }
}
