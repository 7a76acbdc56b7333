//! Active characters, which a scenario's name and text may not contain.
//!
//! A name or a comment with an escape sequence, a line break or a bidirectional override does not look like
//! what it is, so a file with one is rejected, with its position. Quoted text can still have any character,
//! written as a TOML escape: such text is escaped again when it is shown.

use crate::config::Problem;
use crate::inert::is_active;

/// Names are paths, and longer ones cannot be files.
const MAX_NAME_BYTES: usize = 1024;

/// Why a scenario cannot have this name, if it cannot. Failures are saved below it, so it must be a relative
/// path without `..`.
pub(crate) fn trouble_with_name(name: &str) -> Option<String> {
    let why = if name.contains(is_active) {
        "it has a character that acts instead of being shown"
    } else if name.len() > MAX_NAME_BYTES {
        "it is longer than any path"
    } else if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "it is not a path that leads down from a folder"
    } else {
        return None;
    };
    let name: String = name.chars().take(100).collect();
    Some(format!("a scenario cannot be called `{name}`: {why}"))
}

/// The first active character that is not escaped, if there is one.
pub(super) fn trouble_in_text(text: &str) -> Option<Problem> {
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let ends_line = c == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n');
        if is_active(c) && !ends_line && !matches!(c, '\n' | '\t') {
            let code = u32::from(c);
            let message = format!("the character U+{code:04X} acts instead of being shown");
            let help = format!("take it out; within double quotes it is written \\u{code:04X}");
            return Some(Problem::at(at..at + c.len_utf8(), message).help(help));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_that_leads_down() {
        for good in ["lost-ack", "conductor/lost-ack", ".wip/a b", "größe", "a..b", "-x"] {
            assert_eq!(trouble_with_name(good), None);
        }
        for bad in ["", "/etc/passwd", "../up", "a/../../b", "a//b", "a/", ".", "a\0b", "a\u{202e}b", "a\nb"]
        {
            assert!(trouble_with_name(bad).is_some(), "{bad:?}");
        }
        assert!(trouble_with_name(&"long/".repeat(1_000)).unwrap().len() < 200);
    }

    #[test]
    fn the_first_active_character_is_named_with_its_place() {
        assert_eq!(trouble_in_text("# Größe.\r\n\ta = \"\\u202e\"\n"), None);
        let problem = trouble_in_text("# a\u{2028}\u{7}").unwrap();
        assert_eq!(problem.span, Some(3..6));
        assert!(problem.message.contains("U+2028"), "{}", problem.message);
        assert!(trouble_in_text("a\rb").is_some());
    }
}
