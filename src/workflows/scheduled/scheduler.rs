//! The schedulers: each fires the ticks that are due by its wall clock, while it believes that it leads.

use super::Schedule;
use super::deliveries::Deliveries;
use crate::agent::Agent;
use crate::safeguards::catch_up::CatchUp;
use crate::safeguards::election::{Candidate, Election, Leadership};
use crate::safeguards::resend_orders::ResendOrders;
use crate::workflows::TeamContext;
use perfidy_sim::{Name, SimSpan, SimTime};
use std::collections::BTreeSet;

/// The resource of the lease.
const SCHEDULING: &str = "scheduling";

/// The lease of a scheduler without a backup.
const LONELY_LEASE: SimSpan = SimSpan::from_secs(10);

/// After how long a tick is fired again that no runner has answered.
const REDELIVERS: SimSpan = SimSpan::from_secs(20);

/// For how long a tick can be fired by a scheduler that does not catch up.
const GRACE: SimSpan = SimSpan::from_secs(2);

/// The longest and the shortest time until a scheduler looks at its clock again, which can jump.
const LONGEST_WAIT: SimSpan = SimSpan::from_secs(15);
const SHORTEST_WAIT: SimSpan = SimSpan::from_millis(10);

/// Leads, or stands by if the other does.
pub(super) async fn scheduler(agent: Agent, team: TeamContext) {
    let election = team.safeguards().get::<Election>().copied();
    let election = election.unwrap_or(Election { lease: LONELY_LEASE });
    let mut scheduler = Scheduler::new(&agent, &team);
    election.run(&agent, Name::literal(SCHEDULING), &mut scheduler).await;
}

/// A candidate only if there are elections.
pub(super) async fn backup(agent: Agent, team: TeamContext) {
    if let Some(election) = team.safeguards().get::<Election>().copied() {
        let mut scheduler = Scheduler::new(&agent, &team);
        election.run_as_backup(&agent, Name::literal(SCHEDULING), &mut scheduler).await;
    }
}

struct Scheduler {
    agent: Agent,
    schedule: Schedule,
    deliveries: Deliveries,
    catches_up: bool,
    /// The ticks that this incarnation has neither fired nor missed.
    ahead: BTreeSet<usize>,
}

impl Candidate for Scheduler {
    async fn follow(&mut self, until: SimTime) {
        self.agent.sleep(until.since(self.agent.monotonic())).await;
    }

    async fn lead(&mut self, leadership: Leadership) {
        while leadership.holds() {
            self.fire_what_is_due().await;
            let next = self.ahead.first().map(|place| self.schedule.due(*place).since(self.agent.now()));
            let wait = next.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT).min(leadership.left());
            // What comes here are answers to firings that are settled.
            let _ = self.agent.receive_within(wait.max(SHORTEST_WAIT), "a tick").await;
        }
    }
}

impl Scheduler {
    fn new(agent: &Agent, team: &TeamContext) -> Self {
        let schedule = Schedule::new(team);
        let ahead = schedule.places(true).collect();
        let deliveries = Deliveries::new(agent, team, ResendOrders::of_or(team.safeguards(), REDELIVERS));
        let catches_up = team.safeguards().has::<CatchUp>();
        Self { agent: agent.clone(), schedule, deliveries, catches_up, ahead }
    }

    /// Fires the ticks whose time has come. Those whose time has passed are fired too if the scheduler
    /// catches up, and otherwise missed.
    async fn fire_what_is_due(&mut self) {
        let now = self.agent.now();
        while let Some(place) = self.ahead.first().copied().filter(|place| self.schedule.due(*place) <= now) {
            self.ahead.remove(&place);
            if !self.catches_up && now > self.schedule.due(place) + GRACE {
                continue;
            }
            let task = self.schedule.task(place);
            // The process can be paused between the look at its lease and the firing.
            self.agent.before("fire", task).await;
            let deliveries = self.deliveries.clone();
            self.agent.spawn(async move { deliveries.deliver(task, place).await });
        }
    }
}
