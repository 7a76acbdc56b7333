//! What is told of a run with a client, live or from a history.

use super::{Format, Status, print, say_record, say_styled, tell, warn};
use crate::clients::{Observed, Recording, Session};
use crate::explore::{Finding, Run, SavedSeed};
use crate::inert;
use crate::properties::{EVENTUAL_TERMINATION, Verdict};
use crate::report::{Story, StoryEvent};
use crate::scenario::Case;
use perfidy_sim::{Digest, Engine, Fault, Name, Seed};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Where results go. Standard output can belong to the protocol of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sink {
    StandardOutput,
    StandardError,
}

impl Sink {
    /// Says something in plain text.
    pub fn say(self, text: &str) {
        match self {
            Self::StandardOutput => print(text),
            Self::StandardError => tell(text),
        }
    }
}

/// Warns that the run of a client, made again, has another history than the file.
pub fn warn_of_another_history(file: &Path) {
    warn(format_args!(
        "{}: the history is not the recorded one: perfidy, or the suite of the scenario, has changed since",
        inert::path(file)
    ));
}

/// A run with a client, or what was seen of a real team, ready to be told.
pub struct Report<'a> {
    case: &'a Case,
    run: &'a Run,
    file: Option<&'a Path>,
    source: Source,
}

/// Where a run has come from.
#[derive(Clone, Copy)]
enum Source {
    /// From a client that has asked so much, under the faults of a seed.
    Client { seed: Seed, requests: usize },
    /// From a real team, of which so much was seen.
    RealTeam { lines: usize },
}

/// The record of a run, for programs.
#[derive(Serialize)]
struct Record {
    schema: u32,
    scenario: Name,
    case: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<usize>,
    events: u64,
    digest: Digest,
    faults: Vec<FaultRecord>,
    verdicts: BTreeMap<&'static str, String>,
    broke: Vec<BrokeRecord>,
    history: Option<String>,
}

#[derive(Serialize)]
struct FaultRecord {
    at: String,
    action: String,
}

#[derive(Serialize)]
struct BrokeRecord {
    property: &'static str,
    message: String,
    story: Vec<StoryEvent>,
}

impl<'a> Report<'a> {
    /// The report of a recorded run, whose history stands in a file if it was saved.
    pub fn new(recording: &'a Recording, run: &'a Run, file: Option<&'a Path>) -> Self {
        let source = Source::Client { seed: recording.seed(), requests: recording.requests() };
        Self { case: recording.case(), run, file, source }
    }

    /// The report of what was seen of a real team.
    pub fn of_a_real_team(observed: &'a Observed, file: &'a Path) -> Self {
        let Observed { case, run, lines } = observed;
        Self { case, run, file: Some(file), source: Source::RealTeam { lines: *lines } }
    }

    /// Tells it.
    pub fn tell(&self, sink: Sink, format: Format) {
        if format == Format::Json {
            return self.tell_record(sink);
        }
        for saved in self.failures() {
            let Some(story) = self.story(&saved) else { continue };
            match sink {
                Sink::StandardOutput => say_styled(&story.styled()),
                Sink::StandardError => tell(&story),
            }
        }
        sink.say(&self.summary());
    }

    fn story<'s>(&'s self, saved: &'s SavedSeed) -> Option<Story<'s>> {
        let story = Story::new(self.case, saved, self.run, None)?;
        Some(match self.source {
            Source::RealTeam { .. } => story.of_a_real_team(),
            Source::Client { .. } => {
                let replay = |file| self.command(&format!("serve --replay {}", inert::path(file)));
                story.of_a_client(self.file.map(replay))
            }
        })
    }

    fn command(&self, rest: &str) -> String {
        format!("{} {rest}", self.case.scenario.suite.command())
    }

    /// Whether runs of this kind never say anything of a property.
    fn never_judges(&self, property: &str) -> bool {
        match self.source {
            Source::Client { .. } => Session::never_judges(property),
            Source::RealTeam { .. } => !Observed::can_judge(property),
        }
    }

    /// Broken, or inconclusive: if a property could not be judged that the scenario is about and a client
    /// could keep, or if nothing could be judged but that the user was told.
    pub fn status(&self) -> Status {
        let about = self.case.is_about();
        let is_open = |(property, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::Unknown { .. })
                && about.contains(property)
                && !self.never_judges(property)
        };
        let has_held = |(property, verdict): &(&'static str, Verdict)| {
            *verdict == Verdict::Holds && *property != EVENTUAL_TERMINATION && about.contains(property)
        };
        let verdicts = &self.run.verdicts;
        if self.failures().next().is_some() {
            Status::Broken
        } else if verdicts.iter().any(is_open) || !verdicts.iter().any(has_held) {
            Status::Inconclusive
        } else {
            Status::AsExpected
        }
    }

    /// What broke, as it would be saved.
    fn failures(&self) -> impl Iterator<Item = SavedSeed> + '_ {
        let seed = match self.source {
            Source::Client { seed, .. } => seed,
            Source::RealTeam { .. } => Seed(0),
        };
        self.run.broken(self.case).map(move |(property, message)| {
            let finding = Finding {
                property,
                seed,
                faults: self.run.outcome.injected.clone(),
                after_seeds: 1,
                message: message.to_owned(),
                digest: self.run.outcome.digest(),
                events: self.run.outcome.history.len() as u64,
            };
            SavedSeed::as_found(self.case, Engine::Native, &finding)
        })
    }

    fn summary(&self) -> String {
        let run = self.run;
        let count =
            |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let mut text = match self.source {
            Source::Client { seed, requests } => format!(
                "{}, seed {seed}: {}, {} injected",
                self.case,
                count(requests, "request"),
                count(run.outcome.injected.len(), "fault"),
            ),
            Source::RealTeam { lines } => format!("{}: {} of a real team", self.case, count(lines, "line")),
        };
        let about = self.case.is_about();
        let shown = run.verdicts.iter().filter(|(property, verdict)| {
            matches!(verdict, Verdict::Violated(_)) || about.contains(property)
        });
        let shown: Vec<_> = shown.collect();
        let width = shown.iter().map(|(property, _)| property.len()).max().unwrap_or_default();
        for (property, verdict) in shown {
            let says = in_words(verdict);
            let _ = write!(text, "\n  {property:width$}  {says}");
        }
        let is_of_client = matches!(self.source, Source::Client { .. });
        if is_of_client && run.outcome.injected.is_empty() {
            text.push_str(
                "\nNo fault was injected: try other seeds (--seed), or raise the chances of the scenario.",
            );
        }
        if let Some(file) = self.file {
            let judge = self.command(&format!("judge {}", inert::path(file)));
            let _ = write!(text, "\nHistory  {}\nJudge    {judge}", inert::path(file));
        }
        text
    }

    fn tell_record(&self, sink: Sink) {
        let run = self.run;
        let fault =
            |Fault { at, action }: &Fault| FaultRecord { at: at.to_string(), action: action.to_string() };
        let story = |saved: &SavedSeed| self.story(saved).map(|story| story.events()).unwrap_or_default();
        let broke = self.failures().zip(run.broken(self.case)).map(|(saved, (property, message))| {
            BrokeRecord { property, message: message.to_owned(), story: story(&saved) }
        });
        let (seed, requests, lines) = match self.source {
            Source::Client { seed, requests } => (Some(seed.to_string()), Some(requests), None),
            Source::RealTeam { lines } => (None, None, Some(lines)),
        };
        let record = Record {
            schema: 1,
            scenario: self.case.scenario.name,
            case: self.case.label(),
            seed,
            requests,
            lines,
            events: run.outcome.history.len() as u64,
            digest: run.outcome.digest(),
            faults: run.outcome.injected.iter().map(fault).collect(),
            verdicts: run.verdicts.iter().map(|(property, verdict)| (*property, in_words(verdict))).collect(),
            broke: broke.collect(),
            history: self.file.map(inert::path),
        };
        match sink {
            Sink::StandardOutput => say_record(&record),
            Sink::StandardError => tell(serde_json::to_string(&record).expect("a record is plain data")),
        }
    }
}

fn in_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Violated(violation) => format!("BROKE: {}", violation.message),
        Verdict::Vacuous => "vacuous: there was nothing to judge".to_owned(),
        Verdict::Unknown { reason } => format!("not judged: {reason}"),
    }
}
