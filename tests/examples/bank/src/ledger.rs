//! The bank: a tool defined by this crate, with accounts in cents.
//!
//! The bank of the start that `perfidy new` writes has the same accounts: each of the two crates is read on
//! its own.

use perfidy::tools::{Caller, Tool, ToolContext};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The balance of each account, in cents.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Bank {
    accounts: BTreeMap<String, u64>,
}

impl Bank {
    /// A bank with these accounts.
    pub fn with<const N: usize>(accounts: [(&str, u64); N]) -> Self {
        Self { accounts: accounts.map(|(name, balance)| (name.to_owned(), balance)).into() }
    }

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

    fn apply(&mut self, call: Call, _: &Caller) -> Result<Movement, Declined> {
        let (Call::Withdraw(movement) | Call::Deposit(movement)) = &call;
        let balance = self.accounts.get_mut(&movement.account).ok_or(Declined::NoSuchAccount)?;
        *balance = match call {
            Call::Withdraw(_) => balance.checked_sub(movement.amount).ok_or(Declined::NotEnough)?,
            Call::Deposit(_) => *balance + movement.amount,
        };
        Ok(movement.clone())
    }

    /// The bank has no reads.
    fn read(&self, _: Call, _: &ToolContext<'_>) -> Result<Movement, Declined> {
        Err(Declined::NoSuchAccount)
    }
}
