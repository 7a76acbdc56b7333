//! The words of a page that its reader may not know, with what the glossary says of them.

use super::Rows;
use crate::report::told::told;
use maud::{Markup, html};
use std::collections::BTreeSet;

const GLOSSARY: &str = include_str!("../../../glossary.md");

/// Words of events, each with what it is called in the glossary. Where its plural occurs it is explained too.
const WORDS: [(&str, &str); 7] = [
    ("intent", "intent"),
    ("journal", "journal"),
    ("lease", "lease"),
    ("op", "operation id"),
    ("plan", "plan"),
    ("record", "record"),
    ("token", "fencing token"),
];

/// The meaning of a term: the second cell of its row.
fn meaning(term: &str) -> Option<&'static str> {
    GLOSSARY.lines().find_map(|row| {
        let (first, rest) = row.strip_prefix("| ")?.split_once(" | ")?;
        (first == term).then(|| rest.split(" | ").next().unwrap_or_default())
    })
}

/// The words that occur in the events of a page.
pub(super) fn words(rows: &Rows<'_>) -> Markup {
    let events = rows.scene.shots.iter().map(|shot| told(shot.event));
    let mut used: BTreeSet<String> = BTreeSet::new();
    for text in events {
        used.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
    }
    let used: Vec<_> = WORDS
        .into_iter()
        .filter(|(word, _)| used.contains(*word) || used.contains(&format!("{word}s")))
        .filter_map(|(word, term)| Some((word, meaning(term)?)))
        .collect();
    html! {
        @if !used.is_empty() {
            details {
                summary { "Words" }
                dl class="words" { @for (word, meaning) in used { dt { (word) } dd { (meaning.replace('`', "")) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glossary_knows_every_word() {
        for (word, term) in WORDS {
            assert!(meaning(term).is_some_and(|text| text.len() > 10), "{word}");
        }
    }
}
