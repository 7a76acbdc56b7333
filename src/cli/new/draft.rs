//! The draft of a scenario: lines of which some can be left out, tried until the rest holds.

use super::work::Work;
use crate::config::problem::line_of;
use crate::explore::{Campaign, CaseReport, CaseVerdict, Collect, Watchdog};
use crate::safeguards::SafeguardKind;
use crate::scenario::{Case, Scenario};
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::sync::Arc;

/// How many seeds a scenario is tried with.
pub(super) const TRIED: u64 = 200;

/// How many seeds show whether it holds without any fault.
const TRIED_WITHOUT_FAULTS: u64 = 20;

/// The longest line with a comment.
pub(super) const COLUMNS: usize = 110;

/// A scenario with lines that can be left out.
#[derive(Clone)]
pub(super) struct Draft {
    lines: Vec<Line>,
}

#[derive(Clone)]
struct Line {
    text: String,
    comment: String,
    kind: LineKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Needed,
    Optional,
    /// A fault, which is optional as well.
    Fault,
}

impl Line {
    fn is_optional(&self) -> bool {
        self.kind != LineKind::Needed
    }

    /// The line as it is in a file: with its comment behind it, or above it if that would be too long.
    fn written(&self) -> String {
        let Self { text, comment, .. } = self;
        let beside = with_comment(text, comment);
        if comment.is_empty() || beside.chars().count() <= COLUMNS {
            return beside;
        }
        let mut lines = vec!["#".to_owned()];
        for word in comment.split(' ') {
            let last = lines.last_mut().expect("there is one");
            if last.chars().count() + 1 + word.chars().count() > COLUMNS {
                lines.push(format!("# {word}"));
            } else {
                last.push(' ');
                last.push_str(word);
            }
        }
        lines.push(text.clone());
        lines.join("\n")
    }
}

impl Draft {
    pub fn new(suite: &Suite, workflow: &Workflow, work: &Work) -> Self {
        let Work { tasks, steps, tools, tool } = work;
        let mut draft = Self { lines: Vec::new() };
        draft.push("# Say in this line what goes wrong here, and what must hold all the same.");
        let default = Workflow::new(workflow.name).about;
        let about = if workflow.about == default { "" } else { workflow.about };
        draft.line(&format!("workflow = \"{}\"", workflow.name), about, LineKind::Needed);
        if !workflow.roles.is_empty() {
            draft.push("\n[team]                         # how many agents there are of each role");
        }
        for role in &workflow.roles {
            let range = format!("{} to {}", role.count.start(), role.count.end());
            draft.line(&format!("{} = {}", role.group, role.default), &range, LineKind::Needed);
        }
        draft.push("\n[tasks]");
        draft.line(
            &format!("count = {tasks}"),
            "how many tasks the user hands to the team",
            LineKind::Needed,
        );
        draft.line("within = \"3m\"", "how much time the team has for each", LineKind::Optional);
        let cancelled = "cancelled = { chance = \"30%\", after = \"1s..20s\" }";
        draft.line(cancelled, "whether the user cancels some", LineKind::Optional);
        draft.push("");
        draft.push(steps);
        draft.push("[safeguards]                   # what keeps the properties; take one out and see");
        let is_shown = |kind: &&SafeguardKind| workflow.safeguards.contains(&kind.name) && !kind.is_built_in;
        for kind in suite.safeguards().iter().filter(is_shown) {
            draft.line(kind.example, kind.about, LineKind::Optional);
        }
        draft.push("");
        for line in tools.split('\n') {
            let is_optional = line.starts_with("deduplicates");
            draft.line(line, "", if is_optional { LineKind::Optional } else { LineKind::Needed });
        }
        draft.push("[faults]                       # what goes wrong, and how often\nuntil = \"5m\"                   # then the world heals, and every task must come to an end");
        for (name, rest) in faults(workflow, tool) {
            let about = suite.find_fault(name).map_or("", |kind| kind.about);
            draft.line(&format!("{name} = {rest}"), about, LineKind::Fault);
        }
        draft.push(&format!(
            "\n# A case: what must break without a safeguard, and within how many seeds.\n# [[without]]\n\
             # safeguards = [\"...\"]\n# violates = \"...\"              # a property; `{} list properties` shows them\n\
             # within-seeds = 300",
            suite.command()
        ));
        draft
    }

    fn line(&mut self, text: &str, comment: &str, kind: LineKind) {
        self.lines.push(Line { text: text.to_owned(), comment: comment.to_owned(), kind });
    }

    fn push(&mut self, lines: &str) {
        lines.split('\n').for_each(|line| self.line(line, "", LineKind::Needed));
    }

    /// The draft as a file.
    pub fn written(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(Line::written).collect();
        lines.join("\n") + "\n"
    }

    /// The draft without its comments, line for line.
    fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n") + "\n"
    }

    /// The draft without what the suite refuses; `None` if the rest cannot be read either.
    pub fn readable(mut self, suite: &Suite) -> Option<Self> {
        loop {
            let text = self.text();
            let Err(problems) = Scenario::parse(suite, "new/scenario", &text) else { return Some(self) };
            let places = problems.list.iter().filter_map(|problem| Some(problem.span.as_ref()?.start));
            let places = places.filter_map(|at| self.optional_from(line_of(&text, at) - 1));
            // The last first: it is the one that asks for another.
            self.lines.remove(places.max()?);
        }
    }

    /// The first line of a table, from this one on, that can be left out.
    fn optional_from(&self, line: usize) -> Option<usize> {
        let mut lines =
            self.lines.iter().enumerate().skip(line).take_while(|(_, line)| !line.text.is_empty());
        lines.find(|(_, line)| line.is_optional()).map(|(place, _)| place)
    }

    /// The draft without its faults, and these, each with its place.
    fn fault_free(&self) -> (Self, Vec<(usize, Line)>) {
        let is_fault = |(_, line): &(usize, Line)| line.kind == LineKind::Fault;
        let (faults, lines): (Vec<_>, Vec<_>) = self.lines.iter().cloned().enumerate().partition(is_fault);
        (Self { lines: lines.into_iter().map(|(_, line)| line).collect() }, faults)
    }

    /// What breaks or cannot be judged without any fault, if something does.
    pub fn breaks_without_faults(&self, suite: &Suite) -> Option<String> {
        match self.fault_free().0.report(suite, TRIED_WITHOUT_FAULTS)?.verdict() {
            CaseVerdict::Broken(findings) => {
                let broken =
                    findings.iter().map(|finding| format!("{} ({})", finding.property, finding.message));
                Some(broken.collect::<Vec<_>>().join(", "))
            }
            CaseVerdict::Unknown { property, doubt } => {
                Some(format!("{property} cannot be judged ({})", doubt.reason))
            }
            _ => None,
        }
    }

    /// The draft with its faults one after the other: one with which something breaks that held before is
    /// left as a comment, and one that is never injected is left out.
    pub fn with_faults_that_hold(&self, suite: &Suite) -> Self {
        let (mut draft, faults) = self.fault_free();
        let mut left_out = 0;
        for (place, line) in faults {
            let place = place - left_out;
            let mut more = draft.clone();
            more.lines.insert(place, line.clone());
            let Some(report) = more.report(suite, TRIED) else {
                left_out += 1;
                continue;
            };
            match report.verdict() {
                CaseVerdict::Broken(findings) => {
                    let broken: Vec<&str> = findings.iter().map(|finding| finding.property).collect();
                    let comment = format!("left out: {} broke", broken.join(", "));
                    let text = format!("# {}", line.text);
                    draft.lines.insert(place, Line { text, comment, kind: LineKind::Needed });
                }
                CaseVerdict::Unknown { .. } => left_out += 1,
                CaseVerdict::Vacuous { .. } if !report.never_injected.is_empty() => left_out += 1,
                _ => draft = more,
            }
        }
        draft
    }

    /// Whether the scenario holds as it is.
    pub fn holds(&self, suite: &Suite) -> bool {
        self.report(suite, TRIED).is_some_and(|report| report.verdict() == CaseVerdict::Holds)
    }

    fn report(&self, suite: &Suite, seeds: u64) -> Option<CaseReport> {
        let scenario = Scenario::parse(suite, "new/scenario", &self.text()).ok()?;
        Some(tried(&scenario, seeds))
    }
}

/// What comes of a scenario as it is written.
pub(super) fn tried(scenario: &Arc<Scenario>, seeds: u64) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds,
        collect: Collect::NONE,
        interrupted,
        watchdog,
    };
    campaign.run(&Case::as_written(scenario))
}

/// A line with a comment in the column of the others.
fn with_comment(line: &str, comment: &str) -> String {
    if comment.is_empty() { line.to_owned() } else { format!("{line:<30} # {comment}") }
}

/// Faults that most teams can meet, the most common first.
fn faults(workflow: &Workflow, tool: &str) -> Vec<(&'static str, String)> {
    let agents = workflow.singletons.iter().copied().chain(workflow.roles.iter().map(|role| role.group));
    let agents: Vec<String> = agents.map(|agent| format!("\"{agent}\"")).collect();
    vec![
        ("ack-lost", format!("{{ at = \"{tool}\", chance = \"5%\" }}")),
        ("duplicate", "{ chance = \"2%\", after = \"10ms..5s\" }".to_owned()),
        ("delay", "{ chance = \"2%\", by = \"1s..5s\" }".to_owned()),
        (
            "crash",
            format!(
                "{{ at = [{}], anywhere = true, chance = \"0.5%\", back-after = \"1s..10s\" }}",
                agents.join(", ")
            ),
        ),
    ]
}
