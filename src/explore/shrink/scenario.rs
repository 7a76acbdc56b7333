//! A smaller scenario: the file itself is edited, and whatever the reader of scenarios refuses is not tried.
//!
//! So nothing here knows a workflow, and a saved failure carries what it carries anyway, the text of a
//! scenario; it is only a shorter one. What is under test stays: the safeguards, the case, and how long chaos
//! and settling take.

use super::Shrinking;
use crate::config::Spread;
use crate::scenario::{Case, Scenario};
use perfidy_sim::{Action, Fault, SimSpan, SimTime};
use std::sync::Arc;
use toml_edit::visit_mut::{VisitMut, visit_table_like_kv_mut, visit_value_mut};
use toml_edit::{ArrayOfTables, DocumentMut, Item, KeyMut, Table, Value, value};

/// Tables whose ranges are no latencies: they are what is under test, or what was taken for a fault.
const KEPT_RANGES: &[&str] =
    &["fault", "faults", "properties", "safeguards", "settle", "step", "team", "without"];

/// Takes away what the failure does not need; whether anything was.
pub(super) fn simpler(shrinking: &mut Shrinking<'_>) -> bool {
    let mut is_simpler = attempt(shrinking, |document, case| {
        leave_out_other_cases(document, case) | leave_out_chances(document, case)
    });
    is_simpler |= fewer_tasks(shrinking);
    is_simpler |= smaller_team(shrinking);
    is_simpler |= fewer_steps(shrinking);
    is_simpler |= attempt(shrinking, |document, case| {
        spell_out_latencies(document, case) | shorten_ranges(document, None)
    });
    // Not all ranges at once; perhaps most of them.
    for place in 0..ranges(&shrinking.best.case) {
        is_simpler |= attempt(shrinking, |document, _| shorten_ranges(document, Some(place)));
    }
    is_simpler
}

/// Edits the scenario of the best failure so far and keeps the edit if it still fails, perhaps with its
/// faults moved to those who are left. `edit` says whether it changed anything.
fn attempt(shrinking: &mut Shrinking<'_>, edit: impl FnOnce(&mut DocumentMut, &Case) -> bool) -> bool {
    if shrinking.is_over() {
        return false;
    }
    let case = &shrinking.best.case;
    let Ok(mut document) = case.scenario.text.parse::<DocumentMut>() else { return false };
    if !edit(&mut document, case) {
        return false;
    }
    let name = case.scenario.name.as_str();
    let Ok(scenario) = Scenario::parse_saved(&case.scenario.suite, name, &document.to_string()) else {
        return false;
    };
    // A safeguard without what it needs makes a file that is refused as a scenario.
    let without_effect = |scenario: &Arc<Scenario>| Case::as_written(scenario).without_effect().len();
    if without_effect(&scenario) > without_effect(&case.scenario) {
        return false;
    }
    let Ok(smaller) = Case::labelled(&scenario, &case.label()) else { return false };
    let faults = shrinking.best.faults.clone();
    if shrinking.suffices(smaller.clone(), &faults) {
        return true;
    }
    let renumbered = renumbered(&faults, &smaller);
    renumbered != faults && shrinking.suffices(smaller, &renumbered)
}

/// The faults in which each name with a number that is too high, such as `task-3` of two tasks, is replaced
/// by the first, or by another that is not on the other side of the same partition.
fn renumbered(faults: &[Fault], case: &Case) -> Vec<Fault> {
    let scenario = &case.scenario;
    let roles = scenario.workflow.roles.iter().map(|role| (role.member, scenario.team[role.group]));
    let counts: Vec<(&str, u32)> = roles.chain([("task", scenario.tasks.count)]).collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let with = |fault: &Fault, number: u32| {
        fault.with_words(|word| {
            let (kind, old) = word.rsplit_once('-')?;
            let (_, count) = counts.iter().find(|(counted, _)| *counted == kind)?;
            (old.parse::<u32>().ok()? > *count).then(|| format!("{kind}-{}", number.min(*count)))
        })
    };
    let moved = |fault: &Fault| {
        let apart = (1..=most).map(|number| with(fault, number)).find(|moved| is_apart(moved.action));
        apart.unwrap_or_else(|| with(fault, 1))
    };
    faults.iter().map(moved).collect()
}

/// Whether the two sides of the action have no common member.
fn is_apart(action: Action) -> bool {
    action.sides().is_none_or(|(left, right)| {
        left.as_str().split('+').all(|name| right.as_str().split('+').all(|other| other != name))
    })
}

fn leave_out_other_cases(document: &mut DocumentMut, case: &Case) -> bool {
    let Some(cases) = document.get_mut("without").and_then(Item::as_array_of_tables_mut) else {
        return false;
    };
    let kept =
        case.without().and_then(|kept| case.scenario.without.iter().position(|without| without == kept));
    let only: ArrayOfTables = kept.and_then(|place| cases.get(place).cloned()).into_iter().collect();
    if only.len() == cases.len() {
        return false;
    }
    if only.is_empty() {
        document.remove("without");
    } else {
        document["without"] = Item::ArrayOfTables(only);
    }
    true
}

/// Chances have no say in an explicit plan; when fault injection ends does.
fn leave_out_chances(document: &mut DocumentMut, case: &Case) -> bool {
    let pinned = document.remove("fault").is_some();
    let Some(faults) = document.get_mut("faults").and_then(Item::as_table_like_mut) else { return pinned };
    let others: Vec<String> =
        faults.iter().map(|(key, _)| key.to_owned()).filter(|key| key != "until").collect();
    if others.is_empty() {
        return pinned;
    }
    faults.insert("until", value(text_of(case.scenario.heals_at().since(SimTime::ZERO))));
    for key in &others {
        faults.remove(key);
    }
    true
}

fn fewer_tasks(shrinking: &mut Shrinking<'_>) -> bool {
    fewer(
        shrinking,
        |case| (1, case.scenario.tasks.count),
        |document, count| {
            table(document, "tasks")["count"] = value(i64::from(count));
        },
    )
}

fn smaller_team(shrinking: &mut Shrinking<'_>) -> bool {
    let workflow = Arc::clone(&shrinking.best.case.scenario.workflow);
    let smaller = |role: &crate::workflows::Role, shrinking: &mut Shrinking<'_>| {
        fewer(
            shrinking,
            |case| (*role.count.start(), case.scenario.team[role.group]),
            |document, count| {
                table(document, "team")[role.group] = value(i64::from(count));
            },
        )
    };
    workflow.roles.iter().fold(false, |is_smaller, role| smaller(role, shrinking) | is_smaller)
}

/// Looks for the smallest number that suffices, from the least there can be upwards by halves of the way.
fn fewer(
    shrinking: &mut Shrinking<'_>,
    least_and_now: impl Fn(&Case) -> (u32, u32),
    set: impl Fn(&mut DocumentMut, u32),
) -> bool {
    let mut is_fewer = false;
    let (mut least, mut now) = least_and_now(&shrinking.best.case);
    while least < now {
        let edit = |document: &mut DocumentMut, _: &Case| {
            set(document, least);
            true
        };
        if attempt(shrinking, edit) {
            (is_fewer, now) = (true, least);
            (least, _) = least_and_now(&shrinking.best.case);
            if least == now {
                break;
            }
        } else {
            least += (now - least).div_ceil(2);
        }
    }
    is_fewer
}

fn fewer_steps(shrinking: &mut Shrinking<'_>) -> bool {
    let steps = shrinking.best.case.scenario.steps.len();
    (0..steps).rev().fold(false, |is_fewer, step| {
        attempt(shrinking, |document, case| leave_out_step(document, case, step)) | is_fewer
    })
}

fn leave_out_step(document: &mut DocumentMut, case: &Case, step: usize) -> bool {
    let Some(steps) = document.get_mut("step").and_then(Item::as_array_of_tables_mut) else { return false };
    let name = case.scenario.steps[step].name.as_str();
    steps.remove(step);
    for other in steps.iter_mut() {
        let is_needed = |need: &Value| need.as_str() != Some(name);
        let needs_none = match other.get_mut("needs").and_then(Item::as_value_mut) {
            Some(Value::Array(needs)) => {
                needs.retain(is_needed);
                needs.is_empty()
            }
            Some(need) => !is_needed(need),
            None => false,
        };
        if needs_none {
            other.remove("needs");
        }
    }
    leave_out_unused_tools(document);
    true
}

fn leave_out_unused_tools(document: &mut DocumentMut) {
    let steps = document.get("step").and_then(Item::as_array_of_tables);
    let called = steps.into_iter().flatten().flat_map(|step| ["tool", "undo"].map(|key| step.get(key)));
    let called = called.flatten().filter_map(Item::as_str).filter_map(|call| call.split_once('.'));
    let used: Vec<String> = called.map(|(tool, _)| tool.to_owned()).collect();
    if let Some(tools) = document.get_mut("tools").and_then(Item::as_table_like_mut) {
        let unused = tools.iter().map(|(tool, _)| tool.to_owned()).filter(|tool| !used.contains(tool));
        unused.collect::<Vec<_>>().iter().for_each(|tool| drop(tools.remove(tool)));
    }
}

/// Writes the shortest latency where the file leaves it to what is usual.
fn spell_out_latencies(document: &mut DocumentMut, case: &Case) -> bool {
    let scenario = &case.scenario;
    let mut is_changed = false;
    let mut spell_out = |table: &mut Table, shortest: SimSpan| {
        if !table.contains_key("latency") {
            table["latency"] = value(text_of(shortest));
            is_changed = true;
        }
    };
    spell_out(table(document, "network"), *scenario.network.latency.start());
    spell_out(table(document, "model"), *scenario.model.latency.start());
    for (name, tool) in &scenario.tools {
        let tools = table(document, "tools");
        if let Some(table) = tools.get_mut(name.as_str()).and_then(Item::as_table_mut) {
            spell_out(table, *tool.latency.start());
        }
    }
    is_changed
}

/// The table of that name, made if it is not there.
fn table<'a>(document: &'a mut DocumentMut, name: &str) -> &'a mut Table {
    let item = document.entry(name).or_insert_with(|| Item::Table(Table::new()));
    if let Item::Value(Value::InlineTable(inline)) = item {
        *item = Item::Table(std::mem::take(inline).into_table());
    }
    item.as_table_mut().expect("the reader took it for a table")
}

/// Puts the shortest time in the place of a range: of every one, or of the one at a place. Tasks are put as
/// far apart as they can be instead.
fn shorten_ranges(document: &mut DocumentMut, place: Option<usize>) -> bool {
    let mut shorten = ShortenRanges { place, seen: 0, is_changed: false, is_apart: false };
    shorten.visit_document_mut(document);
    shorten.is_changed
}

/// How many ranges can be shortened.
fn ranges(case: &Case) -> usize {
    let Ok(mut document) = case.scenario.text.parse::<DocumentMut>() else { return 0 };
    let mut shorten = ShortenRanges { place: Some(usize::MAX), seen: 0, is_changed: false, is_apart: false };
    shorten.visit_document_mut(&mut document);
    shorten.seen
}

struct ShortenRanges {
    place: Option<usize>,
    seen: usize,
    is_changed: bool,
    is_apart: bool,
}

impl VisitMut for ShortenRanges {
    fn visit_table_like_kv_mut(&mut self, key: KeyMut<'_>, node: &mut Item) {
        if KEPT_RANGES.contains(&key.get()) {
            return;
        }
        self.is_apart = key.get() == "every";
        visit_table_like_kv_mut(self, key, node);
    }

    fn visit_value_mut(&mut self, node: &mut Value) {
        let range =
            node.as_str().filter(|text| text.contains("..")).and_then(|text| text.parse::<Spread>().ok());
        let Some(Spread(range)) = range else { return visit_value_mut(self, node) };
        if self.place.is_none_or(|place| place == self.seen) {
            *node = text_of(if self.is_apart { *range.end() } else { *range.start() }).into();
            self.is_changed = true;
        }
        self.seen += 1;
    }
}

/// A span as a file has it.
fn text_of(span: SimSpan) -> String {
    span.to_string()
}
