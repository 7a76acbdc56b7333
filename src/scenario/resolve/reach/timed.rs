//! Rejects timed faults that would make no difference to anything.

use super::{Reach, words};
use crate::config::problem::listed;
use crate::config::{Entry, Problem};
use crate::scenario::Step;
use crate::scenario::resolve::parts;
use perfidy_sim::{Name, TimedEffect, TimedFault};
use std::collections::BTreeSet;

impl Reach<'_> {
    /// What is wrong with an entry of `[faults]` that has come to these timed faults: that they would come,
    /// and make no difference to anything.
    pub(super) fn timed(&mut self, entry: &Entry<'_>, windows: &[TimedFault]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for window in windows {
            match &window.disturbance {
                TimedEffect::Custom { among, .. } => problems.extend(self.never_asked(entry, among)),
                disturbance => problems.extend(self.no_link(entry, disturbance)),
            }
        }
        problems
    }

    /// Which of these tools, that will be out of service, no agent asks anything.
    fn never_asked(&mut self, entry: &Entry<'_>, tools: &[Name]) -> Vec<Problem> {
        // Each step is taken some time, even if no run so far got as far as that.
        let in_steps: BTreeSet<Name> =
            self.scenario.steps.iter().flat_map(Step::calls).map(|(tool, _)| tool).collect();
        let mut idle: Vec<Name> = tools.iter().copied().filter(|tool| !in_steps.contains(tool)).collect();
        idle.retain(|tool| {
            !self.learner.shows(|actions| actions.calls().iter().any(|(_, asked, _)| asked == tool))
        });
        let names = parts::names(entry);
        let place = |tool: &Name| {
            let word = names.iter().find(|(_, word)| word.get_ref() == tool.as_str());
            word.map_or_else(|| entry.key_span.clone(), |(_, word)| word.span())
        };
        let problem = |tool: &Name| {
            let message =
                format!("no agent of the workflow `{}` asks anything of `{tool}`", self.directory.workflow);
            Problem::at(place(tool), message)
                .help("no step names it, so it makes no difference whether it answers")
        };
        idle.iter().map(problem).collect()
    }

    /// What is wrong with a fault of the links between nodes that send each other nothing.
    fn no_link(&mut self, entry: &Entry<'_>, disturbance: &TimedEffect) -> Option<Problem> {
        let (left, right, one_way) = disturbance.links()?;
        let roles = self.learner.roles().clone();
        if self.learner.shows(|actions| {
            actions.has_link((left, right), &roles) || (!one_way && actions.has_link((right, left), &roles))
        }) {
            return None;
        }
        let (from, to) = (words(left), words(right));
        let idle = if one_way {
            format!("nothing is sent from {from} to {to}")
        } else if left == right {
            format!("{from} send each other nothing")
        } else {
            format!("{from} and {to} send each other nothing")
        };
        let message = format!("{idle}, so `{}` makes no difference", entry.name);
        let actions = self.learner.all();
        let help = match actions.peers_of(left, &roles).as_slice() {
            [] => self.see_all(),
            peers => format!("messages go between {from} and {}", listed(peers)),
        };
        Some(entry.problem(message).help(help))
    }
}
