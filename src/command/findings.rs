//! What becomes of a finding: it is made small, saved and told.

use perfidy::explore::{Finding, Run, SavedSeed, shrink};
use perfidy::report::Story;
use perfidy::scenario::Case;
use perfidy_sim::Engine;
use std::path::Path;

/// A finding, made small.
pub struct Small {
    /// What is saved of it.
    pub saved: SavedSeed,
    /// The run with exactly the faults that suffice.
    run: Run,
}

impl Small {
    /// Makes a finding small; or says that it cannot be had again.
    pub fn of(case: &Case, engine: Engine, finding: &Finding) -> Result<Self, String> {
        let Finding { property, seed, ref faults, .. } = *finding;
        let minimal = shrink(case, engine, seed, property, faults).ok_or_else(|| {
            format!(
                "{case}, seed {seed}: {property} does not break when the faults that struck are replayed. Something \
                 in these agents depends on more than the seed; `perfidy audit` shows where."
            )
        })?;
        let saved = SavedSeed::new(case, engine, seed, property, &minimal.faults, &minimal.run);
        Ok(Self { saved, run: minimal.run })
    }

    /// Its story, with the file that it was saved to.
    pub fn story(&self, case: &Case, file: Option<&Path>) -> Option<String> {
        let shown = file.map(|file| file.display().to_string());
        Story::new(case, &self.saved, &self.run, shown).map(|story| story.to_string())
    }
}
