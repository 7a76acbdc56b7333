//! Small histories of readers and writers.

use super::*;
use crate::agent::{AgentEvent, Indefinite, OpId, StoreEvent, Token, UserEvent, Version};
use crate::properties::testing::{Story, violation};

/// A request of an agent, or the outcome of its request at that index.
enum Does {
    Asks(Access),
    Hears(u32, StoreOutcome),
}
use Does::{Asks, Hears};

const WRITE: Access = Access::Change(OpId(1));

/// A story in which the store stores every version as soon as a change is requested.
fn story(declared: Consistency, acts: &[(&str, &str, Does)]) -> Story {
    let mut story =
        Story::default().record_event("user", TeamEvent::User(UserEvent::Declared { reads: declared }));
    for item in ["x", "y"].map(Name::new) {
        for version in 1..=3 {
            let (version, based_on) = (Version(version), Version(version - 1));
            story = story.record_event(
                "store",
                TeamEvent::Store(StoreEvent::Stored { item, by: Name::new("a"), version, based_on }),
            );
        }
    }
    for (who, item, does) in acts {
        let item = Name::new(item);
        story = match *does {
            Asks(access) => story.record_event(who, TeamEvent::Agent(AgentEvent::Asked { item, access })),
            Hears(asked, heard) => {
                let asked = EventId::new(FIRST + asked).unwrap();
                story.record_event(who, TeamEvent::Agent(AgentEvent::StoreOutcome { item, asked, heard }))
            }
        };
    }
    story
}

/// The number of the first event that a test writes itself.
const FIRST: u32 = 8;

fn saw(version: u64) -> StoreOutcome {
    StoreOutcome::Saw(Version(version))
}

fn made(version: u64) -> StoreOutcome {
    StoreOutcome::Made(Version(version))
}

/// `a` writes `x` and gets the confirmation; then `b` reads the old version.
fn stale() -> Vec<(&'static str, &'static str, Does)> {
    vec![
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, made(1))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(2, saw(0))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(4, saw(1))),
    ]
}

/// `b` reads the second change of the store and then misses the first, which is of another item.
fn out_of_step() -> Vec<(&'static str, &'static str, Does)> {
    vec![
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, made(1))),
        ("a", "y", Asks(Access::Change(OpId(2)))),
        ("a", "y", Hears(2, made(1))),
        ("b", "y", Asks(Access::Read)),
        ("b", "y", Hears(4, saw(1))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(6, saw(0))),
    ]
}

/// `b` reads a version and then the one before.
fn backwards() -> Vec<(&'static str, &'static str, Does)> {
    vec![
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(0, saw(2))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(2, saw(1))),
    ]
}

#[test]
fn each_model_allows_what_the_weaker_ones_do_and_less() {
    use Consistency::{Eventual, Linearizable, Monotonic, Sequential};
    let table = [
        ("stale", stale as fn() -> _, [true, false, false, false]),
        ("out of step", out_of_step, [true, true, false, false]),
        ("backwards", backwards, [true, true, true, false]),
    ];
    for (name, acts, broken) in table {
        for (model, broken) in [Linearizable, Sequential, Monotonic, Eventual].into_iter().zip(broken) {
            let verdict = story(model, &acts()).judged_by(&property());
            assert_eq!(verdict.is_violated(), broken, "{name}, {model}: {verdict:?}");
            assert!(broken || verdict == Verdict::Holds, "{name}, {model}: {verdict:?}");
        }
    }
}

#[test]
fn a_stale_read_is_shown_with_the_answer_that_made_it_stale() {
    let (events, message) = violation(story(Consistency::Linearizable, &stale()).judged_by(&property()));
    assert_eq!(events, [FIRST + 1, FIRST + 3]);
    assert_eq!(
        message,
        "b saw version 0 of x, but a had been told of version 1 before it asked; linearizable reads were promised"
    );
}

#[test]
fn a_read_that_goes_back_is_shown_with_the_one_before() {
    let (events, message) = violation(story(Consistency::Monotonic, &backwards()).judged_by(&property()));
    assert_eq!(events, [FIRST + 1, FIRST + 3]);
    assert_eq!(message, "b saw x at version 1 after it had seen version 2; monotonic reads were promised");
}

#[test]
fn what_only_another_order_of_items_would_explain_is_said_to_be_so() {
    let (events, message) = violation(story(Consistency::Sequential, &out_of_step()).judged_by(&property()));
    assert_eq!(events, [FIRST + 6, FIRST + 7]);
    assert!(message.starts_with("b saw version 0 of x, and no order of all reads and writes"), "{message}");
}

#[test]
fn a_version_that_was_never_stored_is_invented_under_every_model() {
    let acts = [("b", "x", Asks(Access::Read)), ("b", "x", Hears(0, saw(9)))];
    let (_, message) = violation(story(Consistency::Eventual, &acts).judged_by(&property()));
    assert!(message.starts_with("b saw version 9 of x, which was not there"), "{message}");
}

#[test]
fn an_indefinite_write_may_have_happened_or_not() {
    for seen in [0, 1] {
        let acts = [
            ("a", "x", Asks(WRITE)),
            ("a", "x", Hears(0, StoreOutcome::Unknown(Indefinite::TimedOut))),
            ("b", "x", Asks(Access::Read)),
            ("b", "x", Hears(2, saw(seen))),
            ("c", "y", Asks(Access::Change(OpId(2)))),
            ("c", "y", Hears(4, made(1))),
            ("b", "y", Asks(Access::Read)),
            ("b", "y", Hears(6, saw(1))),
        ];
        assert_eq!(story(Consistency::Linearizable, &acts).judged_by(&property()), Verdict::Holds, "{seen}");
    }
}

#[test]
fn who_asks_again_under_one_id_has_asked_once() {
    // The first try made version 1, which `b` read before the outcome of the second try.
    let acts = [
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, StoreOutcome::Unknown(Indefinite::TimedOut))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(2, saw(1))),
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(4, made(1))),
    ];
    assert_eq!(story(Consistency::Linearizable, &acts).judged_by(&property()), Verdict::Holds);
}

#[test]
fn what_was_refused_has_not_happened_and_its_reason_was_seen() {
    let moved = |version| StoreOutcome::Moved(Version(version));
    let acts = |heard| {
        vec![
            ("a", "x", Asks(WRITE)),
            ("a", "x", Hears(0, made(1))),
            ("b", "x", Asks(Access::ChangeAt(Version(0), OpId(2)))),
            ("b", "x", Hears(2, heard)),
            ("a", "x", Asks(Access::Read)),
            ("a", "x", Hears(4, saw(1))),
        ]
    };
    for (heard, broken) in [(moved(1), false), (moved(2), true), (StoreOutcome::Fenced(Token(2)), false)] {
        let verdict = story(Consistency::Linearizable, &acts(heard)).judged_by(&property());
        assert_eq!(verdict.is_violated(), broken, "{heard:?}: {verdict:?}");
    }
}

#[test]
fn the_dead_have_seen_nothing() {
    let story = |restart: bool| {
        let story = story(Consistency::Monotonic, &backwards()[..2]);
        let story = if restart { story.event("b", EventKind::Started { incarnation: 1 }) } else { story };
        let item = Name::new("x");
        let asked = EventId::new(FIRST + if restart { 3 } else { 2 }).unwrap();
        story
            .record_event("b", TeamEvent::Agent(AgentEvent::Asked { item, access: Access::Read }))
            .record_event("b", TeamEvent::Agent(AgentEvent::StoreOutcome { item, asked, heard: saw(1) }))
            .judged_by(&property())
    };
    assert!(story(false).is_violated());
    assert_eq!(story(true), Verdict::Holds);
}

#[test]
fn without_a_promise_or_without_anything_read_there_is_nothing_to_judge() {
    let read_nothing = [("b", "x", Asks(Access::Read)), ("b", "x", Hears(0, saw(0)))];
    assert_eq!(story(Consistency::Linearizable, &read_nothing).judged_by(&property()), Verdict::Vacuous);
    let item = Name::new("x");
    let unpromised = Story::default()
        .record_event("b", TeamEvent::Agent(AgentEvent::Asked { item, access: Access::Read }))
        .record_event(
            "b",
            TeamEvent::Agent(AgentEvent::StoreOutcome {
                item,
                asked: EventId::new(1).unwrap(),
                heard: saw(9),
            }),
        );
    assert_eq!(unpromised.judged_by(&property()), Verdict::Vacuous);
}

/// `b` reads twice, the second time an earlier version; these events come before each read.
fn goes_back_after(before: &[EventKind<TeamEvent>], between: &[EventKind<TeamEvent>]) -> Verdict {
    let item = Name::new("x");
    let happens = |story: Story, all: &[EventKind<TeamEvent>]| {
        all.iter().cloned().fold(story, |story, what| story.event("b", what))
    };
    let reads = |story: Story, asked: usize, version: u64| {
        let asked = EventId::new(FIRST + asked as u32).unwrap();
        let story =
            story.record_event("b", TeamEvent::Agent(AgentEvent::Asked { item, access: Access::Read }));
        story.record_event(
            "b",
            TeamEvent::Agent(AgentEvent::StoreOutcome { item, asked, heard: saw(version) }),
        )
    };
    let story = reads(happens(story(Consistency::Monotonic, &[]), before), before.len(), 2);
    let second = before.len() + 2 + between.len();
    reads(happens(story, between), second, 1).judged_by(&property())
}

#[test]
fn of_two_incarnations_at_once_it_is_unknown_which_saw_what() {
    let starts = |incarnation| EventKind::Started { incarnation };
    let twin_ends = || EventKind::Recovered { from: Name::new("overlapping-restart") };
    let dies = || EventKind::Crashed { lost_writes: 0 };
    let other_ends = || EventKind::Recovered { from: Name::new("slow") };
    let broken: [(&[_], &[_]); 5] = [
        (&[starts(0)], &[]),
        (&[starts(0), starts(1), twin_ends()], &[]),
        (&[starts(0), starts(1), dies(), starts(2)], &[]),
        (&[starts(0)], &[other_ends()]),
        (&[starts(0), dies(), starts(1)], &[]),
    ];
    for (before, between) in broken {
        assert!(goes_back_after(before, between).is_violated(), "{before:?}, {between:?}");
    }
    let allowed: [(&[_], &[_]); 6] = [
        (&[starts(0), starts(1)], &[]),
        (&[starts(0)], &[starts(1)]),
        (&[starts(0), starts(1)], &[twin_ends()]),
        (&[starts(0), starts(1)], &[other_ends()]),
        (&[starts(0)], &[dies(), starts(1)]),
        (&[starts(0), starts(1)], &[dies(), starts(2)]),
    ];
    for (before, between) in allowed {
        assert_eq!(goes_back_after(before, between), Verdict::Holds, "{before:?}, {between:?}");
    }
}

#[test]
fn a_read_that_was_asked_before_the_newer_one_was_answered_goes_back_to_nothing() {
    let acts = [
        ("a", "x", Asks(WRITE)),
        ("a", "x", Asks(Access::Change(OpId(2)))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(3, saw(2))),
        ("b", "x", Hears(2, saw(1))),
    ];
    for declared in [Consistency::Monotonic, Consistency::Sequential, Consistency::Linearizable] {
        assert_eq!(story(declared, &acts).judged_by(&property()), Verdict::Holds, "{declared}");
    }
}

#[test]
fn monotonic_is_by_reader_and_by_item() {
    let second = |who, item| {
        let acts = [
            ("b", "x", Asks(Access::Read)),
            ("b", "x", Hears(0, saw(2))),
            (who, item, Asks(Access::Read)),
            (who, item, Hears(2, saw(1))),
        ];
        story(Consistency::Monotonic, &acts).judged_by(&property())
    };
    assert!(second("b", "x").is_violated());
    assert_eq!(second("c", "x"), Verdict::Holds);
    assert_eq!(second("b", "y"), Verdict::Holds);
}

#[test]
fn the_highest_that_was_seen_counts_however_long_ago() {
    let mut acts = Vec::new();
    for (asked, version) in [(0, 1), (2, 3), (4, 3), (6, 2)] {
        acts.extend([("b", "x", Asks(Access::Read)), ("b", "x", Hears(asked, saw(version)))]);
    }
    let (events, message) = violation(story(Consistency::Monotonic, &acts).judged_by(&property()));
    assert_eq!(events, [FIRST + 3, FIRST + 7]);
    assert!(message.starts_with("b saw x at version 2 after it had seen version 3"), "{message}");
}

#[test]
fn a_version_is_there_from_when_it_was_stored_and_only_in_its_own_item() {
    let item = Name::new("x");
    let [early, other] = [Name::new("x"), Name::new("y")].map(|stored_in| {
        let stored = TeamEvent::Store(StoreEvent::Stored {
            item: stored_in,
            by: Name::new("a"),
            version: Version(1),
            based_on: Version(0),
        });
        let declared = TeamEvent::User(UserEvent::Declared { reads: Consistency::Eventual });
        let story = Story::default()
            .record_event("user", declared)
            .record_event("b", TeamEvent::Agent(AgentEvent::Asked { item, access: Access::Read }));
        let heard = TeamEvent::Agent(AgentEvent::StoreOutcome {
            item,
            asked: EventId::new(2).unwrap(),
            heard: saw(1),
        });
        let before = if stored_in == item {
            story.clone().record_event("b", heard.clone()).record_event("store", stored.clone())
        } else {
            story.clone()
        };
        (before, story.record_event("store", stored).record_event("b", heard))
    });
    assert!(early.0.judged_by(&property()).is_violated(), "it was stored only later");
    assert_eq!(early.1.judged_by(&property()), Verdict::Holds);
    assert!(other.1.judged_by(&property()).is_violated(), "another item was stored");
}

#[test]
fn the_first_clear_answer_counts() {
    let acts = [
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, made(1))),
        ("a", "x", Hears(0, made(2))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(3, saw(1))),
    ];
    assert_eq!(story(Consistency::Linearizable, &acts).judged_by(&property()), Verdict::Holds);
}

#[test]
fn two_who_made_one_version_are_not_explained() {
    let acts = [
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, made(1))),
        ("c", "x", Asks(Access::Change(OpId(2)))),
        ("c", "x", Hears(2, made(1))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(4, saw(1))),
    ];
    let (events, message) = violation(story(Consistency::Linearizable, &acts).judged_by(&property()));
    assert_eq!(events, [FIRST + 2, FIRST + 3]);
    assert!(message.starts_with("c made version 1 of x, and no order"), "{message}");
}

#[test]
fn what_was_refused_explains_nothing_and_excuses_no_read() {
    let fenced = StoreOutcome::Fenced(Token(2));
    let seen_all_the_same = [
        ("c", "x", Asks(WRITE)),
        ("c", "x", Hears(0, fenced)),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(2, saw(1))),
    ];
    assert!(story(Consistency::Linearizable, &seen_all_the_same).judged_by(&property()).is_violated());
    let mut acts = stale();
    acts.truncate(4);
    acts.extend([("c", "x", Asks(Access::Change(OpId(2)))), ("c", "x", Hears(4, fenced))]);
    acts.extend([("b", "x", Asks(Access::Read)), ("b", "x", Hears(6, saw(1)))]);
    let (events, _) = violation(story(Consistency::Linearizable, &acts).judged_by(&property()));
    assert_eq!(events, [FIRST + 1, FIRST + 3]);
}

#[test]
fn who_asks_again_under_one_id_makes_one_version_and_no_more() {
    let acts = [
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(0, StoreOutcome::Unknown(Indefinite::TimedOut))),
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(2, made(1))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(4, saw(2))),
    ];
    assert!(story(Consistency::Linearizable, &acts).judged_by(&property()).is_violated());
}

#[test]
fn answers_count_in_the_order_in_which_they_came() {
    let three_reads = [
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(1, saw(2))),
        ("b", "x", Asks(Access::Read)),
        ("b", "x", Hears(3, saw(1))),
        ("b", "x", Hears(0, saw(3))),
    ];
    let (events, _) = violation(story(Consistency::Monotonic, &three_reads).judged_by(&property()));
    assert_eq!(events, [FIRST + 2, FIRST + 4]);
    let asked_first_and_answered_last = [
        ("b", "x", Asks(Access::Read)),
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(1, made(1))),
        ("b", "x", Hears(0, saw(2))),
    ];
    let verdict = story(Consistency::Linearizable, &asked_first_and_answered_last).judged_by(&property());
    assert_eq!(violation(verdict).0, [FIRST, FIRST + 3]);
}

#[test]
fn a_read_that_was_never_answered_constrains_nothing() {
    let acts = [
        ("b", "x", Asks(Access::Read)),
        ("a", "x", Asks(WRITE)),
        ("a", "x", Hears(1, made(1))),
        ("c", "x", Asks(Access::Read)),
        ("c", "x", Hears(3, saw(1))),
    ];
    assert_eq!(story(Consistency::Linearizable, &acts).judged_by(&property()), Verdict::Holds);
}

#[test]
fn a_reader_that_never_reads_what_was_written_is_judged_as_any_other() {
    let acts: Vec<_> = stale().into_iter().take(4).collect();
    let (_, message) = violation(story(Consistency::Linearizable, &acts).judged_by(&property()));
    assert!(message.ends_with("linearizable reads were promised"), "{message}");
    assert_eq!(story(Consistency::Sequential, &acts).judged_by(&property()), Verdict::Vacuous);
}
