//! Rejects faults that can never be injected.
//!
//! A fault of a message that is never sent, of a step that its agent never takes, of a model that is never
//! asked or of a journal that is never written is a typing error or a misunderstanding: it would test
//! nothing. What the agents do is [learnt](crate::scenario::learn), so nothing is rejected that any run
//! showed. What is said of a rejected fault is which agents do take such actions, and the nearest name.

mod fields;
mod place;
mod timed;

use super::faults::SoundEntry;
use super::parts::{self, Key, Part};
use super::pinned::Pinned;
use crate::agent::{Request, call_kind, reply_kind};
use crate::config::problem::listed;
use crate::config::{Entry, Problem, nearest};
use crate::faults::targets::Word;
use crate::faults::{ActionMap, Directory, FaultKind, model, storage, tool_faults};
use crate::scenario::learn::Learner;
use crate::scenario::{Scenario, Step};
use perfidy_sim::{Hook, Name, Rule, Selector};
use place::Place;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use place::rule_of;

/// Of how many agents it is said what they do, where one was meant and it is not known which.
const AGENTS: usize = 3;

/// Of how many messages or steps of an agent.
const ACTIONS: usize = 6;

/// What to do about a rejection that is wrong: what agents do is known from runs, which may not have come to
/// it.
const RARE: &str = "if an agent does so in a rare situation, configure the faults that lead to it: runs with the \
                    faults of the file count too";

/// Everything that is configured in a scenario and can never be injected.
pub(super) fn check(scenario: &Arc<Scenario>, entries: &[SoundEntry<'_>], pinned: &[Pinned]) -> Vec<Problem> {
    if entries.is_empty() && pinned.is_empty() {
        return Vec::new();
    }
    let mut reach = Reach { directory: scenario.directory(), scenario, learner: Learner::new(scenario) };
    let mut problems = Vec::new();
    for SoundEntry { entry, rules, windows } in entries {
        problems.extend(reach.entry(entry, &scenario.chaos.rules[rules.clone()]));
        problems.extend(reach.timed(entry, &scenario.chaos.windows[windows.clone()]));
    }
    problems.extend(pinned.iter().filter_map(|pinned| reach.pinned(pinned)));
    problems
}

/// What can be reached in a scenario.
struct Reach<'a> {
    scenario: &'a Scenario,
    directory: Directory,
    learner: Learner,
}

impl Reach<'_> {
    /// What is wrong with an entry of `[faults]` that has come to these rules.
    fn entry(&mut self, entry: &Entry<'_>, rules: &[Rule]) -> Vec<Problem> {
        if rules.is_empty() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let names = parts::names(entry);
        for (key, name) in &names {
            let part = Part::of(*key, name, &self.directory);
            // A field that no answer has is to be blamed on the field.
            let of_any_field = |rule: Rule| Rule { action: rule.action.without_detail(), ..rule };
            let narrowed = rules.iter().filter_map(|rule| part.of_rule(rule));
            let narrowed: Vec<Rule> = match key {
                Key::Field => narrowed.collect(),
                _ => narrowed.map(of_any_field).collect(),
            };
            if *key == Key::Field && narrowed.iter().any(|rule| rule.hook == Hook::Message) {
                problems.extend(self.no_such_field_of_messages(name, &narrowed));
                continue;
            }
            let is_one_of_several = || names.iter().filter(|(other, _)| other == key).count() > 1;
            // A key can mean something else here, as `after` does where it is a time.
            if narrowed.is_empty() || self.can_meet(&narrowed) {
                continue;
            }
            match key {
                Key::Message => problems.push(self.no_such_message(name, rules)),
                Key::Before => problems.push(self.no_such_step(name, Hook::Before, &narrowed)),
                Key::After => problems.push(self.no_such_step(name, Hook::After, &narrowed)),
                Key::At if is_one_of_several() => problems.push(self.never_there(entry, name, &narrowed)),
                Key::Operation => problems.extend(self.no_such_operation(name, &narrowed)),
                Key::Field => problems.push(self.no_such_field_of_answers(name, &narrowed)),
                Key::At | Key::During => {}
            }
        }
        if problems.is_empty() && !self.can_meet(rules) {
            problems.extend(self.never_met(entry.name, entry.key_span.clone(), rules));
        }
        problems
    }

    /// What is wrong with the place of a pinned fault, if it can never come up.
    fn pinned(&mut self, pinned: &Pinned) -> Option<Problem> {
        let Pinned { fault, at, what } = pinned;
        if fault.action.moment().is_some() {
            return None;
        }
        let place = Place::read(fault.at)?;
        let rules = [place.rule(fault)];
        if self.can_meet(&rules) {
            let field = fault.action.detail().filter(|_| place.hook == Hook::Message)?;
            let field = Word::new(what.clone(), field.as_str().to_owned());
            return self.no_such_field_of_messages(&field, &rules);
        }
        let subject = Word::new(at.clone(), place.what.as_str().to_owned());
        match place.hook {
            Hook::Message => Some(self.no_such_message(&subject, &rules)),
            Hook::Before | Hook::After => Some(self.no_such_step(&subject, place.hook, &rules)),
            Hook::Service if self.directory.tools.contains(&place.from) => {
                let operation = Request::operation_at(place.what.as_str()).as_str().to_owned();
                let unknown = self.no_such_operation(&Word::new(at.clone(), operation), &rules);
                unknown.or_else(|| match fault.action.detail() {
                    Some(field) => {
                        let field = Word::new(what.clone(), field.as_str().to_owned());
                        Some(self.no_such_field_of_answers(&field, &rules))
                    }
                    None => self.never_met(fault.action.kind().as_str(), what.clone(), &rules),
                })
            }
            Hook::Service | Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
                self.never_met(fault.action.kind().as_str(), what.clone(), &rules)
            }
        }
    }

    fn can_meet(&mut self, rules: &[Rule]) -> bool {
        let (members, faults) = (self.learner.roles().clone(), &self.directory.faults);
        let is_call = |rule: &Rule| rule.hook == Hook::Message && self.is_call_of_a_step(&rule.what);
        rules.iter().any(is_call)
            || self.learner.shows(|actions| rules.iter().any(|rule| actions.can_meet(rule, &members, faults)))
    }

    /// The agents and roles into which one of these rules could inject a fault if it concerned every agent.
    fn who_can_meet(&self, actions: &ActionMap, rules: &[Rule]) -> Vec<&'static str> {
        actions.who_can_meet(rules, self.learner.roles(), &self.directory.faults)
    }

    /// Whether these are calls of steps, or the answers to them: each step is taken some time, even if no run
    /// so far got as far as that.
    fn is_call_of_a_step(&self, what: &Selector) -> bool {
        let Selector::Of(kinds) = what else { return false };
        let mut calls = self.scenario.steps.iter().flat_map(Step::calls);
        calls.any(|(_, operation)| {
            kinds.contains(&call_kind(operation)) || kinds.contains(&reply_kind(operation))
        })
    }

    /// An operation that no agent asks of these tools. `None` if one does, in a way that the fault does not
    /// concern.
    fn no_such_operation(&mut self, name: &Word, rules: &[Rule]) -> Option<Problem> {
        let (workflow, actions) = (self.directory.workflow, self.learner.all());
        let operation = name.get_ref().as_str();
        let is_of = |tool: Name| rules.iter().any(|rule| rule.from.covers(tool));
        let calls = actions.calls();
        let theirs = || calls.iter().filter(|(_, tool, _)| is_of(*tool));
        // Each step is taken some time, even if no run so far got as far as that.
        let mut steps = self.scenario.steps.iter().flat_map(Step::calls);
        if theirs().any(|(_, _, known)| known.as_str() == operation)
            || steps.any(|(tool, known)| is_of(tool) && known.as_str() == operation)
        {
            return None;
        }
        let tools = self.tools_of(rules);
        let them = if tools.len() == 1 { "it" } else { "them" };
        let tools = listed(&tools);
        let message = format!("no agent of the workflow `{workflow}` asks {tools} for `{operation}`");
        let known: BTreeSet<&str> = theirs().map(|(_, _, known)| known.as_str()).collect();
        let callers = |of: &dyn Fn(&str) -> bool| {
            let callers = theirs().filter(|(_, _, known)| of(known.as_str()));
            let each = callers.map(|(agent, tool, known)| format!("`{agent}` asks `{tool}` for `{known}`"));
            each.take(ACTIONS).collect::<Vec<_>>().join(", ")
        };
        let help = match nearest(operation, &Vec::from_iter(known)) {
            Some(near) => format!("did you mean `{near}`? {}", callers(&|known| known == near)),
            None if calls.is_empty() => "its agents ask nothing of tools".to_owned(),
            None => match callers(&|_| true).as_str() {
                "" => format!("nothing is asked of {them}; {}", self.see_all()),
                callers => format!("{callers}; {}", self.see_all()),
            },
        };
        Some(Problem::at(name.span(), message).help(help))
    }

    /// The tools that these rules concern, each once, in order.
    fn tools_of(&self, rules: &[Rule]) -> Vec<&'static str> {
        let concerned = |tool: &&Name| rules.iter().any(|rule| rule.from.covers(**tool));
        self.directory.tools.iter().filter(concerned).map(|tool| tool.as_str()).collect()
    }

    /// A message that is never sent, or not between those.
    fn no_such_message(&mut self, name: &Word, rules: &[Rule]) -> Problem {
        let (workflow, actions) = (self.directory.workflow, self.learner.all());
        let kind = name.get_ref().as_str();
        let links = actions.links_of(kind);
        if !links.is_empty() {
            let ends = rules.iter().find_map(|rule| match (&rule.from, &rule.to) {
                (Selector::Of(from), Selector::Of(to)) => Some((words(from), words(to))),
                _ => None,
            });
            let ends = match ends {
                Some((from, to)) => format!("from {from} to {to}"),
                None => match rules.first().map(|rule| &rule.from) {
                    Some(Selector::Of(from)) => format!("by {}", words(from)),
                    Some(Selector::Any) | None => "there".to_owned(),
                },
            };
            let sent = links.iter().map(|(from, to)| format!("`{from}` sends it to `{to}`"));
            let sent: Vec<String> = sent.take(AGENTS).collect();
            let message = format!("no message `{kind}` is sent {ends}");
            return Problem::at(name.span(), message).help(sent.join(", "));
        }
        let message = format!("no message `{kind}` was sent in any run of the workflow `{workflow}`");
        let help = match nearest(kind, &actions.message_kinds()) {
            Some(near) => format!("did you mean `{near}`{}?", sent_by(&actions, near, &self.directory.tools)),
            None => format!("{}; {RARE}", self.senders_in_words(&actions)),
        };
        Problem::at(name.span(), message).help(help)
    }

    /// A step that is never taken, or not by those, or without a place there.
    fn no_such_step(&mut self, name: &Word, hook: Hook, rules: &[Rule]) -> Problem {
        let (workflow, actions) = (self.directory.workflow, self.learner.all());
        let members = self.learner.roles();
        let step = Name::new(name.get_ref());
        let is_concerned = |node: Name| rules.iter().any(|rule| members.are_in(&rule.from, node));
        let takers: Vec<Name> = actions
            .by
            .iter()
            .filter(|(_, does)| does.steps.contains_key(&step))
            .map(|(node, _)| *node)
            .collect();
        if takers.is_empty() {
            let message = format!("agents of the workflow `{workflow}` took no step `{step}` in any run");
            let known = actions.by.values().flat_map(|does| does.steps.keys()).map(|step| step.as_str());
            let known: BTreeSet<&str> = known.collect();
            let help = match nearest(step.as_str(), &Vec::from_iter(known)) {
                Some(near) => format!("did you mean `{near}`{}?", taken_by(&actions, near)),
                None => format!("{}; {RARE}", self.steps_in_words(&actions, is_concerned)),
            };
            return Problem::at(name.span(), message).help(help);
        }
        if takers.iter().any(|node| is_concerned(*node)) {
            let (side, other) = if hook == Hook::Before { ("before", "after") } else { ("after", "before") };
            let message = format!("nothing can happen {side} the step `{step}`");
            return Problem::at(name.span(), message).help(format!("there is a place {other} it"));
        }
        let concerned = rules.iter().find_map(|rule| match &rule.from {
            Selector::Of(names) => Some(words(names)),
            Selector::Any => None,
        });
        let concerned = concerned.unwrap_or_else(|| "any agent".to_owned());
        let message = format!("no step `{step}` is taken by {concerned}");
        let takers: Vec<&str> = takers.iter().map(|node| node.as_str()).collect();
        let does = if takers.len() == 1 { "does" } else { "do" };
        Problem::at(name.span(), message).help(format!("{} {does}", listed(&takers)))
    }

    /// A name in a list of agents or tools into which what is configured can never be injected.
    fn never_there(&mut self, entry: &Entry<'_>, name: &Word, rules: &[Rule]) -> Problem {
        let message = format!("nothing that `{name}` does can meet `{}`", entry.name, name = name.get_ref());
        let problem = Problem::at(name.span(), message);
        let actions = self.learner.all();
        match self.who_can_meet(&actions, rules).as_slice() {
            [] => problem.help("take it out of the list"),
            others => problem.help(format!("take it out of the list; {} can", listed(others))),
        }
    }

    /// An entry without a name that would be to blame, and that is never met all the same.
    fn never_met(&mut self, kind: &str, place: Range<usize>, rules: &[Rule]) -> Option<Problem> {
        let rule = rules.first()?;
        let among = match &rule.from {
            Selector::Of(names) => words(names),
            Selector::Any => "anything".to_owned(),
        };
        let (workflow, actions) = (self.directory.workflow, self.learner.all());
        let others = self.who_can_meet(&actions, rules);
        let of_tools = self.directory.faults.find(kind).filter(|kind| kind.is_of_tools());
        Some(match (rule.hook, of_tools) {
            (Hook::Service, Some(of_tools)) => {
                let requests = actions.by.values().flat_map(|does| &does.requests);
                let asked: BTreeSet<Request> = requests.map(|(_, request, _)| *request).collect();
                tool_faults::never_told((of_tools, &self.directory), place, &asked)
            }
            (Hook::Service, None) if !others.is_empty() => {
                let message =
                    format!("no model of {among} is asked anything where `{kind}` could be injected");
                let whose = if others.len() == 1 { "that" } else { "those" };
                Problem::at(place, message)
                    .help(format!("it can be injected into {whose} of {}", listed(&others)))
            }
            (Hook::Service, None) => {
                let sites = actions.by.values().flat_map(|does| does.model_call_sites.iter().copied());
                let sites: BTreeSet<&str> = sites.collect();
                let is_there = |kind: &&FaultKind| kind.call_site().is_some_and(|site| sites.contains(site));
                let possible: Vec<&str> =
                    self.directory.faults.iter().filter(is_there).map(|kind| kind.name).collect();
                model::never_asked(kind, place, &possible, workflow)
            }
            (Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery, _) if !others.is_empty() => {
                let message = format!("{among} keeps no journal where `{kind}` could be injected");
                Problem::at(place, message)
                    .help(format!("it can be injected into those of {}", listed(&others)))
            }
            (Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery, _) => {
                storage::no_journal(kind, place, workflow)
            }
            (Hook::Message, _) => {
                let to = match &rule.to {
                    Selector::Of(names) => words(names),
                    Selector::Any => "anything".to_owned(),
                };
                Problem::at(
                    place,
                    format!("nothing is sent from {among} to {to} where `{kind}` could be injected"),
                )
                .help(self.see_all())
            }
            (Hook::Before | Hook::After, _) => Problem::at(place, format!("{among} takes no step"))
                .help("inject it by the clock, with `every` and `lasting`"),
        })
    }

    /// What agents send, for a reader who has to choose.
    fn senders_in_words(&self, actions: &ActionMap) -> String {
        let tools = &self.directory.tools;
        let agents = actions.by.iter().filter(|(node, _)| !tools.contains(node));
        let sends = agents.filter_map(|(node, does)| {
            let to_others = does.sends.iter().filter(|(to, _)| !tools.contains(to));
            let kinds: BTreeSet<&str> = to_others.map(|(_, kind)| kind.as_str()).collect();
            (!kinds.is_empty()).then(|| format!("`{node}` sends {}", some_of(&Vec::from_iter(kinds))))
        });
        let with_tools = "tools are sent `call OPERATION` and answer `reply to OPERATION`";
        format!("{}; {with_tools}; {}", sends.take(AGENTS).collect::<Vec<_>>().join("; "), self.see_all())
    }

    /// Which steps the agents concerned take, for a reader who has to choose.
    fn steps_in_words(&self, actions: &ActionMap, is_concerned: impl Fn(Name) -> bool) -> String {
        let agents = actions.by.iter().filter(|(node, does)| is_concerned(**node) && !does.steps.is_empty());
        let takes = agents.map(|(node, does)| {
            let steps: Vec<&str> = does.steps.keys().map(|step| step.as_str()).collect();
            format!("`{node}` takes {}", some_of(&steps))
        });
        let takes: Vec<String> = takes.take(AGENTS).chain([self.see_all()]).collect();
        takes.join("; ")
    }

    fn see_all(&self) -> String {
        format!("`{} explain {}` shows all", self.scenario.suite.command(), self.directory.workflow)
    }
}

/// Which agents send messages of a kind, as the end of a question.
fn sent_by(actions: &ActionMap, kind: &str, tools: &[Name]) -> String {
    let between_agents =
        actions.links_of(kind).into_iter().filter(|(from, to)| !tools.contains(from) && !tools.contains(to));
    let mut senders: Vec<&str> = between_agents.map(|(from, _)| from.as_str()).collect();
    senders.dedup();
    which(&senders, "sends", "send")
}

/// Which agents take a step, as the end of a question.
fn taken_by(actions: &ActionMap, step: &str) -> String {
    let does = |steps: &std::collections::BTreeMap<Name, _>| steps.contains_key(&Name::new(step));
    let takers = actions.by.iter().filter(|(_, actions)| does(&actions.steps));
    which(&takers.map(|(node, _)| node.as_str()).collect::<Vec<_>>(), "takes", "take")
}

fn which(agents: &[&str], does: &str, do_it: &str) -> String {
    match agents {
        [] => String::new(),
        [only] => format!(", which `{only}` {does}"),
        several => format!(", which {} {do_it}", listed(several)),
    }
}

/// The first few names, and how many more there are.
fn some_of(names: &[&str]) -> String {
    match names.len().saturating_sub(ACTIONS) {
        0 => listed(names),
        more => format!(
            "{} and {more} more",
            names[..ACTIONS].iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn words(names: &[Name]) -> String {
    listed(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>())
}
