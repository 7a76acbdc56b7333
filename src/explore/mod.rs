//! Exploration: running cases over seeds, making failures small, and keeping them.
//!
//! ```text
//!   Strategy --Trial--> Run --> History --properties--> Verdicts --Campaign--> Report
//!                                                          |
//!                                violated: shrink the plan, save it, tell the story
//! ```

mod ablation;
mod aliases;
mod audit;
mod campaign;
mod checkpoint;
mod comparison;
mod corpus;
mod counting;
mod delivery;
mod detection;
mod durable;
mod embedded;
mod failure;
mod fuzz_state;
mod model_steps;
mod run;
mod saved;
mod service_level;
mod shrink;
pub mod strategy;
mod tool_metrics;
mod trials;
mod unreached;
mod watchdog;
mod why;

pub use crate::suite::Watchdog;
pub use ablation::{Ablation, Cell, Claim, Matrix, Removals, Row};
pub use aliases::Aliases;
pub use audit::{Divergence, EventInWords, Rerun, Side, Trace, audit};
pub use campaign::{Campaign, CampaignNews, CaseReport, CaseVerdict, Collect, Finding, Inconclusive, Tally};
pub use checkpoint::CampaignCheckpoint;
pub use comparison::{Comparison, Estimate, Measure, Measures, RESAMPLES, Unit};
pub use corpus::{Corpus, SaveError, Saved};
pub use counting::{NotCounted, OtherFaults};
pub use delivery::{DeliverySemantics, MessageRoute, deliveries};
pub use detection::{Detection, seeds_to_detection};
pub use failure::{BadSeed, Failure, ReplayOutcome};
pub use fuzz_state::{
    BLOCK, Broke, CaseProgress, CaseStatus, Changed, Fingerprint, FuzzState, Knowledge, MAX_SAVED, Slice,
    Unfinished,
};
pub use model_steps::{ModelStep, StepCall, model_steps};
pub use run::{Run, first_difference};
pub use saved::SavedSeed;
pub use service_level::{LevelReport, LevelVerdict};
pub use shrink::{Changes, Effort, ShrunkFailure, SpanLimits, Spans, shrink, shrink_within};
pub use tool_metrics::{MetricsByTool, ToolMetrics};
pub use trials::{RunSummary, Trials, TrialsProgress};
