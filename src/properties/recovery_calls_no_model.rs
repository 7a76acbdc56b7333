//! An agent that comes back does not ask its model again what it had acted on.
//!
//! An answer that had led to nothing when its agent died may be asked for again: nobody could tell it from one that
//! never came. Acting is to send something about the question, or to call a tool for it. Teams that think again for
//! every try are no worse for it but in what they pay, so this is judged where somebody asks for it.

use crate::agent::Note;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name, What};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "recovery-calls-no-model",
    promise: "an agent that comes back does not ask its model again what it had acted on",
    bound: Some(Bound { key: "again", usual: AtMost::Count(0) }),
    judge,
};

/// An answer of a model: when it came, and what it led to.
#[derive(Clone, Copy)]
struct Answer<'a> {
    thought: &'a Event<Note>,
    acted: Option<&'a Event<Note>>,
    is_of_earlier_life: bool,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut answers: BTreeMap<(Name, Name), Answer<'_>> = BTreeMap::new();
    let Some(at_most) = PROPERTY.asked_for(history) else { return Verdict::Vacuous };
    let mut again = 0;
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        let node = event.node;
        match &event.what {
            What::Started { incarnation } if *incarnation > 0 => {
                for (_, answer) in
                    answers.range_mut((node, Name::new(""))..).take_while(|((of, _), _)| *of == node)
                {
                    answer.is_of_earlier_life = true;
                    if answer.acted.is_some() {
                        verdict = Verdict::Holds;
                    }
                }
            }
            What::Sent { about, .. } | What::Note(Note::Called { intent: about, .. }) => {
                if let Some(answer) =
                    answers.get_mut(&(node, *about)).filter(|answer| !answer.is_of_earlier_life)
                {
                    answer.acted.get_or_insert(event);
                }
            }
            What::Note(Note::Thought { about, .. }) => {
                let answer = Answer { thought: event, acted: None, is_of_earlier_life: false };
                let earlier = answers.insert((node, *about), answer);
                if let Some(Answer { thought, acted: Some(acted), is_of_earlier_life: true }) = earlier {
                    again += 1;
                    if again > at_most {
                        let message = format!("{node} came back and asked its model about {about} again");
                        return Verdict::violated(&[thought, acted, event], message);
                    }
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
    use crate::agent::OpId;
    use crate::properties::testing::{Story, violation};

    fn asked() -> Story {
        Story::default().note("user", Note::Bound { property: Name::new(PROPERTY.name), at_most: 0 })
    }

    fn thinks(story: Story) -> Story {
        let about = Name::new("task-1/file");
        story.note("worker", Note::Thought { about, choice: 1, tokens_in: 9, tokens_out: 9 })
    }

    fn calls(story: Story) -> Story {
        let [tool, operation, intent] = ["ticketing", "create", "task-1/file"].map(Name::new);
        story.note("worker", Note::Called { tool, operation, intent, op: OpId(1) })
    }

    fn starts(story: Story, incarnation: u32) -> Story {
        story.event("worker", What::Started { incarnation })
    }

    #[test]
    fn an_answer_that_was_acted_on_and_is_known_after_a_crash_is_not_asked_for_again() {
        let story = calls(starts(calls(thinks(starts(asked(), 0))), 1));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn to_ask_again_what_was_acted_on_is_to_pay_again() {
        let story = thinks(starts(calls(thinks(asked())), 1));
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [2, 3, 5]);
        assert_eq!(message, "worker came back and asked its model about task-1/file again");
    }

    #[test]
    fn an_answer_that_led_to_nothing_may_be_asked_for_again() {
        let story = thinks(starts(thinks(asked()), 1));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn to_ask_twice_in_one_life_is_another_matter() {
        let story = thinks(calls(thinks(asked())));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn where_nobody_asks_for_it_it_is_not_judged() {
        let story = thinks(starts(calls(thinks(Story::default())), 1));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }
}
