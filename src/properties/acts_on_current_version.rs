//! No tool call acts on a version of the work that a newer version has replaced.
//!
//! Judged on the orders and the ledger. Every order carries the version of the work and the operation id
//! under which it is carried out; a version replaces earlier ones when it is first ordered. An effect has the
//! id of the version it came from. For an id that no order carried, the precondition of the call says on
//! which version it acts; without one, it acts on no ordered version. To undo a step does not count as acting
//! on a version.

use crate::agent::{OpId, Purpose, TeamEvent, ToolEvent, UserEvent, Version, kinds};
use crate::properties::wire::sending_of;
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "acts-on-current-version",
        "no agent acts on a version of the work that a newer one has replaced",
        judge,
    )
    .needs(
        kinds::EFFECT
            .and(kinds::purpose(Purpose::Order))
            .and(kinds::PRECONDITION)
            .and(kinds::IDEMPOTENCY_KEY),
    )
}

#[derive(Default)]
struct Versions<'a> {
    of: Lookup<(Name, OpId), Version>,
    /// The order that first asked for the newest version, the version, and its id.
    current: Lookup<Name, (&'a Event<TeamEvent>, Version, OpId)>,
    /// Intent, tool and operation of each compensation.
    undoings: Lookup<(Name, Name, Name), ()>,
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::purpose(Purpose::Order).and(kinds::UNDONE_BY).and(kinds::EFFECT);

fn judge(history: &TeamHistory) -> Verdict {
    let mut versions = Versions::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        match &event.what {
            EventKind::Sent { about, content, .. } if content.is_for(Purpose::Order) => {
                let headers = content.headers();
                if let (Some(version), Some(op)) = (headers.precondition, headers.idempotency_key)
                    && !versions.of.contains((*about, op))
                {
                    versions.of.insert((*about, op), version);
                    versions.current.insert(*about, (event, version, op));
                }
            }
            EventKind::App(TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation })) => {
                versions.undoings.insert((*intent, *tool, *operation), ());
            }
            EventKind::App(TeamEvent::Tool(ToolEvent::Effect { operation, intent, op, .. }))
                if !versions.undoings.contains((*intent, event.node, *operation)) =>
            {
                let Some((ordered, newest, id)) = versions.current.get(*intent) else { continue };
                verdict = Verdict::Holds;
                let acted_on = match versions.of.get((*intent, *op)).copied() {
                    Some(_) if op == id => continue,
                    None if precondition(history, event) == Some(*newest) => continue,
                    known => known.or_else(|| precondition(history, event)),
                };
                let effect = format!("{}.{operation} happened for {intent}", event.node);
                let message = match acted_on {
                    Some(version) => format!("{effect} on {version}, after {newest} had replaced it"),
                    None => format!("{effect} on no version that was ordered, when {newest} was"),
                };
                return Verdict::violated(&[ordered, event], message);
            }
            _ => {}
        }
    }
    verdict
}

/// The version on which the call of an effect acts, according to its headers.
fn precondition(history: &TeamHistory, effect: &Event<TeamEvent>) -> Option<Version> {
    match &sending_of(history, effect)?.what {
        EventKind::Sent { content, .. } => content.headers().precondition,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use crate::properties::testing::{Story, asked, violation};

    fn headers(version: u64, op: u64) -> Headers {
        Headers {
            precondition: Some(Version(version)),
            idempotency_key: Some(OpId(op)),
            ..Headers::of(Purpose::Order)
        }
    }

    fn ordered_for(story: Story, intent: &str, version: u64, op: u64) -> Story {
        story.sends(("lead", "executor-1"), intent, headers(version, op))
    }

    fn ordered(story: Story, version: u64, op: u64) -> Story {
        ordered_for(story, "task-1/file", version, op)
    }

    fn both() -> Story {
        ordered(ordered(Story::default(), 1, 10), 2, 20)
    }

    #[test]
    fn acting_on_the_newest_version_is_what_was_promised() {
        assert_eq!(both().effect("task-1/file", 20).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_version_that_is_ordered_after_the_act_had_replaced_nothing_yet() {
        let story = ordered(ordered(Story::default(), 1, 10).effect("task-1/file", 10), 2, 20);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn acting_on_a_version_that_was_replaced_is_stale() {
        let (events, message) = violation(both().effect("task-1/file", 10).judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(
            message,
            "ticketing.create happened for task-1/file on version 1, after version 2 had replaced it"
        );
    }

    #[test]
    fn acting_on_both_is_stale_in_the_second() {
        let story = both().effect("task-1/file", 20).effect("task-1/file", 10);
        assert_eq!(violation(story.judged_by(&property())).0, [2, 4]);
    }

    #[test]
    fn a_version_counts_by_when_it_was_ordered_and_not_by_its_number() {
        let lower = ordered(ordered(Story::default(), 2, 10), 1, 20);
        assert_eq!(lower.clone().effect("task-1/file", 20).judged_by(&property()), Verdict::Holds);
        assert_eq!(violation(lower.effect("task-1/file", 10).judged_by(&property())).0, [2, 3]);
        let same = ordered(ordered(Story::default(), 1, 10), 1, 20);
        assert_eq!(violation(same.effect("task-1/file", 10).judged_by(&property())).0, [2, 3]);
    }

    #[test]
    fn without_versions_or_without_effects_there_is_nothing_to_judge() {
        assert_eq!(Story::default().effect("task-1/file", 1).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(ordered(Story::default(), 1, 10).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn each_intent_has_versions_of_its_own_even_under_one_id() {
        let story = ordered_for(ordered_for(Story::default(), "task-1/file", 1, 10), "task-2/file", 2, 20);
        assert_eq!(story.clone().effect("task-1/file", 10).judged_by(&property()), Verdict::Holds);
        let strange = story.effect("task-1/file", 20);
        assert!(strange.judged_by(&property()).is_violated(), "20 is no version of task-1/file");
        let shared = ordered_for(ordered_for(Story::default(), "task-1/file", 1, 10), "task-2/file", 7, 10);
        let (_, message) = violation(ordered(shared, 2, 20).effect("task-1/file", 10).judged_by(&property()));
        assert!(message.contains("for task-1/file on version 1, after version 2"), "{message}");
    }

    #[test]
    fn a_version_that_is_ordered_again_does_not_replace_the_newer_one() {
        let again = ordered(both(), 1, 10);
        let of_another_agent = both().sends(("lead", "executor-2"), "task-1/file", headers(1, 10));
        for story in [again, of_another_agent] {
            assert_eq!(story.clone().effect("task-1/file", 20).judged_by(&property()), Verdict::Holds);
            assert_eq!(violation(story.effect("task-1/file", 10).judged_by(&property())).0, [2, 4]);
        }
    }

    #[test]
    fn a_message_that_is_no_order_of_a_version_replaces_none() {
        let order = headers(2, 20);
        let others = [
            Headers { purpose: Some(Purpose::Ask), ..order },
            Headers { purpose: Some(Purpose::Undo), ..order },
            Headers { purpose: None, ..order },
            Headers { precondition: None, ..order },
            Headers { idempotency_key: None, ..order },
        ];
        for other in others {
            let story = ordered(Story::default(), 1, 10).sends(("lead", "executor-1"), "task-1/file", other);
            let on_the_first = story.clone().effect("task-1/file", 10);
            assert_eq!(on_the_first.judged_by(&property()), Verdict::Holds, "{other:?}");
            let on_the_other = story.effect("task-1/file", 20);
            assert_eq!(violation(on_the_other.judged_by(&property())).0, [1, 3], "{other:?}");
        }
    }

    /// An effect under an id of its own, caused by a call with these headers: sent, then the effect.
    fn called_under(story: Story, op: u64, headers: Headers) -> Story {
        let sent = story.sends(("executor-1", "ticketing"), "task-1/file", headers);
        let (call, [operation, intent]) = (sent.last(), ["create", "task-1/file"].map(Name::new));
        let effect = ToolEvent::Effect {
            operation,
            intent,
            op: OpId(op),
            receipt: op,
            request: asked(operation, intent),
        };
        sent.event_because_of(Some(call), "ticketing", EventKind::App(TeamEvent::Tool(effect)))
    }

    #[test]
    fn under_an_id_that_no_order_carried_the_precondition_of_the_call_counts() {
        let on = |version| Headers { precondition: Some(Version(version)), ..Headers::NONE };
        assert_eq!(called_under(both(), 99, on(2)).judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(called_under(both(), 99, on(1)).judged_by(&property()));
        assert_eq!(events, [2, 4]);
        assert!(message.ends_with("on version 1, after version 2 had replaced it"), "{message}");
        let stamped = called_under(both(), 10, on(2)).judged_by(&property());
        assert_eq!(
            violation(stamped).0,
            [2, 4],
            "what was ordered under the id goes before what the call says"
        );
    }

    #[test]
    fn an_effect_that_is_of_no_version_which_was_ordered_is_stale() {
        for story in [both().effect("task-1/file", 99), called_under(both(), 99, Headers::NONE)] {
            let (_, message) = violation(story.judged_by(&property()));
            assert_eq!(
                message,
                "ticketing.create happened for task-1/file on no version that was ordered, when version 2 was"
            );
        }
    }

    #[test]
    fn to_undo_a_step_is_not_to_act_on_a_version_of_it() {
        let [intent, tool, operation] = ["task-1/file", "ticketing", "withdraw"].map(Name::new);
        let undone_by = TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation });
        let story = both().record_event("user", undone_by).effect("task-1/file", 20).undo("task-1/file", 99);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }
}
