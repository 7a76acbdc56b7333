//! The place at which a fault is pinned, and the rule that would bring the fault there by chance.

use perfidy_sim::{Address, Chance, Fault, Hook, Name, Rule, Selector};

/// Where a pinned fault stands.
pub(super) struct Place {
    pub hook: Hook,
    pub from: Name,
    pub to: Name,
    pub what: Name,
}

impl Place {
    /// The place that an address names, if it is one at which an agent or a tool does something.
    pub fn read(at: Address) -> Option<Self> {
        let one = |hook, node, what| Some(Self { hook, from: node, to: node, what });
        let (who, what) = at.site.as_str().split_once(", ")?;
        if let Some((from, to)) = who.split_once(" > ") {
            let [from, to, what] = [from, to, what].map(Name::new);
            return Some(Self { hook: Hook::Message, from, to, what });
        }
        if let Some((node, hook, step)) = Hook::step_of(at.site) {
            return one(hook, node, step);
        }
        if let Some(node) = who.strip_suffix("'s disk") {
            let hook = Hook::ALL.into_iter().find(|hook| hook.of_storage() == Some(what))?;
            return one(hook, Name::new(node), Name::new(what));
        }
        one(Hook::Service, Name::new(who), Name::new(what))
    }

    /// The rule that would bring the fault here by chance.
    pub fn rule(&self, fault: &Fault) -> Rule {
        Rule {
            kind: fault.action.kind(),
            hook: self.hook,
            from: Selector::only(self.from),
            to: Selector::only(self.to),
            what: Selector::only(self.what),
            chance: Chance::ALWAYS,
            action: fault.action,
            span: None,
        }
    }
}

/// The rule that would bring a pinned fault to its place by chance. `None` for one that is set by the clock.
pub(crate) fn rule_of(fault: &Fault) -> Option<Rule> {
    let place = Place::read(fault.at).filter(|_| fault.action.moment().is_none());
    place.map(|place| place.rule(fault))
}
