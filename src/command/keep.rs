//! Failures go to the corpus. Where that fails, the text of the file goes to standard error: it can still be saved by
//! hand, and nothing that was found is lost.

use super::findings::Small;
use super::{complain, tell};
use perfidy::explore::{Corpus, Saved, SavedSeed};

/// Saves a failure, or complains and shows what should have been saved.
pub fn save(corpus: &Corpus, small: &Small) -> Option<Saved> {
    let saved = save_seed(corpus, &small.saved)?;
    let as_found = corpus.path_of(&small.as_found);
    if as_found != saved.path() {
        Corpus::withdraw(&as_found, &small.saved.property, small.saved.seed);
    }
    Some(saved)
}

/// The same, of what may have no smaller form yet.
pub fn save_seed(corpus: &Corpus, seed: &SavedSeed) -> Option<Saved> {
    let error = match corpus.save(seed) {
        Ok(saved) => return Some(saved),
        Err(error) => error,
    };
    complain(&error);
    tell("this is the file, to be saved by hand:\n");
    tell(seed.to_toml(error.path()));
    None
}
