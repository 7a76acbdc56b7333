//! No agent panics, runs on without ever waiting, floods the world with messages, or sends one to a node that
//! does not exist.
//!
//! A misspelt name would otherwise look like a receiver that never answers. A model can name an agent that
//! does not exist (the fault `unknown-target`); in such runs no receiver is held against the sender.
//!
//! Each violation needs its own evidence. A run that only reached one of its limits was perhaps too large for
//! it: then the verdict is unknown.

use crate::agent::UNKNOWN_TARGET;
use crate::config::problem::nearest;
use crate::properties::{Property, TeamHistory, Verdict, WELL_BEHAVED, cut_short, flood};
use perfidy_sim::{Action, EventKind, EventKinds, Loss, RunEnd};

/// The property, for the shipped suite.
pub fn property() -> Property {
    let about =
        "no agent panics, spins without waiting, floods the network, or sends to a node that is not there";
    Property::new(WELL_BEHAVED, about, judge)
}

fn judge(history: &TeamHistory) -> Verdict {
    let Some(last) = history.events().last() else { return Verdict::Vacuous };
    let EventKind::Ended(stop) = last.what else { return Verdict::Vacuous };
    match stop {
        RunEnd::Finished | RunEnd::Quiescent | RunEnd::Deadline => {
            flood::of_one_message(history).or_else(|| sent_nowhere(history)).unwrap_or(Verdict::Holds)
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

/// A message to a node that does not exist, unless a model has made a name up.
fn sent_nowhere(history: &TeamHistory) -> Option<Verdict> {
    let is_nowhere = |kind: &EventKind<_>| matches!(kind, EventKind::Lost { why: Loss::NoSuchNode, .. });
    let lost = history.events_of(EventKinds::LOST).find(|event| is_nowhere(&event.what))?;
    let is_made_up = |kind: &EventKind<_>| match kind {
        EventKind::Injected(fault) => {
            matches!(fault.action, Action::Custom { word, .. } if word.as_str() == UNKNOWN_TARGET)
        }
        _ => false,
    };
    if history.events_of(EventKinds::INJECTED).any(|event| is_made_up(&event.what)) {
        return None;
    }
    let EventKind::Lost { from, kind, .. } = &lost.what else { return None };
    let started = history.events_of(EventKinds::STARTED);
    let nodes: Vec<&str> = started.map(|event| event.node.as_str()).collect();
    let instead = nearest(lost.node.as_str(), &nodes).map(|name| format!("; did you mean `{name}`?"));
    let message = format!(
        "{from} sent {kind} to `{}`, a node that does not exist{}",
        lost.node,
        instead.unwrap_or_default()
    );
    Some(Verdict::violated(&[lost], message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::{Fault, Name};

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

    /// The lead sends a message to a node that does not exist.
    fn sent_nowhere(story: Story) -> Verdict {
        let [from, kind, about] = ["lead", "order", "task-1"].map(Name::new);
        let lost = EventKind::Lost { from, kind, about, why: Loss::NoSuchNode };
        let started = EventKind::Started { incarnation: 0 };
        let story = story.event("worker-1", started).event("wroker-1", lost);
        story.event("world", EventKind::Ended(RunEnd::Finished)).judged_by(&property())
    }

    #[test]
    fn a_message_to_a_node_that_does_not_exist_is_shown_with_the_nearest_name() {
        let (events, message) = violation(sent_nowhere(Story::default()));
        let expected = "lead sent order to `wroker-1`, a node that does not exist; did you mean `worker-1`?";
        assert_eq!((events, message.as_str()), (vec![2], expected));
    }

    #[test]
    fn a_name_that_a_model_has_made_up_is_not_held_against_the_sender() {
        let at = "desk, handoff, task-1, try 1".parse().expect("it is an address");
        let action = Action::of_word(Name::new(UNKNOWN_TARGET));
        let made_up = EventKind::Injected(Box::new(Fault { at, action }));
        assert_eq!(sent_nowhere(Story::default().event("desk", made_up)), Verdict::Holds);
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
