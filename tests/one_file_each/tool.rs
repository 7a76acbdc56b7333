//! A tool: a till.

use perfidy::prelude::*;
use serde::Deserialize;

#[derive(Clone)]
pub struct Till {
    pub total: u64,
}

impl Till {
    pub fn empty() -> Self {
        Self { total: 0 }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    Pay { amount: u64 },
}

impl Tool for Till {
    type Call = Call;
    type Reply = u64;
    type Refusal = &'static str;

    fn apply(&mut self, Call::Pay { amount }: Call, _: &Caller) -> Result<u64, &'static str> {
        self.total += amount;
        Ok(amount)
    }

    fn read(&self, _: Call, _: &ToolContext<'_>) -> Result<u64, &'static str> {
        Err("a payment is not a read")
    }
}
