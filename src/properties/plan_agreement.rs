//! All agents that act on a plan for a task act on the same plan.
//!
//! Judged on delivered orders and tool calls, each by the plan in its headers. Drafts may differ, and will if
//! they are made from different evidence; the plan that is followed may not differ, between agents or for one
//! agent before and after a crash.

use crate::agent::{ArtifactId, Purpose, TeamEvent, kinds};
use crate::properties::waits::task_of;
use crate::properties::wire::{Incarnation, call, sending_of};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("plan-agreement", "all agents that act on a plan for a task act on the same plan", judge)
        .needs(kinds::PLAN)
}

/// Which incarnation of an agent follows which plan for what, if an event shows it.
fn follows(history: &TeamHistory, event: &Event<TeamEvent>) -> Option<(Incarnation, Name, ArtifactId)> {
    match &event.what {
        EventKind::Delivered { from, about, content, .. } if content.is_for(Purpose::Order) => {
            let incarnation = sending_of(history, event).map_or(0, |sent| sent.incarnation);
            Some((Incarnation(*from, incarnation), *about, content.headers().plan?))
        }
        EventKind::Sent { .. } => {
            let call = call(history, event)?;
            Some((Incarnation::of(event), call.intent, call.headers.plan?))
        }
        _ => None,
    }
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut followed = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(kinds::PLAN) {
        let Some((who, about, plan)) = follows(history, event) else { continue };
        let task = task_of(about);
        let (first, first_who, known) = *followed.get_or_insert_with(task, || (event, who, plan));
        if known != plan {
            let short = |plan: ArtifactId| plan.0 >> 48;
            let message = format!(
                "{first_who} follows plan {:04x} for {task}, and {who} plan {:04x}",
                short(known),
                short(plan)
            );
            return Verdict::violated(&[first, event], message);
        }
        if first.id != event.id {
            verdict = Verdict::Holds;
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, violation};

    const PLAN: u64 = 0xc1d2 << 48;
    const OTHER: u64 = PLAN >> 1;

    fn by_plan(headers: Headers, plan: u64) -> Headers {
        Headers { plan: Some(ArtifactId(plan)), ..headers }
    }

    /// An order with a plan, sent and delivered.
    fn orders(story: Story, by: &str, about: &str, plan: u64) -> Story {
        story.tells((by, "worker"), about, by_plan(Headers::of(Purpose::Order), plan))
    }

    /// A tool call with a plan: its record, and its sending.
    fn calls(story: Story, who: &str, intent: &str, plan: u64) -> Story {
        story.calls(who, intent, by_plan(Headers::NONE, plan))
    }

    #[test]
    fn one_plan_for_each_task_is_agreement() {
        let story = orders(orders(Story::default(), "a", "task-1", PLAN), "b", "task-1", PLAN);
        assert_eq!(orders(story, "b", "task-2", 7).judged_by(&property()), Verdict::Holds);
        let story = calls(orders(Story::default(), "a", "task-1/file", PLAN), "worker", "task-1/file", PLAN);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn orders_by_two_plans_for_one_task_are_not() {
        let story = orders(orders(Story::default(), "a", "task-1", PLAN), "b", "task-1", OTHER);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "a follows plan c1d2 for task-1, and b plan 60e9");
    }

    #[test]
    fn a_call_by_another_plan_than_that_of_the_order_is_not() {
        let story = orders(Story::default(), "a", "task-1/file", PLAN);
        let (events, message) =
            violation(calls(story.clone(), "worker", "task-1/file", OTHER).judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "a follows plan c1d2 for task-1, and worker plan 60e9");
        let story = calls(calls(Story::default(), "a", "task-1/file", PLAN), "b", "task-1/file", OTHER);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert_eq!(message, "a follows plan c1d2 for task-1, and b plan 60e9");
    }

    #[test]
    fn all_steps_of_a_task_are_by_one_plan() {
        let story = orders(orders(Story::default(), "a", "task-1/code", PLAN), "a", "task-1/docs", PLAN);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(calls(story, "b", "task-1/tests", OTHER).judged_by(&property()));
        assert_eq!(events, [2, 6]);
        assert_eq!(message, "a follows plan c1d2 for task-1, and b plan 60e9");
    }

    #[test]
    fn an_agent_that_changes_its_mind_disagrees_with_itself() {
        let story = orders(orders(Story::default(), "a", "task-1", PLAN), "a#1", "task-1", 0);
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "a follows plan c1d2 for task-1, and a (incarnation 2) plan 0000");
        let story = calls(calls(Story::default(), "a", "task-1/file", PLAN), "a#1", "task-1/file", 0);
        let (_, message) = violation(story.judged_by(&property()));
        assert_eq!(message, "a follows plan c1d2 for task-1, and a (incarnation 2) plan 0000");
    }

    #[test]
    fn drafts_may_differ() {
        let drafted = |story: Story, plan| {
            let story = story.tells(("planner", "a"), "task-1", by_plan(Headers::of(Purpose::Answer), plan));
            story.tells(("a", "planner"), "task-1", by_plan(Headers::of(Purpose::Ask), plan))
        };
        let story = drafted(drafted(Story::default(), PLAN), OTHER);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
        let story = drafted(orders(orders(story, "a", "task-1", 0), "b", "task-1", 0), PLAN);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_order_that_did_not_arrive_and_a_call_that_did_not_leave_are_not_followed() {
        let story = || orders(Story::default(), "a", "task-1/file", PLAN);
        let order = by_plan(Headers::of(Purpose::Order), OTHER);
        let sent = story().sends(("b", "worker"), "task-1/file", order);
        let called = story().called("worker", "task-1/file");
        for story in [sent, called] {
            assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
        }
    }

    #[test]
    fn a_message_that_a_call_did_not_lead_to_is_no_call() {
        let story = orders(Story::default(), "a", "task-1/file", PLAN);
        let order = Some(story.last());
        let story =
            story.sends_because_of(order, ("worker", "ticketing"), "task-1/file", by_plan(Headers::NONE, 0));
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn orders_and_calls_by_no_plan_are_nothing_to_agree_on() {
        let story = orders(Story::default(), "a", "task-1/file", PLAN);
        let story = story.tells(("b", "worker"), "task-1/file", Headers::of(Purpose::Order));
        let story = story.calls("worker", "task-1/file", Headers::NONE);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_plan_that_was_followed_only_once_is_nothing_to_agree_on() {
        let ordered = orders(Story::default(), "a", "task-1", PLAN);
        assert_eq!(ordered.judged_by(&property()), Verdict::Vacuous);
        let called = calls(Story::default(), "a", "task-1/file", PLAN);
        assert_eq!(called.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn the_first_that_followed_a_plan_is_shown_and_each_task_has_its_own() {
        let story = orders(orders(Story::default(), "a", "task-1", PLAN), "b", "task-1", PLAN);
        let story = orders(story, "b", "task-2", 7);
        assert_eq!(violation(orders(story, "c", "task-1", 0).judged_by(&property())).0, [2, 8]);
        let story = orders(orders(Story::default(), "a", "task-1", PLAN), "a", "task-2", PLAN);
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous, "there is one follower of each");
    }
}
