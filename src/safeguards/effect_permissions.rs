//! Effect permissions: a loop makes only the calls that its work consists of, whatever its model asks for.
//!
//! A model reads everything in its transcript in the same way: what its user wants, and what a tool has
//! found on a page. A text from outside can carry an instruction (prompt injection), and no model is sure to
//! tell the two apart. So the permission to have an effect does not come from the model: it comes with the
//! request of the user, call by call ("confused deputy", Hardy 1988; the least authority that the work
//! needs).

use crate::config::{Entry, Problem};
use crate::safeguards::{BuiltIn, Safeguard, Safeguards};

/// The switch.
#[derive(Clone, Copy, Debug)]
pub struct EffectPermissions;

impl Safeguard for EffectPermissions {
    const NAME: &'static str = "effect-permissions";
    const ABOUT: &'static str =
        "built in: a loop makes only calls that its request consists of, whatever the model asks for";
    const EXAMPLE: &'static str = "effect-permissions = true";
    const WITHOUT: &'static str =
        "a loop makes every call of a tool that exists, also one that a text from outside has asked for";
    const PROTECTS: &'static [&'static str] = &["no-tainted-effects"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        Ok(entry.read::<bool>()?.then_some(Self))
    }
}

impl BuiltIn for EffectPermissions {
    const USUAL: Self = Self;
}

impl EffectPermissions {
    /// Whether a loop with these safeguards may make a call that is none of its request.
    ///
    /// ```
    /// use perfidy::safeguards::Safeguards;
    /// use perfidy::safeguards::effect_permissions::EffectPermissions;
    /// assert!(!EffectPermissions::allow_others(&Safeguards::default()));
    /// ```
    pub fn allow_others(safeguards: &Safeguards) -> bool {
        safeguards.lacks::<Self>()
    }
}
