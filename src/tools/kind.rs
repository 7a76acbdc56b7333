//! Kinds of tools: what `kind = "..."` in the table of a tool can name.

use super::{Prototype, Tool, accounts, files, records, registers, sources};
use crate::config::{Entry, Problem};
use perfidy_sim::Name;
use serde::Deserialize;
use std::fmt;
use std::sync::Arc;

/// How a kind reads what is its own in the table of a tool.
type Read = Arc<dyn Fn(&Entry<'_>) -> Result<Prototype, Problem> + Send + Sync>;

/// A kind of tool. One of your own is a value like any other, can capture what it needs, and goes into a
/// [suite](crate::suite::Suite::tool).
#[derive(Clone)]
pub struct ToolKind {
    /// Its name in files.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// How a file describes a tool of this kind.
    pub example: &'static str,
    read: Read,
}

impl ToolKind {
    /// A kind whose tools are what `read` makes of the keys of a table that only this kind has.
    ///
    /// ```
    /// use perfidy::prelude::*;
    /// use perfidy::tools::Accounts;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// #[serde(deny_unknown_fields)]
    /// struct Keys {
    ///     total: u64,
    /// }
    ///
    /// let example = r#"fund = { kind = "fund", total = 500 }"#;
    /// let fund = ToolKind::new("fund", "one account", example, |table| {
    ///     let Keys { total } = table.read()?;
    ///     Ok(Accounts::of([("fund", total)]))
    /// });
    /// assert!(Suite::shipped().add_tool_kind(fund).find_tool("fund").is_some());
    /// ```
    pub fn new<T: Tool>(
        name: &'static str,
        about: &'static str,
        example: &'static str,
        read: impl Fn(&Entry<'_>) -> Result<T, Problem> + Send + Sync + 'static,
    ) -> Self {
        Self { name, about, example, read: Arc::new(move |table| read(table).map(Prototype::new)) }
    }

    /// A kind whose tools are all the same when a run begins: what `make` makes.
    pub fn made_by<T: Tool>(name: &'static str, make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let read = move |table: &Entry<'_>| table.read::<NoKeys>().map(|NoKeys {}| make());
        // Kinds live as long as the program; names do, too.
        let example = Name::new(&format!("{name} = {{ kind = \"{name}\" }}")).as_str();
        Self::new(name, "a tool without keys of its own", example, read)
    }

    /// The tool that a table describes, without the keys that every tool has.
    ///
    /// # Errors
    /// What is wrong with the table.
    pub fn read(&self, table: &Entry<'_>) -> Result<Prototype, Problem> {
        (self.read)(table)
    }
}

/// A table in which only the keys that every tool has can stand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoKeys {}

impl fmt::Debug for ToolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolKind").field(&self.name).finish()
    }
}

/// The kinds that come with perfidy. The first is that of a tool whose table names none, and after which no
/// kind is called.
pub(crate) fn shipped() -> Vec<ToolKind> {
    vec![records::kind(), sources::kind(), accounts::kind(), files::kind(), registers::kind()]
}
