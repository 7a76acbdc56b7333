//! `Cargo.toml` of a crate that gets a start: what it needs is added, and everything else stays as it is.

use crate::inert;
use std::fs;
use std::path::{self, Path};
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

/// The test target.
const TARGET: &str = "agents";

/// The manifest of a new crate that is called as its folder.
///
/// # Errors
/// If the folder has no name that a crate can have.
pub fn fresh(folder: &Path, source: &Path) -> Result<String, String> {
    // Nothing is made before the name is known to be good.
    let whole = fs::canonicalize(folder).or_else(|_| path::absolute(folder));
    let whole = whole.map_err(|error| error.to_string())?;
    let name = whole.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_name) {
        let name = inert::line(name);
        return Err(format!("a crate cannot be called `{name}`; name another folder: perfidy new my-agents"));
    }
    let package = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    with_start(&package, source)
}

/// The manifest of a crate with the dependencies of the start and its test target; perfidy was built in
/// `source`.
///
/// # Errors
/// If it is no manifest of a crate, or has the test target already.
pub fn with_start(text: &str, source: &Path) -> Result<String, String> {
    let mut manifest: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    if manifest.get("package").is_none() {
        return Err("this is the manifest of a workspace; name the folder of one of its crates".to_owned());
    }
    let mut derive = InlineTable::new();
    derive.insert("version", "1".into());
    derive.insert("features", Value::Array(["derive"].into_iter().collect()));
    add_dependency(&mut manifest, "perfidy", perfidy(source), &["dependencies", "dev-dependencies"])?;
    // What the crate itself has of serde may be without its derive.
    add_dependency(&mut manifest, "serde", derive.into(), &["dev-dependencies"])?;
    let tests = manifest.entry("test").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let tests = tests.as_array_of_tables_mut().ok_or("`test` is no list of tables")?;
    if tests.iter().any(|test| test.get("name").and_then(Item::as_str) == Some(TARGET)) {
        return Err(format!("there is a test target `{TARGET}` already"));
    }
    let mut target = Table::new();
    target.insert("name", value(TARGET));
    target.insert("harness", value(false));
    tests.push(target);
    Ok(manifest.to_string())
}

/// What the tests need of perfidy: the crate in the folder that the command was built from, if that is a
/// clone, and otherwise this version from the registry. Cargo marks the folders that it has unpacked itself.
/// Tests serve no clients, and are built without the packages for that.
fn perfidy(source: &Path) -> Value {
    let is_clone = source.join("Cargo.toml").is_file() && !source.join(".cargo-ok").exists();
    let mut perfidy = match source.to_str().filter(|_| is_clone) {
        Some(path) => InlineTable::from_iter([("path", path)]),
        None => InlineTable::from_iter([("version", env!("CARGO_PKG_VERSION"))]),
    };
    perfidy.insert("default-features", false.into());
    perfidy.insert("features", Value::Array(["cli"].into_iter().collect()));
    perfidy.into()
}

/// Adds a dependency of the tests, unless one of these tables has it.
fn add_dependency(
    manifest: &mut DocumentMut,
    name: &str,
    version: Value,
    tables: &[&str],
) -> Result<(), String> {
    if tables.iter().any(|table| manifest.get(table).is_some_and(|table| table.get(name).is_some())) {
        return Ok(());
    }
    let table = manifest.entry("dev-dependencies").or_insert(Item::Table(Table::new()));
    let table = table.as_table_like_mut().ok_or("`dev-dependencies` is no table")?;
    table.insert(name, value(version));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATE: &str = "[package]\nname = \"shop\" # ours\n\n[dependencies]\nserde = \"1\"\n";

    #[test]
    fn what_is_needed_is_added_and_the_rest_stays() {
        let added = format!(
            "{CRATE}\n[dev-dependencies]\nperfidy = {{ version = \"{}\", default-features = false, \
             features = [\"cli\"] }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\n\
             [[test]]\nname = \"agents\"\nharness = false\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(with_start(CRATE, Path::new("/nowhere")).unwrap(), added);
    }

    #[test]
    fn a_clone_is_named_by_its_path_and_what_cargo_unpacked_by_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path();
        let manifest = || with_start(CRATE, source).unwrap();
        assert!(manifest().contains("perfidy = { version = \"0."));
        fs::write(source.join("Cargo.toml"), "").unwrap();
        let by_path = format!("perfidy = {{ path = \"{}\", default-features = false", source.display());
        assert!(manifest().contains(&by_path), "{}", manifest());
        fs::write(source.join(".cargo-ok"), "").unwrap();
        assert!(manifest().contains("perfidy = { version = \"0."));
    }

    #[test]
    fn a_manifest_without_a_place_for_the_start_says_why() {
        let with_start = |text: &str| with_start(text, Path::new("/nowhere"));
        let twice = with_start(CRATE).unwrap();
        assert_eq!(with_start(&twice).unwrap_err(), "there is a test target `agents` already");
        assert!(with_start("[workspace]\nmembers = []\n").unwrap_err().contains("of a workspace"));
        assert!(with_start("[package").is_err());
    }
}
