//! Every fault is read back from its own text, and what is no fault is refused.

use super::*;
use crate::ClockDirection;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn names() -> impl Strategy<Value = Name> {
    let usual = prop::sample::select(vec!["a", "executor-1+executor-2", "leases", "by", "of", "at", "for"]);
    prop_oneof![usual.prop_map(Name::new), any::<String>().prop_map(|text| Name::new(&text))]
}

fn words() -> impl Strategy<Value = Name> {
    let verbs = prop::sample::select([&super::VERBS[..], &["late-reply", "of"]].concat());
    prop_oneof![verbs.prop_map(Name::new), names()]
}

fn span() -> impl Strategy<Value = SimSpan> {
    any::<u64>().prop_map(|nanos| SimSpan::from_nanos(nanos >> (nanos % 40)))
}

fn degradation() -> impl Strategy<Value = Degradation> {
    let direction = || prop::sample::select(vec![ClockDirection::Ahead, ClockDirection::Behind]);
    prop_oneof![
        Just(Degradation::Zombie),
        Just(Degradation::OverlappingRestart),
        Just(Degradation::RuntimeRestart),
        any::<u32>().prop_map(|times| Degradation::Slow { times }),
        span().prop_map(|each| Degradation::SlowReceiver { each }),
        (span(), direction()).prop_map(|(by, direction)| Degradation::Skew { by, direction }),
        (span(), direction()).prop_map(|(by, direction)| Degradation::Step { by, direction }),
        (any::<u32>(), direction()).prop_map(|(ppm, direction)| Degradation::Drift { ppm, direction }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let time = || span().prop_map(|span| SimTime::ZERO + span);
    let at_a_place = prop_oneof![
        Just(Action::Drop),
        span().prop_map(Action::Delay),
        span().prop_map(Action::Reorder),
        span().prop_map(Action::Duplicate),
        Just(Action::Corrupt),
        prop::option::of(span()).prop_map(Action::Crash),
        span().prop_map(Action::Pause),
        span().prop_map(Action::Zombie),
        Just(Action::WriteError),
        span().prop_map(Action::SlowSync),
        Just(Action::TornWrite),
        (1..=u32::MAX).prop_map(|records| Action::StaleJournal { records }),
        (words(), prop::option::of(names()), span()).prop_map(|(word, detail, span)| Action::Custom {
            word,
            detail,
            span
        }),
        (words(), prop::option::of(names())).prop_map(|(word, detail)| Action::Custom {
            word,
            detail,
            span: SimSpan::ZERO
        }),
    ];
    let by_the_clock = prop_oneof![
        (names(), names(), any::<bool>(), time(), span()).prop_map(|(left, right, one_way, at, lasting)| {
            Action::Partition { left, right, one_way, at, lasting }
        }),
        (names(), time(), prop::option::of(span())).prop_map(|(node, at, back_after)| Action::CrashAt {
            node,
            at,
            back_after
        }),
        (names(), time(), span()).prop_map(|(node, at, lasting)| Action::PauseAt { node, at, lasting }),
        (words(), names(), time(), span()).prop_map(|(word, node, at, lasting)| Action::CustomAt {
            word,
            node,
            at,
            lasting
        }),
        (names(), names(), time(), span(), span())
            .prop_map(|(left, right, at, lasting, turn)| Action::Flap { left, right, at, lasting, turn }),
        (names(), names(), time(), span(), span())
            .prop_map(|(left, right, at, lasting, by)| Action::SlowLink { left, right, at, lasting, by }),
        (names(), time(), span(), degradation()).prop_map(|(node, at, lasting, degradation)| {
            Action::Degrade { node, at, lasting, degradation }
        }),
    ];
    prop_oneof![at_a_place, by_the_clock]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_can_go_wrong_reads_back_as_it_is_printed(action in action()) {
        prop_assert_eq!(action.to_string().parse(), Ok(action));
    }

    #[test]
    fn no_text_makes_the_reader_of_actions_panic(text in any::<String>(), verb in 0..10_usize) {
        let verbs = ["", "slow ", "stale by ", "flap a from b at ", "lag ", "skew a at 1s for ", "drift a at 1m for 5m, ", "cut ", "crash a at ", "zombie "];
        let _ = format!("{}{text}", verbs[verb]).parse::<Action>();
    }
}

#[test]
fn every_action_reads_back_as_it_is_printed() {
    for text in [
        "drop",
        "delay 3s",
        "reorder 30ms",
        "duplicate after 40ms",
        "crash for good",
        "crash, back after 5s",
        "pause 20s 1ms",
        "cut coordinator from executor-1+executor-2 at 1m 2s for 40s",
        "cut a towards b at 0s for 1h",
        "crash executor-1 at 3m for good",
        "crash executor-1 at 3m, back after 10s",
        "pause orchestrator at 3m for 10s",
        "corrupt",
        "zombie 20s",
        "zombie a at 1m for 20s",
        "overlapping-restart coordinator at 1m for 20s",
        "slow a at 1m for 20s, 5 times",
        "choke a at 1m for 20s, 500ms a message",
        "skew a at 0s for 10m, 3s ahead",
        "step a at 1m for 5m, 3s back",
        "drift a at 1m for 5m, 200ppm slow",
        "flap a+b from c at 1m for 40s, every 500ms",
        "lag a from b+c at 1m for 40s, by 2s",
        "refuse",
        "tear",
        "slow by 3s",
        "stale by 1 record",
        "stale by 2 records",
        "ack-lost",
        "late-reply 12s",
    ] {
        assert_eq!(text.parse::<Action>().map(|action| action.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn an_action_can_begin_with_its_kind() {
    for (text, written) in [
        ("partition a from b+c at 1m for 40s", "cut a from b+c at 1m for 40s"),
        ("slow-link a from b at 1m for 40s, by 2s", "lag a from b at 1m for 40s, by 2s"),
        ("slow-node a at 1m for 20s, 5 times", "slow a at 1m for 20s, 5 times"),
        ("slow-receiver a at 1m for 20s, 500ms a message", "choke a at 1m for 20s, 500ms a message"),
        ("clock-skew a at 0s for 10m, 3s ahead", "skew a at 0s for 10m, 3s ahead"),
        ("clock-step a at 1m for 5m, 3s back", "step a at 1m for 5m, 3s back"),
        ("clock-drift a at 1m for 5m, 200ppm slow", "drift a at 1m for 5m, 200ppm slow"),
        ("slow-sync by 3s", "slow by 3s"),
        ("stale-journal by 2 records", "stale by 2 records"),
        ("torn-write", "tear"),
        ("write-error", "refuse"),
    ] {
        let action: Action = text.parse().unwrap();
        assert_eq!(action.to_string(), written);
        assert!(text.starts_with(action.kind().as_str()), "{text} is of kind {}", action.kind());
    }
    for (kind, verb) in KINDS {
        assert!(VERBS.contains(&verb) && !VERBS.contains(&kind), "{kind}");
    }
}

#[test]
fn what_is_no_action_is_refused() {
    for text in [
        "",
        "delay",
        "reorder",
        "delay soon",
        "crash",
        "cut a at 1m",
        "Drop it",
        "drop twice",
        "pause",
        "overlapping-restart a at 1m for 20s, twice",
        "slow a at 1m for 20s",
        "slow a at 1m for 20s, -5 times",
        "step a at 1m for 5m, 3s ahead",
        "drift a at 1m for 5m, 3s fast",
        "stale by 0 records",
        "stale by 2 days",
        "flap a from b at 1m for 40s",
        "lag a towards b at 1m for 40s, by 2s",
        "tear it",
    ] {
        assert!(text.parse::<Action>().is_err(), "{text}");
    }
}
