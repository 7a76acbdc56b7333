//! What can be wrong with an alias.

use super::table::Table;
use crate::config::{Entry, Problem};
use crate::scenario::{is_word, not_a_word};
use crate::suite::Suite;
use toml::Spanned;

/// One alias and where its two names stand.
pub(super) struct Alias<'a> {
    pub table: Table,
    pub old: Entry<'a>,
    pub new: Spanned<String>,
}

impl Alias<'_> {
    /// Whether both are names of the same kind.
    fn is_akin(&self, other: &Self) -> bool {
        self.table.shares_names_with(other.table)
    }

    /// What is wrong with it, beside those that stand before it and all of the file.
    pub fn problem(&self, suite: &Suite, earlier: &[Self], all: &[Self]) -> Option<Problem> {
        let (old, new) = (self.old.name, self.new.get_ref().as_str());
        // The kind of a message and the step of an agent's code can be any text.
        let is_text = matches!(self.table, Table::Messages | Table::Steps);
        let is_name = |name: &str| is_word(name) || is_text && !name.is_empty();
        if !is_name(old) {
            return Some(not_a_word(self.old.key_span.clone(), old));
        }
        if !is_name(new) {
            return Some(not_a_word(self.new.span(), new));
        }
        if old == new {
            let problem =
                Problem::at(self.new.span(), format!("`{old}` is called what it was called before"));
            return Some(problem.help("write old = \"new\", or take the line out"));
        }
        if let Some(other) = earlier.iter().find(|other| self.is_akin(other) && other.old.name == old) {
            let problem =
                Problem::at(self.old.key_span.clone(), format!("`{old}` has another new name already"));
            let (one, two) = (other.table.name(), self.table.name());
            return Some(
                problem.help(format!("{one} and {two} share one set of names; take one of the lines out")),
            );
        }
        if self.table.is_drawn_by()
            && let Some(other) =
                earlier.iter().find(|other| self.is_akin(other) && other.new.get_ref() == new)
        {
            let message =
                format!("`{}` is called `{new}` already, and one name cannot be both", other.old.name);
            return Some(Problem::at(self.new.span(), message).help(AGES));
        }
        if all.iter().any(|other| self.is_akin(other) && other.old.name == new) {
            let message = format!("`{new}` is an old name as well as a new one");
            let help = "write the name of today behind every old one, in a file for the failures of each age";
            return Some(Problem::at(self.new.span(), message).help(help));
        }
        self.not_of_today(&self.table.today(suite)?)
    }

    /// Whether the new name is one that there is today, and the old one is gone.
    fn not_of_today(&self, today: &[String]) -> Option<Problem> {
        let (old, new, what) = (self.old.name, self.new.get_ref().as_str(), self.table.one());
        let is_today = |name: &str| today.iter().any(|known| known == name);
        if !is_today(new) {
            let is_numbered = |name: &&str| name.ends_with(|c: char| c.is_ascii_digit());
            let mut known: Vec<&str> = today.iter().map(String::as_str).collect();
            known.retain(|name| !is_numbered(name));
            known.sort_unstable();
            known.dedup();
            return Some(Problem::unknown(self.new.span(), what, new, &known));
        }
        (self.table.is_of_all() && is_today(old)).then(|| {
            let problem = Problem::at(self.old.key_span.clone(), format!("there still is a {what} `{old}`"));
            problem.help("an alias is for a name that is gone; take the line out")
        })
    }
}

const AGES: &str = "if failures of different age have different names, give those of each age a folder with a file of \
                    its own";
