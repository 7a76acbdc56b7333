//! The cost of a keyed draw, compared with the `ChaCha` block per draw that it replaces.

use criterion::{Criterion, criterion_group, criterion_main};
use perfidy_sim::{DrawPurpose, Draws, Name, Seed};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::hint::black_box;

const LATENCY: DrawPurpose = DrawPurpose::new("latency");
const TIE: DrawPurpose = DrawPurpose::new("tie");

fn draws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draws");
    let (site, id) = (Name::new("ticketing > executor-1, reply"), Name::new("task-2"));
    let draws = Draws::new(Seed(7));
    let mut nths = (0..).cycle();
    let mut nth = move || nths.next().unwrap_or_default();

    group.bench_function("keyed", |bencher| {
        bencher.iter(|| draws.draw_site(site, id, black_box(nth())).bits(LATENCY));
    });
    group.bench_function("keyed_twice_at_one_site", |bencher| {
        bencher.iter(|| {
            let draw = draws.draw_site(site, id, black_box(nth()));
            draw.bits(LATENCY) ^ draw.bits(TIE)
        });
    });
    group.bench_function("chacha_block", |bencher| {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&site.hash64().to_le_bytes());
        key[8..16].copy_from_slice(&id.hash64().to_le_bytes());
        bencher.iter(|| {
            key[16..20].copy_from_slice(&black_box(nth()).to_le_bytes());
            ChaCha8Rng::from_seed(key).next_u64()
        });
    });
    group.bench_function("new_seed", |bencher| {
        bencher.iter(|| Draws::new(Seed(black_box(nth()).into())).draw_site(site, id, 1).bits(LATENCY));
    });
    group.finish();
}

criterion_group!(benches, draws);
criterion_main!(benches);
