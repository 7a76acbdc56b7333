//! The tasks: how many, how often, how much time each has, and whether the user cancels some.

use super::{Diagnostics, LONGEST, Tables, whole_number, within_limit};
use crate::config::{Problem, Ratio, Shape, Span, Spread};
use crate::properties::NO_EFFECT_AFTER_CANCEL;
use crate::safeguards::Safeguards;
use crate::safeguards::deadline_propagation::DeadlinePropagation;
use crate::workflows::Workflow;
use crate::workflows::{CancelledTasks, Tasks};
use perfidy_sim::{Chance, SimSpan, SimTime};
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// As many tasks as a scenario can have.
const MOST_TASKS: u32 = 100_000;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TasksTable {
    count: Option<Spanned<i64>>,
    every: Option<Spread>,
    within: Option<Spanned<Span>>,
    cancelled: Option<CancelledTable>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<TasksTable>()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelledTable {
    chance: Spanned<Ratio>,
    after: Spread,
}

pub(super) fn read(tables: &Tables<'_>, found: &mut Diagnostics) -> Tasks {
    let table: TasksTable = tables.closed("tasks", found);
    let count = table.count.and_then(|count| found.keep(whole_number(&count, "count", 1..=MOST_TASKS)));
    let every = table.every.map_or(SimSpan::ZERO..=SimSpan::from_secs(5), |spread| spread.0);
    let within = table.within.and_then(|within| found.keep(within_limit(&within, "within")));
    let cancelled = table.cancelled.and_then(|table| found.keep(cancelled(table)));
    Tasks { count: count.unwrap_or(3), every, within, cancelled }
}

fn cancelled(CancelledTable { chance, after }: CancelledTable) -> Result<CancelledTasks, Problem> {
    match chance.get_ref().0 {
        Chance::NEVER => Err(Problem::at(chance.span(), "with a chance of 0% nothing is ever cancelled")
            .help("raise the chance, or take `cancelled` out")),
        chance => Ok(CancelledTasks { chance, after: after.0 }),
    }
}

/// Whether the last task comes before the longest run is over. A run that is shorter goes on until it has
/// come, so that every task has its time.
pub(super) fn come_in_time(tables: &Tables<'_>, tasks: &Tasks) -> Result<(), Problem> {
    let last = tasks.last_at();
    if last <= SimTime::ZERO + LONGEST {
        return Ok(());
    }
    let (count, longest_gap) = (tasks.count, *tasks.every.end());
    let message =
        format!("the last of {count} tasks may come only after {last}, and none may after {LONGEST}");
    let gap = LONGEST.split(u64::from(count - 1));
    let most = 1 + LONGEST.as_nanos() / longest_gap.as_nanos().max(1);
    let help = format!("have at most {most} tasks, or write an `every` of at most {gap}");
    let place = tables.get("tasks").map(|entry| entry.key_span.clone());
    Err(Problem { span: place, message, help: Some(help) })
}

/// Tasks can be cancelled or have a deadline only where the team handles that; and a safeguard that passes
/// deadlines on needs deadlines.
pub(super) fn understood_by(
    tables: &Tables<'_>,
    tasks: &Tasks,
    workflow: &Workflow,
    on: &Safeguards,
    found: &mut Diagnostics,
) {
    let at_key = |table: &str, key: &str| -> Option<Range<usize>> {
        let entries = tables.get(table)?.entries().ok()?;
        entries.into_iter().find(|entry| entry.name == key).map(|entry| entry.key_span)
    };
    let can_cancel = workflow.properties.contains(&NO_EFFECT_AFTER_CANCEL);
    let keys = [
        ("within", tasks.within.is_some() && !workflow.has_deadlines()),
        ("cancelled", tasks.cancelled.is_some() && !can_cancel),
    ];
    for (key, is_useless) in keys {
        if let Some(place) = at_key("tasks", key).filter(|_| is_useless) {
            let message = format!("the team of the workflow `{}` ends what it has begun", workflow.name);
            found.add(Problem::at(place, message).help(format!("take `{key}` out")));
        }
    }
    if on.has::<DeadlinePropagation>()
        && tasks.within.is_none()
        && let Some(place) = at_key("safeguards", "deadline-propagation")
    {
        found.add(
            Problem::at(place, "there is no deadline to pass on")
                .help("add within = \"3m\" to [tasks], or take the safeguard out"),
        );
    }
}
