//! Places in a TOML file: where a value stands, and where a place in the text that a string holds stands.
//!
//! A saved failure carries its scenario as a string. What is wrong in there has a place in the scenario;
//! people edit the file, so they are told the place in the file, however the string is quoted and escaped.

use crate::config::{Problem, Problems};
use std::ops::Range;
use toml::de::DeTable;

/// Where the value that these keys lead to stands in a TOML file.
pub(super) fn place_of(file: &str, keys: &[&str]) -> Range<usize> {
    let find = || {
        let root = DeTable::parse(file).ok()?;
        let (first, rest) = keys.split_first()?;
        let mut value = root.get_ref().get(*first)?;
        for key in rest {
            value = value.get_ref().as_table()?.get(*key)?;
        }
        Some(value.span())
    };
    find().unwrap_or_default()
}

/// A text in a string of a file.
pub(super) struct Embedded<'a> {
    /// The file.
    pub file: &'a str,
    /// Where the string stands in it.
    pub place: Range<usize>,
    /// What the string says.
    pub text: &'a str,
}

impl Embedded<'_> {
    /// Problems of the text as problems of the file. `read` is the text as it was read: in other words
    /// perhaps, but line for line the same.
    pub fn problems_in_file(&self, path: &str, read: &Problems) -> Problems {
        let list = read.list.iter().cloned().map(|problem| self.problem_in_file(&read.text, problem));
        Problems::new(path, self.file, list.collect())
    }

    fn problem_in_file(&self, read: &str, problem: Problem) -> Problem {
        let Some(span) = &problem.span else {
            return Problem { span: Some(self.place.clone()), ..problem };
        };
        let in_file = |at| self.in_file(same_place(read, self.text, at));
        if let Some((start, end)) = in_file(span.start).zip(in_file(span.end)) {
            return Problem { span: Some(start..end), ..problem };
        }
        let line = read[..read.floor_char_boundary(span.start)].matches('\n').count() + 1;
        let message = format!("{} (line {line} of this text)", problem.message);
        Problem { span: Some(self.place.clone()), message, ..problem }
    }

    /// Where in the file the character stands that begins at this byte of the text.
    fn in_file(&self, wanted: usize) -> Option<usize> {
        let literal = self.file.get(self.place.clone())?;
        let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| literal.starts_with(quotes))?;
        let has_escapes = quotes.starts_with('"');
        let mut at = quotes.len();
        if quotes.len() == 3 {
            // A line break right behind the quotes is no part of the text.
            at +=
                ["\r\n", "\n"].iter().find(|end| literal[at..].starts_with(**end)).map_or(0, |end| end.len());
        }
        for (said, c) in self.text.char_indices() {
            at += if has_escapes { joined_lines(&literal[at..]) } else { 0 };
            if said >= wanted {
                break;
            }
            at += written_length(&literal[at..], c, has_escapes)?;
        }
        Some(self.place.start + at)
    }
}

/// How many bytes a character of a text takes at the beginning of what is written.
fn written_length(written: &str, c: char, has_escapes: bool) -> Option<usize> {
    let mut bytes = written.bytes();
    let length = match bytes.next()? {
        b'\\' if has_escapes => match bytes.next()? {
            b'u' => 6,
            b'U' => 10,
            b'x' => 4,
            _ => 2,
        },
        b'\r' if c == '\n' => 2,
        _ if written.starts_with(c) => c.len_utf8(),
        _ => return None,
    };
    written.is_char_boundary(length).then_some(length)
}

/// How many bytes at the beginning only join lines: a backslash at the end of a line and the blanks behind
/// it.
fn joined_lines(written: &str) -> usize {
    let Some(rest) = written.strip_prefix('\\').map(|rest| rest.trim_start_matches([' ', '\t'])) else {
        return 0;
    };
    if !rest.starts_with(['\n', '\r']) {
        return 0;
    }
    written.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len()
}

/// The place in one text that is the same as a place in another: the same line, as far as that reads the
/// same.
fn same_place(there: &str, here: &str, at: usize) -> usize {
    let at = there.floor_char_boundary(at);
    if there == here {
        return at;
    }
    let line_start = there[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let number = there[..line_start].matches('\n').count();
    let before: usize = here.split_inclusive('\n').take(number).map(str::len).sum();
    let alike = here[before..].chars().zip(there[line_start..at].chars()).take_while(|(a, b)| a == b);
    before + alike.map(|(c, _)| c.len_utf8()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// Checks for every character that its place in the file is one from which it is read.
    fn every_place_is_found(file: &str) {
        let root: toml::Table = toml::from_str(file).unwrap();
        let text = root["case"]["text"].as_str().unwrap();
        let embedded = Embedded { file, place: place_of(file, &["case", "text"]), text };
        let mut last = embedded.place.start;
        for (at, c) in text.char_indices() {
            let found = embedded.in_file(at).unwrap_or_else(|| panic!("{at} of {file:?}"));
            assert!(found > last && found < embedded.place.end, "{at} of {file:?}");
            let is_escaped = file.as_bytes()[found] == b'\\' || file[found..].starts_with("\r\n");
            assert!(is_escaped || file[found..].starts_with(c), "{at} of {file:?}");
            last = found;
        }
        let end = embedded.in_file(text.len()).unwrap();
        assert!(end > last && end < embedded.place.end, "{file:?}");
    }

    #[test]
    fn a_place_is_found_in_every_kind_of_string() {
        for string in [
            "\"a\\tb\\n\\u00e9\\U0001F40E\\\\ \\\"c\\\" d\"",
            "'a \\n b'",
            "\"\"\"\na\nb \\\\ \\\"\\\"\\\" \\u00e9 \\\n   c\"\"\"",
            "\"\"\"a\r\nb\"\"\"",
            "'''\r\na\\n\r\nb'''",
            "'''\n\na ''\nb'''",
            "\"\"\"\\\n  a \\\n\n  b \"\"\"",
        ] {
            every_place_is_found(&format!("a = 1\n[case]\nother = 2\ntext = {string}\nmore = 3\n"));
            every_place_is_found(&format!("case.text = {string}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]
        #[test]
        fn a_place_is_found_in_whatever_is_saved(text in "[a\\\\\"'\n\t \u{7}\u{85}é🐎]{0,40}") {
            let table: toml::Table = [("text".to_owned(), toml::Value::String(text))].into_iter().collect();
            let root: toml::Table = [("case".to_owned(), toml::Value::Table(table))].into_iter().collect();
            every_place_is_found(&toml::to_string(&root).unwrap());
        }
    }

    #[test]
    fn a_renamed_text_leads_to_the_same_line() {
        let (old, new) = ("# x\nrunners = 2\nrest = 1\n", "# x\nexecutors = 2\nrest = 1\n");
        assert_eq!(same_place(new, old, new.find("executors").unwrap()), old.find("runners").unwrap());
        assert_eq!(same_place(new, old, new.find("rest").unwrap()), old.find("rest").unwrap());
        assert_eq!(same_place(new, old, new.len()), old.len());
    }
}
