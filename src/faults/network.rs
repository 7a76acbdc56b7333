//! The network's faults of single messages, by chance: lost, late, twice, out of order and corrupted.
//!
//! What happens to whole links, by the clock, is in [`links`](super::links).

use super::targets::{Between, two};
use super::{FaultKind, Target, targets};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Span, Spread};
use crate::faults::Directory;
use perfidy_sim::{Action, Chance, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// The faults of messages.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "drop",
        about: "a message is lost",
        example: r#"drop = { between = ["coordinator", "executors"], chance = "2%" }"#,
        target: Target::World,
        read: read_drop,
    },
    FaultKind {
        name: "delay",
        about: "a message is delivered late",
        example: r#"delay = { chance = "5%", by = "1s..10s" }"#,
        target: Target::World,
        read: read_delay,
    },
    FaultKind {
        name: "duplicate",
        about: "a message is delivered twice",
        example: r#"duplicate = { message = "assign", chance = "3%", after = "10ms..5s" }"#,
        target: Target::World,
        read: read_duplicate,
    },
    FaultKind {
        name: "reorder",
        about: "a message is overtaken by messages sent shortly after it",
        example: r#"reorder = { chance = "10%", within = "100ms" }"#,
        target: Target::World,
        read: read_reorder,
    },
    FaultKind {
        name: "corrupt",
        about: "a message is corrupted: its receiver cannot read it, or reads something else",
        example: r#"corrupt = { between = ["coordinator", "executors"], chance = "1%" }"#,
        target: Target::World,
        read: read_corrupt,
    },
];

/// The messages of a rule and how likely it is injected into one.
struct Messages {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Drop {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
}

fn read_drop(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Drop { between, message, chance } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("drop", Action::Drop, None, directory, chaos)
}

fn read_corrupt(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Drop { between, message, chance } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("corrupt", Action::Corrupt, None, directory, chaos)
}

/// An own fault of messages.
pub(super) fn read_own(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Drop { between, message, chance } = entry.read()?;
    let messages = Messages { between, message, chance };
    let action = Action::of_word(Name::new(entry.name));
    messages.add_rules(entry.name, action, None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Delay {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

fn read_delay(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Delay { between, message, chance, by } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("delay", Action::Delay(SimSpan::ZERO), Some(&targets::time(&by)?), directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Duplicate {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    after: Spread,
}

fn read_duplicate(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Duplicate { between, message, chance, after } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("duplicate", Action::Duplicate(SimSpan::ZERO), Some(&after.0), directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reorder {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    within: Spanned<Span>,
}

fn read_reorder(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Reorder { between, message, chance, within } = entry.read()?;
    let longest = within.get_ref().0;
    if longest == SimSpan::ZERO {
        return Err(Problem::at(within.span(), "within 0s nothing can change places")
            .help("write how far a message may fall behind, such as \"100ms\""));
    }
    let shortest = longest.min(SimSpan::from_millis(1));
    let messages = Messages { between, message, chance };
    messages.add_rules(
        "reorder",
        Action::Reorder(SimSpan::ZERO),
        Some(&(shortest..=longest)),
        directory,
        chaos,
    )
}

impl Messages {
    /// One rule for each direction; a single one where all links are meant.
    fn add_rules(
        &self,
        kind: &str,
        action: Action,
        span: Option<&RangeInclusive<SimSpan>>,
        directory: &Directory,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let chance = targets::chance(&self.chance)?;
        let what = match &self.message {
            None => Selector::Any,
            Some(kinds) => Selector::Of(targets::each(kinds)),
        };
        let rule = |from, to, chance: Chance| {
            let (kind, what, span) = (Name::new(kind), what.clone(), span.cloned());
            Rule { kind, hook: Hook::Message, from, to, what, chance, action, span }
        };
        let Some(between) = &self.between else {
            chaos.rules.push(rule(Selector::Any, Selector::Any, chance));
            return Ok(());
        };
        let [left, right] = two(between)?;
        let (left, right) = (targets::nodes(left, directory)?, targets::nodes(right, directory)?);
        if left.len() == 1 && left == right {
            return Err(Problem::at(between.span(), "there is no link between an agent and itself"));
        }
        let (left, right) = (Selector::Of(left), Selector::Of(right));
        chaos.rules.push(rule(left.clone(), right.clone(), chance));
        if left != right {
            chaos.rules.push(rule(right, left, chance));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Action, Name, Selector, SimSpan};

    fn of(names: &[&str]) -> Selector {
        Selector::Of(names.iter().map(|name| Name::new(name)).collect())
    }

    #[test]
    fn a_fault_between_two_groups_is_injected_both_ways() {
        let chaos = chaos_of(r#"drop = { between = ["coordinator", "executors"], chance = "2%" }"#);
        let pairs: Vec<_> = chaos.rules.iter().map(|rule| (rule.from.clone(), rule.to.clone())).collect();
        let (one, many) = (of(&["coordinator"]), of(&["executor-1", "executor-2"]));
        assert_eq!(pairs, [(one.clone(), many.clone()), (many, one)]);
    }

    #[test]
    fn a_fault_that_names_no_target_is_injected_on_every_link() {
        let chaos = chaos_of(r#"delay = { chance = "5%", by = "1s" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!((&rule.from, &rule.to, &rule.what), (&Selector::Any, &Selector::Any, &Selector::Any));
        assert_eq!(rule.span, Some(SimSpan::from_secs(1)..=SimSpan::from_secs(1)));
    }

    #[test]
    fn everyone_among_themselves_is_one_rule() {
        assert_eq!(
            chaos_of(r#"drop = { between = ["everyone", "everyone"], chance = "2%" }"#).rules.len(),
            1
        );
    }

    #[test]
    fn reordering_holds_a_message_back() {
        let chaos =
            chaos_of(r#"reorder = { message = ["assign", "report"], chance = "10%", within = "100ms" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.kind.as_str(), "reorder");
        assert_eq!(rule.action, Action::Reorder(SimSpan::ZERO));
        assert_eq!(rule.span, Some(SimSpan::from_millis(1)..=SimSpan::from_millis(100)));
        assert_eq!(rule.what, of(&["assign", "report"]));
    }

    #[test]
    fn what_has_no_target_is_refused() {
        for (text, said) in [
            (r#"drop = { chance = "0%" }"#, "a fault with a chance of 0% is never injected"),
            (
                r#"drop = { between = ["planner", "planner"], chance = "1%" }"#,
                "no link between an agent and itself",
            ),
            (r#"reorder = { chance = "1%", within = "0s" }"#, "nothing can change places"),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
