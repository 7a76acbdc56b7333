//! A tool: a bank that moves money between accounts, and what must never happen to it.

use perfidy::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is in each account.
#[derive(Clone, Hash, Debug, Serialize)]
pub struct Bank {
    accounts: BTreeMap<String, u64>,
}

impl Bank {
    /// What is in an account.
    pub fn balance(&self, account: &str) -> u64 {
        self.accounts.get(account).copied().unwrap_or(0)
    }
}

/// What the bank can be asked: `tool = "bank.transfer"` in a scenario, with these fields as `args`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// Moves an amount from one account to another.
    Transfer {
        from: String,
        to: String,
        amount: u64,
    },
    /// Says what is in an account.
    Balance { account: String },
}

impl Tool for Bank {
    type Call = Call;
    type Reply = u64;
    type Refusal = &'static str;

    /// Carries out a call. Faults, retries and idempotency keys are around this, not in it.
    fn apply(&mut self, call: Call, _: &Asked) -> Result<u64, &'static str> {
        match call {
            Call::Transfer { from, to, amount } => {
                let left = self
                    .balance(&from)
                    .checked_sub(amount)
                    .ok_or("not enough money")?;
                self.accounts.insert(from, left);
                *self.accounts.entry(to).or_default() += amount;
                Ok(left)
            }
            Call::Balance { account } => Ok(self.balance(&account)),
        }
    }

    /// Answers a question, and changes nothing.
    fn read(&self, call: Call, _: &Moment<'_>) -> Result<u64, &'static str> {
        match call {
            Call::Balance { account } => Ok(self.balance(&account)),
            Call::Transfer { .. } => Err("a transfer is no question"),
        }
    }
}

/// The keys of a bank in a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    accounts: BTreeMap<String, u64>,
}

/// `kind = "bank"` in a scenario.
pub fn kind() -> ToolKind {
    let read = |table: &Entry<'_>| -> Result<Bank, Problem> {
        let Table { accounts } = table.read()?;
        Ok(Bank { accounts })
    };
    let example = r#"bank = { kind = "bank", accounts = { alice = 500, bob = 0 } }"#;
    ToolKind::new("bank", "moves money between accounts", example, read)
}

/// Three tasks pay 5 to bob each, so he never has more than 15.
pub fn paid_once() -> Property {
    Property::new(
        "paid-once",
        "bob never gets more than was ordered",
        |history: &TeamHistory| {
            history
                .states::<Bank>("bank")
                .always(|bank| bank.balance("bob") <= 15)
        },
    )
}
