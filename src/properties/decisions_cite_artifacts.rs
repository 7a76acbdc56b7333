//! Every tool call is based on an artifact that an agent made, and so is everything that artifact was made
//! from.
//!
//! The headers of a call name its artifact (provenance), and the history contains every artifact that a model
//! made. A wrong summary has another identity than any artifact that was made. A chain of artifacts that
//! begins with one is invalid, however correct its later links are.

use crate::agent::{AgentEvent, ArtifactId, TeamEvent, kinds};
use crate::properties::wire::{Call, call};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "decisions-cite-artifacts",
        "every decision rests on artifacts that exist, along the whole chain",
        judge,
    )
    .needs(kinds::CALLED.and(kinds::PROVENANCE))
}

/// The event that made an artifact for an intent, and what it was made from.
type Made<'a> = Lookup<(Name, ArtifactId), (&'a Event<TeamEvent>, Option<ArtifactId>)>;

/// The kinds of events that it reads.
const READS: EventKinds = kinds::PRODUCED.and(kinds::PROVENANCE);

fn judge(history: &TeamHistory) -> Verdict {
    let mut made = Made::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        if let Some(TeamEvent::Agent(AgentEvent::Produced { intent, artifact, from })) = event.app_event() {
            made.get_or_insert_with((*intent, *artifact), || (event, *from));
        } else if let Some(Call { called, intent, headers }) = call(history, event)
            && let Some(on) = headers.provenance
        {
            verdict = Verdict::Holds;
            if let Some(flaw) = flaw(&made, intent, on) {
                let because: Vec<_> = flaw.made_from_it.into_iter().chain([called]).collect();
                return Verdict::violated(&because, flaw.in_words(called, intent, on));
            }
        }
    }
    verdict
}

/// The flaw in the provenance of a decision.
struct Flaw<'a> {
    never_made: ArtifactId,
    made_from_it: Option<&'a Event<TeamEvent>>,
}

/// Follows an artifact back to one that was made from nothing. A circular chain never gets there, which is a
/// flaw too.
fn flaw<'a>(made: &Made<'a>, intent: Name, on: ArtifactId) -> Option<Flaw<'a>> {
    let mut made_from_it = None;
    let mut artifact = on;
    for _ in 0..=made.len() {
        let Some((event, from)) = made.get((intent, artifact)) else { break };
        let Some(from) = from else { return None };
        (made_from_it, artifact) = (Some(*event), *from);
    }
    Some(Flaw { never_made: artifact, made_from_it })
}

impl Flaw<'_> {
    fn in_words(&self, decided: &Event<TeamEvent>, intent: Name, on: ArtifactId) -> String {
        let who = decided.node;
        match self.made_from_it {
            None => format!("{who} acted on {intent} going by {on}, which was never made"),
            Some(made) => format!(
                "{who} acted on {intent} going by {on}, which rests on {} that {} worked from and that was never made",
                self.never_made, made.node
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Purpose};
    use crate::properties::testing::{Story, violation};

    fn id(number: u64) -> ArtifactId {
        ArtifactId(number << 48)
    }

    fn made(story: Story, node: &str, intent: &str, artifact: u64, from: Option<u64>) -> Story {
        let (artifact, from) = (id(artifact), from.map(id));
        story.record_event(
            node,
            TeamEvent::Agent(AgentEvent::Produced { intent: Name::new(intent), artifact, from }),
        )
    }

    fn resting_on(artifact: u64) -> Headers {
        Headers { provenance: Some(id(artifact)), ..Headers::NONE }
    }

    /// A tool call based on an artifact, two events in all.
    fn acted(story: Story, on: u64) -> Story {
        story.calls("actor", "task-1/file", resting_on(on))
    }

    fn brief() -> Story {
        made(Story::default(), "lead", "task-1/file", 1, None)
    }

    #[test]
    fn a_call_on_work_made_from_work_rests_on_something() {
        let story = made(brief(), "link-1", "task-1/file", 2, Some(1));
        assert_eq!(acted(story, 2).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_on_what_no_agent_made_does_not() {
        let (events, message) = violation(acted(brief(), 9).judged_by(&property()));
        assert_eq!(events, [2]);
        assert_eq!(message, "actor acted on task-1/file going by artifact 0009, which was never made");
    }

    #[test]
    fn neither_does_one_on_work_made_from_it() {
        let story = made(brief(), "link-1", "task-1/file", 2, Some(9));
        let story = made(story, "link-2", "task-1/file", 3, Some(2));
        let (events, message) = violation(acted(story, 3).judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(
            message,
            "actor acted on task-1/file going by artifact 0003, which rests on artifact 0009 that link-1 \
             worked from and that was never made"
        );
    }

    #[test]
    fn work_made_for_something_else_or_only_later_does_not_count() {
        let other = made(Story::default(), "lead", "task-2/file", 1, None);
        assert_eq!(violation(acted(other, 1).judged_by(&property())).0, [2]);
        let late = made(acted(Story::default(), 1), "lead", "task-1/file", 1, None);
        assert_eq!(violation(late.judged_by(&property())).0, [1]);
        let ground_late = made(Story::default(), "link-1", "task-1/file", 2, Some(1));
        let ground_late = made(acted(ground_late, 2), "lead", "task-1/file", 1, None);
        assert_eq!(violation(ground_late.judged_by(&property())).0, [1, 2]);
    }

    #[test]
    fn work_made_from_itself_rests_on_nothing() {
        let circle = made(Story::default(), "link-1", "task-1/file", 1, Some(2));
        let circle = made(circle, "link-2", "task-1/file", 2, Some(1));
        assert!(acted(circle, 2).judged_by(&property()).is_violated());
        let of_one = made(Story::default(), "link-1", "task-1/file", 1, Some(1));
        assert_eq!(violation(acted(of_one, 1).judged_by(&property())).0, [1, 2]);
    }

    #[test]
    fn without_calls_that_rest_on_work_there_is_nothing_to_judge() {
        assert_eq!(brief().judged_by(&property()), Verdict::Vacuous);
        let without = brief().calls("actor", "task-1/file", Headers::NONE);
        assert_eq!(without.judged_by(&property()), Verdict::Vacuous);
        let order = Headers { purpose: Some(Purpose::Order), ..resting_on(9) };
        let message = brief().tells(("link-1", "actor"), "task-1/file", order);
        assert_eq!(message.judged_by(&property()), Verdict::Vacuous, "a message is no call");
    }

    #[test]
    fn each_call_is_judged_by_itself() {
        let story = acted(acted(brief(), 1), 9);
        assert_eq!(violation(story.judged_by(&property())).0, [4]);
        let story = acted(brief(), 1).calls("actor", "task-2/file", resting_on(1));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [4]);
        assert!(message.contains("task-2/file going by artifact 0001"), "{message}");
    }

    #[test]
    fn work_made_twice_counts_as_it_was_made_first() {
        let first_from_nothing = made(brief(), "link-1", "task-1/file", 1, Some(9));
        assert_eq!(acted(first_from_nothing, 1).judged_by(&property()), Verdict::Holds);
    }
}
