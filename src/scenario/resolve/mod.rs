//! From text to a [`Scenario`]: every table of a file read, checked against the others, and resolved.
//!
//! Parsing does not stop at the first problem. A part with a problem is noted and left out, and the rest is
//! read as far as it makes sense without that part: without a workflow, for example, the team is unknown.

mod agents;
mod faults;
mod idle;
mod order;
mod parts;
mod pinned;
mod property_settings;
mod reach;
mod safeguards;
mod service_levels;
mod settle;
mod steps;
mod store;
mod tasks;
#[cfg(test)]
mod tests;
mod tools;
mod undo;
mod unused;

use crate::faults::targets;
pub(crate) use reach::rule_of;
pub(crate) use tools::{own_shape, tool_keys};

use crate::agent::ChatLimits;
use crate::config::problem::listed;
use crate::config::{Entry, entries, nearest};
use crate::config::{Problem, Shape, Span, Spread};
use crate::faults::Directory;
use crate::scenario::active::{trouble_in_text, trouble_with_name};
use crate::scenario::{Contents, Link, Model, Network, Scenario};
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Chaos, Name, SimSpan};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeTable;

/// The tables of a file.
const KEYS: &[&str] = &[
    "agents",
    "fault",
    "faults",
    "limits",
    "model",
    "network",
    "properties",
    "safeguards",
    "service-level",
    "settle",
    "step",
    "store",
    "tasks",
    "team",
    "tools",
    "without",
    "workflow",
];

/// The longest time that a file can give: until fault injection ends, for the team to settle, or for a task.
const LONGEST: SimSpan = SimSpan::from_secs(30 * 24 * 60 * 60);

/// How many events a file can allow a run: enough for the smallest team, and as many as a large machine can
/// hold.
const EVENTS: RangeInclusive<u32> = 1_000..=1_000_000_000;

/// How long a context window can be, in tokens: there is room for a task.
const CONTEXT_WINDOWS: RangeInclusive<u32> = 1_000..=10_000_000;

/// The tables that are read as a whole, with their shapes, for a schema of the file. The others are open:
/// their keys come from a suite.
pub(crate) fn tables() -> Vec<(&'static str, Shape)> {
    let list = |of: Shape| Shape::List { of: Box::new(of), count: None };
    vec![
        ("agents", Shape::Map(Box::new(agents::shape()))),
        ("fault", list(pinned::shape())),
        ("limits", Shape::of::<LimitsTable>()),
        ("model", Shape::of::<ModelTable>()),
        ("network", Shape::of::<NetworkTable>()),
        ("service-level", list(service_levels::shape())),
        ("settle", settle::shape()),
        ("step", list(steps::shape())),
        ("store", store::shape()),
        ("tasks", tasks::shape()),
        ("without", list(safeguards::shape())),
    ]
}

/// The problems found so far.
#[derive(Default)]
struct Diagnostics(Vec<Problem>);

impl Diagnostics {
    fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// What was read, or `None` and the problem noted.
    fn keep<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.add(problem)).ok()
    }
}

/// The tables of a file by name.
struct Tables<'a>(Vec<Entry<'a>>);

impl<'a> Tables<'a> {
    fn get(&self, name: &str) -> Option<&Entry<'a>> {
        self.0.iter().find(|entry| entry.name == name)
    }

    /// The entries of an open table; none if there is no such table.
    fn open(&self, name: &str, found: &mut Diagnostics) -> Vec<Entry<'a>> {
        self.get(name).and_then(|entry| found.keep(entry.entries())).unwrap_or_default()
    }

    /// The elements of an array of tables; none if there is no such array.
    fn list(&self, name: &str, found: &mut Diagnostics) -> Vec<Entry<'a>> {
        self.get(name).and_then(|entry| found.keep(entry.tables())).unwrap_or_default()
    }

    /// A table that is read as a whole; its default if there is none.
    fn closed<T: Default + serde::de::DeserializeOwned>(&self, name: &str, found: &mut Diagnostics) -> T {
        self.get(name).and_then(|entry| found.keep(entry.read())).unwrap_or_default()
    }
}

/// What is wrong with the pinned faults in the text of a saved failure of a scenario.
pub(super) fn check_pinned(text: &str, scenario: &Scenario) -> Vec<Problem> {
    let Ok(root) = DeTable::parse(text) else { return Vec::new() };
    let found = &mut Diagnostics::default();
    let pinned = Tables(entries(root.get_ref())).list("fault", found);
    let mut chaos = Chaos { until: scenario.heals_at(), ..Chaos::default() };
    pinned::read(&pinned, &scenario.directory(), &mut chaos, found);
    std::mem::take(&mut found.0)
}

/// What becomes of a file with a fault that can never be injected into its team.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unreachable {
    /// The file is rejected.
    Rejected,
    /// The file is accepted.
    Accepted,
}

/// Turns a text into a scenario for a suite, or into everything that is wrong with it.
pub(super) fn resolve(
    suite: &Suite,
    name: &str,
    text: &str,
    unreachable: Unreachable,
) -> Result<Arc<Scenario>, Vec<Problem>> {
    if text.trim().is_empty() {
        let help = "begin with a comment that says what the scenario probes, then workflow = \"conductor\"";
        return Err(vec![Problem::whole("the file is empty").help(help)]);
    }
    if let Some(trouble) = trouble_with_name(name) {
        return Err(vec![Problem::whole(trouble).help("give the file or its folder another name")]);
    }
    if let Some(problem) = trouble_in_text(text) {
        return Err(vec![problem]);
    }
    let root = DeTable::parse(text).map_err(|error| vec![Problem::in_toml(text, &error)])?;
    let tables = Tables(entries(root.get_ref()));
    if tables.get("case").is_some() && tables.get("workflow").is_none() {
        let help = "`perfidy replay` replays it";
        return Err(vec![Problem::whole("this is a saved failure, not a scenario").help(help)]);
    }
    let found = &mut Diagnostics::default();
    for entry in tables.0.iter().filter(|entry| !KEYS.contains(&entry.name)) {
        found.add(Problem::unknown(entry.key_span.clone(), "key", entry.name, KEYS));
    }

    let about = found.keep(about(text)).unwrap_or_default();
    let (tools, tools_are_sound) = tools::read(&tables, suite, found);
    let steps = steps::read(&tables, &tools, found);
    let tasks = tasks::read(&tables, found);
    let store = store::read(&tables, found);
    let model = model(&tables, found);
    let settling = settle::read(&tables, found);
    let most_events = most_events(&tables, found);
    let settings = property_settings::read(&tables, suite, found);
    let service_levels = service_levels::read(&tables, suite, &settings.waived, found);
    let Some(workflow) = found.keep(workflow(&tables, suite)) else {
        return Err(std::mem::take(&mut found.0));
    };

    undo::check(&tables, &steps, &workflow, found);
    order::check(&tables, &steps, &workflow, found);
    steps::can_be_guarded(&tables, &workflow, found);
    steps::can_rest_on_evidence(&tables, &workflow, found);
    let team = team(&tables, &workflow, found);
    let directory = workflow.directory(&team, &tools);
    let directory = directory.with_faults(suite.fault_kinds());
    let network = network(&tables, &directory, found);
    no_node_twice(&tables, &directory, found);
    let safeguards = safeguards::read(&tables, suite, &workflow, found);
    let program = agents::read(&tables, suite, &workflow, found);
    if program.is_some() {
        agents::guards_itself(&tables, found);
    }
    if tools_are_sound {
        safeguards.dedupe_takes_two(&tables, &tools, found);
        // What was shrunk and saved may have lost it, and has no use for the safeguard; what cannot be read
        // would be missed too.
        if unreachable == Unreachable::Rejected && found.0.is_empty() && program.is_none() {
            safeguards.have_what_they_need(&tables, suite, (&steps, &tools, &team), found);
        }
        safeguards.retried_tools_exist(&tables, &tools, found);
    }
    found.keep(tasks::come_in_time(&tables, &tasks));
    tasks::understood_by(&tables, &tasks, &workflow, &safeguards.on, found);
    let without = safeguards::without(&tables, (suite, &workflow), &safeguards, &settings.waived, found);
    let wait = settle::longest_wait(&tools, &model, &safeguards.on);
    let settle_within = settling.map_or_else(
        || settle::usual(&workflow, &team, steps.len(), wait),
        |(within, place)| {
            // What was shrunk and saved is judged as it was when it was found.
            if unreachable == Unreachable::Rejected {
                found.keep(settle::is_enough(within, place, wait));
            }
            within
        },
    );
    let faults = faults::read(&tables, text, suite, &directory, found);
    if !found.0.is_empty() {
        return Err(std::mem::take(&mut found.0));
    }
    let bounds = settings.bounds(suite, (&workflow, steps.len()), &without);
    let scenario = Arc::new(Scenario(Contents {
        name: Name::new(name),
        about,
        text: Arc::from(text),
        suite: suite.clone(),
        team,
        steps,
        tasks,
        safeguards: safeguards.on,
        tools,
        store,
        network,
        model,
        chaos: Arc::new(faults.chaos),
        fault_kinds: faults.kinds,
        configured: faults.configured,
        settle_within,
        most_events,
        program,
        bounds,
        waived: settings.waived,
        judged: settings.judged,
        service_levels,
        without,
        workflow,
    }));
    if let Some(problem) = store::unread(&tables, &scenario) {
        return Err(vec![problem]);
    }
    // What the agents do shows when they run, which they can only if the file is sound otherwise.
    let mut untested = Vec::new();
    if unreachable == Unreachable::Rejected {
        untested.extend(unused::check(&tables, &scenario));
        // The code of the workflow stands in for a program. It does the same kinds of things, but not as
        // often: what is pinned to a place shows in the runs themselves.
        let pinned = if scenario.program.is_some() { &[][..] } else { &faults.pinned };
        untested.extend(reach::check(&scenario, &faults.entries, pinned));
        untested.extend(idle::check(&tables, &scenario));
    }
    if untested.is_empty() { Ok(scenario) } else { Err(untested) }
}

/// A text without its leading lines that begin with `#:`. They tell an editor which schema the file has.
pub(crate) fn without_directives(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}');
    let is_directive = |line: &&str| line.trim_start().starts_with("#:");
    let length: usize = text.split_inclusive('\n').take_while(is_directive).map(str::len).sum();
    &text[length..]
}

fn about(text: &str) -> Result<String, Problem> {
    let rest = without_directives(text);
    let first = rest.lines().next().unwrap_or_default().trim();
    let about = first.strip_prefix('#').map(|comment| comment.trim_start_matches('#').trim());
    about.filter(|about| !about.is_empty()).map(str::to_owned).ok_or_else(|| {
        let start = text.len() - rest.len();
        Problem::at(start..start + first.len(), "the first line does not say what the scenario probes")
            .help("begin with a comment, such as: # A lost acknowledgement must not file the ticket twice.")
    })
}

fn workflow(tables: &Tables<'_>, suite: &Suite) -> Result<Arc<Workflow>, Problem> {
    let known: Vec<&str> = suite.workflows().map(|workflow| workflow.name).collect();
    let Some(entry) = tables.get("workflow") else {
        let help = format!("add a line workflow = \"NAME\"; there are {}", listed(&known));
        return Err(Problem::whole("the file does not say which workflow it runs").help(help));
    };
    let name: String = entry.read()?;
    let unknown = || {
        let problem = Problem::unknown(entry.value_span(), "workflow", &name, &known);
        if nearest(&name, &known).is_some() {
            return problem;
        }
        problem.help(format!("there are {}{}", listed(&known), suite.elsewhere()))
    };
    let workflow = suite.find_workflow(&name).cloned().ok_or_else(unknown)?;
    suite.mistake_in(&workflow).map_or(Ok(workflow), |mistake| {
        let problem = Problem::at(entry.value_span(), mistake);
        Err(problem.help("this is a mistake in the code of the workflow, not in the file"))
    })
}

fn team(tables: &Tables<'_>, workflow: &Workflow, found: &mut Diagnostics) -> BTreeMap<&'static str, u32> {
    let mut team: BTreeMap<_, _> = workflow.roles.iter().map(|role| (role.group, role.default)).collect();
    let known: Vec<&str> = team.keys().copied().collect();
    for entry in tables.open("team", found) {
        let Some(role) = workflow.roles.iter().find(|role| role.group == entry.name) else {
            let message = format!("the workflow `{}` has no role `{}`", workflow.name, entry.name);
            found.add(Problem::at(entry.key_span.clone(), message).nearest_of(entry.name, &known));
            continue;
        };
        let Some(count) = found.keep(entry.read::<Spanned<i64>>()) else { continue };
        // Too many are cut to as many as there can be, so that their names are not missed elsewhere.
        let most = if *count.get_ref() > 0 { *role.count.end() } else { role.default };
        let count = found.keep(whole_number(&count, role.group, role.count.clone()));
        team.insert(role.group, count.unwrap_or(most));
    }
    team
}

/// Agents, groups and tools share one set of names: faults and addresses name them alike.
fn no_node_twice(tables: &Tables<'_>, directory: &Directory, found: &mut Diagnostics) {
    for entry in tables.get("tools").and_then(|entry| entry.entries().ok()).unwrap_or_default() {
        let whose = if directory.agents_called(entry.name).is_some() {
            "agents of this team"
        } else if directory.services.contains(&Name::new(entry.name)) {
            "a node that every world has"
        } else {
            continue;
        };
        let message = format!("`{}` is the name of {whose}", entry.name);
        found.add(Problem::at(entry.key_span, message).help("call the tool something else"));
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
struct ModelTable {
    latency: Option<Spread>,
    context_window: Option<Spanned<i64>>,
    parallel_tool_calls: Option<bool>,
}

fn model(tables: &Tables<'_>, found: &mut Diagnostics) -> Model {
    let usual = Spread(SimSpan::from_millis(200)..=SimSpan::from_millis(2_000));
    let table: ModelTable = tables.closed("model", found);
    let window = table
        .context_window
        .and_then(|tokens| found.keep(whole_number(&tokens, "context-window", CONTEXT_WINDOWS)));
    let limits = ChatLimits::default();
    let chat = ChatLimits {
        context_window: window.unwrap_or(limits.context_window),
        parallel_tool_calls: table.parallel_tool_calls.unwrap_or(limits.parallel_tool_calls),
    };
    Model { latency: table.latency.unwrap_or(usual).0, chat }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct NetworkTable {
    latency: Option<Spread>,
    #[serde(default, rename = "link")]
    links: Vec<LinkTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkTable {
    between: (Spanned<String>, Spanned<String>),
    latency: Spread,
}

fn network(tables: &Tables<'_>, directory: &Directory, found: &mut Diagnostics) -> Network {
    let NetworkTable { latency, links } = tables.closed("network", found);
    let usual = Spread(SimSpan::from_millis(1)..=SimSpan::from_millis(20));
    let links = links.into_iter().filter_map(|LinkTable { between: (left, right), latency }| {
        let left = found.keep(targets::nodes(&left, directory))?;
        Some(Link { left, right: found.keep(targets::nodes(&right, directory))?, latency: latency.0 })
    });
    let links = links.collect();
    Network { latency: latency.unwrap_or(usual).0, links }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    events: Option<Spanned<i64>>,
}

/// How many events a run may have, if the file says so.
fn most_events(tables: &Tables<'_>, found: &mut Diagnostics) -> Option<u32> {
    let events = tables.closed::<LimitsTable>("limits", found).events?;
    found.keep(whole_number(&events, "events", EVENTS))
}

fn whole_number(value: &Spanned<i64>, what: &str, range: RangeInclusive<u32>) -> Result<u32, Problem> {
    u32::try_from(*value.get_ref()).ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let message = format!("`{what}` is a number from {} to {}", range.start(), range.end());
        Problem::at(value.span(), message)
    })
}

fn within_limit(value: &Spanned<Span>, what: &str) -> Result<SimSpan, Problem> {
    let Span(span) = *value.get_ref();
    if span == SimSpan::ZERO {
        return Err(Problem::at(value.span(), format!("`{what}` leaves no time at all"))
            .help("write how long, such as \"10m\""));
    }
    if span > LONGEST {
        return Err(Problem::at(value.span(), format!("`{what}` is longer than {LONGEST}"))
            .help("shorten the times between events instead"));
    }
    Ok(span)
}

/// Whether a name can stand in addresses, whose parts are set apart by blanks and punctuation.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

pub(crate) fn not_a_word(span: std::ops::Range<usize>, name: &str) -> Problem {
    Problem::at(span, format!("`{name}` cannot be a name")).help("names are letters, digits, `-` and `_`")
}
