//! Rules: how a fuzzed plan decides which faults to inject.

use crate::{Action, Address, Chance, Degradation, Fault, Name, SimSpan, SimTime};
use std::ops::RangeInclusive;

/// The kinds of places where the world asks its plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// A message goes out; `what` is its kind. Site: `from > to, kind`.
    Message,
    /// A node is about to take a step; `what` is the step. Site: `node, before step`.
    Before,
    /// A node has just taken a step. Site: `node, after step`.
    After,
    /// A service handles a call, or a node's own code asks; `what` is the call's kind. Site: `service, kind`.
    Service,
    /// A node writes a record; the id is the record's kind. Site: `node's disk, write`.
    Write,
    /// A node makes its writes durable; the id is `journal`, as in the next two. Site: `node's disk, sync`.
    Sync,
    /// A node crashes with records that are not yet durable. Site: `node's disk, crash`.
    Loss,
    /// A node comes back and has durable records. Site: `node's disk, recovery`.
    Recovery,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Message,
        Self::Before,
        Self::After,
        Self::Service,
        Self::Write,
        Self::Sync,
        Self::Loss,
        Self::Recovery,
    ];

    /// What a node's storage does at this place, as sites name it; `None` for other places.
    pub fn of_storage(self) -> Option<&'static str> {
        match self {
            Self::Write => Some("write"),
            Self::Sync => Some("sync"),
            Self::Loss => Some("crash"),
            Self::Recovery => Some("recovery"),
            Self::Message | Self::Before | Self::After | Self::Service => None,
        }
    }
}

/// Which names a rule concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// All of them.
    Any,
    /// Only these.
    Of(Vec<Name>),
}

impl Selector {
    /// Whether `name` is one of them.
    pub fn covers(&self, name: Name) -> bool {
        match self {
            Self::Any => true,
            Self::Of(names) => names.contains(&name),
        }
    }

    /// Whether the name with this text is one of them.
    fn covers_word(&self, word: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(names) => names.iter().any(|name| name.as_str() == word),
        }
    }
}

/// A fault injected by chance wherever it applies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// The fault's name, as scenario files and reports give it.
    pub kind: Name,
    /// At which kind of place.
    pub hook: Hook,
    /// Which senders, nodes or services.
    pub from: Selector,
    /// Which receivers; for hooks other than [`Hook::Message`] it is the node itself again.
    pub to: Selector,
    /// Which message kinds, steps or calls.
    pub what: Selector,
    /// The probability at each place.
    pub chance: Chance,
    /// The action.
    pub action: Action,
    /// The range from which the action's span is drawn, if it has one.
    pub span: Option<RangeInclusive<SimSpan>>,
}

impl Rule {
    /// Rules that concern every step of every node and never fire: to [notice](crate::World::notice) the
    /// places where nodes could crash.
    pub fn of_all_steps() -> [Self; 2] {
        [Hook::Before, Hook::After].map(|hook| Self {
            kind: Name::literal("crash"),
            hook,
            from: Selector::Any,
            to: Selector::Any,
            what: Selector::Any,
            chance: Chance::NEVER,
            action: Action::Crash(None),
            span: None,
        })
    }

    /// Whether this rule can produce a fault: at a place that it concerns, with an action that it draws. Two
    /// rules that concern the same place can produce the same fault.
    pub fn can_make(&self, fault: &Fault) -> bool {
        let is_drawn = match (&self.span, fault.action.span()) {
            (Some(range), Some(span)) => range.contains(&span) && self.action.with_span(span) == fault.action,
            (Some(range), None) => *range.start() == SimSpan::ZERO && self.action == fault.action,
            (None, _) => self.action == fault.action,
        };
        is_drawn && self.concerns(fault.at)
    }

    /// Whether the rule applies at the place.
    fn concerns(&self, at: Address) -> bool {
        let site = at.site.as_str();
        if self.hook == Hook::Message {
            let parts = site.split_once(" > ").and_then(|(from, rest)| Some((from, rest.split_once(", ")?)));
            return parts.is_some_and(|(from, (to, kind))| self.concerns_message(from, to, kind));
        }
        let Some((node, what)) = site.split_once(", ") else { return false };
        if let Some(moment) = self.hook.of_storage() {
            let node = node.strip_suffix("'s disk");
            return what == moment && node.is_some_and(|node| self.concerns_message(node, node, what));
        }
        let what = match self.hook {
            Hook::Before => what.strip_prefix("before "),
            Hook::After => what.strip_prefix("after "),
            _ => Some(what),
        };
        what.is_some_and(|what| self.concerns_message(node, node, what))
    }

    fn concerns_message(&self, from: &str, to: &str, what: &str) -> bool {
        self.from.covers_word(from) && self.to.covers_word(to) && self.what.covers_word(what)
    }
}

/// The effect of a timed fault schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TimedEffect {
    /// Partitions one group from another.
    Partition {
        /// One side; the sending side if `one_way`.
        left: Vec<Name>,
        /// The other side.
        right: Vec<Name>,
        /// Whether only messages from left to right are lost.
        one_way: bool,
    },
    /// Partitions some of these nodes from the others, drawn for every fault.
    Split {
        /// All of them: two at least, and three for a minority.
        among: Vec<Name>,
        /// Whether those partitioned off are fewer than half; otherwise any number.
        minority: bool,
    },
    /// Partitions off the node that a service has [marked](crate::ServiceContext::mark) last.
    PartitionLeader {
        /// The candidates from which one is drawn if no node is marked yet.
        otherwise: Vec<Name>,
        /// The other side, without the marked node itself.
        right: Vec<Name>,
        /// Whether only messages from the marked node are lost.
        one_way: bool,
    },
    /// Makes the links between two groups fail and recover again and again.
    Flap {
        /// One side.
        left: Vec<Name>,
        /// The other side.
        right: Vec<Name>,
        /// How long each failure lasts and each period without one, drawn for every fault.
        turn: RangeInclusive<SimSpan>,
    },
    /// Makes messages between two groups slower.
    SlowLink {
        /// One side.
        left: Vec<Name>,
        /// The other side.
        right: Vec<Name>,
        /// The extra latency, drawn for every fault.
        by: RangeInclusive<SimSpan>,
    },
    /// Degrades one of these nodes, drawn for every fault.
    Degrade {
        /// The candidates.
        among: Vec<Name>,
        /// The degradations from which one is drawn.
        degradations: Vec<Degradation>,
        /// The severity, in the unit of [`Degradation::with_amount`], drawn for every fault.
        amount: RangeInclusive<u64>,
    },
    /// Crashes one of these nodes forever, drawn for every fault.
    Kill {
        /// The candidates.
        among: Vec<Name>,
        /// The maximum number of these faults, and so of lost nodes.
        at_most: u32,
    },
    /// Pauses one of these nodes, drawn for every fault.
    Pause(Vec<Name>),
    /// Crashes one of these nodes, drawn for every fault; it restarts when the fault ends.
    Crash(Vec<Name>),
    /// A fault of one of these services, drawn for every fault. The service defines the meaning of the word.
    Custom {
        /// The word.
        word: Name,
        /// The services that it can hit.
        among: Vec<Name>,
    },
}

impl TimedEffect {
    /// The two groups whose links it concerns, and whether only those from the first to the second; `None` if
    /// it concerns nodes.
    pub fn links(&self) -> Option<(&[Name], &[Name], bool)> {
        match self {
            Self::Partition { left, right, one_way } => Some((left, right, *one_way)),
            Self::PartitionLeader { otherwise, right, one_way } => Some((otherwise, right, *one_way)),
            Self::Split { among, .. } => Some((among, among, false)),
            Self::Flap { left, right, .. } | Self::SlowLink { left, right, .. } => Some((left, right, false)),
            Self::Degrade { .. }
            | Self::Kill { .. }
            | Self::Pause(_)
            | Self::Crash(_)
            | Self::Custom { .. } => None,
        }
    }

    /// The kinds of the actions that it draws, as [`Action::kind`] gives them: a leader that is partitioned
    /// off is a partition.
    pub fn action_kinds(&self) -> Vec<Name> {
        let (name, at, lasting) = (Name::literal(""), SimTime::ZERO, SimSpan::ZERO);
        let (left, right) = (name, name);
        let action = match self {
            Self::Partition { one_way, .. } | Self::PartitionLeader { one_way, .. } => {
                Action::Partition { left, right, one_way: *one_way, at, lasting }
            }
            Self::Split { .. } => Action::Partition { left, right, one_way: false, at, lasting },
            Self::Flap { .. } => Action::Flap { left, right, at, lasting, turn: lasting },
            Self::SlowLink { .. } => Action::SlowLink { left, right, at, lasting, by: lasting },
            Self::Degrade { degradations, .. } => return degradations.iter().map(|one| one.kind()).collect(),
            Self::Kill { .. } | Self::Crash(_) => Action::CrashAt { node: name, at, back_after: None },
            Self::Pause(_) => Action::PauseAt { node: name, at, lasting },
            Self::Custom { word, .. } => return vec![*word],
        };
        vec![action.kind()]
    }
}

/// A schedule of timed faults.
#[derive(Clone, Debug)]
pub struct TimedFault {
    /// The fault's name, as scenario files and reports give it.
    pub kind: Name,
    /// The site of its draws and addresses, such as `partition coordinator | executors`.
    pub site: Name,
    /// What it does.
    pub disturbance: TimedEffect,
    /// The time before each fault.
    pub every: RangeInclusive<SimSpan>,
    /// How long each fault lasts.
    pub lasting: RangeInclusive<SimSpan>,
}

/// All faults that a fuzzed run can have.
#[derive(Clone, Debug, Default)]
pub struct Chaos {
    /// Faults by chance. At each place the first rule that fires decides.
    pub rules: Vec<Rule>,
    /// Timed faults.
    pub windows: Vec<TimedFault>,
    /// Pinned faults of the scenario, injected in every run.
    pub pinned: Vec<Fault>,
    /// When fault injection ends: no fault is injected after that, and open timed faults end.
    pub until: SimTime,
    /// What makes faults more likely after a fault, if anything does.
    pub aftershocks: Option<Aftershocks>,
}

/// After a fault, other faults by chance are more likely for a while where it struck: at the nodes that it
/// concerned, and for the task that it was about. So they meet what nodes do because of the first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aftershocks {
    /// How many times as likely, up to two of five.
    pub factor: u32,
    /// For how long.
    pub within: SimSpan,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        let (at, action) = text.rsplit_once(": ").unwrap();
        Fault { at: at.parse().unwrap(), action: action.parse().unwrap() }
    }

    fn rule(hook: Hook, from: &[&str], what: &[&str], action: &str) -> Rule {
        let of = |names: &[&str]| match names {
            [] => Selector::Any,
            names => Selector::Of(names.iter().map(|name| Name::new(name)).collect()),
        };
        Rule {
            kind: Name::new("kind"),
            hook,
            from: of(from),
            to: Selector::Any,
            what: of(what),
            chance: Chance::ALWAYS,
            action: action.parse().unwrap(),
            span: None,
        }
    }

    #[test]
    fn a_rule_makes_the_faults_of_its_places() {
        let makes = |rule: Rule, text: &str| rule.can_make(&fault(text));
        let drop = || rule(Hook::Message, &["ann"], &["hello, please"], "drop");
        assert!(makes(drop(), "ann > bob, hello, please, task-1, try 1: drop"));
        assert!(!makes(drop(), "ann > bob, hello, please, task-1, try 1: corrupt"));
        assert!(!makes(drop(), "bob > ann, hello, please, task-1, try 1: drop"));
        assert!(!makes(drop(), "ann > bob, hello, task-1, try 1: drop"));
        let to_bob = Rule { to: Selector::only(Name::new("bob")), ..drop() };
        assert!(makes(to_bob.clone(), "ann > bob, hello, please, task-1, try 1: drop"));
        assert!(!makes(to_bob, "ann > eve, hello, please, task-1, try 1: drop"));
        let crash = || rule(Hook::Before, &["ann"], &["call"], "crash for good");
        assert!(makes(crash(), "ann, before call, task-1, try 1: crash for good"));
        assert!(!makes(crash(), "ann, after call, task-1, try 1: crash for good"));
        assert!(!makes(crash(), "ann, before record, task-1, try 1: crash for good"));
        let tear = || rule(Hook::Loss, &["ann"], &[], "tear");
        assert!(makes(tear(), "ann's disk, crash, journal, try 1: tear"));
        assert!(!makes(tear(), "bob's disk, crash, journal, try 1: tear"));
        let lie = || rule(Hook::Service, &["mail"], &["send"], "ack-lost");
        assert!(makes(lie(), "mail, send, task-1, try 1: ack-lost"));
        assert!(!makes(lie(), "mail, send, task-1, try 1: no-response"));
    }

    #[test]
    fn of_rules_for_the_same_place_the_span_tells_which_it_was() {
        let seconds = |from: u64, to: u64| Some(SimSpan::from_secs(from)..=SimSpan::from_secs(to));
        let late = |span| Rule { span, ..rule(Hook::Message, &[], &[], "delay 1s") };
        let fault = fault("ann > bob, hello, task-1, try 1: delay 3s");
        assert!(late(seconds(1, 5)).can_make(&fault));
        assert!(!late(seconds(4, 5)).can_make(&fault));
    }
}
