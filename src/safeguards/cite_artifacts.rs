//! Typed state: what is passed on is a reference to a piece of work, and decisions cite it.
//!
//! A conversation is not a database. What a model retells of a piece of work may be wrong, and whoever works on from
//! the retelling builds on something that nobody made. So every piece is filed with an [`archivist`], messages carry its
//! digest beside the summary, and whoever works on it fetches the piece itself and checks that it is the one cited.

use crate::agent::{Agent, Artifact, ArtifactId, Message};
use crate::protocols::in_attempts;
use crate::safeguards::{Safeguard, checkpoint, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::{Name, SimSpan};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How long to wait for the archivist.
const PATIENCE: SimSpan = SimSpan::from_secs(2);

/// How often to ask the archivist.
const TRIES: u32 = 3;

/// The switch.
#[derive(Default)]
pub struct CiteArtifacts;

impl Safeguard for CiteArtifacts {
    const NAME: &'static str = "cite-artifacts";
    const ABOUT: &'static str =
        "work is passed on by the digest of the artifact, which is fetched and checked, not by its summary";
    const EXAMPLE: &'static str = "cite-artifacts = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// A piece of work could not be filed or fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotOnFile {
    /// The archivist has no such piece, or another under its name.
    Unknown,
    /// The archivist did not answer.
    NoAnswer,
}

impl fmt::Display for NotOnFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "nobody has filed it",
            Self::NoAnswer => "the archivist did not answer",
        })
    }
}

impl std::error::Error for NotOnFile {}

#[derive(Clone, Copy, Hash, Debug, Serialize)]
enum Filing {
    File(Artifact),
    Filed(ArtifactId),
    Fetch(ArtifactId),
    Found(Artifact),
    Unknown,
}

impl Message for Filing {
    fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Filed(_) => "filed",
            Self::Fetch(_) => "fetch",
            Self::Found(_) => "found",
            Self::Unknown => "unknown",
        }
    }
}

/// Files a piece of work; it can be fetched by anybody from then on.
///
/// # Errors
/// [`NotOnFile`] if the archivist did not confirm it.
pub async fn file(agent: &Agent, archivist: Name, artifact: Artifact) -> Result<ArtifactId, NotOnFile> {
    match ask(agent, archivist, artifact.about, Filing::File(artifact)).await? {
        Filing::Filed(id) if id == artifact.id() => Ok(id),
        _ => Err(NotOnFile::Unknown),
    }
}

/// Fetches the piece of work with this digest, and checks that it is that one.
///
/// # Errors
/// [`NotOnFile`] if the archivist does not have it or did not answer.
pub async fn fetch(
    agent: &Agent,
    archivist: Name,
    about: Name,
    id: ArtifactId,
) -> Result<Artifact, NotOnFile> {
    match ask(agent, archivist, about, Filing::Fetch(id)).await? {
        Filing::Found(artifact) if artifact.id() == id => Ok(artifact),
        _ => Err(NotOnFile::Unknown),
    }
}

async fn ask(agent: &Agent, archivist: Name, about: Name, filing: Filing) -> Result<Filing, NotOnFile> {
    let answer = in_attempts(TRIES, async || {
        agent.request(archivist, about, filing, PATIENCE).await.ok()?.open().copied()
    });
    answer.await.ok_or(NotOnFile::NoAnswer)
}

#[derive(Clone, Copy, Hash, Debug, Serialize)]
struct OnFile(Artifact);

impl Message for OnFile {
    fn kind(&self) -> &'static str {
        "artifact"
    }
}

/// An agent that keeps pieces of work for the others. What it has confirmed is on its disk.
pub async fn archivist(agent: Agent) {
    let mut files = BTreeMap::new();
    checkpoint::recover(&agent, |OnFile(artifact)| {
        files.insert(artifact.id(), *artifact);
    });
    loop {
        let mail = agent.receive().await;
        match mail.open() {
            Some(Filing::File(artifact)) => {
                let id = artifact.id();
                if files.insert(id, *artifact).is_none() {
                    agent.before("record", artifact.about).await;
                    agent.persist(OnFile(*artifact)).await;
                }
                agent.reply(&mail, Filing::Filed(id));
            }
            Some(Filing::Fetch(id)) => {
                agent
                    .reply(&mail, files.get(id).map_or(Filing::Unknown, |artifact| Filing::Found(*artifact)));
            }
            _ => {}
        }
    }
}
