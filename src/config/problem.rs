//! Diagnostics: what is wrong with a file, where, and what to do about it.
//!
//! A [`Problem`] is one diagnostic, with its position in the text where it has one. [`Problems`] are all of
//! one file, in the order of the file, and print like compiler errors:
//!
//! ```
//! use perfidy::config::{Problem, Problems};
//! let text = "workflow = \"conducter\"\n";
//! let problem = Problem::unknown(11..22, "workflow", "conducter", &["conductor", "standby"]);
//! assert_eq!(
//!     Problems::new("lost-ack.toml", text, vec![problem]).to_string(),
//!     "error: unknown workflow `conducter`\n --> lost-ack.toml:1:12\n  |\n1 | workflow = \"conducter\"\n  \
//!      |            ^^^^^^^^^^^\n  |\n  = help: did you mean `conductor`?"
//! );
//! ```

use crate::config::frame::frame;
use crate::inert;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeTable;

/// More problems than this are counted, not shown: the first few explain the rest.
const SHOWN: usize = 20;

/// One thing that is wrong with a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where in the text, in bytes; `None` if it concerns the whole file.
    pub span: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into(), help: None }
    }

    /// A problem of the whole file.
    pub fn whole(message: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), help: None }
    }

    /// The same problem, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A name that does not exist, with the nearest that does or with all there are.
    pub fn unknown(span: Range<usize>, what: &str, word: &str, known: &[&str]) -> Self {
        Self::at(span, format!("unknown {what} `{word}`")).nearest_of(word, known)
    }

    /// The same problem, with the name that was probably meant or with all there are.
    #[must_use]
    pub fn nearest_of(self, word: &str, known: &[&str]) -> Self {
        self.help(nearest_in_words(word, known))
    }

    /// What the TOML reader found in a text, in plain words.
    pub(crate) fn in_toml(text: &str, error: &toml::de::Error) -> Self {
        let problem = Self::from_toml(error);
        match problem.span {
            None if error.message() == TOO_MANY_DOTS => Self { span: too_many_dots(text), ..problem },
            _ => problem,
        }
    }

    /// What the TOML reader found, in plain words.
    pub(crate) fn from_toml(error: &toml::de::Error) -> Self {
        // The TOML reader reports an empty span at the start for errors of the whole file.
        let span = error.span().filter(|span| *span != (0..0));
        let message = error.message();
        if let Some((word, known)) = unknown_key(message) {
            return Self::unknown(span.unwrap_or_default(), "key", word, &known);
        }
        let plain = if let Some(key) = message.strip_prefix("missing field ") {
            format!("the key {key} is missing")
        } else if let Some((found, wanted)) = wrong_type(message) {
            format!("expected {}, found {found}", in_plain_words(wanted))
        } else {
            in_plain_words_of_toml(message, span.as_ref()).to_owned()
        };
        Self { span, message: plain, help: None }
    }
}

/// All problems of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problems {
    /// The path of the file, as the caller gave it.
    pub path: String,
    /// Its text; empty if it could not be read.
    pub text: Arc<str>,
    /// The problems, in the order of the file.
    pub list: Vec<Problem>,
}

impl Problems {
    /// The problems of a file, put in the order of the file.
    pub fn new(path: impl Into<String>, text: impl Into<Arc<str>>, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.as_ref().map(|span| (span.start, span.end)));
        list.dedup();
        Self { path: path.into(), text: text.into(), list }
    }

    /// All of them as text, with terminal colours if asked for. To print coloured text where there may be no
    /// terminal, send it through `anstream`, which strips unsupported escapes.
    pub fn render(&self, color: bool) -> String {
        let shown = self.list.iter().take(SHOWN);
        let mut parts: Vec<String> =
            shown.map(|problem| frame(problem, &self.path, &self.text, color)).collect();
        if self.list.len() > SHOWN {
            parts.push(format!("... and {} more in {}", self.list.len() - SHOWN, inert::line(&self.path)));
        }
        parts.join("\n\n")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// What was probably meant by a word, or all that could have been, as a help.
pub(crate) fn nearest_in_words(word: &str, known: &[&str]) -> String {
    match (nearest(word, known), known) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "there is nothing to name here".to_owned(),
        (None, [only]) => format!("there is only `{only}`"),
        (None, _) => format!("there are {}", listed(known)),
    }
}

/// The line number of a byte of a text.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..text.floor_char_boundary(at)].matches('\n').count() + 1
}

/// The known word that `word` was most likely meant to be, if any is near enough.
///
/// ```
/// use perfidy::config::nearest;
/// assert_eq!(nearest("ticketting", &["mail", "ticketing"]), Some("ticketing"));
/// assert_eq!(nearest("calendar", &["mail", "ticketing"]), None);
/// ```
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 60 {
        return None;
    }
    let wanted = word.to_lowercase().replace(['_', ' '], "-");
    let distance = |name: &str| {
        let begins = length >= 3 && (name.starts_with(&wanted) || wanted.starts_with(name));
        if begins { 1 } else { strsim::damerau_levenshtein(&wanted, name) }
    };
    let scored = known.iter().map(|name| (distance(name), *name));
    scored.filter(|(distance, _)| *distance <= (length / 3).max(1)).min().map(|(_, name)| name)
}

/// Names in a sentence: `a`, `b` and `c`.
pub(crate) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The word and the known names in serde's message about an unknown field or variant.
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    // The word comes from the file and may contain anything, the names after it come from us.
    let (word, known) = match rest.rsplit_once("`, expected ") {
        Some((word, known)) => (word, known.split('`').skip(1).step_by(2).collect()),
        None => (rest.rsplit_once("`, there are no ")?.0, Vec::new()),
    };
    Some((word, known))
}

fn wrong_type(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    rest.rsplit_once(", expected ")
}

/// The type that serde expects, without Rust terms.
fn in_plain_words(wanted: &str) -> &str {
    match wanted {
        "a boolean" => "`true` or `false`",
        "a string" => "text in quotes",
        "a sequence" => "a list",
        "a map" => "a table",
        "i64" | "u64" | "u32" => "a whole number",
        _ if wanted.starts_with("struct ") => "a table",
        _ => wanted,
    }
}

/// The TOML reader's message, without a position, for a key like `a.b.c` with more parts than it supports.
const TOO_MANY_DOTS: &str = "recursion limit";

/// The first line whose key has more parts than the TOML reader supports.
fn too_many_dots(text: &str) -> Option<Range<usize>> {
    let is_too_deep = |line: &str| {
        let (_, errors) = DeTable::parse_recoverable(line);
        errors.iter().any(|error| error.message() == TOO_MANY_DOTS)
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains('.') && is_too_deep(line) {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

/// The TOML reader's messages about the most common mistakes, in plain words.
fn in_plain_words_of_toml<'a>(message: &'a str, span: Option<&Range<usize>>) -> &'a str {
    match message {
        "string values must be quoted, expected literal string" if span.is_some_and(Range::is_empty) => {
            "a value is missing here"
        }
        "string values must be quoted, expected literal string" => "text must stand in quotes",
        "invalid basic string, expected `\"`" => "the quotes are not closed on this line",
        "duplicate key" => "this is here a second time",
        "cannot recurse further; max recursion depth met" | TOO_MANY_DOTS => "this is nested too deeply",
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["idempotency-keys", "persist-before-call", "retry", "executors", "executor-1"];
        for (word, near) in [
            ("idempotency_keys", Some("idempotency-keys")),
            ("Retry", Some("retry")),
            ("retyr", Some("retry")),
            ("idempotency", Some("idempotency-keys")),
            ("executor-11", Some("executor-1")),
            ("calendar", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), near, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }

    #[test]
    fn any_span_at_all_can_be_shown() {
        let text = "a = \"größe\"\r\nb = 1\n";
        for start in 0..=text.len() + 2 {
            for end in 0..=text.len() + 2 {
                let problems = Problems::new("x.toml", text, vec![Problem::at(start..end, "no")]);
                assert!(problems.to_string().starts_with("error: no\n"), "{start}..{end}");
            }
        }
    }

    #[test]
    fn nothing_of_a_file_is_active_in_a_frame_and_the_column_is_that_of_the_file() {
        let text = "# Fine.\n\u{202e}\u{1b}[31m\t\u{9b}name = \"x\u{2028}y\"\n";
        let at = text.find("name").unwrap();
        let problem = Problem::at(at..at + 4, "no \u{1b}[2J\nerror: no").help("\u{7}");
        let said = Problems::new("a\u{85}.toml", text, vec![problem]).to_string();
        assert!(!said.contains(|c| inert::is_active(c) && c != '\n'), "{said:?}");
        for words in [
            r"error: no \u{1b}[2J\nerror: no",
            r" --> a\u{85}.toml:2:9",
            r#"2 | \u{202e}\u{1b}[31m    \u{9b}name = "x\u{2028}y""#,
            "\n  |                             ^^^^\n",
            r"= help: \u{7}",
        ] {
            assert!(said.contains(words), "no {words:?} in\n{said}");
        }
    }

    #[test]
    fn words_of_rust_do_not_reach_people() {
        #[derive(serde::Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        struct File {
            #[expect(dead_code, reason = "only its reading matters")]
            on: bool,
        }
        let said = |text: &str| Problem::from_toml(&toml::from_str::<File>(text).unwrap_err());
        assert_eq!(said("on = 1").message, "expected `true` or `false`, found integer `1`");
        assert_eq!(said("").message, "the key `on` is missing");
        assert_eq!(said("\"o`n\" = true").message, "unknown key `o`n`");
        assert_eq!(said("off = true").help.as_deref(), Some("there is only `on`"));
    }

    #[test]
    fn a_flood_of_problems_is_cut() {
        let list = (0..100).map(|at| Problem::at(at..at + 1, "no")).collect();
        let problems = Problems::new("x.toml", "x".repeat(200), list);
        assert!(problems.to_string().ends_with("... and 80 more in x.toml"));
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        let problems = Problems::new("x.toml", "a = 1", vec![Problem::at(0..1, "no").help("yes")]);
        assert!(problems.render(true).contains('\u{1b}'));
        assert!(!problems.render(false).contains('\u{1b}'));
    }
}
