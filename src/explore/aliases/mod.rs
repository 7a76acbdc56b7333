//! Aliases: the current names of renamed items.
//!
//! If you rename an item that saved failures use, add one line to a file `aliases.toml` beside the saved
//! failures or in the corpus above them. The failures then replay as before: scenario, faults and draws are
//! translated to the new names.
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
//! [operations]                 # of tools: mail.send is post.deliver now
//! send = "deliver"
//!
//! [steps]                      # of tasks, and those at which agents crash
//! record = "persist"
//!
//! [messages]
//! assign = "order"
//!
//! [properties]                 # and [workflows], [safeguards], [faults], [call-sites]
//! no-lost-effects = "no-phantom-completion"
//! ```
//!
//! A failure is older than an alias if it names what has another name today, and younger if it names what is
//! called so. If it names neither it is tried as both. An alias of an agent or a message concerns the
//! failures of teams that have the new name and no longer the old one; an alias of a step those that do not
//! take a step of the old name any more. Which messages and steps a team has is
//! [learnt](crate::faults::ActionMap) from runs. What belongs to no workflow has one name for all: there the
//! old name must be gone. Of several files the nearest counts. Where one name was two in failures of
//! different age, each age needs a folder with a file of its own; so there are no chains.

mod check;
mod renaming;
mod table;

use crate::config::{Problem, Problems, entries};
use crate::faults::ActionMap;
use crate::scenario::{self, Renaming};
use crate::suite::Suite;
use crate::workflows::Workflow;
use check::Alias;
use perfidy_sim::Renames;
use renaming::renaming;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use table::Table;
use toml::Spanned;
use toml::de::DeTable;

/// The aliases that stand in a file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Aliases {
    /// For each table, from the old names to the new ones.
    tables: BTreeMap<Table, BTreeMap<String, String>>,
}

impl Aliases {
    /// The name of the file.
    pub const FILE: &'static str = "aliases.toml";

    /// Whether a file has that name, and is therefore neither a scenario nor a saved failure.
    pub fn is_one(path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == Self::FILE)
    }

    /// The file that concerns a failure of the scenario of this name, which stands at this path: in its
    /// folder, or above it up to the corpus.
    pub fn beside(path: &Path, scenario: &str) -> Option<PathBuf> {
        let folders = path.ancestors().skip(1).take(scenario.split('/').count());
        folders.map(|folder| folder.join(Self::FILE)).find(|file| file.is_file())
    }

    /// Reads a file of aliases for failures of the suite's cases.
    ///
    /// # Errors
    /// Everything that is wrong with the file: an unknown table, a new name that does not exist, an old name
    /// that still exists, a name that is both old and new, or new for two.
    pub fn read(suite: &Suite, path: &Path) -> Result<Self, Problems> {
        let text = scenario::read_text(path)?;
        Self::parse(suite, &text).map_err(|list| Problems::new(path.display().to_string(), text, list))
    }

    fn parse(suite: &Suite, text: &str) -> Result<Self, Vec<Problem>> {
        let root = DeTable::parse(text).map_err(|error| vec![Problem::in_toml(text, &error)])?;
        let (mut aliases, mut problems) = (Vec::new(), Vec::new());
        for entry in entries(root.get_ref()) {
            let Some(table) = Table::ALL.into_iter().find(|table| table.name() == entry.name) else {
                let known = Table::ALL.map(Table::name);
                problems.push(Problem::unknown(entry.key_span.clone(), "table", entry.name, &known));
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
            problems.extend(alias.problem(suite, &aliases[..place], &aliases));
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

    /// What a workflow is called today.
    pub(super) fn workflow<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.tables.get(&Table::Workflows).and_then(|names| names.get(name));
        renamed.map_or(name, String::as_str)
    }

    /// The kinds of faults that have another name today.
    pub(super) fn of_faults(&self) -> Renaming {
        let kinds = self.tables.get(&Table::Faults).into_iter().flatten();
        Renames::of_faults(kinds.map(|(old, new)| (old.as_str(), new.as_str()))).into()
    }

    /// Whether it takes the actions of a team to say which of them concern a failure.
    pub(super) fn are_of_actions(&self) -> bool {
        self.tables.keys().any(|table| table.is_of_actions())
    }

    /// What each alias that concerns the failures of a workflow comes to: from names of then to those of
    /// today. Without the actions of the team, aliases of actions are left out.
    pub(super) fn of(&self, workflow: Option<&Workflow>, actions: Option<&ActionMap>) -> Vec<Renaming> {
        let all = self.tables.iter().flat_map(|(table, names)| names.iter().map(move |names| (table, names)));
        all.filter_map(|(table, (old, new))| renaming(*table, (old, new), workflow, actions)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use perfidy_sim::Name;

    fn parse(text: &str) -> Result<Aliases, String> {
        Aliases::parse(&Suite::shipped(), text)
            .map_err(|list| Problems::new("seeds/aliases.toml", text, list).to_string())
    }

    /// What aliases come to for a team of a shipped workflow, which acts as it does today.
    fn renames_of(aliases: &Aliases, workflow: &str) -> Renames {
        let suite = Suite::shipped();
        let text = format!(
            "# A team.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"s\"\ntool = \"t.o\"\n[tools.t]\n"
        );
        let scenario = Scenario::parse(&suite, "team", &text).unwrap();
        let all =
            aliases.of(suite.find_workflow(workflow).map(|found| &**found), Some(&ActionMap::of(&scenario)));
        all.into_iter().map(|renaming| renaming.run).collect()
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
        refuses("[step]\na = \"b\"", &[":1:2", "unknown table `step`", "did you mean `steps`?"]);
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
        refuses("[tools]\n\"a b\" = \"a\"", &["`a b` cannot be a name"]);
        refuses("[steps]\na = \"\"", &["`` cannot be a name"]);
        refuses("[steps\na = \"b\"", &[":1:"]);
    }

    #[test]
    fn what_leads_nowhere_or_from_what_is_still_there_is_refused() {
        for (text, words) in [
            (
                "[properties]\na = \"no-orpans\"",
                ["unknown property `no-orpans`", "did you mean `no-orphans`?"],
            ),
            ("[workflows]\na = \"conducter\"", ["unknown workflow `conducter`", "did you mean `conductor`?"]),
            ("[safeguards]\na = \"retyr\"", ["unknown safeguard `retyr`", "did you mean `retry`?"]),
            ("[faults]\na = \"dorp\"", ["unknown kind of fault `dorp`", "did you mean `drop`?"]),
            ("[call-sites]\na = \"sumary\"", ["unknown call site `sumary`", "did you mean `summary`?"]),
            (
                "[properties]\nno-orphans = \"no-deadlock\"",
                [":2:1", "there still is a property `no-orphans`"],
            ),
            (
                "[faults]\ndrop = \"no-response\"",
                ["there still is a kind of fault `drop`", "take the line out"],
            ),
            ("[properties]\na = \"b\"\nb = \"a\"", ["`b` is an old name as well as a new one", ":3:5"]),
            ("[operations]\na = \"b\"\nc = \"b\"", ["`a` is called `b` already", "folder"]),
            (
                "[operations]\na = \"b\"\n[call-sites]\na = \"answer\"",
                ["has another new name", "share one set"],
            ),
        ] {
            refuses(text, &words);
        }
    }

    #[test]
    fn two_properties_can_have_become_one() {
        let aliases = parse("[properties]\na = \"no-orphans\"\nb = \"no-orphans\"").unwrap();
        let renaming: Renaming = aliases.of(None, None).into_iter().collect();
        assert_eq!(
            (renaming.property("a"), renaming.property("b")),
            ("no-orphans".into(), "no-orphans".into())
        );
    }

    #[test]
    fn an_operation_is_renamed_in_every_form_in_which_tools_are_asked() {
        let renames = renames_of(&parse("[operations]\nsend = \"post\"").unwrap(), "conductor");
        for (before, after) in [
            ("mail, send", "mail, post"),
            ("mail, look-up of send", "mail, look-up of post"),
            ("executor-1 > mail, call send", "executor-1 > mail, call post"),
            ("mail > executor-1, reply to cancel of send", "mail > executor-1, reply to cancel of post"),
            ("planner > coordinator, send", "planner > coordinator, send"),
        ] {
            assert_eq!(renames.site(Name::new(before)).as_str(), after);
        }
    }

    #[test]
    fn steps_and_nodes_do_not_share_their_names() {
        let aliases = parse("[tools]\na = \"b\"\n[steps]\nb = \"a\"\nc = \"d\"").unwrap();
        assert_eq!(aliases.count(), 3);
        let renames = renames_of(&aliases, "conductor");
        assert_eq!(renames, Renames::new([("a", "b")], [("b", "a"), ("c", "d")]));
    }

    #[test]
    fn an_alias_concerns_the_workflows_that_have_the_new_name_and_not_the_old_one() {
        let aliases =
            parse("[agents]\nboss = \"coordinator\"\nplanner = \"orchestrator\"\n[steps]\nplan = \"x\"");
        let aliases = aliases.unwrap();
        let conductor = renames_of(&aliases, "conductor");
        assert_eq!(
            conductor,
            Renames::new([("boss", "coordinator")], []),
            "it still has a planner and a step plan"
        );
        let standby = renames_of(&aliases, "standby");
        assert_eq!(standby, Renames::new([("planner", "orchestrator")], [("plan", "x")]));
    }

    #[test]
    fn a_role_is_renamed_with_its_members_and_a_group_by_itself() {
        let aliases = parse("[agents]\nrunner = \"executor\"\nrunners = \"executors\"").unwrap();
        let renames = renames_of(&aliases, "conductor");
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
