//! No agent overwrites an entry of a shared item, or a line of a shared file, that it had not read.
//!
//! Judged on the store's events: which entries each version added and removed, and which version its author
//! had read. To remove an entry that the author has read is an edit; to remove one that it never read is a
//! lost update (Berenson et al. 1995, "A critique of ANSI SQL isolation levels", anomaly P4). Of files,
//! [their contents](super::lost_edits) tell.

use crate::agent::{StoreEvent, TeamEvent, kinds};
use crate::properties::{Property, TeamHistory, Verdict, lost_edits};
use perfidy_sim::{EventKinds, Lookup};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "no-lost-update",
        "no contribution to a shared item is overwritten by an agent that had not read it",
        judge,
    )
}

/// The kinds of events that it reads.
const READS: EventKinds = kinds::STORED.and(kinds::ENTERED).and(kinds::VANISHED);

fn judge(history: &TeamHistory) -> Verdict {
    match (judge_store(history), lost_edits::judge(history)) {
        (lost @ Verdict::Violated(_), _) | (Verdict::Vacuous, lost) => lost,
        (held, Verdict::Vacuous) => held,
        (_, of_files) => of_files,
    }
}

fn judge_store(history: &TeamHistory) -> Verdict {
    let mut entered = Lookup::default();
    let mut written = Lookup::default();
    let mut verdict = Verdict::Vacuous;
    for (event, note) in history.app_events_of(READS) {
        match *note {
            TeamEvent::Store(StoreEvent::Stored { item, by, based_on, .. })
                if written.insert(item, (event, by, based_on)).is_some() =>
            {
                verdict = Verdict::Holds;
            }
            TeamEvent::Store(StoreEvent::Entered { item, entry, version, .. }) => {
                entered.insert((item, entry), (event, version));
            }
            TeamEvent::Store(StoreEvent::Vanished { item, entry, version }) => {
                let Some((came, since)) = entered.remove((item, entry)) else { continue };
                let Some((wrote, by, based_on)) = written.get(item) else { continue };
                if since > *based_on {
                    let message = format!(
                        "{by} overwrote {entry} in {item} with {version}, having read {based_on}; it came with {since}"
                    );
                    return Verdict::violated(&[came, wrote, event], message);
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
    use crate::agent::Version;
    use crate::properties::testing::{Story, number, violation};
    use perfidy_sim::Name;

    fn stored(story: Story, by: &str, version: u64, based_on: u64) -> Story {
        let (item, by) = (Name::new("notes"), Name::new(by));
        story.record_event(
            "store",
            TeamEvent::Store(StoreEvent::Stored {
                item,
                by,
                version: Version(version),
                based_on: Version(based_on),
            }),
        )
    }

    fn entered(story: Story, entry: &str, version: u64) -> Story {
        let (item, entry) = (Name::new("notes"), Name::new(entry));
        story.record_event(
            "store",
            TeamEvent::Store(StoreEvent::Entered {
                item,
                entry,
                version: Version(version),
                content: number(0),
            }),
        )
    }

    fn vanished(story: Story, entry: &str, version: u64) -> Story {
        let (item, entry) = (Name::new("notes"), Name::new(entry));
        story.record_event(
            "store",
            TeamEvent::Store(StoreEvent::Vanished { item, entry, version: Version(version) }),
        )
    }

    fn one_part_by_a() -> Story {
        entered(stored(Story::default(), "a", 1, 0), "intro", 1)
    }

    #[test]
    fn a_part_beside_the_others_loses_nothing() {
        let story = entered(stored(one_part_by_a(), "b", 2, 1), "summary", 2);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_part_that_its_overwriter_never_read_is_lost() {
        let story = vanished(entered(stored(one_part_by_a(), "b", 2, 0), "summary", 2), "intro", 2);
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3, 5]);
        assert_eq!(
            message,
            "b overwrote intro in notes with version 2, having read version 0; it came with version 1"
        );
    }

    #[test]
    fn what_was_written_later_again_was_lost_all_the_same() {
        let story = vanished(stored(one_part_by_a(), "b", 2, 0), "intro", 2);
        let story = entered(stored(story, "a", 3, 2), "intro", 3);
        assert!(story.judged_by(&property()).is_violated());
    }

    #[test]
    fn to_take_away_what_one_has_read_is_an_edit() {
        let story = vanished(stored(one_part_by_a(), "b", 2, 1), "intro", 2);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_part_that_came_back_counts_from_then_on() {
        let story =
            entered(stored(vanished(stored(one_part_by_a(), "b", 2, 1), "intro", 2), "a", 3, 2), "intro", 3);
        let story = vanished(stored(story, "b", 4, 2), "intro", 4);
        let (events, _) = violation(story.judged_by(&property()));
        assert_eq!(events, [6, 7, 8]);
    }

    #[test]
    fn what_was_written_once_or_never_is_nothing_to_judge() {
        assert_eq!(one_part_by_a().judged_by(&property()), Verdict::Vacuous);
        assert_eq!(Story::default().given("task-1").judged_by(&property()), Verdict::Vacuous);
    }

    #[test]
    fn each_item_has_versions_and_parts_of_its_own() {
        let other = |story: Story, version, based_on| {
            let (item, by) = (Name::new("plan"), Name::new("c"));
            story.record_event(
                "store",
                TeamEvent::Store(StoreEvent::Stored {
                    item,
                    by,
                    version: Version(version),
                    based_on: Version(based_on),
                }),
            )
        };
        let once_each = other(one_part_by_a(), 1, 0);
        assert_eq!(once_each.judged_by(&property()), Verdict::Vacuous);
        let edited = vanished(other(stored(one_part_by_a(), "b", 2, 1), 1, 0), "intro", 2);
        assert_eq!(edited.judged_by(&property()), Verdict::Holds, "b had read it, whatever c had read");
        let lost = other(stored(one_part_by_a(), "b", 2, 0), 1, 1);
        assert!(vanished(lost, "intro", 2).judged_by(&property()).is_violated(), "whatever c had read");
    }

    #[test]
    fn a_part_that_is_not_there_any_more_cannot_be_lost_again() {
        let story = vanished(stored(one_part_by_a(), "b", 2, 1), "intro", 2);
        let story = vanished(stored(story, "c", 3, 0), "intro", 3);
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }
}
