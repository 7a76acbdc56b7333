//! A run to look at: a page, a picture for a document, a diagram for a terminal or an issue, and traces for
//! other tools. All of them draw the same [`Scene`], tell events in the words of the story, and add nothing
//! to them.
//!
//! ```
//! use perfidy::explore::Failure;
//! use perfidy::report::{Counterpart, Picture};
//! use perfidy::suite::Suite;
//!
//! let file = std::fs::read_dir("seeds/conductor").unwrap().next().unwrap().unwrap().path();
//! let failure = Failure::read(&Suite::shipped(), &file).unwrap_or_else(|bad| panic!("{bad}"));
//! let (run, _) = failure.replay();
//! let counterpart = Counterpart::of(&failure.case, failure.saved.engine, failure.saved.seed, &failure.saved.faults);
//! let picture = Picture::of_failure(&failure, &run).beside(counterpart.as_ref());
//! assert!(picture.to_page().starts_with("<!DOCTYPE html>"));
//! assert!(picture.to_mermaid().starts_with("sequenceDiagram"));
//! ```

mod align;
mod causes;
mod contents;
mod detail;
mod draw;
mod mark;
mod mermaid;
mod otlp;
mod page;
mod perfetto;
mod rows;
mod scene;
mod shiviz;
mod spans;
mod svg;
mod terminal;
mod waits;

use crate::explore::{Failure, Run, SavedSeed};
use crate::properties::Violation;
use crate::report::html::Theme;
use crate::scenario::Case;
use align::Aligned;
use causes::Causes;
#[cfg(feature = "cli")]
use maud::Markup;
use perfidy_sim::{Engine, Fault, Plan, Seed};
use rows::Rows;
use scene::{Scene, lanes};

/// Where a run that is drawn has come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// All of it was simulated.
    Simulation,
    /// A real client took the place of an agent, under the faults of a seed.
    Client,
    /// It was seen of a real team: there is no seed, and no fault was injected.
    RealTeam,
}

/// A run, ready to be drawn.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    case: &'a Case,
    engine: Engine,
    seed: Seed,
    run: &'a Run,
    origin: Origin,
    /// The property that is looked at, if one broke.
    broke: Option<(&'static str, &'a Violation)>,
    saved: Option<&'a SavedSeed>,
    /// The command that has the run again.
    again: Option<&'a str>,
    counterpart: Option<&'a Counterpart>,
}

/// The run that a run is compared with: the same without what made it fail.
pub struct Counterpart {
    run: Run,
    /// What is different about it: `without the fault`.
    how: String,
}

impl Counterpart {
    /// The same run without any fault; of a run without faults, the same with the safeguards that its case
    /// takes away. `None` if nothing can be left out: then the team breaks the property by itself.
    ///
    /// # Panics
    /// If the engine is not part of this build; ask [`Engine::available`] first.
    pub fn of(case: &Case, engine: Engine, seed: Seed, faults: &[Fault]) -> Option<Self> {
        let calm = Plan::Explicit([].into());
        if !faults.is_empty() {
            let how = if faults.len() == 1 { "without the fault" } else { "without the faults" };
            return Some(Self { run: Run::planned(case, engine, seed, &calm), how: how.to_owned() });
        }
        let without = case.without()?;
        let guarded = Case::as_written(&case.scenario);
        let run = Run::planned(&guarded, engine, seed, &calm);
        Some(Self { run, how: format!("with {}", without.safeguards.join(" and ")) })
    }
}

/// The style of pictures that are part of a page, inside this selector.
#[cfg(feature = "cli")]
pub(in crate::report) fn drawing_style(inside: &str) -> String {
    crate::report::html::scoped(&format!("{}{}", svg::MARKS_STYLE, svg::WORDS_STYLE), inside)
}

impl<'a> Picture<'a> {
    /// A saved failure in a run of today.
    pub fn of_failure(failure: &'a Failure, run: &'a Run) -> Self {
        let Failure { saved, case, .. } = failure;
        let picture = Self::of_run(case, saved.engine, saved.seed, run);
        let broke = run.violation(&saved.property).zip(case.scenario.suite.find_property(&saved.property));
        let broke = broke.map(|(violation, property)| (property.name, violation));
        Self { broke: broke.or(picture.broke), saved: Some(saved), ..picture }
    }

    /// A run of a seed, with the first property that broke of those that its case is about.
    pub fn of_run(case: &'a Case, engine: Engine, seed: Seed, run: &'a Run) -> Self {
        let mut wanted = case.is_about();
        wanted.extend(run.verdicts.iter().map(|(name, _)| *name));
        let broke = wanted.into_iter().find_map(|name| Some((name, run.violation(name)?)));
        let origin = Origin::Simulation;
        Self { case, engine, seed, run, origin, broke, saved: None, again: None, counterpart: None }
    }

    /// The same of another origin.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// The same, with the command that has the run again.
    #[must_use]
    pub fn again(self, command: &'a str) -> Self {
        Self { again: Some(command), ..self }
    }

    /// The same beside its counterpart.
    #[must_use]
    pub fn beside(self, counterpart: Option<&'a Counterpart>) -> Self {
        Self { counterpart, ..self }
    }

    /// A self-contained HTML page, to be opened from disk: it loads nothing, and its content security policy
    /// allows nothing but its own script and style.
    pub fn to_page(&self) -> String {
        page::page(self)
    }

    /// The picture of what led to the violation, as SVG.
    pub fn to_svg(&self, theme: Theme) -> String {
        svg::svg(self, theme)
    }

    /// The same as a part of a page that has [`drawing_style`].
    #[cfg(feature = "cli")]
    pub(in crate::report) fn drawing(&self) -> Markup {
        svg::drawing(self)
    }

    /// What led to the violation as a sequence diagram of Mermaid, small enough for an issue.
    pub fn to_mermaid(&self) -> String {
        mermaid::mermaid(self)
    }

    /// What led to the violation as lanes of characters.
    pub fn to_terminal(&self) -> String {
        terminal::diagram(self)
    }

    /// The whole history as a log for `ShiViz`, with vector clocks.
    pub fn to_shiviz(&self) -> String {
        shiviz::log(self)
    }

    /// The whole history as spans of OpenTelemetry (OTLP JSON), with the semantic conventions for generative
    /// AI.
    pub fn to_otlp(&self) -> String {
        otlp::export(self)
    }

    /// The whole history as a trace of Perfetto (protobuf).
    pub fn to_perfetto(&self) -> Vec<u8> {
        perfetto::trace(self)
    }

    pub(in crate::report) fn violation(&self) -> Option<&'a Violation> {
        self.broke.map(|(_, violation)| violation)
    }

    /// The faults that matter: those of the saved failure, or all that were injected.
    fn faults(&self) -> &'a [Fault] {
        match self.saved {
            Some(saved) => &saved.faults,
            None => &self.run.outcome.injected,
        }
    }

    /// What faults of this kind do.
    fn about_fault(&self, fault: &Fault) -> Option<String> {
        let kind = self.case.scenario.suite.find_fault(fault.action.kind().as_str())?;
        Some(kind.about.replace('`', ""))
    }

    /// The diagram of the run alone.
    fn scene(&self) -> Scene<'a> {
        let aligned = self.counterpart.map(|counterpart| Aligned::new(self.run, &counterpart.run));
        Scene::new(self.run, self.violation(), &lanes(&[self.run]), self.causes(aligned.as_ref()))
    }

    /// The rows of the run, beside its counterpart if there is one.
    fn rows(&self) -> Rows<'a> {
        let aligned = self.counterpart.map(|counterpart| Aligned::new(self.run, &counterpart.run));
        let causes = self.causes(aligned.as_ref());
        let other = self.counterpart.map(|counterpart| &counterpart.run).zip(aligned);
        Rows::new(self.run, self.violation(), other, causes)
    }

    /// What led to what, as far as it is known without the counterpart or with it. Once a failure was made
    /// small, none of its faults can be left out.
    fn causes(&self, aligned: Option<&Aligned>) -> Causes {
        let is_small = self.saved.is_some_and(|saved| !saved.unfinished);
        let is_minimal = is_small && self.origin == Origin::Simulation;
        Causes::new(self.run, aligned, self.violation(), is_minimal)
    }
}

#[cfg(test)]
mod tests;
