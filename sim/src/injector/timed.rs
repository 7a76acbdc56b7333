//! Timed faults: which node a fault schedule hits and how badly, drawn at its site.

use crate::plan::{Action, TimedEffect, TimedFault};
use crate::{DrawSite, Name, SimSpan, SimTime};
use rand_chacha::rand_core::Rng;

/// The action of one timed fault; `None` if the schedule has no more.
pub(super) fn action(
    window: &TimedFault,
    nth: u32,
    at: SimTime,
    lasting: SimSpan,
    draw: DrawSite<'_>,
) -> Option<Action> {
    let one_of = |names: &[Name]| names[draw.below("who", names.len() as u64) as usize];
    Some(match &window.disturbance {
        TimedEffect::Partition { left, right, one_way } => {
            Action::Partition { left: joined(left), right: joined(right), one_way: *one_way, at, lasting }
        }
        TimedEffect::Pause(among) => Action::PauseAt { node: one_of(among), at, lasting },
        TimedEffect::Crash(among) => Action::CrashAt { node: one_of(among), at, back_after: Some(lasting) },
        TimedEffect::Kill { among, at_most } => {
            (nth <= *at_most).then(|| Action::CrashAt { node: one_of(among), at, back_after: None })?
        }
        TimedEffect::Split { among, minority } => {
            let (left, right) = split(among, *minority, draw);
            Action::Partition { left: joined(&left), right: joined(&right), one_way: false, at, lasting }
        }
        TimedEffect::PartitionLeader { otherwise, right, one_way } => {
            let left = one_of(otherwise);
            Action::Partition { left, right: without(right, left), one_way: *one_way, at, lasting }
        }
        TimedEffect::Flap { left, right, turn } => {
            let (left, right) = (joined(left), joined(right));
            Action::Flap { left, right, at, lasting, turn: draw.span("turn", turn) }
        }
        TimedEffect::SlowLink { left, right, by } => {
            let (left, right) = (joined(left), joined(right));
            Action::SlowLink { left, right, at, lasting, by: draw.span("by", by) }
        }
        TimedEffect::Degrade { among, degradations, amount } => {
            let degradation = degradations[draw.below("what", degradations.len() as u64) as usize];
            let more = draw.below("how much", amount.end() - amount.start() + 1);
            let degradation = degradation.with_amount(amount.start() + more);
            Action::Degrade { node: one_of(among), at, lasting, degradation }
        }
        TimedEffect::Custom { word, among } => {
            Action::CustomAt { word: *word, node: one_of(among), at, lasting }
        }
    })
}

/// The name of a group without one of its members, unless that is the only one.
pub(super) fn without(names: &[Name], one: Name) -> Name {
    let others: Vec<Name> = names.iter().copied().filter(|name| *name != one).collect();
    joined(if others.is_empty() { names } else { &others })
}

/// Two sides, neither of them empty, each in the order of the names. Of a minority the first is the smaller.
fn split(among: &[Name], minority: bool, draw: DrawSite<'_>) -> (Vec<Name>, Vec<Name>) {
    // By index and not by name, so that renamed nodes are split alike.
    let mut stream = draw.rng("sides");
    let mut lots: Vec<(u64, Name)> = among.iter().map(|name| (stream.next_u64(), *name)).collect();
    lots.sort_unstable();
    let most = if minority { among.len().saturating_sub(1) / 2 } else { among.len() - 1 };
    let size = 1 + draw.below("size", most.max(1) as u64) as usize;
    let chosen: Vec<Name> = lots[..size].iter().map(|(_, name)| *name).collect();
    among.iter().copied().partition(|name| chosen.contains(name))
}

/// The name of a group: its members joined by `+`.
fn joined(names: &[Name]) -> Name {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    Name::new(&names.join("+"))
}
