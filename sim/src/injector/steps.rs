//! Which steps of which nodes a plan concerns.
//!
//! Every action of a node is a step at which the plan could inject a fault, and nearly every plan concerns
//! only a few of them. A node therefore checks here first: a step that no rule and no pinned fault concerns
//! is neither asked about nor counted, at the cost of a comparison or two. Counts are separate for each
//! place, so this does not change the counts of other places; rules and lists of faults give the same counts.

use crate::plan::{Hook, Plan, Rule, Selector};
use crate::step::Act;
use crate::{Chance, Name};
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// The nodes whose steps a plan concerns alike.
#[derive(Clone, Copy)]
pub(crate) struct NodeClass(u32);

/// The steps of a node that a plan concerns at one hook.
#[derive(Clone, Default)]
struct Concerned {
    all: bool,
    steps: Vec<Name>,
    /// Whether an [`Act`] can be among them.
    acts: bool,
}

impl Concerned {
    fn add(&mut self, what: &Selector) {
        match what {
            Selector::Any => self.all = true,
            Selector::Of(steps) => steps.iter().for_each(|step| self.add_step(*step)),
        }
        self.acts |= self.all;
    }

    fn add_step(&mut self, step: Name) {
        self.acts |= Act::of(step).is_some();
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn is_empty(&self) -> bool {
        !self.all && self.steps.is_empty()
    }
}

/// Before a step and after it.
type Both = [Concerned; 2];

/// The steps that a plan concerns.
pub(super) struct Steps {
    /// The first is that of the nodes that the plan does not name.
    classes: Vec<Both>,
    class_of: HashMap<Name, NodeClass, FxBuildHasher>,
}

impl Default for Steps {
    fn default() -> Self {
        Self::of(&Plan::fault_free(), &[])
    }
}

impl Steps {
    /// The steps that a plan or one of the additional rules concerns.
    pub fn of(plan: &Plan, beside: &[Rule]) -> Self {
        let rules = match plan {
            Plan::Fuzz(chaos) => chaos.rules.as_slice(),
            Plan::Explicit(_) => &[],
        };
        let rules = || {
            let live = rules.iter().filter(|rule| rule.chance != Chance::NEVER).chain(beside);
            live.filter_map(|rule| Some((side(rule.hook)?, &rule.from, &rule.what)))
        };
        let mut unnamed = Both::default();
        for (side, _, what) in rules().filter(|(_, from, _)| **from == Selector::Any) {
            unnamed[side].add(what);
        }
        let mut steps = Self { classes: vec![unnamed], class_of: HashMap::default() };
        for (side, from, what) in rules() {
            if let Selector::Of(nodes) = from {
                for node in nodes {
                    steps.named(*node)[side].add(what);
                }
            }
        }
        for fault in plan.pinned() {
            if let Some((node, hook, step)) = Hook::step_of(fault.at.site) {
                steps.named(node)[usize::from(hook == Hook::After)].add_step(step);
            }
        }
        steps
    }

    /// The entry of a node that the plan names.
    fn named(&mut self, node: Name) -> &mut Both {
        let next = NodeClass(self.classes.len() as u32);
        let NodeClass(class) = *self.class_of.entry(node).or_insert(next);
        if class == next.0 {
            self.classes.push(self.classes[0].clone());
        }
        &mut self.classes[class as usize]
    }

    pub fn class_of(&self, node: Name) -> NodeClass {
        self.class_of.get(&node).copied().unwrap_or(NodeClass(0))
    }

    fn concerned(&self, NodeClass(class): NodeClass, hook: Hook) -> &Concerned {
        &self.classes[class as usize][usize::from(hook == Hook::After)]
    }

    /// Whether the plan concerns no step of any node at a hook.
    pub fn is_silent(&self, hook: Hook) -> bool {
        side(hook).is_some_and(|side| self.classes.iter().all(|class| class[side].is_empty()))
    }

    pub fn concerns(&self, class: NodeClass, hook: Hook, step: Name) -> bool {
        let concerned = self.concerned(class, hook);
        concerned.all || concerned.steps.contains(&step)
    }

    /// Whether the plan can concern an act of such a node, whatever its subject.
    pub fn concerns_acts(&self, class: NodeClass, hook: Hook) -> bool {
        self.concerned(class, hook).acts
    }
}

fn side(hook: Hook) -> Option<usize> {
    match hook {
        Hook::Before => Some(0),
        Hook::After => Some(1),
        Hook::Message | Hook::Service | Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Chaos, Fault};
    use std::sync::Arc;

    fn rule(hook: Hook, from: &[&str], what: &[&str]) -> Rule {
        let of = |names: &[&str]| match names {
            [] => Selector::Any,
            names => Selector::Of(names.iter().map(|name| Name::new(name)).collect()),
        };
        Rule {
            kind: Name::new("crash"),
            hook,
            from: of(from),
            to: Selector::Any,
            what: of(what),
            chance: Chance::ALWAYS,
            action: Action::Crash(None),
            span: None,
        }
    }

    fn concerned(steps: &Steps, hook: Hook, node: &str, step: &str) -> bool {
        steps.concerns(steps.class_of(Name::new(node)), hook, Name::new(step))
    }

    #[test]
    fn a_rule_concerns_the_steps_and_nodes_that_it_names_and_nothing_else() {
        let rules = vec![rule(Hook::Before, &["a"], &["call"]), rule(Hook::After, &[], &["send hello"])];
        let steps = Steps::of(&Plan::Fuzz(Arc::new(Chaos { rules, ..Chaos::default() })), &[]);
        assert!(concerned(&steps, Hook::Before, "a", "call"));
        assert!(!concerned(&steps, Hook::Before, "b", "call"));
        assert!(!concerned(&steps, Hook::After, "a", "call"));
        assert!(
            concerned(&steps, Hook::After, "a", "send hello")
                && concerned(&steps, Hook::After, "b", "send hello")
        );
        let acts = |node: &str, hook| steps.concerns_acts(steps.class_of(Name::new(node)), hook);
        assert!(!acts("a", Hook::Before) && acts("a", Hook::After) && acts("b", Hook::After));
    }

    #[test]
    fn a_rule_that_never_fires_concerns_nothing() {
        let rules = vec![Rule { chance: Chance::NEVER, ..rule(Hook::Before, &[], &[]) }];
        let steps = Steps::of(&Plan::Fuzz(Arc::new(Chaos { rules, ..Chaos::default() })), &[]);
        assert!(steps.is_silent(Hook::Before));
    }

    #[test]
    fn a_pinned_fault_concerns_its_own_step() {
        let at = "a, before send plan, please, task-1, try 1".parse().unwrap();
        let steps = Steps::of(&Plan::Explicit([Fault { at, action: Action::Crash(None) }].into()), &[]);
        assert!(concerned(&steps, Hook::Before, "a", "send plan, please"));
        assert!(!concerned(&steps, Hook::Before, "a", "call"));
        assert!(steps.is_silent(Hook::After) && !steps.is_silent(Hook::Before));
    }
}
