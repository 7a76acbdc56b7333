//! The bank: a tool defined by this crate, with accounts in cents.

use perfidy::config::{Entry, Problem};
use perfidy::tools::{Asked, Moment, Tool, ToolKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The balance of each account, in cents.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Bank {
    accounts: BTreeMap<String, u64>,
}

impl Bank {
    /// The total balance, in cents.
    pub fn total(&self) -> u64 {
        self.accounts.values().sum()
    }
}

/// The operations of the bank.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// Takes an amount out of an account.
    Withdraw(Movement),
    /// Puts an amount into an account.
    Deposit(Movement),
}

/// An amount and its account.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// The account.
    pub account: String,
    /// How much, in cents.
    pub amount: u64,
}

/// Why the bank declines.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Declined {
    /// The balance is too low.
    NotEnough,
    /// There is no such account.
    NoSuchAccount,
}

impl Tool for Bank {
    type Call = Call;
    type Reply = Movement;
    type Refusal = Declined;

    fn apply(&mut self, call: Call, _: &Asked) -> Result<Movement, Declined> {
        let (Call::Withdraw(movement) | Call::Deposit(movement)) = &call;
        let balance = self.accounts.get_mut(&movement.account).ok_or(Declined::NoSuchAccount)?;
        *balance = match call {
            Call::Withdraw(_) => balance.checked_sub(movement.amount).ok_or(Declined::NotEnough)?,
            Call::Deposit(_) => *balance + movement.amount,
        };
        Ok(movement.clone())
    }

    /// The bank has no reads.
    fn read(&self, _: Call, _: &Moment<'_>) -> Result<Movement, Declined> {
        Err(Declined::NoSuchAccount)
    }
}

/// The bank's own keys in its table of a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    accounts: BTreeMap<String, u64>,
}

/// `kind = "bank"`.
pub fn kind() -> ToolKind {
    let read = |table: &Entry<'_>| -> Result<Bank, Problem> {
        let Table { accounts } = table.read()?;
        Ok(Bank { accounts })
    };
    ToolKind::new(
        "bank",
        "accounts in cents, to withdraw from and to deposit into",
        r#"bank = { kind = "bank", accounts = { alice = 100000, bob = 0 } }"#,
        read,
    )
}
