//! The tests of the branch, as a crate would write them for its agents.

use perfidy::explore::{
    Campaign, CaseReport, CaseVerdict, Collect, Corpus, Failure, ReplayOutcome, Run, SavedSeed, Watchdog,
};
use perfidy::explore::{first_difference, shrink};
use perfidy::scenario::{Case, Scenario, read_all};
use perfidy::sim::{Engine, Interrupt, Name, Seed};
use std::process::Command;
use std::sync::Arc;

fn scenario() -> Arc<Scenario> {
    let all = read_all(&bank::suite(), &["scenarios".into()]).unwrap_or_else(|bad| panic!("{}", bad[0]));
    Arc::clone(&all[0])
}

fn campaign(case: &Case) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: 100,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    }
    .run(case)
}

#[test]
fn money_is_safe_as_written_and_lost_where_amounts_are_not_checked() {
    let cases = Case::all(&scenario());
    assert_eq!(campaign(&cases[0]).verdict(), CaseVerdict::Holds);
    let CaseVerdict::Caught(findings) = campaign(&cases[1]).verdict() else { panic!("not caught") };
    assert_eq!(findings[0].property, "no-money-lost");
}

#[test]
fn the_probe_counts_the_runs_in_which_the_bank_was_asked_again() {
    assert!(campaign(&Case::as_written(&scenario())).probes[bank::SECOND_TRY] > 0);
}

#[test]
fn a_slip_that_cannot_be_read_is_written_again() {
    let report = campaign(&Case::as_written(&scenario()));
    assert!(report.injected[&Name::new(bank::SMUDGED)] > 0);
    assert_eq!(report.verdict(), CaseVerdict::Holds);
}

#[test]
fn one_seed_is_one_history() {
    let case = Case::as_written(&scenario());
    let run = || Run::fuzzed(&case, Engine::Native, Seed(7)).outcome;
    assert_eq!(first_difference(&run(), &run()), None);
}

#[test]
fn a_loss_is_shrunk_to_the_fault_of_this_crate_saved_and_replayed() {
    let case = Case::all(&scenario()).remove(1);
    let CaseVerdict::Caught(findings) = campaign(&case).verdict() else { panic!("not caught") };
    let finding = &findings[0];
    let small = shrink(&case, Engine::Native, finding.seed, finding.property, &finding.faults)
        .expect("it breaks again");
    let kinds: Vec<&str> = small.faults.iter().map(|fault| fault.action.kind().as_str()).collect();
    assert_eq!(kinds, [bank::CENTS_DROPPED]);
    let folder = tempfile::tempdir().expect("a folder");
    let seed = SavedSeed::new(Engine::Native, finding.seed, finding.property, &small);
    let saved = Corpus::new(folder.path()).save(&seed).expect("it is saved");
    let failure = Failure::read(&bank::suite(), saved.path()).unwrap_or_else(|bad| panic!("{bad}"));
    assert_eq!(failure.replay().1, ReplayOutcome::Reproduced { same_history: true });
}

#[test]
fn a_misspelt_name_is_refused_with_the_nearest_of_this_crate() {
    for (right, wrong, said) in [
        ("no-money-lost", "no-mony-lost", "did you mean `no-money-lost`?"),
        ("cents-dropped =", "cents-droped =", "did you mean `cents-dropped`?"),
        ("check-amounts = true", "check-amount = true", "did you mean `check-amounts`?"),
        ("kind = \"bank\"", "kind = \"banks\"", "did you mean `bank`?"),
    ] {
        let text = scenario().text.replace(right, wrong);
        let bad = Scenario::parse(&bank::suite(), "branch/cents-dropped", &text).unwrap_err().to_string();
        assert!(bad.contains(said), "{bad}");
    }
}

/// The output of this crate's command.
fn perfidy(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_bank")).args(arguments).output().expect("it runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn the_command_runs_explains_audits_exhausts_and_replays_what_is_of_this_crate() {
    assert!(
        perfidy(&["run", "scenarios", "--seeds", "100", "--save", "none"]).contains("caught: no-money-lost")
    );
    assert!(perfidy(&["explain", "cents-dropped"]).contains("leaves the cents out"));
    assert!(perfidy(&["explain", "bank"]).contains("[tools]"));
    let list = perfidy(&["list"]);
    for name in ["branch", "no-money-lost", "check-amounts", "cents-dropped", "smudged", "second-try"] {
        assert!(list.contains(name), "{name}");
    }
    let corpus = tempfile::tempdir().expect("a folder");
    let fuzzed =
        perfidy(&["fuzz", "scenarios", "--runs", "100", "--corpus", &corpus.path().to_string_lossy()]);
    assert!(fuzzed.contains("PROBE") && fuzzed.contains("second-try"), "{fuzzed}");
    perfidy(&["audit", "scenarios"]);
    let matrix = perfidy(&["ablate", "scenarios", "--seeds", "100"]);
    assert!(matrix.contains("check-amounts"), "{matrix}");
    perfidy(&["replay", "seeds"]);
    assert!(perfidy(&["check", "scenarios", "seeds"]).contains("a scenario for branch"));
}

#[test]
fn the_engine_that_needs_a_flag_says_which() {
    assert_eq!(Engine::Native.available(), Ok(()));
    if let Err(missing) = Engine::Madsim.available() {
        assert!(missing.to_string().contains("--cfg madsim"), "{missing}");
    }
}
