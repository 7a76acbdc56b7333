//! A scenario with a client in the place of its agent.

use crate::agent::{Agent, Agents};
use crate::clients::intents::Intents;
use crate::clients::node::{self, Work};
use crate::clients::port::{Inbound, Port};
use crate::clients::recording::Arrival;
use crate::clients::{Catalogue, Live, NotServed, Recording, Request};
use crate::explore::Run;
use crate::properties::{EVENTUAL_TERMINATION, Verdict};
use crate::scenario::Case;
use crate::workflows::{OtherCode, TeamContext};
use perfidy_sim::{
    Action, Fault, Name, Outside, Plan, Rule, Seed, SimTime, TimedEffect, TimedFault, Turn, World,
};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The properties that ask for what a client has no way to do: to pass a failed call on to the person on
/// call, or to ask a person for approval.
pub(super) const NOT_JUDGED: &[&str] = &["approved-before-irreversible", "every-call-accounted"];

/// What is served: a case, with the seed and the plan of its faults.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) case: Case,
    pub(super) seed: Seed,
    plan: Plan,
    agent: &'static str,
    catalogue: Arc<Catalogue>,
}

/// A client was served, and has left.
pub struct Served {
    /// The run, judged.
    pub run: Run,
    /// What the client asked when.
    pub recording: Recording,
}

impl Session {
    /// A case with the faults of its scenario for a seed, or with these.
    ///
    /// # Errors
    /// [`NotServed`] if its team is more than one agent, or its tools cannot be served.
    pub fn new(case: &Case, seed: Seed, plan: Option<Plan>) -> Result<Self, NotServed> {
        let workflow = &case.scenario.workflow;
        let agent = workflow.lone_agent().ok_or_else(|| {
            NotServed(format!(
                "the workflow `{}` has more agents than one; a client takes the place of a single agent, as in \
                 `tool-loop` or `solo`",
                workflow.name
            ))
        })?;
        let catalogue = Arc::new(Catalogue::of(case)?);
        let plan = plan.unwrap_or_else(|| Plan::Fuzz(Arc::clone(&case.scenario.chaos)));
        Ok(Self { case: case.clone(), seed, plan, agent, catalogue })
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// Whether no run with a client says anything of the property of that name: it asks for what a client has
    /// no way to do.
    pub fn never_judges(property: &str) -> bool {
        NOT_JUDGED.contains(&property)
    }

    /// Whether its faults kill the agent, so that its process must be one that can be killed. A pause of the
    /// agent needs none: it holds back the answers, as a network or a busy machine does.
    pub fn needs_process(&self) -> bool {
        let agent = Name::literal(self.agent);
        match &self.plan {
            Plan::Fuzz(chaos) => {
                let kills_there =
                    |rule: &Rule| matches!(rule.action, Action::Crash(_)) && rule.from.covers(agent);
                let kills_then = |fault: &TimedFault| match &fault.disturbance {
                    TimedEffect::Kill { among, .. } | TimedEffect::Crash(among) => among.contains(&agent),
                    _ => false,
                };
                chaos.rules.iter().any(kills_there)
                    || chaos.windows.iter().any(kills_then)
                    || chaos.pinned.iter().any(|fault| kills(fault, agent))
            }
            Plan::Explicit(faults) => faults.iter().any(|fault| kills(fault, agent)),
        }
    }

    /// The tools and tasks of its scenario.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Runs the world with a client in real time, until the run has ended.
    pub fn serve(&self, mut live: Live<'_>) -> Served {
        let port = Rc::clone(&live.port);
        let run = self.run(port, &mut live, |live| said_nothing(&live.arrivals));
        let recording = Recording::of(self, &run, live.arrivals);
        Served { run, recording }
    }

    /// Makes a run again from what its client asked when.
    pub(super) fn play(&self, arrivals: &[Arrival]) -> Run {
        let mut played = Played { arrivals: arrivals.iter(), next: None, port: Rc::default() };
        played.next = played.arrivals.next();
        let port = Rc::clone(&played.port);
        self.run(port, &mut played, |_| said_nothing(arrivals))
    }

    fn run<O: Outside>(&self, port: Rc<Port>, outside: &mut O, said_nothing: impl FnOnce(&O) -> bool) -> Run {
        let outcome = self.world(port).run_with(outside);
        let mut run = Run::judged(&self.case, outcome);
        let said_nothing = said_nothing(outside);
        for (property, verdict) in &mut run.verdicts {
            let reason = match verdict {
                Verdict::Vacuous => continue,
                _ if NOT_JUDGED.contains(property) => "a client has no way to do what it asks for",
                Verdict::Violated(_) if *property == EVENTUAL_TERMINATION && said_nothing => {
                    "the client ended without a word to its user on how each task ended"
                }
                _ => continue,
            };
            *verdict = Verdict::Unknown { reason: reason.to_owned() };
        }
        run
    }

    fn world(&self, port: Rc<Port>) -> World<Agents> {
        let intents = Intents::new(Arc::clone(&self.case.team().plan));
        let work = Rc::new(Work::new(&self.catalogue, intents));
        let code: OtherCode = Rc::new(move |agent: Agent, team: TeamContext| {
            Box::pin(node::run(agent, team, Rc::clone(&port), Rc::clone(&work)))
        });
        self.case.world_around(self.seed, self.plan.clone(), Some(&(self.agent, code)))
    }
}

/// Whether a client ended and did not say how its work ended.
fn said_nothing(arrivals: &[Arrival]) -> bool {
    arrivals.iter().any(|arrival| arrival.request == Request::Ended(None))
}

/// Whether a fault kills an agent.
fn kills(fault: &Fault, agent: Name) -> bool {
    match fault.action {
        Action::Crash(_) => fault.at.site.as_str().split(',').next() == Some(agent.as_str()),
        Action::CrashAt { node, .. } => node == agent,
        _ => false,
    }
}

/// A client whose requests are known: each comes at its time, after the events of that time.
struct Played<'a> {
    arrivals: std::slice::Iter<'a, Arrival>,
    next: Option<&'a Arrival>,
    port: Rc<Port>,
}

impl Outside for Played<'_> {
    fn turn(&mut self, now: SimTime, next: SimTime) -> Turn {
        let Some(arrival) = self.next.filter(|arrival| next > arrival.at.max(now)) else {
            return Turn::Event;
        };
        self.next = self.arrivals.next();
        let (reply, _) = oneshot::channel();
        self.port.ask(Inbound { number: arrival.number, request: arrival.request.clone(), reply });
        Turn::At(arrival.at.max(now))
    }
}
