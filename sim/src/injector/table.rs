//! The table of sites and places: their data that does not depend on the seed.
//!
//! It is filled as places are reached. Nearly all places of a campaign occur in nearly all of its runs, so
//! the next run on the thread reuses the table, with all counts back at zero. Sites and places are names and
//! stay valid under any plan. What a plan may do at a site is computed when the site is first reached under
//! that plan: which rules concern it (kept if the previous plan had the same rules) and whether a pinned
//! fault names it.

use super::steps::Steps;
use crate::plan::{Action, Address, Chaos, Hook, Plan};
use crate::{Chance, Links, Name, Rule, SimSpan, pool};
use hashbrown::{HashMap, HashSet, HashTable};
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, FxBuildHasher>;

#[derive(Clone, Copy)]
pub(crate) struct SiteId(u32);

impl SiteId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy)]
pub(crate) struct PlaceId(u32);

impl PlaceId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

pub(crate) struct Site {
    name: Name,
    key: SiteKey,
    /// The plan of the cached data, and the rules of the cached rules.
    plan: Edition,
    ruled_by: Edition,
    /// Which of the chaos rules concern it.
    pub rules: Vec<u16>,
    /// Whether some pinned fault names it.
    pub is_pinned: bool,
    /// How long messages take there.
    pub latency: RangeInclusive<SimSpan>,
}

impl Site {
    pub fn hook(&self) -> Hook {
        self.key.0
    }

    /// The nodes at its two ends, which are one unless messages pass here.
    pub fn ends(&self) -> [Name; 2] {
        [self.key.1, self.key.2]
    }
}

/// The key of a site: its hook, the two ends, and the kind of message or step.
type SiteKey = (Hook, Name, Name, Name);

/// Counts the plans that a table has served, or the sets of rules.
type Edition = u64;

struct Place {
    site: Name,
    id: Name,
    /// How often it was reached in this run.
    count: u32,
    /// How often before the mark.
    early: u32,
}

pub(crate) struct Table {
    links: Links,
    plan: Plan,
    plan_edition: Edition,
    pinned: Map<Address, (usize, Action)>,
    pinned_sites: HashSet<Name, FxBuildHasher>,
    steps: Steps,
    /// The hooks at which places count although no fault can be injected there.
    noticed: Vec<Hook>,
    /// The last chaos whose rules were computed; a plan without rules does not change it.
    ruling: Option<Arc<Chaos>>,
    rules_edition: Edition,
    sites: Vec<Site>,
    site_by_key: Map<SiteKey, SiteId>,
    places: Vec<Place>,
    place_by_address: HashTable<PlaceId>,
    /// Draws are counted apart: at a site of the same name faults may be asked for in one run and not in
    /// another, and what is drawn must not depend on that.
    place_by_draw: HashTable<PlaceId>,
    /// The keys are those of the site and the place themselves. With a thousand tasks there are a hundred
    /// thousand places, and what is looked up for every message should fit into a cache.
    place_by_question: HashTable<(SiteId, PlaceId)>,
    /// The places reached in this run.
    visited: Vec<PlaceId>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(Links::uniform(SimSpan::ZERO..=SimSpan::ZERO))
    }
}

impl Table {
    fn new(links: Links) -> Self {
        Self {
            links,
            plan: Plan::fault_free(),
            plan_edition: 0,
            pinned: Map::default(),
            pinned_sites: HashSet::default(),
            steps: Steps::default(),
            noticed: Vec::new(),
            ruling: None,
            rules_edition: 0,
            sites: Vec::new(),
            site_by_key: Map::default(),
            places: Vec::new(),
            place_by_address: HashTable::new(),
            place_by_draw: HashTable::new(),
            place_by_question: HashTable::new(),
            visited: Vec::new(),
        }
    }

    /// This table, set to the plan, if it is that of the network and has not grown too large; otherwise a new
    /// one.
    pub fn of(mut self: Box<Self>, plan: &Plan, links: &Links) -> Box<Self> {
        let is_good = self.places.len() <= pool::MOST && self.links == *links;
        if !is_good {
            *self = Self::new(links.clone());
        }
        if !self.plan.is_same(plan) || !self.noticed.is_empty() {
            self.set(plan);
        }
        self
    }

    fn set(&mut self, plan: &Plan) {
        if let Plan::Fuzz(chaos) = plan {
            let is_ruled_alike =
                |ruling: &Arc<Chaos>| Arc::ptr_eq(ruling, chaos) || rule_alike(ruling, chaos);
            if !self.ruling.as_ref().is_some_and(is_ruled_alike) {
                self.rules_edition += 1;
            }
            self.ruling = Some(Arc::clone(chaos));
        }
        self.pinned.clear();
        self.pinned_sites.clear();
        for (index, fault) in plan.pinned().iter().enumerate() {
            self.pinned.insert(fault.at, (index, fault.action));
            self.pinned_sites.insert(fault.at.site);
        }
        self.steps = Steps::of(plan, &[]);
        self.noticed.clear();
        self.plan = plan.clone();
        self.plan_edition += 1;
    }

    /// Also counts the places that these rules concern, until the run is over.
    pub fn notice(&mut self, rules: &[Rule]) {
        self.steps = Steps::of(&self.plan, rules);
        self.noticed = rules.iter().map(|rule| rule.hook).collect();
    }

    pub fn chaos(&self) -> Option<&Chaos> {
        match &self.plan {
            Plan::Fuzz(chaos) => Some(chaos),
            Plan::Explicit(_) => None,
        }
    }

    /// The pinned fault at this address, and its index in the plan.
    pub fn pinned(&self, address: Address) -> Option<(usize, Action)> {
        self.pinned.get(&address).copied()
    }

    /// The steps that the plan concerns.
    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Whether no fault can be injected at a hook.
    pub fn is_silent(&self, hook: Hook) -> bool {
        if matches!(hook, Hook::Before | Hook::After) {
            return self.steps.is_silent(hook);
        }
        self.pinned.is_empty()
            && !self.noticed.contains(&hook)
            && self.chaos().is_none_or(|chaos| {
                chaos.rules.iter().all(|rule| rule.hook != hook || rule.chance == Chance::NEVER)
            })
    }

    /// The site and the place of a question, made on first use.
    pub fn place_of(
        &mut self,
        hook: Hook,
        from: Name,
        to: Name,
        what: Name,
        about: Name,
    ) -> (SiteId, PlaceId) {
        let key = (hook, from, to, what);
        let hash = FxBuildHasher.hash_one((key, about));
        let Self { sites, places, .. } = self;
        let is_asked = |(site, place): &(SiteId, PlaceId)| {
            places[place.index()].id == about && sites[site.index()].key == key
        };
        if let Some(&known) = self.place_by_question.find(hash, is_asked) {
            self.look_up(known.0);
            return known;
        }
        let site = self.site_of(key);
        self.look_up(site);
        let found = (site, self.place(self.site(site).name, about));
        let Self { sites, places, place_by_question, .. } = self;
        place_by_question.insert_unique(hash, found, |(site, place)| {
            FxBuildHasher.hash_one((sites[site.index()].key, places[place.index()].id))
        });
        found
    }

    fn site_of(&mut self, key: SiteKey) -> SiteId {
        if let Some(known) = self.site_by_key.get(&key) {
            return *known;
        }
        let (hook, from, to, what) = key;
        let name = Name::new(&match hook {
            Hook::Message => format!("{from} > {to}, {what}"),
            Hook::Before => format!("{from}, before {what}"),
            Hook::After => format!("{from}, after {what}"),
            Hook::Service => format!("{from}, {what}"),
            Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => format!("{from}'s disk, {what}"),
        });
        let latency = self.links.latency(from, to).clone();
        let id = SiteId(self.sites.len() as u32);
        // Edition zero means that nothing is computed yet.
        let site = Site { name, key, plan: 0, ruled_by: 0, rules: Vec::new(), is_pinned: false, latency };
        self.sites.push(site);
        self.site_by_key.insert(key, id);
        id
    }

    /// Computes what the plan may do at a site, unless that is known.
    fn look_up(&mut self, id: SiteId) {
        let site = &mut self.sites[id.index()];
        if site.plan == self.plan_edition {
            return;
        }
        site.plan = self.plan_edition;
        site.is_pinned = self.pinned_sites.contains(&site.name);
        if site.ruled_by != self.rules_edition
            && let Plan::Fuzz(chaos) = &self.plan
        {
            site.ruled_by = self.rules_edition;
            site.rules.clear();
            let concerned = (0..).zip(&chaos.rules).filter(|(_, rule)| concerns(rule, site.key));
            site.rules.extend(concerned.map(|(index, _)| index));
        }
    }

    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id.index()]
    }

    /// The place of an id at a site, made on first use.
    pub fn place(&mut self, site: Name, id: Name) -> PlaceId {
        place_in(&mut self.place_by_address, &mut self.places, site, id)
    }

    /// The place of a draw about an id at a site, made on first use.
    pub fn place_of_draw(&mut self, site: Name, id: Name) -> PlaceId {
        place_in(&mut self.place_by_draw, &mut self.places, site, id)
    }

    /// Counts one more occurrence at a place, and returns its address.
    pub fn pass(&mut self, id: PlaceId, is_early: bool) -> Address {
        let place = &mut self.places[id.index()];
        if place.count == 0 {
            self.visited.push(id);
        }
        place.count += 1;
        place.early += u32::from(is_early);
        Address { site: place.site, id: place.id, nth: place.count }
    }

    /// Every address with its number of occurrences, in the order of the first ones.
    pub fn visited(&self) -> Vec<Address> {
        self.addresses(|place| place.count)
    }

    /// The same for occurrences before the mark.
    pub fn visited_early(&self) -> Vec<Address> {
        let mut early = self.addresses(|place| place.early);
        early.retain(|address| address.nth > 0);
        early
    }

    fn addresses(&self, nth: impl Fn(&Place) -> u32) -> Vec<Address> {
        let places = self.visited.iter().map(|id| &self.places[id.index()]);
        places.map(|place| Address { site: place.site, id: place.id, nth: nth(place) }).collect()
    }

    /// Sets all counts back to zero.
    pub fn forget_visits(&mut self) {
        for id in self.visited.drain(..) {
            let place = &mut self.places[id.index()];
            (place.count, place.early) = (0, 0);
        }
    }
}

/// The place of an id at a site in one of the tables, made on first use.
fn place_in(known: &mut HashTable<PlaceId>, places: &mut Vec<Place>, site: Name, id: Name) -> PlaceId {
    let hash = FxBuildHasher.hash_one((site, id));
    let is_it = |place: &PlaceId| places[place.index()].id == id && places[place.index()].site == site;
    if let Some(place) = known.find(hash, is_it) {
        return *place;
    }
    let place = PlaceId(places.len() as u32);
    places.push(Place { site, id, count: 0, early: 0 });
    known.insert_unique(hash, place, |place| {
        let Place { site, id, .. } = places[place.index()];
        FxBuildHasher.hash_one((site, id))
    });
    place
}

fn concerns(rule: &Rule, (hook, from, to, what): SiteKey) -> bool {
    rule.hook == hook && rule.from.covers(from) && rule.to.covers(to) && rule.what.covers(what)
}

/// Whether the rules of both concern the same sites, one by one; actions and chances may differ.
fn rule_alike(left: &Chaos, right: &Chaos) -> bool {
    let is_alike = |(left, right): (&Rule, &Rule)| {
        left.hook == right.hook && left.from == right.from && left.to == right.to && left.what == right.what
    };
    left.rules.len() == right.rules.len() && left.rules.iter().zip(&right.rules).all(is_alike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, Selector};

    fn chaos(scopes: &[&str], chance: Chance) -> Plan {
        let rule = |from: &&str| Rule {
            kind: Name::new("drop"),
            hook: Hook::Message,
            from: Selector::only(Name::new(from)),
            to: Selector::Any,
            what: Selector::Any,
            chance,
            action: Action::Drop,
            span: None,
        };
        Plan::Fuzz(Arc::new(Chaos { rules: scopes.iter().map(rule).collect(), ..Chaos::default() }))
    }

    /// The table's rules for the messages from `ann` under these plans, one after the other.
    fn after_each(plans: &[Plan]) -> Vec<(Vec<u16>, bool)> {
        let links = Links::uniform(SimSpan::ZERO..=SimSpan::ZERO);
        let [ann, bob, hello, id] = ["ann", "bob", "hello", "task-1"].map(Name::new);
        let mut table = Box::<Table>::default();
        let ask = |plan: &Plan| {
            table = std::mem::take(&mut table).of(plan, &links);
            let (site, place) = table.place_of(Hook::Message, ann, bob, hello, id);
            assert_eq!(table.pass(place, false).nth, 1);
            table.forget_visits();
            (table.site(site).rules.clone(), table.site(site).is_pinned)
        };
        plans.iter().map(ask).collect()
    }

    #[test]
    fn draws_are_counted_apart_from_places_of_the_same_name() {
        let mut table = Box::<Table>::default();
        let [site, id] = ["ann, chat", "task-1"].map(Name::new);
        let nth = |table: &mut Table, place| table.pass(place, false).nth;
        let [place, draw] = [table.place(site, id), table.place_of_draw(site, id)];
        assert_eq!([place, draw, draw, place].map(|id| nth(&mut table, id)), [1, 1, 2, 2]);
        table.forget_visits();
        assert_eq!([draw, place].map(|id| nth(&mut table, id)), [1, 1]);
    }

    #[test]
    fn a_used_table_says_of_every_plan_what_a_new_one_would() {
        let at = "ann > bob, hello, task-1, try 1".parse().unwrap();
        let (often, never) = (Chance::ALWAYS, Chance::NEVER);
        let plans = [
            chaos(&["ann", "bob"], often),
            Plan::Explicit([Fault { at, action: Action::Drop }].into()),
            chaos(&["ann", "bob"], never),
            chaos(&["bob", "ann"], often),
            Plan::fault_free(),
            chaos(&["bob"], often),
            chaos(&["bob", "ann"], often),
        ];
        let used = after_each(&plans);
        assert!(used.iter().any(|(_, is_pinned)| *is_pinned));
        for (plan, (rules, is_pinned)) in plans.iter().zip(used) {
            let (anew, pinned_anew) = after_each(std::slice::from_ref(plan)).remove(0);
            assert_eq!(is_pinned, pinned_anew);
            // A plan without rules never looks up a site's rules.
            if matches!(plan, Plan::Fuzz(_)) {
                assert_eq!(rules, anew);
            }
        }
    }

    #[test]
    fn what_came_up_before_the_mark_is_counted_apart() {
        let mut table = Table::default();
        let [early, late] = ["early", "late"].map(|id| table.place(Name::new("site"), Name::new(id)));
        for (place, is_early) in [(early, true), (early, false), (late, false)] {
            table.pass(place, is_early);
        }
        let counts = |visited: Vec<Address>| visited.iter().map(|at| at.nth).collect::<Vec<_>>();
        assert_eq!(counts(table.visited()), [2, 1]);
        assert_eq!(counts(table.visited_early()), [1]);
        table.forget_visits();
        assert!(table.visited().is_empty() && table.visited_early().is_empty());
    }
}
