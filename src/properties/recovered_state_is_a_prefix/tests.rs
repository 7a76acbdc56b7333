//! Small histories of writes, crashes and recoveries.

use super::*;
use crate::agent::{Body, Headers};
use crate::properties::testing::{Story, completed, message, number, violation};

const STEP: &str = "task-1/file";

fn write(story: Story, record: u64) -> Story {
    story.event("coordinator", EventKind::Wrote { content: number(record) })
}

fn crashes(story: Story, lost_writes: u32) -> Story {
    story.event("coordinator", EventKind::Crashed { lost_writes })
}

/// A node that wrote these records, of which a crash lost the last `lost`.
fn wrote(records: &[u64], lost_writes: u32) -> Story {
    crashes(records.iter().copied().fold(Story::default(), write), lost_writes)
}

fn takes(story: Story, taken: impl IntoIterator<Item = (u32, Body)>) -> Story {
    story.record_event(
        "coordinator",
        TeamEvent::Agent(AgentEvent::Recovered { taken: taken.into_iter().collect() }),
    )
}

fn recovers(story: Story, records: &[u64]) -> Story {
    takes(story, (0..).zip(records.iter().map(|record| number(*record))))
}

fn injected(story: Story, node: &str, action: Action) -> Story {
    let at = format!("{node}, recovery, journal, try 1").parse().expect("it is an address");
    story.event(node, EventKind::Injected(Box::new(Fault { at, action })))
}

const NEVER_WRITTEN: &str = "coordinator came back with something that it had never written";

#[test]
fn all_that_was_durable_and_nothing_else_is_what_was_promised() {
    assert_eq!(recovers(wrote(&[7, 8, 9], 1), &[7, 8]).judged_by(&property()), Verdict::Holds);
}

#[test]
fn a_record_that_was_never_written_or_is_in_the_wrong_order_is_seen_wherever_it_stands() {
    for recovered in [&[7, 8, 3][..], &[7, 3], &[3, 7, 8], &[8, 7], &[7, 8, 9], &[7, 7, 8]] {
        let (events, message) = violation(recovers(wrote(&[7, 8, 9], 1), recovered).judged_by(&property()));
        assert_eq!(events, [4, 5]);
        assert_eq!(message, NEVER_WRITTEN, "{recovered:?}");
    }
}

#[test]
fn what_was_durable_may_not_be_missing() {
    let (events, message) = violation(recovers(wrote(&[7, 8], 0), &[7]).judged_by(&property()));
    assert_eq!(events, [2, 3, 4]);
    assert_eq!(message, "coordinator came back without 1 records that were durable");
    let (events, message) = violation(recovers(wrote(&[7, 8, 9, 10], 1), &[7, 9]).judged_by(&property()));
    assert_eq!(events, [2, 5, 6], "not even in the middle");
    assert_eq!(message, "coordinator came back without 1 records that were durable");
    assert_eq!(violation(recovers(wrote(&[7, 8], 0), &[8]).judged_by(&property())).0, [1, 3, 4]);
}

#[test]
fn without_a_crash_nothing_has_been_recovered() {
    assert_eq!(recovers(Story::default(), &[]).judged_by(&property()), Verdict::Vacuous);
    let alive = write(Story::default(), 7);
    assert_eq!(recovers(alive, &[]).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn one_record_too_few_and_one_wrong_is_something_that_was_never_written() {
    let story = recovers(wrote(&[7, 8, 9], 0), &[7, 3]);
    let (events, message) = violation(story.judged_by(&property()));
    assert_eq!(events, [4, 5]);
    assert_eq!(message, NEVER_WRITTEN);
}

#[test]
fn an_agent_that_comes_back_with_nothing_has_lost_all_that_was_durable() {
    let (events, message) = violation(recovers(wrote(&[7, 8], 0), &[]).judged_by(&property()));
    assert_eq!(events, [1, 3, 4]);
    assert_eq!(message, "coordinator came back without 2 records that were durable");
    assert_eq!(recovers(wrote(&[7, 8], 2), &[]).judged_by(&property()), Verdict::Holds);
    assert_eq!(recovers(wrote(&[7], 9), &[]).judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_does_not_read_its_journal_is_not_judged() {
    assert_eq!(write(wrote(&[7, 8], 0), 9).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn each_life_goes_on_where_the_one_before_was() {
    let twice = write(recovers(wrote(&[7, 8], 1), &[7]), 9).dies("coordinator");
    assert_eq!(recovers(twice.clone(), &[7, 9]).judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(recovers(twice.clone(), &[7]).judged_by(&property())).0, [5, 6, 7]);
    let (events, message) = violation(recovers(twice, &[7, 8]).judged_by(&property()));
    assert_eq!(events, [6, 7], "the first crash took 8");
    assert_eq!(message, NEVER_WRITTEN);
}

#[test]
fn what_others_write_and_lose_is_their_own() {
    let story = Story::default().event("worker", EventKind::Wrote { content: number(5) });
    let story = write(story, 7).dies("worker");
    assert_eq!(recovers(story.clone(), &[]).judged_by(&property()), Verdict::Vacuous, "it has not died");
    assert_eq!(recovers(story.dies("coordinator"), &[7]).judged_by(&property()), Verdict::Holds);
}

#[test]
fn a_life_that_begins_beside_another_has_come_back_from_nothing() {
    let story = write(Story::default(), 7).event("coordinator", EventKind::Started { incarnation: 1 });
    assert_eq!(recovers(story, &[]).judged_by(&property()), Verdict::Vacuous);
}

#[test]
fn all_that_is_read_before_anything_is_done_counts_together_and_by_its_place() {
    let [seven, eight] = [7, 8].map(number);
    let at_once = takes(wrote(&[7, 8], 0), [(1, eight.clone()), (0, seven.clone())]);
    assert_eq!(at_once.judged_by(&property()), Verdict::Holds);
    let in_two_readings = takes(takes(wrote(&[7, 8], 0), [(1, eight)]), [(0, seven)]);
    assert_eq!(in_two_readings.judged_by(&property()), Verdict::Holds);
    let read_twice = recovers(recovers(wrote(&[7, 8], 0), &[7, 8]), &[7, 8]);
    assert_eq!(read_twice.judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_does_something_before_it_has_read_everything_goes_on_without_the_rest() {
    let begun = || recovers(wrote(&[7, 8], 0), &[7]);
    let eight = || (1, number(8));
    let writes = write(begun(), 9);
    let sends = begun().sends(("coordinator", "worker"), STEP, Headers::NONE);
    for story in [writes, sends] {
        let (events, message) = violation(takes(story, [eight()]).judged_by(&property()));
        assert_eq!(events, [2, 3, 4]);
        assert_eq!(message, "coordinator came back without 1 records that were durable");
    }
    let of_another = begun().sends(("worker", "coordinator"), STEP, Headers::NONE);
    assert_eq!(takes(of_another, [eight()]).judged_by(&property()), Verdict::Holds);
}

#[test]
fn an_agent_that_dies_before_it_does_anything_has_gone_on_from_nothing() {
    let story = recovers(wrote(&[7, 8], 0), &[3]).dies("coordinator");
    assert_eq!(story.clone().judged_by(&property()), Verdict::Vacuous);
    assert_eq!(recovers(story.clone(), &[7, 8]).judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(recovers(story, &[7]).judged_by(&property())).0, [2, 5, 6]);
}

/// A node that wrote these records, of which a crash lost the last `lost` and left the first of those
/// half-written.
fn tore(records: &[u64], lost_writes: u32) -> Story {
    let story = records.iter().copied().fold(Story::default(), write);
    crashes(injected(story, "coordinator", Action::TornWrite), lost_writes)
}

#[test]
fn a_torn_record_is_none_that_was_written_and_its_loss_is_not_held_against_the_agent() {
    let torn = || tore(&[7, 8, 9], 2);
    assert_eq!(recovers(torn(), &[7]).judged_by(&property()), Verdict::Holds);
    let corrupted = number(8).corrupted();
    let half = takes(torn(), [(0, number(7)), (1, corrupted)]);
    for story in [half, recovers(torn(), &[7, 8])] {
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [5, 6]);
        assert_eq!(message, NEVER_WRITTEN);
    }
    assert_eq!(violation(recovers(torn(), &[]).judged_by(&property())).0, [1, 5, 6]);
}

#[test]
fn a_torn_record_stays_in_its_place_and_what_is_written_after_it_counts() {
    let story = write(recovers(tore(&[7, 8], 1), &[7]), 9).dies("coordinator");
    assert_eq!(recovers(story.clone(), &[7, 9]).judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(recovers(story.clone(), &[7]).judged_by(&property())).0, [6, 7, 8]);
    let hidden = injected(story, "coordinator", Action::StaleJournal { records: 2 });
    assert_eq!(
        recovers(hidden, &[7]).judged_by(&property()),
        Verdict::Holds,
        "the torn one and 9 are hidden"
    );
}

#[test]
fn a_crash_tears_one_record_and_the_next_crash_none() {
    let story = crashes(write(recovers(tore(&[7, 8], 1), &[7]), 9), 1);
    let story = injected(story, "coordinator", Action::StaleJournal { records: 1 });
    assert_eq!(recovers(story, &[7]).judged_by(&property()), Verdict::Holds, "the torn one is hidden");
    let another = injected(write(Story::default(), 7), "worker", Action::TornWrite);
    let story = write(recovers(crashes(another, 1), &[]), 8).dies("coordinator");
    let story = injected(story, "coordinator", Action::StaleJournal { records: 1 });
    assert_eq!(recovers(story, &[]).judged_by(&property()), Verdict::Holds, "8 is all there is");
}

#[test]
fn what_the_disk_hides_is_not_held_against_the_agent() {
    let stale = |records| injected(wrote(&[7, 8, 9], 0), "coordinator", Action::StaleJournal { records });
    assert_eq!(recovers(stale(2), &[7]).judged_by(&property()), Verdict::Holds);
    assert_eq!(recovers(stale(9), &[]).judged_by(&property()), Verdict::Holds, "it hides all there is");
    let (events, message) = violation(recovers(stale(1), &[7]).judged_by(&property()));
    assert_eq!(events, [2, 4, 6]);
    assert_eq!(message, "coordinator came back without 1 records that were durable");
    let (events, message) = violation(recovers(stale(2), &[7, 8]).judged_by(&property()));
    assert_eq!(events, [4, 6], "it cannot have read 8");
    assert_eq!(message, NEVER_WRITTEN);
    let of_another = injected(wrote(&[7, 8, 9], 0), "worker", Action::StaleJournal { records: 2 });
    assert!(recovers(of_another, &[7]).judged_by(&property()).is_violated());
}

#[test]
fn what_was_hidden_from_one_life_is_there_in_the_next() {
    let stale = injected(wrote(&[7, 8], 0), "coordinator", Action::StaleJournal { records: 1 });
    let story = write(recovers(stale, &[7]), 9).dies("coordinator");
    assert_eq!(recovers(story.clone(), &[7, 8, 9]).judged_by(&property()), Verdict::Holds);
    assert_eq!(violation(recovers(story, &[7, 9]).judged_by(&property())).0, [2, 7, 8]);
}

/// The agent writes a record on behalf of some work.
fn decides(story: Story, work: &str) -> Story {
    let headers = Headers { correlation: Some(Name::new(work)), ..Headers::NONE };
    story.event("coordinator", EventKind::Wrote { content: message(headers) })
}

/// The agent sends a message about some work, caused by the event of that number.
fn acts(story: Story, cause: Option<u32>, work: &str) -> Story {
    story.sends_because_of(cause, ("coordinator", "worker"), work, Headers::NONE)
}

/// The verdict after a crash that loses so many records, and a restart with those it kept.
fn after_losing(story: Story, lost_writes: u32, kept: &[u64]) -> Verdict {
    recovers(crashes(story, lost_writes), kept).judged_by(&property())
}

const ACTED: &str = "coordinator acted on a record that was not durable yet, and lost it when it died";

#[test]
fn a_record_that_led_to_a_message_before_it_was_durable_may_not_be_lost() {
    let acted = || acts(decides(Story::default(), STEP), Some(1), STEP);
    let (events, message) = violation(after_losing(acted(), 1, &[]));
    assert_eq!(events, [1, 2, 3]);
    assert_eq!(message, ACTED);
    let twice = acts(acted(), Some(1), STEP);
    assert_eq!(violation(after_losing(twice, 1, &[])).0, [1, 2, 4], "the first message is shown");
    let torn = injected(acted(), "coordinator", Action::TornWrite);
    assert_eq!(violation(after_losing(torn, 1, &[])).0, [1, 2, 4], "half a record is lost as well");
    let never_back = crashes(acted(), 1).judged_by(&property());
    assert_eq!(violation(never_back).0, [1, 2, 3]);
    assert_eq!(acted().judged_by(&property()), Verdict::Vacuous, "nothing is lost yet");
}

#[test]
fn a_record_leads_to_a_message_by_way_of_what_the_agent_does_in_between_as_well() {
    let about = Name::new(STEP);
    let thought = TeamEvent::Agent(completed(about));
    let story = write(Story::default(), 7).event("coordinator", EventKind::Synced { records: 1 });
    let story = decides(story, STEP).event_because_of(Some(3), "coordinator", EventKind::App(thought));
    let (events, message) = violation(after_losing(acts(story, Some(4), STEP), 1, &[7]));
    assert_eq!(events, [3, 5, 6]);
    assert_eq!(message, ACTED);
}

#[test]
fn a_record_that_was_durable_before_the_crash_was_not_lost() {
    let synced =
        |story: Story| story.event_because_of(Some(1), "coordinator", EventKind::Synced { records: 1 });
    let first_synced = acts(write(synced(decides(Story::default(), STEP)), 7), Some(1), STEP);
    let synced_later = write(synced(acts(decides(Story::default(), STEP), Some(1), STEP)), 7);
    for story in [first_synced, synced_later] {
        let of_step = Headers { correlation: Some(Name::new(STEP)), ..Headers::NONE };
        let kept = takes(crashes(story, 1), [(0, message(of_step))]);
        assert_eq!(kept.judged_by(&property()), Verdict::Holds);
    }
}

#[test]
fn a_sync_that_does_not_reach_as_far_as_a_record_does_not_make_it_durable() {
    let story = decides(write(Story::default(), 7), STEP);
    let story = acts(story.event("coordinator", EventKind::Synced { records: 1 }), Some(2), STEP);
    assert_eq!(violation(after_losing(story, 1, &[7])).0, [2, 4, 5]);
    let of_another = acts(decides(Story::default(), STEP), Some(1), STEP);
    let of_another = of_another.event("worker", EventKind::Synced { records: 1 });
    assert_eq!(violation(after_losing(of_another, 1, &[])).0, [1, 2, 4]);
}

#[test]
fn a_message_that_something_else_led_to_does_not_rest_on_the_record() {
    let decided = || decides(Story::default(), STEP);
    let because_of = |what: EventKind<TeamEvent>| {
        acts(decided().event_because_of(Some(1), "coordinator", what), Some(2), STEP)
    };
    let of_itself = acts(decided(), None, STEP);
    let synced = because_of(EventKind::Synced { records: 0 });
    let restarted = because_of(EventKind::Started { incarnation: 0 });
    let [from, kind, about] = ["worker", "word", STEP].map(Name::new);
    let told = because_of(EventKind::Delivered {
        from,
        kind,
        about,
        is_reply: false,
        content: message(Headers::NONE),
    });
    for story in [of_itself, synced, restarted, told] {
        assert_eq!(after_losing(story, 1, &[]), Verdict::Holds);
    }
    let another_record = because_of(EventKind::Wrote { content: number(7) });
    assert_eq!(violation(after_losing(another_record, 2, &[])).0, [1, 3, 4], "that changes nothing");
}

#[test]
fn a_record_of_other_work_may_be_lost() {
    let about_another = acts(decides(Story::default(), STEP), Some(1), "task-2/file");
    let about_nothing = acts(write(Story::default(), 7), Some(1), STEP);
    let only_written = write(decides(Story::default(), STEP), 7);
    for (story, lost) in [(about_another, 1), (about_nothing, 1), (only_written, 2)] {
        assert_eq!(after_losing(story, lost, &[]), Verdict::Holds);
    }
}

#[test]
fn a_message_of_another_agent_does_not_show_what_the_record_led_to() {
    let story = decides(Story::default(), STEP).event("worker", EventKind::Wrote { content: number(7) });
    let story = story.sends_because_of(Some(1), ("worker", "coordinator"), STEP, Headers::NONE);
    assert_eq!(after_losing(story, 1, &[]), Verdict::Holds);
}

#[test]
fn of_two_equal_records_both_must_be_found() {
    assert_eq!(recovers(wrote(&[7, 7], 0), &[7, 7]).judged_by(&property()), Verdict::Holds);
    let (events, message) = violation(recovers(wrote(&[7, 7], 0), &[7]).judged_by(&property()));
    assert_eq!(events, [2, 3, 4]);
    assert_eq!(message, "coordinator came back without 1 records that were durable");
}
