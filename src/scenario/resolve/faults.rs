//! What goes wrong: by chance, by the clock and word for word.

use super::pinned::Pinned;
use super::{Diagnostics, Tables, parts, pinned, within_limit};
use crate::config::Entry;
use crate::config::problem::line_of;
use crate::config::{Problem, Span};
use crate::faults::Directory;
use crate::scenario::Configured;
use crate::suite::Suite;
use perfidy_sim::{Chaos, Name, Rule, SimSpan, SimTime};
use std::ops::Range;
use toml::Spanned;

/// When fault injection ends if the file does not say.
const UNTIL: SimSpan = SimSpan::from_secs(10 * 60);

/// More than a hand-written file has.
const MAX_FAULTS: usize = 1_000;

/// What `[faults]` and `[[fault]]` come to.
pub(super) struct Faults<'a> {
    pub chaos: Chaos,
    pub kinds: Vec<Name>,
    pub configured: Vec<Configured>,
    /// The sound entries of `[faults]`.
    pub entries: Vec<SoundEntry<'a>>,
    /// The sound entries of `[[fault]]`.
    pub pinned: Vec<Pinned>,
}

/// An entry of `[faults]`, with the places of its rules and of its timed faults in the chaos.
pub(super) struct SoundEntry<'a> {
    pub entry: Entry<'a>,
    pub rules: Range<usize>,
    pub windows: Range<usize>,
}

pub(super) fn read<'a>(
    tables: &Tables<'a>,
    text: &str,
    suite: &Suite,
    directory: &Directory,
    found: &mut Diagnostics,
) -> Faults<'a> {
    let mut chaos = Chaos::default();
    let (mut kinds, mut configured, mut sound) = (Vec::new(), Vec::new(), Vec::new());
    let (until, entries): (Vec<_>, Vec<_>) =
        tables.open("faults", found).into_iter().partition(|entry| entry.name == "until");
    let pinned = tables.list("fault", found);
    // A world in which nothing goes wrong has nothing to heal from.
    let usual = if entries.is_empty() && pinned.is_empty() { SimSpan::ZERO } else { UNTIL };
    let until = until
        .first()
        .map(|entry| entry.read::<Spanned<Span>>().and_then(|until| within_limit(&until, "until")));
    chaos.until = SimTime::ZERO + until.and_then(|until| found.keep(until)).unwrap_or(usual);

    for entry in &entries {
        let Some(kind) = suite.find_fault(entry.name) else {
            found.add(unknown_kind(entry, suite));
            continue;
        };
        let each = entry.each();
        if each.is_empty() {
            found
                .add(entry.problem("this list is empty").help("write a fault into it, or leave the key out"));
        }
        for one in each {
            let before = (chaos.rules.len(), chaos.windows.len());
            if found.keep((kind.read)(&one, directory, &mut chaos)).is_some() {
                found.keep(opens(&one, &chaos, before.1));
                found.keep(is_new(&one, &chaos, before));
                configured.extend(parts::of(&one, text, &chaos, before, directory));
            }
            if chaos.rules.len() + chaos.windows.len() > MAX_FAULTS {
                found.add(one.problem(format!("there are more than {MAX_FAULTS} faults")));
                return Faults { chaos, kinds, configured, entries: sound, pinned: Vec::new() };
            }
            let (rules, windows) = (before.0..chaos.rules.len(), before.1..chaos.windows.len());
            sound.push(SoundEntry { entry: one, rules, windows });
        }
        kinds.push(Name::new(kind.name));
    }
    let pinned = pinned::read(&pinned, directory, &mut chaos, found);
    for pinned in &pinned {
        let line = line_of(text, pinned.at.start);
        let words = format!("the fault pinned to `{}` (line {line})", pinned.fault.at);
        configured.push(Configured::pinned(words, pinned.fault));
    }
    Faults { chaos, kinds, configured, entries: sound, pinned }
}

fn unknown_kind(entry: &Entry<'_>, suite: &Suite) -> Problem {
    let mut known = suite.fault_names();
    known.push("until");
    Problem::unknown(entry.key_span.clone(), "kind of fault", entry.name, &known)
}

/// Whether nothing that an entry has added was there before: of two that are alike, one would hide the other.
fn is_new(entry: &Entry<'_>, chaos: &Chaos, (rules, windows): (usize, usize)) -> Result<(), Problem> {
    let (rules_before, rules) = chaos.rules.split_at(rules);
    let (windows_before, windows) = chaos.windows.split_at(windows);
    let are_alike = |one: &Rule, other: &Rule| Rule { chance: one.chance, ..other.clone() } == *one;
    let is_rule_known = rules.iter().any(|rule| rules_before.iter().any(|other| are_alike(rule, other)));
    let is_window_known =
        windows.iter().any(|window| windows_before.iter().any(|other| window.site == other.site));
    if is_rule_known || is_window_known {
        let message = format!("this `{}` concerns what another one in the same list concerns", entry.name);
        return Err(entry.problem(message).help("make one of the two"));
    }
    Ok(())
}

/// Whether the windows that an entry has added can open before fault injection ends.
fn opens(entry: &Entry<'_>, chaos: &Chaos, windows: usize) -> Result<(), Problem> {
    let never = |window: &&perfidy_sim::TimedFault| SimTime::ZERO + *window.every.start() >= chaos.until;
    match chaos.windows[windows..].iter().find(never) {
        None => Ok(()),
        Some(window) => {
            let (first, until) = (window.every.start(), chaos.until);
            let message = format!("the first {} comes after {first}, but faults end at {until}", entry.name);
            Err(entry.problem(message).help("make `every` shorter, or `until` later"))
        }
    }
}
