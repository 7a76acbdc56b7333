//! `perfidy audit`: do runs depend on their seed and on nothing else?
//!
//! Within this process [`explore::audit`] runs every seed in several ways. Meanwhile another process, this
//! same program started again, runs them as well, and its digests are compared.

use super::ending::Ending;
use super::options::{Runs, Subject};
use super::trace;
use super::{Format, Status, is_available, print, say_record};
use crate::explore::{self, Divergence, Rerun, Run, Trace};
use crate::report::{AuditRecord, AuditVerdict};
use crate::scenario::Case;
use crate::suite::Suite;
use crate::workflows::HASH_SEED;
use perfidy_sim::{Abandoned, Digest, Seed};
use rayon::prelude::*;
use std::env;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// The hash seed of programs in the other process. In this one it is 0.
const OTHER_HASH_SEED: &str = "20260101";

/// How many seeds run before their digests are compared; bounds the memory of an audit.
const BATCH: u64 = 256;

#[derive(Clone, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many seeds of each case are tried
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
}

pub fn audit(suite: &Suite, arguments: &Arguments) -> Status {
    if !is_available(arguments.subject.runs.engine) {
        return Status::BadInput;
    }
    let Some(scenarios) = arguments.subject.read(suite) else { return Status::BadInput };
    let ending = Ending::by_signal();
    let mut status = Status::AsExpected;
    for case in scenarios.iter().flat_map(Case::all) {
        let audit = Audit { arguments, case: &case, ending: &ending };
        let verdict = audit.run().unwrap_or_else(|error| AuditVerdict::Unknown(error.to_string()));
        tell_verdict(arguments, &case, &verdict);
        status = status.worse(match verdict {
            AuditVerdict::Identical => Status::AsExpected,
            AuditVerdict::Different(_) => Status::Broken,
            AuditVerdict::Unknown(_) | AuditVerdict::Interrupted => Status::Inconclusive,
        });
        if ending.runs.is_set() {
            status = status.worse(Status::Inconclusive);
            break;
        }
    }
    ending.reached();
    status
}

fn tell_verdict(arguments: &Arguments, case: &Case, verdict: &AuditVerdict) {
    match arguments.format {
        Format::Text => print(in_words(case, arguments.seeds, verdict)),
        Format::Json => {
            let Runs { engine, .. } = arguments.subject.runs;
            let seed = arguments.subject.runs.first_seed();
            let record = AuditRecord::new(case, engine, seed, arguments.seeds, verdict.clone());
            say_record(&record);
        }
    }
}

fn in_words(case: &Case, seeds: u64, verdict: &AuditVerdict) -> String {
    match verdict {
        AuditVerdict::Identical => {
            let seeds = if seeds == 1 { "1 seed".to_owned() } else { format!("{seeds} seeds") };
            format!("{case}: {seeds}, the same on other threads, in another process and replayed")
        }
        AuditVerdict::Different(divergence) => format!("DIFFERENT: {divergence}"),
        AuditVerdict::Unknown(why) => format!("{case}: unknown, {why}"),
        AuditVerdict::Interrupted => format!("{case}: interrupted"),
    }
}

/// The audit of one case.
struct Audit<'a> {
    arguments: &'a Arguments,
    case: &'a Case,
    ending: &'a Ending,
}

impl Audit<'_> {
    fn run(&self) -> io::Result<AuditVerdict> {
        let seeds = self.arguments.seeds;
        let mut elsewhere = self.elsewhere(self.arguments.subject.runs.first_seed(), seeds, false)?;
        for start in (0..seeds).step_by(BATCH as usize) {
            let batch = start..(start + BATCH).min(seeds);
            let here: Vec<_> = batch.into_par_iter().map(|index| self.here(self.seed(index))).collect();
            for (index, result) in (start..).zip(here) {
                let digest = match result {
                    Err(Abandoned) => return Ok(AuditVerdict::Interrupted),
                    Ok(Err(divergence)) => return Ok(AuditVerdict::Different(divergence)),
                    Ok(Ok(digest)) => digest,
                };
                let seed = self.seed(index);
                let there = match elsewhere.answer().and_then(|line| line.parse().map_err(io::Error::other)) {
                    Err(_) if self.ending.runs.is_set() => {
                        return Ok(AuditVerdict::Interrupted);
                    }
                    there => there?,
                };
                if there != digest {
                    return Ok(match self.ending.runs.within(|| self.parting(seed, digest, there)) {
                        Ok(divergence) => AuditVerdict::Different(Box::new(divergence?)),
                        Err(Abandoned) => AuditVerdict::Interrupted,
                    });
                }
            }
        }
        Ok(AuditVerdict::Identical)
    }

    fn seed(&self, index: u64) -> Seed {
        Seed(self.arguments.subject.runs.seed.wrapping_add(index))
    }

    fn here(&self, seed: Seed) -> Result<Result<Digest, Box<Divergence>>, Abandoned> {
        let Runs { engine, .. } = self.arguments.subject.runs;
        let audit = || explore::audit(self.case, engine, seed);
        self.ending.runs.within(|| self.ending.watchdog.watch(self.case, seed, audit))
    }

    /// Where a run in this process and one in another part.
    fn parting(&self, seed: Seed, here: Digest, there: Digest) -> io::Result<Divergence> {
        let Runs { engine, .. } = self.arguments.subject.runs;
        let run = self.ending.watchdog.watch(self.case, seed, || Run::fuzzed(self.case, engine, seed));
        let one = Trace::of(&run.outcome);
        let line = self.elsewhere(seed, 1, true)?.answer()?;
        let other: Trace = serde_json::from_str(&line)?;
        let mut divergence =
            Divergence::between(self.case, engine, seed, Rerun::AnotherProcess, &one, &other);
        if one.digest == other.digest {
            (divergence.one.digest, divergence.other.digest) = (here, there);
        }
        Ok(divergence)
    }

    fn elsewhere(&self, seed: Seed, seeds: u64, history: bool) -> io::Result<Elsewhere> {
        let arguments = trace::Arguments {
            name: self.case.scenario.name.to_string(),
            case: self.case.label(),
            engine: self.arguments.subject.runs.engine,
            seed: seed.0,
            seeds,
            history,
        };
        let elsewhere = Elsewhere::start(&arguments, &self.case.scenario.text)
            .map_err(|error| io::Error::other(format!("cannot start another process: {error}")))?;
        let (child, case, arguments) =
            (Arc::clone(&elsewhere.child), self.case.clone(), self.arguments.clone());
        self.ending.on_stuck(move || {
            end(&child);
            tell_verdict(&arguments, &case, &AuditVerdict::Interrupted);
            Status::Inconclusive
        });
        Ok(elsewhere)
    }
}

/// Another process of this program, which runs the same seeds. It does not outlive its handle.
struct Elsewhere {
    child: Arc<Mutex<Child>>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Elsewhere {
    fn start(arguments: &trace::Arguments, text: &str) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(arguments.to_line())
            .env_remove("PERFIDY_LOG")
            .env(HASH_SEED, OTHER_HASH_SEED)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(stdout.expect("it is piped")).lines();
        let elsewhere = Self { child: Arc::new(Mutex::new(child)), answers };
        stdin.expect("it is piped").write_all(text.as_bytes())?;
        Ok(elsewhere)
    }

    fn answer(&mut self) -> io::Result<String> {
        let ended = || io::Error::other("the other process ended before it had run every seed");
        self.answers.next().unwrap_or_else(|| Err(ended()))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        end(&self.child);
    }
}

fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    // One that has ended by itself cannot be killed, which is as good.
    let _ = child.kill();
    let _ = child.wait();
}
