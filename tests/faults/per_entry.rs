//! Every configured fault must be injected, each separately: another fault of its kind does not count for it,
//! nor does one name of an entry for the others.

use perfidy::explore::{Campaign, CaseVerdict, Collect, Run, Watchdog, strategy};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::sync::Arc;

const SEEDS: u64 = 60;

const TEAM: &str = r#"# A team in which everything holds.
workflow = "conductor"

[[step]]
name = "file-ticket"
tool = "ticketing.create"

[safeguards]
checkpoint = true
idempotency-keys = true
persist-before-call = true
retry = { attempts = 4, backoff = "1s..30s" }
tool-dedupe = true
verify = true

[tools.ticketing]
deduplicates = true

[tools.mail]

"#;

fn scenario(faults: &str) -> Arc<Scenario> {
    Scenario::parse(&Suite::shipped(), "per-entry", &format!("{TEAM}{faults}"))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn verdict_of(scenario: &Arc<Scenario>, strategy: &str) -> CaseVerdict {
    let case = Case::as_written(scenario);
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: SEEDS,
        collect: Collect::NONE,
        interrupted: &Interrupt::default(),
        watchdog: &Watchdog::default(),
    };
    let start = strategy::Start {
        case: &case,
        engine: Engine::Native,
        first_seed: Seed(0),
        bounds: strategy::Bounds::default(),
    };
    let mut strategy = (strategy::find(strategy).unwrap().start)(&start).unwrap();
    campaign.run_with(&case, &mut *strategy).verdict()
}

/// The report about faults of which one is never injected.
fn vacuous(faults: &str) -> String {
    match verdict_of(&scenario(faults), "random") {
        CaseVerdict::Vacuous { what } => what,
        verdict => panic!("{verdict:?}: {faults}"),
    }
}

#[test]
fn a_fault_that_is_injected_does_not_stand_in_for_another_of_its_kind() {
    let line = TEAM.lines().count() + 4;
    assert_eq!(
        vacuous(
            "[faults]\ndrop = [\n    { message = \"assign\", chance = \"20%\" },\n    { message = \"failed\", chance = \"20%\" },\n]"
        ),
        format!("the fault `drop` (line {line}) was never injected")
    );
    let pause =
        |step| format!("{{ at = \"executors\", before = \"{step}\", chance = \"9%\", lasting = \"1s\" }}");
    let twice = format!("[faults]\npause = [\n    {},\n    {},\n]", pause("call"), pause("send failed"));
    assert_eq!(vacuous(&twice), format!("the fault `pause` (line {line}) was never injected"));
}

#[test]
fn every_name_in_an_entry_must_be_hit() {
    let line = TEAM.lines().count() + 2;
    for (fault, part) in [
        (r#"drop = { message = ["assign", "failed"], chance = "20%" }"#, "`drop` (LINE), message `failed`,"),
        (
            r#"pause = { at = "executors", before = ["call", "send failed"], chance = "9%", lasting = "1s" }"#,
            "`pause` (LINE), before `send failed`,",
        ),
        (
            r#"crash = { at = "executors", before = "call", after = "send failed", chance = "9%", back-after = "1s" }"#,
            "`crash` (LINE), after `send failed`,",
        ),
    ] {
        let part = part.replace("LINE", &format!("line {line}"));
        assert_eq!(vacuous(&format!("[faults]\n{fault}")), format!("the fault {part} was never injected"));
    }
}

#[test]
fn a_fault_that_is_pinned_where_nothing_comes_by_is_vacuous() {
    let line = TEAM.lines().count() + 2;
    let at = "ticketing > executor-1, reply to create, task-99/file-ticket, try 1";
    assert_eq!(
        vacuous(&format!("[[fault]]\nat = \"{at}\"\ndo = \"drop\"")),
        format!("the fault pinned to `{at}` (line {line}) was never injected")
    );
}

#[test]
fn entries_that_are_injected_hold_whatever_the_strategy() {
    let scenario = scenario(
        r#"[faults]
drop = [
    { message = ["assign", "call create", "reply to create"], chance = "10%" },
    { between = ["planner", "coordinator"], chance = "10%" },
]
crash = [
    { at = ["coordinator", "executors"], before = ["call", "assign"], after = "record", chance = "5%", back-after = "1s" },
    { at = ["planner", "verifier"], every = "20s..40s", lasting = "1s..5s" },
]
write-error = { at = ["coordinator", "executors"], chance = "5%" }
ack-lost = { at = "ticketing", operation = "create", chance = "10%" }
outage = { at = "ticketing", every = "20s..40s", lasting = "1s..5s" }
clock-skew = { at = ["executors", "ticketing"], by = "1s..2s" }

[[fault]]
at = "user > coordinator, submit, task-1, try 1"
do = "delay 1s"
"#,
    );
    for strategy in ["random", "mix", "storm", "pct"] {
        assert_eq!(verdict_of(&scenario, strategy), CaseVerdict::Holds, "{strategy}");
    }
}

#[test]
#[should_panic(expected = "there is no property `no-duplicate-efects`; did you mean `no-duplicate-effects`?")]
fn a_property_that_is_misspelt_in_code_has_not_held() {
    let case = Case::as_written(&scenario(""));
    let _ = Run::fuzzed(&case, Engine::Native, Seed(1)).violation("no-duplicate-efects");
}
