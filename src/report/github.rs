//! Annotations of a pull request: workflow commands of GitHub Actions, one for each case that did not go as
//! it should.

use crate::explore::CaseReport;
use crate::inert::line;
use crate::report::words::verdict;
use std::fmt::Write;

/// The annotation of a case in this file; `None` if it went as it should.
pub fn annotation(report: &CaseReport, file: &str) -> Option<String> {
    let level = match report.verdict().status() {
        0 => return None,
        1 => "error",
        _ => "warning",
    };
    let title = format!("{}, {}", report.case.scenario.name, report.case.label());
    let mut message = verdict(report);
    for finding in &report.findings {
        write!(message, "\n{} (seed {}): {}", finding.property, finding.seed, finding.message)
            .expect("a string takes it");
    }
    Some(format!("::{level} file={},title={}::{}", property(file), property(&title), data(&message)))
}

/// A text as the message of a command: line by line, with nothing that would begin another command.
fn data(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|text| line(text).replace('%', "%25")).collect();
    lines.join("%0A")
}

/// A text as the value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_command_or_begin_another() {
        assert_eq!(data("100%\n::error::\r"), "100%25%0A::error::\\r");
        assert_eq!(property("a, without b::c"), "a%2C without b%3A%3Ac");
    }
}
