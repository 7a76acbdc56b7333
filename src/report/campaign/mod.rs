//! A campaign as a page: what was run, what broke by which faults, how soon each strategy finds it, and every
//! failure with its picture. It runs no script.

mod plot;

use crate::explore::{
    CaseProgress, CaseReport, Comparison, Detection, Failure, FuzzState, Matrix as AblationMatrix,
};
use crate::inert::line;
use crate::report::Picture;
use crate::report::ablation::words as ablation;
use crate::report::comparison::words as comparison;
use crate::report::html::{Theme, colours, document, scoped};
use crate::report::picture::drawing_style;
use crate::report::sheet::{DARKEST, Label, NOTHING, Sheet};
use crate::report::words::{counted, status_in_words, verdict};
use crate::scenario::Case;
use maud::{Markup, PreEscaped, html};
use perfidy_sim::Name;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// How many failures have a picture on the page; the others have their words.
const PICTURES: usize = 60;

/// The column of failures that take no fault.
const NO_FAULT: &str = "no fault";

/// A campaign, to be shown.
#[derive(Default)]
pub struct CampaignPage {
    title: String,
    about: String,
    notes: Vec<String>,
    cases: Vec<CaseRow>,
    failures: Vec<FailureCard>,
    detection: Option<DetectionTable>,
    /// Ablations and comparisons, each with its title.
    sheets: Vec<(String, Markup)>,
}

/// What became of a case.
struct CaseRow {
    scenario: Name,
    case: String,
    runs: u64,
    injected: BTreeMap<Name, u64>,
    verdict: String,
}

/// A failure on the page of a campaign.
struct FailureCard {
    property: String,
    message: String,
    case: String,
    faults: Vec<String>,
    kinds: BTreeSet<Name>,
    replay: String,
    /// The file of the page that shows it whole, from the folder of this one.
    page: Option<String>,
    picture: Option<Markup>,
    /// Whether the property breaks today as well.
    is_broken: bool,
}

/// After how many seeds each strategy finds that a property breaks, in a case.
pub struct DetectionTable {
    /// How many seeds each had at most.
    pub within: u64,
    /// The strategies.
    pub strategies: Vec<&'static str>,
    /// Each property, the case in which it breaks, and what came of each strategy; `None` if it cannot search
    /// there.
    pub rows: Vec<(String, String, Vec<Option<Detection>>)>,
}

impl CampaignPage {
    /// A page of nothing yet: what it is about, in a few words, and how it was run, in a sentence.
    pub fn new(title: impl Into<String>, about: impl Into<String>) -> Self {
        Self { title: title.into(), about: about.into(), ..Self::default() }
    }

    /// Adds what is to be said beside.
    pub fn add_note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Adds what became of a case of `run`.
    pub fn add_report(&mut self, report: &CaseReport) {
        self.cases.push(CaseRow {
            scenario: report.case.scenario.name,
            case: report.case.label(),
            runs: report.seeds,
            injected: report.injected.clone(),
            verdict: verdict(report),
        });
    }

    /// Adds what became of the cases of a long campaign; of a case whose scenario is not there any more, only
    /// what was counted.
    pub fn add_state(&mut self, state: &FuzzState, mut case_of: impl FnMut(&CaseProgress) -> Option<Case>) {
        for progress in &state.cases {
            let verdict = match case_of(progress) {
                Some(case) => status_in_words(state.status(progress, &case)),
                None => "its scenario is not there any more".to_owned(),
            };
            self.cases.push(CaseRow {
                scenario: progress.scenario,
                case: progress.label.clone(),
                runs: progress.runs,
                injected: progress.injected.clone(),
                verdict,
            });
        }
    }

    /// Adds a failure, with the command that replays it and the page that shows it whole, if there is one.
    pub fn add_failure(
        &mut self,
        failure: &Failure,
        picture: &Picture<'_>,
        replay: &str,
        page: Option<String>,
    ) {
        let saved = &failure.saved;
        let has_picture = self.failures.len() < PICTURES && picture.violation().is_some();
        self.failures.push(FailureCard {
            property: saved.property.clone(),
            message: saved.message.clone(),
            case: failure.case.to_string(),
            faults: saved.faults.iter().map(ToString::to_string).collect(),
            kinds: saved.faults.iter().map(|fault| fault.action.kind()).collect(),
            replay: replay.to_owned(),
            page,
            picture: has_picture.then(|| picture.drawing()),
            is_broken: picture.violation().is_some(),
        });
    }

    /// Sets how soon strategies find what breaks.
    pub fn set_detection(&mut self, detection: DetectionTable) {
        self.detection = Some(detection);
    }

    /// Adds what breaks in a scenario without its safeguards, as a heat map.
    pub fn add_ablation(&mut self, matrix: &AblationMatrix) {
        self.add_sheet(&ablation::sheet(matrix, None));
    }

    /// Adds a comparison of two designs. They are shown by these names of files.
    pub fn add_comparison(&mut self, compared: &Comparison, files: [&str; 2]) {
        self.add_sheet(&comparison::sheet(compared, files));
    }

    fn add_sheet(&mut self, sheet: &Sheet) {
        self.sheets.push((line(&sheet.title).into_owned(), sheet.on_a_page()));
    }

    /// The page as HTML.
    pub fn to_html(&self) -> String {
        let style = format!(
            "{}{}{}{STYLE}",
            include_str!("../sheets.css"),
            drawing_style(".drawing"),
            scoped(plot::STYLE, ".plot"),
        );
        let body = html! {
            header {
                h1 { (line(&self.title)) }
                p { (line(&self.about)) }
                @for note in &self.notes { p class="faint" { (line(note)) } }
                nav aria-label="Parts of this page" {
                    ul { @for (id, name) in self.parts() { li { a href={"#" (id)} { (name) } } } }
                }
            }
            main {
                (self.runs())
                (self.matrix_section())
                (self.detection_section())
                (self.sheets_section())
                (self.failures())
            }
            footer { "perfidy " (env!("CARGO_PKG_VERSION")) }
        };
        document(&self.title, &style, None, &body)
    }

    /// What broke by which faults, and how soon it is found if that was measured, as one picture.
    pub fn to_svg(&self, theme: Theme) -> String {
        plot::svg(self, &colours(theme))
    }

    fn parts(&self) -> Vec<(&'static str, &'static str)> {
        let mut parts = Vec::new();
        if !self.cases.is_empty() {
            parts.push(("runs", "Runs"));
        }
        if !self.failures.is_empty() {
            parts.push(("faults", "What broke, by which faults"));
        }
        if self.detection.is_some() {
            parts.push(("detection", "How soon it is found"));
        }
        if !self.sheets.is_empty() {
            parts.push(("sheet-0", "Tables"));
        }
        parts.push(("failures", "Failures"));
        parts
    }

    fn runs(&self) -> Markup {
        if self.cases.is_empty() {
            return html! {};
        }
        let not_run = self.cases.iter().filter(|row| row.runs == 0).count();
        html! {
            section aria-labelledby="runs" {
                h2 id="runs" { "Runs" }
                @if not_run > 0 { p class="faint" { (counted(not_run as u64, "case", "cases")) " had no run yet." } }
                div class="scroll" tabindex="0" role="region" aria-label="Table of cases" {
                    table class="cases" {
                        thead { tr { th { "scenario" } th { "case" } th { "runs" } th { "verdict" } th { "injected faults" } } }
                        tbody {
                            @for row in self.cases.iter().filter(|row| row.runs > 0) {
                                tr {
                                    td { (line(row.scenario.as_str())) }
                                    td { (line(&row.case)) }
                                    td class="number" { (row.runs) }
                                    td class=[class_of(&row.verdict)] { (line(&row.verdict)) }
                                    td class="faint" { (line(&injected(&row.injected))) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// For each property and each kind of fault, how many failures take such a fault.
    fn matrix(&self) -> Matrix {
        let mut matrix = Matrix::default();
        for card in &self.failures {
            let row = matrix.rows.entry(card.property.clone()).or_default();
            row.failures += 1;
            if card.kinds.is_empty() {
                row.without_faults += 1;
            }
            for kind in &card.kinds {
                *row.by_kind.entry(*kind).or_default() += 1;
                matrix.kinds.insert(*kind);
            }
        }
        matrix
    }

    fn matrix_section(&self) -> Markup {
        if self.failures.is_empty() {
            return html! {};
        }
        let sheet = self.matrix().sheet();
        html! {
            section aria-labelledby="faults" {
                h2 id="faults" { (sheet.title) }
                (sheet.on_a_page())
            }
        }
    }

    fn detection_section(&self) -> Markup {
        let Some(detection) = &self.detection else { return html! {} };
        let (plot, sheet) = (plot::detection(detection), detection.sheet());
        html! {
            section aria-labelledby="detection" {
                h2 id="detection" { (sheet.title) }
                (sheet.on_a_page())
                figure class="plot" tabindex="0" role="region" aria-label="Picture of how soon it is found" {
                    svg viewBox={"0 0 " (plot.width) " " (plot.height)} width=(plot.width) height=(plot.height)
                        role="img" aria-label="The same as a picture: a sign for each strategy, further right is later" { (plot.markup) }
                }
            }
        }
    }

    fn sheets_section(&self) -> Markup {
        html! {
            @for (at, (title, table)) in self.sheets.iter().enumerate() {
                section aria-labelledby={"sheet-" (at)} {
                    h2 id={"sheet-" (at)} { (title) }
                    (table)
                }
            }
        }
    }

    fn failures(&self) -> Markup {
        let count = self.failures.len();
        html! {
            section aria-labelledby="failures" {
                h2 id="failures" { @if count == 0 { "No failure is saved" } @else { (counted(count as u64, "failure", "failures")) } }
                @if count > PICTURES { p class="faint" { "The first " (PICTURES) " have a picture." } }
                @for card in &self.failures { (card.on_a_page()) }
            }
        }
    }
}

impl FailureCard {
    fn on_a_page(&self) -> Markup {
        html! {
            details class="failure" {
                summary {
                    b class="bad" { (line(&self.property)) } " " (line(&self.message))
                    span class="faint" { " " (line(&self.case)) }
                }
                @if !self.is_broken { p class="fault" { "It does not break any more." } }
                @if self.faults.is_empty() {
                    p { "No fault is needed." }
                } @else {
                    ul { @for fault in &self.faults { li { (line(fault)) } } }
                }
                p { code class="command" { (line(&self.replay)) } }
                @if let Some(page) = &self.page { p { a href=(page) { "Its page, event by event" } } }
                @if let Some(picture) = &self.picture {
                    div class="scroll drawing" tabindex="0" role="region" aria-label={"Picture of " (line(&self.property))} { (picture) }
                }
            }
        }
    }
}

/// How many failures there are by property and kind of fault.
#[derive(Default)]
struct Matrix {
    kinds: BTreeSet<Name>,
    rows: BTreeMap<String, MatrixRow>,
}

#[derive(Default)]
struct MatrixRow {
    failures: u64,
    without_faults: u64,
    by_kind: BTreeMap<Name, u64>,
}

impl Matrix {
    /// The shade of a cell, from 0 to [`DARKEST`].
    fn shade(&self, count: u64) -> u8 {
        let counts = self.rows.values().flat_map(|row| row.by_kind.values().chain([&row.without_faults]));
        let most = counts.max().copied().unwrap_or(0).max(1);
        (count * u64::from(DARKEST)).div_ceil(most) as u8
    }

    /// Whether any failure takes no fault.
    fn has_faultless(&self) -> bool {
        self.rows.values().any(|row| row.without_faults > 0)
    }

    /// What the columns are: kinds of faults, and none, if there are such failures.
    fn columns(&self) -> Vec<&'static str> {
        let none = self.has_faultless().then_some(NO_FAULT);
        self.kinds.iter().map(|kind| kind.as_str()).chain(none).collect()
    }

    /// The counts of a row, column by column.
    fn counts(&self, row: &MatrixRow) -> Vec<u64> {
        let kinds = self.kinds.iter().map(|kind| row.by_kind.get(kind).copied().unwrap_or(0));
        kinds.chain(self.has_faultless().then_some(row.without_faults)).collect()
    }

    fn sheet(&self) -> Sheet {
        let label = |column: &'static str| match column {
            NO_FAULT => Label::Words(column.to_owned()),
            kind => Label::Names(vec![kind]),
        };
        let head = self.columns().into_iter().map(label).collect();
        let mut rows = Vec::new();
        let mut shades = Vec::new();
        for (property, row) in &self.rows {
            let counts = self.counts(row);
            let cell = |count: &u64| if *count == 0 { NOTHING.to_owned() } else { count.to_string() };
            rows.push((Label::Names(vec![Name::new(property).as_str()]), counts.iter().map(cell).collect()));
            shades.push(counts.iter().map(|count| self.shade(*count)).collect());
        }
        let about = "How many failures of each property take a fault of each kind, in their smallest form. A failure that \
                     takes two kinds counts in both columns.";
        Sheet {
            title: "What broke, by which faults".to_owned(),
            about: about.to_owned(),
            corner: "PROPERTY",
            head,
            rows,
            notes: Vec::new(),
            shades,
        }
    }
}

impl DetectionTable {
    /// How dark the number of seeds is: darker is later.
    fn shade(&self, detection: Option<Detection>) -> u8 {
        match detection {
            None => 0,
            Some(Detection::NotWithin(_)) => DARKEST,
            Some(Detection::After(seeds)) => {
                let share = (seeds as f64).ln() / (self.within.max(2) as f64).ln();
                (share * f64::from(DARKEST - 1)).floor() as u8
            }
        }
    }

    fn sheet(&self) -> Sheet {
        let cell = |detection: Option<Detection>| match detection {
            None => NOTHING.to_owned(),
            Some(Detection::After(seeds)) => seeds.to_string(),
            Some(Detection::NotWithin(seeds)) => format!("> {seeds}"),
        };
        let label = |property: &str, case: &str| Label::Words(format!("{property}: {case}"));
        let rows = self.rows.iter().map(|(property, case, found)| {
            (label(property, case), found.iter().map(|found| cell(*found)).collect())
        });
        let shades =
            self.rows.iter().map(|(_, _, found)| found.iter().map(|found| self.shade(*found)).collect());
        Sheet {
            title: "How soon it is found".to_owned(),
            about: format!(
                "After how many seeds each strategy first breaks the property, in at most {} seeds from the first. Darker is later.",
                self.within
            ),
            corner: "PROPERTY AND CASE",
            head: self.strategies.iter().map(|name| Label::Names(vec![*name])).collect(),
            rows: rows.collect(),
            notes: vec![],
            shades: shades.collect(),
        }
    }
}

/// How a verdict looks.
fn class_of(verdict: &str) -> Option<&'static str> {
    let is_loud = verdict.split(':').next().is_some_and(|word| word.len() > 2 && word == word.to_uppercase());
    is_loud.then_some("bad")
}

fn injected(counts: &BTreeMap<Name, u64>) -> String {
    let mut text = String::new();
    for (place, (kind, count)) in counts.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        write!(text, "{comma}{kind} {count}").expect("a string takes it");
    }
    if text.is_empty() { "none".to_owned() } else { text }
}

/// The whole of a picture in a document of its own.
fn as_svg((width, height): (usize, usize), style: &str, title: &str, markup: &Markup) -> String {
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={"0 0 " (width) " " (height)} width=(width) height=(height)
            role="img" aria-label=(line(title)) {
            style { (PreEscaped(style)) }
            rect class="paper" width=(width) height=(height) {}
            (markup)
        }
    };
    markup.into_string() + "\n"
}
