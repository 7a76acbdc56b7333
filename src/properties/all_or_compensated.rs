//! At the end of a run, either all effects of a task stand or none, or the person on call knows what is left.
//!
//! Judged on the ledgers at the end of the run, when faults have ended and the team has had its time: what is
//! half done then stays half done, whatever an agent claims. Applies only to tasks whose user has named what
//! undoes their effects.

use super::ledger::Ledger;
use crate::agent::{AgentEvent, CallOutcome, PersonEvent, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{Event, EventKind, EventKinds, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        super::ALL_OR_COMPENSATED,
        "a task's effects all stand or are all compensated, or the person on call was told what is left",
        judge,
    )
    .needs(kinds::UNDONE_BY)
}

/// A task, as its user knows it.
#[derive(Default)]
struct Task<'a> {
    intents: Vec<Name>,
    /// The event at which the user learnt how it ended, or the user's wait at the end of the run.
    user: Option<&'a Event<TeamEvent>>,
}

/// The kinds of events that it reads.
const READS: EventKinds = Ledger::READS
    .and(EventKinds::WAITING)
    .and(kinds::WANTED)
    .and(kinds::DEAD_LETTERED)
    .and(kinds::ANSWERED)
    .and(kinds::INFORMED);

fn judge(history: &TeamHistory) -> Verdict {
    if history.app_events_of(kinds::UNDONE_BY).next().is_none() {
        return Verdict::Vacuous;
    }
    let mut ledger = Ledger::default();
    let mut tasks: BTreeMap<Name, Task<'_>> = BTreeMap::new();
    let mut dead_lettered = BTreeSet::new();
    let mut refused = BTreeMap::new();
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Waiting { about, .. } => {
                tasks.entry(*about).and_modify(|task| task.user = Some(event));
            }
            EventKind::App(note) => {
                ledger.take_in(event, note);
                match note {
                    TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                        tasks.entry(*task).or_default().intents.push(*intent);
                    }
                    TeamEvent::Person(PersonEvent::DeadLetterRecorded { intent, .. }) => {
                        dead_lettered.insert(*intent);
                    }
                    TeamEvent::Agent(AgentEvent::Answered { intent, told: CallOutcome::Not(_), .. }) => {
                        refused.insert(*intent, event);
                    }
                    TeamEvent::User(UserEvent::Informed { report, .. }) => {
                        tasks.entry(report.task).and_modify(|task| task.user = Some(event));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    tasks.retain(|_, task| task.intents.iter().any(|intent| ledger.can_be_undone(*intent)));
    let mut verdict = Verdict::Vacuous;
    for (task, Task { intents, user }) in &tasks {
        if intents.iter().any(|intent| ledger.knows(*intent)) {
            verdict = Verdict::Holds;
        }
        let (there, missing): (Vec<Name>, Vec<Name>) =
            intents.iter().copied().partition(|intent| ledger.stands(*intent));
        let left: Vec<Name> = there.into_iter().filter(|intent| !dead_lettered.contains(intent)).collect();
        let (Some(last), Some(first_missing)) = (left.last(), missing.first()) else { continue };
        if let Some(too_soon) = cut_short(history) {
            return too_soon;
        }
        let remaining = left.iter().flat_map(|intent| ledger.remaining(*intent)).copied();
        let why = |intent: &Name| refused.get(intent).copied().or_else(|| ledger.undone(*intent));
        let because: Vec<_> = remaining.chain(missing.iter().filter_map(why)).chain(*user).collect();
        let message = format!(
            "{task} is left half done: {last} stands, {first_missing} does not, and the user was not told"
        );
        return Verdict::violated(&because, message);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Outcome;
    use crate::properties::testing::{Story, saga, violation, wanted};
    use perfidy_sim::RunEnd;

    fn informed(story: Story) -> Story {
        story.told("task-1", Outcome::Done)
    }

    #[test]
    fn everything_done_is_all() {
        let story = saga().effect("task-1/file", 1).effect("task-1/bill", 2);
        assert_eq!(informed(story).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_was_done_and_undone_is_nothing() {
        let story = saga().effect("task-1/file", 1).undo("task-1/file", 2);
        assert_eq!(informed(story).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_stands_alone_is_half_done_whatever_the_user_heard() {
        let story = saga().effect("task-1/file", 1);
        let (events, message) = violation(informed(story).judged_by(&property()));
        assert_eq!(events, [5, 6]);
        assert_eq!(
            message,
            "task-1 is left half done: task-1/file stands, task-1/bill does not, and the user was not told"
        );
        let (on, why, about) = (Name::new("coordinator"), Name::new("a report"), Name::new("task-1"));
        let story = saga().effect("task-1/file", 1).event("user", EventKind::Waiting { on, why, about });
        let story = story.event("world", EventKind::Ended(RunEnd::Deadline));
        assert_eq!(violation(story.judged_by(&property())).0, [5, 6], "it never ended, half way");
    }

    #[test]
    fn the_refusal_or_the_undoing_that_it_came_from_is_part_of_the_story() {
        let story = saga().effect("task-1/file", 1).refused("executor-1", "task-1/bill");
        assert_eq!(violation(informed(story).judged_by(&property())).0, [5, 6, 7]);
        let story = saga().effect("task-1/file", 1).undo("task-1/file", 2).effect("task-1/bill", 3);
        let (events, message) = violation(informed(story).judged_by(&property()));
        assert_eq!(events, [6, 7, 8]);
        assert!(message.contains("task-1/bill stands, task-1/file does not"), "{message}");
    }

    #[test]
    fn an_undoing_takes_back_one_effect_that_came_before_it() {
        let twice = saga().effect("task-1/file", 1).effect("task-1/file", 2).undo("task-1/file", 3);
        assert_eq!(violation(twice.judged_by(&property())).0, [5]);
        let too_soon = saga().undo("task-1/file", 1).effect("task-1/file", 2);
        assert_eq!(violation(too_soon.judged_by(&property())).0, [6]);
        let undone_twice = saga().effect("task-1/file", 1).undo("task-1/file", 2).undo("task-1/file", 3);
        assert_eq!(undone_twice.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_is_left_and_known_to_the_person_on_call_is_not_forgotten() {
        let story = saga().effect("task-1/file", 1).dead_lettered("task-1/file");
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
        let another = saga().effect("task-1/file", 1).dead_lettered("task-1/bill");
        assert!(another.judged_by(&property()).is_violated());
    }

    #[test]
    fn without_effects_or_without_a_way_back_there_is_nothing_to_judge() {
        assert_eq!(informed(saga()).judged_by(&property()), Verdict::Vacuous);
        let story = Story::default().given("task-1").effect("task-1/file", 1);
        assert_eq!(informed(story).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_half_way_leaves_it_unknown() {
        for story in saga().effect("task-1/file", 1).cut_short() {
            assert_eq!(story.judged_by(&property()).word(), "unknown");
        }
        for story in saga().effect("task-1/file", 1).effect("task-1/bill", 2).cut_short() {
            assert_eq!(story.judged_by(&property()), Verdict::Holds, "nothing was half done");
        }
    }

    #[test]
    fn the_last_that_stands_and_the_first_that_is_missing_are_named() {
        let story = ["ship", "thank"].into_iter().fold(saga(), |story, step| {
            let (task, intent) = (Name::new("task-1"), Name::new(&format!("task-1/{step}")));
            story.record_event("user", TeamEvent::User(wanted(task, intent)))
        });
        let story = story.effect("task-1/file", 1).effect("task-1/bill", 2);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [7, 8]);
        assert!(message.contains("task-1/bill stands, task-1/ship does not"), "{message}");
    }

    #[test]
    fn what_was_done_again_after_it_was_undone_stands() {
        let again = saga().effect("task-1/file", 1).undo("task-1/file", 2).effect("task-1/file", 3);
        assert_eq!(violation(again.clone().judged_by(&property())).0, [7]);
        assert_eq!(again.effect("task-1/bill", 4).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn only_tasks_with_a_way_back_promise_it() {
        let (task, mail) = (Name::new("task-2"), Name::new("task-2/mail"));
        let story = saga().given("task-2").record_event("user", TeamEvent::User(wanted(task, mail)));
        assert_eq!(story.effect("task-2/mail", 1).judged_by(&property()), Verdict::Vacuous);
        let [intent, tool, operation] = ["task-2/file", "ticketing", "withdraw"].map(Name::new);
        let both = saga()
            .given("task-2")
            .record_event("user", TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }));
        assert!(both.effect("task-1/file", 1).judged_by(&property()).is_violated());
    }

    #[test]
    fn only_who_waits_for_the_task_itself_is_part_of_the_story() {
        let (on, why, about) = (Name::new("coordinator"), Name::new("a report"), Name::new("task-2"));
        let story = saga().effect("task-1/file", 1).event("user", EventKind::Waiting { on, why, about });
        let story = story.told("task-2", Outcome::Done);
        assert_eq!(violation(story.judged_by(&property())).0, [5]);
    }
}
