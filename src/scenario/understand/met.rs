//! Refuses faults that no agent could ever meet.
//!
//! A fault of a message that is never sent, of a step that its agent never takes, of a model that is never asked or of a
//! journal that is never written is a typing error or a misunderstanding: it would be there in vain. What the agents do is
//! [learnt](crate::scenario::Actions), so nothing is refused that came up in any of those runs.

use super::parts::{self, Key, Part};
use crate::agent::Request;
use crate::faults::model::slips_at;
use crate::faults::who::Word;
use crate::faults::{model, storage, tool_lies};
use crate::scenario::file::Entry;
use crate::scenario::problem::listed;
use crate::scenario::{Actions, Doings, Learner, Problem, Roles, nearest};
use crate::workflows::Cast;
use perfidy_sim::{Address, Fault, Hook, Name, Rule, Selector};
use std::collections::BTreeSet;
use std::ops::Range;

/// What agents do, for those who look whether a fault could be met.
pub(super) struct Met<'a> {
    cast: &'a Cast,
    learner: &'a mut Learner,
}

impl<'a> Met<'a> {
    pub fn new(cast: &'a Cast, learner: &'a mut Learner) -> Self {
        Self { cast, learner }
    }

    /// What is wrong with an entry of `[faults]` that has come to these rules.
    pub fn entry(&mut self, entry: &Entry<'_>, rules: &[Rule]) -> Vec<Problem> {
        if rules.is_empty() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let names = parts::names(entry);
        for (key, name) in &names {
            let part = Part::of(*key, name, self.cast);
            let narrowed: Vec<Rule> = rules.iter().filter_map(|rule| part.of_rule(rule)).collect();
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
                // Which operations there are, the steps say.
                Key::At | Key::Operation | Key::During => {}
            }
        }
        if problems.is_empty() && !self.can_meet(rules) {
            problems.extend(self.never_met(entry.name, entry.key_span.clone(), rules));
        }
        problems
    }

    /// Refuses the place of a pinned fault if it can never come up.
    pub fn pinned(&mut self, fault: &Fault, at: &Range<usize>, what: &Range<usize>) -> Result<(), Problem> {
        let Some(place) = Place::read(fault.at) else { return Ok(()) };
        let rule = place.rule(fault);
        if self.can_meet(std::slice::from_ref(&rule)) {
            return Ok(());
        }
        let word = |text: &str| Word::new(at.clone(), text.to_owned());
        Err(match place.hook {
            Hook::Message => self.no_such_message(&word(place.what.as_str()), std::slice::from_ref(&rule)),
            Hook::Before | Hook::After => {
                self.no_such_step(&word(place.what.as_str()), place.hook, std::slice::from_ref(&rule))
            }
            Hook::Service | Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
                let kind = fault.action.kind();
                return self.never_met(kind.as_str(), what.clone(), &[rule]).map_or(Ok(()), Err);
            }
        })
    }

    fn can_meet(&mut self, rules: &[Rule]) -> bool {
        self.learner.shows(|actions, roles| rules.iter().any(|rule| can_meet(actions, roles, rule)))
    }

    /// A message that is never sent, or not between those.
    fn no_such_message(&mut self, name: &Word, rules: &[Rule]) -> Problem {
        let (workflow, tools) = (self.cast.workflow, &self.cast.tools);
        let actions = self.learner.all();
        let kind = name.get_ref().as_str();
        let links: Vec<(Name, Name)> = links_of(actions, kind).collect();
        if !links.is_empty() {
            let ends = rules.iter().find_map(|rule| match (&rule.from, &rule.to) {
                (Selector::Of(from), Selector::Of(to)) => Some((words(from), words(to))),
                _ => None,
            });
            let (from, to) = ends.unwrap_or_default();
            let sent: Vec<String> =
                links.iter().map(|(from, to)| format!("`{from}` sends it to `{to}`")).collect();
            let message = format!("no message `{kind}` is sent from {from} to {to}");
            return Problem::at(name.span(), message).help(sent.join(", "));
        }
        let message = format!("no message `{kind}` is sent in the workflow `{workflow}`");
        let mut known: Vec<&str> =
            actions.by.values().flat_map(|doings| &doings.sends).map(|(_, kind)| kind.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        let help = match nearest(kind, &known) {
            Some(near) => format!("did you mean `{near}`{}?", sent_by(actions, near, tools)),
            None => senders_in_words(actions, tools),
        };
        Problem::at(name.span(), message).help(help)
    }

    /// A step that is never taken, or not by those, or without a place there.
    fn no_such_step(&mut self, name: &Word, hook: Hook, rules: &[Rule]) -> Problem {
        let workflow = self.cast.workflow;
        let (actions, roles) = self.learner.all_with_roles();
        let step = Name::new(name.get_ref());
        let takers: Vec<&str> = actions
            .by
            .iter()
            .filter(|(_, doings)| doings.steps.contains_key(&step))
            .map(|(node, _)| node.as_str())
            .collect();
        let concerned =
            |(node, _): &(&Name, &Doings)| rules.iter().any(|rule| covers(&rule.from, **node, roles));
        if takers.is_empty() {
            let message = format!("agents of the workflow `{workflow}` take no step `{step}`");
            let of_theirs = actions.by.iter().filter(concerned).flat_map(|(_, doings)| doings.steps.keys());
            let of_all = actions.by.values().flat_map(|doings| doings.steps.keys());
            let mut known: Vec<&str> = of_theirs.map(|step| step.as_str()).collect();
            if nearest(step.as_str(), &known).is_none() {
                known.extend(of_all.map(|step| step.as_str()));
            }
            known.sort_unstable();
            known.dedup();
            return Problem::at(name.span(), message).nearest_of(step.as_str(), &known);
        }
        let does = actions.by.iter().filter(concerned).any(|(_, doings)| doings.steps.contains_key(&step));
        if does {
            let (side, other) = if hook == Hook::Before { ("before", "after") } else { ("after", "before") };
            let message = format!("nothing can happen {side} the step `{step}`");
            return Problem::at(name.span(), message).help(format!("there is a place {other} it"));
        }
        let agents = rules.iter().find_map(|rule| match &rule.from {
            Selector::Of(names) => Some(words(names)),
            Selector::Any => None,
        });
        let message =
            format!("no step `{step}` is taken by {}", agents.unwrap_or_else(|| "any agent".to_owned()));
        let help = match takers.as_slice() {
            [only] => format!("`{only}` does"),
            several => format!("{} do", listed(several)),
        };
        Problem::at(name.span(), message).help(help)
    }

    /// A name in a list of agents or tools, to which what is configured never happens.
    fn never_there(&mut self, entry: &Entry<'_>, name: &Word, rules: &[Rule]) -> Problem {
        let message = format!("nothing that `{name}` does can meet `{}`", entry.name, name = name.get_ref());
        let others = self.who_can_meet(rules);
        let problem = Problem::at(name.span(), message);
        match others.as_slice() {
            [] => problem.help("take it out of the list"),
            others => problem.help(format!("take it out of the list; {} can", listed(others))),
        }
    }

    /// Who could meet these rules if they concerned everybody.
    fn who_can_meet(&mut self, rules: &[Rule]) -> Vec<&'static str> {
        let (actions, roles) = self.learner.all_with_roles();
        let of = |node: Name| {
            rules.iter().any(|rule| {
                let rule = Rule { from: Selector::only(node), to: Selector::Any, ..rule.clone() };
                can_meet(actions, roles, &rule)
            })
        };
        actions.by.keys().filter(|node| of(**node)).map(|node| node.as_str()).collect()
    }

    /// An entry without a name that would be to blame, and that is never met all the same.
    fn never_met(&mut self, kind: &str, place: Range<usize>, rules: &[Rule]) -> Option<Problem> {
        let rule = rules.first()?;
        let among = match &rule.from {
            Selector::Of(names) => words(names),
            Selector::Any => "anything".to_owned(),
        };
        let others = self.who_can_meet(rules);
        let cast = self.cast;
        let actions = self.learner.all();
        Some(match rule.hook {
            Hook::Service if tool_lies::find(kind).is_some() => {
                let asked: BTreeSet<String> = requests(actions).map(|request| request.to_string()).collect();
                tool_lies::never_told(kind, place, &asked, cast.workflow)
            }
            Hook::Service if !others.is_empty() => Problem::at(
                place,
                format!("no model of {among} is asked anything that `{kind}` could strike"),
            )
            .help(format!("{} can be struck", models_of(&others))),
            Hook::Service => {
                let sites: BTreeSet<&str> =
                    actions.by.values().flat_map(|doings| doings.model_call_sites.iter().copied()).collect();
                let possible: Vec<&str> = slips_at(&sites.into_iter().collect::<Vec<_>>()).collect();
                model::never_asked(kind, place, &possible, cast.workflow)
            }
            Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery if !others.is_empty() => {
                Problem::at(place, format!("{among} keeps no journal that `{kind}` could strike"))
                    .help(format!("those of {} can be struck", listed(&others)))
            }
            Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
                storage::no_journal(kind, place, cast.workflow)
            }
            // Who talks to whom is a matter of the network too: that nothing is sent there, a campaign says.
            Hook::Message => return None,
            Hook::Before | Hook::After => Problem::at(place, format!("{among} takes no step"))
                .help("let it strike by the clock, with `every` and `lasting`"),
        })
    }
}

fn models_of(agents: &[&str]) -> String {
    match agents {
        [only] => format!("that of `{only}`"),
        several => format!("those of {}", listed(several)),
    }
}

/// Where a pinned fault stands.
struct Place {
    hook: Hook,
    from: Name,
    to: Name,
    what: Name,
}

impl Place {
    /// The place that an address names, if it is one that agents come by: what the clock brings can stand anywhere.
    fn read(at: Address) -> Option<Self> {
        let one = |hook, node, what| Some(Self { hook, from: node, to: node, what });
        if let Some((node, hook, step)) =
            Hook::step_of(at.site).filter(|(node, ..)| !node.as_str().contains(" > "))
        {
            return one(hook, node, step);
        }
        let (who, what) = at.site.as_str().split_once(", ")?;
        let what = Name::new(what);
        if let Some((from, to)) = who.split_once(" > ") {
            return Some(Self { hook: Hook::Message, from: Name::new(from), to: Name::new(to), what });
        }
        if let Some(node) = who.strip_suffix("'s disk") {
            let hook = Hook::ALL.into_iter().find(|hook| hook.of_storage() == Some(what.as_str()))?;
            return one(hook, Name::new(node), what);
        }
        one(Hook::Service, Name::new(who), what)
    }

    /// The rule that would bring the fault here by chance.
    fn rule(&self, fault: &Fault) -> Rule {
        Rule {
            kind: fault.action.kind(),
            hook: self.hook,
            from: Selector::only(self.from),
            to: Selector::only(self.to),
            what: Selector::only(self.what),
            chance: perfidy_sim::Chance::ALWAYS,
            action: fault.action,
            span: None,
        }
    }
}

/// Whether a selector is about an agent of that role.
fn covers(selector: &Selector, role: Name, roles: &Roles) -> bool {
    match selector {
        Selector::Any => true,
        Selector::Of(names) => names.iter().any(|name| roles.of(*name) == role),
    }
}

/// Whether what a rule is about was seen.
fn can_meet(actions: &Actions, roles: &Roles, rule: &Rule) -> bool {
    let lie = tool_lies::find(rule.kind.as_str());
    let can_be_told = |request| lie.is_none_or(|lie| lie.of.contains(&request));
    let mut concerned = actions.by.iter().filter(|(node, _)| covers(&rule.from, **node, roles));
    match rule.hook {
        Hook::Message => concerned.any(|(_, doings)| {
            let mut sends = doings.sends.iter();
            sends.any(|(to, kind)| covers(&rule.to, *to, roles) && rule.what.covers(*kind))
        }),
        Hook::Before | Hook::After => concerned.any(|(_, doings)| {
            doings.steps.iter().any(|(step, places)| rule.what.covers(*step) && places.at(rule.hook))
        }),
        Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
            concerned.any(|(_, doings)| doings.keeps_a_journal)
        }
        Hook::Service => {
            let mut asks = actions.by.values().flat_map(|doings| &doings.asks);
            let is_asked = asks.any(|(tool, request, operation)| {
                let what = request.of(*operation);
                rule.from.covers(*tool) && rule.what.covers(what) && can_be_told(*request)
            });
            let mut call_sites = concerned.flat_map(|(_, doings)| &doings.model_call_sites);
            is_asked || call_sites.any(|site| rule.what.covers(Name::new(site)))
        }
    }
}

fn requests(actions: &Actions) -> impl Iterator<Item = Request> {
    actions.by.values().flat_map(|doings| &doings.asks).map(|(_, request, _)| *request)
}

fn links_of<'a>(actions: &'a Actions, kind: &'a str) -> impl Iterator<Item = (Name, Name)> + 'a {
    actions.by.iter().flat_map(move |(from, doings)| {
        let links = doings.sends.iter().filter(move |(_, sent)| sent.as_str() == kind);
        links.map(|(to, _)| (*from, *to))
    })
}

/// Who sends messages of a kind, as the end of a question.
fn sent_by(actions: &Actions, kind: &str, tools: &[Name]) -> String {
    let mut senders: Vec<&str> = links_of(actions, kind)
        .filter(|(from, to)| !tools.contains(from) && !tools.contains(to))
        .map(|(from, _)| from.as_str())
        .collect();
    senders.dedup();
    match senders.as_slice() {
        [] => String::new(),
        [only] => format!(", which `{only}` sends"),
        several => format!(", which {} send", listed(several)),
    }
}

/// Who sends what.
fn senders_in_words(actions: &Actions, tools: &[Name]) -> String {
    let senders = actions.by.iter().filter(|(node, _)| !tools.contains(node)).filter_map(|(node, doings)| {
        let kinds: BTreeSet<&str> = doings
            .sends
            .iter()
            .filter(|(to, _)| !tools.contains(to))
            .map(|(_, kind)| kind.as_str())
            .collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        (!kinds.is_empty()).then(|| format!("`{node}` sends {}", listed(&kinds)))
    });
    let tools = "tools are sent `call OPERATION` and answer `reply to OPERATION`".to_owned();
    senders.chain([tools]).collect::<Vec<_>>().join("; ")
}

fn words(names: &[Name]) -> String {
    listed(&names.iter().map(|name| name.as_str()).collect::<Vec<_>>())
}
