//! The rows of a picture: the events of one run, or of two that stand side by side.

use super::align::{Pair, aligned, alone};
use super::scene::{Depth, Scene, Shot, is_drawn, lanes};
use crate::explore::Run;
use crate::properties::Violation;

/// How many rows a picture has at most. What is furthest from the violation is left out.
const ROWS: usize = 2_000;

/// A row.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub pair: Pair,
    pub depth: Depth,
}

/// The rows of a picture, with the diagrams that they belong to.
pub(super) struct Rows<'a> {
    pub scene: Scene<'a>,
    pub other: Option<Scene<'a>>,
    pub list: Vec<Row>,
    /// For each event of the run its like in the other.
    pub likes: Vec<Option<usize>>,
    /// How many rows there would be.
    pub of: usize,
}

impl<'a> Rows<'a> {
    pub fn new(run: &'a Run, violation: Option<&Violation>, other: Option<&'a Run>) -> Self {
        let runs: Vec<&Run> = [run].into_iter().chain(other).collect();
        let lanes = lanes(&runs);
        let scene = Scene::new(run, violation, &lanes);
        let (pairs, likes) = match other {
            Some(other) => aligned(run, other),
            None => (alone(scene.shots.len()), Vec::new()),
        };
        let other = other.map(|other| Scene::beside(other, run, violation, &lanes));
        let row = |pair: Pair| {
            let here = pair.left.map(|place| scene.shots[place].depth);
            // What is the same in both needs to be shown only where this run shows it.
            let there = || pair.right.zip(other.as_ref()).map(|(place, other)| other.shots[place].depth);
            let depth = here.or_else(there).unwrap_or(Depth::All);
            Row { pair, depth }
        };
        let is_of_a_node = |row: &Row| {
            let here = row.pair.left.map(|place| &scene.shots[place]);
            let there = || row.pair.right.zip(other.as_ref()).map(|(place, other)| &other.shots[place]);
            here.or_else(there).is_some_and(|shot| is_drawn(shot.event))
        };
        let all: Vec<Row> = pairs.into_iter().map(row).filter(is_of_a_node).collect();
        let of = all.len();
        let rows = nearest(all, violation);
        Self { scene, other, list: rows, likes, of }
    }

    /// The events of a row, in the run and in the other.
    pub fn shots(&self, row: &Row) -> (Option<&Shot<'a>>, Option<&Shot<'a>>) {
        let there = row.pair.right.zip(self.other.as_ref()).map(|(place, other)| &other.shots[place]);
        (row.pair.left.map(|place| &self.scene.shots[place]), there)
    }

    /// Whether only one of the two runs has this row; the fault itself is no difference.
    pub fn is_apart(&self, row: &Row) -> bool {
        let is_fault =
            |left: usize| matches!(self.scene.shots[left].event.what, perfidy_sim::EventKind::Injected(_));
        self.other.is_some()
            && match row.pair {
                Pair { left: Some(left), right: None } => !is_fault(left),
                Pair { left, .. } => left.is_none(),
            }
    }

    /// The deepest events that are shown at first: the causes, or if nothing broke, what informs a person.
    pub fn at_first(&self) -> Depth {
        let has_causes = self.scene.shots.iter().any(|shot| shot.is_bad);
        if has_causes { Depth::Causes } else { Depth::Telling }
    }
}

/// As many rows as a picture can have: first those that are shown first, then those nearest to the violation.
fn nearest(rows: Vec<Row>, violation: Option<&Violation>) -> Vec<Row> {
    if rows.len() <= ROWS {
        return rows;
    }
    let last =
        violation.and_then(|violation| violation.because.iter().max()).map(|id| super::scene::place(*id));
    let focus = last.and_then(|last| rows.iter().position(|row| row.pair.left == Some(last)));
    let focus = focus.unwrap_or(rows.len());
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| (rows[*at].depth, at.abs_diff(focus)));
    order.truncate(ROWS);
    order.sort_unstable();
    order.into_iter().map(|at| rows[at]).collect()
}
