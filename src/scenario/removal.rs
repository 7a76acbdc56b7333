//! What it means to take safeguards away that no `[[without]]` case of the file takes away: which others lose
//! their effect with them, and how a file says it.

use crate::safeguards::setup::{Setup, StepTraits};
use crate::scenario::{Case, Scenario, Without};
use crate::workflows::Step;
use std::collections::BTreeSet;

impl Case {
    /// The safeguards that are on in this case and have no effect, because what they need is taken away. A
    /// file that says so is rejected; in a case it is what a team without the others would be.
    ///
    /// ```
    /// use perfidy::scenario::{Case, Scenario};
    /// use perfidy::suite::Suite;
    /// let text = "# Half a journal.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\n\
    ///             tool = \"ticketing.create\"\n[tools.ticketing]\n[safeguards]\n\
    ///             checkpoint = true\nchecksummed-log = true\n";
    /// let scenario = Scenario::parse(&Suite::shipped(), "own/half", text).unwrap();
    /// assert_eq!(Case::removing(&scenario, &["checkpoint"]).without_effect(), ["checksummed-log"]);
    /// assert!(Case::removing(&scenario, &["checksummed-log"]).without_effect().is_empty());
    /// ```
    pub fn without_effect(&self) -> Vec<&'static str> {
        let unread = BTreeSet::new();
        let setup = Setup {
            on: &self.safeguards,
            unread: &unread,
            steps: step_traits(&self.scenario.steps),
            tools: &self.scenario.tools,
            team: &self.scenario.team,
        };
        let kinds = self.scenario.suite.safeguards().iter();
        kinds.filter(|kind| kind.missing(&setup).is_some()).map(|kind| kind.name).collect()
    }

    /// The same case as one of a file: that of the scenario if there is one, or else of its text with one
    /// `[[without]]` more, which names the property. So a failure of it can be saved, and replayed from what
    /// is saved. `None` if the text cannot take it.
    pub fn in_a_file(&self, property: &'static str) -> Option<Self> {
        let without = self.without()?;
        let is_it = |case: &Self| case.without().is_some_and(|known| known.removes_the_same_as(without));
        if let Some(case) = Self::all(&self.scenario).into_iter().find(is_it) {
            return Some(case);
        }
        let violates = vec![property];
        let within_seeds = Without::USUAL_SEEDS;
        let entry = Without { safeguards: without.safeguards.clone(), violates, within_seeds };
        let text = format!("{}\n\n{}", self.scenario.text.trim_end(), entry.to_toml());
        let (suite, name) = (&self.scenario.suite, self.scenario.name.as_str());
        let scenario = Scenario::parse_saved(suite, name, &text).ok()?;
        Self::all(&scenario).into_iter().find(is_it)
    }
}

impl Without {
    /// Within how many seeds a property must break where the file does not say.
    pub const USUAL_SEEDS: u32 = 300;

    /// Whether both remove the same safeguards, in whatever order.
    pub fn removes_the_same_as(&self, other: &Self) -> bool {
        self.removed() == other.removed()
    }

    /// The removed safeguards as a set.
    pub fn removed(&self) -> BTreeSet<&'static str> {
        self.safeguards.iter().copied().collect()
    }

    /// How a file says it.
    ///
    /// ```
    /// use perfidy::scenario::Without;
    /// let (safeguards, violates) = (vec!["retry", "verify"], vec!["no-lost-effects"]);
    /// let without = Without { safeguards, violates, within_seeds: 300 };
    /// let entry = "[[without]]\nsafeguards = [\"retry\", \"verify\"]\nviolates = \"no-lost-effects\"\n";
    /// assert_eq!(without.to_toml(), entry);
    /// ```
    pub fn to_toml(&self) -> String {
        let one_or_many = |names: &[&str]| match names {
            [one] => format!("{one:?}"),
            many => format!("{many:?}"),
        };
        let (safeguards, violates) = (one_or_many(&self.safeguards), one_or_many(&self.violates));
        let within = match self.within_seeds {
            Self::USUAL_SEEDS => String::new(),
            seeds => format!("within-seeds = {seeds}\n"),
        };
        format!("[[without]]\nsafeguards = {safeguards}\nviolates = {violates}\n{within}")
    }
}

/// What of the steps matters to safeguards.
pub(super) fn step_traits(steps: &[Step]) -> Vec<StepTraits> {
    let traits_of = |step: &Step| {
        let Step { tool, irreversible, guarded, ref undo, .. } = *step;
        StepTraits { tool, irreversible, guarded, can_be_undone: undo.is_some() }
    };
    steps.iter().map(traits_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;
    use std::sync::Arc;

    fn scenario(name: &str) -> Arc<Scenario> {
        let text = std::fs::read_to_string(format!("scenarios/{name}.toml")).unwrap();
        Scenario::parse(&Suite::shipped(), name, &text).unwrap_or_else(|bad| panic!("{bad}"))
    }

    #[test]
    fn a_case_that_the_file_does_not_have_can_be_said_in_a_file() {
        let scenario = scenario("conductor/lost-ack");
        let removed = &["retry", "persist-before-call"];
        let case = Case::removing(&scenario, removed);
        let said = case.in_a_file("no-duplicate-effects").expect("the text takes it");
        assert_eq!(said.label(), case.label());
        assert_eq!(said.without().unwrap().violates, ["no-duplicate-effects"]);
        assert_eq!(said.scenario.without.len(), scenario.without.len() + 1);
        let names = |case: &Case| case.safeguards.names().collect::<Vec<_>>();
        assert_eq!(names(&said), names(&case));
    }

    #[test]
    fn a_case_that_the_file_has_is_that_of_the_file() {
        let scenario = scenario("conductor/lost-ack");
        let of_file = Case::all(&scenario).remove(1);
        let case = Case::removing(&scenario, &of_file.without().unwrap().safeguards);
        let said = case.in_a_file("eventual-termination").expect("it is there");
        assert_eq!(said.without(), of_file.without());
        assert!(Arc::ptr_eq(&said.scenario, &scenario));
    }
}
