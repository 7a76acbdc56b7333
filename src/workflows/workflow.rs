//! A workflow as a value: its agents with their code, and what a scenario may configure.

use crate::agent::{Agent, Agents, GUARDRAIL};
use crate::config::problem::nearest_in_words;
use crate::properties::{EVENTUAL_TERMINATION, NO_EFFECT_AFTER_CANCEL};
use crate::safeguards::journal_fencing::{self, JournalFencing};
use crate::safeguards::tool_dedupe::ToolDedupe;
use crate::safeguards::{Safeguard, Safeguards};
use crate::workflows::approver::{APPROVER, approver};
use crate::workflows::guardrail::guardrail;
use crate::workflows::on_call::{ON_CALL, on_call};
use crate::workflows::user::{USER, inquirer, user};
use crate::workflows::{TeamConfig, TeamContext};
use perfidy_sim::{LocalFuture, Name, World};
use std::fmt;
use std::future::Future;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// A role of which a scenario can choose the number of agents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// Its name in `[team]` and as a group, such as `executors`.
    pub group: &'static str,
    /// The name of its members without their number, such as `executor`.
    pub member: &'static str,
    /// How many there can be.
    pub count: RangeInclusive<u32>,
    /// How many there are if the file does not say.
    pub default: u32,
}

impl Role {
    /// A role with this name for the group, this name for each member, and so many members.
    pub fn new(group: &'static str, member: &'static str, count: RangeInclusive<u32>, default: u32) -> Self {
        Self { group, member, count, default }
    }
}

/// The code of an agent, from its start and from each restart.
type Code = Arc<dyn Fn(Agent, TeamContext) -> LocalFuture + Send + Sync>;

/// The code of an agent in one run, in place of that of its workflow.
pub type OtherCode = Rc<dyn Fn(Agent, TeamContext) -> LocalFuture>;

/// Something that is put into the world beside the team.
type Extra = Arc<dyn Fn(&TeamConfig, &mut World<Agents>) + Send + Sync>;

/// Whether the team shares a store under these safeguards.
type IfSwitched = Arc<dyn Fn(&Safeguards) -> bool + Send + Sync>;

/// An agent, or the agents of the role at that index in the list of roles.
#[derive(Clone, Copy)]
enum Who {
    Agent(&'static str),
    Role(usize),
}

/// Where a list of names of a workflow comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The workflow does not say, so the list grows with its suite.
    Default,
    /// The workflow declares it.
    Declared,
}

/// The code of an agent: an `async fn` or a closure that takes its handle, and the context of its team if it
/// asks for that. The code runs when the agent starts and after each of its crashes: only its journal
/// survives a crash.
///
/// `Arguments` is the list of the arguments, which the compiler finds out. A closure that calls methods of
/// its handle names the handle's type: `|agent: Agent| async move { .. }`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the code of an agent",
    label = "not an `async fn(Agent)` or `async fn(Agent, TeamContext)`",
    note = "the future returns nothing, and is `'static`: it owns what it uses"
)]
pub trait AgentCode<Arguments>: Send + Sync + 'static {
    /// Starts an agent.
    fn start(&self, agent: Agent, team: TeamContext) -> LocalFuture;
}

impl<F, R> AgentCode<(Agent,)> for F
where
    F: Fn(Agent) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    fn start(&self, agent: Agent, _: TeamContext) -> LocalFuture {
        Box::pin(self(agent))
    }
}

impl<F, R> AgentCode<(Agent, TeamContext)> for F
where
    F: Fn(Agent, TeamContext) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    fn start(&self, agent: Agent, team: TeamContext) -> LocalFuture {
        Box::pin(self(agent, team))
    }
}

/// A kind of team. See [the module](crate::workflows) for an example.
///
/// A name and the code of one agent are enough. What is not said has a default:
///
/// | | default |
/// |---|---|
/// | [`about`](Self::about) | "no description" |
/// | [`properties`](Self::properties) | `eventual-termination`, and each property that the suite adds |
/// | [`safeguards`](Self::safeguards) | `tool-dedupe`, and each safeguard that the suite adds |
/// | [`probes`](Self::probes) | none |
/// | [`tasks_to`](Self::tasks_to) | the first agent, or all agents if every agent has a role |
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each says of its agents whether they can do a thing")]
pub struct Workflow {
    /// Its name in files.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The roles whose number a file chooses. The agents of the last one carry out the steps of tasks.
    pub roles: Vec<Role>,
    /// Agents that exist exactly once.
    pub singletons: Vec<&'static str>,
    /// The safeguards that its agents support. A file that switches on another is rejected.
    pub safeguards: Vec<&'static str>,
    /// The properties it is about, which must not be vacuous.
    pub properties: Vec<&'static str>,
    /// The probes that its runs should reach.
    pub probes: Vec<&'static str>,
    safeguards_are: Origin,
    properties_are: Origin,
    /// The agents with their code, in the order in which they are started.
    team: Vec<(Who, Code)>,
    /// The agents to which the user submits tasks; empty for the first agent, or for all agents if every
    /// agent has a role.
    contacts: Vec<&'static str>,
    /// The code of the user, if it is not the default.
    user: Option<Code>,
    tasks_are_questions: bool,
    has_person_on_call: IfSwitched,
    /// The nodes that are asked whether a call may be made.
    asks: Vec<&'static str>,
    has_deadlines: bool,
    reads_evidence: bool,
    takes_steps_at_once: bool,
    has_store: IfSwitched,
    extras: Vec<Extra>,
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Workflow").field(&self.name).finish()
    }
}

fn code<Arguments>(code: impl AgentCode<Arguments>) -> Code {
    Arc::new(move |agent, team| code.start(agent, team))
}

impl Workflow {
    /// A team without agents, by that name in files.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            about: "no description",
            roles: Vec::new(),
            singletons: Vec::new(),
            safeguards: vec![ToolDedupe::NAME],
            properties: vec![EVENTUAL_TERMINATION],
            probes: Vec::new(),
            safeguards_are: Origin::Default,
            properties_are: Origin::Default,
            team: Vec::new(),
            contacts: Vec::new(),
            user: None,
            tasks_are_questions: false,
            has_person_on_call: Arc::new(|_| false),
            asks: Vec::new(),
            has_deadlines: false,
            reads_evidence: false,
            takes_steps_at_once: false,
            has_store: Arc::new(|_| false),
            extras: Vec::new(),
        }
    }

    /// Describes it in one line, for lists and explanations.
    #[must_use]
    pub fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// Adds an agent with its code, which captures whatever the agent needs: a client, a runtime, a prompt.
    ///
    /// ```
    /// use perfidy::prelude::*;
    ///
    /// async fn clerk(agent: Agent, greeting: String) {
    ///     while agent.receive_now().is_some() {
    ///         println!("{greeting}");
    ///     }
    /// }
    ///
    /// let greeting = "good morning".to_owned();
    /// Workflow::new("helpdesk").agent("clerk", move |agent| clerk(agent, greeting.clone()));
    /// ```
    #[must_use]
    pub fn agent<Arguments>(mut self, name: &'static str, run: impl AgentCode<Arguments>) -> Self {
        self.singletons.push(name);
        self.team.push((Who::Agent(name), code(run)));
        self
    }

    /// Adds the agents of a role, which all run the same code.
    #[must_use]
    pub fn agents<Arguments>(mut self, role: Role, run: impl AgentCode<Arguments>) -> Self {
        self.team.push((Who::Role(self.roles.len()), code(run)));
        self.roles.push(role);
        self
    }

    /// Makes the user submit its tasks to these agents, any of which may report. The default is the first
    /// agent, or all agents if every agent has a role.
    #[must_use]
    pub fn tasks_to(mut self, contacts: &[&'static str]) -> Self {
        self.contacts = contacts.to_vec();
        self
    }

    /// Makes the tasks questions: their steps read from tools, and no effect is required.
    #[must_use]
    pub fn tasks_are_questions(mut self) -> Self {
        self.tasks_are_questions = true;
        self
    }

    /// Replaces the user that submits the tasks of the scenario.
    #[must_use]
    pub fn user<Arguments>(mut self, run: impl AgentCode<Arguments>) -> Self {
        self.user = Some(code(run));
        self
    }

    /// Adds a [person on call](crate::workflows::on_call).
    #[must_use]
    pub fn person_on_call(self) -> Self {
        self.person_on_call_if(|_| true)
    }

    /// The same, if the safeguards need one.
    #[must_use]
    pub fn person_on_call_if(
        mut self,
        has_one: impl Fn(&Safeguards) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.has_person_on_call = Arc::new(has_one);
        self
    }

    /// Adds a [person who approves](crate::workflows::approver) steps that cannot be undone, where there are
    /// any.
    #[must_use]
    pub fn approver(mut self) -> Self {
        self.asks.push(APPROVER);
        self
    }

    /// Adds a [guardrail](crate::workflows::guardrail) for the steps that one must check, where there are
    /// any.
    #[must_use]
    pub fn guardrail(mut self) -> Self {
        self.asks.push(GUARDRAIL);
        self
    }

    /// Whether its agents have a guardrail check the steps that need it.
    pub(crate) fn has_guardrail(&self) -> bool {
        self.asks.contains(&GUARDRAIL)
    }

    /// Lets a step rest on [evidence](crate::workflows::Evidence), which its agents read at a source.
    #[must_use]
    pub fn evidence(mut self) -> Self {
        self.reads_evidence = true;
        self
    }

    /// Whether its agents read the evidence on which a step rests.
    pub(crate) fn reads_evidence(&self) -> bool {
        self.reads_evidence
    }

    /// Lets a scenario limit the time of a task. A team with the property `no-effect-after-cancel` keeps to
    /// it in any case.
    #[must_use]
    pub fn deadlines(mut self) -> Self {
        self.has_deadlines = true;
        self
    }

    /// Whether the team gives a task up, or undoes it, when its time is up.
    pub(crate) fn has_deadlines(&self) -> bool {
        self.has_deadlines || self.properties.contains(&NO_EFFECT_AFTER_CANCEL)
    }

    /// Says that its agents take all steps of a task at once. A scenario whose steps need others is refused.
    #[must_use]
    pub fn steps_at_once(mut self) -> Self {
        self.takes_steps_at_once = true;
        self
    }

    /// Whether it takes the steps of a task in no order.
    pub(crate) fn takes_steps_at_once(&self) -> bool {
        self.takes_steps_at_once
    }

    /// Adds a shared store, if the safeguards need one.
    #[must_use]
    pub fn store_if(mut self, has_store: impl Fn(&Safeguards) -> bool + Send + Sync + 'static) -> Self {
        self.has_store = Arc::new(has_store);
        self
    }

    /// Adds another component to the world.
    #[must_use]
    pub fn with(mut self, extra: impl Fn(&TeamConfig, &mut World<Agents>) + Send + Sync + 'static) -> Self {
        self.extras.push(Arc::new(extra));
        self
    }

    /// Declares the safeguards that its agents support, in place of the default.
    #[must_use]
    pub fn safeguards(mut self, names: &[&'static str]) -> Self {
        self.safeguards = names.to_vec();
        self.safeguards_are = Origin::Declared;
        self
    }

    /// Declares the properties that it is about, in place of the default. Every property of the suite is
    /// judged on every run; of these, a campaign also demands that they had something to judge.
    #[must_use]
    pub fn properties(mut self, names: &[&'static str]) -> Self {
        self.properties = names.to_vec();
        self.properties_are = Origin::Declared;
        self
    }

    /// Whether the properties are those that its suite gives to a workflow that names none.
    pub(crate) fn has_default_properties(&self) -> bool {
        self.properties_are == Origin::Default
    }

    /// Whether the safeguards are those that its suite gives to a workflow that names none.
    pub(crate) fn has_default_safeguards(&self) -> bool {
        self.safeguards_are == Origin::Default
    }

    /// Supports a safeguard that its suite adds, unless it declares its own.
    pub(crate) fn support_by_default(&mut self, safeguard: &'static str) {
        if self.safeguards_are == Origin::Default {
            self.safeguards.push(safeguard);
        }
    }

    /// Is about a property that its suite adds, unless it declares its own.
    pub(crate) fn be_about_by_default(&mut self, property: &'static str) {
        if self.properties_are == Origin::Default {
            self.properties.push(property);
        }
    }

    /// Declares the probes that its runs should reach, each at least once in a campaign.
    #[must_use]
    pub fn probes(mut self, names: &[&'static str]) -> Self {
        self.probes = names.to_vec();
        self
    }

    /// How many agents a team has in which there are so many of each role.
    pub(crate) fn size(&self, team: impl Iterator<Item = u32>) -> u64 {
        self.singletons.len() as u64 + team.map(u64::from).sum::<u64>()
    }

    /// Whether a team with these safeguards shares a store.
    pub(crate) fn has_store(&self, safeguards: &Safeguards) -> bool {
        (self.has_store)(safeguards)
    }

    /// The name of its only agent, to which the user gives all tasks; `None` if there are others. The code of
    /// such an agent can be replaced: nothing in the world but its node's name depends on it.
    pub(crate) fn lone_agent(&self) -> Option<&'static str> {
        let [only] = self.singletons[..] else { return None };
        let gets_tasks = self.contacts.iter().all(|contact| *contact == only);
        (self.roles.is_empty() && self.extras.is_empty() && gets_tasks && self.asks_for_effects())
            .then_some(only)
    }

    /// Whether its user is the usual one, who wants each step of a task to have one effect.
    pub(crate) fn asks_for_effects(&self) -> bool {
        self.user.is_none() && !self.tasks_are_questions
    }

    /// Puts the user and the team into a world.
    pub fn assemble(&self, config: &Arc<TeamConfig>, world: &mut World<Agents>) {
        self.assemble_around(config, world, None);
    }

    /// The same, with other code for the agent of a name.
    pub(crate) fn assemble_around(
        &self,
        config: &Arc<TeamConfig>,
        world: &mut World<Agents>,
        other: Option<&(&'static str, OtherCode)>,
    ) {
        let team = TeamContext::new(Arc::clone(config));
        if self.has_store(&config.safeguards) {
            team.open_store(world);
        }
        self.start_user(&team, world);
        if (self.has_person_on_call)(&config.safeguards) {
            team.spawn_agent(world, Name::literal(ON_CALL), on_call);
        }
        if self.asks.contains(&APPROVER) && team.plan.steps.iter().any(|step| step.irreversible) {
            team.spawn_agent(world, Name::literal(APPROVER), approver);
        }
        if self.has_guardrail() && team.plan.steps.iter().any(|step| step.guarded) {
            team.spawn_agent(world, Name::literal(GUARDRAIL), guardrail);
        }
        for (who, code) in &self.team {
            match (who, other) {
                (Who::Agent(name), Some((replaced, code))) if name == replaced => {
                    let code = Rc::clone(code);
                    team.spawn_agent(world, Name::literal(name), move |agent, team| code(agent, team));
                }
                (Who::Agent(name), _) => start(&team, world, Name::literal(name), code),
                (Who::Role(role), _) => {
                    for member in team.group(self.roles[*role].group) {
                        start(&team, world, *member, code);
                    }
                }
            }
        }
        self.extras.iter().for_each(|extra| extra(config, world));
    }

    /// What is wrong with the agents that get the tasks, if one of them is not in the team.
    pub(crate) fn unknown_contact(&self) -> Option<String> {
        let is_member = |contact: &str| {
            let role = contact.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
            role.is_some_and(|(member, _)| self.roles.iter().any(|role| role.member == member))
        };
        // What else a world has, only the code that adds it knows.
        let unknown = self.contacts.iter().filter(|_| self.extras.is_empty());
        let unknown = unknown.copied().find(|name| !self.singletons.contains(name) && !is_member(name))?;
        let members: Vec<String> = self.roles.iter().map(|role| format!("{}-1", role.member)).collect();
        let known = self.singletons.iter().copied().chain(members.iter().map(String::as_str));
        let near = nearest_in_words(unknown, &known.collect::<Vec<_>>());
        Some(format!(
            "the workflow `{}` gives its tasks to `{unknown}`, who is not in the team; {near}",
            self.name
        ))
    }

    fn start_user(&self, team: &TeamContext, world: &mut World<Agents>) {
        let name = Name::literal(USER);
        if let Some(code) = &self.user {
            return start(team, world, name, code);
        }
        let contacts: Arc<[Name]> = match (self.contacts.as_slice(), self.singletons.first()) {
            ([], Some(first)) => [Name::literal(first)].into(),
            ([], None) => Arc::clone(&team.workers),
            (contacts, _) => contacts.iter().copied().map(Name::new).collect(),
        };
        if self.tasks_are_questions {
            team.spawn_agent(world, name, move |agent, team| inquirer(agent, team, contacts.clone()));
        } else {
            team.spawn_agent(world, name, move |agent, team| user(agent, team, contacts.clone()));
        }
    }
}

fn start(team: &TeamContext, world: &mut World<Agents>, name: Name, code: &Code) {
    let code = Arc::clone(code);
    if !team.safeguards().has::<JournalFencing>() {
        return team.spawn_agent(world, name, move |agent, team| code(agent, team));
    }
    team.spawn_agent(world, name, move |agent, team| {
        let code = Arc::clone(&code);
        async move {
            let agent = journal_fencing::open(agent, team.safeguards()).await;
            code(agent, team).await;
        }
    });
}
