//! What was altered of a message on its way: the first place at which what arrived is not what was sent.

use crate::agent::{Body, TeamEvent};
use crate::inert::line;
use perfidy_sim::{Event, EventKind, History};
use serde_json::Value;

/// How many characters of a value are shown.
const CHARACTERS: usize = 60;

/// What was altered of the message that this event delivers; `None` if it arrived as it was sent, or if the
/// event is another.
pub(in crate::report) fn altered(history: &History<TeamEvent>, event: &Event<TeamEvent>) -> Option<String> {
    let EventKind::Delivered { content, .. } = &event.what else { return None };
    let EventKind::Sent { content: sent, .. } = &history.event(event.cause?).what else { return None };
    (content != sent).then(|| in_words(sent, content))
}

fn in_words(sent: &Body, arrived: &Body) -> String {
    if arrived.is_unreadable() {
        return "altered on its way: it cannot be read".to_owned();
    }
    match Difference::of(&sent.json(), &arrived.json()) {
        Some(Difference { path, before: Some(before), after: Some(after) }) => {
            format!("altered on its way: {path} is {after}, and was {before}")
        }
        Some(Difference { path, before: Some(before), after: None }) => {
            format!("altered on its way: {path} is gone, and was {before}")
        }
        Some(Difference { path, after: Some(after), .. }) => {
            format!("altered on its way: {path} is {after}, and was not there")
        }
        _ => "altered on its way".to_owned(),
    }
}

/// The first place at which two values differ, and what stands there, cut where it is long; `None` if nothing
/// does.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::report) struct Difference {
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    /// That of two values; `None` if they are the same.
    pub fn of(before: &Value, after: &Value) -> Option<Self> {
        Self::below("", Some(before), Some(after))
    }

    fn below(path: &str, before: Option<&Value>, after: Option<&Value>) -> Option<Self> {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match (before, after) {
            (Some(before), Some(after)) if before == after => None,
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
                names.into_iter().find_map(|name| Self::below(&at(name), before.get(name), after.get(name)))
            }
            (Some(Value::Array(before)), Some(Value::Array(after))) => (0..before.len().max(after.len()))
                .find_map(|place| Self::below(&at(&place.to_string()), before.get(place), after.get(place))),
            (Some(Value::String(before)), Some(Value::String(after))) => {
                let [before, after] = around(before, after);
                Some(Self { path: path.to_owned(), before: Some(before), after: Some(after) })
            }
            (before, after) => {
                Some(Self { path: path.to_owned(), before: before.map(cut), after: after.map(cut) })
            }
        }
    }
}

/// Two texts from a little before where they differ.
fn around(one: &str, other: &str) -> [String; 2] {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let from = if same > CHARACTERS / 2 { same - CHARACTERS / 4 } else { 0 };
    [one, other].map(|text| {
        let rest: String = text.chars().skip(from).collect();
        let rest = if from > 0 { format!("…{rest}") } else { rest };
        cut(&Value::String(rest))
    })
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    let text = line(&text);
    match text.char_indices().nth(CHARACTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(before: &Value, after: &Value) -> Option<(String, Option<String>, Option<String>)> {
        Difference::of(before, after).map(|Difference { path, before, after }| (path, before, after))
    }

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let sent = json!({ "a": 1, "b": { "c": ["x", "y"], "d": 2 } });
        assert_eq!(said(&sent, &sent), None);
        let other = json!({ "a": 1, "b": { "c": ["x", "z"], "d": 2 } });
        assert_eq!(
            said(&sent, &other).unwrap(),
            ("b.c.1".to_owned(), Some("\"y\"".to_owned()), Some("\"z\"".to_owned()))
        );
        let without = json!({ "a": 1, "b": { "c": ["x", "y"] } });
        assert_eq!(said(&sent, &without).unwrap(), ("b.d".to_owned(), Some("2".to_owned()), None));
        assert_eq!(said(&without, &sent).unwrap(), ("b.d".to_owned(), None, Some("2".to_owned())));
        let retyped = json!({ "a": "1", "b": sent["b"] });
        assert_eq!(
            said(&sent, &retyped).unwrap(),
            ("a".to_owned(), Some("1".to_owned()), Some("\"1\"".to_owned()))
        );
    }

    #[test]
    fn long_texts_are_shown_from_where_they_differ() {
        let text = |end: &str| Value::String(format!("{}{end}", "so far they are the same, ".repeat(10)));
        let (_, before, after) = said(&text("five"), &text("six")).unwrap();
        assert!(before.unwrap().ends_with("the same, five\""));
        assert!(after.unwrap().ends_with("the same, six\""));
    }
}
