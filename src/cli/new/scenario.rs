//! `perfidy new scenario`: a commented scenario for a workflow, which can be run as it is.
//!
//! It is put together from what the suite says of itself, and tried: a safeguard or fault that the workflow
//! does not take is left out, and of several kinds of work the first one is taken with which the scenario
//! holds.

use super::write_new;
use crate::cli::{Status, print, print_error};
use crate::config::nearest;
use crate::config::problem::line_of;
use crate::explore::{Campaign, CaseReport, CaseVerdict, Watchdog};
use crate::inert;
use crate::safeguards::SafeguardKind;
use crate::scenario::{Case, Scenario};
use crate::schema;
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Engine, Interrupt, Seed};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow that it runs; `perfidy list workflows` shows them
    #[arg(long)]
    workflow: String,
    /// Where it is written [default: first.toml in the folder of the workflow's scenarios]
    file: Option<PathBuf>,
}

/// How many seeds a scenario is tried with.
const TRIED: u64 = 200;

/// What a task can consist of, and the tools for it.
const WORK: [(&str, &str); 3] = [
    (
        "[[step]]                       # what each task consists of: TOOL.OPERATION\n\
         name = \"book-flight\"\ntool = \"airline.book\"\nundo = \"airline.cancel\"\n\n\
         [[step]]\nname = \"book-hotel\"\ntool = \"hotel.book\"\nundo = \"hotel.cancel\"\nneeds = [\"book-flight\"]\n",
        "[tools.airline]\nlatency = \"50ms..500ms\"\ndeduplicates = true            # it recognises an idempotency key\n\n\
         [tools.hotel]\ndeduplicates = true\n",
    ),
    (
        "[[step]]                       # what each task consists of: TOOL.OPERATION\n\
         name = \"file-ticket\"\ntool = \"ticketing.create\"\n\n\
         [[step]]\nname = \"tell-customer\"\ntool = \"mail.send\"\nneeds = [\"file-ticket\"]\n",
        "[tools.ticketing]\nlatency = \"50ms..500ms\"\ndeduplicates = true            # it recognises an idempotency key\n\n\
         [tools.mail]\ndeduplicates = true\n",
    ),
    (
        "[[step]]                       # what each task wants to know: TOOL.OPERATION\n\
         name = \"prices\"\ntool = \"market.search\"\n\n[[step]]\nname = \"news\"\ntool = \"press.search\"\n",
        "[tools.market]\nkind = \"sources\"               # what is read there changes\nchanges-every = \"5s..20s\"\n\n\
         [tools.press]\nkind = \"sources\"\n",
    ),
];

pub fn write(suite: &Suite, arguments: &Arguments) -> Status {
    let Some(workflow) = suite.find_workflow(&arguments.workflow) else {
        let known: Vec<&str> = suite.workflows().map(|workflow| workflow.name).collect();
        let near = nearest(&arguments.workflow, &known).map_or_else(
            || format!("`{} list workflows` shows what there is", suite.command()),
            |near| format!("did you mean `{near}`?"),
        );
        print_error(format!("there is no workflow `{}`; {near}", inert::line(&arguments.workflow)));
        return Status::BadInput;
    };
    let usual = || suite.folder("scenarios").join(workflow.name).join("first.toml");
    let file = arguments.file.clone().unwrap_or_else(usual);
    let Some(mut text) = text(suite, workflow) else {
        print_error(format!("nothing that is known here is work for the workflow `{}`", workflow.name));
        return Status::BadInput;
    };
    if suite.folder(schema::FILE).exists() && arguments.file.is_none() {
        text = format!("#:schema ../../{}\n{text}", schema::FILE);
    }
    match write_new(&file, &text) {
        Ok(()) => {
            let (shown, command) = (inert::path(&file), suite.command());
            print(format_args!("written  {shown}\n\nNow try:  {command} run {shown}"));
            Status::AsExpected
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            print_error(format!("{} is there already; name another file", inert::path(&file)));
            Status::BadInput
        }
        Err(error) => {
            print_error(format!("cannot write {}: {error}", inert::path(&file)));
            Status::BadInput
        }
    }
}

/// A scenario for a workflow: one that holds if there is one, otherwise one that can be read.
pub(super) fn text(suite: &Suite, workflow: &Workflow) -> Option<String> {
    let mut readable = None;
    for (steps, tools) in WORK {
        let Some(mut draft) = Draft::new(suite, workflow, steps, tools).readable(suite) else { continue };
        while let Some(next) = draft.tried(suite) {
            match next {
                Tried::Holds => return Some(draft.text()),
                Tried::Better(better) => draft = better,
            }
        }
        readable.get_or_insert_with(|| draft.text());
    }
    readable
}

/// A scenario with lines that can be left out.
#[derive(Clone)]
struct Draft {
    lines: Vec<(String, bool)>,
}

enum Tried {
    Holds,
    Better(Draft),
}

impl Draft {
    fn new(suite: &Suite, workflow: &Workflow, steps: &str, tools: &str) -> Self {
        let mut draft = Self { lines: Vec::new() };
        draft.push("# Say in this line what goes wrong here, and what must hold all the same.");
        draft.push(&with_comment(&format!("workflow = \"{}\"", workflow.name), workflow.about));
        if !workflow.roles.is_empty() {
            draft.push("\n[team]                         # how many agents there are of each role");
        }
        for role in &workflow.roles {
            let range = format!("{} to {}", role.count.start(), role.count.end());
            draft.push(&with_comment(&format!("{} = {}", role.group, role.default), &range));
        }
        draft.push("\n[tasks]\ncount = 3                      # how many tasks the user hands to the team");
        let [within, cancelled] =
            ["within = \"3m\"", "cancelled = { chance = \"30%\", after = \"1s..20s\" }"];
        draft.lines.push((with_comment(within, "how much time the team has for each"), true));
        draft.lines.push((with_comment(cancelled, "whether the user cancels some"), true));
        draft.push("");
        draft.push(steps);
        draft.push("[safeguards]                   # what keeps the properties; take one out and see");
        let is_shown = |kind: &&SafeguardKind| workflow.safeguards.contains(&kind.name) && !kind.is_built_in;
        for kind in suite.safeguards().iter().filter(is_shown) {
            draft.lines.push((with_comment(kind.example, kind.about), true));
        }
        draft.push("");
        for line in tools.split('\n') {
            draft.lines.push((line.to_owned(), line.starts_with("deduplicates")));
        }
        draft.push("[faults]                       # what goes wrong, and how often\nuntil = \"5m\"                   # then the world heals, and every task must come to an end");
        for (name, rest) in faults(workflow, tools) {
            let about = suite.find_fault(name).map_or("", |kind| kind.about);
            draft.lines.push((with_comment(&format!("{name} = {rest}"), about), true));
        }
        draft.push("\n# A case: what must break without a safeguard, and within how many seeds.\n# [[without]]\n# safeguards = [\"...\"]\n# violates = \"...\"              # a property; `perfidy list properties` shows them\n# within-seeds = 300");
        draft
    }

    fn push(&mut self, lines: &str) {
        self.lines.extend(lines.split('\n').map(|line| (line.to_owned(), false)));
    }

    fn text(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(line, _)| line.as_str()).collect();
        lines.join("\n") + "\n"
    }

    /// The draft without what the suite refuses; `None` if the rest cannot be read either.
    fn readable(mut self, suite: &Suite) -> Option<Self> {
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
            self.lines.iter().enumerate().skip(line).take_while(|(_, (line, _))| !line.is_empty());
        lines.find(|(_, (_, is_optional))| *is_optional).map(|(place, _)| place)
    }

    /// The draft without a fault that is never injected or that is too much; `None` if nothing helps.
    fn tried(&self, suite: &Suite) -> Option<Tried> {
        let report = self.report(suite)?;
        let verdict = report.verdict();
        if verdict == CaseVerdict::Holds {
            return Some(Tried::Holds);
        }
        let is_fault = |line: &str, name: &str| line.starts_with(&format!("{name} = "));
        let kinds = &report.case.scenario.fault_kinds;
        let idle = report.never_injected.first().and_then(|never| {
            let words = report.case.scenario.configured[*never].in_words();
            kinds.iter().find(|kind| words.contains(&format!("`{kind}`")))
        });
        let last =
            kinds.last().filter(|_| matches!(verdict, CaseVerdict::Broken(_) | CaseVerdict::Unknown { .. }));
        let gone = idle.or(last)?;
        let mut better = self.clone();
        better.lines.retain(|(line, is_optional)| !(*is_optional && is_fault(line, gone.as_str())));
        (better.lines.len() < self.lines.len()).then_some(Tried::Better(better))
    }

    fn report(&self, suite: &Suite) -> Option<CaseReport> {
        let scenario = Scenario::parse(suite, "new/scenario", &self.text()).ok()?;
        Some(tried(&scenario))
    }
}

/// What comes of a scenario as it is written.
fn tried(scenario: &Arc<Scenario>) -> CaseReport {
    let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
    let campaign = Campaign {
        engine: Engine::Native,
        first_seed: Seed(0),
        seeds: TRIED,
        digests: false,
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
fn faults(workflow: &Workflow, tools: &str) -> Vec<(&'static str, String)> {
    let agents = workflow.singletons.iter().copied().chain(workflow.roles.iter().map(|role| role.group));
    let agents: Vec<String> = agents.map(|agent| format!("\"{agent}\"")).collect();
    let tool = tools.split(['.', ']']).nth(1).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenario_for_every_shipped_workflow_holds_as_it_is_written() {
        let suite = Suite::shipped();
        for workflow in suite.workflows() {
            let text = text(&suite, workflow).unwrap_or_else(|| panic!("none for {}", workflow.name));
            let scenario = Scenario::parse(&suite, "new/scenario", &text);
            let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
            let verdict = tried(&scenario).verdict();
            assert_eq!(verdict, CaseVerdict::Holds, "{}:\n{text}", workflow.name);
            assert!(!scenario.fault_kinds.is_empty(), "{} meets no fault:\n{text}", workflow.name);
        }
    }
}
