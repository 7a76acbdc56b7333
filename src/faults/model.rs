//! Faults of models: what an agent's own model gets wrong.
//!
//! A model answers the same question of the same agent in the same way, as with a temperature of zero, unless a fault
//! strikes where it is asked: at the site `agent, model`.

use super::{FaultKind, who};
use crate::scenario::{Entry, OneOrMany, Problem, Ratio};
use crate::workflows::Cast;
use perfidy_sim::{Action, Chaos, Hook, Name, Rule, Selector, SimSpan};
use serde::Deserialize;
use toml::Spanned;

/// A place at which a model is asked, as addresses name it behind the agent.
pub const MODEL: &str = "model";

/// The model answers otherwise than it does if asked again.
pub const DIFFERENT_ANSWER: &str = "different-answer";

/// The faults of models.
pub const KINDS: &[FaultKind] = &[FaultKind {
    name: DIFFERENT_ANSWER,
    about: "an agent's model answers a question otherwise than it does at other times",
    example: r#"different-answer = { at = "executors", chance = "20%" }"#,
    read: read_model_fault,
}];

/// The kind of that name.
pub fn find(word: &str) -> Option<&'static FaultKind> {
    KINDS.iter().find(|kind| kind.name == word)
}

/// Every model fault as a plan writes it.
pub fn words() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Asked {
    at: OneOrMany<String>,
    chance: Spanned<Ratio>,
}

fn read_model_fault(entry: &Entry<'_>, cast: &Cast, chaos: &mut Chaos) -> Result<(), Problem> {
    let Asked { at, chance } = entry.read()?;
    let word = Name::new(entry.name);
    if let Some(tool) = at.iter().find(|name| cast.tools.contains(&Name::new(name.get_ref()))) {
        let message = format!("`{}` is a tool; only agents have models", tool.get_ref());
        return Err(Problem::at(tool.span(), message));
    }
    chaos.rules.push(Rule {
        kind: word,
        hook: Hook::Service,
        from: Selector::Of(who::agents(&at, cast)?),
        to: Selector::Any,
        what: Selector::only(Name::literal(MODEL)),
        chance: who::chance(&chance)?,
        action: Action::Custom { word, span: SimSpan::ZERO },
        span: None,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::tests::{chaos_of, refusal_of};

    #[test]
    fn a_group_of_agents_has_models() {
        let chaos = chaos_of(r#"different-answer = { at = "executors", chance = "20%" }"#);
        let [rule] = chaos.rules.as_slice() else { panic!("{chaos:?}") };
        assert_eq!(rule.from, Selector::Of(["executor-1", "executor-2"].map(Name::new).to_vec()));
        assert!(rule.what.covers(Name::new(MODEL)));
    }

    #[test]
    fn tools_have_no_model() {
        assert_eq!(
            refusal_of(r#"different-answer = { at = "ticketing", chance = "20%" }"#),
            "`ticketing` is a tool; only agents have models"
        );
    }
}
