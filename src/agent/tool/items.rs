//! The world outside as a tool knows it: items that get new versions as time goes by.

use crate::agent::{Agents, Content, Reading};
use perfidy_sim::{Desk, Lookup, Name, Purpose, SimSpan, SimTime};
use std::ops::RangeInclusive;

const LASTS: Purpose = Purpose::new("lasts");
const TOKENS: Purpose = Purpose::new("tokens");

/// One version of an item.
struct Version {
    from: SimTime,
    tokens: u32,
}

/// What one tool knows.
pub(super) struct Items {
    changes_every: Option<RangeInclusive<SimSpan>>,
    tokens: RangeInclusive<u32>,
    known: Lookup<Name, Item>,
}

#[derive(Default)]
struct Item {
    versions: Vec<Version>,
    /// When the next one begins, if there will be one.
    next_at: Option<SimTime>,
}

impl Items {
    /// Items that get a new version after a time from `changes_every`, or never, each of so many tokens.
    pub fn new(changes_every: Option<RangeInclusive<SimSpan>>, tokens: RangeInclusive<u32>) -> Self {
        Self { changes_every, tokens, known: Lookup::default() }
    }

    /// An item as it was at a time, which may not be to come.
    pub fn read(&mut self, desk: &mut Desk<'_, Agents>, name: Name, as_of: SimTime) -> Reading {
        let now = desk.now();
        let item = self.known.get_or_insert_with(name, Item::default);
        while item.versions.is_empty() || item.next_at.is_some_and(|next| next <= now) {
            let from = item.next_at.unwrap_or_default();
            // The nth draw there is about the nth version, whenever somebody looks.
            let site = Name::joined(desk.name(), ", versions of ", name);
            let (lasts, tokens) = desk.draw(site, name, |spot| {
                let more = spot.below(TOKENS, u64::from(self.tokens.end() - self.tokens.start()) + 1);
                let lasts = self.changes_every.as_ref().map(|every| spot.span(LASTS, every));
                (lasts, self.tokens.start() + more as u32)
            });
            item.versions.push(Version { from, tokens });
            item.next_at = lasts.map(|lasts| from + lasts);
        }
        let version = item.versions.partition_point(|version| version.from <= as_of).max(1);
        let tokens = item.versions[version - 1].tokens;
        let content = Content::of(desk.name(), name, version as u32);
        Reading {
            item: name,
            version: version as u32,
            as_of,
            content,
            tokens,
            tokens_in_all: tokens,
            instructs: false,
        }
    }
}
