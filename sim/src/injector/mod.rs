//! The fault injector: decides what happens at each place according to the plan, and draws values there.
//!
//! It counts how often each id passes each site (the nth of an address) and keeps the list of the injected
//! faults. Its [`Table`] says which sites and places exist and what the plan may do at them.

mod aftershocks;
mod draws;
mod steps;
mod table;
mod timed;

use crate::plan::{Action, Address, Fault, Hook, Rule, Selector, TimedEffect};
use crate::{DrawPurpose, DrawSite, Name, SimSpan, SimTime, WorldConfig};
use aftershocks::Shocks;
use draws::WorldDraws;
pub(crate) use steps::NodeClass;
pub(crate) use table::Table;
use table::{Site, SiteId};

/// How long a message or a sync takes.
pub(crate) const LATENCY: DrawPurpose = DrawPurpose::new("latency");
/// The order of events at the same time.
pub(crate) const TIE: DrawPurpose = DrawPurpose::new("tie");
// The rule's kind is the purpose of its chance; the span needs a separate purpose.
const SPAN: DrawPurpose = DrawPurpose::new("span of the fault");

/// The answer to the question what becomes of a message.
pub(crate) struct MessageFate {
    pub address: Address,
    /// What the plan has for it. The first that makes a difference is what happens.
    pub actions: Vec<Action>,
    pub latency: SimSpan,
    pub tie: u64,
}

/// The record of a run that is over.
pub(crate) struct Record {
    /// The injected faults.
    pub injected: Vec<Fault>,
    /// Which of the pinned faults were reached.
    pub reached: Vec<bool>,
    /// Every address that was reached.
    pub visited: Vec<Address>,
    /// Every address that was reached before the mark, if there was one.
    pub visited_early: Vec<Address>,
    /// The same, one by one.
    pub passes: Vec<Pass>,
}

/// An occurrence at a place before the time set by [`World::mark`](crate::World::mark).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pass {
    /// Where.
    pub at: Address,
    /// When.
    pub time: SimTime,
    /// How many events the history had by then. If the place is a message's, the last of them is its sending.
    pub events: u32,
}

pub(crate) struct FaultInjector {
    draws: WorldDraws,
    /// Boxed, and reused from run to run: a world is allocated for each run, so it should be small.
    table: Box<Table>,
    reached: Vec<bool>,
    /// Occurrences before this time are counted separately.
    mark: Option<SimTime>,
    /// How many events the history has; kept while occurrences are counted separately.
    pub events: u32,
    passes: Vec<Pass>,
    pub injected: Vec<Fault>,
    shocks: Shocks,
}

impl FaultInjector {
    /// The injector of one run; `table` is that of an earlier run with any plan, or empty.
    pub fn new(config: &WorldConfig, table: Box<Table>) -> Self {
        let table = table.of(&config.plan, &config.links);
        let reached = vec![false; config.plan.pinned().len()];
        let draws = WorldDraws::new(config.seed, config.previous_names.clone());
        let (events, passes, injected, shocks) = (0, Vec::new(), Vec::new(), Shocks::default());
        Self { draws, reached, table, mark: None, events, passes, injected, shocks }
    }

    /// Counts the occurrences before this time separately from now on.
    pub fn mark(&mut self, at: SimTime) {
        self.mark = Some(at);
    }

    /// Also counts the places that these rules concern.
    pub fn notice(&mut self, rules: &[Rule]) {
        self.table.notice(rules);
    }

    /// Whether no fault can be injected at a hook, so that the question can be skipped.
    pub fn is_silent(&self, hook: Hook) -> bool {
        self.table.is_silent(hook)
    }

    /// The class of nodes to which this node belongs, as far as the plan concerns their steps.
    pub fn class_of(&self, node: Name) -> NodeClass {
        self.table.steps().class_of(node)
    }

    /// Whether the plan concerns a step of such a node.
    pub fn concerns(&self, class: NodeClass, hook: Hook, step: Name) -> bool {
        self.table.steps().concerns(class, hook, step)
    }

    /// Whether the plan can concern an act of such a node, whatever its subject.
    pub fn concerns_acts(&self, class: NodeClass, hook: Hook) -> bool {
        self.table.steps().concerns_acts(class, hook)
    }

    /// Counts one more draw about `id` at `site`.
    pub fn count_draw(&mut self, site: Name, id: Name) -> u32 {
        let place = self.table.place_of_draw(site, id);
        self.table.pass(place, false).nth
    }

    /// The draw site (site, id, nth).
    pub fn draw_site(&self, site: Name, id: Name, nth: u32) -> DrawSite<'_> {
        self.draws.draw_site(site, id, nth)
    }

    /// Asks the plan what happens as `about` comes by a place other than a message's, and counts the
    /// occurrence.
    pub fn ask(&mut self, hook: Hook, node: Name, what: Name, about: Name, now: SimTime) -> Option<Fault> {
        let (site, at) = self.pass_by(hook, (node, node), what, about, now);
        let (reached, actions) = self.actions(self.table.site(site), at, self.draw_site_of(at), now);
        self.note_reached(reached);
        actions.first().map(|action| Fault { at, action: *action })
    }

    /// The same where it depends on more than the plan whether a fault makes a difference: all that the plan
    /// has for the place, in the order in which they would happen.
    pub fn ask_all(&mut self, hook: Hook, node: Name, what: Name, about: Name, now: SimTime) -> Vec<Fault> {
        let (site, at) = self.pass_by(hook, (node, node), what, about, now);
        let (reached, actions) = self.actions(self.table.site(site), at, self.draw_site_of(at), now);
        self.note_reached(reached);
        actions.into_iter().map(|action| Fault { at, action }).collect()
    }

    /// Asks the plan for the fate of a message, and counts it.
    pub fn pass(&mut self, from: Name, to: Name, kind: Name, about: Name, now: SimTime) -> MessageFate {
        let (site, address) = self.pass_by(Hook::Message, (from, to), kind, about, now);
        let site = self.table.site(site);
        let draw = self.draw_site_of(address);
        let (reached, actions) = self.actions(site, address, draw, now);
        let (latency, tie) = (draw.span(LATENCY, &site.latency), draw.bits(TIE));
        self.note_reached(reached);
        MessageFate { address, actions, latency, tie }
    }

    /// Counts an occurrence, and says at which site it is and which address it has.
    fn pass_by(
        &mut self,
        hook: Hook,
        (from, to): (Name, Name),
        what: Name,
        about: Name,
        now: SimTime,
    ) -> (SiteId, Address) {
        let (site, place) = self.table.place_of(hook, from, to, what, about);
        let is_early = self.mark.is_some_and(|mark| now < mark);
        let at = self.table.pass(place, is_early);
        if is_early {
            self.passes.push(Pass { at, time: now, events: self.events });
        }
        (site, at)
    }

    /// The place where what happens at an address is decided.
    pub fn draw_site_of(&self, at: Address) -> DrawSite<'_> {
        self.draws.draw_site(at.site, at.id, at.nth)
    }

    /// What the plan does at an address, in the order in which it would happen, and which of its pinned
    /// faults that is, if it is one.
    fn actions(
        &self,
        site: &Site,
        at: Address,
        draw: DrawSite<'_>,
        now: SimTime,
    ) -> (Option<usize>, Vec<Action>) {
        if site.is_pinned
            && let Some((index, action)) = self.table.pinned(at)
            && action.fits(site.hook())
        {
            return (Some(index), vec![action]);
        }
        let mut actions = Vec::new();
        if !site.rules.is_empty()
            && let Some(chaos) = self.table.chaos()
            && now < chaos.until
        {
            let factor =
                chaos.aftershocks.map_or(1, |after| self.shocks.factor(after, site.ends(), at.id, now));
            for index in &site.rules {
                let rule = &chaos.rules[usize::from(*index)];
                if draw.happens(rule.kind, aftershocks::raised(rule.chance, factor)) {
                    let span = rule.span.as_ref().map(|range| draw.span(SPAN, range));
                    actions.push(span.map_or(rule.action, |span| rule.action.with_span(span)));
                }
            }
        }
        (None, actions)
    }

    /// Records that a fault is injected at a node.
    pub fn inject(&mut self, node: Name, fault: Fault, now: SimTime) {
        self.injected.push(fault);
        if self.table.chaos().is_some_and(|chaos| chaos.aftershocks.is_some()) {
            self.shocks.add(node, &fault, now);
        }
    }

    fn note_reached(&mut self, reached: Option<usize>) {
        if let Some(index) = reached {
            self.reached[index] = true;
        }
    }

    /// The nth fault of a timed fault schedule: its time and action. `None` when fault injection is over.
    pub fn timed_fault(&self, window: usize, nth: u32, after: SimTime) -> Option<Fault> {
        let chaos = self.table.chaos()?;
        let window = &chaos.windows[window];
        let id = Name::literal("window");
        let draw = self.draws.draw_site(window.site, id, nth);
        let at = after + draw.span("every", &window.every);
        if at >= chaos.until {
            return None;
        }
        let lasting = draw.span("lasting", &window.lasting).min(chaos.until.since(at));
        let action = timed::action(window, nth, at, lasting, draw)?;
        Some(Fault { at: Address { site: window.site, id, nth }, action })
    }

    /// The action of a schedule that targets the marked node, now that there is one.
    pub fn aimed(&self, window: usize, fault: Fault, marked: Name) -> Fault {
        let window = self.table.chaos().map(|chaos| &chaos.windows[window].disturbance);
        match (window, fault.action) {
            (
                Some(TimedEffect::PartitionLeader { right, .. }),
                Action::Partition { one_way, at, lasting, .. },
            ) => {
                let right = timed::without(right, marked);
                Fault { action: Action::Partition { left: marked, right, one_way, at, lasting }, ..fault }
            }
            _ => fault,
        }
    }

    /// The number of timed fault schedules.
    pub fn windows(&self) -> usize {
        self.table.chaos().map_or(0, |chaos| chaos.windows.len())
    }

    /// A pinned timed fault was reached.
    pub fn meet(&mut self, fault: &Fault) {
        let pinned = self.table.pinned(fault.at);
        self.note_reached(pinned.map(|(index, _)| index));
    }

    /// The record of a run. All counts are back at zero.
    pub fn take_record(&mut self) -> Record {
        let visited_early = self.mark.map_or_else(Vec::new, |_| self.table.visited_early());
        let record = Record {
            injected: std::mem::take(&mut self.injected),
            reached: std::mem::take(&mut self.reached),
            visited: self.table.visited(),
            visited_early,
            passes: std::mem::take(&mut self.passes),
        };
        self.table.forget_visits();
        record
    }

    /// The table, for the next run.
    pub fn into_table(mut self) -> Box<Table> {
        self.table.forget_visits();
        self.table
    }
}

impl Selector {
    /// A selector of one name.
    pub fn only(name: Name) -> Self {
        Self::Of(vec![name])
    }
}
