//! The verdict of a property on a history.

use super::{TeamHistory, headway};
use crate::agent::TeamEvent;
use perfidy_sim::{Event, EventId, RunEnd, SimTime};

/// The verdict of a property on a history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The property holds.
    Holds,
    /// It is violated.
    Violated(Violation),
    /// There was nothing to judge.
    Vacuous,
    /// It could not be judged.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Whether and why a run was stopped before the team had its time: missing work may then only be late.
pub(super) fn cut_short(history: &TeamHistory) -> Option<Verdict> {
    let reason = match history.ended()? {
        RunEnd::TooManyEvents => {
            let events = history.len() - 1;
            format!("the run was cut short after {events} events; raise `events` in [limits]")
        }
        RunEnd::Spinning { node } => format!("the run was cut short because {node} did not stop"),
        RunEnd::Panicked { node } => format!("the run was cut short because {node} panicked"),
        RunEnd::Deadline if headway::was_made_to_the_end(history) => {
            "the time of the run was over while work was still getting done; raise `within` in [settle]"
                .to_owned()
        }
        RunEnd::Finished | RunEnd::Quiescent | RunEnd::Deadline => return None,
    };
    Some(Verdict::Unknown { reason })
}

/// How a property was violated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// When the violation became final.
    pub at: SimTime,
    /// The events that show it, in order.
    pub because: Vec<EventId>,
    /// In words.
    pub message: String,
}

impl Verdict {
    pub(crate) fn violated(because: &[&Event<TeamEvent>], message: String) -> Self {
        let mut events: Vec<_> = because.iter().map(|event| event.id).collect();
        events.sort_unstable();
        events.dedup();
        let at = because.iter().map(|event| event.at).max().unwrap_or_default();
        Self::Violated(Violation { at, because: events, message })
    }

    /// Whether the property is violated.
    pub fn is_violated(&self) -> bool {
        matches!(self, Self::Violated(_))
    }

    /// `holds`, `violated`, `vacuous` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated(_) => "violated",
            Self::Vacuous => "vacuous",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// Holds or violated, with the whole history as the evidence.
impl From<bool> for Verdict {
    fn from(is_kept: bool) -> Self {
        if is_kept { Self::Holds } else { Self::violated(&[], String::new()) }
    }
}

impl From<Violation> for Verdict {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

/// `None` means that the property holds.
impl From<Option<Violation>> for Verdict {
    fn from(violation: Option<Violation>) -> Self {
        violation.map_or(Self::Holds, Self::Violated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::Story;

    fn reason(story: Story) -> Option<String> {
        match cut_short(&story.history())? {
            Verdict::Unknown { reason } => Some(reason),
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_run_that_ends_by_itself_is_not_cut_short() {
        for stop in [RunEnd::Finished, RunEnd::Quiescent, RunEnd::Deadline] {
            assert_eq!(reason(Story::default().given("task-1").pass(99).ended(stop)), None, "{stop:?}");
        }
    }

    #[test]
    fn a_run_whose_time_is_over_while_work_gets_done_is_cut_short() {
        let busy = || Story::default().given("task-1").pass(99).effect("task-1/file", 1);
        let reason_of = |stop| reason(busy().ended(stop));
        assert!(reason_of(RunEnd::Deadline).unwrap().contains("raise `within` in [settle]"));
        assert_eq!(reason_of(RunEnd::Finished), None);
    }

    #[test]
    fn a_run_with_too_many_events_says_how_many_there_were() {
        let stopped = Story::default().given("task-1").pass(7).ended(RunEnd::TooManyEvents);
        let why = "the run was cut short after 9 events; raise `events` in [limits]";
        assert_eq!(reason(stopped).as_deref(), Some(why));
    }
}
