//! What a page of a folder of failures can have besides: the ablation of each scenario that broke, and two
//! designs compared.

use super::Arguments;
use crate::cli::ablate::USUAL_STRATEGY;
use crate::cli::compare::read;
use crate::cli::ending::Ending;
use crate::cli::options::strategy_of;
use crate::cli::{Status, print_error};
use crate::explore::{Ablation, Campaign, Collect, Comparison, Removals};
use crate::inert;
use crate::report::CampaignPage;
use crate::scenario::Scenario;
use crate::suite::Suite;
use std::path::Path;
use std::sync::Arc;

/// How many seeds two designs are compared over, as `perfidy compare` does.
const SEEDS: u64 = 300;

/// As many runs of a case as are asked for.
pub(super) fn campaign<'a>(arguments: &Arguments, seeds: u64, ending: &'a Ending) -> Campaign<'a> {
    Campaign {
        engine: arguments.engine(),
        first_seed: arguments.first_seed(),
        seeds,
        collect: Collect::NONE,
        interrupted: &ending.runs,
        watchdog: &ending.watchdog,
    }
}

/// Adds what breaks in these scenarios without each of their safeguards.
pub(super) fn add_ablations(
    page: &mut CampaignPage,
    (suite, scenarios): (&Suite, &[Arc<Scenario>]),
    (arguments, seeds): (&Arguments, u64),
    ending: &Ending,
) -> Status {
    let strategy = strategy_of(suite, USUAL_STRATEGY);
    for scenario in scenarios {
        let removals = Removals::Each { pairs: false, built_in: false };
        let campaign = campaign(arguments, seeds, ending);
        let matrix = Ablation { campaign, strategy: &strategy, removals }.run(scenario);
        let interrupted = matrix.interrupted;
        page.add_ablation(&matrix);
        if interrupted {
            return Status::Inconclusive;
        }
    }
    Status::AsExpected
}

/// Adds two designs over the same seeds.
pub(super) fn add_comparison(
    page: &mut CampaignPage,
    suite: &Suite,
    (arguments, files): (&Arguments, [&Path; 2]),
    ending: &Ending,
) -> Result<(), Status> {
    let [Some(a), Some(b)] = files.map(|path| read(suite, path)) else { return Err(Status::BadInput) };
    let compared = Comparison::of(&[a, b], &campaign(arguments, SEEDS, ending));
    let compared = compared.map_err(|_| {
        print_error("interrupted before both designs had all their runs; nothing is compared");
        Status::Inconclusive
    })?;
    let names = files.map(inert::path);
    page.add_comparison(&compared, names.each_ref().map(String::as_str));
    Ok(())
}
