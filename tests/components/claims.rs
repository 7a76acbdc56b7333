//! Claims by lease: one owner at a time, which stops before another owner can begin.

use perfidy::agent::{Agent, Agents, Message, StoreService, TeamEvent};
use perfidy::safeguards::Safeguards;
use perfidy::safeguards::claim::{Claims, LeaseLost, Ownership};
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{
    Action, Address, Context, Engine, Event, Fault, Name, Plan, RunEnd, RunOutcome, Seed, SimSpan, SimTime,
    World, WorldConfig,
};
use serde::{Deserialize, Serialize};

const LEASE: SimSpan = SimSpan::from_secs(9);

fn work() -> Name {
    Name::literal("task-1/file")
}

/// The safeguards of a scenario that has claims of nine seconds.
fn safeguards() -> Safeguards {
    let text = "# Claims.\nworkflow = \"peers\"\n[safeguards]\nclaim-by-lease = { lease = \"9s\" }\n\
                [[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n[tools.ticketing]\n";
    Case::as_written(&Scenario::parse(&Suite::shipped(), "claims/peers", text).unwrap()).safeguards.clone()
}

/// Runs two agents, `a` and `b`, with a plan.
fn two<A, B>(faults: &[Fault], a: A, b: B) -> RunOutcome<Agents>
where
    A: AsyncFn(Agent, Claims) + Copy + Send + Sync + 'static,
    B: AsyncFn(Agent, Claims) + Copy + Send + Sync + 'static,
{
    let outcome = Engine::Native.run(|| {
        let plan = Plan::Explicit(faults.into());
        let mut world = World::<Agents>::new(WorldConfig { plan, ..WorldConfig::fault_free(Seed(1)) });
        world.service(Name::literal(StoreService::NAME), StoreService::new(0, SimSpan::ZERO..=SimSpan::ZERO));
        let prepare = |context: Context<Agents>| {
            let agent = Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO);
            let claims = Claims::new(&agent, &safeguards());
            (agent, claims)
        };
        world.process(Name::new("a"), move |context| async move {
            let (agent, claims) = prepare(context);
            a(agent, claims).await;
        });
        world.process(Name::new("b"), move |context| async move {
            let (agent, claims) = prepare(context);
            b(agent.clone(), claims).await;
            agent.finish_after(SimSpan::ZERO);
        });
        world
    });
    assert_eq!(outcome.stop, RunEnd::Finished, "{:?}", outcome.history.events().last());
    outcome
}

/// The announcement of an agent at work.
#[derive(Hash, Debug, Serialize, Deserialize)]
struct Acts;

impl Message for Acts {
    fn kind(&self) -> &'static str {
        "acts"
    }
}

/// When an agent made announcements of this kind.
fn said<M: Message>(outcome: &RunOutcome<Agents>, who: &str, wanted: fn(&M) -> bool) -> Vec<SimTime> {
    let says = |event: &&Event<TeamEvent>| {
        let Some(TeamEvent::Announced { content, .. }) = event.app_event() else { return false };
        event.node == Name::new(who) && content.open().is_some_and(wanted)
    };
    outcome.history.events().iter().filter(says).map(|event| event.at).collect()
}

fn took(says: &Ownership) -> bool {
    matches!(says, Ownership::Holds(_))
}

async fn take_when_free(agent: Agent, claims: Claims) {
    loop {
        agent.sleep(SimSpan::from_millis(500)).await;
        if claims.take(work()).await.is_some() {
            return;
        }
    }
}

#[test]
fn an_owner_that_goes_on_renewing_keeps_its_work_past_the_lease() {
    let outcome = two(
        &[],
        async |agent: Agent, claims: Claims| {
            let guard = claims.take(work()).await.unwrap();
            agent.sleep(LEASE.saturating_mul(4)).await;
            assert!(guard.is_held());
            guard.release().await;
        },
        take_when_free,
    );
    let [first] = said(&outcome, "b", took)[..] else { panic!("b took it once") };
    assert!(first >= SimTime::ZERO + LEASE.saturating_mul(4));
    assert!(
        first < SimTime::ZERO + LEASE.saturating_mul(4) + SimSpan::from_secs(1),
        "at once when it was free"
    );
}

#[test]
fn an_owner_cut_off_from_the_store_stops_before_another_begins() {
    let partition = Fault {
        at: Address { site: Name::new("partition a | store"), id: Name::new("window"), nth: 1 },
        action: Action::Partition {
            left: Name::new("a"),
            right: Name::new(StoreService::NAME),
            one_way: false,
            at: SimTime::ZERO + SimSpan::from_secs(2),
            lasting: SimSpan::from_secs(60),
        },
    };
    let outcome = two(
        &[partition],
        async |agent: Agent, claims: Claims| {
            let guard = claims.take(work()).await.unwrap();
            let busy = async {
                loop {
                    agent.sleep(SimSpan::from_millis(10)).await;
                    agent.announce(work(), Acts);
                }
            };
            assert_eq!(guard.while_held::<()>(busy).await, Err(LeaseLost));
            guard.release().await;
        },
        take_when_free,
    );
    let last_act = said(&outcome, "a", |_: &Acts| true).pop().unwrap();
    let [began] = said(&outcome, "b", took)[..] else { panic!("b took it once") };
    assert!(last_act < began, "a at {last_act}, b at {began}");
    assert!(began < SimTime::ZERO + LEASE.saturating_mul(3));
}

#[test]
fn a_stopped_owner_does_nothing_more_when_it_goes_on_after_its_lease() {
    let pause = Fault {
        at: Address { site: Name::new("pause a"), id: Name::new("window"), nth: 1 },
        action: Action::PauseAt {
            node: Name::new("a"),
            at: SimTime::ZERO + SimSpan::from_secs(2),
            lasting: SimSpan::from_secs(60),
        },
    };
    let outcome = two(
        &[pause],
        async |agent: Agent, claims: Claims| {
            let guard = claims.take(work()).await.unwrap();
            let busy = async {
                loop {
                    agent.sleep(SimSpan::from_millis(700)).await;
                    agent.announce(work(), Acts);
                }
            };
            assert_eq!(guard.while_held::<()>(busy).await, Err(LeaseLost));
        },
        async |agent: Agent, claims: Claims| {
            take_when_free(agent.clone(), claims).await;
            agent.sleep(SimSpan::from_secs(90)).await;
        },
    );
    let last_act = said(&outcome, "a", |_: &Acts| true).pop().unwrap();
    assert!(last_act < said(&outcome, "b", took)[0], "a went on at {last_act}");
}
