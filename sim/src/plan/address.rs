//! Addresses: names of the places where a fault is possible.

use super::quoted;
use crate::Name;
use crate::time::serde_as_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A place in a run where a fault is possible: the nth time that `id` passes `site`.
///
/// Written `site, id, try n`; the site may contain commas, and an id that does is quoted. The id names the
/// *intent* (`task-2`), not a request, so that `n` counts only the repetitions of the same intent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    /// The location: a link and a message kind, a node and a step, a service and a call.
    pub site: Name,
    /// The logical id of the message, step or call.
    pub id: Name,
    /// Which occurrence, counted from one.
    pub nth: u32,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = quoted::written(self.site, |_| true);
        let id = quoted::written(self.id, |id| !id.contains(','));
        write!(f, "{site}, {id}, try {}", self.nth)
    }
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAddress(String);

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an address; write `site, id, try n`, for example \
             `ticketing > executor-1, reply to create, task-2, try 1`",
            self.0
        )
    }
}

impl std::error::Error for NotAnAddress {}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let parse = || {
            let (rest, nth) = text.rsplit_once(',')?;
            let (site, id) = rest.rsplit_once(',')?;
            let nth: u32 = nth.trim().strip_prefix("try ")?.trim().parse().ok()?;
            let (site, id) = (quoted::read(site)?, quoted::read(id)?);
            (nth > 0).then_some(Self { site, id, nth })
        };
        parse().ok_or_else(|| NotAnAddress(text.to_owned()))
    }
}

serde_as_text!(Address);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn an_address_of_any_names_reads_back_as_it_is_printed(site in any::<String>(), id in any::<String>(), nth in 1..=u32::MAX) {
            let address = Address { site: Name::new(&site), id: Name::new(&id), nth };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn only_a_name_that_would_be_misread_stands_in_quotes() {
        for (site, id, text) in [
            ("user > a, ask", "task 2", "user > a, ask, task 2, try 1"),
            ("a, call", "task-2, again", r#"a, call, "task-2\u{2c}\u{20}again", try 1"#),
            ("a, call", "", r#"a, call, "", try 1"#),
            (" a", "\n", r#""\u{20}a", "\u{a}", try 1"#),
            ("a", "\"", r#"a, "\u{22}", try 1"#),
        ] {
            let address = Address { site: Name::new(site), id: Name::new(id), nth: 1 };
            assert_eq!(address.to_string(), text);
            assert_eq!(text.parse(), Ok(address));
        }
    }

    #[test]
    fn an_address_reads_back_as_it_is_printed() {
        let text = "ticketing > executor-1, reply to create, task-2, try 1";
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "a, b",
            "a, b, try",
            "a, b, try 0",
            ", b, try 1",
            "a, b, 1",
            "a, \"b, try 1",
            r#"a, "\x", try 1"#,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
