//! The audit: is a run really a function of its case, its engine, its seed and its plan?
//!
//! A seed is run, and run again in other ways: on another thread, on a thread that has run other seeds
//! before, and with the injected faults as a list. `perfidy audit` adds another process. All of them must
//! make the same history. If one does not, the first event that is different says where something from
//! outside leaked in: it and what led to it are a [`Divergence`].

use crate::agent::Agents;
use crate::explore::Run;
use crate::inert::shown;
use crate::scenario::Case;
use perfidy_sim::{Digest, Engine, Name, Plan, RunOutcome, Seed, SimTime, interrupt};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::panic::resume_unwind;
use std::thread;

/// How many other seeds a used thread has run before.
const EARLIER_RUNS: u64 = 3;

/// How many causes of an event are told.
const CAUSES: usize = 6;

/// How a run was repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rerun {
    /// On another thread.
    AnotherThread,
    /// On a thread that had run other seeds before.
    UsedThread,
    /// With the injected faults as an explicit plan.
    Replayed,
    /// In another process.
    AnotherProcess,
}

/// One event in words, so that it can come from another process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventInWords {
    /// Its number in the history.
    pub event: u32,
    /// When.
    pub at: SimTime,
    /// Where.
    pub node: Name,
    /// The number of the event that led to it.
    pub cause: Option<u32>,
    /// What, in full.
    pub what: String,
}

/// The history of one run in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// The fingerprint of the history.
    pub digest: Digest,
    /// Its events in order.
    pub moments: Vec<EventInWords>,
}

/// What one of two runs has where they part.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Side {
    /// The digest of the whole run.
    pub digest: Digest,
    /// The first event that is different; `None` if the run has no more events.
    pub event: Option<EventInWords>,
    /// What led to it, the nearest first.
    pub causes: Vec<EventInWords>,
}

/// Two runs that should be the same and are not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Divergence {
    /// The case.
    pub case: String,
    /// The engine.
    pub engine: Engine,
    /// The seed.
    pub seed: Seed,
    /// How the second run was run.
    pub rerun: Rerun,
    /// The first run.
    pub one: Side,
    /// The second.
    pub other: Side,
}

/// Runs a seed with every kind of rerun that this process can do, and gives the digest that all of the runs
/// have.
///
/// # Errors
/// The first [`Divergence`].
///
/// # Panics
/// If the engine is not part of this build; ask [`Engine::available`] first.
pub fn audit(case: &Case, engine: Engine, seed: Seed) -> Result<Digest, Box<Divergence>> {
    let fuzzed = |seed| Run::fuzzed(case, engine, seed).outcome;
    let first = on_a_thread_of_its_own(|| fuzzed(seed));
    let compare = |rerun, again: &RunOutcome<Agents>| {
        if again.digest() == first.digest() {
            return Ok(());
        }
        let (one, other) = (Trace::of(&first), Trace::of(again));
        Err(Box::new(Divergence::between(case, engine, seed, rerun, &one, &other)))
    };
    compare(Rerun::AnotherThread, &on_a_thread_of_its_own(|| fuzzed(seed)))?;
    let used = || {
        for earlier in 1..=EARLIER_RUNS {
            drop(fuzzed(Seed(seed.0.wrapping_add(earlier))));
        }
        fuzzed(seed)
    };
    compare(Rerun::UsedThread, &on_a_thread_of_its_own(used))?;
    let plan = Plan::Explicit(first.injected.as_slice().into());
    let replayed = || Run::planned(case, engine, seed, &plan).outcome;
    compare(Rerun::Replayed, &on_a_thread_of_its_own(replayed))?;
    Ok(first.digest())
}

fn on_a_thread_of_its_own<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let interrupt = interrupt::current();
    let work = || interrupt::inherit(interrupt, work);
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| resume_unwind(panic))
}

impl Trace {
    /// The history of a run.
    pub fn of(outcome: &RunOutcome<Agents>) -> Self {
        let moments = outcome.history.events().iter().map(|event| EventInWords {
            event: event.id.get(),
            at: event.at,
            node: event.node,
            cause: event.cause.map(perfidy_sim::EventId::get),
            what: format!("{:?}", event.what),
        });
        Self { digest: outcome.digest(), moments: moments.collect() }
    }

    fn side(&self, index: usize) -> Side {
        let find = |number: u32| self.moments.get((number as usize).checked_sub(1)?);
        let event = self.moments.get(index);
        let causes =
            std::iter::successors(event.and_then(|event| find(event.cause?)), |cause| find(cause.cause?));
        Side { digest: self.digest, event: event.cloned(), causes: causes.take(CAUSES).cloned().collect() }
    }
}

impl Divergence {
    /// Where two runs that should be the same part.
    pub fn between(
        case: &Case,
        engine: Engine,
        seed: Seed,
        rerun: Rerun,
        one: &Trace,
        other: &Trace,
    ) -> Self {
        let longest = one.moments.len().max(other.moments.len());
        let place = (0..longest).find(|index| one.moments.get(*index) != other.moments.get(*index));
        let place = place.unwrap_or(longest);
        Self { case: case.to_string(), engine, seed, rerun, one: one.side(place), other: other.side(place) }
    }
}

impl Rerun {
    fn in_words(self) -> &'static str {
        match self {
            Self::AnotherThread => "another run on another thread",
            Self::UsedThread => "another run on a thread that had run other seeds before",
            Self::Replayed => "the replay of the injected faults",
            Self::AnotherProcess => "another run in another process",
        }
    }

    /// What is known to make two runs differ, beginning with what this kind of rerun brings to light.
    fn suspects(self) -> &'static str {
        match self {
            Self::AnotherThread => {
                "a static that one run leaves to the next, a clock of the machine (Instant::now, SystemTime::now), \
                 randomness of the machine (rand::rng, a fresh UUID), the order of a std HashMap or HashSet, a \
                 thread, tokio::select! that is not `biased`"
            }
            Self::UsedThread => {
                "a static or thread-local that one run leaves to the next, a cache, a counter of ids; and, if it does \
                 not differ every time, a clock, randomness, the order of a std HashMap, a thread, tokio::select! \
                 that is not `biased`"
            }
            Self::Replayed => {
                "an id that is new in every run (faults are found again by id), a static that one run leaves to the \
                 next; and, if it does not differ every time, a clock, randomness, the order of a std HashMap, a \
                 thread, tokio::select! that is not `biased`"
            }
            Self::AnotherProcess => {
                "the order of a std HashMap or HashSet, an address or a process id used as a value, an environment \
                 variable, a file, a static that one run leaves to the next, a clock, randomness, a thread, \
                 tokio::select! that is not `biased`"
            }
        }
    }
}

impl fmt::Display for EventInWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, at, node, what, .. } = self;
        write!(f, "#{event} at {at} on {}: {}", shown(node), shown(what))
    }
}

impl Side {
    fn fmt_event(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.event {
            Some(event) => writeln!(f, "{event}"),
            None => writeln!(f, "nothing more"),
        }
    }

    fn fmt_causes(&self, f: &mut fmt::Formatter<'_>, whose: &str) -> fmt::Result {
        if !self.causes.is_empty() {
            writeln!(f, "  What led to {whose}, the nearest first")?;
        }
        self.causes.iter().try_for_each(|cause| writeln!(f, "    {cause}"))
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, engine, seed, rerun, one, other } = self;
        writeln!(f, "{}, seed {seed}, {engine} engine: {} went differently", shown(case), rerun.in_words())?;
        if one.event.is_none() && other.event.is_none() {
            writeln!(f, "  The digests were {} and {};", one.digest, other.digest)?;
            writeln!(f, "  no event was different when it was tried again: it does not differ every time")?;
        } else {
            write!(f, "  one run has    ")?;
            one.fmt_event(f)?;
            write!(f, "  the other has  ")?;
            other.fmt_event(f)?;
            if one.causes == other.causes {
                one.fmt_causes(f, "both")?;
            } else {
                one.fmt_causes(f, "the one")?;
                other.fmt_causes(f, "the other")?;
            }
        }
        write!(f, "  The usual suspects: {}", rerun.suspects())
    }
}
