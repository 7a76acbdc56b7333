//! No agent carries out an order that reached it after its sender's lease had ended.
//!
//! A fencing token stops an order of a former leader once the receiver has heard of the next one. Until then
//! an order that comes late is carried out although the right to give it has ended, perhaps on a state of the
//! world that the next leader has already changed. Judged on the lock service's record of when each lease
//! ends, on the orders as they were delivered, and on the tool calls of the receivers. A call is accepted
//! work if some order for it came in time, with a grace that covers the difference between clocks. An order
//! without a token counts under the latest one of its sender. Under a token that the lock service did not
//! grant there is no lease to judge by; that is for `no-split-brain`.

use crate::agent::{AgentEvent, Purpose, TeamEvent, kinds};
use crate::properties::leases::Leases;
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name, SimSpan, SimTime};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::bounded(
        "accepted-within-lease",
        "no agent carries out an order that came after its sender's lease had ended",
        Bound::of("grace", AtMost::Span(SimSpan::from_secs(1))),
        judge,
    )
    .needs(kinds::GRANTED.and(kinds::CALLED))
}

/// The kinds of events that it reads.
const READS: EventKinds =
    kinds::GRANTED.and(kinds::GIVEN_BACK).and(kinds::purpose(Purpose::Order)).and(kinds::CALLED);

/// The orders for one piece of work that one agent has received.
#[derive(Clone, Copy)]
enum Orders<'a> {
    /// One of them came while its sender's lease lasted.
    OneInTime,
    /// All came late: the last one, and the end of its sender's lease.
    AllLate(&'a Event<TeamEvent>, SimTime),
}

fn judge(history: &TeamHistory, grace_nanos: u64) -> Verdict {
    let grace = SimSpan::from_nanos(grace_nanos);
    let mut leases = Leases::default();
    let mut orders: Lookup<(Name, Name), Orders<'_>> = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::App(TeamEvent::Lease(granted)) => leases.record(granted, event.at),
            EventKind::Delivered { from, about, content, .. } if content.is_for(Purpose::Order) => {
                let Some(token) = leases.authority_of(*from, &content.headers()) else { continue };
                let Some(ends) = leases.of(*from, token).map(|lease| lease.ends) else { continue };
                let known = orders.get_or_insert_with((event.node, *about), || Orders::AllLate(event, ends));
                if event.at <= ends + grace {
                    *known = Orders::OneInTime;
                } else if let Orders::AllLate(..) = known {
                    *known = Orders::AllLate(event, ends);
                }
            }
            EventKind::App(TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, .. })) => {
                match orders.get((event.node, *intent)) {
                    None => {}
                    Some(Orders::OneInTime) => verdict = Verdict::Holds,
                    Some(Orders::AllLate(order, ends)) => {
                        let message = format!(
                            "{} called {tool}.{operation} for {intent} on an order that came {} after its \
                             sender's lease had ended",
                            event.node,
                            order.at.since(*ends)
                        );
                        return Verdict::violated(&[order, event], message);
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
    use crate::agent::{Headers, LeaseEvent, OpId, Token, UserEvent};
    use crate::properties::testing::{Story, called, violation};

    const STEP: &str = "task-1/file";

    fn within(grace_secs: u64) -> Story {
        let at_most = SimSpan::from_secs(grace_secs).as_nanos();
        let property = Name::new("accepted-within-lease");
        Story::default().record_event("user", TeamEvent::User(UserEvent::Bound { property, at_most }))
    }

    /// The lock service grants a lease that ends when the history is that many events long: one a second.
    fn granted(story: Story, holder: &str, token: u64, ends_at_secs: u64) -> Story {
        let [resource, holder] = ["leadership", holder].map(Name::new);
        let until = SimTime::ZERO + SimSpan::from_secs(ends_at_secs);
        let token = Token(token);
        story.record_event("leases", TeamEvent::Lease(LeaseEvent::Granted { resource, holder, token, until }))
    }

    /// An order is sent, and arrives a second later.
    fn ordered(story: Story, leader: &str, token: u64) -> Story {
        let headers = Headers { authority: Some(Token(token)), ..Headers::of(Purpose::Order) };
        story.tells((leader, "worker-1"), STEP, headers)
    }

    fn calls(story: Story) -> Story {
        let call = called(["ticketing", "create", STEP].map(Name::new), OpId(1));
        story.record_event("worker-1", TeamEvent::Agent(call))
    }

    #[test]
    fn an_order_that_comes_in_time_may_be_carried_out_whenever_the_worker_gets_to_it() {
        let mut story = ordered(granted(within(0), "a", 1, 3), "a", 1);
        for _ in 0..10 {
            story = story.given("task-2");
        }
        assert_eq!(calls(story).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_order_that_comes_after_the_lease_may_not() {
        let (events, message) =
            violation(calls(ordered(granted(within(0), "a", 1, 2), "a", 1)).judged_by(&property()));
        assert_eq!(events, [4, 5]);
        assert_eq!(
            message,
            "worker-1 called ticketing.create for task-1/file on an order that came 1s after its sender's \
             lease had ended"
        );
    }

    #[test]
    fn a_grace_covers_the_difference_between_two_clocks() {
        let story = |grace| calls(ordered(granted(within(grace), "a", 1, 2), "a", 1));
        assert_eq!(story(1).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_renewed_lease_counts_to_its_new_end_and_a_released_one_to_its_release() {
        let renewed = granted(granted(within(0), "a", 1, 2), "a", 1, 30);
        assert_eq!(calls(ordered(renewed.clone(), "a", 1)).judged_by(&property()), Verdict::Holds);
        let [resource, holder] = ["leadership", "a"].map(Name::new);
        let released = renewed.record_event(
            "leases",
            TeamEvent::Lease(LeaseEvent::GivenBack { resource, holder, token: Token(1) }),
        );
        assert!(calls(ordered(released, "a", 1)).judged_by(&property()).is_violated());
    }

    #[test]
    fn one_order_in_time_is_enough_also_of_another_leader() {
        let story = granted(granted(within(0), "a", 1, 2), "b", 2, 30);
        let by_both = calls(ordered(ordered(story.clone(), "a", 1), "b", 2));
        assert_eq!(by_both.judged_by(&property()), Verdict::Holds);
        let late_repetition = calls(ordered(ordered(story, "b", 2), "a", 1));
        assert_eq!(late_repetition.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_order_that_is_not_carried_out_or_that_needs_no_lease_is_nothing_to_judge() {
        let late = ordered(granted(within(0), "a", 1, 2), "a", 1);
        assert_eq!(late.judged_by(&property()), Verdict::Vacuous);
        let of_a_user =
            granted(within(0), "a", 1, 2).tells(("user", "worker-1"), STEP, Headers::of(Purpose::Order));
        assert_eq!(calls(of_a_user).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn unless_it_is_asked_for_it_is_not_judged() {
        let story = calls(ordered(granted(Story::default(), "a", 1, 1), "a", 1));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }
}
