//! No task takes more turns of a model than its user allows.
//!
//! A turn is one call of a model with a transcript, also one that got no reply: it is paid for, and it takes
//! its time. A loop without a limit is ended by no single step of it. Turns of work on a step of a task are
//! turns of the task, whichever agent takes them.

use crate::agent::{AgentEvent, TeamEvent, UserEvent, kinds};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::Lookup;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "bounded-turns",
        "no task takes more turns of a model than its user allows",
        Bound::by_steps("turns", AtMost::Count(60)),
        judge,
    )
    .needs(kinds::CHATTED)
}

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let mut turns = Lookup::default();
    let mut task_of = Lookup::default();
    for (event, note) in history.app_events_of(kinds::CHATTED.and(kinds::WANTED)) {
        let task = match note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                task_of.insert(*intent, *task);
                continue;
            }
            TeamEvent::Agent(AgentEvent::Chatted { task, .. }) => {
                task_of.get(*task).copied().unwrap_or(*task)
            }
            _ => continue,
        };
        let (count, first) = turns.get_or_insert_with(task, || (0, event));
        *count += 1;
        if *count > at_most {
            let message = format!("{task} took {count} turns of a model; at most {at_most} were asked for");
            return Verdict::violated(&[*first, event], message);
        }
    }
    if turns.is_empty() { Verdict::Vacuous } else { Verdict::Holds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    fn asked() -> Story {
        Story::default().bounded(property().name, 2)
    }

    #[test]
    fn as_many_turns_as_were_asked_for_are_not_too_many() {
        let story = asked().chats("task-1", &[]).chats("task-2", &[]).chats("task-1", &[]);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_turn_more_is_too_many_also_if_it_gets_no_reply() {
        let story = asked().chats("task-1", &[]).chats("task-1", &[]).chats_in_vain("task-1", &[]);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "task-1 took 3 turns of a model; at most 2 were asked for");
    }

    #[test]
    fn turns_for_a_step_are_turns_of_its_task_whichever_agent_takes_them() {
        let story = asked().given("task-1").chats("task-1", &[]).chats_as("worker-1", "task-1/file", &[]);
        let story = story.chats_as("worker-2", "task-1/file", &[]);
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "task-1 took 3 turns of a model; at most 2 were asked for");
    }

    #[test]
    fn without_a_turn_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(asked().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().chats("task-1", &[]).judged_by(&property()), Verdict::Vacuous);
    }
}
