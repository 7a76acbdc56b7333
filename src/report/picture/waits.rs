//! The wait-for graph at the end of a run: for a deadlock the requests that the verdict names, else the waits
//! that agents declare.

use super::Picture;
use crate::inert::line;
use maud::{Markup, html};
use perfidy_sim::{EventId, EventKind, Name};
use std::collections::BTreeSet;

/// A node waits for another.
pub(super) struct Edge {
    pub event: EventId,
    pub from: Name,
    pub to: Name,
    pub why: String,
    pub is_in_cycle: bool,
}

/// The waits; `None` if there are none, or if the run ended well.
pub(super) fn edges(picture: &Picture<'_>) -> Option<Vec<Edge>> {
    let violation = picture.violation()?;
    let history = &picture.run.outcome.history;
    let asked = violation.because.iter().filter_map(|id| match &history.event(*id).what {
        EventKind::Sent { to, kind, about, .. } => {
            Some(Edge::new(*id, history.event(*id).node, *to, format!("{kind}, {about}")))
        }
        _ => None,
    });
    let declared = history.events().iter().filter_map(|event| match &event.what {
        EventKind::Waiting { on, why, about } => {
            Some(Edge::new(event.id, event.node, *on, format!("{why}, {about}")))
        }
        _ => None,
    });
    let mut edges: Vec<Edge> = declared.collect();
    let is_deadlock = picture.broke.is_some_and(|(property, _)| property == "no-deadlock");
    if is_deadlock {
        edges = asked.collect();
    }
    let cycle = in_cycles(&edges);
    for (edge, is_in_cycle) in edges.iter_mut().zip(cycle) {
        edge.is_in_cycle = is_in_cycle;
    }
    (!edges.is_empty()).then_some(edges)
}

impl Edge {
    fn new(event: EventId, from: Name, to: Name, why: String) -> Self {
        Self { event, from, to, why, is_in_cycle: false }
    }
}

/// For each wait whether it comes back to where it begins.
fn in_cycles(edges: &[Edge]) -> Vec<bool> {
    let leads_back = |edge: &Edge| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![edge.to]);
        while let Some(node) = next.pop() {
            if node == edge.from {
                return true;
            }
            if seen.insert(node) {
                next.extend(edges.iter().filter(|edge| edge.from == node).map(|edge| edge.to));
            }
        }
        false
    };
    edges.iter().map(leads_back).collect()
}

/// The graph: its nodes on a circle.
pub(super) fn graph(edges: &[Edge]) -> Markup {
    let nodes: BTreeSet<Name> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    let nodes: Vec<Name> = nodes.into_iter().collect();
    let (middle, radius) = ((260.0, 150.0), (175.0, 105.0));
    let at = |name: Name| {
        let place = nodes.iter().position(|node| *node == name).unwrap_or(0);
        let angle = std::f64::consts::TAU * place as f64 / nodes.len() as f64 - std::f64::consts::FRAC_PI_2;
        (middle.0 + radius.0 * angle.cos(), middle.1 + radius.1 * angle.sin())
    };
    let is_in =
        |name: Name| edges.iter().any(|edge| edge.is_in_cycle && (edge.from == name || edge.to == name));
    html! {
        svg class="waits" viewBox="0 0 520 300" role="img" aria-label="Wait-for graph; the list below says the same" {
            @for edge in edges {
                path class={"edge" @if edge.is_in_cycle { " in" }} d=(curve(at(edge.from), at(edge.to))) {}
            }
            @for name in &nodes {
                @let (x, y) = at(*name);
                g transform={"translate(" (format!("{x:.0} {y:.0}")) ")"} {
                    rect class={"node" @if is_in(*name) { " in" }} x="-62" y="-15" width="124" height="30" rx="8" {}
                    text y="4" { (line(name.as_str())) }
                }
            }
        }
    }
}

/// An arrow from the edge of one node to that of another, bent to one side, so that two in both directions do
/// not cover each other.
fn curve((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    let (dx, dy) = (x2 - x1, y2 - y1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    // The nodes are boxes of 124 by 30.
    let reach = |ux: f64, uy: f64| (66.0 / ux.abs().max(1e-6)).min(19.0 / uy.abs().max(1e-6));
    let (bend_x, bend_y) = (-uy * 22.0, ux * 22.0);
    let start = (x1 + ux * reach(ux, uy) + bend_x / 3.0, y1 + uy * reach(ux, uy) + bend_y / 3.0);
    let end = (x2 - ux * reach(ux, uy) + bend_x / 3.0, y2 - uy * reach(ux, uy) + bend_y / 3.0);
    let middle = (f64::midpoint(x1, x2) + bend_x, f64::midpoint(y1, y2) + bend_y);
    let (tx, ty) = (end.0 - middle.0, end.1 - middle.1);
    let along = tx.hypot(ty).max(1.0);
    let (tx, ty) = (tx / along, ty / along);
    let corner = |side: f64| (end.0 - tx * 9.0 - ty * side, end.1 - ty * 9.0 + tx * side);
    let (left, right) = (corner(4.5), corner(-4.5));
    format!(
        "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}",
        start.0, start.1, middle.0, middle.1, end.0, end.1, left.0, left.1, end.0, end.1, right.0, right.1
    )
}
