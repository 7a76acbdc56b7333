//! Seeds that do not rot: what was saved before an edit of the workflow still fails after it.
//!
//! Failures are found, made small and saved with the team as it was; then the team is edited as people edit code, and
//! every file is replayed. With one generator for the whole run, which any further draw moves on, nearly all would be
//! lost.

mod team;

use perfidy::explore::{Answer, Corpus, Failure, Run, SavedSeed, shrink};
use perfidy::scenario::{Case, Scenario};
use perfidy::workflows::{self, Workflow};
use perfidy_sim::{Engine, Seed};
use std::path::PathBuf;
use std::sync::Arc;
use team::{AS_SAVED, EDITED};

/// How many failures are saved of each case.
const EACH: usize = 30;

/// In which seeds they are looked for.
const SEEDS: u64 = 4_000;

const SCENARIOS: &[(&str, &str)] = &[
    ("desk/lost-ack", include_str!("lost-ack.toml")),
    ("desk/crashes", include_str!("crashes.toml")),
    ("desk/wrong-answers", include_str!("wrong-answers.toml")),
    ("desk/rough-weather", include_str!("rough-weather.toml")),
];

#[test]
fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let small = Corpus::new(folder.path().join("small"));
    let whole = Corpus::new(folder.path().join("whole"));
    for (name, text) in SCENARIOS {
        let scenario = Scenario::parse_for(&[&AS_SAVED], name, text).unwrap_or_else(|bad| panic!("{bad}"));
        for case in Case::all(&scenario) {
            let Some(without) = case.without() else { continue };
            let mut found = 0;
            let mut seed = 0;
            while found < EACH && seed < SEEDS {
                let run = Run::fuzzed(&case, Engine::Native, Seed(seed));
                if run.violation(without.violates).is_some() {
                    let fired = &run.outcome.fired;
                    let minimal = shrink(&case, Engine::Native, Seed(seed), without.violates, fired).unwrap();
                    let all = SavedSeed::new(&case, Engine::Native, Seed(seed), without.violates, fired, &run);
                    let few = SavedSeed::new(&case, Engine::Native, Seed(seed), without.violates, &minimal.faults, &minimal.run);
                    small.save(&few).unwrap();
                    whole.save(&all).unwrap();
                    found += 1;
                }
                seed += 1;
            }
            println!("{case}: {found} in {seed}");
        }
    }
    for corpus in [&small, &whole] {
        for (edit, workflow) in EDITED {
            let files = corpus.files().unwrap();
            let mut kept = 0;
            let mut by = std::collections::BTreeMap::<String, [u32; 4]>::new();
            for file in &files {
                let failure = Failure::read_for(&[workflow], file).unwrap_or_else(|bad| panic!("{bad}"));
                let (_, answer) = failure.replay();
                let slot = match answer { Answer::Reproduced{..} => {kept += 1; 0}, Answer::Fixed => 1, Answer::Stale{..} => 2, Answer::Ambiguous{..} => 3 };
                by.entry(failure.case.to_string()).or_default()[slot] += 1;
            }
            println!("{edit:?}: {kept}/{}  {by:?}", files.len());
        }
    }
}
