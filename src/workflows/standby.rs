//! Standby: an orchestrator leads, a backup takes over when the lease runs out, and workers carry out orders.
//!
//! ```text
//!   user --submit--> orchestrator <--lease--> leases <--lease--> backup <--submit-- user
//!                         |                                        |
//!                         '--order (token)--> worker <--order (token)--'
//!                                               '--call--> tool
//! ```
//!
//! Orchestrator and backup are the same code: each asks for the lease, leads while it believes to hold it,
//! and then asks again. What makes that safe is not the lease but the token in every order: a leader that was
//! stopped between looking at its lease and sending an order still sends it, and only the worker can refuse.
//!
//! The id of each operation is minted by the user, once, and travels with the orders: two leaders that order
//! the same step then ask for the same operation.

use crate::agent::{
    Agenda, Agent, Agents, Headers, Lease, LeaseService, Mail, Message, OpId, Purpose, Request, Token,
};
use crate::faults::model::ANSWER;
use crate::safeguards::election::Election;
use crate::safeguards::fencing::{Fence, FencingTokens};
use crate::scenario::Case;
use crate::workflows::clerk::Clerk;
use crate::workflows::doer::{Doer, Identity, Standing};
use crate::workflows::user::{USER, user};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime, World};
use tokio::sync::watch;

/// The workflow, for the list.
pub const WORKFLOW: Workflow = Workflow {
    name: "standby",
    about: "an orchestrator leads by lease, a backup takes over, workers obey or reject",
    roles: &[Role { group: "workers", member: "worker", count: 1..=MOST_AGENTS, default: 2 }],
    singles: &[ORCHESTRATOR, BACKUP],
    safeguards: &[
        "checkpoint",
        "election",
        "fencing-tokens",
        "idempotency-keys",
        "observe-before-retry",
        "retry",
        "tool-dedupe",
    ],
    crash_points: &["call", "lease", "order", "record", "report"],
    sends: &[
        (USER, &["submit"]),
        (ORCHESTRATOR, &["acquire", "order", "report"]),
        (BACKUP, &["acquire", "order", "report"]),
        ("worker", &["done", "failed", "rejected"]),
        (LeaseService::NAME, LeaseService::SENDS),
    ],
    moments: &[ANSWER],
    requests: &[Request::Call, Request::LookUp],
    keeps_journals: true,
    properties: &["eventual-termination", "no-duplicate-effects", "no-phantom-completion", "no-split-brain"],
    assemble,
};

const ORCHESTRATOR: &str = "orchestrator";
const BACKUP: &str = "backup";

/// What the lease is for.
const LEADERSHIP: &str = "leadership";

/// How long a leader waits for word of an order before it gives the order again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// The lease of an orchestrator that nobody stands in for.
const LONELY_LEASE: SimSpan = SimSpan::from_secs(10);

/// Tokens a leader reads to choose a worker.
const CHOOSING_TOKENS: u32 = 300;

#[derive(Clone, Hash, Debug)]
enum Say {
    Order { task: Name, step: usize, op: OpId, token: Token },
    Done { task: Name, step: usize },
    Failed { task: Name, step: usize },
    Rejected { token: Token },
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Order { .. } => "order",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Rejected { .. } => "rejected",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Order { op, token, .. } => {
                Headers { idempotency_key: Some(*op), authority: Some(*token), ..Headers::of(Purpose::Order) }
            }
            Self::Done { .. } => Headers::of(Purpose::Done),
            Self::Failed { .. } => Headers::of(Purpose::Failed),
            Self::Rejected { .. } => Headers::of(Purpose::Refused),
        }
    }
}

/// What a leader says of itself.
#[derive(Clone, Copy, Hash, Debug)]
enum Reign {
    /// It believes that it leads.
    Begins(Token),
    /// It no longer believes so.
    Ends(Token),
}

impl Message for Reign {
    fn kind(&self) -> &'static str {
        "reign"
    }
}

fn assemble(case: &Case, world: &mut World<Agents>) {
    let briefing = Briefing::new(case, Some("workers"));
    let mut hire = |name: &'static str, run| briefing.hire(world, Name::literal(name), run);
    hire(USER, |agent, briefing| Box::pin(user(agent, briefing, &[ORCHESTRATOR, BACKUP])));
    hire(ORCHESTRATOR, |agent, briefing| Box::pin(Candidate::recover(agent, briefing).stand()));
    hire(BACKUP, |agent, briefing| Box::pin(backup(agent, briefing)));
    for worker in briefing.doers.iter() {
        hire(worker.as_str(), |agent, briefing| Box::pin(worker_loop(agent, briefing)));
    }
}

/// Stands for leader only where there are elections.
async fn backup(agent: Agent, briefing: Briefing) {
    if briefing.safeguards().has::<Election>() {
        Candidate::recover(agent, briefing).stand_by().await;
    }
}

/// Somebody who may lead.
struct Candidate {
    agent: Agent,
    briefing: Briefing,
    clerk: Clerk,
    /// When each step was last ordered in this reign.
    ordered_at: Lookup<(Name, usize), SimTime>,
    /// How often each step was ordered.
    orders: Lookup<(Name, usize), usize>,
    agenda: Agenda<(Name, Look)>,
    lease_span: SimSpan,
}

/// What a leader looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Look {
    /// Whether a step is to be ordered.
    Step(usize),
    /// Whether the task is at its end.
    End,
}

impl Candidate {
    fn recover(agent: Agent, briefing: Briefing) -> Self {
        let clerk = Clerk::recover(&agent, &briefing);
        let lease_span =
            briefing.safeguards().get::<Election>().map_or(LONELY_LEASE, |election| election.lease);
        let (ordered_at, orders, agenda) = (Lookup::default(), Lookup::default(), Agenda::default());
        Self { agent, briefing, clerk, ordered_at, orders, agenda, lease_span }
    }

    /// The backup leaves the orchestrator the first chance.
    async fn stand_by(mut self) {
        let until = self.agent.monotonic() + self.lease_span;
        self.listen_until(until).await;
        self.stand().await;
    }

    /// Asks for the lease, leads while it holds, and asks again.
    async fn stand(mut self) {
        let resource = Name::literal(LEADERSHIP);
        loop {
            let within = self.lease_span.split(3);
            if let Ok(lease) = self.agent.lease(resource, self.lease_span, within).await {
                self.lead(lease).await;
            } else {
                let until = self.agent.monotonic() + self.lease_span.split(2);
                self.listen_until(until).await;
            }
        }
    }

    /// Takes in what the user says while somebody else leads.
    async fn listen_until(&mut self, until: SimTime) {
        while self.agent.monotonic() < until {
            let left = until.since(self.agent.monotonic());
            if let Ok(mail) = self.agent.receive_within(left, "news").await {
                self.hear(&mail, None).await;
            }
        }
    }

    async fn lead(&mut self, lease: Lease) {
        let token = lease.token;
        self.agent.announce(Name::literal(LEADERSHIP), Reign::Begins(token));
        let (renewed, held) = watch::channel(lease);
        let (agent, span) = (self.agent.clone(), self.lease_span);
        self.agent.spawn(renew(agent, span, renewed));
        // What was ordered under an older token may never have been obeyed.
        self.ordered_at.clear();
        for task in self.clerk.open() {
            self.put_down_steps(task);
        }
        loop {
            let mut last = None;
            while let Some(next) = self.agenda.next(last, self.agent.monotonic()) {
                self.see_to(next, &held).await;
                last = Some(next);
            }
            let until = held.borrow().until;
            if self.agent.now() >= until {
                break;
            }
            let wait = until.since(self.agent.now()).min(RESEND);
            if let Ok(mail) = self.agent.receive_within(wait, "news").await
                && self.catch_up(mail, token).await
            {
                break;
            }
        }
        self.agent.announce(Name::literal(LEADERSHIP), Reign::Ends(token));
    }

    /// Takes in a message and whatever else has come. Every order takes some thought, so a leader that heard
    /// one message for each round of orders would never catch up with the answers.
    async fn catch_up(&mut self, mail: Mail, leading: Token) -> bool {
        let mut deposed = self.hear(&mail, Some(leading)).await;
        while let Some(mail) = self.agent.receive_now() {
            deposed |= self.hear(&mail, Some(leading)).await;
        }
        deposed
    }

    /// Takes a message in; true if it says that there is a newer leader.
    async fn hear(&mut self, mail: &Mail, leading: Option<Token>) -> bool {
        if let Some(task) = self.clerk.hear(mail).await {
            self.put_down_steps(task);
        }
        match mail.open::<Say>().cloned() {
            Some(Say::Done { task, step }) => {
                self.clerk.completed(task, step).await;
                let plan = &self.briefing.plan;
                plan.needed_by(step).iter().for_each(|next| self.agenda.put_down((task, Look::Step(*next))));
                self.agenda.put_down((task, Look::End));
            }
            Some(Say::Failed { task, step }) => self.clerk.failed(task, step).await,
            Some(Say::Rejected { token }) => return leading.is_some_and(|leading| token > leading),
            _ => {}
        }
        false
    }

    /// Whatever can be done now for a task.
    fn put_down_steps(&mut self, task: Name) {
        let ready = self.clerk.board().ready(task);
        for step in ready {
            self.agenda.put_down((task, Look::Step(step)));
        }
        self.agenda.put_down((task, Look::End));
    }

    async fn see_to(&mut self, (task, look): (Name, Look), held: &watch::Receiver<Lease>) {
        match look {
            Look::Step(step) if self.is_due(task, step) => {
                let Some(op) = self.clerk.board().get(task).map(|progress| progress.ops[step]) else {
                    return;
                };
                self.order(task, step, op, held).await;
                match self.ordered_at.get((task, step)) {
                    Some(ordered) => self.agenda.put_down_for(*ordered + RESEND, (task, look)),
                    None => self.agenda.put_down((task, look)),
                }
            }
            Look::End if self.is_at_its_end(task) => self.clerk.close(task, true).await,
            Look::Step(_) | Look::End => {}
        }
    }

    /// Whether a step can be done and nothing was heard of it for a while.
    fn is_due(&self, task: Name, step: usize) -> bool {
        let board = self.clerk.board();
        let ordered = self.ordered_at.get((task, step));
        board.has_open(task)
            && board.is_ready(task, step)
            && ordered.is_none_or(|ordered| self.agent.monotonic() >= *ordered + RESEND)
    }

    fn is_at_its_end(&self, task: Name) -> bool {
        let board = self.clerk.board();
        board.has_open(task) && board.is_complete(task)
    }

    /// Gives an order, if the lease still holds at the moment of looking.
    async fn order(&mut self, task: Name, step: usize, op: OpId, held: &watch::Receiver<Lease>) {
        let intent = self.briefing.plan.intent(task, step);
        let thought = self.agent.think(intent, CHOOSING_TOKENS, self.briefing.doers.len() as u32).await;
        // Whoever has not answered may be dead, and the model would choose the same again.
        let orders = self.orders.get_or_insert_with((task, step), || 0);
        let worker = self.briefing.doers[(thought.choice as usize + *orders) % self.briefing.doers.len()];
        *orders += 1;
        let Lease { token, until, .. } = *held.borrow();
        if self.agent.now() >= until {
            return;
        }
        // Between the look at the lease and the order, anything can happen to a process.
        self.agent.before("order", intent).await;
        self.agent.expect(worker, "word that a step is done", intent);
        self.agent.send(worker, intent, Say::Order { task, step, op, token });
        self.ordered_at.insert((task, step), self.agent.monotonic());
    }
}

/// Prolongs the lease until that fails or nobody needs it any more.
async fn renew(agent: Agent, span: SimSpan, lease: watch::Sender<Lease>) {
    let Lease { resource, token, .. } = *lease.borrow();
    loop {
        agent.sleep(span.split(3)).await;
        if lease.is_closed() {
            return;
        }
        agent.before("lease", resource).await;
        match agent.lease(resource, span, span.split(3)).await {
            Ok(renewed) if renewed.token == token => drop(lease.send(renewed)),
            // Another token is another reign; the leader finds out when this lease ends.
            Ok(_) => return,
            Err(_) if agent.now() >= lease.borrow().until => return,
            Err(_) => {}
        }
    }
}

/// Obeys orders, or rejects those of an older leader.
async fn worker_loop(agent: Agent, briefing: Briefing) {
    let doer = Doer::recover(&agent, briefing.safeguards());
    let fenced = briefing.safeguards().has::<FencingTokens>();
    let mut fence = Fence::recover(&agent);
    loop {
        let mail = agent.receive().await;
        let Some(Say::Order { task, step, op, token }) = mail.open().cloned() else { continue };
        let (leader, wish) = (mail.from(), briefing.plan.wish(task, step));
        let intent = wish.intent;
        if fenced && !fence.admits(token) {
            agent.send(leader, intent, Say::Rejected { token: fence.highest() });
            continue;
        }
        if fenced {
            fence.raise(&agent, token).await;
        }
        match doer.standing(intent, 0) {
            Standing::Busy => {}
            Standing::Done => agent.send(leader, intent, Say::Done { task, step }),
            Standing::New => {
                let headers = Headers { authority: Some(token), ..Headers::NONE };
                doer.set_to_work((wish, headers), 0, Identity::Given(op), move |agent, succeeded| {
                    let say = if succeeded { Say::Done { task, step } } else { Say::Failed { task, step } };
                    agent.send(leader, intent, say);
                });
            }
        }
    }
}
