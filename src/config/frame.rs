//! A problem as a compiler shows its errors: the message, the line of the file with the place marked, the
//! help.
//!
//! Without the feature `cli` there is no frame around the line, and no colours: the same words, with the
//! place in front.

use crate::config::Problem;
use crate::config::problem::line_of;
use crate::inert;
#[cfg(feature = "cli")]
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::borrow::Cow;
use std::ops::Range;

/// Longer messages are cut; the text they quote stands in the file anyway.
const MESSAGE_CHARS: usize = 2_000;

/// A problem of a file with this path and text.
#[cfg(feature = "cli")]
pub(super) fn frame(problem: &Problem, path: &str, text: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let title = Level::ERROR.primary_title(shortened(&problem.message));
    let path = inert::line(path);
    let place = problem.span.as_ref().map(|span| Place::of(text, span));
    let group = match &place {
        None => Group::with_title(title).element(Origin::path(&*path)),
        Some(place) => {
            let snippet = Snippet::source(shown_source(place.line))
                .line_start(place.number)
                .path(&*path)
                .annotation(AnnotationKind::Primary.span(place.shown()));
            Group::with_title(title).element(snippet)
        }
    };
    let group = match &problem.help {
        None => group,
        Some(help) => group.element(Level::HELP.message(shortened(help))),
    };
    let frame = renderer.render(&[group]);
    match place {
        Some(place) => place.with_its_column(&path, frame),
        None => frame,
    }
}

/// A problem of a file with this path and text.
#[cfg(not(feature = "cli"))]
pub(super) fn frame(problem: &Problem, path: &str, text: &str, _: bool) -> String {
    use std::fmt::Write;
    let path = inert::line(path);
    let mut frame = format!("error: {}\n --> {path}", shortened(&problem.message));
    if let Some(span) = &problem.span {
        let Place { line, number, within } = Place::of(text, span);
        let column = line[..within.start].chars().count() + 1;
        write!(frame, ":{number}:{column}\n  | {}", shown_source(line)).expect("a string takes it");
    }
    if let Some(help) = &problem.help {
        write!(frame, "\n  = help: {}", shortened(help)).expect("a string takes it");
    }
    frame
}

/// The line on which a span begins, and what of the span is on it. Never fails, whatever the span.
struct Place<'a> {
    line: &'a str,
    number: usize,
    within: Range<usize>,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, span: &Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let number = line_of(text, start);
        let within = |at: usize| (at - line_start).min(line.len());
        Self { line, number, within: within(start)..within(end) }
    }

    /// What of the span is on the line as it is shown.
    #[cfg(feature = "cli")]
    fn shown(&self) -> Range<usize> {
        let shown = |at: usize| shown_source(&self.line[..at]).len();
        shown(self.within.start)..shown(self.within.end)
    }

    /// A frame with the column of the file, where an escaped character is one. The renderer counts what is
    /// shown.
    #[cfg(feature = "cli")]
    fn with_its_column(&self, path: &str, frame: String) -> String {
        let before = &self.line[..self.within.start];
        let [column, shown] = [before, &shown_source(before)].map(|text| text.chars().count() + 1);
        if column == shown {
            return frame;
        }
        let place = |column| format!("{path}:{}:{column}", self.number);
        let (title, rest) = frame.split_once('\n').unwrap_or((&frame, ""));
        format!("{title}\n{}", rest.replacen(&place(shown), &place(column), 1))
    }
}

/// A line of source text. Tabs stay: the renderer knows how wide they are.
fn shown_source(line: &str) -> Cow<'_, str> {
    if !line.contains('\t') {
        return inert::line(line);
    }
    Cow::Owned(line.split('\t').map(inert::line).collect::<Vec<_>>().join("\t"))
}

fn shortened(message: &str) -> String {
    let inert = inert::line(message);
    match inert.char_indices().nth(MESSAGE_CHARS) {
        None => inert.into_owned(),
        Some((cut, _)) => format!("{}…", &inert[..cut]),
    }
}
