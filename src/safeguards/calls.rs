//! Calls of tools: the safeguards of a caller and of a reader, put together.
//!
//! Each safeguard covers a gap of the others: the [key](super::idempotency) lets a tool recognise a
//! repetition, [observing](super::observe) covers a tool that cannot, [retrying](super::retry) covers lost
//! messages. A [`CallPolicy`] says which of them a caller uses; the team of a scenario takes them from its
//! switches.
//!
//! A read changes nothing, so a reader only has to check the answer: one that is about something else, cut
//! short or too old does not count, and the reader asks again.
//!
//! ```
//! use perfidy::agent::{Agent, Confirmation, OpId, Operation, ToolError};
//! use perfidy::safeguards::calls::{CallPolicy, call_with_retry};
//! use perfidy::safeguards::retry::Retry;
//! use perfidy_sim::SimSpan;
//!
//! /// Pays once, although the acknowledgement may be lost.
//! async fn pay(agent: &Agent, payment: &Operation, op: OpId) -> Result<Confirmation, ToolError> {
//!     let retry = Retry { attempts: 4, backoff: SimSpan::from_secs(1)..=SimSpan::from_secs(30) };
//!     let policy = CallPolicy { sends_key: true, retry: Some(retry), ..CallPolicy::default() };
//!     call_with_retry(agent, &policy, payment, op, false).await
//! }
//! ```

use crate::agent::{Agent, Confirmation, Indefinite, OpId, Operation, ReadResult, ToolCall, ToolError};
use crate::safeguards::call_timeout::CallTimeout;
use crate::safeguards::capability_check::{Capabilities, CapabilityCheck};
use crate::safeguards::circuit_breaker::{CircuitBreaker, Circuits};
use crate::safeguards::idempotency::{self, IdempotencyKeys};
use crate::safeguards::observe::{ObserveBeforeRetry, call_unless_done};
use crate::safeguards::retry::{Retry, with_retry, with_retry_while};
use crate::safeguards::retry_budget::{RetryBudget, UsedRetries};
use crate::safeguards::snapshots::Snapshots;
use crate::safeguards::tool_retry::ToolRetry;
use crate::safeguards::{BuiltIn, Safeguards};
use crate::tools::Document;
use perfidy_sim::{Name, SimSpan};
use std::rc::Rc;

/// How long a caller waits for a tool where no scenario says otherwise.
pub const CALL_TIMEOUT: SimSpan = <CallTimeout as BuiltIn>::USUAL.0;

/// Which safeguards a caller uses. By default none but a timeout: one call, without a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallPolicy {
    /// How long it waits for a reply.
    pub timeout: SimSpan,
    /// Whether calls carry the id of their operation as an idempotency key.
    pub sends_key: bool,
    /// Whether the caller looks an operation up before it retries after an unclear outcome.
    pub looks_before_retry: bool,
    /// How often it tries.
    pub retry: Option<Retry>,
    /// How often it tries to call some tools, if that is another matter.
    pub tool_retry: Option<ToolRetry>,
}

impl Default for CallPolicy {
    fn default() -> Self {
        Self {
            timeout: CALL_TIMEOUT,
            sends_key: false,
            looks_before_retry: false,
            retry: None,
            tool_retry: None,
        }
    }
}

impl CallPolicy {
    /// The policy of a scenario's switches.
    pub fn of(safeguards: &Safeguards) -> Self {
        Self {
            timeout: CallTimeout::of(safeguards),
            sends_key: safeguards.has::<IdempotencyKeys>(),
            looks_before_retry: safeguards.has::<ObserveBeforeRetry>(),
            retry: Retry::of(safeguards),
            tool_retry: ToolRetry::of(safeguards),
        }
    }

    fn retry_of(&self, tool: Name) -> Option<&Retry> {
        let own = self.tool_retry.as_ref().filter(|own| own.tools.contains(&tool));
        own.map(|own| &own.retry).or(self.retry.as_ref())
    }
}

/// What all calls of one agent share, whichever task they belong to. Clones share it. By default nothing:
/// each call is on its own.
#[derive(Clone, Default, Debug)]
pub struct CallLimits {
    circuits: Option<Rc<Circuits>>,
    capabilities: Option<Rc<Capabilities>>,
    retries: Option<Rc<UsedRetries>>,
}

impl CallLimits {
    /// The limits of a scenario's switches, of which nothing is used.
    pub fn of(safeguards: &Safeguards) -> Self {
        let breaker = safeguards.get::<CircuitBreaker>().copied();
        let budget = safeguards.get::<RetryBudget>().copied();
        Self {
            circuits: breaker.map(Circuits::new).map(Rc::new),
            capabilities: safeguards.has::<CapabilityCheck>().then(Rc::default),
            retries: budget.map(UsedRetries::new).map(Rc::new),
        }
    }

    fn may_retry(&self, agent: &Agent, tool: Name) -> bool {
        self.retries.as_ref().is_none_or(|retries| retries.take(tool, agent.monotonic()))
    }

    async fn until_admitted(&self, agent: &Agent, tool: Name) {
        if let Some(circuits) = &self.circuits {
            circuits.until_admitted(agent, tool).await;
        }
    }

    async fn call(&self, agent: &Agent, call: &ToolCall, within: SimSpan) -> Result<Confirmation, ToolError> {
        match &self.capabilities {
            Some(capabilities) => capabilities.call(agent, call, within).await,
            None => agent.call_confirmed(call.clone(), within).await.map_err(ToolError::from),
        }
    }

    fn ended(&self, agent: &Agent, tool: Name, result: &Result<Confirmation, ToolError>) {
        if let Some(circuits) = &self.circuits {
            let well = result.as_ref().err().is_none_or(|error| !error.can_pass());
            circuits.ended(tool, well, agent.monotonic());
        }
    }
}

/// Carries out an operation under its id. `tried_before` says that earlier tries of the same operation may
/// have ended without a clear outcome.
///
/// # Errors
/// The error of the last try, when all tries are used up or the tool refused for good. It is definite only if
/// no earlier try was unclear, or if it concerns the operation and not only the try.
pub async fn call_with_retry(
    agent: &Agent,
    policy: &CallPolicy,
    operation: &Operation,
    op: OpId,
    tried_before: bool,
) -> Result<Confirmation, ToolError> {
    call_within_limits(agent, policy, &CallLimits::default(), operation, (op, tried_before)).await
}

/// The same within what the calls of this agent share.
///
/// # Errors
/// As [`call_with_retry`]; also the error of a try that may not be repeated.
pub async fn call_within_limits(
    agent: &Agent,
    policy: &CallPolicy,
    limits: &CallLimits,
    operation: &Operation,
    (op, tried_before): (OpId, bool),
) -> Result<Confirmation, ToolError> {
    let tool = operation.tool;
    let call = ToolCall::unkeyed(operation.clone(), op);
    let call = if policy.sends_key { idempotency::stamp(call) } else { call };
    let mut unclear = tried_before;
    let may_retry = || limits.may_retry(agent, tool);
    let result = with_retry_while(agent, policy.retry_of(tool), operation.intent, may_retry, async || {
        limits.until_admitted(agent, tool).await;
        let result = if policy.looks_before_retry && unclear {
            call_unless_done(agent, call.clone(), policy.timeout).await
        } else {
            limits.call(agent, &call, policy.timeout).await
        };
        limits.ended(agent, tool, &result);
        unclear |= matches!(result, Err(ToolError::Indefinite(_)));
        result
    })
    .await;
    result.map_err(|error| if unclear { error.after_an_unclear_try() } else { error })
}

/// How often [`call_until_definite`] goes through all tries before it gives up.
pub const ROUNDS: u32 = 5;

/// How long [`call_until_definite`] waits before it goes through all tries again.
const PAUSE: SimSpan = SimSpan::from_secs(10);

/// Carries out an operation until the outcome is definite, for a caller that has to know whether the effect
/// exists, so that it can be undone. Another agent may have begun before under the same id, and crashed.
///
/// # Errors
/// [`ToolError::Definite`] if it did not happen, [`ToolError::Indefinite`] if that is unclear after
/// [`ROUNDS`].
pub async fn call_until_definite(
    agent: &Agent,
    policy: &CallPolicy,
    operation: &Operation,
    op: OpId,
) -> Result<Confirmation, ToolError> {
    let mut round = 1;
    loop {
        match call_with_retry(agent, policy, operation, op, true).await {
            Err(ToolError::Indefinite(_)) if round < ROUNDS => round += 1,
            result => return result,
        }
        agent.sleep(PAUSE).await;
    }
}

/// Which safeguards a reader uses. By default none but a timeout: one try, and a reading of any age.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadPolicy {
    /// How long it waits for a reply.
    pub timeout: SimSpan,
    /// How often it tries.
    pub retry: Option<Retry>,
    /// How old a reading may be.
    pub snapshots: Option<Snapshots>,
}

impl Default for ReadPolicy {
    fn default() -> Self {
        Self { timeout: CALL_TIMEOUT, retry: None, snapshots: None }
    }
}

impl ReadPolicy {
    /// The policy of a scenario's switches.
    pub fn of(safeguards: &Safeguards) -> Self {
        let timeout = CallTimeout::of(safeguards);
        Self { timeout, retry: Retry::of(safeguards), snapshots: safeguards.get().copied() }
    }
}

/// Reads a document of a source.
///
/// # Errors
/// The error of the last try, when all tries are used up or the tool refused for good. An answer that is
/// about something else, cut short or too old is [`Indefinite::Malformed`].
pub async fn read_with_retry(
    agent: &Agent,
    policy: &ReadPolicy,
    query: &Operation,
) -> Result<ReadResult, ToolError> {
    with_retry(agent, policy.retry.as_ref(), query.intent, async || {
        let reading = agent.read(query.clone(), policy.timeout).await?;
        let is_fresh = policy.snapshots.is_none_or(|snapshots| snapshots.admits(reading.as_of, agent.now()));
        let is_it = |document: Document| document.item == query.name && document.is_whole();
        if is_fresh && reading.read().is_ok_and(is_it) {
            Ok(reading)
        } else {
            Err(ToolError::Indefinite(Indefinite::Malformed))
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::SimTime;

    fn retry(attempts: u32) -> Retry {
        Retry { attempts, backoff: SimSpan::ZERO..=SimSpan::ZERO }
    }

    #[test]
    fn a_caller_uses_the_safeguards_that_are_on_and_no_others() {
        let none = Safeguards::default();
        assert_eq!(CallPolicy::of(&none), CallPolicy::default());
        let with_key = CallPolicy { sends_key: true, ..CallPolicy::default() };
        assert_eq!(CallPolicy::of(&none.clone().with(IdempotencyKeys)), with_key);
        let looks = CallPolicy { looks_before_retry: true, ..CallPolicy::default() };
        assert_eq!(CallPolicy::of(&none.clone().with(ObserveBeforeRetry)), looks);
        let tries = CallPolicy { retry: Some(retry(3)), ..CallPolicy::default() };
        assert_eq!(CallPolicy::of(&none.clone().with(retry(3))), tries);
        let timeout = SimSpan::from_secs(9);
        let patient = CallPolicy { timeout, ..CallPolicy::default() };
        assert_eq!(CallPolicy::of(&none.with(CallTimeout(timeout))), patient);
    }

    #[test]
    fn the_retries_of_a_tool_are_its_own_if_it_has_some() {
        let [mail, bank] = ["mail", "bank"].map(Name::new);
        let own = ToolRetry { tools: vec![mail], retry: retry(9) };
        let policy = CallPolicy { tool_retry: Some(own), ..CallPolicy::default() };
        assert_eq!([mail, bank].map(|tool| policy.retry_of(tool)), [Some(&retry(9)), None]);
        let policy = CallPolicy { retry: Some(retry(2)), ..policy };
        assert_eq!([mail, bank].map(|tool| policy.retry_of(tool)), [Some(&retry(9)), Some(&retry(2))]);
    }

    #[test]
    fn the_calls_of_an_agent_share_what_is_on_and_start_with_nothing_used() {
        let none = CallLimits::of(&Safeguards::default());
        assert!(none.circuits.is_none() && none.capabilities.is_none() && none.retries.is_none());
        let breaker = CircuitBreaker { failures: 1, open: SimSpan::from_secs(10) };
        let budget = RetryBudget { retries: 1, per: SimSpan::from_secs(10) };
        let all = Safeguards::default().with(breaker).with(budget).with(CapabilityCheck);
        let (limits, mail) = (CallLimits::of(&all), Name::new("mail"));
        assert!(limits.capabilities.is_some());
        let circuits = limits.clone().circuits.unwrap();
        assert_eq!(circuits.admit(mail, SimTime::ZERO), Ok(()));
        circuits.ended(mail, false, SimTime::ZERO);
        assert!(limits.circuits.unwrap().admit(mail, SimTime::ZERO).is_err(), "clones share a circuit");
        let retries = limits.retries.unwrap();
        assert!(retries.take(mail, SimTime::ZERO) && !retries.take(mail, SimTime::ZERO));
    }

    #[test]
    fn a_reader_uses_the_safeguards_that_are_on_and_no_others() {
        let none = Safeguards::default();
        assert_eq!(ReadPolicy::of(&none), ReadPolicy::default());
        let snapshots = Snapshots { max_age: SimSpan::from_secs(30) };
        let fresh = ReadPolicy { snapshots: Some(snapshots), ..ReadPolicy::default() };
        assert_eq!(ReadPolicy::of(&none.clone().with(snapshots)), fresh);
        let tries = ReadPolicy { retry: Some(retry(3)), ..ReadPolicy::default() };
        assert_eq!(ReadPolicy::of(&none.with(retry(3))), tries);
    }
}
