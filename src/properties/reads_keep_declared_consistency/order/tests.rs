//! A comparison with trying every order.

use super::*;
use proptest::prelude::*;

/// The same question, answered by trying every order.
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

/// What somebody who listens until then knows of an operation.
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

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
                prop_assert_eq!(explains(&operations, keeps, until), some_order_explains(&known, keeps));
            }
        }
    }
}
