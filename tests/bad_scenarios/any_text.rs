//! No text makes the parser panic, not even a megabyte of mistakes.

use super::{GOOD, said_of};
use proptest::prelude::*;

#[test]
fn a_megabyte_of_mistakes_is_read_to_its_end() {
    let pieces = [
        "[[step]]\nname = \"a\"\ntool = \"b.c\"\n",
        "[[without]]\nsafeguards = \"retry\"\nviolates = \"well-behaved\"\n",
        "[[faults.drop]]\nchance = \"1%\"\n",
        "[[faults.no-response]]\nat = \"nobody\"\nchance = \"1%\"\n",
        "[[fault]]\nat = \"a, b, c, try 1\"\ndo = \"no-response\"\n",
        "[tools.a#]\n",
        "a# = 1\n",
        "[[",
    ];
    for piece in pieces {
        let lines = (0..(1 << 19) / piece.len()).map(|number| piece.replace('#', &number.to_string()));
        let text = format!("{GOOD}{}", lines.collect::<String>());
        assert!(said_of(&text).len() < 20_000, "{piece}");
    }
}

/// Pieces from which files are made, including strange ones.
const PIECES: &[&str] = &[
    "",
    "\n",
    "=",
    "[",
    "]",
    "[[",
    "{",
    "}",
    ",",
    "\"",
    "'''",
    "#",
    ".",
    "..",
    "%",
    "\u{feff}",
    "\0",
    "ß",
    "🦀",
    "\r",
    "true",
    "0",
    "-1",
    "9999999999999999999999",
    "1e400",
    "1979-05-27",
    "[faults]",
    "[[fault]]",
    "[[step]]",
    "[team]",
    "[[faults.drop]]",
    "drop = {}",
    "crash = []",
    "\"5%\"",
    "\"100.00001%\"",
    "\"..\"",
    "\"1s..0s\"",
    "\"584542046090y\"",
    "\"everyone\"",
    "\"executor-1\"",
    "\"cut a+b from c at 1m for 40s\"",
    "\"a > b, c, d, try 1\"",
    "\", , try 1\"",
    "needs = [\"file-ticket\", \"tell-customer\"]",
];

proptest! {
    #[test]
    fn no_text_at_all_panics(text in any::<String>()) {
        said_of(&text);
    }

    #[test]
    fn no_edit_of_a_good_file_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(PIECES)), 1..6)
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (place, length, piece) in edits {
            let start = place.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, piece.chars());
        }
        said_of(&text.into_iter().collect::<String>());
    }
}
