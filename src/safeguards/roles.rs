//! Roles with permissions: a decision counts if whoever takes it may, and had no hand in the work it is about.
//!
//! Agents say things that are not theirs to say: an executor that has just done something is only too ready to find it
//! well done. The message looks like any other, so whoever receives it has to ask who sent it (the "confused deputy",
//! Hardy 1988; separation of duty, Clark and Wilson 1987).

use crate::safeguards::{Safeguard, Safeguards, switch};
use crate::scenario::{Entry, Problem};
use perfidy_sim::Name;
use std::collections::BTreeSet;

/// The switch.
#[derive(Default)]
pub struct Roles;

impl Safeguard for Roles {
    const NAME: &'static str = "roles";
    const ABOUT: &'static str =
        "a decision counts only from somebody who may take it and did not do the work";
    const EXAMPLE: &'static str = "roles = true";

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Who may take which decision.
///
/// ```
/// use perfidy::safeguards::roles::Permissions;
/// use perfidy_sim::Name;
/// let [anna, ben] = ["anna", "ben"].map(Name::new);
/// let permissions = Permissions::default().allow(anna, "approve");
/// assert!(permissions.permit(anna, "approve", &[ben]));
/// assert!(!permissions.permit(anna, "approve", &[anna, ben]), "nobody approves what they did");
/// assert!(!permissions.permit(ben, "approve", &[]));
/// ```
#[derive(Clone, Default, Debug)]
pub struct Permissions {
    allowed: BTreeSet<(Name, &'static str)>,
}

impl Permissions {
    /// Lets somebody take a decision.
    #[must_use]
    pub fn allow(mut self, who: Name, decision: &'static str) -> Self {
        self.allowed.insert((who, decision));
        self
    }

    /// Whether somebody may take a decision about the work of these.
    pub fn permit(&self, who: Name, decision: &'static str, workers: &[Name]) -> bool {
        self.allowed.contains(&(who, decision)) && !workers.contains(&who)
    }

    /// The same where the switch is on; without it, whoever decides has decided.
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
