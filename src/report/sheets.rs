//! Ablations and comparisons on a page: heat maps and tables, as they stand in a terminal.

use super::ablation::{Hints, words as ablation};
use super::comparison::words as comparison;
use super::html::document;
use super::sheet::Sheet;
use crate::explore::{Comparison, Matrix};
use crate::inert;
use crate::report::AblationSummary;
use maud::{Markup, html};

const STYLE: &str = include_str!("sheets.css");

/// A page of tables. It loads nothing and runs nothing.
#[derive(Default)]
pub struct SheetsPage {
    /// What stands above all of them, if there are several.
    about: &'static str,
    /// Each with its title.
    sections: Vec<(String, Markup)>,
}

impl SheetsPage {
    /// Adds what breaks in a scenario without its safeguards, as a heat map.
    pub fn add_ablation(&mut self, matrix: &Matrix, hints: Option<&Hints<'_>>) {
        self.about = "What breaks without each safeguard";
        self.add(&ablation::sheet(matrix, hints));
    }

    /// Adds what several ablations come to together.
    pub fn add_summary(&mut self, summary: &AblationSummary) {
        self.add(&ablation::summary_sheet(summary));
    }

    /// Adds a comparison of two designs. They are shown by these names of files.
    pub fn add_comparison(&mut self, compared: &Comparison, files: [&str; 2]) {
        self.about = "Designs compared";
        self.add(&comparison::sheet(compared, files));
    }

    fn add(&mut self, sheet: &Sheet) {
        self.sections.push((inert::line(&sheet.title).into_owned(), sheet.on_a_page()));
    }

    /// The page as HTML.
    pub fn to_html(&self) -> String {
        let title = match self.sections.as_slice() {
            [(title, _)] => title,
            _ => self.about,
        };
        let body = html! {
            header { h1 { (title) } }
            main {
                @for (title, section) in &self.sections {
                    section {
                        @if self.sections.len() > 1 { h2 { (title) } }
                        (section)
                    }
                }
            }
            footer { "perfidy " (env!("CARGO_PKG_VERSION")) }
        };
        document(title, STYLE, None, &body)
    }
}
