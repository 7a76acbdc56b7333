//! For each intent, no more money is moved between accounts than a single transfer moves.
//!
//! Judged on the ledgers of account tools, by amounts: transfers for an intent, minus refunds. The message
//! shows the balances, as they are in the state of the tool after the transfer.

use crate::agent::{TeamEvent, kinds};
use crate::properties::{Property, StatesOverTime, TeamHistory, Verdict};
use crate::tools::{Accounts, AccountsCall, Tool};
use perfidy_sim::{Event, Name};
use std::collections::BTreeMap;

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new("no-double-spend", "no intent moves more money than one transfer", judge)
        .needs(kinds::OPENED.and(kinds::EFFECT))
}

/// The money moved for one intent.
struct Moved<'a> {
    first: &'a Event<TeamEvent>,
    /// The amount of a single transfer.
    once: u64,
    /// The total that was moved and not refunded.
    in_all: i128,
}

fn judge(history: &TeamHistory) -> Verdict {
    let mut verdict = Verdict::Vacuous;
    for tool in history.tools_of::<Accounts>() {
        let mut moved: BTreeMap<Name, Moved<'_>> = BTreeMap::new();
        for (event, bank) in history.states::<Accounts>(tool.as_str()).iter() {
            let Some(request) = event.app_event().and_then(|note| match note {
                TeamEvent::Tool(event) => event.request(),
                _ => None,
            }) else {
                continue;
            };
            let operation = request.operation();
            let (amount, sign) = match Accounts::parse(operation.name, &operation.arguments) {
                Ok(AccountsCall::Transfer { amount, .. }) => (amount, 1),
                Ok(AccountsCall::Refund { amount, .. }) => (amount, -1),
                Ok(AccountsCall::Balance { .. }) | Err(_) => continue,
            };
            verdict = Verdict::Holds;
            let sum =
                moved.entry(operation.intent).or_insert(Moved { first: event, once: amount, in_all: 0 });
            sum.in_all += sign * i128::from(amount);
            if sum.in_all > i128::from(sum.once) {
                let Moved { first, once, in_all } = sum;
                let balances =
                    bank.balances().iter().map(|(account, balance)| format!("{account} has {balance}"));
                let message = format!(
                    "{tool} moved {in_all} for {}, one transfer of which moves {once}: {}",
                    operation.intent,
                    balances.collect::<Vec<_>>().join(", ")
                );
                return Verdict::violated(&[first, event], message);
            }
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Content, Operation};
    use crate::properties::testing::{Story, violation};
    use serde_json::json;

    fn bank() -> Story {
        Story::default().opens("bank", Accounts::of([("alice", 100), ("bob", 0)]))
    }

    fn operation(name: &str, intent: &str) -> Operation {
        let arguments = Content::of_json(json!({ "from": "alice", "to": "bob", "amount": 5 }));
        Operation::new(Name::new("bank"), Name::new(name), Name::new(intent)).with(arguments)
    }

    #[test]
    fn one_transfer_for_each_intent_is_what_was_wanted() {
        let story = bank().carries_out(&operation("transfer", "task-1/pay"));
        let story = story.carries_out(&operation("transfer", "task-2/pay"));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn a_second_transfer_for_an_intent_spends_twice_and_the_balances_say_so() {
        let story = bank().carries_out(&operation("transfer", "task-1/pay"));
        let story = story.carries_out(&operation("transfer", "task-1/pay"));
        let (events, message) = violation(story.judged_by(&property()));
        assert_eq!(events, [2, 3]);
        assert_eq!(
            message,
            "bank moved 10 for task-1/pay, one transfer of which moves 5: alice has 90, bob has 10"
        );
    }

    #[test]
    fn what_was_refunded_can_be_transferred_again() {
        let story = bank().carries_out(&operation("transfer", "task-1/pay"));
        let story = story.carries_out(&operation("refund", "task-1/pay"));
        let story = story.carries_out(&operation("transfer", "task-1/pay"));
        assert_eq!(story.judged_by(&property()), Verdict::Holds);
    }

    #[test]
    fn without_accounts_there_is_nothing_to_judge() {
        assert_eq!(Story::default().effect("task-1/file", 1).judged_by(&property()), Verdict::Vacuous);
        assert_eq!(bank().judged_by(&property()), Verdict::Vacuous);
    }
}
