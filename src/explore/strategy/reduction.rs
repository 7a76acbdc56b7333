//! Causal reduction: which sets of faults have to be tried, if others have shown what they would do.
//!
//! Sets grow from the run without a fault, by one fault at a time, and four kinds are left out:
//!
//! * **Order.** A set is reached by its faults in the order in which they strike, since a fault does not
//!   change what was before it. A set with a fault that never strikes is a smaller set.
//! * **Void.** A fault of a message that no one waits for any more, or that repeats a reply, changes nothing.
//! * **Slight.** A fault is slight if the run with it is event for event the run without it, at the same
//!   times, and what there is beside is messages on their way, calls and completions, or calls that a tool
//!   recognises. A slight fault is no reason for another one, but for one at a place that it brought about
//!   itself, and for a slight one whose trace overlaps with its own. It is tried again with every other fault
//!   that reaches the strands of its trace before the trace ends.
//! * **Alike.** Of sets whose runs have the same partial order, one is extended: the one whose last fault
//!   strikes first.
//!
//! Order and void are exact. The others take three things for granted. A node that goes on event for event as
//! another does is in the state of the other: what it keeps to itself and shows in no event of these runs is
//! not known. What a node does about one task does not depend on what it does about another, but for what
//! shows in the events of either. And of runs with the same partial order at different times, one stands for
//! the others. So only faults are left out that do nothing beside what is done with the message or the answer
//! that they strike; a fault that leaves a node or a tool in another state, for a while or for good, is
//! always extended, and everything slight is tried again with it. Properties that count messages or calls
//! count a slight fault once; where the user sets a bound, calls and completions are not slight.

use super::lineage::Lineage;
use crate::suite::outline::{Addition, Chance, Outline, State, Strand, Strike};
use perfidy_sim::{Action, Address, Fault, SimTime};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Sets of faults, sorted.
type Set = Vec<Fault>;

/// The growth of sets of faults, smaller ones first.
#[derive(Default)]
pub(super) struct Reduction {
    /// Whether the empty set was given out, from which all others grow.
    has_begun: bool,
    /// The sets whose larger ones are tried.
    cores: Vec<Core>,
    /// The sets that are under way, each with the core that it is compared with; none for the empty set.
    asked: BTreeMap<Set, Option<usize>>,
    /// Those of them that have been run and may be extended, in the order of their trials.
    answered: Vec<Answered>,
    /// The sets that are extended, by the partial order of their runs and by what of them leaves something
    /// behind; of each the time at which its last fault struck.
    known: BTreeMap<(u64, Set), SimTime>,
    /// What outcomes rest on, if only what cuts that is to be tried.
    lineage: Option<Lineage>,
}

/// A set of faults whose larger ones are tried.
struct Core {
    faults: Set,
    outline: Outline,
    /// The places that came up in its run.
    places: BTreeSet<Address>,
    /// The faults that are slight in addition to it.
    slight: Vec<Slight>,
    /// The faults that were void in addition to it.
    void: BTreeSet<Fault>,
    /// The faults that strike before its last one and were slight or void before that.
    awake: BTreeSet<Fault>,
}

/// A slight fault.
#[derive(Clone)]
struct Slight {
    fault: Fault,
    from: SimTime,
    until: SimTime,
    strands: Vec<Strand>,
    /// How far the strands of its trace had come without it when the trace ended, and the one that it struck
    /// when it did. None if there is no trace.
    states: Vec<(Strand, SimTime, State)>,
}

enum Answered {
    /// A set that does something, and when its last fault struck.
    Effective { core: Option<usize>, faults: Set, last: SimTime, outline: Arc<Outline> },
    /// A set that does no more than its core, but for what is slight, and the faults at places that it
    /// brought about.
    Slight { core: usize, faults: Set, own: Vec<Fault> },
}

impl Reduction {
    /// Nothing tried, and nothing to be tried but no fault.
    pub fn new() -> Self {
        Self { asked: BTreeMap::from([(Vec::new(), None)]), ..Self::default() }
    }

    /// The same, of sets that cut what an outcome rests on.
    pub fn by_lineage() -> Self {
        Self { lineage: Some(Lineage::default()), ..Self::new() }
    }

    /// Takes in a run of one of the sets that were to be tried, in which nothing broke.
    pub fn learn(&mut self, faults: &[Fault], outline: &Arc<Outline>) {
        let Some((faults, core)) = self.asked.remove_entry(faults) else { return };
        let strikes: Vec<Strike> = faults.iter().filter_map(|fault| outline.strike(fault)).collect();
        if strikes.len() < faults.len() {
            return;
        }
        if let Some(core) = core
            && let Some(own) = self.cores[core].learn_slight(&faults, outline)
        {
            self.answered.push(Answered::Slight { core, faults, own });
            return;
        }
        let (last, outline) = (last(&strikes), Arc::clone(outline));
        self.answered.push(Answered::Effective { core, faults, last, outline });
    }

    /// The sets to be tried next: first the empty one, then larger ones, once all of those before have been
    /// run.
    pub fn larger(&mut self) -> Vec<Set> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return self.asked.keys().cloned().collect();
        }
        let mut larger = BTreeMap::new();
        let mut answered = std::mem::take(&mut self.answered);
        // The earlier its last fault strikes, the more sets grow from one.
        answered.sort_by_key(|answered| match answered {
            Answered::Effective { last, .. } => *last,
            Answered::Slight { .. } => SimTime::ZERO,
        });
        for answered in answered {
            match answered {
                Answered::Slight { .. } if self.lineage.is_some() => {}
                Answered::Effective { core, faults, last, outline } => {
                    if self.is_new(&faults, last, &outline) {
                        self.extend(core, faults, outline, &mut larger);
                    }
                }
                Answered::Slight { core, faults, own } => {
                    self.cores[core].extend_slight(core, &faults, own, &mut larger);
                }
            }
        }
        self.asked = larger;
        self.asked.keys().cloned().collect()
    }

    /// Whether nothing is left to be tried, once all that was to be tried has been run.
    pub fn is_over(&self) -> bool {
        self.has_begun && self.answered.is_empty()
    }

    /// Whether no set is extended that does the same and of which as many or more grow.
    fn is_new(&mut self, faults: &[Fault], last: SimTime, outline: &Outline) -> bool {
        let lasting: Set = faults.iter().copied().filter(|fault| !is_traceless(fault)).collect();
        let known = self.known.entry((outline.order, lasting));
        let is_new = match &known {
            Entry::Occupied(struck) => *struck.get() > last,
            Entry::Vacant(_) => true,
        };
        known.and_modify(|struck| *struck = last.min(*struck)).or_insert(last);
        is_new
    }

    /// Extends a set that does something, which becomes a core.
    fn extend(
        &mut self,
        parent: Option<usize>,
        faults: Set,
        outline: Arc<Outline>,
        larger: &mut BTreeMap<Set, Option<usize>>,
    ) {
        let strikes: Vec<Strike> = faults.iter().filter_map(|fault| outline.strike(fault)).collect();
        let last = last(&strikes);
        let is_free = |at: Address| faults.iter().all(|fault| fault.at != at);
        let (mut slight, mut awake) = (Vec::new(), BTreeSet::new());
        if let Some(parent) = parent.map(|parent| &self.cores[parent]) {
            let is_new = |strike: &&Strike| !parent.faults.contains(&strike.fault);
            let new: Vec<Strike> = strikes.iter().filter(is_new).copied().collect();
            for one in parent.slight.iter().filter(|one| is_free(one.fault.at)) {
                if one.is_as_before(&outline, &new) {
                    slight.push(one.clone());
                } else {
                    awake.insert(one.fault);
                }
            }
            awake.extend(parent.awake.iter().chain(&parent.void).filter(|fault| is_free(fault.at)));
        }
        let mut outline = Arc::unwrap_or_clone(outline);
        let chances = std::mem::take(&mut outline.chances);
        let cutting = self.lineage.as_mut().map(|lineage| lineage.learn(&faults, &outline, &chances));
        outline.links = Vec::new();
        let asleep: BTreeSet<Fault> = slight.iter().map(|one| one.fault).collect();
        let mut void = BTreeSet::new();
        let core = self.cores.len();
        for Chance { fault, at, is_void, .. } in chances.iter().copied() {
            if is_void {
                void.insert(fault);
                continue;
            }
            let strikes_next = is_free(fault.at) && (at >= last || awake.contains(&fault));
            if strikes_next
                && !asleep.contains(&fault)
                && cutting.as_ref().is_none_or(|cutting| cutting.contains(&fault))
            {
                let set = with(&faults, fault);
                if self.lineage.as_ref().is_none_or(|lineage| lineage.is_cut_by(&set)) {
                    larger.entry(set).or_insert(Some(core));
                }
            }
        }
        let places = chances.iter().map(|chance| chance.fault.at).collect();
        self.cores.push(Core { faults, outline, places, slight, void, awake });
    }
}

impl Core {
    /// Takes in the run of a larger set if what that adds is slight, and tells the faults that could be
    /// injected at places that it brought about.
    fn learn_slight(&mut self, faults: &[Fault], outline: &Outline) -> Option<Vec<Fault>> {
        let added: Vec<Fault> = added(faults, &self.faults).collect();
        let is_traceless = added.iter().all(is_traceless);
        let Addition { from, until, strands } = outline.beyond(&self.outline).filter(|_| is_traceless)?;
        if let [fault] = added[..]
            && let Some(strike) = outline.strike(&fault)
        {
            let moments = strands.iter().map(|strand| (*strand, until)).chain([(strike.strand, strike.at)]);
            let state = |(strand, at)| (strand, at, self.outline.state(strand, at));
            let states = if strands.is_empty() { Vec::new() } else { moments.map(state).collect() };
            self.slight.push(Slight { fault, from, until, strands, states });
        }
        let is_own = |chance: &&Chance| !chance.is_void && !self.places.contains(&chance.fault.at);
        Some(outline.chances.iter().filter(is_own).map(|chance| chance.fault).collect())
    }

    /// Extends a set that does no more than this one, but for what is slight, where that could matter: by
    /// these faults and those whose traces overlap.
    fn extend_slight(
        &self,
        number: usize,
        faults: &[Fault],
        own: Vec<Fault>,
        larger: &mut BTreeMap<Set, Option<usize>>,
    ) {
        let is_free = |at: Address| faults.iter().all(|fault| fault.at != at);
        let is_added = |one: &&Slight| faults.contains(&one.fault) && !self.faults.contains(&one.fault);
        let added: Vec<&Slight> = self.slight.iter().filter(is_added).collect();
        let overlapping = self.slight.iter().filter(|one| added.iter().any(|other| one.overlaps(other)));
        let faults_to_add = own.into_iter().chain(overlapping.map(|one| one.fault));
        for fault in faults_to_add.filter(|fault| is_free(fault.at)) {
            larger.entry(with(faults, fault)).or_insert(Some(number));
        }
    }
}

impl Slight {
    /// Whether it is still slight in a run with these faults in addition: they reach no node of its trace
    /// before that ends.
    fn is_as_before(&self, outline: &Outline, new: &[Strike]) -> bool {
        let is_undone = |strike: &Strike| !is_traceless(&strike.fault) && strike.at <= self.until;
        !self.states.is_empty()
            && !new.iter().any(is_undone)
            && self.states.iter().all(|(strand, at, state)| outline.state(*strand, *at) == *state)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let is_shared = |strand: &Strand| other.strands.contains(strand);
        self.from <= other.until && other.from <= self.until && self.strands.iter().any(is_shared)
    }
}

fn last(strikes: &[Strike]) -> SimTime {
    strikes.iter().map(|strike| strike.at).max().unwrap_or(SimTime::ZERO)
}

/// The faults of a set that are not in another.
fn added<'a>(faults: &'a [Fault], to: &'a [Fault]) -> impl Iterator<Item = Fault> + 'a {
    faults.iter().copied().filter(|fault| !to.contains(fault))
}

fn with(faults: &[Fault], fault: Fault) -> Set {
    let mut set: Set = faults.iter().copied().chain([fault]).collect();
    set.sort_unstable();
    set
}

/// The faults of tools after which a tool is as it would be without them, but for what it replied.
const OF_REPLIES: &[&str] = &[
    "ack-lost",
    "late-reply",
    "error-with-effect",
    "wrong-reply",
    "stale-read",
    "wrong-value",
    "dropped-field",
    "renamed-field",
    "wrong-type",
    "partial-result",
    "malformed-result",
    "injected-instruction",
    "oversize-result",
];

/// Whether all that a fault does is done with the message or the reply that it strikes.
fn is_traceless(fault: &Fault) -> bool {
    match fault.action {
        Action::Drop | Action::Delay(_) | Action::Reorder(_) | Action::Duplicate(_) | Action::Corrupt => true,
        Action::Custom { .. } => fault.at.site.as_str().contains(" > ") || is_of_a_reply(fault),
        _ => false,
    }
}

/// Whether all that a fault does is done with what a tool replies.
pub(super) fn is_of_a_reply(fault: &Fault) -> bool {
    matches!(fault.action, Action::Custom { word, .. } if OF_REPLIES.contains(&word.as_str()))
}

#[cfg(test)]
mod tests;
