//! Keys from the intent: the id of an operation belongs to what is wanted, not to the words in which a model asks for it.
//!
//! A digest of the call looks like a good key: the same call, the same key. But on a retry the model composes the call
//! anew, in other words, and to the tool the retry is a new wish. The id has to be minted once for each intent, kept
//! (see [`Operations`](super::persist::Operations)), and handed over whatever the call says.

use crate::safeguards::{Safeguard, switch};
use crate::scenario::{Entry, Problem};

/// The switch.
#[derive(Default)]
pub struct IntentKeys;

impl Safeguard for IntentKeys {
    const NAME: &'static str = "intent-keys";
    const ABOUT: &'static str =
        "an operation's id belongs to the intent, not to the call as a model composes it each time";
    const EXAMPLE: &'static str = "intent-keys = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
