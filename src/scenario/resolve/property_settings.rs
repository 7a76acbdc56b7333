//! What `[properties]` says: which properties that are waived, and how far others may go.

use super::{Diagnostics, Tables, whole_number, within_limit};
use crate::config::Entry;
use crate::config::{Problem, Span};
use crate::properties::{AtMost, Bound, Property};
use crate::scenario::Without;
use crate::suite::Suite;
use crate::workflows::Workflow;
use std::collections::BTreeMap;
use toml::Spanned;

/// What `[properties]` comes to.
#[derive(Default)]
pub(super) struct PropertySettings {
    pub waived: BTreeMap<&'static str, String>,
    /// What is named and not waived.
    pub judged: Vec<&'static str>,
    tightened: BTreeMap<&'static str, AtMost>,
}

pub(super) fn read(tables: &Tables<'_>, suite: &Suite, found: &mut Diagnostics) -> PropertySettings {
    let mut settings = PropertySettings::default();
    for entry in tables.open("properties", found) {
        let Some(property) = suite.find_property(entry.name) else {
            found.add(Problem::unknown(entry.key_span, "property", entry.name, &suite.property_names()));
            continue;
        };
        let keys = found.keep(entry.entries().map_err(|problem| problem.help(how_to_ask(property))));
        let keys = keys.unwrap_or_default();
        if keys.iter().all(|key| key.name != "waive") {
            settings.judged.push(property.name);
        }
        for key in keys {
            match property.bound {
                _ if key.name == "waive" => {
                    settings
                        .waived
                        .extend(found.keep(waived(property, &key)).map(|why| (property.name, why)));
                }
                Some(bound) if key.name == bound.key => {
                    let at_most = found.keep(at_most(&bound, &key));
                    settings.tightened.extend(at_most.map(|at_most| (property.name, at_most)));
                }
                bound => {
                    let known: Vec<&str> =
                        ["waive"].into_iter().chain(bound.map(|bound| bound.key)).collect();
                    found.add(Problem::unknown(key.key_span, "key", key.name, &known));
                }
            }
        }
    }
    settings
}

/// What a file can say of a property, for one that says something else.
fn how_to_ask(property: &Property) -> String {
    let name = property.name;
    let bound = property.bound.map(|bound| format!("{name} = {{ {} = ... }} or ", bound.key));
    let bound = bound.unwrap_or_default();
    format!("every property is judged in any case; write {bound}{name} = {{ waive = \"why\" }}")
}

fn waived(property: &Property, entry: &Entry<'_>) -> Result<String, Problem> {
    let why: String = entry.read()?;
    if why.trim().is_empty() {
        let message = format!("nothing says why `{}` is waived", property.name);
        return Err(entry.problem(message).help("write the reason in the quotes"));
    }
    Ok(why)
}

fn at_most(bound: &Bound, entry: &Entry<'_>) -> Result<AtMost, Problem> {
    Ok(match bound.usual {
        AtMost::Span(_) => AtMost::Span(within_limit(&entry.read::<Spanned<Span>>()?, bound.key)?),
        AtMost::Count(usual) => {
            // None at all is a bound where that is the default.
            let least = u32::from(usual > 0);
            AtMost::Count(whole_number(&entry.read::<Spanned<i64>>()?, bound.key, least..=1_000_000)?.into())
        }
    })
}

impl PropertySettings {
    /// The bounds of the properties that the file tightens, that the workflow is about, or that a case
    /// breaks. What the file does not say is the default for a task of so many steps.
    pub fn bounds(
        &self,
        suite: &Suite,
        (workflow, steps): (&Workflow, usize),
        without: &[Without],
    ) -> BTreeMap<&'static str, AtMost> {
        let concerned =
            workflow.properties.iter().copied().chain(without.iter().flat_map(|case| case.violates.clone()));
        let usual =
            concerned.filter_map(|name| Some((name, suite.find_property(name)?.bound?.usual_for(steps))));
        let mut bounds: BTreeMap<_, _> = usual.collect();
        bounds.extend(&self.tightened);
        bounds
    }
}
