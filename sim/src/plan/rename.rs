//! Renames: the previous names of nodes, steps, messages, calls and kinds of faults.
//!
//! Addresses and draws are keyed by names, so a renamed node would draw other values. A world that knows the
//! previous names draws for them as before; a list of faults can be translated to the current names.
//!
//! Names are replaced only at their positions in sites, ids and actions, never as plain text: a node before
//! the first comma of a site and in the parts of an id, a step after `before` and `after` and in the parts of
//! an id, a message kind after the comma of a link's site and after `send` and `receive` in a step, a call
//! after the comma of a node's site, and a kind of fault as the first word of an action or of a timed fault's
//! site.
//!
//! ```
//! use perfidy_sim::{Fault, Renames};
//! let renames = Renames::new([("clerk", "desk"), ("worker", "hand")], [("file", "open")]);
//! let fault: Fault = Fault {
//!     at: "worker > clerk, file, task-2/file, try 1".parse().unwrap(),
//!     action: "cut clerk from worker+planner at 1m for 40s".parse().unwrap(),
//! };
//! assert_eq!(
//!     renames.fault(fault).to_string(),
//!     "hand > desk, file, task-2/open, try 1: cut desk from hand+planner at 1m for 40s"
//! );
//! ```

use crate::{Action, Address, Fault, Name};
use std::collections::BTreeMap;

/// A mapping from names to other names.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Renames {
    nodes: BTreeMap<Name, Name>,
    steps: BTreeMap<Name, Name>,
    messages: BTreeMap<Name, Name>,
    calls: BTreeMap<Name, Name>,
    faults: BTreeMap<Name, Name>,
}

impl Renames {
    /// Renames of nodes and of steps, each from one name to another.
    pub fn new<'a>(
        nodes: impl IntoIterator<Item = (&'a str, &'a str)>,
        steps: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self { nodes: pairs(nodes), steps: pairs(steps), ..Self::default() }
    }

    /// Renames of kinds of messages.
    pub fn of_messages<'a>(kinds: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { messages: pairs(kinds), ..Self::default() }
    }

    /// Renames of calls to services, or to a node's own code.
    pub fn of_calls<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { calls: pairs(calls), ..Self::default() }
    }

    /// Renames of kinds of faults.
    pub fn of_faults<'a>(kinds: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self { faults: pairs(kinds), ..Self::default() }
    }

    /// Whether there are no renames.
    pub fn is_empty(&self) -> bool {
        !self.concerns_places() && self.faults.is_empty()
    }

    /// Whether a rename concerns a name that draws are keyed by, besides kinds of faults.
    pub fn concerns_places(&self) -> bool {
        [&self.nodes, &self.steps, &self.messages, &self.calls].into_iter().any(|names| !names.is_empty())
    }

    /// The inverse mapping.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let back = |names: &BTreeMap<Name, Name>| names.iter().map(|(from, to)| (*to, *from)).collect();
        let Self { nodes, steps, messages, calls, faults } = self;
        Self {
            nodes: back(nodes),
            steps: back(steps),
            messages: back(messages),
            calls: back(calls),
            faults: back(faults),
        }
    }

    /// The other name of a node, if it has one.
    pub fn node(&self, word: &str) -> Option<Name> {
        self.nodes.get(&Name::new(word)).copied()
    }

    /// The other name of a step, if it has one.
    pub fn step(&self, word: &str) -> Option<Name> {
        self.steps.get(&Name::new(word)).copied()
    }

    /// The other name of a kind of message, if it has one.
    pub fn message(&self, kind: &str) -> Option<Name> {
        self.messages.get(&Name::new(kind)).copied()
    }

    /// The other name of a call to a service, if it has one.
    pub fn call(&self, what: &str) -> Option<Name> {
        self.calls.get(&Name::new(what)).copied()
    }

    /// The other name of a kind of fault, if it has one.
    pub fn kind_of_fault(&self, kind: &str) -> Option<Name> {
        self.faults.get(&Name::new(kind)).copied()
    }

    /// A site under the other names.
    pub fn site(&self, site: Name) -> Name {
        let text = site.as_str();
        let (place, what) = match text.split_once(", ") {
            Some((place, what)) => (place, Some(what)),
            None => (text, None),
        };
        // The site of a timed fault starts with its kind, as in `partition a | b`.
        let (kind, nodes) = match place.split_once(' ') {
            Some((kind, nodes)) if !nodes.starts_with("> ") && !place.ends_with("'s disk") => {
                (Some(kind), nodes)
            }
            _ => (None, place),
        };
        let kind = kind.map(|kind| self.kind_of_fault(kind).map_or(kind, |kind| kind.as_str()));
        let mut result = kind.map_or_else(String::new, |kind| format!("{kind} "));
        result.push_str(&self.nodes_in(nodes));
        if let Some(what) = what {
            result.push_str(", ");
            result.push_str(&self.passing(what, nodes.contains(" > ")));
        }
        Name::new(&result)
    }

    /// The message kind, step or call at a site, under its other name.
    fn passing(&self, what: &str, is_of_a_link: bool) -> String {
        let of_step = |word: &str| Some(format!("{word}{}", self.other_step(what.strip_prefix(word)?)?));
        let other = || if is_of_a_link { self.message(what) } else { self.call(what) };
        let step = of_step("before ").or_else(|| of_step("after "));
        step.unwrap_or_else(|| other().map_or(what, |other| other.as_str()).to_owned())
    }

    /// A step under its other name, or with the other name of the message that it sends or receives.
    fn other_step(&self, step: &str) -> Option<String> {
        let of_message = || {
            let (verb, kind) = step.split_once(' ').filter(|(verb, _)| ["send", "receive"].contains(verb))?;
            Some(format!("{verb} {}", self.message(kind)?))
        };
        self.step(step).map(|other| other.to_string()).or_else(of_message)
    }

    /// A logical id under the other names.
    pub fn id(&self, id: Name) -> Name {
        let other = |part| self.step(part).or_else(|| self.node(part)).map_or(part, |name| name.as_str());
        Name::new(&id.as_str().split('/').map(other).collect::<Vec<_>>().join("/"))
    }

    /// A fault under the other names.
    #[must_use]
    pub fn fault(&self, fault: Fault) -> Fault {
        Fault { at: self.address(fault.at), action: self.action(fault.action) }
    }

    /// An address under the other names.
    #[must_use]
    pub fn address(&self, Address { site, id, nth }: Address) -> Address {
        Address { site: self.site(site), id: self.id(id), nth }
    }

    /// An action under the other names.
    #[must_use]
    pub fn action(&self, action: Action) -> Action {
        let mut action = self.with_other_word(action).unwrap_or(action);
        match &mut action {
            Action::Partition { left, right, .. }
            | Action::Flap { left, right, .. }
            | Action::SlowLink { left, right, .. } => {
                for group in [left, right] {
                    *group = Name::new(&self.nodes_in(group.as_str()));
                }
            }
            Action::CrashAt { node, .. }
            | Action::PauseAt { node, .. }
            | Action::Degrade { node, .. }
            | Action::CustomAt { node, .. } => {
                *node = self.node(node.as_str()).unwrap_or(*node);
            }
            _ => {}
        }
        action
    }

    /// The action, under the other names, of a text that begins with a renamed kind. A kind of the world's
    /// own can be parsed only under the name that it has today.
    pub fn action_of_renamed_kind(&self, text: &str) -> Option<Action> {
        let end = text.find([' ', ',']).unwrap_or(text.len());
        let kind = self.kind_of_fault(&text[..end])?;
        let action = format!("{kind}{}", &text[end..]).parse().ok()?;
        Some(self.action(action))
    }

    /// A fault of the upper layer under the other name of its kind, which can be a kind of the world's own.
    fn with_other_word(&self, action: Action) -> Option<Action> {
        let (Action::Custom { word, .. } | Action::CustomAt { word, .. }) = action else { return None };
        let other = self.kind_of_fault(word.as_str())?;
        action.to_string().replacen(word.as_str(), other.as_str(), 1).parse().ok()
    }

    /// A text in which every word that is a node's name is replaced.
    fn nodes_in(&self, text: &str) -> String {
        let mut renamed = String::new();
        for part in text.split_inclusive(|c: char| !is_of_a_word(c)) {
            let word = part.trim_end_matches(|c| !is_of_a_word(c));
            renamed.push_str(self.node(word).map_or(word, |name| name.as_str()));
            renamed.push_str(&part[word.len()..]);
        }
        renamed
    }
}

impl FromIterator<Renames> for Renames {
    /// All of them together.
    fn from_iter<T: IntoIterator<Item = Self>>(renames: T) -> Self {
        renames.into_iter().fold(Self::default(), |mut all, some| {
            all.nodes.extend(some.nodes);
            all.steps.extend(some.steps);
            all.messages.extend(some.messages);
            all.calls.extend(some.calls);
            all.faults.extend(some.faults);
            all
        })
    }
}

fn pairs<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<Name, Name> {
    names.into_iter().map(|(from, to)| (Name::new(from), Name::new(to))).collect()
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renames() -> Renames {
        Renames::new(
            [
                ("coordinator", "conductor"),
                ("executor-1", "worker-1"),
                ("executor-2", "worker-2"),
                ("executors", "workers"),
                ("mail", "post"),
            ],
            [("call", "ask"), ("mail", "write")],
        )
    }

    #[test]
    fn names_are_replaced_where_they_stand_and_nowhere_else() {
        for (before, after) in [
            ("coordinator", "conductor"),
            ("coordinator-2", "coordinator-2"),
            ("coordinators", "coordinators"),
            ("subcoordinator", "subcoordinator"),
            ("executor-1 > mail, call send", "worker-1 > post, call send"),
            ("mail > executor-x, reply to mail", "post > executor-x, reply to mail"),
            ("coordinator, before call", "conductor, before ask"),
            ("coordinator, after mail", "conductor, after write"),
            ("coordinator, before calling", "conductor, before calling"),
            ("coordinator, mail", "conductor, mail"),
            ("partition coordinator | executors", "partition conductor | workers"),
            ("crash coordinator+executors", "crash conductor+workers"),
            ("executor-1's disk, write", "worker-1's disk, write"),
            ("partition minority of coordinator+mail", "partition minority of conductor+post"),
            ("mail executors", "mail workers"),
        ] {
            assert_eq!(renames().site(Name::new(before)).as_str(), after);
        }
        for (before, after) in [
            ("task-1/mail", "task-1/write"),
            ("task-1/call/mail", "task-1/ask/write"),
            ("executor-2", "worker-2"),
            ("task-1", "task-1"),
            ("window", "window"),
        ] {
            assert_eq!(renames().id(Name::new(before)).as_str(), after);
        }
    }

    #[test]
    fn every_action_that_names_nodes_is_carried_over() {
        for (before, after) in [
            (
                "cut coordinator towards executor-1+mail at 1m for 2s",
                "cut conductor towards worker-1+post at 1m for 2s",
            ),
            ("crash executor-2 at 1m for good", "crash worker-2 at 1m for good"),
            ("pause coordinator at 1m for 3s", "pause conductor at 1m for 3s"),
            (
                "flap coordinator from mail at 1m for 3s, every 1s",
                "flap conductor from post at 1m for 3s, every 1s",
            ),
            ("overlapping-restart executor-2 at 1m for 3s", "overlapping-restart worker-2 at 1m for 3s"),
            ("outage of mail at 1m for 3s", "outage of post at 1m for 3s"),
            ("delay 3s", "delay 3s"),
            ("mail", "mail"),
        ] {
            let action = before.parse().unwrap();
            assert_eq!(renames().action(action).to_string(), after);
        }
    }

    #[test]
    fn messages_calls_and_faults_are_replaced_where_they_stand() {
        let renames: Renames = [
            Renames::of_messages([
                ("plan", "draft"),
                ("plan, please", "draft, please"),
                ("call send", "call post"),
            ]),
            Renames::of_calls([("send", "post"), ("query", "answer")]),
            Renames::of_faults([("silence", "no-response"), ("down", "outage"), ("shuffle", "reorder")]),
        ]
        .into_iter()
        .collect();
        for (before, after) in [
            (
                "planner > boss, plan, task-1, try 1: silence",
                "planner > boss, draft, task-1, try 1: no-response",
            ),
            (
                "boss > planner, plan, please, task-1, try 1: drop",
                "boss > planner, draft, please, task-1, try 1: drop",
            ),
            (
                "boss > mail, call send, task-1, try 1: shuffle 3s",
                "boss > mail, call post, task-1, try 1: reorder 3s",
            ),
            ("mail, send, task-1, try 2: silence", "mail, post, task-1, try 2: no-response"),
            ("boss, query, task-1, try 2: drop", "boss, answer, task-1, try 2: drop"),
            ("boss, before plan, task-1, try 2: pause 3s", "boss, before plan, task-1, try 2: pause 3s"),
            (
                "boss, after send plan, please, task-1, try 2: pause 3s",
                "boss, after send draft, please, task-1, try 2: pause 3s",
            ),
            (
                "down of mail, window, try 1: down of mail at 1m for 3s",
                "outage of mail, window, try 1: outage of mail at 1m for 3s",
            ),
        ] {
            let (at, action) = before.rsplit_once(": ").unwrap();
            let fault = Fault { at: at.parse().unwrap(), action: action.parse().unwrap() };
            assert_eq!(renames.fault(fault).to_string(), after);
            assert_eq!(renames.reversed().address(renames.address(fault.at)), fault.at);
        }
    }

    #[test]
    fn there_and_back_again_is_where_one_was() {
        let fault = Fault {
            at: "executor-1 > coordinator, done, task-2/call, try 3".parse().unwrap(),
            action: "cut mail from executor-1 at 1m for 2s".parse().unwrap(),
        };
        let there = renames().fault(fault);
        assert_ne!(there, fault);
        assert_eq!(renames().reversed().fault(there), fault);
    }
}
