//! A team as somebody might write it with perfidy, in its first form and in edited ones.
//!
//! A clerk hands the steps of each task to workers, whom its model picks, and looks for the effects before it reports a
//! task done. It is made of the pieces that the shipped workflows are made of. An [`Edit`] is what a programmer might do to
//! it on some afternoon without any thought of the failures that were saved before.

use perfidy::agent::{Agent, Agents, Claim, Message, OpId, Request, ToolCall, ToolError, ToolService, Wish};
use perfidy::safeguards::Safeguards;
use perfidy::safeguards::checkpoint;
use perfidy::safeguards::idempotency::IdempotencyKeys;
use perfidy::safeguards::observe::ObserveBeforeRetry;
use perfidy::safeguards::persist::Operations;
use perfidy::safeguards::retry::Retry;
use perfidy::safeguards::verify::Verify;
use perfidy::scenario::{Case, Tool};
use perfidy::workflows::board::{Board, Entry};
use perfidy::workflows::user::{USER, UserSay, user};
use perfidy::workflows::{Briefing, Role, Workflow, conductor, standby};
use perfidy_sim::{Context, Name, SimSpan, SimTime, World};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A tool that only an edited team knows.
const AUDIT: &str = "audit";

/// How long the clerk waits before it says something again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// What is done to the team's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// Nothing.
    None,
    /// Everybody draws something when they start.
    DrawAtBoot,
    /// Workers draw something before each call, and the clerk before each order.
    DrawMidway,
    /// One agent tells another every second that it is alive.
    Heartbeat,
    /// Workers tell an auditing tool of every step before they take it.
    AuditCall,
    /// Workers wait eight seconds for a tool instead of five.
    LongerTimeout,
    /// The clerk is called secretary, its workers hands, and it orders what it assigned.
    Renamed,
}

/// What the agents and their steps are called.
struct Names {
    clerk: [&'static str; 1],
    workers: [Role; 1],
    crash_points: [&'static str; 4],
}

const fn names(
    clerk: &'static str,
    group: &'static str,
    member: &'static str,
    assign: &'static str,
) -> Names {
    let workers = [Role { group, member, count: 1..=8, default: 2 }];
    Names { clerk: [clerk], workers, crash_points: [assign, "call", "record", "report"] }
}

static AT_FIRST: Names = names("clerk", "workers", "worker", "assign");
static TODAY: Names = names("secretary", "hands", "hand", "order");

impl Edit {
    fn names(self) -> &'static Names {
        if self == Self::Renamed { &TODAY } else { &AT_FIRST }
    }
}

/// The team with an edit.
const fn team(names: &'static Names, assemble: fn(&Case, &mut World<Agents>)) -> Workflow {
    Workflow {
        name: "desk",
        about: "a clerk hands steps to workers and looks for their effects",
        roles: &names.workers,
        singles: &names.clerk,
        safeguards: &[
            "checkpoint",
            "idempotency-keys",
            "observe-before-retry",
            "persist-before-call",
            "retry",
            "tool-dedupe",
            "verify",
        ],
        crash_points: &names.crash_points,
        moments: &[],
        requests: &[Request::Call, Request::LookUp],
        properties: &["eventual-termination", "no-duplicate-effects", "no-phantom-completion"],
        assemble,
    }
}

macro_rules! edited {
    ($edit:expr) => {
        team(&AT_FIRST, |case, world| assemble(case, world, $edit))
    };
}

/// The team before it was edited.
pub static AS_SAVED: Workflow = edited!(Edit::None);

/// The team after each edit.
pub static EDITED: &[(Edit, Workflow)] = &[
    (Edit::DrawAtBoot, edited!(Edit::DrawAtBoot)),
    (Edit::DrawMidway, edited!(Edit::DrawMidway)),
    (Edit::Heartbeat, edited!(Edit::Heartbeat)),
    (Edit::AuditCall, edited!(Edit::AuditCall)),
    (Edit::LongerTimeout, edited!(Edit::LongerTimeout)),
];

/// The team after it got other names.
pub static RENAMED: Workflow = team(&TODAY, |case, world| assemble(case, world, Edit::Renamed));

fn assemble(case: &Case, world: &mut World<Agents>, edit: Edit) {
    let briefing = Briefing::new(case, Some(edit.names().workers[0].group));
    briefing.hire(
        world,
        Name::new(USER),
        match edit {
            Edit::Renamed => |agent, briefing| Box::pin(user(agent, briefing, &TODAY.clerk)),
            _ => |agent, briefing| Box::pin(user(agent, briefing, &AT_FIRST.clerk)),
        },
    );
    let mut hire = |name: Name, work: fn(Agent, Briefing, Edit) -> perfidy_sim::LocalFuture| {
        let (briefing, model) = (briefing.clone(), case.scenario.model.latency.clone());
        world.agent(name, move |context: Context<Agents>| {
            let agent = Agent::new(context, model.clone());
            if edit == Edit::DrawAtBoot {
                agent.draw("mood", agent.name(), |spot| spot.word("mood"));
                agent.mint_op(agent.name());
            }
            work(agent, briefing.clone(), edit)
        });
    };
    hire(Name::new(edit.names().clerk[0]), |agent, briefing, edit| {
        Box::pin(Clerk::recover(agent, briefing, edit).run())
    });
    for worker in briefing.doers.iter() {
        hire(*worker, |agent, briefing, edit| Box::pin(Worker::recover(agent, briefing, edit).run()));
    }
    match edit {
        Edit::Heartbeat => heartbeats(world),
        Edit::AuditCall => {
            let ms = SimSpan::from_millis;
            world.service(
                Name::new(AUDIT),
                ToolService::new(Tool { latency: ms(20)..=ms(200), deduplicates: true, ..Tool::default() }),
            );
        }
        _ => {}
    }
}

/// The shipped conductor, edited from outside: two more agents, of whom one draws and sends.
pub static CONDUCTOR: Workflow = Workflow {
    assemble: |case, world| {
        (conductor::WORKFLOW.assemble)(case, world);
        heartbeats(world);
    },
    ..conductor::WORKFLOW
};

/// The shipped standby team, edited in the same way.
pub static STANDBY: Workflow = Workflow {
    assemble: |case, world| {
        (standby::WORKFLOW.assemble)(case, world);
        heartbeats(world);
    },
    ..standby::WORKFLOW
};

#[derive(Hash, Debug)]
struct Alive;

impl Message for Alive {
    fn kind(&self) -> &'static str {
        "alive"
    }
}

/// Adds an agent that sends a message every second to another, which ignores it.
fn heartbeats(world: &mut World<Agents>) {
    let [heart, wall] = ["heart", "wall"].map(Name::new);
    let model = SimSpan::ZERO..=SimSpan::ZERO;
    let of_heart = model.clone();
    world.agent(heart, move |context| {
        let agent = Agent::new(context, of_heart.clone());
        async move {
            loop {
                agent.draw("pulse", heart, |spot| spot.word("pulse"));
                agent.send(wall, heart, Alive);
                agent.sleep(SimSpan::from_secs(1)).await;
            }
        }
    });
    world.agent(wall, move |context| {
        let agent = Agent::new(context, model.clone());
        async move {
            loop {
                agent.receive().await;
            }
        }
    });
}

#[derive(Clone, Copy, Hash, Debug)]
enum Say {
    Assign { task: Name, step: usize, round: u32 },
    Done { task: Name, step: usize, round: u32 },
    Failed { task: Name, step: usize, round: u32 },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Assign { .. } => "assign",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
        }
    }
}

struct Clerk {
    agent: Agent,
    briefing: Briefing,
    edit: Edit,
    board: Board,
    /// When each step was last handed out.
    ordered_at: BTreeMap<(Name, usize), SimTime>,
}

impl Clerk {
    fn recover(agent: Agent, briefing: Briefing, edit: Edit) -> Self {
        let mut board = Board::new(Rc::clone(&briefing.plan));
        checkpoint::recover(&agent, |entry| board.apply(entry));
        Self { agent, briefing, edit, board, ordered_at: BTreeMap::new() }
    }

    async fn run(mut self) {
        loop {
            for task in self.board.open() {
                self.drive(task).await;
            }
            let Ok(mail) = self.agent.receive_within(RESEND, "news").await else { continue };
            if let Some(UserSay::Submit { task, ops }) = mail.open() {
                match self.board.get(*task).map(|progress| progress.closed) {
                    None => self.change(Entry::Accepted { task: *task, ops: Rc::clone(ops) }).await,
                    Some(Some(done)) => self.report(*task, done).await,
                    Some(None) => {}
                }
            } else if let Some(say) = mail.open::<Say>() {
                self.on_say(*say).await;
            }
        }
    }

    async fn on_say(&mut self, say: Say) {
        let (Say::Assign { task, step, round }
        | Say::Done { task, step, round }
        | Say::Failed { task, step, round }) = say;
        let awaited = self.board.get(task).is_some_and(|progress| {
            progress.closed.is_none() && !progress.complete[step] && progress.rounds[step] == round
        });
        if !awaited {
            return;
        }
        self.agent.expect_no_more(self.briefing.plan.intent(task, step));
        // What has failed is handed out again when its time has come.
        if let Say::Done { .. } = say {
            self.change(Entry::Completed { task, step }).await;
        }
    }

    /// Writes a change down, then makes it.
    async fn change(&mut self, entry: Entry) {
        let plan = Rc::clone(&self.briefing.plan);
        if let Entry::Reopened { task, step } = entry {
            self.agent.claim(Claim::Reopened { intent: plan.intent(task, step) });
        }
        checkpoint::save(&self.agent, self.briefing.safeguards(), entry.task(), entry.clone()).await;
        self.board.apply(&entry);
        if let Entry::Completed { task, step } = entry {
            self.agent.claim(Claim::Completed { intent: plan.intent(task, step) });
        }
    }

    async fn drive(&mut self, task: Name) {
        let plan = Rc::clone(&self.briefing.plan);
        let Some(progress) = self.board.get(task) else { return };
        let Some(doers) = progress.doers.clone() else {
            let workers = Rc::clone(&self.briefing.doers);
            let first = self.agent.think(task, 900, workers.len() as u32).await.choice as usize;
            let doers = (0..plan.steps.len()).map(|step| workers[(first + step) % workers.len()]).collect();
            return self.change(Entry::Assigned { task, doers }).await;
        };
        for step in self.board.ready(task) {
            let now = self.agent.monotonic();
            let last = self.ordered_at.get(&(task, step));
            if last.is_some_and(|last| now < *last + RESEND) {
                continue;
            }
            self.ordered_at.insert((task, step), now);
            let (intent, to, round) = (plan.intent(task, step), doers[step], self.board.round(task, step));
            if self.edit == Edit::DrawMidway {
                self.agent.draw("second thought", intent, |spot| spot.word("second thought"));
            }
            self.agent.expect(to, "word that a step is done", intent);
            self.agent.before(self.edit.names().crash_points[0], intent).await;
            self.agent.claim(Claim::Ordered { intent, to });
            self.agent.send(to, intent, Say::Assign { task, step, round });
        }
        if self.board.is_complete(task) && self.is_verified(task).await {
            self.change(Entry::Closed { task, done: true }).await;
            self.agent.claim(Claim::TaskDone { task });
            self.report(task, true).await;
        }
    }

    /// Whether the tools have every effect of a task on record. What is missing is opened again.
    async fn is_verified(&mut self, task: Name) -> bool {
        if !self.briefing.safeguards().has::<Verify>() {
            return true;
        }
        let plan = Rc::clone(&self.briefing.plan);
        for step in 0..plan.steps.len() {
            match self.agent.look_up(plan.wish(task, step), SimSpan::from_secs(5)).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.ordered_at.remove(&(task, step));
                    self.change(Entry::Reopened { task, step }).await;
                    return false;
                }
                Err(_) => return false,
            }
        }
        true
    }

    async fn report(&self, task: Name, done: bool) {
        self.agent.before("report", task).await;
        self.agent.send(Name::new(USER), task, UserSay::Report { task, done });
    }
}

#[derive(Clone, Copy, Hash, Debug)]
struct Finished {
    intent: Name,
    round: u32,
}

impl Message for Finished {
    fn kind(&self) -> &'static str {
        "finished"
    }
}

#[derive(Clone)]
struct Worker {
    agent: Agent,
    briefing: Briefing,
    edit: Edit,
    operations: Rc<Operations>,
    /// The round in which each step is being done, and whether it is done.
    work: Rc<RefCell<BTreeMap<Name, (u32, bool)>>>,
}

impl Worker {
    fn recover(agent: Agent, briefing: Briefing, edit: Edit) -> Self {
        let mut work = BTreeMap::new();
        checkpoint::recover(&agent, |Finished { intent, round }| {
            work.insert(*intent, (*round, true));
        });
        let operations = Rc::new(Operations::recover(&agent));
        Self { agent, briefing, edit, operations, work: Rc::new(RefCell::new(work)) }
    }

    async fn run(self) {
        loop {
            let mail = self.agent.receive().await;
            let Some(Say::Assign { task, step, round }) = mail.open().copied() else { continue };
            let (clerk, wish) = (mail.from(), self.briefing.plan.wish(task, step));
            let known = self.work.borrow().get(&wish.intent).copied().filter(|(known, _)| *known >= round);
            match known {
                Some((_, true)) => self.agent.send(clerk, wish.intent, Say::Done { task, step, round }),
                Some((_, false)) => {}
                None => {
                    self.work.borrow_mut().insert(wish.intent, (round, false));
                    let worker = self.clone();
                    self.agent.spawn(async move {
                        let done = worker.carry_out(wish, round).await;
                        let say = if done {
                            Say::Done { task, step, round }
                        } else {
                            Say::Failed { task, step, round }
                        };
                        worker.agent.send(clerk, wish.intent, say);
                    });
                }
            }
        }
    }

    async fn carry_out(&self, wish: Wish, round: u32) -> bool {
        let Self { agent, briefing, .. } = self;
        agent.think(wish.intent, 300, 2).await;
        let (op, tried_before) = self.operations.id_for(agent, briefing.safeguards(), wish.intent).await;
        self.prepare(wish, op).await;
        if !self.perform(briefing.safeguards(), wish, op, tried_before).await {
            self.work.borrow_mut().remove(&wish.intent);
            return false;
        }
        agent.before("record", wish.intent).await;
        agent.persist(Finished { intent: wish.intent, round }).await;
        agent.after("record", wish.intent).await;
        self.work.borrow_mut().insert(wish.intent, (round, true));
        true
    }

    /// What an edit has a worker do before a step.
    async fn prepare(&self, wish: Wish, op: OpId) {
        match self.edit {
            Edit::DrawMidway => {
                self.agent.draw("jitter", wish.intent, |spot| spot.word("jitter"));
            }
            Edit::AuditCall => {
                let (tool, operation) = (Name::new(AUDIT), Name::new("record"));
                let intent = Name::joined(wish.intent, "/", tool);
                let call = ToolCall { wish: Wish { tool, operation, intent }, op, keyed: true };
                // The audit is a courtesy: nothing depends on its answer.
                let _ = self.agent.call(call, self.patience()).await;
            }
            _ => {}
        }
    }

    fn patience(&self) -> SimSpan {
        SimSpan::from_secs(if self.edit == Edit::LongerTimeout { 8 } else { 5 })
    }

    async fn perform(&self, safeguards: &Safeguards, wish: Wish, op: OpId, tried_before: bool) -> bool {
        let call = ToolCall { wish, op, keyed: safeguards.has::<IdempotencyKeys>() };
        let Some(retry) = safeguards.get::<Retry>() else { return false };
        for failed in 1..=retry.attempts {
            let looks = safeguards.has::<ObserveBeforeRetry>() && (tried_before || failed > 1);
            let seen = if looks { self.agent.look_up(wish, self.patience()).await } else { Ok(None) };
            match seen {
                Ok(Some(_)) => return true,
                Ok(None) => match self.agent.call(call, self.patience()).await {
                    Ok(_) => return true,
                    Err(ToolError::Definite(_)) => return false,
                    Err(ToolError::Indefinite(_)) => {}
                },
                Err(_) => {}
            }
            let wait = self.agent.draw("backoff", wish.intent, |spot| retry.wait(failed, spot));
            self.agent.sleep(wait).await;
        }
        false
    }
}
