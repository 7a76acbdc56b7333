//! Faults of storage: an agent's journal that does not keep what it was given, or not at once.
//!
//! What a crash does in any case, taking every write that was not synced, needs no fault of its own. These
//! are the ways in which disks are worse than that.

use super::{FaultKind, Target, targets};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;

/// The faults of storage.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "torn-write",
        about: "a crash during a sync leaves the first record that was not yet durable half-written",
        example: r#"torn-write = { at = "executors", chance = "20%" }"#,
        target: Target::World,
        read: read_torn_write,
    },
    FaultKind {
        name: "stale-journal",
        about: "a restarted agent does not see the last records that it had made durable",
        example: r#"stale-journal = { at = "coordinator", chance = "20%", records = 2 }"#,
        target: Target::World,
        read: read_stale_journal,
    },
    FaultKind {
        name: "write-error",
        about: "a journal write returns an error (for example, disk full)",
        example: r#"write-error = { at = "everyone", chance = "5%" }"#,
        target: Target::World,
        read: read_refused_write,
    },
    FaultKind {
        name: "slow-sync",
        about: "a sync takes longer than usual",
        example: r#"slow-sync = { at = "coordinator", chance = "10%", by = "1s..10s" }"#,
        target: Target::World,
        read: read_slow_sync,
    },
];

/// Says that no agent of the workflow keeps a journal.
pub(crate) fn no_journal(kind: &str, place: Range<usize>, workflow: &str) -> Problem {
    let message =
        format!("no agent of the workflow `{workflow}` keeps a journal where `{kind}` could be injected");
    Problem::at(place, message)
        .help("leave it out; what its agents can lose is in the store and with the tools")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtADisk {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
}

fn read_torn_write(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let AtADisk { at, chance } = entry.read()?;
    add_rule(entry, (&at, &chance), (Hook::Loss, Action::TornWrite), None, directory, chaos)
}

fn read_refused_write(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let AtADisk { at, chance } = entry.read()?;
    if chance.get_ref().0 == perfidy_sim::Chance::ALWAYS {
        return Err(Problem::at(chance.span(), "a disk that refuses every write is not worth having")
            .help("leave it below 100%"));
    }
    add_rule(entry, (&at, &chance), (Hook::Write, Action::WriteError), None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StaleJournal {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    records: Option<Spanned<u32>>,
}

fn read_stale_journal(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let StaleJournal { at, chance, records } = entry.read()?;
    let number = records.as_ref().map_or(1, |records| *records.get_ref());
    if let Some(records) = records.filter(|_| number == 0) {
        return Err(Problem::at(records.span(), "a journal that misses no record is not stale")
            .help("write how many records it misses, or leave `records` out for one"));
    }
    let action = Action::StaleJournal { records: number };
    add_rule(entry, (&at, &chance), (Hook::Recovery, action), None, directory, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowSync {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

fn read_slow_sync(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let SlowSync { at, chance, by } = entry.read()?;
    let by = targets::time(&by)?;
    let what = (Hook::Sync, Action::SlowSync(SimSpan::ZERO));
    add_rule(entry, (&at, &chance), what, Some(by), directory, chaos)
}

fn add_rule(
    entry: &Entry<'_>,
    (at, chance): (&OneOrMany<String>, &Spanned<Ratio>),
    (hook, action): (Hook, Action),
    span: Option<RangeInclusive<SimSpan>>,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let (kind, from) = (Name::new(entry.name), Selector::Of(targets::agents(at, directory)?));
    let chance = targets::chance(chance)?;
    chaos.rules.push(Rule { kind, hook, from, to: Selector::Any, what: Selector::Any, chance, action, span });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Action, Hook, SimSpan};

    #[test]
    fn each_is_injected_where_its_disk_does_what_it_does_wrong() {
        for (text, hook, action) in [
            (r#"torn-write = { at = "planner", chance = "5%" }"#, Hook::Loss, Action::TornWrite),
            (r#"write-error = { at = "planner", chance = "5%" }"#, Hook::Write, Action::WriteError),
            (
                r#"stale-journal = { at = "planner", chance = "5%" }"#,
                Hook::Recovery,
                Action::StaleJournal { records: 1 },
            ),
            (
                r#"slow-sync = { at = "planner", chance = "5%", by = "2s" }"#,
                Hook::Sync,
                Action::SlowSync(SimSpan::ZERO),
            ),
        ] {
            let chaos = chaos_of(text);
            let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
            assert_eq!((rule.hook, rule.action), (hook, action), "{text}");
            assert!(rule.action.fits(rule.hook), "{text}");
        }
    }

    #[test]
    fn what_no_disk_does_is_refused() {
        for (text, said) in [
            (r#"torn-write = { at = "ticketing", chance = "5%" }"#, "`ticketing` is a tool"),
            (r#"torn-write = { at = "planner", chance = "0%" }"#, "is never injected"),
            (r#"stale-journal = { at = "planner", chance = "5%", records = 0 }"#, "misses no record"),
            (r#"write-error = { at = "planner", chance = "100%" }"#, "refuses every write"),
            (r#"slow-sync = { at = "planner", chance = "5%", by = "0s" }"#, "no time at all"),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
