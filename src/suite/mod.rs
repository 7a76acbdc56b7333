//! A suite: everything that scenarios can name, as one value.
//!
//! Workflows, properties, safeguards, fault kinds, kinds of tools, probes and strategies are values of a
//! suite, and nothing looks them up anywhere else: a scenario is read for a suite and keeps it, and with it
//! whatever is made of the scenario, cases, runs and saved failures. What comes with perfidy is
//! [`Suite::shipped`]; yours is that and what you add, with the whole [command](Suite::main).
//!
//! Each part has a name. The shorthands [`Suite::tool`] and [`Suite::property`] take a name and a closure;
//! a tool with keys of its own in files is a [`ToolKind`], a property with a bound or a description a
//! [`Property`].
//!
//! ```
//! use perfidy::prelude::*;
//!
//! // A clerk that reports every task as failed, and a property that this clerk violates.
//! async fn clerk(agent: Agent) {
//!     loop {
//!         let message = agent.receive().await;
//!         let report = Report::of(message.about(), Outcome::Failed);
//!         agent.send(message.from(), message.about(), UserMessage::Report(report));
//!     }
//! }
//!
//! let suite = Suite::shipped()
//!     .workflow(Workflow::new("office").agent("clerk", clerk))
//!     .property("never-fails", |history| {
//!         !history.events().iter().any(|event| format!("{:?}", event.what).contains("Failed"))
//!     });
//!
//! let text = "# A clerk that fails.\nworkflow = \"office\"\n[[step]]\nname = \"stamp\"\ntool = \"desk.stamp\"\n[tools.desk]\n";
//! let scenario = Scenario::parse(&suite, "own/office", text).unwrap();
//! let run = Run::fuzzed(&Case::as_written(&scenario), Engine::Native, Seed(1));
//! assert!(run.violation("never-fails").is_some());
//! ```

mod home;
pub(crate) mod outline;
mod strategy;
mod watchdog;

use crate::agent::OwnFault;
use crate::config::problem::nearest_in_words;
use crate::faults::{FaultKind, FaultKinds, Observed};
use crate::probe::Probe;
use crate::properties::{self, Property, TeamHistory, Verdict};
use crate::safeguards::{self, SafeguardKind};
use crate::tools::{self, Tool, ToolKind};
use crate::workflows::{self, Programs, Workflow};
use home::Start;
use perfidy_sim::Engine;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub(crate) use outline::Outline;
pub(crate) use strategy::{BySeed, PlanOf, after};
pub use strategy::{Feedback, OwnStrategy, Strategy, Trial, WantedFeedback};
pub use watchdog::{Overdue, Watchdog};

/// Everything that scenarios can name. Cheap to clone.
#[derive(Clone)]
pub struct Suite(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    workflows: Vec<Arc<Workflow>>,
    properties: Vec<Property>,
    safeguards: Vec<SafeguardKind>,
    faults: FaultKinds,
    tools: Vec<ToolKind>,
    probes: Vec<Probe>,
    strategies: Vec<OwnStrategy>,
    /// The folder of the crate that it belongs to, if it is not the command's.
    home: Option<PathBuf>,
    start: Start,
    engine: Engine,
    /// What is known of the teams that scenarios of this suite have, by the text that describes a team.
    observed: Arc<Mutex<BTreeMap<String, Arc<Mutex<Observed>>>>>,
    /// Watches the runs that are made to find out what a team does.
    watchdog: Watchdog,
    /// What runs programs as agents, if it is there.
    programs: Option<Arc<dyn Programs>>,
}

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.workflows().map(|workflow| workflow.name).collect();
        f.debug_struct("Suite").field("workflows", &names).finish_non_exhaustive()
    }
}

impl Suite {
    /// What comes with perfidy.
    pub fn shipped() -> Self {
        static SHIPPED: LazyLock<Suite> = LazyLock::new(Suite::of_all_that_is_shipped);
        SHIPPED.clone()
    }

    fn of_all_that_is_shipped() -> Self {
        Self(Arc::new(Parts {
            workflows: workflows::shipped().into_iter().map(Arc::new).collect(),
            properties: properties::shipped(),
            safeguards: safeguards::shipped(),
            faults: FaultKinds::shipped(),
            tools: tools::shipped(),
            probes: Vec::new(),
            strategies: Vec::new(),
            home: None,
            start: Start::Command("perfidy".to_owned()),
            engine: Engine::Native,
            observed: Arc::default(),
            watchdog: Watchdog::new(),
            programs: None,
        }))
    }

    /// With the runs on this engine where nothing else is said: [`Engine::Madsim`] for agents that are tokio
    /// code. The command's `--engine` says something else.
    #[must_use]
    pub fn engine(mut self, engine: Engine) -> Self {
        self.parts().engine = engine;
        self
    }

    /// On which engine its runs are where nothing else is said.
    pub fn usual_engine(&self) -> Engine {
        self.0.engine
    }

    /// With one more workflow. It supports the safeguards and is about the properties that are added to this
    /// suite, before or after it, unless it declares its own.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn workflow(mut self, workflow: Workflow) -> Self {
        let names = self.workflows().map(|known| known.name);
        refuse_a_second("workflow", workflow.name, names);
        let workflow = self.with_defaults(workflow);
        self.parts().workflows.push(Arc::new(workflow));
        self
    }

    /// A workflow as it is in this suite.
    fn with_defaults(&self, mut workflow: Workflow) -> Workflow {
        let shipped = Self::shipped();
        let own_properties = self.properties().iter().skip(shipped.properties().len());
        own_properties.for_each(|property| workflow.be_about_by_default(property.name));
        let own_safeguards = self.safeguards().iter().skip(shipped.safeguards().len());
        own_safeguards.for_each(|safeguard| workflow.support_by_default(safeguard.name));
        workflow
    }

    /// With a workflow in the place of the one that has the same name.
    ///
    /// # Panics
    /// If the suite has none of that name.
    #[must_use]
    pub fn replacing_workflow(mut self, workflow: Workflow) -> Self {
        let known: Vec<&str> = self.workflows().map(|known| known.name).collect();
        let Some(place) = known.iter().position(|name| *name == workflow.name) else {
            let near = nearest_in_words(workflow.name, &known);
            panic!("the suite has no workflow `{}` to replace; {near}", workflow.name)
        };
        let workflow = self.with_defaults(workflow);
        self.parts().workflows[place] = Arc::new(workflow);
        self
    }

    /// With one more property, which is judged on every run: a name, and a closure that judges a history.
    ///
    /// ```
    /// use perfidy::prelude::*;
    /// use perfidy::tools::Accounts;
    ///
    /// let suite = Suite::shipped().property("sum-is-constant", |history| {
    ///     history.states::<Accounts>("bank").always(|bank| bank.total() == 500)
    /// });
    /// assert!(suite.find_property("sum-is-constant").is_some());
    /// ```
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn property<V: Into<Verdict>>(
        self,
        name: &'static str,
        judge: impl Fn(&TeamHistory) -> V + Send + Sync + 'static,
    ) -> Self {
        self.add_property(Property::new(name, name, judge))
    }

    /// With one more property, described in full.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn add_property(mut self, property: Property) -> Self {
        let name = property.name;
        refuse_a_second("property", name, self.properties().iter().map(|known| known.name));
        let parts = self.parts();
        // One that declares its own stays the same value, and all that is known of it holds.
        let concerned = parts.workflows.iter_mut().filter(|workflow| workflow.has_default_properties());
        concerned.for_each(|workflow| Arc::make_mut(workflow).be_about_by_default(name));
        parts.properties.push(property);
        self
    }

    /// With one more safeguard.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn safeguard(mut self, safeguard: SafeguardKind) -> Self {
        let name = safeguard.name;
        refuse_a_second("safeguard", name, self.safeguards().iter().map(|known| known.name));
        let parts = self.parts();
        let concerned = parts.workflows.iter_mut().filter(|workflow| workflow.has_default_safeguards());
        concerned.for_each(|workflow| Arc::make_mut(workflow).support_by_default(name));
        parts.safeguards.push(safeguard);
        self
    }

    /// With one more kind of fault, which alters what tools answer, what agents say or what models complete.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn fault(mut self, fault: OwnFault) -> Self {
        refuse_a_second("kind of fault", fault.name, self.faults().map(|known| known.name));
        let parts = self.parts();
        parts.faults = parts.faults.clone().and(fault);
        self
    }

    /// With one more kind of fault, which does more than to alter content: see [`FaultKind::of_tools`] and
    /// [`FaultKind::at_call_site`].
    ///
    /// # Panics
    /// If the suite has one of that name, or the call site is one of the shipped code, which knows only the
    /// shipped faults: another would be injected there and do nothing.
    #[must_use]
    pub fn fault_kind(mut self, kind: FaultKind) -> Self {
        refuse_a_second("kind of fault", kind.name, self.faults().map(|known| known.name));
        if let Some(site) = kind.call_site() {
            let name = kind.name;
            let mut shipped = crate::faults::shipped();
            assert!(
                shipped.all(|known| known.call_site() != Some(site)),
                "nothing at the call site `{site}` knows the fault `{name}`: it is one of perfidy's own; name a \
                 call site of your agent's code, which asks there with `Agent::fault_at`"
            );
        }
        let parts = self.parts();
        parts.faults = parts.faults.clone().and_kind(kind);
        self
    }

    /// With one more tool: a name, and a closure that makes the tool in the state in which each run finds
    /// it. It is the tool of that name in a file, `[tools.bank]`, and the kind of any other tool that names
    /// it, `kind = "bank"`. A file cannot say more of it than of every tool.
    ///
    /// ```
    /// use perfidy::prelude::*;
    /// use perfidy::tools::Accounts;
    ///
    /// let suite = Suite::shipped().tool("bank", || Accounts::of([("alice", 500), ("bob", 0)]));
    /// assert!(suite.find_tool("bank").is_some());
    /// ```
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn tool<T: Tool>(self, name: &'static str, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        self.add_tool_kind(ToolKind::made_by(name, make))
    }

    /// With one more kind of tool, which reads keys of its own in files.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn add_tool_kind(mut self, tool: ToolKind) -> Self {
        refuse_a_second("kind of tool", tool.name, self.tools().iter().map(|known| known.name));
        self.parts().tools.push(tool);
        self
    }

    /// With one more probe. It counts in the runs of the workflows that name it.
    ///
    /// # Panics
    /// If the suite has one of that name.
    #[must_use]
    pub fn probe(mut self, probe: Probe) -> Self {
        refuse_a_second("probe", probe.name, self.probes().iter().map(|known| known.name));
        self.parts().probes.push(probe);
        self
    }

    /// With one more strategy, in the place of a shipped one of the same name if there is one.
    ///
    /// # Panics
    /// If an earlier one that was added has that name.
    #[must_use]
    pub fn strategy(mut self, strategy: OwnStrategy) -> Self {
        refuse_a_second("strategy", strategy.name, self.strategies().iter().map(|known| known.name));
        self.parts().strategies.push(strategy);
        self
    }

    /// What is wrong with a workflow in this suite: a name that is not there can be a typing error, and would
    /// promise or allow nothing; an agent with the name of a person would be the author of what that one
    /// says.
    pub(crate) fn mistake_in(&self, workflow: &Workflow) -> Option<String> {
        if let Some(taken) = workflow.taken_name() {
            let taken_by = "which is the name of a person or a service of every team";
            return Some(format!("the workflow `{}` names an agent `{taken}`, {taken_by}", workflow.name));
        }
        let named = [
            ("property", workflow.properties.as_slice(), self.property_names()),
            ("safeguard", &workflow.safeguards, self.safeguard_names()),
            ("probe", &workflow.probes, self.probes().iter().map(|probe| probe.name).collect()),
        ];
        let unknown = named.into_iter().find_map(|(what, names, known)| {
            let unknown = names.iter().find(|name| !known.contains(name))?;
            let near = nearest_in_words(unknown, &known);
            Some(format!("the workflow `{}` names the {what} `{unknown}`; {near}", workflow.name))
        });
        unknown.or_else(|| workflow.unknown_contact())
    }

    /// Its parts, to be changed. A workflow that is replaced does something else, so nothing is known any
    /// more of what teams do.
    fn parts(&mut self) -> &mut Parts {
        let parts = Arc::make_mut(&mut self.0);
        parts.observed = Arc::default();
        parts
    }

    /// The same, with the code of agents that runs while a file is read under this watchdog.
    #[must_use]
    pub fn watched_by(mut self, watchdog: Watchdog) -> Self {
        self.parts().watchdog = watchdog;
        self
    }

    /// The same, whose scenarios can have programs as agents. The command does this with its own.
    #[must_use]
    pub fn running_programs(mut self, programs: Arc<dyn Programs>) -> Self {
        self.parts().programs = Some(programs);
        self
    }

    /// What runs programs as agents, if it is there.
    pub(crate) fn programs(&self) -> Option<&Arc<dyn Programs>> {
        self.0.programs.as_ref()
    }

    /// The watchdog of the code that runs while a file is read.
    pub(crate) fn watchdog(&self) -> &Watchdog {
        &self.0.watchdog
    }

    /// What is known of the team that this text describes. All who ask for it share it, and may add to it.
    pub(crate) fn observed(&self, team: &str) -> Arc<Mutex<Observed>> {
        let mut observed = self.0.observed.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(observed.entry(team.to_owned()).or_default())
    }

    /// Its workflows.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Workflow>> {
        self.0.workflows.iter()
    }

    /// Its properties, in the order in which runs are judged.
    pub fn properties(&self) -> &[Property] {
        &self.0.properties
    }

    /// Its safeguards.
    pub fn safeguards(&self) -> &[SafeguardKind] {
        &self.0.safeguards
    }

    /// Its kinds of faults.
    pub fn faults(&self) -> impl Iterator<Item = &FaultKind> {
        self.0.faults.iter()
    }

    /// Its kinds of tools.
    pub fn tools(&self) -> &[ToolKind] {
        &self.0.tools
    }

    /// The kind of a tool whose table names none: the one that is called as the tool, or else the first.
    pub(crate) fn kind_of_tool(&self, tool: &str) -> &ToolKind {
        self.find_tool(tool).unwrap_or(&self.tools()[0])
    }

    /// The kind of tool of that name.
    pub fn find_tool(&self, name: &str) -> Option<&ToolKind> {
        self.tools().iter().find(|tool| tool.name == name)
    }

    /// Its own strategies: those that did not come with perfidy.
    pub fn strategies(&self) -> &[OwnStrategy] {
        &self.0.strategies
    }

    /// Its probes.
    pub fn probes(&self) -> &[Probe] {
        &self.0.probes
    }

    /// Its kinds of faults, as one value.
    pub fn fault_kinds(&self) -> &FaultKinds {
        &self.0.faults
    }

    /// The workflow of that name.
    pub fn find_workflow(&self, name: &str) -> Option<&Arc<Workflow>> {
        self.workflows().find(|workflow| workflow.name == name)
    }

    /// The property of that name.
    pub fn find_property(&self, name: &str) -> Option<&Property> {
        self.properties().iter().find(|property| property.name == name)
    }

    /// The safeguard of that name.
    pub fn find_safeguard(&self, name: &str) -> Option<&SafeguardKind> {
        self.safeguards().iter().find(|safeguard| safeguard.name == name)
    }

    /// The kind of fault of that name.
    pub fn find_fault(&self, name: &str) -> Option<&FaultKind> {
        self.0.faults.find(name)
    }

    /// That it has no property of that name, with the nearest that it has.
    pub(crate) fn no_property(&self, name: &str) -> String {
        format!("there is no property `{name}`; {}", nearest_in_words(name, &self.property_names()))
    }

    /// The names of its properties.
    pub fn property_names(&self) -> Vec<&'static str> {
        self.properties().iter().map(|property| property.name).collect()
    }

    /// The names of its safeguards.
    pub fn safeguard_names(&self) -> Vec<&'static str> {
        self.safeguards().iter().map(|safeguard| safeguard.name).collect()
    }

    /// The names of its kinds of faults.
    pub fn fault_names(&self) -> Vec<&'static str> {
        self.faults().map(|fault| fault.name).collect()
    }
}

/// Two things of one kind cannot share a name: a scenario would mean one of them, and nothing would say
/// which.
fn refuse_a_second(what: &str, name: &str, mut known: impl Iterator<Item = &'static str>) {
    assert!(known.all(|known| known != name), "the suite has a {what} `{name}` already");
}

#[cfg(test)]
mod tests;
