//! Reports: what people and programs are told of a campaign and of a failure.

mod json;
mod log;
mod story;
mod table;

pub use json::{AuditRecord, AuditVerdict, CaseRecord, ReplayRecord};
pub use log::init_logging;
pub use story::Story;
pub use table::table;
