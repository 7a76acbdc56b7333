//! Payload limit: a long payload is stored once, and messages and prompts carry a reference to it.
//!
//! What one agent says to another is read by the model of the other, and by that of the next. A payload that
//! is passed on in full is paid for at every link and takes the place of everything else in each context
//! window. Above a limit, it goes to a store, under the digest of its content, and only the digest travels.
//! Code that needs the content fetches it and checks the digest ("claim check", Hohpe and Woolf 2003,
//! "Enterprise Integration Patterns"; resource links of the Model Context Protocol).
//!
//! ```text
//!   reader --store--> payload store <--fetch-- code that needs the content
//!      '--reference--> agent --reference--> agent --reference--^
//! ```

use crate::agent::{Agent, ArtifactId, Content};
use crate::config::{Entry, Problem};
use crate::safeguards::cite_artifacts::{Addressed, NotFound, fetch_addressed, store, store_of};
use crate::safeguards::{Safeguard, Safeguards};
use crate::tools::Document;
use perfidy_sim::{Name, Words};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// How long a payload may be that is passed on in full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayloadLimit {
    /// The greatest length, in tokens.
    pub tokens: u32,
}

/// How long a reference is to a model that reads it, in tokens.
const REFERENCE_TOKENS: u32 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    tokens: Spanned<u32>,
}

impl Safeguard for PayloadLimit {
    const NAME: &'static str = "payload-limit";
    const ABOUT: &'static str =
        "a payload over the limit is stored, and a reference is passed on in its place";
    const EXAMPLE: &'static str = "payload-limit = { tokens = 4000 }";
    const WITHOUT: &'static str = "every agent passes on all that it was told, and every model reads it";
    const PROTECTS: &'static [&'static str] = &["within-context-budget"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let Keys { tokens } = entry.read()?;
        if *tokens.get_ref() < REFERENCE_TOKENS {
            let message = format!("a reference alone has {REFERENCE_TOKENS} tokens");
            return Err(Problem::at(tokens.span(), message).help("write a greater number, such as 4000"));
        }
        Ok(Some(Self { tokens: *tokens.get_ref() }))
    }
}

/// The length of a content in tokens: what a [`Document`] says of itself, otherwise a quarter of its text.
pub fn tokens_of(content: &Content) -> u32 {
    match content.read::<Document>() {
        Ok(document) => document.tokens(),
        Err(_) => u32::try_from(content.json().to_string().len().div_ceil(4)).unwrap_or(u32::MAX),
    }
}

/// What is passed on: a content, or a reference to it.
///
/// ```
/// use perfidy::agent::Content;
/// use perfidy::safeguards::payload_limit::Payload;
///
/// let said = Content::new("a page".repeat(100));
/// assert_eq!(Payload::Whole(said.clone()).tokens(), 151);
/// assert_eq!(Payload::reference_to(&said).tokens(), 20);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Payload {
    /// The content itself.
    Whole(Content),
    /// The digest under which the content is stored.
    Reference(ArtifactId),
}

impl Payload {
    /// A reference to a content, whether it is stored or not.
    pub fn reference_to(content: &Content) -> Self {
        Self::Reference(digest(content))
    }

    /// How long it is to a model that reads it, in tokens.
    pub fn tokens(&self) -> u32 {
        match self {
            Self::Whole(content) => tokens_of(content),
            Self::Reference(_) => REFERENCE_TOKENS,
        }
    }
}

/// The digest of a content: that of its JSON, so it is the same wherever the content came from.
fn digest(content: &Content) -> ArtifactId {
    ArtifactId(Words::digest(|words| words.hash(&content.json().to_string())))
}

/// A content in the store.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct StoredPayload {
    about: Name,
    content: Content,
}

impl Addressed for StoredPayload {
    fn id(&self) -> ArtifactId {
        digest(&self.content)
    }

    fn about(&self) -> Name {
        self.about
    }
}

/// An agent that keeps long payloads for the others. What it has confirmed is on its disk.
pub async fn payload_store(agent: Agent) {
    store_of::<StoredPayload>(agent).await;
}

/// Makes a content ready to be passed on: stores it if it is over the limit.
///
/// # Errors
/// [`NotFound`] if it must be stored and the store did not confirm that.
pub async fn pack(
    agent: &Agent,
    safeguards: &Safeguards,
    payload_store: Name,
    (about, content): (Name, Content),
) -> Result<Payload, NotFound> {
    let is_short = |limit: &PayloadLimit| tokens_of(&content) <= limit.tokens;
    if safeguards.get::<PayloadLimit>().is_none_or(is_short) {
        return Ok(Payload::Whole(content));
    }
    Ok(Payload::Reference(store(agent, payload_store, StoredPayload { about, content }).await?))
}

/// The content that was passed on: fetched and checked, if it is a reference.
///
/// # Errors
/// [`NotFound`] if it is not stored, or the store did not answer.
pub async fn unpack(
    agent: &Agent,
    payload_store: Name,
    (about, payload): (Name, &Payload),
) -> Result<Content, NotFound> {
    match payload {
        Payload::Whole(content) => Ok(content.clone()),
        Payload::Reference(id) => {
            let StoredPayload { content, .. } = fetch_addressed(agent, payload_store, about, *id).await?;
            Ok(content)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_as_long_as_it_says_and_a_reference_is_short_whatever_it_refers_to() {
        let document = Content::new(Document::new(Name::new("revenue"), 1, 90_000));
        assert_eq!(Payload::Whole(document.clone()).tokens(), 90_000);
        assert_eq!(Payload::reference_to(&document).tokens(), REFERENCE_TOKENS);
    }

    #[test]
    fn a_reference_is_the_same_for_a_value_and_for_its_json_and_another_for_other_content() {
        let document = |version| Content::new(Document::new(Name::new("revenue"), version, 900));
        let reference = Payload::reference_to(&document(1));
        assert_eq!(reference, Payload::reference_to(&Content::of_json(document(1).json())));
        assert_ne!(reference, Payload::reference_to(&document(2)));
    }
}
