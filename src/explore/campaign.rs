//! A campaign: one case over many trials, on all cores, with a result that does not depend on how many.

use crate::explore::Watchdog;
use crate::explore::counting::{self, Breaks, Missing, NotCounted, OtherFaults, Tried};
use crate::explore::service_level::{LevelReport, LevelVerdict};
use crate::explore::strategy::{self, Strategy};
use crate::explore::tool_metrics::MetricsByTool;
use crate::explore::trials::{Judgement, RunSummary, Trials, TrialsProgress};
use crate::scenario::{Case, Without};
use perfidy_sim::{Digest, Engine, Fault, Interrupt, Name, Seed};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Which seeds to run, and how.
pub struct Campaign<'a> {
    /// The engine.
    pub engine: Engine,
    /// The first seed; the others follow it.
    pub first_seed: Seed,
    /// How many trials at most.
    pub seeds: u64,
    /// What is collected beside the verdicts.
    pub collect: Collect,
    /// Set when the campaign is to end early; the runs that are under way then are abandoned.
    pub interrupted: &'a Interrupt,
    /// Who watches for runs that never come back.
    pub watchdog: &'a Watchdog,
}

/// What a campaign collects of its runs beside the verdicts, which takes time of its own.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Collect {
    /// The digest of all runs; up to a tenth of the time.
    pub digests: bool,
    /// The metrics of each tool over the runs by the chances of the file.
    pub metrics: bool,
    /// What tells apart how runs went, and in some of them where faults could strike.
    pub shapes: bool,
}

impl Collect {
    /// The verdicts alone.
    pub const NONE: Self = Self { digests: false, metrics: false, shapes: false };
}

/// How often a property held, broke, and so on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Tally {
    /// Runs in which the property held.
    pub holds: u64,
    /// Runs in which it was broken.
    pub violated: u64,
    /// Runs in which there was nothing to judge.
    pub vacuous: u64,
    /// Runs that could not be judged.
    pub unknown: u64,
}

/// A property that broke, and the first trial in which it did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The property.
    pub property: &'static str,
    /// The seed.
    pub seed: Seed,
    /// The injected faults. With the seed they make the run again, whatever strategy planned it.
    #[serde(skip)]
    pub faults: Vec<Fault>,
    /// How many trials had been run by then, this one included.
    pub after_seeds: u64,
    /// How it broke, in words.
    #[serde(skip)]
    pub message: String,
    /// The fingerprint of the history.
    #[serde(skip)]
    pub digest: Digest,
    /// How many events the history has.
    #[serde(skip)]
    pub events: u64,
}

/// What a campaign tells while it goes on.
pub enum CampaignNews<'a> {
    /// A property broke for the first time.
    Found(&'a Finding),
    /// How many trials are through.
    Ran(u64),
}

/// A run in which a property could not be judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inconclusive {
    /// The seed.
    pub seed: Seed,
    /// Why, and what to do about it if there is something.
    pub reason: String,
}

/// What a campaign found.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case.
    pub case: Case,
    /// The engine.
    pub engine: Engine,
    /// The name of the strategy.
    pub strategy: &'static str,
    /// Whether its trials are plans of one seed, and not seeds.
    pub tries_plans: bool,
    /// How many trials were run.
    pub seeds: u64,
    /// How many events happened in all runs.
    pub events: u64,
    /// The digests of all runs, folded in the order of the trials, if the campaign wants that.
    pub digest: Option<Digest>,
    /// What the properties said.
    pub tallies: BTreeMap<&'static str, Tally>,
    /// How often each kind of fault was injected.
    pub injected: BTreeMap<Name, u64>,
    /// How many runs reached each probe of the workflow.
    pub probes: BTreeMap<&'static str, u64>,
    /// What the scenario configures and no run has injected, as places in its list; but for what the strategy
    /// left out because it would make no difference.
    pub never_injected: Vec<usize>,
    /// The properties that broke, each as it first did.
    pub findings: Vec<Finding>,
    /// Of a `[[without]]` case: the properties that should break and that broke by faults which the file does
    /// not name, as each first did.
    pub by_other_faults: BTreeMap<&'static str, OtherFaults>,
    /// Of a `[[without]]` case: the properties that broke as written too, in another campaign, each with its
    /// first seed.
    pub broken_as_written: BTreeMap<&'static str, Seed>,
    /// Of each property that could not be judged in every run: the first such run, and why.
    pub unknown: BTreeMap<&'static str, Inconclusive>,
    /// Of a case as written: how many of the runs that have the chances of its file kept the promises of its
    /// service levels.
    pub levels: Vec<LevelReport>,
    /// What became of the calls of each tool in the runs by the chances of the file, if the campaign wants
    /// that.
    pub metrics: Option<MetricsByTool>,
    /// What the strategy says it has shown.
    pub closing: Option<String>,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// What a campaign means for its case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CaseVerdict {
    /// Every property holds.
    Holds,
    /// The properties that should break broke, each after so many seeds.
    Caught(Vec<Finding>),
    /// Properties broke that should hold.
    Broken(Vec<Finding>),
    /// The property that should break did not.
    NotCaught {
        /// Which.
        property: &'static str,
        /// Within how many seeds it should have.
        within_seeds: u32,
    },
    /// It did not, but fewer seeds were tried than it may take.
    NotYetCaught {
        /// Which.
        property: &'static str,
        /// How many seeds were tried.
        seeds: u64,
        /// Within how many it should have broken.
        within_seeds: u32,
    },
    /// Too small a share of runs kept the promise of a service level.
    LevelMissed(LevelReport),
    /// There were too few runs to tell whether a service level is met.
    LevelUndecided(LevelReport),
    /// Something that the case is about never came up.
    Vacuous {
        /// What, in words.
        what: String,
    },
    /// A property could not be judged.
    Unknown {
        /// Which.
        property: &'static str,
        /// In which run, and why.
        doubt: Inconclusive,
    },
    /// The campaign was interrupted before it had a result.
    Interrupted,
}

impl Campaign<'_> {
    /// Runs the case at random: seed after seed, each with the chances of its scenario.
    pub fn run(&self, case: &Case) -> CaseReport {
        self.run_with(case, &mut strategy::random(case, self.first_seed))
    }

    /// Runs the case with whatever the strategy thinks of, until it thinks of nothing more or there have been
    /// enough trials. The report is the same for any number of threads.
    pub fn run_with(&self, case: &Case, strategy: &mut dyn Strategy) -> CaseReport {
        self.run_telling(case, strategy, &mut |_| {})
    }

    /// The same, and tells each finding of the report as soon as it is one, and how far the campaign is.
    pub fn run_telling(
        &self,
        case: &Case,
        strategy: &mut dyn Strategy,
        tell: &mut dyn FnMut(CampaignNews<'_>),
    ) -> CaseReport {
        let properties = case.scenario.suite.properties().iter();
        let mut report = CaseReport {
            case: case.clone(),
            engine: self.engine,
            strategy: strategy.name(),
            tries_plans: strategy.tries_plans(),
            seeds: 0,
            events: 0,
            digest: self.collect.digests.then(Digest::default),
            tallies: properties.map(|property| (property.name, Tally::default())).collect(),
            injected: BTreeMap::new(),
            probes: case.probes().map(|probe| (probe.name, 0)).collect(),
            never_injected: (0..case.scenario.configured.len()).collect(),
            findings: Vec::new(),
            by_other_faults: BTreeMap::new(),
            broken_as_written: BTreeMap::new(),
            unknown: BTreeMap::new(),
            levels: levels_of(case),
            metrics: self.collect.metrics.then(MetricsByTool::default),
            closing: None,
            interrupted: false,
        };
        let mut trials = self.start(case, strategy);
        loop {
            match trials.go_on(u64::MAX) {
                TrialsProgress::Ran(runs) => {
                    let told = report.findings.len();
                    report.take_in(&runs);
                    report.findings[told..].iter().map(CampaignNews::Found).for_each(&mut *tell);
                    tell(CampaignNews::Ran(report.seeds));
                }
                TrialsProgress::Over => break,
                TrialsProgress::Interrupted => {
                    report.interrupted = true;
                    return report;
                }
            }
        }
        drop(trials);
        report.closing = strategy.closing();
        let configured = &case.scenario.configured;
        let is_left_out =
            |index: &usize| strategy.left_out().iter().any(|fault| configured[*index].injects(fault));
        report.never_injected.retain(|index| !is_left_out(index));
        report
    }

    /// The trials of a case, none of which has been run.
    pub fn start<'a>(&'a self, case: &'a Case, strategy: &'a mut dyn Strategy) -> Trials<'a> {
        Trials::new(self, case, strategy)
    }
}

/// The service levels of a case. One without some safeguards promises nothing.
fn levels_of(case: &Case) -> Vec<LevelReport> {
    let levels = case.scenario.service_levels.iter().filter(|_| case.without().is_none());
    levels.copied().map(LevelReport::new).collect()
}

impl Case {
    /// Whether it means something that this property breaks: as written every one does that is not waived
    /// and has no service level, otherwise those that should break.
    pub fn is_about_breaking(&self, property: &str) -> bool {
        match self.without() {
            None => !self.scenario.may_break(property),
            Some(without) => without.violates.contains(&property),
        }
    }
}

impl Tally {
    fn count(&mut self, mark: &Judgement) {
        match mark {
            Judgement::Holds => self.holds += 1,
            Judgement::Violated(_) => self.violated += 1,
            Judgement::Vacuous => self.vacuous += 1,
            Judgement::Unknown(_) => self.unknown += 1,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.holds += other.holds;
        self.violated += other.violated;
        self.vacuous += other.vacuous;
        self.unknown += other.unknown;
    }
}

impl CaseReport {
    fn take_in(&mut self, runs: &[RunSummary]) {
        for run in runs {
            self.take_in_run(run);
        }
        // All runs are judged by the same properties in the same order, so those are looked up once.
        let Some(first) = runs.first() else { return };
        let mut tallies = vec![Tally::default(); first.verdicts.len()];
        for run in runs {
            for (tally, (_, mark)) in tallies.iter_mut().zip(&run.verdicts) {
                tally.count(mark);
            }
        }
        for ((property, _), tally) in first.verdicts.iter().zip(tallies) {
            *self.tallies.entry(property).or_default() += tally;
        }
    }

    fn take_in_run(&mut self, run: &RunSummary) {
        self.seeds += 1;
        self.events += run.events;
        if let (Some(all), Some(digest)) = (&mut self.digest, run.digest) {
            all.fold(digest);
        }
        for fault in &run.injected {
            *self.injected.entry(fault.action.kind()).or_insert(0) += 1;
        }
        if let (Some(all), Some(metrics)) = (&mut self.metrics, &run.metrics) {
            all.add(metrics);
        }
        for (level, is_kept) in self.levels.iter_mut().zip(&run.kept) {
            level.count(*is_kept);
        }
        for probe in &run.reached {
            *self.probes.entry(probe).or_insert(0) += 1;
        }
        // After the first few runs hardly anything is left to look for.
        if !self.never_injected.is_empty() {
            let configured = &self.case.scenario.configured;
            let is_injected =
                |index: usize| run.injected.iter().any(|fault| configured[index].injects(fault));
            self.never_injected.retain(|index| !is_injected(*index));
        }
        for (property, mark) in &run.verdicts {
            if let Judgement::Unknown(reason) = mark {
                let doubt = || Inconclusive { seed: run.seed, reason: reason.clone() };
                self.unknown.entry(property).or_insert_with(doubt);
            }
        }
        for property in &run.by_other_faults {
            let others = || OtherFaults::of(&self.case, run.seed, &run.injected);
            self.by_other_faults.entry(property).or_insert_with(others);
        }
        for (property, message) in run.violations() {
            if self.findings.iter().all(|finding| finding.property != property) {
                self.findings.push(run.finding(property, message, self.seeds));
            }
        }
    }

    /// The finding on a property, if it broke.
    ///
    /// # Panics
    /// If the suite has no property of that name.
    pub fn finding(&self, property: &str) -> Option<Finding> {
        assert!(self.tallies.contains_key(property), "{}", self.case.scenario.suite.no_property(property));
        self.findings.iter().find(|finding| finding.property == property).cloned()
    }

    /// Takes in how the same scenario went as written.
    pub fn compare_with(&mut self, as_written: &Self) {
        let broken = as_written.findings.iter().map(|finding| (finding.property, finding.seed));
        self.broken_as_written = broken.collect();
    }

    /// What it means for a `[[without]]` case.
    fn verdict_without(&self, without: &Without) -> CaseVerdict {
        let Some(Missing { property, is_certain, .. }) = self.missing(without) else {
            let caught = without.violates.iter().filter_map(|property| self.finding(property));
            return CaseVerdict::Caught(caught.collect());
        };
        let within_seeds = without.within_seeds;
        if self.seeds < u64::from(within_seeds) && self.interrupted {
            return CaseVerdict::Interrupted;
        }
        if is_certain {
            return CaseVerdict::NotCaught { property, within_seeds };
        }
        CaseVerdict::NotYetCaught { property, seeds: self.seeds, within_seeds }
    }

    fn missing(&self, without: &Without) -> Option<Missing> {
        let tried = if self.tries_plans { Tried::Plans } else { Tried::Seeds(self.seeds) };
        counting::missing(without, tried, |property| Breaks {
            after: self.finding(property).map(|finding| finding.after_seeds),
            by_other_faults: self.by_other_faults.get(property).cloned(),
            as_written: self.broken_as_written.get(property).copied(),
        })
    }

    /// Why what broke in a `[[without]]` case that is not caught does not count, if anything did.
    pub fn not_counted(&self) -> Option<NotCounted> {
        self.missing(self.case.without()?)?.why
    }

    /// What it means for the case.
    pub fn verdict(&self) -> CaseVerdict {
        let scenario = &self.case.scenario;
        if let Some(without) = self.case.without() {
            return self.verdict_without(without);
        }
        let unexpected: Vec<Finding> = self
            .findings
            .iter()
            .filter(|finding| self.case.is_about_breaking(finding.property))
            .cloned()
            .collect();
        if !unexpected.is_empty() {
            return CaseVerdict::Broken(unexpected);
        }
        if self.interrupted {
            return CaseVerdict::Interrupted;
        }
        let level_that = |is_so: fn(LevelVerdict) -> bool| {
            self.levels.iter().copied().find(|level| level.runs > 0 && is_so(level.verdict()))
        };
        if let Some(missed) = level_that(|verdict| verdict == LevelVerdict::Missed) {
            return CaseVerdict::LevelMissed(missed);
        }
        // What did not come up in a run that was cut short may come up in the rest of it.
        if let Some((property, doubt)) = self.unknown.first_key_value() {
            return CaseVerdict::Unknown { property, doubt: doubt.clone() };
        }
        if let Some(first) = self.never_injected.first() {
            let configured = scenario.configured[*first].in_words();
            return CaseVerdict::Vacuous { what: format!("{configured} was never injected") };
        }
        if let Some((probe, _)) = self.probes.iter().find(|(_, runs)| **runs == 0) {
            return CaseVerdict::Vacuous { what: format!("no run reached the probe `{probe}`") };
        }
        let tally = |property: &str| self.tallies.get(property).copied().unwrap_or_default();
        for property in self.case.is_about() {
            if tally(property).holds + tally(property).unknown == 0 {
                return CaseVerdict::Vacuous { what: format!("`{property}` had nothing to judge") };
            }
        }
        match level_that(|verdict| matches!(verdict, LevelVerdict::Undecided { .. })) {
            Some(undecided) => CaseVerdict::LevelUndecided(undecided),
            None => CaseVerdict::Holds,
        }
    }
}

impl CaseVerdict {
    /// The exit status it asks for: 0 as expected, 1 broken, not caught or a service level missed, 3 vacuous,
    /// unknown, undecided or not yet caught.
    pub fn status(&self) -> u8 {
        match self {
            Self::Holds | Self::Caught(_) => 0,
            Self::Broken(_) | Self::NotCaught { .. } | Self::LevelMissed(_) => 1,
            Self::NotYetCaught { .. }
            | Self::LevelUndecided(_)
            | Self::Vacuous { .. }
            | Self::Unknown { .. }
            | Self::Interrupted => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_of_two_parts_of_a_campaign_is_the_sum_of_theirs() {
        let mut all = Tally { holds: 2, violated: 3, vacuous: 5, unknown: 7 };
        all += Tally { holds: 11, violated: 13, vacuous: 17, unknown: 19 };
        assert_eq!(all, Tally { holds: 13, violated: 16, vacuous: 22, unknown: 26 });
    }
}
