//! The simulator knows nodes, messages and faults, and nothing of the layers above.

use std::fs;
use std::path::{Path, PathBuf};

/// Words of the layers above.
const WORDS: [&str; 3] = ["agent", "tool", "model"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.collect()
}

/// Whether a line has a word of the layers above, in the singular or the plural.
fn is_above(line: &str) -> bool {
    let words = line.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase);
    words.into_iter().any(|word| WORDS.contains(&word.trim_end_matches('s')))
}

#[test]
fn the_simulator_names_no_agent_tool_or_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut named = Vec::new();
    for path in sources(&folder) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().enumerate().filter(|(_, line)| is_above(line));
        named.extend(lines.map(|(number, line)| format!("{}:{}: {line}", path.display(), number + 1)));
    }
    assert!(named.is_empty(), "{}", named.join("\n"));
}
