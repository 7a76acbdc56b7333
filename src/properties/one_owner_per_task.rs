//! No two agents work on the same thing at the same time.
//!
//! The store shows the owner of a piece of work: the agent that wrote the last claim on it. Until that claim
//! is removed, no other agent may call a tool for the work, whatever it believes itself. A call lasts until
//! it takes effect: a call of an earlier owner may not take effect after the new owner has called a tool. If
//! both called under one operation id it is one operation, whichever of the two requests arrives first: a
//! lease does not stop a request in the network, and an idempotency key makes it harmless. Two incarnations
//! of one agent are two owners.
//!
//! A job that triggers begin is work too: while an agent owns the job, no other agent may call a tool for any
//! run of it. When a call of an earlier run takes effect makes no difference then: it is another operation.

use crate::agent::{AgentEvent, OpId, Purpose, StoreEvent, TeamEvent, ToolEvent, UserEvent, kinds};
use crate::properties::wire::{Incarnation, sending_of};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKinds, Lookup, Name};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("one-owner-per-task", "no two agents work on the same thing at the same time", judge)
        .needs(kinds::ENTERED.and(kinds::purpose(Purpose::Claim)))
}

/// A claim in the store.
struct Claim<'a> {
    item: Name,
    entry: Name,
    written: &'a Event<TeamEvent>,
    owner: Incarnation,
    /// The calls of the owner for the work, and under which operation ids.
    calls: Vec<(&'a Event<TeamEvent>, OpId)>,
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::ENTERED.and(kinds::VANISHED).and(kinds::CALLED).and(kinds::EFFECT);

fn judge(history: &TeamHistory) -> Verdict {
    let mut claims: Lookup<Name, Claim<'_>> = Lookup::default();
    // The work of each item that holds a claim.
    let mut work_of: Lookup<Name, Name> = Lookup::default();
    let jobs = jobs_in(history);
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(READS) {
        match note {
            TeamEvent::Store(StoreEvent::Entered { item, entry, content, .. }) => {
                let headers = content.headers();
                if let (Some(Purpose::Claim), Some(work)) = (headers.purpose, headers.correlation)
                    && let Some(sent) = sending_of(history, event)
                {
                    let owner = Incarnation::of(sent);
                    work_of.insert(*item, work);
                    claims.insert(
                        work,
                        Claim { item: *item, entry: *entry, written: event, owner, calls: Vec::new() },
                    );
                }
            }
            TeamEvent::Store(StoreEvent::Vanished { item, entry, .. }) => {
                if let Some(work) = work_of.get(*item).copied()
                    && claims.get(work).is_some_and(|claim| (claim.item, claim.entry) == (*item, *entry))
                {
                    claims.remove(work);
                }
            }
            TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, op, .. }) => {
                let job = jobs.get(*intent).copied();
                let Some(claim) = claims.get_mut(job.unwrap_or(*intent)) else { continue };
                verdict = Verdict::Holds;
                let (owner, who) = (claim.owner, Incarnation::of(event));
                if owner != who {
                    let work = job.unwrap_or(*intent);
                    let what = job.map_or_else(|| "it".to_owned(), |_| intent.to_string());
                    let message =
                        format!("{owner} owned {work} when {who} called {tool}.{operation} for {what}");
                    return Verdict::violated(&[claim.written, event], message);
                }
                if job.is_none() {
                    claim.calls.push((event, *op));
                }
            }
            TeamEvent::Tool(ToolEvent::Effect { operation, intent, op, .. }) => {
                let Some(claim) = claims.get(*intent) else { continue };
                let Some((called, _)) = claim.calls.first() else { continue };
                if claim.calls.iter().any(|(_, called_under)| called_under == op) {
                    continue;
                }
                let Some(sent) = sending_of(history, event) else { continue };
                let (owner, who, tool) = (claim.owner, Incarnation::of(sent), event.node);
                if owner != who {
                    let message = format!(
                        "{owner} owned {intent} and had called for it when {tool}.{operation} happened for {who}"
                    );
                    return Verdict::violated(&[claim.written, called, event], message);
                }
            }
            _ => {}
        }
    }
    verdict
}

/// The job of each intent that a trigger begins.
fn jobs_in(history: &TeamHistory) -> Lookup<Name, Name> {
    let mut jobs = Lookup::default();
    for (_, note) in history.app_events_of(kinds::TRIGGERED) {
        if let TeamEvent::User(UserEvent::Triggered { job, intent, .. }) = note {
            jobs.insert(*intent, *job);
        }
    }
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Headers, Version};
    use crate::properties::testing::{Story, asked, message, violation};
    use perfidy_sim::EventKind;

    const WORK: &str = "task-1/file";

    /// The headers of a claim on some work.
    fn claim_on(work: &str) -> Headers {
        Headers { correlation: Some(Name::new(work)), ..Headers::of(Purpose::Claim) }
    }

    fn item() -> Name {
        Name::new("claim on task-1/file")
    }

    /// A store event, caused by the last event: an entry was added.
    fn enters(story: Story, entry: &str, headers: Headers) -> Story {
        let (entry, version, content) = (Name::new(entry), Version(1), message(headers));
        let cause = Some(story.last());
        let entered = TeamEvent::Store(StoreEvent::Entered { item: item(), entry, version, content });
        story.event_because_of(cause, "store", EventKind::App(entered))
    }

    /// An agent writes its claim, three events in all: its message to the store, sent and delivered, and the
    /// store's event.
    fn took(story: Story, who: &str) -> Story {
        let told = story.tells((who, "store"), "claim on task-1/file", Headers::NONE);
        enters(told, who, claim_on(WORK))
    }

    /// Two runs of one job, which a claim on the job covers, and an agent that owns it.
    fn owns_the_job(who: &str) -> Story {
        let triggered = |story: Story, trigger: &str| {
            let [trigger, job, intent] = [trigger, "nightly", &format!("{trigger}/file")].map(Name::new);
            story.record_event("user", TeamEvent::User(UserEvent::Triggered { trigger, job, intent }))
        };
        let story = triggered(triggered(Story::default(), "task-1"), "task-2");
        enters(story.tells((who, "store"), "claim on task-1/file", Headers::NONE), who, claim_on("nightly"))
    }

    #[test]
    fn the_owner_of_a_job_owns_every_run_of_it() {
        let story = owns_the_job("a").called("a", WORK).called("a", "task-2/file");
        assert_eq!(story.clone().judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(story.called("b", "task-2/file").judged_by(&property()));
        assert_eq!(events, [5, 8]);
        assert_eq!(message, "a owned nightly when b called ticketing.create for task-2/file");
        assert_eq!(owns_the_job("a").called("b", "task-3/file").judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn a_call_of_an_earlier_run_may_take_effect_in_the_run_of_another_owner() {
        let called = owns_the_job("a").calls("a", WORK, Headers::NONE);
        let sent = called.last();
        let story = enters(called.tells(("b", "store"), WORK, Headers::NONE), "b", claim_on("nightly"));
        let story = story.called("b", "task-2/file");
        assert_eq!(takes_effect(story, sent).judged_by(&property()), Verdict::Holds);
    }

    fn vanishes(story: Story, item: Name, entry: &str) -> Story {
        story.record_event(
            "store",
            TeamEvent::Store(StoreEvent::Vanished { item, entry: Name::new(entry), version: Version(2) }),
        )
    }

    /// The claim of an agent is removed.
    fn lets_go(story: Story, who: &str) -> Story {
        vanishes(story, item(), who)
    }

    #[test]
    fn one_owner_after_another_is_as_promised() {
        let story = lets_go(took(Story::default(), "a").called("a", WORK), "a");
        assert_eq!(took(story, "b").called("b", WORK).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn an_agent_that_works_on_what_another_owns_breaks_it_without_a_claim_of_its_own() {
        let (events, message) =
            violation(took(Story::default(), "a").called("b", WORK).judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(message, "a owned task-1/file when b called ticketing.create for it");
    }

    #[test]
    fn an_agent_that_goes_on_with_what_another_has_taken_meanwhile_works_on_it_as_a_second() {
        let story = took(took(Story::default(), "a").called("a", WORK), "b");
        let (events, message) = violation(story.called("a", WORK).judged_by(&property()));
        assert_eq!(events, [7, 8]);
        assert_eq!(message, "b owned task-1/file when a called ticketing.create for it");
    }

    #[test]
    fn a_claim_that_takes_the_place_of_another_stands_when_that_one_goes() {
        let story = lets_go(took(took(Story::default(), "a"), "b"), "a");
        assert_eq!(story.clone().called("b", WORK).judged_by(&property()), Verdict::Holds);
        assert_eq!(violation(story.called("a", WORK).judged_by(&property())).0, [6, 8]);
    }

    #[test]
    fn a_claim_that_was_written_again_is_its_owners_still() {
        let story = took(took(Story::default(), "a"), "a");
        assert_eq!(story.clone().called("a", WORK).judged_by(&property()), Verdict::Holds);
        assert_eq!(violation(story.called("b", WORK).judged_by(&property())).0, [6, 7], "the last is shown");
    }

    #[test]
    fn two_incarnations_of_one_agent_are_two_owners() {
        let (events, message) =
            violation(took(Story::default(), "a").called("a#1", WORK).judged_by(&property()));
        assert_eq!(events, [3, 4]);
        assert_eq!(message, "a owned task-1/file when a (incarnation 2) called ticketing.create for it");
        let story = took(took(Story::default(), "a"), "a#1");
        assert_eq!(story.clone().called("a#1", WORK).judged_by(&property()), Verdict::Holds);
        let (events, message) = violation(story.called("a", WORK).judged_by(&property()));
        assert_eq!(events, [6, 7]);
        assert_eq!(message, "a (incarnation 2) owned task-1/file when a called ticketing.create for it");
    }

    #[test]
    fn a_claim_that_has_gone_is_over() {
        let free = lets_go(took(Story::default(), "a"), "a");
        for who in ["a", "b"] {
            assert_eq!(free.clone().called(who, WORK).judged_by(&property()), Verdict::Vacuous);
        }
        assert!(took(free, "b").called("a", WORK).judged_by(&property()).is_violated());
    }

    #[test]
    fn the_claim_of_a_dead_agent_stands_until_it_goes() {
        let story = took(Story::default(), "a").dies("a");
        assert_eq!(violation(story.clone().called("b", WORK).judged_by(&property())).0, [3, 5]);
        assert_eq!(lets_go(story, "a").called("b", WORK).judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn what_else_goes_from_the_store_ends_no_claim() {
        let another_entry = lets_go(took(Story::default(), "a"), "c");
        let another_item = vanishes(took(Story::default(), "a"), Name::new("claim on task-2/file"), "a");
        for story in [another_entry, another_item] {
            assert_eq!(violation(story.called("b", WORK).judged_by(&property())).0, [3, 5]);
        }
    }

    #[test]
    fn work_that_no_agent_claims_is_nothing_to_judge() {
        assert_eq!(Story::default().called("a", WORK).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(took(Story::default(), "a").judged_by(&property()), Verdict::Vacuous, "nothing is called");
        let story = took(Story::default(), "a").called("b", "task-2/file");
        assert_eq!(story.judged_by(&property()), Verdict::Vacuous, "it is other work");
    }

    #[test]
    fn only_an_entry_that_says_so_and_that_a_message_led_to_is_a_claim() {
        let told = || Story::default().tells(("a", "store"), "claim on task-1/file", Headers::NONE);
        let fact = Headers { purpose: Some(Purpose::Done), ..claim_on(WORK) };
        let of_no_work = Headers::of(Purpose::Claim);
        for headers in [fact, of_no_work, Headers::NONE] {
            let story = enters(told(), "a", headers).called("b", WORK);
            assert_eq!(story.judged_by(&property()), Verdict::Vacuous, "{headers:?}");
        }
        let of_no_message = enters(Story::default().pass(1), "a", claim_on(WORK)).called("b", WORK);
        assert_eq!(of_no_message.judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn the_owner_is_the_sender_of_the_message_that_led_to_the_claim() {
        let ordered = Story::default().tells(("director", "a"), WORK, Headers::of(Purpose::Order));
        let order = Some(ordered.last());
        let sent = ordered.sends_because_of(order, ("a", "store"), "claim on task-1/file", Headers::NONE);
        let owned = enters(sent, "b", claim_on(WORK));
        assert_eq!(owned.clone().called("a", WORK).judged_by(&property()), Verdict::Holds);
        for other in ["director", "b", "store"] {
            let (events, message) = violation(owned.clone().called(other, WORK).judged_by(&property()));
            assert_eq!(events, [4, 5]);
            let called = format!("a owned task-1/file when {other} called ticketing.create for it");
            assert_eq!(message, called);
        }
    }

    #[test]
    fn an_announcement_of_the_store_claims_nothing() {
        let about = Name::new(WORK);
        let story = Story::default().tells(("a", "store"), WORK, claim_on(WORK));
        let story = story.record_event("a", TeamEvent::Announced { about, content: message(claim_on(WORK)) });
        assert_eq!(story.called("b", WORK).judged_by(&property()), Verdict::Vacuous);
    }

    /// A call of an agent for the work and, perhaps later, its effect.
    fn takes_effect(story: Story, called: u32) -> Story {
        let [operation, intent] = ["create", WORK].map(Name::new);
        let effect = ToolEvent::Effect {
            operation,
            intent,
            op: crate::agent::OpId(1),
            receipt: 1,
            request: asked(operation, intent),
        };
        story.event_because_of(Some(called), "ticketing", EventKind::App(TeamEvent::Tool(effect)))
    }

    #[test]
    fn a_call_of_an_earlier_owner_that_takes_effect_after_the_new_owner_has_called_is_work_at_the_same_time()
    {
        let first = took(Story::default(), "a").calls("a", WORK, Headers::NONE);
        let sent = first.last();
        let taken_over = took(lets_go(first, "a"), "b");
        let before_it_calls = calls_under(takes_effect(taken_over.clone(), sent), 2);
        assert_eq!(before_it_calls.judged_by(&property()), Verdict::Holds);
        let (events, message) =
            violation(takes_effect(calls_under(taken_over, 2), sent).judged_by(&property()));
        assert_eq!(events, [9, 10, 12]);
        assert_eq!(message, "b owned task-1/file and had called for it when ticketing.create happened for a");
    }

    /// The new owner calls under an operation id.
    fn calls_under(story: Story, op: u64) -> Story {
        let cause = story.last();
        story.calls_under(cause, "b", WORK, (op, Headers::NONE))
    }

    #[test]
    fn a_call_of_an_earlier_owner_under_the_same_operation_id_is_the_operation_of_the_new_owner() {
        let first = took(Story::default(), "a").calls("a", WORK, Headers::NONE);
        let sent = first.last();
        let called = calls_under(took(lets_go(first, "a"), "b"), 1);
        assert_eq!(takes_effect(called, sent).judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_call_that_takes_effect_while_its_caller_owns_the_work_is_as_promised() {
        let called = took(Story::default(), "a").calls("a", WORK, Headers::NONE);
        let sent = called.last();
        assert_eq!(takes_effect(called, sent).judged_by(&property()), Verdict::Holds);
    }
}
