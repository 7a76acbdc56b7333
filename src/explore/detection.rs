//! How soon strategies find a failure: after how many trials each first breaks a property of a case.

use crate::explore::strategy::{Bounds, Choice, Start, StrategyRefused};
use crate::explore::{Campaign, RunSummary, TrialsProgress};
use crate::scenario::Case;
use perfidy_sim::Abandoned;

/// How many trials are made before it is looked at what they found.
const AT_ONCE: u64 = 16;

/// What came of a search for one property.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Detection {
    /// It broke in this trial, counted from one.
    After(u64),
    /// It did not, in all the trials that there were.
    NotWithin(u64),
}

/// Looks for a property with a strategy until it breaks, in as many trials as the campaign has.
///
/// # Errors
/// [`Abandoned`] if the campaign was interrupted; inside, [`StrategyRefused`] if the strategy cannot search in
/// this case.
pub fn seeds_to_detection(
    campaign: &Campaign<'_>,
    case: &Case,
    property: &str,
    strategy: &Choice,
) -> Result<Result<Detection, StrategyRefused>, Abandoned> {
    let Campaign { engine, first_seed, seeds, interrupted, watchdog, .. } = *campaign;
    let start = Start { case, engine, first_seed, bounds: Bounds::default() };
    let started = interrupted.within(|| watchdog.watch(case, first_seed, || strategy.start(&start)))?;
    let mut strategy = match started {
        Ok(strategy) => strategy,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut trials = campaign.start(case, &mut *strategy);
    loop {
        let before = trials.done();
        match trials.go_on(AT_ONCE.min(seeds - before)) {
            TrialsProgress::Interrupted => return Err(Abandoned),
            TrialsProgress::Over => return Ok(Ok(Detection::NotWithin(trials.done()))),
            TrialsProgress::Ran(runs) => {
                let breaks = |run: &RunSummary| run.violations().any(|(name, _)| name == property);
                if let Some(place) = runs.iter().position(breaks) {
                    return Ok(Ok(Detection::After(before + place as u64 + 1)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Collect, Run, Watchdog};
    use crate::scenario::Scenario;
    use crate::suite::Suite;
    use perfidy_sim::{Engine, Interrupt, Seed};

    #[test]
    fn a_property_is_detected_in_the_first_trial_in_which_it_breaks() {
        let text = include_str!("../../scenarios/conductor/lost-ack.toml");
        let scenario =
            Scenario::parse(&Suite::shipped(), "lost-ack", text).unwrap_or_else(|bad| panic!("{bad}"));
        let case = Case::all(&scenario).into_iter().find(|case| case.without().is_some()).unwrap();
        let (interrupted, watchdog) = (Interrupt::default(), Watchdog::default());
        let campaign = |seeds| Campaign {
            engine: Engine::Native,
            first_seed: Seed(0),
            seeds,
            collect: Collect::NONE,
            interrupted: &interrupted,
            watchdog: &watchdog,
        };
        let property = case.without().unwrap().violates[0];
        let random = Choice::find(&Suite::shipped(), "random").unwrap();
        let found = |seeds| seeds_to_detection(&campaign(seeds), &case, property, &random).unwrap().unwrap();
        let breaks =
            |seed: &u64| Run::fuzzed(&case, Engine::Native, Seed(*seed)).violation(property).is_some();
        let first = (0..300).find(breaks).expect("it breaks within 300 seeds") + 1;
        assert_eq!(found(300), Detection::After(first));
        assert_eq!(found(first - 1), Detection::NotWithin(first - 1));
    }
}
