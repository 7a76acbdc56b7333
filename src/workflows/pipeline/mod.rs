//! Pipeline: agents in a row in which only the last one acts.
//!
//! ```text
//!   user --submit--> lead --work item--> link-1 --work item--> link-2 --work item--> actor --call--> tool
//!                     ^  <-----------------------check version------------------------'  |
//!                     '---------------------------done/failed----------------------------'
//!                        all agents <--store, fetch--> artifact-store
//! ```
//!
//! The lead asks its model for a brief of each step, each link makes a new artifact from what it gets and
//! passes it on, and the actor carries out the last one. A lead that gets no answer asks again, and its model
//! then writes another brief: a newer *version* of the step. The output of an older version may still be in
//! the pipeline.
//!
//! Where a step has arguments, the lead hands them over with the work, under a
//! [contract](crate::agent::Contract), and the actor calls the tool with what reaches it. A stage that checks
//! the contract refuses a broken handover to the stage before it, which sends it again, or reports the step
//! as failed once it was refused too often.
//!
//! A step can rest on evidence. The lead reads it at its source, or asks the first link for what it knows of
//! it if the source does not answer, and hands it over as a [fact](crate::agent::Fact); the actor calls the
//! tool with it. Each stage can compare it with the source itself, and can keep its origin or name its
//! informant.
//!
//! An artifact travels as a summary, as a model tells it, and (with `cite-artifacts`) as a reference to the
//! artifact itself, which the artifact store keeps.

mod actor;
mod lead;
mod message;
mod stage;

use crate::safeguards::capability_check::CapabilityCheck;
use crate::safeguards::cite_artifacts::artifact_store;
use crate::safeguards::dead_letter::DeadLetter;
use crate::workflows::{MOST_AGENTS, Role, Workflow};
use actor::Actor;
use lead::Lead;
use perfidy_sim::SimSpan;
use stage::Link;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("pipeline")
        .about("work passes along a pipeline of stages, and an actor acts on what reaches it")
        .agent(LEAD, |agent, team| Lead::recover(agent, team).run())
        .agents(Role::new("links", "link", 1..=MOST_AGENTS, 2), |agent, team| Link::of(agent, team).run())
        .agent(ACTOR, |agent, team| Actor::recover(agent, team).run())
        .agent(ARTIFACT_STORE, artifact_store)
        .evidence()
        // A team that knows that its tools change knows that a person may have to help.
        .person_on_call_if(|on| on.has::<DeadLetter>() || on.has::<CapabilityCheck>())
        .safeguards(&[
            "call-timeout",
            "capability-check",
            "carry-provenance",
            "checkpoint",
            "checksummed-log",
            "cite-artifacts",
            "contract-check",
            "dead-letter",
            "event-log",
            "fact-check",
            "give-up-after",
            "idempotency-keys",
            "reply-correlation",
            "reply-dedupe",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "tool-dedupe",
            "version-check",
        ])
        .properties(&[
            "acts-on-current-version",
            "decisions-cite-artifacts",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
            "reports-match-effects",
        ])
}

const LEAD: &str = "lead";
const ACTOR: &str = "actor";
const ARTIFACT_STORE: &str = "artifact-store";

/// How long the lead waits at least for the outcome of a step before it asks again.
const PATIENCE: SimSpan = SimSpan::from_secs(20);

/// The wait for each link of a chain that is too long for that.
const PATIENCE_A_LINK: SimSpan = SimSpan::from_millis(2_500);

/// How long the actor waits for the lead's answer about a version.
const CHECK_TIMEOUT: SimSpan = SimSpan::from_secs(5);

/// Tokens a lead reads to write a brief.
const BRIEFING_TOKENS: u32 = 800;

/// Tokens a link reads to make its artifact.
const WORKING_TOKENS: u32 = 1_500;
