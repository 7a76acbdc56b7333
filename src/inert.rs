//! Text that comes from files and agents, made safe to show.
//!
//! A scenario's name, the message of a violation or the words of a panic can hold characters that do something where
//! they are shown: an escape sequence recolours or clears a terminal, a line break ends a comment, a
//! bidirectional override shows a line in another order than it is read (CVE-2021-42574, "Trojan Source"). Whatever
//! is shown goes through here, and such characters become escapes that can be read, as Rust writes them. All other
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
use std::fmt::Write;

/// One line of text: every active character is escaped, line breaks and tabs as well.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_active)
}

/// Text of several lines: every active character is escaped, except line feeds and tabs.
pub fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_active(c) && c != '\n' && c != '\t')
}

/// Whether a character does something instead of being shown: a control character (C0, DEL, C1), one that changes
/// the direction of text (Unicode Standard Annex 9), or one that separates lines or paragraphs.
pub fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' if is_escaped(c) => shown.extend(c.escape_default()),
            _ if is_escaped(c) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "{}", c.escape_unicode());
            }
            _ => shown.push(c),
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
    fn terminals_and_readers_are_not_fooled() {
        assert_eq!(line("a\u{9b}2J\u{7f}b"), r"a\u{9b}2J\u{7f}b");
        assert_eq!(line("x\u{202e}y\u{2028}z\r\t"), r"x\u{202e}y\u{2028}z\r\t");
        assert_eq!(block("x\r\n\ty"), "x\\r\n\ty");
    }
}
