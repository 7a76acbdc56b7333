//! Configured faults: each fault of a file, each name in it, and how an injected fault is matched to them.
//!
//! An entry of `[faults]` comes to rules and windows of a [`Chaos`]. Where it names several agents, messages,
//! operations or steps, each name is a part of its own: a name that no fault is injected at is a typing
//! error, or a claim that is not tested. A fault is known by where it was injected and what it did, so it
//! does not matter whether chance or a list of faults brought it.

use crate::scenario::resolve::rule_of;
use perfidy_sim::{Chaos, Fault, Name, Rule, Selector, TimedFault};

/// A fault that a file configures, or one of the names in it, which must be injected in some run.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Its description and its position.
    words: String,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    /// Rules and schedules, any of which is enough.
    Chaos(Vec<Rule>, Vec<Opening>),
    /// A pinned fault.
    Pinned(Fault),
}

/// A timed fault schedule, and which node it must hit if that matters.
#[derive(Clone, Debug)]
struct Opening {
    site: Name,
    among: Selector,
}

impl Configured {
    /// The rules and schedules that an entry has added to the chaos, which had these numbers of them before.
    pub(super) fn entry(words: String, chaos: &Chaos, (rules, windows): (usize, usize)) -> Self {
        let opening = |window: &TimedFault| Opening { site: window.site, among: Selector::Any };
        let windows = chaos.windows[windows..].iter().map(opening).collect();
        Self { words, by: By::Chaos(chaos.rules[rules..].to_vec(), windows) }
    }

    /// A fault that is pinned to a place.
    pub(super) fn pinned(words: String, fault: Fault) -> Self {
        Self { words, by: By::Pinned(fault) }
    }

    /// The part of an entry that is about one of its names; `narrow` leaves of each rule what is about it,
    /// if anything, and `among` are the nodes that timed faults must hit.
    pub(super) fn part(
        &self,
        words: String,
        among: &Selector,
        narrow: impl Fn(&Rule) -> Option<Rule>,
    ) -> Self {
        let by = match &self.by {
            By::Chaos(rules, windows) => {
                let windows = windows.iter().map(|window| Opening { among: among.clone(), ..window.clone() });
                By::Chaos(rules.iter().filter_map(narrow).collect(), windows.collect())
            }
            By::Pinned(fault) => By::Pinned(*fault),
        };
        Self { words, by }
    }

    /// Whether an injected fault is one of these.
    pub fn injects(&self, fault: &Fault) -> bool {
        match &self.by {
            By::Chaos(rules, windows) => {
                rules.iter().any(|rule| rule.can_make(fault))
                    || windows.iter().any(|window| window.made(fault))
            }
            By::Pinned(pinned) => pinned == fault,
        }
    }

    /// The fault, if it is pinned to a place.
    pub(crate) fn as_pinned(&self) -> Option<&Fault> {
        match &self.by {
            By::Pinned(fault) => Some(fault),
            By::Chaos(..) => None,
        }
    }

    /// The rules by which it is injected, as if a pinned fault came by chance.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        match &self.by {
            By::Pinned(fault) => rule_of(fault).into_iter().collect(),
            By::Chaos(rules, _) => rules.clone(),
        }
    }

    /// What to do if it is never injected.
    pub(crate) fn advice(&self) -> &'static str {
        match &self.by {
            By::Pinned(_) => "correct its address, or take it out",
            By::Chaos(_, windows) if !windows.is_empty() => {
                "shorten its `every`, or let faults go on longer with `until`"
            }
            By::Chaos(..) => "raise its `chance`, let faults go on longer with `until`, or run more seeds",
        }
    }

    /// What it is and where it stands, in words such as "the fault `drop` of line 12".
    pub fn in_words(&self) -> &str {
        &self.words
    }
}

impl Opening {
    fn made(&self, fault: &Fault) -> bool {
        self.site == fault.at.site && fault.action.victim().is_none_or(|victim| self.among.covers(victim))
    }
}
