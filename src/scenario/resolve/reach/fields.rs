//! Rejects fields that nothing has which a fault would alter.

use super::{Reach, some_of};
use crate::agent::Request;
use crate::config::problem::listed;
use crate::config::{Problem, nearest};
use crate::faults::targets::Word;
use perfidy_sim::{Name, Rule, Selector};
use std::collections::BTreeSet;

impl Reach<'_> {
    /// A field that no answer of these tools to these operations has.
    pub(super) fn no_such_field_of_answers(&mut self, name: &Word, rules: &[Rule]) -> Problem {
        let actions = self.learner.all();
        let is_meant = |tool: Name, operation: Name| {
            rules.iter().any(|rule| {
                let ways = Request::ALL.map(|request| request.of(operation));
                rule.from.covers(tool) && ways.iter().any(|what| rule.what.covers(*what))
            })
        };
        let meant = actions.answers.iter().filter(|((tool, operation), _)| is_meant(*tool, *operation));
        let known: BTreeSet<&str> =
            meant.flat_map(|(_, fields)| fields).map(|field| field.as_str()).collect();
        let known = Vec::from_iter(known);
        let field = name.get_ref();
        let message = format!("no answer of {} has the field `{field}`", listed(&self.tools_of(rules)));
        let help = match (nearest(field, &known), known.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => "nothing is answered there".to_owned(),
            (None, known) => format!("they have {}", listed(known)),
        };
        Problem::at(name.span(), message).help(help)
    }

    /// A field that none of these messages has. `None` if one has it, or if none of them was ever sent, which
    /// is what is wrong then.
    pub(super) fn no_such_field_of_messages(&mut self, name: &Word, rules: &[Rule]) -> Option<Problem> {
        let field = Name::new(name.get_ref());
        let known = self.learner.fields_until(rules, field);
        if known.is_empty() || known.contains(&field) {
            return None;
        }
        let known: Vec<&str> = known.iter().map(|field| field.as_str()).collect();
        let kinds: BTreeSet<&str> = rules.iter().flat_map(|rule| names(&rule.what)).collect();
        let senders: BTreeSet<&str> = rules.iter().flat_map(|rule| names(&rule.from)).collect();
        let message = match (Vec::from_iter(kinds), Vec::from_iter(senders)) {
            (kinds, _) if !kinds.is_empty() => {
                format!("no message {} has the field `{field}`", listed(&kinds))
            }
            (_, senders) if !senders.is_empty() => {
                format!("no message of {} has the field `{field}`", listed(&senders))
            }
            _ => format!("no message has the field `{field}`"),
        };
        let help = match nearest(field.as_str(), &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", some_of(&known)),
        };
        Some(Problem::at(name.span(), message).help(help))
    }
}

/// The names of a selector; none if it is of anything.
fn names(selector: &Selector) -> Vec<&'static str> {
    match selector {
        Selector::Any => Vec::new(),
        Selector::Of(names) => names.iter().map(|name| name.as_str()).collect(),
    }
}
