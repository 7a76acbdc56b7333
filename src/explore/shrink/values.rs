//! Simpler numbers: spans short and round, moments round, groups small.
//!
//! A drawn value is as odd as `32s 911ms 804us`. Readers assume that every digit matters, so digits that do
//! not should go. The minimum is not good either: a reply that is late by exactly the timeout is in time once
//! the timeout becomes a little longer, and the failure is gone. So a span becomes the shortest round one
//! that still fails, and then twice that if it fails too.

use super::Shrinking;
use perfidy_sim::{Action, Name, SimSpan, SimTime};
use std::ops::RangeInclusive;

/// Round spans, the shortest first.
const ROUND: [SimSpan; 12] = [
    SimSpan::from_millis(1),
    SimSpan::from_millis(10),
    SimSpan::from_millis(100),
    SimSpan::from_secs(1),
    SimSpan::from_secs(2),
    SimSpan::from_secs(5),
    SimSpan::from_secs(10),
    SimSpan::from_secs(20),
    SimSpan::from_secs(30),
    SimSpan::from_secs(60),
    SimSpan::from_secs(5 * 60),
    SimSpan::from_secs(10 * 60),
];

/// What moments are rounded to, the coarsest first.
const STEPS: [SimSpan; 5] = [
    SimSpan::from_secs(60),
    SimSpan::from_secs(10),
    SimSpan::from_secs(1),
    SimSpan::from_millis(100),
    SimSpan::from_millis(1),
];

/// Puts simpler numbers into the faults; whether any was.
pub(super) fn simpler(shrinking: &mut Shrinking<'_>) -> bool {
    let mut is_simpler = false;
    for place in 0..shrinking.best.faults.len() {
        if shrinking.is_over() {
            break;
        }
        is_simpler |= one_suffices(shrinking, place, smaller_groups);
        let kind = shrinking.best.faults[place].action.kind();
        let (span, amount) = (shrinking.spans.span(kind), shrinking.spans.amount(kind));
        is_simpler |= shorten(shrinking, place, &span, Action::span, Action::with_span);
        // What is a matter of time as well, such as by how much a clock is wrong.
        is_simpler |= shorten(shrinking, place, &amount, Action::amount, Action::with_amount);
        is_simpler |= one_suffices(shrinking, place, rounder_moments);
    }
    is_simpler
}

/// Puts the first of the candidates that suffices in the place of a fault's action; whether one did.
fn one_suffices(
    shrinking: &mut Shrinking<'_>,
    place: usize,
    candidates: impl Fn(Action) -> Vec<Action>,
) -> bool {
    let now = shrinking.best.faults[place].action;
    candidates(now).into_iter().any(|action| shrinking.action_suffices(place, action))
}

/// Looks for the shortest round span of the range that suffices, and leaves it room; whether that is another
/// than it was.
fn shorten(
    shrinking: &mut Shrinking<'_>,
    place: usize,
    within: &RangeInclusive<SimSpan>,
    get: fn(&Action) -> Option<SimSpan>,
    set: fn(Action, SimSpan) -> Action,
) -> bool {
    let action = shrinking.best.faults[place].action;
    let Some(now) = get(&action) else { return false };
    let mut simpler = simpler_spans(now).filter(|span| within.contains(span));
    let shorter = simpler.find(|span| shrinking.action_suffices(place, set(action, *span)));
    if let Some(span) = roomy(shorter.unwrap_or(now)).filter(|span| within.contains(span)) {
        shrinking.action_suffices(place, set(action, span));
    }
    shrinking.best.faults[place].action != action
}

/// The shortest round span of at least twice the length.
fn roomy(span: SimSpan) -> Option<SimSpan> {
    ROUND.into_iter().find(|round| *round >= span.saturating_mul(2))
}

/// Shorter round spans, the shortest first; last the span itself without its smallest units.
fn simpler_spans(now: SimSpan) -> impl Iterator<Item = SimSpan> {
    let round = ROUND.into_iter().filter(move |span| *span < now);
    let cut = STEPS
        .into_iter()
        .map(move |step| down(now, step))
        .filter(move |span| *span < now && *span > SimSpan::ZERO);
    let is_round = ROUND.contains(&now);
    round.chain(cut.filter(move |_| !is_round))
}

/// Rounder moments, later before earlier.
fn rounder_moments(action: Action) -> Vec<Action> {
    let Some(now) = action.moment().map(|moment| moment.since(SimTime::ZERO)) else { return Vec::new() };
    // Nothing rounder than it is already, or shrinking would go round in circles.
    let rounder = STEPS.into_iter().take_while(|step| down(now, *step) != now);
    let both = rounder.flat_map(|step| [down(now, step) + step, down(now, step)]);
    both.map(|span| action.with_moment(SimTime::ZERO + span)).collect()
}

fn down(span: SimSpan, step: SimSpan) -> SimSpan {
    SimSpan::from_nanos(span.as_nanos() / step.as_nanos() * step.as_nanos())
}

/// A group cut off from another, with one name fewer on one side.
fn smaller_groups(action: Action) -> Vec<Action> {
    let Some((left, right)) = action.sides() else { return Vec::new() };
    let lefts = without_one(left).map(|left| action.with_sides((left, right)));
    let rights = without_one(right).map(|right| action.with_sides((left, right)));
    lefts.chain(rights).collect()
}

/// The groups of one name less; none for a group of one.
fn without_one(group: Name) -> impl Iterator<Item = Name> {
    let names: Vec<&str> = group.as_str().split('+').collect();
    let others = |left_out: usize| {
        let kept = names.iter().enumerate().filter(|(place, _)| *place != left_out).map(|(_, name)| *name);
        Name::new(&kept.collect::<Vec<_>>().join("+"))
    };
    let groups: Vec<Name> = if names.len() < 2 { Vec::new() } else { (0..names.len()).map(others).collect() };
    groups.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(actions: &[Action]) -> Vec<String> {
        actions.iter().map(Action::to_string).collect()
    }

    fn shorter(text: &str) -> Vec<String> {
        simpler_spans(text.parse().unwrap()).map(|span| span.to_string()).collect()
    }

    #[test]
    fn spans_become_short_and_round() {
        assert_eq!(
            shorter("2s 911ms 804us"),
            ["1ms", "10ms", "100ms", "1s", "2s", "2s", "2s 900ms", "2s 911ms"]
        );
        assert_eq!(shorter("10ms"), ["1ms"]);
    }

    #[test]
    fn a_span_has_room_for_a_change_of_what_it_was_measured_by() {
        let roomy = |text: &str| roomy(text.parse().unwrap()).map(|span| span.to_string());
        assert_eq!(roomy("5s"), Some("10s".to_owned()));
        assert_eq!(roomy("6s 400ms"), Some("20s".to_owned()));
        assert_eq!(roomy("10m"), None);
    }

    #[test]
    fn a_moment_that_is_round_is_left_alone() {
        let texts = |text: &str| texts(&rounder_moments(text.parse().unwrap()));
        assert_eq!(
            texts("crash a at 1m 10s, back after 5s"),
            ["crash a at 2m, back after 5s", "crash a at 1m, back after 5s"]
        );
        assert!(texts("crash a at 2m, back after 5s").is_empty());
        assert_eq!(
            texts("overlapping-restart a at 1m 10s for 5s"),
            ["overlapping-restart a at 2m for 5s", "overlapping-restart a at 1m for 5s"]
        );
        assert_eq!(texts("pause a at 61s 1ns for 5s").len(), 10);
    }

    #[test]
    fn groups_lose_one_name_at_a_time() {
        let action: Action = "cut a+b from c at 1m for 40s".parse().unwrap();
        assert_eq!(
            texts(&smaller_groups(action)),
            ["cut b from c at 1m for 40s", "cut a from c at 1m for 40s"]
        );
        let action: Action = "lag a from b+c at 1m for 40s, by 2s".parse().unwrap();
        assert_eq!(
            texts(&smaller_groups(action)),
            ["lag a from c at 1m for 40s, by 2s", "lag a from b at 1m for 40s, by 2s"]
        );
    }
}
