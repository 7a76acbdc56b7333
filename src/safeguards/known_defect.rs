//! Known defects: mistakes of real teams that a scenario can put back, one at a time, to measure how soon a
//! search finds them.
//!
//! Each is a line that a shipped workflow once lacked, or that is often lacking in systems of its kind. The
//! correct line stands beside the question whether the defect is wanted, and no shipped suite knows the
//! switch: only a suite that adds it reads `known-defect = "..."`. The scenarios are in `tests/hard_bugs`.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards};
use serde::Deserialize;

/// A mistake in the code of a team.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Defect {
    /// Hierarchy: a manager without a lease goes on undoing a cancelled task.
    ManagerUndoesWithoutLease,
    /// Hierarchy: a cancel that overtakes its task is two records, between which the director can crash.
    CancelInTwoRecords,
    /// Pipeline: a lead orders a version that was replaced while its brief was written.
    ReplacedVersionOrdered,
    /// Sagas: an action without an answer after all tries counts as refused.
    SilenceTakenForRefusal,
    /// Choreographed saga: recovery keeps only the events that are not settled.
    SettledEventsForgotten,
    /// Standby: the highest token seen is in memory only.
    FenceInMemory,
    /// Claims: a restarted owner takes the claims of its earlier incarnation for its own.
    ClaimOfEarlierIncarnation,
    /// Scratchpad: an editor does not escalate its failed call when another gives the task up.
    FailedCallForgotten,
    /// Agent loops: an approval is obtained before the look-up that delays the call.
    ApprovalBeforeLookUp,
    /// Agent loops: a decision that comes after another on the same call is not read.
    LaterDecisionUnread,
    /// Supervisor: a result that comes while its order is recorded is dropped.
    ResultDroppedWhileRecording,
}

impl Defect {
    /// Whether a scenario puts this defect back.
    pub(crate) fn is_in(self, safeguards: &Safeguards) -> bool {
        safeguards.get::<KnownDefect>().is_some_and(|known| known.0 == self)
    }
}

/// The switch: the opposite of a safeguard, and read like one.
#[derive(Clone, Copy, Debug)]
pub struct KnownDefect(Defect);

impl Safeguard for KnownDefect {
    const NAME: &'static str = "known-defect";
    const ABOUT: &'static str = "puts a known mistake back into the code of the team";
    const EXAMPLE: &'static str = r#"known-defect = "fence-in-memory""#;

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        entry.read().map(|defect| Some(Self(defect)))
    }
}
