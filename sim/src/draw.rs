//! Random decisions keyed by identity, never by order.
//!
//! A draw is a pure function of (seed, site, logical id, nth occurrence, purpose). There is no stream to
//! consume, so one more draw somewhere changes no other: after an unrelated edit a saved failure still fails.
//!
//! `ChaCha` is the root. A seed is expanded once a run into a 192-byte secret, which is the secret of XXH3;
//! a draw is then one keyed hash of 32 bytes. `ChaCha` gives the independence between seeds, XXH3 the price:
//! a few nanoseconds a draw, against some fifty for a `ChaCha` block each (`benches/draws.rs` measures it).
//!
//! ```
//! use perfidy_sim::{Draws, Name, Seed};
//! let draws = Draws::new(Seed(7));
//! let spot = draws.spot(Name::new("ticketing > executor-1, reply"), Name::new("task-2"), 1);
//! let again = draws.spot(Name::new("ticketing > executor-1, reply"), Name::new("task-2"), 1);
//! assert_eq!(spot.word("latency"), again.word("latency"));
//! assert_ne!(spot.word("latency"), spot.word("drop"));
//! ```

use crate::{Name, SimSpan};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_secret};

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
pub struct Purpose(u64);

impl From<&'static str> for Purpose {
    fn from(text: &'static str) -> Self {
        Self(xxh3_64(text.as_bytes()))
    }
}

impl From<Name> for Purpose {
    fn from(name: Name) -> Self {
        Self(name.hash64())
    }
}

/// All the draws of one seed.
pub struct Draws {
    secret: [u8; 192],
}

impl Draws {
    /// Expands `seed` into the secret of its draws.
    pub fn new(seed: Seed) -> Self {
        let mut secret = [0; 192];
        ChaCha8Rng::seed_from_u64(seed.0).fill_bytes(&mut secret);
        Self { secret }
    }

    /// The place of decision (site, id, nth); everything decided there is drawn from it.
    pub fn spot(&self, site: Name, id: Name, nth: u32) -> Spot<'_> {
        Spot { draws: self, site: site.hash64(), id: id.hash64(), nth }
    }
}

/// One place of decision in one run. Different purposes at the same spot are independent of each other.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    draws: &'a Draws,
    site: u64,
    id: u64,
    nth: u32,
}

impl Spot<'_> {
    /// 64 uniform bits for `purpose`.
    pub fn word(&self, purpose: impl Into<Purpose>) -> u64 {
        let Purpose(purpose) = purpose.into();
        let mut input = [0; 32];
        input[..8].copy_from_slice(&self.site.to_le_bytes());
        input[8..16].copy_from_slice(&self.id.to_le_bytes());
        input[16..24].copy_from_slice(&u64::from(self.nth).to_le_bytes());
        input[24..].copy_from_slice(&purpose.to_le_bytes());
        xxh3_64_with_secret(&input, &self.draws.secret)
    }

    /// Whether something of this chance happens; independent for every `purpose`.
    pub fn happens(&self, purpose: impl Into<Purpose>, chance: Chance) -> bool {
        scale(self.word(purpose), 1_000_000) < u64::from(chance.0)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&self, purpose: impl Into<Purpose>, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below zero");
        scale(self.word(purpose), bound)
    }

    /// A span in `range`, both ends included, in whole microseconds where the range is wider than one.
    pub fn span(&self, purpose: impl Into<Purpose>, range: &RangeInclusive<SimSpan>) -> SimSpan {
        let (low, high) = (range.start().as_nanos(), range.end().as_nanos());
        if high <= low {
            return *range.start();
        }
        let step = if high - low >= 1_000 { 1_000 } else { 1 };
        SimSpan::from_nanos(low + scale(self.word(purpose), (high - low) / step + 1) * step)
    }

    /// A generator of its own for `purpose`, for code that wants a stream.
    pub fn rng(&self, purpose: impl Into<Purpose>) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.word(purpose))
    }
}

/// Maps 64 uniform bits to `0..bound` (Lemire's multiplication; the bias is below one in 2^64 / bound).
fn scale(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(draws: &Draws, id: &str, nth: u32) -> u64 {
        draws.spot(Name::new("site"), Name::new(id), nth).word("x")
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let (one, two) = (Draws::new(Seed(1)), Draws::new(Seed(2)));
        let base = spot(&one, "a", 1);
        assert_eq!(base, spot(&one, "a", 1));
        assert_ne!(base, spot(&two, "a", 1));
        assert_ne!(base, spot(&one, "b", 1));
        assert_ne!(base, spot(&one, "a", 2));
        assert_ne!(base, one.spot(Name::new("other"), Name::new("a"), 1).word("x"));
    }

    #[test]
    fn a_chance_comes_out_at_its_rate_over_sites_and_over_seeds() {
        let five_percent = Chance::per_million(50_000).unwrap();
        let purpose = Name::new("drop");
        let draws = Draws::new(Seed(3));
        let over_nth = (0..100_000)
            .filter(|n| draws.spot(Name::new("s"), Name::new("i"), *n).happens(purpose, five_percent))
            .count();
        let over_seeds = (0..100_000)
            .filter(|n| {
                Draws::new(Seed(*n)).spot(Name::new("s"), Name::new("i"), 1).happens(purpose, five_percent)
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
            let span = draws.spot(Name::new("s"), Name::new("i"), nth).span("latency", &range);
            assert!(range.contains(&span));
            tenths[((span.as_nanos() - 1_000_000) * 9 / 9_000_001) as usize] += 1;
        }
        assert!(tenths.iter().all(|count| (850..1_150).contains(count)), "{tenths:?}");
    }

    #[test]
    fn chances_end_at_certainty() {
        assert_eq!(Chance::per_million(1_000_001), None);
        let draws = Draws::new(Seed(0));
        let spot = draws.spot(Name::new("s"), Name::new("i"), 1);
        assert!(spot.happens(Name::new("p"), Chance::ALWAYS));
        assert!(!spot.happens(Name::new("p"), Chance::NEVER));
    }
}
