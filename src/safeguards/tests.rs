//! The shipped safeguards against the shipped scenarios, their order, and what a file can set.

use super::{SafeguardKind, Safeguards, shipped};
use crate::config::entries;
use crate::safeguards::call_timeout::{CallTimeout, UNLIMITED};
use crate::safeguards::fan_out_cap::FanOutCap;
use crate::safeguards::give_up_after::GiveUpAfter;
use crate::safeguards::retry::Retry;
use crate::safeguards::retry_backoff::RetryBackoff;
use crate::safeguards::setup::{Setup, StepTraits};
use crate::scenario;
use crate::suite::Suite;
use perfidy_sim::{Draws, Name, Seed, SimSpan};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeTable;

#[test]
fn a_safeguard_protects_what_breaks_without_it_in_the_shipped_scenarios() {
    let suite = Suite::shipped();
    let scenarios = scenario::read_all(&suite, &["scenarios".into()]);
    let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
    let cases = || scenarios.iter().flat_map(|scenario| &scenario.without);
    for kind in suite.safeguards() {
        let without = cases().filter(|case| case.safeguards.contains(&kind.name));
        let shown: BTreeSet<&str> = without.flat_map(|case| case.violates.iter().copied()).collect();
        let said: BTreeSet<&str> = kind.protects.iter().copied().collect();
        assert_eq!(said, shown, "PROTECTS of {}, and what [[without]] cases show", kind.name);
    }
}

#[test]
fn a_safeguard_says_what_a_team_does_without_it_and_needs_only_what_there_is() {
    let suite = Suite::shipped();
    let settings = [
        "`deduplicates = true`",
        "`guarded`",
        "`irreversible`",
        "`kind = \"registers\"`",
        "`reads`",
        "`[store]`",
        "`within`",
        "`[tasks]`",
        "`undo`",
    ];
    for kind in suite.safeguards() {
        assert!(!kind.without.is_empty() && kind.without.len() <= 100, "{}", kind.name);
        for word in kind.needs.split('`').skip(1).step_by(2) {
            let is_known = suite.find_safeguard(word).is_some() || settings.contains(&&*format!("`{word}`"));
            assert!(is_known, "{} needs `{word}`", kind.name);
        }
    }
}

#[test]
fn every_safeguard_is_listed_once_and_in_order() {
    let names: Vec<&str> = shipped().iter().map(|kind| kind.name).collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
}

fn kind(name: &str) -> SafeguardKind {
    shipped().into_iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("there is no {name}"))
}

/// The safeguards of a file with these entries; `None` if one of them is refused.
fn set(text: &str) -> Option<Safeguards> {
    let table = DeTable::parse(text).unwrap();
    let mut on = Safeguards::default();
    for entry in entries(table.get_ref()) {
        on.read(&kind(entry.name), &entry).ok()?;
    }
    Some(on)
}

#[test]
fn what_is_at_its_bound_is_read_and_what_is_beyond_is_refused() {
    let table: [(&str, &[&str], &[&str]); 19] = [
        ("approval-gate = { expires-after = \"{}\" }", &["60s", "24h"], &["59s", "24h 1s"]),
        ("bounded-queue = { capacity = {} }", &["1", "10000"], &["0", "10001"]),
        ("budgets = { hops = {}, turns = 1, tokens = 1 }", &["1", "1000"], &["0", "1001"]),
        ("budgets = { hops = 1, turns = {}, tokens = 1 }", &["1", "10000"], &["0", "10001"]),
        ("budgets = { hops = 1, turns = 1, tokens = {} }", &["1", "100000000"], &["0", "100000001"]),
        ("call-timeout = \"{}\"", &["10ms", "1h", "none"], &["9ms", "61m"]),
        ("circuit-breaker = { failures = {}, open = \"1s\" }", &["1", "1000"], &["0", "1001"]),
        ("circuit-breaker = { failures = 1, open = \"{}\" }", &["1ns"], &["0s"]),
        ("claim-by-lease = { lease = \"{}\" }", &["3s", "1h"], &["2s", "61m"]),
        ("compaction = { above = {} }", &["500", "10000000"], &["499", "10000001"]),
        ("fan-out-cap = \"{}\"", &["1 step", "1000 steps", "none"], &["0 steps", "1001 steps", "2"]),
        ("give-up-after = \"{}\"", &["1 failure", "1000 failures", "never"], &["0 failures", "2"]),
        ("payload-limit = { tokens = {} }", &["20"], &["19"]),
        ("retry = { attempts = {}, backoff = \"1s\" }", &["1", "20"], &["0", "21"]),
        ("retry-budget = { retries = {}, per = \"1s\" }", &["0", "10000"], &["10001"]),
        ("retry-budget = { retries = 1, per = \"{}\" }", &["1ns"], &["0s"]),
        ("snapshots = { max-age = \"{}\" }", &["1s", "1000h"], &["999ms"]),
        ("voting-quorum = { liars = {} }", &["0", "300"], &["301"]),
        ("wait-limit = \"{}\"", &["1s", "1h"], &["999ms", "61m"]),
    ];
    for (entry, read, refused) in table {
        for value in read {
            assert!(set(&entry.replace("{}", value)).is_some(), "{entry}: {value} is refused");
        }
        for value in refused {
            assert!(set(&entry.replace("{}", value)).is_none(), "{entry}: {value} is read");
        }
    }
}

#[test]
fn every_example_turns_its_safeguard_on() {
    for kind in shipped() {
        let on = set(kind.example).unwrap_or_else(|| panic!("{} is refused", kind.example));
        assert!(on.is_on(&kind), "{}", kind.example);
        assert_eq!(on.names().collect::<Vec<_>>(), [kind.name]);
    }
}

#[test]
fn a_switch_that_is_off_is_as_if_it_were_not_there() {
    let switches = shipped().into_iter().filter(|kind| kind.example.ends_with(" = true"));
    let mut looked_at = 0;
    for kind in switches {
        let off = set(&kind.example.replace("true", "false")).unwrap();
        assert!(!off.is_on(&kind), "{}", kind.name);
        assert_eq!(off.names().count(), 0, "{}", kind.name);
        looked_at += 1;
    }
    assert!(looked_at > 40, "{looked_at}");
}

#[test]
fn what_is_built_in_is_on_until_it_is_taken_away() {
    let (timeout, usual) = (kind("call-timeout"), Safeguards::default());
    assert!(usual.is_on(&timeout) && !usual.lacks::<CallTimeout>());
    assert_eq!(usual.names().count(), 0, "no file names it");
    let named = set("call-timeout = \"7s\"").unwrap();
    assert_eq!(CallTimeout::of(&named), SimSpan::from_secs(7));
    assert!(!named.lacks::<CallTimeout>());
    let mut removed = named.clone();
    removed.remove(&timeout);
    for without in [set("call-timeout = \"none\"").unwrap(), removed] {
        assert!(!without.is_on(&timeout) && without.lacks::<CallTimeout>());
        assert_eq!(CallTimeout::of(&without), UNLIMITED);
        assert_eq!(without.built_in::<CallTimeout>(), None);
    }
}

#[test]
#[should_panic(expected = "so it cannot be taken away")]
fn what_is_not_on_cannot_be_taken_away() {
    Safeguards::default().remove(&kind("retry"));
}

#[test]
fn a_safeguard_that_is_set_again_has_its_last_value_and_stands_there_once() {
    let mut on = set("retry = { attempts = 2, backoff = \"1s\" }\nidempotency-keys = true").unwrap();
    let again = DeTable::parse("retry = { attempts = 5, backoff = \"1s\" }").unwrap();
    on.read(&kind("retry"), &entries(again.get_ref())[0]).unwrap();
    assert_eq!(on.get::<Retry>().unwrap().attempts, 5);
    assert_eq!(on.names().collect::<Vec<_>>(), ["idempotency-keys", "retry"]);
}

#[test]
fn without_backoff_tries_follow_each_other_at_once() {
    let with = set("retry = { attempts = 2, backoff = \"1s..8s\" }").unwrap();
    assert_eq!(*Retry::of(&with).unwrap().backoff.end(), SimSpan::from_secs(8));
    let mut without = with.clone();
    without.remove(&kind(<RetryBackoff as super::Safeguard>::NAME));
    let at_once = Retry::of(&without).unwrap();
    assert_eq!((at_once.attempts, at_once.backoff), (2, SimSpan::ZERO..=SimSpan::ZERO));
    assert_eq!(Retry::of(&Safeguards::default()), None);
}

#[test]
fn a_wait_between_tries_is_drawn_up_to_a_bound_that_doubles_until_the_maximum() {
    let on = set("retry = { attempts = 9, backoff = \"1s..5s\" }").unwrap();
    let (retry, draws) = (Retry::of(&on).unwrap(), Draws::new(Seed(1)));
    let site = |nth| draws.draw_site(Name::new("a"), Name::new("b"), nth);
    for (failed, bound) in [(1, 1), (2, 2), (3, 4), (4, 5), (60, 5)] {
        let longest = (1..=200).map(|nth| retry.wait(failed, site(nth))).max().unwrap();
        let bound = SimSpan::from_secs(bound);
        assert!(longest <= bound && longest > bound.split(10).saturating_mul(9), "{failed}: {longest}");
    }
}

#[test]
fn a_team_gives_up_after_the_last_failure_that_it_may_have_and_never_if_it_must_not() {
    let reached = |on: &Safeguards| [1, 4, 5, 6, 1_000_000].map(|count| GiveUpAfter::is_reached(on, count));
    assert_eq!(reached(&Safeguards::default()), [false, false, true, true, true]);
    assert_eq!(reached(&set("give-up-after = \"1 failure\"").unwrap()), [true; 5]);
    assert_eq!(reached(&set("give-up-after = \"never\"").unwrap()), [false; 5]);
}

#[test]
fn an_agent_works_on_as_many_steps_at_a_time_as_it_may() {
    assert_eq!(FanOutCap::of(&Safeguards::default()), 4);
    assert_eq!(FanOutCap::of(&set("fan-out-cap = \"1 step\"").unwrap()), 1);
    assert!(FanOutCap::of(&set("fan-out-cap = \"none\"").unwrap()) > 1_000_000);
}

/// Whether the first safeguard of a file has what it needs there, beside other entries that are not read.
fn has_what_it_needs(text: &str, unread: &[&'static str], steps: Vec<StepTraits>) -> bool {
    let (on, unread) = (set(text).unwrap(), unread.iter().copied().collect());
    let (tools, team) = (BTreeMap::new(), BTreeMap::new());
    let setup = Setup { on: &on, unread: &unread, steps, tools: &tools, team: &team };
    kind(text.split(' ').next().unwrap()).missing(&setup).is_none()
}

#[test]
fn a_safeguard_that_would_have_no_effect_alone_says_so() {
    let not_alone = [
        "acknowledged-cancel",
        "approval-binding",
        "approval-gate",
        "checksummed-log",
        "compensate",
        "cooperative-termination",
        "durable-approvals",
        "guardrail",
        "logical-clocks",
        "order-expiry",
        "retry-budget",
        "traced-calls",
        "voting-quorum",
    ];
    for kind in shipped() {
        let is_content = has_what_it_needs(kind.example, &[], Vec::new());
        assert_eq!(is_content, !not_alone.contains(&kind.name), "{} needs {}", kind.name, kind.needs);
    }
}

#[test]
fn a_safeguard_has_what_it_needs_if_the_file_has_it_in_a_wrong_entry_too() {
    let budget = "retry-budget = { retries = 1, per = \"1s\" }";
    assert!(has_what_it_needs(
        &format!("{budget}\nretry = {{ attempts = 2, backoff = \"1s\" }}"),
        &[],
        Vec::new()
    ));
    assert!(has_what_it_needs(budget, &["retry"], Vec::new()));
    assert!(!has_what_it_needs(budget, &["verify"], Vec::new()));
}

#[test]
fn a_safeguard_of_steps_needs_one_of_its_kind() {
    let step = |irreversible, guarded, can_be_undone| {
        vec![StepTraits { tool: Name::new("bank"), irreversible, guarded, can_be_undone }]
    };
    for (safeguard, its_kind, others) in [
        ("approval-gate = { expires-after = \"2m\" }", (true, false, false), (false, true, true)),
        ("compensate = true", (false, false, true), (true, true, false)),
    ] {
        let with = |(irreversible, guarded, undo)| {
            has_what_it_needs(safeguard, &[], step(irreversible, guarded, undo))
        };
        assert!(with(its_kind) && !with(others), "{safeguard}");
    }
}
