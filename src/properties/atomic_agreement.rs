//! In a transaction, everything happens or nothing, and its user hears which of the two.
//!
//! A task is a transaction if its agents were asked to [prepare](Purpose::Prepare) it. Judged on the ledgers
//! at the end of the run, when faults have ended and the team has had its time, and on what the user was
//! told. Participants that wait for a decision, so that nothing has happened yet, break no promise of this
//! property: they are blocked, and the task has not ended (`eventual-termination`).

use super::ledger::Ledger;
use crate::agent::{Outcome, Purpose, TeamEvent, UserEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict, cut_short};
use perfidy_sim::{Event, EventKind, EventKinds, Name};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "atomic-agreement",
        "the effects of a transaction all happen or none, as its user is told",
        judge,
    )
    .needs(kinds::purpose(Purpose::Prepare))
}

/// The kinds of events that it reads.
const READS: EventKinds = Ledger::READS
    .and(EventKinds::WAITING)
    .and(kinds::INFORMED)
    .and(kinds::purpose(Purpose::Prepare))
    .and(kinds::purpose(Purpose::Commit))
    .and(kinds::purpose(Purpose::Cancel));

/// A task, as its user and its participants know it.
#[derive(Default)]
struct Transaction<'a> {
    is_prepared: bool,
    intents: Vec<Name>,
    /// The event at which the user learnt how it ended, or the user's wait at the end of the run.
    user: Option<&'a Event<TeamEvent>>,
    has_failed: bool,
    /// The first commit and the first abort that arrived.
    commit: Option<&'a Event<TeamEvent>>,
    abort: Option<&'a Event<TeamEvent>>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut ledger = Ledger::default();
    let mut transactions: BTreeMap<Name, Transaction<'_>> = BTreeMap::new();
    for event in history.events_of(READS) {
        if let Some(note) = event.app_event() {
            ledger.take_in(event, note);
        }
        take_in(&mut transactions, event);
    }
    let mut verdict = Verdict::Vacuous;
    for (task, transaction) in transactions.iter().filter(|(_, one)| one.is_prepared) {
        let (done, missing): (Vec<Name>, Vec<Name>) =
            transaction.intents.iter().copied().partition(|intent| ledger.stands(*intent));
        if !done.is_empty() || transaction.has_failed {
            verdict = Verdict::Holds;
        }
        let Some(last) = done.last() else { continue };
        let message = match missing.first() {
            Some(missing) => {
                if let Some(too_soon) = cut_short(history) {
                    return too_soon;
                }
                format!("{task} was carried out in part: {last} happened, {missing} did not")
            }
            None if transaction.has_failed => {
                format!("the user was told that {task} failed, and all of it happened")
            }
            None => continue,
        };
        let decided = [transaction.commit, transaction.abort].into_iter().flatten();
        let effects = done.iter().flat_map(|intent| ledger.remaining(*intent)).copied();
        let mut because: Vec<_> = decided.chain(effects).chain(transaction.user).collect();
        because.sort_by_key(|event| event.id);
        return Verdict::violated(&because, message);
    }
    verdict
}

fn take_in<'a>(transactions: &mut BTreeMap<Name, Transaction<'a>>, event: &'a Event<TeamEvent>) {
    match &event.what {
        EventKind::Sent { about, content, .. } if content.is_for(Purpose::Prepare) => {
            transactions.entry(*about).or_default().is_prepared = true;
        }
        EventKind::Delivered { about, content, .. } if content.is_for(Purpose::Commit) => {
            transactions.entry(*about).or_default().commit.get_or_insert(event);
        }
        EventKind::Delivered { about, content, .. } if content.is_for(Purpose::Cancel) => {
            transactions.entry(*about).or_default().abort.get_or_insert(event);
        }
        EventKind::Waiting { about, .. } => {
            transactions.entry(*about).and_modify(|transaction| transaction.user = Some(event));
        }
        EventKind::App(TeamEvent::User(UserEvent::Wanted { task, intent, .. })) => {
            transactions.entry(*task).or_default().intents.push(*intent);
        }
        EventKind::App(TeamEvent::User(UserEvent::Informed { report, .. })) => {
            let transaction = transactions.entry(report.task).or_default();
            transaction.user = Some(event);
            transaction.has_failed = report.outcome != Outcome::Done;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, violation, wanted};

    /// A task of two steps that one participant was asked to prepare: three events.
    fn transaction() -> Story {
        let story = ["file", "bill"].into_iter().fold(Story::default(), |story, step| {
            let (task, intent) = (Name::new("task-1"), Name::new(&format!("task-1/{step}")));
            story.record_event("user", TeamEvent::User(wanted(task, intent)))
        });
        story.sends(("coordinator", "participant-1"), "task-1", Headers::of(Purpose::Prepare))
    }

    fn told(story: Story, participant: &str, purpose: Purpose) -> Story {
        story.tells(("coordinator", participant), "task-1", Headers::of(purpose))
    }

    #[test]
    fn everything_or_nothing_is_what_was_promised() {
        let all = transaction().effect("task-1/file", 1).effect("task-1/bill", 2);
        assert_eq!(all.told("task-1", Outcome::Done).judged_by(&property()), Verdict::Holds);
        let nothing = transaction().told("task-1", Outcome::Failed);
        assert_eq!(nothing.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_part_is_neither_and_the_decisions_that_were_told_are_shown() {
        let story = told(transaction(), "participant-1", Purpose::Commit).effect("task-1/file", 1);
        let story = told(story, "participant-2", Purpose::Cancel).told("task-1", Outcome::Failed);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [5, 6, 8, 9]);
        assert_eq!(message, "task-1 was carried out in part: task-1/file happened, task-1/bill did not");
    }

    #[test]
    fn a_user_who_is_told_that_it_failed_has_none_of_it() {
        let story = transaction().effect("task-1/file", 1).effect("task-1/bill", 2);
        let (events, message) = violation(story.told("task-1", Outcome::Failed).judged_by(&property()));
        assert_eq!(events, [4, 5, 6]);
        assert_eq!(message, "the user was told that task-1 failed, and all of it happened");
    }

    #[test]
    fn a_part_at_the_end_of_the_run_is_a_part_also_if_nobody_has_reported() {
        let story = transaction().effect("task-1/bill", 1);
        assert_eq!(violation(story.judged_by(&property())).0, [4]);
        for story in transaction().effect("task-1/bill", 1).cut_short() {
            assert_eq!(story.judged_by(&property()).word(), "unknown");
        }
    }

    #[test]
    fn while_all_wait_for_the_decision_there_is_nothing_to_judge() {
        assert_eq!(transaction().judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_task_that_nobody_prepares_promises_nothing() {
        let story = Story::default().given("task-1").effect("task-1/file", 1);
        assert_eq!(story.told("task-1", Outcome::Failed).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_task_of_which_only_another_was_prepared_is_no_transaction() {
        for purpose in [Purpose::Commit, Purpose::Cancel] {
            let (task, intent) = (Name::new("task-2"), Name::new("task-2/file"));
            let story = transaction().record_event("user", TeamEvent::User(wanted(task, intent)));
            let story = story.record_event("user", TeamEvent::User(wanted(task, Name::new("task-2/bill"))));
            let story = story.tells(("coordinator", "participant-1"), "task-2", Headers::of(purpose));
            let story = story.effect("task-2/file", 1);
            assert_eq!(story.judged_by(&property()), Verdict::Vacuous, "{purpose:?}");
        }
    }

    #[test]
    fn a_request_to_prepare_is_not_shown_as_a_decision() {
        let prepare = Headers::of(Purpose::Prepare);
        let story = transaction().tells(("coordinator", "participant-2"), "task-1", prepare);
        assert_eq!(violation(story.effect("task-1/file", 1).judged_by(&property())).0, [6]);
    }

    #[test]
    fn a_user_that_waits_in_vain_is_shown() {
        let [on, why, about] = ["coordinator", "a report", "task-1"].map(Name::new);
        let story = transaction().event("user", EventKind::Waiting { on, why, about });
        assert_eq!(violation(story.effect("task-1/file", 1).judged_by(&property())).0, [4, 5]);
    }
}
