//! The effect of every tool fault on the caller.

use super::caller::{
    Ask, CallOutcome, DONE, StoreOutcome, TEXT, caller_team, met_or_not, met_or_not_in, told, told_in,
    unclear, will_ask,
};
use perfidy::agent::{Cancelled, Indefinite, Receipt};
use perfidy::explore::first_difference;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy::tools::Document;
use perfidy_sim::{Fault, Name, Plan, Seed, SimSpan, SimTime};
use std::sync::Arc;

#[test]
fn a_tool_that_tells_the_truth_does_each_thing_once_and_knows_of_it() {
    let asks = [Ask::LookUp("a"), Ask::Call("a", 1), Ask::Call("a", 1), Ask::LookUp("a")];
    let told = told(&asks, &[]);
    assert_eq!(told.heard, [StoreOutcome::LookUp(Ok(false)), DONE, DONE, StoreOutcome::LookUp(Ok(true))]);
    assert_eq!(told.effects("a"), 1);
}

#[test]
fn an_effect_and_its_answer_part_ways() {
    for (lie, error, effects) in [
        ("ack-lost", Indefinite::TimedOut, 1),
        ("late-reply 9s", Indefinite::TimedOut, 1),
        ("error-with-effect", Indefinite::Failed, 1),
        ("malformed-result", Indefinite::Malformed, 1),
        ("no-response", Indefinite::TimedOut, 0),
    ] {
        let told = told(&[Ask::Call("a", 1)], &[&format!("vault, put, a, try 1: {lie}")]);
        assert_eq!(told.heard, [StoreOutcome::Call(Err(unclear(error)))], "{lie}");
        assert_eq!(told.effects("a"), effects, "{lie}");
    }
    let told = told(&[Ask::Call("a", 1)], &["vault, put, a, try 1: success-without-effect"]);
    assert_eq!((told.heard.as_slice(), told.effects("a")), (&[DONE][..], 0));
}

#[test]
fn a_call_that_is_handled_twice_has_two_effects_unless_its_key_is_known() {
    let text = TEXT.replace("deduplicates = true\n", "").replace("tool-dedupe = true", "");
    let scenario = Scenario::parse(&Suite::shipped().workflow(caller_team()), "caller", &text).unwrap();
    let fault = "vault, put, a, try 1: duplicate-effect";
    assert_eq!(told(&[Ask::Call("a", 1)], &[fault]).effects("a"), 1);
    let (at, action) = fault.split_once(": ").unwrap();
    let fault = Fault { at: at.parse().unwrap(), action: action.parse().unwrap() };
    let plan = Plan::Explicit([fault].into());
    let told = told_in(&Case::as_written(&scenario), Seed(1), &plan, &[Ask::Call("a", 1)]);
    assert_eq!(told.effects("a"), 2);
}

#[test]
fn a_key_that_is_ignored_is_not_remembered() {
    let asks = [Ask::Call("a", 1), Ask::Call("a", 1), Ask::Call("a", 1)];
    assert_eq!(told(&asks, &["vault, put, a, try 1: key-ignored"]).effects("a"), 2);
    assert_eq!(told(&asks, &["vault, put, a, try 2: key-ignored"]).effects("a"), 2);
}

#[test]
fn a_key_is_forgotten_once_it_is_old_enough() {
    let asks = [Ask::Call("a", 1), Ask::Wait(30), Ask::Call("a", 1)];
    assert_eq!(told(&asks, &["vault, put, a, try 2: key-forgotten 20s"]).effects("a"), 2);
    let kept = met_or_not(&asks, &["vault, put, a, try 2: key-forgotten 40s"]);
    assert_eq!((kept.effects("a"), kept.run.outcome.injected.len()), (1, 0), "there is nothing to forget");
    assert!(kept.run.outcome.pinned[0].reached);
}

#[test]
fn a_call_that_its_caller_has_given_up_takes_effect_late_unless_it_was_cancelled() {
    let late = "vault, put, a, try 1: late-effect 20s";
    let given_up = StoreOutcome::Call(Err(unclear(Indefinite::TimedOut)));
    let survives = told(&[Ask::Call("a", 1), Ask::LookUp("a"), Ask::Wait(30), Ask::LookUp("a")], &[late]);
    let [before, after] = [false, true].map(|found| StoreOutcome::LookUp(Ok(found)));
    assert_eq!(survives.heard, [given_up.clone(), before, after]);
    assert_eq!(survives.effects("a"), 1);
    let cancelled = told(&[Ask::Call("a", 1), Ask::Cancel("a", 1), Ask::Wait(30)], &[late]);
    assert_eq!(cancelled.heard, [given_up, StoreOutcome::Cancel(Ok(Cancelled::NeverHappens))]);
    assert_eq!(cancelled.effects("a"), 0);
    let in_time = told(&[Ask::Call("a", 1)], &["vault, put, a, try 1: late-effect 2s"]);
    assert_eq!((in_time.heard.as_slice(), in_time.effects("a")), (&[DONE][..], 1));
}

/// The answers to a caller that takes replies in the order in which they come.
fn told_in_order(asks: &[Ask], faults: &[&str]) -> CallOutcome {
    let text = TEXT.replace("tool-dedupe = true", "tool-dedupe = true\nreply-correlation = false");
    let told = met_or_not_in(&text, asks, faults);
    assert_eq!(told.run.outcome.injected.len(), faults.len(), "every fault is injected");
    told
}

#[test]
fn a_reply_to_another_call_is_an_unclear_outcome() {
    let (asks, faults) = ([Ask::Call("a", 1), Ask::Call("b", 2)], ["vault, put, b, try 1: wrong-reply"]);
    let told = told(&asks, &faults);
    assert_eq!(told.heard, [DONE, StoreOutcome::Call(Err(unclear(Indefinite::OfAnotherRequest)))]);
    assert_eq!((told.effects("a"), told.effects("b")), (1, 1));
    let taken = told_in_order(&asks, &faults);
    assert_eq!(taken.heard, [DONE, DONE], "without correlation, the second is told the receipt of the first");
}

#[test]
fn a_reply_to_another_query_is_about_something_else() {
    let asks = [Ask::Read("x"), Ask::Read("y")];
    let faults = ["feed, read of y, want/y, try 1: wrong-reply"];
    let unclear = StoreOutcome::Read(Err(unclear(Indefinite::OfAnotherRequest)));
    assert_eq!(told(&asks, &faults).heard[1], unclear);
    let taken = told_in_order(&asks, &faults);
    assert_eq!(taken.read(1), taken.read(0));
    assert_eq!(taken.document(1).item, Name::new("x"));
}

#[test]
fn without_correlation_a_late_reply_is_the_answer_to_the_next_call() {
    let asks = [Ask::Call("a", 1), Ask::Wait(3), Ask::Call("b", 2)];
    let faults = ["vault, put, a, try 1: late-reply 9s", "vault, put, b, try 1: no-response"];
    let timed_out = StoreOutcome::Call(Err(unclear(Indefinite::TimedOut)));
    assert_eq!(told(&asks, &faults).heard, [timed_out.clone(), timed_out.clone()]);
    let taken = told_in_order(&asks, &faults);
    assert_eq!(taken.heard, [timed_out, DONE]);
    assert_eq!(taken.effects("b"), 0, "what it was told is done is not");
}

#[test]
fn what_is_read_gets_new_versions_as_time_goes_by() {
    let told = told(&[Ask::Read("x"), Ask::Wait(20), Ask::Read("x")], &[]);
    let (first, second) = (told.document(0), told.document(1));
    assert_eq!((first.version, second.version), (1, 3));
    assert!(second.is_whole() && !second.instructs());
    assert!(told.read(1).as_of > told.read(0).as_of);
    assert_eq!(told.read(1).content.json()["sections"][0], "x, version 3, section 1");
}

#[test]
fn a_stale_read_says_how_old_it_is() {
    let asks = [Ask::Wait(35), Ask::Read("x")];
    let told = told(&asks, &["feed, read of x, want/x, try 1: stale-read 20s"]);
    assert_eq!(told.document(0).version, 2);
    let age = (SimTime::ZERO + SimSpan::from_secs(35)).since(told.read(0).as_of);
    assert!((19..=20).contains(&(age.as_nanos() / 1_000_000_000)), "{age}");
}

#[test]
fn a_stale_look_up_does_not_see_what_has_just_happened() {
    let asks = [Ask::Call("a", 1), Ask::LookUp("a")];
    let told = told(&asks, &["vault, look-up of put, a, try 1: stale-read 20s"]);
    assert_eq!(told.heard, [DONE, StoreOutcome::LookUp(Ok(false))]);
    let asks = [Ask::Call("a", 1), Ask::Wait(30), Ask::LookUp("a")];
    let seen = met_or_not(&asks, &["vault, look-up of put, a, try 1: stale-read 20s"]);
    assert_eq!(seen.heard, [DONE, StoreOutcome::LookUp(Ok(true))]);
}

#[test]
fn what_is_read_can_be_wrong_cut_short_bloated_or_give_orders() {
    let honest = told(&[Ask::Read("x")], &[]);
    let read = |fault: &str| told(&[Ask::Read("x")], &[&format!("feed, read of x, want/x, try 1: {fault}")]);
    for fault in ["wrong-value", "partial-result", "oversize-result", "injected-instruction"] {
        let told = read(fault);
        assert_ne!(told.read(0).content.json(), honest.read(0).content.json(), "{fault}");
        assert_eq!(told.read(0).as_of, honest.read(0).as_of, "{fault}");
    }
    let honest = honest.document(0);
    assert!(!read("partial-result").document(0).is_whole());
    let oversize = read("oversize-result").document(0);
    assert_eq!((oversize.tokens(), oversize.is_whole()), (honest.tokens() * 50, true));
    assert!(read("injected-instruction").document(0).instructs());
}

#[test]
fn a_reader_gets_what_can_be_read_out_of_the_altered_json() {
    for fault in ["dropped-field", "renamed-field", "wrong-type"] {
        let told = told(&[Ask::Read("x")], &[&format!("feed, read of x, want/x, try 1: {fault}")]);
        let misfit = told.read(0).read::<Document>().expect_err(fault);
        let shown = misfit.to_string();
        assert!(shown.contains("missing field") || shown.contains("invalid type"), "{fault}: {shown}");
    }
}

#[test]
fn a_call_whose_result_is_altered_took_effect_all_the_same() {
    let malformed = StoreOutcome::Call(Err(unclear(Indefinite::Malformed)));
    for fault in ["dropped-field", "renamed-field", "wrong-type"] {
        let told = told(&[Ask::Call("a", 1)], &[&format!("vault, put, a, try 1: {fault}")]);
        assert_eq!(
            (told.heard.as_slice(), told.effects("a")),
            (std::slice::from_ref(&malformed), 1),
            "{fault}"
        );
    }
    let told = told(&[Ask::Call("a", 1)], &["vault, put, a, try 1: wrong-value"]);
    assert!(
        matches!(told.heard[0], StoreOutcome::Call(Ok(receipt)) if receipt != Receipt(1)),
        "{:?}",
        told.heard
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_none() {
    let told = told(&[Ask::Read("x")], &["feed, read of x, want/x, try 1: malformed-result"]);
    assert_eq!(told.heard, [StoreOutcome::Read(Err(unclear(Indefinite::Malformed)))]);
}

/// Every tool fault and outage at once.
#[test]
fn the_injected_tool_faults_given_back_as_a_list_make_the_same_history() {
    let faults = r#"
late-effect = { at = "vault", chance = "4%", by = "1s..20s" }
late-reply = { at = "vault", chance = "4%", by = "1s..20s" }
stale-read = { at = ["vault", "feed"], chance = "10%", by = "1s..1m" }
key-forgotten = { at = "vault", chance = "10%", after = "1s..1m" }
rate-limit = { at = "vault", chance = "4%", lasting = "1s..5s" }
outage = [
    { at = "vault", chance = "4%", lasting = "1s..5s" },
    { at = "vault", every = "10s..1m", lasting = "1s..10s" },
]
endpoint-moved = { at = "vault", chance = "3%", lasting = "1s..5s" }
permission-revoked = { at = "vault", every = "10s..1m", lasting = "1s..10s" }
schema-changed = { at = "vault", chance = "3%", lasting = "1s..5s" }
schema-rolled = { at = "vault", chance = "3%" }
unresponsive = { at = "vault", chance = "0.5%" }
"#;
    let plain = [
        "ack-lost",
        "error-with-effect",
        "success-without-effect",
        "no-response",
        "duplicate-effect",
        "key-ignored",
        "trace-lost",
    ];
    let answers = [
        "wrong-reply",
        "wrong-value",
        "dropped-field",
        "renamed-field",
        "wrong-type",
        "partial-result",
        "malformed-result",
        "injected-instruction",
        "oversize-result",
    ];
    let entry = |lie: &&str| format!("{lie} = {{ at = \"vault\", chance = \"5%\" }}\n");
    let of_answers = |lie: &&str| format!("{lie} = {{ at = [\"vault\", \"feed\"], chance = \"5%\" }}\n");
    let text: String = [TEXT, faults]
        .into_iter()
        .map(str::to_owned)
        .chain(plain.iter().map(entry))
        .chain(answers.iter().map(of_answers))
        .collect();
    let keys = ["a", "b", "c", "d"];
    let asks: Vec<Ask> = (0..120)
        .flat_map(|nth| {
            let intent = keys[nth % 4];
            [Ask::TracedCall(intent, nth as u64 % 4), Ask::Read(["x", "y"][nth % 2]), Ask::LookUp(intent)]
        })
        .collect();
    // What the caller asks for is learnt from a run of it.
    will_ask(&asks);
    let scenario = Scenario::parse(&Suite::shipped().workflow(caller_team()), "caller", &text)
        .unwrap_or_else(|bad| panic!("{bad}"));
    let case = Case::as_written(&scenario);
    let mut injected = std::collections::BTreeSet::new();
    for seed in (0..40).map(Seed) {
        let run = |plan: &Plan| {
            let told = told_in(&case, seed, plan, &asks);
            (told.run.outcome, told.heard)
        };
        let (fuzzed, heard) = run(&Plan::Fuzz(Arc::clone(&scenario.chaos)));
        let (replayed, again) = run(&Plan::Explicit(fuzzed.injected.as_slice().into()));
        assert_eq!(first_difference(&fuzzed, &replayed), None, "seed {seed}");
        assert_eq!((fuzzed.digest(), heard), (replayed.digest(), again), "seed {seed}");
        injected.extend(fuzzed.injected.iter().map(|fault| fault.action.kind()));
    }
    let never: Vec<_> = scenario.fault_kinds.iter().filter(|kind| !injected.contains(kind)).collect();
    assert!(never.is_empty(), "{never:?} was never injected");
}
