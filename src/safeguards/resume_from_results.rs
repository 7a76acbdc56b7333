//! Resuming from recorded results: when a run of a model-tool loop fails, its retry begins with the
//! transcript of the run before, and not with the request.
//!
//! Frameworks retry a whole run when its model fails. A retry that begins anew lets the model ask for the
//! same calls once more, under new ids, so no tool recognises them: what was done is done twice. The results
//! that are on record are as good as new ones.

use crate::agent::Transcript;
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};

/// The switch.
#[derive(Default)]
pub struct ResumeFromResults;

impl Safeguard for ResumeFromResults {
    const NAME: &'static str = "resume-from-results";
    const ABOUT: &'static str =
        "the retry of a failed run keeps the recorded results, so that no call is made a second time";
    const EXAMPLE: &'static str = "resume-from-results = true";
    const WITHOUT: &'static str =
        "the retry of a failed run begins with the request, and makes its calls once more";
    const PROTECTS: &'static [&'static str] = &["completed-work-not-rerun", "no-duplicate-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The transcript with which a retry begins: with the switch the same, otherwise up to the request.
///
/// ```
/// use perfidy::agent::{ChatMessage, Transcript};
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::resume_from_results::{ResumeFromResults, transcript_of_retry};
///
/// let transcript: Transcript = [ChatMessage::System("Be useful.")].into_iter().collect();
/// let resumes = Safeguards::default().with(ResumeFromResults);
/// assert_eq!(transcript_of_retry(&resumes, &transcript), transcript);
/// assert_eq!(transcript_of_retry(&Safeguards::default(), &transcript), Transcript::default());
/// ```
pub fn transcript_of_retry(safeguards: &Safeguards, transcript: &Transcript) -> Transcript {
    let mut kept = transcript.clone();
    if !safeguards.has::<ResumeFromResults>() {
        kept.truncate_to_request();
    }
    kept
}
