//! Which safeguards guard a property in a case: those that the case takes away, those that the file leaves
//! off, and those that are on.
//!
//! That a safeguard protects a property is what the safeguard itself says
//! ([`Safeguard::PROTECTS`](crate::safeguards::Safeguard::PROTECTS)), or what another case of the same
//! scenario shows. A safeguard that the agents of the workflow do not have guards nothing there.

use crate::safeguards::SafeguardKind;
use crate::scenario::Case;

/// The safeguards that guard a property in a case.
#[derive(Clone, Default)]
pub struct Guards<'a> {
    /// Those that the case takes away.
    pub taken_away: Vec<&'a SafeguardKind>,
    /// Those that protect the property and that the file does not turn on.
    pub off: Vec<&'a SafeguardKind>,
    /// Those that protect the property and are on.
    pub on: Vec<&'a SafeguardKind>,
}

impl Case {
    /// The safeguards that guard a property in this case.
    ///
    /// ```
    /// use perfidy::scenario::{Case, Scenario};
    /// use perfidy::suite::Suite;
    /// let text = "# A tool that forgets.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\n\
    ///             tool = \"ticketing.create\"\n[tools.ticketing]\n[safeguards]\nidempotency-keys = true\n";
    /// let scenario = Scenario::parse(&Suite::shipped(), "own/forgets", text).unwrap();
    /// let case = Case::as_written(&scenario);
    /// let guards = case.guards_of("no-duplicate-effects");
    /// assert!(guards.on.iter().any(|kind| kind.name == "idempotency-keys"));
    /// assert!(guards.off.iter().any(|kind| kind.name == "tool-dedupe"));
    /// ```
    pub fn guards_of(&self, property: &str) -> Guards<'_> {
        let mut guards = Guards::default();
        let taken_away = self.without().map_or(&[][..], |without| &without.safeguards);
        for kind in self.scenario.suite.safeguards() {
            if taken_away.contains(&kind.name) {
                guards.taken_away.push(kind);
            } else if self.is_protected_by(kind, property) {
                let is_on = self.safeguards.names().any(|name| name == kind.name);
                if is_on { &mut guards.on } else { &mut guards.off }.push(kind);
            }
        }
        guards
    }

    fn is_protected_by(&self, kind: &SafeguardKind, property: &str) -> bool {
        let mut cases = self.scenario.without.iter();
        let is_shown =
            cases.any(|case| case.safeguards.contains(&kind.name) && case.violates.contains(&property));
        let says_so = kind.protects.contains(&property);
        (says_so || is_shown) && self.scenario.workflow.safeguards.contains(&kind.name)
    }
}

impl<'a> Guards<'a> {
    /// Those that are off, for whatever reason.
    pub fn missing(&self) -> impl Iterator<Item = &'a SafeguardKind> {
        self.taken_away.iter().chain(&self.off).copied()
    }
}
