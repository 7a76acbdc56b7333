//! `perfidy explain`: what something is, how a file says it, what bears on it, and where to see it at work.
//!
//! It answers for everything that a scenario file can contain: what `list` shows, the tables and keys of a
//! file, and the messages, steps, records and waits of agents. What is shipped is known in every folder; what
//! a crate adds is learnt from runs of the scenarios that use it. What is to be said is gathered first;
//! people get it as text, tools as JSON.

mod across;
mod actions;
mod picture;
mod text;

use super::options::Colours;
use super::{Status, not_there, output, print_error, say_record, warn};
use crate::catalogue::{self, Family, Item, Relations, Team, shipped};
use crate::config::nearest;
use crate::config::problem::listed;
use crate::explore::{Corpus, SavedSeed};
use crate::inert;
use crate::report::Theme;
use crate::scenario::{self, Scenario, files_below};
use crate::suite::Suite;
use across::Across;
use actions::Uses;
use clap::ValueEnum;
use perfidy_sim::{Action, Name};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Arguments {
    /// A fault, safeguard, property, probe, workflow, kind of tool or strategy (`perfidy list` shows them), a
    /// table or key of a file, a message, step or wait of an agent, or a word of an address
    #[arg(required = true)]
    names: Vec<String>,
    /// Where to look for scenarios of your own that use it [default: scenarios]
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
    /// Where to look for your own saved failures, which say what faults break [default: seeds]
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    format: ExplainFormat,
    /// The colours of a map
    #[arg(long, value_enum, default_value_t = Colours::Auto)]
    theme: Colours,
}

/// How an explanation is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
    /// Of a workflow, who sends what to whom, as a picture
    Svg,
}

/// What is known, to explain something with.
struct Known<'a> {
    suite: &'a Suite,
    /// The scenarios of the folder, and then those that come with perfidy and are not there.
    scenarios: &'a [Arc<Scenario>],
    /// Which of them are in the folder.
    in_folder: BTreeSet<Name>,
    relations: Relations<'a>,
    folder: &'a Path,
    /// The teams that were asked for, by workflow.
    teams: RefCell<BTreeMap<&'static str, Rc<Team>>>,
}

pub fn explain(suite: &Suite, arguments: &Arguments) -> Status {
    // What a word means can be explained without any scenario.
    let folder = arguments.scenarios.clone().unwrap_or_else(|| suite.folder("scenarios"));
    let shipped = shipped::scenarios(suite);
    let mut scenarios = readable(suite, &folder, &shipped);
    let in_folder: BTreeSet<Name> = scenarios.iter().map(|scenario| scenario.name).collect();
    scenarios.extend(shipped.into_iter().filter(|scenario| !in_folder.contains(&scenario.name)));
    let mut status = Status::AsExpected;
    let failures = failures(&arguments.corpus.clone().unwrap_or_else(|| suite.folder("seeds")));
    let relations = Relations::new(suite, &scenarios, &failures);
    let teams = RefCell::default();
    let known = Known { suite, scenarios: &scenarios, in_folder, relations, folder: &folder, teams };
    for name in &arguments.names {
        // A table can be written as in a file.
        let name = name.trim_matches(['[', ']']).trim_end_matches(".NAME");
        // So can the end of an address.
        let name = if name.starts_with("try ") { "try" } else { name };
        let explained = known.explain(name);
        if explained.is_empty() {
            print_error(known.unknown(name));
            status = Status::BadInput;
        }
        for explained in explained {
            match arguments.format {
                ExplainFormat::Text => known.print(&explained),
                ExplainFormat::Json => say_record(&explained),
                ExplainFormat::Svg => {
                    if let Some(map) = explained.map(arguments.theme.into()) {
                        output::say_document(map.as_bytes());
                    } else {
                        print_error(format_args!("only a workflow has a map; `{name}` is something else"));
                        status = Status::BadInput;
                    }
                }
            }
        }
    }
    status
}

/// The scenarios of a folder that can be read. Of others it is only said that there are some: they may be of
/// another suite, and `check` complains of them. What is shipped was checked when it was.
fn readable(suite: &Suite, folder: &Path, shipped: &[Arc<Scenario>]) -> Vec<Arc<Scenario>> {
    let files = if folder.exists() { files_below(folder).unwrap_or_default() } else { Vec::new() };
    let root = scenario::root_of(folder);
    let read = |file: &PathBuf| {
        let text = scenario::read_text(file).ok()?;
        let is_it = |scenario: &&Arc<Scenario>| {
            *scenario.text == *text && file.ends_with(format!("{}.toml", scenario.name))
        };
        let shipped = shipped.iter().find(is_it).map(Arc::clone);
        shipped.or_else(|| Scenario::parse_file(suite, file, &root, &text).ok())
    };
    let scenarios: Vec<Arc<Scenario>> = files.iter().filter_map(read).collect();
    let left_out = files.len() - scenarios.len();
    if left_out > 0 {
        let (command, folder) = (suite.command(), inert::path(folder));
        warn(format!(
            "{left_out} of {} scenarios cannot be read and are left out; `{command} check {folder}` says why",
            files.len()
        ));
    }
    scenarios
}

/// The saved failures of a folder. One that cannot be read says nothing here; `check` complains of it.
fn failures(folder: &Path) -> Vec<SavedSeed> {
    let files = Corpus::new(folder).files().unwrap_or_default();
    let read = |file: &PathBuf| {
        let text = scenario::read_long_text(file).ok()?;
        SavedSeed::parse(&file.display().to_string(), &text).ok()
    };
    files.iter().filter_map(read).collect()
}

/// What is to be said of something that has the name.
#[derive(Serialize)]
#[serde(untagged)]
enum Explained<'a> {
    Item(Box<OfItem<'a>>),
    Key {
        key: &'a str,
        meanings: Vec<Meaning>,
    },
    /// A word that is a value, or a part of one.
    Value {
        value: &'a str,
        place: String,
        means: String,
    },
    Action {
        action: &'a str,
        uses: Uses,
    },
}

impl Explained<'_> {
    /// Its map, if it is a workflow.
    fn map(&self, theme: Theme) -> Option<String> {
        match self {
            Self::Item(item) => match &item.across {
                Across::Workflow(workflow) => Some(workflow.map(item.name, theme)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Something that a scenario can name.
#[derive(Serialize)]
struct OfItem<'a> {
    family: String,
    name: &'static str,
    about: &'static str,
    keys: BTreeMap<&'static str, String>,
    /// Where it is written.
    place: String,
    example: Option<&'static str>,
    #[serde(flatten)]
    across: Across<'a>,
    /// The scenarios that use it, that which shows it best first.
    scenarios: Vec<Shown<'a>>,
    #[serde(skip)]
    item: Item,
    #[serde(skip)]
    used_by: Vec<&'a Scenario>,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: String,
    about: &'a str,
}

impl<'a> Shown<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        Self { name: scenario.name.to_string(), about: &scenario.about }
    }
}

/// What a key means, and in what.
#[derive(Serialize)]
struct Meaning {
    means: String,
    of: Vec<String>,
}

/// What a word is that names nothing in a file, and is a value there or a part of one.
fn special(word: &str) -> Option<(String, String)> {
    let (place, means) = match word {
        "everyone" => ("`at` and `between`", "every agent of the team".to_owned()),
        "leader" => {
            ("`between` of the fault partition", "the agent that was granted a lease last".to_owned())
        }
        "try" => (
            "an address",
            "how often this place has come up for one id: `try 2` is its second time there".to_owned(),
        ),
        "window" => (
            "an address",
            "the id of a fault by the clock, which goes on for a time: `try 2` is the second time that it began"
                .to_owned(),
        ),
        _ => {
            let kinds: Vec<&str> = Action::kinds_written(word).collect();
            let means = format!("how stories write the fault {}", listed(&kinds));
            (!kinds.is_empty()).then_some(("`do` of [[fault]]", means))?
        }
    };
    Some((place.to_owned(), means))
}

impl Known<'_> {
    /// Everything of that name.
    fn explain<'a>(&'a self, name: &'a str) -> Vec<Explained<'a>> {
        let items =
            catalogue::named(self.suite, name).map(|item| Explained::Item(Box::new(self.explain_item(item))));
        let mut explained: Vec<Explained> = items.collect();
        let meanings = self.meanings(name);
        if !meanings.is_empty() {
            explained.push(Explained::Key { key: name, meanings });
        }
        let values = special(name).into_iter().chain(self.values(name));
        explained.extend(values.map(|(place, means)| Explained::Value { value: name, place, means }));
        if explained.is_empty() {
            let uses = actions::uses(name, &self.teams());
            explained.extend((!uses.is_empty()).then_some(Explained::Action { action: name, uses }));
        }
        explained
    }

    /// The team of a workflow: as it is shipped, and as the scenarios of the folder show it besides.
    fn team(&self, workflow: &'static str) -> Rc<Team> {
        if let Some(known) = self.teams.borrow().get(workflow) {
            return Rc::clone(known);
        }
        let shipped = shipped::team(self.suite, workflow);
        let mut team = shipped.cloned().unwrap_or_default();
        let is_new = |scenario: &&Arc<Scenario>| {
            shipped.is_none() || !shipped::has(scenario.name.as_str(), &scenario.text)
        };
        let own = self.scenarios.iter().filter(|scenario| scenario.workflow.name == workflow).filter(is_new);
        own.for_each(|scenario| team.learn_from(scenario));
        let team = Rc::new(team);
        self.teams.borrow_mut().insert(workflow, Rc::clone(&team));
        team
    }

    /// The teams of all workflows.
    fn teams(&self) -> BTreeMap<&'static str, Rc<Team>> {
        self.suite.workflows().map(|workflow| (workflow.name, self.team(workflow.name))).collect()
    }

    fn explain_item(&self, item: Item) -> OfItem<'_> {
        let using = self.scenarios.iter().filter(|scenario| item.is_used_by(scenario));
        let mut used_by: Vec<&Scenario> = using.map(|scenario| &**scenario).collect();
        // One that can be run here and breaks for want of it shows it best, with the least beside it.
        let order = |scenario: &Scenario| {
            (!self.in_folder.contains(&scenario.name), !item.is_missed_in(scenario), scenario.text.len())
        };
        used_by.sort_by_key(|scenario| order(scenario));
        OfItem {
            family: item.family.to_string(),
            name: item.name,
            about: item.about,
            keys: item.keys.iter().map(|key| (key.name, key.means.clone())).collect(),
            place: catalogue::heading(&item),
            example: item.example,
            across: self.across(&item),
            scenarios: used_by.iter().map(|scenario| Shown::of(scenario)).collect(),
            item,
            used_by,
        }
    }

    /// The keys and safeguards that can have a value, as their lines mention it, each with its place.
    fn values(&self, value: &str) -> Vec<(String, String)> {
        let quoted = format!("`{value}`");
        let mut values = Vec::new();
        for item in catalogue::all(self.suite).iter().filter(|item| item.name != value) {
            let place = catalogue::heading(item);
            let keys = item.keys.iter().filter(|key| key.means.contains(&quoted));
            values.extend(keys.map(|key| match item.family {
                Family::Table => (format!("`{}` of {place}", key.name), key.means.clone()),
                family => (format!("`{}` of the {family} {}", key.name, item.name), key.means.clone()),
            }));
            if item.family == Family::Safeguard && item.about.contains(&quoted) {
                values.push((format!("`{}` of {place}", item.name), item.about.to_owned()));
            }
        }
        values.dedup_by(|one, other| one.1 == other.1);
        values
    }

    /// What a key of that name means in files, each meaning with all that has it.
    fn meanings(&self, name: &str) -> Vec<Meaning> {
        let all = catalogue::all(self.suite);
        let mut meanings: Vec<Meaning> = Vec::new();
        for item in all.iter().filter(|item| item.family != Family::Strategy) {
            let is_it = |key: &&catalogue::Key| key.name == name || key.name.ends_with(&format!(".{name}"));
            for key in item.keys.iter().filter(is_it) {
                let owner = match item.family {
                    Family::Table => catalogue::heading(item),
                    family => format!("the {family} {}", item.name),
                };
                match meanings.iter_mut().find(|meaning| meaning.means == key.means) {
                    Some(meaning) if meaning.of.contains(&owner) => {}
                    Some(meaning) => meaning.of.push(owner),
                    None => meanings.push(Meaning { means: key.means.clone(), of: vec![owner] }),
                }
            }
        }
        meanings
    }

    /// That nothing has that name, and what was perhaps meant.
    fn unknown(&self, name: &str) -> String {
        let all = catalogue::all(self.suite);
        let keys = all.iter().flat_map(|item| item.keys.iter().map(|key| key.name));
        let items: Vec<&str> = all.iter().map(|item| item.name).collect();
        // What is listed is meant rather than a key, and a key rather than what an agent does.
        let keys: Vec<&str> = keys.collect();
        let near = nearest(name, &items).or_else(|| nearest(name, &keys)).map(str::to_owned);
        let near = near.or_else(|| {
            let actions = actions::names(&self.teams());
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            nearest(name, &actions).map(str::to_owned)
        });
        let meant = near.map_or_else(
            || format!("`{} list` shows what there is{}", self.suite.command(), self.suite.elsewhere()),
            |near| format!("did you mean `{near}`?"),
        );
        let looked_at = if self.folder.exists() {
            String::new()
        } else {
            let there = not_there(self.folder);
            format!("; {there}, so what agents of your own do is not known (`--scenarios FOLDER`)")
        };
        format!("nothing is called `{}`; {meant}{looked_at}", inert::line(name))
    }
}
