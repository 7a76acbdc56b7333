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
    match difference("", Some(&sent.json()), Some(&arrived.json())) {
        Some(difference) => format!("altered on its way: {difference}"),
        None => "altered on its way".to_owned(),
    }
}

/// The first difference of two values; `path` is where they are.
fn difference(path: &str, sent: Option<&Value>, arrived: Option<&Value>) -> Option<String> {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (sent, arrived) {
        (Some(sent), Some(arrived)) if sent == arrived => None,
        (Some(Value::Object(sent)), Some(Value::Object(arrived))) => {
            let names = sent.keys().chain(arrived.keys().filter(|name| !sent.contains_key(*name)));
            names.into_iter().find_map(|name| difference(&below(name), sent.get(name), arrived.get(name)))
        }
        (Some(Value::Array(sent)), Some(Value::Array(arrived))) => (0..sent.len().max(arrived.len()))
            .find_map(|place| difference(&below(&place.to_string()), sent.get(place), arrived.get(place))),
        (Some(sent), Some(arrived)) => Some(format!("{path} is {}, and was {}", cut(arrived), cut(sent))),
        (Some(sent), None) => Some(format!("{path} is gone, and was {}", cut(sent))),
        (None, Some(arrived)) => Some(format!("{path} is {}, and was not there", cut(arrived))),
        (None, None) => None,
    }
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

    fn said(sent: &Value, arrived: &Value) -> Option<String> {
        difference("", Some(sent), Some(arrived))
    }

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let sent = json!({ "a": 1, "b": { "c": ["x", "y"], "d": 2 } });
        assert_eq!(said(&sent, &sent), None);
        let other = json!({ "a": 1, "b": { "c": ["x", "z"], "d": 2 } });
        assert_eq!(said(&sent, &other).unwrap(), r#"b.c.1 is "z", and was "y""#);
        let without = json!({ "a": 1, "b": { "c": ["x", "y"] } });
        assert_eq!(said(&sent, &without).unwrap(), "b.d is gone, and was 2");
        assert_eq!(said(&without, &sent).unwrap(), "b.d is 2, and was not there");
        let renamed = json!({ "a": "1", "b": sent["b"] });
        assert_eq!(said(&sent, &renamed).unwrap(), r#"a is "1", and was 1"#);
    }
}
