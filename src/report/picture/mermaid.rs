//! A sequence diagram of Mermaid, which issue trackers draw. Messages stand where they arrive, everything
//! else is a note over its lane.

use super::Picture;
use super::mark::Mark;
use super::scene::{Depth, Fate};
use crate::agent::TeamEvent;
use crate::inert::line;
use crate::report::told::{label, rounded, told};
use perfidy_sim::{EventKind, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How many lines a diagram has at most: what comes last is nearest to the violation.
const LINES: usize = 80;

/// How many characters of an event are shown.
const CHARACTERS: usize = 90;

pub(super) fn mermaid(picture: &Picture<'_>) -> String {
    let scene = picture.scene();
    let deepest = if picture.broke.is_some() { Depth::Causes } else { Depth::Telling };
    let arrivals: BTreeMap<usize, _> = scene.arrows.iter().map(|arrow| (arrow.to, arrow)).collect();
    let sent: BTreeSet<usize> = scene.arrows.iter().map(|arrow| arrow.from).collect();
    let is_shown = |place: &usize| {
        // The sending of a message that arrives is part of its arrow.
        scene.shots[*place].depth <= deepest && (!sent.contains(place) || scene.shots[*place].is_bad)
    };
    let places: Vec<usize> = (0..scene.shots.len()).filter(is_shown).collect();
    let left_out = places.len().saturating_sub(LINES);
    let places = &places[left_out..];
    let ends = |place: &usize| {
        let from = arrivals.get(place).map(|arrow| scene.shots[arrow.from].lane);
        let to = match &scene.shots[*place].event.what {
            EventKind::Sent { to, .. } => scene.lanes.iter().position(|lane| lane.name == *to),
            _ => None,
        };
        [Some(scene.shots[*place].lane), from, to].into_iter().flatten()
    };
    let used: BTreeSet<usize> = places.iter().flat_map(ends).collect();
    let mut text = "sequenceDiagram\n".to_owned();
    for lane in &used {
        writeln!(text, "  participant n{lane} as {}", escaped(scene.lanes[*lane].name.as_str()))
            .expect("a string takes it");
    }
    if let (Some(first), 1..) = (used.first(), left_out) {
        writeln!(text, "  Note over n{first}: {left_out} earlier events are left out")
            .expect("a string takes it");
    }
    for place in places {
        let shot = &scene.shots[*place];
        let event = shot.event;
        let line = if let (Some(arrow), Some((kind, about))) = (arrivals.get(place), message(&event.what)) {
            let from = scene.shots[arrow.from].lane;
            let (sign, fate) = match arrow.fate {
                Fate::Arrived => ("->>", ""),
                Fate::Altered => ("->>", ", altered on the way"),
                Fate::Lost => ("-x", ", lost"),
            };
            let said = format!("{} {kind}, {about}{fate}", rounded(event.at));
            format!("n{from}{sign}n{}: {}", shot.lane, escaped(&said))
        } else {
            let sign = match shot.mark {
                _ if shot.is_bad => "✗ ",
                Mark::Fault | Mark::Lie => "⚡ ",
                _ => "",
            };
            let said = format!("{} {sign}{} {}", rounded(event.at), label(event), told(event));
            format!("Note over n{}: {}", shot.lane, escaped(&said))
        };
        writeln!(text, "  {line}").expect("a string takes it");
    }
    if let (Some((property, violation)), Some(first), Some(last)) = (picture.broke, used.first(), used.last())
    {
        let said = escaped(&format!("{property} broke: {}", violation.message));
        writeln!(text, "  Note over n{first},n{last}: {said}").expect("a string takes it");
    }
    text
}

/// The kind and the subject of a message that arrives, or does not.
fn message(what: &EventKind<TeamEvent>) -> Option<(Name, Name)> {
    match what {
        EventKind::Delivered { kind, about, .. } | EventKind::Lost { kind, about, .. } => {
            Some((*kind, *about))
        }
        _ => None,
    }
}

/// A text that Mermaid shows as it is: what means something to it becomes an entity.
fn escaped(text: &str) -> String {
    let text = line(text);
    let cut = text.char_indices().nth(CHARACTERS).map_or(text.len(), |(at, _)| at);
    let mut shown = String::new();
    for c in text[..cut].chars() {
        match c {
            '#' | ';' | '<' | '>' | '&' | '"' | ':' | '%' | '`' | '{' | '}' | '\\' => {
                write!(shown, "#{};", u32::from(c)).expect("a string takes it");
            }
            _ => shown.push(c),
        }
    }
    if cut < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_mermaid_is_an_entity() {
        assert_eq!(escaped("a; %% <b>#1"), "a#59; #37;#37; #60;b#62;#35;1");
        assert_eq!(escaped(&"x".repeat(100)), "x".repeat(90) + "…");
    }
}
