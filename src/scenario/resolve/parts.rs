//! The names in an entry of `[faults]`, each of which must have a fault injected.

use crate::config::Entry;
use crate::config::OneOrMany;
use crate::config::problem::line_of;
use crate::faults::Directory;
use crate::faults::targets;
use crate::faults::tool_faults::handled_as;
use crate::scenario::Configured;
use perfidy_sim::{Chaos, Hook, Name, Rule, Selector};

/// The keys whose values are names of targets of a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    At,
    Message,
    Operation,
    Before,
    After,
    During,
    Field,
}

impl Key {
    const ALL: [Self; 7] =
        [Self::At, Self::Message, Self::Operation, Self::Before, Self::After, Self::During, Self::Field];

    const fn as_str(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Message => "message",
            Self::Operation => "operation",
            Self::Before => "before",
            Self::After => "after",
            Self::During => "during",
            Self::Field => "field",
        }
    }
}

/// The names in an entry, with their keys.
pub(super) fn names(entry: &Entry<'_>) -> Vec<(Key, targets::Word)> {
    let keys = entry.entries().unwrap_or_default();
    let of = |key: Key| {
        let value = keys.iter().find(|entry| entry.name == key.as_str());
        let names = value.and_then(|value| value.read::<OneOrMany<String>>().ok());
        let names = names.map_or_else(Vec::new, |names| names.iter().cloned().collect());
        names.into_iter().map(move |name| (key, name))
    };
    Key::ALL.into_iter().flat_map(of).collect()
}

/// An entry as a whole, and each of its names where it has several of a kind.
pub(super) fn of(
    entry: &Entry<'_>,
    text: &str,
    chaos: &Chaos,
    before: (usize, usize),
    directory: &Directory,
) -> Vec<Configured> {
    let line = line_of(text, entry.value_span().start);
    let words = format!("the fault `{}` (line {line})", entry.name);
    let whole = Configured::entry(words.clone(), chaos, before);
    let names = names(entry);
    let one = |key: Key, name: &targets::Word| {
        let part = Part::of(key, name, directory);
        let line = line_of(text, name.span().start);
        let words =
            format!("the fault `{}` (line {line}), {} `{}`,", entry.name, key.as_str(), name.get_ref());
        whole.part(words, &part.among, |rule| part.of_rule(rule))
    };
    let each = |keys: &[Key]| {
        let all: Vec<_> = names.iter().filter(|(key, _)| keys.contains(key)).collect();
        let several = all.len() > 1;
        let parts = all.into_iter().filter(move |_| several);
        parts.map(|(key, name)| one(*key, name)).collect::<Vec<_>>()
    };
    let steps = [Key::Before, Key::After, Key::During];
    let parts = [each(&[Key::At]), each(&[Key::Message]), each(&[Key::Operation]), each(&steps)].concat();
    [whole].into_iter().chain(parts).collect()
}

/// What a rule must be about to be about a name.
pub(super) struct Part {
    hook: Option<Hook>,
    among: Selector,
    what: Selector,
}

impl Part {
    pub fn of(key: Key, name: &targets::Word, directory: &Directory) -> Self {
        let anything = Self { hook: None, among: Selector::Any, what: Selector::Any };
        let only = Selector::only(Name::new(name.get_ref()));
        match key {
            Key::At => Self { among: targets::nodes(name, directory).map_or(only, Selector::Of), ..anything },
            Key::Message => Self { what: only, ..anything },
            Key::Operation => Self { what: handled_as(std::slice::from_ref(name)), ..anything },
            Key::Before => Self { hook: Some(Hook::Before), what: only, ..anything },
            Key::After => Self { hook: Some(Hook::After), what: only, ..anything },
            Key::During => Self { hook: Some(Hook::Sync), ..anything },
            Key::Field => anything,
        }
    }

    /// What is left of a rule that is only about this name; nothing if it is not about it at all.
    pub fn of_rule(&self, rule: &Rule) -> Option<Rule> {
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
