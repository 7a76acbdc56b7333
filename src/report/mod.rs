//! Reports of campaigns and failures, for people and for programs.

mod ablation;
mod action_map;
mod altered;
#[cfg(feature = "cli")]
mod campaign;
mod comparison;
#[cfg(feature = "cli")]
mod github;
#[cfg(feature = "report")]
mod html;
mod json;
#[cfg(feature = "cli")]
mod junit;
mod ledger;
#[cfg(feature = "cli")]
mod log;
#[cfg(feature = "report")]
mod picture;
#[cfg(feature = "cli")]
mod sheet;
#[cfg(feature = "cli")]
mod sheets;
mod story;
#[cfg(feature = "cli")]
mod table;
mod told;
mod words;
#[cfg(feature = "cli")]
mod workflow_map;

pub use ablation::{AblationRecord, AblationSummary, AblationSummaryRecord};
#[cfg(feature = "cli")]
pub use ablation::{Hints, ablation_in_markdown, ablation_in_text, ablations_in_markdown, ablations_in_text};
pub use action_map::{action_map, timeouts_in_words};
#[cfg(feature = "cli")]
pub use campaign::{CampaignPage, DetectionTable};
pub use comparison::ComparisonRecord;
#[cfg(feature = "cli")]
pub use comparison::{comparison_in_markdown, comparison_in_text};
#[cfg(feature = "cli")]
pub use github::{annotation, annotations};
#[cfg(feature = "report")]
pub use html::Theme;
pub use json::{AuditRecord, AuditVerdict, CaseRecord, FindingStory, FuzzRecord, ReplayRecord};
#[cfg(feature = "cli")]
pub use junit::{Again, junit, junit_of_bad_files};
#[cfg(feature = "cli")]
pub use log::init_logging;
#[cfg(feature = "report")]
pub use picture::{Counterpart, Origin, Picture};
#[cfg(feature = "cli")]
pub use sheets::SheetsPage;
pub use story::{Story, StoryEvent};
#[cfg(feature = "cli")]
pub use table::{fuzz_table, known_table, probes_table, table};
#[cfg(feature = "cli")]
pub(crate) use words::counted;
#[cfg(feature = "cli")]
pub use workflow_map::{MapArrow, MapDelivery, workflow_map};
