//! Histories of real teams: what was seen of a team at work, outside of any world.
//!
//! The file has JSON lines. The first names a scenario, which says what the user wants; each other line is
//! one thing that was seen: that the user gave a task, that an agent called a tool and what it was answered,
//! that an effect took place, that the user was told how a task ended. Effects are to be taken from the
//! records of the tools, not from the words of the agents: they are what the verdicts rest on.
//!
//! Only properties that read no more than that are judged. Of the others nothing is known, whatever is in the
//! file.

use crate::agent::{
    AgentEvent, Body, CallOutcome, Capability, Content, Definite, Headers, Indefinite, OpId, Operation,
    Report, TeamEvent, ToolCall, ToolEvent, ToolRequest, UserEvent, Wire,
};
use crate::clients::intents::fields_alike;
use crate::clients::{CallFailure, NotAHistory};
use crate::explore::Run;
use crate::properties::{EVENTUAL_TERMINATION, TeamHistory, Verdict};
use crate::scenario::{self, Case};
use crate::suite::Suite;
use crate::workflows::user::{USER, statements};
use crate::workflows::{Step, TaskPlan};
use perfidy_sim::{EventId, EventKind, Name, RunEnd, RunOutcome, SimSpan, SimTime, Words};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The version of the format.
const FORMAT: u32 = 1;

/// How many lines a file may have.
const MOST_LINES: usize = 1_000_000;

/// The agent of a line that names none.
const UNNAMED: &str = "team";

/// The properties that read no more than what such a file can say.
const JUDGED: &[&str] = &[
    EFFECTS_AS_WANTED,
    EVENTUAL_TERMINATION,
    "failures-surface",
    "no-duplicate-effects",
    "no-phantom-completion",
];
const EFFECTS_AS_WANTED: &str = "effects-as-wanted";

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Header {
    perfidy_observed: u32,
    /// Where the scenario is, from the folder of the file.
    scenario: String,
}

/// A line after the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// When, in milliseconds since any time.
    at_ms: u64,
    /// Which agent, where one took part.
    by: Option<String>,
    seen: Seen,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Seen {
    /// The user wants a task done.
    Given { task: String },
    /// An agent calls a tool.
    Called(Call),
    /// An agent is answered.
    Answered(Answered),
    /// A tool has the effect of a call on record.
    Effect(Call),
    /// The user is told how a task ended.
    Told { task: String, done: bool },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    tool: String,
    operation: String,
    task: Option<String>,
    step: Option<String>,
    arguments: Option<Map<String, Value>>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    tool: String,
    operation: String,
    task: Option<String>,
    step: Option<String>,
    arguments: Option<Map<String, Value>>,
    /// `done`, or what a service calls the error.
    outcome: String,
}

/// What was seen of a real team, judged.
pub struct Observed {
    /// The scenario.
    pub case: Case,
    /// The history that the lines make, and what the properties say of it.
    pub run: Run,
    /// How many lines there are.
    pub lines: usize,
}

impl Observed {
    /// Whether a property can be judged on what is seen of a real team.
    pub fn can_judge(property: &str) -> bool {
        JUDGED.contains(&property)
    }

    /// Whether the text is of this kind, right or wrong.
    pub fn is_one(text: &str) -> bool {
        text.lines().next().is_some_and(|line| line.contains("\"perfidy-observed\""))
    }

    /// Reads what was seen, and judges it. The scenario stands at its path from `folder`.
    ///
    /// # Errors
    /// [`NotAHistory`] with the line that cannot be understood.
    pub fn parse(suite: &Suite, text: &str, folder: &Path) -> Result<Self, NotAHistory> {
        let mut lines = text.lines();
        let header: Header = serde_json::from_str(lines.next().unwrap_or_default())
            .map_err(|error| NotAHistory(format!("line 1: {error}")))?;
        if header.perfidy_observed != FORMAT {
            let version = header.perfidy_observed;
            return Err(NotAHistory(format!(
                "this is version {version} of observed histories; this perfidy reads {FORMAT}"
            )));
        }
        let case = case(suite, &folder.join(&header.scenario))?;
        let mut seen = Vec::new();
        for (number, line) in (2..).zip(lines) {
            if number > MOST_LINES {
                return Err(NotAHistory(format!("an observed history has at most {MOST_LINES} lines")));
            }
            let line: Line =
                serde_json::from_str(line).map_err(|error| NotAHistory(format!("line {number}: {error}")))?;
            seen.push((number, line));
        }
        if seen.is_empty() {
            return Err(NotAHistory("nothing was seen: there is no line after the first".to_owned()));
        }
        // Records of several machines need not be in order.
        seen.sort_by_key(|(_, line)| line.at_ms);
        let (count, knows_arguments) = (seen.len(), seen.iter().all(|(_, line)| line.seen.knows_arguments()));
        let history = Teller::new(&case, &seen).history(seen)?;
        let ended = history.events().last().map_or(SimTime::ZERO, |event| event.at);
        let outcome = RunOutcome {
            history,
            stop: RunEnd::Finished,
            ended,
            injected: Vec::new(),
            pinned: Vec::new(),
            visited: Vec::new(),
            visited_early: Vec::new(),
            passes: Vec::new(),
            timeouts: Vec::new(),
            declared_waits: Vec::new(),
        };
        let mut run = Run::judged(&case, outcome);
        for (property, verdict) in &mut run.verdicts {
            if let Some(reason) = why_not_judged(property, verdict, knows_arguments) {
                *verdict = Verdict::Unknown { reason: reason.to_owned() };
            }
        }
        Ok(Self { case, run, lines: count })
    }
}

impl Seen {
    fn knows_arguments(&self) -> bool {
        !matches!(self, Self::Effect(Call { arguments: None, .. }))
    }
}

fn why_not_judged(property: &str, verdict: &Verdict, knows_arguments: bool) -> Option<&'static str> {
    match verdict {
        Verdict::Vacuous => None,
        _ if !Observed::can_judge(property) => Some("it reads more than what is seen of a real team"),
        _ if property == EFFECTS_AS_WANTED && !knows_arguments => {
            Some("an effect does not say with which arguments")
        }
        Verdict::Violated(_) if property == EVENTUAL_TERMINATION => {
            Some("the history ends before the user was told how each task ended")
        }
        _ => None,
    }
}

fn case(suite: &Suite, path: &Path) -> Result<Case, NotAHistory> {
    let scenarios = scenario::read_all(suite, &[path.to_owned()]).map_err(|bad| {
        let why: Vec<String> = bad.iter().map(ToString::to_string).collect();
        NotAHistory(format!("its scenario cannot be read:\n{}", why.join("\n")))
    })?;
    let [scenario] = &scenarios[..] else {
        return Err(NotAHistory(format!("{} is not one scenario", path.display())));
    };
    if !scenario.workflow.asks_for_effects() {
        let workflow = &scenario.workflow.name;
        return Err(NotAHistory(format!(
            "the tasks of the workflow `{workflow}` are not effects, each wanted once, and nothing else can be judged"
        )));
    }
    Ok(Case::as_written(scenario))
}

/// Makes events of lines.
struct Teller {
    plan: TaskPlan,
    /// The tasks that were given so far. What is given again is still one task.
    given: BTreeSet<Name>,
    history: TeamHistory,
    /// The last call or effect for an intent: what led to what comes next.
    last: BTreeMap<Name, EventId>,
    receipts: u64,
}

impl Teller {
    /// Of the steps of a scenario, for the tasks that were seen.
    fn new(case: &Case, seen: &[(usize, Line)]) -> Self {
        let mut known = BTreeSet::new();
        let given = seen.iter().filter_map(|(_, line)| match &line.seen {
            Seen::Given { task } => Some(Name::new(task)).filter(|task| known.insert(*task)),
            _ => None,
        });
        let plan = TaskPlan::of(given.collect(), case.team().plan.steps.clone());
        Self {
            plan,
            given: BTreeSet::new(),
            history: TeamHistory::default(),
            last: BTreeMap::new(),
            receipts: 0,
        }
    }

    fn history(mut self, seen: Vec<(usize, Line)>) -> Result<TeamHistory, NotAHistory> {
        let begun = seen.first().map_or(0, |(_, line)| line.at_ms);
        for (number, line) in seen {
            let at = SimTime::ZERO + SimSpan::from_millis(line.at_ms - begun);
            self.take_in(at, line).map_err(|why| NotAHistory(format!("line {number}: {why}")))?;
        }
        Ok(self.history)
    }

    fn take_in(&mut self, at: SimTime, line: Line) -> Result<(), String> {
        let by = Name::new(line.by.as_deref().unwrap_or(UNNAMED));
        match line.seen {
            Seen::Given { task } => {
                let task = Name::new(&task);
                if !self.given.insert(task) {
                    return Ok(());
                }
                for said in statements(&self.plan, task) {
                    self.add(at, Name::literal(USER), None, TeamEvent::User(said));
                }
            }
            Seen::Told { task, done } => {
                let report = Report::done_or_failed(self.task(&task)?, done);
                let informed = UserEvent::Informed { by, report };
                self.add(at, Name::literal(USER), None, TeamEvent::User(informed));
            }
            Seen::Called(call) => {
                let (operation, request, op) = self.request(at, by, &call)?;
                let Operation { tool, name, intent, .. } = operation;
                let called = AgentEvent::Called { tool, operation: name, intent, op, request };
                let id = self.add(at, by, None, TeamEvent::Agent(called));
                self.last.insert(intent, id);
            }
            Seen::Effect(call) => {
                let (Operation { tool, name, intent, .. }, request, op) = self.request(at, by, &call)?;
                self.receipts += 1;
                let receipt = self.receipts;
                let effect = ToolEvent::Effect { operation: name, intent, op, receipt, request };
                let id = self.add(at, tool, self.last.get(&intent).copied(), TeamEvent::Tool(effect));
                self.last.insert(intent, id);
            }
            Seen::Answered(Answered { tool, operation, task, step, arguments, outcome }) => {
                let call = Call { tool, operation, task, step, arguments, key: None };
                let Operation { tool, name: operation, intent, .. } = self.operation(&call)?;
                let (told, content) = (outcome_called(&outcome)?, Content::NOTHING);
                let answered = AgentEvent::Answered { tool, operation, intent, told, content };
                self.add(at, by, self.last.get(&intent).copied(), TeamEvent::Agent(answered));
            }
        }
        Ok(())
    }

    fn add(&mut self, at: SimTime, node: Name, cause: Option<EventId>, event: TeamEvent) -> EventId {
        self.history.append(at, (node, 0), cause, EventKind::App(event))
    }

    fn task(&self, name: &str) -> Result<Name, String> {
        let known = self.plan.tasks.iter().copied().find(|task| task.as_str() == name);
        known.ok_or_else(|| format!("no line says that the user has given a task `{name}`"))
    }

    fn request(&self, at: SimTime, by: Name, call: &Call) -> Result<(Operation, ToolRequest, OpId), String> {
        let operation = self.operation(call)?;
        let key = call.key.as_deref().map(OpId::of_text);
        let op = key.unwrap_or(OpId(0));
        let headers = Headers { idempotency_key: key, ..Headers::NONE };
        let capability = Capability::default();
        let wire = Wire::Call(Box::new(ToolCall { operation: operation.clone(), op, headers, capability }));
        Ok((operation, ToolRequest::new(by, at, Body::new(wire)), op))
    }

    /// The operation, for the one intent that it can be for.
    fn operation(&self, call: &Call) -> Result<Operation, String> {
        let (tool, name) = (Name::new(&call.tool), Name::new(&call.operation));
        let named = call.task.as_deref().map(|task| self.task(task)).transpose()?;
        let nothing = Map::new();
        let arguments = call.arguments.as_ref().unwrap_or(&nothing);
        let mut likely: Vec<(usize, Name)> = Vec::new();
        for task in self.plan.tasks.iter().filter(|task| named.is_none_or(|named| named == **task)) {
            for (number, step) in self.plan.steps.iter().enumerate() {
                if is_of(step, (tool, name), call.step.as_deref()) {
                    let alike = fields_alike(&step.arguments.of(*task).json(), arguments);
                    likely.push((alike, self.plan.intent(*task, number)));
                }
            }
        }
        let most = likely.iter().map(|(alike, _)| *alike).max().unwrap_or_default();
        likely.retain(|(alike, _)| *alike == most);
        let intent = match likely[..] {
            [(_, intent)] => intent,
            [] if call.step.is_some() => return Err(format!("no step of that name is {tool}.{name}")),
            [] => unasked(tool, name, call.arguments.as_ref()),
            [(_, one), (_, other), ..] => {
                return Err(format!(
                    "{tool}.{name} could be for {one} or for {other}: say which by `task`, `step` or `arguments`"
                ));
            }
        };
        let content =
            call.arguments.as_ref().map(|arguments| Content::of_json(Value::Object(arguments.clone())));
        Ok(Operation::new(tool, name, intent).with(content.unwrap_or(Content::NOTHING)))
    }
}

/// What an operation is for that no step asks for: with other arguments it is for something else.
fn unasked(tool: Name, name: Name, arguments: Option<&Map<String, Value>>) -> Name {
    let Some(arguments) = arguments else { return Name::new(&format!("unasked/{tool}-{name}")) };
    let digest = Words::digest(|words| {
        words.text(&Value::Object(arguments.clone()).to_string());
    });
    Name::new(&format!("unasked/{tool}-{name}-{:04x}", digest & 0xffff))
}

/// Whether an operation takes or undoes a step, and that is the named one if one is named.
fn is_of(step: &Step, operation: (Name, Name), named: Option<&str>) -> bool {
    step.calls().any(|call| call == operation) && named.is_none_or(|named| step.name.as_str() == named)
}

fn outcome_called(name: &str) -> Result<CallOutcome, String> {
    match name {
        "done" => Ok(CallOutcome::Done),
        "unknown" => Ok(CallOutcome::Unknown(Indefinite::Failed)),
        "failed" => Ok(CallOutcome::Not(Definite::Refused)),
        error => CallFailure::error_called(error).map(CallOutcome::from).ok_or_else(|| {
            format!("there is no outcome `{error}`; it is done, failed, unknown, timed-out, unavailable, ...")
        }),
    }
}

#[cfg(test)]
mod tests;
