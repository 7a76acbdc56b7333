//! The clocks of a node, which can be wrong.
//!
//! As on real machines there are two. The *wall clock* says what time it is; it can be off, be set forward
//! and back, and is what nodes compare. The *monotonic clock* only counts on: it is never set, and so it is
//! the one for lengths of time, for sleeps and for timeouts. Drift is in the oscillator that drives both.
//!
//! The true time is the world's. A node whose clocks are right has no [`Clock`].

use crate::plan::Way;
use crate::{SimSpan, SimTime};

const MILLION: i128 = 1_000_000;

/// How far the clocks of a node are from the true time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// How much faster than the true time they run.
    ppm: i64,
    /// Since when they run like this.
    since: SimTime,
    /// By how much they were ahead then, in nanoseconds, because of how they had been running.
    gained: i64,
    /// How much of that has been taken out of the wall clock.
    corrected: i64,
    /// By how much the wall clock is set wrong besides.
    offset: i64,
}

impl Clock {
    /// What the clock for lengths of time shows.
    pub fn monotonic(&self, now: SimTime) -> SimTime {
        moved(now, self.gained_by(now))
    }

    /// What the clock for the time of day shows.
    pub fn wall(&self, now: SimTime) -> SimTime {
        moved(now, self.gained_by(now).saturating_sub(self.corrected).saturating_add(self.offset))
    }

    /// How long it truly takes until these clocks have counted a span, and never less: whoever looks at the
    /// clock after a sleep must not find that a nanosecond is missing, and sleep for no time at all, over and
    /// over.
    pub fn true_span(&self, span: SimSpan) -> SimSpan {
        if self.ppm == 0 || span == SimSpan::ZERO {
            return span;
        }
        let rate = (MILLION + i128::from(self.ppm)).max(1);
        // One for what the division leaves, one for what the clock itself rounds down.
        let nanos = i128::from(span.as_nanos()) * MILLION / rate + 2;
        SimSpan::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The wall clock is set to another time.
    pub fn set(&mut self, by: SimSpan, way: Way) {
        self.offset = self.offset.saturating_add(signed(by, way));
    }

    /// The clocks run faster or slower from now on. Rates add up, but no clock runs backwards.
    pub fn run(&mut self, now: SimTime, ppm: u32, way: Way) {
        self.gained = self.gained_by(now);
        self.since = now;
        self.ppm += match way {
            Way::Ahead => i64::from(ppm),
            Way::Behind => -i64::from(ppm),
        };
    }

    /// The clocks have stood still for so long.
    pub fn lose(&mut self, span: SimSpan) {
        self.gained = self.gained.saturating_add(signed(span, Way::Behind));
    }

    /// The wall clock is set right, but for what it is set wrong by on purpose.
    pub fn set_right(&mut self, now: SimTime) {
        self.corrected = self.gained_by(now);
    }

    fn gained_by(&self, now: SimTime) -> i64 {
        let drift =
            i128::from(now.since(self.since).as_nanos()) * i128::from(self.ppm.max(-999_999)) / MILLION;
        self.gained.saturating_add(i64::try_from(drift).unwrap_or(i64::MAX))
    }
}

/// The way back.
pub(crate) fn opposite(way: Way) -> Way {
    match way {
        Way::Ahead => Way::Behind,
        Way::Behind => Way::Ahead,
    }
}

fn signed(span: SimSpan, way: Way) -> i64 {
    let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match way {
        Way::Ahead => nanos,
        Way::Behind => -nanos,
    }
}

fn moved(now: SimTime, by: i64) -> SimTime {
    SimTime::from_nanos(now.as_nanos().saturating_add_signed(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(secs)
    }

    fn secs(secs: u64) -> SimSpan {
        SimSpan::from_secs(secs)
    }

    #[test]
    fn a_step_moves_the_wall_clock_and_no_length_of_time() {
        let mut clock = Clock::default();
        clock.set(secs(30), Way::Behind);
        assert_eq!((clock.wall(at(100)), clock.monotonic(at(100))), (at(70), at(100)));
        assert_eq!(clock.true_span(secs(5)), secs(5));
        clock.set(secs(30), Way::Ahead);
        assert_eq!(clock.wall(at(100)), at(100));
    }

    #[test]
    fn drift_moves_both_clocks_and_stretches_every_sleep() {
        let mut clock = Clock::default();
        clock.run(at(100), 100_000, Way::Behind);
        assert_eq!((clock.wall(at(200)), clock.monotonic(at(200))), (at(190), at(190)));
        assert_eq!(clock.true_span(secs(9)), secs(10) + SimSpan::from_nanos(2));
    }

    #[test]
    fn a_sleep_is_never_short_by_the_clock_that_measures_it() {
        for (ppm, way) in
            [(1, Way::Ahead), (50_000, Way::Ahead), (50_000, Way::Behind), (333_333, Way::Behind)]
        {
            let mut clock = Clock::default();
            clock.run(at(1), ppm, way);
            for nanos in (1..5_000).chain((1..1_000).map(|n| n * 7_919_357)) {
                let (begun, span) = (at(2) + SimSpan::from_nanos(nanos * 3), SimSpan::from_nanos(nanos));
                let over = begun + clock.true_span(span);
                let slept = clock.monotonic(over).since(clock.monotonic(begun));
                assert!(
                    slept >= span && slept <= span + SimSpan::from_nanos(5),
                    "{ppm}ppm: {slept} of {span}"
                );
            }
        }
    }

    #[test]
    fn what_drift_has_gained_leaves_the_wall_clock_but_never_the_monotonic_one() {
        let mut clock = Clock::default();
        clock.run(at(100), 100_000, Way::Ahead);
        clock.run(at(200), 100_000, Way::Behind);
        clock.set_right(at(200));
        assert_eq!((clock.wall(at(300)), clock.monotonic(at(300))), (at(300), at(310)));
        assert_eq!(clock.true_span(secs(9)), secs(9));
    }

    #[test]
    fn clocks_that_stood_still_are_behind_until_one_is_set_right() {
        let mut clock = Clock::default();
        clock.lose(secs(20));
        assert_eq!((clock.wall(at(50)), clock.monotonic(at(50))), (at(30), at(30)));
        clock.set_right(at(70));
        assert_eq!((clock.wall(at(70)), clock.monotonic(at(70))), (at(70), at(50)));
    }

    #[test]
    fn no_clock_shows_a_time_before_the_beginning_or_runs_backwards() {
        let mut clock = Clock::default();
        clock.set(secs(1_000), Way::Behind);
        assert_eq!(clock.wall(at(3)), SimTime::ZERO);
        clock.run(at(3), 4_000_000, Way::Behind);
        assert!(clock.monotonic(at(5)) >= clock.monotonic(at(4)));
        assert!(clock.true_span(secs(1)) > secs(100_000));
    }
}
