//! Which events a story tells: those of the violation, the faults, and what led from one to the other.
//!
//! A long repetition is told once, with a count: one event that comes right after itself, or a few that take
//! turns, such as a call and its error.

use crate::agent::TeamEvent;
use crate::explore::Run;
use crate::properties::Violation;
use crate::report::altered::altered;
use crate::report::told::{is_telling, label, subject, told};
use perfidy_sim::{Event, EventId, EventKind, Name, SimTime};
use std::collections::BTreeSet;

/// How many lines a story may have.
const LINES: usize = 18;

/// How many different events in a row can be one repetition.
const LONGEST_TURN: usize = 6;

/// A line of a story.
#[derive(Clone, Copy)]
pub(in crate::report) enum Line<'a> {
    /// An event, and how often it came right after itself, this time included.
    Event(&'a Event<TeamEvent>, u32),
    /// The lines before it came again.
    Again(Again),
}

/// A repetition of several lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::report) struct Again {
    /// How many lines.
    pub lines: usize,
    /// How many more times.
    pub times: u32,
    /// When the last of them was.
    pub until: SimTime,
}

/// The lines of a violation in a run.
pub(in crate::report) fn lines<'a>(run: &'a Run, violation: &Violation) -> Vec<Line<'a>> {
    let history = &run.outcome.history;
    let is_shown_alone = |event: &Event<TeamEvent>| is_kept(event, violation);
    let events: Vec<_> = told_of(run, violation).into_iter().map(|id| history.event(id)).collect();
    let mut lines = folded(&events, is_shown_alone);
    shorten(&mut lines, violation);
    lines
}

/// What the events of a violation are about.
pub(in crate::report) fn subjects_of(run: &Run, violation: &Violation) -> BTreeSet<Name> {
    let events = violation.because.iter().map(|id| run.outcome.history.event(*id));
    events.filter_map(subject).collect()
}

/// The events of which the story of a violation is made, before it is shortened.
pub(in crate::report) fn told_of(run: &Run, violation: &Violation) -> BTreeSet<EventId> {
    let history = &run.outcome.history;
    let mut shown: BTreeSet<EventId> = violation.because.iter().copied().collect();
    let subjects = subjects_of(run, violation);
    let last = violation.because.iter().max().copied();
    for event in history.events() {
        let is_fault =
            matches!(event.what, EventKind::Injected(_) | EventKind::Crashed { .. } | EventKind::Resumed);
        let restarted = matches!(event.what, EventKind::Started { incarnation } if incarnation > 0);
        let concerns = subject(event).is_some_and(|name| subjects.contains(&name)) && is_telling(event);
        let is_change = is_fault || restarted || altered(history, event).is_some();
        let is_before = last.is_none_or(|last| event.id <= last);
        if (is_change && event.at <= violation.at) || (concerns && is_before) {
            shown.insert(event.id);
        }
    }
    shown
}

/// Whether a story has to show an event itself, and not only that something like it came again.
fn is_kept(event: &Event<TeamEvent>, violation: &Violation) -> bool {
    violation.because.contains(&event.id) || matches!(event.what, EventKind::Injected(_))
}

/// The events with their repetitions counted.
fn folded<'a>(
    events: &[&'a Event<TeamEvent>],
    is_shown_alone: impl Fn(&Event<TeamEvent>) -> bool,
) -> Vec<Line<'a>> {
    let texts: Vec<(String, String)> = events.iter().map(|event| (label(event), told(event))).collect();
    let mut lines = Vec::new();
    let mut at = 0;
    while at < events.len() {
        let turns = repetitions(&texts[at..], 1);
        if turns > 1 {
            lines.push(Line::Event(events[at], turns as u32));
            at += turns;
            continue;
        }
        let of_length = |length: usize| {
            let mut turns = repetitions(&texts[at..], length);
            while turns > 1
                && events[at + length..at + length * turns].iter().any(|event| is_shown_alone(event))
            {
                turns -= 1;
            }
            (turns > 2).then_some((length, turns))
        };
        let Some((length, turns)) = (2..=LONGEST_TURN).find_map(of_length) else {
            lines.push(Line::Event(events[at], 1));
            at += 1;
            continue;
        };
        lines.extend(events[at..at + length].iter().map(|event| Line::Event(event, 1)));
        at += length * turns;
        let (times, until) = (turns as u32 - 1, events[at - 1].at);
        lines.push(Line::Again(Again { lines: length, times, until }));
    }
    lines
}

/// How often the first `length` elements come in a row, the first time included; zero if there are fewer.
fn repetitions<T: PartialEq>(all: &[T], length: usize) -> usize {
    let Some(first) = all.get(..length) else { return 0 };
    all.chunks_exact(length).take_while(|turn| *turn == first).count()
}

/// Keeps the events of the violation, the faults, and as many lines before each as fit.
fn shorten(lines: &mut Vec<Line<'_>>, violation: &Violation) {
    while lines.len() > LINES {
        // The line that is furthest from the next line that must be kept.
        let (mut distance, mut furthest) = (usize::MAX, (0, None));
        let mut repeated = 0;
        for (index, line) in lines.iter().enumerate().rev() {
            let is_kept = match line {
                Line::Event(event, _) => repeated > 0 || is_kept(event, violation),
                Line::Again(again) => {
                    repeated = again.lines + 1;
                    true
                }
            };
            repeated = repeated.saturating_sub(1);
            distance = if is_kept { 0 } else { distance.saturating_add(1) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::History;

    /// A history of these announcements of one node, a second apart.
    fn history(words: &[&str]) -> History<TeamEvent> {
        let mut history = History::default();
        for (second, word) in words.iter().enumerate() {
            let at = SimTime::from_nanos(second as u64 * 1_000_000_000);
            history.append(at, (Name::new("a"), 0), None, EventKind::Panicked { message: (*word).into() });
        }
        history
    }

    fn shown(words: &[&str]) -> Vec<String> {
        let history = history(words);
        let events: Vec<_> = history.events().iter().collect();
        let lines = folded(&events, |event| told(event).contains("shown"));
        let in_words = |line: &Line<'_>| match line {
            Line::Event(event, 1) => told(event),
            Line::Event(event, times) => format!("{} ({times} times)", told(event)),
            Line::Again(Again { lines, times, until }) => {
                format!("{lines} lines, {times} more times, {until}")
            }
        };
        lines.iter().map(in_words).map(|line| line.replace("panics: ", "")).collect()
    }

    #[test]
    fn an_event_that_comes_right_after_itself_is_one_line_with_a_count() {
        assert_eq!(shown(&["a", "b", "b", "b", "a"]), ["a", "b (3 times)", "a"]);
    }

    #[test]
    fn events_that_take_turns_are_told_once_with_a_count_and_the_last_time() {
        let words = ["start", "call", "error", "call", "error", "call", "error", "end"];
        assert_eq!(shown(&words), ["start", "call", "error", "2 lines, 2 more times, 6s", "end"]);
        let twice = ["call", "error", "call", "error"];
        assert_eq!(shown(&twice), twice, "twice is no long repetition");
    }

    #[test]
    fn what_a_story_has_to_show_is_not_folded_away() {
        let words = ["call", "shown", "call", "shown", "call", "shown"];
        assert_eq!(shown(&words), words);
    }
}
