//! Both engines give the same verdicts. Their histories and digests differ; the properties that hold or break
//! must not.

#[cfg(madsim)]
mod both {
    use crate::cases;
    use perfidy::explore::{Campaign, CaseReport, CaseVerdict, Collect, Corpus, Failure, Watchdog};
    use perfidy::scenario::Case;
    use perfidy::suite::Suite;
    use perfidy_sim::{Engine, Interrupt, Seed};
    use rayon::prelude::*;
    use std::collections::BTreeMap;
    use std::mem::discriminant;

    /// How many seeds of every case each engine runs: more if those show nothing yet, or differ. A seed gives
    /// another run on the other engine, so a rare violation may take more seeds on one of them.
    const SEEDS: [u64; 2] = [12, 120];

    /// How many it runs at last.
    const MOST_SEEDS: u64 = 1_000;

    fn report(case: &Case, engine: Engine, seeds: u64) -> CaseReport {
        let (interrupted, watchdog) = (Interrupt::default(), Watchdog::new());
        let (interrupted, watchdog) = (&interrupted, &watchdog);
        Campaign { engine, first_seed: Seed(0), seeds, collect: Collect::NONE, interrupted, watchdog }
            .run(case)
    }

    /// The properties that broke, and how often.
    fn broken(report: &CaseReport) -> BTreeMap<&'static str, u64> {
        let broken = report.tallies.iter().filter(|(_, tally)| tally.violated > 0);
        broken.map(|(property, tally)| (*property, tally.violated)).collect()
    }

    /// The part of a verdict that must be equal. The number of seeds until a violation may differ.
    fn kind(verdict: &CaseVerdict) -> String {
        match verdict {
            CaseVerdict::Caught(findings) => {
                let broken: Vec<&str> = findings.iter().map(|finding| finding.property).collect();
                format!("caught: {}", broken.join(", "))
            }
            other => format!("{other:?}"),
        }
    }

    fn agree(one: &CaseReport, other: &CaseReport) -> bool {
        discriminant(&one.verdict()) == discriminant(&other.verdict())
            && broken(one).keys().eq(broken(other).keys())
    }

    /// Whether so many seeds are enough on both engines to show what the case is for.
    fn agree_soon(case: &Case, seeds: u64) -> bool {
        let [native, madsim] = Engine::ALL.map(|engine| report(case, engine, seeds));
        agree(&native, &madsim) && native.verdict().status() == 0
    }

    fn disagreement(case: &Case) -> Option<String> {
        let [native, madsim] = Engine::ALL.map(|engine| report(case, engine, MOST_SEEDS));
        if agree(&native, &madsim) {
            return None;
        }
        let [native, madsim] = [native, madsim]
            .map(|report| format!("{}, broke: {:?}", kind(&report.verdict()), broken(&report)));
        Some(format!("{case}, {MOST_SEEDS} seeds\n  native  {native}\n  madsim  {madsim}"))
    }

    #[test]
    fn every_case_has_the_same_verdict_and_the_same_properties_break() {
        let cases = cases::all();
        let in_doubt = cases.par_iter().filter(|case| !SEEDS.iter().any(|seeds| agree_soon(case, *seeds)));
        let disagreements: Vec<String> = in_doubt.filter_map(disagreement).collect();
        assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    }

    #[test]
    fn a_saved_failure_breaks_the_same_property_on_the_other_engine() {
        for file in Corpus::new("seeds").files().unwrap() {
            let failure = Failure::read(&Suite::shipped(), &file).unwrap_or_else(|bad| panic!("{bad}"));
            let [native, madsim] = Engine::ALL.map(|engine| {
                let mut failure = failure.clone();
                failure.saved.engine = engine;
                let (run, _) = failure.replay();
                run.violation(&failure.saved.property).map(|violation| violation.message.clone())
            });
            assert_eq!(
                native.is_some(),
                madsim.is_some(),
                "{}, {}: native says {native:?}, madsim says {madsim:?}",
                file.display(),
                failure.saved.property
            );
        }
    }
}

/// The repository's own tests must run both engines. Without the flag they would pass with one.
#[cfg(not(madsim))]
#[test]
fn the_madsim_engine_is_part_of_the_tests() {
    let waived = std::env::var_os("PERFIDY_WITHOUT_MADSIM").is_some_and(|value| value == "1");
    let available = perfidy_sim::Engine::Madsim.available();
    assert!(waived || available.is_ok(), "{}; or set PERFIDY_WITHOUT_MADSIM=1", available.unwrap_err());
}
