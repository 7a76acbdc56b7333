//! A log for `ShiViz`, which draws the space-time diagram of any history with vector clocks. Its first line
//! is the regular expression that reads it, the second would separate several executions.

use super::Picture;
use super::scene::place;
use crate::inert::line;
use crate::report::told::{rounded, told};
use perfidy_sim::{EventKind, Name};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The regular expression of an event and its clock.
const READS: &str = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})";

pub(super) fn log(picture: &Picture<'_>) -> String {
    let mut text = format!("{READS}\n\n");
    let mut clocks: Vec<BTreeMap<Name, u32>> = Vec::new();
    let mut last: BTreeMap<Name, usize> = BTreeMap::new();
    for (at, event) in picture.run.outcome.history.events().iter().enumerate() {
        let mut clock = last.get(&event.node).map(|before| clocks[*before].clone()).unwrap_or_default();
        // Only a message that arrives carries the clock of another node.
        let is_arrival = matches!(event.what, EventKind::Delivered { .. });
        let from = event.cause.map(place).filter(|_| is_arrival);
        for (node, count) in from.map(|from| clocks[from].clone()).unwrap_or_default() {
            let known = clock.entry(node).or_default();
            *known = count.max(*known);
        }
        *clock.entry(event.node).or_default() += 1;
        let counts: serde_json::Map<String, serde_json::Value> =
            clock.iter().map(|(node, count)| (host(*node), (*count).into())).collect();
        writeln!(text, "{} {} {}", rounded(event.at), event.id, line(&told(event)))
            .expect("a string takes it");
        writeln!(text, "{} {}", host(event.node), serde_json::Value::Object(counts))
            .expect("a string takes it");
        clocks.push(clock);
        last.insert(event.node, at);
    }
    text
}

/// The name of a node without what separates it from its clock.
fn host(node: Name) -> String {
    line(node.as_str()).split_whitespace().collect::<Vec<_>>().join("_")
}
