//! What each agent of a team does, for a reader who writes faults against it.

use crate::agent::Request;
use crate::faults::{ActionMap, Actions, FaultKinds};
use crate::inert;
use crate::safeguards::call_timeout::UNLIMITED;
use perfidy_sim::{Name, SimSpan};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::RangeInclusive;

/// The longest line.
const COLUMNS: usize = 110;

/// How far the values are from the left.
const INDENT: usize = 18;

/// Agent by agent, and role by role, what a file can name in a fault: messages with whom they are sent to,
/// requests to tools, steps with a name of their own, what is written to the journal, the mistakes that its
/// model can make (of these kinds of faults), and what it waits for and how long at most. `tools` are left
/// out, they do what they are asked.
pub fn action_map(map: &ActionMap, tools: &BTreeSet<Name>, kinds: &FaultKinds) -> String {
    let mut text = String::new();
    for (node, actions) in map.by.iter().filter(|(node, _)| !tools.contains(node)) {
        writeln!(text, "    {}", inert::line(node.as_str())).expect("a string takes it");
        for (what, values) in rows(actions, tools, kinds) {
            write_row(&mut text, what, &values);
        }
    }
    text
}

fn rows(actions: &Actions, tools: &BTreeSet<Name>, kinds: &FaultKinds) -> Vec<(&'static str, Vec<String>)> {
    let mut sends: BTreeMap<Name, Vec<&str>> = BTreeMap::new();
    for (to, kind) in actions.sends.iter().filter(|(to, _)| !tools.contains(to)) {
        sends.entry(*to).or_default().push(kind.as_str());
    }
    let sends = sends.into_iter().map(|(to, kinds)| format!("{} to {to}", quoted(&kinds)));
    let requests: BTreeSet<Request> = actions.requests.iter().map(|(_, request, _)| *request).collect();
    let (writes, steps): (Vec<&str>, Vec<&str>) = actions
        .steps
        .keys()
        .map(|step| step.as_str())
        .filter(|step| !step.starts_with("send ") && !step.starts_with("receive "))
        .partition(|step| step.starts_with("write "));
    let written: Vec<&str> = writes.iter().filter_map(|step| step.strip_prefix("write ")).collect();
    let sites = actions.model_call_sites.iter().map(|site| {
        let mistakes: Vec<&str> = kinds.at_call_site(site).map(|kind| kind.name).collect();
        format!("{site} ({})", mistakes.join(", "))
    });
    let timeouts = by_kind_of_wait(actions);
    let timeouts = timeouts.iter().map(|(label, span)| format!("{label} {}", timeouts_in_words(span)));
    let each = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect();
    vec![
        ("sends", sends.collect()),
        ("tools", requests.iter().map(|request| request_in_words(*request).to_owned()).collect()),
        ("steps", each(&steps)),
        ("writes", each(&written)),
        ("model", sites.collect()),
        ("waits for", timeouts.collect()),
    ]
}

/// What an agent waits for and how long at most; what it asks of tools as one, whatever the operation.
fn by_kind_of_wait(actions: &Actions) -> BTreeMap<String, RangeInclusive<SimSpan>> {
    let mut waits: BTreeMap<String, RangeInclusive<SimSpan>> = BTreeMap::new();
    for (label, span) in &actions.timeouts {
        let kind = match label.as_str().strip_prefix("call ") {
            Some(asked) if asked.starts_with("look-up of ") => "a look-up of a tool".to_owned(),
            Some(asked) if asked.starts_with("cancel ") => "a cancellation by a tool".to_owned(),
            Some(_) => "a tool".to_owned(),
            None => format!("`{label}`"),
        };
        let known = waits.entry(kind).or_insert_with(|| span.clone());
        *known = *known.start().min(span.start())..=*known.end().max(span.end());
    }
    waits
}

fn request_in_words(request: Request) -> &'static str {
    match request {
        Request::Call => "calls",
        Request::Read => "reads",
        Request::LookUp => "look-ups of calls",
        Request::Cancel => "cancellations of calls",
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

/// A range of timeouts, in words.
pub fn timeouts_in_words(span: &RangeInclusive<SimSpan>) -> String {
    match (*span.start(), *span.end()) {
        (UNLIMITED, _) => "without limit".to_owned(),
        (shortest, UNLIMITED) => format!("{shortest}, or without limit"),
        (one, other) if one == other => format!("{one}"),
        (shortest, longest) => format!("{shortest} to {longest}"),
    }
}

/// One row, over as many lines as it takes; nothing if there is nothing in it.
fn write_row(text: &mut String, what: &str, values: &[String]) {
    let mut line = format!("      {what}");
    for (place, value) in values.iter().enumerate() {
        let value = inert::line(value);
        let comma = if place + 1 < values.len() { "," } else { "" };
        if place > 0 && line.chars().count() + value.chars().count() + 2 > COLUMNS {
            writeln!(text, "{}", line.trim_end()).expect("a string takes it");
            line.clear();
        }
        if line.chars().count() < INDENT {
            line.extend(std::iter::repeat_n(' ', INDENT - line.chars().count()));
        } else {
            line.push(' ');
        }
        line += &value;
        line += comma;
    }
    if !values.is_empty() {
        writeln!(text, "{line}").expect("a string takes it");
    }
}
