//! The page of a run.
//!
//! What events hold stands in a block of JSON, of which nothing is markup; the script of the page puts it
//! back as text. Without the script the page shows the picture as it is at first.

mod sections;
mod words;

use super::Picture;
use super::causes::Link;
use super::draw::{Heights, LANE, graph, head_height, heads, width};
use super::mark::{KINDS, MARKS, Mark};
use super::rows::{Row, Rows};
use super::scene::{Depth, Fate, Lasting, Scene, Shot, place};
use crate::agent::{TeamEvent, UserEvent};
use crate::inert::{json, line};
use crate::report::html::document;
use crate::report::picture::detail::Detail;
use crate::report::told::{label, rounded, subject};
use maud::{Markup, PreEscaped, html};
use perfidy_sim::{Event, EventKind, Name};
use sections::Sections;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

const SCRIPT: &str = include_str!("script.js");
const STYLE: &str = include_str!("style.css");

/// A silence of this many milliseconds is worth a line.
const SILENCE: u64 = 2_000;

/// What is the same in two runs, and so many nanoseconds apart, is marked.
const MOVED: u64 = 1_000_000_000;

/// The page of a picture.
pub(super) fn page(picture: &Picture<'_>) -> String {
    let rows = picture.rows();
    let sections = Sections { picture, rows: &rows };
    let lanes = &rows.scene.lanes;
    let style = format!(
        "{STYLE}{}:root{{--graph:{}px;--heads:{}px}}",
        super::svg::MARKS_STYLE,
        width(lanes),
        head_height(lanes),
    );
    let body = html! {
        (sections.head())
        main {
            (sections.story())
            section aria-labelledby="picture" {
                h2 id="picture" { "The run, event by event" }
                (sections.introduction())
                (tools(&rows, picture))
                (drawing(&rows, picture))
                (legend(&rows))
                (words::words(&rows))
            }
            (sections.waits())
            (sections.ledger())
            (sections.safeguards())
            (sections.verdicts())
            (sections.scenario())
        }
        (sections.foot())
        (dock(&rows))
        script type="application/json" id="details" { (PreEscaped(details(picture, &rows))) }
    };
    document(&sections.title(), &style, Some(SCRIPT), &body)
}

/// Where the event that has the focus is shown.
fn dock(rows: &Rows<'_>) -> Markup {
    html! {
        aside id="dock" aria-label="The event" hidden {
            div class="bar-of-buttons" {
                button type="button" data-go="cause" { "← cause" }
                button type="button" data-go="effect" { "what it led to →" }
                button type="button" data-go="previous" { "↑ previous" }
                button type="button" data-go="next" { "↓ next" }
                @if rows.other.is_some() { button type="button" data-go="other" { "the other run" } }
                button type="button" class="close" data-go="close" { "close" }
            }
            div aria-live="polite" { h2 {} }
            ol class="causes" aria-label="Its causes" {}
            div class="parts" {}
        }
    }
}

/// What each event holds that has a row, as JSON in which nothing can be taken for markup.
fn details(picture: &Picture<'_>, rows: &Rows<'_>) -> String {
    let mut here: BTreeMap<u32, Detail> = BTreeMap::new();
    let mut there: BTreeMap<u32, Detail> = BTreeMap::new();
    for row in &rows.list {
        let (left, right) = rows.shots(row);
        if let Some(shot) = left {
            let mut detail = Detail::of(shot.event);
            if let EventKind::Injected(fault) = &shot.event.what
                && let Some(about) = picture.about_fault(fault)
            {
                detail.field("what it does", &about);
            }
            if let Some((other, aligned)) = rows.other.as_ref().zip(rows.aligned.as_ref()) {
                let like = aligned.likes[place(shot.event.id)].map(|like| other.shots[like].event);
                detail.of_like(shot.event, like);
            }
            detail.caused_by(&rows.scene, place(shot.event.id));
            here.insert(shot.event.id.get(), detail);
        }
        if let Some(shot) = right {
            let mut detail = Detail::of(shot.event);
            if let Some(other) = &rows.other {
                detail.caused_by(other, place(shot.event.id));
            }
            there.insert(shot.event.id.get(), detail);
        }
    }
    let links = Link::ALL.map(Link::words);
    let text = serde_json::json!({ "e": here, "n": there, "links": links }).to_string();
    json(&text).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A text in one line, with nothing active in it.
fn inert(text: impl fmt::Display) -> String {
    line(&text.to_string()).into_owned()
}

/// The tasks of which there are events.
fn tasks(rows: &Rows<'_>) -> Vec<Name> {
    let given = rows.scene.shots.iter().filter_map(|shot| match shot.event.app_event() {
        Some(TeamEvent::User(UserEvent::TaskGiven { task })) => Some(*task),
        _ => None,
    });
    let mut tasks: Vec<Name> = Vec::new();
    for task in given {
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

fn task_of(event: &Event<TeamEvent>, tasks: &[Name]) -> Option<usize> {
    let about = subject(event)?;
    let task = about.as_str().split('/').next()?;
    tasks.iter().position(|name| name.as_str() == task)
}

/// How the rows can be chosen.
fn tools(rows: &Rows<'_>, picture: &Picture<'_>) -> Markup {
    let first = rows.at_first();
    let words = |depth| match depth {
        Depth::Causes => "what led to it",
        Depth::Telling => "with context",
        Depth::All => "everything",
    };
    let choice = |name: &str, all: &str, values: Vec<String>| {
        html! {
            label { (name) " "
                select data-filter=(name.chars().next().unwrap_or('x')) {
                    option value="" { (all) }
                    @for (at, value) in values.iter().enumerate() { option value=(at) { (value) } }
                }
            }
        }
    };
    let nodes = rows.scene.lanes.iter().map(|lane| inert(lane.name)).collect();
    let tasks = tasks(rows).iter().map(inert).collect();
    html! {
        div class="tools script" hidden {
            fieldset {
                legend { "Show" }
                @for depth in Depth::ALL.into_iter().filter(|depth| *depth >= first) {
                    label { input type="radio" name="depth" value=(depth.number()) checked[depth == first]; " " (words(depth)) }
                }
            }
            (choice("node", "all", nodes))
            (choice("task", "all", tasks))
            (choice("kind", "all", KINDS.iter().map(|kind| (*kind).to_owned()).collect()))
            @if let Some(counterpart) = picture.counterpart {
                fieldset class="only-narrow" {
                    legend { "Run" }
                    label { input type="radio" name="side" value="e" checked; " as it was" }
                    label { input type="radio" name="side" value="n"; " " (counterpart.how) }
                }
            }
            span id="count" class="faint" role="status" {}
        }
        p class="faint script keys" hidden {
            kbd { "↑" } " " kbd { "↓" } " next event, " kbd { "←" } " its first cause, " kbd { "2" } " to " kbd { "9" } " its other causes, " kbd { "→" } " what it led to, "
            @if picture.broke.is_some() { kbd { "v" } " the violation, " }
            @if rows.other.is_some() { kbd { "o" } " the other run, " }
            kbd { "Esc" } " closes. Each event has a link of its own (" code { "#e25" } ")."
        }
    }
}

/// The two columns with lanes, rows and what is drawn over them.
fn drawing(rows: &Rows<'_>, picture: &Picture<'_>) -> Markup {
    let first = rows.at_first();
    let is_shown: Vec<bool> = rows.list.iter().map(|row| row.depth <= first).collect();
    let folds = folds(rows, &is_shown);
    let heights = Heights::new(&is_shown, &folds.iter().map(Option::is_some).collect::<Vec<_>>());
    let column = |scene: &Scene<'_>, is_here: bool| {
        let mut row_of = vec![None; scene.shots.len()];
        for (at, row) in rows.list.iter().enumerate() {
            if let Some(place) = if is_here { row.pair.left } else { row.pair.right } {
                row_of[place] = Some(at);
            }
        }
        graph(scene, &row_of, &is_shown, &heights)
    };
    let head = |scene: &Scene<'_>, words: &str| {
        html! {
            div {
                p { (words) }
                svg aria-hidden="true" height=(head_height(&scene.lanes)) { (heads(&scene.lanes, head_height(&scene.lanes))) }
            }
        }
    };
    // Where a reader sees it: what they differ in at first may be folded.
    let apart = || (0..rows.list.len()).filter(|at| rows.is_apart(&rows.list[*at]));
    let parting = apart().find(|at| is_shown[*at]).or_else(|| apart().next());
    let words = if picture.counterpart.is_some() { "this run" } else { "" };
    let tasks = tasks(rows);
    html! {
        div class={"picture" @if rows.other.is_some() { " two" }} {
            div class="heads" {
                (head(&rows.scene, words))
                @if let Some((other, counterpart)) = rows.other.as_ref().zip(picture.counterpart) {
                    (head(other, &format!("the same run {}", counterpart.how)))
                }
            }
            div class="body" {
                svg class="graph here" aria-hidden="true" height=(heights.end) { (column(&rows.scene, true)) }
                @if let Some(other) = &rows.other {
                    svg class="graph there" aria-hidden="true" height=(heights.end) { (column(other, false)) }
                }
                ol id="rows" {
                    @for (at, row) in rows.list.iter().enumerate() {
                        @if let Some(words) = &folds[at] { li class="fold" { span { (words) } } }
                        @if parting == Some(at) { li class="parting" hidden[!is_shown[at]] { "Here the two runs part" } }
                        (row_of(rows, row, &tasks, is_shown[at]))
                    }
                }
            }
        }
    }
}

/// For each row what is folded above it, in words.
fn folds(rows: &Rows<'_>, is_shown: &[bool]) -> Vec<Option<String>> {
    let (mut hidden, mut before) = (0, None);
    let mut folds = Vec::with_capacity(rows.list.len());
    for (row, shown) in rows.list.iter().zip(is_shown) {
        if !shown {
            hidden += 1;
            folds.push(None);
            continue;
        }
        let at = milliseconds(rows, row);
        let silence = before.map_or(0, |before| at.saturating_sub(before));
        folds.push(match hidden {
            0 if silence >= SILENCE => Some(format!("… {} s pass", silence / 1_000)),
            0 => None,
            1 => Some("⋯ 1 event folded".to_owned()),
            count => Some(format!("⋯ {count} events folded")),
        });
        (hidden, before) = (0, Some(at));
    }
    folds
}

fn milliseconds(rows: &Rows<'_>, row: &Row) -> u64 {
    let (left, right) = rows.shots(row);
    left.or(right).map_or(0, |shot| shot.event.at.as_nanos() / 1_000_000)
}

fn row_of(rows: &Rows<'_>, row: &Row, tasks: &[Name], is_shown: bool) -> Markup {
    let (left, right) = rows.shots(row);
    let shots: Vec<&Shot<'_>> = left.into_iter().chain(right).collect();
    let nodes: BTreeSet<usize> = shots.iter().flat_map(|shot| nodes_of(rows, shot)).collect();
    let kinds: BTreeSet<usize> = shots
        .iter()
        .filter_map(|shot| KINDS.iter().position(|kind| *kind == shot.mark.look().kind))
        .collect();
    let about: BTreeSet<usize> = shots.iter().filter_map(|shot| task_of(shot.event, tasks)).collect();
    let listed = |set: &BTreeSet<usize>| set.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let mut class = "row".to_owned();
    if left.is_some() && right.is_some() {
        class += " same";
    }
    if rows.is_apart(row) {
        class += " apart";
    }
    let shows_path = rows.at_first() == Depth::Causes;
    match left {
        Some(shot) if shot.is_bad => class += " bad-row lit",
        Some(shot) if matches!(shot.mark, Mark::Fault | Mark::Lie | Mark::Crash) => class += " fault-row lit",
        Some(shot) if shot.is_lit => class += " lit",
        Some(_) if shows_path && row.depth > Depth::Causes => class += " dim",
        _ => {}
    }
    // What is the same in both is told twice, so that each column can be read by itself, but faintly.
    let like = match (left, right) {
        (Some(one), Some(other)) if one.event.at.as_nanos().abs_diff(other.event.at.as_nanos()) >= MOVED => {
            " alike moved"
        }
        (Some(_), Some(_)) => " alike",
        _ => "",
    };
    html! {
        li class=(class) data-d=(row.depth.number()) data-n=(listed(&nodes)) data-t=(listed(&about))
            data-k=(listed(&kinds)) data-at=(milliseconds(rows, row)) hidden[!is_shown] {
            (cell(left, 'e', "", rows.difference(row)))
            @if rows.other.is_some() { (cell(right, 'n', like, None)) }
        }
    }
}

/// The lanes that an event concerns: its own, and that of the other end of a message.
fn nodes_of(rows: &Rows<'_>, shot: &Shot<'_>) -> Vec<usize> {
    use perfidy_sim::EventKind::{Delivered, Lost, Sent};
    let other = match &shot.event.what {
        Sent { to, .. } => Some(*to),
        Delivered { from, .. } | Lost { from, .. } => Some(*from),
        _ => None,
    };
    let other = other.and_then(|name| rows.scene.lanes.iter().position(|lane| lane.name == name));
    [shot.lane].into_iter().chain(other).collect()
}

fn cell(shot: Option<&Shot<'_>>, side: char, class: &str, difference: Option<String>) -> Markup {
    let column = if side == 'e' { "here" } else { "there" };
    let Some(shot) = shot else { return html! { div class={"cell " (column)} {} } };
    let event = shot.event;
    let id = format!("{side}{}", event.id.get());
    html! {
        a class={"cell " (column) (class)} id=(id) href={"#" (id)} {
            span class="when" { time { (rounded(event.at)) } span { (event.id) } }
            span {}
            span class="what" {
                b { (inert(label(event))) } " "
                @if let Some(difference) = difference { em { (inert(difference)) ": " } }
                (inert(shot.told()))
            }
        }
    }
}

/// What the signs and lines stand for, as far as they are used.
fn legend(rows: &Rows<'_>) -> Markup {
    let shots = || rows.scene.shots.iter().chain(rows.other.iter().flat_map(|other| &other.shots));
    let used: BTreeSet<Mark> = shots().map(|shot| shot.mark).collect();
    let scenes = || [&rows.scene].into_iter().chain(&rows.other);
    let has = |fate: Fate| scenes().any(|scene| scene.arrows.iter().any(|arrow| arrow.fate == fate));
    let lasts = |is: fn(Lasting) -> bool| scenes().any(|scene| scene.bars.iter().any(|bar| is(bar.what)));
    let has_path = rows.scene.shots.iter().any(|shot| shot.is_bad);
    let is_parted = lasts(|what| matches!(what, Lasting::Partition(_)));
    let lines = [
        (has_path, "arrow lit", "M2 4L22 16", "message on the way to the violation"),
        (true, "arrow", "M2 4L22 16", "message"),
        (has(Fate::Lost), "arrow gone", "M2 4L22 16", "message that is lost"),
        (has(Fate::Altered), "arrow altered", "M2 4L22 16", "message that arrives with another content"),
        (has_path, "led", "M12 0V22", "what led from one event to the next on a node"),
        (has_path, "led over", "M2 4L22 16", "the same from node to node, or over events that are folded"),
    ];
    let bars = [
        (
            lasts(|what| matches!(what, Lasting::Lease(_))),
            "bar lease",
            "a lease, with its fencing token, as the lock service knows it",
        ),
        (lasts(|what| what == Lasting::Down), "bar down", "a node is down"),
        (lasts(|what| what == Lasting::Paused), "bar paused", "a node is paused and does not notice it"),
        (is_parted, "bar side", "one side of a network partition"),
        (is_parted, "bar side other", "the other side"),
    ];
    let middle = LANE / 2;
    html! {
        details open {
            summary { "Signs" }
            ul class="key" {
                @if has_path {
                    li { svg aria-hidden="true" { g transform="translate(12 11)" { circle class="ring" r="10" {} } } "event that the verdict names" }
                }
                @for mark in MARKS.into_iter().filter(|mark| used.contains(mark)) {
                    @let look = mark.look();
                    li {
                        svg aria-hidden="true" { g class={"mark " (look.class)} transform={"translate(12 " (middle) ")"} { path d=(look.outline) {} } }
                        (look.meaning)
                    }
                }
                @for (_, class, path, meaning) in lines.into_iter().filter(|(is_used, ..)| *is_used) {
                    li { svg aria-hidden="true" { path class=(class) d=(path) {} } (meaning) }
                }
                @for (_, class, meaning) in bars.into_iter().filter(|(is_used, ..)| *is_used) {
                    li { svg aria-hidden="true" { rect class=(class) x="8" y="0" width="7" height="22" {} } (meaning) }
                }
            }
        }
    }
}
