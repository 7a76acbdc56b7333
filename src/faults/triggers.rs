//! Faults of triggers: one that comes twice, late, or with all that follow at once.
//!
//! They are injected at the call site `trigger`, as a source delivers a trigger for the first time: at the
//! site `queue, trigger`. What the network does to the message is a fault of its own; these are faults of the
//! source, and the trigger is then delivered as often as its source delivers any. What each does is in the
//! workflow [`scheduled`](crate::workflows::scheduled).

use super::model::add_at_its_call_site;
use super::{FaultKind, Target, Time};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use perfidy_sim::Chaos;
use serde::Deserialize;
use toml::Spanned;

pub use crate::agent::{DUPLICATE_TRIGGER, LATE_TRIGGER, TRIGGER, TRIGGER_BURST};

const fn at_trigger(needed: &'static str) -> Target {
    Target::CallSite { call_site: TRIGGER, time: Time::Needed(needed) }
}

/// The faults of triggers.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: DUPLICATE_TRIGGER,
        about: "a source delivers a trigger once more, also if its run is over",
        example: r#"duplicate-trigger = { at = "everyone", chance = "10%", after = "10s..2m" }"#,
        target: at_trigger("after how long the trigger comes again"),
        read: read_after,
    },
    FaultKind {
        name: LATE_TRIGGER,
        about: "a source delivers a trigger late",
        example: r#"late-trigger = { at = "everyone", chance = "10%", by = "10s..2m" }"#,
        target: at_trigger("by how much the trigger is late"),
        read: read_by,
    },
    FaultKind {
        name: TRIGGER_BURST,
        about: "a source holds its triggers back for a while, and then delivers them at once",
        example: r#"trigger-burst = { at = "everyone", chance = "10%", lasting = "1m..3m" }"#,
        target: at_trigger("how long triggers are held back"),
        read: read_lasting,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivered {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    after: Spanned<Spread>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Late {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    by: Spanned<Spread>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
    lasting: Spanned<Spread>,
}

fn read_after(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Delivered { at, chance, after } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&after), directory, chaos)
}

fn read_by(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Late { at, chance, by } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&by), directory, chaos)
}

fn read_lasting(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Held { at, chance, lasting } = entry.read()?;
    add_at_its_call_site(entry, (&at, &chance), Some(&lasting), directory, chaos)
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Name, Selector, SimSpan};

    #[test]
    fn a_late_trigger_draws_how_late() {
        let chaos = chaos_of(r#"late-trigger = { at = "planner", chance = "5%", by = "10s..2m" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.from, Selector::Of(vec![Name::new("planner")]));
        assert_eq!(rule.what, Selector::Of(vec![Name::new("trigger")]));
        assert_eq!(rule.span, Some(SimSpan::from_secs(10)..=SimSpan::from_secs(120)));
    }

    #[test]
    fn tools_are_no_sources_of_triggers() {
        let refusal = refusal_of(r#"trigger-burst = { at = "ticketing", chance = "5%", lasting = "1m" }"#);
        assert!(refusal.contains("`ticketing` is a tool"), "{refusal}");
    }
}
