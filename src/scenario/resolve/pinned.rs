//! Faults that a file pins to a place, word for word.
//!
//! The shape of an address says what can happen there: to a message `from > to, kind`, to an agent `before`
//! or `after` a step, to its model, to a call that a tool handles, to an agent's disk. What is set by the
//! clock brings its own moment and can stand at any address.

use super::Diagnostics;
use crate::agent::{Altered, UNKNOWN_AGENT};
use crate::config::Entry;
use crate::config::problem::listed;
use crate::config::{Problem, Shape, nearest};
use crate::faults::{Directory, FaultKind, Target, Time, targets};
use perfidy_sim::{Action, Address, Chaos, Fault, Hook, Name, SimSpan};
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultTable {
    at: Spanned<Address>,
    #[serde(rename = "do")]
    action: Spanned<Action>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<FaultTable>()
}

/// A fault that stands in a file word for word, with the places of its address and of what it does.
pub(super) struct Pinned {
    pub fault: Fault,
    pub at: Range<usize>,
    pub what: Range<usize>,
}

/// Reads the pinned faults into the chaos; those that are sound are returned, each with its place.
pub(super) fn read(
    entries: &[Entry<'_>],
    directory: &Directory,
    chaos: &mut Chaos,
    found: &mut Diagnostics,
) -> Vec<Pinned> {
    let mut read = Vec::new();
    for entry in entries {
        let Some(FaultTable { at, action }) = found.keep(entry.read::<FaultTable>()) else { continue };
        let fault = Fault { at: *at.get_ref(), action: *action.get_ref() };
        let fits = match fault.action.moment() {
            Some(_) => on_the_clock(&action, directory, chaos),
            None => at_a_place(&at, &action, directory),
        };
        if found.keep(fits).is_none() {
            continue;
        }
        if chaos.pinned.iter().any(|other| other.at == fault.at) {
            let message = format!("another fault is pinned to `{}`", fault.at);
            found.add(
                Problem::at(at.span(), message).help("one thing goes wrong at a place; take one of them out"),
            );
        }
        chaos.pinned.push(fault);
        read.push(Pinned { fault, at: at.span(), what: action.span() });
    }
    read
}

fn on_the_clock(action: &Spanned<Action>, directory: &Directory, chaos: &Chaos) -> Result<(), Problem> {
    let place = action.span();
    match action.get_ref() {
        Action::Partition { left, right, .. }
        | Action::Flap { left, right, .. }
        | Action::SlowLink { left, right, .. } => {
            let [left, right] = [left, right].map(|group| group.as_str().split('+').collect::<Vec<_>>());
            for name in left.iter().chain(&right) {
                node(name, directory, &place)?;
            }
            if let Some(both) = left.iter().find(|name| right.contains(name)) {
                return Err(Problem::at(place, format!("`{both}` is on both sides of the partition")));
            }
        }
        Action::CrashAt { node, .. } | Action::PauseAt { node, .. } => {
            agent(node.as_str(), directory, &place)?;
        }
        Action::CustomAt { word, node, .. } => trouble_of_a_tool(*word, *node, directory, &place)?,
        Action::Degrade { node, degradation, .. } if degradation.is_of_processes() => {
            agent(node.as_str(), directory, &place)?;
        }
        Action::Degrade { node: name, .. } => node(name.as_str(), directory, &place)?,
        _ => {}
    }
    match action.get_ref().moment() {
        Some(at) if at >= chaos.until => {
            let message = format!("this happens at {at}, but faults end at {}", chaos.until);
            Err(Problem::at(place, message).help("make it earlier, or `until` in [faults] later"))
        }
        _ => Ok(()),
    }
}

fn at_a_place(at: &Spanned<Address>, action: &Spanned<Action>, directory: &Directory) -> Result<(), Problem> {
    let hook = hook_of(at.get_ref().site.as_str(), directory, &at.span())?;
    let (what, kinds) = (action.get_ref(), &directory.faults);
    if !what.fits(hook) {
        return Err(misfit(action, hook, directory));
    }
    let Action::Custom { word, detail, span } = what else { return Ok(()) };
    if hook == Hook::Message {
        let of_messages = kinds.find(word.as_str()).filter(|kind| matches!(kind.target, Target::Messages));
        let is_own = kinds.own().find(*word, Altered::Messages).is_some();
        let is_one = of_messages.is_some() && *span == SimSpan::ZERO && (detail.is_none() || !is_own);
        return if is_one { Ok(()) } else { Err(misfit(action, hook, directory)) };
    }
    if let Some((who, call_site)) = at.get_ref().site.as_str().split_once(", ")
        && kinds.call_site(call_site).is_some()
        && !directory.tools.contains(&Name::new(who))
    {
        return one_of("fault of a model", &kinds.at_call_site(call_site).collect::<Vec<_>>(), action);
    }
    one_of("fault of a tool", &kinds.of_tools().collect::<Vec<_>>(), action)
}

/// Refuses what is none of these kinds, or has a time where its kind takes none, or none where it needs one.
fn one_of(what: &str, kinds: &[&FaultKind], action: &Spanned<Action>) -> Result<(), Problem> {
    let Action::Custom { word, detail, span } = action.get_ref() else { return Ok(()) };
    let Some(kind) = kinds.iter().find(|kind| kind.name == word.as_str()) else {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        return Err(Problem::unknown(action.span(), what, word.as_str(), &known));
    };
    if let Some(field) = detail.filter(|_| !kind.takes_a_field()) {
        let message = format!("`{word}` does not alter the field `{field}` alone");
        return Err(Problem::at(action.span(), message).help(format!("write \"{word}\" without it")));
    }
    match (kind.time(), *span == SimSpan::ZERO) {
        (Time::Needed(what), true) => Err(Problem::at(action.span(), format!("nothing says {what}"))
            .help(format!("write it behind, as in \"{word} 30s\""))),
        (Time::None, false) => Err(Problem::at(action.span(), format!("`{word}` takes no time"))
            .help(format!("write \"{word}\" alone"))),
        _ => Ok(()),
    }
}

/// A fault that concerns a tool by the clock must be something that lasts.
fn trouble_of_a_tool(
    word: Name,
    tool: Name,
    directory: &Directory,
    place: &Range<usize>,
) -> Result<(), Problem> {
    let lasts =
        |kind: &&FaultKind| kind.tool_fault(SimSpan::ZERO).is_some_and(|fault| fault.outage.is_some());
    let lasting: Vec<&str> = directory.faults.of_tools().filter(lasts).map(|kind| kind.name).collect();
    if !lasting.contains(&word.as_str()) {
        return Err(Problem::unknown(place.clone(), "trouble of a tool", word.as_str(), &lasting));
    }
    if directory.tools.contains(&tool) {
        return Ok(());
    }
    let tools: Vec<&str> = directory.tools.iter().map(|tool| tool.as_str()).collect();
    Err(Problem::unknown(place.clone(), "tool", tool.as_str(), &tools))
}

/// Which kind of place a site is.
fn hook_of(site: &str, directory: &Directory, place: &Range<usize>) -> Result<Hook, Problem> {
    if let Some((from, rest)) = site.split_once(" > ") {
        let Some((to, _)) = rest.split_once(", ") else {
            let message = format!("nothing says which message from `{from}` to `{rest}`");
            return Err(Problem::at(place.clone(), message).help(SHAPES));
        };
        node(from, directory, place)?;
        node(to, directory, place)?;
        return Ok(Hook::Message);
    }
    let Some((who, what)) = site.split_once(", ") else {
        return Err(Problem::at(place.clone(), format!("`{site}` is not a place in a run")).help(SHAPES));
    };
    if let Some(who) = who.strip_suffix("'s disk") {
        agent(who, directory, place)?;
        let moments = Hook::ALL.into_iter().filter_map(|hook| Some((hook, hook.of_storage()?)));
        let hook = moments.clone().find_map(|(hook, moment)| (moment == what).then_some(hook));
        return hook.ok_or_else(|| {
            let known: Vec<&str> = moments.map(|(_, moment)| moment).collect();
            let message = format!("`{what}` is nothing that a disk does");
            Problem::at(place.clone(), message).help(format!("it does {}", listed(&known)))
        });
    }
    if directory.tools.contains(&Name::new(who)) {
        return Ok(Hook::Service);
    }
    node(who, directory, place)?;
    if directory.faults.call_site(what).is_some() {
        return Ok(Hook::Service);
    }
    let steps = [("before ", Hook::Before), ("after ", Hook::After)];
    let step = steps.iter().find_map(|(word, hook)| Some((what.strip_prefix(word)?, *hook)));
    step.map(|(_, hook)| hook).ok_or_else(|| {
        let message = format!("`{what}` is not a moment of the work of `{who}`");
        Problem::at(place.clone(), message).help("write `before` or `after` and a step")
    })
}

const SHAPES: &str = "write `from > to, kind` for a message, `agent, before step` or `agent, after step` for an \
                      agent, `agent, model` for its model, `tool, operation` for a tool, `agent's disk, write` for a \
                      journal, and then `, id, try n`";

/// To whom something happens at such a place, and what can.
fn possible_at(hook: Hook, directory: &Directory) -> (&'static str, Vec<&'static str>) {
    match hook {
        Hook::Message => {
            ("a message", vec!["drop", "delay 3s", "reorder 30ms", "duplicate after 40ms", "corrupt"])
        }
        Hook::Before | Hook::After => {
            ("an agent at a step", vec!["crash for good", "crash, back after 5s", "pause 20s", "zombie 20s"])
        }
        Hook::Write => ("a write", vec!["refuse"]),
        Hook::Sync => ("a sync", vec!["slow by 3s", "crash, back after 5s"]),
        Hook::Loss => ("a disk in a crash", vec!["tear"]),
        Hook::Recovery => ("a disk that is read again", vec!["stale by 2 records"]),
        Hook::Service => {
            ("a call that a tool handles", directory.faults.of_tools().map(|kind| kind.name).collect())
        }
    }
}

fn misfit(action: &Spanned<Action>, hook: Hook, directory: &Directory) -> Problem {
    let (to_whom, possible) = possible_at(hook, directory);
    let problem = Problem::at(action.span(), format!("`{action}` does not happen to {to_whom}"));
    let verbs: Vec<&str> =
        possible.iter().map(|text| text.split([' ', ',']).next().unwrap_or(text)).collect();
    let written = action.to_string();
    match nearest(written.split(' ').next().unwrap_or_default(), &verbs) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("what can happen there: {}", listed(&possible))),
    }
}

/// Refuses what is neither an agent nor a tool, and groups: a place in a run belongs to one.
fn node(name: &str, directory: &Directory, place: &Range<usize>) -> Result<(), Problem> {
    // A model can name an agent that there is not, and what is sent to it has a place too.
    if directory.is_node(Name::new(name)) || name == UNKNOWN_AGENT {
        Ok(())
    } else {
        one_agent(name, directory, place, "agent or tool")
    }
}

fn agent(name: &str, directory: &Directory, place: &Range<usize>) -> Result<(), Problem> {
    one_agent(name, directory, place, "agent")
}

fn one_agent(name: &str, directory: &Directory, place: &Range<usize>, what: &str) -> Result<(), Problem> {
    if directory.agents.contains(&Name::new(name)) {
        return Ok(());
    }
    if directory.tools.contains(&Name::new(name)) {
        return Err(targets::tools_live_on(place.clone(), name));
    }
    if let Some(members) = directory.agents_called(name) {
        let members: Vec<&str> = members.iter().map(|member| member.as_str()).collect();
        let problem = Problem::at(place.clone(), format!("`{name}` is a group; name one agent here"));
        return Err(problem.help(format!("its members are {}", listed(&members))));
    }
    let mut known: Vec<&str> = directory.agents.iter().map(|agent| agent.as_str()).collect();
    if what != "agent" {
        known.extend(directory.tools.iter().map(|tool| tool.as_str()));
    }
    Err(Problem::unknown(place.clone(), what, name, &known))
}
