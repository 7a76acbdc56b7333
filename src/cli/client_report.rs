//! What is told of a run with a client, live or from a history.

use super::{Format, Status, print, say_record, say_styled, tell};
use crate::clients::{Recording, Session};
use crate::explore::{Finding, Run, SavedSeed};
use crate::inert;
use crate::properties::{EVENTUAL_TERMINATION, Verdict};
use crate::report::{Story, StoryEvent};
use perfidy_sim::{Digest, Engine, Fault, Name};
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

/// A run with a client, ready to be told.
pub struct Report<'a> {
    recording: &'a Recording,
    run: &'a Run,
    file: Option<&'a Path>,
}

/// The record of a run, for programs.
#[derive(Serialize)]
struct Record {
    schema: u32,
    scenario: Name,
    case: String,
    seed: String,
    requests: usize,
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
        Self { recording, run, file }
    }

    /// Tells it.
    pub fn tell(&self, sink: Sink, format: Format) {
        if format == Format::Json {
            return self.tell_record(sink);
        }
        for saved in self.failures() {
            let replay = self.file.map(|file| self.command(&format!("serve --replay {}", inert::path(file))));
            let story = Story::new(self.recording.case(), &saved, self.run, None);
            let Some(story) = story.map(|story| story.of_a_client(replay)) else { continue };
            match sink {
                Sink::StandardOutput => say_styled(&story.styled()),
                Sink::StandardError => tell(&story),
            }
        }
        sink.say(&self.summary());
    }

    fn command(&self, rest: &str) -> String {
        format!("{} {rest}", self.recording.case().scenario.suite.command())
    }

    /// Broken, or inconclusive: if a property could not be judged that the scenario is about and a client could
    /// keep, or if nothing could be judged but that the user was told.
    pub fn status(&self) -> Status {
        let about = self.recording.case().is_about();
        let is_open = |(property, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::Unknown { .. })
                && about.contains(property)
                && !Session::never_judges(property)
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
        let case = self.recording.case();
        self.recording.broken_in(self.run).map(move |(property, message)| {
            let finding = Finding {
                property,
                seed: self.recording.seed(),
                faults: self.run.outcome.injected.clone(),
                after_seeds: 1,
                message: message.to_owned(),
                digest: self.run.outcome.digest(),
                events: self.run.outcome.history.len() as u64,
            };
            SavedSeed::as_found(case, Engine::Native, &finding)
        })
    }

    fn summary(&self) -> String {
        let (recording, run) = (self.recording, self.run);
        let count =
            |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let mut text = format!(
            "{}, seed {}: {}, {} injected",
            recording.case(),
            recording.seed(),
            count(recording.requests(), "request"),
            count(run.outcome.injected.len(), "fault"),
        );
        let about = recording.case().is_about();
        let shown = run.verdicts.iter().filter(|(property, verdict)| {
            matches!(verdict, Verdict::Violated(_)) || about.contains(property)
        });
        let shown: Vec<_> = shown.collect();
        let width = shown.iter().map(|(property, _)| property.len()).max().unwrap_or_default();
        for (property, verdict) in shown {
            let says = in_words(verdict);
            let _ = write!(text, "\n  {property:width$}  {says}");
        }
        if run.outcome.injected.is_empty() {
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
        let (recording, run) = (self.recording, self.run);
        let fault =
            |Fault { at, action }: &Fault| FaultRecord { at: at.to_string(), action: action.to_string() };
        let story = |saved: &SavedSeed| {
            Story::new(recording.case(), saved, run, None).map(|story| story.events()).unwrap_or_default()
        };
        let broke = self.failures().zip(recording.broken_in(run)).map(|(saved, (property, message))| {
            BrokeRecord { property, message: message.to_owned(), story: story(&saved) }
        });
        let record = Record {
            schema: 1,
            scenario: recording.case().scenario.name,
            case: recording.case().label(),
            seed: recording.seed().to_string(),
            requests: recording.requests(),
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
