//! `perfidy explain`: what something is, how a file says it, what bears on it, and where to see it at work.
//!
//! It answers for everything that a scenario file can contain: what `list` shows, the tables and keys of a
//! file, and the messages, steps, records and waits of agents, which are learnt from runs.

mod across;
mod actions;
mod picture;

use super::{Status, complain_of, not_there, print, print_error};
use crate::catalogue::{self, Family, Item, Relations};
use crate::config::nearest;
use crate::explore::{Corpus, SavedSeed};
use crate::inert;
use crate::scenario::{self, Scenario};
use crate::suite::Suite;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many scenarios are named.
const SHOWN: usize = 8;

#[derive(clap::Args)]
pub struct Arguments {
    /// A fault, safeguard, property, workflow or strategy (`perfidy list` shows them), a table or key of a
    /// file, or a message, step or wait of an agent
    #[arg(required = true)]
    names: Vec<String>,
    /// Where to look for scenarios that use it [default: scenarios]
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
    /// Where to look for saved failures, which say what faults break [default: seeds]
    #[arg(long, value_name = "FOLDER")]
    corpus: Option<PathBuf>,
}

/// What is known, to explain something with.
struct Known<'a> {
    suite: &'a Suite,
    scenarios: &'a [Arc<Scenario>],
    relations: Relations<'a>,
    /// Where the scenarios are.
    folder: &'a Path,
}

pub fn explain(suite: &Suite, arguments: &Arguments) -> Status {
    // What a word means can be explained without any scenario.
    let folder = arguments.scenarios.clone().unwrap_or_else(|| suite.folder("scenarios"));
    let scenarios = if folder.exists() {
        scenario::read_all(suite, std::slice::from_ref(&folder))
    } else {
        Ok(Vec::new())
    };
    let (scenarios, mut status) = match scenarios {
        Ok(scenarios) => (scenarios, Status::AsExpected),
        Err(bad) => {
            bad.iter().for_each(complain_of);
            (Vec::new(), Status::BadInput)
        }
    };
    let failures = failures(&arguments.corpus.clone().unwrap_or_else(|| suite.folder("seeds")));
    let relations = Relations::new(suite, &scenarios, &failures);
    let known = Known { suite, scenarios: &scenarios, relations, folder: &folder };
    for name in &arguments.names {
        // A table can be written as in a file.
        let name = name.trim_matches(['[', ']']).trim_end_matches(".NAME");
        if !known.explain(name) {
            print_error(known.unknown(name));
            status = Status::BadInput;
        }
    }
    status
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

impl Known<'_> {
    /// Explains everything of that name; false if there is nothing.
    fn explain(&self, name: &str) -> bool {
        let items: Vec<Item> = catalogue::named(self.suite, name).collect();
        items.iter().for_each(|item| self.show(item));
        let is_key = self.show_key(name);
        if !items.is_empty() || is_key {
            return true;
        }
        actions::show(name, self.scenarios)
    }

    fn show(&self, item: &Item) {
        print(format_args!("{}, a {}: {}\n", item.name, item.family, item.about));
        let width = item.keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
        if !item.keys.is_empty() {
            print("  What can be said of it");
            item.keys.iter().for_each(|key| print(format_args!("    {:width$}  {}", key.name, key.means)));
            print("");
        }
        if let Some(example) = item.example {
            let place = catalogue::heading(item);
            let example = if place.ends_with('=') {
                format!("{place} {example}")
            } else {
                format!("{place}\n    {example}")
            };
            print(format_args!("  How a scenario says it\n    {example}\n"));
        }
        match item.family {
            Family::Safeguard => self.across_of_safeguard(item.name),
            Family::Property => self.across_of_property(item.name),
            Family::Fault => self.across_of_fault(item.name),
            Family::Workflow => self.picture_of(item),
            Family::Probe | Family::Tool | Family::Table | Family::Strategy => {}
        }
        self.show_use(item);
    }

    /// Where to see it at work.
    fn show_use(&self, item: &Item) {
        let (command, folder) = (self.suite.command(), self.folder);
        if item.family == Family::Strategy {
            print(format_args!("  Try it\n    {command} run --strategy {}\n", item.name));
            return;
        }
        let mut using: Vec<&Arc<Scenario>> =
            self.scenarios.iter().filter(|scenario| item.is_used_by(scenario)).collect();
        // One that breaks for want of it shows it best, and among those the one with the least beside it.
        using.sort_by_key(|scenario| (!item.is_missed_in(scenario), scenario.text.len()));
        let file = |scenario: &Scenario| folder.join(format!("{}.toml", scenario.name));
        if let Some(best) = using.first() {
            print(format_args!("  Try it\n    {command} run {}\n", inert::path(&file(best))));
            print("  Scenarios that use it");
            let shown = || using.iter().take(SHOWN);
            let width = shown().map(|scenario| scenario.name.as_str().len()).max().unwrap_or_default();
            shown().for_each(|scenario| {
                print(format_args!("    {:width$}  {}", scenario.name, inert::line(&scenario.about)));
            });
            if using.len() > SHOWN {
                print(format_args!("    and {} more", using.len() - SHOWN));
            }
        } else if folder.exists() {
            print(format_args!("  No scenario under {} uses it.", inert::path(folder)));
        } else {
            let there = not_there(folder);
            print(format_args!(
                "  No scenario was looked at: {there}. `--scenarios FOLDER` says where they are."
            ));
        }
        print("");
    }

    /// Explains a key of a file, which can stand in several tables; false if there is none of that name.
    fn show_key(&self, name: &str) -> bool {
        let all = catalogue::all(self.suite);
        // Of each meaning, what has it.
        let mut meanings: Vec<(&str, Vec<String>)> = Vec::new();
        for item in all.iter().filter(|item| item.family != Family::Strategy) {
            let is_it = |key: &&catalogue::Key| key.name == name || key.name.ends_with(&format!(".{name}"));
            for key in item.keys.iter().filter(is_it) {
                let owner = match item.family {
                    Family::Table => catalogue::heading(item),
                    family => format!("the {family} {}", item.name),
                };
                match meanings.iter_mut().find(|(means, _)| *means == key.means) {
                    Some((_, owners)) if owners.contains(&owner) => {}
                    Some((_, owners)) => owners.push(owner),
                    None => meanings.push((&key.means, vec![owner])),
                }
            }
        }
        if meanings.is_empty() {
            return false;
        }
        print(format_args!("{name}, a key"));
        for (means, owners) in meanings {
            let more = owners.len().saturating_sub(SHOWN);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let owners = owners[..owners.len().min(SHOWN)].join(", ");
            print(format_args!("\n  Of {owners}{more}\n    {means}"));
        }
        print("");
        true
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
            let actions = actions::names(self.scenarios);
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            nearest(name, &actions).map(str::to_owned)
        });
        let meant = near.map_or_else(
            || format!("`{} list` shows what there is", self.suite.command()),
            |near| format!("did you mean `{near}`?"),
        );
        let looked_at = if self.folder.exists() {
            String::new()
        } else {
            let there = not_there(self.folder);
            format!("; {there}, so messages and steps of agents are not known (`--scenarios FOLDER`)")
        };
        format!("nothing is called `{}`; {meant}{looked_at}", inert::line(name))
    }
}
