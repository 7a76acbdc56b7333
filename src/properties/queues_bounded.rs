//! No agent owes the answers to more requests at a time than its user allows.
//!
//! A request is an order or a question: it waits with its receiver from when it is delivered until the
//! receiver has sent an answer that ends it, or a refusal. An agent that takes in whatever comes has a queue
//! that grows with each burst; what waits in it is answered too late to be of use, and is sent again ("queues
//! don't fix overload", Hebert 2014; "backpressure", Reactive Streams). One that refuses what is too much
//! leaves it with the sender, which can slow down.
//!
//! Judged on what was delivered and what was sent, not on what an agent says of its queue. To ask again for
//! what still waits is the same request. That the work has begun, or that it takes longer, is no answer.
//! A crash empties the queue of an agent, and a message that an error in its handler has swallowed was never
//! in it. Requests of a team whose answers go to other agents than those that asked would count for ever, so
//! this is judged only in cases that ask for it.

use crate::agent::{Purpose, TeamEvent, kinds};
use crate::properties::wire::swallowed;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventId, EventKind, EventKinds, Lookup, Name};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "queues-bounded",
        "no agent owes the answers to more requests at a time than its user allows",
        Bound::of("requests", AtMost::Count(100)),
        judge,
    )
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::purpose(Purpose::Order)
    .and(kinds::purpose(Purpose::Ask))
    .and(kinds::purpose(Purpose::Answer))
    .and(kinds::purpose(Purpose::Done))
    .and(kinds::purpose(Purpose::Failed))
    .and(kinds::purpose(Purpose::Undone))
    .and(kinds::purpose(Purpose::Cancelled))
    .and(kinds::purpose(Purpose::Refused))
    .and(kinds::purpose(Purpose::Approval))
    .and(kinds::purpose(Purpose::Rejection))
    .and(EventKinds::CRASHED);

/// What each agent owes: by sender and subject, the first delivery of the request.
type Owed<'a> = BTreeMap<(Name, Name), &'a Event<TeamEvent>>;

fn judge(history: &TeamHistory, at_most: u64) -> Verdict {
    let swallowed = swallowed(history);
    let mut owed: Lookup<Name, Owed<'_>> = Lookup::default();
    // A copy of a message that the network has made is no request of its own.
    let mut delivered: Lookup<EventId, ()> = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Delivered { from, about, content, .. }
                if content.is_for(Purpose::Order) || content.is_for(Purpose::Ask) =>
            {
                let is_copy = event.cause.is_some_and(|sent| delivered.insert(sent, ()).is_some());
                if is_copy || swallowed.contains(event.id) {
                    continue;
                }
                verdict = Verdict::Holds;
                let queue = owed.get_or_insert_with(event.node, BTreeMap::new);
                queue.entry((*from, *about)).or_insert(event);
                let count = queue.len() as u64;
                if count > at_most {
                    let first = queue.values().min_by_key(|first| first.id).copied().unwrap_or(event);
                    let message = format!(
                        "{} owes the answers to {count} requests, the first of which came at {}; at most {at_most} \
                         were asked for",
                        event.node, first.at
                    );
                    return Verdict::violated(&[first, event], message);
                }
            }
            EventKind::Sent { to, about, content, .. }
                if content.headers().purpose.is_some_and(Purpose::is_final) =>
            {
                if let Some(queue) = owed.get_mut(event.node) {
                    queue.remove(&(*to, *about));
                }
            }
            EventKind::Crashed { .. } => drop(owed.remove(event.node)),
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, violation};

    const ASK: Headers = Headers::of(Purpose::Ask);

    fn bounded() -> Story {
        Story::default().bounded(property().name, 2)
    }

    fn asks(story: Story, who: &str, about: &str) -> Story {
        story.tells((who, "reviewer"), about, ASK)
    }

    /// Two requests wait with the reviewer.
    fn two() -> Story {
        asks(asks(bounded(), "worker-1", "task-1/a"), "worker-2", "task-1/b")
    }

    #[test]
    fn as_many_requests_as_are_allowed_may_wait() {
        assert_eq!(two().judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn one_more_is_too_many_whether_it_is_a_question_or_an_order() {
        let (events, message) = violation(asks(two(), "worker-1", "task-2/a").judged_by(&property()));
        assert_eq!(events, [3, 7]);
        assert_eq!(
            message,
            "reviewer owes the answers to 3 requests, the first of which came at 2s; at most 2 were asked for"
        );
        let order = two().tells(("lead", "reviewer"), "task-2/a", Headers::of(Purpose::Order));
        assert!(order.judged_by(&property()).is_violated());
    }

    #[test]
    fn what_was_answered_or_refused_does_not_wait_any_more() {
        for purpose in [Purpose::Answer, Purpose::Refused, Purpose::Done, Purpose::Failed] {
            let answered = two().sends(("reviewer", "worker-1"), "task-1/a", Headers::of(purpose));
            let story = asks(answered, "worker-1", "task-2/a");
            assert_eq!(story.judged_by(&property()), Verdict::Holds, "{purpose:?}");
        }
        let later = two().sends(("reviewer", "worker-1"), "task-1/a", Headers::of(Purpose::Pending));
        assert!(asks(later, "worker-1", "task-2/a").judged_by(&property()).is_violated(), "it still waits");
    }

    #[test]
    fn only_the_agent_that_was_asked_can_answer_and_only_to_the_one_that_asked() {
        let answer = Headers::of(Purpose::Answer);
        for (route, about) in [
            (("lead", "worker-1"), "task-1/a"),
            (("reviewer", "worker-2"), "task-1/a"),
            (("reviewer", "worker-1"), "task-1/b"),
        ] {
            let story = asks(two().sends(route, about, answer), "worker-1", "task-2/a");
            assert!(story.judged_by(&property()).is_violated(), "{route:?} {about}");
        }
    }

    #[test]
    fn to_ask_again_for_what_waits_is_the_same_request() {
        assert_eq!(asks(two(), "worker-1", "task-1/a").judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn what_is_on_its_way_or_was_lost_does_not_wait() {
        let story = two().sends(("worker-1", "reviewer"), "task-2/a", ASK);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_crash_empties_the_queue_of_its_agent_and_no_other() {
        assert_eq!(
            asks(two().dies("reviewer"), "worker-1", "task-2/a").judged_by(&property()),
            Verdict::Holds
        );
        assert!(asks(two().dies("worker-1"), "worker-1", "task-2/a").judged_by(&property()).is_violated());
    }

    #[test]
    fn each_agent_has_a_queue_of_its_own() {
        let story = two().tells(("lead", "worker-1"), "task-2/a", Headers::of(Purpose::Order));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_a_request_or_a_bound_there_is_nothing_to_judge() {
        assert_eq!(bounded().given("task-1").judged_by(&property()), Verdict::Vacuous);
        assert_eq!(asks(Story::default(), "worker-1", "task-1/a").judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn an_answer_that_an_agent_gets_is_no_request_to_it() {
        let answers = ["task-2/a", "task-2/b", "task-2/c"].into_iter();
        let story = answers.fold(two(), |story, about| {
            story.tells(("worker-1", "reviewer"), about, Headers::of(Purpose::Answer))
        });
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn to_ask_back_is_no_answer() {
        let asked_back = two().sends(("reviewer", "worker-1"), "task-1/a", ASK);
        assert!(asks(asked_back, "worker-1", "task-2/a").judged_by(&property()).is_violated());
    }

    #[test]
    fn a_copy_of_a_request_that_comes_after_its_answer_is_no_request() {
        let two = two();
        let delivered = two.last();
        let copy = two.clone().history().event(EventId::new(delivered).unwrap()).clone();
        let answered = two.sends(("reviewer", "worker-2"), "task-1/b", Headers::of(Purpose::Answer));
        let cause = copy.cause.map(EventId::get);
        let story = answered.event_because_of(cause, "reviewer", copy.what);
        assert_eq!(asks(story, "worker-1", "task-2/a").judged_by(&property()), Verdict::Holds);
    }
}
