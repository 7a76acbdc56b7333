//! No agent obeys an older leader after a newer one, and no two leaders share a token.
//!
//! Two processes that both *believe* to lead are not yet split-brain: a paused leader cannot know that its
//! lease has expired. It becomes split-brain when an agent carries out an order of the older leader after one
//! of the newer: it calls a tool for the ordered work. The network shows which orders an agent received, from
//! whom and with which token. If an agent has several orders, its call belongs to the order that caused it.
//! If none did, because the agent had read another message in between, it belongs to the order whose
//! operation id the call carries, then to the one with the token in its headers, then to the newest.
//!
//! An order without a token counts under the latest one of its sender, and a token that the lock service has
//! granted to no agent gives no right to lead.

use crate::agent::{AgentEvent, OpId, Purpose, TeamEvent, Token, kinds};
use crate::properties::leases::Leases;
use crate::properties::wire::{Call, call};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "no-split-brain",
        "no agent obeys an older leader after a newer one, and no two leaders share a token",
        judge,
    )
    .needs(kinds::CALLED)
}

/// An order as it was delivered.
#[derive(Clone, Copy)]
struct Order<'a> {
    delivered: &'a Event<TeamEvent>,
    leader: Name,
    token: Token,
    op: Option<OpId>,
}

/// An order that was carried out, and the record of its call.
#[derive(Clone, Copy)]
struct Obeyed<'a> {
    order: Order<'a>,
    intent: Name,
    called: &'a Event<TeamEvent>,
}

/// The orders that one agent has carried out under one token: the first and the last one.
struct UnderToken<'a> {
    first: Obeyed<'a>,
    last: Obeyed<'a>,
}

/// The kinds of events that it reads.
const READS: EventKinds = EventKinds::SENT
    .and(kinds::GRANTED)
    .and(kinds::purpose(Purpose::Order))
    .and(kinds::purpose(Purpose::Undo));

fn judge(history: &TeamHistory) -> Verdict {
    if !history.kinds().intersects(kinds::AUTHORITY.and(kinds::GRANTED)) {
        return Verdict::Vacuous;
    }
    let mut orders: Lookup<(Name, Name), Vec<Order<'_>>> = Lookup::default();
    let mut leases = Leases::default();
    // Tokens of different leases are unrelated.
    let mut obeyed: BTreeMap<(Name, Option<Name>), BTreeMap<Token, UnderToken<'_>>> = BTreeMap::new();
    let mut leader_with: BTreeMap<(Option<Name>, Token), Order<'_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        if let Some(TeamEvent::Lease(granted)) = event.app_event() {
            leases.record(granted, event.at);
        }
        if let EventKind::Delivered { from, about, content, .. } = &event.what
            && (content.is_for(Purpose::Order) || content.is_for(Purpose::Undo))
            && let headers = content.headers()
            && let Some(token) = leases.authority_of(*from, &headers)
        {
            let order = Order { delivered: event, leader: *from, token, op: headers.idempotency_key };
            orders.get_or_insert_with((event.node, *about), Vec::new).push(order);
        }
        if let Some(call) = call(history, event)
            && let Some(orders) = orders.get((event.node, call.intent))
        {
            verdict = Verdict::Holds;
            let order = acted_on(history, orders, &call);
            let Order { leader, token, delivered, .. } = order;
            if leases.is_made_up(token) {
                let message = format!("{leader} led with token {token}, which was never granted");
                return Verdict::violated(&[delivered, call.called], message);
            }
            let lease = leases.of(leader, token).map(|lease| lease.resource);
            let first = *leader_with.entry((lease, order.token)).or_insert(order);
            if first.leader != order.leader {
                let message =
                    format!("{} and {} both led with token {}", first.leader, order.leader, order.token);
                return Verdict::violated(&[first.delivered, order.delivered, call.called], message);
            }
            let carried_out = Obeyed { order, intent: call.intent, called: call.called };
            if let Some(broken) = obey(obeyed.entry((event.node, lease)).or_default(), carried_out) {
                return broken;
            }
        }
    }
    verdict
}

/// The order that a call carries out. Orders under one token count as one order: the first of them.
fn acted_on<'a>(history: &TeamHistory, orders: &[Order<'a>], call: &Call<'_>) -> Order<'a> {
    let under = |token: Token| orders.iter().find(|order| order.token == token);
    let led_to_it = || {
        let mut causes = history.causes(call.called.id);
        causes.find_map(|cause| orders.iter().find(|order| order.delivered.id == cause.id))
    };
    let op = match call.called.app_event() {
        Some(TeamEvent::Agent(AgentEvent::Called { op, .. })) => Some(*op),
        _ => None,
    };
    // An id that several tokens share, because the work has one id for all leaders, proves nothing.
    let with_id = || {
        let mut with_id = orders.iter().filter(|order| order.op.is_some() && order.op == op);
        let first = with_id.next()?;
        with_id.all(|order| order.token == first.token).then_some(first)
    };
    let with_token = || call.headers.authority.and_then(under);
    let newest = || orders.iter().max_by_key(|order| order.token);
    let order = led_to_it().or_else(with_id).or_else(with_token).or_else(newest);
    let order = order.expect("a list of orders has one when it is made");
    *under(order.token).expect("it is one of them")
}

/// Records that an agent carries an order out.
fn obey<'a>(known: &mut BTreeMap<Token, UnderToken<'a>>, obeyed: Obeyed<'a>) -> Option<Verdict> {
    let token = obeyed.order.token;
    let newer =
        known.range(token..).filter(|(other, _)| **other != token).map(|(_, newer)| (newer.first, obeyed));
    let older = known.range(..token).map(|(_, older)| (obeyed, older.last));
    let came_later =
        |(newer, older): &(Obeyed<'_>, Obeyed<'_>)| newer.order.delivered.id < older.order.delivered.id;
    if let Some((newer, older)) = newer.chain(older).find(came_later) {
        let message = format!(
            "{} obeyed {} (token {}) on {} after it had heard from {} (token {})",
            older.called.node,
            older.order.leader,
            older.order.token,
            older.intent,
            newer.order.leader,
            newer.order.token
        );
        return Some(Verdict::violated(
            &[newer.order.delivered, older.order.delivered, older.called],
            message,
        ));
    }
    let known = known.entry(token).or_insert(UnderToken { first: obeyed, last: obeyed });
    if obeyed.order.delivered.id < known.first.order.delivered.id {
        known.first = obeyed;
    }
    if obeyed.order.delivered.id > known.last.order.delivered.id {
        known.last = obeyed;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, LeaseEvent};
    use crate::properties::testing::{Story, violation};

    const STEP: &str = "task-1/file";

    /// A worker receives an order about a step, two events in all: sent and delivered.
    fn ordered_on(story: Story, intent: &str, worker: &str, leader: &str, token: u64) -> Story {
        let headers = Headers { authority: Some(Token(token)), ..Headers::of(Purpose::Order) };
        story.tells((leader, worker), intent, headers)
    }

    fn ordered(story: Story, worker: &str, leader: &str, token: u64) -> Story {
        ordered_on(story, STEP, worker, leader, token)
    }

    fn under(token: u64) -> Headers {
        Headers { authority: Some(Token(token)), ..Headers::NONE }
    }

    /// An order without a token, carried out.
    fn obey_without_token(story: Story, leader: &str) -> Story {
        let story = story.tells((leader, "worker-1"), STEP, Headers::of(Purpose::Order));
        let order = story.last();
        story.calls_under(order, "worker-1", STEP, (1, Headers::NONE))
    }

    fn granted(story: Story, resource: &str, holder: &str, token: u64) -> Story {
        let (resource, holder, token) = (Name::new(resource), Name::new(holder), Token(token));
        let until = perfidy_sim::SimTime::MAX;
        story.record_event("leases", TeamEvent::Lease(LeaseEvent::Granted { resource, holder, token, until }))
    }

    #[test]
    fn tokens_of_different_leases_have_nothing_to_do_with_each_other() {
        let leases = granted(granted(Story::default(), "east", "a", 1), "west", "b", 1);
        let obey_both = |leases| {
            let obeyed = obey(leases, "worker-1", "a", 1);
            ordered_on(obeyed, "task-2/file", "worker-1", "b", 1).calls("worker-1", "task-2/file", under(1))
        };
        assert_eq!(obey_both(leases.clone()).judged_by(&property()), Verdict::Holds);
        assert!(obey_both(granted(leases, "east", "b", 1)).judged_by(&property()).is_violated());
    }

    #[test]
    fn an_order_without_a_token_is_given_under_the_last_one_that_its_sender_was_granted() {
        let leases = || granted(granted(Story::default(), "east", "a", 1), "east", "b", 2);
        let (events, message) =
            violation(obey_without_token(obey(leases(), "worker-1", "b", 2), "a").judged_by(&property()));
        assert_eq!(events[..2], [4, 8]);
        assert_eq!(message, "worker-1 obeyed a (token 1) on task-1/file after it had heard from b (token 2)");
        let newer_last = obey_without_token(obey(leases(), "worker-1", "a", 1), "b");
        assert_eq!(newer_last.judged_by(&property()), Verdict::Holds);
        let never_led = obey_without_token(obey(leases(), "worker-1", "b", 2), "c");
        assert_eq!(never_led.judged_by(&property()), Verdict::Holds);
        let of_two_leases = granted(leases(), "west", "a", 3);
        let of_two_leases = obey_without_token(obey(of_two_leases, "worker-1", "b", 2), "a");
        assert_eq!(of_two_leases.judged_by(&property()), Verdict::Holds, "it is not known which it used");
    }

    #[test]
    fn a_token_that_was_never_granted_gives_no_right_to_lead() {
        let leases = granted(Story::default(), "east", "a", 1);
        let (events, message) = violation(obey(leases, "worker-1", "a", 7).judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(message, "a led with token 7, which was never granted");
        let without_lock_service = obey(Story::default(), "worker-1", "a", 7);
        assert_eq!(without_lock_service.judged_by(&property()), Verdict::Holds);
    }

    /// A worker receives an order and calls a tool for it under its token: sent, delivered, recorded, sent.
    fn obey(story: Story, worker: &str, leader: &str, token: u64) -> Story {
        ordered(story, worker, leader, token).calls(worker, STEP, under(token))
    }

    #[test]
    fn one_leader_after_another_is_no_split_brain() {
        let mut story = Story::default();
        for (leader, token) in [("a", 1), ("a", 1), ("b", 2), ("a", 3)] {
            story = obey(story, "worker-1", leader, token);
        }
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_older_leader_obeyed_after_a_newer_one_is() {
        let story = obey(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 6, 7]);
        assert_eq!(message, "worker-1 obeyed a (token 1) on task-1/file after it had heard from b (token 2)");
    }

    #[test]
    fn it_is_also_if_they_want_different_things() {
        let story = obey(Story::default(), "worker-1", "b", 2);
        let story = ordered_on(story, "task-2/file", "worker-1", "a", 1);
        let story = story.calls("worker-1", "task-2/file", under(1));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 6, 7]);
        assert!(message.starts_with("worker-1 obeyed a (token 1) on task-2/file"), "{message}");
    }

    #[test]
    fn a_worker_that_has_not_heard_of_the_newer_leader_is_judged_by_what_it_knew() {
        let story = obey(obey(Story::default(), "worker-1", "b", 2), "worker-2", "a", 1);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn two_leaders_with_one_token_are_split_brain() {
        let story = obey(obey(Story::default(), "worker-1", "a", 1), "worker-2", "b", 1);
        let (events, message) = violation(obey(story, "worker-3", "a", 1).judged_by(&property()));
        assert_eq!(events, [2, 6, 7]);
        assert_eq!(message, "a and b both led with token 1");
    }

    #[test]
    fn a_leader_that_no_worker_obeys_shares_no_token() {
        let story = obey(ordered(Story::default(), "worker-2", "b", 1), "worker-1", "a", 1);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_orders_that_are_carried_out_there_is_nothing_to_judge() {
        let call = |story: Story| story.calls("worker-1", STEP, under(1));
        assert_eq!(call(Story::default()).judged_by(&property()), Verdict::Vacuous);
        let received = ordered(Story::default(), "worker-1", "a", 1);
        assert_eq!(received.judged_by(&property()), Verdict::Vacuous);
        let order = Headers::of(Purpose::Order);
        let without_token = Story::default().tells(("a", "worker-1"), STEP, order);
        assert_eq!(call(without_token).judged_by(&property()), Verdict::Vacuous);
        let no_order = Headers { purpose: Some(Purpose::Ask), ..under(1) };
        let asked = Story::default().tells(("a", "worker-1"), STEP, no_order);
        assert_eq!(call(asked).judged_by(&property()), Verdict::Vacuous);
        let not_arrived = Headers { purpose: Some(Purpose::Order), ..under(1) };
        let not_arrived = Story::default().sends(("a", "worker-1"), STEP, not_arrived);
        assert_eq!(call(not_arrived).judged_by(&property()), Verdict::Vacuous);
        let of_another = ordered(Story::default(), "worker-2", "a", 1);
        let of_another = ordered_on(of_another, "task-2/file", "worker-1", "a", 1);
        assert_eq!(call(of_another).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn the_newest_leader_that_was_ever_obeyed_counts_from_its_first_order_on() {
        let mut story = Story::default();
        for (leader, token) in [("a", 1), ("c", 3), ("c", 3)] {
            story = obey(story, "worker-1", leader, token);
        }
        let (events, message) = violation(obey(story, "worker-1", "b", 2).judged_by(&property()));
        assert_eq!(events, [6, 14, 15]);
        assert!(message.contains("obeyed b (token 2)") && message.contains("from c (token 3)"), "{message}");
    }

    #[test]
    fn a_worker_that_came_back_or_is_there_twice_has_obeyed_what_it_had_obeyed() {
        let started = EventKind::Started { incarnation: 1 };
        let obeyed = obey(Story::default(), "worker-1", "b", 2);
        let twice = obeyed.clone().event("worker-1#1", started.clone());
        assert_eq!(violation(obey(twice, "worker-1#1", "a", 1).judged_by(&property())).0, [2, 7, 8]);
        let back = obeyed.dies("worker-1").event("worker-1#1", started);
        assert_eq!(violation(obey(back, "worker-1#1", "a", 1).judged_by(&property())).0, [2, 8, 9]);
    }

    #[test]
    fn what_is_refused_is_not_obeyed() {
        let story = ordered(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let story = story.tells(("worker-1", "a"), STEP, Headers::of(Purpose::Refused));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_order_that_arrived_before_the_newer_one_may_still_be_carried_out() {
        let story = ordered(ordered(Story::default(), "worker-1", "a", 1), "worker-1", "b", 2);
        let newer_first = story.calls("worker-1", STEP, under(2)).calls("worker-1", STEP, under(1));
        assert_eq!(newer_first.clone().judged_by(&property()), Verdict::Holds);
        // A second delivery is the same order.
        assert_eq!(obey(newer_first, "worker-1", "a", 1).judged_by(&property()), Verdict::Holds);
        let story = ordered_on(Story::default(), "task-2/file", "worker-1", "a", 1);
        let story = obey(story, "worker-1", "b", 2).calls("worker-1", "task-2/file", under(1));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn the_token_of_a_call_says_which_order_it_carries_out() {
        let story = ordered(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let for_the_older = story.clone().calls("worker-1", STEP, under(1));
        assert_eq!(violation(for_the_older.judged_by(&property())).0, [2, 6, 7]);
        let for_the_newer = story.calls("worker-1", STEP, under(2));
        assert_eq!(for_the_newer.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_that_does_not_say_which_order_it_carries_out_is_for_the_newest() {
        let story = ordered(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let silent = story.calls("worker-1", STEP, Headers::NONE);
        assert_eq!(silent.judged_by(&property()), Verdict::Holds);
        let only_the_older = ordered_on(Story::default(), "task-2/file", "worker-1", "b", 2);
        let only_the_older = only_the_older.calls("worker-1", "task-2/file", Headers::NONE);
        let only_the_older = ordered(only_the_older, "worker-1", "a", 1);
        let silent = only_the_older.calls("worker-1", STEP, Headers::NONE);
        assert_eq!(violation(silent.judged_by(&property())).0, [2, 6, 7]);
    }

    #[test]
    fn a_newer_leader_that_was_heard_and_not_obeyed_counts_once_it_is_obeyed() {
        let story = ordered(ordered(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let older = story.calls("worker-1", STEP, under(1));
        assert_eq!(older.clone().judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(older.calls("worker-1", STEP, under(2)).judged_by(&property()));
        assert_eq!(events[..2], [2, 4]);
        assert_eq!(message, "worker-1 obeyed a (token 1) on task-1/file after it had heard from b (token 2)");
    }

    #[test]
    fn each_order_of_the_older_leader_counts() {
        let story = ordered_on(Story::default(), "task-1/file", "worker-1", "a", 1);
        let story = ordered_on(story, "task-2/file", "worker-1", "b", 2);
        let story = ordered_on(story, "task-3/file", "worker-1", "a", 1);
        let story = story.calls("worker-1", "task-1/file", under(1));
        let newer = |story: Story| story.calls("worker-1", "task-2/file", under(2));
        assert_eq!(newer(story.clone()).judged_by(&property()), Verdict::Holds);
        let (events, _) =
            violation(newer(story.calls("worker-1", "task-3/file", under(1))).judged_by(&property()));
        assert_eq!(events[..2], [4, 6]);
    }

    #[test]
    fn each_order_of_the_newer_leader_counts() {
        let story = ordered_on(Story::default(), "task-1/file", "worker-1", "b", 2);
        let story = ordered_on(story, "task-2/file", "worker-1", "a", 1);
        let story = ordered_on(story, "task-3/file", "worker-1", "b", 2);
        let story = story.calls("worker-1", "task-3/file", under(2));
        let older = |story: Story| story.calls("worker-1", "task-2/file", under(1));
        assert_eq!(older(story.clone()).judged_by(&property()), Verdict::Holds);
        let both = story.calls("worker-1", "task-1/file", under(2));
        assert_eq!(violation(older(both).judged_by(&property())).0, [2, 4, 11]);
    }

    #[test]
    fn the_order_that_led_to_a_call_goes_before_what_the_call_says() {
        let both = ordered(obey(Story::default(), "worker-1", "b", 2), "worker-1", "a", 1);
        let order = both.last();
        let stamped = both.clone().calls_under(order, "worker-1", STEP, (1, under(2)));
        assert_eq!(violation(stamped.judged_by(&property())).0, [2, 6, 7]);
        let after_a_thought = both.event_because_of(Some(order), "worker-1", EventKind::Resumed);
        let thought = after_a_thought.last();
        let stamped = after_a_thought.calls_under(thought, "worker-1", STEP, (1, under(2)));
        assert_eq!(violation(stamped.judged_by(&property())).0, [2, 6, 8]);
    }

    #[test]
    fn where_no_order_led_to_a_call_the_id_that_one_leaders_order_carries_goes_before_the_token() {
        let order = |story: Story, leader: &str, token: u64, op: u64| {
            let headers = Headers { idempotency_key: Some(OpId(op)), ..under(token) };
            let headers = Headers { purpose: Some(Purpose::Order), ..headers };
            story.tells((leader, "worker-1"), STEP, headers)
        };
        let obeyed = obey(Story::default(), "worker-1", "b", 2);
        let call = |story: Story, op| {
            let news = story.tells(("c", "worker-1"), "news", Headers::NONE);
            let last = news.last();
            news.calls_under(last, "worker-1", STEP, (op, under(2))).judged_by(&property())
        };
        let ids_differ = order(order(obeyed.clone(), "b", 2, 7), "a", 1, 8);
        assert_eq!(call(ids_differ.clone(), 7), Verdict::Holds);
        assert_eq!(violation(call(ids_differ, 8)).0, [2, 8, 11]);
        let ids_are_one = order(order(obeyed, "b", 2, 7), "a", 1, 7);
        assert_eq!(call(ids_are_one, 7), Verdict::Holds);
    }
}
