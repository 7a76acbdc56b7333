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
//! [properties]                 # and [workflows], [safeguards], [faults], [moments]
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

use crate::agent::{Request, call_kind, reply_kind};
use crate::config::{Entry, Problem, Problems, entries};
use crate::faults::{ActionMap, model};
use crate::scenario::{self, Renaming, is_word, not_a_word};
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Name, Renames};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::DeTable;

/// A table of a file: what its names are names of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Table {
    Agents,
    Faults,
    Messages,
    Moments,
    Operations,
    Properties,
    Safeguards,
    Steps,
    Tools,
    Workflows,
}

/// The aliases that stand in a file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Aliases {
    /// For each table, from the old names to the new ones.
    tables: BTreeMap<Table, BTreeMap<String, String>>,
}

/// One alias and where its two names stand.
struct Alias<'a> {
    table: Table,
    old: Entry<'a>,
    new: Spanned<String>,
}

impl Table {
    const ALL: [Self; 10] = [
        Self::Agents,
        Self::Faults,
        Self::Messages,
        Self::Moments,
        Self::Operations,
        Self::Properties,
        Self::Safeguards,
        Self::Steps,
        Self::Tools,
        Self::Workflows,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Faults => "faults",
            Self::Messages => "messages",
            Self::Moments => "moments",
            Self::Operations => "operations",
            Self::Properties => "properties",
            Self::Safeguards => "safeguards",
            Self::Steps => "steps",
            Self::Tools => "tools",
            Self::Workflows => "workflows",
        }
    }

    /// What one of its names is the name of.
    fn one(self) -> &'static str {
        match self {
            Self::Agents => "agent",
            Self::Faults => "kind of fault",
            Self::Messages => "message",
            Self::Moments => "moment",
            Self::Operations => "operation",
            Self::Properties => "property",
            Self::Safeguards => "safeguard",
            Self::Steps => "step",
            Self::Tools => "tool",
            Self::Workflows => "workflow",
        }
    }

    /// The names there are today; `None` if every scenario has its own.
    fn today(self, suite: &Suite) -> Option<Vec<String>> {
        let own = |names: Vec<&str>| Some(names.into_iter().map(str::to_owned).collect());
        match self {
            Self::Agents => Some(suite.workflows().flat_map(|workflow| agent_names(workflow)).collect()),
            Self::Faults => own(suite.fault_names()),
            Self::Moments => own(model::MOMENTS.iter().map(|(moment, _)| *moment).collect()),
            Self::Properties => own(suite.property_names()),
            Self::Safeguards => own(suite.safeguard_names()),
            Self::Workflows => own(suite.workflows().map(|workflow| workflow.name).collect()),
            Self::Messages | Self::Operations | Self::Steps | Self::Tools => None,
        }
    }

    /// Whether its names belong to no workflow, so that an old one is gone.
    fn is_of_all(self) -> bool {
        match self {
            Self::Faults | Self::Moments | Self::Properties | Self::Safeguards | Self::Workflows => true,
            Self::Agents | Self::Messages | Self::Operations | Self::Steps | Self::Tools => false,
        }
    }

    /// Whether its names are those of actions, which are learnt from runs of a team.
    fn is_of_actions(self) -> bool {
        match self {
            Self::Messages | Self::Moments | Self::Steps => true,
            Self::Agents
            | Self::Faults
            | Self::Operations
            | Self::Properties
            | Self::Safeguards
            | Self::Tools
            | Self::Workflows => false,
        }
    }

    /// Whether runs draw by its names, so that each must lead back to one.
    fn is_drawn_by(self) -> bool {
        !matches!(self, Self::Properties | Self::Safeguards | Self::Workflows)
    }

    /// Whether two tables share one set of names, because places in runs name both alike.
    fn shares_names_with(self, other: Self) -> bool {
        let shared = |table| match table {
            Self::Tools => Self::Agents,
            Self::Moments => Self::Operations,
            table => table,
        };
        shared(self) == shared(other)
    }
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

/// What an alias comes to for the failures of a workflow, if it concerns them.
fn renaming(
    table: Table,
    (old, new): (&str, &str),
    workflow: Option<&Workflow>,
    actions: Option<&ActionMap>,
) -> Option<Renaming> {
    let global = || BTreeMap::from([(old.to_owned(), new.to_owned())]);
    let run = match table {
        Table::Workflows => return Some(Renaming { workflows: global(), ..Renaming::default() }),
        Table::Properties => return Some(Renaming { properties: global(), ..Renaming::default() }),
        Table::Safeguards => return Some(Renaming { safeguards: global(), ..Renaming::default() }),
        Table::Faults => Renames::of_faults([(old, new)]),
        Table::Tools => Renames::new([(old, new)], []),
        Table::Operations => operations(old, new),
        Table::Agents => {
            let known = agent_names(workflow?);
            let is_today = |name: &str| known.iter().any(|known| known == name);
            (is_today(new) && !is_today(old)).then(|| agents(old, new, workflow))?
        }
        Table::Messages => {
            let sent = actions?.message_kinds();
            (sent.contains(&new) && !sent.contains(&old)).then(|| Renames::of_messages([(old, new)]))?
        }
        Table::Moments => {
            let mut sites = actions?.by.values().flat_map(|does| &does.model_call_sites);
            sites.any(|site| *site == new).then(|| Renames::of_calls([(old, new)]))?
        }
        Table::Steps => {
            let mut steps = actions?.by.values().flat_map(|does| does.steps.keys());
            (!steps.any(|step| step.as_str() == old)).then(|| Renames::new([], [(old, new)]))?
        }
    };
    Some(run.into())
}

/// An agent or a group, or a role with its members.
fn agents(old: &str, new: &str, workflow: Option<&Workflow>) -> Renames {
    let role = workflow.and_then(|workflow| workflow.roles.iter().find(|role| role.member == new));
    let numbers = role.map_or(0, |role| *role.count.end());
    let members: Vec<_> =
        (1..=numbers).map(|number| (format!("{old}-{number}"), format!("{new}-{number}"))).collect();
    let members = members.iter().map(|(old, new)| (old.as_str(), new.as_str()));
    Renames::new(members.chain([(old, new)]), [])
}

/// An operation in all the ways in which a tool can be asked about it, and in the messages that carry that.
fn operations(old: &str, new: &str) -> Renames {
    let forms = Request::ALL.map(|request| [old, new].map(|operation| request.of(Name::new(operation))));
    let calls = forms.iter().map(|[old, new]| (old.as_str(), new.as_str()));
    let carried = forms.iter().flat_map(|[old, new]| {
        [call_kind, reply_kind].map(|kind| (kind(*old).as_str(), kind(*new).as_str()))
    });
    [Renames::of_calls(calls), Renames::of_messages(carried)].into_iter().collect()
}

impl Alias<'_> {
    /// Whether both are names of the same kind.
    fn is_akin(&self, other: &Self) -> bool {
        self.table.shares_names_with(other.table)
    }

    fn problem(&self, suite: &Suite, earlier: &[Self], all: &[Self]) -> Option<Problem> {
        let (old, new) = (self.old.name, self.new.get_ref().as_str());
        // The kind of a message can be any text.
        let is_name = |name: &str| is_word(name) || self.table == Table::Messages && !name.is_empty();
        if !is_name(old) {
            return Some(not_a_word(self.old.key_span.clone(), old));
        }
        if !is_name(new) {
            return Some(not_a_word(self.new.span(), new));
        }
        if old == new {
            let problem =
                Problem::at(self.new.span(), format!("`{old}` is called what it was called before"));
            return Some(problem.help("write old = \"new\", or take the line out"));
        }
        if let Some(other) = earlier.iter().find(|other| self.is_akin(other) && other.old.name == old) {
            let problem =
                Problem::at(self.old.key_span.clone(), format!("`{old}` has another new name already"));
            let (one, two) = (other.table.name(), self.table.name());
            return Some(
                problem.help(format!("{one} and {two} share one set of names; take one of the lines out")),
            );
        }
        if self.table.is_drawn_by()
            && let Some(other) =
                earlier.iter().find(|other| self.is_akin(other) && other.new.get_ref() == new)
        {
            let message =
                format!("`{}` is called `{new}` already, and one name cannot be both", other.old.name);
            return Some(Problem::at(self.new.span(), message).help(AGES));
        }
        if all.iter().any(|other| self.is_akin(other) && other.old.name == new) {
            let message = format!("`{new}` is an old name as well as a new one");
            let help = "write the name of today behind every old one, in a file for the failures of each age";
            return Some(Problem::at(self.new.span(), message).help(help));
        }
        self.not_of_today(&self.table.today(suite)?)
    }

    /// Whether the new name is one that there is today, and the old one is gone.
    fn not_of_today(&self, today: &[String]) -> Option<Problem> {
        let (old, new, what) = (self.old.name, self.new.get_ref().as_str(), self.table.one());
        let is_today = |name: &str| today.iter().any(|known| known == name);
        if !is_today(new) {
            let is_numbered = |name: &&str| name.ends_with(|c: char| c.is_ascii_digit());
            let mut known: Vec<&str> = today.iter().map(String::as_str).collect();
            known.retain(|name| !is_numbered(name));
            known.sort_unstable();
            known.dedup();
            return Some(Problem::unknown(self.new.span(), what, new, &known));
        }
        (self.table.is_of_all() && is_today(old)).then(|| {
            let problem = Problem::at(self.old.key_span.clone(), format!("there still is a {what} `{old}`"));
            problem.help("an alias is for a name that is gone; take the line out")
        })
    }
}

const AGES: &str = "if failures of different age have different names, give those of each age a folder with a file of \
                    its own";

/// Everything in a workflow that an agent's alias can lead to: agents, roles and groups.
fn agent_names(workflow: &Workflow) -> Vec<String> {
    let singletons = workflow.singletons.iter().map(|name| (*name).to_owned());
    let roles = workflow.roles.iter().flat_map(|role| {
        let members = (1..=*role.count.end()).map(|number| format!("{}-{number}", role.member));
        members.chain([role.member.to_owned(), role.group.to_owned()])
    });
    singletons.chain(roles).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

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
        refuses("[steps]\n\"a b\" = \"a\"", &["`a b` cannot be a name"]);
        refuses("[steps]\na = \"\"", &["`` cannot be a name"]);
        refuses("[steps\na = \"b\"", &[":1:"]);
    }

    #[test]
    fn what_leads_nowhere_or_from_what_is_still_there_is_refused() {
        for (text, words) in [
            (
                "[properties]\na = \"no-orphan\"",
                ["unknown property `no-orphan`", "did you mean `no-orphans`?"],
            ),
            ("[workflows]\na = \"conducter\"", ["unknown workflow `conducter`", "did you mean `conductor`?"]),
            ("[safeguards]\na = \"retyr\"", ["unknown safeguard `retyr`", "did you mean `retry`?"]),
            ("[faults]\na = \"dorp\"", ["unknown kind of fault `dorp`", "did you mean `drop`?"]),
            ("[moments]\na = \"sumary\"", ["unknown moment `sumary`", "did you mean `summary`?"]),
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
            ("[operations]\na = \"b\"\n[moments]\na = \"answer\"", ["has another new name", "share one set"]),
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
            ("mail > executor-1, reply to call-off of send", "mail > executor-1, reply to call-off of post"),
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
