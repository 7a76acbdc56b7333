//! Artifacts by reference: a message carries the digest of a piece of work, and decisions cite that digest.
//!
//! A conversation is not a database: a model's summary of an artifact may be wrong, and an agent that works
//! from it builds on something that no agent made. So each artifact is stored by an [`artifact_store`],
//! messages carry its digest beside the summary, and an agent that works on it fetches the artifact itself
//! and checks the digest ("claim check", Hohpe and Woolf 2003; content addressing, as in Git).
//!
//! A store can keep anything that is [`Addressed`] by its content ([`store_of`]); so does the one for
//! [long payloads](super::payload_limit).

use crate::agent::{Agent, Artifact, ArtifactId, Message};
use crate::config::{Entry, Problem};
use crate::protocols::in_attempts;
use crate::safeguards::{Safeguard, checkpoint, switch};
use perfidy_sim::{Name, SimSpan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;

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

/// Something that is known by the digest of its content.
pub trait Addressed:
    Clone + Hash + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Its digest.
    fn id(&self) -> ArtifactId;

    /// The task or the intent that it serves.
    fn about(&self) -> Name;
}

impl Addressed for Artifact {
    fn id(&self) -> ArtifactId {
        Self::id(self)
    }

    fn about(&self) -> Name {
        self.about
    }
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum ArtifactMessage<A> {
    Store(A),
    Stored(ArtifactId),
    Fetch(ArtifactId),
    Found(A),
    NotFound,
}

impl<A: Addressed> Message for ArtifactMessage<A> {
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
pub async fn store<A: Addressed>(
    agent: &Agent,
    artifact_store: Name,
    artifact: A,
) -> Result<ArtifactId, NotFound> {
    let (id, about) = (artifact.id(), artifact.about());
    match ask(agent, artifact_store, about, ArtifactMessage::Store(artifact)).await? {
        ArtifactMessage::Stored(stored) if stored == id => Ok(id),
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
    fetch_addressed(agent, artifact_store, about, id).await
}

/// The same for anything that is addressed by its content.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_addressed<A: Addressed>(
    agent: &Agent,
    artifact_store: Name,
    about: Name,
    id: ArtifactId,
) -> Result<A, NotFound> {
    match ask(agent, artifact_store, about, ArtifactMessage::<A>::Fetch(id)).await? {
        ArtifactMessage::Found(artifact) if artifact.id() == id => Ok(artifact),
        _ => Err(NotFound::Unknown),
    }
}

async fn ask<A: Addressed>(
    agent: &Agent,
    artifact_store: Name,
    about: Name,
    message: ArtifactMessage<A>,
) -> Result<ArtifactMessage<A>, NotFound> {
    let answer = in_attempts(TRIES, async || {
        agent.request(artifact_store, about, message.clone(), PATIENCE).await.ok()?.open().cloned()
    });
    answer.await.ok_or(NotFound::NoAnswer)
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct StoredArtifact<A>(A);

impl<A: Addressed> Message for StoredArtifact<A> {
    fn kind(&self) -> &'static str {
        "artifact"
    }
}

/// An agent that keeps artifacts for the others. What it has confirmed is on its disk.
pub async fn artifact_store(agent: Agent) {
    store_of::<Artifact>(agent).await;
}

/// The same for anything that is addressed by its content.
pub async fn store_of<A: Addressed>(agent: Agent) {
    let mut files: BTreeMap<ArtifactId, A> = BTreeMap::new();
    checkpoint::recover(&agent, |StoredArtifact(artifact): &StoredArtifact<A>| {
        files.insert(artifact.id(), artifact.clone());
    });
    loop {
        let mail = agent.receive().await;
        match mail.open::<ArtifactMessage<A>>() {
            Some(ArtifactMessage::Store(artifact)) => {
                let id = artifact.id();
                if files.insert(id, artifact.clone()).is_none() {
                    agent.before("record", artifact.about()).await;
                    agent.persist(StoredArtifact(artifact.clone())).await;
                }
                agent.reply(&mail, ArtifactMessage::<A>::Stored(id));
            }
            Some(ArtifactMessage::Fetch(id)) => {
                let found = files.get(id).cloned().map_or(ArtifactMessage::NotFound, ArtifactMessage::Found);
                agent.reply(&mail, found);
            }
            _ => {}
        }
    }
}
