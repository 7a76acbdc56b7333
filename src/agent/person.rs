//! What is simulated of the people that agents ask: how long they think, what they decide, and what goes
//! wrong with them.

use crate::agent::Agent;
use perfidy_sim::{DrawPurpose, Name, SimSpan};
use std::ops::RangeInclusive;

/// The name of the person who approves.
pub const APPROVER: &str = "approver";

/// The place at which a person is asked for an approval.
pub const APPROVAL: &str = "approval";

/// The answer comes late.
pub const APPROVAL_LATE: &str = "approval-late";
/// There is no answer.
pub const APPROVAL_ABSENT: &str = "approval-absent";
/// The answer comes twice.
pub const APPROVAL_TWICE: &str = "approval-twice";
/// The opposite answer follows.
pub const APPROVAL_CONTRADICTED: &str = "approval-contradicted";
/// The answer is about the request before this one, which the person still had open.
pub const APPROVAL_OUTDATED: &str = "approval-outdated";

/// How long a person takes to decide.
const THINKS: RangeInclusive<SimSpan> = SimSpan::from_secs(3)..=SimSpan::from_secs(60);

/// One operation in so many is vetoed.
const VETOED: u64 = 10;

const THINKING: DrawPurpose = DrawPurpose::new("thinking");
const VETO: DrawPurpose = DrawPurpose::new("veto");

impl Agent {
    /// How long a person thinks about an intent, and whether the person approves: the same answer however
    /// often it is asked for.
    pub(crate) fn decide(&self, about: Name) -> (SimSpan, bool) {
        let thinks = self.draw("thinks", about, |draw| draw.span(THINKING, &THINKS));
        let vetoes = self.context.draw_once(self.site("vetoes"), about, |draw| draw.below(VETO, VETOED) == 0);
        (thinks, !vetoes)
    }
}
