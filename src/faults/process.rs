//! Faults of processes: agents that die, stop, are slow or are there twice, at a step of their work or by the
//! clock.
//!
//! Every action of an agent is a step (`call`, `send assign`, `sync`; see [`Agent`](crate::agent::Agent)),
//! and so is every moment of its work to which its author gives a name. Dying before and after a step are
//! different places, because what the step did is then lost or not. With `anywhere` it is all of them, before
//! and after.

use super::window::{self, OF_THE_SAME, Times};
use super::{FaultKind, Target, targets};
use crate::config::{Entry, Lasting, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Action, Chance, Chaos, Degradation, Hook, Name, Rule, Selector, SimSpan, TimedEffect};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// The faults of processes.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "crash",
        about: "an agent crashes at an action or at a time, and restarts or stays down",
        example: r#"crash = { at = "executors", after = "call", chance = "5%", back-after = "1s..10s" }"#,
        target: Target::World,
        read: read_crash,
    },
    FaultKind {
        name: "pause",
        about: "an agent stops for a while (for example, garbage collection), then continues",
        example: r#"pause = { at = "coordinator", every = "2m..4m", lasting = "20s..40s" }"#,
        target: Target::World,
        read: read_pause,
    },
    FaultKind {
        name: "zombie",
        about: "an agent is frozen with its clocks and its messages, then continues as if no time had passed",
        example: r#"zombie = { at = "coordinator", before = "assign", chance = "5%", lasting = "20s..60s" }"#,
        target: Target::World,
        read: read_zombie,
    },
    FaultKind {
        name: "overlapping-restart",
        about: "an agent is restarted before its old incarnation ends; both run for a while",
        example: r#"overlapping-restart = { at = "coordinator", every = "2m..4m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_overlap,
    },
    FaultKind {
        name: "runtime-restart",
        about: "the runtime of an agent restarts; the replies to all of its requests in flight find no request",
        example: r#"runtime-restart = { at = "executors", every = "30s..2m", lasting = "100ms..2s" }"#,
        target: Target::World,
        read: read_runtime_restart,
    },
    FaultKind {
        name: "slow-node",
        about: "an agent's work takes several times as long, while its timeouts stay the same",
        example: r#"slow-node = { at = "executors", times = 5, every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_slow_node,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Crash {
    at: OneOrMany<String>,
    before: Option<OneOrMany<String>>,
    after: Option<OneOrMany<String>>,
    anywhere: Option<Spanned<bool>>,
    during: Option<During>,
    chance: Option<Spanned<Ratio>>,
    back_after: Option<Spread>,
    every: Option<Spanned<Spread>>,
    lasting: Option<Spanned<Lasting>>,
    at_most: Option<Spanned<u32>>,
}

/// What an agent can die in the middle of, and not only before or after.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum During {
    /// Its journal is being made durable.
    Sync,
}

fn read_crash(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let crash: Crash = entry.read()?;
    let among = targets::agents(&crash.at, directory)?;
    if let Some(every) = &crash.every {
        let steps = [&crash.before, &crash.after].into_iter().any(Option::is_some)
            || crash.anywhere.is_some()
            || crash.during.is_some();
        if steps || crash.chance.is_some() || crash.back_after.is_some() {
            return Err(two_ways(entry, "lasting"));
        }
        let Some(lasting) = &crash.lasting else { return Err(no_lasting(entry)) };
        let site = format!("crash {}", targets::joined(&crash.at));
        let (disturbance, lasting) = match (lasting.get_ref(), &crash.at_most) {
            (Lasting::For(spread), None) => {
                (TimedEffect::Crash(among), targets::time(&Spanned::new(lasting.span(), spread.clone()))?)
            }
            (Lasting::For(_), Some(at_most)) => {
                return Err(Problem::at(at_most.span(), "`at-most` is for those who never come back")
                    .help("leave it out, or write lasting = \"never\""));
            }
            (Lasting::Never, at_most) => {
                let at_most = a_minority(entry, at_most.as_ref(), &among)?;
                (TimedEffect::Kill { among, at_most }, SimSpan::ZERO..=SimSpan::ZERO)
            }
        };
        let times = [targets::time(every)?, lasting];
        return window::push(entry, (&site, OF_THE_SAME), disturbance, times, chaos);
    }
    if let Some(at_most) = &crash.at_most {
        return Err(Problem::at(at_most.span(), "`at-most` belongs to crashes by the clock")
            .help("write it with `every` and lasting = \"never\""));
    }
    if crash.lasting.is_some() {
        return Err(entry
            .problem("`lasting` belongs to crashes by the clock")
            .help("add `every`, or write `back-after` for a crash by chance"));
    }
    let chance = by_chance(entry, crash.chance.as_ref())?;
    // A crash without a span is for good; the span of the others is drawn when they are injected.
    let action = Action::Crash(crash.back_after.as_ref().map(|_| SimSpan::ZERO));
    let fault = AtAStep { chance, action, span: crash.back_after.map(|spread| spread.0) };
    let steps = Steps::read(crash.before.as_ref(), crash.after.as_ref(), crash.anywhere.as_ref())?;
    if let Some(During::Sync) = crash.during {
        chaos.rules.push(fault.rule(entry, &among, Hook::Sync, Selector::Any));
        if steps.is_none() {
            return Ok(());
        }
    }
    fault.add_rules(entry, &among, steps.as_ref(), chaos)
}

/// How many may stay down for good: so few that most are left when the world heals.
fn a_minority(entry: &Entry<'_>, at_most: Option<&Spanned<u32>>, among: &[Name]) -> Result<u32, Problem> {
    let Some(at_most) = at_most else {
        return Err(entry
            .problem("nothing says how many may never come back")
            .help("add `at-most`, such as at-most = 1: fewer than half of its targets"));
    };
    let most = (among.len() - 1) / 2;
    let number = *at_most.get_ref();
    if number == 0 || number as usize > most {
        let message = format!("{number} of {} is not a minority", among.len());
        let help = match most {
            0 => "name three agents at least, or let them come back".to_owned(),
            _ => format!("write a number from 1 to {most}"),
        };
        return Err(Problem::at(at_most.span(), message).help(help));
    }
    Ok(number)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pause {
    at: OneOrMany<String>,
    before: Option<OneOrMany<String>>,
    after: Option<OneOrMany<String>>,
    anywhere: Option<Spanned<bool>>,
    chance: Option<Spanned<Ratio>>,
    every: Option<Spanned<Spread>>,
    lasting: Option<Spanned<Spread>>,
}

fn read_pause(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let pause: Pause = entry.read()?;
    let Some(lasting) = &pause.lasting else { return Err(no_lasting(entry)) };
    let lasting = targets::time(lasting)?;
    pause.add(entry, Action::Pause(SimSpan::ZERO), lasting, TimedEffect::Pause, directory, chaos)
}

/// How long a zombie is frozen if the file does not say: longer than most leases.
const FROZEN: RangeInclusive<SimSpan> = SimSpan::from_secs(20)..=SimSpan::from_secs(60);

fn read_zombie(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let zombie: Pause = entry.read()?;
    let lasting = zombie.lasting.as_ref().map_or(Ok(FROZEN), targets::time)?;
    let frozen = |among| window::degrade(among, &[Degradation::Zombie], 0..=0);
    zombie.add(entry, Action::Zombie(SimSpan::ZERO), lasting, frozen, directory, chaos)
}

impl Pause {
    /// Something that lasts, at steps by chance or by the clock.
    fn add(
        &self,
        entry: &Entry<'_>,
        at_a_step: Action,
        lasting: RangeInclusive<SimSpan>,
        by_the_clock: impl FnOnce(Vec<Name>) -> TimedEffect,
        directory: &Directory,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let among = targets::agents(&self.at, directory)?;
        if let Some(every) = &self.every {
            let steps = self.before.is_some() || self.after.is_some() || self.anywhere.is_some();
            if steps || self.chance.is_some() {
                return Err(two_ways(entry, "lasting"));
            }
            let site = format!("{} {}", entry.name, targets::joined(&self.at));
            let times = [targets::time(every)?, lasting];
            return window::push(entry, (&site, OF_THE_SAME), by_the_clock(among), times, chaos);
        }
        let chance = by_chance(entry, self.chance.as_ref())?;
        let fault = AtAStep { chance, action: at_a_step, span: Some(lasting) };
        let steps = Steps::read(self.before.as_ref(), self.after.as_ref(), self.anywhere.as_ref())?;
        fault.add_rules(entry, &among, steps.as_ref(), chaos)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restart {
    at: OneOrMany<String>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_overlap(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    add_restart(entry, Degradation::OverlappingRestart, directory, chaos)
}

fn read_runtime_restart(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    add_restart(entry, Degradation::RuntimeRestart, directory, chaos)
}

fn add_restart(
    entry: &Entry<'_>,
    restart: Degradation,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let Restart { at, every, lasting } = entry.read()?;
    let disturbance = window::degrade(targets::agents(&at, directory)?, &[restart], 0..=0);
    let site = format!("{} {}", entry.name, targets::joined(&at));
    window::add(entry, (&site, OF_THE_SAME), disturbance, &Times { every: &every, lasting: &lasting }, chaos)
}

/// Slower than this is a pause.
const MOST_TIMES: u32 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowNode {
    at: OneOrMany<String>,
    times: Spanned<u32>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_slow_node(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let SlowNode { at, times, every, lasting } = entry.read()?;
    if !(2..=MOST_TIMES).contains(times.get_ref()) {
        let message = format!("{} times as long is not what a slow node takes", times.get_ref());
        return Err(Problem::at(times.span(), message).help(format!("write a number from 2 to {MOST_TIMES}")));
    }
    let amount = u64::from(*times.get_ref());
    let disturbance =
        window::degrade(targets::agents(&at, directory)?, &[Degradation::Slow { times: 1 }], amount..=amount);
    let site = format!("slow-node {}", targets::joined(&at));
    window::add(entry, (&site, OF_THE_SAME), disturbance, &Times { every: &every, lasting: &lasting }, chaos)
}

fn by_chance(entry: &Entry<'_>, chance: Option<&Spanned<Ratio>>) -> Result<Chance, Problem> {
    targets::chance(chance.ok_or_else(|| {
        let message = format!("nothing says when a {} is injected", entry.name);
        entry
            .problem(message)
            .help("add `chance` to inject it at steps, or `every` and `lasting` to inject it by the clock")
    })?)
}

fn two_ways(entry: &Entry<'_>, lasting: &str) -> Problem {
    let message = format!("a {} is injected either at steps or by the clock", entry.name);
    entry.problem(message).help(format!(
        "by the clock it has `at`, `every` and `{lasting}` only; write [[faults.{}]] twice to have both",
        entry.name
    ))
}

fn no_lasting(entry: &Entry<'_>) -> Problem {
    entry.problem("nothing says how long it lasts").help("add `lasting`, such as lasting = \"10s..60s\"")
}

/// The steps at which a fault is injected.
enum Steps<'a> {
    /// All of them, before and after.
    Anywhere,
    /// Before some and after some.
    Named([Option<&'a OneOrMany<String>>; 2]),
}

impl<'a> Steps<'a> {
    /// The steps that an entry names, if it names any.
    fn read(
        before: Option<&'a OneOrMany<String>>,
        after: Option<&'a OneOrMany<String>>,
        anywhere: Option<&Spanned<bool>>,
    ) -> Result<Option<Self>, Problem> {
        match (anywhere, before.is_some() || after.is_some()) {
            (Some(anywhere), _) if !anywhere.get_ref() => {
                Err(Problem::at(anywhere.span(), "`anywhere` is true or not there at all")
                    .help("leave it out, and name the steps with `before` and `after`"))
            }
            (Some(anywhere), true) => {
                Err(Problem::at(anywhere.span(), "`anywhere` is every step already, before and after")
                    .help("leave out either `anywhere` or the steps"))
            }
            (Some(_), false) => Ok(Some(Self::Anywhere)),
            (None, true) => Ok(Some(Self::Named([before, after]))),
            (None, false) => Ok(None),
        }
    }
}

/// A fault that is injected where agents take steps.
struct AtAStep {
    chance: Chance,
    action: Action,
    span: Option<RangeInclusive<SimSpan>>,
}

impl AtAStep {
    /// A rule for the steps before which it is injected and one for those after which it is.
    fn add_rules(
        &self,
        entry: &Entry<'_>,
        among: &[Name],
        steps: Option<&Steps<'_>>,
        chaos: &mut Chaos,
    ) -> Result<(), Problem> {
        let mut add = |hook, what| chaos.rules.push(self.rule(entry, among, hook, what));
        match steps {
            None => {
                let message = format!("nothing says at which steps a {} is injected", entry.name);
                return Err(entry
                    .problem(message)
                    .help("add `before` or `after` and a step, or anywhere = true for all of them"));
            }
            Some(Steps::Anywhere) => {
                for hook in [Hook::Before, Hook::After] {
                    add(hook, Selector::Any);
                }
            }
            Some(Steps::Named(steps)) => {
                for (hook, steps) in [Hook::Before, Hook::After].into_iter().zip(steps) {
                    if let Some(steps) = steps {
                        add(hook, Selector::Of(targets::each(steps)));
                    }
                }
            }
        }
        Ok(())
    }

    fn rule(&self, entry: &Entry<'_>, among: &[Name], hook: Hook, what: Selector) -> Rule {
        Rule {
            kind: Name::new(entry.name),
            hook,
            from: Selector::Of(among.to_vec()),
            to: Selector::Any,
            what,
            chance: self.chance,
            action: self.action,
            span: self.span.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
