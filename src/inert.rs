//! Escaping: makes text from files and agents safe to show.
//!
//! A scenario's name, the message of a violation or a panic message can contain active characters: an escape
//! sequence recolours or clears a terminal, a line break ends a comment, a bidirectional override shows a
//! line in another order than it is read (CVE-2021-42574, "Trojan Source"). Everything that is shown goes
//! through this module, which replaces such characters by readable escapes, as Rust writes them. All other
//! text stays as it is.
//!
//! ```
//! use perfidy::inert;
//!
//! assert_eq!(inert::line("red \u{1b}[31m\nalert"), r"red \u{1b}[31m\nalert");
//! assert_eq!(inert::block("two\nlines"), "two\nlines");
//! assert_eq!(inert::line("žluťoučký kůň 🐎"), "žluťoučký kůň 🐎");
//! ```

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::path::Path;

/// One line of text: every active character is escaped, line breaks and tabs as well.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_active)
}

/// Text of several lines: every active character is escaped, except line feeds and tabs.
pub fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_active(c) && c != '\n' && c != '\t')
}

/// A path for output: parts that are not Unicode are replaced.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// JSON text in which every active character is replaced by its `\u` escape, so a program that reads it gets
/// the same strings as before. Line feeds stay, because they end a record.
///
/// ```
/// let json = "{\"file\":\"\u{202e}\u{7f}\"}";
/// assert_eq!(perfidy::inert::json(json), r#"{"file":"\u202e\u007f"}"#);
/// ```
pub fn json(text: &str) -> Cow<'_, str> {
    // Outside of strings JSON is ASCII, and its writer has escaped C0.
    rewritten(text, |c| is_active(c) && c != '\n', |c, shown| write!(shown, "\\u{:04x}", u32::from(c)))
}

/// One line of anything that can be displayed, as [`line()`] shows it. Width and alignment are those of the
/// shown text.
pub fn shown(value: impl fmt::Display) -> impl fmt::Display {
    Shown(value)
}

struct Shown<T>(T);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&line(&self.0.to_string()))
    }
}

/// Text of several lines with colours: the only text whose escape sequences reach a terminal.
///
/// Its maker has escaped text from other sources. If that was forgotten, at most a colour or a line break
/// gets through. It has no `Display`, so it cannot be used as plain text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Styled(String);

impl Styled {
    /// A text with colours. All other active characters but line feeds and tabs are escaped.
    pub fn new(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\u{1b}') {
            shown += &block(&rest[..at]);
            let length = colour_length(&rest[at..]);
            // Anything but a colour is an escape character like any other.
            shown += if length == 0 { r"\u{1b}" } else { &rest[at..at + length] };
            rest = &rest[at + length.max(1)..];
        }
        Self(shown + &block(rest))
    }

    /// The text with its colours, for a writer that knows whether they can be shown.
    pub fn as_ansi(&self) -> &str {
        &self.0
    }

    /// The text without colours.
    pub fn to_plain(&self) -> String {
        let mut plain = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find('\u{1b}') {
            plain += &rest[..at];
            // Nothing but colours got in.
            rest = &rest[at + colour_length(&rest[at..]).max(1)..];
        }
        plain + rest
    }
}

/// How long the escape sequence that sets colours (SGR) at the beginning of a text is; 0 if there is none.
fn colour_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let length = parameters.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';').count();
    if parameters[length..].starts_with('m') { length + 3 } else { 0 }
}

/// Whether a character is active instead of visible: a control character (C0, DEL, C1), one that changes the
/// direction of text (Unicode Standard Annex 9), or one that separates lines or paragraphs.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    rewritten(text, is_escaped, |c, shown| match c {
        '\n' | '\r' | '\t' => write!(shown, "{}", c.escape_default()),
        _ => write!(shown, "{}", c.escape_unicode()),
    })
}

fn rewritten(
    text: &str,
    is_escaped: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String) -> fmt::Result,
) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_escaped(c) {
            // Writing to a string cannot fail.
            let _ = escape(c, &mut shown);
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_active_is_left_of_any_character() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert!(!line(&text).contains(is_active), "{c:?}");
            assert_eq!(is_active(c), line(&text) != text, "{c:?}");
        }
    }

    #[test]
    fn only_colours_pass_a_styled_text() {
        let text = "\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}\u{9b}\u{1b}[\u{202e}m\n\t";
        let styled = Styled::new(text);
        assert_eq!(
            styled.as_ansi(),
            "\u{1b}[1;31mred\u{1b}[0m\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{1b}\\u{9b}\\u{1b}[\\u{202e}m\n\t"
        );
        assert!(styled.to_plain().starts_with("red\\u{1b}[2J"));
    }

    #[test]
    fn json_means_what_it_meant() {
        let all: String = ('\0'..=char::MAX).collect();
        let written = serde_json::to_string(&all).unwrap();
        let inert = json(&written);
        assert!(!inert.contains(is_active));
        assert_eq!(serde_json::from_str::<String>(&inert).unwrap(), all);
    }

    #[test]
    fn what_is_shown_keeps_its_column() {
        assert_eq!(format!("{:<9}|{:>4}", shown("a\nb"), shown('c')), "a\\nb     |   c");
    }

    #[test]
    fn terminals_and_readers_are_not_fooled() {
        assert_eq!(line("a\u{9b}2J\u{7f}b"), r"a\u{9b}2J\u{7f}b");
        assert_eq!(line("x\u{202e}y\u{2028}z\r\t"), r"x\u{202e}y\u{2028}z\r\t");
        assert_eq!(block("x\r\n\ty"), "x\\r\n\ty");
    }
}
