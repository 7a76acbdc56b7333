//! Shrinking: from all injected faults to the little that suffices.
//!
//! A failure is run again and again as an explicit plan, always judged by the same property, with less and
//! less in it. Draws are keyed by identity, so taking one thing away leaves every other where it was. Four
//! kinds of things go, in turns, until none of them can:
//!
//! * [faults](faults), until no single one can be left out: the result is 1-minimal;
//! * [the scenario](scenario) around them: other cases, tasks, agents, steps, and the spread of latencies;
//! * [moments](moments) at which a node crashes or pauses: the step it was doing says more than the time;
//! * [numbers](values): spans become short and round, moments round, groups small.
//!
//! Not everything that can be run can also be said in a file. So a candidate counts only if it reads back
//! from the very text that would be saved; most candidates break nothing, and are not written at all.
//!
//! How far it goes is a matter of [`Effort`], counted in simulated events and not by the clock, so that the
//! same failure becomes the same small one on any machine. What is cut short is still a failure and can be
//! gone on with.

mod changes;
mod faults;
mod moments;
mod scenario;
mod spans;
mod values;

pub use changes::Changes;
pub use spans::Spans;

use crate::explore::{Run, SavedSeed};
use crate::scenario::Case;
use perfidy_sim::{Action, Address, Engine, Fault, Plan, Seed, interrupt};
use std::path::Path;

/// How much is spent on making one failure small.
#[derive(Clone, Copy)]
pub struct Effort<'a> {
    /// How many events may be simulated, all runs together. A core does some millions a second.
    pub events: u64,
    /// Whether to end now.
    pub is_over: &'a dyn Fn() -> bool,
    /// Which spans faults may have. They stay within what the file says, so that a fault of the result can
    /// be pinned into the file and would come by chance as well.
    pub spans: SpanLimits<'a>,
}

/// Which spans the faults of a smaller failure may have.
#[derive(Clone, Copy, Default)]
pub enum SpanLimits<'a> {
    /// Those that the file of the case gives to faults of the kind. What a strategy has added of other kinds
    /// gets no longer than it was.
    #[default]
    File,
    /// Those that the file gave before it was made smaller.
    Known(&'a Spans),
    /// Any.
    Any,
}

impl Default for Effort<'_> {
    fn default() -> Self {
        Self { events: 10_000_000, is_over: &|| false, spans: SpanLimits::File }
    }
}

/// How often everything is tried again at most. Two faults could take turns in leaving each other room.
const ROUNDS: u32 = 12;

/// A failure made small.
pub struct ShrunkFailure {
    /// The case, with no more of the scenario than it takes.
    pub case: Case,
    /// The faults that suffice.
    pub faults: Vec<Fault>,
    /// The run with exactly these.
    pub run: Run,
    /// What it is like beside the failure as it was found.
    pub changes: Changes,
    /// Whether nothing more can go. If not, the effort was used up before; shrinking it again goes on from
    /// here.
    pub is_finished: bool,
}

/// Shrinks a failure of `property`. `None` if the faults, replayed, do not break it.
pub fn shrink(
    case: &Case,
    engine: Engine,
    seed: Seed,
    property: &str,
    faults: &[Fault],
) -> Option<ShrunkFailure> {
    shrink_within(Effort::default(), case, engine, seed, property, faults)
}

/// Shrinks a failure of `property` as far as the effort goes. `None` if the faults, replayed, do not break
/// it. A run that its [interrupt](perfidy_sim::Interrupt) ends is the last; if that is the very first,
/// nothing is known and this does not return.
pub fn shrink_within(
    effort: Effort<'_>,
    case: &Case,
    engine: Engine,
    seed: Seed,
    property: &str,
    faults: &[Fault],
) -> Option<ShrunkFailure> {
    let run = Run::planned(case, engine, seed, &Plan::Explicit(faults.into()));
    run.violation(property)?;
    let (changes, is_finished) = (Changes::default(), true);
    let best = ShrunkFailure { case: case.clone(), faults: faults.to_vec(), run, changes, is_finished };
    let spans = match effort.spans {
        SpanLimits::File => Spans::of(&case.scenario.chaos).up_to_those_of(faults),
        SpanLimits::Known(spans) => spans.clone(),
        SpanLimits::Any => Spans::default(),
    };
    let in_file = Vec::new();
    let mut shrinking = Shrinking { engine, seed, property, effort, spans, in_file, best };
    shrinking.shrink();
    let Shrinking { mut best, spans, in_file, .. } = shrinking;
    best.changes = Changes::of(case, &best, (spans, in_file), |case, faults| {
        let plan = Plan::Explicit(faults.into());
        let run = interrupt::catch(|| Run::planned(case, engine, seed, &plan)).ok()?;
        Some(run.violation(property).is_some())
    });
    Some(best)
}

/// A failure on its way.
struct Shrinking<'a> {
    engine: Engine,
    seed: Seed,
    property: &'a str,
    effort: Effort<'a>,
    spans: Spans,
    /// The faults that suffice before anything in the scenario is changed.
    in_file: Vec<Fault>,
    best: ShrunkFailure,
}

impl Shrinking<'_> {
    fn shrink(&mut self) {
        for round in 0..ROUNDS {
            faults::fewer(self);
            if round == 0 {
                self.in_file.clone_from(&self.best.faults);
            }
            let is_simpler = scenario::simpler(self) | moments::to_places(self) | values::simpler(self);
            if !is_simpler || !self.best.is_finished {
                return;
            }
        }
        faults::fewer(self);
    }

    /// Whether the effort is used up; what is best now is not finished then.
    fn is_over(&mut self) -> bool {
        if self.best.is_finished && (self.effort.events == 0 || (self.effort.is_over)()) {
            self.best.is_finished = false;
        }
        !self.best.is_finished
    }

    /// Takes these faults for the best so far if they suffice in the same case.
    fn faults_suffice(&mut self, faults: &[Fault]) -> bool {
        let case = self.best.case.clone();
        self.suffices(case, faults)
    }

    /// Takes the faults with another action at a place among them for the best so far if they suffice.
    fn action_suffices(&mut self, place: usize, action: Action) -> bool {
        let at = self.best.faults[place].at;
        self.fault_suffices(place, Fault { at, action })
    }

    /// Takes the faults with another at a place among them for the best so far if they suffice.
    fn fault_suffices(&mut self, place: usize, fault: Fault) -> bool {
        // A list of a hundred thousand faults is not copied for each of them to learn that.
        if self.is_over() {
            return false;
        }
        let mut faults = self.best.faults.clone();
        faults[place] = fault;
        self.faults_suffice(&faults)
    }

    /// Takes a case and faults for the best so far if the property still breaks, and a file can say them.
    fn suffices(&mut self, case: Case, faults: &[Fault]) -> bool {
        if self.is_over() {
            return false;
        }
        let plan = Plan::Explicit(faults.into());
        let Ok(run) = interrupt::catch(|| Run::planned(&case, self.engine, self.seed, &plan)) else {
            self.best.is_finished = false;
            return false;
        };
        self.effort.events = self.effort.events.saturating_sub(run.outcome.history.len() as u64);
        if run.violation(self.property).is_none() {
            return false;
        }
        let (changes, is_finished) = (Changes::default(), self.best.is_finished);
        let candidate = ShrunkFailure { case, faults: faults.to_vec(), run, changes, is_finished };
        if !self.reads_back(&candidate) {
            return false;
        }
        self.best = candidate;
        true
    }

    /// Every place that comes up in the best run so far; none if the effort is used up.
    fn visited(&mut self) -> Option<Vec<Address>> {
        if self.is_over() {
            return None;
        }
        let plan = Plan::Explicit(self.best.faults.as_slice().into());
        let all = || Run::with_all_steps(&self.best.case, self.engine, self.seed, &plan);
        let Ok(run) = interrupt::catch(all) else {
            self.best.is_finished = false;
            return None;
        };
        self.effort.events = self.effort.events.saturating_sub(run.outcome.history.len() as u64);
        Some(run.outcome.visited)
    }

    /// Whether the file that would be saved of a candidate could be replayed.
    fn reads_back(&self, candidate: &ShrunkFailure) -> bool {
        let saved = SavedSeed::new(self.engine, self.seed, self.property, candidate);
        saved.read_back(Path::new("candidate.toml")).is_ok()
    }
}
