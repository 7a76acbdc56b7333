//! Scheduled: jobs that begin by triggers, and not by a message of their user: ticks of a schedule, messages
//! of a queue, and webhooks.
//!
//! ```text
//!   clock --> scheduler, backup-scheduler --fire--> runner --claim--> store
//!   user --publish--> queue ----------------fire------^  '----call--> tool
//!   user --publish--> webhook --------------fire------'
//!   user <---report--- runner
//! ```
//!
//! Each task is one trigger and its run: ticks, messages and webhooks take turns, and each of these three is
//! a job of its own. A source delivers a trigger until a runner answers that its run is over, to another
//! runner each time, and each delivery has a fresh id for the run. So runs can begin twice, late, and many at
//! once.
//!
//! Of the two schedulers the leader fires the ticks, by its wall clock. A leader that was paused, or whose
//! lease has ended by another clock, still believes that it leads.
//!
//! A runner has its user acknowledge each report, and only then tells the source that the run is over.

mod deliveries;
mod owner;
mod runner;
mod scheduler;
mod source;

use crate::agent::{Headers, Message, OpId};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("scheduled")
        .about("runners carry out jobs that ticks of a schedule, messages of a queue and webhooks begin")
        .agent(SCHEDULER, scheduler::scheduler)
        .agent(BACKUP, scheduler::backup)
        .agent(QUEUE, |agent, team| source::source(agent, team, QUEUE_REDELIVERS))
        .agent(WEBHOOK, |agent, team| source::source(agent, team, WEBHOOK_REDELIVERS))
        .agents(Role::new("runners", "runner", 1..=MOST_AGENTS, 2), runner::runner)
        .user(owner::owner)
        .store_if(|_| true)
        .safeguards(&[
            "call-timeout",
            "catch-up",
            "checkpoint",
            "claim-by-lease",
            "election",
            "event-log",
            "give-up-after",
            "idempotency-keys",
            "inbox-dedupe",
            "lease-check",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tick-claim",
            "tool-dedupe",
        ])
        .properties(&[
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "one-firing-per-tick",
            "one-owner-per-task",
        ])
}

const SCHEDULER: &str = "scheduler";
const BACKUP: &str = "backup-scheduler";
const QUEUE: &str = "queue";
const WEBHOOK: &str = "webhook";

/// After how long a queue delivers a message again that was not acknowledged (its visibility timeout).
const QUEUE_REDELIVERS: SimSpan = SimSpan::from_secs(20);

/// After how long the sender of a webhook sends it again.
const WEBHOOK_REDELIVERS: SimSpan = SimSpan::from_secs(15);

/// When the first tick comes.
const FIRST_TICK: SimTime = SimTime::from_nanos(1_000_000_000);

/// What begins the runs of a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Job {
    Cron,
    Queue,
    Webhook,
}

impl Job {
    const ALL: [Self; 3] = [Self::Cron, Self::Queue, Self::Webhook];

    fn name(self) -> Name {
        Name::literal(match self {
            Self::Cron => "cron-job",
            Self::Queue => "queue-job",
            Self::Webhook => "webhook-job",
        })
    }

    /// The agent to which the triggers are handed; a tick is handed to none.
    fn source(self) -> Option<Name> {
        match self {
            Self::Cron => None,
            Self::Queue => Some(Name::literal(QUEUE)),
            Self::Webhook => Some(Name::literal(WEBHOOK)),
        }
    }
}

/// Which trigger is which, and when ticks are due. Every agent of the team knows it.
struct Schedule {
    team: TeamContext,
    places: Lookup<Name, usize>,
}

impl Schedule {
    fn new(team: &TeamContext) -> Self {
        let mut places = Lookup::default();
        for (place, task) in team.plan.tasks.iter().enumerate() {
            places.insert(*task, place);
        }
        Self { team: team.clone(), places }
    }

    /// The place of a trigger among all; `None` if there is none of that name.
    fn place(&self, task: Name) -> Option<usize> {
        self.places.get(task).copied()
    }

    fn task(&self, place: usize) -> Name {
        self.team.plan.tasks[place]
    }

    /// The job that a trigger begins a run of.
    fn job(place: usize) -> Job {
        Job::ALL[place % Job::ALL.len()]
    }

    /// When a tick is due by the wall clock, and when a message or webhook comes at the latest.
    fn due(&self, place: usize) -> SimTime {
        FIRST_TICK + self.team.tasks.every.end().saturating_mul(place as u64)
    }

    /// The places of the triggers, without or only those of the clock.
    fn places(&self, are_ticks: bool) -> impl Iterator<Item = usize> + '_ {
        let all = 0..self.team.plan.tasks.len();
        all.filter(move |place| (Self::job(*place) == Job::Cron) == are_ticks)
    }
}

/// Messages of this team.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
enum TriggerMessage {
    /// Here is a message for the queue, or an event for the webhook.
    Published { task: Name },
    /// The source has it.
    Accepted { task: Name },
    /// Begin the run of this trigger, under this id.
    Fire { task: Name, run: OpId },
    /// The run of this trigger is over, and its user knows.
    Finished { task: Name },
    /// The user has the report.
    Ack { task: Name },
}

impl Message for TriggerMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Published { .. } => "publish",
            Self::Accepted { .. } => "accepted",
            Self::Fire { .. } => "fire",
            Self::Finished { .. } => "finished",
            Self::Ack { .. } => "ack",
        }
    }

    fn headers(&self) -> Headers {
        match self {
            Self::Fire { run, .. } => Headers { idempotency_key: Some(*run), ..Headers::NONE },
            Self::Published { .. } | Self::Accepted { .. } | Self::Finished { .. } | Self::Ack { .. } => {
                Headers::NONE
            }
        }
    }
}
