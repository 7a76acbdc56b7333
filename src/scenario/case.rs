//! Cases: a scenario as written, or with something taken away.

use crate::agent::ModelFaults;
use crate::faults::agents::failures_in;
use crate::faults::model::fault_of;
use crate::safeguards::Safeguards;
use crate::scenario::{Scenario, Without};
use crate::workflows::{TaskPlan, TeamConfig};
use perfidy_sim::{Lookup, Name, Renames};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// One scenario in one of its forms, for as long as it lives: its [`Form`] can be read but not changed.
#[derive(Clone, Debug)]
pub struct Case {
    form: Form,
    /// What this case takes away.
    without: Option<Arc<Without>>,
    /// Whether what agents say of themselves is left out of the history.
    drops_announcements: bool,
    /// What the team is configured with, prepared when the first run needs it.
    team: OnceLock<Arc<TeamConfig>>,
    /// From the names of the team and its steps to those under which everything is drawn, if they were
    /// others.
    pub(crate) previous_names: Option<Arc<Renames>>,
}

/// What a [`Case`] is.
#[derive(Clone, Debug)]
pub struct Form {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The safeguards that are on in this case.
    pub safeguards: Safeguards,
}

impl Deref for Case {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.form
    }
}

/// A scenario has no case of that label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoSuchCase {
    label: String,
    known: Vec<String>,
}

impl fmt::Display for NoSuchCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no case `{}`; there are: {}", self.label, self.known.join(", "))
    }
}

impl std::error::Error for NoSuchCase {}

impl Case {
    /// The scenario as written.
    pub fn as_written(scenario: &Arc<Scenario>) -> Self {
        let form = Form { scenario: Arc::clone(scenario), safeguards: scenario.safeguards.clone() };
        Self { form, without: None, drops_announcements: false, team: OnceLock::new(), previous_names: None }
    }

    /// All cases of a scenario: as written first.
    ///
    /// # Panics
    /// If a case takes away a safeguard that the suite of the scenario does not have; a file cannot name one.
    pub fn all(scenario: &Arc<Scenario>) -> Vec<Self> {
        let removals = scenario.without.iter().map(|without| Self::taking_away(scenario, without.clone()));
        [Self::as_written(scenario)].into_iter().chain(removals).collect()
    }

    /// The scenario without these safeguards, whether or not its file has such a case. No property must
    /// break, and any may that the file does not waive.
    ///
    /// ```
    /// use perfidy::scenario::{Case, Scenario};
    /// use perfidy::suite::Suite;
    /// let text = std::fs::read_to_string("scenarios/conductor/lost-ack.toml").unwrap();
    /// let scenario = Scenario::parse(&Suite::shipped(), "conductor/lost-ack", &text).unwrap();
    /// let case = Case::removing(&scenario, &["retry"]);
    /// assert_eq!(case.label(), "without retry");
    /// assert!(!case.safeguards.names().any(|name| name == "retry"));
    /// ```
    ///
    /// # Panics
    /// If the scenario does not have one of them on.
    pub fn removing(scenario: &Arc<Scenario>, safeguards: &[&'static str]) -> Self {
        let properties = scenario.suite.properties().iter().map(|property| property.name);
        let violates = properties.filter(|name| !scenario.waived.contains_key(name)).collect();
        let safeguards = safeguards.to_vec();
        Self::taking_away(scenario, Without { safeguards, violates, within_seeds: u32::MAX })
    }

    fn taking_away(scenario: &Arc<Scenario>, without: Without) -> Self {
        let mut case = Self::as_written(scenario);
        for name in &without.safeguards {
            let kind = scenario.suite.find_safeguard(name).expect("it is one of the suite");
            case.form.safeguards.remove(kind);
        }
        case.without = Some(Arc::new(without));
        case
    }

    /// The same case with everything left out that agents only say of themselves: their announcements, and
    /// whom they say they wait for. No verdict of a shipped property may depend on it.
    #[must_use]
    pub fn dropping_announcements(self) -> Self {
        Self { drops_announcements: true, team: OnceLock::new(), ..self }
    }

    /// What the team of this case is configured with.
    pub fn team(&self) -> &Arc<TeamConfig> {
        self.team.get_or_init(|| Arc::new(self.configure_team()))
    }

    fn configure_team(&self) -> TeamConfig {
        let scenario = &self.scenario;
        let groups = scenario.directory().groups;
        let workers = scenario.workflow.roles.last().map(|role| groups[&Name::new(role.group)].clone());
        let workers = workers.unwrap_or_default();
        let mut places = Lookup::default();
        for (place, worker) in workers.iter().enumerate() {
            places.insert(*worker, place);
        }
        let stamped_tools = scenario.tools.iter().filter(|(_, tool)| tool.prototype.orders_by_stamp());
        TeamConfig {
            workflow: scenario.workflow.name,
            groups,
            plan: Arc::new(TaskPlan::new(scenario.tasks.count, scenario.steps.clone())),
            workers: workers.into(),
            places,
            safeguards: self.safeguards.clone(),
            tasks: scenario.tasks.clone(),
            stamped_tools: stamped_tools.map(|(name, _)| *name).collect(),
            store: scenario.store.clone(),
            model_latency: scenario.model.latency.clone(),
            chat: scenario.model.chat,
            model_faults: ModelFaults::new(fault_of, scenario.suite.fault_kinds().own().clone()),
            agent_failures: failures_in(&scenario.chaos),
            bounds: scenario.bounds.clone(),
            drops_announcements: self.drops_announcements,
        }
    }

    /// Whether what agents say of themselves is left out.
    pub fn drops_announcements(&self) -> bool {
        self.drops_announcements
    }

    /// The case of a scenario that has this label.
    ///
    /// # Errors
    /// [`NoSuchCase`] with the labels there are.
    pub fn labelled(scenario: &Arc<Scenario>, label: &str) -> Result<Self, NoSuchCase> {
        let cases = Self::all(scenario);
        let known = cases.iter().map(Self::label).collect();
        let found = cases.into_iter().find(|case| case.label() == label);
        found.ok_or_else(|| NoSuchCase { label: label.to_owned(), known })
    }

    /// What this case takes away, if anything.
    pub fn without(&self) -> Option<&Without> {
        self.without.as_deref()
    }

    /// How people tell the cases of a scenario apart: `as written`, or `without` and the names.
    pub fn label(&self) -> String {
        match self.without() {
            None => "as written".to_owned(),
            Some(without) => format!("without {}", without.safeguards.join(", ")),
        }
    }

    /// The properties that ask for what its agent has no way to do.
    pub(crate) fn not_judged(&self) -> &'static [&'static str] {
        let programs = self.scenario.program.as_ref().and(self.scenario.suite.programs());
        programs.map_or(&[], |programs| programs.not_judged())
    }

    /// The properties that need not have had anything to judge.
    fn need_not_be_judged(&self) -> &'static [&'static str] {
        let programs = self.scenario.program.as_ref().and(self.scenario.suite.programs());
        programs.map_or(&[], |programs| programs.need_not_be_judged())
    }

    /// The properties that must have had something to judge in this case.
    pub fn is_about(&self) -> Vec<&'static str> {
        let mut properties = self.scenario.workflow.properties.clone();
        properties.extend(&self.scenario.judged);
        properties.extend(self.without().into_iter().flat_map(|without| &without.violates));
        let optional = self.need_not_be_judged();
        properties.retain(|name| !self.scenario.waived.contains_key(name) && !optional.contains(name));
        properties.sort_unstable();
        properties.dedup();
        properties
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.scenario.name, self.label())
    }
}
