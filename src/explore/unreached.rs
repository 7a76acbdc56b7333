//! Why a fault that a file names was never injected, where more runs would not help.

use super::failure::nearest;
use super::{CaseReport, Run};
use crate::faults::ActionMap;
use crate::scenario::{Case, Configured};
use perfidy_sim::{Address, Fault, Hook, Name, Plan, Rule, RunEnd, Seed, Selector};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many runs show which places come up.
const RUNS: u64 = 8;

impl Case {
    /// Why a fault cannot be injected in this case, though it can as written: what the case takes away also
    /// takes the action away at which the fault is injected. `None` if that is not so.
    pub(super) fn why_gone(&self, configured: &Configured) -> Option<String> {
        let (rules, without) = (configured.rules(), self.without()?);
        let (as_written, here) =
            (ActionMap::of_case(&Self::as_written(&self.scenario)), ActionMap::of_case(self));
        let (members, kinds) = (self.scenario.workflow.member_names(), self.scenario.suite.fault_kinds());
        let concerned = |rule: &Rule, actions: &ActionMap| -> Vec<Name> {
            let nodes = actions.by.keys().copied();
            let can_meet = |node: Name| {
                let rule = Rule { from: Selector::only(node), ..rule.clone() };
                actions.can_meet(&rule, &members, kinds)
            };
            let is_meant = |node: Name| members.are_in(&rule.from, node);
            nodes.filter(|node| is_meant(*node) && can_meet(*node)).collect()
        };
        if rules.iter().any(|rule| !concerned(rule, &here).is_empty()) {
            return None;
        }
        let (rule, nodes) = rules
            .iter()
            .map(|rule| (rule, concerned(rule, &as_written)))
            .find(|(_, nodes)| !nodes.is_empty())?;
        let nodes: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
        let not_done =
            not_done(rule, nodes.len() > 1, self.scenario.tools.keys().any(|tool| rule.from.covers(*tool)));
        Some(format!("{} {not_done} without {}", nodes.join(" and "), without.safeguards.join(" and ")))
    }
}

/// What these nodes do not do, if a rule concerns nothing that they do.
fn not_done(rule: &Rule, are_several: bool, are_tools: bool) -> String {
    let one_or_more = |one: &'static str, more: &'static str| if are_several { more } else { one };
    let what = match &rule.what {
        Selector::Any => None,
        Selector::Of(names) => {
            Some(names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
    };
    match rule.hook {
        Hook::Message => {
            format!("{} no {}", one_or_more("sends", "send"), what.as_deref().unwrap_or("message"))
        }
        Hook::Before | Hook::After => {
            let what = what.map_or_else(String::new, |what| format!(" {what}"));
            format!("{} no step{what}", one_or_more("takes", "take"))
        }
        Hook::Service if are_tools => {
            let what = what.as_deref().unwrap_or("anything");
            format!("{} asked for {what}", one_or_more("is not", "are not"))
        }
        Hook::Service => format!("{} its model nothing there", one_or_more("asks", "ask")),
        Hook::Write | Hook::Sync | Hook::Loss | Hook::Recovery => {
            format!("{} no journal", one_or_more("keeps", "keep"))
        }
    }
}

impl CaseReport {
    /// Why a pinned fault was never injected, and what to do about it: its place never came up, or every run
    /// ended before.
    pub(super) fn why_unreached(&self, fault: &Fault) -> Option<String> {
        let case = &self.case;
        let pinned = Plan::Explicit(case.scenario.chaos.pinned.as_slice().into());
        let fuzzed = Plan::Fuzz(Arc::clone(&case.scenario.chaos));
        let mut runs = Vec::new();
        for seed in (0..RUNS).map(Seed) {
            for plan in [&pinned, &fuzzed] {
                let run = || Run::with_all_steps(case, self.engine, seed, plan);
                runs.push(case.scenario.suite.watchdog().watch(case, seed, run).outcome);
            }
        }
        if let Some(moment) = fault.action.moment() {
            let last = runs.iter().map(|run| run.ended).max().filter(|last| *last < moment)?;
            return Some(format!("every run was over before, at {last} at the latest: {}", longer(&runs)));
        }
        let visited: BTreeSet<Address> = runs.iter().flat_map(|run| run.visited.iter().copied()).collect();
        let near = nearest(fault.at, &Vec::from_iter(visited))?;
        let is_cut_short = runs.iter().all(|run| run.stop == RunEnd::Deadline);
        let or = if is_cut_short { format!(", or {LONGER_SETTLE}") } else { String::new() };
        Some(format!(
            "`{}` never came up; the nearest that did is `{near}`: correct it, or take it out{or}",
            fault.at
        ))
    }
}

const LONGER_SETTLE: &str = "give the team more time with `within` in [settle], since time ran out";

/// What makes runs longer, that ended like these.
fn longer(runs: &[perfidy_sim::RunOutcome<crate::agent::Agents>]) -> String {
    if runs.iter().any(|run| run.stop == RunEnd::Deadline) {
        return LONGER_SETTLE.to_owned();
    }
    "let it happen earlier, or give the team more to do with `count` in [tasks]".to_owned()
}
