//! A property: a name, a line about it, and a function that judges a history.

use super::{TeamHistory, Verdict, Violation};
use crate::agent::{TeamEvent, UserEvent, kinds};
use perfidy_sim::{EventKinds, SimSpan};
use std::fmt;
use std::sync::Arc;

/// Judges a history.
type Judge = Arc<dyn Fn(&TeamHistory) -> Verdict + Send + Sync>;

/// A property, and the function that judges it.
///
/// ```
/// use perfidy::properties::{Property, TeamHistory, Verdict};
///
/// let most_events = 10_000;
/// let property = Property::new("short-runs", "a run has few events", move |history: &TeamHistory| {
///     history.len() <= most_events
/// });
/// assert_eq!(property.judge(&TeamHistory::default()), Verdict::Holds);
/// ```
#[derive(Clone)]
pub struct Property {
    /// Its name in files and reports.
    pub name: &'static str,
    /// The property, in one line.
    pub about: &'static str,
    /// Its bound, if it limits an amount.
    pub bound: Option<Bound>,
    /// The kinds of events without which the verdict is vacuous.
    pub(super) needs: EventKinds,
    pub(super) judge: Judge,
}

/// The bound of a property. The user asks for it with a [`UserEvent::Bound`], where the property finds it.
///
/// ```
/// use perfidy::properties::{AtMost, Bound};
///
/// let turns = Bound::by_steps("turns", AtMost::Count(60));
/// assert_eq!(turns.usual_for(Bound::STEPS), AtMost::Count(60));
/// assert_eq!(turns.usual_for(28), AtMost::Count(336));
/// assert_eq!(Bound::of("tokens", AtMost::Count(60)).usual_for(28), AtMost::Count(60));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// The key of the bound in a file, such as `max-age`.
    pub key: &'static str,
    /// The default bound, for a task of up to [`Bound::STEPS`] steps.
    pub usual: AtMost,
    /// Whether the default is greater for a longer task, in proportion.
    pub grows_with_steps: bool,
}

impl Bound {
    /// The number of steps of a task up to which the default bound is the same.
    pub const STEPS: usize = 5;

    /// A bound with a default that is the same for every task.
    pub const fn of(key: &'static str, usual: AtMost) -> Self {
        Self { key, usual, grows_with_steps: false }
    }

    /// A bound on what each step of a task adds to: a task of more than [`Bound::STEPS`] steps gets more by
    /// default, in proportion.
    pub const fn by_steps(key: &'static str, usual: AtMost) -> Self {
        Self { key, usual, grows_with_steps: true }
    }

    /// The default for a task of so many steps.
    pub fn usual_for(&self, steps: usize) -> AtMost {
        let steps = if self.grows_with_steps { steps.max(Self::STEPS) } else { Self::STEPS } as u64;
        let scaled = |usual: u64| usual.saturating_mul(steps).div_ceil(Self::STEPS as u64);
        match self.usual {
            AtMost::Span(span) => AtMost::Span(SimSpan::from_nanos(scaled(span.as_nanos()))),
            AtMost::Count(count) => AtMost::Count(scaled(count)),
        }
    }
}

/// An amount that may not be exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtMost {
    /// A duration.
    Span(SimSpan),
    /// A number.
    Count(u64),
}

impl AtMost {
    /// As a [`UserEvent::Bound`] gives it: nanoseconds, or the number.
    pub fn as_number(self) -> u64 {
        match self {
            Self::Span(span) => span.as_nanos(),
            Self::Count(count) => count,
        }
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Property").field(&self.name).finish()
    }
}

impl Property {
    /// A property by that name, judged by `judge`. The result of `judge` is converted to a [`Verdict`]: a
    /// `bool` is enough where the whole history is the evidence.
    pub fn new<V: Into<Verdict>>(
        name: &'static str,
        about: &'static str,
        judge: impl Fn(&TeamHistory) -> V + Send + Sync + 'static,
    ) -> Self {
        let judge = move |history: &TeamHistory| match judge(history).into() {
            Verdict::Violated(violation) if violation.message.is_empty() => {
                Verdict::Violated(Violation { message: format!("not kept: {about}"), ..violation })
            }
            verdict => verdict,
        };
        Self { name, about, bound: None, needs: EventKinds::NONE, judge: Arc::new(judge) }
    }

    /// A property with a bound: `judge` gets the bound that the user asks for, in nanoseconds for a span and
    /// otherwise as a number. If the user asks for none, the verdict is vacuous.
    pub fn bounded(
        name: &'static str,
        about: &'static str,
        bound: Bound,
        judge: impl Fn(&TeamHistory, u64) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        let judge = move |history: &TeamHistory| {
            let asked_for = history.app_events_of(kinds::BOUND).find_map(|(_, note)| match note {
                TeamEvent::User(UserEvent::Bound { property, at_most }) if property.as_str() == name => {
                    Some(*at_most)
                }
                _ => None,
            });
            asked_for.map_or(Verdict::Vacuous, |at_most| judge(history, at_most))
        };
        Self { name, about, bound: Some(bound), needs: kinds::BOUND, judge: Arc::new(judge) }
    }

    /// The same, for histories that have all these kinds of events. On any other it is not run, and the
    /// verdict is vacuous. A judge that reads only the events of its kinds
    /// ([`events_of`](perfidy_sim::History::events_of) and the like) costs nothing where there are none.
    ///
    /// ```
    /// use perfidy::agent::{Purpose, kinds};
    /// use perfidy::properties::{Property, TeamHistory, Verdict};
    ///
    /// let approved = Property::new("approved", "what happens was approved", |_: &TeamHistory| false)
    ///     .needs(kinds::EFFECT.and(kinds::purpose(Purpose::Approval)));
    /// assert_eq!(approved.judge(&TeamHistory::default()), Verdict::Vacuous);
    /// ```
    #[must_use]
    pub fn needs(self, kinds: EventKinds) -> Self {
        Self { needs: self.needs.and(kinds), ..self }
    }

    /// The kinds of events that a history must have; on any other the verdict is vacuous.
    pub fn needed(&self) -> EventKinds {
        self.needs
    }

    /// Judges a history.
    pub fn judge(&self, history: &TeamHistory) -> Verdict {
        if history.kinds().contains(self.needs) { (self.judge)(history) } else { Verdict::Vacuous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::testing::Story;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_property_is_run_only_on_a_history_with_the_events_that_it_needs() {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let judge = move |history: &TeamHistory| {
            counted.fetch_add(1, Ordering::Relaxed);
            history.app_events_of(kinds::EFFECT).count() == 1
        };
        let own = Property::new("one-effect", "a task has one effect", judge).needs(kinds::EFFECT);
        let given = Story::default().given("task-1");
        assert_eq!(given.clone().judged_by(&own), Verdict::Vacuous);
        assert_eq!(runs.load(Ordering::Relaxed), 0);
        assert_eq!(given.effect("task-1/file", 1).judged_by(&own), Verdict::Holds);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_judge_that_gives_no_message_has_the_line_about_the_property() {
        let never = |message: &'static str| {
            Property::new("never", "it never holds", move |_: &TeamHistory| {
                Verdict::violated(&[], message.to_owned())
            })
        };
        let message_of = |property: &Property| match property.judge(&TeamHistory::default()) {
            Verdict::Violated(violation) => violation.message,
            verdict => panic!("{verdict:?}"),
        };
        assert_eq!(message_of(&never("")), "not kept: it never holds");
        assert_eq!(message_of(&never("it does not")), "it does not");
    }

    #[test]
    fn what_a_property_needs_is_what_it_says() {
        let needs = kinds::EFFECT.and(kinds::INFORMED);
        let own = Property::new("own", "it holds", |_: &TeamHistory| true);
        assert_eq!(own.needed(), EventKinds::NONE);
        assert_eq!(own.needs(kinds::EFFECT).needs(kinds::INFORMED).needed(), needs);
    }
}
