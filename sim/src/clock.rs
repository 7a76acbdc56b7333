//! Simulated clocks of a node: a wall clock and a monotonic clock, with skew, steps and drift.
//!
//! The *wall clock* shows the time of day. It can be off and can be set forward or back; nodes compare wall
//! clocks. The *monotonic clock* only counts up and is never set, so sleeps and timeouts use it. Both run on
//! one oscillator, so drift affects both.
//!
//! The world holds the true time. A node whose clocks are right has no [`Clock`].

use crate::plan::ClockDirection;
use crate::{SimSpan, SimTime};

const MILLION: i128 = 1_000_000;

/// How far the clocks of a node are from the true time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// How much faster than the true time they run.
    ppm: i64,
    /// Since when they run at this rate.
    since: SimTime,
    /// How far ahead they were at that time, in nanoseconds, because of earlier drift.
    gained: i64,
    /// How much of that was corrected on the wall clock.
    corrected: i64,
    /// The additional offset of the wall clock.
    offset: i64,
}

impl Clock {
    /// The time on the monotonic clock.
    pub fn monotonic(&self, now: SimTime) -> SimTime {
        moved(now, self.gained_by(now))
    }

    /// The time on the wall clock.
    pub fn wall(&self, now: SimTime) -> SimTime {
        moved(now, self.gained_by(now).saturating_sub(self.corrected).saturating_add(self.offset))
    }

    /// The true time until these clocks have counted a span, rounded up. If it were too short by a
    /// nanosecond, a task that checks the clock after its sleep would sleep for zero time again and again.
    pub fn true_span(&self, span: SimSpan) -> SimSpan {
        if self.ppm == 0 || span == SimSpan::ZERO {
            return span;
        }
        let rate = (MILLION + i128::from(self.ppm)).max(1);
        // One for the remainder of the division, one because the clock itself rounds down.
        let nanos = i128::from(span.as_nanos()) * MILLION / rate + 2;
        SimSpan::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Sets the wall clock to another time.
    pub fn set(&mut self, by: SimSpan, direction: ClockDirection) {
        self.offset = self.offset.saturating_add(signed(by, direction));
    }

    /// Changes the rate of the clocks from now on. Rates add up, but no clock runs backwards.
    pub fn run(&mut self, now: SimTime, ppm: u32, direction: ClockDirection) {
        self.gained = self.gained_by(now);
        self.since = now;
        self.ppm += match direction {
            ClockDirection::Ahead => i64::from(ppm),
            ClockDirection::Behind => -i64::from(ppm),
        };
    }

    /// The clocks stood still until now; the monotonic clock showed `reading` all the time.
    pub fn continue_from(&mut self, reading: SimTime, now: SimTime) {
        self.gained = signed(now.since(reading), ClockDirection::Behind);
        if reading > now {
            self.gained = signed(reading.since(now), ClockDirection::Ahead);
        }
        self.since = now;
    }

    /// Corrects the wall clock, except for its deliberate offset.
    pub fn synchronise(&mut self, now: SimTime) {
        self.corrected = self.gained_by(now);
    }

    fn gained_by(&self, now: SimTime) -> i64 {
        let drift =
            i128::from(now.since(self.since).as_nanos()) * i128::from(self.ppm.max(-999_999)) / MILLION;
        self.gained.saturating_add(i64::try_from(drift).unwrap_or(i64::MAX))
    }
}

/// The opposite direction.
pub(crate) fn opposite(direction: ClockDirection) -> ClockDirection {
    match direction {
        ClockDirection::Ahead => ClockDirection::Behind,
        ClockDirection::Behind => ClockDirection::Ahead,
    }
}

fn signed(span: SimSpan, direction: ClockDirection) -> i64 {
    let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    match direction {
        ClockDirection::Ahead => nanos,
        ClockDirection::Behind => -nanos,
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
        clock.set(secs(30), ClockDirection::Behind);
        assert_eq!((clock.wall(at(100)), clock.monotonic(at(100))), (at(70), at(100)));
        assert_eq!(clock.true_span(secs(5)), secs(5));
        clock.set(secs(30), ClockDirection::Ahead);
        assert_eq!(clock.wall(at(100)), at(100));
    }

    #[test]
    fn drift_moves_both_clocks_and_stretches_every_sleep() {
        let mut clock = Clock::default();
        clock.run(at(100), 100_000, ClockDirection::Behind);
        assert_eq!((clock.wall(at(200)), clock.monotonic(at(200))), (at(190), at(190)));
        assert_eq!(clock.true_span(secs(9)), secs(10) + SimSpan::from_nanos(2));
    }

    #[test]
    fn a_sleep_is_never_short_by_the_clock_that_measures_it() {
        for (ppm, direction) in [
            (1, ClockDirection::Ahead),
            (50_000, ClockDirection::Ahead),
            (50_000, ClockDirection::Behind),
            (333_333, ClockDirection::Behind),
        ] {
            let mut clock = Clock::default();
            clock.run(at(1), ppm, direction);
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
        clock.run(at(100), 100_000, ClockDirection::Ahead);
        clock.run(at(200), 100_000, ClockDirection::Behind);
        clock.synchronise(at(200));
        assert_eq!((clock.wall(at(300)), clock.monotonic(at(300))), (at(300), at(310)));
        assert_eq!(clock.true_span(secs(9)), secs(9));
    }

    #[test]
    fn clocks_that_stood_still_are_behind_until_one_is_set_right() {
        let mut clock = Clock::default();
        clock.continue_from(at(25), at(45));
        assert_eq!((clock.wall(at(50)), clock.monotonic(at(50))), (at(30), at(30)));
        clock.synchronise(at(70));
        assert_eq!((clock.wall(at(70)), clock.monotonic(at(70))), (at(70), at(50)));
    }

    #[test]
    fn a_drifting_clock_that_stood_still_goes_on_from_where_it_stood() {
        for direction in [ClockDirection::Ahead, ClockDirection::Behind] {
            let mut clock = Clock::default();
            clock.run(at(0), 500_000, direction);
            let reading = clock.monotonic(at(40));
            clock.continue_from(reading, at(60));
            assert_eq!(clock.monotonic(at(60)), reading);
            let slept = clock.monotonic(at(60) + clock.true_span(secs(5))).since(reading);
            assert!(slept >= secs(5) && slept <= secs(5) + SimSpan::from_nanos(5), "{slept}");
        }
    }

    #[test]
    fn no_clock_shows_a_time_before_the_beginning_or_runs_backwards() {
        let mut clock = Clock::default();
        clock.set(secs(1_000), ClockDirection::Behind);
        assert_eq!(clock.wall(at(3)), SimTime::ZERO);
        clock.run(at(3), 4_000_000, ClockDirection::Behind);
        assert!(clock.monotonic(at(5)) >= clock.monotonic(at(4)));
        assert!(clock.true_span(secs(1)) > secs(100_000));
    }
}
