//! How a campaign begins: anew, or where the last one in its corpus stopped.

use super::Arguments;
use crate::cli::{print_error, print_problems, tell, warn};
use crate::explore::{CampaignCheckpoint, FuzzState};
use crate::inert;
use crate::scenario::Case;
use crate::suite::Suite;
use std::path::Path;

/// The campaign to be run with its cases: a new one, or the one that was left. Complains if there is none.
pub fn start(
    suite: &Suite,
    arguments: &Arguments,
    folder: &Path,
    checkpoint: &CampaignCheckpoint,
    all: Vec<Case>,
) -> Option<(FuzzState, Vec<Case>)> {
    let as_written = |case: &Case| case.without().is_none();
    if !arguments.resume {
        if !checkpoint.is_ours() {
            warn(format!(
                "another campaign keeps its checkpoint in {}; this one saves what it finds, but cannot be resumed",
                inert::path(folder)
            ));
        }
        let cases: Vec<Case> = all.into_iter().filter(|case| arguments.without || as_written(case)).collect();
        let seed =
            arguments.base.as_deref().map_or(arguments.subject.runs.first_seed(), FuzzState::first_seed_of);
        let strategy = arguments.search.strategy(suite);
        let rounds =
            FuzzState::new(&cases, arguments.subject.runs.engine, &strategy, seed, arguments.base.clone());
        return has_set_aside(checkpoint).then_some((rounds, cases));
    }
    if !checkpoint.is_ours() {
        print_error(format!("the campaign in {} is still running", inert::path(folder)));
        return None;
    }
    let rounds = checkpoint.read().map_err(|problems| print_problems(&problems)).ok()?;
    if rounds.choice(suite).is_none() {
        print_error(format!(
            "{} cannot go on: there is no strategy `{}`. Begin anew without --resume.",
            inert::path(checkpoint.path()),
            rounds.strategy
        ));
        return None;
    }
    let has_without =
        rounds.cases.iter().any(|case| all.iter().any(|known| case.is_of(known) && !as_written(known)));
    let cases: Vec<Case> = all.into_iter().filter(|case| has_without || as_written(case)).collect();
    if let Err(changed) = rounds.check_cases(&cases) {
        print_error(format!(
            "{} cannot go on: {changed}. Begin anew without --resume.",
            inert::path(checkpoint.path())
        ));
        return None;
    }
    Some((rounds, cases))
}

/// Makes room for the checkpoint of a new campaign. The checkpoint of an earlier one is not lost, and its
/// owner is told.
fn has_set_aside(checkpoint: &CampaignCheckpoint) -> bool {
    let moved_to = match checkpoint.set_aside() {
        Ok(None) => return true,
        Ok(Some(moved_to)) => moved_to,
        Err(error) => {
            print_error(format!(
                "cannot set {} aside: {error}; nothing was run",
                inert::path(checkpoint.path())
            ));
            return false;
        }
    };
    let earlier = checkpoint.read().map_or_else(
        |_| "an earlier campaign".to_owned(),
        |rounds| format!("the campaign of {} runs from seed {}", rounds.runs(), rounds.first_seed),
    );
    tell(format_args!(
        "this begins anew; the checkpoint of {earlier} is now in {} (to go on with that one, stop this one, move the file \
         back to {} and use --resume)",
        inert::path(&moved_to),
        inert::path(checkpoint.path())
    ));
    true
}
