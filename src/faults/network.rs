//! The network's faults: messages lost, late, twice and out of order, and groups cut off from each other.
//!
//! The first four strike single messages, by chance. A `partition` comes and goes by the clock, and while it
//! lasts every message across it is lost.

use super::{FaultKind, who};
use crate::scenario::{Entry, OneOrMany, Problem, Ratio, Span, Spread};
use crate::workflows::Cast;
use perfidy_sim::{Action, Chance, Chaos, Disturbance, Hook, Name, Rule, Selector, SimSpan, Window};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// The network's faults.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "drop",
        about: "a message is lost",
        example: r#"drop = { between = ["coordinator", "executors"], chance = "2%" }"#,
        read: read_drop,
    },
    FaultKind {
        name: "delay",
        about: "a message takes longer than usual",
        example: r#"delay = { chance = "5%", by = "1s..10s" }"#,
        read: read_delay,
    },
    FaultKind {
        name: "duplicate",
        about: "a message arrives a second time",
        example: r#"duplicate = { message = "assign", chance = "3%", after = "10ms..5s" }"#,
        read: read_duplicate,
    },
    FaultKind {
        name: "reorder",
        about: "a message falls behind those sent shortly after it",
        example: r#"reorder = { chance = "10%", within = "100ms" }"#,
        read: read_reorder,
    },
    FaultKind {
        name: "partition",
        about: "two groups cannot reach each other for a while",
        example: r#"partition = { between = ["coordinator", "executors"], every = "1m..5m", lasting = "10s..60s" }"#,
        read: read_partition,
    },
];

/// Two names; a list, because an array would pass over a third.
type Between = Spanned<Vec<who::Word>>;

/// The messages of a rule and how likely it is to strike one.
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

fn read_drop(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let Drop { between, message, chance } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("drop", Action::Drop, None, cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Delay {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

fn read_delay(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let Delay { between, message, chance, by } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("delay", Action::Delay(SimSpan::ZERO), Some(&who::time(&by)?), cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Duplicate {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    after: Spread,
}

fn read_duplicate(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let Duplicate { between, message, chance, after } = entry.read()?;
    let messages = Messages { between, message, chance };
    messages.add_rules("duplicate", Action::Duplicate(SimSpan::ZERO), Some(&after.0), cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Reorder {
    between: Option<Between>,
    message: Option<OneOrMany<String>>,
    chance: Spanned<Ratio>,
    within: Spanned<Span>,
}

fn read_reorder(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let Reorder { between, message, chance, within } = entry.read()?;
    let longest = within.get_ref().0;
    if longest == SimSpan::ZERO {
        return Err(Problem::at(within.span(), "within 0s nothing can change places")
            .help("write how far a message may fall behind, such as \"100ms\""));
    }
    let shortest = longest.min(SimSpan::from_millis(1));
    let messages = Messages { between, message, chance };
    messages.add_rules("reorder", Action::Reorder(SimSpan::ZERO), Some(&(shortest..=longest)), cast, chaos)
}

impl Messages {
    /// One rule for each direction; a single one where all links are meant.
    fn add_rules(
        &self,
        kind: &str,
        action: Action,
        span: Option<&RangeInclusive<SimSpan>>,
        cast: &Cast,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let chance = who::chance(&self.chance)?;
        let what = match &self.message {
            None => Selector::Any,
            Some(kinds) => Selector::Of(kinds.iter().map(|kind| Name::new(kind.get_ref())).collect()),
        };
        let rule = |from, to, chance: Chance| {
            let (kind, what, span) = (Name::new(kind), what.clone(), span.cloned());
            Rule { kind, hook: Hook::Message, from, to, what, chance, action, span }
        };
        let Some(between) = &self.between else {
            chaos.rules.push(rule(Selector::Any, Selector::Any, chance));
            return Ok(());
        };
        let (left, right) = sides(two(between)?, cast)?;
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

fn two(between: &Between) -> Result<[&who::Word; 2], Problem> {
    match between.get_ref().as_slice() {
        [left, right] => Ok([left, right]),
        other => Err(Problem::at(between.span(), format!("`between` has {} names", other.len()))
            .help("write two, as in between = [\"coordinator\", \"executors\"]")),
    }
}

fn sides([left, right]: [&who::Word; 2], cast: &Cast) -> Result<(Vec<Name>, Vec<Name>), Problem> {
    Ok((who::nodes(left, cast)?, who::nodes(right, cast)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Partition {
    between: Between,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
    #[serde(default)]
    one_way: bool,
}

fn read_partition(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let partition: Partition = entry.read()?;
    let [a, b] = two(&partition.between)?;
    let (left, right) = sides([a, b], cast)?;
    if let Some(both) = left.iter().find(|name| right.contains(name)) {
        let message = format!("`{both}` is on both sides of the partition");
        return Err(Problem::at(partition.between.span(), message).help("name two groups that share nobody"));
    }
    let sign = if partition.one_way { '>' } else { '|' };
    let site = Name::new(&format!("partition {a} {sign} {b}"));
    if chaos.windows.iter().any(|window| window.site == site) {
        let message = format!("there is another partition between `{a}` and `{b}`");
        return Err(Problem::at(partition.between.span(), message).help("make one of the two"));
    }
    chaos.windows.push(Window {
        kind: Name::new("partition"),
        site,
        disturbance: Disturbance::Cut { left, right, one_way: partition.one_way },
        every: who::time(&partition.every)?,
        lasting: who::time(&partition.lasting)?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Action, Disturbance, Name, Selector, SimSpan};

    fn of(names: &[&str]) -> Selector {
        Selector::Of(names.iter().map(|name| Name::new(name)).collect())
    }

    #[test]
    fn a_fault_between_two_groups_strikes_both_ways() {
        let chaos = chaos_of(r#"drop = { between = ["coordinator", "executors"], chance = "2%" }"#);
        let pairs: Vec<_> = chaos.rules.iter().map(|rule| (rule.from.clone(), rule.to.clone())).collect();
        let (one, many) = (of(&["coordinator"]), of(&["executor-1", "executor-2"]));
        assert_eq!(pairs, [(one.clone(), many.clone()), (many, one)]);
    }

    #[test]
    fn a_fault_that_names_nobody_strikes_every_link() {
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
    fn a_partition_is_a_window_with_a_readable_site() {
        let text = |one_way: &str| {
            format!(
                r#"partition = {{ between = ["coordinator", "ticketing"], every = "1m", lasting = "9s"{one_way} }}"#
            )
        };
        let chaos = chaos_of(&text(""));
        assert_eq!(chaos.windows[0].site.as_str(), "partition coordinator | ticketing");
        let chaos = chaos_of(&text(", one-way = true"));
        assert_eq!(chaos.windows[0].site.as_str(), "partition coordinator > ticketing");
        assert!(matches!(chaos.windows[0].disturbance, Disturbance::Cut { one_way: true, .. }));
    }

    #[test]
    fn what_strikes_nobody_is_refused() {
        for (text, said) in [
            (r#"drop = { chance = "0%" }"#, "a fault with a chance of 0% never strikes"),
            (
                r#"drop = { between = ["planner", "planner"], chance = "1%" }"#,
                "no link between an agent and itself",
            ),
            (r#"reorder = { chance = "1%", within = "0s" }"#, "nothing can change places"),
            (
                r#"partition = { between = ["everyone", "executors"], every = "1m", lasting = "1s" }"#,
                "`executor-1` is on both sides of the partition",
            ),
            (
                r#"partition = { between = ["planner", "executors"], every = "0s", lasting = "1s" }"#,
                "no time at all is too short here",
            ),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
