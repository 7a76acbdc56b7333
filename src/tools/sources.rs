//! Sources: a tool that knows things which get new versions as time goes by, such as a price list or a search
//! index.
//!
//! Each thing that it is asked about is a [`Document`] of ten sections, in a version that lasts for a time.
//! When a version begins and how long it is, is drawn by its number, so it is the same whenever it is asked
//! for, and however often.

use super::{Caller, Tool, ToolContext, ToolKind};
use crate::agent::{Content, instructs};
use crate::config::{Numbers, Problem, Spread};
use perfidy_sim::{DrawPurpose, Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use toml::Spanned;

const LASTS: DrawPurpose = DrawPurpose::new("lasts");
const TOKENS: DrawPurpose = DrawPurpose::new("tokens");

/// What a source knows does not change faster than this.
const SHORTEST_CHANGE: SimSpan = SimSpan::from_millis(100);

/// How many sections a document has.
const SECTIONS: u32 = 10;

/// A tool that can be asked what something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sources {
    /// After what time things get a new version; `None` if they never change.
    pub changes_every: Option<RangeInclusive<SimSpan>>,
    /// How long documents are, in tokens.
    pub tokens: RangeInclusive<u32>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { changes_every: None, tokens: 200..=2_000 }
    }
}

/// What a source says about one thing.
///
/// ```
/// use perfidy::agent::Content;
/// use perfidy::tools::Document;
/// use perfidy_sim::Name;
///
/// let document = Document::new(Name::new("prices"), 3, 800);
/// let said = Content::new(document.clone());
/// assert_eq!(said.json()["sections"][0], "prices, version 3, section 1");
/// assert_eq!(Content::of_json(said.json()).read(), Ok(document));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Document {
    /// What it is about. A reader that does not look may take one thing for another.
    pub item: Name,
    /// Which version, counted from one.
    pub version: u32,
    /// How long the whole of it is, in tokens, as it says itself.
    pub whole_tokens: u32,
    /// How many sections the whole of it has, as it says itself.
    pub of_sections: u32,
    /// What the sections say; `None` as long as it is what the source has written.
    sections: Option<Vec<String>>,
}

/// A document as JSON has it.
#[derive(Clone, Serialize, Deserialize)]
struct Written {
    item: Name,
    version: u32,
    tokens: u32,
    of_sections: u32,
    sections: Vec<String>,
}

impl From<Document> for Written {
    fn from(document: Document) -> Self {
        let sections = document.sections.clone().unwrap_or_else(|| document.original());
        let Document { item, version, whole_tokens: tokens, of_sections, .. } = document;
        Self { item, version, tokens, of_sections, sections }
    }
}

impl From<Written> for Document {
    fn from(Written { item, version, tokens, of_sections, sections }: Written) -> Self {
        let original = Self::new(item, version, tokens);
        let sections = (sections != original.original()).then_some(sections);
        Self { of_sections, sections, ..original }
    }
}

impl Document {
    /// A version of a thing as its source has written it.
    pub fn new(item: Name, version: u32, tokens: u32) -> Self {
        Self { item, version, whole_tokens: tokens, of_sections: SECTIONS, sections: None }
    }

    fn original(&self) -> Vec<String> {
        (1..=SECTIONS).map(|nth| format!("{}, version {}, section {nth}", self.item, self.version)).collect()
    }

    fn sections(&self) -> u32 {
        self.sections.as_ref().map_or(SECTIONS, |sections| sections.len() as u32)
    }

    /// Whether nothing was left out, as far as the document says.
    pub fn is_whole(&self) -> bool {
        self.sections() >= self.of_sections
    }

    /// How long it is to a model that reads it, in tokens.
    pub fn tokens(&self) -> u32 {
        let tokens = u64::from(self.whole_tokens) * u64::from(self.sections());
        u32::try_from(tokens / u64::from(self.of_sections.max(1))).unwrap_or(u32::MAX)
    }

    /// Whether its text tells the reader to do something. An agent that takes what it reads for orders does
    /// it.
    pub fn instructs(&self) -> bool {
        self.sections.iter().flatten().any(|section| instructs(section))
    }
}

impl Tool for Sources {
    type Call = Name;
    type Reply = Document;
    type Refusal = &'static str;

    fn apply(&mut self, _: Name, _: &Caller) -> Result<Document, &'static str> {
        Err("a source is read; nothing can be done to it")
    }

    fn read(&self, item: Name, moment: &ToolContext<'_>) -> Result<Document, &'static str> {
        let (mut from, mut version) = (SimTime::ZERO, 1);
        loop {
            let (lasts, tokens) = moment.draw(", versions of ", item, version, |draw| {
                let more = draw.below(TOKENS, u64::from(self.tokens.end() - self.tokens.start()) + 1);
                let lasts = self.changes_every.as_ref().map(|every| draw.span(LASTS, every));
                (lasts, self.tokens.start() + more as u32)
            });
            match lasts {
                Some(lasts) if from + lasts <= moment.as_of => from += lasts,
                _ => return Ok(Document::new(item, version, tokens)),
            }
            version += 1;
        }
    }

    /// The operation is the thing that is asked about.
    fn parse(item: Name, arguments: &Content) -> Result<Name, String> {
        if arguments.is_nothing() { Ok(item) } else { Err("a source takes no arguments".to_owned()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    changes_every: Option<Spanned<Spread>>,
    tokens: Option<Numbers>,
}

impl Table {
    fn understood(self) -> Result<Sources, Problem> {
        let usual = Sources::default();
        let changes_every = self.changes_every.map(|every| {
            let Spread(range) = every.get_ref();
            if *range.start() < SHORTEST_CHANGE {
                let message = format!("`changes-every` begins below {SHORTEST_CHANGE}");
                return Err(
                    Problem::at(every.span(), message).help("write a longer time, such as \"10s..1m\"")
                );
            }
            Ok(range.clone())
        });
        let tokens = self.tokens.map_or(usual.tokens, |numbers| numbers.0);
        Ok(Sources { changes_every: changes_every.transpose()?, tokens })
    }
}

/// The kind, for the list.
pub(super) fn kind() -> ToolKind {
    ToolKind::new(
        "sources",
        "read-only documents that get new versions over time; each operation names a document",
        "market = { kind = \"sources\", changes-every = \"5s..1m\", tokens = \"200..2000\" }",
        |table| table.read::<Table>()?.understood(),
    )
}
