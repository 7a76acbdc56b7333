//! Ablations for people and for programs: the matrix of a scenario, and what several come to together.

mod record;
#[cfg(feature = "cli")]
pub(in crate::report) mod words;

pub use record::{AblationRecord, AblationSummaryRecord};
#[cfg(feature = "cli")]
pub use words::{Hints, ablation_in_markdown, ablation_in_text, ablations_in_markdown, ablations_in_text};

use crate::explore::Matrix;
use perfidy_sim::Name;
use std::collections::BTreeMap;

/// What several matrices come to together.
pub struct AblationSummary {
    /// How many files there are.
    pub files: usize,
    /// The scenarios with cells that are news, and how many.
    pub news: Vec<(Name, usize)>,
    /// The safeguards that made no difference in any scenario in which they were removed, and in how many
    /// they were.
    pub no_difference: BTreeMap<&'static str, usize>,
}

impl AblationSummary {
    /// What these come to.
    pub fn of(matrices: &[Matrix]) -> Self {
        let news = matrices.iter().map(|matrix| (matrix.scenario.name, matrix.news().count()));
        let mut removed: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        for matrix in matrices {
            let idle = matrix.no_difference();
            for name in matrix.compared_alone() {
                let (files, idle_in) = removed.entry(name).or_default();
                *files += 1;
                *idle_in += usize::from(idle.contains(&name));
            }
        }
        let never = removed.into_iter().filter(|(_, (files, idle))| files == idle);
        Self {
            files: matrices.len(),
            news: news.filter(|(_, count)| *count > 0).collect(),
            no_difference: never.map(|(name, (files, _))| (name, files)).collect(),
        }
    }
}
