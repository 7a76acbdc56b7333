//! Quoted names in the text of addresses and actions.
//!
//! A name is quoted if its characters would be read as syntax. Inside the quotes every such character is an
//! escape (`\u{2c}` for a comma), so a quoted name contains no blank and no comma, and the parser can split
//! the text as usual.

use crate::Name;
use std::borrow::Cow;
use std::fmt::Write;

/// The text of a name: in quotes unless it `is_plain`.
pub(super) fn written(name: Name, is_plain: impl Fn(&str) -> bool) -> Cow<'static, str> {
    let text = name.as_str();
    let is_taken_for_quoted = text.starts_with('"') || text.contains(char::is_control);
    if !text.is_empty() && !is_taken_for_quoted && text.trim() == text && is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        if c.is_alphanumeric() || "-_+./:>|'".contains(c) {
            quoted.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "{}", c.escape_unicode());
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// The words between names in the text of actions.
const BETWEEN: [&str; 5] = ["at", "for", "from", "of", "towards"];

/// A name that stands between other words and commas.
pub(super) fn among_words(name: Name) -> Cow<'static, str> {
    let is_odd = |c: char| c.is_whitespace() || matches!(c, ',' | '"');
    written(name, |text| !text.contains(is_odd) && !BETWEEN.contains(&text))
}

/// Parses a name; `None` if it is empty, or has invalid quotes or escapes.
pub(super) fn read(text: &str) -> Option<Name> {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('"') else { return (!text.is_empty()).then(|| Name::new(text)) };
    let mut rest = rest.strip_suffix('"')?;
    let mut name = String::with_capacity(rest.len());
    while let Some((before, escape)) = rest.split_once('\\') {
        let (number, after) = escape.strip_prefix("u{")?.split_once('}')?;
        name.push_str(before);
        name.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
        rest = after;
    }
    name.push_str(rest);
    Some(Name::new(&name))
}
