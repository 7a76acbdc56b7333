//! What is broken now, as a screen that is drawn anew after each pass; where there is no terminal, one below
//! the other.

use super::{Change, Ran, named};
use crate::cli::{Status, print};
use crate::inert;
use crate::report::counted;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// How many lines of what went wrong are shown.
const LINES: usize = 30;

/// How many commands are shown for a case.
const AGAIN: usize = 3;

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// How a case stands.
struct Seen {
    verdict: String,
    summary: String,
    /// The commands that have again what broke.
    again: Vec<String>,
}

impl Seen {
    fn is_good(&self) -> bool {
        matches!(self.verdict.as_str(), "holds" | "caught")
    }

    fn is_broken(&self) -> bool {
        matches!(self.verdict.as_str(), "broken" | "not-caught" | "service-level-missed")
    }
}

/// A pass that did not judge all that it should have, and what it said.
enum Stuck {
    /// It ran nothing: a file or a crate is wrong.
    RanNothing { said: String },
    /// It ended in the middle, so: it was killed, or a run took the process with it.
    EndedEarly { how: String, said: String },
}

/// What is known of every case.
pub struct Screen {
    paths: Vec<PathBuf>,
    cases: BTreeMap<(String, String), Seen>,
    /// Why the last pass did not judge all that it should have.
    stuck: Option<Stuck>,
    last: String,
}

impl Screen {
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), cases: BTreeMap::new(), stuck: None, last: String::new() }
    }

    /// Takes in what a pass came to.
    pub fn take_in(&mut self, change: &Change, ran: Ran) {
        let Ran { records, ended_early, said, took } = ran;
        self.last = in_words(change, records.len(), took);
        if records.is_empty() {
            self.stuck = Some(Stuck::RanNothing { said });
            return;
        }
        self.stuck = ended_early.map(|how| Stuck::EndedEarly { how, said });
        let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let is_of = |scenario: &str| records.iter().any(|record| record["scenario"] == scenario);
        self.cases.retain(|(scenario, _), _| *change != Change::All && !is_of(scenario));
        for record in &records {
            let findings = record["findings"].as_array().into_iter().flatten();
            let again = findings.filter_map(|finding| finding["replay"].as_str().map(str::to_owned));
            let seen = Seen {
                verdict: text(record, "verdict"),
                summary: text(record, "summary"),
                again: again.take(AGAIN).collect(),
            };
            self.cases.insert((text(record, "scenario"), text(record, "case")), seen);
        }
    }

    /// Whether the last pass did not judge all that it should have.
    pub fn is_stuck(&self) -> bool {
        self.stuck.is_some()
    }

    /// What is broken now, as a status.
    pub fn status(&self) -> Status {
        if matches!(self.stuck, Some(Stuck::RanNothing { .. })) {
            Status::BadInput
        } else if self.last.is_empty() {
            Status::Inconclusive
        } else if self.cases.values().any(Seen::is_broken) {
            Status::Broken
        } else if !self.is_stuck() && self.cases.values().all(Seen::is_good) {
            Status::AsExpected
        } else {
            Status::Inconclusive
        }
    }

    pub fn show(&self) {
        let mut out = io::stdout();
        if out.is_terminal() {
            // A terminal that has gone needs no picture.
            let _ = out.write_all(CLEAR.as_bytes());
        }
        print(self.text());
    }

    fn text(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|path| named(path)).collect();
        let mut lines = vec![format!("watching {}   (Ctrl-C ends)", paths.join(", ")), String::new()];
        if let Some(stuck) = &self.stuck {
            let (title, said) = match stuck {
                Stuck::RanNothing { said } => ("NOTHING COULD BE RUN".to_owned(), said),
                Stuck::EndedEarly { how, said } => {
                    (format!("NOT ALL COULD BE RUN: it ended with {how}"), said)
                }
            };
            lines.push(title);
            let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
            lines.extend(said.iter().take(LINES).map(|line| format!("  {line}")));
            if said.len() > LINES {
                lines.push(format!("  ... and {} more lines", said.len() - LINES));
            }
            lines.push(String::new());
        }
        let wrong = self.cases.iter().filter(|(_, seen)| !seen.is_good());
        let (mut broken, mut open) = (0, 0);
        for ((scenario, case), seen) in wrong {
            if seen.is_broken() {
                broken += 1;
            } else {
                open += 1;
            }
            lines.push(format!("{scenario}, {case}\n  {}", inert::line(&seen.summary)));
            let is_caught = seen.verdict == "not-yet-caught" || seen.verdict == "not-caught";
            lines.extend(
                seen.again.iter().filter(|_| !is_caught).map(|again| format!("  {}", inert::line(again))),
            );
        }
        if broken + open > 0 {
            lines.push(String::new());
        }
        let good = self.cases.len() - broken - open;
        let known = if matches!(self.stuck, Some(Stuck::RanNothing { .. })) { "before that: " } else { "" };
        lines.push(format!("{known}{broken} broken, {open} open, {good} as they should be; {}", self.last));
        lines.join("\n")
    }
}

fn in_words(change: &Change, cases: usize, took: Duration) -> String {
    let what = match change {
        Change::All => "everything".to_owned(),
        Change::Scenarios(files) => files.iter().map(|file| named(file)).collect::<Vec<_>>().join(", "),
    };
    let cases = counted(cases as u64, "case", "cases");
    format!("last run: {what}, {cases} in {:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(records: &[(&str, &str, &str)]) -> Ran {
        let record = |(scenario, case, verdict): &(&str, &str, &str)| serde_json::json!({ "scenario": scenario, "case": case, "verdict": verdict, "summary": format!("{verdict} so") });
        Ran {
            records: records.iter().map(record).collect(),
            ended_early: None,
            said: "error: this is wrong".to_owned(),
            took: Duration::from_millis(1_500),
        }
    }

    #[test]
    fn a_screen_shows_what_is_broken_now_and_counts_the_rest() {
        let mut screen = Screen::new(&["scenarios".into()]);
        screen.take_in(&Change::All, ran(&[("a", "as written", "broken"), ("b", "as written", "holds")]));
        insta::assert_snapshot!(screen.text());
        assert_eq!(screen.status(), Status::Broken);
        screen.take_in(&Change::Scenarios(vec!["a.toml".into()]), ran(&[("a", "as written", "holds")]));
        assert!(
            screen
                .text()
                .contains("0 broken, 0 open, 2 as they should be; last run: a.toml, 1 case in 1.5 s")
        );
        assert_eq!(screen.status(), Status::AsExpected);
    }

    #[test]
    fn a_pass_that_could_run_nothing_shows_why_and_keeps_what_is_known() {
        let mut screen = Screen::new(&["scenarios".into()]);
        screen.take_in(&Change::All, ran(&[("a", "as written", "vacuous")]));
        assert_eq!(screen.status(), Status::Inconclusive);
        screen.take_in(&Change::Scenarios(vec!["a.toml".into()]), ran(&[]));
        let text = screen.text();
        assert!(
            text.contains("NOTHING COULD BE RUN\n  error: this is wrong") && text.contains("vacuous so"),
            "{text}"
        );
        assert_eq!(screen.status(), Status::BadInput);
    }

    #[test]
    fn a_pass_that_ended_in_the_middle_is_no_success_although_all_that_it_ran_holds() {
        let mut screen = Screen::new(&["scenarios".into()]);
        let ended_early = Some("signal: 9 (SIGKILL)".to_owned());
        let ran = Ran { ended_early, ..ran(&[("a", "as written", "holds")]) };
        screen.take_in(&Change::All, ran);
        assert!(screen.text().contains("NOT ALL COULD BE RUN: it ended with signal: 9"), "{}", screen.text());
        assert!(screen.is_stuck());
        assert_eq!(screen.status(), Status::Inconclusive);
    }

    #[test]
    fn a_scenario_that_is_gone_is_not_shown_any_more() {
        let mut screen = Screen::new(&["scenarios".into()]);
        screen.take_in(&Change::All, ran(&[("a", "as written", "broken"), ("b", "as written", "holds")]));
        screen.take_in(&Change::All, ran(&[("b", "as written", "holds")]));
        assert_eq!(screen.status(), Status::AsExpected);
    }
}
