//! Roles with permissions: a decision counts only if its sender has the permission and had no part in the
//! work it is about.
//!
//! Agents send messages outside their role: an executor that has just done something approves it itself. Such
//! a message looks like any other, so the receiver has to check the sender (the "confused deputy", Hardy
//! 1988; separation of duty, Clark and Wilson 1987).

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;
use std::collections::BTreeSet;

/// The switch.
#[derive(Default)]
pub struct Roles;

impl Safeguard for Roles {
    const NAME: &'static str = "roles";
    const ABOUT: &'static str = "a decision counts only from an authorised agent that did not do the work";
    const EXAMPLE: &'static str = "roles = true";
    const WITHOUT: &'static str = "a decision counts from any agent, also from the one that did the work";
    const PROTECTS: &'static [&'static str] = &["decisions-are-authorised"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Which agent may take which decision.
///
/// ```
/// use perfidy::safeguards::roles::Permissions;
/// use perfidy_sim::Name;
/// let [anna, ben] = ["anna", "ben"].map(Name::new);
/// let permissions = Permissions::default().allow(anna, "approve");
/// assert!(permissions.permit(anna, "approve", &[ben]));
/// assert!(!permissions.permit(anna, "approve", &[anna, ben]), "no agent approves its own work");
/// assert!(!permissions.permit(ben, "approve", &[]));
/// ```
#[derive(Clone, Default, Debug)]
pub struct Permissions {
    allowed: BTreeSet<(Name, &'static str)>,
}

impl Permissions {
    /// Lets an agent take a decision.
    #[must_use]
    pub fn allow(mut self, who: Name, decision: &'static str) -> Self {
        self.allowed.insert((who, decision));
        self
    }

    /// Whether an agent may take a decision about the work of these agents.
    pub fn permit(&self, who: Name, decision: &'static str, workers: &[Name]) -> bool {
        self.allowed.contains(&(who, decision)) && !workers.contains(&who)
    }

    /// The same if the switch is on; without it, the decision of any agent counts.
    pub fn accept(
        &self,
        safeguards: &Safeguards,
        who: Name,
        decision: &'static str,
        workers: &[Name],
    ) -> bool {
        !safeguards.has::<Roles>() || self.permit(who, decision, workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_roles_the_decision_of_anybody_counts() {
        let [anna, ben] = ["anna", "ben"].map(Name::new);
        let permissions = Permissions::default().allow(anna, "approve");
        let (with, without) = (Safeguards::default().with(Roles), Safeguards::default());
        assert!(permissions.accept(&with, anna, "approve", &[ben]));
        assert!(!permissions.accept(&with, ben, "approve", &[]));
        assert!(!permissions.accept(&with, anna, "approve", &[anna]));
        assert!(!permissions.accept(&with, anna, "merge", &[ben]));
        assert!(permissions.accept(&without, ben, "approve", &[ben]));
    }
}
