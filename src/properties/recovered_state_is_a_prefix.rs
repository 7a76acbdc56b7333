//! An agent that comes back goes on from what it had written, in order and whole, and has all of it that was durable.
//!
//! What an agent takes for its state is a list of records. It must be the beginning of the list of those that it
//! wrote and no crash took, and it may not be shorter than what its disk had promised to keep.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use crate::safeguards::checkpoint::chain;
use perfidy_sim::{Event, Name, What};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "recovered-state-is-a-prefix",
    promise: "an agent that comes back goes on from all it had made durable and from nothing else",
    bound: None,
    judge,
};

/// The journal of a node as it should be: a digest and the event of every record that no crash took.
#[derive(Default)]
struct Journal<'a> {
    records: Vec<(u64, &'a Event<Note>)>,
    /// The digests of the first record, the first two, and so on, as far as somebody had to know them.
    prefixes: Vec<u64>,
    died: Option<&'a Event<Note>>,
}

impl Journal<'_> {
    fn lose(&mut self, count: usize) {
        let kept = self.records.len().saturating_sub(count);
        self.records.truncate(kept);
        self.prefixes.truncate(kept);
    }

    /// The digest of the first `count` records, or of all if there are fewer.
    fn prefix(&mut self, count: usize) -> u64 {
        let count = count.min(self.records.len());
        for (record, _) in self.records.iter().take(count).skip(self.prefixes.len()) {
            let before = self.prefixes.last().copied().unwrap_or_default();
            self.prefixes.push(chain(before, *record));
        }
        count.checked_sub(1).map_or(0, |last| self.prefixes[last])
    }
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut journals: BTreeMap<Name, Journal<'_>> = BTreeMap::new();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        match &event.what {
            What::Wrote { content } => {
                journals.entry(event.node).or_default().records.push((*content, event));
            }
            What::Crashed { lost_writes } => {
                let journal = journals.entry(event.node).or_default();
                journal.lose(*lost_writes as usize);
                journal.died = Some(event);
            }
            What::Note(Note::Claimed(Claim::Recovered { records, digest })) => {
                let Some(journal) = journals.get_mut(&event.node) else { continue };
                let Some(died) = journal.died else { continue };
                verdict = Verdict::Holds;
                let (count, kept) = (*records as usize, journal.records.len());
                if journal.prefix(count) != *digest || count > kept {
                    let message =
                        format!("{} came back with something that it had never written", event.node);
                    return Verdict::violated(&[died, event], message);
                }
                if count < kept {
                    let lost = kept - count;
                    let message =
                        format!("{} came back without {lost} records that were durable", event.node);
                    return Verdict::violated(&[journal.records[count].1, died, event], message);
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
    use crate::properties::testing::{Story, violation};

    /// A node that wrote these, of which a crash took the last `lost`.
    fn wrote(records: &[u64], lost_writes: u32) -> Story {
        let write =
            |story: Story, content: &u64| story.event("coordinator", What::Wrote { content: *content });
        let story = records.iter().fold(Story::default(), write);
        story.event("coordinator", What::Crashed { lost_writes })
    }

    fn recovers(story: Story, records: &[u64]) -> Story {
        let digest = records.iter().copied().fold(0, chain);
        story.claim("coordinator", Claim::Recovered { records: records.len() as u32, digest })
    }

    #[test]
    fn all_that_was_durable_and_nothing_else_is_what_was_promised() {
        assert_eq!(recovers(wrote(&[7, 8, 9], 1), &[7, 8]).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_record_that_was_never_written_is_not_a_prefix_wherever_it_stands() {
        for recovered in [&[7, 8, 3][..], &[7, 3], &[8, 7], &[7, 8, 9]] {
            let (_, message) = violation(recovers(wrote(&[7, 8, 9], 1), recovered).judged_by(&PROPERTY));
            assert_eq!(message, "coordinator came back with something that it had never written");
        }
    }

    #[test]
    fn what_was_durable_may_not_be_missing() {
        let (events, message) = violation(recovers(wrote(&[7, 8], 0), &[7]).judged_by(&PROPERTY));
        assert_eq!(events, [2, 3, 4]);
        assert_eq!(message, "coordinator came back without 1 records that were durable");
    }

    #[test]
    fn without_a_crash_nothing_has_been_recovered() {
        assert_eq!(recovers(Story::default(), &[]).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn one_record_too_few_and_one_wrong_is_something_that_was_never_written() {
        let story = recovers(wrote(&[7, 8, 9], 0), &[7, 3]);
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [4, 5]);
        assert_eq!(message, "coordinator came back with something that it had never written");
    }

    #[test]
    fn who_comes_back_with_nothing_has_lost_all_that_was_durable() {
        let (events, message) = violation(recovers(wrote(&[7, 8], 0), &[]).judged_by(&PROPERTY));
        assert_eq!(events, [1, 3, 4]);
        assert_eq!(message, "coordinator came back without 2 records that were durable");
        assert_eq!(recovers(wrote(&[7, 8], 2), &[]).judged_by(&PROPERTY), Verdict::Holds);
        assert_eq!(recovers(wrote(&[7], 9), &[]).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn each_life_goes_on_where_the_one_before_was() {
        let write = |story: Story, content| story.event("coordinator", What::Wrote { content });
        let twice = write(recovers(wrote(&[7, 8], 1), &[7]), 9).dies("coordinator");
        assert_eq!(recovers(twice.clone(), &[7, 9]).judged_by(&PROPERTY), Verdict::Holds);
        assert_eq!(violation(recovers(twice.clone(), &[7]).judged_by(&PROPERTY)).0, [5, 6, 7]);
        assert!(recovers(twice, &[7, 8]).judged_by(&PROPERTY).is_violated(), "the first crash took 8");
    }

    #[test]
    fn what_others_write_and_lose_is_their_own() {
        let story = Story::default().event("worker", What::Wrote { content: 5 });
        let story = story.event("coordinator", What::Wrote { content: 7 }).dies("worker");
        assert_eq!(recovers(story.clone(), &[]).judged_by(&PROPERTY), Verdict::Vacuous, "it has not died");
        assert_eq!(recovers(story.dies("coordinator"), &[7]).judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_life_that_begins_beside_another_has_come_back_from_nothing() {
        let story = Story::default().event("coordinator", What::Wrote { content: 7 });
        let story = story.event("coordinator", What::Started { incarnation: 1 });
        assert_eq!(recovers(story, &[]).judged_by(&PROPERTY), Verdict::Vacuous);
    }
}
