//! Carried provenance: a fact keeps its origin, whichever agent passes it on.
//!
//! An agent that cites its informant instead of the source cannot tell a second witness from an echo. The
//! first agent, asked to confirm, cites the second, which had it from the first: both are sure, and nothing
//! stands behind them ("circular reporting"). An origin that travels with the fact (W3C PROV 2013,
//! `hadPrimarySource`) ends at a source, or is seen not to.

use crate::agent::{Fact, Origin};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;

/// The switch.
#[derive(Default)]
pub struct CarryProvenance;

impl Safeguard for CarryProvenance {
    const NAME: &'static str = "carry-provenance";
    const ABOUT: &'static str =
        "a fact keeps its origin when it is passed on, and only one that rests on a reading is used";
    const EXAMPLE: &'static str = "carry-provenance = true";
    const WITHOUT: &'static str = "an agent cites the agent that told it as its evidence";
    const PROTECTS: &'static [&'static str] = &["no-circular-provenance"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// Facts that another agent has told, as their receiver passes them on.
///
/// ```
/// use perfidy::agent::{Content, Fact};
/// use perfidy::safeguards::Safeguards;
/// use perfidy::safeguards::carry_provenance::{CarryProvenance, taken_over};
/// use perfidy_sim::Name;
///
/// let [filings, revenue, link] = ["filings", "revenue", "link-1"].map(Name::new);
/// let read = Fact::read(filings, revenue, Content::new(120_u64));
/// let told = read.told_by(link);
/// let with = Safeguards::default().with(CarryProvenance);
/// assert_eq!(taken_over(&with, &[read.clone(), told.clone()], link), [read.clone()]);
/// assert_eq!(taken_over(&Safeguards::default(), &[read], link), [told]);
/// ```
pub fn taken_over(safeguards: &Safeguards, facts: &[Fact], from: Name) -> Vec<Fact> {
    if safeguards.has::<CarryProvenance>() {
        facts.iter().filter(|fact| fact.origin == Origin::Reading).cloned().collect()
    } else {
        facts.iter().map(|fact| fact.told_by(from)).collect()
    }
}
