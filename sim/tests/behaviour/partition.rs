//! A partition loses the messages across it, in one direction or both, until it ends.

use crate::{Numbers, name, notes, on_every_engine, with_faults};
use perfidy_sim::{EventKind, Loss, RunOutcome, SimSpan, World};

/// Two nodes that send each other a number every second: 0, 1, 2 and so on, the right one from 100.
fn neighbours(world: &mut World<Numbers>) {
    for (node, other, first) in [("left", "right", 0), ("right", "left", 100)] {
        world.process(name(node), move |context| async move {
            let listening = context.clone();
            context.spawn(async move {
                loop {
                    let number = listening.receive().await.payload;
                    listening.record_event((), number);
                }
            });
            for number in first..first + 6 {
                context.send(name(other), name("count"), name("number"), number);
                context.sleep(SimSpan::from_secs(1)).await;
            }
        });
    }
}

fn heard(outcome: &RunOutcome<Numbers>) -> Vec<u64> {
    let mut numbers = notes(outcome);
    numbers.sort_unstable();
    numbers
}

fn lost_to_the_cut(outcome: &RunOutcome<Numbers>) -> usize {
    let lost = |what: &EventKind<u64>| matches!(what, EventKind::Lost { why: Loss::Partition, .. });
    outcome.history.events().iter().filter(|event| lost(&event.what)).count()
}

#[test]
fn a_cut_loses_messages_both_ways_and_heals() {
    let config = with_faults(&[("cut, a, try 1", "cut left from right at 1500ms for 2s")]);
    on_every_engine(&config, neighbours, |engine, outcome| {
        assert_eq!(heard(&outcome), [0, 1, 4, 5, 100, 101, 104, 105], "{engine}");
        assert_eq!(lost_to_the_cut(&outcome), 4, "{engine}");
    });
}

#[test]
fn a_one_way_cut_lets_the_other_direction_through() {
    let config = with_faults(&[("cut, a, try 1", "cut left towards right at 1500ms for 2s")]);
    on_every_engine(&config, neighbours, |engine, outcome| {
        assert_eq!(heard(&outcome), [0, 1, 4, 5, 100, 101, 102, 103, 104, 105], "{engine}");
        assert_eq!(lost_to_the_cut(&outcome), 2, "{engine}");
    });
}

#[test]
fn a_link_is_whole_again_only_when_the_last_of_its_cuts_has_ended() {
    let config = with_faults(&[
        ("cut, a, try 1", "cut left from right at 500ms for 2s"),
        ("cut, b, try 1", "cut right from left at 1500ms for 2s"),
    ]);
    on_every_engine(&config, neighbours, |engine, outcome| {
        assert_eq!(heard(&outcome), [0, 4, 5, 100, 104, 105], "{engine}");
    });
}

#[test]
fn a_message_under_way_when_the_cut_begins_is_lost_too() {
    let config = with_faults(&[
        ("left > right, count, number, try 1", "delay 1s"),
        ("cut, a, try 1", "cut left from right at 500ms for 1s"),
    ]);
    on_every_engine(&config, neighbours, |engine, outcome| {
        assert!(!heard(&outcome).contains(&0), "{engine}");
    });
}
