//! What a campaign comes to, in words and numbers, for tables and records.

use crate::explore::{Broke, CaseProgress, CaseReport, CaseStatus, CaseVerdict, Finding};
use std::collections::BTreeMap;
use std::time::Duration;

/// Runs a second of real time, without what it took to make failures small.
pub(super) fn rate_of(rounds: &CaseProgress) -> f64 {
    rounds.runs as f64 * 1e9 / (rounds.took.as_nanos() as f64).max(1.0)
}

/// So many of something.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The share of runs in percent: `0.3%`, `12%`. Neither `0%` nor `100%` unless it is.
#[cfg(feature = "cli")]
pub(super) fn share(some: u64, all: u64) -> String {
    let per_mille = (u128::from(some) * 1_000 + u128::from(all) / 2) / u128::from(all.max(1));
    match per_mille {
        _ if some == all => "100%".to_owned(),
        0 if some > 0 => "<0.1%".to_owned(),
        0..100 => format!("{}.{}%", per_mille / 10, per_mille % 10),
        _ => format!("{}%", ((per_mille + 5) / 10).min(99)),
    }
}

/// The status of a case in words.
pub(super) fn status_in_words(status: CaseStatus<'_>) -> String {
    let in_runs =
        |broke: &Broke| if broke.runs == 1 { "1 run".to_owned() } else { format!("{} runs", broke.runs) };
    let each = |all: &BTreeMap<String, Broke>, verb: &str| {
        let one = |(property, broke): (&String, &Broke)| {
            format!("{property} {verb}in {}, first at seed {}", in_runs(broke), broke.first_seed)
        };
        all.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    match status {
        CaseStatus::NotRun => "NOT RUN: there was no time for it".to_owned(),
        CaseStatus::NothingBroke => "nothing broke".to_owned(),
        CaseStatus::Broken(all) => format!("BROKEN: {}", each(all, "")),
        CaseStatus::Caught(all) => format!("caught: {}", each(all, "broke ")),
        CaseStatus::NotCaught(property, why) => {
            let wanted = format!("NOT CAUGHT: {property} should have broken by now");
            with_why(wanted, why.map(|why| why.to_string()))
        }
        CaseStatus::NotYetCaught(property, why) => {
            with_why(format!("{property} has not broken yet"), why.map(|why| why.to_string()))
        }
    }
}

/// Runs a second of wall time.
pub(super) fn runs_per_second(report: &CaseReport, took: Duration) -> f64 {
    report.seeds as f64 / took.as_secs_f64().max(1e-9)
}

/// A verdict with its reason, or with what to do about it.
fn with_why(mut verdict: String, why: Option<String>) -> String {
    if let Some(why) = why {
        verdict += "; ";
        verdict += &why;
    }
    verdict
}

/// A verdict with what the strategy says it has shown.
fn with_closing(verdict: &str, report: &CaseReport) -> String {
    report.closing.as_ref().map_or_else(|| verdict.to_owned(), |closing| format!("{verdict}: {closing}"))
}

/// A verdict in words.
pub(super) fn verdict(report: &CaseReport) -> String {
    match report.verdict() {
        CaseVerdict::Holds => with_closing("holds", report),
        CaseVerdict::Caught(findings) => {
            let one = |finding: &Finding| {
                let broke = report.tallies[finding.property].violated;
                let tried = if report.tries_plans { "plan" } else { "seed" };
                let after = match finding.after_seeds {
                    1 => format!("at the first {tried}"),
                    trials => format!("after {trials} {tried}s"),
                };
                format!("{} broke {after} ({broke} in all)", finding.property)
            };
            format!("caught: {}", findings.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        CaseVerdict::Broken(findings) => {
            let broken: Vec<_> =
                findings.iter().map(|f| format!("{} (seed {})", f.property, f.seed)).collect();
            format!("BROKEN: {}", broken.join(", "))
        }
        CaseVerdict::NotCaught { property, within_seeds } => {
            let wanted = format!("NOT CAUGHT: {property} should break within {within_seeds} seeds");
            with_closing(&with_why(wanted, report.why_not_caught()), report)
        }
        CaseVerdict::NotYetCaught { property, seeds, within_seeds } => {
            let tried = if report.tries_plans {
                format!("not yet caught: {property} has not broken in {seeds} plans")
            } else {
                format!("not yet caught: {property} has not broken in {seeds} of {within_seeds} seeds")
            };
            let why = report.not_counted().map(|why| why.to_string());
            with_closing(&with_why(tried, why), report)
        }
        CaseVerdict::LevelMissed(level) => format!("SERVICE LEVEL MISSED: {level}"),
        CaseVerdict::LevelUndecided(level) => format!("undecided: {level}"),
        CaseVerdict::Vacuous { what } => with_why(format!("VACUOUS: {what}"), report.what_to_do()),
        CaseVerdict::Unknown { property, doubt } => {
            format!("UNKNOWN: {property} could not be judged (seed {}): {}", doubt.seed, doubt.reason)
        }
        CaseVerdict::Interrupted => "interrupted".to_owned(),
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_but_never_to_none_or_all() {
        let shares = [(0, 300), (1, 300), (29, 300), (37, 300), (299, 300), (300, 300), (1, 10_000)];
        let shares = shares.map(|(some, all)| share(some, all));
        assert_eq!(shares, ["0.0%", "0.3%", "9.7%", "12%", "99%", "100%", "<0.1%"]);
    }
}
