//! The shared store: how many replicas there are, how far they lag, and what the team's readers rely on.

use super::{Diagnostics, Tables};
use crate::agent::{Consistency, StoreService};
use crate::config::{Problem, Shape, Spread};
use crate::scenario::Scenario;
use crate::workflows::StoreConfig;
use perfidy_sim::SimSpan;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreTable {
    replicas: Option<Spanned<i64>>,
    lag: Option<Spanned<Spread>>,
    reads: Option<Spanned<String>>,
}

/// What one of these tables can be.
pub(super) fn shape() -> Shape {
    Shape::of::<StoreTable>()
}

pub(super) fn read(tables: &Tables<'_>, found: &mut Diagnostics) -> Option<StoreConfig> {
    let table: StoreTable = found.keep(tables.get("store")?.read())?;
    let most = StoreService::MAX_REPLICAS as u32;
    let replicas = table.replicas.map_or(Ok(0), |count| super::whole_number(&count, "replicas", 0..=most));
    if let (Ok(0), Some(lag)) = (&replicas, &table.lag) {
        let help = "add replicas = 3, or take `lag` out";
        found.add(Problem::at(lag.span(), "a store without replicas has no lag").help(help));
    }
    let replicas = found.keep(replicas).unwrap_or_default() as usize;
    let usual = SimSpan::from_millis(10)..=SimSpan::from_secs(2);
    let lag = table.lag.map_or(usual, |lag| lag.into_inner().0);
    let reads = table.reads.map_or(Ok(Consistency::Eventual), |word| model(&word));
    Some(StoreConfig { replicas, lag, reads: found.keep(reads).unwrap_or(Consistency::Eventual) })
}

fn model(word: &Spanned<String>) -> Result<Consistency, Problem> {
    let model = Consistency::ALL.iter().find(|model| model.name() == word.get_ref());
    model.copied().ok_or_else(|| {
        let known: Vec<&str> = Consistency::ALL.iter().map(|model| model.name()).collect();
        Problem::unknown(word.span(), "consistency model", word.get_ref(), &known)
    })
}

/// What is wrong with a store that the team does not have.
pub(super) fn unread(tables: &Tables<'_>, scenario: &Scenario) -> Option<Problem> {
    let entry = tables.get("store")?;
    let workflow = &scenario.workflow;
    if workflow.has_store(&scenario.safeguards) {
        return None;
    }
    let message = format!("the workflow `{}` has no store", workflow.name);
    Some(Problem::at(entry.key_span.clone(), message).help("take this table out"))
}
