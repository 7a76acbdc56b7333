//! The shape of what a part of a file can be, found out from the code that reads it.
//!
//! A type that serde reads is asked what it would read: a deserializer that has nothing to give records
//! what it is asked for (text, a list, a struct with these fields) and goes on, one key at a time, to the
//! values inside. So the shape is that of the code, for every type that can be read, and no second
//! description can be out of date. (The idea is that of serde-reflection, for one type at a time.)

mod recorder;

use crate::config::quantity::QUANTITIES;
use recorder::{Asked, NothingToRead, Recorder, Seen, Segment};
use serde::de::DeserializeOwned;
use std::cell::RefCell;

/// What a value of a file can be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number; whether it can be negative.
    Integer { signed: bool },
    /// Any number.
    Number,
    /// Text, and what its reader says that it wants.
    Text { wanted: String },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list with elements of one shape; of how many, if that is known.
    List { of: Box<Shape>, count: Option<usize> },
    /// A value, or a list of at least one of them.
    OneOrMany(Box<Shape>),
    /// A table with these keys.
    Table { keys: Vec<KeyShape>, has_others: bool },
    /// A table with keys that its reader does not know beforehand.
    Map(Box<Shape>),
    /// Anything.
    Any,
}

/// A key of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyShape {
    pub name: &'static str,
    pub shape: Shape,
    pub is_required: bool,
}

impl Shape {
    /// What `T` reads.
    pub fn of<T: DeserializeOwned>() -> Self {
        Reader { read: &|recorder| T::deserialize(recorder).map(drop), parse: &|text| parse::<T>(text) }
            .shape(&mut Vec::new())
            .0
    }

    /// The names of its keys, if it is a table.
    pub fn keys(&self) -> Vec<&'static str> {
        match self {
            Self::Table { keys, .. } => keys.iter().map(|key| key.name).collect(),
            _ => Vec::new(),
        }
    }

    /// A value of that shape, as TOML says it.
    fn sample(&self) -> String {
        match self {
            Self::Bool => "true".to_owned(),
            Self::Integer { .. } | Self::Any => "1".to_owned(),
            Self::Number => "1.0".to_owned(),
            Self::Text { wanted } => {
                let quantity = QUANTITIES.iter().find(|quantity| quantity.wanted == wanted);
                format!("\"{}\"", quantity.map_or("x", |quantity| quantity.sample))
            }
            Self::Word(words) => format!("\"{}\"", words.first().unwrap_or(&"x")),
            Self::List { of, count } => format!("[{}]", vec![of.sample(); count.unwrap_or(1)].join(", ")),
            Self::OneOrMany(one) => one.sample(),
            Self::Table { keys, .. } => table_of(keys.iter().filter(|key| key.is_required)),
            Self::Map(_) => "{}".to_owned(),
        }
    }
}

fn table_of<'a>(keys: impl Iterator<Item = &'a KeyShape>) -> String {
    let keys: Vec<String> = keys.map(|key| format!("{} = {}", key.name, key.shape.sample())).collect();
    format!("{{ {} }}", keys.join(", "))
}

/// What reading a value in the syntax of TOML says against it.
fn parse<T: DeserializeOwned>(text: &str) -> Option<String> {
    let value = toml::de::ValueDeserializer::parse(text).map(T::deserialize);
    match value {
        Ok(Ok(_)) => None,
        Ok(Err(error)) | Err(error) => Some(error.message().to_owned()),
    }
}

/// A type, by what it does.
struct Reader<'a> {
    read: &'a dyn Fn(Recorder<'_>) -> Result<(), NothingToRead>,
    parse: &'a dyn Fn(&str) -> Option<String>,
}

/// No table of a file is as deep.
const DEEPEST: usize = 8;

/// A key that no table has.
const NO_KEY: &str = "no such key";

impl Reader<'_> {
    /// What is asked for at a path, and whether it can be left out.
    fn ask(&self, path: &[Segment]) -> Option<(Asked, bool)> {
        let seen = RefCell::new(Seen::default());
        // It always stops with an error: what counts is what was asked for before.
        let _ = (self.read)(Recorder { path, seen: &seen });
        let Seen { asked, is_optional } = seen.into_inner();
        asked.map(|asked| (asked, is_optional))
    }

    /// The shape at a path, and whether it is that of an `Option`.
    fn shape(&self, path: &mut Vec<Segment>) -> (Shape, bool) {
        let asked = if path.len() > DEEPEST { None } else { self.ask(path) };
        let Some((asked, is_optional)) = asked else { return (Shape::Any, false) };
        let shape = match asked {
            Asked::Leaf(shape) => shape,
            Asked::Fields(fields) => self.table(path, fields),
            Asked::Map => Shape::Map(Box::new(self.inside(path, Segment::Key("x")).0)),
            Asked::List(count) => Shape::List { of: Box::new(self.inside(path, Segment::Element).0), count },
            Asked::Any => {
                path.push(Segment::Element);
                let is_list = self.ask(path).is_some_and(|(asked, _)| !matches!(asked, Asked::Any));
                path.pop();
                if is_list {
                    Shape::OneOrMany(Box::new(self.inside(path, Segment::Element).0))
                } else {
                    Shape::Any
                }
            }
            Asked::Nothing => Shape::Any,
        };
        (shape, is_optional)
    }

    fn inside(&self, path: &mut Vec<Segment>, segment: Segment) -> (Shape, bool) {
        path.push(segment);
        let shape = self.shape(path);
        path.pop();
        shape
    }

    fn table(&self, path: &mut Vec<Segment>, fields: &'static [&'static str]) -> Shape {
        let mut keys: Vec<KeyShape> = fields
            .iter()
            .map(|name| {
                let (shape, is_optional) = self.inside(path, Segment::Key(name));
                KeyShape { name, shape, is_required: !is_optional }
            })
            .collect();
        if path.is_empty() {
            self.find_defaults(&mut keys);
        }
        path.push(Segment::Key(NO_KEY));
        let has_others = matches!(self.ask(path), Some((Asked::Nothing, _)));
        path.pop();
        Shape::Table { keys, has_others }
    }

    /// Finds out which keys can be left out although they are no options: the table is read without each of
    /// them.
    fn find_defaults(&self, keys: &mut [KeyShape]) {
        for place in 0..keys.len() {
            let required = keys.iter().enumerate().filter(|(other, key)| *other != place && key.is_required);
            let without = table_of(required.map(|(_, key)| key));
            if keys[place].is_required && (self.parse)(&without).is_none() {
                keys[place].is_required = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{OneOrMany, Ratio};
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Direction {
        Up,
        Down,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Keys {
        at_least: toml::Spanned<OneOrMany<String>>,
        chance: Option<toml::Spanned<Ratio>>,
        #[serde(default)]
        way: Option<Direction>,
        #[serde(default)]
        is_on: bool,
        between: (toml::Spanned<String>, toml::Spanned<String>),
        files: Option<BTreeMap<String, u32>>,
        args: Option<toml::Table>,
    }

    #[test]
    fn the_shape_of_a_table_is_that_of_the_struct_that_reads_it() {
        let Shape::Table { keys, has_others } = Shape::of::<Keys>() else { panic!("it is a table") };
        assert!(!has_others);
        let text = || Shape::Text { wanted: "a string".to_owned() };
        let key = |name, shape, is_required| KeyShape { name, shape, is_required };
        let list = |of| Shape::List { of: Box::new(of), count: Some(2) };
        let chance = Shape::Text { wanted: "a chance in quotes, such as \"5%\"".to_owned() };
        let expected = [
            key("at-least", Shape::OneOrMany(Box::new(text())), true),
            key("chance", chance, false),
            key("way", Shape::Word(&["up", "down"]), false),
            key("is-on", Shape::Bool, false),
            key("between", list(text()), true),
            key("files", Shape::Map(Box::new(Shape::Integer { signed: false })), false),
            key("args", Shape::Map(Box::new(Shape::Any)), false),
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_table_that_takes_any_key_is_known() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Open {
            name: String,
        }
        assert!(matches!(Shape::of::<Open>(), Shape::Table { has_others: true, .. }));
    }
}
