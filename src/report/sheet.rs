//! A sheet: a table with a title and notes, for a terminal of 100 columns and as Markdown.
//!
//! The names of properties are too long for a row of columns, so in a terminal each is set in several lines,
//! broken at its hyphens; columns that do not fit go into another table below, where rows of names with
//! nothing in them are left out. In Markdown names are code.

use crate::inert;
use crate::report::table::{plain, trimmed};
use comfy_table::CellAlignment;
use maud::{Markup, html};

/// How wide a sheet is in a terminal.
const COLUMNS: usize = 100;

/// How wide the lines of a column's head are, if the parts of its name allow that.
const HEAD: usize = 11;

/// What a cell says that has nothing to say.
pub(super) const NOTHING: &str = "-";

/// A table with what is to be said about it.
#[derive(Default)]
pub(super) struct Sheet {
    /// What it is about.
    pub title: String,
    /// What the table shows, in a sentence or two.
    pub about: String,
    /// The name of the first column.
    pub corner: &'static str,
    /// The other columns.
    pub head: Vec<Label>,
    /// The rows, each with a name and a cell for every column of the head.
    pub rows: Vec<(Label, Vec<String>)>,
    /// What is to be said below.
    pub notes: Vec<Note>,
    /// How dark each cell is on a page, from 0 to [`DARKEST`]; empty if the table is no heat map.
    pub shades: Vec<Vec<u8>>,
}

/// The darkest shade of a heat map.
pub(super) const DARKEST: u8 = 4;

/// The name of a row or a column.
pub(super) enum Label {
    /// In words.
    Words(String),
    /// Names of a file.
    Names(Vec<&'static str>),
}

/// Something that is said below a table.
pub(super) enum Note {
    /// A paragraph; names of a file stand between backticks.
    Text(String),
    /// A paragraph that others belong to.
    Start(String),
    /// One of several that belong to it.
    Item(String),
    /// Something to type or to write into a file, line by line.
    Code(String),
}

impl Label {
    fn in_text(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Names(names) => names.join("\n+ "),
        }
    }

    fn as_head(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Names(names) => names.iter().map(|name| stacked(name)).collect::<Vec<_>>().join("\n"),
        }
    }

    fn in_markdown(&self) -> String {
        match self {
            Self::Words(words) => cell(words),
            Self::Names(names) => {
                names.iter().map(|name| format!("`{}`", cell(name))).collect::<Vec<_>>().join(" + ")
            }
        }
    }
}

impl Sheet {
    /// For a terminal.
    pub fn to_text(&self) -> String {
        let mut parts = vec![inert::line(&self.title).into_owned(), wrapped(&self.about, 0)];
        parts.extend(self.blocks().into_iter().map(|block| format!("\n{block}")));
        if !self.notes.is_empty() {
            parts.push(String::new());
        }
        parts.extend(self.notes.iter().map(|note| match note {
            Note::Text(text) => wrapped(&plain_words(text), 2),
            Note::Start(text) => format!("\n{}", wrapped(&plain_words(text), 2)),
            Note::Item(text) => format!("  {}", wrapped(&plain_words(text), 4)),
            Note::Code(code) => {
                let lines = code.lines().map(|line| format!("      {}", inert::line(line)));
                lines.collect::<Vec<_>>().join("\n")
            }
        }));
        parts.join("\n")
    }

    /// The table, over as many blocks of columns as it takes.
    fn blocks(&self) -> Vec<String> {
        let heads: Vec<String> = self.head.iter().map(Label::as_head).collect();
        let labels: Vec<String> = self.rows.iter().map(|(label, _)| label.in_text()).collect();
        let first = labels.iter().map(|label| width(label)).chain([self.corner.len()]).max().unwrap_or(0);
        let mut blocks = Vec::new();
        let mut from = 0;
        while from < heads.len() {
            let (mut to, mut used) = (from, first + 2);
            while to < heads.len() {
                let cells = self.rows.iter().map(|(_, cells)| width(&cells[to]));
                let wide = cells.chain([width(&heads[to])]).max().unwrap_or(0) + 2;
                if to > from && used + wide > COLUMNS {
                    break;
                }
                (to, used) = (to + 1, used + wide);
            }
            let head = [self.corner.to_owned()].into_iter().chain(heads[from..to].iter().cloned());
            let mut table = plain(head);
            for column in 1..=to - from {
                let column = table.column_mut(column).expect("it has a head");
                column.set_cell_alignment(CellAlignment::Left);
            }
            let is_split = from > 0 || to < heads.len();
            for (label, (kind, cells)) in labels.iter().zip(&self.rows) {
                let is_empty = cells[from..to].iter().all(|cell| cell == NOTHING);
                if !(is_split && is_empty && matches!(kind, Label::Names(_))) {
                    table.add_row([label].into_iter().chain(&cells[from..to]));
                }
            }
            blocks.push(trimmed(&table));
            from = to;
        }
        blocks
    }

    /// As Markdown, with a heading of the second level.
    pub fn to_markdown(&self) -> String {
        let mut lines = vec![format!("## {}", inert::line(&self.title)), String::new(), self.about.clone()];
        if !self.head.is_empty() {
            let head = markdown_cells(self.head.iter().map(Label::in_markdown));
            let rule = "--:|".repeat(self.head.len());
            let corner = self.corner.to_lowercase();
            lines.extend([String::new(), format!("| {corner} |{head}"), format!("|---|{rule}")]);
            for (label, cells) in &self.rows {
                let cells = markdown_cells(cells.iter().map(|text| cell(text)));
                lines.push(format!("| {} |{cells}", label.in_markdown()));
            }
        }
        for note in &self.notes {
            lines.push(String::new());
            match note {
                Note::Text(text) | Note::Start(text) => lines.push(inert::line(text).into_owned()),
                Note::Item(text) => lines.push(format!("* {}", inert::line(text))),
                Note::Code(code) => lines.push(format!("```text\n{}\n```", inert::block(code.trim_end()))),
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Label {
    fn on_a_page(&self) -> Markup {
        match self {
            Self::Words(words) => html! { (inert::line(words)) },
            Self::Names(names) => html! {
                @for (place, name) in names.iter().enumerate() { @if place > 0 { " + " } code { (name) } }
            },
        }
    }
}

impl Sheet {
    /// As a part of a page that says its title; with shades its table is a heat map.
    pub fn on_a_page(&self) -> Markup {
        let shade = |row: usize, column: usize| {
            let shade =
                self.shades.get(row).and_then(|row| row.get(column)).copied().filter(|shade| *shade > 0);
            shade.map(|shade| format!("shade-{}", shade.min(DARKEST)))
        };
        html! {
            p class="faint" { (inert::line(&self.about)) }
            @if !self.head.is_empty() {
                div class="scroll" tabindex="0" role="region" aria-label={"Table: " (inert::line(&self.title))} {
                    table class="sheet" {
                        thead { tr { th { (self.corner.to_lowercase()) } @for label in &self.head { th scope="col" { (label.on_a_page()) } } } }
                        tbody {
                            @for (row, (label, cells)) in self.rows.iter().enumerate() {
                                tr {
                                    th scope="row" { (label.on_a_page()) }
                                    @for (column, text) in cells.iter().enumerate() {
                                        td class=[shade(row, column)] { (inert::line(text)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @for note in &self.notes {
                @match note {
                    Note::Text(text) | Note::Start(text) => { p { (with_code(text)) } }
                    Note::Item(text) => { p class="item" { (with_code(text)) } }
                    Note::Code(code) => { pre tabindex="0" { (inert::block(code.trim_end())) } }
                }
            }
        }
    }
}

/// A paragraph of a page, in which names between backticks are code.
fn with_code(text: &str) -> Markup {
    let text = inert::line(text);
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// The cells of a row in Markdown, without the first.
fn markdown_cells(cells: impl Iterator<Item = String>) -> String {
    cells.fold(String::new(), |row, cell| row + " " + &cell + " |")
}

/// A text for a cell in Markdown.
fn cell(text: &str) -> String {
    inert::line(text).replace('|', "\\|").replace('*', "\\*")
}

/// A paragraph for a terminal, where names need no backticks.
fn plain_words(text: &str) -> String {
    text.replace('`', "")
}

/// A name in several lines, broken at hyphens.
fn stacked(name: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for part in name.split_inclusive('-') {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.len() + part.len() > HEAD {
            lines.push(part.to_owned());
        } else {
            last.push_str(part);
        }
    }
    lines.join("\n")
}

/// How wide the widest line is.
fn width(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A paragraph in lines of the width of a sheet; all but the first are indented.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in inert::line(text).split(' ') {
        let last = lines.last_mut().expect("there is a line");
        if !last.trim().is_empty() && last.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("{}{word}", " ".repeat(indent)));
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(columns: usize) -> Sheet {
        let names = ["no-duplicate-effects", "reads-keep-declared-consistency", "recovery-calls-no-model"];
        let head = names.iter().cycle().take(columns).map(|name| Label::Names(vec![name])).collect();
        let cells = |text: &str| vec![text.to_owned(); columns];
        let rows = vec![
            (Label::Words("nothing".to_owned()), cells("-")),
            (Label::Names(vec!["verify", "retry"]), cells("12% @3 *")),
        ];
        let notes = vec![
            Note::Text(format!("The safeguard `verify` {}.", "does much ".repeat(12).trim_end())),
            Note::Start("News:".to_owned()),
            Note::Item("without `retry`".to_owned()),
            Note::Code("perfidy run a.toml\n--seed 1".to_owned()),
        ];
        let (title, about) = ("own/team".to_owned(), "What breaks.".to_owned());
        Sheet { title, about, corner: "REMOVED", head, rows, notes, ..Sheet::default() }
    }

    #[test]
    fn a_sheet_is_a_table_with_names_in_several_lines_and_notes_below() {
        insta::assert_snapshot!(sheet(3).to_text());
    }

    #[test]
    fn columns_that_do_not_fit_go_into_another_table() {
        let text = sheet(9).to_text();
        assert_eq!(text.matches("REMOVED").count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }

    #[test]
    fn on_a_page_a_table_with_shades_is_a_heat_map_and_text_is_text() {
        let mut sheet = Sheet { shades: vec![vec![0, 4], vec![2, 9]], ..sheet(2) };
        sheet.about = "<b>".to_owned();
        let page = sheet.on_a_page().into_string();
        for part in [
            "<td>-</td><td class=\"shade-4\">-</td>",
            "<td class=\"shade-4\">12% @3 *</td>",
            "&lt;b&gt;",
            "<code>verify</code>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn in_markdown_names_are_code_and_stars_are_stars() {
        insta::assert_snapshot!(sheet(2).to_markdown());
    }
}
