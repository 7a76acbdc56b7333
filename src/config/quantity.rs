//! Quantities in configuration files: durations, ranges, probabilities, and one name or a list.
//!
//! Each is parsed from text, and an invalid text gives an error that says what to write instead. Everything
//! is exact: times are whole nanoseconds and probabilities whole parts per million.
//!
//! ```
//! use perfidy::config::{Ratio, Spread};
//! use perfidy_sim::SimSpan;
//! let spread: Spread = "50ms..2s".parse().unwrap();
//! assert_eq!(spread.0, SimSpan::from_millis(50)..=SimSpan::from_secs(2));
//! let chance: Ratio = "0.1%".parse().unwrap();
//! assert_eq!(chance.0.as_per_million(), 1_000);
//! ```

use perfidy_sim::{Chance, SimSpan};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use toml::Spanned;

/// A length of time, such as `"250ms"` or `"1m30s"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span(pub SimSpan);

/// A range of lengths of time, such as `"50ms..2s"`, both ends included; one length alone is a range of
/// itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spread(pub RangeInclusive<SimSpan>);

/// A range of whole numbers, such as `"200..2000"`, both ends included; one number alone is a range of
/// itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbers(pub RangeInclusive<u32>);
/// How long a node is down: a duration from a range, or `"never"` for a node that never returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lasting {
    /// For a time from this range.
    For(Spread),
    /// Forever.
    Never,
}

/// A probability, such as `"5%"` or `"0.1%"`, exact to one in a million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ratio(pub Chance);

/// Why a text is not the expected quantity, and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAQuantity(String);

impl fmt::Display for NotAQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAQuantity {}

impl FromStr for Span {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        text.trim().parse().map(Self).map_err(|not: perfidy_sim::NotASpan| NotAQuantity(not.to_string()))
    }
}

impl FromStr for Spread {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let Some((low, high)) = text.split_once("..") else {
            let Span(only) = text.parse()?;
            return Ok(Self(only..=only));
        };
        if low.trim().is_empty() || high.trim().is_empty() {
            return Err(NotAQuantity(format!("`{text}` has an open end; write both, as in 50ms..2s")));
        }
        let (Span(low), Span(high)) = (low.parse()?, high.parse()?);
        if low > high {
            return Err(NotAQuantity(format!(
                "`{text}` runs backwards; write the shorter time first: {}..{}",
                closed_up(high),
                closed_up(low)
            )));
        }
        Ok(Self(low..=high))
    }
}

/// A span without blanks between its units, as written in a range.
fn closed_up(span: SimSpan) -> String {
    span.to_string().replace(' ', "")
}

impl FromStr for Numbers {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let number = |part: &str| {
            let refused =
                || NotAQuantity(format!("`{text}` is not a range of numbers; write it like 200..2000"));
            part.trim().parse::<u32>().map_err(|_| refused())
        };
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let (low, high) = (number(low)?, number(high)?);
        if low > high {
            let message = format!("`{text}` runs backwards; write the smaller number first: {high}..{low}");
            return Err(NotAQuantity(message));
        }
        Ok(Self(low..=high))
    }
}

impl FromStr for Lasting {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        if text.trim() == "never" { Ok(Self::Never) } else { text.parse().map(Self::For) }
    }
}

impl FromStr for Ratio {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let refuse = |why: &str| NotAQuantity(format!("`{text}` {why}; write it like 5% or 0.1%"));
        let number =
            text.trim().strip_suffix('%').ok_or_else(|| refuse("is not a chance in percent"))?.trim_end();
        if number.starts_with('-') {
            return Err(refuse("is less than never"));
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(refuse("is not a chance in percent"));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 4 {
            return Err(refuse("is finer than one in a million"));
        }
        // One percent is ten thousand in a million, so four decimals of it are exact.
        let parts = format!("{whole}{fraction:0<4}").parse::<u32>().ok();
        parts.and_then(Chance::per_million).map(Self).ok_or_else(|| refuse("is more than always"))
    }
}

/// A kind of quantity, as the schema of scenario files knows it.
pub(crate) struct Quantity {
    /// What its reader says that it wants.
    pub wanted: &'static str,
    /// A regular expression for the text. It lets through what the reader refuses with better words, such
    /// as a range that runs backwards.
    pub pattern: &'static str,
    /// A text that it can be.
    pub sample: &'static str,
}

const SPAN: Quantity = Quantity {
    wanted: "a length of time in quotes, such as \"250ms\" or \"1m30s\"",
    pattern: r"^\s*([0-9]+(\.[0-9]+)?\s*[a-zµ]+[\s,]*)+$",
    sample: "1s",
};

const SPREAD: Quantity = Quantity {
    wanted: "a length of time or a range of them in quotes, such as \"2s\" or \"50ms..2s\"",
    pattern: r"^\s*([0-9]+(\.[0-9]+)?\s*[a-zµ]+[\s,]*)+(\.\.\s*([0-9]+(\.[0-9]+)?\s*[a-zµ]+[\s,]*)+)?$",
    sample: "1s..2s",
};

const NUMBERS: Quantity = Quantity {
    wanted: "a number or a range of them in quotes, such as \"200..2000\"",
    pattern: r"^\s*[0-9]+\s*(\.\.\s*[0-9]+\s*)?$",
    sample: "1..2",
};

const LASTING: Quantity = Quantity {
    wanted: "a length of time or a range of them in quotes, such as \"50ms..2s\", or \"never\"",
    pattern: r"^\s*(never\s*|([0-9]+(\.[0-9]+)?\s*[a-zµ]+[\s,]*)+(\.\.\s*([0-9]+(\.[0-9]+)?\s*[a-zµ]+[\s,]*)+)?)$",
    sample: "1s..2s",
};

const RATIO: Quantity = Quantity {
    wanted: "a chance in quotes, such as \"5%\"",
    pattern: r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$",
    sample: "5%",
};

/// Every kind of quantity.
pub(crate) const QUANTITIES: [Quantity; 5] = [SPAN, SPREAD, NUMBERS, LASTING, RATIO];

/// Reads a quantity from text, and says `wanted` when a file has something else there.
struct Text<Q> {
    wanted: &'static str,
    quantity: PhantomData<Q>,
}

impl<Q: FromStr<Err = NotAQuantity>> Visitor<'_> for Text<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Q, E> {
        text.parse().map_err(E::custom)
    }
}

fn read<'de, Q, D>(deserializer: D, wanted: &'static str) -> Result<Q, D::Error>
where
    Q: FromStr<Err = NotAQuantity>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Text { wanted, quantity: PhantomData })
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, SPAN.wanted)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(range) = self;
        if range.start() == range.end() {
            return range.start().fmt(f);
        }
        write!(f, "{}..{}", range.start(), range.end())
    }
}

impl Serialize for Spread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Spread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, SPREAD.wanted)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, NUMBERS.wanted)
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, LASTING.wanted)
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, RATIO.wanted)
    }
}

/// A value or a list of them, each with its place in the file. Never empty.
///
/// It reads from TOML only, which knows the positions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneOrMany<T>(Vec<Spanned<T>>);

impl<T> OneOrMany<T> {
    /// The values with their places, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Spanned<T>> {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a OneOrMany<T> {
    type Item = &'a Spanned<T>;
    type IntoIter = std::slice::Iter<'a, Spanned<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

enum Inner<T> {
    One(T),
    Many(Vec<Spanned<T>>),
}

struct InnerVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InnerVisitor<T> {
    type Value = Inner<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name in quotes or a list of names")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Inner<T>, E> {
        T::deserialize(text.into_deserializer()).map(Inner::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Inner<T>, A::Error> {
        let many = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        if many.is_empty() {
            return Err(de::Error::custom("this list is empty; name at least one, or leave the key out"));
        }
        Ok(Inner::Many(many))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inner<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InnerVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let inner = Spanned::<Inner<T>>::deserialize(deserializer)?;
        let place = inner.span();
        Ok(Self(match inner.into_inner() {
            Inner::One(one) => vec![Spanned::new(place, one)],
            Inner::Many(many) => many,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<Q: FromStr<Err = NotAQuantity> + fmt::Debug>(text: &str) -> String {
        text.parse::<Q>().unwrap_err().to_string()
    }

    #[test]
    fn a_range_has_two_ends_or_is_one_length() {
        let ms = SimSpan::from_millis;
        assert_eq!("50ms..2s".parse(), Ok(Spread(ms(50)..=ms(2_000))));
        assert_eq!(" 50ms .. 2s ".parse(), Ok(Spread(ms(50)..=ms(2_000))));
        assert_eq!("1m30s".parse(), Ok(Spread(ms(90_000)..=ms(90_000))));
        assert_eq!("2s..2s".parse(), Ok(Spread(ms(2_000)..=ms(2_000))));
        for text in ["50ms..1m 30s", "2s"] {
            assert_eq!(text.parse::<Spread>().map(|spread| format!("{spread}")), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_range_that_means_nothing_says_why() {
        assert_eq!(
            refusal::<Spread>("1m30s..1m"),
            "`1m30s..1m` runs backwards; write the shorter time first: 1m..1m30s"
        );
        assert_eq!(refusal::<Spread>("..2s"), "`..2s` has an open end; write both, as in 50ms..2s");
        assert!(refusal::<Spread>("1s..=2s").contains("not a length of time"));
        assert!(refusal::<Spread>("").contains("not a length of time"));
    }

    #[test]
    fn a_range_of_numbers_has_two_ends_or_is_one_number() {
        assert_eq!("200..2000".parse(), Ok(Numbers(200..=2000)));
        assert_eq!("7".parse(), Ok(Numbers(7..=7)));
        assert!(refusal::<Numbers>("9..3").contains("write the smaller number first: 3..9"));
        for text in ["", "..", "1..", "-1..2", "1.5", "a..b", "1..2..3"] {
            assert!(refusal::<Numbers>(text).contains("not a range of numbers"), "{text}");
        }
    }

    #[test]
    fn chances_are_exact_to_one_in_a_million() {
        for (text, parts) in
            [("5%", 50_000), ("0.1%", 1_000), ("0.0001%", 1), ("100%", 1_000_000), ("100.00000%", 1_000_000)]
        {
            assert_eq!(text.parse::<Ratio>().map(|ratio| ratio.0.as_per_million()), Ok(parts), "{text}");
        }
    }

    #[test]
    fn a_chance_that_means_nothing_says_why() {
        assert_eq!(refusal::<Ratio>("120%"), "`120%` is more than always; write it like 5% or 0.1%");
        assert!(refusal::<Ratio>("100.0001%").contains("more than always"));
        assert!(refusal::<Ratio>("99999999999999999999%").contains("more than always"));
        assert!(refusal::<Ratio>("-5%").contains("less than never"));
        assert!(refusal::<Ratio>("0.00001%").contains("finer than one in a million"));
        for text in ["", "%", "5", "five%", ".5%", "5.%", "+5%", "1e1%", "5 % %"] {
            assert!(refusal::<Ratio>(text).contains("not a chance in percent"), "{text}");
        }
    }

    #[test]
    fn names_keep_their_places() {
        #[derive(Deserialize)]
        struct File {
            at: OneOrMany<String>,
        }
        let text = "at = [\"a\", \"b\"]";
        let file: File = toml::from_str(text).unwrap();
        let seen: Vec<_> = file.at.iter().map(|name| (name.as_ref().as_str(), &text[name.span()])).collect();
        assert_eq!(seen, [("a", "\"a\""), ("b", "\"b\"")]);

        let text = "at = \"a\"";
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.at.iter().map(|name| &text[name.span()]).collect::<Vec<_>>(), ["\"a\""]);
    }
}
