//! The quick start: one workflow and one scenario, checked within an ordinary test.

use super::judge::{AsWritten, Failing, judge, judge_failure, watchdog};
use super::seeds::Seeds;
use crate::explore::{Corpus, Failure, Run, SavedSeed, Watchdog};
use crate::scenario::{self, Case, Scenario};
use crate::suite::Suite;
use crate::workflows::Workflow;
use perfidy_sim::{Engine, Plan};
use std::path::PathBuf;

/// How many seeds the scenario as written gets if nothing is said.
const SEEDS: u64 = 300;

/// A workflow and a scenario to be checked; see [`check`].
#[must_use = "a check runs when it is asserted"]
pub struct Check {
    suite: Suite,
    name: String,
    text: String,
    seeds: u64,
    corpus: Option<PathBuf>,
}

/// Checks a workflow in a scenario, which is the text of a scenario file or a
/// [`ScenarioBuilder`](crate::scenario::ScenarioBuilder): as written every property holds, and in each
/// `[[without]]` case the named property breaks.
///
/// A failure is shrunk, saved under `seeds/` of the crate, and told with the command that runs this test
/// again, which replays what is saved first. Nothing else is needed: no files and no flags.
///
/// ```
/// use perfidy::prelude::*;
///
/// // A clerk that does what it is asked with its one tool, and asks again until the answer is clear.
/// async fn clerk(agent: Agent, team: TeamContext) {
///     loop {
///         let message = agent.receive().await;
///         let Some(UserMessage::Submit { task, ops }) = message.open().cloned() else { continue };
///         let call = ToolCall::keyed(team.plan.operation_of(task, 0), ops[0]);
///         while agent.call(call.clone(), SimSpan::from_secs(5)).await.is_err() {
///             agent.sleep(SimSpan::from_secs(1)).await;
///         }
///         agent.send(message.from(), task, UserMessage::Report(Report::of(task, Outcome::Done)));
///     }
/// }
///
/// let helpdesk = Workflow::new("helpdesk").agent("clerk", clerk);
/// perfidy::check(helpdesk, r#"
///     ## A lost acknowledgement must not file the ticket twice.
///     workflow = "helpdesk"
///     [[step]]
///     name = "file-ticket"
///     tool = "ticketing.create"
///     [safeguards]
///     tool-dedupe = true
///     [tools.ticketing]
///     deduplicates = true
///     [faults]
///     ack-lost = { at = "ticketing", chance = "20%" }
///     [[without]]
///     safeguards = ["tool-dedupe"]
///     violates = "no-duplicate-effects"
/// "#)
/// .seeds(100)
/// .assert();
/// ```
pub fn check(workflow: Workflow, scenario: impl Into<String>) -> Check {
    let suite = Suite::of_a_check();
    let name = format!("{}/check", workflow.name);
    let suite = match suite.find_workflow(workflow.name) {
        Some(_) => suite.replacing_workflow(workflow),
        None => suite.workflow(workflow),
    };
    let text = unindented(&scenario.into());
    Check { suite, name, text, seeds: SEEDS, corpus: None }
}

impl Check {
    /// In a suite that has more: tools, properties, safeguards and faults of your own.
    ///
    /// ```
    /// # use perfidy::prelude::*;
    /// # fn team() -> Workflow { perfidy::workflows::conductor::workflow() }
    /// # let text = "";
    /// let check = perfidy::check(team(), text)
    ///     .with(|suite| suite.property("few-events", |history| history.events().len() < 10_000));
    /// ```
    pub fn with(self, extend: impl FnOnce(Suite) -> Suite) -> Self {
        Self { suite: extend(self.suite), ..self }
    }

    /// Under this name: what is saved has it, and is replayed by the check of that name. It is a path such
    /// as `helpdesk/lost-ack`; otherwise it is `check` in a folder that is called as the workflow.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// With so many seeds for the scenario as written; 300 if nothing is said. A `[[without]]` case gets as
    /// many as it allows.
    pub fn seeds(self, seeds: u64) -> Self {
        Self { seeds, ..self }
    }

    /// On this engine.
    pub fn engine(self, engine: Engine) -> Self {
        Self { suite: self.suite.engine(engine), ..self }
    }

    /// With failures saved below this folder, in the place of `seeds/` of the crate.
    pub fn saving_to(self, folder: impl Into<PathBuf>) -> Self {
        Self { corpus: Some(folder.into()), ..self }
    }

    /// Runs the check.
    ///
    /// # Panics
    /// If the scenario cannot be read, a saved failure breaks again, a property breaks that should hold, or
    /// a `[[without]]` case is not caught; with the whole story.
    pub fn assert(self) {
        if let Err(story) = self.run() {
            panic!("{}\n", story.trim_end());
        }
    }

    /// The same as a result.
    ///
    /// # Errors
    /// The whole story.
    pub fn run(&self) -> Result<(), String> {
        self.run_under(watchdog())
    }

    /// Runs the check under a watchdog, which also watches the runs that reading the scenario takes.
    fn run_under(&self, watchdog: Watchdog) -> Result<(), String> {
        let seeds = Seeds::from_environment(self.seeds)?;
        self.suite.usual_engine().available().map_err(|missing| missing.to_string())?;
        let suite = self.suite.clone().watched_by(watchdog);
        let scenario =
            Scenario::parse(&suite, &self.name, &self.text).map_err(|problems| problems.to_string())?;
        let corpus = Corpus::new(self.corpus.clone().unwrap_or_else(|| suite.folder("seeds")));
        let told = |Failing { story, .. }: Failing| story;
        self.replay(&corpus, &Case::as_written(&scenario))?;
        let as_written = AsWritten::new(&scenario, suite.usual_engine(), seeds);
        for case in Case::all(&scenario) {
            judge(&as_written.run(&case), seeds, &corpus).map_err(told)?;
        }
        Ok(())
    }

    /// Replays what this check has saved before: it fails if the scenario of today still breaks by the same
    /// faults.
    fn replay(&self, corpus: &Corpus, case: &Case) -> Result<(), String> {
        let suite = &case.scenario.suite;
        let files = corpus.files();
        let files = files.map_err(|error| format!("cannot read {}: {error}", corpus.root().display()))?;
        for file in files {
            let Ok(text) = scenario::read_text(&file) else { continue };
            let saved = SavedSeed::parse(&file.display().to_string(), &text);
            if saved.is_ok_and(|saved| saved.case.scenario == self.name) {
                let failure = Failure::read(suite, &file).map_err(|bad| bad.to_string())?;
                let SavedSeed { engine, seed, ref property, ref faults, .. } = failure.saved;
                let plan = Plan::Explicit(faults.as_slice().into());
                let run = suite.watchdog().watch(case, seed, || Run::planned(case, engine, seed, &plan));
                let breaks = run.violation(property).is_some();
                if let (true, Err(Failing { story, .. })) = (breaks, judge_failure(&file, &failure)) {
                    return Err(story);
                }
            }
        }
        Ok(())
    }
}

/// A text without the blank lines around it and without the blanks that all of its lines begin with: as it
/// would stand in a file.
fn unindented(text: &str) -> String {
    let lines: Vec<&str> = text.lines().skip_while(|line| line.trim().is_empty()).collect();
    let indent = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or_default();
    let lines: Vec<&str> = lines.iter().map(|line| line.get(common..).unwrap_or_default()).collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Agent, Outcome, Report};
    use crate::workflows::user::UserMessage;
    use perfidy_sim::Name;
    use std::sync::{Arc, Mutex};

    /// The agent itself asks the watchdog, at each start, which work has taken longer than no time at all.
    #[test]
    fn a_check_is_watched_while_it_reads_its_scenario_and_while_it_runs() {
        let (watchdog, overdue) = (Watchdog::new(), Arc::new(Mutex::new(Vec::new())));
        let asked = (watchdog.clone(), Arc::clone(&overdue));
        let clerk = move |agent: Agent| {
            let (watchdog, overdue) = asked.clone();
            async move {
                overdue.lock().expect("a test").extend(watchdog.tick(0));
                loop {
                    let message = agent.receive().await;
                    let report = Report::of(message.about(), Outcome::Failed);
                    agent.send(message.from(), message.about(), UserMessage::Report(report));
                }
            }
        };
        let text = "
            # A report is lost.
            workflow = \"office\"
            [[step]]
            name = \"stamp\"
            tool = \"desk.stamp\"
            [tools.desk]
            [faults]
            drop = { message = \"report\", chance = \"5%\" }
        ";
        let folder = tempfile::tempdir().expect("a folder");
        let check = check(Workflow::new("office").agent("clerk", clerk), text);
        let _ = check.seeds(1).saving_to(folder.path()).run_under(watchdog);
        let overdue = overdue.lock().expect("a test");
        let named: Vec<_> = overdue.iter().map(|overdue| (overdue.work.as_str(), overdue.agent)).collect();
        let clerk = Some(Name::new("clerk"));
        assert_eq!(named.first(), Some(&("office/check, read by running its agents", clerk)), "{named:?}");
        assert!(named.contains(&("office/check, as written, seed 0", None)), "{named:?}");
    }

    #[test]
    fn a_scenario_within_code_reads_as_it_would_stand_in_a_file() {
        assert_eq!(unindented("\n    # A.\n\n      b = 1\n    c = 2\n    "), "# A.\n\n  b = 1\nc = 2\n");
        assert_eq!(unindented("# A.\nb = 1"), "# A.\nb = 1\n");
    }
}
