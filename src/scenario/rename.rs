//! A text under other names: agents, tools and steps replaced where a file names them, and nowhere else.
//!
//! The text stays as it was, line by line and comment by comment, so a place in it is still the same place.

use perfidy_sim::{Action, Address, Renames};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a scenario or of a saved failure under the other names. A text that is no TOML stays as it is.
pub(crate) fn renamed(text: &str, renames: &Renames) -> String {
    let Ok(root) = DeTable::parse(text) else { return text.to_owned() };
    let mut pen = Pen { renames, strokes: Vec::new() };
    for (key, value) in root.get_ref() {
        pen.table(key.get_ref(), value);
    }
    pen.strokes.sort_by_key(|(span, _)| span.start);
    let mut result = text.to_owned();
    for (span, word) in pen.strokes.into_iter().rev() {
        result.replace_range(span, &word);
    }
    result
}

/// Walks through a file and notes what is to be written over.
struct Pen<'a> {
    renames: &'a Renames,
    strokes: Vec<(Range<usize>, String)>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Pen<'_> {
    fn table(&mut self, name: &str, value: &Value<'_>) {
        match name {
            "team" | "tools" => {
                for key in value.get_ref().as_table().into_iter().flat_map(|table| table.keys()) {
                    if let Some(node) = self.renames.node(key.get_ref()) {
                        self.strokes.push((key.span(), node.to_string()));
                    }
                }
            }
            "step" => self.each(value, |pen, key, value| match key {
                "name" | "needs" => pen.words(value, |renames, step| Some(renames.step(step)?.to_string())),
                "tool" | "undo" => pen.words(value, |renames, call| {
                    let (tool, operation) = call.split_once('.')?;
                    Some(format!("{}.{operation}", renames.node(tool)?))
                }),
                _ => {}
            }),
            "fault" => self.each(value, |pen, key, value| match key {
                "at" => pen.words(value, |renames, at| {
                    Some(renames.address(at.parse::<Address>().ok()?).to_string())
                }),
                "do" => pen.words(value, |renames, what| {
                    Some(renames.action(what.parse::<Action>().ok()?).to_string())
                }),
                _ => {}
            }),
            // Kinds of faults have keys of their own, whose values are names of nodes, of steps, or neither.
            "faults" | "network" => self.each(value, Pen::names_below),
            _ => {}
        }
    }

    /// Every key with its value in a table, or in each table of a list.
    fn each(&mut self, value: &Value<'_>, mut act: impl FnMut(&mut Self, &str, &Value<'_>)) {
        for table in tables(value) {
            for (key, value) in table {
                act(self, key.get_ref(), value);
            }
        }
    }

    fn names_below(&mut self, key: &str, value: &Value<'_>) {
        match (key, value.get_ref()) {
            (_, DeValue::Table(_)) => self.each(value, Pen::names_below),
            (_, DeValue::Array(values)) => values.iter().for_each(|value| self.names_below(key, value)),
            ("before" | "after", _) => {
                self.words(value, |renames, step| Some(renames.step(step)?.to_string()));
            }
            // Kinds of messages are neither.
            ("message", _) => {}
            _ => self.words(value, |renames, node| Some(renames.node(node)?.to_string())),
        }
    }

    /// Writes over a text, or each text of a list, if it has another name.
    fn words(&mut self, value: &Value<'_>, other: impl Fn(&Renames, &str) -> Option<String>) {
        let values = match value.get_ref() {
            DeValue::Array(values) => values.iter().collect(),
            _ => vec![value],
        };
        for value in values {
            let text = value.get_ref().as_str().filter(|text| !text.is_empty());
            if let Some((text, renamed)) = text.and_then(|text| Some((text, other(self.renames, text)?)))
                && renamed != text
            {
                self.strokes.push((value.span(), toml::Value::String(renamed).to_string()));
            }
        }
    }
}

fn tables<'a>(value: &'a Value<'_>) -> Vec<&'a DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => vec![table],
        DeValue::Array(values) => values.iter().filter_map(|value| value.get_ref().as_table()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# The clerk files mail. "clerk"
workflow = "clerk"

[team]
workers = 2 # not "workers"

[[step]]
name = "file"
tool = "mail.file"
undo = "mail.withdraw"

[[step]]
name = 'tell'
tool = "mail.send"
needs = ["file"]

[tools.mail]
latency = "1s"

[network]
link = [{ between = ["clerk", "mail"], latency = "1s" }]

[faults]
until = "10m"
drop = [{ between = ["clerk", "workers"], chance = "1%" }, { message = ["file"], chance = "1%" }]
crash = { at = "clerk", before = ["file", "call"], after = "call", chance = "5%" }
ack-lost = { at = "mail", chance = "5%" }

[[fault]]
at = "worker-1 > clerk, file, task-1/file, try 1"
do = "delay 3s"

[[fault]]
at = "by the clock, window, try 1"
do = "cut clerk from worker-1+mail at 1m for 40s"

[properties.no-phantom-completion]
waive = "clerk"

[[without]]
safeguards = ["file"]
violates = "clerk"
"#;

    #[test]
    fn names_are_replaced_where_they_are_names() {
        let nodes = [("clerk", "desk"), ("workers", "hands"), ("worker-1", "hand-1"), ("mail", "post")];
        let renames = Renames::new(nodes, [("file", "open"), ("call", "ask")]);
        let text = renamed(TEXT, &renames);
        let changed: Vec<&str> =
            text.lines().zip(TEXT.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
        assert_eq!(
            changed,
            [
                r#"hands = 2 # not "workers""#,
                r#"name = "open""#,
                r#"tool = "post.file""#,
                r#"undo = "post.withdraw""#,
                r#"tool = "post.send""#,
                r#"needs = ["open"]"#,
                "[tools.post]",
                r#"link = [{ between = ["desk", "post"], latency = "1s" }]"#,
                r#"drop = [{ between = ["desk", "hands"], chance = "1%" }, { message = ["file"], chance = "1%" }]"#,
                r#"crash = { at = "desk", before = ["open", "ask"], after = "ask", chance = "5%" }"#,
                r#"ack-lost = { at = "post", chance = "5%" }"#,
                r#"at = "hand-1 > desk, file, task-1/open, try 1""#,
                r#"do = "cut desk from hand-1+post at 1m for 40s""#,
            ]
        );
        assert_eq!(renamed(&text, &renames.reversed()), TEXT);
    }

    #[test]
    fn a_text_that_is_no_toml_stays_as_it_is() {
        let renames = Renames::new([("clerk", "desk")], []);
        assert_eq!(renamed("[team\nclerk = 1", &renames), "[team\nclerk = 1");
    }
}
