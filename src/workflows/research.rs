//! Research: a synthesiser lets researchers answer the parts of a question, joins their findings, and
//! answers.
//!
//! ```text
//!   user --submit--> synthesiser --question--> researcher --read--> tool
//!                         ^----finding/not found--------'
//!   user <---report-------'
//! ```
//!
//! Every step of a task is one thing to find out. Nothing is changed, so every read can be repeated; only the
//! answer can be wrong. It must settle two questions: is an early finding still fresh enough (the safeguard
//! `snapshots`), and what if a part never comes (the safeguard `join`).

use crate::agent::{Agent, AnswerPart, Headers, Message, Purpose, ReadResult, Report};
use crate::protocols::{Agenda, Question, ResendTimer, SingleFlight, write_text};
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::join::Join;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::snapshots::Snapshots;
use crate::tools::Document;
use crate::workflows::user::{UserMessage, report_if};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime, Words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("research")
        .about("researchers read sources in parallel, and a synthesiser joins their results into one answer")
        .agent(SYNTHESISER, |agent, team| Synthesiser::new(agent, team).run())
        .agents(Role::new("researchers", "researcher", 1..=MOST_AGENTS, 3), research)
        .tasks_are_questions()
        .safeguards(&[
            "call-timeout",
            "event-log",
            "join",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "snapshots",
        ])
        .properties(&["bounded-staleness", "eventual-termination", "no-silent-partial"])
}

const SYNTHESISER: &str = "synthesiser";

/// How long the synthesiser waits for a finding before it asks again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// When a task is answered with the available findings, or given up.
const DEADLINE: SimSpan = SimSpan::from_secs(120);

/// Tokens the synthesiser reads for one answer, in addition to the findings.
const SYNTHESIS_TOKENS: u32 = 600;

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum ResearchMessage {
    Question { task: Name, step: usize },
    Finding { task: Name, step: usize, reading: ReadResult },
    NotFound { task: Name, step: usize },
}

impl Message for ResearchMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Question { .. } => "question",
            Self::Finding { .. } => "finding",
            Self::NotFound { .. } => "not found",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self {
            Self::Question { .. } => Purpose::Ask,
            Self::Finding { .. } => Purpose::Answer,
            Self::NotFound { .. } => Purpose::Failed,
        })
    }
}

/// The length of a reading in tokens.
fn tokens_of(reading: &ReadResult) -> u32 {
    reading.read::<Document>().map_or(0, |document| document.tokens())
}

/// The state of one task.
struct Inquiry {
    deadline: SimTime,
    /// How long to wait for a finding before a researcher is asked again.
    resend: SimSpan,
    findings: Vec<Option<ReadResult>>,
    asking: Vec<ResendTimer>,
    /// The steps without a finding, by when a researcher may be asked.
    missing: BTreeSet<(SimTime, usize)>,
    /// The other steps, by the time that their finding describes.
    found: BTreeSet<(SimTime, usize)>,
}

impl Inquiry {
    fn new(steps: usize, deadline: SimTime, resend: SimSpan) -> Self {
        let missing = (0..steps).map(|step| (SimTime::ZERO, step)).collect();
        let (findings, asking) = (vec![None; steps], vec![ResendTimer::default(); steps]);
        Self { deadline, resend, findings, asking, missing, found: BTreeSet::new() }
    }

    /// When a researcher may be asked for a step.
    fn due(&self, step: usize) -> SimTime {
        self.asking[step].due_at(self.resend).unwrap_or(SimTime::ZERO)
    }

    fn is_asked_for(&mut self, step: usize, now: SimTime) {
        let was_missing = self.missing.remove(&(self.due(step), step));
        self.asking[step].restart(now);
        if was_missing {
            self.missing.insert((self.due(step), step));
        }
    }

    fn is_found(&mut self, step: usize, reading: ReadResult) {
        let as_of = reading.as_of;
        match self.findings[step].replace(reading) {
            Some(known) => self.found.remove(&(known.as_of, step)),
            None => self.missing.remove(&(self.due(step), step)),
        };
        self.found.insert((as_of, step));
    }
}

/// Composes answers. It records nothing but what its model has answered, since everything can be found out
/// again: after a crash the user asks again, and it starts over.
struct Synthesiser {
    agent: Agent,
    team: TeamContext,
    answers: ModelAnswers,
    open: Lookup<Name, Inquiry>,
    closed: Lookup<Name, Closed>,
    agenda: Agenda<Name>,
    /// The deadlines of the open tasks.
    deadlines: BTreeSet<(SimTime, Name)>,
    /// The time of the oldest usable finding of each task.
    oldest: BTreeSet<(SimTime, Name)>,
    /// The latest time of the wall clock.
    wall: SimTime,
}

/// How a task ended.
struct Closed {
    report: Report,
    /// The time of the oldest reading in the answer.
    oldest: Option<SimTime>,
}

impl Synthesiser {
    fn new(agent: Agent, team: TeamContext) -> Self {
        Self {
            answers: ModelAnswers::recover(&agent),
            agent,
            team,
            open: Lookup::default(),
            closed: Lookup::default(),
            agenda: Agenda::default(),
            deadlines: BTreeSet::new(),
            oldest: BTreeSet::new(),
            wall: SimTime::ZERO,
        }
    }

    async fn run(mut self) {
        loop {
            while let Some(task) = self.next_task() {
                self.drive(task).await;
                self.look_again_at(task);
            }
            let wait = self.next_look().since(self.agent.monotonic());
            let Ok(mail) = self.agent.receive_within(wait, "a finding").await else { continue };
            if let Some(UserMessage::Submit { task, .. }) = mail.open() {
                self.on_submit(*task).await;
            } else if let Some(say) = mail.open::<ResearchMessage>() {
                self.on_say(say);
            }
        }
    }

    /// The next task to check: one with a new message, one whose time has come, or one with a finding that
    /// has just become too old.
    fn next_task(&mut self) -> Option<Name> {
        let wall = self.agent.now();
        if wall < std::mem::replace(&mut self.wall, wall) {
            // If the clock was set back, findings are younger than before.
            self.deadlines.iter().for_each(|(_, task)| self.agenda.add(*task));
        }
        let admits = self.admits_now();
        while let Some((as_of, task)) = self.oldest.first().copied()
            && !admits(as_of)
        {
            self.oldest.pop_first();
            self.agenda.add(task);
        }
        self.agenda.next(self.agent.monotonic())
    }

    /// Adds a task to the agenda for its next check if no message comes.
    fn look_again_at(&mut self, task: Name) {
        let Some(inquiry) = self.open.get(task) else { return };
        let admits = self.admits_now();
        let is_old = |found: &&(SimTime, usize)| !admits(found.0);
        let missing = inquiry.missing.first().map(|(due, _)| *due);
        let old = inquiry.found.iter().take_while(is_old).map(|(_, step)| inquiry.due(*step));
        let next = old.chain(missing).fold(inquiry.deadline, SimTime::min);
        self.agenda.add_at(next, task);
        if let Some((as_of, _)) = inquiry.found.iter().find(|found| !is_old(found)) {
            self.oldest.insert((*as_of, task));
        }
    }

    /// The next check if no message comes.
    fn next_look(&self) -> SimTime {
        let deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
        deadline.into_iter().fold(self.agent.monotonic() + RESEND, SimTime::min)
    }

    /// A predicate: whether a finding of a given time can be used now.
    fn admits_now(&self) -> impl Fn(SimTime) -> bool + use<> {
        let (snapshots, now) = (self.team.safeguards().get::<Snapshots>().copied(), self.agent.now());
        move |as_of| snapshots.is_none_or(|snapshots| snapshots.admits(as_of, now))
    }

    async fn on_submit(&mut self, task: Name) {
        if self.closed.contains(task) {
            let agent = self.agent.clone();
            if report_if(&agent, task, || self.closing_report(task)).await {
                return;
            }
        }
        if !self.open.contains(task) {
            let deadline = self.agent.monotonic() + DEADLINE;
            let resend = ResendOrders::of_or(self.team.safeguards(), RESEND);
            self.open.insert(task, Inquiry::new(self.team.plan.steps.len(), deadline, resend));
            self.deadlines.insert((deadline, task));
            self.agenda.add(task);
        }
    }

    fn on_say(&mut self, say: &ResearchMessage) {
        let (ResearchMessage::Finding { task, step, .. }
        | ResearchMessage::NotFound { task, step }
        | ResearchMessage::Question { task, step }) = *say;
        let Some(inquiry) = self.open.get_mut(task).filter(|_| self.team.plan.has_step(step)) else { return };
        match say {
            ResearchMessage::Finding { reading, .. } => {
                // Messages can overtake each other: with versions, an older finding does not replace a newer
                // one.
                let known =
                    inquiry.findings[step].as_ref().filter(|_| self.team.safeguards().has::<Snapshots>());
                if known.is_none_or(|known| known.as_of < reading.as_of) {
                    inquiry.is_found(step, reading.clone());
                }
                self.agent.withdraw_wait(self.team.plan.intent(task, step));
            }
            // A researcher that has just failed is not asked again for a while.
            ResearchMessage::NotFound { .. } => inquiry.is_asked_for(step, self.agent.monotonic()),
            ResearchMessage::Question { .. } => {}
        }
        self.agenda.add(task);
    }

    /// The findings of a task that can be used now.
    fn usable(&self, task: Name) -> Vec<Option<ReadResult>> {
        let findings = self.open.get(task).map_or(&[][..], |inquiry| &inquiry.findings);
        let admits = self.admits_now();
        findings.iter().map(|finding| finding.clone().filter(|reading| admits(reading.as_of))).collect()
    }

    /// Asks for missing findings, and answers when none is missing, or when the time is over.
    async fn drive(&mut self, task: Name) {
        let Some(inquiry) = self.open.get(task) else { return };
        let admits = self.admits_now();
        let old = inquiry.found.iter().take_while(|(as_of, _)| !admits(*as_of));
        let old: Vec<usize> = old.map(|(_, step)| *step).collect();
        let is_whole = inquiry.missing.is_empty() && old.is_empty();
        if is_whole || self.agent.monotonic() >= inquiry.deadline {
            self.conclude(task).await;
            return self.agenda.add(task);
        }
        let mut last = None;
        let mut due_at = None;
        let mut due = BTreeSet::new();
        loop {
            let now = self.agent.monotonic();
            if due_at.replace(now) != Some(now) {
                due = self.due(task, &old, now);
            }
            let Some(step) = due.pop_first() else { return };
            if last.is_none_or(|last| step > last) {
                self.ask(task, step).await;
                last = Some(step);
            }
        }
    }

    /// The steps of a task to ask a researcher for now: those without a finding, and those with one that is
    /// too old.
    fn due(&self, task: Name, old: &[usize], now: SimTime) -> BTreeSet<usize> {
        let Some(inquiry) = self.open.get(task) else { return BTreeSet::new() };
        let missing = inquiry.missing.iter().take_while(|(due, _)| *due <= now).map(|(_, step)| *step);
        missing.chain(old.iter().copied().filter(|step| inquiry.due(*step) <= now)).collect()
    }

    /// Asks a researcher.
    async fn ask(&mut self, task: Name, step: usize) {
        let (now, intent) = (self.agent.monotonic(), self.team.plan.intent(task, step));
        let Some(inquiry) = self.open.get_mut(task) else { return };
        inquiry.is_asked_for(step, now);
        let researcher = self.team.workers[step % self.team.workers.len()];
        self.agent.before("ask", intent).await;
        self.agent.declare_wait(researcher, "a finding", intent);
        self.agent.send(researcher, intent, ResearchMessage::Question { task, step });
    }

    /// Composes an answer from the usable findings, or gives up if they are not enough.
    async fn conclude(&mut self, task: Name) {
        self.agent.before("answer", task).await;
        let tokens: u32 = self.usable(task).iter().flatten().map(tokens_of).sum();
        let question = Question::new("Put an answer together from these findings.", task);
        let prompt = question.prompt(SYNTHESIS_TOKENS + tokens);
        let write = async || write_text(&self.agent, task, &prompt, 1).await;
        // Other findings are another question.
        let findings = Words::digest(|words| {
            for reading in self.usable(task).iter().flatten() {
                words.hash(&reading.content);
            }
        });
        let question = (task, findings);
        self.answers.complete(&self.agent, self.team.safeguards(), question, write).await;
        // Each of these takes its time: the answer rests on what is fit to be used when the report leaves.
        let agent = self.agent.clone();
        report_if(&agent, task, || {
            self.close(task);
            self.closing_report(task)
        })
        .await;
    }

    /// Ends a task, unless there is still time for missing findings.
    fn close(&mut self, task: Name) {
        let usable = self.usable(task);
        let (asked, there) = (usable.len(), usable.iter().flatten().count());
        let is_late = self.open.get(task).is_none_or(|inquiry| self.agent.monotonic() >= inquiry.deadline);
        if there < asked && !is_late {
            return;
        }
        let join = self.team.safeguards().get::<Join>();
        let answers = join.map_or(there > 0, |join| join.is_enough(there, asked));
        let flags_missing = join.is_some();
        let mut answer = Vec::new();
        for (step, finding) in usable.iter().enumerate() {
            let intent = self.team.plan.intent(task, step);
            self.agent.withdraw_wait(intent);
            let content = finding.as_ref().map(|reading| reading.content.clone());
            if answers && (content.is_some() || flags_missing) {
                answer.push(AnswerPart { intent, content });
            }
        }
        let report = Report { answer: answer.into(), ..Report::done_or_failed(task, answers) };
        let oldest = usable.iter().flatten().filter(|_| answers).map(|reading| reading.as_of).min();
        if let Some(inquiry) = self.open.remove(task) {
            self.deadlines.remove(&(inquiry.deadline, task));
        }
        self.closed.insert(task, Closed { report, oldest });
    }

    /// The report of a closed task. If its answer uses a finding that is too old by now, the task is reopened
    /// and must be found out again.
    fn closing_report(&mut self, task: Name) -> Option<Report> {
        let Closed { report, oldest } = self.closed.get(task)?;
        if oldest.is_some_and(|oldest| !self.admits_now()(oldest)) {
            self.closed.remove(task);
            return None;
        }
        Some(report.clone())
    }
}

/// A researcher: reads what it is asked for, several steps at a time, each only once at a time.
async fn research(agent: Agent, team: TeamContext) {
    let policy = ReadPolicy::of(team.safeguards());
    let (readings, answers) = (SingleFlight::default(), ModelAnswers::recover(&agent));
    loop {
        let mail = agent.receive().await;
        let Some(ResearchMessage::Question { task, step }) = mail.open().cloned() else { continue };
        if !team.plan.has_step(step) {
            continue;
        }
        let (researcher, policy, synthesiser) = (agent.clone(), policy.clone(), mail.from());
        let (answers, safeguards) = (answers.clone(), team.safeguards().clone());
        let query = team.plan.operation_of(task, step);
        readings.start(&agent, (task, step), async move {
            let say = match read_with_retry(&researcher, &policy, &query).await {
                Ok(reading) => {
                    let question = Question::new("Say what this means for the question.", query.intent);
                    let prompt = question.knowing(reading.content.clone()).prompt(tokens_of(&reading));
                    let write = async || write_text(&researcher, query.intent, &prompt, 1).await;
                    // Other contents are another question.
                    let content = Words::digest(|words| words.hash(&reading.content));
                    let question = (query.intent, content);
                    answers.complete(&researcher, &safeguards, question, write).await;
                    ResearchMessage::Finding { task, step, reading }
                }
                Err(_) => ResearchMessage::NotFound { task, step },
            };
            researcher.send(synthesiser, query.intent, say);
        });
    }
}
