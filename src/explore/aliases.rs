//! Aliases: what is called what today.
//!
//! Whoever renames an agent, a tool or a step says so once, in a file `aliases.toml` beside the saved failures or in the
//! corpus above them, and they replay as before: their scenario, their faults and their draws are carried over.
//!
//! ```toml
//! [agents]
//! coordinator = "conductor"    # old = "new"
//! executor = "worker"          # and with it executor-1, executor-2, ...
//! executors = "workers"
//!
//! [tools]
//! mail = "post"
//!
//! [steps]                      # of tasks, and those at which agents crash
//! record = "persist"
//! ```
//!
//! A failure is older than an alias if it names what has another name today, and younger if it names what is called so. If it
//! names neither it is tried as both. An alias of an agent concerns the failures of workflows that have the new name and no longer the old one; an alias of a
//! step those that do not crash at a step of the old name any more. Of several files the nearest counts. Where one
//! name was two in failures of different age, each age needs a folder with a file of its own.

use crate::scenario::{self, Entry, Problem, Problems, entries, is_word, not_a_word};
use crate::workflows::Workflow;
use perfidy_sim::Renames;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::DeTable;

/// The tables of a file.
const TABLES: &[&str] = &["agents", "steps", "tools"];

/// The aliases that stand in a file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Aliases {
    /// For each table, from the old names to the new ones.
    tables: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// One alias and where its two names stand.
struct Alias<'a> {
    table: &'static str,
    old: Entry<'a>,
    new: Spanned<String>,
}

impl Aliases {
    /// The name of the file.
    pub const FILE: &'static str = "aliases.toml";

    /// Whether a file has that name, and is therefore neither a scenario nor a saved failure.
    pub fn is_one(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == Self::FILE)
    }

    /// The file that concerns a failure of the scenario of this name, which stands at this path: in its folder, or
    /// above it up to the corpus.
    pub fn beside(path: &Path, scenario: &str) -> Option<PathBuf> {
        let folders = path.ancestors().skip(1).take(scenario.split('/').count());
        folders.map(|folder| folder.join(Self::FILE)).find(|file| file.is_file())
    }

    /// Reads a file of aliases for the agents of these workflows.
    ///
    /// # Errors
    /// Everything that is wrong with the file: a table that nobody knows, an agent that no workflow has, a name that is
    /// old and new, or new for two.
    pub fn read(workflows: &[&'static Workflow], path: &Path) -> Result<Self, Problems> {
        let text = scenario::read_text(path)?;
        Self::parse(workflows, &text).map_err(|list| Problems::new(path.display().to_string(), text, list))
    }

    fn parse(workflows: &[&'static Workflow], text: &str) -> Result<Self, Vec<Problem>> {
        let root = DeTable::parse(text).map_err(|error| vec![Problem::from_toml(&error)])?;
        let (mut aliases, mut problems) = (Vec::new(), Vec::new());
        for entry in entries(root.get_ref()) {
            let Some(table) = TABLES.iter().copied().find(|table| *table == entry.name) else {
                problems.push(Problem::unknown(entry.key_span.clone(), "table", entry.name, TABLES));
                continue;
            };
            for old in entry.entries().unwrap_or_else(|problem| {
                problems.push(problem);
                Vec::new()
            }) {
                match old.read::<Spanned<String>>() {
                    Ok(new) => aliases.push(Alias { table, old, new }),
                    Err(problem) => problems.push(problem),
                }
            }
        }
        for (place, alias) in aliases.iter().enumerate() {
            problems.extend(alias.problem(workflows, &aliases[..place], &aliases));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut tables: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for Alias { table, old, new } in aliases {
            tables.entry(table).or_default().insert(old.name.to_owned(), new.into_inner());
        }
        Ok(Self { tables })
    }

    /// How many names have changed.
    pub fn count(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// What each alias that concerns the failures of a workflow comes to: from names of then to those of today.
    pub(super) fn of(&self, workflow: &Workflow) -> Vec<Renames> {
        let known = agent_names(workflow);
        let is_today = |name: &str| known.iter().any(|known| known == name);
        let alias = |table: &str, old: &str, new: &str| match table {
            "agents" if !is_today(new) || is_today(old) => None,
            "agents" => {
                let role = workflow.roles.iter().find(|role| role.member == new);
                let numbers = role.map_or(0, |role| *role.count.end());
                let members: Vec<_> = (1..=numbers)
                    .map(|number| (format!("{old}-{number}"), format!("{new}-{number}")))
                    .collect();
                let members = members.iter().map(|(old, new)| (old.as_str(), new.as_str()));
                Some(Renames::new(members.chain([(old, new)]), []))
            }
            "tools" => Some(Renames::new([(old, new)], [])),
            _ if workflow.crash_points.contains(&old) => None,
            _ => Some(Renames::new([], [(old, new)])),
        };
        let all = self.tables.iter().flat_map(|(table, names)| names.iter().map(move |names| (table, names)));
        all.filter_map(|(table, (old, new))| alias(table, old, new)).collect()
    }
}

impl Alias<'_> {
    /// Whether both are names of the same kind: agents and tools share theirs.
    fn is_akin(&self, other: &Self) -> bool {
        (self.table == "steps") == (other.table == "steps")
    }

    fn problem(&self, workflows: &[&'static Workflow], earlier: &[Self], all: &[Self]) -> Option<Problem> {
        let (old, new) = (self.old.name, self.new.get_ref().as_str());
        if !is_word(old) {
            return Some(not_a_word(self.old.key_span.clone(), old));
        }
        if !is_word(new) {
            return Some(not_a_word(self.new.span(), new));
        }
        if old == new {
            let problem =
                Problem::at(self.new.span(), format!("`{old}` is called what it was called before"));
            return Some(problem.help("write old = \"new\", or take the line out"));
        }
        if earlier.iter().any(|other| self.is_akin(other) && other.old.name == old) {
            let problem =
                Problem::at(self.old.key_span.clone(), format!("`{old}` has another new name already"));
            return Some(problem.help("agents and tools share one set of names; take one of the lines out"));
        }
        if let Some(other) = earlier.iter().find(|other| self.is_akin(other) && other.new.get_ref() == new) {
            let message =
                format!("`{}` is called `{new}` already, and one name cannot be both", other.old.name);
            return Some(Problem::at(self.new.span(), message).help(AGES));
        }
        if all.iter().any(|other| self.is_akin(other) && other.old.name == new) {
            let message = format!("`{new}` is an old name as well as a new one");
            let help = "write the name of today behind every old one, in a file for the failures of each age";
            return Some(Problem::at(self.new.span(), message).help(help));
        }
        if self.table != "agents" {
            return None;
        }
        let known: Vec<String> = workflows.iter().flat_map(|workflow| agent_names(workflow)).collect();
        if known.iter().any(|known| known == new) {
            return None;
        }
        let mut known: Vec<&str> = known
            .iter()
            .map(String::as_str)
            .filter(|name| !name.ends_with(|c: char| c.is_ascii_digit()))
            .collect();
        known.sort_unstable();
        known.dedup();
        Some(Problem::unknown(self.new.span(), "agent", new, &known))
    }
}

const AGES: &str = "if failures of different age have different names, give those of each age a folder with a file of \
                    its own";

/// Everything in a workflow that an agent's alias can lead to: agents, roles and groups.
fn agent_names(workflow: &Workflow) -> Vec<String> {
    let singles = workflow.singles.iter().map(|name| (*name).to_owned());
    let roles = workflow.roles.iter().flat_map(|role| {
        let members = (1..=*role.count.end()).map(|number| format!("{}-{number}", role.member));
        members.chain([role.member.to_owned(), role.group.to_owned()])
    });
    singles.chain(roles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflows;

    fn parse(text: &str) -> Result<Aliases, String> {
        Aliases::parse(workflows::ALL, text)
            .map_err(|list| Problems::new("seeds/aliases.toml", text, list).to_string())
    }

    #[track_caller]
    fn refuses(text: &str, words: &[&str]) {
        let said = parse(text).unwrap_err();
        for word in words {
            assert!(said.contains(word), "no `{word}` in:\n{said}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        refuses("[agent]\nboss = \"planner\"", &[":1:2", "unknown table `agent`", "did you mean `agents`?"]);
        refuses(
            "[agents]\nboss = \"planer\"",
            &[":2:8", "unknown agent `planer`", "did you mean `planner`?"],
        );
        refuses("[agents]\nboss = 3", &[":2:8", "expected text in quotes"]);
        refuses("agents = 3", &[":1:10", "expected a table"]);
        refuses("[tools]\na = \"c\"\nb = \"c\"", &[":3:5", "`a` is called `c` already", "folder"]);
        refuses("[tools]\na = \"planner\"\n[agents]\nb = \"planner\"", &["is called `planner` already"]);
        refuses("[tools]\na = \"b\"\n[agents]\na = \"planner\"", &["has another new name already"]);
        refuses(
            "[steps]\na = \"b\"\nb = \"a\"",
            &[":2:5", "`b` is an old name as well as a new one", ":3:5"],
        );
        refuses("[steps]\na = \"b\"\nb = \"c\"", &[":2:5", "`b` is an old name as well as a new one"]);
        refuses("[steps]\na = \"a\"", &["called what it was called before"]);
        refuses("[steps]\n\"a b\" = \"a\"", &["`a b` cannot be a name"]);
        refuses("[steps]\na = \"\"", &["`` cannot be a name"]);
        refuses("[steps\na = \"b\"", &[":1:"]);
    }

    #[test]
    fn steps_and_nodes_do_not_share_their_names() {
        let aliases = parse("[tools]\na = \"b\"\n[steps]\nb = \"a\"\nc = \"d\"").unwrap();
        assert_eq!(aliases.count(), 3);
        let renames: Renames = aliases.of(&workflows::conductor::WORKFLOW).into_iter().collect();
        assert_eq!(renames, Renames::new([("a", "b")], [("b", "a"), ("c", "d")]));
    }

    #[test]
    fn an_alias_concerns_the_workflows_that_have_the_new_name_and_not_the_old_one() {
        let aliases =
            parse("[agents]\nboss = \"coordinator\"\nplanner = \"orchestrator\"\n[steps]\nplan = \"x\"");
        let aliases = aliases.unwrap();
        let conductor: Renames = aliases.of(&workflows::conductor::WORKFLOW).into_iter().collect();
        assert_eq!(
            conductor,
            Renames::new([("boss", "coordinator")], []),
            "it still has a planner and a step plan"
        );
        let standby: Renames = aliases.of(&workflows::standby::WORKFLOW).into_iter().collect();
        assert_eq!(standby, Renames::new([("planner", "orchestrator")], [("plan", "x")]));
    }

    #[test]
    fn a_role_is_renamed_with_its_members_and_a_group_by_itself() {
        let aliases = parse("[agents]\nrunner = \"executor\"\nrunners = \"executors\"").unwrap();
        let renames: Renames = aliases.of(&workflows::conductor::WORKFLOW).into_iter().collect();
        let node = |name| renames.node(name).map(|name| name.to_string());
        assert_eq!(node("runner-1").as_deref(), Some("executor-1"));
        assert_eq!(node("runner-1000").as_deref(), Some("executor-1000"));
        assert_eq!(node("runner-1001"), None, "there are no more");
        assert_eq!(node("runners").as_deref(), Some("executors"));
        assert_eq!(renames.step("runner"), None);
    }

    #[test]
    fn the_nearest_file_up_to_the_corpus_counts() {
        let outside = tempfile::tempdir().unwrap();
        let corpus = outside.path().join("seeds");
        let folder = corpus.join("conductor");
        std::fs::create_dir_all(&folder).unwrap();
        let found = || Aliases::beside(&folder.join("lost-ack-1.toml"), "conductor/lost-ack");
        for (place, counts) in [(outside.path(), false), (&corpus, true), (&folder, true)] {
            let file = place.join(Aliases::FILE);
            std::fs::write(&file, "").unwrap();
            assert_eq!(found(), counts.then_some(file));
        }
    }
}
