//! A workflow: its agents, who sends what to whom, how often a message is delivered, and what each does.

use super::Known;
use crate::catalogue::Item;
use crate::cli::print;
use crate::explore::{Delivery, Link, deliveries};
use crate::faults::ActionMap;
use crate::inert;
use crate::report::action_map;
use crate::scenario::Scenario;
use perfidy_sim::{Name, SimSpan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Known<'_> {
    pub(super) fn picture_of(&self, item: &Item) {
        let Some(workflow) = self.suite.find_workflow(item.name) else { return };
        let groups = workflow.roles.iter().map(|role| role.group);
        let agents: Vec<&str> = workflow.singletons.iter().copied().chain(groups).collect();
        for (what, words) in [
            ("Its agents", agents.join(", ")),
            ("Its safeguards", workflow.safeguards.join(", ")),
            ("Its properties", workflow.properties.join(", ")),
        ] {
            let words = if words.is_empty() { "nothing" } else { &words };
            print(format_args!("  {what:16}  {words}"));
        }
        print("");
        let scenarios = || self.scenarios.iter().filter(|scenario| item.is_used_by(scenario));
        let (mut actions, mut tools) = (ActionMap::default(), BTreeSet::new());
        for scenario in scenarios() {
            actions.extend(ActionMap::of(scenario));
            tools.extend(scenario.tools.keys().copied());
        }
        if actions.by.is_empty() {
            return;
        }
        print("  Who sends what to whom, and how often it arrives if the network loses one");
        let known = delivered(scenarios());
        rows(&actions, &tools, &known).iter().for_each(|row| print(format_args!("    {row}")));
        print("\n  What its agents do, as runs of its scenarios show");
        print(action_map(&actions, &tools));
    }
}

/// How messages are delivered, in the first scenario that sends each.
fn delivered<'a>(scenarios: impl Iterator<Item = &'a Arc<Scenario>>) -> BTreeMap<Link, Delivery> {
    let mut known = BTreeMap::new();
    for scenario in scenarios {
        for (link, delivery) in deliveries(scenario) {
            known.entry(link).or_insert(delivery);
        }
    }
    known
}

/// A time in its largest unit: it is that of one run, and differs a little in every other.
fn rounded(span: SimSpan) -> SimSpan {
    let (second, millisecond) = (SimSpan::from_secs(1), SimSpan::from_millis(1));
    let unit = if span >= second { second } else { millisecond }.as_nanos();
    SimSpan::from_nanos((span.as_nanos() + unit / 2) / unit * unit)
}

/// A row for each kind of message between two.
fn rows(actions: &ActionMap, tools: &BTreeSet<Name>, known: &BTreeMap<Link, Delivery>) -> Vec<String> {
    let mut cells: Vec<[String; 4]> = Vec::new();
    for (from, does) in actions.by.iter().filter(|(node, _)| !tools.contains(node)) {
        for (to, kind) in does.sends.iter().filter(|(to, _)| !tools.contains(to)) {
            let delivery = match known.get(&Link { from: *from, to: *to, kind: *kind }) {
                Some(Delivery::AtLeastOnce(after)) => {
                    format!("at least once: again after about {}", rounded(*after))
                }
                Some(Delivery::AtMostOnce) => "at most once".to_owned(),
                None => "only sent under faults".to_owned(),
            };
            cells.push([from.to_string(), to.to_string(), format!("`{kind}`"), delivery]);
        }
        let requests: BTreeSet<_> = does.requests.iter().map(|(_, request, _)| *request).collect();
        if !requests.is_empty() {
            let requests: Vec<String> = requests.iter().map(ToString::to_string).collect();
            let safeguards = "as its safeguards say".to_owned();
            cells.push([from.to_string(), "tools".to_owned(), requests.join(", "), safeguards]);
        }
    }
    let width = |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let [from_width, to_width, kind_width] = [width(0), width(1), width(2)];
    let row = |[from, to, kind, delivery]: &[String; 4]| {
        let row = format!("{from:from_width$} -> {to:to_width$}  {kind:kind_width$}  {delivery}");
        inert::line(&row).into_owned()
    };
    cells.iter().map(row).collect()
}
