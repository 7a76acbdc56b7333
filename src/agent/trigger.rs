//! What goes wrong with the sources of triggers: schedulers, queues and webhooks.

/// The place at which a source delivers a trigger for the first time.
pub const TRIGGER: &str = "trigger";

/// The trigger comes once more, whatever was answered to it.
pub const DUPLICATE_TRIGGER: &str = "duplicate-trigger";
/// The trigger comes late.
pub const LATE_TRIGGER: &str = "late-trigger";
/// This trigger and all that follow are held back for a while, and then come at once.
pub const TRIGGER_BURST: &str = "trigger-burst";

/// The faults of triggers.
pub const TRIGGER_FAULTS: &[&str] = &[DUPLICATE_TRIGGER, LATE_TRIGGER, TRIGGER_BURST];
