//! Names in the text of addresses and actions: as they are, or in quotes where their characters would be taken for
//! something else.
//!
//! Between quotes every such character is an escape, `\u{2c}` for a comma, so that a quoted name has no blank and no comma
//! in it and the text around it is taken apart as ever.

use crate::Name;
use std::borrow::Cow;
use std::fmt::Write;

/// The name as it is written: in quotes unless it `is_plain`.
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

/// A name that stands between other words and commas.
pub(super) fn among_words(name: Name) -> Cow<'static, str> {
    written(name, |text| !text.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '"')))
}

/// The name that is written so; `None` if it is nothing, or has quotes and escapes that are none.
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
