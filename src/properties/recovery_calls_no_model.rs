//! A restarted agent does not ask its model again for an answer that it had acted on.
//!
//! An answer that had led to no action before the crash may be asked for again: it cannot be distinguished
//! from one that never came. An action is a message about the question, or a tool call for it. The second of
//! two overlapping incarnations is not a restart. Teams that ask again for every try only pay more, so this
//! is judged only in cases that ask for it.

use crate::agent::{AgentEvent, TeamEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "recovery-calls-no-model",
        "a restarted agent does not call its model again for a completion that it had acted on",
        Bound::of("again", AtMost::Count(0)),
        judge,
    )
    .needs(EventKinds::CRASHED.and(kinds::COMPLETED))
}

/// An answer of a model: when it came, and its effects.
#[derive(Clone, Copy)]
struct Answer<'a> {
    thought: &'a Event<TeamEvent>,
    acted: Option<&'a Event<TeamEvent>>,
    /// How many times its agent had crashed before.
    crashes: u32,
}

/// The incarnations of an agent: the number of crashes, and how many answers it has acted on in this
/// incarnation and in earlier ones.
#[derive(Default)]
struct Incarnations {
    crashes: u32,
    acted_on: u32,
    binding: u32,
}

/// The kinds of events that it reads.
const READS: EventKinds = EventKinds::CRASHED
    .and(EventKinds::STARTED)
    .and(EventKinds::SENT)
    .and(kinds::CALLED)
    .and(kinds::COMPLETED);

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut answers: Lookup<(Name, Name), Answer<'_>> = Lookup::default();
    let mut incarnations: BTreeMap<Name, Incarnations> = BTreeMap::new();
    let mut again = 0;
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        let node = event.node;
        match &event.what {
            EventKind::Crashed { .. } => {
                let incarnations = incarnations.entry(node).or_default();
                incarnations.crashes += 1;
                incarnations.binding += std::mem::take(&mut incarnations.acted_on);
            }
            EventKind::Started { .. }
                if incarnations.get(&node).is_some_and(|incarnations| incarnations.binding > 0) =>
            {
                verdict = Verdict::Holds;
            }
            EventKind::Sent { about, .. }
            | EventKind::App(TeamEvent::Agent(AgentEvent::Called { intent: about, .. })) => {
                let Some(answer) = answers.get_mut((node, *about)).filter(|answer| answer.acted.is_none())
                else {
                    continue;
                };
                let incarnations = incarnations.entry(node).or_default();
                if answer.crashes == incarnations.crashes {
                    answer.acted = Some(event);
                    incarnations.acted_on += 1;
                }
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Completed { about, .. })) => {
                let incarnations = incarnations.entry(node).or_default();
                let answer = Answer { thought: event, acted: None, crashes: incarnations.crashes };
                let earlier = answers.insert((node, *about), answer);
                if let Some(Answer { thought, acted: Some(acted), crashes }) = earlier {
                    if crashes == incarnations.crashes {
                        incarnations.acted_on -= 1;
                        continue;
                    }
                    incarnations.binding -= 1;
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
    use crate::properties::testing::{Story, called, completed, number, violation};

    fn asked() -> Story {
        Story::default().bounded(property().name, 0)
    }

    fn thinks(story: Story) -> Story {
        let about = Name::new("task-1/file");
        story.note("worker", TeamEvent::Agent(completed(about)))
    }

    fn calls(story: Story) -> Story {
        let call = ["ticketing", "create", "task-1/file"].map(Name::new);
        story.note("worker", TeamEvent::Agent(called(call, OpId(1))))
    }

    fn comes_back(story: Story) -> Story {
        story.dies("worker").event("worker", EventKind::Started { incarnation: 1 })
    }

    #[test]
    fn an_answer_that_was_acted_on_and_is_known_after_a_crash_is_not_asked_for_again() {
        let story = calls(comes_back(calls(thinks(asked()))));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn to_ask_again_what_was_acted_on_is_to_pay_again() {
        let story = thinks(comes_back(calls(thinks(asked()))));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3, 6]);
        assert_eq!(message, "worker came back and asked its model about task-1/file again");
    }

    #[test]
    fn an_answer_that_led_to_nothing_may_be_asked_for_again() {
        let story = thinks(comes_back(thinks(asked())));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn to_ask_twice_in_one_life_is_another_matter() {
        let story = thinks(calls(thinks(asked())));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn where_it_is_not_asked_for_it_is_not_judged() {
        let story = thinks(comes_back(calls(thinks(Story::default()))));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn one_answer_that_was_acted_on_is_enough_to_judge() {
        let about = Name::new("task-2/file");
        let other = TeamEvent::Agent(completed(about));
        let story = comes_back(calls(thinks(asked().note("worker", other))));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn who_never_comes_back_has_nothing_to_ask() {
        let story = calls(thinks(asked())).dies("worker");
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_second_life_that_begins_beside_the_first_has_not_come_back() {
        let story = calls(thinks(asked())).event("worker", EventKind::Started { incarnation: 1 });
        assert_eq!(
            thinks(story).judged_by(&property()),
            Verdict::Vacuous,
            "either of the two may have asked"
        );
    }

    #[test]
    fn to_send_something_about_a_question_is_to_act_on_its_answer() {
        let sends = |story: Story, about: &str| {
            let [to, kind, about] = ["coordinator", "a word", about].map(Name::new);
            story.event("worker", EventKind::Sent { to, kind, about, content: number(0) })
        };
        let story = thinks(comes_back(sends(thinks(asked()), "task-1/file")));
        assert!(story.judged_by(&property()).is_violated());
        let story = thinks(comes_back(sends(thinks(asked()), "task-2/file")));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
        let story = sends(sends(thinks(asked()), "task-1/file"), "task-1/file");
        let (events, _) = violation(thinks(comes_back(story)).judged_by(&property()));
        assert_eq!(events, [2, 3, 7], "the first thing it led to is shown");
    }

    #[test]
    fn what_is_done_only_in_the_next_life_shows_that_nothing_was_lost() {
        let story = thinks(comes_back(calls(comes_back(thinks(asked())))));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn each_agent_dies_for_itself() {
        let story =
            calls(thinks(asked())).dies("verifier").event("verifier", EventKind::Started { incarnation: 1 });
        assert_eq!(thinks(story).judged_by(&property()), Verdict::Vacuous);
        let story =
            calls(thinks(asked())).dies("worker").event("verifier", EventKind::Started { incarnation: 0 });
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn as_often_as_was_asked_for_is_not_too_often() {
        let again = |story: Story| thinks(comes_back(calls(story)));
        let once = again(thinks(Story::default().bounded(property().name, 1)));
        assert_eq!(once.clone().judged_by(&property()), Verdict::Holds);
        assert_eq!(violation(again(once).judged_by(&property())).0, [6, 7, 10]);
    }
}
