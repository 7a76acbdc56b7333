//! What becomes of a finding: it is made small, saved and told.

use perfidy::explore::{Finding, Minimal, SavedSeed, shrink};
use perfidy::inert::{self, Styled};
use perfidy::report::Story;
use perfidy::scenario::Case;
use perfidy_sim::Engine;
use std::path::Path;

/// A finding, made small.
pub struct Small {
    /// What is saved of it.
    pub saved: SavedSeed,
    minimal: Minimal,
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
        let saved = SavedSeed::new(engine, seed, property, &minimal);
        Ok(Self { saved, minimal })
    }

    /// Its story, with the file that it was saved to.
    pub fn story(&self, file: Option<&Path>) -> Option<Styled> {
        let shown = file.map(inert::path);
        Story::new(&self.minimal.case, &self.saved, &self.minimal.run, shown).map(|story| story.styled())
    }
}
