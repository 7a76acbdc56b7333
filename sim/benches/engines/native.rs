//! perfidy's native engine: clients and servers are processes with their own code, the plan is asked about
//! every message by its address, and the history is perfidy's, with causes, losses and a 128-bit digest.

use crate::workload::{MAX_LATENCY, MIN_LATENCY, Pair, ROUND_TRIPS, Ran, Size, TIMEOUT};
use perfidy_sim::{
    Action, Chance, Chaos, Context, Domain, Engine, Hook, Links, Name, Plan, Rule, Seed, Selector, SimSpan,
    SimTime, World, WorldConfig,
};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

struct Numbers;

impl Domain for Numbers {
    type Payload = u64;
    type AppEvent = u64;
    type Author = ();
}

/// The names of the model, and its plan: made once, as for a campaign.
struct Model {
    nodes: Vec<Name>,
    requests: Vec<Name>,
    ask: Name,
    answer: Name,
    chaos: Arc<Chaos>,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let drop = Rule {
        kind: Name::new("drop"),
        hook: Hook::Message,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(50_000).expect("five percent is a chance"),
        action: Action::Drop,
        span: None,
    };
    Model {
        nodes: (0..20).map(|number| Name::new(&format!("node-{number}"))).collect(),
        requests: (0..ROUND_TRIPS).map(|number| Name::new(&format!("request-{number}"))).collect(),
        ask: Name::new("ask"),
        answer: Name::new("answer"),
        chaos: Arc::new(Chaos { rules: vec![drop], until: SimTime::MAX, ..Chaos::default() }),
    }
});

pub fn run(size: Size, seed: u64) -> Ran {
    let outcome = Engine::Native.run(|| world(size, seed));
    let answered = outcome.history.app_events().count() as u32;
    Ran { digest: outcome.digest().0 as u64, is_complete: answered == ROUND_TRIPS }
}

fn world(size: Size, seed: u64) -> World<Numbers> {
    let config = WorldConfig {
        plan: Plan::Fuzz(Arc::clone(&MODEL.chaos)),
        links: Links::uniform(span(MIN_LATENCY)..=span(MAX_LATENCY)),
        ..WorldConfig::fault_free(Seed(seed))
    };
    let mut world = World::new(config);
    for pair in size.pairs() {
        world.process(MODEL.nodes[usize::from(pair.server)], serve);
        world.process(MODEL.nodes[usize::from(pair.client)], move |context| ask(context, size, pair));
    }
    world
}

async fn serve(context: Context<Numbers>) {
    loop {
        let request = context.receive().await;
        context.reply(&request, MODEL.answer, request.payload);
    }
}

async fn ask(context: Context<Numbers>, size: Size, pair: Pair) {
    let server = MODEL.nodes[usize::from(pair.server)];
    for sequence in size.sequences(pair.client) {
        let about = MODEL.requests[sequence as usize];
        let payload = u64::from(sequence);
        while context.request(server, MODEL.ask, about, payload, span(TIMEOUT)).await.is_err() {}
        context.record_event((), payload);
    }
}

fn span(duration: Duration) -> SimSpan {
    SimSpan::from_nanos(duration.as_nanos() as u64)
}
