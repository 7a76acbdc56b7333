//! The tools: the keys that every table has, and those that belong to the kind of the tool.

use super::{Diagnostics, Tables, is_word, not_a_word};
use crate::config::{Entry, Problem, Shape, Spread, shape_read};
use crate::suite::Suite;
use crate::tools::ToolConfig;
use crate::tools::ToolKind;
use perfidy_sim::Name;
use std::collections::BTreeMap;
use toml::Spanned;

/// More tools than any team has.
const MAX_TOOLS: usize = 100;

/// The keys that every tool has.
const COMMON: [&str; 3] = ["kind", "latency", "deduplicates"];

/// The tools by name, and whether all of them were understood. A tool whose table has a problem is there all
/// the same, so that it is not missed elsewhere.
pub(super) fn read(
    tables: &Tables<'_>,
    suite: &Suite,
    found: &mut Diagnostics,
) -> (BTreeMap<Name, ToolConfig>, bool) {
    let mut tools = BTreeMap::new();
    let before = found.0.len();
    for (place, entry) in tables.open("tools", found).into_iter().enumerate() {
        if place == MAX_TOOLS {
            found.add(entry.problem(format!("there are more than {MAX_TOOLS} tools")));
            break;
        }
        if !is_word(entry.name) {
            found.add(not_a_word(entry.key_span.clone(), entry.name));
            continue;
        }
        tools.insert(Name::new(entry.name), tool(&entry, suite, found));
    }
    (tools, found.0.len() == before)
}

/// A tool as its table describes it, as far as that can be understood.
fn tool(entry: &Entry<'_>, suite: &Suite, found: &mut Diagnostics) -> ToolConfig {
    let usual = ToolConfig::default();
    let Some(keys) = found.keep(entry.entries()) else { return usual };
    let common = |name: &str| keys.iter().find(|key| key.name == name);
    let latency = common("latency").and_then(|key| found.keep(key.read::<Spread>()));
    let deduplicates = common("deduplicates").and_then(|key| found.keep(key.read::<bool>()));
    let usual = ToolConfig {
        latency: latency.map_or(usual.latency, |spread| spread.0),
        deduplicates: deduplicates.unwrap_or_default(),
        ..usual
    };
    let kind = common("kind").map_or_else(|| Ok(suite.kind_of_tool(entry.name)), |key| kind(key, suite));
    let Some(kind) = found.keep(kind) else { return usual };
    let is_named = common("kind").is_some() || kind.name == entry.name;
    let misplaced = keys.iter().filter_map(|key| of_another_kind(key, kind, suite, is_named));
    let misplaced: Vec<Problem> = misplaced.collect();
    if !misplaced.is_empty() {
        found.0.extend(misplaced);
        return usual;
    }
    let prototype = found.keep(entry.without(&COMMON, |table| kind.read(table)));
    let prototype = prototype.unwrap_or_else(|| usual.prototype.clone());
    ToolConfig { kind: kind.name, prototype, ..usual }
}

/// The kind that a table names.
fn kind<'a>(key: &Entry<'_>, suite: &'a Suite) -> Result<&'a ToolKind, Problem> {
    let name: Spanned<String> = key.read()?;
    let known: Vec<&str> = suite.tools().iter().map(|kind| kind.name).collect();
    let unknown = || Problem::unknown(name.span(), "kind of tool", name.get_ref(), &known);
    suite.find_tool(name.get_ref()).ok_or_else(unknown)
}

/// What is wrong with a key that tools of another kind have, and those of this kind have not.
fn of_another_kind(key: &Entry<'_>, kind: &ToolKind, suite: &Suite, is_named: bool) -> Option<Problem> {
    let has = |kind: &ToolKind| own_keys(kind).contains(&key.name);
    if COMMON.contains(&key.name) || has(kind) {
        return None;
    }
    let message = format!("`{}` is no key of a tool of the kind `{}`", key.name, kind.name);
    let problem = Problem::at(key.key_span.clone(), message);
    let other = suite.tools().iter().find(|other| has(other));
    Some(match other {
        Some(other) if is_named => problem.help(format!("tools of the kind `{}` have it", other.name)),
        Some(other) => {
            problem.help(format!("tools of the kind `{0}` have it: add kind = \"{0}\"", other.name))
        }
        None => {
            let known: Vec<&str> = COMMON.into_iter().chain(own_keys(kind)).collect();
            problem.nearest_of(key.name, &known)
        }
    })
}

/// The keys that only tools of a kind have.
fn own_keys(kind: &ToolKind) -> Vec<&'static str> {
    own_shape(kind).keys()
}

/// The table of a tool, without the keys that every tool has.
pub(crate) fn own_shape(kind: &ToolKind) -> Shape {
    shape_read(kind.name, |table| kind.read(table))
}

/// The keys that every tool has, apart from `kind`.
pub(crate) fn tool_keys() -> [(&'static str, Shape); 2] {
    [("latency", Shape::of::<Spread>()), ("deduplicates", Shape::of::<bool>())]
}
