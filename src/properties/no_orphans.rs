//! Nobody works or waits for long for somebody who is gone, or for what is no longer to be done.
//!
//! Work is orphaned when whoever handed it out dies, or anybody above them; when it is handed to somebody else; when
//! the task it belongs to has ended or was called off. The bound says how much longer an agent may go on thinking and
//! calling for it; time in which the agent itself was dead or stopped does not count, since it could not know. Taking
//! back what was done is not going on with it. What an agent still waits for when the run is over counts as work at
//! that time.

use super::ledger::Ledger;
use crate::agent::{Claim, Note};
use crate::properties::{AtMost, Bound, Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name, SimSpan, SimTime, Stop, What};
use std::collections::BTreeMap;

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "no-orphans",
    promise: "nobody works or waits for long for a parent that is gone, or for a task that has ended",
    bound: Some(Bound { key: "within", usual: AtMost::Span(SimSpan::from_secs(30)) }),
    judge,
};

type At<'a> = &'a Event<Note>;

/// Who has what from whom, and what has become of them.
#[derive(Default)]
struct Family<'a> {
    task_of: BTreeMap<Name, Name>,
    /// By what and whom: the order that somebody works on.
    orders: BTreeMap<(Name, Name), At<'a>>,
    /// Who has what now.
    holders: BTreeMap<Name, Name>,
    /// By what and whom: that it was handed to somebody else.
    replaced: BTreeMap<(Name, Name), At<'a>>,
    /// Tasks that have ended or were called off.
    over: BTreeMap<Name, At<'a>>,
    dead: BTreeMap<Name, At<'a>>,
    woken: BTreeMap<Name, SimTime>,
    ledger: Ledger<'a>,
}

fn judge(history: &TeamHistory) -> Verdict {
    let Some(bound) = PROPERTY.asked_for(history).map(SimSpan::from_nanos) else { return Verdict::Vacuous };
    let mut family = Family::default();
    let mut verdict = Verdict::Vacuous;
    for event in history.events() {
        if family.makes_orphans(event) {
            verdict = Verdict::Holds;
        }
        if let Some((about, does)) = family.work(event)
            && let Some((why, loss)) = family.loss(about, event.node)
            && event.at > family.could_know(event.node, loss.at) + bound
        {
            let order = family.order(about, event.node).into_iter();
            let message =
                format!("{} {does} for {about}, {} after {why}", event.node, event.at.since(loss.at));
            return Verdict::violated(&order.chain([loss, event]).collect::<Vec<_>>(), message);
        }
        family.take_in(event);
    }
    match history.ended() {
        Some(Stop::TooManyEvents | Stop::Spinning { .. } | Stop::Panicked { .. }) => {
            Verdict::Unknown { reason: "the run was cut short before the team had its time".to_owned() }
        }
        _ => verdict,
    }
}

impl<'a> Family<'a> {
    fn take_in(&mut self, event: At<'a>) {
        match &event.what {
            What::Crashed { .. } => drop(self.dead.insert(event.node, event)),
            What::Started { .. } | What::Resumed => {
                self.dead.remove(&event.node);
                self.woken.insert(event.node, event.at);
            }
            What::Note(note) => {
                self.ledger.take_in(event, note);
                self.note(event, note);
            }
            _ => {}
        }
    }

    fn note(&mut self, event: At<'a>, note: &Note) {
        match *note {
            Note::Wanted { task, intent } => drop(self.task_of.insert(intent, task)),
            Note::Claimed(Claim::Ordered { intent, to }) => {
                self.orders.insert((intent, to), event);
                self.replaced.remove(&(intent, to));
                if let Some(before) = self.holders.insert(intent, to).filter(|before| *before != to) {
                    self.replaced.insert((intent, before), event);
                }
            }
            Note::Claimed(
                Claim::CallsOff { task }
                | Claim::TaskDone { task }
                | Claim::TaskFailed { task }
                | Claim::TaskCancelled { task },
            ) => drop(self.over.entry(task).or_insert(event)),
            _ => {}
        }
    }

    /// Whether an event takes something from an agent that has it in hand and has not done it.
    fn makes_orphans(&self, event: At<'a>) -> bool {
        let is_open = |(intent, who): &(Name, Name)| {
            !self.ledger.stands(*intent) && self.holders.get(intent) == Some(who) && event.node != *who
        };
        let mut open = self.orders.iter().filter(|(order, _)| is_open(order));
        match &event.what {
            What::Crashed { .. } => open.any(|(_, order)| order.node == event.node),
            What::Note(Note::Claimed(Claim::Ordered { intent, to })) => {
                open.any(|((known, who), _)| known == intent && who != to)
            }
            What::Note(Note::Claimed(Claim::CallsOff { task })) => {
                open.any(|((intent, _), _)| intent == task || self.task_of.get(intent) == Some(task))
            }
            _ => false,
        }
    }

    /// What an event says somebody does for what, if that is going on with something.
    fn work(&self, event: At<'a>) -> Option<(Name, &'static str)> {
        match event.what {
            What::Note(Note::Thought { about, .. }) => Some((about, "thinks")),
            What::Note(Note::Called { tool, operation, intent, .. }) => {
                (!self.ledger.is_undoing(tool, operation, intent)).then_some((intent, "calls a tool"))
            }
            What::Waiting { about, .. } => Some((about, "waits")),
            _ => None,
        }
    }

    /// The order by which somebody works on something: on a step, or on the task it belongs to.
    fn order(&self, about: Name, who: Name) -> Option<At<'a>> {
        let task = self.task_of.get(&about);
        let of = |about: Name| self.orders.get(&(about, who)).copied();
        of(about).or_else(|| of(*task?))
    }

    /// Why nobody wants any more what `who` does about something, and since when, if nobody does.
    fn loss(&self, about: Name, who: Name) -> Option<(String, At<'a>)> {
        let order = self.order(about, who)?;
        let task = self.task_of.get(&about).copied().unwrap_or(about);
        let mine = if self.orders.contains_key(&(about, who)) { about } else { task };
        if let Some(over) = self.over.get(&task) {
            let why = match over.what {
                What::Note(Note::Claimed(Claim::CallsOff { .. })) => "was called off",
                _ => "had ended",
            };
            return Some((format!("{task} {why}"), over));
        }
        if let Some(handed) = self.replaced.get(&(mine, who)) {
            return Some((format!("{} was given it", self.holders[&mine]), handed));
        }
        let parent = order.node;
        if let Some(death) = self.dead.get(&parent) {
            return Some((format!("{parent} had died"), death));
        }
        if mine == task { None } else { self.loss(task, parent) }
    }

    /// Since when an agent could know what had happened: not while it was dead or stopped.
    fn could_know(&self, who: Name, what: SimTime) -> SimTime {
        self.woken.get(&who).map_or(what, |woken| what.max(*woken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    const TASK: &str = "task-1";
    const STEP: &str = "task-1/file";

    /// A task that the director has handed to manager-1, and that one to worker-1; the bound is three seconds.
    fn handed() -> Story {
        let bound = Note::Bound { property: Name::new(PROPERTY.name), at_most: 3_000_000_000 };
        let story = Story::default().note("user", bound).given(TASK);
        order(order(story, "director", TASK, "manager-1"), "manager-1", STEP, "worker-1")
    }

    fn order(story: Story, by: &str, intent: &str, to: &str) -> Story {
        story.claim(by, Claim::Ordered { intent: Name::new(intent), to: Name::new(to) })
    }

    fn dies(story: Story, who: &str) -> Story {
        story.event(who, What::Crashed { lost_writes: 0 })
    }

    fn thinks(story: Story, who: &str) -> Story {
        story.note(who, Note::Thought { about: Name::new(STEP), choice: 0, tokens_in: 1, tokens_out: 1 })
    }

    fn called_off(story: Story) -> Story {
        story.claim("director", Claim::CallsOff { task: Name::new(TASK) })
    }

    /// As many seconds in which nothing of interest happens.
    fn later(story: Story, seconds: u32) -> Story {
        (0..seconds).fold(story, |story, _| story.event("elsewhere", What::Resumed))
    }

    #[test]
    fn who_stops_in_time_is_no_orphan() {
        let story = later(thinks(dies(handed(), "manager-1"), "worker-1"), 9);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn who_goes_on_for_a_dead_parent_is_one() {
        let story = thinks(later(dies(handed(), "manager-1"), 3), "worker-1");
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [5, 6, 10]);
        assert_eq!(message, "worker-1 thinks for task-1/file, 4s after manager-1 had died");
    }

    #[test]
    fn it_makes_no_difference_how_far_above_somebody_died() {
        let story = later(dies(handed(), "director"), 3).called("worker-1", STEP);
        let (_, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(message, "worker-1 calls a tool for task-1/file, 4s after director had died");
    }

    #[test]
    fn a_parent_that_is_back_can_be_worked_for() {
        let story = later(dies(handed(), "manager-1"), 3);
        let story = story.event("manager-1", What::Started { incarnation: 1 });
        assert_eq!(thinks(story, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn who_goes_on_with_what_another_was_given_is_one() {
        let story = later(order(handed(), "director", TASK, "manager-2"), 3);
        for (who, given) in [("worker-1", "manager-2"), ("manager-1", "manager-2")] {
            let story = later(order(handed(), "director", TASK, "manager-2"), 3);
            let (_, message) = violation(thinks(story, who).judged_by(&PROPERTY));
            assert_eq!(message, format!("{who} thinks for task-1/file, 4s after {given} was given it"));
        }
        let again = order(story, "manager-2", STEP, "worker-1");
        assert_eq!(thinks(again, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn who_goes_on_with_what_was_called_off_or_has_ended_is_one() {
        let (_, message) = violation(thinks(later(called_off(handed()), 3), "worker-1").judged_by(&PROPERTY));
        assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 was called off");
        let ended = handed().claim("director", Claim::TaskDone { task: Name::new(TASK) });
        let (_, message) = violation(thinks(later(ended, 3), "worker-1").judged_by(&PROPERTY));
        assert_eq!(message, "worker-1 thinks for task-1/file, 4s after task-1 had ended");
    }

    #[test]
    fn taking_back_is_not_going_on() {
        let (intent, tool) = (Name::new(STEP), Name::new("ticketing"));
        let undone_by = Note::UndoneBy { intent, tool, operation: Name::new("create") };
        let story = later(called_off(handed().note("user", undone_by)), 3).called("worker-1", STEP);
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn an_agent_that_was_stopped_could_not_know() {
        let story = later(called_off(handed()), 3).event("worker-1", What::Resumed);
        assert_eq!(thinks(story, "worker-1").judged_by(&PROPERTY), Verdict::Holds);
        let story = later(called_off(handed()), 3).event("worker-1", What::Resumed);
        assert!(thinks(later(story, 3), "worker-1").judged_by(&PROPERTY).is_violated());
    }

    #[test]
    fn who_waits_at_the_end_for_somebody_who_is_gone_is_one() {
        let (on, why, about) = (Name::new("manager-1"), Name::new("a word"), Name::new(STEP));
        let story = later(dies(handed(), "manager-1"), 3);
        let (_, message) =
            violation(story.event("worker-1", What::Waiting { on, why, about }).judged_by(&PROPERTY));
        assert_eq!(message, "worker-1 waits for task-1/file, 4s after manager-1 had died");
    }

    #[test]
    fn where_nobody_lost_anything_there_is_nothing_to_judge() {
        assert_eq!(thinks(handed(), "worker-1").judged_by(&PROPERTY), Verdict::Vacuous);
        let done = called_off(dies(handed().effect(STEP, 1), "manager-1"));
        assert_eq!(done.judged_by(&PROPERTY), Verdict::Holds, "the manager had it in hand");
        let elsewhere = dies(handed(), "manager-2");
        assert_eq!(elsewhere.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn where_nobody_asks_for_it_nothing_is_promised() {
        let story = order(Story::default().given(TASK), "manager-1", STEP, "worker-1");
        let story = thinks(later(dies(story, "manager-1"), 9), "worker-1");
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_leaves_it_unknown() {
        let story = dies(handed(), "manager-1").event("world", What::Ended(Stop::TooManyEvents));
        assert!(matches!(story.judged_by(&PROPERTY), Verdict::Unknown { .. }));
    }
}
