//! Registers: values under keys, of which the one with the highest stamp is kept, whenever it comes.
//!
//! This is what a store does that is written in many places and has no coordinator, such as Cassandra: the
//! last writer wins, and which one that is, the stamps of the writers say. A writer whose stamp is too low is
//! answered like any other, and its value is never seen. The clients of such a store stamp each call, with a
//! wall clock unless their agent has a [logical one](crate::agent::HybridClock). A call without a stamp gets
//! the time at which it comes. Of two equal stamps, that of the writer with the greater name is the higher.

use super::kind::NoKeys;
use super::{Caller, Tool, ToolContext, ToolKind};
use crate::agent::Stamp;
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer to a write.
const TAKEN: &str = "ok";

/// A tool with registers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registers {
    registers: BTreeMap<String, Register>,
}

/// What a register holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Register {
    /// The value.
    pub value: String,
    /// The stamp of the write that it is of.
    pub stamp: Stamp,
    /// Its writer.
    pub by: Name,
}

/// What registers can be asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RegisterCall {
    /// Writes a value, which is kept unless the register holds one with a higher stamp.
    Put {
        /// Under which key.
        key: String,
        /// The value.
        value: String,
    },
    /// What a register holds; changes nothing.
    Get {
        /// Under which key.
        key: String,
    },
}

impl Registers {
    /// What is held under a key, if anything was ever written there.
    pub fn get(&self, key: &str) -> Option<&Register> {
        self.registers.get(key)
    }

    fn value(&self, key: &str) -> Result<String, &'static str> {
        self.get(key).map(|held| held.value.clone()).ok_or("nothing was ever written there")
    }
}

impl Tool for Registers {
    type Call = RegisterCall;
    /// The value that is asked for; `ok` in answer to a write, whether it is kept or not.
    type Reply = String;
    type Refusal = &'static str;

    const ORDERS_BY_STAMP: bool = true;

    fn apply(&mut self, call: RegisterCall, asked: &Caller) -> Result<String, &'static str> {
        match call {
            RegisterCall::Put { key, value } => {
                let stamp = asked.headers.stamp.unwrap_or(Stamp::of_wall_clock(asked.at));
                let is_last = self
                    .get(&key)
                    .is_none_or(|held| (held.stamp, held.by.as_str()) <= (stamp, asked.by.as_str()));
                if is_last {
                    self.registers.insert(key, Register { value, stamp, by: asked.by });
                }
                Ok(TAKEN.to_owned())
            }
            RegisterCall::Get { key } => self.value(&key),
        }
    }

    fn read(&self, call: RegisterCall, _: &ToolContext<'_>) -> Result<String, &'static str> {
        match call {
            RegisterCall::Get { key } => self.value(&key),
            RegisterCall::Put { .. } => Err("a write is no question"),
        }
    }
}

/// The kind, for the list.
pub(super) fn kind() -> ToolKind {
    ToolKind::new(
        "registers",
        "values under keys, where the write with the highest stamp wins: put { key, value }, get { key }",
        "wiki = { kind = \"registers\" }",
        |table| table.read::<NoKeys>().map(|NoKeys {}| Registers::default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Headers;
    use perfidy_sim::SimTime;

    fn put(wiki: &mut Registers, value: &str, (by, stamp): (&str, Option<u64>)) {
        let headers = Headers { stamp: stamp.map(Stamp), ..Headers::NONE };
        let asked = Caller { by: Name::new(by), at: SimTime::from_nanos(50), headers };
        let call = RegisterCall::Put { key: "page".to_owned(), value: value.to_owned() };
        assert_eq!(wiki.apply(call, &asked).as_deref(), Ok("ok"), "a writer is not told");
    }

    fn held(wiki: &Registers) -> &str {
        &wiki.get("page").expect("it was written").value
    }

    #[test]
    fn the_write_with_the_highest_stamp_is_kept_whenever_it_comes() {
        let mut wiki = Registers::default();
        put(&mut wiki, "second", ("peer-1", Some(20)));
        put(&mut wiki, "first", ("peer-2", Some(10)));
        assert_eq!(held(&wiki), "second");
        put(&mut wiki, "third", ("peer-2", Some(30)));
        assert_eq!(held(&wiki), "third");
        put(&mut wiki, "as it comes", ("peer-2", None));
        assert_eq!(held(&wiki), "as it comes");
    }

    #[test]
    fn of_equal_stamps_the_writer_with_the_greater_name_wins_and_a_writer_over_itself() {
        for order in [["peer-1", "peer-2"], ["peer-2", "peer-1"]] {
            let mut wiki = Registers::default();
            for by in order {
                put(&mut wiki, by, (by, Some(10)));
            }
            assert_eq!(held(&wiki), "peer-2");
            put(&mut wiki, "again", ("peer-2", Some(10)));
            assert_eq!(held(&wiki), "again");
        }
    }
}
