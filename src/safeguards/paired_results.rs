//! Paired results: after a crash, every tool call of a transcript gets its result before the model is called
//! again.
//!
//! An agent that crashes between a reply and the results of its calls leaves a transcript that the API of a
//! model rejects ("`tool_calls` must be followed by tool messages"). What the calls did is unknown, so the
//! agent makes each of them again under its own id: the tool has the effect on record, or has it now. An
//! agent that does nothing about them cannot go on with that session, and one that invents a result tells its
//! model something that may not be so.

use crate::agent::{CallRequest, Transcript};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};

/// The switch.
#[derive(Default)]
pub struct PairedResults;

impl Safeguard for PairedResults {
    const NAME: &'static str = "paired-results";
    const ABOUT: &'static str =
        "after a crash, every tool call of a transcript gets its result before the model is called again";
    const EXAMPLE: &'static str = "paired-results = true";
    const WITHOUT: &'static str =
        "after a crash the transcript has calls without results, and the model's API rejects it";
    const PROTECTS: &'static [&'static str] = &["results-paired"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The tool calls that an agent must make again before it calls its model: those without a result. None
/// without the switch.
///
/// ```
/// use perfidy::agent::Transcript;
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::paired_results::{PairedResults, calls_to_repeat};
///
/// let safeguards = Safeguards::default().with(PairedResults);
/// assert!(calls_to_repeat(&safeguards, &Transcript::default()).is_empty());
/// ```
pub fn calls_to_repeat(safeguards: &Safeguards, transcript: &Transcript) -> Vec<CallRequest> {
    if safeguards.has::<PairedResults>() { transcript.open_calls() } else { Vec::new() }
}
