//! No call vanishes: each was answered, was tried again until it was, or is known to the person on call.
//!
//! A call is what an agent wanted of a tool, however often and by whomever it was tried. It is accounted for if some try
//! was told that it is done; if the person on call has taken it down; or if it was refused for good and its user has
//! heard that the task failed, which says as much. A refused *undoing* is another matter: nothing that the user hears
//! says that something was left behind. Calls of a task of whose end the user has not heard may still be tried
//! again, and where nobody is on call nothing is promised.

use super::ledger::Ledger;
use crate::agent::{Claim, Definite, Note, Told, look_up_of};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "every-call-accounted",
    promise: "every call was answered, retried until it was, or handed to the person on call",
    bound: None,
    judge,
};

/// What has become of a call, try after try.
struct Account<'a> {
    last_try: &'a Event<Note>,
    last_word: Option<(&'a Event<Note>, Told)>,
    /// Tries of which nobody knows, or nobody knows yet, what came of them.
    unclear: u32,
    was_declined: bool,
    is_closed: bool,
}

impl Account<'_> {
    /// Whether it is clear that nothing happened.
    fn came_to_nothing(&self) -> bool {
        self.was_declined || self.unclear == 0
    }
}

#[derive(Default)]
struct Book<'a> {
    calls: BTreeMap<(Name, Name, Name), Account<'a>>,
    task_of: BTreeMap<Name, Name>,
    failed: BTreeSet<Name>,
    informed: BTreeMap<Name, &'a Event<Note>>,
    ledger: Ledger<'a>,
}

fn judge(history: &TeamHistory) -> Verdict {
    if !history.notes().any(|(_, note)| matches!(note, Note::Claimed(Claim::IsOnCall))) {
        return Verdict::Vacuous;
    }
    let mut book = Book::default();
    for (event, note) in history.notes() {
        book.take_in(event, note);
    }
    let mut verdict = Verdict::Vacuous;
    for (&(tool, operation, intent), account) in &book.calls {
        let task = book.task_of.get(&intent);
        let Some((task, informed)) = task.and_then(|task| Some((task, *book.informed.get(task)?))) else {
            continue;
        };
        verdict = Verdict::Holds;
        let says_enough = account.came_to_nothing()
            && book.failed.contains(task)
            && !book.ledger.is_undoing(tool, operation, intent);
        if account.is_closed || says_enough {
            continue;
        }
        let caller = account.last_try.node;
        let (word, told) = match account.last_word {
            None => (None, "heard nothing".to_owned()),
            Some((event, told)) => (Some(event), format!("was told \"{told}\"")),
        };
        let message = format!(
            "{caller} called {tool}.{operation} for {intent}, {told}, and left it at that: the call is lost"
        );
        let because: Vec<_> = [account.last_try, informed].into_iter().chain(word).collect();
        return Verdict::violated(&because, message);
    }
    verdict
}

impl<'a> Book<'a> {
    fn take_in(&mut self, event: &'a Event<Note>, note: &Note) {
        self.ledger.take_in(event, note);
        match *note {
            Note::Wanted { task, intent } => drop(self.task_of.insert(intent, task)),
            Note::Called { tool, operation, intent, .. } => {
                let new = Account {
                    last_try: event,
                    last_word: None,
                    unclear: 0,
                    was_declined: false,
                    is_closed: false,
                };
                let account = self.calls.entry((tool, operation, intent)).or_insert(new);
                account.last_try = event;
                account.unclear += 1;
            }
            Note::Answered { tool, intent, told: Told::Found(true), operation } => {
                // What was looked up and found was answered in a roundabout way.
                let found = |(known_tool, known, about): &(Name, Name, Name)| {
                    *known_tool == tool && *about == intent && look_up_of(*known) == operation
                };
                let calls = self.calls.iter_mut().filter(|(call, _)| found(call));
                calls.for_each(|(_, account)| account.is_closed = true);
            }
            Note::Answered { tool, operation, intent, told } => {
                if let Some(account) = self.calls.get_mut(&(tool, operation, intent)) {
                    account.last_word = Some((event, told));
                    account.unclear = account.unclear.saturating_sub(matches!(told, Told::Not(_)).into());
                    account.was_declined |= told == Told::Not(Definite::Declined);
                    account.is_closed |= told == Told::Done;
                }
            }
            Note::TookDown { tool, operation, intent, .. } => {
                if let Some(account) = self.calls.get_mut(&(tool, operation, intent)) {
                    account.is_closed = true;
                }
            }
            Note::Claimed(Claim::TaskFailed { task }) => drop(self.failed.insert(task)),
            Note::Claimed(Claim::Informed { task }) => drop(self.informed.insert(task, event)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Indefinite;
    use crate::properties::testing::{Story, saga, violation};

    const LOST: Told = Told::Unknown(Indefinite::TimedOut);
    const REFUSED: Told = Told::Not(Definite::Refused);

    fn on_call() -> Story {
        saga().claim("on-call", Claim::IsOnCall)
    }

    fn ended(story: Story, claim: Claim) -> Story {
        story.claim("coordinator", claim).claim("user", Claim::Informed { task: Name::new("task-1") })
    }

    fn failed(story: Story) -> Story {
        ended(story, Claim::TaskFailed { task: Name::new("task-1") })
    }

    fn done(story: Story) -> Story {
        ended(story, Claim::TaskDone { task: Name::new("task-1") })
    }

    fn call(story: Story, told: Told) -> Story {
        story.called("executor-1", "task-1/file").answered("executor-1", "task-1/file", told)
    }

    #[test]
    fn a_call_that_was_answered_or_tried_again_until_it_was_is_accounted_for() {
        assert_eq!(done(call(on_call(), Told::Done)).judged_by(&PROPERTY), Verdict::Holds);
        assert_eq!(done(call(call(on_call(), LOST), Told::Done)).judged_by(&PROPERTY), Verdict::Holds);
        let unanswered = on_call().called("executor-1", "task-1/file");
        assert_eq!(done(call(unanswered, Told::Done)).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_call_that_was_looked_up_and_found_is_too() {
        let look_up = |found| {
            let (operation, intent) = (look_up_of(Name::new("create")), Name::new("task-1/file"));
            let told = Told::Found(found);
            let note = Note::Answered { tool: Name::new("ticketing"), operation, intent, told };
            done(call(on_call(), LOST).note("executor-1", note))
        };
        assert_eq!(look_up(true).judged_by(&PROPERTY), Verdict::Holds);
        assert!(look_up(false).judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn an_unclear_answer_that_nobody_follows_up_is_a_lost_call() {
        for ended in [done, failed] {
            let (events, message) = violation(ended(call(on_call(), LOST)).judged_by(&PROPERTY));
            assert_eq!(events, [6, 7, 9]);
            assert_eq!(
                message,
                "executor-1 called ticketing.create for task-1/file, was told \"no answer in time\", and left it at \
                 that: the call is lost"
            );
        }
    }

    #[test]
    fn a_call_whose_caller_died_and_that_nobody_tried_again_is_lost() {
        let story = failed(on_call().called("executor-1", "task-1/file"));
        assert!(violation(story.judged_by(&PROPERTY)).1.contains("heard nothing"));
    }

    #[test]
    fn a_refusal_is_accounted_for_once_the_user_hears_of_the_failure() {
        assert_eq!(failed(call(on_call(), REFUSED)).judged_by(&PROPERTY), Verdict::Holds);
        assert!(done(call(on_call(), REFUSED)).judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn a_refusal_says_nothing_about_an_earlier_try_unless_it_is_for_good() {
        let after_an_unclear_try = |told| failed(call(call(on_call(), LOST), told)).judged_by(&PROPERTY);
        assert!(after_an_unclear_try(REFUSED).is_violated());
        assert_eq!(after_an_unclear_try(Told::Not(Definite::Declined)), Verdict::Holds);
    }

    #[test]
    fn an_undoing_that_was_refused_is_not_accounted_for_by_a_failure() {
        let undoing = |told| {
            let (tool, operation) = (Name::new("ticketing"), Name::new("withdraw"));
            let (intent, op) = (Name::new("task-1/file"), crate::agent::OpId(9));
            let story = call(on_call(), Told::Done);
            let story = story.note("executor-1", Note::Called { tool, operation, intent, op });
            story.note("executor-1", Note::Answered { tool, operation, intent, told })
        };
        assert!(failed(undoing(REFUSED)).judged_by(&PROPERTY).is_violated());
        assert_eq!(failed(undoing(Told::Done)).judged_by(&PROPERTY), Verdict::Holds);
        let taken_down = failed(undoing(REFUSED).taken_down("task-1/file"));
        assert!(taken_down.judged_by(&PROPERTY).is_violated(), "what was taken down is another call");
    }

    #[test]
    fn a_call_that_was_taken_down_is_accounted_for() {
        let story = failed(call(on_call(), LOST).taken_down("task-1/file"));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn calls_of_a_task_that_has_not_ended_may_still_be_tried_again() {
        assert_eq!(call(on_call(), LOST).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn where_nobody_is_on_call_or_nobody_calls_there_is_nothing_to_judge() {
        assert_eq!(failed(call(saga(), LOST)).judged_by(&PROPERTY), Verdict::Vacuous);
        assert_eq!(done(on_call()).judged_by(&PROPERTY), Verdict::Vacuous);
    }
}
