//! A workload with every kind of fault, for the replay tests.

use crate::{Numbers, ms, name};
use perfidy_sim::{
    Action, Chance, Chaos, ClockDirection, Degradation, Hook, IncomingMessage, Limits, Name, Plan, Rule,
    Seed, Selector, Service, ServiceContext, SimSpan, SimTime, TimedEffect, TimedFault, World, WorldConfig,
};
use std::sync::Arc;

/// Counts, and answers wrongly when the plan says so.
#[derive(Default)]
struct Counter(u64);

impl Service<Numbers> for Counter {
    fn on_message(&mut self, desk: &mut ServiceContext<'_, Numbers>, envelope: IncomingMessage<u64>) {
        self.0 += 1;
        let lie = desk.inject_fault(envelope.kind, envelope.about);
        desk.record_event((), self.0);
        desk.mark(envelope.from);
        match lie {
            Some((_, span)) => desk.call_back(self.0, span),
            None => drop(desk.reply(&envelope, name("counted"), self.0)),
        }
    }

    fn on_timer(&mut self, desk: &mut ServiceContext<'_, Numbers>, token: u64) {
        desk.record_event((), token);
    }

    fn on_fault(&mut self, desk: &mut ServiceContext<'_, Numbers>, word: Name, lasting: SimSpan) {
        desk.record_event((), word.hash64());
        desk.call_back(lasting.as_nanos(), lasting);
    }
}

/// Three nodes that share the work of a counter, gossip, keep a log and tick.
pub fn workload(world: &mut World<Numbers>) {
    world.service(name("counter"), Counter::default());
    for (node, next) in [("a", "b"), ("b", "c"), ("c", "a")] {
        world.process(name(node), move |context| async move {
            let gossip = context.clone();
            context.spawn(async move {
                loop {
                    let rumour = gossip.receive().await;
                    // A corrupted message is not passed on: otherwise the gossip would never end.
                    if (1..=3).contains(&rumour.payload) {
                        gossip.send(name(next), name("rumour"), rumour.about, rumour.payload - 1);
                    }
                }
            });
            let ticker = context.clone();
            context.spawn(async move {
                for tick in 0..20 {
                    let span =
                        ticker.draw(name(node), name("tick"), |draw| draw.span("tick", &(ms(1)..=ms(900))));
                    ticker.sleep(span).await;
                    ticker.record_event((), 1_000 + tick);
                }
            });
            for task in context.records().len()..6 {
                let about = name(["one", "two", "three", "four", "five", "six"][task]);
                context.before(name("task"), about).await;
                context.send(name(next), name("rumour"), about, 3);
                context.declare_wait(name("counter"), name("its count"), about);
                while context.request(name("counter"), name("count"), about, 1, ms(300)).await.is_err() {
                    context.yield_now().await;
                }
                context.withdraw_wait(about);
                while context.write(task as u64).is_err() {
                    context.sleep(ms(50)).await;
                }
                context.after(name("task"), about).await;
                context.sync().await;
                context.sleep(ms(200)).await;
            }
            if context.draw(name(node), name("end"), |draw| draw.below("end", 6)) == 0 {
                context.finish_after(ms(5_000));
            }
        });
    }
}

/// Every kind of fault with the same probability, and three timed fault schedules. A short run ends before
/// its chaos does.
pub fn config(seed: u64, per_million: u32, short: bool) -> WorldConfig {
    let rule = |kind: &str, hook, action, span| Rule {
        kind: name(kind),
        hook,
        from: Selector::Any,
        to: Selector::Any,
        what: Selector::Any,
        chance: Chance::per_million(per_million).unwrap(),
        action,
        span,
    };
    let rules = vec![
        rule("drop", Hook::Message, Action::Drop, None),
        rule("delay", Hook::Message, Action::Delay(ms(0)), Some(ms(1)..=ms(2_000))),
        rule("reorder", Hook::Message, Action::Reorder(ms(0)), Some(ms(1)..=ms(50))),
        rule("duplicate", Hook::Message, Action::Duplicate(ms(0)), Some(ms(0)..=ms(500))),
        rule("crash", Hook::Before, Action::Crash(Some(ms(0))), Some(ms(0)..=ms(1_500))),
        rule("death", Hook::Before, Action::Crash(None), None),
        rule("crash", Hook::After, Action::Crash(Some(ms(0))), Some(ms(0)..=ms(1_500))),
        rule("pause", Hook::After, Action::Pause(ms(0)), Some(ms(1)..=ms(3_000))),
        rule("corrupt", Hook::Message, Action::Corrupt, None),
        rule("zombie", Hook::After, Action::Zombie(ms(0)), Some(ms(1)..=ms(3_000))),
        rule("write-error", Hook::Write, Action::WriteError, None),
        rule("slow-sync", Hook::Sync, Action::SlowSync(ms(0)), Some(ms(1)..=ms(900))),
        rule("sync-crash", Hook::Sync, Action::Crash(Some(ms(0))), Some(ms(0)..=ms(1_500))),
        rule("torn-write", Hook::Loss, Action::TornWrite, None),
        rule("stale-journal", Hook::Recovery, Action::StaleJournal { records: 2 }, None),
        rule("lie", Hook::Service, Action::of_word(name("no-answer")).with_span(ms(40)), None),
    ];
    let names = |names: &[&str]| names.iter().map(|text| name(text)).collect::<Vec<_>>();
    let window = |site: &str, disturbance| TimedFault {
        kind: name(site),
        site: name(site),
        disturbance,
        every: ms(200)..=ms(20_000),
        lasting: ms(100)..=ms(4_000),
    };
    let partition = TimedEffect::Partition {
        left: names(&["a"]),
        right: names(&["b", "counter"]),
        one_way: seed.is_multiple_of(2),
    };
    let [left, right] = [names(&["a"]), names(&["b", "counter"])];
    let degrade = |degradations: &[Degradation], amount| TimedEffect::Degrade {
        among: names(&["a", "b", "c", "counter"]),
        degradations: degradations.to_vec(),
        amount,
    };
    let by = ms(0);
    let [nanos, seconds] = [1_000_000, 1_000_000_000];
    let skews =
        [ClockDirection::Ahead, ClockDirection::Behind].map(|direction| Degradation::Skew { by, direction });
    let steps =
        [ClockDirection::Ahead, ClockDirection::Behind].map(|direction| Degradation::Step { by, direction });
    let drifts = [ClockDirection::Ahead, ClockDirection::Behind]
        .map(|direction| Degradation::Drift { ppm: 0, direction });
    let windows = vec![
        window("random split", TimedEffect::Split { among: names(&["a", "b", "c"]), minority: false }),
        window("minority", TimedEffect::Split { among: names(&["a", "b", "c"]), minority: true }),
        window(
            "marked",
            TimedEffect::PartitionLeader {
                otherwise: names(&["a", "b", "c"]),
                right: names(&["b", "counter"]),
                one_way: false,
            },
        ),
        window(
            "flap",
            TimedEffect::Flap { left: left.clone(), right: right.clone(), turn: ms(20)..=ms(700) },
        ),
        window("slow-link", TimedEffect::SlowLink { left, right, by: ms(10)..=ms(900) }),
        window("zombies", degrade(&[Degradation::Zombie], 0..=0)),
        window("twins", degrade(&[Degradation::OverlappingRestart], 0..=0)),
        window("runtimes", degrade(&[Degradation::RuntimeRestart], 0..=0)),
        window("slow", degrade(&[Degradation::Slow { times: 1 }], 2..=9)),
        window("choke", degrade(&[Degradation::SlowReceiver { each: by }], nanos..=seconds)),
        window("skew", degrade(&skews, nanos..=9 * seconds)),
        window("step", degrade(&steps, nanos..=9 * seconds)),
        window("drift", degrade(&drifts, 1..=300_000)),
        window("kill", TimedEffect::Kill { among: names(&["a", "b", "c"]), at_most: 1 }),
        window("partition", partition),
        window("pauses", TimedEffect::Pause(names(&["a", "b"]))),
        window("crashes", TimedEffect::Crash(names(&["b", "c"]))),
        window("trouble", TimedEffect::Custom { word: name("trouble"), among: names(&["counter"]) }),
    ];
    let until = if short { 8 } else { 60 };
    let chaos = Chaos {
        rules,
        windows,
        pinned: Vec::new(),
        until: SimTime::ZERO + SimSpan::from_secs(30),
        aftershocks: None,
    };
    WorldConfig {
        plan: Plan::Fuzz(Arc::new(chaos)),
        limits: Limits { until: SimTime::ZERO + SimSpan::from_secs(until), ..Limits::default() },
        ..WorldConfig::fault_free(Seed(seed))
    }
}

/// The same without pauses and overlapping restarts, which make several tasks of a node ready at once.
pub fn without_rushes(config: &WorldConfig) -> WorldConfig {
    let Plan::Fuzz(chaos) = &config.plan else { panic!("{:?}", config.plan) };
    let mut chaos = Chaos::clone(chaos);
    let rush =
        |kind: perfidy_sim::Name| ["pause", "pauses", "twins", "zombie", "zombies"].contains(&kind.as_str());
    chaos.rules.retain(|rule| !rush(rule.kind));
    chaos.windows.retain(|window| !rush(window.kind));
    WorldConfig { plan: Plan::Fuzz(Arc::new(chaos)), ..config.clone() }
}
