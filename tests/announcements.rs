//! No verdict depends on announcements of agents: without them, every case of every shipped scenario gets the
//! same verdict from every property at every seed.

use crate::cases;
use perfidy::agent::TeamEvent;
use perfidy::explore::Run;
use perfidy_sim::{Engine, EventKind, Seed};
use rayon::prelude::*;

/// How many seeds each case gets.
const SEEDS: u64 = 8;

/// The verdict of each property, as a word.
fn verdicts(run: &Run) -> Vec<(&'static str, &'static str)> {
    run.verdicts.iter().map(|(property, verdict)| (*property, verdict.word())).collect()
}

fn announcements(run: &Run) -> usize {
    let said = |what: &EventKind<TeamEvent>| {
        matches!(what, EventKind::Waiting { .. } | EventKind::App(TeamEvent::Announced { .. }))
    };
    run.outcome.history.events().iter().filter(|event| said(&event.what)).count()
}

#[test]
fn no_verdict_changes_when_agents_say_nothing_of_themselves() {
    let compared: Vec<usize> = cases::all()
        .par_iter()
        .map(|case| {
            let mute = case.clone().dropping_announcements();
            let compare = |seed| {
                let [loud, mute] = [case, &mute].map(|case| Run::fuzzed(case, Engine::Native, Seed(seed)));
                assert_eq!(verdicts(&loud), verdicts(&mute), "{case}, seed {seed}");
                assert_eq!(announcements(&mute), 0, "{case}, seed {seed}");
                announcements(&loud)
            };
            (0..SEEDS).map(compare).sum()
        })
        .collect();
    assert!(compared.iter().filter(|said| **said > 0).count() > 10, "something was there to be left out");
}
