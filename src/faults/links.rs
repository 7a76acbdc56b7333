//! Timed network faults: partitions, flapping links, slow links and slow receivers.
//!
//! The sides of a `partition` are named in the file, or determined when it begins: a random split of the
//! team, a minority of it, or the current leader, which is the last agent that got a lease from the lock
//! service.

use super::targets::{Between, two};
use super::window::{self, OF_THE_SAME, Times, degrade, nanos};
use super::{FaultKind, Target, targets};
use crate::config::{Entry, OneOrMany, Problem, Spread};
use crate::faults::Directory;
use perfidy_sim::{Chaos, Degradation, Name, SimSpan, TimedEffect};
use serde::Deserialize;
use toml::Spanned;

/// The faults of links.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "partition",
        about: "two groups cannot reach each other for a while; `leader` is the agent that was granted a lease last",
        example: r#"partition = { between = ["coordinator", "executors"], every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_partition,
    },
    FaultKind {
        name: "flap",
        about: "the links between two groups fail and recover, again and again, for a while",
        example: r#"flap = { between = ["coordinator", "executors"], turn = "200ms..2s", every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_flap,
    },
    FaultKind {
        name: "slow-link",
        about: "every message between two groups is late for a while",
        example: r#"slow-link = { between = ["coordinator", "executors"], by = "1s..5s", every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_slow_link,
    },
    FaultKind {
        name: "slow-receiver",
        about: "an agent receives messages one at a time, with a fixed gap between them, for a while",
        example: r#"slow-receiver = { at = "executors", each = "500ms..2s", every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_slow_receiver,
    },
];

/// The word for the leader at the time when a partition begins.
const LEADER: &str = "leader";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Partition {
    between: Option<Between>,
    split: Option<Split>,
    among: Option<OneOrMany<String>>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
    #[serde(default)]
    one_way: bool,
}

/// How a team falls apart.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Split {
    Random,
    Minority,
}

fn read_partition(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let partition: Partition = entry.read()?;
    let times = Times { every: &partition.every, lasting: &partition.lasting };
    let (site, same, disturbance) = match (&partition.between, partition.split) {
        (Some(between), None) if partition.among.is_none() => {
            let [a, b] = two(between)?;
            let sign = if partition.one_way { '>' } else { '|' };
            let site = format!("partition {a} {sign} {b}");
            let same = format!("between `{a}` and `{b}`");
            (site, same, sides(between, partition.one_way, directory)?)
        }
        (None, Some(split)) if !partition.one_way => {
            let team = String::from("everyone");
            let words = partition.among.as_ref().map_or(team, targets::joined);
            let among = match &partition.among {
                Some(among) => targets::all_nodes(among, directory)?,
                None => directory.agents.clone(),
            };
            let minority = split == Split::Minority;
            let least = if minority { 3 } else { 2 };
            if among.len() < least {
                let message = format!("{} of them cannot fall apart like this", among.len());
                return Err(entry.problem(message).help(format!("name {least} at least in `among`")));
            }
            let how = if minority { "minority" } else { "random" };
            let site = format!("partition {how} of {words}");
            (site, format!("of this kind among `{words}`"), TimedEffect::Split { among, minority })
        }
        _ => {
            return Err(entry.problem("a partition is either between two groups or a split of one").help(
                "write between = [\"coordinator\", \"executors\"], perhaps with one-way = true, or split = \"random\" or \
                 split = \"minority\", perhaps with `among`",
            ));
        }
    };
    window::add(entry, (&site, &same), disturbance, &times, chaos)
}

/// A partition between two groups, one of which may be the current leader.
fn sides(between: &Between, one_way: bool, directory: &Directory) -> Result<TimedEffect, Problem> {
    let [a, b] = two(between)?;
    let is_leader = |word: &targets::Word| word.get_ref() == LEADER && !directory.is_node(Name::new(LEADER));
    if is_leader(b) {
        let message = "`leader` comes first";
        return Err(Problem::at(b.span(), message).help(format!("write between = [\"leader\", \"{a}\"]")));
    }
    if is_leader(a) {
        let right = targets::nodes(b, directory)?;
        if let [only] = right.as_slice()
            && directory.agents.contains(only)
        {
            let message = format!("when `{only}` leads, the other side is empty");
            return Err(Problem::at(b.span(), message).help("name a group, a tool or the lock service"));
        }
        return Ok(TimedEffect::PartitionLeader { otherwise: directory.agents.clone(), right, one_way });
    }
    let (left, right) = apart(between, directory, "partition")?;
    Ok(TimedEffect::Partition { left, right, one_way })
}

/// Two groups without a common member.
fn apart(between: &Between, directory: &Directory, what: &str) -> Result<(Vec<Name>, Vec<Name>), Problem> {
    let [a, b] = two(between)?;
    let (left, right) = (targets::nodes(a, directory)?, targets::nodes(b, directory)?);
    match left.iter().find(|name| right.contains(name)) {
        None => Ok((left, right)),
        Some(both) => {
            let message = format!("`{both}` is on both sides of the {what}");
            Err(Problem::at(between.span(), message).help("name two groups without a common member"))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flap {
    between: Between,
    turn: Spanned<Spread>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_flap(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Flap { between, turn, every, lasting } = entry.read()?;
    let (left, right) = apart(&between, directory, "link")?;
    let range = targets::time(&turn)?;
    if *range.start() < SimSpan::from_millis(10) {
        return Err(Problem::at(turn.span(), "a link does not fail and recover as quickly as this")
            .help("begin with 10ms or more"));
    }
    let disturbance = TimedEffect::Flap { left, right, turn: range };
    add_between(entry, &between, disturbance, &Times { every: &every, lasting: &lasting }, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowLink {
    between: Between,
    by: Spanned<Spread>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_slow_link(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let SlowLink { between, by, every, lasting } = entry.read()?;
    let (left, right) = apart(&between, directory, "link")?;
    let disturbance = TimedEffect::SlowLink { left, right, by: targets::time(&by)? };
    add_between(entry, &between, disturbance, &Times { every: &every, lasting: &lasting }, chaos)
}

fn add_between(
    entry: &Entry<'_>,
    between: &Between,
    disturbance: TimedEffect,
    times: &Times<'_>,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let [a, b] = two(between)?;
    let (site, same) = (format!("{} {a} | {b}", entry.name), format!("between `{a}` and `{b}`"));
    window::add(entry, (&site, &same), disturbance, times, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowReceiver {
    at: OneOrMany<String>,
    each: Spanned<Spread>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_slow_receiver(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let SlowReceiver { at, each, every, lasting } = entry.read()?;
    let amount = nanos(&targets::time(&each)?);
    let degradations = [Degradation::SlowReceiver { each: SimSpan::ZERO }];
    let disturbance = degrade(targets::all_nodes(&at, directory)?, &degradations, amount);
    let site = format!("slow-receiver {}", targets::joined(&at));
    window::add(entry, (&site, OF_THE_SAME), disturbance, &Times { every: &every, lasting: &lasting }, chaos)
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::TimedEffect;

    const TIMES: &str = r#"every = "1m", lasting = "9s""#;

    #[test]
    fn a_partition_is_a_window_with_a_readable_site() {
        for (keys, site) in [
            (r#"between = ["coordinator", "ticketing"]"#, "partition coordinator | ticketing"),
            (
                r#"between = ["coordinator", "ticketing"], one-way = true"#,
                "partition coordinator > ticketing",
            ),
            (r#"split = "random""#, "partition random of everyone"),
            (
                r#"split = "minority", among = ["executors", "leases"]"#,
                "partition minority of executors+leases",
            ),
            (r#"between = ["leader", "executors"]"#, "partition leader | executors"),
        ] {
            let chaos = chaos_of(&format!("partition = {{ {keys}, {TIMES} }}"));
            assert_eq!(chaos.windows[0].site.as_str(), site);
        }
    }

    #[test]
    fn the_leader_is_determined_when_the_partition_begins() {
        let chaos = chaos_of(&format!(
            r#"partition = {{ between = ["leader", "everyone"], one-way = true, {TIMES} }}"#
        ));
        let TimedEffect::PartitionLeader { otherwise, right, one_way: true } = &chaos.windows[0].disturbance
        else {
            panic!("{chaos:?}")
        };
        assert_eq!((otherwise.len(), right.len()), (5, 5));
    }

    #[test]
    fn what_cannot_fall_apart_is_refused() {
        for (kind, keys, said) in [
            (
                "partition",
                r#"between = ["everyone", "executors"]"#,
                "`executor-1` is on both sides of the partition",
            ),
            ("partition", r#"between = ["executors", "leader"]"#, "`leader` comes first"),
            ("partition", r#"between = ["leader", "planner"]"#, "when `planner` leads"),
            ("partition", r#"split = "minority", among = "executors""#, "2 of them cannot fall apart"),
            ("partition", r#"split = "random", one-way = true"#, "either between two groups or a split"),
            ("partition", r#"among = "executors""#, "either between two groups or a split"),
            ("flap", r#"between = ["planner", "planner"], turn = "1s""#, "on both sides of the link"),
            ("flap", r#"between = ["planner", "executors"], turn = "1us""#, "as quickly as this"),
            ("slow-link", r#"between = ["planner", "executors"], by = "0s""#, "no time at all"),
            ("slow-receiver", r#"at = "nobody", each = "1s""#, "unknown agent or tool `nobody`"),
        ] {
            let text = format!("{kind} = {{ {keys}, {TIMES} }}");
            assert!(refusal_of(&text).contains(said), "{text}: {}", refusal_of(&text));
        }
        let text = r#"partition = { between = ["planner", "executors"], every = "0s", lasting = "1s" }"#;
        assert!(refusal_of(text).contains("no time at all is too short here"));
    }
}
