//! The story of a failure: which property broke, the faults that suffice, what happened in a handful of
//! lines, the ledger, the safeguards that would have guarded it, and the command that replays it.
//!
//! The lines are chosen backwards from the events of the violation: their causes, the faults, and earlier
//! events of the same intent. All other events stay in the history.

pub(in crate::report) mod lines;

use crate::agent::TeamEvent;
use crate::explore::{Run, SavedSeed};
use crate::inert::{Styled, shown};
use crate::properties::Violation;
use crate::report::altered::altered;
use crate::report::ledger::Ledger;
use crate::report::told::{label, rounded, told};
use crate::safeguards::SafeguardKind;
use crate::scenario::Case;
use anstyle::{AnsiColor, Style};
use lines::{Again, Line, lines};
use perfidy_sim::{Event, EventId, EventKind, Name, Seed};
use serde::Serialize;
use std::fmt;

/// How many missing effects are named.
const NEVER_LINES: usize = 4;

/// The narrowest columns of times and nodes.
const TIME_WIDTH: usize = 11;
const NODE_WIDTH: usize = 13;

/// Where a list of words goes on in the next line.
const COLUMNS: usize = 110;

const BAD: Style = AnsiColor::Red.on_default().bold();
const FAULT: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

/// A failure, ready to be printed. Its `Display` is plain text, [`Story::styled`] has colours.
pub struct Story<'a> {
    case: &'a Case,
    saved: &'a SavedSeed,
    run: &'a Run,
    violation: &'a Violation,
    file: Option<String>,
    of: Source,
}

/// Where a run that is told has come from.
#[derive(PartialEq)]
enum Source {
    /// From a simulation.
    Simulation,
    /// From a client of `serve`: with the command that injects its faults again, if there is one.
    Client(Option<String>),
    /// From a real team, as it was seen.
    RealTeam,
}

/// An event of a story, for programs.
#[derive(Clone, Debug, Serialize)]
pub struct StoryEvent {
    /// The number of the event in the history, as stories show it: `#25`.
    pub event: String,
    /// When it happened, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// On which node.
    pub node: Name,
    /// In which incarnation of the node, counted from zero: how often it had restarted.
    pub incarnation: u32,
    /// What happened, in words.
    pub text: String,
    /// How often it came in a row, by itself or in turn with the events before it, this time included.
    pub times: u32,
}

impl<'a> Story<'a> {
    /// The story of a saved failure in `run`; `None` if the property held there.
    pub fn new(case: &'a Case, saved: &'a SavedSeed, run: &'a Run, file: Option<String>) -> Option<Self> {
        let violation = run.violation(&saved.property)?;
        Some(Self { case, saved, run, violation, file, of: Source::Simulation })
    }

    /// The same story, of an agent that was a client of `serve`: its faults are those that were injected, and
    /// its safeguards are not those of the scenario. `replay` is the command that injects the faults again.
    #[must_use]
    pub fn of_a_client(self, replay: Option<String>) -> Self {
        Self { of: Source::Client(replay), ..self }
    }

    /// The same story, of a real team: nothing is known of faults.
    #[must_use]
    pub fn of_a_real_team(self) -> Self {
        Self { of: Source::RealTeam, ..self }
    }

    /// The story with its colours.
    pub fn styled(&self) -> Styled {
        Styled::new(&Coloured(self).to_string())
    }

    /// The events of the story.
    pub fn events(&self) -> Vec<StoryEvent> {
        let mut events: Vec<StoryEvent> = Vec::new();
        for line in self.lines() {
            match line {
                Line::Event(event, times) => events.push(StoryEvent {
                    event: event.id.to_string(),
                    at_ns: event.at.as_nanos(),
                    node: event.node,
                    incarnation: event.incarnation,
                    text: told_in(self.run, event),
                    times,
                }),
                Line::Again(Again { lines, times, .. }) => {
                    events.iter_mut().rev().take(lines).for_each(|event| event.times += times);
                }
            }
        }
        events
    }

    fn lines(&self) -> Vec<Line<'a>> {
        lines(self.run, self.violation)
    }

    fn fmt_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let widths = lines.iter().map(|line| match line {
            Line::Event(event, _) => (rounded(event.at).len(), label(event).len()),
            Line::Again(again) => (rounded(again.until).len(), 0),
        });
        let widest = |(a, b): (usize, usize), (time, node): (usize, usize)| (a.max(time), b.max(node));
        let (time, node) = widths.fold((TIME_WIDTH, NODE_WIDTH), widest);
        for line in lines {
            match line {
                Line::Event(event, times) => {
                    let style = match &event.what {
                        EventKind::Injected(_) | EventKind::Crashed { .. } => FAULT,
                        _ if self.violation.because.contains(&event.id) => BAD,
                        _ => Style::new(),
                    };
                    let (at, id) = (rounded(event.at), event.id.to_string());
                    let again = if times > 1 { format!(" ({times} times)") } else { String::new() };
                    let (label, told) = (shown(label(event)).to_string(), shown(told_in(self.run, event)));
                    write!(f, "    {FAINT}{at:>time$} {id:>5}{FAINT:#}  ")?;
                    writeln!(f, "{style}{label:<node$} {told}{again}{style:#}")?;
                }
                Line::Again(Again { lines, times, until }) => {
                    let (until, times) = (
                        rounded(until),
                        if times == 1 { "once".to_owned() } else { format!("{times} times") },
                    );
                    writeln!(
                        f,
                        "    {FAINT}{until:>time$}        ... the {lines} lines above, {times} more{FAINT:#}"
                    )?;
                }
            }
        }
        Ok(())
    }

    /// What shrinking has changed of the scenario, and whether the faults do the same in the file as it was.
    fn fmt_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(changes) = &self.saved.changes else { return Ok(()) };
        if !changes.scenario.is_empty() {
            writeln!(f, "\n  {STRONG}Changed in the scenario to make it small{STRONG:#}")?;
            for row in rows(&changes.scenario, COLUMNS) {
                writeln!(f, "    {}", shown(row))?;
            }
        }
        let Some(breaks) = changes.breaks_in_file else { return Ok(()) };
        let what = in_the_file(self.saved.faults.len(), breaks);
        writeln!(f, "    {FAINT}{what}{FAINT:#}")?;
        if !changes.faults_in_file.is_empty() {
            writeln!(f, "    {FAINT}There it takes:{FAINT:#}")?;
        }
        let mut faults = changes.faults_in_file.iter();
        faults.try_for_each(|fault| writeln!(f, "      {}: {}", shown(fault.at), shown(fault.action)))
    }

    /// What guards the property in agents as they are simulated, for the author of one that is not.
    fn fmt_advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guards = self.case.guards_of(&self.saved.property);
        let kinds: Vec<_> = guards.missing().chain(guards.on.iter().copied()).collect();
        if kinds.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n  {STRONG}What guards {} in an agent{STRONG:#}", shown(&self.saved.property))?;
        let width = kinds.iter().map(|kind| kind.name.len()).max().unwrap_or_default();
        kinds.iter().try_for_each(|kind| writeln!(f, "    {:width$}  {}", kind.name, kind.about))
    }

    /// The safeguards that would have guarded the property.
    fn fmt_guards(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = &self.saved.property;
        let guards = self.case.guards_of(property);
        let mut list = |heading: &str, kinds: &[&SafeguardKind], how: fn(&SafeguardKind) -> &str| {
            if kinds.is_empty() {
                return Ok(());
            }
            writeln!(f, "\n  {STRONG}{heading}{STRONG:#}")?;
            let width = kinds.iter().map(|kind| how(kind).len()).max().unwrap_or_default();
            kinds.iter().try_for_each(|kind| writeln!(f, "    {:width$}  {}", how(kind), without_it(kind)))
        };
        list(TAKEN_AWAY, &guards.taken_away, |kind| kind.name)?;
        let off = off_though(shown(property));
        list(&off, &guards.off, |kind| kind.example)?;
        if guards.missing().next().is_none() && !guards.on.is_empty() {
            let names: Vec<String> = guards.on.iter().map(|kind| kind.name.to_owned()).collect();
            writeln!(f, "\n  {STRONG}{ALTHOUGH_ON}{STRONG:#}")?;
            for row in rows(&names, COLUMNS) {
                writeln!(f, "    {row}")?;
            }
        }
        Ok(())
    }

    fn fmt_ledger(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = Ledger::of(self.run);
        if ledger.effects.is_empty() && ledger.missing.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n  {STRONG}The ledger{STRONG:#} {FAINT}(wanted: each once){FAINT:#}")?;
        let listed =
            |events: &[EventId]| events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        for ((intent, tool, operation), events) in
            ledger.effects.iter().filter(|(_, events)| events.len() > 1)
        {
            let times = events.len();
            let call = shown(format!("{intent} by {tool}.{operation}"));
            write!(f, "    {BAD}{times} times{BAD:#}  {call} ({})", listed(events))?;
            match ledger.undoings.get(intent) {
                Some(undoings) => writeln!(f, ", undone by {}", listed(undoings))?,
                None => writeln!(f)?,
            }
        }
        let (undone, once): (Vec<_>, Vec<_>) = ledger
            .effects
            .iter()
            .filter(|(_, events)| events.len() == 1)
            .partition(|((intent, ..), _)| ledger.undoings.contains_key(intent));
        for (word, intents) in [("once  ", once), ("undone", undone)] {
            match intents.len() {
                0 => {}
                1 => writeln!(f, "    {word}   1 intent")?,
                count => writeln!(f, "    {word}   {count} intents")?,
            }
        }
        for intent in ledger.missing.iter().take(NEVER_LINES) {
            writeln!(f, "    {FAULT}never{FAULT:#}    {}", shown(intent))?;
        }
        if ledger.missing.len() > NEVER_LINES {
            writeln!(f, "             and {} more never", ledger.missing.len() - NEVER_LINES)?;
        }
        Ok(())
    }
}

impl fmt::Display for Story<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.styled().to_plain())
    }
}

/// The text of a story with its colours. All text from files and agents is escaped.
struct Coloured<'a>(&'a Story<'a>);

impl fmt::Display for Coloured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { case, saved, violation, .. } = self.0;
        let seed: Seed = saved.seed;
        writeln!(f, "{BAD}{} broke{BAD:#}: {}", shown(&saved.property), shown(&violation.message))?;
        let (case, after) = (shown(case), rounded(violation.at));
        match &self.0.of {
            Source::RealTeam => writeln!(f, "  {FAINT}{case}; after {after}{FAINT:#}")?,
            Source::Client(_) => {
                writeln!(f, "  {FAINT}{case}; seed {seed}, after {after} of virtual time{FAINT:#}")?;
            }
            Source::Simulation => {
                let engine = saved.engine;
                writeln!(
                    f,
                    "  {FAINT}{case}; seed {seed}, {engine} engine, after {after} of virtual time{FAINT:#}"
                )?;
            }
        }
        let faults = match (&self.0.of, saved.faults.len()) {
            (Source::RealTeam, _) => None,
            (Source::Client(_), 0) => Some("No fault was injected".to_owned()),
            (Source::Client(_), 1) => Some("One fault was injected".to_owned()),
            (Source::Client(_), count) => Some(format!("{count} faults were injected")),
            (Source::Simulation, count) => Some(that_suffice(count)),
        };
        if let Some(faults) = faults {
            writeln!(f, "\n  {STRONG}{faults}{STRONG:#}")?;
        }
        for fault in &saved.faults {
            writeln!(f, "    {FAULT}{}{FAULT:#}: {}", shown(fault.at), shown(fault.action))?;
        }
        self.0.fmt_changes(f)?;
        writeln!(f, "\n  {STRONG}What happened{STRONG:#}")?;
        self.0.fmt_lines(f)?;
        self.0.fmt_ledger(f)?;
        if self.0.of != Source::Simulation {
            self.0.fmt_advice(f)?;
            return match &self.0.of {
                Source::Client(Some(command)) => {
                    writeln!(f, "\n  {STRONG}Replay{STRONG:#}  {}", shown(command))
                }
                _ => Ok(()),
            };
        }
        if self.0.case.scenario.program.is_some() {
            self.0.fmt_advice(f)?;
        } else {
            self.0.fmt_guards(f)?;
        }
        if let Some(file) = &self.0.file {
            let replay = self.0.case.scenario.suite.replay_command(&shown(file).to_string());
            writeln!(f, "\n  {STRONG}Replay{STRONG:#}  {replay}")?;
        }
        Ok(())
    }
}

/// An event of a run in words; of a message that was altered on its way, what of it.
pub(in crate::report) fn told_in(run: &Run, event: &Event<TeamEvent>) -> String {
    match (altered(&run.outcome.history, event), &event.what) {
        (Some(altered), EventKind::Delivered { from, kind, about, .. }) => {
            format!("gets {kind} from {from}, {about}, {altered}")
        }
        _ => told(event),
    }
}

/// The heading of safeguards that a case takes away.
pub(in crate::report) const TAKEN_AWAY: &str = "Taken away in this case, and what the team does without it";

/// The heading of safeguards that are on and did not help.
pub(in crate::report) const ALTHOUGH_ON: &str = "It broke although these safeguards are on";

/// The heading of safeguards that protect a property and are off.
pub(in crate::report) fn off_though(property: impl fmt::Display) -> String {
    format!("Off, though it protects {property}; what the team does without it")
}

/// The heading of so many faults.
pub(in crate::report) fn that_suffice(faults: usize) -> String {
    match faults {
        0 => "No fault is needed".to_owned(),
        1 => "One fault suffices".to_owned(),
        count => format!("{count} faults suffice"),
    }
}

/// Whether so many faults do the same in the file as it was before it was made small.
pub(in crate::report) fn in_the_file(faults: usize, breaks: bool) -> &'static str {
    match (faults, breaks) {
        (0, true) => "The file as it was breaks without any fault too.",
        (0, false) => "The file as it was does not break without a fault.",
        (1, true) => "Pinned into the file as it was, this fault alone breaks it too.",
        (1, false) => "Pinned into the file as it was, this fault alone does not break it.",
        (_, true) => "Pinned into the file as it was, these faults alone break it too.",
        (_, false) => "Pinned into the file as it was, these faults alone do not break it.",
    }
}

/// What a team does without a safeguard.
pub(in crate::report) fn without_it(kind: &SafeguardKind) -> &'static str {
    if kind.without.is_empty() { kind.about } else { kind.without }
}

/// Words in rows of limited width, with commas between them.
fn rows(words: &[String], columns: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let comma = if place + 1 < words.len() { "," } else { "" };
        match rows.last_mut() {
            Some(row) if row.len() + word.len() + 2 <= columns => row.extend([" ", word, comma]),
            _ => rows.push(format!("{word}{comma}")),
        }
    }
    rows
}
