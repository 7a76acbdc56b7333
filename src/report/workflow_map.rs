//! The map of a workflow: a lane for each agent or role, and an arrow for what one sends another, in the
//! order in which they are reached from the user.

use crate::inert::line;
use crate::report::html::{Theme, colours};
use maud::{Markup, PreEscaped, html};
use perfidy_sim::Name;
use std::collections::BTreeSet;

const STYLE: &str = include_str!("workflow_map.css");

/// The distance of two lanes, the height of a row, and where the first lane is.
const LANE: usize = 128;
const ROW: usize = 34;
const LEFT: usize = 76;

/// The width of the legend.
const LEGEND: usize = 790;

/// What one sends another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapArrow {
    /// Who sends it.
    pub from: Name,
    /// To whom.
    pub to: Name,
    /// The kinds of messages, or what is asked of tools.
    pub words: Vec<String>,
    /// How it is delivered.
    pub delivery: MapDelivery,
}

/// How often it arrives if the network loses one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MapDelivery {
    /// It is sent again until it arrives.
    AtLeastOnce,
    /// It is sent once.
    AtMostOnce,
    /// It is only sent in runs with faults.
    OnlyUnderFaults,
    /// It is asked of a tool: how often is a matter of safeguards.
    Request,
}

impl MapDelivery {
    const ALL: [Self; 4] = [Self::AtLeastOnce, Self::AtMostOnce, Self::OnlyUnderFaults, Self::Request];

    fn class(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "again",
            Self::AtMostOnce => "once",
            Self::OnlyUnderFaults => "rare",
            Self::Request => "asks",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "sent again if it is lost",
            Self::AtMostOnce => "sent once",
            Self::OnlyUnderFaults => "sent only under faults",
            Self::Request => "asked of a tool",
        }
    }
}

/// The map of a workflow as SVG. Lanes begin with `first`, if it is among them, and end with `last`.
pub fn workflow_map(title: &str, arrows: &[MapArrow], (first, last): (&str, &str), theme: Theme) -> String {
    let lanes = lanes(arrows, first, last);
    let place = |name: Name| lanes.iter().position(|lane| *lane == name).unwrap_or(0);
    let across = |name: Name| LEFT + place(name) * LANE;
    let mut arrows = arrows.to_vec();
    arrows.sort_by_key(|arrow| (place(arrow.from), place(arrow.to), arrow.delivery));
    let wide = (LEFT * 2 + lanes.len().saturating_sub(1) * LANE + 60).max(LEGEND);
    let (top, bottom) = (84, 84 + arrows.len() * ROW + 8);
    let high = bottom + 34;
    let style = format!("{}{STYLE}", colours(theme));
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={"0 0 " (wide) " " (high)} width=(wide) height=(high) role="img"
            aria-label={"Map of the workflow " (line(title)) ": who sends what to whom"} {
            style { (PreEscaped(style)) }
            rect class="paper" width=(wide) height=(high) {}
            text class="title" x="12" y="24" { (line(title)) ": who sends what to whom" }
            @for name in &lanes {
                line class="life" x1=(across(*name)) x2=(across(*name)) y1="66" y2=(bottom) {}
                rect class={"node" @if name.as_str() == last || name.as_str() == first { " outside" }} x=(across(*name) - 58) y="40" width="116" height="26" rx="7" {}
                text class="middle" x=(across(*name)) y="57" { (line(name.as_str())) }
            }
            @for (row, arrow) in arrows.iter().enumerate() {
                @let y = top + row * ROW + 22;
                @let (from, to) = (across(arrow.from), across(arrow.to));
                (line_of((from, to), y, arrow.delivery))
                @let said = arrow.words.join(", ");
                @if from == to {
                    text class="said" x=(from + 36) y=(y + 2) { (line(&said)) }
                } @else {
                    // Beside the sender, so that it reads in the direction of the arrow.
                    text class={"said" @if to < from { " end" }} x=(if from < to { from + 8 } else { from - 8 }) y=(y - 5) { (line(&said)) }
                }
            }
            @for (at, delivery) in MapDelivery::ALL.iter().enumerate() {
                @let x = 14 + at * 195;
                (line_of((x, x + 26), high - 16, *delivery))
                text class="faint" x=(x + 32) y=(high - 12) { (delivery.meaning()) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// The lanes, in the order in which they are reached.
fn lanes(arrows: &[MapArrow], first: &str, last: &str) -> Vec<Name> {
    let names: BTreeSet<Name> = arrows.iter().flat_map(|arrow| [arrow.from, arrow.to]).collect();
    let mut starts: Vec<Name> = names.iter().copied().filter(|name| name.as_str() == first).collect();
    let is_reached = |name: &Name| arrows.iter().any(|arrow| arrow.to == *name && arrow.from != *name);
    starts.extend(names.iter().filter(|name| !is_reached(name)));
    starts.extend(&names);
    let mut lanes: Vec<Name> = Vec::new();
    for start in starts {
        let mut next = std::collections::VecDeque::from([start]);
        while let Some(name) = next.pop_front() {
            if !lanes.contains(&name) {
                lanes.push(name);
                next.extend(arrows.iter().filter(|arrow| arrow.from == name).map(|arrow| arrow.to));
            }
        }
    }
    let (mut lanes, tools): (Vec<Name>, Vec<Name>) =
        lanes.into_iter().partition(|name| name.as_str() != last);
    lanes.extend(tools);
    lanes
}

/// An arrow from one lane to another, or from a lane back to itself.
fn line_of((from, to): (usize, usize), y: usize, delivery: MapDelivery) -> Markup {
    let (line, head) = if from == to {
        let line = format!("M{from} {}H{}V{}H{}", y - 10, from + 30, y + 4, from + 3);
        (line, format!("M{} {y}L{} {}L{} {}", from + 10, from + 3, y + 4, from + 10, y + 8))
    } else {
        let (tip, back) = if from < to { (to - 3, to - 10) } else { (to + 3, to + 10) };
        (format!("M{from} {y}H{tip}"), format!("M{back} {}L{tip} {y}L{back} {}", y - 4, y + 4))
    };
    html! {
        path class={"arrow " (delivery.class())} d=(line) {}
        path class={"arrow tip " (delivery.class())} d=(head) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from: &str, to: &str, word: &str) -> MapArrow {
        let (from, to) = (Name::new(from), Name::new(to));
        MapArrow { from, to, words: vec![word.to_owned()], delivery: MapDelivery::AtMostOnce }
    }

    #[test]
    fn lanes_begin_with_the_user_and_end_with_tools() {
        let arrows = [
            arrow("executor", "tools", "call"),
            arrow("coordinator", "executor", "assign"),
            arrow("a-probe", "executor", "ask"),
            arrow("user", "coordinator", "submit"),
        ];
        let lanes = lanes(&arrows, "user", "tools");
        let names: Vec<&str> = lanes.iter().map(|name| name.as_str()).collect();
        assert_eq!(names, ["user", "coordinator", "executor", "a-probe", "tools"]);
    }

    #[test]
    fn names_are_text_on_a_map() {
        let map = workflow_map("<b>", &[arrow("<i>", "b", "</svg>")], ("user", "tools"), Theme::Auto);
        assert!(!map.contains("<b>") && !map.contains("<i>") && map.matches("</svg>").count() == 1, "{map}");
    }
}
