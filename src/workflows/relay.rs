//! Relay: work passes along a chain, and whoever stands at its end acts on what reaches them.
//!
//! ```text
//!   user --submit--> lead --pass on--> link-1 --pass on--> link-2 --pass on--> actor --call--> tool
//!                     ^  <-------------------may I?--------------------------'  |
//!                     '-----------------------done/failed-----------------------'
//!                         everybody <--file, fetch--> archivist
//! ```
//!
//! The lead asks its model for a brief of each step, each link makes its own piece of work from what it gets
//! and passes it on, and the actor carries out what the last one made of it. A lead that hears nothing asks
//! again, and its model then writes another brief: a newer *version* of the step. The output of an older one
//! may still be on its way.
//!
//! A piece of work travels as a summary, which is what a model says of it, and (with `cite-artifacts`) as a
//! reference to the piece itself, which the archivist keeps.

use crate::agent::{
    Agenda, Agent, Agents, Artifact, ArtifactId, Headers, Message, OpId, Purpose, Request, Version,
};
use crate::faults::model::{ANSWER, SUMMARY};
use crate::safeguards::cite_artifacts::{self, CiteArtifacts, archivist};
use crate::safeguards::reply_dedupe::{Answers, ReplyDedupe};
use crate::safeguards::version_check::{VersionCheck, Versions};
use crate::scenario::Case;
use crate::workflows::board::Board;
use crate::workflows::clerk::Clerk;
use crate::workflows::doer::{Doer, Identity, Standing};
use crate::workflows::user::{USER, user};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime, World};
use std::cell::RefCell;
use std::rc::Rc;

/// The workflow, for the list.
pub const WORKFLOW: Workflow = Workflow {
    name: "relay",
    about: "work passes along a chain of links, and an actor acts on what reaches it",
    roles: &[Role { group: "links", member: "link", count: 1..=MOST_AGENTS, default: 2 }],
    singles: &[LEAD, ACTOR, ARCHIVIST],
    safeguards: &[
        "checkpoint",
        "checksummed-log",
        "cite-artifacts",
        "idempotency-keys",
        "reply-dedupe",
        "retry",
        "tool-dedupe",
        "version-check",
    ],
    crash_points: &["brief", "call", "check", "pass-on", "record", "report"],
    sends: &[
        (USER, &["submit"]),
        (LEAD, &["file", "pass on", "report", "you may", "you may not"]),
        ("link", &["fetch", "file", "pass on"]),
        (ACTOR, &["done", "failed", "fetch", "may I?"]),
        (ARCHIVIST, &["filed", "found", "unknown"]),
    ],
    moments: &[ANSWER, SUMMARY],
    requests: &[Request::Call],
    keeps_journals: true,
    properties: &[
        "acts-on-current-version",
        "decisions-cite-artifacts",
        "eventual-termination",
        "no-duplicate-effects",
        "no-phantom-completion",
    ],
    assemble,
};

const LEAD: &str = "lead";
const ACTOR: &str = "actor";
const ARCHIVIST: &str = "archivist";

/// How long the lead waits at least for word of a step before it asks again.
const PATIENCE: SimSpan = SimSpan::from_secs(20);

/// How long it waits for each link of a chain that is longer than that allows for.
const PATIENCE_A_LINK: SimSpan = SimSpan::from_millis(2_500);

/// How long the actor waits for the lead's word on a version.
const CHECK_TIMEOUT: SimSpan = SimSpan::from_secs(5);

/// Tokens a lead reads to write a brief.
const BRIEFING_TOKENS: u32 = 800;

/// Tokens a link reads to make its piece of work.
const WORKING_TOKENS: u32 = 1_500;

/// How many different pieces a model could make of the same material.
const WAYS_TO_PUT_IT: u32 = 1_000_000;

/// A piece of work on its way.
#[derive(Clone, Copy, Hash, Debug)]
struct Parcel {
    task: Name,
    step: usize,
    version: u32,
    op: OpId,
    /// The piece as its maker's model tells it.
    summary: Artifact,
    /// The piece itself, by its digest.
    cites: Option<ArtifactId>,
}

#[derive(Clone, Copy, Hash, Debug)]
enum Say {
    PassOn(Parcel),
    MayI { task: Name, step: usize, version: u32 },
    YouMay(bool),
    Done { task: Name, step: usize },
    Failed { task: Name, step: usize },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::PassOn(_) => "pass on",
            Self::MayI { .. } => "may I?",
            Self::YouMay(true) => "you may",
            Self::YouMay(false) => "you may not",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }

    fn headers(&self) -> Headers {
        let version = |version: &u32| Some(Version((*version).into()));
        match self {
            Self::PassOn(Parcel { version: number, op, summary, cites, .. }) => Headers {
                precondition: version(number),
                idempotency_key: Some(*op),
                provenance: cites.or(Some(summary.id())),
                ..Headers::of(Purpose::Order)
            },
            Self::MayI { version: number, .. } => {
                Headers { precondition: version(number), ..Headers::of(Purpose::Ask) }
            }
            Self::YouMay(_) => Headers::of(Purpose::Answer),
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
        }
    }
}

fn assemble(case: &Case, world: &mut World<Agents>) {
    let briefing = Briefing::new(case, Some("links"));
    let mut hire = |name: &'static str, run| briefing.hire(world, Name::literal(name), run);
    hire(USER, |agent, briefing| Box::pin(user(agent, briefing, &[LEAD])));
    hire(LEAD, |agent, briefing| Box::pin(Lead::recover(agent, briefing).run()));
    for link in briefing.doers.iter() {
        hire(link.as_str(), |agent, briefing| Box::pin(Link::of(agent, briefing).run()));
    }
    hire(ACTOR, |agent, briefing| Box::pin(Actor::recover(agent, briefing).run()));
    hire(ARCHIVIST, |agent, _| Box::pin(archivist(agent)));
}

/// Somebody who reads and makes pieces of work.
#[derive(Clone)]
struct Hand {
    agent: Agent,
    briefing: Briefing,
}

impl Hand {
    /// Makes a piece of work with the help of the model. To ask for another version is another question.
    async fn make(&self, about: Name, version: u32, from: Option<ArtifactId>, tokens: u32) -> Artifact {
        let question = Name::new(&format!("{about}/version-{version}"));
        self.agent.make((about, question), from, tokens, WAYS_TO_PUT_IT).await
    }

    /// Packs a piece of work. `None` if it has to be filed first and that cannot be done.
    async fn pack(&self, parcel: Parcel, artifact: Artifact) -> Option<Parcel> {
        let cites = if self.briefing.safeguards().has::<CiteArtifacts>() {
            Some(cite_artifacts::file(&self.agent, Name::literal(ARCHIVIST), artifact).await.ok()?)
        } else {
            None
        };
        let summary = self.agent.summarise(artifact).await;
        Some(Parcel { summary, cites, ..parcel })
    }

    /// Reads a piece of work: the piece itself if it is cited, else what is told of it.
    async fn unpack(&self, parcel: &Parcel) -> Option<Artifact> {
        let Some(id) = parcel.cites else { return Some(parcel.summary) };
        let about = self.intent(parcel);
        cite_artifacts::fetch(&self.agent, Name::literal(ARCHIVIST), about, id).await.ok()
    }

    fn intent(&self, parcel: &Parcel) -> Name {
        self.briefing.plan.intent(parcel.task, parcel.step)
    }
}

/// Whoever asks for the work, and decides which version of it counts.
struct Lead {
    hand: Hand,
    clerk: Clerk,
    versions: Rc<Versions>,
    asked_at: Lookup<(Name, usize), SimTime>,
    agenda: Agenda<(Name, Look)>,
}

/// What the lead looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Look {
    /// Whether the task is at its end.
    End,
    /// Whether a step is to be asked for.
    Step(usize),
}

impl Lead {
    fn recover(agent: Agent, briefing: Briefing) -> Self {
        Self {
            clerk: Clerk::recover(&agent, &briefing),
            versions: Rc::new(Versions::recover(&agent, briefing.safeguards())),
            asked_at: Lookup::default(),
            agenda: Agenda::default(),
            hand: Hand { agent, briefing },
        }
    }

    async fn run(mut self) {
        for task in self.clerk.open() {
            self.put_down_steps(task);
        }
        loop {
            let mut last = None;
            while let Some(next) = self.agenda.next(last, self.hand.agent.monotonic()) {
                self.see_to(next).await;
                last = Some(next);
            }
            let Ok(mail) = self.hand.agent.receive_within(self.patience(), "news").await else { continue };
            if let Some(task) = self.clerk.hear(&mail).await {
                self.put_down_steps(task);
            }
            match mail.open() {
                Some(Say::MayI { task, step, version }) => {
                    let intent = self.hand.briefing.plan.intent(*task, *step);
                    let may = self.versions.settle(intent, *version).await;
                    self.hand.agent.reply(&mail, Say::YouMay(may));
                }
                Some(Say::Done { task, step }) => {
                    self.clerk.completed(*task, *step).await;
                    let next = self.hand.briefing.plan.needed_by(*step).iter();
                    next.for_each(|next| self.agenda.put_down((*task, Look::Step(*next))));
                    self.agenda.put_down((*task, Look::End));
                }
                Some(Say::Failed { task, step }) => self.clerk.failed(*task, *step).await,
                _ => {}
            }
        }
    }

    /// How long to wait for word of a step before asking again.
    fn patience(&self) -> SimSpan {
        PATIENCE.max(PATIENCE_A_LINK.saturating_mul(self.hand.briefing.doers.len() as u64))
    }

    /// Whatever can be done now for a task.
    fn put_down_steps(&mut self, task: Name) {
        let ready = self.clerk.board().ready(task);
        for step in ready {
            self.agenda.put_down((task, Look::Step(step)));
        }
        self.agenda.put_down((task, Look::End));
    }

    async fn see_to(&mut self, (task, look): (Name, Look)) {
        let (has_open, is_complete) = {
            let board = self.clerk.board();
            (board.has_open(task), board.is_complete(task))
        };
        match look {
            Look::End if has_open && is_complete => self.clerk.close(task, true).await,
            Look::Step(step) if has_open && self.clerk.board().is_ready(task, step) => {
                self.ask_for(task, step);
            }
            Look::End | Look::Step(_) => {}
        }
    }

    /// Asks for a step, unless that was done not long ago.
    fn ask_for(&mut self, task: Name, step: usize) {
        let now = self.hand.agent.monotonic();
        if self.asked_at.get((task, step)).is_some_and(|asked| now < *asked + self.patience()) {
            return;
        }
        self.asked_at.insert((task, step), now);
        self.agenda.put_down_for(now + self.patience(), (task, Look::Step(step)));
        let intent = self.hand.briefing.plan.intent(task, step);
        self.hand.agent.expect(Name::literal(ACTOR), "word that a step is done", intent);
        let board = self.clerk.shared_board();
        let ask = ask(self.hand.clone(), board, Rc::clone(&self.versions), task, step);
        self.hand.agent.spawn(ask);
    }
}

/// Asks for a step: again for the version that is settled, or else for a new one.
async fn ask(hand: Hand, board: Rc<RefCell<Board>>, versions: Rc<Versions>, task: Name, step: usize) {
    let intent = hand.briefing.plan.intent(task, step);
    let version = if let Some(settled) = versions.settled(intent) {
        settled
    } else {
        let brief = hand.make(intent, versions.next(intent), None, BRIEFING_TOKENS).await;
        let Some(version) = versions.issue(brief).await else { return };
        version
    };
    let parcel =
        Parcel { task, step, version: version.number, op: version.op, summary: version.brief, cites: None };
    let Some(parcel) = hand.pack(parcel, version.brief).await else { return };
    hand.agent.before("brief", intent).await;
    if board.borrow().is_open(task, step) && versions.is_current(&version) {
        hand.agent.send(hand.briefing.doers[0], intent, Say::PassOn(parcel));
    }
}

/// One in the chain: makes something of what it gets, and passes that on.
struct Link {
    hand: Hand,
    next: Name,
}

impl Link {
    fn of(agent: Agent, briefing: Briefing) -> Self {
        let me = briefing.doers.iter().position(|link| *link == agent.name());
        let next = me.and_then(|me| briefing.doers.get(me + 1)).copied().unwrap_or(Name::literal(ACTOR));
        Self { hand: Hand { agent, briefing }, next }
    }

    async fn run(self) {
        loop {
            let mail = self.hand.agent.receive().await;
            if let Some(Say::PassOn(parcel)) = mail.open() {
                self.hand.agent.spawn(pass_on(self.hand.clone(), *parcel, self.next));
            }
        }
    }
}

async fn pass_on(hand: Hand, parcel: Parcel, next: Name) {
    let intent = hand.intent(&parcel);
    let Some(material) = hand.unpack(&parcel).await else { return };
    let made = hand.make(intent, parcel.version, Some(material.id()), WORKING_TOKENS).await;
    let Some(parcel) = hand.pack(parcel, made).await else { return };
    hand.agent.before("pass-on", intent).await;
    hand.agent.send(next, intent, Say::PassOn(parcel));
}

/// Whoever acts at the end of the chain.
#[derive(Clone)]
struct Actor {
    hand: Hand,
    doer: Doer,
    answers: Answers,
}

impl Actor {
    fn recover(agent: Agent, briefing: Briefing) -> Self {
        let doer = Doer::recover(&agent, briefing.safeguards());
        Self { hand: Hand { agent, briefing }, doer, answers: Answers::default() }
    }

    async fn run(self) {
        loop {
            let mail = self.hand.agent.receive().await;
            let Some(Say::PassOn(parcel)) = mail.open().copied() else { continue };
            let Parcel { task, step, .. } = parcel;
            let intent = self.hand.intent(&parcel);
            if self.hand.briefing.safeguards().has::<ReplyDedupe>() {
                if self.doer.standing(intent, 0) == Standing::Done {
                    self.hand.agent.send(Name::literal(LEAD), intent, Say::Done { task, step });
                    continue;
                }
                if !self.answers.take(intent) {
                    continue;
                }
            }
            self.hand.agent.spawn(self.clone().consider(parcel));
        }
    }

    /// Acts on what came out of the chain, if it still counts.
    async fn consider(self, parcel: Parcel) {
        let intent = self.hand.intent(&parcel);
        let Some(basis) = self.hand.unpack(&parcel).await else { return self.answers.discard(intent) };
        if !self.may_act(&parcel).await {
            return self.answers.discard(intent);
        }
        let headers = Headers {
            precondition: Some(Version(parcel.version.into())),
            provenance: Some(basis.id()),
            ..Headers::NONE
        };
        let Parcel { task, step, op, .. } = parcel;
        let answers = self.answers.clone();
        let wish = self.hand.briefing.plan.wish(task, step);
        self.doer.set_to_work((wish, headers), 0, Identity::Given(op), move |agent, succeeded| {
            let say = if succeeded { Say::Done { task, step } } else { Say::Failed { task, step } };
            if !succeeded {
                answers.discard(intent);
            }
            agent.send(Name::literal(LEAD), intent, say);
        });
    }

    /// Whether the lead lets this version be acted on; always, if nobody asks.
    async fn may_act(&self, parcel: &Parcel) -> bool {
        let Hand { agent, briefing } = &self.hand;
        if !briefing.safeguards().has::<VersionCheck>() {
            return true;
        }
        let Parcel { task, step, version, .. } = *parcel;
        let intent = briefing.plan.intent(task, step);
        agent.before("check", intent).await;
        let question = Say::MayI { task, step, version };
        let answer = agent.request(Name::literal(LEAD), intent, question, CHECK_TIMEOUT).await;
        matches!(answer.as_ref().map(|mail| mail.open()), Ok(Some(Say::YouMay(true))))
    }
}
