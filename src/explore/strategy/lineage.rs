//! Lineage: the faults that cut what good outcomes rest on (Alvaro et al. 2015, "Lineage-driven fault
//! injection").
//!
//! A good run shows why it was good: each outcome (an effect of a tool, the answer to a call, a report to the
//! user, a lease, an entry of the store) has a chain of causes, and rests on every message, step and living
//! node of that chain. A fault that strikes no link of any chain is no reason for another outcome and is not
//! tried. A team that retries has another chain for the same outcome, which the run with the first fault
//! shows. So a set of faults is tried only if there is an outcome that is cut by it in every run of a smaller
//! set in which it came about: it hits each of the supports that are known of that outcome.
//!
//! That a call is done is an outcome for its caller, and rests on the acknowledgement: what is done twice
//! since an acknowledgement was lost is found by cutting it. A duplicate cuts nothing. Of what only takes
//! longer (a message, an answer, a sync) the longest span is tried, which cuts if any does. Faults of one
//! kind that cut the same links of the same chains stand for each other: of their spans the shortest and the
//! longest are tried, and of the moments between two links one. Of plans whose runs have the same partial
//! order, one is extended ([`reduction`](super::reduction)).
//!
//! What breaks although every outcome has come about, by a duplicate or by faults that have no outcome in
//! common, is not looked for.

use super::exhaustive::{Exhaustive, Search};
use super::reduction::is_of_a_reply;
use super::{Kind, Outline};
use crate::suite::outline::{Chance, Link, Outcomes};
use perfidy_sim::{Action, Address, Fault, Hook, Name, SimSpan, SimTime};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const KIND: Kind = Kind {
    name: "lineage",
    about: "the faults that cut what the outcomes of a good run rest on, up to --faults at once",
    ends: true,
    start: |start| Ok(Box::new(Exhaustive::new(start, Search::Lineage)?)),
};

/// What outcomes rest on, as far as runs have shown.
#[derive(Default)]
pub(super) struct Lineage {
    supports: BTreeMap<Vec<Fault>, Support>,
}

/// What the outcomes of one run rest on.
struct Support {
    /// The outcomes that came about.
    outcomes: Outcomes,
    /// Those that each fault cuts.
    cut_by: BTreeMap<Fault, Outcomes>,
}

impl Lineage {
    /// Takes in the run of a set, and tells the faults that stand for all of those that cut something in it.
    pub fn learn(&mut self, faults: &[Fault], outline: &Outline, chances: &[Chance]) -> BTreeSet<Fault> {
        let cuts: Vec<Cut> = chances.iter().map(|chance| Cut::of(chance, &outline.links)).collect();
        let outcomes = outline.links.iter().fold(0, |all, link| all | link.outcomes);
        let cut_by = chances.iter().zip(&cuts).map(|(chance, cut)| (chance.fault, cut.outcomes)).collect();
        self.supports.insert(faults.to_vec(), Support { outcomes, cut_by });
        representatives(chances, &cuts)
    }

    /// The single faults that are tried after a run without any.
    pub fn single(outline: &Outline) -> Vec<Fault> {
        let is_void = |fault: &Fault| outline.chances.iter().any(|it| it.is_void && it.fault == *fault);
        let cutting = Self::default().learn(&[], outline, &outline.chances);
        cutting.into_iter().filter(|fault| !is_void(fault)).collect()
    }

    /// Whether there is an outcome that the set cuts in every run of a smaller one in which it came about.
    pub fn is_cut_by(&self, faults: &[Fault]) -> bool {
        let all = (1_usize << faults.len()) - 1;
        let is_in = |subset: usize, nth: usize| subset >> nth & 1 == 1;
        let mut cut = Outcomes::MAX;
        for subset in 0..all {
            let smaller: Vec<Fault> =
                (0..faults.len()).filter(|nth| is_in(subset, *nth)).map(|nth| faults[nth]).collect();
            let Some(support) = self.supports.get(&smaller) else { continue };
            let others = (0..faults.len()).filter(|nth| !is_in(subset, *nth)).map(|nth| faults[nth]);
            let cut_here =
                others.filter_map(|fault| support.cut_by.get(&fault)).fold(0, |all, cut| all | cut);
            cut &= cut_here | if subset == 0 { 0 } else { !support.outcomes };
        }
        cut != 0
    }
}

/// What a fault cuts in a run.
struct Cut {
    outcomes: Outcomes,
    /// Faults of one kind with the same of these cut the same links.
    place: Place,
}

/// Which links a fault of a kind strikes: what is done at one place, or what is done somewhere from one link
/// on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    At(Address),
    From { nodes: (Name, Option<Name>), link: usize },
}

impl Cut {
    fn of(chance: &Chance, links: &[Link]) -> Self {
        let Fault { at, action } = chance.fault;
        let moment = action.moment();
        let until = moment.map(|from| action.span().map_or(from, |span| from + span));
        if let (Some((left, right)), Some(from), Some(until)) = (action.sides(), moment, until) {
            let is_of = |side: Name, node: Name| side.as_str().split('+').any(|one| one == node.as_str());
            let is_between = |one: Name, other: Name| {
                is_of(left, one) && is_of(right, other) || is_of(left, other) && is_of(right, one)
            };
            let is_struck = |link: &Link| {
                link.arrives.is_some_and(|(to, arrives)| {
                    is_between(link.node, to) && arrives >= from && link.at <= until
                })
            };
            return Self::of_links((left, Some(right)), links, is_struck);
        }
        if let (Some(victim), Some(from)) = (action.victim(), moment) {
            let ends = match action {
                Action::CrashAt { .. } => SimTime::MAX,
                _ => until.unwrap_or(SimTime::MAX),
            };
            let is_struck = |link: &Link| link.node == victim && (from..=ends).contains(&link.at);
            return Self::of_links((victim, None), links, is_struck);
        }
        if let Some(node) = node_of(at) {
            let first = chance.events.saturating_sub(1);
            let mut nth = 0;
            let is_struck = |link: &Link| {
                nth += 1;
                nth > first && link.node == node
            };
            return Self::of_links((node, None), links, is_struck);
        }
        let outcomes = match action {
            Action::Duplicate(_) => 0,
            _ => struck(chance, links).map_or(0, |link| link.outcomes),
        };
        Self { outcomes, place: Place::At(at) }
    }

    /// The cut of a fault that strikes all of these links.
    fn of_links(nodes: (Name, Option<Name>), links: &[Link], is_struck: impl FnMut(&Link) -> bool) -> Self {
        let is_struck: Vec<bool> = links.iter().map(is_struck).collect();
        let is_cut = |(link, is_struck): &(&Link, bool)| *is_struck && link.outcomes != 0;
        let first = links.iter().zip(is_struck.iter().copied()).position(|it| is_cut(&it));
        let struck = links.iter().zip(is_struck).filter(is_cut);
        let outcomes = struck.fold(0, |all, (link, _)| all | link.outcomes);
        Self { outcomes, place: Place::From { nodes, link: first.unwrap_or(usize::MAX) } }
    }
}

/// The link that a fault at a place strikes: the last one there before it, or the reply to it if that is all
/// that the fault concerns.
fn struck<'a>(chance: &Chance, links: &'a [Link]) -> Option<&'a Link> {
    let site = chance.fault.at.site.as_str();
    let (before, after) = links.split_at(chance.events.min(links.len()));
    let Some((who, _)) = site.split_once(", ").filter(|_| !site.contains(" > ")) else {
        return before.last();
    };
    let is_there = |link: &&Link| who == link.node.as_str();
    let last = before.iter().rev().find(is_there)?;
    if !is_of_a_reply(&chance.fault) {
        return Some(last);
    }
    let is_reply =
        |link: &&Link| is_there(link) && link.arrives.is_some() && link.outcomes & last.outcomes != 0;
    after.iter().find(is_reply).or(Some(last))
}

/// The node whose step or storage a place is about, if it is.
fn node_of(at: Address) -> Option<Name> {
    let (who, _) = at.site.as_str().split_once(", ")?;
    Hook::step_of(at.site).map(|(node, ..)| node).or_else(|| Some(Name::new(who.strip_suffix("'s disk")?)))
}

/// Whether all that a fault does is that something takes longer.
fn only_delays(fault: &Fault) -> bool {
    match fault.action {
        Action::Delay(_) | Action::Reorder(_) | Action::SlowSync(_) => true,
        Action::Custom { span, .. } => span > SimSpan::ZERO && is_of_a_reply(fault),
        _ => false,
    }
}

/// Of the faults of each kind that cut the same links: the first with the shortest span and the first with
/// the longest.
fn representatives(chances: &[Chance], cuts: &[Cut]) -> BTreeSet<Fault> {
    let span = |fault: &Fault| fault.action.span().unwrap_or(SimSpan::ZERO);
    let mut of: BTreeMap<(Name, Place), (Fault, Fault)> = BTreeMap::new();
    for (Chance { fault, .. }, cut) in chances.iter().zip(cuts).filter(|(_, cut)| cut.outcomes != 0) {
        let (shortest, longest) = of.entry((fault.action.kind(), cut.place)).or_insert((*fault, *fault));
        if span(fault) < span(shortest) {
            *shortest = *fault;
        }
        if span(fault) > span(longest) {
            *longest = *fault;
        }
        if only_delays(fault) {
            *shortest = *longest;
        }
    }
    of.into_values().flat_map(|(shortest, longest)| [shortest, longest]).collect()
}
