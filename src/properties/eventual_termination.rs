//! Once the world behaves again, every task comes to an end and its user hears of it.
//!
//! What has not ended is named together with who waits for whom; if those waits form a cycle, it is a deadlock and
//! shown as a cycle.

use crate::agent::{Claim, Note};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, Name, Stop, What};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the list.
pub const PROPERTY: Property = Property {
    name: "eventual-termination",
    promise: "every task comes to an end and its user hears of it",
    bound: None,
    judge,
};

fn judge(history: &TeamHistory) -> Verdict {
    let mut open = BTreeMap::new();
    let mut given = false;
    for (event, note) in history.notes() {
        match note {
            Note::TaskGiven { task } => {
                given = true;
                open.insert(*task, event);
            }
            Note::Claimed(Claim::Informed { task }) => drop(open.remove(task)),
            _ => {}
        }
    }
    let stop = history.ended();
    if let Some(Stop::TooManyEvents | Stop::Spinning { .. } | Stop::Panicked { .. }) = stop {
        return Verdict::Unknown { reason: "the run was cut short before the team had its time".to_owned() };
    }
    match open.first_key_value() {
        None if given => Verdict::Holds,
        None => Verdict::Vacuous,
        Some((task, wish)) => {
            let waits = Waits::of(history, *task);
            let because: Vec<_> = [*wish].into_iter().chain(waits.events()).collect();
            let others = match open.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            Verdict::violated(&because, format!("{task}{others} never ended: {}", waits.in_words(stop)))
        }
    }
}

/// Who waits for whom at the end of a run.
struct Waits<'a> {
    all: Vec<(&'a Event<Note>, Name, Name, Name)>,
    /// Who is dead and did not come back.
    down: BTreeSet<Name>,
}

impl<'a> Waits<'a> {
    /// All waits if they go in circles, else those that `task` is stuck in, as far as anybody says so.
    fn of(history: &'a TeamHistory, task: Name) -> Self {
        let mut waits = Self { all: Vec::new(), down: BTreeSet::new() };
        for event in history.events() {
            match event.what {
                What::Waiting { on, why, about } => waits.all.push((event, on, why, about)),
                What::Crashed { .. } => drop(waits.down.insert(event.node)),
                What::Started { .. } => drop(waits.down.remove(&event.node)),
                _ => {}
            }
        }
        let is_of_task = |about: Name| about.as_str().split('/').next() == Some(task.as_str());
        if waits.cycle().is_none() && waits.all.iter().any(|(.., about)| is_of_task(*about)) {
            waits.all.retain(|(.., about)| is_of_task(*about));
        }
        waits
    }

    fn events(&self) -> impl Iterator<Item = &'a Event<Note>> {
        self.all.iter().map(|(event, ..)| *event)
    }

    fn in_words(&self, stop: Option<Stop>) -> String {
        if let Some(cycle) = self.cycle() {
            let names: Vec<_> = cycle.iter().map(|name| name.as_str()).collect();
            return format!("deadlock, {} -> {}", names.join(" -> "), names[0]);
        }
        let mut words: Vec<_> = self
            .all
            .iter()
            .map(|(event, on, why, about)| {
                let down = if self.down.contains(on) { ", which is dead" } else { "" };
                format!("{} waits for {on}{down} ({why}, {about})", event.node)
            })
            .collect();
        if words.len() > 4 {
            let more = words.len() - 4;
            words.truncate(4);
            words.push(format!("{more} more wait"));
        }
        match (words.is_empty(), stop) {
            (false, _) => words.join("; "),
            (true, Some(Stop::Quiescent)) => "nobody is doing anything, and nobody says what for".to_owned(),
            (true, _) => "time ran out".to_owned(),
        }
    }

    /// The names on a cycle of waits, if there is one.
    fn cycle(&self) -> Option<Vec<Name>> {
        let mut on: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for (event, whom, ..) in &self.all {
            on.entry(event.node).or_default().insert(*whom);
        }
        on.keys().find_map(|start| Self::path_back(&on, *start, &mut vec![*start]))
    }

    fn path_back(
        on: &BTreeMap<Name, BTreeSet<Name>>,
        start: Name,
        path: &mut Vec<Name>,
    ) -> Option<Vec<Name>> {
        let here = *path.last()?;
        for next in on.get(&here)? {
            if *next == start {
                return Some(path.clone());
            }
            if !path.contains(next) {
                path.push(*next);
                if let Some(cycle) = Self::path_back(on, start, path) {
                    return Some(cycle);
                }
                path.pop();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::{Story, violation};

    fn informed(story: Story) -> Story {
        story.claim("user", Claim::Informed { task: Name::new("task-1") })
    }

    fn waits(story: Story, node: &str, on: &str) -> Story {
        let (on, why, about) = (Name::new(on), Name::new("a review"), Name::new("task-1"));
        story.event(node, What::Waiting { on, why, about })
    }

    #[test]
    fn a_task_whose_end_was_heard_of_has_ended() {
        let story = informed(Story::default().given("task-1")).event("world", What::Ended(Stop::Finished));
        assert_eq!(story.judged_by(&PROPERTY), Verdict::Holds);
    }

    #[test]
    fn a_task_that_nobody_reports_on_has_not_and_the_blocker_is_named() {
        let story = waits(Story::default().given("task-1"), "user", "coordinator")
            .event("world", What::Ended(Stop::Deadline));
        let (events, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(events, [1, 3]);
        assert_eq!(message, "task-1 never ended: user waits for coordinator (a review, task-1)");
    }

    #[test]
    fn a_cycle_of_waits_is_shown_as_a_deadlock() {
        let mut story = Story::default().given("task-1");
        for (node, on) in
            [("user", "planner"), ("planner", "coder"), ("coder", "tester"), ("tester", "planner")]
        {
            story = waits(story, node, on);
        }
        let story = story.event("world", What::Ended(Stop::Quiescent));
        let (_, message) = violation(story.judged_by(&PROPERTY));
        assert_eq!(message, "task-1 never ended: deadlock, coder -> tester -> planner -> coder");
    }

    #[test]
    fn without_tasks_there_is_nothing_to_judge() {
        assert_eq!(Story::default().effect("task-1/file", 1).judged_by(&PROPERTY), Verdict::Vacuous);
    }

    #[test]
    fn a_run_that_was_cut_short_leaves_it_unknown() {
        let story = Story::default().given("task-1").event("world", What::Ended(Stop::TooManyEvents));
        assert!(matches!(story.judged_by(&PROPERTY), Verdict::Unknown { .. }));
    }
}
