//! Research: a synthesiser has researchers look into the parts of a question, joins what they find, and answers.
//!
//! ```text
//!   user --submit--> synthesiser --look into--> researcher --read--> tool
//!                         ^----found/nothing--------'
//!   user <---report-------'
//! ```
//!
//! Every step of a task is one thing to find out. Nothing is changed anywhere, so everything can be asked again; what can
//! go wrong is the answer. Two questions have to be settled when it is put together: is what was found first still
//! true (the safeguard `snapshots`), and what if a part of it never comes (the safeguard `join`).

use crate::agent::{Agent, Agents, AnswerPart, Message, Reading, Report, Request};
use crate::safeguards::inquire::inquire;
use crate::safeguards::join::Join;
use crate::safeguards::snapshots::Snapshots;
use crate::scenario::Case;
use crate::workflows::user::{USER, UserSay, inquirer};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Name, SimSpan, SimTime, World};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The workflow, for the list.
pub const WORKFLOW: Workflow = Workflow {
    name: "research",
    about: "a synthesiser joins into one answer what researchers read from their sources",
    roles: &[Role { group: "researchers", member: "researcher", count: 1..=MOST_AGENTS, default: 3 }],
    singles: &[SYNTHESISER],
    safeguards: &["join", "retry", "snapshots"],
    crash_points: &["answer", "ask", "read", "report"],
    sends: &[
        (USER, &["submit"]),
        (SYNTHESISER, &["look into", "report"]),
        ("researcher", &["found", "nothing"]),
    ],
    moments: &[],
    requests: &[Request::Read],
    keeps_journals: false,
    properties: &["bounded-staleness", "eventual-termination", "no-silent-partial"],
    assemble,
};

const SYNTHESISER: &str = "synthesiser";

/// How long the synthesiser waits for a finding before it asks again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// When a task is answered with what is there, or given up.
const DEADLINE: SimSpan = SimSpan::from_secs(120);

/// Tokens the synthesiser reads for one answer, beside the findings.
const SYNTHESIS_TOKENS: u32 = 600;

#[derive(Clone, Hash, Debug)]
enum Say {
    LookInto { task: Name, step: usize },
    Found { task: Name, step: usize, reading: Reading },
    Nothing { task: Name, step: usize },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::LookInto { .. } => "look into",
            Self::Found { .. } => "found",
            Self::Nothing { .. } => "nothing",
        }
    }
}

fn assemble(case: &Case, world: &mut World<Agents>) {
    let briefing = Briefing::new(case, Some("researchers"));
    let mut hire = |name: &'static str, run| briefing.hire(world, Name::literal(name), run);
    hire(USER, |agent, briefing| Box::pin(inquirer(agent, briefing, &[SYNTHESISER])));
    hire(SYNTHESISER, |agent, briefing| Box::pin(Synthesiser::new(agent, briefing).run()));
    for researcher in briefing.doers.iter() {
        hire(researcher.as_str(), |agent, briefing| Box::pin(research(agent, briefing)));
    }
}

/// One task at work.
struct Inquiry {
    deadline: SimTime,
    findings: Vec<Option<Reading>>,
    asked_at: Vec<Option<SimTime>>,
}

/// Puts answers together. What it knows it can find out again, so it writes nothing down: after a crash the user asks
/// again, and it begins anew.
struct Synthesiser {
    agent: Agent,
    briefing: Briefing,
    open: BTreeMap<Name, Inquiry>,
    closed: BTreeMap<Name, Closed>,
}

/// How a task ended.
struct Closed {
    report: Report,
    /// Of when the oldest reading is that the answer rests on.
    oldest: Option<SimTime>,
}

impl Synthesiser {
    fn new(agent: Agent, briefing: Briefing) -> Self {
        Self { agent, briefing, open: BTreeMap::new(), closed: BTreeMap::new() }
    }

    async fn run(mut self) {
        loop {
            let open: Vec<Name> = self.open.keys().copied().collect();
            for task in open {
                self.drive(task).await;
            }
            let wait = self.next_look().since(self.agent.monotonic());
            let Ok(mail) = self.agent.receive_within(wait, "findings").await else { continue };
            if let Some(UserSay::Submit { task, .. }) = mail.open() {
                self.on_submit(*task).await;
            } else if let Some(say) = mail.open::<Say>() {
                self.on_say(say);
            }
        }
    }

    /// When there will be something to do even if no message comes.
    fn next_look(&self) -> SimTime {
        let deadlines = self.open.values().map(|inquiry| inquiry.deadline);
        deadlines.fold(self.agent.monotonic() + RESEND, SimTime::min)
    }

    async fn on_submit(&mut self, task: Name) {
        if self.closed.contains_key(&task) {
            self.agent.before("report", task).await;
            if self.report_again(task) {
                return;
            }
        }
        let steps = self.briefing.plan.steps.len();
        let deadline = self.agent.monotonic() + DEADLINE;
        self.open.entry(task).or_insert_with(|| Inquiry {
            deadline,
            findings: vec![None; steps],
            asked_at: vec![None; steps],
        });
    }

    fn on_say(&mut self, say: &Say) {
        let (Say::Found { task, step, .. } | Say::Nothing { task, step } | Say::LookInto { task, step }) =
            *say;
        let Some(inquiry) = self.open.get_mut(&task) else { return };
        match *say {
            Say::Found { reading, .. } => {
                // Messages overtake each other: with versions, older news does not replace newer.
                let known = inquiry.findings[step].filter(|_| self.briefing.safeguards().has::<Snapshots>());
                if known.is_none_or(|known| known.as_of < reading.as_of) {
                    inquiry.findings[step] = Some(reading);
                }
                self.agent.expect_no_more(self.briefing.plan.intent(task, step));
            }
            // Whoever has just tried in vain is left alone for a while.
            Say::Nothing { .. } => inquiry.asked_at[step] = Some(self.agent.monotonic()),
            Say::LookInto { .. } => {}
        }
    }

    /// The findings of a task that can be used now.
    fn usable(&self, task: Name) -> Vec<Option<Reading>> {
        let findings = self.open.get(&task).map_or(&[][..], |inquiry| &inquiry.findings);
        findings.iter().map(|finding| finding.filter(|reading| self.admits(reading.as_of))).collect()
    }

    /// Whether what was true at a time is recent enough to be told now.
    fn admits(&self, as_of: SimTime) -> bool {
        let snapshots = self.briefing.safeguards().get::<Snapshots>();
        snapshots.is_none_or(|snapshots| snapshots.admits(as_of, self.agent.now()))
    }

    /// Asks for what is missing, and answers when nothing is, or when the time is over.
    async fn drive(&mut self, task: Name) {
        let usable = self.usable(task);
        let Some(deadline) = self.open.get(&task).map(|inquiry| inquiry.deadline) else { return };
        if usable.iter().all(Option::is_some) || self.agent.monotonic() >= deadline {
            return self.conclude(task).await;
        }
        for step in (0..usable.len()).filter(|step| usable[*step].is_none()) {
            self.ask(task, step).await;
        }
    }

    /// Sends a researcher out, unless one has been sent not long ago.
    async fn ask(&mut self, task: Name, step: usize) {
        let (now, intent) = (self.agent.monotonic(), self.briefing.plan.intent(task, step));
        let Some(asked_at) = self.open.get_mut(&task).map(|inquiry| &mut inquiry.asked_at[step]) else {
            return;
        };
        if asked_at.is_some_and(|asked| now < asked + RESEND) {
            return;
        }
        *asked_at = Some(now);
        let researcher = self.briefing.doers[step % self.briefing.doers.len()];
        self.agent.before("ask", intent).await;
        self.agent.expect(researcher, "a finding", intent);
        self.agent.send(researcher, intent, Say::LookInto { task, step });
    }

    /// Puts an answer together from what can be used, or gives up if that is not enough.
    async fn conclude(&mut self, task: Name) {
        self.agent.before("answer", task).await;
        let tokens: u32 = self.usable(task).iter().flatten().map(|reading| reading.tokens).sum();
        self.agent.think(task, SYNTHESIS_TOKENS + tokens, 1).await;
        self.agent.before("report", task).await;
        // Each of these takes its time: what is used is what is fit to be used now, as the report leaves.
        let usable = self.usable(task);
        let (asked, there) = (usable.len(), usable.iter().flatten().count());
        let is_late = self.open.get(&task).is_none_or(|inquiry| self.agent.monotonic() >= inquiry.deadline);
        if there < asked && !is_late {
            return;
        }
        let join = self.briefing.safeguards().get::<Join>();
        let answers = join.map_or(there > 0, |join| join.is_enough(there, asked));
        let flags_missing = join.is_some();
        let mut answer = Vec::new();
        for (step, finding) in usable.iter().enumerate() {
            let intent = self.briefing.plan.intent(task, step);
            self.agent.expect_no_more(intent);
            let content = finding.map(|reading| reading.content);
            if answers && (content.is_some() || flags_missing) {
                answer.push(AnswerPart { intent, content });
            }
        }
        let report = Report { answer: answer.into(), ..Report::done_or_failed(task, answers) };
        let oldest = usable.iter().flatten().filter(|_| answers).map(|reading| reading.as_of).min();
        self.open.remove(&task);
        self.closed.insert(task, Closed { report, oldest });
        self.report_again(task);
    }

    /// Reports how a task ended; false if its answer rests on what is too old by now and has to be found out anew.
    fn report_again(&mut self, task: Name) -> bool {
        let Some(Closed { report, oldest }) = self.closed.get(&task) else { return false };
        if oldest.is_some_and(|oldest| !self.admits(oldest)) {
            self.closed.remove(&task);
            return false;
        }
        self.agent.send(Name::literal(USER), task, UserSay::Report(report.clone()));
        true
    }
}

/// Reads what it is asked to look into, several things at a time, each once at a time.
async fn research(agent: Agent, briefing: Briefing) {
    let at_work = Rc::new(RefCell::new(BTreeSet::new()));
    loop {
        let mail = agent.receive().await;
        let Some(Say::LookInto { task, step }) = mail.open().cloned() else { continue };
        if !at_work.borrow_mut().insert((task, step)) {
            continue;
        }
        let (synthesiser, at_work) = (mail.from(), Rc::clone(&at_work));
        let (researcher, briefing) = (agent.clone(), briefing.clone());
        agent.spawn(async move {
            let query = briefing.plan.query(task, step);
            let say = match inquire(&researcher, briefing.safeguards(), query).await {
                Ok(reading) => {
                    researcher.think(query.intent, reading.tokens, 1).await;
                    Say::Found { task, step, reading }
                }
                Err(_) => Say::Nothing { task, step },
            };
            at_work.borrow_mut().remove(&(task, step));
            researcher.send(synthesiser, query.intent, say);
        });
    }
}
