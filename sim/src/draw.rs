//! Keyed random draws: each depends on the identity of its decision, never on the order of draws.
//!
//! A draw is a pure function of (seed, site, logical id, nth occurrence, purpose). No stream is consumed, so
//! an additional draw changes no other draw: after an unrelated edit a saved failure still fails.
//!
//! `ChaCha` expands a seed once per run into the secret of XXH3. A draw is a hash of 32 bytes with that
//! secret; the half that names the place is hashed once for all draws there. `ChaCha` makes seeds
//! independent. XXH3 makes a draw cheap: about two nanoseconds, where a `ChaCha` generator for each draw
//! would take about a hundred and sixty (`benches/draws.rs` measures both).
//!
//! ```
//! use perfidy_sim::{Draws, Name, Seed};
//! let draws = Draws::new(Seed(7));
//! let draw = draws.draw_site(Name::new("ticketing > executor-1, reply"), Name::new("task-2"), 1);
//! let again = draws.draw_site(Name::new("ticketing > executor-1, reply"), Name::new("task-2"), 1);
//! assert_eq!(draw.bits("latency"), again.bits("latency"));
//! assert_ne!(draw.bits("latency"), draw.bits("drop"));
//! ```

use crate::{Name, SimSpan};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use xxhash_rust::const_xxh3::xxh3_64;

/// The number from which everything random in a run follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A probability in parts per million: exact, comparable, and the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Chance(u32);

impl Chance {
    /// It never happens.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// So many in a million; `None` above a million.
    pub const fn per_million(parts: u32) -> Option<Self> {
        if parts <= 1_000_000 { Some(Self(parts)) } else { None }
    }

    /// Parts per million.
    pub const fn as_per_million(self) -> u32 {
        self.0
    }
}

/// What a draw is for; the same words mean the same purpose, whether as text or as a [`Name`].
#[derive(Clone, Copy)]
pub struct DrawPurpose(u64);

impl DrawPurpose {
    /// A purpose known when the program is built.
    pub const fn new(text: &str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

impl From<&'static str> for DrawPurpose {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<Name> for DrawPurpose {
    fn from(name: Name) -> Self {
        Self(name.hash64())
    }
}

/// All the draws of one seed.
pub struct Draws {
    /// The part of XXH3's secret that is combined with 32 bytes of input.
    secret: [u64; 4],
}

impl Draws {
    /// Expands `seed` into the secret of its draws.
    pub fn new(seed: Seed) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed.0);
        Self { secret: std::array::from_fn(|_| stream.next_u64()) }
    }

    /// The draw site (site, id, nth): every decision at this place is drawn from it.
    pub fn draw_site(&self, site: Name, id: Name, nth: u32) -> DrawSite<'_> {
        let [first, second, ..] = self.secret;
        let place = fold(site.hash64() ^ first, id.hash64() ^ second);
        DrawSite { draws: self, place: place.wrapping_add(INPUT_LEN.wrapping_mul(PRIME64_1)), nth }
    }
}

/// One draw site in one run. Draws for different purposes at one site are independent.
#[derive(Clone, Copy)]
pub struct DrawSite<'a> {
    draws: &'a Draws,
    /// XXH3's accumulator once site and id are in it.
    place: u64,
    nth: u32,
}

impl DrawSite<'_> {
    /// 64 uniform bits for `purpose`.
    pub fn bits(&self, purpose: impl Into<DrawPurpose>) -> u64 {
        let DrawPurpose(purpose) = purpose.into();
        let [.., third, fourth] = self.draws.secret;
        avalanche(self.place.wrapping_add(fold(u64::from(self.nth) ^ third, purpose ^ fourth)))
    }

    /// Whether an event of this probability happens; independent for every `purpose`.
    pub fn happens(&self, purpose: impl Into<DrawPurpose>, chance: Chance) -> bool {
        scale(self.bits(purpose), 1_000_000) < u64::from(chance.0)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&self, purpose: impl Into<DrawPurpose>, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below zero");
        scale(self.bits(purpose), bound)
    }

    /// A span in `range`, both ends included, in whole microseconds where the range is wider than one.
    pub fn span(&self, purpose: impl Into<DrawPurpose>, range: &RangeInclusive<SimSpan>) -> SimSpan {
        let (low, high) = (range.start().as_nanos(), range.end().as_nanos());
        if high <= low {
            return *range.start();
        }
        let step = if high - low >= 1_000 { 1_000 } else { 1 };
        SimSpan::from_nanos(low + scale(self.bits(purpose), (high - low) / step + 1) * step)
    }

    /// A separate generator for `purpose`, for code that needs a stream.
    pub fn rng(&self, purpose: impl Into<DrawPurpose>) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.bits(purpose))
    }
}

/// The bytes under one draw's hash: site, id, nth and purpose, eight each.
const INPUT_LEN: u64 = 32;
const PRIME64_1: u64 = 0x9E37_79B1_85EB_CA87;

/// XXH3's multiplication: both halves of the product in one.
const fn fold(left: u64, right: u64) -> u64 {
    let product = (left as u128) * (right as u128);
    product as u64 ^ (product >> 64) as u64
}

/// XXH3's last step.
const fn avalanche(mut word: u64) -> u64 {
    word ^= word >> 37;
    word = word.wrapping_mul(0x1656_6791_9E37_79F9);
    word ^ word >> 32
}

/// Maps 64 uniform bits to `0..bound` (Lemire's multiplication; the bias is below one in 2^64 / bound).
fn scale(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64_with_secret;

    fn draw(draws: &Draws, id: &str, nth: u32) -> u64 {
        draws.draw_site(Name::new("site"), Name::new(id), nth).bits("x")
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let (one, two) = (Draws::new(Seed(1)), Draws::new(Seed(2)));
        let base = draw(&one, "a", 1);
        assert_eq!(base, draw(&one, "a", 1));
        assert_ne!(base, draw(&two, "a", 1));
        assert_ne!(base, draw(&one, "b", 1));
        assert_ne!(base, draw(&one, "a", 2));
        assert_ne!(base, one.draw_site(Name::new("other"), Name::new("a"), 1).bits("x"));
    }

    #[test]
    fn a_draw_is_xxh3_of_its_place_and_purpose_under_the_seeds_secret() {
        let (site, id, purpose) = (Name::new("site"), Name::new("id"), Name::new("purpose"));
        for seed in 0..1_000 {
            let mut secret = [0; 192];
            ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut secret);
            let key = [site.hash64(), id.hash64(), seed, purpose.hash64()].map(u64::to_le_bytes);
            let word = Draws::new(Seed(seed)).draw_site(site, id, seed as u32).bits(purpose);
            assert_eq!(word, xxh3_64_with_secret(key.as_flattened(), &secret));
        }
    }

    #[test]
    fn a_chance_comes_out_at_its_rate_over_sites_and_over_seeds() {
        let five_percent = Chance::per_million(50_000).unwrap();
        let purpose = Name::new("drop");
        let draws = Draws::new(Seed(3));
        let over_nth = (0..100_000)
            .filter(|n| draws.draw_site(Name::new("s"), Name::new("i"), *n).happens(purpose, five_percent))
            .count();
        let over_seeds = (0..100_000)
            .filter(|n| {
                Draws::new(Seed(*n))
                    .draw_site(Name::new("s"), Name::new("i"), 1)
                    .happens(purpose, five_percent)
            })
            .count();
        for hits in [over_nth, over_seeds] {
            assert!((4_650..5_350).contains(&hits), "{hits} of 100000 at 5%");
        }
    }

    #[test]
    fn spans_cover_their_range_and_never_leave_it() {
        let draws = Draws::new(Seed(9));
        let range = SimSpan::from_millis(1)..=SimSpan::from_millis(10);
        let mut tenths = [0_u32; 9];
        for nth in 0..9_000 {
            let span = draws.draw_site(Name::new("s"), Name::new("i"), nth).span("latency", &range);
            assert!(range.contains(&span));
            tenths[((span.as_nanos() - 1_000_000) * 9 / 9_000_001) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1_150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn chances_end_at_certainty() {
        assert_eq!(Chance::per_million(1_000_001), None);
        let draws = Draws::new(Seed(0));
        let draw = draws.draw_site(Name::new("s"), Name::new("i"), 1);
        assert!(draw.happens(Name::new("p"), Chance::ALWAYS));
        assert!(!draw.happens(Name::new("p"), Chance::NEVER));
    }
}
