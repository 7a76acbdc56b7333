//! JSON output: one object a line. The guide documents the fields; fields are only ever added.

use crate::explore::{
    Broke, CaseProgress, CaseReport, CaseStatus, CaseVerdict, Divergence, Failure, Finding, FuzzState,
    LevelReport, MetricsByTool, ModelStep, ReplayOutcome, Run, SavedSeed, Tally, model_steps,
};
use crate::report::words::{rate_of, runs_per_second, status_in_words, verdict};
use crate::report::{Story, StoryEvent};
use crate::scenario::Case;
use perfidy_sim::{Address, Digest, Engine, Fault, Name, Seed};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One case of `perfidy run --format json`.
#[derive(Serialize)]
pub struct CaseRecord {
    /// The version of this format.
    schema: u32,
    scenario: Name,
    case: String,
    engine: Engine,
    strategy: &'static str,
    first_seed: Seed,
    seeds: u64,
    runs_per_second: u64,
    events: u64,
    digest: Option<Digest>,
    /// `holds`, `caught`, `broken`, `not-caught`, `not-yet-caught`, `service-level-missed`, `undecided`,
    /// `vacuous`, `unknown` or `interrupted`.
    verdict: &'static str,
    /// The verdict in words.
    summary: String,
    properties: BTreeMap<&'static str, Tally>,
    findings: Vec<FindingRecord>,
    faults_injected: BTreeMap<Name, u64>,
    /// How many runs reached each probe.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    probes: BTreeMap<&'static str, u64>,
    /// What became of each service level.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service_levels: Vec<LevelRecord>,
    /// What became of the calls of each tool, in as many runs by the chances of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<MetricsByTool>,
    saved: Vec<String>,
    /// What the strategy has shown, in its own words.
    shown: Option<String>,
}

impl CaseRecord {
    /// The record of a case, with the stories of its findings.
    pub fn new(report: &CaseReport, first_seed: Seed, took: Duration, stories: &[FindingStory]) -> Self {
        Self {
            schema: 1,
            scenario: report.case.scenario.name,
            case: report.case.label(),
            engine: report.engine,
            strategy: report.strategy,
            first_seed,
            seeds: report.seeds,
            runs_per_second: runs_per_second(report, took).round() as u64,
            events: report.events,
            digest: report.digest,
            verdict: match report.verdict() {
                CaseVerdict::Holds => "holds",
                CaseVerdict::Caught(_) => "caught",
                CaseVerdict::Broken(_) => "broken",
                CaseVerdict::NotCaught { .. } => "not-caught",
                CaseVerdict::NotYetCaught { .. } => "not-yet-caught",
                CaseVerdict::LevelMissed(_) => "service-level-missed",
                CaseVerdict::LevelUndecided(_) => "undecided",
                CaseVerdict::Vacuous { .. } => "vacuous",
                CaseVerdict::Unknown { .. } => "unknown",
                CaseVerdict::Interrupted => "interrupted",
            },
            summary: verdict(report),
            properties: report.tallies.clone(),
            findings: report
                .findings
                .iter()
                .map(|finding| FindingRecord::new(&report.case, finding, stories))
                .collect(),
            faults_injected: report.injected.clone(),
            probes: report.probes.clone(),
            service_levels: report.levels.iter().map(LevelRecord::new).collect(),
            tools: report.metrics.clone(),
            saved: stories.iter().filter_map(|story| story.file.as_deref()).map(in_text).collect(),
            shown: report.closing.clone(),
        }
    }
}

/// A service level, in the record of its case.
#[derive(Serialize)]
struct LevelRecord {
    /// The promise and the share of runs that must keep it.
    promise: String,
    at_least_per_million: u32,
    confidence_per_million: u32,
    /// How many runs kept it, of how many that tell.
    kept: u64,
    runs: u64,
    /// The bounds of the share, each as sure as the file asks.
    low_per_million: u32,
    high_per_million: u32,
    /// `met`, `missed` or `undecided`.
    verdict: &'static str,
}

impl LevelRecord {
    fn new(report: &LevelReport) -> Self {
        let LevelReport { level, kept, runs } = *report;
        let (low, high) = report.bounds();
        Self {
            promise: level.to_string(),
            at_least_per_million: level.at_least.as_per_million(),
            confidence_per_million: level.confidence.as_per_million(),
            kept,
            runs,
            low_per_million: low.as_per_million(),
            high_per_million: high.as_per_million(),
            verdict: report.verdict().word(),
        }
    }
}

/// A finding with its story, for its record.
pub struct FindingStory {
    /// What is saved of it, or would be.
    pub saved: SavedSeed,
    /// The events of its story.
    pub story: Vec<StoryEvent>,
    /// Where it was saved, if it was.
    pub file: Option<PathBuf>,
    /// The command that has it again.
    pub again: String,
}

/// A property that broke.
#[derive(Serialize)]
struct FindingRecord {
    property: &'static str,
    seed: Seed,
    after_seeds: u64,
    /// How it broke, in words.
    message: String,
    /// The faults that suffice, or if it was not made small, all that were injected.
    faults: Vec<Fault>,
    /// The events of its story.
    story: Vec<StoryEvent>,
    /// The safeguards that would have guarded the property and are off: taken away by the case, or not turned
    /// on in the file.
    safeguards_off: Vec<&'static str>,
    /// What shrinking has changed of the scenario, key by key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    /// The command that replays it if it was saved, or else has it again.
    replay: Option<String>,
}

impl FindingRecord {
    fn new(case: &Case, finding: &Finding, stories: &[FindingStory]) -> Self {
        let Finding { property, seed, after_seeds, .. } = *finding;
        let is_it = |story: &&FindingStory| story.saved.property == property && story.saved.seed == seed;
        let story = stories.iter().find(is_it);
        Self {
            property,
            seed,
            after_seeds,
            message: story.map_or(&finding.message, |story| &story.saved.message).clone(),
            faults: story.map_or(&finding.faults, |story| &story.saved.faults).clone(),
            story: story.map(|story| story.story.clone()).unwrap_or_default(),
            safeguards_off: case.guards_of(property).missing().map(|kind| kind.name).collect(),
            changed: story.and_then(|story| story.saved.changes.clone()).unwrap_or_default().scenario,
            replay: story.map(|story| story.again.clone()),
        }
    }
}

/// A path in JSON, which has no other bytes than those of text.
fn in_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// One file of `perfidy replay --format json`.
#[derive(Serialize)]
pub struct ReplayRecord {
    schema: u32,
    file: String,
    scenario: String,
    case: String,
    engine: Engine,
    first_seed: Seed,
    seeds: u64,
    events: u64,
    digest: Digest,
    property: String,
    /// How it broke, in words: in this run if it did, or else when it was saved.
    message: String,
    /// The saved faults.
    faults: Vec<Fault>,
    /// The events of its story; none if it did not break.
    story: Vec<StoryEvent>,
    /// Every step of an agent's model, as a monitoring of the team would record it.
    model_steps: Vec<ModelStep>,
    /// `reproduced`, `fixed`, `stale` or `ambiguous`.
    outcome: &'static str,
    /// Whether the history is the saved one, event for event.
    same_history: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Address>,
    properties: BTreeMap<&'static str, &'static str>,
    faults_injected: BTreeMap<Name, u64>,
}

impl ReplayRecord {
    /// The record of a replayed file.
    pub fn new(file: &Path, failure: &Failure, run: &Run, outcome: &ReplayOutcome) -> Self {
        let Failure { saved, case, .. } = failure;
        let broke = run.violation(&saved.property).map(|violation| violation.message.clone());
        let story = Story::new(case, saved, run, None).map(|story| story.events());
        let mut faults_injected = BTreeMap::new();
        for fault in &run.outcome.injected {
            *faults_injected.entry(fault.action.kind()).or_insert(0) += 1;
        }
        let (outcome, same_history, missing) = match outcome {
            ReplayOutcome::Reproduced { same_history } => ("reproduced", *same_history, None),
            ReplayOutcome::Fixed => ("fixed", false, None),
            ReplayOutcome::Stale { missing, .. } => ("stale", false, Some(*missing)),
            ReplayOutcome::Ambiguous { .. } => ("ambiguous", false, None),
        };
        Self {
            schema: 1,
            file: in_text(file),
            scenario: saved.case.scenario.clone(),
            case: saved.case.label.clone(),
            engine: saved.engine,
            first_seed: saved.seed,
            seeds: 1,
            events: run.outcome.history.len() as u64,
            digest: run.outcome.digest(),
            property: saved.property.clone(),
            message: broke.unwrap_or_else(|| saved.message.clone()),
            faults: saved.faults.clone(),
            story: story.unwrap_or_default(),
            model_steps: model_steps(&run.outcome.history, &case.scenario.directory()),
            outcome,
            same_history,
            missing,
            properties: run.verdicts.iter().map(|(property, verdict)| (*property, verdict.word())).collect(),
            faults_injected,
        }
    }
}

/// The result of an audit of a case.
#[derive(Clone, Debug)]
pub enum AuditVerdict {
    /// All runs of a seed were equal.
    Identical,
    /// Two runs differed.
    Different(Box<Divergence>),
    /// The result is unknown, for this reason.
    Unknown(String),
    /// The audit was interrupted.
    Interrupted,
}

/// One case of `perfidy audit --format json`.
#[derive(Serialize)]
pub struct AuditRecord {
    schema: u32,
    scenario: Name,
    case: String,
    engine: Engine,
    first_seed: Seed,
    seeds: u64,
    /// `identical`, `different`, `unknown` or `interrupted`.
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    divergence: Option<Box<Divergence>>,
}

impl AuditRecord {
    /// The record of a case.
    pub fn new(case: &Case, engine: Engine, first_seed: Seed, seeds: u64, verdict: AuditVerdict) -> Self {
        let (verdict, why, divergence) = match verdict {
            AuditVerdict::Identical => ("identical", None, None),
            AuditVerdict::Different(divergence) => ("different", None, Some(divergence)),
            AuditVerdict::Unknown(why) => ("unknown", Some(why), None),
            AuditVerdict::Interrupted => ("interrupted", None, None),
        };
        Self {
            schema: 1,
            scenario: case.scenario.name,
            case: case.label(),
            engine,
            first_seed,
            seeds,
            verdict,
            why,
            divergence,
        }
    }
}

/// One case of `perfidy fuzz --format json`.
#[derive(Serialize)]
pub struct FuzzRecord<'a> {
    schema: u32,
    scenario: Name,
    case: &'a str,
    engine: Engine,
    strategy: &'a str,
    first_seed: Seed,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a str>,
    runs: u64,
    runs_per_second: u64,
    /// How many different failures were shrunk.
    failures: usize,
    /// `not-run`, `nothing-broke`, `broken`, `caught`, `not-caught` or `not-yet-caught`.
    verdict: &'static str,
    /// The verdict in words.
    summary: String,
    broke: BTreeMap<&'a str, BrokeRecord<'a>>,
    faults_injected: &'a BTreeMap<Name, u64>,
    /// How many runs reached each probe; one that none has reached is vacuous.
    probes: &'a BTreeMap<String, u64>,
    known: KnownRecord<'a>,
}

/// What the runs of a case have shown, for who decides whether to go on.
#[derive(Serialize)]
struct KnownRecord<'a> {
    /// How many shapes they had: runs of one shape have as many events of each kind, by powers of two, reach
    /// the same probes and have the same verdicts.
    shapes: u64,
    /// How many shapes were new in the first run, in the next, in the next two, in the next four, and so on.
    new_shapes: &'a [u64],
    /// How likely the next run is to have a shape that none has had; nothing before the first.
    next_is_new_per_million: Option<u64>,
    /// How many shapes there are at least that no run has had.
    unseen_shapes: u64,
    /// At how many places a fault could have been injected.
    places: usize,
    /// Those of them at which none has been.
    places_never_struck: Vec<&'a str>,
    /// The probes that no run has reached.
    probes_never_reached: Vec<&'a str>,
}

impl<'a> KnownRecord<'a> {
    fn new(progress: &'a CaseProgress) -> Self {
        let known = &progress.known;
        let unreached = progress.probes.iter().filter(|(_, runs)| **runs == 0);
        Self {
            shapes: known.shapes(),
            new_shapes: known.new_shapes(),
            next_is_new_per_million: known.next_is_new_per_million(),
            unseen_shapes: known.unseen_shapes(),
            places: known.places(),
            places_never_struck: known.places_never_struck().collect(),
            probes_never_reached: unreached.map(|(probe, _)| probe.as_str()).collect(),
        }
    }
}

#[derive(Serialize)]
struct BrokeRecord<'a> {
    runs: u64,
    first_seed: Seed,
    /// The different failures, and how often each was shrunk.
    failures: &'a BTreeMap<crate::explore::Fingerprint, u64>,
    /// How it broke in the smallest failure that this process has saved; nothing if it saved none.
    message: Option<&'a str>,
    /// The faults of that failure.
    faults: &'a [Fault],
    /// The events of its story.
    story: &'a [StoryEvent],
    /// The command that replays it.
    replay: Option<&'a str>,
}

impl<'a> FuzzRecord<'a> {
    /// The record of a case. `smallest` has the smallest failure of each property.
    pub fn new(
        rounds: &'a FuzzState,
        case_rounds: &'a CaseProgress,
        case: &Case,
        smallest: impl Fn(&str) -> Option<&'a FindingStory>,
    ) -> Self {
        let status = rounds.status(case_rounds, case);
        let record = |property: &str, broke: &'a Broke| {
            let smallest = smallest(property);
            BrokeRecord {
                runs: broke.runs,
                first_seed: broke.first_seed,
                failures: &broke.failures,
                message: smallest.map(|story| story.saved.message.as_str()),
                faults: smallest.map(|story| story.saved.faults.as_slice()).unwrap_or_default(),
                story: smallest.map(|story| story.story.as_slice()).unwrap_or_default(),
                replay: smallest.map(|story| story.again.as_str()),
            }
        };
        Self {
            schema: 1,
            scenario: case_rounds.scenario,
            case: &case_rounds.label,
            engine: rounds.engine,
            strategy: &rounds.strategy,
            first_seed: rounds.first_seed,
            base: rounds.base.as_deref(),
            runs: case_rounds.runs,
            runs_per_second: rate_of(case_rounds).round() as u64,
            failures: case_rounds.failures(),
            verdict: match status {
                CaseStatus::NotRun => "not-run",
                CaseStatus::NothingBroke => "nothing-broke",
                CaseStatus::Broken(_) => "broken",
                CaseStatus::Caught(..) => "caught",
                CaseStatus::NotCaught(..) => "not-caught",
                CaseStatus::NotYetCaught(..) => "not-yet-caught",
            },
            summary: status_in_words(status),
            broke: case_rounds
                .broke
                .iter()
                .map(|(name, broke)| (name.as_str(), record(name, broke)))
                .collect(),
            faults_injected: &case_rounds.injected,
            probes: &case_rounds.probes,
            known: KnownRecord::new(case_rounds),
        }
    }
}
