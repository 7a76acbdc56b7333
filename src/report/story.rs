//! The story of a failure: which promise broke, the faults that suffice, what happened in a handful of
//! lines, the ledger, and the command that replays it.
//!
//! The lines are chosen backwards from the events of the violation: their causes, the faults, and earlier
//! events of the same intent. All other events stay in the history.

use crate::agent::{Access, AgentEvent, Body, Purpose, TeamEvent, ToolEvent, UserEvent};
use crate::explore::{Run, SavedSeed};
use crate::inert::{Styled, shown};
use crate::properties::Violation;
use crate::scenario::Case;
use crate::workflows::user::USER;
use anstyle::{AnsiColor, Style};
use perfidy_sim::{Event, EventId, EventKind, Loss, Name, Seed, SimTime};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// How many lines a story may have.
const LINES: usize = 18;

/// How many missing effects are named.
const NEVER_LINES: usize = 4;

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
}

/// An event, printed once however often it was repeated in a row.
struct Line<'a> {
    event: &'a Event<TeamEvent>,
    times: u32,
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
    /// What happened, in words.
    pub text: String,
    /// How often it came right after itself, this time included.
    pub times: u32,
}

impl Line<'_> {
    fn says_the_same_as(&self, event: &Event<TeamEvent>) -> bool {
        self.event.node == event.node && told(self.event) == told(event)
    }
}

impl<'a> Story<'a> {
    /// The story of a saved failure in `run`; `None` if the property held there.
    pub fn new(case: &'a Case, saved: &'a SavedSeed, run: &'a Run, file: Option<String>) -> Option<Self> {
        let violation = run.violation(&saved.property)?;
        Some(Self { case, saved, run, violation, file })
    }

    /// The story with its colours.
    pub fn styled(&self) -> Styled {
        Styled::new(&Coloured(self).to_string())
    }

    /// The events of the story.
    pub fn events(&self) -> Vec<StoryEvent> {
        let event = |Line { event, times }: Line<'_>| StoryEvent {
            event: event.id.to_string(),
            at_ns: event.at.as_nanos(),
            node: event.node,
            text: told(event),
            times,
        };
        self.lines().into_iter().map(event).collect()
    }

    /// The events worth telling: those the property points at, the faults, and what led from one to the
    /// other.
    fn lines(&self) -> Vec<Line<'a>> {
        let history = &self.run.outcome.history;
        let mut told: BTreeSet<EventId> = self.violation.because.iter().copied().collect();
        let mut subjects: BTreeSet<Name> = BTreeSet::new();
        for id in &self.violation.because {
            subjects.extend(subject(history.event(*id)));
        }
        let last = self.violation.because.iter().max().copied();
        for event in history.events() {
            let is_fault =
                matches!(event.what, EventKind::Struck(_) | EventKind::Crashed { .. } | EventKind::Resumed);
            let restarted = matches!(event.what, EventKind::Started { incarnation } if incarnation > 0);
            let concerns = subject(event).is_some_and(|name| subjects.contains(&name)) && is_telling(event);
            if is_fault || restarted || (concerns && last.is_none_or(|last| event.id <= last)) {
                told.insert(event.id);
            }
        }
        let mut lines: Vec<Line<'a>> = Vec::new();
        for event in told.into_iter().map(|id| history.event(id)) {
            match lines.last_mut() {
                Some(last) if last.says_the_same_as(event) => last.times += 1,
                _ => lines.push(Line { event, times: 1 }),
            }
        }
        self.shorten(&mut lines);
        lines
    }

    /// Keeps the events of the violation, the faults, and as many events before each as fit.
    fn shorten(&self, lines: &mut Vec<Line<'a>>) {
        while lines.len() > LINES {
            let is_kept = |event: &Event<TeamEvent>| {
                self.violation.because.contains(&event.id) || matches!(event.what, EventKind::Struck(_))
            };
            // The line that is furthest from the next line that must be kept.
            let mut distance = usize::MAX;
            let mut furthest = (0, None);
            for (index, line) in lines.iter().enumerate().rev() {
                distance = if is_kept(line.event) { 0 } else { distance.saturating_add(1) };
                if distance > 0 && distance >= furthest.0 {
                    furthest = (distance, Some(index));
                }
            }
            match furthest.1 {
                Some(index) => drop(lines.remove(index)),
                None => lines.truncate(LINES),
            }
        }
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

/// The lines of all ledgers.
#[derive(Default)]
struct Ledger {
    /// The effects: intent, tool and operation.
    effects: BTreeMap<(Name, Name, Name), Vec<EventId>>,
    /// What was undone, by intent.
    undoings: BTreeMap<Name, Vec<EventId>>,
    /// The intents whose effect never happened.
    missing: Vec<Name>,
}

impl Ledger {
    fn of(run: &Run) -> Self {
        let mut ledger = Self::default();
        let mut undone_by = BTreeSet::new();
        for (event, note) in run.outcome.history.notes() {
            match *note {
                TeamEvent::User(UserEvent::Wanted { intent, .. }) => ledger.missing.push(intent),
                TeamEvent::User(UserEvent::UndoneBy { intent, tool, operation }) => {
                    undone_by.insert((intent, tool, operation));
                }
                TeamEvent::Tool(ToolEvent::Effect { operation, intent, .. }) => {
                    let call = (intent, event.node, operation);
                    if undone_by.contains(&call) {
                        ledger.undoings.entry(intent).or_default().push(event.id);
                    } else {
                        ledger.effects.entry(call).or_default().push(event.id);
                    }
                }
                _ => {}
            }
        }
        ledger.missing.retain(|intent| !ledger.effects.keys().any(|(known, ..)| known == intent));
        ledger
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
        writeln!(
            f,
            "  {FAINT}{}; seed {seed}, {} engine, after {} of virtual time{FAINT:#}",
            shown(case),
            saved.engine,
            rounded(violation.at)
        )?;
        match saved.faults.len() {
            0 => writeln!(f, "\n  {STRONG}No fault is needed{STRONG:#}")?,
            1 => writeln!(f, "\n  {STRONG}One fault suffices{STRONG:#}")?,
            count => writeln!(f, "\n  {STRONG}{count} faults suffice{STRONG:#}")?,
        }
        for fault in &saved.faults {
            writeln!(f, "    {FAULT}{}{FAULT:#}: {}", shown(fault.at), shown(fault.action))?;
        }
        writeln!(f, "\n  {STRONG}What happened{STRONG:#}")?;
        for Line { event, times } in self.0.lines() {
            let style = match &event.what {
                EventKind::Struck(_) | EventKind::Crashed { .. } => FAULT,
                _ if violation.because.contains(&event.id) => BAD,
                _ => Style::new(),
            };
            let (at, node) = (rounded(event.at), shown(event.node));
            let again = if times > 1 { format!(" ({times} times)") } else { String::new() };
            writeln!(
                f,
                "    {FAINT}{at:>11} {:>5}{FAINT:#}  {style}{node:<13} {}{again}{style:#}",
                event.id.to_string(),
                shown(told(event))
            )?;
        }
        self.0.fmt_ledger(f)?;
        if let Some(file) = &self.0.file {
            let replay = case.scenario.suite.replay_command(&shown(file).to_string());
            writeln!(f, "\n  {STRONG}Replay{STRONG:#}  {replay}")?;
        }
        Ok(())
    }
}

/// A time in milliseconds, short enough for a column.
fn rounded(at: SimTime) -> String {
    SimTime::from_nanos(at.as_nanos() / 1_000_000 * 1_000_000).to_string()
}

/// Whether an event is informative for a person.
fn is_telling(event: &Event<TeamEvent>) -> bool {
    match &event.what {
        EventKind::App(
            TeamEvent::Agent(AgentEvent::Completed { .. } | AgentEvent::Asked { access: Access::Read, .. })
            | TeamEvent::User(
                UserEvent::TaskGiven { .. } | UserEvent::Wanted { .. } | UserEvent::UndoneBy { .. },
            ),
        )
        | EventKind::Delivered { .. }
        | EventKind::Wrote { .. }
        | EventKind::Synced { .. }
        | EventKind::Started { incarnation: 0 }
        | EventKind::TimedOut { .. }
        | EventKind::Ended(_) => false,
        EventKind::Sent { content, .. } => {
            event.node.as_str() != USER && is_decisive(content.headers().purpose)
        }
        EventKind::App(_)
        | EventKind::Lost { .. }
        | EventKind::Started { .. }
        | EventKind::Struck(_)
        | EventKind::Crashed { .. }
        | EventKind::Paused { .. }
        | EventKind::Resumed
        | EventKind::Recovered { .. }
        | EventKind::CutBegan { .. }
        | EventKind::CutEnded { .. }
        | EventKind::Waiting { .. }
        | EventKind::Panicked { .. } => true,
    }
}

/// Whether a message with this purpose changes what is done, or by which agent.
fn is_decisive(purpose: Option<Purpose>) -> bool {
    use Purpose::{Approval, Cancel, Handoff, Order, Rejection, Undo};
    matches!(purpose, Some(Order | Undo | Cancel | Handoff | Approval | Rejection))
}

/// The content of a message, and its headers if there are relevant ones.
fn saying(content: &Body) -> String {
    match content.headers().to_string() {
        headers if headers.is_empty() => format!(": {content}"),
        headers => format!(" ({headers}): {content}"),
    }
}

/// The subject of an event, so that events about the same subject can be grouped.
fn subject(event: &Event<TeamEvent>) -> Option<Name> {
    match &event.what {
        EventKind::Sent { about, .. }
        | EventKind::Delivered { about, .. }
        | EventKind::Lost { about, .. } => Some(*about),
        EventKind::App(note) => note.intent(),
        _ => None,
    }
}

fn told(event: &Event<TeamEvent>) -> String {
    match &event.what {
        EventKind::Started { incarnation: 0 } => "starts".to_owned(),
        EventKind::Started { .. } => "is back, knowing what it had written down".to_owned(),
        EventKind::Sent { to, kind, about, content } => {
            format!("sends {kind} to {to}, {about}{}", saying(content))
        }
        EventKind::Delivered { from, kind, about, content, .. } => {
            format!("gets {kind} from {from}, {about}{}", saying(content))
        }
        EventKind::Lost { from, kind, about, why } => {
            let why = match why {
                Loss::Dropped => "it was dropped",
                Loss::Cut => "the link is cut",
                Loss::NodeDown => "the receiver is down",
                Loss::Late => "late reply: the caller no longer waits for it",
            };
            format!("does not get {kind} from {from}, {about}: {why}")
        }
        EventKind::TimedOut { label } => format!("has waited long enough for {label}"),
        EventKind::Struck(fault) => format!("FAULT {}", fault.action),
        EventKind::Crashed { lost_writes: 0 } => "dies".to_owned(),
        EventKind::Crashed { lost_writes } => format!("dies; {lost_writes} unsynced writes are lost"),
        EventKind::Paused { span } => format!("stops for {span}"),
        EventKind::Resumed => "goes on as if no time had passed".to_owned(),
        EventKind::Recovered { from } => format!("is itself again: {from} is over"),
        EventKind::CutBegan { left, right } => format!("is cut off: {left} from {right}"),
        EventKind::CutEnded { left, right } => format!("is joined again: {left} and {right}"),
        EventKind::Wrote { content } => format!("writes to its journal: {content}"),
        EventKind::Synced { records } => format!("has {records} records on disk"),
        EventKind::Waiting { on, why, about } => format!("still waits for {on}: {why}, {about}"),
        EventKind::Ended(stop) => format!("the run ends: {stop:?}"),
        EventKind::Panicked { message } => format!("panics: {message}"),
        EventKind::App(note) => note.to_string(),
    }
}
