//! Conductor: a coordinator hands the steps of each task to executors, as planned by a planner and checked by
//! a verifier.
//!
//! ```text
//!   user --submit--> coordinator --plan?--> planner
//!                        |  ^---plan-----------'
//!                        |--assign--> executor --call--> tool
//!                        |  ^--done/failed--'
//!                        |--verify--> verifier --look-up--> tool
//!   user <---report------'  ^--verdict--'
//! ```
//!
//! Every message can be lost, late or doubled, so the coordinator says everything again until it is answered,
//! and everybody else answers as often as asked. A [`Clerk`] keeps the coordinator's board.
//!
//! A step stays with the executor it was given to, however long that one is silent: a second executor would
//! mint an operation id of its own, and the first may only be slow. So a team that must outlive an executor
//! that never comes back needs ids that travel with the orders, as those of the [standby
//! team](crate::workflows::standby) do.

use crate::agent::{
    Agenda, Agent, Agents, ArtifactId, Body, Headers, Mail, Message, Purpose, Request, StoreError,
    StoreService,
};
use crate::faults::model::{ANSWER, ROLE};
use crate::safeguards::event_log::Answers;
use crate::safeguards::intent_keys::IntentKeys;
use crate::safeguards::perform::CALL_TIMEOUT;
use crate::safeguards::plan_commit::{PlanCommit, agree};
use crate::safeguards::roles::Permissions;
use crate::safeguards::verify::Verify;
use crate::scenario::Case;
use crate::workflows::board::{Plan, Progress};
use crate::workflows::clerk::Clerk;
use crate::workflows::doer::{Doer, Identity, Standing};
use crate::workflows::user::{USER, user};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Lookup, Name, Payload, SimSpan, SimTime, World};
use std::collections::VecDeque;
use std::sync::Arc;

/// The workflow, for the list.
pub const WORKFLOW: Workflow = Workflow {
    name: "conductor",
    about: "a coordinator hands steps to executors, with a planner before and a verifier after",
    roles: &[Role { group: "executors", member: "executor", count: 1..=MOST_AGENTS, default: 2 }],
    singles: &[COORDINATOR, PLANNER, VERIFIER],
    safeguards: &[
        "checkpoint",
        "checksummed-log",
        "event-log",
        "idempotency-keys",
        "intent-keys",
        "observe-before-retry",
        "persist-before-call",
        "plan-commit",
        "retry",
        "roles",
        "tool-dedupe",
        "verify",
    ],
    crash_points: &["assign", "call", "commit", "plan", "record", "report"],
    sends: &[
        (USER, &["submit"]),
        (COORDINATOR, &["assign", "commit", "plan, please", "read", "report", "verify, please"]),
        (PLANNER, &["plan"]),
        (VERIFIER, &["verdict"]),
        ("executor", &["done", "failed", "verdict"]),
        (StoreService::NAME, StoreService::SENDS),
    ],
    moments: &[ANSWER, ROLE],
    requests: &[Request::Call, Request::LookUp],
    keeps_journals: true,
    properties: &["eventual-termination", "no-duplicate-effects", "no-phantom-completion"],
    assemble,
};

/// The decision whether a task is as it should be.
const JUDGE: &str = "judge";

const COORDINATOR: &str = "coordinator";
const PLANNER: &str = "planner";
const VERIFIER: &str = "verifier";

/// How long the coordinator waits before it says something again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// Tokens a planner reads for one plan.
const PLANNING_TOKENS: u32 = 1_200;

/// How often the verifier asks a tool before it leaves the coordinator to ask again.
const LOOK_UPS: u32 = 3;

#[derive(Clone, Hash, Debug)]
enum Say {
    PlanPlease { task: Name },
    Planned { task: Name, doers: Arc<[Name]> },
    Assign { task: Name, step: usize, round: u32, plan: ArtifactId },
    Done { task: Name, step: usize, round: u32 },
    Failed { task: Name, step: usize, round: u32 },
    VerifyPlease { task: Name, rounds: Arc<[u32]> },
    Verdict { task: Name, rounds: Arc<[u32]>, missing: Arc<[usize]> },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::PlanPlease { .. } => "plan, please",
            Self::Planned { .. } => "plan",
            Self::Assign { .. } => "assign",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::VerifyPlease { .. } => "verify, please",
            Self::Verdict { .. } => "verdict",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::PlanPlease { .. } | Self::VerifyPlease { .. } => Headers::of(Purpose::Ask),
            Self::Planned { .. } => Headers::of(Purpose::Answer),
            Self::Assign { round, plan, .. } => {
                Headers { attempt: Some(*round), plan: Some(*plan), ..Headers::of(Purpose::Order) }
            }
            Self::Done { round, .. } => Headers { attempt: Some(*round), ..Headers::of(Purpose::Done) },
            Self::Failed { round, .. } => Headers { attempt: Some(*round), ..Headers::of(Purpose::Failed) },
            Self::Verdict { missing, .. } if missing.is_empty() => Headers::of(Purpose::Approval),
            Self::Verdict { .. } => Headers::of(Purpose::Rejection),
        }
    }
}

/// Who does which step, as a plan that can be committed.
#[derive(Clone, Hash, Debug)]
struct Assignment(Arc<[Name]>);

impl Message for Assignment {
    fn kind(&self) -> &'static str {
        "assignment"
    }
}

fn assemble(case: &Case, world: &mut World<Agents>) {
    let briefing = Briefing::new(case, Some("executors"));
    if briefing.safeguards().has::<PlanCommit>() {
        briefing.open_store(world);
    }
    let mut hire = |name: &'static str, run| briefing.hire(world, Name::literal(name), run);
    hire(USER, |agent, briefing| Box::pin(user(agent, briefing, &[COORDINATOR])));
    hire(COORDINATOR, |agent, briefing| Box::pin(Coordinator::recover(agent, briefing).run()));
    hire(PLANNER, |agent, briefing| Box::pin(planner(agent, briefing)));
    hire(VERIFIER, |agent, briefing| Box::pin(verifier(agent, briefing)));
    for executor in briefing.doers.iter() {
        hire(executor.as_str(), |agent, briefing| Box::pin(executor_loop(agent, briefing)));
    }
}

struct Coordinator {
    agent: Agent,
    briefing: Briefing,
    clerk: Clerk,
    verified: Lookup<Name, bool>,
    /// When each open request was last sent.
    sent_at: Lookup<(Name, Asked), SimTime>,
    agenda: Agenda<(Name, Asked)>,
}

/// What the coordinator is waiting to hear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Asked {
    Plan,
    Step(usize),
    Verdict,
}

impl Coordinator {
    fn recover(agent: Agent, briefing: Briefing) -> Self {
        let clerk = Clerk::recover(&agent, &briefing);
        let (verified, sent_at, agenda) = (Lookup::default(), Lookup::default(), Agenda::default());
        Self { agent, briefing, clerk, verified, sent_at, agenda }
    }

    async fn run(mut self) {
        for task in self.clerk.open() {
            self.agenda.put_down((task, Asked::Plan));
            self.put_down_steps(task);
        }
        loop {
            let mut last = None;
            while let Some(next) = self.agenda.next(last, self.agent.monotonic()) {
                self.see_to(next).await;
                last = Some(next);
            }
            let Ok(mail) = self.agent.receive_within(RESEND, "news").await else { continue };
            if let Some(task) = self.clerk.hear(&mail).await {
                self.agenda.put_down((task, Asked::Plan));
            }
            if let Some(say) = mail.open::<Say>() {
                self.on_say(mail.from(), say.clone()).await;
            }
        }
    }

    /// Whatever can be done now for a task that has its plan.
    fn put_down_steps(&mut self, task: Name) {
        let ready = self.clerk.board().ready(task);
        for step in ready {
            self.agenda.put_down((task, Asked::Step(step)));
        }
        self.agenda.put_down((task, Asked::Verdict));
    }

    async fn on_say(&mut self, from: Name, say: Say) {
        match say {
            Say::Planned { task, doers } if self.awaits_plan(task) => {
                self.heard(task, Asked::Plan);
                let Ok(Assignment(doers)) = self.settle(task, Assignment(doers)).await else {
                    return self.agenda.put_down((task, Asked::Plan));
                };
                self.clerk.assigned(task, doers).await;
                self.put_down_steps(task);
            }
            Say::Done { task, step, round } if self.awaits_step(task, step, round) => {
                self.heard(task, Asked::Step(step));
                self.clerk.completed(task, step).await;
                let plan = &self.briefing.plan;
                plan.needed_by(step).iter().for_each(|next| self.agenda.put_down((task, Asked::Step(*next))));
                self.agenda.put_down((task, Asked::Verdict));
            }
            Say::Failed { task, step, round } if self.awaits_step(task, step, round) => {
                self.clerk.failed(task, step).await;
            }
            Say::Verdict { task, rounds, missing }
                if self.awaits_verdict(task, &rounds) && self.may_judge(from, task) =>
            {
                self.heard(task, Asked::Verdict);
                self.verified.insert(task, missing.is_empty());
                for step in missing.iter() {
                    self.clerk.reopened(task, *step).await;
                    self.agenda.put_down((task, Asked::Step(*step)));
                }
                self.agenda.put_down((task, Asked::Verdict));
            }
            _ => {}
        }
    }

    /// The plan to follow: the one that was just made, or the one that somebody has committed before, who can
    /// be the coordinator's own twin or what it was before a crash.
    async fn settle(&self, task: Name, plan: Assignment) -> Result<Assignment, StoreError> {
        if !self.briefing.safeguards().has::<PlanCommit>() {
            return Ok(plan);
        }
        agree(&self.agent, self.briefing.safeguards(), (task, task), async || Ok(plan)).await
    }

    fn awaits_plan(&self, task: Name) -> bool {
        let board = self.clerk.board();
        board.get(task).is_some_and(|progress| progress.doers.is_none() && progress.closed.is_none())
    }

    fn awaits_step(&self, task: Name, step: usize, round: u32) -> bool {
        let board = self.clerk.board();
        board.is_open(task, step) && board.round(task, step) == round
    }

    fn awaits_verdict(&self, task: Name, rounds: &[u32]) -> bool {
        let board = self.clerk.board();
        let is_current = |progress: &Progress| progress.closed.is_none() && progress.rounds == rounds;
        board.get(task).is_some_and(is_current) && board.is_complete(task)
    }

    /// Whether somebody's word on a task counts: a verifier's does, whoever sends it, unless roles are looked
    /// at.
    fn may_judge(&self, who: Name, task: Name) -> bool {
        let doers = self.doers(task).unwrap_or_default();
        let permissions = Permissions::default().allow(Name::literal(VERIFIER), JUDGE);
        permissions.accept(self.briefing.safeguards(), who, JUDGE, &doers)
    }

    /// Asks for what a task needs next, if it is time to.
    async fn see_to(&mut self, (task, asked): (Name, Asked)) {
        if !self.clerk.board().has_open(task) {
            return;
        }
        match (asked, self.doers(task)) {
            (Asked::Plan, None) => self.ask_for_plan(task).await,
            (Asked::Step(step), Some(doers)) => self.assign(task, step, doers).await,
            (Asked::Verdict, Some(_)) => self.come_to_an_end(task).await,
            (Asked::Plan, Some(_)) | (Asked::Step(_) | Asked::Verdict, None) => {}
        }
    }

    async fn ask_for_plan(&mut self, task: Name) {
        let planner = Name::literal(PLANNER);
        if self.must_ask(task, Asked::Plan, planner) {
            self.agent.before("plan", task).await;
            self.agent.send(planner, task, Say::PlanPlease { task });
        }
    }

    async fn assign(&mut self, task: Name, step: usize, doers: Arc<[Name]>) {
        let doer = doers[step];
        let is_ready = self.clerk.board().is_ready(task, step);
        if is_ready && self.must_ask(task, Asked::Step(step), doer) {
            let intent = self.briefing.plan.intent(task, step);
            let round = self.clerk.board().round(task, step);
            self.agent.before("assign", intent).await;
            let plan = ArtifactId(Body::new(Assignment(doers)).digest());
            self.agent.send(doer, intent, Say::Assign { task, step, round, plan });
        }
    }

    /// Closes a task of which every step is complete, or has it verified first.
    async fn come_to_an_end(&mut self, task: Name) {
        if !self.clerk.board().is_complete(task) {
            return;
        }
        let verifies = self.briefing.safeguards().has::<Verify>();
        if !verifies || self.verified.get(task) == Some(&true) {
            self.clerk.close(task, true).await;
        } else if self.must_ask(task, Asked::Verdict, Name::literal(VERIFIER))
            && let Some(progress) = self.clerk.board().get(task)
        {
            let rounds = progress.rounds.as_slice().into();
            self.agent.send(Name::literal(VERIFIER), task, Say::VerifyPlease { task, rounds });
        }
    }

    /// Who does which step of a task, once that is decided.
    fn doers(&self, task: Name) -> Option<Arc<[Name]>> {
        self.clerk.board().get(task)?.doers.clone()
    }

    /// Whether it is time to ask, for the first time or again; if so, it counts as asked.
    fn must_ask(&mut self, task: Name, asked: Asked, whom: Name) -> bool {
        let now = self.agent.monotonic();
        let due = self.sent_at.get((task, asked)).is_none_or(|sent| now >= *sent + RESEND);
        if due {
            self.sent_at.insert((task, asked), now);
            self.agenda.put_down_for(now + RESEND, (task, asked));
            let why = match asked {
                Asked::Plan => "a plan",
                Asked::Step(_) => "word that a step is done",
                Asked::Verdict => "a verdict",
            };
            self.agent.expect(whom, why, self.about(task, asked));
        }
        due
    }

    fn heard(&mut self, task: Name, asked: Asked) {
        self.sent_at.remove((task, asked));
        self.agent.expect_no_more(self.about(task, asked));
    }

    fn about(&self, task: Name, asked: Asked) -> Name {
        match asked {
            Asked::Plan | Asked::Verdict => task,
            Asked::Step(step) => self.briefing.plan.intent(task, step),
        }
    }
}

/// Decides who does which step: whoever its model picks for the first, and the next ones in turn.
async fn planner(agent: Agent, briefing: Briefing) {
    let executors = &briefing.doers;
    let answers = Answers::recover(&agent);
    loop {
        let mail = agent.receive().await;
        let Some(Say::PlanPlease { task }) = mail.open() else { continue };
        let most = executors.len() as u32;
        let choice = answers.think(&agent, briefing.safeguards(), *task, PLANNING_TOKENS, most).await;
        let first = choice as usize;
        let doers =
            (0..briefing.plan.steps.len()).map(|step| executors[(first + step) % executors.len()]).collect();
        agent.send(mail.from(), *task, Say::Planned { task: *task, doers });
    }
}

/// Looks for the effects of a task where they must be: with the tools.
async fn verifier(agent: Agent, briefing: Briefing) {
    let mut asked = Inquiries::default();
    loop {
        if asked.queue.is_empty() {
            asked.note(&agent.receive().await);
        }
        while let Some(mail) = agent.receive_now() {
            asked.note(&mail);
        }
        let Some((task, Inquiry { from, rounds })) = asked.next() else { continue };
        let mut missing = Vec::new();
        let mut seen_all = true;
        for step in 0..briefing.plan.steps.len() {
            match look_for(&agent, &briefing.plan, task, step).await {
                Some(true) => {}
                Some(false) => missing.push(step),
                None => seen_all = false,
            }
        }
        if seen_all {
            let missing = missing.into();
            agent.send(from, task, Say::Verdict { task, rounds, missing });
        }
    }
}

struct Inquiry {
    from: Name,
    rounds: Arc<[u32]>,
}

/// What the verifier was asked, oldest first. Whoever asks again wants one answer, not two. Looking takes
/// longer than the coordinator waits before it asks again, so a verifier that did all it was ever asked for
/// would never catch up.
#[derive(Default)]
struct Inquiries {
    queue: VecDeque<Name>,
    about: Lookup<Name, Inquiry>,
}

impl Inquiries {
    fn note(&mut self, mail: &Mail) {
        let Some(Say::VerifyPlease { task, rounds }) = mail.open().cloned() else { return };
        if self.about.insert(task, Inquiry { from: mail.from(), rounds }).is_none() {
            self.queue.push_back(task);
        }
    }

    fn next(&mut self) -> Option<(Name, Inquiry)> {
        let task = self.queue.pop_front()?;
        Some((task, self.about.remove(task)?))
    }
}

async fn look_for(agent: &Agent, plan: &Plan, task: Name, step: usize) -> Option<bool> {
    for _ in 0..LOOK_UPS {
        if let Ok(found) = agent.look_up(plan.wish(task, step), CALL_TIMEOUT).await {
            return Some(found.is_some());
        }
    }
    None
}

/// Carries out what the coordinator assigns.
async fn executor_loop(agent: Agent, briefing: Briefing) {
    let doer = Doer::recover(&agent, briefing.safeguards());
    let identity = if briefing.safeguards().has::<IntentKeys>() { Identity::Own } else { Identity::Composed };
    let steps = briefing.plan.steps.len();
    loop {
        let mail = agent.receive().await;
        let Some(Say::Assign { task, step, round, plan }) = mail.open().cloned() else { continue };
        let headers = Headers { attempt: Some(round), plan: Some(plan), ..Headers::NONE };
        let (coordinator, wish) = (mail.from(), briefing.plan.wish(task, step));
        match doer.standing(wish.intent, round) {
            Standing::Busy => {}
            Standing::Done => agent.send(coordinator, wish.intent, Say::Done { task, step, round }),
            Standing::New => doer.set_to_work((wish, headers), round, identity, move |agent, succeeded| {
                let say = if succeeded {
                    Say::Done { task, step, round }
                } else {
                    Say::Failed { task, step, round }
                };
                agent.send(coordinator, wish.intent, say);
                if succeeded && !agent.keeps_to_its_role(wish.intent) {
                    let mut rounds = vec![0; steps];
                    rounds[step] = round;
                    let verdict = Say::Verdict { task, rounds: rounds.into(), missing: Arc::new([]) };
                    agent.send(coordinator, task, verdict);
                }
            }),
        }
    }
}
