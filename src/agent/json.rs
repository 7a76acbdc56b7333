//! Content as JSON, and in a short form for people.

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// A value as JSON. A value without a JSON form (a map whose keys are not text) is replaced by an error text.
pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| Value::String(format!("no JSON: {error}")))
}

/// How many characters of a text, and how many parts of a list or a table, are shown.
const CHARACTERS: usize = 60;
const PARTS: usize = 12;

/// How many characters of a list are shown, and in any case its first part.
const LIST_CHARACTERS: usize = 120;

/// JSON in one line for a person: YAML's flow style, which needs no quotes around words, cut short where it
/// is long. Control characters in it are escaped.
///
/// ```
/// use perfidy::agent::Brief;
/// use serde_json::json;
/// let content = json!({ "amount": 5, "to": "bob", "note": "for lunch" });
/// assert_eq!(Brief(&content).to_string(), "{amount: 5, note: \"for lunch\", to: bob}");
/// ```
pub struct Brief<'a>(pub &'a Value);

impl<'a> Brief<'a> {
    /// The content of a message whose kind is shown beside it: the name of the variant would say the same
    /// again.
    pub(crate) fn of_message(value: &'a Value) -> Self {
        Self(only_part(value).filter(|inner| inner.is_object()).unwrap_or(value))
    }
}

/// The value of a table with a single key, which is how serde writes an enum variant.
fn only_part(value: &Value) -> Option<&Value> {
    let table = value.as_object()?;
    let variant = table.iter().next().filter(|(key, _)| key.starts_with(char::is_uppercase));
    variant.filter(|_| table.len() == 1).map(|(_, inner)| inner)
}

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null | Value::Bool(_) | Value::Number(_) => self.0.fmt(f),
            Value::String(text) => write_text(f, text),
            Value::Array(parts) => write_list(f, parts),
            Value::Object(table) => write_table(f, table),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, parts: &[Value]) -> fmt::Result {
    f.write_str("[")?;
    let (mut shown, mut length) = (0, 0);
    for part in parts.iter().take(PARTS) {
        let part = Brief(part).to_string();
        length += part.chars().count();
        if shown > 0 && length > LIST_CHARACTERS {
            break;
        }
        let comma = if shown == 0 { "" } else { ", " };
        write!(f, "{comma}{part}")?;
        shown += 1;
    }
    write_rest(f, parts.len() - shown)?;
    f.write_str("]")
}

fn write_table(f: &mut fmt::Formatter<'_>, table: &Map<String, Value>) -> fmt::Result {
    f.write_str("{")?;
    for (place, (key, part)) in table.iter().take(PARTS).enumerate() {
        f.write_str(if place == 0 { "" } else { ", " })?;
        write_text(f, key)?;
        write!(f, ": {}", Brief(part))?;
    }
    write_rest(f, table.len().saturating_sub(PARTS))?;
    f.write_str("}")
}

fn write_rest(f: &mut fmt::Formatter<'_>, hidden: usize) -> fmt::Result {
    match hidden {
        0 => Ok(()),
        more => write!(f, ", and {more} more"),
    }
}

/// A word as it is, and any other text in quotes, including text that could be read as something else. A
/// 64-bit id is shown by its first four digits, as everywhere.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return f.write_str(&text[..4]);
    }
    let is_of_a_word = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let is_word = text.chars().all(is_of_a_word) && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_word && text.len() <= CHARACTERS && !matches!(text, "null" | "true" | "false") {
        return f.write_str(text);
    }
    match text.char_indices().nth(CHARACTERS) {
        None => write!(f, "{text:?}"),
        Some((end, _)) => write!(f, "{:?}... ({} characters)", &text[..end], text.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        let content = json!({ "a": "5", "b": "null", "c": "x, y", "d": "\u{1b}[31m\n", "": 1 });
        let shown = r#"{"": 1, a: "5", b: "null", c: "x, y", d: "\u{1b}[31m\n"}"#;
        assert_eq!(Brief(&content).to_string(), shown);
    }

    #[test]
    fn an_id_is_shown_by_its_beginning() {
        assert_eq!(Brief(&json!({ "plan": "be5eace5391137d7" })).to_string(), "{plan: be5e}");
    }

    #[test]
    fn long_content_is_cut_and_says_by_how_much() {
        let text = Value::String("ab ".repeat(100));
        assert!(Brief(&text).to_string().ends_with("... (300 characters)"), "{}", Brief(&text));
        let list: Value = (0..100).collect();
        assert!(Brief(&list).to_string().ends_with("10, 11, and 88 more]"), "{}", Brief(&list));
    }

    #[test]
    fn a_message_is_shown_without_the_name_of_its_variant_and_what_is_in_it_with_it() {
        let message = json!({ "Assign": { "step": { "First": { "of": 2 } } } });
        assert_eq!(Brief::of_message(&message).to_string(), "{step: {First: {of: 2}}}");
        for whole in [json!("Done"), json!({ "Done": 3 }), json!({ "step": { "of": 2 } })] {
            assert_eq!(Brief::of_message(&whole).to_string(), Brief(&whole).to_string());
        }
    }

    #[test]
    fn what_has_no_form_in_json_says_so() {
        let odd = BTreeMap::from([((1, 2), 3)]);
        assert_eq!(of(&odd), json!("no JSON: key must be a string"));
    }
}
