//! The drawing of a diagram: lifelines, bars, arrows and signs, at the heights that its rows have.
//!
//! Every element that moves with its row carries the number of the row (`data-r`, or `data-a` and `data-z`
//! for what leads from one row to another), so that the script of the page can move it when rows are folded.

use super::scene::{Bar, Fate, Lane, Lasting, Scene};
use crate::inert::line;
use maud::{Markup, html};

/// The distance of two lanes.
pub(super) const LANE: usize = 22;

/// The height of a row.
pub(super) const ROW: usize = 24;

/// The width of all lanes.
pub(super) fn width(lanes: &[Lane]) -> usize {
    lanes.len() * LANE + LANE / 2
}

/// The middle of a lane.
pub(super) fn across(lane: usize) -> usize {
    lane * LANE + LANE * 3 / 4
}

/// Where rows are: for each row the height of its middle; of a hidden one the top of the next that is shown.
pub(super) struct Heights {
    pub middle: Vec<usize>,
    pub end: usize,
}

impl Heights {
    /// Rows of one height, one below the other, with that many lines of a fold above each.
    pub fn new(is_shown: &[bool], folds: &[bool]) -> Self {
        let mut middle = Vec::with_capacity(is_shown.len());
        let mut top = 0;
        for (shown, fold) in is_shown.iter().zip(folds) {
            top += usize::from(*fold) * ROW;
            middle.push(if *shown { top + ROW / 2 } else { top });
            top += usize::from(*shown) * ROW;
        }
        Self { middle, end: top }
    }
}

/// The diagram of a scene; `row_of` has the row of each event, if it has one.
pub(super) fn graph(
    scene: &Scene<'_>,
    row_of: &[Option<usize>],
    is_shown: &[bool],
    heights: &Heights,
) -> Markup {
    let at = |place: usize| row_of.get(place).copied().flatten();
    let height = |row: usize| heights.middle[row];
    let ends = |from: usize, to: usize| Some((at(from)?, at(to)?));
    let is_first = |place: usize| at(place).is_some_and(|row| is_shown[row]);
    html! {
        g class="lines" {
            @for (lane, _) in scene.lanes.iter().enumerate() {
                line class="life" x1=(across(lane)) x2=(across(lane)) y1="0" y2=(heights.end) {}
            }
        }
        g class="bars" {
            @for bar in &scene.bars {
                @if let Some((from, to)) = span(bar, row_of) {
                    (lasting(bar, from, to, height(from), to.map_or(heights.end, height)))
                }
            }
        }
        g class="path" {
            @for place in 0..scene.shots.len() {
                @for by in scene.led_by(place, is_first) {
                    @if let Some((from, to)) = ends(by, place) {
                        (leads((scene.shots[by].lane, scene.shots[place].lane), (from, to), (height(from), height(to))))
                    }
                }
            }
        }
        g class="arrows" {
            @for arrow in &scene.arrows {
                @if let Some((from, to)) = ends(arrow.from, arrow.to) {
                    @let (one, other) = (&scene.shots[arrow.from], &scene.shots[arrow.to]);
                    @let fate = match arrow.fate { Fate::Arrived => "arrived", Fate::Altered => "altered", Fate::Lost => "gone" };
                    @let lit = if one.is_lit && other.is_lit { " lit" } else { "" };
                    @let (x1, x2) = (across(one.lane), across(other.lane));
                    path class={"arrow " (fate) (lit)} data-a=(from) data-z=(to) data-x=(x1) data-y=(x2)
                        visibility=[(!is_shown[from] || !is_shown[to]).then_some("hidden")]
                        d=(arrow_path((x1, height(from)), (x2, height(to)))) {}
                }
            }
        }
        g class="marks" {
            @for (place, shot) in scene.shots.iter().enumerate() {
                @if let Some(row) = at(place) {
                    @let look = shot.mark.look();
                    @let lit = if shot.is_lit { " lit" } else { "" };
                    g class={"mark " (look.class) (lit)} data-r=(row) data-x=(across(shot.lane))
                        visibility=[(!is_shown[row]).then_some("hidden")]
                        transform={"translate(" (across(shot.lane)) " " (height(row)) ")"} {
                        @if shot.is_bad { circle class="ring" r="10" {} }
                        path d=(look.outline) {}
                        @if shot.event.incarnation > 0 && look.class == "restart" {
                            text class="number" x="9" y="4" { (shot.event.incarnation + 1) }
                        }
                    }
                }
            }
        }
    }
}

/// The rows at which a bar begins and ends; from the next row that there is, if its own is left out.
fn span(bar: &Bar, row_of: &[Option<usize>]) -> Option<(usize, Option<usize>)> {
    let next = |place: usize| row_of.get(place..)?.iter().copied().flatten().next();
    Some((next(bar.from)?, bar.to.and_then(next)))
}

fn lasting(bar: &Bar, from: usize, to: Option<usize>, top: usize, bottom: usize) -> Markup {
    let middle = across(bar.lane);
    let (class, x, width) = match bar.what {
        Lasting::Lease(token) => (if token % 2 == 0 { "lease even" } else { "lease odd" }, middle + 4, 4),
        Lasting::Down => ("down", middle - 3, 6),
        Lasting::Paused => ("paused", middle - 7, 14),
        Lasting::Partition(false) => ("side one", middle - 9, 4),
        Lasting::Partition(true) => ("side other", middle - 9, 4),
    };
    html! {
        rect class={"bar " (class)} data-a=(from) data-z=[to] x=(x) y=(top) width=(width)
            height=(bottom.saturating_sub(top)) {}
        @if let Lasting::Lease(token) = bar.what {
            text class="token" data-r=(from) data-x=(x) transform={"translate(" (x) " " (top) ")"} x="5" y="10" { (token) }
        }
    }
}

/// What led to what: a line on a lane; a broken one from lane to lane over what is folded between them.
fn leads((one, other): (usize, usize), (from, to): (usize, usize), (top, bottom): (usize, usize)) -> Markup {
    let (class, x, y) = (if one == other { "led" } else { "led over" }, across(one), across(other));
    html! { path class=(class) data-a=(from) data-z=(to) data-x=(x) data-y=(y) d={"M" (x) " " (top) "L" (y) " " (bottom)} {} }
}

/// A line with a head; the script of the page draws the same.
pub(super) fn arrow_path((x1, y1): (usize, usize), (x2, y2): (usize, usize)) -> String {
    let (dx, dy) = (x2 as f64 - x1 as f64, y2 as f64 - y1 as f64);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    // The head ends at the edge of the sign that it points to.
    let (tip_x, tip_y) = (x2 as f64 - ux * 4.0, y2 as f64 - uy * 4.0);
    let corner = |side: f64| (tip_x - ux * 7.0 - uy * side, tip_y - uy * 7.0 + ux * side);
    let ((left_x, left_y), (right_x, right_y)) = (corner(3.5), corner(-3.5));
    format!(
        "M{x1} {y1}L{tip_x:.1} {tip_y:.1}M{left_x:.1} {left_y:.1}L{tip_x:.1} {tip_y:.1}L{right_x:.1} {right_y:.1}"
    )
}

/// The names of the lanes, one above each.
pub(super) fn heads(lanes: &[Lane], height: usize) -> Markup {
    html! {
        @for (at, lane) in lanes.iter().enumerate() {
            text class={"head " (lane.actor.word())}
                transform={"translate(" (across(at) + 4) " " (height - 4) ") rotate(-60)"} { (shortened(lane.name.as_str())) }
        }
    }
}

/// A name that fits above a lane.
fn shortened(name: &str) -> String {
    const CHARACTERS: usize = 18;
    let name = line(name);
    match name.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name.into_owned(),
    }
}

/// How high the names above the lanes are.
pub(super) fn head_height(lanes: &[Lane]) -> usize {
    let longest = lanes.iter().map(|lane| shortened(lane.name.as_str()).chars().count()).max().unwrap_or(0);
    longest * 6 + 16
}
