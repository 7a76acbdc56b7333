//! The table of sites and places: everything about them that depends on the plan and the network and not on the
//! seed.
//!
//! It is filled as places come up. A campaign runs one plan over many seeds, and nearly all places come up in
//! nearly all runs; so the table of one run serves the next on its thread, with all counts back at zero.

use crate::plan::{Action, Address, Chaos, Hook, Plan};
use crate::{Links, Name, Rule, SimSpan, spare};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::ops::RangeInclusive;

type Map<K, V> = HashMap<K, V, FxBuildHasher>;

#[derive(Clone, Copy)]
pub(crate) struct SiteId(u32);

#[derive(Clone, Copy)]
pub(crate) struct PlaceId(u32);

pub(crate) struct Site {
    name: Name,
    pub hook: Hook,
    /// Which of the chaos rules concern it.
    pub rules: Vec<u16>,
    /// Whether some pinned fault names it.
    pub is_pinned: bool,
    /// How long messages take there.
    pub latency: RangeInclusive<SimSpan>,
}

struct Place {
    site: Name,
    id: Name,
    /// How often it has come up in this run.
    count: u32,
}

/// What a place is asked by: its hook, the two ends, what passes, and about what.
type Question = (Hook, Name, Name, Name, Name);

pub(crate) struct Table {
    plan: Plan,
    links: Links,
    pinned: Map<Address, (usize, Action)>,
    sites: Vec<Site>,
    site_by_key: Map<(Hook, Name, Name, Name), SiteId>,
    places: Vec<Place>,
    place_by_address: Map<(Name, Name), PlaceId>,
    place_by_question: Map<Question, (SiteId, PlaceId)>,
    /// The places that have come up in this run.
    visited: Vec<PlaceId>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(Plan::calm(), Links::uniform(SimSpan::ZERO..=SimSpan::ZERO))
    }
}

impl Table {
    fn new(plan: Plan, links: Links) -> Self {
        let pinned = plan.pinned().iter().enumerate();
        Self {
            pinned: pinned.map(|(index, fault)| (fault.at, (index, fault.action))).collect(),
            plan,
            links,
            sites: Vec::new(),
            site_by_key: Map::default(),
            places: Vec::new(),
            place_by_address: Map::default(),
            place_by_question: Map::default(),
            visited: Vec::new(),
        }
    }

    /// This table, if it is that of the plan and the network and has not grown too large; else a new one.
    pub fn of(self, plan: &Plan, links: &Links) -> Self {
        if self.places.len() <= spare::MOST && self.plan.is_same(plan) && self.links == *links {
            self
        } else {
            Self::new(plan.clone(), links.clone())
        }
    }

    pub fn chaos(&self) -> Option<&Chaos> {
        match &self.plan {
            Plan::Fuzz(chaos) => Some(chaos),
            Plan::Explicit(_) => None,
        }
    }

    /// The fault that stands in the plan for this address, and its number there.
    pub fn pinned(&self, address: Address) -> Option<(usize, Action)> {
        self.pinned.get(&address).copied()
    }

    /// Whether no fault could strike at a hook.
    pub fn is_silent(&self, hook: Hook) -> bool {
        self.pinned.is_empty()
            && self.chaos().is_none_or(|chaos| chaos.rules.iter().all(|rule| rule.hook != hook))
    }

    /// The site and the place where the plan is asked this question, made on first use.
    pub fn place_of(
        &mut self,
        hook: Hook,
        from: Name,
        to: Name,
        what: Name,
        about: Name,
    ) -> (SiteId, PlaceId) {
        let question = (hook, from, to, what, about);
        if let Some(known) = self.place_by_question.get(&question) {
            return *known;
        }
        let site = self.site_of(hook, from, to, what);
        let found = (site, self.place(self.site(site).name, about));
        self.place_by_question.insert(question, found);
        found
    }

    fn site_of(&mut self, hook: Hook, from: Name, to: Name, what: Name) -> SiteId {
        let key = (hook, from, to, what);
        if let Some(known) = self.site_by_key.get(&key) {
            return *known;
        }
        let name = Name::new(&match hook {
            Hook::Message => format!("{from} > {to}, {what}"),
            Hook::Before => format!("{from}, before {what}"),
            Hook::After => format!("{from}, after {what}"),
            Hook::Service => format!("{from}, {what}"),
            Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => format!("{from}'s disk, {what}"),
        });
        let concerns = |rule: &Rule| {
            rule.hook == hook && rule.from.covers(from) && rule.to.covers(to) && rule.what.covers(what)
        };
        let rules = self.chaos().map_or_else(Vec::new, |chaos| {
            (0..).zip(&chaos.rules).filter(|(_, rule)| concerns(rule)).map(|(index, _)| index).collect()
        });
        let is_pinned = self.pinned.keys().any(|address| address.site == name);
        let latency = self.links.latency(from, to).clone();
        let id = SiteId(self.sites.len() as u32);
        self.sites.push(Site { name, hook, rules, is_pinned, latency });
        self.site_by_key.insert(key, id);
        id
    }

    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id.0 as usize]
    }

    /// The place of an id at a site, made on first use.
    pub fn place(&mut self, site: Name, id: Name) -> PlaceId {
        *self.place_by_address.entry((site, id)).or_insert_with(|| {
            self.places.push(Place { site, id, count: 0 });
            PlaceId(self.places.len() as u32 - 1)
        })
    }

    /// Counts one more passage by a place, and gives it its address.
    pub fn pass(&mut self, id: PlaceId) -> Address {
        let place = &mut self.places[id.0 as usize];
        if place.count == 0 {
            self.visited.push(id);
        }
        place.count += 1;
        Address { site: place.site, id: place.id, nth: place.count }
    }

    /// Every address with the number of its passages, in the order of the first ones. All counts are back at zero.
    pub fn take_visited(&mut self) -> Vec<Address> {
        let passed = |id: PlaceId| {
            let place = &mut self.places[id.0 as usize];
            Address { site: place.site, id: place.id, nth: std::mem::take(&mut place.count) }
        };
        self.visited.drain(..).map(passed).collect()
    }
}
