//! Accounts: balances in whole units, and transfers between them that are declined when an account is short.

use super::{Caller, Tool, ToolContext, ToolKind};
use crate::config::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A tool with accounts, such as a bank or a stock of goods.
///
/// ```
/// use perfidy::tools::Accounts;
/// let bank = Accounts::of([("alice", 100), ("bob", 0)]);
/// assert_eq!((bank.total(), bank.balance("alice")), (100, Some(100)));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Accounts {
    balances: BTreeMap<String, u64>,
}

/// What accounts can be asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AccountsCall {
    /// Moves an amount from one account to another.
    Transfer {
        /// The account that gets less.
        from: String,
        /// The account that gets more.
        to: String,
        /// How much.
        amount: u64,
    },
    /// Takes a transfer with these very arguments back.
    Refund {
        /// The account that got less.
        from: String,
        /// The account that got more.
        to: String,
        /// How much.
        amount: u64,
    },
    /// What is in an account; changes nothing.
    Balance {
        /// Which account.
        account: String,
    },
}

/// Why accounts decline a call.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Declined {
    /// There is less in the account than is to be taken out of it.
    Short {
        /// Which account.
        account: String,
        /// What is in it.
        balance: u64,
    },
    /// There is no such account.
    NoSuchAccount {
        /// Which.
        account: String,
    },
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { account, balance } => write!(f, "{account} has only {balance}"),
            Self::NoSuchAccount { account } => write!(f, "there is no account {account}"),
        }
    }
}

impl Accounts {
    /// Accounts with these balances.
    pub fn of<'a>(balances: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        Self {
            balances: balances.into_iter().map(|(account, balance)| (account.to_owned(), balance)).collect(),
        }
    }

    /// What is in all accounts together.
    pub fn total(&self) -> u64 {
        self.balances.values().sum()
    }

    /// What is in an account, if there is one of that name.
    pub fn balance(&self, account: &str) -> Option<u64> {
        self.balances.get(account).copied()
    }

    /// Every account with what is in it, by name.
    pub fn balances(&self) -> &BTreeMap<String, u64> {
        &self.balances
    }

    fn known(&self, account: &str) -> Result<u64, Declined> {
        self.balance(account).ok_or_else(|| Declined::NoSuchAccount { account: account.to_owned() })
    }

    /// Moves an amount, and says what is left where it came from.
    fn transfer(&mut self, from: &str, to: &str, amount: u64) -> Result<u64, Declined> {
        let (balance, _) = (self.known(from)?, self.known(to)?);
        let Some(left) = balance.checked_sub(amount) else {
            return Err(Declined::Short { account: from.to_owned(), balance });
        };
        self.balances.insert(from.to_owned(), left);
        *self.balances.entry(to.to_owned()).or_default() += amount;
        self.known(from)
    }
}

/// What accounts answer: what is in the account that was asked about, or from which an amount was moved.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// Which account.
    pub account: String,
    /// What is in it.
    pub balance: u64,
}

impl Tool for Accounts {
    type Call = AccountsCall;
    type Reply = Balance;
    type Refusal = Declined;

    fn apply(&mut self, call: AccountsCall, _: &Caller) -> Result<Balance, Declined> {
        let (account, balance) = match call {
            AccountsCall::Transfer { from, to, amount } => {
                let balance = self.transfer(&from, &to, amount)?;
                (from, balance)
            }
            AccountsCall::Refund { from, to, amount } => {
                let balance = self.transfer(&to, &from, amount)?;
                (to, balance)
            }
            AccountsCall::Balance { account } => {
                let balance = self.known(&account)?;
                (account, balance)
            }
        };
        Ok(Balance { account, balance })
    }

    fn read(&self, call: AccountsCall, _: &ToolContext<'_>) -> Result<Balance, Declined> {
        // What would be the answer to a transfer is what is there before it.
        let (AccountsCall::Balance { account }
        | AccountsCall::Transfer { from: account, .. }
        | AccountsCall::Refund { to: account, .. }) = call;
        Ok(Balance { balance: self.known(&account)?, account })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    balances: BTreeMap<String, u64>,
}

/// The kind, for the list.
pub(super) fn kind() -> ToolKind {
    ToolKind::new(
        "accounts",
        "balances in whole units: transfer and refund { from, to, amount }, declined when short; balance { account }",
        "bank = { kind = \"accounts\", balances = { alice = 100, bob = 0 } }",
        |table| -> Result<Accounts, Problem> {
            table.read::<Table>().map(|Table { balances }| Accounts { balances })
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use perfidy_sim::{Name, SimTime};

    fn asked() -> Caller {
        Caller { by: Name::new("executor-1"), at: SimTime::ZERO, headers: Headers::NONE }
    }

    fn transfer(amount: u64) -> AccountsCall {
        AccountsCall::Transfer { from: "alice".to_owned(), to: "bob".to_owned(), amount }
    }

    #[test]
    fn a_transfer_moves_the_amount_and_a_refund_moves_it_back() {
        let mut bank = Accounts::of([("alice", 100), ("bob", 0)]);
        let before = bank.clone();
        assert_eq!(
            bank.apply(transfer(30), &asked()),
            Ok(Balance { account: "alice".to_owned(), balance: 70 })
        );
        assert_eq!((bank.balance("bob"), bank.total()), (Some(30), 100));
        let refund = AccountsCall::Refund { from: "alice".to_owned(), to: "bob".to_owned(), amount: 30 };
        assert!(bank.apply(refund, &asked()).is_ok());
        assert_eq!(bank, before);
    }

    #[test]
    fn what_cannot_be_paid_is_declined_and_moves_nothing() {
        let mut bank = Accounts::of([("alice", 20), ("bob", 0)]);
        let short = Declined::Short { account: "alice".to_owned(), balance: 20 };
        assert_eq!(bank.apply(transfer(21), &asked()), Err(short));
        let nowhere = AccountsCall::Transfer { from: "alice".to_owned(), to: "eve".to_owned(), amount: 1 };
        assert_eq!(bank.apply(nowhere, &asked()), Err(Declined::NoSuchAccount { account: "eve".to_owned() }));
        assert_eq!(bank, Accounts::of([("alice", 20), ("bob", 0)]));
    }

    #[test]
    fn a_transfer_to_the_same_account_changes_nothing() {
        let mut bank = Accounts::of([("alice", 20)]);
        let call = AccountsCall::Transfer { from: "alice".to_owned(), to: "alice".to_owned(), amount: 5 };
        assert_eq!(bank.apply(call, &asked()).map(|said| said.balance), Ok(20));
        assert_eq!(bank.total(), 20);
    }
}
