//! A deserializer that has nothing to give and records what it is asked for.

use super::Shape;
use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;

/// How to get from a value to one inside.
#[derive(Clone, Copy)]
pub(super) enum Segment {
    Key(&'static str),
    Element,
}

/// What was asked for.
#[derive(Clone)]
pub(super) enum Asked {
    Leaf(Shape),
    Fields(&'static [&'static str]),
    Map,
    List(Option<usize>),
    /// Whatever there is.
    Any,
    /// Something that is thrown away: the key is not known.
    Nothing,
}

#[derive(Default)]
pub(super) struct Seen {
    pub asked: Option<Asked>,
    pub is_optional: bool,
}

/// Has nothing to give, and records what is asked for at the end of its path.
#[derive(Clone, Copy)]
pub(super) struct Recorder<'a> {
    pub path: &'a [Segment],
    pub seen: &'a RefCell<Seen>,
}

/// Nothing is read.
#[derive(Debug)]
pub(super) struct NothingToRead;

impl fmt::Display for NothingToRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to read")
    }
}

impl std::error::Error for NothingToRead {}

impl serde::de::Error for NothingToRead {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// How a type of `serde_spanned` is asked for that wants to know the place of its value.
const SPANNED: &str = "$__serde_spanned_private_";

/// Gives out the places of a spanned value, of which there are none, and then the value.
struct Spanned<'a> {
    fields: std::slice::Iter<'static, &'static str>,
    next: &'static str,
    value: Recorder<'a>,
}

impl<'de> MapAccess<'de> for Spanned<'_> {
    type Error = NothingToRead;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NothingToRead> {
        let Some(next) = self.fields.next() else { return Ok(None) };
        self.next = next;
        seed.deserialize(BorrowedStrDeserializer::new(next)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NothingToRead> {
        if self.next.ends_with("_value") {
            seed.deserialize(self.value)
        } else {
            seed.deserialize(U64Deserializer::new(0))
        }
    }
}

/// A table with one key.
struct OneKey<'a> {
    key: Option<&'static str>,
    value: Recorder<'a>,
}

impl<'de> MapAccess<'de> for OneKey<'_> {
    type Error = NothingToRead;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NothingToRead> {
        let Some(key) = self.key.take() else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NothingToRead> {
        seed.deserialize(self.value)
    }
}

/// A list with one element.
struct OneElement<'a>(Option<Recorder<'a>>);

impl<'de> SeqAccess<'de> for OneElement<'_> {
    type Error = NothingToRead;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, NothingToRead> {
        self.0.take().map(|recorder| seed.deserialize(recorder)).transpose()
    }
}

/// What a visitor says that it wants.
struct Wanted<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Wanted<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

impl Recorder<'_> {
    fn saw<T>(self, asked: Asked) -> Result<T, NothingToRead> {
        self.seen.borrow_mut().asked = Some(asked);
        Err(NothingToRead)
    }

    fn leaf<T>(self, shape: Shape) -> Result<T, NothingToRead> {
        if self.path.is_empty() { self.saw(Asked::Leaf(shape)) } else { Err(NothingToRead) }
    }

    fn integer<T>(self, signed: bool) -> Result<T, NothingToRead> {
        self.leaf(Shape::Integer { signed })
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: &V) -> Result<V::Value, NothingToRead> {
        self.leaf(Shape::Text { wanted: Wanted(visitor).to_string() })
    }

    /// One segment further.
    fn inside(self) -> Option<(Segment, Self)> {
        let (first, path) = self.path.split_first()?;
        Some((*first, Self { path, ..self }))
    }

    fn enter<'de, V: Visitor<'de>>(self, visitor: V, asked: Asked) -> Result<V::Value, NothingToRead> {
        match self.inside() {
            None => self.saw(asked),
            Some((Segment::Key(key), value)) => visitor.visit_map(OneKey { key: Some(key), value }),
            Some((Segment::Element, value)) => visitor.visit_seq(OneElement(Some(value))),
        }
    }
}

impl<'de> Deserializer<'de> for Recorder<'_> {
    type Error = NothingToRead;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        self.enter(visitor, Asked::Any)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.leaf(Shape::Bool)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(true)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(true)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(true)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(true)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(false)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(false)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(false)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.integer(false)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.leaf(Shape::Number)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.leaf(Shape::Number)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        self.text(&visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        self.text(&visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        if self.path.is_empty() {
            self.seen.borrow_mut().is_optional = true;
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NothingToRead> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        self.enter(visitor, Asked::List(None))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, NothingToRead> {
        self.enter(visitor, Asked::List(Some(count)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NothingToRead> {
        self.enter(visitor, Asked::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NothingToRead> {
        if name.starts_with(SPANNED) {
            return visitor.visit_map(Spanned { fields: fields.iter(), next: "", value: self });
        }
        self.enter(visitor, Asked::Fields(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NothingToRead> {
        self.leaf(Shape::Word(variants))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NothingToRead> {
        self.saw(Asked::Nothing)
    }

    serde::forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier }
}
