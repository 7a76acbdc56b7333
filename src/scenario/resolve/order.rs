//! Whether a workflow takes steps one after another where a file says so.

use super::{Diagnostics, Tables};
use crate::config::Problem;
use crate::workflows::{Step, Workflow};

pub(super) fn check(tables: &Tables<'_>, steps: &[Step], workflow: &Workflow, found: &mut Diagnostics) {
    if !workflow.takes_steps_at_once() || steps.iter().all(|step| step.needs.is_empty()) {
        return;
    }
    for step in tables.list("step", found) {
        let keys = step.entries().unwrap_or_default();
        if let Some(needs) = keys.iter().find(|key| key.name == "needs") {
            let message =
                format!("the workflow `{}` takes all steps of a task at once, in no order", workflow.name);
            found.add(Problem::at(needs.key_span.clone(), message).help("take `needs` out"));
        }
    }
}
