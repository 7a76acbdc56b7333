//! Safeguards: code that keeps a team's properties when the network, the tools and the disks fail. One file
//! each.
//!
//! A safeguard is ordinary code that any agent can call, plus a switch by which a scenario turns it on or
//! off. It never uses the simulator: it works in any process that has a clock, a disk and a network.
//! [`calls`] and [`read_modify_write`] combine the safeguards of a caller and of a writer.
//!
//! Some protections are so common that they are [`BuiltIn`]: they are on unless a scenario takes them away,
//! so that a team without one can be shown too.
//!
//! A new shipped safeguard is one file and one line in [`shipped`]; one of your own is a type that is a
//! [`Safeguard`], and its [`SafeguardKind`] in your [`Suite`](crate::suite::Suite).

pub mod acknowledged_cancel;
pub mod append_only;
pub mod approval_binding;
pub mod approval_gate;
pub mod bounded_queue;
pub mod budgets;
pub mod call_timeout;
pub mod calls;
pub mod cancellation;
pub mod capability_check;
pub mod carry_provenance;
pub mod carry_request;
pub mod catch_up;
pub mod check_arguments;
pub mod checkpoint;
pub mod checksummed_log;
pub mod circuit_breaker;
pub mod cite_artifacts;
pub mod claim;
pub mod compaction;
pub mod compensate;
pub mod consistent_reads;
pub mod contract_check;
pub mod cooperative_termination;
pub mod dead_letter;
pub mod deadline_propagation;
pub mod deadlock_detection;
pub mod drain;
pub mod durable_approvals;
pub mod durable_decision;
pub mod durable_vote;
pub mod effect_permissions;
pub mod election;
pub mod end_to_end_check;
pub mod event_log;
pub mod fact_check;
pub mod fan_out_cap;
pub mod fencing;
pub mod file_ownership;
pub mod give_up_after;
pub mod guardrail;
pub mod idempotency;
pub mod inbox;
pub mod intent_keys;
pub mod isolation;
pub mod join;
pub mod journal_fencing;
#[doc(hidden)]
pub mod known_defect;
pub mod lease_check;
pub mod logical_clocks;
pub mod merge_queue;
pub mod observe;
pub mod optimistic_locking;
pub mod order_expiry;
pub mod outbox;
pub mod paired_results;
pub mod parent_lease;
pub mod payload_limit;
pub mod persist;
pub mod plan_commit;
pub mod read_modify_write;
pub mod reply_correlation;
pub mod reply_dedupe;
pub mod resend_orders;
pub mod reset_between_tasks;
pub mod resume_from_results;
pub mod retry;
pub mod retry_after;
pub mod retry_backoff;
pub mod retry_budget;
pub mod retry_writes;
pub mod roles;
pub mod route_check;
pub mod run_retry;
pub mod saga_log;
pub mod setup;
pub mod single_writer;
pub mod snapshots;
pub mod tick_claim;
pub mod tool_dedupe;
pub mod tool_retry;
pub mod traced_calls;
pub mod transfer_acks;
pub mod verify;
pub mod version_check;
pub mod voting_quorum;
pub mod wait_limit;
pub mod work_scope;
pub mod write_lock;

use crate::config::{Entry, Problem, Span};
use crate::safeguards::setup::{Missing, Setup};
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
    /// What a team does without it, in one line: `a call is made once; its error is the outcome`.
    const WITHOUT: &'static str = "";
    /// The other safeguards and the settings without which it has no effect, if there are any.
    const NEEDS: &'static str = "";
    /// The properties that can break without it. They stand here, beside the code that keeps them, because a
    /// failure is explained where no scenario files are; for the shipped safeguards a test compares them with
    /// the `[[without]]` cases of the shipped scenarios, in both directions.
    const PROTECTS: &'static [&'static str] = &[];

    /// Reads its entry of `[safeguards]`; `None` if the file switches it off.
    ///
    /// # Errors
    /// A [`Problem`] at the place in the file.
    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem>;

    /// What [it needs](Self::NEEDS) and a scenario does not have, so that it has no effect there.
    fn missing(&self, _setup: &Setup<'_>) -> Option<Missing> {
        None
    }
}

/// A safeguard that is on unless a scenario takes it away: protections without which hardly any real client
/// is built, such as a timeout. A file can name it to give it another value, or to switch it off.
pub trait BuiltIn: Safeguard + Clone {
    /// What it is where no file says otherwise.
    const USUAL: Self;
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
    /// What a team does without it, in one line; empty if it does not say.
    pub without: &'static str,
    /// Without what it has no effect; empty if it needs nothing.
    pub needs: &'static str,
    /// The properties that can break without it.
    pub protects: &'static [&'static str],
    /// Whether it is on where no file says otherwise.
    pub is_built_in: bool,
    /// The type whose values are its switches.
    type_id: TypeId,
    read: ReadSwitch,
    /// What one that is on needs and does not have.
    missing: fn(&Safeguards, &Setup<'_>) -> Option<Missing>,
}

impl SafeguardKind {
    /// The kind of the safeguards of a type.
    pub fn of<S: Safeguard>() -> Self {
        let read = |entry: &Entry<'_>| Ok(S::read(entry)?.map(|safeguard| Arc::new(safeguard) as Switch));
        let (type_id, read) = (TypeId::of::<S>(), Arc::new(read));
        Self {
            name: S::NAME,
            about: S::ABOUT,
            example: S::EXAMPLE,
            without: S::WITHOUT,
            needs: S::NEEDS,
            protects: S::PROTECTS,
            is_built_in: false,
            type_id,
            read,
            missing: |on, setup| on.get::<S>()?.missing(setup),
        }
    }

    /// The same for a type that is built in.
    pub fn built_in<S: BuiltIn>() -> Self {
        Self { is_built_in: true, ..Self::of::<S>() }
    }

    /// What it needs and a scenario that turns it on does not have.
    pub(crate) fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        (self.missing)(setup.on, setup)
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
        SafeguardKind::of::<approval_binding::ApprovalBinding>(),
        SafeguardKind::of::<approval_gate::ApprovalGate>(),
        SafeguardKind::of::<bounded_queue::BoundedQueue>(),
        SafeguardKind::of::<budgets::Budgets>(),
        SafeguardKind::built_in::<call_timeout::CallTimeout>(),
        SafeguardKind::of::<cancellation::Cancellation>(),
        SafeguardKind::of::<capability_check::CapabilityCheck>(),
        SafeguardKind::of::<carry_provenance::CarryProvenance>(),
        SafeguardKind::of::<carry_request::CarryRequest>(),
        SafeguardKind::of::<catch_up::CatchUp>(),
        SafeguardKind::of::<check_arguments::CheckArguments>(),
        SafeguardKind::of::<checkpoint::Checkpoint>(),
        SafeguardKind::of::<checksummed_log::ChecksummedLog>(),
        SafeguardKind::of::<circuit_breaker::CircuitBreaker>(),
        SafeguardKind::of::<cite_artifacts::CiteArtifacts>(),
        SafeguardKind::of::<claim::ClaimByLease>(),
        SafeguardKind::of::<compaction::Compaction>(),
        SafeguardKind::of::<compensate::Compensate>(),
        SafeguardKind::of::<consistent_reads::ConsistentReads>(),
        SafeguardKind::of::<contract_check::ContractCheck>(),
        SafeguardKind::of::<cooperative_termination::CooperativeTermination>(),
        SafeguardKind::of::<dead_letter::DeadLetter>(),
        SafeguardKind::of::<deadline_propagation::DeadlinePropagation>(),
        SafeguardKind::of::<deadlock_detection::DeadlockDetection>(),
        SafeguardKind::of::<drain::DrainOnShutdown>(),
        SafeguardKind::of::<durable_approvals::DurableApprovals>(),
        SafeguardKind::of::<durable_decision::DurableDecision>(),
        SafeguardKind::of::<durable_vote::DurableVote>(),
        SafeguardKind::built_in::<effect_permissions::EffectPermissions>(),
        SafeguardKind::of::<election::Election>(),
        SafeguardKind::of::<end_to_end_check::EndToEndCheck>(),
        SafeguardKind::of::<event_log::EventLog>(),
        SafeguardKind::of::<fact_check::FactCheck>(),
        SafeguardKind::built_in::<fan_out_cap::FanOutCap>(),
        SafeguardKind::of::<fencing::FencingTokens>(),
        SafeguardKind::of::<file_ownership::FileOwnership>(),
        SafeguardKind::built_in::<give_up_after::GiveUpAfter>(),
        SafeguardKind::of::<guardrail::Guardrail>(),
        SafeguardKind::of::<idempotency::IdempotencyKeys>(),
        SafeguardKind::of::<inbox::InboxDedupe>(),
        SafeguardKind::of::<intent_keys::IntentKeys>(),
        SafeguardKind::built_in::<isolation::IsolatedSteps>(),
        SafeguardKind::of::<join::Join>(),
        SafeguardKind::of::<journal_fencing::JournalFencing>(),
        SafeguardKind::built_in::<lease_check::LeaseCheck>(),
        SafeguardKind::of::<write_lock::LockWholeCycle>(),
        SafeguardKind::of::<logical_clocks::LogicalClocks>(),
        SafeguardKind::of::<merge_queue::MergeQueue>(),
        SafeguardKind::of::<observe::ObserveBeforeRetry>(),
        SafeguardKind::of::<optimistic_locking::OptimisticLocking>(),
        SafeguardKind::of::<order_expiry::OrderExpiry>(),
        SafeguardKind::of::<outbox::DurableOutbox>(),
        SafeguardKind::of::<paired_results::PairedResults>(),
        SafeguardKind::of::<parent_lease::ParentLease>(),
        SafeguardKind::of::<payload_limit::PayloadLimit>(),
        SafeguardKind::of::<persist::PersistBeforeCall>(),
        SafeguardKind::of::<plan_commit::PlanCommit>(),
        SafeguardKind::built_in::<reply_correlation::ReplyCorrelation>(),
        SafeguardKind::of::<reply_dedupe::ReplyDedupe>(),
        SafeguardKind::built_in::<resend_orders::ResendOrders>(),
        SafeguardKind::of::<reset_between_tasks::ResetBetweenTasks>(),
        SafeguardKind::of::<resume_from_results::ResumeFromResults>(),
        SafeguardKind::of::<retry::Retry>(),
        SafeguardKind::built_in::<retry_after::RetryAfter>(),
        SafeguardKind::built_in::<retry_backoff::RetryBackoff>(),
        SafeguardKind::of::<retry_budget::RetryBudget>(),
        SafeguardKind::built_in::<retry_writes::RetryWrites>(),
        SafeguardKind::of::<roles::Roles>(),
        SafeguardKind::of::<route_check::RouteCheck>(),
        SafeguardKind::built_in::<run_retry::RunRetry>(),
        SafeguardKind::of::<saga_log::SagaLog>(),
        SafeguardKind::of::<single_writer::SingleWriter>(),
        SafeguardKind::of::<snapshots::Snapshots>(),
        SafeguardKind::of::<tick_claim::TickClaim>(),
        SafeguardKind::of::<tool_dedupe::ToolDedupe>(),
        SafeguardKind::of::<tool_retry::ToolRetry>(),
        SafeguardKind::of::<traced_calls::TracedCalls>(),
        SafeguardKind::of::<transfer_acks::TransferAcks>(),
        SafeguardKind::of::<verify::Verify>(),
        SafeguardKind::of::<version_check::VersionCheck>(),
        SafeguardKind::of::<voting_quorum::VotingQuorum>(),
        SafeguardKind::of::<wait_limit::WaitLimit>(),
        SafeguardKind::of::<write_lock::WriteLock>(),
    ]
}

/// How a scenario has set a safeguard.
#[derive(Clone)]
struct Setting {
    name: &'static str,
    type_id: TypeId,
    /// `None` for one that is built in and taken away.
    switch: Option<Switch>,
}

/// The safeguards that are on.
///
/// Agents ask for them at nearly every step, so they stand in one row, by name, each with its type: to find
/// one is to compare a few numbers. Those that are [`BuiltIn`] stand there only if a scenario names them.
#[derive(Clone, Default)]
pub struct Safeguards(Arc<Vec<Setting>>);

impl Safeguards {
    /// Turns a safeguard on or off, as its entry says.
    ///
    /// # Errors
    /// A [`Problem`] if the entry is not valid for the safeguard.
    pub fn read(&mut self, kind: &SafeguardKind, entry: &Entry<'_>) -> Result<(), Problem> {
        let is_off = kind.is_built_in && entry.is_off();
        let switch = if is_off { None } else { (kind.read)(entry)? };
        self.take(kind.name);
        if switch.is_some() || kind.is_built_in {
            self.set(Setting { name: kind.name, type_id: kind.type_id, switch });
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
        self.set(Setting { name: S::NAME, type_id: TypeId::of::<S>(), switch: Some(Arc::new(safeguard)) });
        self
    }

    fn set(&mut self, setting: Setting) {
        let all = Arc::make_mut(&mut self.0);
        let place = all.partition_point(|other| other.name < setting.name);
        all.insert(place, setting);
    }

    /// Takes a setting out, if there is one.
    fn take(&mut self, name: &str) -> Option<Setting> {
        let place = self.0.iter().position(|setting| setting.name == name)?;
        Some(Arc::make_mut(&mut self.0).remove(place))
    }

    fn setting_of<S: Safeguard>(&self) -> Option<&Setting> {
        self.0.iter().find(|setting| setting.type_id == TypeId::of::<S>())
    }

    /// The safeguard of that type, if it is on. One that is [`BuiltIn`] counts only if a scenario names it.
    pub fn get<S: Safeguard>(&self) -> Option<&S> {
        self.setting_of::<S>()?.switch.as_ref()?.downcast_ref()
    }

    /// Whether the safeguard of that type is on.
    pub fn has<S: Safeguard>(&self) -> bool {
        self.get::<S>().is_some()
    }

    /// The safeguard of that type, which is built in; `None` if it is taken away.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::call_timeout::CallTimeout;
    /// use perfidy_sim::SimSpan;
    /// let usual = Safeguards::default().built_in::<CallTimeout>();
    /// assert_eq!(usual, Some(CallTimeout(SimSpan::from_secs(5))));
    /// ```
    pub fn built_in<S: BuiltIn>(&self) -> Option<S> {
        match self.setting_of::<S>() {
            None => Some(S::USUAL),
            Some(setting) => setting.switch.as_ref()?.downcast_ref().cloned(),
        }
    }

    /// Whether the safeguard of that type, which is built in, is taken away.
    pub fn lacks<S: BuiltIn>(&self) -> bool {
        self.setting_of::<S>().is_some_and(|setting| setting.switch.is_none())
    }

    /// The names of those that are on, without those that are built in and that no scenario names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter(|setting| setting.switch.is_some()).map(|setting| setting.name)
    }

    /// Whether one of that kind is on.
    pub fn is_on(&self, kind: &SafeguardKind) -> bool {
        let setting = self.0.iter().find(|setting| setting.name == kind.name);
        setting.map_or(kind.is_built_in, |setting| setting.switch.is_some())
    }

    /// Removes one.
    ///
    /// # Panics
    /// If it is not on: otherwise a test without it would silently keep it.
    pub fn remove(&mut self, kind: &SafeguardKind) {
        let name = kind.name;
        assert!(self.is_on(kind), "the safeguard `{name}` is not on, so it cannot be taken away");
        self.take(name);
        if kind.is_built_in {
            self.set(Setting { name, type_id: kind.type_id, switch: None });
        }
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

/// Reads a length of time, or `"none"` for a protection that is taken away.
pub(crate) fn span_or_none(
    entry: &Entry<'_>,
    possible: &RangeInclusive<SimSpan>,
) -> Result<Option<SimSpan>, Problem> {
    let text: String = entry.read()?;
    if text == "none" {
        return Ok(None);
    }
    let Span(span) = text.parse().map_err(|not| entry.problem(format!("{not}")))?;
    if possible.contains(&span) {
        return Ok(Some(span));
    }
    let (shortest, longest) = (possible.start(), possible.end());
    Err(entry.problem(format!("{span} makes no sense here; it can be {shortest} to {longest}, or \"none\"")))
}

/// Reads a plain switch: `true` or `false`.
pub(crate) fn switch<S: Default>(entry: &Entry<'_>) -> Result<Option<S>, Problem> {
    Ok(entry.read::<bool>()?.then(S::default))
}

#[cfg(test)]
mod tests;
