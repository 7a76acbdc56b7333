//! What a team promises of a share of its runs.

use super::safeguards::can_break;
use super::{Diagnostics, LONGEST, Tables, within_limit};
use crate::config::{Entry, Problem, Ratio, Shape, Span};
use crate::scenario::{Promise, ServiceLevel};
use crate::suite::Suite;
use perfidy_sim::Chance;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServiceLevelTable {
    completes_within: Option<Spanned<Span>>,
    property: Option<Spanned<String>>,
    at_least: Spanned<Ratio>,
    confidence: Option<Spanned<Ratio>>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<ServiceLevelTable>()
}

pub(super) fn read(
    tables: &Tables<'_>,
    suite: &Suite,
    waived: &BTreeMap<&'static str, String>,
    found: &mut Diagnostics,
) -> Vec<ServiceLevel> {
    let mut levels: Vec<ServiceLevel> = Vec::new();
    for entry in tables.list("service-level", found) {
        let Some(level) = found.keep(level(&entry, suite, waived)) else { continue };
        if levels.iter().any(|other| other.promise == level.promise) {
            let help = "keep one of them";
            found.add(entry.problem("two service levels are of the same promise").help(help));
        }
        levels.push(level);
    }
    levels
}

fn level(
    entry: &Entry<'_>,
    suite: &Suite,
    waived: &BTreeMap<&'static str, String>,
) -> Result<ServiceLevel, Problem> {
    let table: ServiceLevelTable = entry.read()?;
    let promise = match (&table.completes_within, &table.property) {
        (Some(within), None) => Promise::Completes { within: within_limit(within, "completes-within")? },
        (None, Some(property)) => Promise::Keeps {
            property: can_break(property, suite, waived, "no share of runs has to keep it")?,
        },
        _ => {
            let help = format!(
                "write completes-within = \"10m\" (at most {LONGEST}) or property = \"no-phantom-completion\""
            );
            return Err(entry.problem("a service level is of one promise").help(help));
        }
    };
    let usual = Chance::per_million(ServiceLevel::USUAL_CONFIDENCE_PER_MILLION).unwrap_or(Chance::ALWAYS);
    let confidence = table.confidence.as_ref().map_or(Ok(usual), confidence)?;
    Ok(ServiceLevel { promise, at_least: share(&table.at_least)?, confidence })
}

fn share(value: &Spanned<Ratio>) -> Result<Chance, Problem> {
    let Ratio(share) = *value.get_ref();
    if share == Chance::ALWAYS {
        let message = "no number of runs shows that every run keeps a promise";
        let help = "a property without a service level must hold in every run; write less than 100%";
        return Err(Problem::at(value.span(), message).help(help));
    }
    if share == Chance::NEVER {
        return Err(
            Problem::at(value.span(), "0% is what every team keeps").help("write how many, such as 99%")
        );
    }
    Ok(share)
}

fn confidence(value: &Spanned<Ratio>) -> Result<Chance, Problem> {
    let Ratio(confidence) = *value.get_ref();
    if !(500_001..1_000_000).contains(&confidence.as_per_million()) {
        let message = "`confidence` is more than 50% and less than 100%";
        return Err(Problem::at(value.span(), message).help("95% is usual"));
    }
    Ok(confidence)
}
