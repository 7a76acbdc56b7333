//! What is read from a tool: a value of some version, as of some time.

use perfidy_sim::{Name, SimTime, Words};
use serde::Serialize;
use std::fmt;

/// Something that somebody wants to know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Query {
    /// Of which tool.
    pub tool: Name,
    /// Which of the things it knows.
    pub item: Name,
    /// What for.
    pub intent: Name,
}

/// A digest of something that was read. Equal digests are equal contents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
pub struct Content(pub u64);

impl Content {
    /// What a version of an item really is. Whoever judges a history compares it with what was served.
    pub fn of(tool: Name, item: Name, version: u32) -> Self {
        Self(Words::digest(|words| {
            words.name(tool).name(item).put(version.into());
        }))
    }

    /// The content after something has been done to it.
    pub(super) fn after(self, done: &'static str) -> Self {
        Self(Words::digest(|words| {
            words.put(self.0).text(done);
        }))
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content {:04x}", self.0 >> 48)
    }
}

/// What a tool answers to a query.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Reading {
    /// What it is about. A reader that does not look may take one thing for another.
    pub item: Name,
    /// Which version, counted from one.
    pub version: u32,
    /// When that was the current version, by the clock of the tool.
    pub as_of: SimTime,
    /// What it says.
    pub content: Content,
    /// How long it is, in tokens.
    pub tokens: u32,
    /// How long it would be if nothing had been left out, in tokens.
    pub tokens_in_all: u32,
    /// Whether its text tells the reader to do something. An agent that takes what it reads for orders does it.
    pub instructs: bool,
}

impl Reading {
    /// Whether nothing was left out.
    pub fn is_whole(&self) -> bool {
        self.tokens >= self.tokens_in_all
    }

    /// The reading with nine tenths of it left out.
    pub(super) fn truncated(self) -> Self {
        Self { tokens: self.tokens / 10, content: self.content.after("truncated"), ..self }
    }

    /// The reading as part of something fifty times as long.
    pub(super) fn bloated(self) -> Self {
        let tokens = self.tokens.saturating_mul(50);
        Self { tokens, tokens_in_all: tokens, content: self.content.after("bloated"), ..self }
    }

    /// The reading with something else in the place of what it says.
    pub(super) fn falsified(self) -> Self {
        Self { content: self.content.after("falsified"), ..self }
    }

    /// The reading with an order slipped in.
    pub(super) fn instructing(self) -> Self {
        Self { instructs: true, content: self.content.after("instructing"), ..self }
    }
}
