//! A tool: a bank that moves money between accounts.

use perfidy::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The balance of each account.
#[derive(Clone, Hash, Debug, Serialize)]
pub struct Bank {
    accounts: BTreeMap<String, u64>,
}

impl Bank {
    /// A bank with these accounts.
    pub fn with<const N: usize>(accounts: [(&str, u64); N]) -> Self {
        let accounts = accounts.map(|(name, balance)| (name.to_owned(), balance));
        Self {
            accounts: accounts.into(),
        }
    }

    /// The balance of an account.
    pub fn balance(&self, account: &str) -> u64 {
        self.accounts.get(account).copied().unwrap_or(0)
    }
}

/// The operations of the bank: `tool = "bank.transfer"` in a scenario, with these fields as `args`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Call {
    /// Moves an amount from one account to another.
    Transfer {
        from: String,
        to: String,
        amount: u64,
    },
    /// Reads the balance of an account.
    Balance { account: String },
}

impl Tool for Bank {
    type Call = Call;
    type Reply = u64;
    type Refusal = &'static str;

    /// Carries out a call. perfidy adds latency, retries, idempotency keys and faults around this.
    fn apply(&mut self, call: Call, _: &Caller) -> Result<u64, &'static str> {
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

    /// Answers a read, and changes nothing.
    fn read(&self, call: Call, _: &ToolContext<'_>) -> Result<u64, &'static str> {
        match call {
            Call::Balance { account } => Ok(self.balance(&account)),
            Call::Transfer { .. } => Err("a transfer is not a read"),
        }
    }
}
