//! Artifacts by reference: a message carries the digest of a piece of work, and decisions cite that digest.
//!
//! A conversation is not a database: a model's summary of an artifact may be wrong, and an agent that works
//! from it builds on something that no agent made. So each artifact is stored by an [`artifact_store`],
//! messages carry its digest beside the summary, and an agent that works on it fetches the artifact itself
//! and checks the digest ("claim check", Hohpe and Woolf 2003; content addressing, as in Git).
//! addressing, as in Git).

use crate::agent::{Agent, Artifact, ArtifactId, Message};
use crate::config::{Entry, Problem};
use crate::protocols::in_attempts;
use crate::safeguards::{Safeguard, checkpoint, switch};
use perfidy_sim::{Name, SimSpan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How long to wait for the artifact store.
const PATIENCE: SimSpan = SimSpan::from_secs(2);

/// How often to ask the artifact store.
const TRIES: u32 = 3;

/// The switch.
#[derive(Default)]
pub struct CiteArtifacts;

impl Safeguard for CiteArtifacts {
    const NAME: &'static str = "cite-artifacts";
    const ABOUT: &'static str =
        "work is passed on by the digest of its artifact, which the receiver fetches and checks";
    const EXAMPLE: &'static str = "cite-artifacts = true";
    const WITHOUT: &'static str =
        "an agent works from the summary in the message, which can differ from the artifact";
    const PROTECTS: &'static [&'static str] = &["decisions-cite-artifacts"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// An artifact could not be stored or fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotFound {
    /// The store has no such artifact, or another under its digest.
    Unknown,
    /// The store did not answer.
    NoAnswer,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "it is not stored",
            Self::NoAnswer => "the store did not answer",
        })
    }
}

impl std::error::Error for NotFound {}

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum ArtifactMessage {
    Store(Artifact),
    Stored(ArtifactId),
    Fetch(ArtifactId),
    Found(Artifact),
    NotFound,
}

impl Message for ArtifactMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Stored(_) => "stored",
            Self::Fetch(_) => "fetch",
            Self::Found(_) => "found",
            Self::NotFound => "not found",
        }
    }
}

/// Stores an artifact; any agent can fetch it from then on.
///
/// # Errors
/// [`NotFound`] if the store did not confirm it.
pub async fn store(agent: &Agent, artifact_store: Name, artifact: Artifact) -> Result<ArtifactId, NotFound> {
    match ask(agent, artifact_store, artifact.about, ArtifactMessage::Store(artifact)).await? {
        ArtifactMessage::Stored(id) if id == artifact.id() => Ok(id),
        _ => Err(NotFound::Unknown),
    }
}

/// Fetches the artifact with this digest, and checks that it is that one.
///
/// # Errors
/// [`NotFound`] if the store does not have it or did not answer.
pub async fn fetch(
    agent: &Agent,
    artifact_store: Name,
    about: Name,
    id: ArtifactId,
) -> Result<Artifact, NotFound> {
    match ask(agent, artifact_store, about, ArtifactMessage::Fetch(id)).await? {
        ArtifactMessage::Found(artifact) if artifact.id() == id => Ok(artifact),
        _ => Err(NotFound::Unknown),
    }
}

async fn ask(
    agent: &Agent,
    artifact_store: Name,
    about: Name,
    message: ArtifactMessage,
) -> Result<ArtifactMessage, NotFound> {
    let answer = in_attempts(TRIES, async || {
        agent.request(artifact_store, about, message, PATIENCE).await.ok()?.open().copied()
    });
    answer.await.ok_or(NotFound::NoAnswer)
}

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct StoredArtifact(Artifact);

impl Message for StoredArtifact {
    fn kind(&self) -> &'static str {
        "artifact"
    }
}

/// An agent that keeps artifacts for the others. What it has confirmed is on its disk.
pub async fn artifact_store(agent: Agent) {
    let mut files = BTreeMap::new();
    checkpoint::recover(&agent, |StoredArtifact(artifact)| {
        files.insert(artifact.id(), *artifact);
    });
    loop {
        let mail = agent.receive().await;
        match mail.open() {
            Some(ArtifactMessage::Store(artifact)) => {
                let id = artifact.id();
                if files.insert(id, *artifact).is_none() {
                    agent.before("record", artifact.about).await;
                    agent.persist(StoredArtifact(*artifact)).await;
                }
                agent.reply(&mail, ArtifactMessage::Stored(id));
            }
            Some(ArtifactMessage::Fetch(id)) => {
                agent.reply(
                    &mail,
                    files
                        .get(id)
                        .map_or(ArtifactMessage::NotFound, |artifact| ArtifactMessage::Found(*artifact)),
                );
            }
            _ => {}
        }
    }
}
