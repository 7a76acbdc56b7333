//! A campaign as a report of `JUnit`, which CI services show: one test suite for each scenario, one test for
//! each of its cases.

use crate::config::Problems;
use crate::explore::{CaseReport, CaseVerdict, Finding};
use crate::inert::{block, line};
use crate::report::words::verdict;
use maud::{Markup, html};
use std::time::Duration;

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// What a finding takes to be had again: a command, if one is known.
pub type Again<'a> = dyn Fn(&CaseReport, &Finding) -> Option<String> + 'a;

/// The report of these cases, each with how long it took.
pub fn junit(cases: &[(CaseReport, Duration)], again: &Again<'_>) -> String {
    let suites: Vec<&[(CaseReport, Duration)]> =
        cases.chunk_by(|(one, _), (other, _)| one.case.scenario.name == other.case.scenario.name).collect();
    let markup = html! {
        testsuites name="perfidy" tests=(cases.len()) failures=(count(cases, 1)) errors=(count(cases, 3)) time=(seconds(cases)) {
            @for suite in suites {
                testsuite name=(line(suite[0].0.case.scenario.name.as_str())) tests=(suite.len())
                    failures=(count(suite, 1)) errors=(count(suite, 3)) skipped=(skipped(suite)) time=(seconds(suite)) {
                    @for (report, took) in suite { (test(report, *took, again)) }
                }
            }
        }
    };
    format!("{DECLARATION}\n{}\n", markup.into_string())
}

/// The report of scenarios that cannot be run, as each of these files says.
pub fn junit_of_bad_files(files: &[Problems]) -> String {
    let count = files.len();
    let markup = html! {
        testsuites name="perfidy" tests=(count) failures="0" errors=(count) time="0.000" {
            @for problems in files {
                testsuite name=(line(&problems.path)) tests="1" failures="0" errors="1" skipped="0" time="0.000" {
                    testcase classname=(line(&problems.path)) name="can be read" time="0.000" {
                        @let first = problems.list.first().map_or("", |problem| problem.message.as_str());
                        error type="bad-input" message=(line(first)) { (block(&problems.to_string())) }
                    }
                }
            }
        }
    };
    format!("{DECLARATION}\n{}\n", markup.into_string())
}

fn test(report: &CaseReport, took: Duration, again: &Again<'_>) -> Markup {
    let words = verdict(report);
    let details = || {
        report.findings.iter().fold(format!("{words}\n"), |text, finding| {
            let again = again(report, finding).map_or_else(String::new, |again| format!("again: {again}\n"));
            format!(
                "{text}\n{}: {}\nseed {}, after {} seeds\n{again}",
                finding.property, finding.message, finding.seed, finding.after_seeds
            )
        })
    };
    html! {
        testcase classname=(line(report.case.scenario.name.as_str())) name=(line(&report.case.label())) time=(format!("{:.3}", took.as_secs_f64())) {
            @match (report.verdict(), report.verdict().status()) {
                (_, 0) => {}
                (CaseVerdict::Interrupted, _) => { skipped message="interrupted" {} }
                (_, 1) => { failure type="broken" message=(line(&words)) { (block(&details())) } }
                _ => { error type="inconclusive" message=(line(&words)) { (block(&details())) } }
            }
        }
    }
}

fn is_skipped(report: &CaseReport) -> bool {
    matches!(report.verdict(), CaseVerdict::Interrupted)
}

fn skipped(cases: &[(CaseReport, Duration)]) -> usize {
    cases.iter().filter(|(report, _)| is_skipped(report)).count()
}

/// How many cases end with this exit status.
fn count(cases: &[(CaseReport, Duration)], status: u8) -> usize {
    cases.iter().filter(|(report, _)| report.verdict().status() == status && !is_skipped(report)).count()
}

fn seconds(cases: &[(CaseReport, Duration)]) -> String {
    format!("{:.3}", cases.iter().map(|(_, took)| took.as_secs_f64()).sum::<f64>())
}
