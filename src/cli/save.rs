//! Failures go to the corpus. Where that fails, the text of the file goes to standard error: it can still be
//! saved by hand, and nothing that was found is lost.

use super::findings::ShrunkFinding;
use super::{print_error, tell};
use crate::explore::{Corpus, SaveError, Saved, SavedSeed};

/// Saves a failure, or complains and shows what should have been saved.
pub fn save(corpus: &Corpus, small: &ShrunkFinding) -> Option<Saved> {
    let saved = if small.is_cut { corpus.save_at_once(&small.saved) } else { corpus.save(&small.saved) };
    let saved = shown_if_not_saved(saved, &small.saved)?;
    let SavedSeed { property, seed, .. } = &small.saved;
    Some(match &small.as_found {
        // In the same file, which is as new as it was then.
        Some(as_found) if as_found.path() == saved.path() => as_found.clone(),
        Some(as_found) => {
            Corpus::withdraw(as_found.path(), property, *seed);
            saved
        }
        None => saved,
    })
}

/// Saves what broke when it was found, without running it again.
pub fn save_at_once(corpus: &Corpus, seed: &SavedSeed) -> Option<Saved> {
    shown_if_not_saved(corpus.save_at_once(seed), seed)
}

fn shown_if_not_saved(saved: Result<Saved, SaveError>, seed: &SavedSeed) -> Option<Saved> {
    saved
        .inspect_err(|error| {
            print_error(error);
            tell("this is the file, to be saved by hand:\n");
            tell(seed.to_toml(error.path()));
        })
        .ok()
}
