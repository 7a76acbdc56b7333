//! Failures go to the corpus. Where that fails, the text of the file goes to standard error: it can still be saved by
//! hand, and nothing that was found is lost.

use super::findings::Small;
use super::{complain, tell};
use perfidy::explore::{Corpus, Saved};

/// Saves a failure, or complains and shows what should have been saved.
pub fn save(corpus: &Corpus, small: &Small) -> Option<Saved> {
    let error = match corpus.save(&small.saved) {
        Ok(saved) => return Some(saved),
        Err(error) => error,
    };
    complain(&error);
    tell("this is the file, to be saved by hand:\n");
    tell(small.saved.to_toml(error.path()));
    None
}
