//! Annotations of a pull request: workflow commands of GitHub Actions, one for each case that did not go as
//! it should, and for everything that is wrong with a file.

use crate::config::{Problem, Problems};
use crate::explore::{CaseReport, CaseVerdict, Finding};
use crate::inert::line;
use crate::report::words::verdict;
use crate::scenario::{Case, Without};

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
    let line = line_of(&report.case);
    Some(format!("::{level} file={file},line={line},title={title}::{message}"))
}

/// The line of a file at which a case is written: that of its `[[without]]`, or of the properties.
fn line_of(case: &Case) -> usize {
    let is_it = |without: &Without| {
        let of = case.without();
        of.is_some_and(|of| (&of.safeguards, &of.violates) == (&without.safeguards, &without.violates))
    };
    let (header, nth) = match case.scenario.without.iter().position(is_it) {
        Some(place) => ("[[without]]", place),
        None => ("[properties]", 0),
    };
    let lines = case.scenario.text.lines().enumerate();
    let mut headers = lines.filter(|(_, line)| line.trim_start().starts_with(header));
    headers.nth(nth).map_or(1, |(at, _)| at + 1)
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
    use crate::scenario::{Scenario, root_of};
    use crate::suite::Suite;

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
    fn a_case_is_annotated_at_the_line_where_it_is_written() {
        let file = std::path::Path::new("scenarios/conductor/lost-ack.toml");
        let scenario = Scenario::read(&Suite::shipped(), file, &root_of(file)).expect("it is a good file");
        let lines: Vec<&str> = scenario.text.lines().collect();
        for case in Case::all(&scenario) {
            let line = line_of(&case);
            match case.without() {
                None => assert!(line == 1 || lines[line - 1] == "[properties]"),
                Some(without) => {
                    assert_eq!(lines[line - 1], "[[without]]");
                    assert!(lines[line].contains(without.safeguards[0]), "{line}: {}", lines[line]);
                }
            }
        }
    }

    #[test]
    fn a_text_cannot_end_its_command_or_begin_another() {
        assert_eq!(data("100%\n::error::\r"), "100%25%0A::error::\\r");
        assert_eq!(property("a, without b::c"), "a%2C without b%3A%3Ac");
    }
}
