//! Outages: a tool serves no caller, for a while or forever.
//!
//! An outage begins with a request, by chance, or by the clock. Requests that are refused have not been
//! carried out, and say so; a tool without a response says nothing. A tool that has moved, or whose schema
//! has rolled, goes on for those who call it as it is now
//! ([`capability-check`](crate::safeguards::capability_check)).

use super::{CallOutcome, plain};
use crate::config::{Entry, OneOrMany, Problem, Ratio, Spread};
use crate::faults::Directory;
use crate::faults::{FaultKind, MakeFault, Target, Time, targets};
use crate::tools::{Outage, ToolFault};
use perfidy_sim::{Chaos, Name, SimSpan, TimedEffect, TimedFault};
use serde::Deserialize;
use toml::Spanned;

/// Troubles.
pub const KINDS: &[FaultKind] = &[
    plain(
        "unresponsive",
        "a tool does nothing and never replies again, to any caller",
        r#"unresponsive = { at = "ticketing", chance = "1%" }"#,
        |_| ToolFault::out(Outage::NoResponse, SimSpan::ZERO),
    ),
    passing(
        "rate-limit",
        "a tool rejects calls for a while and says when to retry (HTTP 429)",
        r#"rate-limit = { at = "ticketing", chance = "2%", lasting = "5s..1m" }"#,
        |span| ToolFault::out(Outage::RateLimit, span),
    ),
    passing(
        "outage",
        "a tool is down for a while",
        r#"outage = { at = "ticketing", every = "1m..5m", lasting = "10s..1m" }"#,
        |span| ToolFault::out(Outage::Down, span),
    ),
    lasting(
        "endpoint-moved",
        "a tool has moved: its old endpoint refuses every call and names the new one",
        r#"endpoint-moved = { at = "ticketing", chance = "1%" }"#,
        |span| ToolFault::out(Outage::EndpointMoved, span),
    ),
    lasting(
        "permission-revoked",
        "a tool rejects every caller (permission revoked)",
        r#"permission-revoked = { at = "ticketing", chance = "1%", lasting = "1m..5m" }"#,
        |span| ToolFault::out(Outage::PermissionRevoked, span),
    ),
    lasting(
        "schema-changed",
        "a tool has changed its schema and rejects the callers' version",
        r#"schema-changed = { at = "ticketing", every = "1m..5m", lasting = "10s..1m" }"#,
        |span| ToolFault::out(Outage::SchemaChanged, span),
    ),
    plain(
        "schema-rolled",
        "a tool's schema gets a new version: calls for another are refused, calls that state none are misread",
        r#"schema-rolled = { at = "ticketing", chance = "1%" }"#,
        |_| ToolFault::out(Outage::SchemaRolled, SimSpan::ZERO),
    ),
];

/// An outage that always ends by itself.
const fn passing(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    fault: fn(SimSpan) -> ToolFault,
) -> FaultKind {
    let target = Target::Tools { fault: MakeFault::Shipped(fault), time: Time::Needed("how long it lasts") };
    FaultKind { name, about, example, target, read: read_passing }
}

/// An outage that ends if the file says so.
const fn lasting(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    fault: fn(SimSpan) -> ToolFault,
) -> FaultKind {
    let target = Target::Tools { fault: MakeFault::Shipped(fault), time: Time::OrForGood };
    FaultKind { name, about, example, target, read: read_lasting }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OutageTable {
    at: OneOrMany<String>,
    operation: Option<OneOrMany<String>>,
    chance: Option<Spanned<Ratio>>,
    every: Option<Spanned<Spread>>,
    lasting: Option<Spanned<Spread>>,
}

fn read_passing(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let table: OutageTable = entry.read()?;
    if table.lasting.is_none() {
        return Err(nothing_says_how_long(entry));
    }
    table.add(entry, directory, chaos)
}

fn read_lasting(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    entry.read::<OutageTable>()?.add(entry, directory, chaos)
}

fn nothing_says_how_long(entry: &Entry<'_>) -> Problem {
    entry.problem("nothing says how long it lasts").help("add lasting = \"10s..1m\"")
}

impl OutageTable {
    /// A rule if it begins with a request, a window if it comes and goes by the clock.
    fn add(self, entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
        let lasting = self.lasting.as_ref().map(targets::time).transpose()?;
        match (self.chance, self.every) {
            (Some(chance), None) => {
                let told = CallOutcome { at: self.at, operation: self.operation, chance };
                told.add_rule((entry.name, None), lasting, directory, chaos)
            }
            (None, Some(every)) => {
                if self.operation.is_some() {
                    let message = format!("by the clock, `{}` applies to a tool as a whole", entry.name);
                    return Err(entry.problem(message).help("take `operation` out"));
                }
                let lasting = lasting.ok_or_else(|| nothing_says_how_long(entry))?;
                let word = Name::new(entry.name);
                let site = Name::new(&format!("{word} of {}", targets::joined(&self.at)));
                if chaos.windows.iter().any(|window| window.site == site) {
                    return Err(entry
                        .problem(format!("there is another `{site}` by the clock"))
                        .help("make one of the two"));
                }
                chaos.windows.push(TimedFault {
                    kind: word,
                    site,
                    disturbance: TimedEffect::Custom { word, among: targets::tools(&self.at, directory)? },
                    every: targets::time(&every)?,
                    lasting,
                });
                Ok(())
            }
            (None, None) => Err(entry
                .problem(format!("nothing says when `{}` is injected", entry.name))
                .help("add chance = \"2%\" of a request, or every = \"1m..5m\" by the clock")),
            (Some(_), Some(_)) => {
                let message =
                    format!("`{}` is injected with a request or by the clock, not both", entry.name);
                Err(entry.problem(message).help("take `chance` or `every` out, or write two"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{Name, SimSpan, TimedEffect};

    #[test]
    fn an_outage_begins_with_a_request_or_by_the_clock() {
        let chaos = chaos_of(r#"outage = { at = "ticketing", chance = "2%", lasting = "5s" }"#);
        assert_eq!((chaos.rules.len(), chaos.windows.len()), (1, 0));
        let chaos = chaos_of(r#"outage = { at = ["ticketing", "mail"], every = "1m", lasting = "5s" }"#);
        assert_eq!((chaos.rules.len(), chaos.windows.len()), (0, 1));
        assert_eq!(chaos.windows[0].site.as_str(), "outage of ticketing+mail");
        let TimedEffect::Custom { word, among } = &chaos.windows[0].disturbance else { panic!("{chaos:?}") };
        assert_eq!((word.as_str(), among.as_slice()), ("outage", &["ticketing", "mail"].map(Name::new)[..]));
    }

    #[test]
    fn what_needs_a_repair_lasts_for_good_unless_the_file_says_how_long() {
        let chaos = chaos_of(r#"permission-revoked = { at = "ticketing", chance = "2%" }"#);
        assert_eq!(chaos.rules[0].span, None);
        let chaos = chaos_of(r#"permission-revoked = { at = "ticketing", chance = "2%", lasting = "9s" }"#);
        assert_eq!(chaos.rules[0].span, Some(SimSpan::from_secs(9)..=SimSpan::from_secs(9)));
    }

    #[test]
    fn what_cannot_be_injected_is_refused() {
        for (text, said) in [
            (r#"outage = { at = "ticketing", lasting = "1m" }"#, "nothing says when `outage` is injected"),
            (r#"outage = { at = "ticketing", chance = "1%" }"#, "nothing says how long it lasts"),
            (r#"endpoint-moved = { at = "mail", every = "1m" }"#, "nothing says how long it lasts"),
            (r#"rate-limit = { at = "mail", chance = "1%", every = "1m", lasting = "1s" }"#, "not both"),
            (
                r#"outage = { at = "mail", operation = "send", every = "1m", lasting = "1s" }"#,
                "applies to a tool as a whole",
            ),
            (r#"outage = { at = "planner", every = "1m", lasting = "1s" }"#, "only tools have this fault"),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
