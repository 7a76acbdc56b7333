//! `perfidy new scenario`: a commented scenario for a workflow, which can be run as it is.
//!
//! It is put together from what the suite says of itself, and tried: a safeguard or fault that the workflow
//! does not take is left out, and of several kinds of [work](super::work) the first one is taken with which
//! the scenario holds. What breaks without any fault is no fault's doing, and is said.

use super::draft::Draft;
use super::work::candidates;
use super::write_new;
use crate::cli::{Status, print, print_error, warn};
use crate::config::nearest;
use crate::inert;
use crate::schema;
use crate::suite::Suite;
use crate::workflows::Workflow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// The workflow that it runs; `perfidy list workflows` shows them
    #[arg(long)]
    workflow: String,
    /// Where it is written [default: first.toml in the folder of the workflow's scenarios]
    file: Option<PathBuf>,
}

pub fn write(suite: &Suite, arguments: &Arguments) -> Status {
    let Some(workflow) = suite.find_workflow(&arguments.workflow) else {
        let known: Vec<&str> = suite.workflows().map(|workflow| workflow.name).collect();
        let near = nearest(&arguments.workflow, &known).map_or_else(
            || format!("`{} list workflows` shows what there is{}", suite.command(), suite.elsewhere()),
            |near| format!("did you mean `{near}`?"),
        );
        print_error(format!("there is no workflow `{}`; {near}", inert::line(&arguments.workflow)));
        return Status::BadInput;
    };
    let usual = || suite.folder("scenarios").join(workflow.name).join("first.toml");
    let file = arguments.file.clone().unwrap_or_else(usual);
    let Some(Written { mut text, breaks }) = text(suite, workflow, &suite.folder("scenarios")) else {
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
            if let Some(breaks) = breaks {
                warn(format!(
                    "it breaks without any fault: {breaks}; change its steps and tools to what the agents of \
                     `{}` are for",
                    workflow.name
                ));
            }
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

/// A scenario that was put together.
pub(super) struct Written {
    pub text: String,
    /// What breaks or cannot be judged without any fault, if something does.
    pub breaks: Option<String>,
}

/// A scenario for a workflow: one that holds if there is one, otherwise one that can be read. `folder` has
/// the scenarios that there are.
pub(super) fn text(suite: &Suite, workflow: &Workflow, folder: &Path) -> Option<Written> {
    let mut readable = None;
    for work in candidates(suite, workflow.name, folder) {
        let Some(draft) = Draft::new(suite, workflow, &work).readable(suite) else { continue };
        // What breaks anyway says nothing of the faults.
        if let Some(breaks) = draft.breaks_without_faults(suite) {
            readable.get_or_insert_with(|| Written { text: draft.written(), breaks: Some(breaks) });
            continue;
        }
        let draft = draft.with_faults_that_hold(suite);
        let written = Written { text: draft.written(), breaks: None };
        if draft.holds(suite) {
            return Some(written);
        }
        if readable.as_ref().is_none_or(|known| known.breaks.is_some()) {
            readable = Some(written);
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Agent;
    use crate::cli::new::draft::{COLUMNS, TRIED, tried};
    use crate::cli::new::start;
    use crate::explore::CaseVerdict;
    use crate::scenario::Scenario;
    use std::fs;

    fn written_for(suite: &Suite, workflow: &Workflow, folder: &Path) -> String {
        let written = text(suite, workflow, folder);
        let Written { text, breaks } = written.unwrap_or_else(|| panic!("none for {}", workflow.name));
        assert_eq!(breaks, None, "{}:\n{text}", workflow.name);
        let scenario = Scenario::parse(suite, "new/scenario", &text);
        let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
        let verdict = tried(&scenario, TRIED).verdict();
        assert_eq!(verdict, CaseVerdict::Holds, "{}:\n{text}", workflow.name);
        assert!(!scenario.fault_kinds.is_empty(), "{} meets no fault:\n{text}", workflow.name);
        text
    }

    #[test]
    fn the_scenario_for_every_shipped_workflow_holds_as_it_is_written() {
        let (suite, nothing) = (Suite::shipped(), tempfile::tempdir().expect("a folder"));
        for workflow in suite.workflows() {
            let text = written_for(&suite, workflow, nothing.path());
            for line in text.lines().filter(|line| line.contains("# ")) {
                assert!(line.chars().count() <= COLUMNS, "{line}");
            }
        }
    }

    #[test]
    fn the_scenario_for_a_workflow_of_a_crate_does_what_its_other_scenarios_do() {
        let (suite, folder) = (start::suite(), tempfile::tempdir().expect("a folder"));
        fs::write(folder.path().join("lost-ack.toml"), include_str!("start/lost-ack.toml")).expect("written");
        let workflow = suite.find_workflow("branch").expect("it is there");
        let text = written_for(&suite, workflow, folder.path());
        for line in ["tool = \"bank.transfer\"", "args = { from = \"alice\", to = \"bob\", amount = 5 }"] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("ticketing"), "{text}");
        assert!(text.contains("\nack-lost = { at = \"bank\", chance = \"5%\" }"), "{text}");
    }

    #[test]
    fn the_scenario_for_a_workflow_without_any_other_asks_a_tool_of_the_crate() {
        let (suite, nothing) = (start::suite(), tempfile::tempdir().expect("a folder"));
        let workflow = suite.find_workflow("branch").expect("it is there");
        let text = written_for(&suite, workflow, nothing.path());
        assert!(text.contains("tool = \"bank.") && text.contains("args = { "), "{text}");
        assert!(!text.contains("ticketing"), "{text}");
    }

    #[test]
    fn what_breaks_without_any_fault_blames_none() {
        let idle = Workflow::new("idle").agent("idler", |agent: Agent| async move {
            loop {
                agent.receive().await;
            }
        });
        let (suite, nothing) = (Suite::shipped().workflow(idle), tempfile::tempdir().expect("a folder"));
        let workflow = suite.find_workflow("idle").expect("it is there");
        let Written { text, breaks } = text(&suite, workflow, nothing.path()).expect("it can be read");
        assert!(breaks.expect("no task ends").starts_with("eventual-termination ("), "{text}");
        assert!(!text.contains("left out"), "{text}");
    }
}
