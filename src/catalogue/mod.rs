//! The catalogue: everything a scenario can name, read from its definition.
//!
//! Faults, safeguards, properties and workflows are values of a [`Suite`], each of its own type. Here they
//! are [`Item`]s of one type, for lookup and lists; nothing is documented twice.
//!
//! ```
//! let suite = perfidy::suite::Suite::shipped();
//! let drop = perfidy::catalogue::named(&suite, "drop").next().unwrap();
//! assert_eq!(drop.example, Some("drop = { between = [\"coordinator\", \"executors\"], chance = \"2%\" }"));
//! assert!(drop.keys.iter().any(|key| key.name == "chance"));
//! ```

mod format;
mod relations;
pub(crate) mod shipped;
mod team;

pub(crate) use format::{FileTable, TABLES};
pub(crate) use relations::Broke;
pub use relations::{Relation, Relations};
pub(crate) use team::Team;

use crate::config::{Shape, shape_read};
use crate::explore::strategy::Choice;
use crate::faults::FaultKind;
use crate::properties::{AtMost, Bound, EVENTUAL_TERMINATION, Property, WELL_BEHAVED};
use crate::safeguards::SafeguardKind;
use crate::scenario::{Scenario, own_shape, usual_events};
use crate::suite::Suite;
use crate::tools::ToolKind;
use crate::workflows::Workflow;
use perfidy_sim::{Chaos, Name};
use std::collections::BTreeMap;
use std::fmt;

/// What kind of thing an item is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Family {
    /// A fault.
    Fault,
    /// A safeguard.
    Safeguard,
    /// A property.
    Property,
    /// A probe.
    Probe,
    /// A workflow.
    Workflow,
    /// A kind of tool.
    Tool,
    /// A table of a scenario file.
    Table,
    /// A search strategy.
    Strategy,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 8] = [
        Self::Fault,
        Self::Safeguard,
        Self::Property,
        Self::Probe,
        Self::Workflow,
        Self::Tool,
        Self::Table,
        Self::Strategy,
    ];

    /// What its items are called together, such as `faults`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Fault => "faults",
            Self::Safeguard => "safeguards",
            Self::Property => "properties",
            Self::Probe => "probes",
            Self::Workflow => "workflows",
            Self::Tool => "tools",
            Self::Table => "tables",
            Self::Strategy => "strategies",
        }
    }

    /// Where its items are written in a scenario, or on the command line.
    pub fn place(self) -> &'static str {
        match self {
            Self::Fault => "[faults]",
            Self::Safeguard => "[safeguards]",
            Self::Property => "[properties]",
            Self::Probe => "in code",
            Self::Workflow => "workflow =",
            Self::Tool => "[tools]",
            Self::Table => "of a file",
            Self::Strategy => "--strategy",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fault => "fault",
            Self::Safeguard => "safeguard",
            Self::Property => "property",
            Self::Probe => "probe",
            Self::Workflow => "workflow",
            Self::Tool => "tool",
            Self::Table => "table",
            Self::Strategy => "strategy",
        })
    }
}

/// Something that a scenario can name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// What kind of thing it is.
    pub family: Family,
    /// Its name.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// Its keys in a file.
    pub keys: Vec<Key>,
    /// An example for a file.
    pub example: Option<&'static str>,
}

/// A key of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub means: String,
}

/// All items of a suite, family by family, each in the order of its list.
pub fn all(suite: &Suite) -> Vec<Item> {
    let faults = suite.faults().map(fault);
    let safeguards = suite.safeguards().iter().map(safeguard);
    let properties = suite.properties().iter().map(property);
    let probes = suite.probes().iter().map(|probe| Item {
        family: Family::Probe,
        name: probe.name,
        about: probe.about,
        keys: Vec::new(),
        example: None,
    });
    let workflows = suite.workflows().map(|kind| workflow(kind));
    let strategies = Choice::all(suite).map(|choice| Item {
        family: Family::Strategy,
        name: choice.name(),
        about: choice.about(),
        keys: Vec::new(),
        example: None,
    });
    let tools = suite.tools().iter().map(tool);
    let in_order = faults.chain(safeguards).chain(properties).chain(probes).chain(workflows).chain(tools);
    in_order.chain(TABLES.iter().map(table)).chain(strategies).collect()
}

/// The items of a suite that have that name.
pub fn named(suite: &Suite, name: &str) -> impl Iterator<Item = Item> {
    all(suite).into_iter().filter(move |item| item.name == name)
}

/// What stands above an item in a file: the heading of its table.
pub fn heading(item: &Item) -> String {
    let of_table = format::table(item.name).filter(|_| item.family == Family::Table);
    of_table.map_or(item.family.place(), |table| table.heading).to_owned()
}

impl Item {
    /// Whether a scenario uses it: configures the fault, turns the safeguard on, judges the property or runs
    /// the workflow.
    pub fn is_used_by(&self, scenario: &Scenario) -> bool {
        match self.family {
            Family::Fault => {
                let is_it = |kind: &Name| kind.as_str() == self.name;
                let pinned = scenario.chaos.pinned.iter().map(|fault| fault.action.kind());
                scenario.fault_kinds.iter().any(is_it) || pinned.into_iter().any(|kind| is_it(&kind))
            }
            Family::Safeguard => {
                self.is_missed_in(scenario) || scenario.safeguards.names().any(|name| name == self.name)
            }
            Family::Property => {
                let is_waived = scenario.waived.contains_key(self.name);
                let breaks = scenario.without.iter().any(|without| without.violates.contains(&self.name));
                !is_waived && (breaks || scenario.workflow.properties.contains(&self.name))
            }
            Family::Probe => scenario.workflow.probes.contains(&self.name),
            Family::Workflow => scenario.workflow.name == self.name,
            Family::Tool => scenario.tools.values().any(|tool| tool.kind == self.name),
            Family::Table => format::table(self.name).is_some_and(|table| table.is_in(scenario)),
            Family::Strategy => false,
        }
    }

    /// Whether a scenario has a case without the safeguard, or one in which the property is violated.
    pub fn is_missed_in(&self, scenario: &Scenario) -> bool {
        scenario.without.iter().any(|without| match self.family {
            Family::Safeguard => without.safeguards.contains(&self.name),
            Family::Property => without.violates.contains(&self.name),
            Family::Fault
            | Family::Probe
            | Family::Workflow
            | Family::Tool
            | Family::Table
            | Family::Strategy => false,
        })
    }
}

/// What an entry of `[faults]` of that kind can be.
pub(crate) fn shape_of_fault(kind: &FaultKind) -> Shape {
    let no_tools = BTreeMap::new();
    let directory = Workflow::new("").directory(&BTreeMap::new(), &no_tools);
    shape_read(kind.name, |entry| (kind.read)(entry, &directory, &mut Chaos::default()))
}

/// What an entry of `[safeguards]` of that kind can be.
pub(crate) fn shape_of_safeguard(kind: &SafeguardKind) -> Shape {
    shape_read(kind.name, |entry| kind.ask(entry))
}

fn fault(kind: &FaultKind) -> Item {
    let keys = shape_of_fault(kind).keys();
    item(Family::Fault, kind.name, kind.about, keys, Some(kind.example))
}

fn safeguard(kind: &SafeguardKind) -> Item {
    let keys = shape_of_safeguard(kind).keys();
    item(Family::Safeguard, kind.name, kind.about, keys, Some(kind.example))
}

fn tool(kind: &ToolKind) -> Item {
    let keys = ["kind", "latency", "deduplicates"].into_iter().chain(own_shape(kind).keys()).collect();
    item(Family::Tool, kind.name, kind.about, keys, Some(kind.example))
}

fn table(table: &FileTable) -> Item {
    let key = |(name, means): &(&'static str, &'static str)| Key { name, means: (*means).to_owned() };
    Item {
        family: Family::Table,
        name: table.name,
        about: table.about,
        keys: table.keys.iter().map(key).collect(),
        example: Some(table.example),
    }
}

fn property(kind: &Property) -> Item {
    let mut keys = vec![Key { name: "waive", means: "why this file does not ask for it".to_owned() }];
    keys.extend(kind.bound.map(|bound| {
        let usual = match bound.usual {
            AtMost::Span(span) => span.to_string(),
            AtMost::Count(count) => count.to_string(),
        };
        let steps = Bound::STEPS;
        let more = format!(", and more for a task of more than {steps} steps, in proportion");
        let more = if bound.grows_with_steps { more } else { String::new() };
        Key { name: bound.key, means: format!("how far it may go; {usual} if nothing is said{more}") }
    }));
    keys.extend(run_bound(kind));
    Item { family: Family::Property, name: kind.name, about: kind.about, keys, example: None }
}

/// The bound of a run: a property could not judge a run that was cut there.
fn run_bound(kind: &Property) -> Option<Key> {
    match kind.name {
        EVENTUAL_TERMINATION => {
            let means =
                "[settle] how long a run goes on after the faults and the last task; 15m if nothing is said";
            Some(Key { name: "within", means: means.to_owned() })
        }
        WELL_BEHAVED => {
            let means =
                format!("[limits] how many events a run may have; if nothing is said, {}", usual_events());
            Some(Key { name: "events", means })
        }
        _ => None,
    }
}

fn workflow(kind: &Workflow) -> Item {
    let role = |role: &crate::workflows::Role| Key {
        name: role.group,
        means: format!(
            "[team] how many, from {} to {}; {} if nothing is said",
            role.count.start(),
            role.count.end(),
            role.default
        ),
    };
    let keys = kind.roles.iter().map(role).collect();
    Item { family: Family::Workflow, name: kind.name, about: kind.about, keys, example: None }
}

fn item(
    family: Family,
    name: &'static str,
    about: &'static str,
    keys: Vec<&'static str>,
    example: Option<&'static str>,
) -> Item {
    let keys = keys.into_iter().map(|name| Key { name, means: meaning(name).unwrap_or_default().to_owned() });
    Item { family, name, about, keys: keys.collect(), example }
}

/// The meaning of the keys of faults and safeguards. A key has the same meaning everywhere.
const MEANINGS: &[(&str, &str)] = &[
    ("above", "how many tokens a transcript may have before it is shortened"),
    ("after", "the step or the time after which it is injected"),
    ("among", "who falls apart: agents, groups, tools; the whole team if nothing is said"),
    ("anywhere", "`true`: before and after every action, instead of steps by name"),
    ("at", "where it is injected, or what it is for: an agent, a group, a tool, or a list of them"),
    ("at-most", "how many may stay down for good, fewer than half of them"),
    ("attempts", "how many tries in all, the first included"),
    ("back-after", "how long until it is back"),
    ("backoff", "the wait after the first try, and the longest there is"),
    ("balances", "the accounts, each with what is in it at the beginning"),
    ("before", "the step before which it is injected"),
    ("between", "the two ends, each an agent, a group or a tool"),
    ("by", "by how much, drawn anew each time"),
    ("capacity", "how many requests it takes in at a time, those that are worked on included"),
    ("chance", "how likely, at each place where it can be injected"),
    (
        "changes-every",
        "after what time things get a new version, drawn anew each time; never if nothing is said",
    ),
    ("deduplicates", "whether it recognises an idempotency key that it has seen; no if nothing is said"),
    ("during", "what it is in the middle of when it is injected: `sync`"),
    ("each", "how long it takes to receive one message, drawn anew each time"),
    ("every", "the time from the end of one to the next, drawn anew each time"),
    ("expires-after", "how long an answer counts, from when it is asked for"),
    ("failures", "how many calls in a row have to fail"),
    ("field", "the only field of an answer that is altered; one of them, drawn, if nothing is said"),
    ("files", "the files that are there at the beginning, by path"),
    ("hops", "how often it may change hands"),
    ("latency", "how long it works on a request, drawn anew each time; 50ms..500ms if nothing is said"),
    ("lasting", "how long each takes, drawn anew each time"),
    ("lease", "how long its holder may go on before it has to ask again"),
    ("liars", "how many voters may lie"),
    ("max-age", "how old what was read may be when it is used"),
    ("message", "which kind of message; all if nothing is said"),
    ("one-way", "whether only messages from the first to the second are lost"),
    ("open", "for how long no call leaves"),
    ("operation", "which operation of the tool; all if nothing is said"),
    ("per", "the time over which they are counted"),
    ("ppm", "by how many parts per million the clock runs wrong"),
    ("records", "how many of the last records it misses; 1 if nothing is said"),
    ("retries", "how many calls may be repeated in that time, of each tool"),
    ("runs", "when it checks: `before`, `beside` or `after` the model"),
    ("split", "how the team falls apart: `random`, or `minority`"),
    ("times", "how many times as long it takes"),
    ("turn", "how long the link is down and then up, drawn anew each time"),
    (
        "kind",
        "of which kind the tool is; if nothing is said, of that which is called as the tool, or else `records`",
    ),
    ("direction", "whether the clock is `ahead` or `behind`; either if nothing is said"),
    ("tokens", "how many tokens models may read and write over it"),
    ("turns", "how often a model may be asked about it"),
    ("within", "the longest time it takes"),
];

/// What a key means, wherever it stands.
pub(crate) fn meaning(key: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(name, _)| *name == key).map(|(_, meaning)| *meaning)
}

/// The longest name, to align columns.
pub fn widest(items: &[Item]) -> usize {
    items.iter().map(|item| item.name.len()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
