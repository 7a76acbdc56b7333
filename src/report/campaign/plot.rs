//! What broke by which faults, and how soon strategies find it, as pictures.

use super::{CampaignPage, DetectionTable, Matrix, as_svg};
use crate::explore::Detection;
use crate::inert::line;
use maud::{Markup, html};
use perfidy_sim::Name;

/// The style of what is drawn here.
pub(super) const STYLE: &str = include_str!("plot.css");

/// The signs of strategies: an outline around the origin each.
const SIGNS: [&str; 8] = [
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-5 -5H5V5H-5Z",
    "M0 -6L6 5H-6Z",
    "M0 -6L6 0L0 6L-6 0Z",
    "M0 6L6 -5H-6Z",
    "M-5 -2H-2V-5H2V-2H5V2H2V5H-2V2H-5Z",
    "M-5 -5L5 5M5 -5L-5 5",
    "M-5 0H5M0 -5V5",
];

/// The height of a row, and the width of the names before it.
const ROW: usize = 24;
const NAMES: usize = 430;

/// The width of the scale of seeds.
const SCALE: usize = 480;

/// The size of a cell of the matrix.
const CELL: usize = 44;

/// Something drawn, and how large it is.
pub(super) struct Plot {
    pub markup: Markup,
    pub width: usize,
    pub height: usize,
}

pub(super) fn svg(page: &CampaignPage, colours: &str) -> String {
    let matrix = matrix(&page.matrix());
    let detection = page.detection.as_ref().map(detection);
    let top = 56;
    let next = top + matrix.height + 30;
    let (width, height) = match &detection {
        Some(plot) => (matrix.width.max(plot.width), next + plot.height),
        None => (matrix.width, top + matrix.height + 12),
    };
    let style = format!("{colours}{STYLE}");
    let markup = html! {
        text class="title" x="12" y="24" { (line(&page.title)) }
        text class="faint" x="12" y="44" { (line(&page.about)) }
        g transform={"translate(0 " (top) ")"} { (matrix.markup) }
        @if let Some(plot) = &detection { g transform={"translate(0 " (next) ")"} { (plot.markup) } }
    };
    as_svg((width, height), &style, &page.title, &markup)
}

/// The matrix as a heat map.
fn matrix(matrix: &Matrix) -> Plot {
    let kinds: Vec<&str> = matrix.kinds.iter().map(|kind| Name::as_str(*kind)).chain(["no fault"]).collect();
    let longest = kinds.iter().map(|kind| kind.chars().count()).max().unwrap_or(0);
    let (left, head) = (250, longest * 6 + 22);
    let markup = html! {
        @for (at, kind) in kinds.iter().enumerate() {
            text transform={"translate(" (left + at * CELL + CELL / 2) " " (head - 6) ") rotate(-50)"} { (line(kind)) }
        }
        @for (at, (property, row)) in matrix.rows.iter().enumerate() {
            @let y = head + at * ROW;
            text class="end" x=(left - 8) y=(y + 16) { (line(property)) }
            @for (column, count) in matrix.counts(row).iter().enumerate() {
                @let x = left + column * CELL;
                rect class={"cell shade-" (matrix.shade(*count))} x=(x) y=(y) width=(CELL) height=(ROW) {}
                @if *count > 0 { text class="middle" x=(x + CELL / 2) y=(y + 16) { (count) } }
            }
        }
    };
    Plot { markup, width: left + kinds.len() * CELL + longest * 5, height: head + matrix.rows.len() * ROW }
}

/// A row for each property and case, a sign for each strategy; the scale of seeds is logarithmic.
pub(super) fn detection(table: &DetectionTable) -> Plot {
    let last = NAMES + SCALE;
    let across = |seeds: u64| {
        let share = (seeds.max(1) as f64).ln() / (table.within.max(2) as f64).ln();
        NAMES + 12 + (share.min(1.0) * (SCALE - 12) as f64).round() as usize
    };
    let place = |found: Detection| match found {
        Detection::After(seeds) => across(seeds),
        Detection::NotWithin(_) => last + 30,
    };
    let ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000];
    let ticks: Vec<u64> = ticks.into_iter().filter(|tick| *tick <= table.within).collect();
    let (top, bottom) = (58, 58 + table.rows.len() * ROW);
    let sign = |at: usize| SIGNS[at % SIGNS.len()];
    let markup = html! {
        text class="strong" x="12" y="14" { "Seeds until each strategy finds it" }
        @for (at, name) in table.strategies.iter().enumerate() {
            g transform={"translate(" (NAMES + at * 92) " 10)"} {
                path class={"sign s" (at % SIGNS.len())} d=(sign(at)) {}
                text x="10" y="4" { (name) }
            }
        }
        @for tick in &ticks {
            line class="tick" x1=(across(*tick)) x2=(across(*tick)) y1=(top - 8) y2=(bottom) {}
            text class="faint middle" x=(across(*tick)) y=(top - 14) { (tick) }
        }
        text class="faint middle" x=(last + 30) y=(top - 14) { "not found" }
        @for (at, (property, case, found)) in table.rows.iter().enumerate() {
            @let y = top + at * ROW + ROW / 2;
            text class="end" x=(NAMES - 4) y=(y + 4) { (shortened(&format!("{property}: {case}"))) }
            line class="tick" x1=(NAMES) x2=(last + 50) y1=(y) y2=(y) {}
            @for (at, found) in found.iter().enumerate() {
                @if let Some(found) = found {
                    g transform={"translate(" (place(*found)) " " (y) ")"} { path class={"sign s" (at % SIGNS.len())} d=(sign(at)) {} }
                }
            }
        }
    };
    Plot { markup, width: last.max(NAMES + table.strategies.len() * 92) + 70, height: bottom + 12 }
}

/// A name that fits before a row.
fn shortened(text: &str) -> String {
    const CHARACTERS: usize = 62;
    let text = line(text);
    match text.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}
