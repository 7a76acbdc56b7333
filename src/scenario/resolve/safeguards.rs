//! What is switched on, and what the cases without it claim.

use super::{Diagnostics, Tables, whole_number};
use crate::config::problem::listed;
use crate::config::{Entry, OneOrMany, Problem, Shape, nearest};
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::safeguards::tool_retry::ToolRetry;
use crate::safeguards::{Safeguard, SafeguardKind, Safeguards};
use crate::scenario::Without;
use crate::scenario::removal::step_traits;
use crate::suite::Suite;
use crate::tools::ToolConfig;
use crate::workflows::Step;
use crate::workflows::Workflow;
use perfidy_sim::Name;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::Spanned;

/// What `[safeguards]` comes to.
pub(super) struct Switches {
    pub on: Safeguards,
    /// Those that the file means to switch on but does not manage to.
    broken: BTreeSet<&'static str>,
}

pub(super) fn read(
    tables: &Tables<'_>,
    suite: &Suite,
    workflow: &Workflow,
    found: &mut Diagnostics,
) -> Switches {
    let mut switches = Switches { on: Safeguards::default(), broken: BTreeSet::new() };
    let known = suite.safeguard_names();
    for entry in tables.open("safeguards", found) {
        let Some(kind) = suite.find_safeguard(entry.name) else {
            found.add(Problem::unknown(entry.key_span, "safeguard", entry.name, &known));
            switches.broken.extend(nearest(entry.name, &known));
            continue;
        };
        if found.keep(switches.on.read(kind, &entry)).is_none() {
            switches.broken.insert(kind.name);
        } else if switches.on.is_on(kind) || kind.is_built_in {
            found.keep(is_supported(kind, entry.key_span, workflow));
        }
    }
    switches
}

/// Whether the agents of a workflow can be with a safeguard, and without it if it is built in.
fn is_supported(kind: &SafeguardKind, place: Range<usize>, workflow: &Workflow) -> Result<(), Problem> {
    if workflow.safeguards.contains(&kind.name) {
        return Ok(());
    }
    let message = format!("the agents of the workflow `{}` have no `{}`", workflow.name, kind.name);
    let help = format!("they know how to use {}", listed(&workflow.safeguards));
    Err(Problem::at(place, message).help(help))
}

impl Switches {
    /// A safeguard without what it needs would have no effect.
    pub fn have_what_they_need(
        &self,
        tables: &Tables<'_>,
        suite: &Suite,
        (steps, tools, team): (&[Step], &BTreeMap<Name, ToolConfig>, &BTreeMap<&'static str, u32>),
        found: &mut Diagnostics,
    ) {
        let steps = step_traits(steps);
        let setup = Setup { on: &self.on, unread: &self.broken, steps, tools, team };
        let entries = tables.get("safeguards").and_then(|entry| entry.entries().ok()).unwrap_or_default();
        for entry in entries {
            let missing = suite.find_safeguard(entry.name).and_then(|kind| kind.missing(&setup));
            if let Some(Missing { message, help }) = missing {
                found.add(Problem::at(entry.key_span, message).help(help));
            }
        }
    }

    /// Retries of a tool that the file does not have would never be made.
    pub fn retried_tools_exist<'a>(
        &self,
        tables: &'a Tables<'_>,
        tools: &BTreeMap<Name, ToolConfig>,
        found: &mut Diagnostics,
    ) {
        let Some(retry) = self.on.get::<ToolRetry>() else { return };
        let known: Vec<&str> = tools.keys().map(|tool| tool.as_str()).collect();
        let key_of = |table: Option<Vec<Entry<'a>>>, key: &str| {
            table.into_iter().flatten().find(|entry| entry.name == key)
        };
        let safeguards = tables.get("safeguards").and_then(|entry| entry.entries().ok());
        let retries = key_of(safeguards, ToolRetry::NAME).and_then(|entry| entry.entries().ok());
        let Some(at) = key_of(retries, "at") else { return };
        for tool in retry.tools.iter().filter(|tool| !tools.contains_key(tool)) {
            found.add(Problem::unknown(at.value_span(), "tool", tool.as_str(), &known));
        }
    }

    /// A tool that could recognise keys and the switch that makes it do so mean nothing without each other.
    pub fn dedupe_takes_two(
        &self,
        tables: &Tables<'_>,
        tools: &BTreeMap<Name, ToolConfig>,
        found: &mut Diagnostics,
    ) {
        let switch = ToolDedupe::NAME;
        if self.broken.contains(switch) {
            return;
        }
        let able = tools.iter().find(|(_, tool)| tool.deduplicates).map(|(name, _)| *name);
        let mut at_key = |table: &str, key: &str, message: String, help: String| {
            let entries = tables.get(table).and_then(|entry| entry.entries().ok()).unwrap_or_default();
            if let Some(entry) = entries.into_iter().find(|entry| entry.name == key) {
                found.add(Problem::at(entry.key_span, message).help(help));
            }
        };
        match able {
            Some(tool) if !self.on.has::<ToolDedupe>() => at_key(
                "tools",
                tool.as_str(),
                format!("`{tool}` deduplicates, but the safeguard `{switch}` is not on"),
                format!("add {switch} = true to [safeguards], or take `deduplicates` out"),
            ),
            None if self.on.has::<ToolDedupe>() => at_key(
                "safeguards",
                switch,
                format!("`{switch}` is on, but no tool deduplicates"),
                "add deduplicates = true to the table of a tool".to_owned(),
            ),
            _ => {}
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WithoutTable {
    safeguards: OneOrMany<String>,
    pub violates: OneOrMany<String>,
    within_seeds: Option<Spanned<i64>>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<WithoutTable>()
}

/// The cases in which something is taken away.
pub(super) fn without(
    tables: &Tables<'_>,
    (suite, workflow): (&Suite, &Workflow),
    switches: &Switches,
    waived: &BTreeMap<&'static str, String>,
    found: &mut Diagnostics,
) -> Vec<Without> {
    let mut cases: Vec<Without> = Vec::new();
    let mut taken = BTreeSet::new();
    for entry in tables.list("without", found) {
        let Some(table) = found.keep(entry.read::<WithoutTable>()) else { continue };
        let before = found.0.len();
        let mut safeguards = Vec::new();
        for word in &table.safeguards {
            safeguards.extend(found.keep(can_be_taken(word, suite, workflow, switches)));
        }
        let mut violates = Vec::new();
        for word in &table.violates {
            let property = found.keep(can_break(word, suite, waived, CANNOT_SHOW));
            if let Some(twice) = property.filter(|property| violates.contains(property)) {
                let message = format!("`{twice}` is named twice");
                found.add(Problem::at(word.span(), message).help("name each property once"));
            }
            violates.extend(property);
        }
        let within_seeds = table
            .within_seeds
            .map_or(Ok(Without::USUAL_SEEDS), |within| whole_number(&within, "within-seeds", 1..=100_000));
        let within_seeds = found.keep(within_seeds).unwrap_or_default();
        if found.0.len() > before {
            continue;
        }
        let as_set: BTreeSet<&str> = safeguards.iter().copied().collect();
        if as_set.len() < safeguards.len() || !taken.insert(as_set) {
            let message = format!("{} is taken away twice", listed(&safeguards));
            found.add(entry.problem(message).help("each case takes away something else"));
        }
        cases.push(Without { safeguards, violates, within_seeds });
    }
    cases
}

fn can_be_taken(
    word: &Spanned<String>,
    suite: &Suite,
    workflow: &Workflow,
    switches: &Switches,
) -> Result<&'static str, Problem> {
    let Some(kind) = suite.find_safeguard(word.get_ref()) else {
        return Err(Problem::unknown(word.span(), "safeguard", word.get_ref(), &suite.safeguard_names()));
    };
    if kind.is_built_in {
        is_supported(kind, word.span(), workflow)?;
    }
    if switches.on.is_on(kind) || switches.broken.contains(kind.name) {
        return Ok(kind.name);
    }
    let message = format!("`{}` is not on, so it cannot be taken away", kind.name);
    Err(Problem::at(word.span(), message).help("switch it on in [safeguards], or leave it out here"))
}

/// What it means for a case that the property which it breaks is waived.
const CANNOT_SHOW: &str = "the case could not show that it breaks";

/// The property of that name, unless it is waived, which `means` what.
pub(super) fn can_break(
    word: &Spanned<String>,
    suite: &Suite,
    waived: &BTreeMap<&'static str, String>,
    means: &str,
) -> Result<&'static str, Problem> {
    let Some(property) = suite.find_property(word.get_ref()).map(|property| property.name) else {
        return Err(Problem::unknown(word.span(), "property", word.get_ref(), &suite.property_names()));
    };
    if waived.contains_key(property) {
        let message = format!("`{property}` is waived, so {means}");
        return Err(Problem::at(word.span(), message).help("take it out of [properties]"));
    }
    Ok(property)
}
