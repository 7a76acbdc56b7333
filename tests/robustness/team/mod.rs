//! A team as a user of the crate could write it, in its first form and in edited forms.
//!
//! A clerk orders the steps of each task from workers, which its model chooses, and checks the effects before
//! it reports a task as done. It uses the components of the shipped workflows. An [`Edit`] is a typical
//! change by a programmer who does not consider the saved failures.

mod clerk;
mod worker;

use clerk::Clerk;
use perfidy::agent::{Agent, Agents, Headers, Message, Purpose};
use perfidy::tools::ToolConfig;
use perfidy::tools::ToolService;
use perfidy::workflows::{Role, Workflow, conductor, standby};
use perfidy_sim::{Name, SimSpan, World};
use serde::{Deserialize, Serialize};
use worker::Worker;

/// A tool that only edited teams have.
const AUDIT: &str = "audit";

/// How long the clerk waits before it resends a message.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// The edit of the team's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// No edit.
    None,
    /// Every agent makes a draw at its start.
    DrawAtBoot,
    /// Workers make a draw before each call, and the clerk before each order.
    DrawMidway,
    /// One agent tells another every second that it is alive.
    Heartbeat,
    /// Workers report every step to an auditing tool before they do it.
    AuditCall,
    /// Workers wait eight seconds for a tool instead of five.
    LongerTimeout,
    /// The clerk is renamed to secretary, its workers to hands, and the names of its orders change too.
    Renamed,
}

/// The names of agents and steps.
struct Names {
    clerk: [&'static str; 1],
    workers: [Role; 1],
    /// The step of handing a step of a task to a worker.
    assign: &'static str,
}

const fn names(
    clerk: &'static str,
    group: &'static str,
    member: &'static str,
    assign: &'static str,
) -> Names {
    let workers = [Role { group, member, count: 1..=8, default: 2 }];
    Names { clerk: [clerk], workers, assign }
}

static AT_FIRST: Names = names("clerk", "workers", "worker", "assign");
static TODAY: Names = names("secretary", "hands", "hand", "order");

impl Edit {
    fn names(self) -> &'static Names {
        if self == Self::Renamed { &TODAY } else { &AT_FIRST }
    }
}

/// The team with an edit.
pub fn team(edit: Edit) -> Workflow {
    let names = edit.names();
    let agent = move |agent: Agent| {
        if edit == Edit::DrawAtBoot {
            agent.draw("mood", agent.name(), |draw| draw.bits("mood"));
            agent.new_operation_id(agent.name());
        }
        agent
    };
    let [role] = &names.workers;
    let team = Workflow::new("desk")
        .about("a clerk hands steps to workers and looks for their effects")
        .agent(names.clerk[0], move |clerk, team| Clerk::recover(agent(clerk), team, edit).run())
        .agents(role.clone(), move |worker, team| Worker::recover(agent(worker), team, edit).run())
        .safeguards(&[
            "checkpoint",
            "idempotency-keys",
            "observe-before-retry",
            "persist-before-call",
            "retry",
            "tool-dedupe",
            "verify",
        ])
        .properties(&["eventual-termination", "no-duplicate-effects", "no-phantom-completion"]);
    match edit {
        Edit::Heartbeat => team.with(|_, world| heartbeats(world)),
        Edit::AuditCall => team.with(|_, world| {
            let ms = SimSpan::from_millis;
            world.service(
                Name::new(AUDIT),
                ToolService::new(&ToolConfig {
                    latency: ms(20)..=ms(200),
                    deduplicates: true,
                    ..ToolConfig::default()
                }),
            );
        }),
        _ => team,
    }
}

/// The edits that change no names.
pub const EDITS: [Edit; 5] =
    [Edit::DrawAtBoot, Edit::DrawMidway, Edit::Heartbeat, Edit::AuditCall, Edit::LongerTimeout];

/// The shipped conductor, edited from outside: two more agents, one of which draws and sends.
pub fn edited_conductor() -> Workflow {
    conductor::workflow().with(|_, world| heartbeats(world))
}

/// The shipped standby team, edited in the same way.
pub fn edited_standby() -> Workflow {
    standby::workflow().with(|_, world| heartbeats(world))
}

#[derive(Hash, Debug, Serialize, Deserialize)]
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
    world.process(heart, move |context| {
        let agent = Agent::new(context, of_heart.clone());
        async move {
            loop {
                agent.draw("pulse", heart, |draw| draw.bits("pulse"));
                agent.send(wall, heart, Alive);
                agent.sleep(SimSpan::from_secs(1)).await;
            }
        }
    });
    world.process(wall, move |context| {
        let agent = Agent::new(context, model.clone());
        async move {
            loop {
                agent.receive().await;
            }
        }
    });
}

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum TeamMessage {
    Assign { task: Name, step: usize, round: u32 },
    Done { task: Name, step: usize, round: u32 },
    Failed { task: Name, step: usize, round: u32 },
}

impl Message for TeamMessage {
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
