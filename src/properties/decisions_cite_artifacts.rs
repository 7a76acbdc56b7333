//! Every decision rests on a piece of work that somebody made, and so does everything that piece was made from.
//!
//! What was retold wrongly has another identity than what was made: nobody made it. A chain of good work that begins with
//! it is built on nothing, however good its links.

use crate::agent::{ArtifactId, Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "decisions-cite-artifacts",
    promise: "every decision rests on work that somebody made, all the way back",
    bound: None,
    judge,
};

/// Who made a piece of work for what, and from what.
type Made<'a> = BTreeMap<(Name, ArtifactId), (&'a Event<Note>, Option<ArtifactId>)>;

fn judge(history: &TeamHistory) -> Verdict {
    let mut made = Made::new();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.notes() {
        match *note {
            Note::Produced { intent, artifact, from } => {
                made.entry((intent, artifact)).or_insert((event, from));
            }
            Note::Claimed(Claim::Decided { intent, on }) => {
                verdict = Verdict::Holds;
                if let Some(flaw) = flaw(&made, intent, on) {
                    let because: Vec<_> = flaw.made_from_it.into_iter().chain([event]).collect();
                    return Verdict::violated(&because, flaw.in_words(event, intent, on));
                }
            }
            _ => {}
        }
    }
    verdict
}

/// What is wrong with the ground of a decision.
struct Flaw<'a> {
    nobody_made: ArtifactId,
    made_from_it: Option<&'a Event<Note>>,
}

/// Follows a piece of work back to the one made from nothing. One that was made from itself, in a circle, never gets
/// there and is no ground either.
fn flaw<'a>(made: &Made<'a>, intent: Name, on: ArtifactId) -> Option<Flaw<'a>> {
    let mut made_from_it = None;
    let mut artifact = on;
    for _ in 0..=made.len() {
        let Some((event, from)) = made.get(&(intent, artifact)) else { break };
        let Some(from) = from else { return None };
        (made_from_it, artifact) = (Some(*event), *from);
    }
    Some(Flaw { nobody_made: artifact, made_from_it })
}

impl Flaw<'_> {
    fn in_words(&self, decided: &Event<Note>, intent: Name, on: ArtifactId) -> String {
        let who = decided.node;
        match self.made_from_it {
            None => format!("{who} decided on {intent} going by {on}, which nobody made"),
            Some(made) => format!(
                "{who} decided on {intent} going by {on}, which rests on {} that {} worked from and nobody made",
                self.nobody_made, made.node
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    fn id(number: u64) -> ArtifactId {
        ArtifactId(number << 48)
    }

    fn made(story: Story, node: &str, intent: &str, artifact: u64, from: Option<u64>) -> Story {
        let (artifact, from) = (id(artifact), from.map(id));
        story.note(node, Note::Produced { intent: Name::new(intent), artifact, from })
    }

    fn decided(story: Story, on: u64) -> Story {
        story.claim("actor", Claim::Decided { intent: Name::new("task-1/file"), on: id(on) })
    }

    fn brief() -> Story {
        made(Story::default(), "lead", "task-1/file", 1, None)
    }

    #[test]
    fn a_decision_on_work_made_from_work_rests_on_something() {
        let story = made(brief(), "link-1", "task-1/file", 2, Some(1));
        assert_eq!(decided(story, 2).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_decision_on_what_nobody_made_does_not() {
        let (events, message) = violation(decided(brief(), 9).judged_by(&PROPERTY));
        assert_eq!(events, [2]);
        assert_eq!(message, "actor decided on task-1/file going by artifact 0009, which nobody made");
    }

    #[test]
    fn neither_does_one_on_work_made_from_it() {
        let story = made(brief(), "link-1", "task-1/file", 2, Some(9));
        let story = made(story, "link-2", "task-1/file", 3, Some(2));
        let (events, message) = violation(decided(story, 3).judged_by(&PROPERTY));
        assert_eq!(events, [2, 4]);
        assert_eq!(
            message,
            "actor decided on task-1/file going by artifact 0003, which rests on artifact 0009 that link-1 worked \
             from and nobody made"
        );
    }

    #[test]
    fn work_made_for_something_else_or_only_later_does_not_count() {
        let other = made(Story::default(), "lead", "task-2/file", 1, None);
        assert!(decided(other, 1).judged_by(&PROPERTY).is_violated());
        let late = made(decided(Story::default(), 1), "lead", "task-1/file", 1, None);
        assert!(late.judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn work_made_from_itself_rests_on_nothing() {
        let circle = made(Story::default(), "link-1", "task-1/file", 1, Some(2));
        let circle = made(circle, "link-2", "task-1/file", 2, Some(1));
        assert!(decided(circle, 2).judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn without_decisions_there_is_nothing_to_judge() {
        assert_eq!(brief().judged_by(&PROPERTY), Verdict::Vacuous);
    }
}
