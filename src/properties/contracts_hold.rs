//! What agents acted on fits the contract under which it was handed over.
//!
//! Judged by what the network delivered: for each order that an agent sends on, and for each call that it
//! makes, the handover that it works from must have every field that the user's request has, each of its
//! type, in the version of the contract in which the team speaks. Which handover that is, the causes of the
//! event say: the last one that its agent received before it on the way that led there. What an agent gets
//! and refuses it does not act on.
//!
//! A tool has a contract too: its schema. What it carries out must be called for in the version that its
//! schema has by then, or it was misread. That version is what the call states: that its arguments are
//! written in it is not modelled.

use crate::agent::{Contract, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::handovers::{Act, Receivers};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKind, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    let about = "what an agent acts on fits the contract under which it was handed over";
    Property::new("contracts-hold", about, judge)
}

/// The kinds of events that it reads.
const READS: EventKinds =
    kinds::WANTED.and(kinds::HANDOVER).and(kinds::CALLED).and(kinds::SCHEMA_ROLLED).and(kinds::EFFECT);

/// The tools whose schema has a new version: the event that says so, and which.
type Schemas<'a> = Lookup<Name, (&'a Event<TeamEvent>, u32)>;

fn judge(history: &TeamHistory) -> Verdict {
    if !history.kinds().intersects(kinds::HANDOVER.and(kinds::SCHEMA_ROLLED)) {
        return Verdict::Vacuous;
    }
    let mut contracts: Lookup<Name, Contract> = Lookup::default();
    let mut receivers = Receivers::of_work();
    let mut schemas = Schemas::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events_of(READS) {
        let judged = match &event.what {
            EventKind::App(TeamEvent::User(UserEvent::Wanted { intent, arguments, .. })) => {
                if let Some(contract) = Contract::of(arguments) {
                    contracts.insert(*intent, contract);
                }
                None
            }
            EventKind::App(TeamEvent::Tool(ToolEvent::SchemaRolled { version })) => {
                schemas.insert(event.node, (event, *version));
                None
            }
            EventKind::App(TeamEvent::Tool(effect @ ToolEvent::Effect { .. })) => {
                judge_effect(&schemas, event, effect)
            }
            _ => receivers.take_in(history, event).and_then(|act| judge_act(&contracts, event, &act)),
        };
        match judged {
            Some(violated @ Verdict::Violated(_)) => return violated,
            Some(holds) => verdict = holds,
            None => {}
        }
    }
    verdict
}

/// Whether an agent acts on a handover that fits its contract; `None` if that is under none.
fn judge_act(contracts: &Lookup<Name, Contract>, event: &Event<TeamEvent>, act: &Act<'_>) -> Option<Verdict> {
    let Act { what, basis } = act;
    let EventKind::Delivered { from, about, content, .. } = &basis.what else { return None };
    let (contract, handover) = contracts.get(*about).zip(content.handover())?;
    Some(match contract.check(handover) {
        Ok(()) => Verdict::Holds,
        Err(breach) => {
            let message =
                format!("{} {what} on {about} by what {from} handed over, but {breach}", event.node);
            Verdict::violated(&[*basis, event], message)
        }
    })
}

/// Whether a tool carries out a call that was made for its schema; `None` if that is still the first.
fn judge_effect(schemas: &Schemas<'_>, event: &Event<TeamEvent>, effect: &ToolEvent) -> Option<Verdict> {
    let ToolEvent::Effect { operation, intent, request, .. } = effect else { return None };
    let (rolled, version) = schemas.get(event.node).copied()?;
    let stated = request.capability().schema;
    if stated == Some(version) {
        return Some(Verdict::Holds);
    }
    let made_for = stated.map_or("no version".to_owned(), |stated| format!("version {stated}"));
    let message = format!(
        "{} carried out {operation} for {intent} under version {version} of its schema, but the call was made \
         for {made_for}",
        event.node
    );
    Some(Verdict::violated(&[rolled, event], message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{
        Body, Capability, Content, Handover, Headers, OpId, Operation, Purpose, ToolCall, ToolRequest, Wire,
    };
    use crate::properties::handovers::testing::{INTENT, Item, passed, sent};
    use crate::properties::testing::{Story, violation};
    use perfidy_sim::SimTime;
    use serde_json::{Value, json};

    fn item(fields: Value) -> Item {
        Item::with_fields(fields)
    }

    fn whole() -> Item {
        item(json!({ "amount": 120, "to": "alice" }))
    }

    fn without_amount() -> Item {
        item(json!({ "to": "alice" }))
    }

    /// The user wants a payment (one event), and the lead hands it to a link that reads this (two more).
    fn link_reads(read: &Item) -> Story {
        let [task, intent, tool, operation] = ["task-1", INTENT, "bank", "transfer"].map(Name::new);
        let arguments = Content::of_json(json!({ "amount": 7, "to": "bob" }));
        let wanted = UserEvent::Wanted { task, intent, tool, operation, arguments };
        let story = Story::default().record_event("user", TeamEvent::User(wanted));
        passed(story, None, ("lead", "link-1"), &whole(), read)
    }

    #[test]
    fn work_that_fits_may_be_passed_on_and_acted_on() {
        let story = passed(link_reads(&whole()), Some(3), ("link-1", "actor"), &whole(), &whole());
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let story = story.calls_under(5, "actor", INTENT, (1, Headers::NONE));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_agent_that_passes_on_what_lacks_a_field_breaks_the_contract() {
        let story = sent(link_reads(&without_amount()), Some(3), ("link-1", "actor"), &without_amount());
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(
            message,
            "link-1 passed work on task-1/pay by what lead handed over, but `amount` is missing"
        );
        let mended = sent(link_reads(&without_amount()), Some(3), ("link-1", "actor"), &whole());
        assert!(mended.judged_by(&property()).is_violated(), "made up is not handed over");
    }

    #[test]
    fn so_does_one_that_calls_a_tool_by_it() {
        for read in [
            without_amount(),
            item(json!({ "amount": "120", "to": "alice" })),
            Item(Purpose::Order, Some(Handover::in_version(2, Content::of_json(json!({ "amount": 1 }))))),
            Item(Purpose::Order, Some(Handover::default())),
        ] {
            let story = link_reads(&read).calls_under(3, "link-1", INTENT, (1, Headers::NONE));
            assert_eq!(violation(story.judged_by(&property())).0, [3, 4]);
        }
    }

    #[test]
    fn work_that_is_refused_and_sent_again_is_not_acted_on() {
        let refusal = Item(Purpose::Refused, None);
        let story = passed(link_reads(&without_amount()), Some(3), ("link-1", "lead"), &refusal, &refusal);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
        let story = passed(story, Some(5), ("lead", "link-1"), &whole(), &whole());
        let story = sent(story, Some(7), ("link-1", "actor"), &whole());
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn each_agent_answers_for_what_it_received_itself() {
        // The link is told the whole; what it sends on is altered on its way to the actor.
        let broken = without_amount();
        let story = passed(link_reads(&whole()), Some(3), ("link-1", "actor"), &whole(), &broken);
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let story = story.calls_under(5, "actor", INTENT, (1, Headers::NONE));
        assert_eq!(violation(story.judged_by(&property())).0, [5, 6]);
    }

    /// The tool carries out a call that states this version of its schema.
    fn effect(story: Story, schema: Option<u32>) -> Story {
        let [operation, intent] = ["create", INTENT].map(Name::new);
        let wanted = Operation::new(Name::new("ticketing"), operation, intent);
        let call = ToolCall::unkeyed(wanted, OpId(1));
        let call = ToolCall { capability: Capability { endpoint: None, schema }, ..call };
        let body = Body::new(Wire::Call(Box::new(call)));
        let request = ToolRequest::new(Name::new("actor"), SimTime::ZERO, body);
        let effect = ToolEvent::Effect { operation, intent, op: OpId(1), receipt: 1, request };
        story.record_event("ticketing", TeamEvent::Tool(effect))
    }

    fn rolls(story: Story, tool: &str, version: u32) -> Story {
        story.record_event(tool, TeamEvent::Tool(ToolEvent::SchemaRolled { version }))
    }

    #[test]
    fn a_tool_that_carries_out_a_call_for_another_version_of_its_schema_misreads_it() {
        let rolled = || rolls(Story::default(), "ticketing", 2);
        assert_eq!(effect(rolled(), Some(2)).judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(effect(rolled(), None).judged_by(&property()));
        assert_eq!(events, [1, 2]);
        assert_eq!(
            message,
            "ticketing carried out create for task-1/pay under version 2 of its schema, but the call was made for no \
             version"
        );
        assert!(effect(rolled(), Some(1)).judged_by(&property()).is_violated());
        let again = effect(rolls(rolled(), "ticketing", 3), Some(2));
        assert_eq!(violation(again.judged_by(&property())).0, [2, 3]);
    }

    #[test]
    fn a_schema_that_has_not_changed_or_another_tools_is_no_matter() {
        assert_eq!(effect(Story::default(), None).judged_by(&property()), Verdict::Vacuous);
        let other = rolls(effect(rolls(Story::default(), "billing", 2), None), "ticketing", 2);
        assert_eq!(other.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn an_answer_to_a_question_is_under_no_contract() {
        let answer = Item(Purpose::Answer, Some(Handover::default()));
        let story = passed(link_reads(&whole()), None, ("lead", "link-1"), &answer, &answer);
        let story = sent(story, Some(5), ("link-1", "actor"), &whole());
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn without_a_contract_or_an_act_there_is_nothing_to_judge() {
        assert_eq!(link_reads(&without_amount()).judged_by(&property()), Verdict::Vacuous);
        let story = passed(Story::default().given("task-1"), None, ("lead", "link-1"), &whole(), &whole());
        let story = sent(story, Some(4), ("link-1", "actor"), &whole());
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous, "no user has said what belongs in it");
    }
}
