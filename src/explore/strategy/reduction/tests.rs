//! The reduced search and lineage against the search that tries every plan.

use crate::explore::CaseReport;
use crate::explore::strategy::exhaustive::{Exhaustive, Search};
use crate::explore::strategy::tests::{all_cases, report};
use crate::explore::strategy::{Bounds, Start};
use crate::scenario::{Case, Scenario};
use crate::suite::Suite;
use perfidy_sim::{Engine, Seed};
use std::collections::BTreeMap;

/// One task of two steps; a retry and duplicates can meet in a tool that recognises calls.
const RETRIES: &str = "\
    [safeguards]\nidempotency-keys = true\ntool-dedupe = true\nretry = { attempts = 4, backoff = \"1s..2s\" }\n\
    [tools.ticketing]\ndeduplicates = true\n\
    [faults]\nuntil = \"2m\"\nack-lost = { at = \"ticketing\", chance = \"5%\" }\n\
    late-reply = { at = \"ticketing\", chance = \"5%\", by = \"5s..40s\" }\n\
    duplicate = { chance = \"2%\", after = \"10ms..20s\" }\n\
    [[without]]\nsafeguards = [\"idempotency-keys\"]\nviolates = \"no-duplicate-effects\"\nwithin-seeds = 300\n\
    [[without]]\nsafeguards = [\"tool-dedupe\"]\nviolates = \"no-duplicate-effects\"\nwithin-seeds = 300\n";

/// An agent that crashes between its call and its record, and messages that are lost or come twice.
const CRASHES: &str = "\
    [safeguards]\nidempotency-keys = true\ntool-dedupe = true\npersist-before-call = true\n\
    retry = { attempts = 4, backoff = \"1s..2s\" }\n[tools.ticketing]\ndeduplicates = true\n\
    [faults]\nuntil = \"2m\"\ncrash = { at = \"executors\", after = \"call\", chance = \"5%\", back-after = \"1s..10s\" }\n\
    drop = { chance = \"2%\" }\nduplicate = { chance = \"2%\", after = \"10ms..20s\" }\n\
    [[without]]\nsafeguards = [\"persist-before-call\"]\nviolates = \"no-duplicate-effects\"\nwithin-seeds = 300\n";

fn tiny(name: &str, rest: &str) -> Vec<Case> {
    let text = format!(
        "# Small enough to try every plan.\nworkflow = \"conductor\"\n[team]\nexecutors = 1\n\
         [[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tasks]\ncount = 1\n{rest}"
    );
    let scenario = Scenario::parse(&Suite::shipped(), name, &text);
    Case::all(&scenario.unwrap_or_else(|problems| panic!("{problems}")))
}

fn searched(case: &Case, search: Search, faults: usize, is_reduced: bool) -> CaseReport {
    let bounds = Bounds { faults, is_reduced, ..Bounds::default() };
    let start = Start { case, engine: Engine::Native, first_seed: Seed(3), bounds };
    let mut strategy = Exhaustive::new(&start, search).unwrap_or_else(|refused| panic!("{refused}"));
    report(case, &mut strategy, u64::MAX, 2)
}

/// The properties that broke, each with the number of faults that it takes.
fn broken(report: &CaseReport) -> BTreeMap<&'static str, usize> {
    report.findings.iter().map(|finding| (finding.property, finding.faults.len())).collect()
}

#[test]
fn the_reduced_search_breaks_what_the_full_one_breaks_by_as_few_faults() {
    let (mut reduced, mut full, mut broke) = (0, 0, 0);
    for (name, rest) in [("retries", RETRIES), ("crashes", CRASHES)] {
        for case in tiny(name, rest) {
            let [all, some] = [false, true].map(|is_reduced| searched(&case, Search::All, 2, is_reduced));
            assert_eq!(broken(&some), broken(&all), "{case}: {} of {} plans", some.seeds, all.seeds);
            assert!(some.seeds < all.seeds, "{case}");
            (reduced, full, broke) =
                (reduced + some.seeds, full + all.seeds, broke + usize::from(!broken(&all).is_empty()));
        }
    }
    assert!(broke >= 2, "{broke} of the cases broke");
    assert!(3 * reduced < 2 * full, "{reduced} of {full}");
}

#[test]
fn lost_ack_takes_little_more_than_a_third_of_the_plans_of_two_faults() {
    let case = all_cases("conductor/lost-ack").remove(0);
    let report = searched(&case, Search::All, 2, true);
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    // The full search takes 17,812.
    assert!((200..6_600).contains(&report.seeds), "{} plans", report.seeds);
    let said = format!("no violation under any 1 or 2 faults of these kinds ({} plans after", report.seeds);
    assert!(report.closing.is_some_and(|closing| closing.starts_with(&said)), "{said}");
}

#[test]
fn lineage_breaks_what_the_full_search_breaks_by_as_few_faults_with_fewer_plans() {
    let (mut by_lineage, mut full, mut broke) = (0, 0, 0);
    for (name, rest) in [("retries", RETRIES), ("crashes", CRASHES)] {
        for case in tiny(name, rest) {
            for faults in [1, 2] {
                let [all, some] =
                    [Search::All, Search::Lineage].map(|search| searched(&case, search, faults, false));
                assert_eq!(broken(&some), broken(&all), "{case}, {faults}: {} of {}", some.seeds, all.seeds);
                (by_lineage, full) = (by_lineage + some.seeds, full + all.seeds);
                broke += usize::from(!broken(&all).is_empty());
            }
        }
    }
    assert!(broke >= 4, "{broke} of the cases broke");
    assert!(by_lineage < full, "{by_lineage} of {full}");
}
