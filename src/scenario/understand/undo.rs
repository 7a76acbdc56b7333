//! Whether a task whose steps fail can be taken back.
//!
//! The steps of a saga are taken one after the other until one fails for good; then those before it are undone. So each
//! says how it is undone, and only the last can be one that nothing undoes. Where a task can be cancelled, not even that.

use super::{Found, Tables};
use crate::properties::{ALL_OR_COMPENSATED, NO_EFFECT_AFTER_CANCEL};
use crate::scenario::{Problem, Step, one_at_a_time};
use crate::workflows::Workflow;
use std::ops::Range;

pub(super) fn check(tables: &Tables<'_>, steps: &[Step], workflow: &Workflow, found: &mut Found) {
    let Some(places) = Places::of(tables, steps) else { return };
    if !workflow.properties.contains(&ALL_OR_COMPENSATED) {
        if let Some(undo) = places.0.iter().find_map(|place| place.undo.clone()) {
            let message = format!("the agents of the workflow `{}` undo nothing", workflow.name);
            found.add(Problem::at(undo, message).help("take `undo` out, or choose a saga"));
        }
        return;
    }
    if workflow.properties.contains(&NO_EFFECT_AFTER_CANCEL) {
        return can_all_be_undone(steps, &places, found);
    }
    let order = one_at_a_time(steps);
    for (index, place) in order.iter().enumerate() {
        let (step, at) = (&steps[*place], &places.0[*place]);
        let after = order.get(index + 1).map(|next| steps[*next].name);
        match (after, &at.irreversible) {
            (Some(next), Some(irreversible)) if step.irreversible => {
                let message =
                    format!("`{}` cannot be undone, but `{next}` comes after it and may fail", step.name);
                let help =
                    "only the last step can be irreversible: give this one an `undo`, or let it come last";
                found.add(Problem::at(irreversible.clone(), message).help(help));
            }
            _ if step.irreversible || at.undo.is_some() => {}
            (None, _) if index > 0 => {
                let message = format!("nothing says whether `{}` can be undone", step.name);
                let help = "add irreversible = true, or undo = \"TOOL.OPERATION\"";
                found.add(Problem::at(at.name.clone(), message).help(help));
            }
            _ => {
                let message = format!("nothing says how `{}` is undone", step.name);
                let help = "add undo = \"TOOL.OPERATION\", the operation that takes its effect back";
                found.add(Problem::at(at.name.clone(), message).help(help));
            }
        }
    }
    if let ([only], [place]) = (steps, places.0.as_slice())
        && only.irreversible
    {
        let message = format!("`{}` is all there is to do, and nothing undoes it", only.name);
        found.add(Problem::at(place.name.clone(), message).help("add a step that has an `undo`"));
    }
}

/// A task that can be cancelled at any time needs steps that can be undone, each of them.
fn can_all_be_undone(steps: &[Step], places: &Places, found: &mut Found) {
    for (step, at) in steps.iter().zip(&places.0) {
        let help = "add undo = \"TOOL.OPERATION\", the operation that takes its effect back";
        if let Some(irreversible) = &at.irreversible
            && step.irreversible
        {
            let message = format!("`{}` cannot be undone, but its task can be cancelled", step.name);
            found.add(Problem::at(irreversible.clone(), message).help(help));
        } else if at.undo.is_none() {
            let message = format!("nothing says how `{}` is undone", step.name);
            found.add(Problem::at(at.name.clone(), message).help(help));
        }
    }
}

/// Where a step says what.
struct Place {
    name: Range<usize>,
    undo: Option<Range<usize>>,
    irreversible: Option<Range<usize>>,
}

struct Places(Vec<Place>);

impl Places {
    /// `None` if some step was not understood: then what is missing proves nothing.
    fn of(tables: &Tables<'_>, steps: &[Step]) -> Option<Self> {
        let entries = tables.get("step")?.tables().ok()?;
        let place = |entry: &super::Entry<'_>| {
            let keys = entry.entries().ok()?;
            let at = |name: &str| keys.iter().find(|key| key.name == name);
            Some(Place {
                name: at("name")?.value_span(),
                undo: at("undo").map(super::Entry::value_span),
                irreversible: at("irreversible").map(super::Entry::value_span),
            })
        };
        let places: Vec<Place> = entries.iter().map(place).collect::<Option<_>>()?;
        (places.len() == steps.len() && one_at_a_time(steps).len() == steps.len()).then_some(Self(places))
    }
}
