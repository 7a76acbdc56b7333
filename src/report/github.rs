//! Annotations of a pull request: workflow commands of GitHub Actions, one for each case that did not go as
//! it should, and for everything that is wrong with a file.

use crate::config::{Problem, Problems};
use crate::explore::{CaseReport, CaseVerdict, Finding};
use crate::inert::line;
use crate::report::words::verdict;

/// The annotation of a case in this file; `None` if it went as it should. `again` is the command that has a
/// finding again.
pub fn annotation(report: &CaseReport, file: &str, again: impl Fn(&Finding) -> String) -> Option<String> {
    let level = match report.verdict().status() {
        0 => return None,
        1 => "error",
        _ => "warning",
    };
    let title = format!("{}, {}", report.case.scenario.name, report.case.label());
    let broke = |finding: &Finding| {
        let Finding { property, seed, message, .. } = finding;
        format!("{property} broke (seed {seed}): {message}\nagain: {}", again(finding))
    };
    let mut lines: Vec<String> = report.findings.iter().map(broke).collect();
    // What broke says all that the verdict would say.
    if !matches!(report.verdict(), CaseVerdict::Broken(_)) {
        lines.insert(0, verdict(report));
    }
    let (file, title, message) = (property(file), property(&title), data(&lines.join("\n")));
    Some(format!("::{level} file={file},title={title}::{message}"))
}

/// The annotations of all that is wrong with a file, each at its line.
pub fn annotations(problems: &Problems) -> impl Iterator<Item = String> {
    let annotation = |problem: &Problem| {
        let line = problem.span.as_ref().map_or(1, |span| {
            let before = problems.text.get(..span.start).unwrap_or_default();
            1 + before.matches('\n').count()
        });
        let help = problem.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
        let (file, message) = (property(&problems.path), data(&format!("{}{help}", problem.message)));
        format!("::error file={file},line={line},title=scenario::{message}")
    };
    problems.list.iter().map(annotation)
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
    fn what_is_wrong_with_a_file_is_told_at_its_line() {
        let text = "workflow = \"conductor\"\n\nteam = 3\n";
        let list =
            vec![Problem::at(24..28, "team: is a table").help("write [team]"), Problem::whole("empty")];
        let problems = Problems::new("scenarios/a,b.toml", text, list);
        let said: Vec<String> = annotations(&problems).collect();
        assert_eq!(
            said,
            [
                "::error file=scenarios/a%2Cb.toml,line=1,title=scenario::empty",
                "::error file=scenarios/a%2Cb.toml,line=3,title=scenario::team: is a table%0Awrite [team]"
            ]
        );
    }

    #[test]
    fn a_text_cannot_end_its_command_or_begin_another() {
        assert_eq!(data("100%\n::error::\r"), "100%25%0A::error::\\r");
        assert_eq!(property("a, without b::c"), "a%2C without b%3A%3Ac");
    }
}
