//! The cost of appending an event to a history, digest included.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use perfidy_sim::{EventId, EventKind, History, Name, SimTime};

const EVENTS: u32 = 500;

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("history");
    group.throughput(Throughput::Elements(EVENTS.into()));
    let [node, to, kind, about] = ["executor-1", "ticketing", "call create", "task-2"].map(Name::new);
    let sent = EventKind::Sent { to, kind, about, content: 17 };

    // Histories on one thread reuse memory, so a campaign has this cost.
    group.bench_function("append", |bencher| {
        bencher.iter_batched(
            History::<u64>::default,
            |mut history| {
                for nth in 0..EVENTS {
                    history.append(
                        SimTime::from_nanos(nth.into()),
                        (node, 0),
                        EventId::new(nth),
                        sent.clone(),
                    );
                }
                history
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
