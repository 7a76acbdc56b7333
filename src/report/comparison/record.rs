//! A comparison as JSON.

use super::{Tasks, name};
use crate::explore::{Comparison, Estimate, Measures, RESAMPLES, Unit};
use crate::scenario::Scenario;
use perfidy_sim::{Engine, Name, Seed};
use serde::Serialize;

/// The object of `perfidy compare --format json`.
#[derive(Serialize)]
pub struct ComparisonRecord {
    /// The version of this format.
    schema: u32,
    a: DesignRecord,
    b: DesignRecord,
    engine: Engine,
    first_seed: Seed,
    seeds: u64,
    /// In percent.
    confidence: u32,
    resamples: u32,
    /// The tables that say what the teams have to do or what happens to them, and that differ.
    different_tables: Vec<&'static str>,
    measures: Vec<MeasureRecord>,
}

#[derive(Serialize)]
struct DesignRecord {
    scenario: Name,
    tasks: u64,
    done: u64,
    /// Failed or cancelled.
    given_up: u64,
    never_ended: u64,
    runs_cut_short: u64,
}

#[derive(Serialize)]
struct MeasureRecord {
    name: &'static str,
    /// `millionths` or `nanoseconds`.
    unit: &'static str,
    a: Option<i64>,
    b: Option<i64>,
    /// The second less the first.
    difference: Option<i64>,
    low: Option<i64>,
    high: Option<i64>,
    includes_zero: bool,
}

impl ComparisonRecord {
    /// The record of a comparison.
    pub fn new(comparison: &Comparison) -> Self {
        let [a, b] =
            [0, 1].map(|design| DesignRecord::new(&comparison.designs[design], &comparison.runs[design]));
        Self {
            schema: 1,
            a,
            b,
            engine: comparison.engine,
            first_seed: comparison.first_seed,
            seeds: comparison.runs[0].len() as u64,
            confidence: 95,
            resamples: RESAMPLES,
            different_tables: comparison.different_world(),
            measures: comparison.estimates.iter().map(MeasureRecord::new).collect(),
        }
    }
}

impl DesignRecord {
    fn new(scenario: &Scenario, runs: &[Measures]) -> Self {
        let Tasks { given: tasks, done, given_up, never_ended, cut_short } = Tasks::of(runs);
        Self { scenario: scenario.name, tasks, done, given_up, never_ended, runs_cut_short: cut_short }
    }
}

impl MeasureRecord {
    fn new(estimate: &Estimate) -> Self {
        let [a, b] = estimate.values;
        Self {
            name: name(estimate.measure),
            unit: match estimate.measure.unit() {
                Unit::Share | Unit::Count => "millionths",
                Unit::Time => "nanoseconds",
            },
            a,
            b,
            difference: estimate.difference,
            low: estimate.interval.map(|(low, _)| low),
            high: estimate.interval.map(|(_, high)| high),
            includes_zero: estimate.includes_zero(),
        }
    }
}
