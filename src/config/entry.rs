//! Open tables: entries that are read one by one, each by the component that owns its name.
//!
//! Most of a scenario is read by ordinary structs. The tables whose keys come from a list (`[faults]`,
//! `[safeguards]`, `[tools]`) are open: the reader of the file hands each [`Entry`] to the owner of its name,
//! which reads the value as its own type. Positions are kept, so an error inside an inline table points
//! there.

use crate::config::{Problem, Shape};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// One key of an open table with its value.
pub struct Entry<'a> {
    /// The key.
    pub name: &'a str,
    /// The position of the key.
    pub key_span: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    /// Where the shape is noted that its owner would read, if that is all that is wanted.
    asked: Option<&'a RefCell<Option<Shape>>>,
}

impl Entry<'_> {
    /// The position of the value.
    pub fn value_span(&self) -> Range<usize> {
        self.value.span()
    }

    /// Reads the value as `T`. A [`Spanned`] anywhere inside `T` knows its position in the file.
    ///
    /// # Errors
    /// A [`Problem`] at the innermost position that does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if let Some(shape) = self.asked {
            shape.borrow_mut().get_or_insert_with(Shape::of::<T>);
            return Err(self.problem("there is nothing to read"));
        }
        T::deserialize(ValueDeserializer::from(self.value.clone()))
            .map_err(|error| Problem::from_toml(&error))
    }

    /// Whether its value says that something is off: `false`, `"none"` or `"never"`.
    pub(crate) fn is_off(&self) -> bool {
        match self.value.get_ref() {
            DeValue::Boolean(is_on) => !is_on,
            DeValue::String(word) => matches!(word.as_ref(), "none" | "never"),
            _ => false,
        }
    }

    /// A problem with the entry as a whole.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.value_span(), message)
    }

    /// The entries that a list stands for: the same key with each of its values, or the entry itself.
    pub(crate) fn each(&self) -> Vec<Self> {
        let same =
            |value| Entry { name: self.name, key_span: self.key_span.clone(), value, asked: self.asked };
        match self.value.get_ref() {
            DeValue::Array(values) => values.iter().map(same).collect(),
            _ => vec![same(self.value)],
        }
    }

    /// The result of `read` for the same table without some of its keys.
    pub(crate) fn without<T>(&self, keys: &[&str], read: impl FnOnce(&Entry<'_>) -> T) -> T {
        let value = match self.value.get_ref() {
            DeValue::Table(table) => {
                let rest = table.iter().filter(|(key, _)| !keys.contains(&key.get_ref().as_ref()));
                let rest: DeTable<'_> = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
                Spanned::new(self.value.span(), DeValue::Table(rest))
            }
            _ => self.value.clone(),
        };
        read(&Entry { name: self.name, key_span: self.key_span.clone(), value: &value, asked: self.asked })
    }

    /// The entries of the table that is this entry's value.
    pub(crate) fn entries(&self) -> Result<Vec<Self>, Problem> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(entries(table)),
            other => Err(self.problem(format!("expected a table, found {}", with_article(other.type_str())))),
        }
    }

    /// The elements of the array of tables that is this entry's value.
    pub(crate) fn tables(&self) -> Result<Vec<Self>, Problem> {
        let name = self.name;
        let is_table = |value: &Spanned<DeValue<'_>>| value.get_ref().is_table();
        match self.value.get_ref() {
            DeValue::Array(values) if values.iter().all(is_table) => Ok(self.each()),
            _ => {
                let help = format!("write a table headed [[{name}]] for each");
                Err(Problem::at(self.key_span.clone(), format!("`{name}` is a list of tables")).help(help))
            }
        }
    }
}

/// The entries of a table, in the order of the file.
pub(crate) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = table
        .iter()
        .map(|(key, value)| Entry { name: key.get_ref(), key_span: key.span(), value, asked: None })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

/// The shape that the owner of an entry reads first.
pub(crate) fn shape_read<T>(name: &str, read: impl FnOnce(&Entry<'_>) -> T) -> Shape {
    let shape = RefCell::new(None);
    let value = Spanned::new(0..0, DeValue::Boolean(true));
    read(&Entry { name, key_span: 0..0, value: &value, asked: Some(&shape) });
    shape.into_inner().unwrap_or(Shape::Any)
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Params {
        chance: Spanned<String>,
    }

    #[test]
    fn places_survive_into_inline_tables() {
        let text = "[faults]\nuntil = \"1m\"\ndrop = { chance = \"5%\" }\n";
        let root = DeTable::parse(text).unwrap();
        let faults = &entries(root.get_ref())[0].entries().unwrap()[1];
        assert_eq!((faults.name, &text[faults.key_span.clone()]), ("drop", "drop"));
        assert_eq!(&text[faults.value_span()], "{ chance = \"5%\" }");
        let params: Params = faults.read().unwrap();
        assert_eq!(&text[params.chance.span()], "\"5%\"");
    }

    #[test]
    fn an_error_inside_points_inside() {
        let text = "drop = { chance = 5 }";
        let root = DeTable::parse(text).unwrap();
        let problem = entries(root.get_ref())[0].read::<Params>().unwrap_err();
        assert_eq!(problem.span.map(|span| &text[span]), Some("5"));
    }

    #[test]
    fn an_owner_can_be_asked_for_its_keys() {
        assert_eq!(shape_read("drop", |entry| entry.read::<Params>().is_ok()).keys(), ["chance"]);
        assert_eq!(shape_read("verify", |entry| entry.read::<bool>().is_ok()), Shape::Bool);
    }

    #[test]
    fn entries_come_in_the_order_of_the_file() {
        let root = DeTable::parse("b = 1\na = 2\n").unwrap();
        let names: Vec<&str> = entries(root.get_ref()).iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_list_is_several_entries() {
        for text in [
            "drop = [{ chance = \"1%\" }, { chance = \"2%\" }]",
            "[[drop]]\nchance = \"1%\"\n[[drop]]\nchance = \"2%\"",
        ] {
            let root = DeTable::parse(text).unwrap();
            let each = entries(root.get_ref())[0].each();
            let chances: Vec<String> =
                each.iter().map(|entry| entry.read::<Params>().unwrap().chance.into_inner()).collect();
            assert_eq!(chances, ["1%", "2%"]);
        }
    }
}
