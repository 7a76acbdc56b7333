//! A comparison with a search through all orders.

use super::*;
use crate::agent::{
    Access, AgentEvent, Consistency, OpId, StoreEvent, StoreOutcome, TeamEvent, UserEvent, Version,
};
use crate::properties::Verdict;
use crate::properties::testing::Story;
use proptest::prelude::*;

/// The same question, answered by a search through all orders.
fn some_order_explains(operations: &[Operation], keeps: Keeps) -> bool {
    fn go_on(
        operations: &[Operation],
        keeps: Keeps,
        happened: &mut Vec<bool>,
        versions: &mut BTreeMap<Name, u64>,
    ) -> bool {
        let is_left = |index: &usize| !happened[*index];
        let left: Vec<usize> = (0..operations.len()).filter(is_left).collect();
        if left.iter().all(|index| operations[*index].answered.is_none()) {
            return true;
        }
        left.iter().any(|index| {
            let now = operations[*index];
            let is_overtaken = left.iter().map(|other| operations[*other]).any(|other| {
                let is_bound = keeps == Keeps::RealTime || other.session == now.session;
                is_bound && other.answered.is_some_and(|answered| answered < now.asked)
            });
            let version = versions.get(&now.item).copied().unwrap_or_default();
            let next = match now.act {
                Act::Saw(seen) => (seen == version).then_some(version),
                Act::Made(made) => (made == version + 1).then_some(made),
                Act::Perhaps(on) => on.is_none_or(|on| on == version).then_some(version + 1),
            };
            let Some(next) = next.filter(|_| !is_overtaken) else { return false };
            happened[*index] = true;
            versions.insert(now.item, next);
            let explained = go_on(operations, keeps, happened, versions);
            happened[*index] = false;
            versions.insert(now.item, version);
            explained
        })
    }
    go_on(operations, keeps, &mut vec![false; operations.len()], &mut BTreeMap::new())
}

/// What an observer at that time knows of an operation.
fn heard_by(operation: &Operation, until: EventId) -> Option<Operation> {
    let answered = operation.answered.filter(|answered| *answered <= until);
    let act = match operation.act {
        Act::Saw(_) if answered.is_none() => return None,
        Act::Made(version) if answered.is_none() => Act::Perhaps(Some(version - 1)),
        act => act,
    };
    (operation.asked <= until).then_some(Operation { answered, act, ..*operation })
}

fn operation() -> impl Strategy<Value = (u32, bool, u32, u32, u64, u32)> {
    (0..3_u32, any::<bool>(), 1..30_u32, 1..12_u32, 0..3_u64, 0..8_u32)
}

/// An operation of one session: its item, and the times of its request and its outcome.
fn act(session: &str, item: &str, asked: u32, answered: Option<u32>, act: Act) -> Operation {
    let [asked, answered] = [Some(asked), answered].map(|event| event.and_then(EventId::new));
    Operation {
        session: (Name::new(session), 0),
        item: Name::new(item),
        asked: asked.unwrap(),
        answered,
        act,
    }
}

#[test]
fn a_write_that_fits_anywhere_is_kept_for_where_nothing_else_fits() {
    let operations = [
        act("a", "x", 2, None, Act::Perhaps(None)),
        act("a", "y", 3, Some(5), Act::Made(1)),
        act("a", "y", 4, Some(13), Act::Saw(2)),
        act("a", "y", 12, None, Act::Perhaps(None)),
        act("a", "x", 20, Some(29), Act::Saw(2)),
        act("a", "x", 28, None, Act::Perhaps(Some(0))),
    ];
    for keeps in [Keeps::RealTime, Keeps::Sessions] {
        assert_eq!(explains(&operations, keeps, EventId::new(30).unwrap()), Explained::Yes, "{keeps:?}");
    }
}

#[test]
fn of_two_gaps_that_two_sessions_wait_for_either_may_have_to_be_filled_first() {
    // The session that continues first brings the write that fits only the other's gap.
    let two_sessions = |scarce: &str| {
        [
            act("a", "x", 1, None, Act::Perhaps(None)),
            act("a", "y", 2, None, Act::Perhaps(None)),
            act("a", "x", 3, Some(10), Act::Saw(1)),
            act("b", "y", 4, Some(11), Act::Saw(1)),
            act("a", "y", 12, None, Act::Perhaps(Some(0))),
            act("b", "x", 13, None, Act::Perhaps(Some(0))),
            act("b", scarce, 14, Some(20), Act::Saw(2)),
        ]
    };
    for scarce in ["x", "y"] {
        let explained = explains(&two_sessions(scarce), Keeps::Sessions, EventId::new(30).unwrap());
        assert_eq!(explained, Explained::Yes, "{scarce}");
    }
}

#[test]
fn after_too_many_tries_it_is_unknown() {
    let items: Vec<String> = (0..16).map(|number| format!("item-{number}")).collect();
    let mut operations = Vec::new();
    for (number, item) in (1..).zip(&items) {
        operations.push(act("nobody", item, number, None, Act::Perhaps(None)));
    }
    for (number, item) in (20..).zip(&items) {
        operations.push(act(item, item, number, Some(number + 20), Act::Saw(1)));
    }
    // The inexplicable outcome comes last, in a separate session.
    operations.push(act("late", "item-0", 60, Some(61), Act::Saw(1)));
    operations.push(act("late", "item-0", 62, Some(63), Act::Saw(0)));
    let explained = explains(&operations, Keeps::Sessions, EventId::new(90).unwrap());
    assert_eq!(explained, Explained::Unknown);
}

#[test]
fn what_is_unknown_is_said_of_the_history_too() {
    let items: Vec<Name> = (0..16).map(|number| Name::new(&format!("item-{number}"))).collect();
    let mut story = Story::default()
        .record_event("user", TeamEvent::User(UserEvent::Declared { reads: Consistency::Sequential }));
    for item in &items {
        let stored = TeamEvent::Store(StoreEvent::Stored {
            item: *item,
            by: *item,
            version: Version(1),
            based_on: Version(0),
        });
        story = story.record_event("store", stored);
        story = story.record_event(
            "writer",
            TeamEvent::Agent(AgentEvent::Asked { item: *item, access: Access::Change(OpId(item.hash64())) }),
        );
    }
    let reads = |story: Story, who: &str, item: Name, asked: u32, version: u64| {
        let (asked, heard) = (EventId::new(asked).unwrap(), StoreOutcome::Saw(Version(version)));
        story
            .record_event(who, TeamEvent::Agent(AgentEvent::Asked { item, access: Access::Read }))
            .record_event(who, TeamEvent::Agent(AgentEvent::StoreOutcome { item, asked, heard }))
    };
    for (item, asked) in items.iter().zip((34..).step_by(2)) {
        story = reads(story, item.as_str(), *item, asked, 1);
    }
    let story = reads(reads(story, "late", items[0], 66, 1), "late", items[0], 68, 0);
    let verdict = story.judged_by(&crate::properties::reads_keep_declared_consistency::property());
    assert!(matches!(verdict, Verdict::Unknown { .. }), "{verdict:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn following_the_versions_finds_an_order_exactly_when_there_is_one(
        drawn in prop::collection::vec(operation(), 1..8),
        until in 1..90_u32,
    ) {
        let mut operations: Vec<Operation> = drawn
            .into_iter()
            .map(|(session, item, asked, takes, version, act)| {
                let act = match act {
                    0..=2 => Act::Saw(version),
                    3..=4 => Act::Made(version + 1),
                    _ => Act::Perhaps(version.checked_sub(1)),
                };
                Operation {
                    session: (Name::new(["a", "b", "c"][session as usize]), 0),
                    item: Name::new(if item { "x" } else { "y" }),
                    asked: EventId::new(asked * 2).unwrap(),
                    answered: if matches!(act, Act::Perhaps(_)) { None } else { EventId::new((asked + takes) * 2 + 1) },
                    act,
                }
            })
            .collect();
        operations.sort_by_key(|operation| operation.asked);
        for until in [until, u32::MAX] {
            let until = EventId::new(until).unwrap();
            let known: Vec<Operation> =
                operations.iter().filter_map(|operation| heard_by(operation, until)).collect();
            for keeps in [Keeps::RealTime, Keeps::Sessions] {
                let is_explained = match explains(&operations, keeps, until) {
                    Explained::Yes => true,
                    Explained::No => false,
                    Explained::Unknown => return Err(TestCaseError::fail("there are not that many orders")),
                };
                prop_assert_eq!(is_explained, some_order_explains(&known, keeps));
            }
        }
    }
}
