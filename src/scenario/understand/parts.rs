//! The names in an entry of `[faults]`, each of which must be struck.

use crate::config::Entry;
use crate::config::OneOrMany;
use crate::config::problem::line_of;
use crate::faults::Cast;
use crate::faults::tool_lies::handled_as;
use crate::faults::who;
use crate::scenario::Configured;
use perfidy_sim::{Chaos, Hook, Name, Rule, Selector};

/// The keys whose values are names that a fault strikes.
const AT: &str = "at";
const MESSAGE: &str = "message";
const OPERATION: &str = "operation";
const BEFORE: &str = "before";
const AFTER: &str = "after";
const DURING: &str = "during";

/// An entry as a whole, and each of its names where it has several of a kind.
pub(super) fn of(
    entry: &Entry<'_>,
    text: &str,
    chaos: &Chaos,
    before: (usize, usize),
    cast: &Cast,
) -> Vec<Configured> {
    let line = line_of(text, entry.value_span().start);
    let words = format!("the fault `{}` (line {line})", entry.name);
    let whole = Configured::entry(words.clone(), chaos, before);
    let keys = entry.entries().unwrap_or_default();
    let names = |key: &str| {
        let value = keys.iter().find(|entry| entry.name == key);
        let names = value.and_then(|value| value.read::<OneOrMany<String>>().ok());
        names.map_or_else(Vec::new, |names| names.iter().cloned().collect())
    };
    let one = |key: &str, name: &who::Word| {
        let part = Part::of(key, name, cast);
        let line = line_of(text, name.span().start);
        let words = format!("the fault `{}` (line {line}), {key} `{}`,", entry.name, name.get_ref());
        whole.part(words, &part.among, |rule| part.of_rule(rule))
    };
    let each = |keys: &[&'static str]| {
        let all: Vec<_> =
            keys.iter().flat_map(|key| names(key).into_iter().map(move |name| (*key, name))).collect();
        let several = all.len() > 1;
        let parts = all.into_iter().filter(move |_| several);
        parts.map(|(key, name)| one(key, &name)).collect::<Vec<_>>()
    };
    let parts = [each(&[AT]), each(&[MESSAGE]), each(&[OPERATION]), each(&[BEFORE, AFTER, DURING])].concat();
    [whole].into_iter().chain(parts).collect()
}

/// What a rule must be about to be about a name.
struct Part {
    hook: Option<Hook>,
    among: Selector,
    what: Selector,
}

impl Part {
    fn of(key: &str, name: &who::Word, cast: &Cast) -> Self {
        let anything = Self { hook: None, among: Selector::Any, what: Selector::Any };
        let only = Selector::only(Name::new(name.get_ref()));
        match key {
            AT => Self { among: who::nodes(name, cast).map_or(only, Selector::Of), ..anything },
            MESSAGE => Self { what: only, ..anything },
            OPERATION => Self { what: handled_as(std::slice::from_ref(name)), ..anything },
            BEFORE => Self { hook: Some(Hook::Before), what: only, ..anything },
            AFTER => Self { hook: Some(Hook::After), what: only, ..anything },
            _ => Self { hook: Some(Hook::Sync), ..anything },
        }
    }

    /// What is left of a rule that is only about this name; nothing if it is not about it at all.
    fn of_rule(&self, rule: &Rule) -> Option<Rule> {
        if self.hook.is_some_and(|hook| hook != rule.hook) {
            return None;
        }
        let narrowed = |one: &Selector, other: &Selector| match other {
            Selector::Any => one.clone(),
            Selector::Of(_) => other.clone(),
        };
        let (from, what) = (narrowed(&rule.from, &self.among), narrowed(&rule.what, &self.what));
        Some(Rule { from, what, ..rule.clone() })
    }
}
