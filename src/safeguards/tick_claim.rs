//! Tick claims: of several firings of one tick, the first that is committed to the store counts.
//!
//! Two schedulers can both fire a tick, and a queue delivers a message again while the first delivery is
//! worked on. Each firing would begin a run under an id of its own, and no tool could tell that both are the
//! same work. So a runner first writes the id of its run into the record of the tick, if there is none
//! (compare-and-set), and otherwise goes on with the run that stands there. The record also says how the run
//! ended, so a tick that is fired again begins nothing.
//!
//! ```
//! use perfidy::agent::{Agent, OpId, StoreError};
//! use perfidy::safeguards::Safeguards;
//! use perfidy::safeguards::tick_claim::claim;
//! use perfidy_sim::Name;
//!
//! /// The id under which the run of a tick calls its tools, whichever scheduler has fired it.
//! async fn run_of(agent: &Agent, on: &Safeguards, tick: Name, mine: OpId) -> Result<OpId, StoreError> {
//!     Ok(claim(agent, on, tick, mine).await?.run)
//! }
//! ```

use crate::agent::{Agent, Change, Freshness, ItemEntry, Message, OpId, Snapshot, StoreError};
use crate::config::{Entry, Problem};
use crate::safeguards::append_only::append;
use crate::safeguards::{Safeguard, Safeguards, switch};
use perfidy_sim::Name;
use serde::{Deserialize, Serialize};

/// The switch.
#[derive(Default)]
pub struct TickClaim;

impl Safeguard for TickClaim {
    const NAME: &'static str = "tick-claim";
    const ABOUT: &'static str =
        "the first firing of a tick that is committed to the store counts; others go on with its run";
    const EXAMPLE: &'static str = "tick-claim = true";
    const WITHOUT: &'static str = "every firing of a tick begins a run of its own";
    const PROTECTS: &'static [&'static str] = &["no-duplicate-effects", "one-firing-per-tick"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The store entry of a tick that was fired.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Fired {
    run: OpId,
}

impl Message for Fired {
    fn kind(&self) -> &'static str {
        "fired"
    }
}

/// The store entry of a tick whose run is over.
#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Ended {
    is_done: bool,
}

impl Message for Ended {
    fn kind(&self) -> &'static str {
        "run ended"
    }
}

/// The run of a tick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TickRun {
    /// Its id.
    pub run: OpId,
    /// Whether its work is done, if it is over.
    pub ended: Option<bool>,
}

/// The run of a tick: the one that stands in the store; if there is none, `mine`, which then stands there.
/// Without the switch it is always `mine`.
///
/// # Errors
/// [`StoreError`] if the store does not answer. A retry is safe.
pub async fn claim(
    agent: &Agent,
    safeguards: &Safeguards,
    tick: Name,
    mine: OpId,
) -> Result<TickRun, StoreError> {
    let my_run = TickRun { run: mine, ended: None };
    if !safeguards.has::<TickClaim>() {
        return Ok(my_run);
    }
    let item = record_of(tick);
    let found = agent.store().read(item, Freshness::Latest).await?;
    if let Some(run) = run_in(&found) {
        return Ok(run);
    }
    let entries = [ItemEntry::new(tick, Fired { run: mine })].into();
    let change = Change::ReplaceAt { version: found.stamp.version, entries };
    let op = agent.new_operation_id(item);
    match agent.store().commit_with_retry(item, change, op).await {
        Ok(_) => Ok(my_run),
        Err(refused @ StoreError::Definite(_)) => {
            let theirs = agent.store().read(item, Freshness::Latest).await?;
            run_in(&theirs).ok_or(refused)
        }
        Err(unclear) => Err(unclear),
    }
}

/// Records how the run of a tick ended. If the store does not answer, the next firing finds the tick open,
/// and goes on with the same run.
pub async fn end(agent: &Agent, safeguards: &Safeguards, tick: Name, is_done: bool) {
    if safeguards.has::<TickClaim>() {
        let item = record_of(tick);
        let op = agent.new_operation_id(item);
        let _ = append(agent.store(), item, ItemEntry::new(item, Ended { is_done }), op).await;
    }
}

fn record_of(tick: Name) -> Name {
    Name::joined(Name::literal("firing of"), " ", tick)
}

fn run_in(snapshot: &Snapshot) -> Option<TickRun> {
    let entries = snapshot.entries.all();
    let run = entries.iter().find_map(|entry| entry.body.open::<Fired>())?.run;
    let ended = entries.iter().find_map(|entry| entry.body.open::<Ended>()).map(|ended| ended.is_done);
    Some(TickRun { run, ended })
}
