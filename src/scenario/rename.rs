//! Renaming in the text of a file: names are replaced where they are used as names, and nowhere else.
//!
//! The text keeps its lines and comments, so positions stay valid.

use perfidy_sim::{Action, Address, Name, Renames};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The other names of everything that a file can name.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Renaming {
    /// The names of a run, which key places and draws.
    pub run: Renames,
    pub workflows: BTreeMap<String, String>,
    pub properties: BTreeMap<String, String>,
    pub safeguards: BTreeMap<String, String>,
}

impl Renaming {
    /// Whether nothing has another name.
    pub fn is_empty(&self) -> bool {
        self.run.is_empty()
            && [&self.workflows, &self.properties, &self.safeguards].into_iter().all(BTreeMap::is_empty)
    }

    /// The label of a case under the other names.
    pub fn label(&self, label: &str) -> String {
        let Some(safeguards) = label.strip_prefix(WITHOUT) else { return label.to_owned() };
        let other = |name| self.safeguards.get(name).map_or(name, String::as_str);
        format!("{WITHOUT}{}", safeguards.split(", ").map(other).collect::<Vec<_>>().join(", "))
    }

    /// A property under its other name.
    pub fn property(&self, property: &str) -> String {
        self.properties.get(property).map_or(property, String::as_str).to_owned()
    }
}

impl From<Renames> for Renaming {
    fn from(run: Renames) -> Self {
        Self { run, ..Self::default() }
    }
}

impl FromIterator<Renaming> for Renaming {
    /// All of them together.
    fn from_iter<T: IntoIterator<Item = Self>>(all: T) -> Self {
        all.into_iter().fold(Self::default(), |mut all, some| {
            all.run = [all.run, some.run].into_iter().collect();
            all.workflows.extend(some.workflows);
            all.properties.extend(some.properties);
            all.safeguards.extend(some.safeguards);
            all
        })
    }
}

/// The text of a scenario or of a saved failure with the other names. A text that is not TOML stays as it is.
pub(crate) fn renamed(text: &str, renaming: &Renaming) -> String {
    let Ok(root) = DeTable::parse(text) else { return text.to_owned() };
    let mut pen = Pen { renaming, renames: &renaming.run, strokes: Vec::new() };
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

/// Walks through a file and notes the replacements.
struct Pen<'a> {
    renaming: &'a Renaming,
    renames: &'a Renames,
    strokes: Vec<(Range<usize>, String)>,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Pen<'_> {
    fn table(&mut self, name: &str, value: &Value<'_>) {
        match name {
            "workflow" => self.global(value, |renaming| &renaming.workflows),
            "property" => self.global(value, |renaming| &renaming.properties),
            "properties" => self.keys(value, |renaming, key| renaming.properties.get(key).cloned()),
            "safeguards" => self.keys(value, |renaming, key| renaming.safeguards.get(key).cloned()),
            "team" | "tools" => {
                self.keys(value, |renaming, key| Some(renaming.run.node(key)?.to_string()));
            }
            "without" => self.each(value, |pen, key, value| match key {
                "safeguards" => pen.global(value, |renaming| &renaming.safeguards),
                "violates" => pen.global(value, |renaming| &renaming.properties),
                _ => {}
            }),
            "step" => self.each(value, |pen, key, value| match key {
                "name" | "needs" => pen.words(value, |renames, step| Some(renames.step(step)?.to_string())),
                "tool" | "undo" => pen.words(value, |renames, call| {
                    let (tool, operation) = call.split_once('.')?;
                    let other = |name: Option<Name>, old| name.unwrap_or_else(|| Name::new(old));
                    let (node, call) = (renames.node(tool), renames.call(operation));
                    Some(format!("{}.{}", other(node, tool), other(call, operation)))
                }),
                _ => {}
            }),
            "fault" => self.each(value, |pen, key, value| match key {
                "at" => pen.words(value, |renames, at| {
                    let today = at.parse::<Address>().ok()?;
                    changed(today, renames.address(today))
                }),
                "do" => pen.words(value, |renames, what| match what.parse::<Action>() {
                    Ok(today) => changed(today, renames.action(today)),
                    Err(_) => renames.action_of_renamed_kind(what.trim()).map(|today| today.to_string()),
                }),
                _ => {}
            }),
            // Each kind of fault has its own keys, whose values are names of nodes, of steps, or neither.
            "faults" => {
                self.keys(value, |renaming, key| Some(renaming.run.kind_of_fault(key)?.to_string()));
                self.each(value, Pen::names_below);
            }
            "network" => self.each(value, Pen::names_below),
            // What a saved failure says of the file that it was made small out of.
            "changes" => self.each(value, |pen, key, value| match key {
                "fault" => pen.table(key, value),
                "spans" => pen.each(value, |pen, _, spans| {
                    pen.keys(spans, |renaming, key| Some(renaming.run.kind_of_fault(key)?.to_string()));
                }),
                _ => {}
            }),
            _ => {}
        }
    }

    /// Replaces the keys of a table that have another name.
    fn keys(&mut self, value: &Value<'_>, other: impl Fn(&Renaming, &str) -> Option<String>) {
        for key in value.get_ref().as_table().into_iter().flat_map(|table| table.keys()) {
            if let Some(other) = other(self.renaming, key.get_ref()) {
                self.strokes.push((key.span(), other));
            }
        }
    }

    /// Replaces a text, or each text of a list, that is a name which no draw uses.
    fn global(&mut self, value: &Value<'_>, names: fn(&Renaming) -> &BTreeMap<String, String>) {
        let names = names(self.renaming);
        self.words(value, |_, word| names.get(word).cloned());
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
            ("message", _) => {
                self.words(value, |renames, kind| Some(renames.message(kind)?.to_string()));
            }
            ("operation", _) => {
                self.words(value, |renames, call| Some(renames.call(call)?.to_string()));
            }
            _ => self.words(value, |renames, node| Some(renames.node(node)?.to_string())),
        }
    }

    /// Replaces a text, or each text of a list, if it has another name.
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

/// The new text of something that has other names now; none if it has not, however it is spelt.
fn changed<T: Copy + PartialEq + ToString>(today: T, renamed: T) -> Option<String> {
    (renamed != today).then(|| renamed.to_string())
}

/// The prefix of the label of a case without some safeguards.
const WITHOUT: &str = "without ";

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
    fn a_fault_without_another_name_keeps_its_spelling() {
        let text = "[[fault]]\nat = \"by hand, cut, try 1\"\ndo = \"cut a from b at 59s for 24h\"\n";
        assert_eq!(renamed(text, &Renaming::default()), text);
    }

    #[test]
    fn names_are_replaced_where_they_are_names() {
        let nodes = [("clerk", "desk"), ("workers", "hands"), ("worker-1", "hand-1"), ("mail", "post")];
        let renames = Renames::new(nodes, [("file", "open"), ("call", "ask")]);
        let text = renamed(TEXT, &renames.clone().into());
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
        assert_eq!(renamed(&text, &renames.reversed().into()), TEXT);
    }

    #[test]
    fn what_a_saved_failure_says_of_the_file_that_it_came_from_is_replaced_too() {
        let text = "[changes.spans.lasting]\nlose = \"1s..2s\"\n[[changes.fault]]\n\
                    at = \"a > b, sent, t, try 1\"\ndo = \"lose\"\n";
        let renaming = Renames::of_faults([("lose", "drop")]).into();
        assert_eq!(renamed(text, &renaming), text.replace("lose", "drop"));
    }

    #[test]
    fn whatever_else_a_file_names_is_replaced_as_well() {
        let text = r#"property = "no-drop"
workflow = "desk"
[[step]]
name = "send"
tool = "mail.send"
undo = "mail.recall"
[safeguards]
keys = true
[faults]
lose = [{ message = ["send", "sent"], chance = "1%" }]
silence = { at = "mail", operation = "send", chance = "1%" }
[[fault]]
at = "clerk > mail, call send, task-1/send, try 1"
do = "lose"
[[fault]]
at = "mail, send, task-1/send, try 1"
do = "silence"
[properties.no-drop]
waive = "no-drop"
[[without]]
safeguards = ["keys"]
violates = "no-drop"
"#;
        let names = |old: &str, new: &str| BTreeMap::from([(old.to_owned(), new.to_owned())]);
        let run = [
            Renames::of_messages([("sent", "posted"), ("call send", "call post")]),
            Renames::of_calls([("send", "post")]),
            Renames::of_faults([("silence", "no-response"), ("lose", "drop")]),
        ];
        let renaming = Renaming {
            run: run.into_iter().collect(),
            workflows: names("desk", "counter"),
            properties: names("no-drop", "no-loss"),
            safeguards: names("keys", "idempotency-keys"),
        };
        let text_today = renamed(text, &renaming);
        let changed: Vec<&str> =
            text_today.lines().zip(text.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
        assert_eq!(
            changed,
            [
                r#"property = "no-loss""#,
                r#"workflow = "counter""#,
                r#"tool = "mail.post""#,
                "idempotency-keys = true",
                r#"drop = [{ message = ["send", "posted"], chance = "1%" }]"#,
                r#"no-response = { at = "mail", operation = "post", chance = "1%" }"#,
                r#"at = "clerk > mail, call post, task-1/send, try 1""#,
                r#"do = "drop""#,
                r#"at = "mail, post, task-1/send, try 1""#,
                r#"do = "no-response""#,
                "[properties.no-loss]",
                r#"safeguards = ["idempotency-keys"]"#,
                r#"violates = "no-loss""#,
            ]
        );
        assert_eq!(renaming.label("without keys, retry"), "without idempotency-keys, retry");
        assert_eq!(renaming.label("as written"), "as written");
    }

    #[test]
    fn an_action_of_the_world_is_read_under_the_old_name_of_its_kind() {
        let kinds = [("twin", "overlapping-restart"), ("split", "partition"), ("lossy", "drop")];
        let run = [Renames::of_faults(kinds), Renames::new([("clerk", "desk")], [])];
        let renaming = Renaming::from(run.into_iter().collect::<Renames>());
        for (old, today) in [
            ("twin clerk at 1m for 20s", "overlapping-restart desk at 1m for 20s"),
            ("split clerk from mail at 1m for 20s", "cut desk from mail at 1m for 20s"),
            ("lossy", "drop"),
            ("twins clerk at 1m for 20s", "twins clerk at 1m for 20s"),
        ] {
            let of = |action: &str| {
                format!("[[fault]]\nat = \"twin of clerk, window, try 1\"\ndo = \"{action}\"\n")
            };
            assert!(renamed(&of(old), &renaming).ends_with(&format!("do = \"{today}\"\n")), "{old}");
        }
    }

    #[test]
    fn a_text_that_is_no_toml_stays_as_it_is() {
        let renames = Renames::new([("clerk", "desk")], []);
        assert_eq!(renamed("[team\nclerk = 1", &renames.into()), "[team\nclerk = 1");
    }
}
