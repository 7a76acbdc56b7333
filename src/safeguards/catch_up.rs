//! Missed ticks: a scheduler fires the ticks that came while none was up.
//!
//! A scheduler that only looks at the present minute, as `cron` does, never fires a tick that came while it
//! was down, paused, or not yet the leader. With this policy it fires every tick of the past that it does not
//! know to be over. It cannot know which of them another scheduler has fired, so the receivers have to
//! recognise them.

use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct CatchUp;

impl Safeguard for CatchUp {
    const NAME: &'static str = "catch-up";
    const ABOUT: &'static str = "a scheduler fires the ticks that came while no scheduler was up";
    const EXAMPLE: &'static str = "catch-up = true";
    const WITHOUT: &'static str = "a tick that comes while no scheduler is up is never fired";
    const NEEDS: &'static str =
        "`tick-claim` or `inbox-dedupe`: ticks are fired again that were fired before";
    const PROTECTS: &'static [&'static str] = &["eventual-termination"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}
