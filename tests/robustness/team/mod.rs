//! A team as somebody might write it with perfidy, in its first form and in edited ones.
//!
//! A clerk hands the steps of each task to workers, whom its model picks, and looks for the effects before it
//! reports a task done. It is made of the pieces that the shipped workflows are made of. An [`Edit`] is what
//! a programmer might do to it on some afternoon without any thought of the failures that were saved before.

mod clerk;
mod worker;

use clerk::Clerk;
use perfidy::agent::{Agent, Agents, Headers, Message, Purpose, Request, ToolService};
use perfidy::scenario::{Case, Tool};
use perfidy::workflows::user::{USER, user};
use perfidy::workflows::{Briefing, Role, Workflow, conductor, standby};
use perfidy_sim::{Context, Name, SimSpan, World};
use serde::Serialize;
use worker::Worker;

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
        sends: &[],
        moments: &[],
        requests: &[Request::Call, Request::LookUp],
        keeps_journals: true,
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

#[derive(Hash, Debug, Serialize)]
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

#[derive(Clone, Copy, Hash, Debug, Serialize)]
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

    fn headers(&self) -> Headers {
        let (purpose, round) = match *self {
            Self::Assign { round, .. } => (Purpose::Order, round),
            Self::Done { round, .. } => (Purpose::Done, round),
            Self::Failed { round, .. } => (Purpose::Failed, round),
        };
        Headers { attempt: Some(round), ..Headers::of(purpose) }
    }
}
