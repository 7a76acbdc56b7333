//! The oracle answers for the plan: what happens at this place, and what is drawn there.
//!
//! It counts how often each id comes by each site (the nth of an address), remembers which rules concern
//! which site, and keeps the list of the faults that struck.

use crate::plan::{Action, Address, Chaos, Disturbance, Fault, Hook, Plan, Selector};
use crate::{Draws, Links, Name, Seed, SimSpan, SimTime, Spot};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::ops::RangeInclusive;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, FxBuildHasher>;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SiteId(u32);

struct Site {
    name: Name,
    hook: Hook,
    /// Which of the chaos rules concern it.
    rules: Vec<u16>,
    /// Whether some pinned fault names it.
    pinned: bool,
    /// How long messages take there.
    latency: RangeInclusive<SimSpan>,
}

/// The answer to one question.
pub(crate) struct Answer {
    pub address: Address,
    pub action: Option<Action>,
}

pub(crate) struct Oracle {
    draws: Draws,
    chaos: Option<Arc<Chaos>>,
    pinned: Map<Address, (usize, Action)>,
    sites: Vec<Site>,
    by_key: Map<(Hook, Name, Name, Name), SiteId>,
    counts: Map<(Name, Name), u32>,
    met: Vec<bool>,
    pub fired: Vec<Fault>,
}

impl Oracle {
    pub fn new(seed: Seed, plan: &Plan) -> Self {
        let pinned = plan.pinned();
        let chaos = match plan {
            Plan::Fuzz(chaos) => Some(Arc::clone(chaos)),
            Plan::Explicit(_) => None,
        };
        Self {
            draws: Draws::new(seed),
            chaos,
            met: vec![false; pinned.len()],
            pinned: pinned
                .iter()
                .enumerate()
                .map(|(index, fault)| (fault.at, (index, fault.action)))
                .collect(),
            sites: Vec::new(),
            by_key: Map::default(),
            counts: Map::default(),
            fired: Vec::new(),
        }
    }

    /// Whether any fault could strike at a hook; where none can, nobody needs to ask.
    pub fn is_silent(&self, hook: Hook) -> bool {
        self.pinned.is_empty()
            && self.chaos.as_ref().is_none_or(|chaos| chaos.rules.iter().all(|rule| rule.hook != hook))
    }

    /// The site of a question, made on first use.
    pub fn site(&mut self, hook: Hook, from: Name, to: Name, what: Name, links: &Links) -> SiteId {
        let key = (hook, from, to, what);
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let name = Name::new(&match hook {
            Hook::Message => format!("{from} > {to}, {what}"),
            Hook::Before => format!("{from}, before {what}"),
            Hook::After => format!("{from}, after {what}"),
            Hook::Service => format!("{from}, {what}"),
        });
        let rules = self.chaos.as_ref().map_or_else(Vec::new, |chaos| {
            let concerns = |rule: &crate::Rule| {
                rule.hook == hook && rule.from.covers(from) && rule.to.covers(to) && rule.what.covers(what)
            };
            (0..).zip(&chaos.rules).filter(|(_, rule)| concerns(rule)).map(|(index, _)| index).collect()
        });
        let pinned = self.pinned.keys().any(|address| address.site == name);
        let id = SiteId(self.sites.len() as u32);
        self.sites.push(Site { name, hook, rules, pinned, latency: links.latency(from, to).clone() });
        self.by_key.insert(key, id);
        id
    }

    /// Counts one more passage of `id` by `site`.
    pub fn count(&mut self, site: Name, id: Name) -> u32 {
        let count = self.counts.entry((site, id)).or_insert(0);
        *count += 1;
        *count
    }

    /// The place where (site, id, nth) is decided.
    pub fn spot(&self, site: Name, id: Name, nth: u32) -> Spot<'_> {
        self.draws.spot(site, id, nth)
    }

    pub fn latency(&self, site: SiteId) -> &RangeInclusive<SimSpan> {
        &self.sites[site.0 as usize].latency
    }

    /// Asks the plan what happens as `id` comes by `site`, and counts the passage.
    pub fn ask(&mut self, site: SiteId, id: Name, now: SimTime) -> Answer {
        let name = self.sites[site.0 as usize].name;
        let address = Address { site: name, id, nth: self.count(name, id) };
        let action = self.pinned_action(site, address).or_else(|| self.drawn_action(site, address, now));
        Answer { address, action }
    }

    fn pinned_action(&mut self, site: SiteId, address: Address) -> Option<Action> {
        if !self.sites[site.0 as usize].pinned {
            return None;
        }
        let (index, action) = *self.pinned.get(&address)?;
        if !action.fits(self.sites[site.0 as usize].hook) {
            return None;
        }
        self.met[index] = true;
        Some(action)
    }

    fn drawn_action(&self, site: SiteId, address: Address, now: SimTime) -> Option<Action> {
        let site = &self.sites[site.0 as usize];
        if site.rules.is_empty() {
            return None;
        }
        let chaos = self.chaos.as_ref().filter(|chaos| now < chaos.until)?;
        let spot = self.draws.spot(address.site, address.id, address.nth);
        let rule = site
            .rules
            .iter()
            .map(|index| &chaos.rules[usize::from(*index)])
            .find(|rule| spot.happens(rule.kind, rule.chance))?;
        let mut action = rule.action;
        if let Some(range) = &rule.span {
            // The rule's kind is the purpose of its chance; the span wants one of its own.
            action = action.with_span(spot.span("span of the fault", range));
        }
        Some(action)
    }

    /// The nth opening of a window of trouble: when, and what happens then. `None` when chaos is over.
    pub fn opening(&self, window: usize, nth: u32, after: SimTime) -> Option<Fault> {
        let chaos = self.chaos.as_ref()?;
        let window = &chaos.windows[window];
        let id = Name::new("window");
        let spot = self.draws.spot(window.site, id, nth);
        let at = after + spot.span("every", &window.every);
        if at >= chaos.until {
            return None;
        }
        let lasting = spot.span("lasting", &window.lasting).min(chaos.until.since(at));
        let one_of = |names: &[Name]| names[spot.below("who", names.len() as u64) as usize];
        let action = match &window.disturbance {
            Disturbance::Cut { left, right, one_way } => {
                Action::Cut { left: joined(left), right: joined(right), one_way: *one_way, at, lasting }
            }
            Disturbance::Pause(among) => Action::PauseAt { node: one_of(among), at, lasting },
            Disturbance::Crash(among) => {
                Action::CrashAt { node: one_of(among), at, back_after: Some(lasting) }
            }
        };
        Some(Fault { at: Address { site: window.site, id, nth }, action })
    }

    /// How many windows of trouble there are.
    pub fn windows(&self) -> usize {
        self.chaos.as_ref().map_or(0, |chaos| chaos.windows.len())
    }

    /// A pinned fault that is set by the clock has come up.
    pub fn meet(&mut self, fault: &Fault) {
        if let Some((index, _)) = self.pinned.get(&fault.at) {
            self.met[*index] = true;
        }
    }

    pub fn into_record(self) -> (Vec<Fault>, Vec<bool>, Vec<Address>) {
        let mut visited: Vec<Address> =
            self.counts.into_iter().map(|((site, id), nth)| Address { site, id, nth }).collect();
        visited.sort_unstable();
        (self.fired, self.met, visited)
    }
}

/// The name of a group: its members joined by `+`.
fn joined(names: &[Name]) -> Name {
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    Name::new(&names.join("+"))
}

impl Selector {
    /// A selector of one name.
    pub fn only(name: Name) -> Self {
        Self::Of(vec![name])
    }
}
