//! Virtual time in integer nanoseconds, so that no run depends on rounding.
//!
//! [`SimTime`] is a point on the clock of one run, which starts at zero; [`SimSpan`] is a duration. Both have
//! a readable text form that parses back exactly.
//!
//! ```
//! use perfidy_sim::{SimSpan, SimTime};
//! let later = SimTime::ZERO + "1m 2s 500ms".parse::<SimSpan>().unwrap();
//! assert_eq!(later.to_string(), "1m 2s 500ms");
//! ```

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

/// A point of virtual time: nanoseconds since the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SimTime(u64);

/// A length of virtual time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SimSpan(u64);

impl SimTime {
    /// The moment a run begins.
    pub const ZERO: Self = Self(0);
    /// The latest time.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time since `earlier`, or zero if that lies in the future.
    pub const fn since(self, earlier: Self) -> SimSpan {
        SimSpan(self.0.saturating_sub(earlier.0))
    }
}

impl SimSpan {
    /// The empty span.
    pub const ZERO: Self = Self(0);

    /// A span of so many nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of so many microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of so many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of so many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span times `factor`, or the longest span there is.
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// The span cut into `parts` (at least one), rounded down.
    #[must_use]
    pub const fn split(self, parts: u64) -> Self {
        Self(self.0 / if parts == 0 { 1 } else { parts })
    }
}

impl Add<SimSpan> for SimTime {
    type Output = Self;
    fn add(self, span: SimSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimSpan> for SimTime {
    fn add_assign(&mut self, span: SimSpan) {
        *self = *self + span;
    }
}

impl Add for SimSpan {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for SimSpan {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

const UNITS: [(u64, &str); 7] = [
    (86_400_000_000_000, "d"),
    (3_600_000_000_000, "h"),
    (60_000_000_000, "m"),
    (1_000_000_000, "s"),
    (1_000_000, "ms"),
    (1_000, "us"),
    (1, "ns"),
];

impl fmt::Display for SimSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() {
            return self.write_to(f);
        }
        let mut text = String::new();
        self.write_to(&mut text)?;
        f.pad(&text)
    }
}

impl SimSpan {
    /// Writes the span in units, such as `1m 30s`. The digest of an injected fault contains this text.
    fn write_to(self, to: &mut impl fmt::Write) -> fmt::Result {
        if self.0 == 0 {
            return to.write_str("0s");
        }
        let mut left = self.0;
        let mut between = "";
        for (size, unit) in UNITS {
            let count = left / size;
            left %= size;
            if count > 0 {
                write!(to, "{between}{count}{unit}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SimSpan(self.0).fmt(f)
    }
}

/// Why a text is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotASpan(String);

impl fmt::Display for NotASpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a length of time; write it like 250ms, 1.5s, 10m, 1h 30m or 2d", self.0)
    }
}

impl std::error::Error for NotASpan {}

impl FromStr for SimSpan {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let span = text.parse::<jiff::Span>();
        // Virtual time knows no daylight saving.
        let span = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()));
        let nanos = span.ok().and_then(|span| u64::try_from(span.as_nanos()).ok());
        nanos.map(Self).ok_or_else(|| NotASpan(text.to_owned()))
    }
}

impl FromStr for SimTime {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        text.parse::<SimSpan>().map(|span| Self(span.0))
    }
}

macro_rules! serde_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
pub(crate) use serde_as_text;
serde_as_text!(SimTime, SimSpan);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back_exactly() {
        for nanos in [
            0,
            1,
            999,
            1_000,
            61_000_000_000,
            3_723_004_005_006,
            10_800_000_000_000,
            2_595_600_000_000_001,
            u64::MAX,
        ] {
            let span = SimSpan::from_nanos(nanos);
            assert_eq!(span.to_string().parse(), Ok(span), "{span}");
        }
    }

    #[test]
    fn people_write_spans_in_several_ways() {
        for (text, millis) in
            [("250ms", 250), ("1.5s", 1_500), ("1m30s", 90_000), ("2h", 7_200_000), ("1d 12h", 129_600_000)]
        {
            assert_eq!(text.parse(), Ok(SimSpan::from_millis(millis)), "{text}");
        }
        assert_eq!(SimSpan::from_secs(30 * 86_400).to_string(), "30d");
        assert!("1mo".parse::<SimSpan>().is_err());
        assert!("soon".parse::<SimSpan>().is_err());
        assert!("-3s".parse::<SimSpan>().is_err());
        assert!("".parse::<SimSpan>().is_err());
    }
}
