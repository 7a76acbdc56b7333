//! The diagram for a terminal: a column for each node, a line for each event, messages across.

use super::Picture;
use super::mark::Mark;
use super::scene::{Depth, Fate};
use crate::inert::line;
use crate::report::told::{label, rounded};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How wide a lane is.
const LANE: usize = 3;

/// The longest line.
const COLUMNS: usize = 150;

pub(super) fn diagram(picture: &Picture<'_>) -> String {
    let scene = picture.scene();
    let deepest = if picture.broke.is_some() { Depth::Causes } else { Depth::Telling };
    let arrivals: BTreeMap<usize, _> = scene.arrows.iter().map(|arrow| (arrow.to, arrow)).collect();
    let places: Vec<usize> = (0..scene.shots.len()).filter(|at| scene.shots[*at].depth <= deepest).collect();
    let used: BTreeSet<usize> = places.iter().map(|place| scene.shots[*place].lane).collect();
    let used: Vec<usize> = used.into_iter().collect();
    let column = |lane: usize| used.iter().position(|known| *known == lane).unwrap_or(0) * LANE;
    let width = used.len() * LANE;
    let mut text = String::new();
    let times: Vec<String> = places.iter().map(|place| rounded(scene.shots[*place].event.at)).collect();
    let time = times.iter().map(String::len).max().unwrap_or(0).max(8);
    // The names, each at the top of its lane.
    for (at, lane) in used.iter().enumerate() {
        let lines = "│  ".repeat(at);
        writeln!(text, "{:time$}       {lines}{}", "", line(scene.lanes[*lane].name.as_str()))
            .expect("a string takes it");
    }
    for (place, at) in places.iter().zip(&times) {
        let shot = &scene.shots[*place];
        let mut cells: Vec<char> = (0..width).map(|at| if at % LANE == 0 { '│' } else { ' ' }).collect();
        let here = column(shot.lane);
        cells[here] = if shot.is_bad { '@' } else { shot.mark.look().character };
        if let Some(arrow) = arrivals.get(place) {
            let from = column(scene.shots[arrow.from].lane);
            let dash = if arrow.fate == Fate::Lost { '╌' } else { '─' };
            let (first, last) = (from.min(here), from.max(here));
            cells[first + 1..last].iter_mut().for_each(|cell| *cell = dash);
            cells[from] = if from < here { '├' } else { '┤' };
            if from != here {
                let head = if from < here { here - 1 } else { here + 1 };
                cells[head] = match (shot.mark, from < here) {
                    (Mark::Lost, _) => '╳',
                    (_, true) => '▶',
                    (_, false) => '◀',
                };
            }
        }
        let lanes: String = cells.into_iter().collect();
        let said = format!("{} {}", label(shot.event), shot.told());
        let said = line(&said);
        let left = COLUMNS.saturating_sub(time + 7 + width);
        let said = match said.char_indices().nth(left) {
            Some((at, _)) => format!("{}…", &said[..at]),
            None => said.into_owned(),
        };
        writeln!(text, "{at:>time$} {:>5} {lanes}{said}", shot.event.id.to_string())
            .expect("a string takes it");
    }
    writeln!(
        text,
        "\n! fault  # effect  @ named by the verdict  X crash  ^ restart  = pause  - resumes  ╳ lost  \
         m model  L lease  \" announcement  t timeout"
    )
    .expect("a string takes it");
    text
}
