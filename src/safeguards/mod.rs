//! Safeguards: code that keeps a team's properties when the network, the tools and the disks fail. One file
//! each.
//!
//! A safeguard is ordinary code that any agent can call, plus a switch by which a scenario turns it on or
//! off. It never uses the simulator: it works in any process that has a clock, a disk and a network.
//! [`calls`] and [`read_modify_write`] combine the safeguards of a caller and of a writer.
//!
//! A new shipped safeguard is one file and one line in [`shipped`]; one of your own is a type that is a
//! [`Safeguard`], and its [`SafeguardKind`] in your [`Suite`](crate::suite::Suite).

pub mod acknowledged_cancel;
pub mod append_only;
pub mod budgets;
pub mod calls;
pub mod cancellation;
pub mod check_arguments;
pub mod checkpoint;
pub mod checksummed_log;
pub mod cite_artifacts;
pub mod claim;
pub mod compaction;
pub mod compensate;
pub mod consistent_reads;
pub mod dead_letter;
pub mod deadline_propagation;
pub mod deadlock_detection;
pub mod election;
pub mod event_log;
pub mod fencing;
pub mod idempotency;
pub mod inbox;
pub mod intent_keys;
pub mod join;
pub mod observe;
pub mod optimistic_locking;
pub mod outbox;
pub mod paired_results;
pub mod parent_lease;
pub mod persist;
pub mod plan_commit;
pub mod read_modify_write;
pub mod reply_dedupe;
pub mod reset_between_tasks;
pub mod resume_from_results;
pub mod retry;
pub mod roles;
pub mod saga_log;
pub mod single_writer;
pub mod snapshots;
pub mod tool_dedupe;
pub mod transfer_acks;
pub mod verify;
pub mod version_check;
pub mod wait_limit;
pub mod work_scope;
pub mod write_lock;

use crate::config::{Entry, Problem, Span};
use perfidy_sim::SimSpan;
use serde::Deserialize;
use std::any::{Any, TypeId};
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A switch of a scenario.
pub trait Safeguard: Any + Send + Sync + Sized {
    /// Its name in files and reports.
    const NAME: &'static str;
    /// What it does, in one line.
    const ABOUT: &'static str;
    /// How a file turns it on.
    const EXAMPLE: &'static str;

    /// Reads its entry of `[safeguards]`; `None` if the file switches it off.
    ///
    /// # Errors
    /// A [`Problem`] at the place in the file.
    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem>;
}

/// A safeguard that is on, whatever its type.
type Switch = Arc<dyn Any + Send + Sync>;

/// Reads the entry of a safeguard.
type ReadSwitch = Arc<dyn Fn(&Entry<'_>) -> Result<Option<Switch>, Problem> + Send + Sync>;

/// A safeguard of a [`Suite`](crate::suite::Suite).
#[derive(Clone)]
pub struct SafeguardKind {
    /// Its name in files and reports.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// How a file turns it on.
    pub example: &'static str,
    /// The type whose values are its switches.
    type_id: TypeId,
    read: ReadSwitch,
}

impl SafeguardKind {
    /// The kind of the safeguards of a type.
    pub fn of<S: Safeguard>() -> Self {
        let read = |entry: &Entry<'_>| Ok(S::read(entry)?.map(|safeguard| Arc::new(safeguard) as Switch));
        let (type_id, read) = (TypeId::of::<S>(), Arc::new(read));
        Self { name: S::NAME, about: S::ABOUT, example: S::EXAMPLE, type_id, read }
    }

    /// Lets it read an entry, and ignores the result.
    pub(crate) fn ask(&self, entry: &Entry<'_>) {
        drop((self.read)(entry));
    }
}

/// The shipped safeguards, by name.
pub fn shipped() -> Vec<SafeguardKind> {
    vec![
        SafeguardKind::of::<acknowledged_cancel::AcknowledgedCancel>(),
        SafeguardKind::of::<append_only::AppendOnly>(),
        SafeguardKind::of::<budgets::Budgets>(),
        SafeguardKind::of::<cancellation::Cancellation>(),
        SafeguardKind::of::<check_arguments::CheckArguments>(),
        SafeguardKind::of::<checkpoint::Checkpoint>(),
        SafeguardKind::of::<checksummed_log::ChecksummedLog>(),
        SafeguardKind::of::<cite_artifacts::CiteArtifacts>(),
        SafeguardKind::of::<claim::ClaimByLease>(),
        SafeguardKind::of::<compaction::Compaction>(),
        SafeguardKind::of::<compensate::Compensate>(),
        SafeguardKind::of::<consistent_reads::ConsistentReads>(),
        SafeguardKind::of::<dead_letter::DeadLetter>(),
        SafeguardKind::of::<deadline_propagation::DeadlinePropagation>(),
        SafeguardKind::of::<deadlock_detection::DeadlockDetection>(),
        SafeguardKind::of::<election::Election>(),
        SafeguardKind::of::<event_log::EventLog>(),
        SafeguardKind::of::<fencing::FencingTokens>(),
        SafeguardKind::of::<idempotency::IdempotencyKeys>(),
        SafeguardKind::of::<inbox::InboxDedupe>(),
        SafeguardKind::of::<intent_keys::IntentKeys>(),
        SafeguardKind::of::<join::Join>(),
        SafeguardKind::of::<write_lock::LockWholeCycle>(),
        SafeguardKind::of::<observe::ObserveBeforeRetry>(),
        SafeguardKind::of::<optimistic_locking::OptimisticLocking>(),
        SafeguardKind::of::<outbox::DurableOutbox>(),
        SafeguardKind::of::<paired_results::PairedResults>(),
        SafeguardKind::of::<parent_lease::ParentLease>(),
        SafeguardKind::of::<persist::PersistBeforeCall>(),
        SafeguardKind::of::<plan_commit::PlanCommit>(),
        SafeguardKind::of::<reply_dedupe::ReplyDedupe>(),
        SafeguardKind::of::<reset_between_tasks::ResetBetweenTasks>(),
        SafeguardKind::of::<resume_from_results::ResumeFromResults>(),
        SafeguardKind::of::<retry::Retry>(),
        SafeguardKind::of::<roles::Roles>(),
        SafeguardKind::of::<saga_log::SagaLog>(),
        SafeguardKind::of::<single_writer::SingleWriter>(),
        SafeguardKind::of::<snapshots::Snapshots>(),
        SafeguardKind::of::<tool_dedupe::ToolDedupe>(),
        SafeguardKind::of::<transfer_acks::TransferAcks>(),
        SafeguardKind::of::<verify::Verify>(),
        SafeguardKind::of::<version_check::VersionCheck>(),
        SafeguardKind::of::<wait_limit::WaitLimit>(),
        SafeguardKind::of::<write_lock::WriteLock>(),
    ]
}

/// A safeguard that is on.
#[derive(Clone)]
struct Enabled {
    name: &'static str,
    type_id: TypeId,
    switch: Switch,
}

/// The safeguards that are on.
///
/// Agents ask for them at nearly every step, so they stand in one row, by name, each with its type: to find
/// one is to compare a few numbers.
#[derive(Clone, Default)]
pub struct Safeguards(Arc<Vec<Enabled>>);

impl Safeguards {
    /// Turns a safeguard on or off, as its entry says.
    ///
    /// # Errors
    /// A [`Problem`] if the entry is not valid for the safeguard.
    pub fn read(&mut self, kind: &SafeguardKind, entry: &Entry<'_>) -> Result<(), Problem> {
        let switch = (kind.read)(entry)?;
        self.take(kind.name);
        if let Some(switch) = switch {
            self.enable(Enabled { name: kind.name, type_id: kind.type_id, switch });
        }
        Ok(())
    }

    /// The same with one more on, for an agent that is not part of a scenario.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::idempotency::IdempotencyKeys;
    /// let safeguards = Safeguards::default().with(IdempotencyKeys);
    /// assert!(safeguards.has::<IdempotencyKeys>());
    /// ```
    #[must_use]
    pub fn with<S: Safeguard>(mut self, safeguard: S) -> Self {
        self.take(S::NAME);
        self.enable(Enabled { name: S::NAME, type_id: TypeId::of::<S>(), switch: Arc::new(safeguard) });
        self
    }

    fn enable(&mut self, enabled: Enabled) {
        let all = Arc::make_mut(&mut self.0);
        let place = all.partition_point(|other| other.name < enabled.name);
        all.insert(place, enabled);
    }

    /// Takes one away, if it is on.
    fn take(&mut self, name: &str) -> Option<Enabled> {
        let place = self.0.iter().position(|enabled| enabled.name == name)?;
        Some(Arc::make_mut(&mut self.0).remove(place))
    }

    /// The safeguard of that type, if it is on.
    pub fn get<S: Safeguard>(&self) -> Option<&S> {
        let enabled = self.0.iter().find(|enabled| enabled.type_id == TypeId::of::<S>())?;
        enabled.switch.downcast_ref()
    }

    /// Whether the safeguard of that type is on.
    pub fn has<S: Safeguard>(&self) -> bool {
        self.get::<S>().is_some()
    }

    /// The names of those that are on.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|enabled| enabled.name)
    }

    /// Removes one.
    ///
    /// # Panics
    /// If it is not on: otherwise a test without it would silently keep it.
    pub fn remove(&mut self, name: &str) {
        let removed = self.take(name);
        assert!(removed.is_some(), "the safeguard `{name}` is not on, so it cannot be taken away");
    }
}

impl fmt::Debug for Safeguards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// How long most leases can be.
const LEASES: RangeInclusive<SimSpan> = SimSpan::from_millis(100)..=SimSpan::from_secs(3_600);

/// Reads the length of a lease: `{ lease = "10s" }`.
pub(crate) fn lease(entry: &Entry<'_>, possible: &RangeInclusive<SimSpan>) -> Result<SimSpan, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Keys {
        lease: Span,
    }
    let Keys { lease: Span(lease) } = entry.read()?;
    if possible.contains(&lease) {
        return Ok(lease);
    }
    let (shortest, longest) = (possible.start(), possible.end());
    Err(entry.problem(format!("a lease of {lease} makes no sense; it can be {shortest} to {longest}")))
}

/// Reads a plain switch: `true` or `false`.
pub(crate) fn switch<S: Default>(entry: &Entry<'_>) -> Result<Option<S>, Problem> {
    Ok(entry.read::<bool>()?.then(S::default))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_safeguard_is_listed_once_and_in_order() {
        let names: Vec<&str> = super::shipped().iter().map(|kind| kind.name).collect();
        assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    }
}
