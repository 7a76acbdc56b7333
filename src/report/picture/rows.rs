//! The rows of a picture: the events of one run, or of two that stand side by side.

use super::align::{Aligned, Pair, alone};
use super::causes::Causes;
use super::contents::difference;
use super::scene::{Depth, Scene, Shot, is_drawn, lanes};
use crate::explore::Run;
use crate::properties::Violation;
use perfidy_sim::EventKind;

/// How many rows a picture has at most. What is furthest from the violation is left out.
const ROWS: usize = 10_000;

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
    /// How the two runs are aligned.
    pub aligned: Option<Aligned>,
    /// How many rows there would be.
    pub of: usize,
}

impl<'a> Rows<'a> {
    /// The rows of a run, beside another if there is one.
    pub fn new(
        run: &'a Run,
        violation: Option<&Violation>,
        other: Option<(&'a Run, Aligned)>,
        causes: Causes,
    ) -> Self {
        let (other, mut aligned) = other.unzip();
        let runs: Vec<&Run> = [run].into_iter().chain(other).collect();
        let lanes = lanes(&runs);
        let scene = Scene::new(run, violation, &lanes, causes);
        let pairs = match &mut aligned {
            Some(aligned) => std::mem::take(&mut aligned.rows),
            None => alone(scene.shots.len()),
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
        let mut rows = Self { scene, other, list: rows, aligned, of };
        rows.show_parting();
        rows
    }

    /// The events of a row, in the run and in the other.
    pub fn shots(&self, row: &Row) -> (Option<&Shot<'a>>, Option<&Shot<'a>>) {
        let there = row.pair.right.zip(self.other.as_ref()).map(|(place, other)| &other.shots[place]);
        (row.pair.left.map(|place| &self.scene.shots[place]), there)
    }

    /// Whether only one of the two runs has this row, or both say something else; the fault itself is no
    /// difference.
    pub fn is_apart(&self, row: &Row) -> bool {
        let Some(aligned) = &self.aligned else { return false };
        let is_fault = |left: usize| matches!(self.scene.shots[left].event.what, EventKind::Injected(_));
        match row.pair {
            Pair { left: Some(left), .. } => !is_fault(left) && aligned.is_apart(left),
            Pair { left: None, .. } => true,
        }
    }

    /// What the event of a row says otherwise than its like.
    pub fn difference(&self, row: &Row) -> Option<String> {
        let aligned = self.aligned.as_ref()?;
        let (left, right) = (row.pair.left?, row.pair.right?);
        let other = &self.other.as_ref()?.shots[right];
        aligned.is_apart(left).then(|| difference(self.scene.shots[left].event, other.event))?
    }

    /// Where the two runs part is shown first.
    fn show_parting(&mut self) {
        if let Some(parting) = self.list.iter().position(|row| self.is_apart(row)) {
            self.list[parting].depth = Depth::Causes;
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
