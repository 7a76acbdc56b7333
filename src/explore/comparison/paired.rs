//! The difference between two designs, and how sure it is, from runs of the same seeds.
//!
//! The interval is a paired bootstrap (Efron 1979): seeds are drawn with replacement, the same ones for both
//! designs, and everything is computed again from their runs; of a thousand such differences the middle 95%
//! are the interval. Seeds are drawn, not tasks or runs of one side: tasks of one run share its faults, and
//! two runs of one seed share theirs, so what a seed does to both cancels out. A normal approximation of
//! paired differences would do for means, but neither for percentiles nor for duplicates, which are zero in
//! most runs.
//!
//! An interval is about other seeds of the same files. It is too narrow for what happens in a handful of
//! runs, and has no width for what happened in none.
//!
//! All of it is in integers, and each draw is keyed by its place, so the result is the same on every machine.

use super::Measures;
use perfidy_sim::{Draws, Name, Seed, SimSpan};
use rayon::prelude::*;

/// How often seeds are drawn anew.
pub const RESAMPLES: u32 = 1_000;

/// Of the sorted differences, the places of the first and the last in the interval.
const INTERVAL: (usize, usize) = (24, 975);

/// What two designs are compared by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// The share of tasks that were done.
    Done,
    /// The share of runs that broke a property.
    Broken,
    /// Effects that happened again, for each task.
    Duplicates,
    /// Answers that no source has given, for each task.
    WrongAnswers,
    /// The time within which half of the tasks that were done were done.
    Median,
    /// The time within which 99% of the tasks that were done were done.
    Slowest,
    /// Messages for each task.
    Messages,
    /// Requests to tools for each task.
    ToolRequests,
    /// Calls of models for each task.
    ModelCalls,
    /// Tokens for each task.
    Tokens,
}

/// What the numbers of a measure count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Millionths of a whole.
    Share,
    /// Millionths of one.
    Count,
    /// Nanoseconds of virtual time.
    Time,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Broken,
        Self::Duplicates,
        Self::WrongAnswers,
        Self::Median,
        Self::Slowest,
        Self::Messages,
        Self::ToolRequests,
        Self::ModelCalls,
        Self::Tokens,
    ];

    /// What its numbers count.
    pub fn unit(self) -> Unit {
        match self {
            Self::Done | Self::Broken => Unit::Share,
            Self::Median | Self::Slowest => Unit::Time,
            Self::Duplicates
            | Self::WrongAnswers
            | Self::Messages
            | Self::ToolRequests
            | Self::ModelCalls
            | Self::Tokens => Unit::Count,
        }
    }

    /// Its value in runs, each of which counts so many times; `None` where there is nothing to divide by.
    fn value(self, sample: &Sample<'_>, weights: &[u32]) -> Option<i64> {
        let per_task = |count: fn(&Measures) -> u64| sample.ratio(weights, count, |run| run.given);
        match self {
            Self::Done => per_task(|run| run.done.len() as u64),
            Self::Broken => sample.ratio(weights, |run| u64::from(run.is_broken), |_| 1),
            Self::Duplicates => per_task(|run| run.duplicates),
            Self::WrongAnswers => per_task(|run| run.wrong_answers),
            Self::Median => sample.percentile(weights, 50),
            Self::Slowest => sample.percentile(weights, 99),
            Self::Messages => per_task(|run| run.messages),
            Self::ToolRequests => per_task(|run| run.tool_requests),
            Self::ModelCalls => per_task(|run| run.model_calls),
            Self::Tokens => per_task(|run| run.tokens),
        }
    }
}

/// A measure of two designs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Estimate {
    /// Which.
    pub measure: Measure,
    /// The value of both, in its [unit](Measure::unit); `None` without a task, or for a time, without a task
    /// that was done.
    pub values: [Option<i64>; 2],
    /// The second less the first, if both have a value.
    pub difference: Option<i64>,
    /// The 95% interval of the difference, both ends included, if there is a value however seeds are drawn.
    pub interval: Option<(i64, i64)>,
}

impl Estimate {
    /// Whether these seeds do not show that there is a difference.
    pub fn includes_zero(&self) -> bool {
        self.interval.is_none_or(|(low, high)| low <= 0 && high >= 0)
    }
}

/// Runs of one design, the nth of all of them by the nth seed.
struct Sample<'a> {
    runs: &'a [Measures],
    /// The times of all tasks that were done, in order, each with the place of its run.
    times: Vec<(SimSpan, usize)>,
}

impl<'a> Sample<'a> {
    fn of(runs: &'a [Measures]) -> Self {
        let times =
            runs.iter().enumerate().flat_map(|(place, run)| run.done.iter().map(move |it| (*it, place)));
        let mut times: Vec<(SimSpan, usize)> = times.collect();
        times.sort_unstable();
        Self { runs, times }
    }

    /// Millionths of one sum over another.
    fn ratio(
        &self,
        weights: &[u32],
        above: impl Fn(&Measures) -> u64,
        below: impl Fn(&Measures) -> u64,
    ) -> Option<i64> {
        let sum = |of: &dyn Fn(&Measures) -> u64| -> i128 {
            self.runs.iter().zip(weights).map(|(run, weight)| i128::from(of(run)) * i128::from(*weight)).sum()
        };
        let (above, below) = (sum(&above), sum(&below));
        (below > 0).then(|| i64::try_from(above * 1_000_000 / below).unwrap_or(i64::MAX))
    }

    /// The smallest time within which so many percent of the tasks were done, of those that were.
    fn percentile(&self, weights: &[u32], percent: u64) -> Option<i64> {
        let weight = |place: usize| u64::from(weights[place]);
        let all: u64 = self.times.iter().map(|(_, place)| weight(*place)).sum();
        let rank = (all * percent).div_ceil(100);
        let mut passed = 0;
        let found = self.times.iter().find(|(_, place)| {
            passed += weight(*place);
            passed >= rank && passed > 0
        });
        found.map(|(time, _)| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Compares two designs measure by measure. Both have a run for each seed, in the same order; `seed` keys the
/// draws of the intervals.
///
/// # Panics
/// If there are more runs of one than of the other.
pub(super) fn compare(designs: [&[Measures]; 2], seed: Seed) -> Vec<Estimate> {
    let seeds = designs[0].len();
    assert_eq!(seeds, designs[1].len(), "runs come in pairs");
    let samples = designs.map(Sample::of);
    let values = |weights: &[u32], measure: Measure| samples.each_ref().map(|it| measure.value(it, weights));
    let difference = |[a, b]: [Option<i64>; 2]| Some(b? - a?);
    let draws = Draws::new(seed);
    let resampled: Vec<[Option<i64>; Measure::ALL.len()]> = (0..RESAMPLES)
        .into_par_iter()
        .map(|number| {
            let weights = drawn(&draws, number, seeds);
            Measure::ALL.map(|measure| difference(values(&weights, measure)))
        })
        .collect();
    let once = vec![1; seeds];
    let estimate = |(place, measure): (usize, Measure)| {
        let values = values(&once, measure);
        let differences: Option<Vec<i64>> = resampled.iter().map(|each| each[place]).collect();
        let interval = differences.map(|mut differences| {
            differences.sort_unstable();
            (differences[INTERVAL.0], differences[INTERVAL.1])
        });
        Estimate { measure, values, difference: difference(values), interval }
    };
    Measure::ALL.into_iter().enumerate().map(estimate).collect()
}

/// How often each seed comes up in a resample.
fn drawn(draws: &Draws, number: u32, seeds: usize) -> Vec<u32> {
    let (site, id) = (Name::new("resample"), Name::new(&format!("resample-{number}")));
    let mut weights = vec![0; seeds];
    for place in 0..seeds as u32 {
        let seed = draws.draw_site(site, id, place).below("seed", seeds as u64);
        weights[seed as usize] += 1;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn run(seconds: &[u64], given: u64, messages: u64) -> Measures {
        let done = seconds.iter().map(|time| SimSpan::from_secs(*time)).collect();
        Measures { given, done, messages, ..Measures::default() }
    }

    fn estimate(a: &[Measures], b: &[Measures], measure: Measure) -> Estimate {
        let all = compare([a, b], Seed(0));
        all.into_iter().find(|estimate| estimate.measure == measure).unwrap()
    }

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_value_is_that_of_all_tasks_together() {
        let runs = [run(&[1, 2, 3], 4, 10), run(&[10], 1, 0)];
        let value = |measure| estimate(&runs, &runs, measure).values[0];
        assert_eq!(value(Measure::Done), Some(800_000));
        assert_eq!(value(Measure::Messages), Some(2_000_000));
        assert_eq!(value(Measure::Median), Some(2 * SECOND));
        assert_eq!(value(Measure::Slowest), Some(10 * SECOND));
    }

    #[test]
    fn a_percentile_is_the_first_time_within_which_so_many_are_done() {
        let times: Vec<u64> = (1..=200).collect();
        let runs = [run(&times, 200, 0)];
        assert_eq!(estimate(&runs, &runs, Measure::Median).values[0], Some(100 * SECOND));
        assert_eq!(estimate(&runs, &runs, Measure::Slowest).values[0], Some(198 * SECOND));
    }

    #[test]
    fn a_difference_that_every_seed_shows_has_no_width() {
        let (a, b) = (vec![run(&[1], 1, 7); 20], vec![run(&[1], 1, 9); 20]);
        let messages = estimate(&a, &b, Measure::Messages);
        assert_eq!((messages.difference, messages.interval), (Some(2_000_000), Some((2_000_000, 2_000_000))));
        assert!(!messages.includes_zero());
        assert!(estimate(&a, &b, Measure::Done).includes_zero());
    }

    #[test]
    fn what_a_seed_does_to_both_cancels_out() {
        let noise = |nth: u64| 100 + nth * nth * 37 % 400;
        let of = |more: u64| (0..50).map(|nth| run(&[1], 1, noise(nth) + more)).collect::<Vec<_>>();
        let (a, b) = (of(0), of(3));
        assert_eq!(estimate(&a, &b, Measure::Messages).interval, Some((3_000_000, 3_000_000)));
        let shifted: Vec<Measures> = b.iter().cycle().skip(7).take(50).cloned().collect();
        assert!(
            estimate(&a, &shifted, Measure::Messages).includes_zero(),
            "pairs that do not belong together"
        );
    }

    /// Half of the seeds add two messages and half none: the mean of 100 such differences is 1, with a
    /// standard error of 0.1, so the interval is about 0.8 to 1.2.
    #[test]
    fn an_interval_is_as_wide_as_the_theory_says() {
        let a = vec![run(&[1], 1, 5); 100];
        let b: Vec<Measures> = (0..100).map(|nth| run(&[1], 1, 5 + 2 * (nth % 2))).collect();
        let (low, high) = estimate(&a, &b, Measure::Messages).interval.unwrap();
        assert!(
            (760_000..=840_000).contains(&low) && (1_160_000..=1_240_000).contains(&high),
            "{low} {high}"
        );
    }

    #[test]
    fn without_a_task_that_is_done_there_is_no_time() {
        let (a, b) = (vec![run(&[], 1, 5); 3], vec![run(&[1], 1, 5); 3]);
        let time = estimate(&a, &b, Measure::Median);
        assert_eq!((time.values, time.difference, time.interval), ([None, Some(SECOND)], None, None));
        assert!(time.includes_zero());
    }

    fn runs() -> impl Strategy<Value = Vec<Measures>> {
        let one = (vec(1_u64..100, 0..4), 0_u64..3, 0_u64..50);
        vec(one.prop_map(|(done, more, messages)| run(&done, done.len() as u64 + more, messages)), 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn a_design_does_not_differ_from_itself(runs in runs(), seed: u64) {
            for estimate in compare([&runs, &runs], Seed(seed)) {
                prop_assert!(estimate.difference.is_none_or(|difference| difference == 0));
                prop_assert!(estimate.interval.is_none_or(|interval| interval == (0, 0)));
            }
        }

        #[test]
        fn the_other_way_round_every_difference_is_the_opposite(pairs in vec((0_u64..50, 0_u64..50), 1..12)) {
            let of = |side: fn(&(u64, u64)) -> u64| {
                pairs.iter().map(|pair| run(&[1], 1, side(pair))).collect::<Vec<_>>()
            };
            let (a, b) = (of(|pair| pair.0), of(|pair| pair.1));
            let there = estimate(&a, &b, Measure::Messages);
            let back = estimate(&b, &a, Measure::Messages);
            prop_assert_eq!(there.difference.unwrap(), -back.difference.unwrap());
            let ((low, high), (back_low, back_high)) = (there.interval.unwrap(), back.interval.unwrap());
            prop_assert_eq!((low, high), (-back_high, -back_low));
        }
    }
}
