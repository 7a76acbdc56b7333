//! Whether a task whose steps fail can be undone.
//!
//! The steps of a saga are taken one after the other until one fails for good; then those before it are
//! undone. So each says how it is undone, and only the last can be one that nothing undoes. Where a task can
//! be cancelled, not even that.

use super::{Diagnostics, Tables};
use crate::config::Entry;
use crate::config::Problem;
use crate::properties::{ALL_OR_COMPENSATED, NO_EFFECT_AFTER_CANCEL};
use crate::workflows::Workflow;
use crate::workflows::{Step, one_at_a_time};
use std::ops::Range;

pub(super) fn check(tables: &Tables<'_>, steps: &[Step], workflow: &Workflow, found: &mut Diagnostics) {
    let Some(places) = places(tables, steps) else { return };
    if !workflow.properties.contains(&ALL_OR_COMPENSATED) {
        if let Some(undo) = places.into_iter().find_map(|place| place.undo) {
            let message = format!("the agents of the workflow `{}` undo nothing", workflow.name);
            found.add(Problem::at(undo, message).help("take `undo` out, or let a saga do the steps"));
        }
        return;
    }
    if workflow.properties.contains(&NO_EFFECT_AFTER_CANCEL) {
        return can_all_be_undone(steps, &places, found);
    }
    let order = one_at_a_time(steps);
    for (index, number) in order.iter().enumerate() {
        let (name, place) = (steps[*number].name, &places[*number]);
        let next = order.get(index + 1).map(|next| steps[*next].name);
        let (at, message, help) = match (steps[*number].irreversible, next) {
            (true, Some(next)) => (
                &place.name,
                format!("`{name}` cannot be undone, but `{next}` comes after it and may fail"),
                "only the last step can be irreversible: let it need the others, or give it an `undo`",
            ),
            (true, None) if index == 0 => (
                &place.name,
                format!("`{name}` is all there is to do, and it cannot be undone"),
                "a saga has at least one step with an `undo`",
            ),
            (false, _) if place.undo.is_none() => (
                &place.name,
                format!("nothing says how `{name}` is undone"),
                "add undo = \"TOOL.OPERATION\"; the last step can be irreversible = true instead",
            ),
            _ => continue,
        };
        found.add(Problem::at(at.clone(), message).help(help));
    }
}

/// A task that can be cancelled at any time needs steps that can be undone, each of them.
fn can_all_be_undone(steps: &[Step], places: &[Place], found: &mut Diagnostics) {
    for (step, place) in steps.iter().zip(places).filter(|(_, place)| place.undo.is_none()) {
        let message = if step.irreversible {
            format!("`{}` cannot be undone, but its task can be cancelled", step.name)
        } else {
            format!("nothing says how `{}` is undone", step.name)
        };
        let help = "add undo = \"TOOL.OPERATION\", the operation that takes its effect back";
        found.add(Problem::at(place.name.clone(), message).help(help));
    }
}

/// Where a step says what.
struct Place {
    name: Range<usize>,
    undo: Option<Range<usize>>,
}

/// The places of all steps; `None` if some step was not understood, for then what is missing proves nothing.
fn places(tables: &Tables<'_>, steps: &[Step]) -> Option<Vec<Place>> {
    let entries = tables.get("step")?.tables().ok()?;
    let place = |entry: &Entry<'_>| {
        let keys = entry.entries().ok()?;
        let at = |name: &str| keys.iter().find(|key| key.name == name).map(Entry::value_span);
        Some(Place { name: at("name")?, undo: at("undo") })
    };
    let places: Vec<Place> = entries.iter().map(place).collect::<Option<_>>()?;
    (places.len() == steps.len() && one_at_a_time(steps).len() == steps.len()).then_some(places)
}
