//! Byzantine agents: an agent that is broken, or taken over, says something else than it would.
//!
//! What it says is drawn for each message, so it tells different receivers different things (equivocation;
//! Lamport, Shostak and Pease 1982, "The Byzantine Generals Problem"). Its receivers cannot see that: the
//! message is well formed, and comes from the agent that it says it comes from. Only the others, together,
//! know better.

use super::{FaultKind, Target, targets};
use crate::agent::Alteration;
use crate::config::{Entry, OneOrMany, Problem, Ratio};
use crate::faults::Directory;
use perfidy_sim::{Action, Chaos, DrawSite, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

/// The faults of agents that lie to each other.
pub const KINDS: &[FaultKind] = &[FaultKind {
    name: BYZANTINE,
    about: "an agent tells each receiver something else than it would, well formed (equivocation)",
    example: r#"byzantine = { at = "executor-1", message = "done", chance = "50%" }"#,
    target: Target::Messages,
    read: read_altering,
}];

const BYZANTINE: &str = "byzantine";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AlteredMessages {
    at: OneOrMany<String>,
    message: Option<OneOrMany<String>>,
    field: Option<String>,
    chance: Spanned<Ratio>,
}

/// A fault that alters what agents send: one field of it, or any.
pub(super) fn read_altering(
    entry: &Entry<'_>,
    directory: &Directory,
    chaos: &mut Chaos,
) -> Result<(), Problem> {
    let AlteredMessages { at, message, field, chance } = entry.read()?;
    let word = Name::new(entry.name);
    let kinds = message.iter().flatten().map(|kind| Name::new(kind.get_ref()));
    chaos.rules.push(Rule {
        kind: word,
        hook: Hook::Message,
        from: Selector::Of(targets::agents(&at, directory)?),
        to: Selector::Any,
        what: if message.is_some() { Selector::Of(kinds.collect()) } else { Selector::Any },
        chance: targets::chance(&chance)?,
        action: Action::Custom { word, detail: field.as_deref().map(Name::new), span: SimSpan::ZERO },
        span: None,
    });
    Ok(())
}

/// Does to a message what the fault of that name does, if it is this one; to one of its fields, if it is to
/// be that one.
pub(super) fn alter((fault, field): (Name, Option<Name>), message: &mut Value, draw: DrawSite<'_>) {
    if fault.as_str() == BYZANTINE {
        Alteration::WrongValue.of_message(message, field, draw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::tests::chaos_of;

    #[test]
    fn it_concerns_what_the_agent_sends_to_whomever() {
        let chaos =
            chaos_of(r#"byzantine = { at = "executor-1", message = ["done", "failed"], chance = "5%" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.from, Selector::only(Name::new("executor-1")));
        assert_eq!((&rule.to, rule.hook), (&Selector::Any, Hook::Message));
        assert_eq!(rule.what, Selector::Of(vec![Name::new("done"), Name::new("failed")]));
    }
}
