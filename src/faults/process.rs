//! Faults of processes: agents that die or stop, at a step of their work or by the clock.
//!
//! A step is a name that the workflow gives to a moment of its agents' work, such as `call`; dying before and
//! after it are different places, because what the step did is then lost or not.

use super::{FaultKind, who};
use crate::scenario::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::workflows::Cast;
use perfidy_sim::{Action, Chance, Chaos, Disturbance, Hook, Name, Rule, Selector, SimSpan, Window};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// The faults of processes.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "crash",
        about: "an agent dies, at a step or by the clock, and comes back or not",
        example: r#"crash = { at = "executors", after = "call", chance = "5%", back-after = "1s..10s" }"#,
        read: read_crash,
    },
    FaultKind {
        name: "pause",
        about: "an agent stops, and then goes on as if no time had passed",
        example: r#"pause = { at = "coordinator", every = "2m..4m", lasting = "20s..40s" }"#,
        read: read_pause,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Crash {
    at: OneOrMany<String>,
    before: Option<OneOrMany<String>>,
    after: Option<OneOrMany<String>>,
    chance: Option<Spanned<Ratio>>,
    back_after: Option<Spread>,
    every: Option<Spanned<Spread>>,
    lasting: Option<Spanned<Spread>>,
}

fn read_crash(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let crash: Crash = entry.read()?;
    let among = who::agents(&crash.at, cast)?;
    if let Some(every) = &crash.every {
        let steps = crash.before.is_some() || crash.after.is_some();
        if steps || crash.chance.is_some() || crash.back_after.is_some() {
            return Err(two_ways(entry, "lasting"));
        }
        let Some(lasting) = &crash.lasting else { return Err(no_lasting(entry)) };
        let site = format!("crash {}", who::joined(&crash.at));
        return add_window(entry, &site, Disturbance::Crash(among), every, lasting, chaos);
    }
    if crash.lasting.is_some() {
        return Err(entry
            .problem("`lasting` belongs to crashes by the clock")
            .help("add `every`, or write `back-after` for a crash by chance"));
    }
    let chance = by_chance(entry, crash.chance.as_ref())?;
    // A crash without a span is for good; the span of the others is drawn when they strike.
    let action = Action::Crash(crash.back_after.as_ref().map(|_| SimSpan::ZERO));
    let fault = AtAStep { chance, action, span: crash.back_after.map(|spread| spread.0) };
    fault.add_rules(entry, &among, [crash.before.as_ref(), crash.after.as_ref()], cast, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pause {
    at: OneOrMany<String>,
    before: Option<OneOrMany<String>>,
    after: Option<OneOrMany<String>>,
    chance: Option<Spanned<Ratio>>,
    every: Option<Spanned<Spread>>,
    lasting: Option<Spanned<Spread>>,
}

fn read_pause(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let pause: Pause = entry.read()?;
    let among = who::agents(&pause.at, cast)?;
    let Some(lasting) = &pause.lasting else { return Err(no_lasting(entry)) };
    if let Some(every) = &pause.every {
        if pause.before.is_some() || pause.after.is_some() || pause.chance.is_some() {
            return Err(two_ways(entry, "lasting"));
        }
        let site = format!("pause {}", who::joined(&pause.at));
        return add_window(entry, &site, Disturbance::Pause(among), every, lasting, chaos);
    }
    let chance = by_chance(entry, pause.chance.as_ref())?;
    let fault = AtAStep { chance, action: Action::Pause(SimSpan::ZERO), span: Some(who::time(lasting)?) };
    fault.add_rules(entry, &among, [pause.before.as_ref(), pause.after.as_ref()], cast, chaos)
}

fn by_chance(entry: &Entry<'_>, chance: Option<&Spanned<Ratio>>) -> Result<Chance, Problem> {
    who::chance(chance.ok_or_else(|| {
        let message = format!("nothing says when a {} strikes", entry.name);
        entry
            .problem(message)
            .help("add `chance` to strike at steps, or `every` and `lasting` to strike by the clock")
    })?)
}

fn two_ways(entry: &Entry<'_>, lasting: &str) -> Problem {
    let message = format!("a {} strikes either at steps or by the clock", entry.name);
    entry.problem(message).help(format!(
        "by the clock it has `at`, `every` and `{lasting}` only; write [[faults.{}]] twice to have both",
        entry.name
    ))
}

fn no_lasting(entry: &Entry<'_>) -> Problem {
    entry.problem("nothing says how long it lasts").help("add `lasting`, such as lasting = \"10s..60s\"")
}

fn add_window(
    entry: &Entry<'_>,
    site: &str,
    disturbance: Disturbance,
    every: &Spanned<Spread>,
    lasting: &Spanned<Spread>,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let site = Name::new(site);
    if chaos.windows.iter().any(|window| window.site == site) {
        let message = format!("there is another {} of the same agents by the clock", entry.name);
        return Err(entry.problem(message).help("make one of the two"));
    }
    let (kind, every, lasting) = (Name::new(entry.name), who::time(every)?, who::time(lasting)?);
    chaos.windows.push(Window { kind, site, disturbance, every, lasting });
    Ok(())
}

/// A fault that strikes where agents take steps.
struct AtAStep {
    chance: Chance,
    action: Action,
    span: Option<RangeInclusive<SimSpan>>,
}

impl AtAStep {
    /// A rule for the steps before which it strikes and one for those after which it does; before any step if
    /// the file names none.
    fn add_rules(
        &self,
        entry: &Entry<'_>,
        among: &[Name],
        [before, after]: [Option<&OneOrMany<String>>; 2],
        cast: &Cast,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let mut add = |hook, what| {
            chaos.rules.push(Rule {
                kind: Name::new(entry.name),
                hook,
                from: Selector::Of(among.to_vec()),
                to: Selector::Any,
                what,
                chance: self.chance,
                action: self.action,
                span: self.span.clone(),
            });
        };
        if before.is_none() && after.is_none() {
            add(Hook::Before, Selector::Any);
        }
        for (hook, steps) in [(Hook::Before, before), (Hook::After, after)] {
            if let Some(steps) = steps {
                add(hook, Selector::Of(who::crash_points(steps, cast)?));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Action, Disturbance, Hook, Selector, SimSpan};

    #[test]
    fn a_crash_comes_back_or_does_not() {
        let chaos = chaos_of(r#"crash = { at = "executors", after = "call", chance = "5%" }"#);
        assert_eq!((chaos.rules[0].action, &chaos.rules[0].span), (Action::Crash(None), &None));
        let chaos =
            chaos_of(r#"crash = { at = "executors", after = "call", chance = "5%", back-after = "2s" }"#);
        assert!(matches!(chaos.rules[0].action, Action::Crash(Some(_))));
        assert_eq!(chaos.rules[0].span, Some(SimSpan::from_secs(2)..=SimSpan::from_secs(2)));
    }

    #[test]
    fn before_and_after_are_different_places() {
        let chaos = chaos_of(
            r#"pause = { at = "planner", before = "plan", after = ["plan", "report"], chance = "5%", lasting = "9s" }"#,
        );
        let hooks: Vec<Hook> = chaos.rules.iter().map(|rule| rule.hook).collect();
        assert_eq!(hooks, [Hook::Before, Hook::After]);
    }

    #[test]
    fn a_fault_that_names_no_step_strikes_before_any() {
        let chaos = chaos_of(r#"crash = { at = "planner", chance = "5%" }"#);
        assert_eq!((chaos.rules[0].hook, &chaos.rules[0].what), (Hook::Before, &Selector::Any));
    }

    #[test]
    fn a_crash_by_the_clock_is_a_window() {
        let chaos = chaos_of(r#"crash = { at = ["planner", "executors"], every = "1m", lasting = "10s" }"#);
        assert_eq!(chaos.windows[0].site.as_str(), "crash planner+executors");
        let Disturbance::Crash(among) = &chaos.windows[0].disturbance else { panic!("{chaos:?}") };
        assert_eq!(among.len(), 3);
    }

    #[test]
    fn what_cannot_strike_is_refused() {
        for (text, said) in [
            (r#"crash = { at = "planner" }"#, "nothing says when a crash strikes"),
            (r#"crash = { at = "planner", chance = "1%", every = "1m" }"#, "either at steps or by the clock"),
            (r#"crash = { at = "planner", every = "1m" }"#, "nothing says how long it lasts"),
            (
                r#"crash = { at = "planner", chance = "1%", lasting = "1m" }"#,
                "belongs to crashes by the clock",
            ),
            (r#"crash = { at = "ticketing", chance = "1%" }"#, "tools neither crash nor pause"),
            (r#"crash = { at = "planner", before = "cal", chance = "1%" }"#, "take no step `cal`"),
            (r#"pause = { at = "planner", chance = "1%" }"#, "nothing says how long it lasts"),
            (r#"pause = { at = "planer", chance = "1%", lasting = "1s" }"#, "unknown agent `planer`"),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
