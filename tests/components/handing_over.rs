//! Safeguards for transfers, used as agents of another team would use them: versions, stored artifacts,
//! transfers.

use perfidy::agent::{Agent, Agents, Artifact, ArtifactId, Delivery, Message};
use perfidy::safeguards::Safeguards;
use perfidy::safeguards::cite_artifacts::{NotFound, artifact_store, fetch, store};
use perfidy::safeguards::transfer_acks::{UnknownAgent, hand_over};
use perfidy::safeguards::version_check::Versions;
use perfidy::scenario::Scenario;
use perfidy::suite::Suite;
use perfidy_sim::{
    Engine, EventKind, Fault, Name, Plan, RunEnd, RunOutcome, Seed, SimSpan, World, WorldConfig,
};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::rc::Rc;

/// The safeguards of a scenario that switches these on.
fn safeguards(workflow: &str, switches: &str) -> Safeguards {
    let text = format!(
        "# Pieces.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n\
         [tools.ticketing]\n[safeguards]\n{switches}\n"
    );
    Scenario::parse(&Suite::shipped(), "pieces", &text)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .safeguards
        .clone()
}

fn faults(texts: &[(&str, &str)]) -> Plan {
    let fault =
        |(at, action): &(&str, &str)| Fault { at: at.parse().unwrap(), action: action.parse().unwrap() };
    Plan::Explicit(texts.iter().map(fault).collect())
}

fn spawn_agent<F: Future<Output = ()> + 'static>(
    world: &mut World<Agents>,
    name: &str,
    run: impl Fn(Agent) -> F + 'static,
) {
    let instant = SimSpan::from_millis(1)..=SimSpan::from_millis(1);
    world.process(Name::new(name), move |context| run(Agent::new(context, instant.clone())));
}

/// Runs a world in which every assertion of an agent holds.
fn runs_well(plan: Plan, build: impl FnOnce(&mut World<Agents>) + Send) -> RunOutcome<Agents> {
    let outcome = Engine::Native.run(|| {
        let mut world = World::new(WorldConfig { plan, ..WorldConfig::fault_free(Seed(1)) });
        build(&mut world);
        world
    });
    let panic = outcome.history.events().iter().find_map(|event| match &event.what {
        EventKind::Panicked { message } => Some(message),
        _ => None,
    });
    assert_eq!((outcome.stop, panic), (RunEnd::Finished, None));
    assert!(outcome.pinned.iter().all(|pinned| pinned.reached));
    outcome
}

fn brief(body: u64) -> Artifact {
    Artifact { about: Name::new("task-1/file"), from: None, body }
}

#[test]
fn a_version_that_was_replaced_is_not_settled_and_a_settled_one_is_not_replaced() {
    runs_well(Plan::fault_free(), |world| {
        let on = safeguards("pipeline", "version-check = true");
        spawn_agent(world, "lead", move |agent| {
            let on = on.clone();
            async move {
                let (versions, intent) = (Versions::recover(&agent, &on), brief(0).about);
                let first = versions.issue(brief(1)).await.unwrap();
                let second = versions.issue(brief(2)).await.unwrap();
                assert_eq!((first.number, second.number), (1, 2));
                assert_ne!(first.op, second.op);
                assert!(!versions.settle(intent, 1).await);
                assert!(!versions.settle(intent, 3).await);
                assert!(versions.settle(intent, 2).await);
                assert!(versions.settle(intent, 2).await, "the same answer to the same question");
                assert_eq!(versions.issue(brief(3)).await, Some(second));
                agent.finish_after(SimSpan::ZERO);
            }
        });
    });
}

#[test]
fn a_version_that_was_overtaken_while_it_was_written_down_is_never_heard_of() {
    runs_well(faults(&[("lead's disk, sync, journal, try 1", "slow by 20s")]), |world| {
        let on = safeguards("pipeline", "version-check = true");
        spawn_agent(world, "lead", move |agent| {
            let versions = Rc::new(Versions::recover(&agent, &on));
            async move {
                let slow = Rc::clone(&versions);
                agent.spawn(async move { assert_eq!(slow.issue(brief(1)).await, None) });
                agent.sleep(SimSpan::from_secs(1)).await;
                assert_eq!(versions.issue(brief(2)).await.map(|version| version.number), Some(2));
                assert!(!versions.settle(brief(0).about, 1).await);
                agent.finish_after(SimSpan::from_secs(30));
            }
        });
    });
}

#[test]
fn what_was_settled_before_a_crash_is_settled_after_it() {
    let crash = faults(&[("crash of the lead, by hand, try 1", "crash lead at 10s, back after 1s")]);
    runs_well(crash, |world| {
        let on = safeguards("pipeline", "version-check = true");
        spawn_agent(world, "lead", move |agent| {
            let on = on.clone();
            async move {
                let (versions, intent) = (Versions::recover(&agent, &on), brief(0).about);
                if agent.incarnation() == 0 {
                    versions.issue(brief(1)).await;
                    versions.issue(brief(2)).await;
                    assert!(versions.settle(intent, 2).await);
                    return;
                }
                assert!(!versions.settle(intent, 1).await);
                assert_eq!(versions.settled(intent).map(|version| version.brief), Some(brief(2)));
                agent.finish_after(SimSpan::ZERO);
            }
        });
    });
}

#[test]
fn what_the_artifact_store_has_confirmed_can_be_fetched_also_after_a_crash() {
    let trouble = faults(&[
        ("artifact-store > maker, stored, task-1/file, try 1", "drop"),
        ("crash of the artifact-store, by hand, try 1", "crash artifact-store at 10s, back after 1s"),
    ]);
    runs_well(trouble, |world| {
        spawn_agent(world, "artifact-store", artifact_store);
        spawn_agent(world, "maker", |agent| async move {
            let (keeper, about) = (Name::new("artifact-store"), brief(0).about);
            assert_eq!(store(&agent, keeper, brief(1)).await, Ok(brief(1).id()));
            agent.sleep(SimSpan::from_secs(20)).await;
            assert_eq!(fetch(&agent, keeper, about, brief(1).id()).await, Ok(brief(1)));
            assert_eq!(fetch(&agent, keeper, about, ArtifactId(7)).await, Err(NotFound::Unknown));
            let nobody = fetch(&agent, Name::new("nobody"), about, brief(1).id()).await;
            assert_eq!(nobody, Err(NotFound::NoAnswer));
            agent.finish_after(SimSpan::ZERO);
        });
    });
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
enum Ball {
    Yours,
    Got,
}

impl Message for Ball {
    fn kind(&self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Got => "got",
        }
    }
}

/// One agent transfers a ball to another, which acknowledges it, and then to an agent that does not exist.
/// Returns how often the other got it, and the result of the second transfer.
fn hands_over(switches: &str, plan: Plan) -> (usize, Result<(), UnknownAgent>) {
    let (sent, received) = std::sync::mpsc::channel();
    let outcome = runs_well(plan, |world| {
        let on = safeguards("handoff", switches);
        spawn_agent(world, "b", |agent| async move {
            loop {
                let mail: Delivery = agent.receive().await;
                agent.reply(&mail, Ball::Got);
            }
        });
        spawn_agent(world, "a", move |agent| {
            let (on, sent) = (on.clone(), sent.clone());
            async move {
                let [b, nobody, ball] = ["b", "nobody", "ball"].map(Name::new);
                assert_eq!(hand_over(&agent, &on, &[b], b, ball, Ball::Yours).await, Ok(()));
                let stranger = hand_over(&agent, &on, &[b], nobody, ball, Ball::Yours).await;
                sent.send(stranger).unwrap();
                agent.finish_after(SimSpan::from_secs(1));
            }
        });
    });
    let b = Name::new("b");
    let got = outcome.history.events().iter().filter(|event| event.node == b);
    let got = got.filter(|event| matches!(event.what, EventKind::Delivered { .. })).count();
    (got, received.recv().unwrap())
}

#[test]
fn a_transfer_is_sent_until_it_is_acknowledged_and_only_to_colleagues() {
    let lost = || faults(&[("a > b, yours, ball, try 1", "drop")]);
    let unacknowledged = faults(&[("b > a, got, ball, try 1", "drop")]);
    assert_eq!(hands_over("transfer-acks = true", Plan::fault_free()), (1, Err(UnknownAgent)));
    assert_eq!(hands_over("transfer-acks = true", lost()), (1, Err(UnknownAgent)));
    assert_eq!(hands_over("transfer-acks = true", unacknowledged), (2, Err(UnknownAgent)));
    assert_eq!(hands_over("", lost()), (0, Ok(())), "no agent has it, and none knows");
}
