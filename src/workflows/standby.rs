//! Standby: an orchestrator leads, a backup takes over when the lease runs out, and workers carry out orders.
//!
//! ```text
//!   user --submit--> orchestrator <--lease--> leases <--lease--> backup <--submit-- user
//!                         |                                        |
//!                         '--order (token)--> worker <--order (token)--'
//!                                               '--call--> tool
//! ```
//!
//! Orchestrator and backup are the same code: each asks for the lease, leads while it believes to hold it, and
//! then asks again. What makes that safe is not the lease but the token in every order: a leader that was
//! stopped between looking at its lease and sending an order still sends it, and only the worker can refuse.
//!
//! The id of each operation is minted by the user, once, and travels with the orders: two leaders that order the
//! same step then ask for the same operation.

use crate::agent::{Agent, Agents, Claim, Lease, LeaseService, Mail, Message, OpId, Request, Token};
use crate::faults::model::ANSWER;
use crate::safeguards::election::Election;
use crate::safeguards::fencing::{Fence, FencingTokens};
use crate::scenario::Case;
use crate::workflows::clerk::Clerk;
use crate::workflows::doer::{Doer, Identity, Standing};
use crate::workflows::user::{USER, user};
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::{Name, SimSpan, SimTime, World};
use std::collections::BTreeMap;
use std::rc::Rc;
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
    ordered_at: BTreeMap<(Name, usize), SimTime>,
    /// How often each step was ordered.
    orders: BTreeMap<(Name, usize), usize>,
    lease_span: SimSpan,
}

impl Candidate {
    fn recover(agent: Agent, briefing: Briefing) -> Self {
        let clerk = Clerk::restore(&agent, &briefing);
        let lease_span =
            briefing.safeguards().get::<Election>().map_or(LONELY_LEASE, |election| election.lease);
        Self { agent, briefing, clerk, ordered_at: BTreeMap::new(), orders: BTreeMap::new(), lease_span }
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
        self.agent.claim(Claim::Leads { token });
        let (renewed, held) = watch::channel(lease);
        let (agent, span) = (self.agent.clone(), self.lease_span);
        self.agent.spawn(renew(agent, span, renewed));
        // What was ordered under an older token may never have been obeyed.
        self.ordered_at.clear();
        loop {
            for task in self.clerk.open() {
                self.drive(task, &held).await;
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
        self.agent.claim(Claim::StepsDown { token });
    }

    /// Takes in a message and whatever else has come. Every order takes some thought, so a leader that heard one
    /// message for each round of orders would never catch up with the answers.
    async fn catch_up(&mut self, mail: Mail, leading: Token) -> bool {
        let mut deposed = self.hear(&mail, Some(leading)).await;
        while let Some(mail) = self.agent.receive_now() {
            deposed |= self.hear(&mail, Some(leading)).await;
        }
        deposed
    }

    /// Takes a message in; true if it says that there is a newer leader.
    async fn hear(&mut self, mail: &Mail, leading: Option<Token>) -> bool {
        self.clerk.hear(mail).await;
        match mail.open::<Say>().cloned() {
            Some(Say::Done { task, step }) => self.clerk.completed(task, step).await,
            Some(Say::Failed { task, step }) => self.clerk.failed(task, step).await,
            Some(Say::Rejected { token }) => return leading.is_some_and(|leading| token > leading),
            _ => {}
        }
        false
    }

    async fn drive(&mut self, task: Name, held: &watch::Receiver<Lease>) {
        let Some(ops) = self.clerk.board().get(task).map(|progress| Rc::clone(&progress.ops)) else { return };
        let ready = self.clerk.board().ready(task);
        for step in ready {
            let due = self
                .ordered_at
                .get(&(task, step))
                .is_none_or(|ordered| self.agent.monotonic() >= *ordered + RESEND);
            if due {
                self.order(task, step, ops[step], held).await;
            }
        }
        if self.clerk.board().is_complete(task) {
            self.clerk.close(task, true).await;
        }
    }

    /// Gives an order, if the lease still holds at the moment of looking.
    async fn order(&mut self, task: Name, step: usize, op: OpId, held: &watch::Receiver<Lease>) {
        let intent = self.briefing.plan.intent(task, step);
        let thought = self.agent.think(intent, CHOOSING_TOKENS, self.briefing.doers.len() as u32).await;
        // Whoever has not answered may be dead, and the model would choose the same again.
        let orders = self.orders.entry((task, step)).or_default();
        let worker = self.briefing.doers[(thought.choice as usize + *orders) % self.briefing.doers.len()];
        *orders += 1;
        let Lease { token, until, .. } = *held.borrow();
        if self.agent.now() >= until {
            return;
        }
        // Between the look at the lease and the order, anything can happen to a process.
        self.agent.before("order", intent).await;
        self.agent.claim(Claim::Ordered { intent, to: worker });
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
            agent.claim(Claim::Rejected { leader, token, intent });
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
                agent.claim(Claim::Obeyed { leader, token, intent });
                doer.set_to_work(wish, 0, Identity::Given(op), move |agent, succeeded| {
                    let say = if succeeded { Say::Done { task, step } } else { Say::Failed { task, step } };
                    agent.send(leader, intent, say);
                });
            }
        }
    }
}
