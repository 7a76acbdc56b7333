//! What entries about crashes, pauses and restarts come to.

use crate::faults::tests::{chaos_of, refusal_of};
use perfidy_sim::{Action, Hook, Selector, SimSpan, TimedEffect};

#[test]
fn a_crash_comes_back_or_does_not() {
    let chaos = chaos_of(r#"crash = { at = "executors", after = "call", chance = "5%" }"#);
    assert_eq!((chaos.rules[0].action, &chaos.rules[0].span), (Action::Crash(None), &None));
    let chaos = chaos_of(r#"crash = { at = "executors", after = "call", chance = "5%", back-after = "2s" }"#);
    assert!(matches!(chaos.rules[0].action, Action::Crash(Some(_))));
    assert_eq!(chaos.rules[0].span, Some(SimSpan::from_secs(2)..=SimSpan::from_secs(2)));
}

#[test]
fn before_and_after_are_different_places() {
    let chaos = chaos_of(
        r#"pause = { at = "planner", before = "plan", after = ["plan", "report"], chance = "5%", lasting = "9s" }"#,
    );
    let hooks: Vec<Hook> = chaos.rules.iter().map(|rule| rule.hook).collect();
    assert_eq!(hooks, [Hook::Before, Hook::After]);
}

#[test]
fn anywhere_is_before_and_after_every_step() {
    for text in [
        r#"crash = { at = "planner", anywhere = true, chance = "5%" }"#,
        r#"pause = { at = "planner", anywhere = true, chance = "5%", lasting = "9s" }"#,
        r#"zombie = { at = "planner", anywhere = true, chance = "5%" }"#,
    ] {
        let rules = chaos_of(text).rules;
        let places: Vec<_> = rules.iter().map(|rule| (rule.hook, &rule.what)).collect();
        assert_eq!(places, [(Hook::Before, &Selector::Any), (Hook::After, &Selector::Any)], "{text}");
    }
}

#[test]
fn a_crash_by_the_clock_is_a_window() {
    let chaos = chaos_of(r#"crash = { at = ["planner", "executors"], every = "1m", lasting = "10s" }"#);
    assert_eq!(chaos.windows[0].site.as_str(), "crash planner+executors");
    let TimedEffect::Crash(among) = &chaos.windows[0].disturbance else { panic!("{chaos:?}") };
    assert_eq!(among.len(), 3);
}

#[test]
fn a_crash_in_the_middle_of_a_sync_is_a_fault_of_its_own() {
    let chaos = chaos_of(r#"crash = { at = "planner", during = "sync", chance = "5%", back-after = "2s" }"#);
    let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
    assert_eq!((rule.hook, &rule.what), (Hook::Sync, &Selector::Any));
    let both =
        r#"crash = { at = "planner", during = "sync", after = "plan", chance = "5%", back-after = "2s" }"#;
    assert_eq!(chaos_of(both).rules.len(), 2);
}

#[test]
fn a_minority_may_stay_down_for_good() {
    let chaos = chaos_of(r#"crash = { at = "everyone", every = "1m", lasting = "never", at-most = 2 }"#);
    assert!(
        matches!(&chaos.windows[0].disturbance, TimedEffect::Kill { among, at_most: 2 } if among.len() == 5)
    );
}

#[test]
fn a_zombie_is_by_default_frozen_for_longer_than_most_leases() {
    let chaos = chaos_of(r#"zombie = { at = "planner", before = "plan", chance = "5%" }"#);
    let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
    assert_eq!((rule.action, rule.span.clone()), (Action::Zombie(SimSpan::ZERO), Some(super::FROZEN)));
    let chaos = chaos_of(r#"zombie = { at = "planner", every = "1m" }"#);
    assert_eq!(
        (chaos.windows[0].site.as_str(), chaos.windows[0].lasting.clone()),
        ("zombie planner", super::FROZEN)
    );
}

#[test]
fn what_cannot_be_injected_is_refused() {
    for (text, said) in [
        (r#"crash = { at = "planner" }"#, "nothing says when a crash is injected"),
        (r#"crash = { at = "planner", chance = "1%", every = "1m" }"#, "either at steps or by the clock"),
        (r#"crash = { at = "planner", every = "1m" }"#, "nothing says how long it lasts"),
        (r#"crash = { at = "planner", chance = "1%", lasting = "1m" }"#, "belongs to crashes by the clock"),
        (r#"crash = { at = "planner", chance = "1%" }"#, "nothing says at which steps a crash is injected"),
        (
            r#"crash = { at = "planner", anywhere = true, before = "plan", chance = "1%" }"#,
            "`anywhere` is every step already",
        ),
        (r#"crash = { at = "planner", anywhere = false, chance = "1%" }"#, "true or not there at all"),
        (r#"crash = { at = "planner", anywhere = true }"#, "nothing says when a crash is injected"),
        (
            r#"pause = { at = "planner", anywhere = true, every = "1m", lasting = "1s" }"#,
            "either at steps or by the clock",
        ),
        (r#"crash = { at = "ticketing", chance = "1%" }"#, "tools neither crash nor pause"),
        (r#"pause = { at = "planner", chance = "1%" }"#, "nothing says how long it lasts"),
        (r#"crash = { at = "everyone", every = "1m", lasting = "never" }"#, "how many may never come back"),
        (
            r#"crash = { at = "everyone", every = "1m", lasting = "never", at-most = 3 }"#,
            "3 of 5 is not a minority",
        ),
        (
            r#"crash = { at = "executors", every = "1m", lasting = "never", at-most = 1 }"#,
            "1 of 2 is not a minority",
        ),
        (r#"crash = { at = "planner", every = "1m", lasting = "9s", at-most = 1 }"#, "who never come back"),
        (r#"crash = { at = "planner", chance = "1%", at-most = 1 }"#, "belongs to crashes by the clock"),
        (r#"zombie = { at = "planner" }"#, "nothing says when a zombie is injected"),
        (r#"zombie = { at = "planner", chance = "1%", every = "1m" }"#, "either at steps or by the clock"),
        (
            r#"overlapping-restart = { at = "ticketing", every = "1m", lasting = "1s" }"#,
            "`ticketing` is a tool",
        ),
        (r#"slow-node = { at = "planner", times = 1, every = "1m", lasting = "1s" }"#, "1 times as long"),
        (r#"pause = { at = "planer", chance = "1%", lasting = "1s" }"#, "unknown agent `planer`"),
    ] {
        assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
    }
}
