//! The targets of a fault: the words of a file as names of the scenario.

use crate::config::{OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::{Chance, Name, SimSpan};
use std::ops::{Range, RangeInclusive};
use toml::Spanned;

/// A word of a file with its place.
pub(crate) type Word = Spanned<String>;

/// Two names; a list, because an array would pass over a third.
pub(super) type Between = Spanned<Vec<Word>>;

/// The two names.
pub(super) fn two(between: &Between) -> Result<[&Word; 2], Problem> {
    match between.get_ref().as_slice() {
        [left, right] => Ok([left, right]),
        other => Err(Problem::at(between.span(), format!("`between` has {} names", other.len()))
            .help("write two, as in between = [\"coordinator\", \"executors\"]")),
    }
}

/// The agents that the words stand for, each once.
pub(super) fn agents(words: &OneOrMany<String>, directory: &Directory) -> Result<Vec<Name>, Problem> {
    let mut agents = Vec::new();
    for word in words {
        let Some(called) = directory.agents_called(word.get_ref()) else {
            return Err(not_an_agent(word, directory));
        };
        agents.extend(called);
    }
    Ok(each_once(agents))
}

fn not_an_agent(word: &Word, directory: &Directory) -> Problem {
    if directory.tools.contains(&Name::new(word.get_ref())) {
        return tools_live_on(word.span(), word.get_ref());
    }
    Problem::unknown(word.span(), "agent", word.get_ref(), &directory.agent_names())
}

/// A fault of agents, at a tool.
pub(crate) fn tools_live_on(place: Range<usize>, tool: &str) -> Problem {
    Problem::at(place, format!("`{tool}` is a tool; tools neither crash nor pause"))
        .help("let it be silent with `no-response`, or late with `late-reply`")
}

/// The tools that the words stand for, each once.
pub(super) fn tools(words: &OneOrMany<String>, directory: &Directory) -> Result<Vec<Name>, Problem> {
    let mut tools = Vec::new();
    for word in words {
        let name = Name::new(word.get_ref());
        if directory.agents_called(word.get_ref()).is_some() {
            let message = format!("`{name}` is an agent; only tools have this fault");
            return Err(Problem::at(word.span(), message));
        }
        if !directory.tools.contains(&name) {
            let known: Vec<&str> = directory.tools.iter().map(|tool| tool.as_str()).collect();
            return Err(Problem::unknown(word.span(), "tool", word.get_ref(), &known));
        }
        tools.push(name);
    }
    Ok(each_once(tools))
}

/// The nodes that a word names: agents, a tool, the user, or the lock service.
pub(crate) fn nodes(word: &Word, directory: &Directory) -> Result<Vec<Name>, Problem> {
    let name = Name::new(word.get_ref());
    if directory.is_node(name) {
        return Ok(vec![name]);
    }
    directory.agents_called(word.get_ref()).ok_or_else(|| {
        let mut known = directory.agent_names();
        known.extend(directory.tools.iter().chain(&directory.services).map(|name| name.as_str()));
        Problem::unknown(word.span(), "agent or tool", word.get_ref(), &known)
    })
}

/// The nodes that the words name, each once.
pub(super) fn all_nodes(words: &OneOrMany<String>, directory: &Directory) -> Result<Vec<Name>, Problem> {
    let mut all = Vec::new();
    for word in words {
        all.extend(nodes(word, directory)?);
    }
    Ok(each_once(all))
}

/// The messages, steps or whatever else the words name, each once.
pub(super) fn each(words: &OneOrMany<String>) -> Vec<Name> {
    each_once(words.iter().map(|word| Name::new(word.get_ref())).collect())
}

/// A chance that is not nil.
pub(super) fn chance(chance: &Spanned<Ratio>) -> Result<Chance, Problem> {
    match chance.get_ref().0 {
        Chance::NEVER => Err(Problem::at(chance.span(), "a fault with a chance of 0% is never injected")
            .help("raise the chance, or leave the fault out")),
        chance => Ok(chance),
    }
}

/// A range of times that are not nil.
pub(super) fn time(spread: &Spanned<Spread>) -> Result<RangeInclusive<SimSpan>, Problem> {
    let range = &spread.get_ref().0;
    if *range.start() == SimSpan::ZERO {
        let message = "no time at all is too short here";
        return Err(Problem::at(spread.span(), message).help("begin above 0s, as in 1ms..5s"));
    }
    Ok(range.clone())
}

/// The words as the file has them, joined as groups are in addresses.
pub(super) fn joined(words: &OneOrMany<String>) -> String {
    words.iter().map(|word| word.get_ref().as_str()).collect::<Vec<_>>().join("+")
}

fn each_once(mut names: Vec<Name>) -> Vec<Name> {
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}
