//! The picture alone, for a document: what led to the violation, with its words, as one SVG file.

use super::Picture;
use super::draw::{Heights, ROW, graph, head_height, heads, width};
use super::scene::Depth;
use crate::inert::line;
use crate::report::html::{Theme, colours};
use crate::report::told::{label, rounded};
use maud::{Markup, PreEscaped, html};

/// The style of what is drawn.
pub(super) const MARKS_STYLE: &str = include_str!("marks.css");

/// How many characters of an event are shown.
const CHARACTERS: usize = 92;

/// Where lanes begin, and how wide words are.
const LEFT: usize = 112;
const WORDS: usize = 640;

/// The style of the words of a picture.
pub(in crate::report) const WORDS_STYLE: &str = include_str!("words.css");

pub(super) fn svg(picture: &Picture<'_>, theme: Theme) -> String {
    let style = format!("{}{MARKS_STYLE}{WORDS_STYLE}", colours(theme));
    let (markup, (wide, high)) = content(picture);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={"0 0 " (wide) " " (high)} width=(wide) height=(high) role="img" aria-label=(in_words(picture)) {
            style { (PreEscaped(style)) }
            rect class="paper" width=(wide) height=(high) {}
            (markup)
        }
    };
    markup.into_string() + "\n"
}

/// The same as a part of a page, which has the styles.
#[cfg(feature = "cli")]
pub(super) fn drawing(picture: &Picture<'_>) -> Markup {
    let (markup, (wide, high)) = content(picture);
    html! {
        svg viewBox={"0 0 " (wide) " " (high)} width=(wide) height=(high) role="img" aria-label=(in_words(picture)) { (markup) }
    }
}

/// What the picture shows, for those who do not see it.
fn in_words(picture: &Picture<'_>) -> String {
    let (title, message) = titles(picture);
    line(&format!("{title}: {message}")).into_owned()
}

fn titles(picture: &Picture<'_>) -> (String, String) {
    match picture.broke {
        Some((property, violation)) => (format!("{property} broke"), violation.message.clone()),
        None => ("nothing broke".to_owned(), picture.case.to_string()),
    }
}

/// What is drawn, and how wide and high it is.
fn content(picture: &Picture<'_>) -> (Markup, (usize, usize)) {
    let scene = picture.scene();
    let deepest = if picture.broke.is_some() { Depth::Causes } else { Depth::Telling };
    let places: Vec<usize> = (0..scene.shots.len()).filter(|at| scene.shots[*at].depth <= deepest).collect();
    let mut row_of = vec![None; scene.shots.len()];
    places.iter().enumerate().for_each(|(row, place)| row_of[*place] = Some(row));
    let is_shown = vec![true; places.len()];
    let heights = Heights::new(&is_shown, &vec![false; places.len()]);
    let (top, lanes) = (54 + head_height(&scene.lanes), width(&scene.lanes));
    let (title, message) = titles(picture);
    let markup = html! {
        text class="title" x="12" y="24" { (line(&title)) }
        text x="12" y="44" { (cut(&message, 150)) }
        g transform={"translate(" (LEFT) " 54)"} { (heads(&scene.lanes, head_height(&scene.lanes))) }
        g transform={"translate(" (LEFT) " " (top) ")"} { (graph(&scene, &row_of, &is_shown, &heights)) }
        @for (row, place) in places.iter().enumerate() {
            @let shot = &scene.shots[*place];
            @let y = top + row * ROW + ROW / 2 + 4;
            @let class = if shot.is_bad { "bad" } else if shot.mark.look().kind == "faults" { "fault" } else { "" };
            text class="faint end" x="100" y=(y) { (rounded(shot.event.at)) }
            text class=[(!class.is_empty()).then_some(class)] x=(LEFT + lanes + 8) y=(y) {
                (cut(&format!("{} {}", label(shot.event), shot.told()), CHARACTERS))
            }
        }
    };
    (markup, (LEFT + lanes + WORDS, top + heights.end + 12))
}

/// A text in one line, cut where it is long.
fn cut(text: &str, characters: usize) -> String {
    let text = line(text);
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into_owned(),
    }
}
