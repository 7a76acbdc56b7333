//! Recordings: what a client asked when, in a file of JSON lines.
//!
//! The first line says what was served: the text of the scenario, the seed and the faults that were injected.
//! Then comes a line for each request, with the virtual time at which it came, and at last one with the
//! digest of the history. A recording holds no events: they are made again from the requests, on the same
//! tools with the same faults, and the digest tells whether they are the same.

use crate::clients::session::Session;
use crate::clients::{NotServed, Observed, Request};
use crate::explore::Run;
use crate::scenario::{self, Case, Scenario};
use crate::suite::Suite;
use perfidy_sim::{Digest, Fault, Plan, Seed, SimTime};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The version of the format.
const FORMAT: u32 = 1;

/// The largest file that is read.
const MOST_BYTES: u64 = 256 << 20;

/// A request, and when it came.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrival {
    pub at: SimTime,
    pub number: u64,
    pub request: Request,
}

/// What was served.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Header {
    /// The version of the format.
    perfidy_history: u32,
    /// The version of perfidy.
    perfidy: String,
    scenario: String,
    case: String,
    /// As text: not every JSON reader has 64-bit numbers.
    seed: String,
    faults: Vec<Fault>,
    text: String,
}

/// How it ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct End {
    digest: Digest,
    events: u64,
    /// The properties that broke.
    broke: Vec<String>,
}

/// A line after the first.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Arrival(Arrival),
    End { end: End },
}

/// What a client asked when, with all that it takes to make its run again.
#[derive(Clone, Debug)]
pub struct Recording {
    header: Header,
    arrivals: Vec<Arrival>,
    end: End,
    session: Session,
}

/// A run that was made again from a recording.
pub struct Judged {
    /// The run.
    pub run: Run,
    /// Whether its history is the recorded one, event for event.
    pub same_history: bool,
}

/// A file is no recording that can be read, and why.
#[derive(Debug)]
pub struct NotAHistory(pub(super) String);

impl fmt::Display for NotAHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAHistory {}

impl NotAHistory {
    fn of(self, path: &Path) -> Self {
        Self(format!("{}: {self}", path.display()))
    }
}

impl From<NotServed> for NotAHistory {
    fn from(why: NotServed) -> Self {
        Self(why.to_string())
    }
}

impl Recording {
    pub(super) fn of(session: &Session, run: &Run, arrivals: Vec<Arrival>) -> Self {
        let case = &session.case;
        let header = Header {
            perfidy_history: FORMAT,
            perfidy: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: case.scenario.name.to_string(),
            case: case.label(),
            seed: session.seed.to_string(),
            faults: run.outcome.injected.clone(),
            text: scenario::without_directives(&case.scenario.text).to_owned(),
        };
        let end = End {
            digest: run.outcome.digest(),
            events: run.outcome.history.len() as u64,
            broke: run.broken(case).map(|(property, _)| property.to_owned()).collect(),
        };
        Self { header, arrivals, end, session: session.clone() }
    }

    /// The case that was served.
    pub fn case(&self) -> &Case {
        &self.session.case
    }

    /// What was served, with the injected faults as its plan.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The seed.
    pub fn seed(&self) -> Seed {
        self.session.seed
    }

    /// The faults that were injected.
    pub fn faults(&self) -> &[Fault] {
        &self.header.faults
    }

    /// The properties that broke.
    pub fn broke(&self) -> &[String] {
        &self.end.broke
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.arrivals.len()
    }

    /// The text of the file.
    ///
    /// # Panics
    /// Never: a recording is plain data.
    pub fn to_lines(&self) -> String {
        let mut text = json(&self.header);
        for arrival in &self.arrivals {
            let _ = write!(text, "\n{}", json(arrival));
        }
        let _ = writeln!(text, "\n{}", json(&Line::End { end: self.end.clone() }));
        text
    }

    /// A name for its file, below the folder of histories: that of its scenario, what broke, and a part of
    /// the digest.
    pub fn file_name(&self) -> PathBuf {
        let Header { scenario, seed, .. } = &self.header;
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-/".contains(c) { c } else { '-' };
        let scenario: String = scenario.chars().map(plain).take(120).collect();
        let what = self.end.broke.first().map_or("whole", String::as_str);
        let digest: String = self.end.digest.to_string().chars().take(8).collect();
        PathBuf::from(format!("{}-{what}-{seed}-{digest}.jsonl", scenario.trim_matches('/')))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(self.to_lines().as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    /// Reads a recording of a case of the suite.
    ///
    /// # Errors
    /// [`NotAHistory`] with the line for a file that cannot be read, is half-written, was written by another
    /// version of the format, or whose scenario cannot be understood.
    pub fn read(suite: &Suite, path: &Path) -> Result<Self, NotAHistory> {
        Self::parse(suite, &read_text(path)?).map_err(|why| why.of(path))
    }

    /// Reads the text of a recording of a case of the suite.
    ///
    /// # Errors
    /// As [`Recording::read`].
    pub fn parse(suite: &Suite, text: &str) -> Result<Self, NotAHistory> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_str(first).map_err(|error| {
            NotAHistory(format!(
                "line 1 is not the first line of a history that `serve` has written: {error}"
            ))
        })?;
        if header.perfidy_history != FORMAT {
            let version = header.perfidy_history;
            return Err(NotAHistory(format!(
                "this is version {version} of histories; this perfidy reads {FORMAT}"
            )));
        }
        let (mut arrivals, mut end) = (Vec::<Arrival>::new(), None);
        for (number, line) in lines.enumerate() {
            let wrong = |why: &dyn fmt::Display| NotAHistory(format!("line {}: {why}", number + 2));
            if end.is_some() {
                return Err(wrong(&"nothing comes after the end"));
            }
            match serde_json::from_str(line).map_err(|error| wrong(&error))? {
                Line::End { end: last } => end = Some(last),
                Line::Arrival(arrival) => {
                    if arrivals.last().is_some_and(|earlier| earlier.at > arrival.at) {
                        return Err(wrong(&"it comes before the request in the line above"));
                    }
                    arrivals.push(arrival);
                }
            }
        }
        let end =
            end.ok_or_else(|| NotAHistory("the end is missing: the file is half-written".to_owned()))?;
        let scenario = Scenario::parse(suite, &header.scenario, &header.text)
            .map_err(|problems| NotAHistory(format!("its scenario cannot be read:\n{problems}")))?;
        let case = Case::labelled(&scenario, &header.case).map_err(|error| NotAHistory(error.to_string()))?;
        let seed = header.seed.parse().map(Seed);
        let seed = seed.map_err(|error| NotAHistory(format!("its seed: {error}")))?;
        let plan = Plan::Explicit(header.faults.as_slice().into());
        let session = Session::new(&case, seed, Some(plan))?;
        Ok(Self { header, arrivals, end, session })
    }

    /// Makes the run again and judges it.
    pub fn judge(&self) -> Judged {
        let run = self.session.play(&self.arrivals);
        Judged { same_history: run.outcome.digest() == self.end.digest, run }
    }
}

/// The text of a history, if it is not too long.
fn read_text(path: &Path) -> Result<String, NotAHistory> {
    let bad = |why: &dyn fmt::Display| NotAHistory(why.to_string()).of(path);
    let mut text = String::new();
    let file = File::open(path).map_err(|error| bad(&error))?;
    let length = file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| bad(&error))?;
    if length as u64 > MOST_BYTES {
        return Err(bad(&format_args!("a history has at most {} MiB", MOST_BYTES >> 20)));
    }
    Ok(text)
}

/// A history of either kind.
pub enum History {
    /// What a client of `serve` asked when.
    Recording(Box<Recording>),
    /// What was seen of a real team.
    Observed(Box<Observed>),
}

impl History {
    /// Reads a history of a case of the suite.
    ///
    /// # Errors
    /// [`NotAHistory`] with the line for a file that cannot be read or understood.
    pub fn read(suite: &Suite, path: &Path) -> Result<Self, NotAHistory> {
        let text = read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let history = if Observed::is_one(&text) {
            Observed::parse(suite, &text, folder).map(|observed| Self::Observed(Box::new(observed)))
        } else {
            Recording::parse(suite, &text).map(|recording| Self::Recording(Box::new(recording)))
        };
        history.map_err(|why| why.of(path))
    }
}

/// A line of a file.
fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("a recording is plain data")
}
