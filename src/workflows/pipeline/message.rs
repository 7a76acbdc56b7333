//! What the agents of the pipeline say to each other.

use crate::agent::{
    Artifact, ArtifactId, Breach, Confirmation, Handover, Headers, Message, OpId, Purpose, Version,
};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// A work item in the pipeline.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub(super) struct WorkItem {
    pub task: Name,
    pub step: usize,
    pub version: u32,
    pub op: OpId,
    /// The summary by its maker's model.
    pub summary: Artifact,
    /// The artifact itself, by its digest.
    pub cites: Option<ArtifactId>,
    /// With which arguments the step is to be taken.
    #[serde(default, skip_serializing_if = "Handover::is_nothing")]
    pub handover: Handover,
}

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
pub(super) enum PipelineMessage {
    WorkItem(WorkItem),
    /// The receiver does not work with that version of a work item as it was handed over.
    Refused {
        task: Name,
        step: usize,
        version: u32,
        breach: Breach,
    },
    /// What does the receiver know of the evidence behind a step?
    AskEvidence {
        task: Name,
        step: usize,
    },
    /// This, as it would pass it on.
    Evidence(Handover),
    CheckVersion {
        task: Name,
        step: usize,
        version: u32,
    },
    VersionChecked(bool),
    Done {
        task: Name,
        step: usize,
        confirmed: Confirmation,
    },
    Failed {
        task: Name,
        step: usize,
    },
}

impl PipelineMessage {
    /// A worker's answer to an order.
    pub fn outcome(task: Name, step: usize, confirmed: Option<Confirmation>) -> Self {
        match confirmed {
            Some(confirmed) => Self::Done { task, step, confirmed },
            None => Self::Failed { task, step },
        }
    }
}

impl Message for PipelineMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::WorkItem(_) => "work item",
            Self::Refused { .. } => "refused",
            Self::AskEvidence { .. } => "ask evidence",
            Self::Evidence(_) => "evidence",
            Self::CheckVersion { .. } => "check version",
            Self::VersionChecked(true) => "current",
            Self::VersionChecked(false) => "superseded",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }

    fn headers(&self) -> Headers {
        let version = |version: &u32| Some(Version((*version).into()));
        match self {
            Self::WorkItem(WorkItem { version: number, op, summary, cites, .. }) => Headers {
                precondition: version(number),
                idempotency_key: Some(*op),
                provenance: cites.or(Some(summary.id())),
                ..Headers::of(Purpose::Order)
            },
            Self::CheckVersion { version: number, .. } => {
                Headers { precondition: version(number), ..Headers::of(Purpose::Ask) }
            }
            Self::Refused { .. } => Headers::of(Purpose::Refused),
            Self::AskEvidence { .. } => Headers::of(Purpose::Ask),
            Self::VersionChecked(_) | Self::Evidence(_) => Headers::of(Purpose::Answer),
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
        }
    }

    fn handover(&self) -> Option<&Handover> {
        match self {
            Self::WorkItem(item) => Some(&item.handover),
            Self::Evidence(handover) => Some(handover),
            _ => None,
        }
    }
}
