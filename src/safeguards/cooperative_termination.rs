//! Cooperative termination: a participant in doubt asks the other participants too.
//!
//! A participant that has voted to commit must wait for the decision, and its coordinator may be gone.
//! Another participant may know the decision, or may not have voted yet: then it can abort on its own, and
//! with it all (Bernstein, Hadzilacos and Goodman 1987, *Concurrency Control and Recovery in Database
//! Systems*, 7.4). If all others are in doubt as well, all of them wait: two-phase commit blocks, and no
//! protocol between the participants can change that.

use crate::config::{Entry, Problem};
use crate::safeguards::durable_vote::DurableVote;
use crate::safeguards::setup::{Missing, Setup};
use crate::safeguards::{Safeguard, switch};

/// The switch.
#[derive(Default)]
pub struct CooperativeTermination;

impl Safeguard for CooperativeTermination {
    const NAME: &'static str = "cooperative-termination";
    const ABOUT: &'static str =
        "a participant that does not learn the decision asks the other participants as well";
    const EXAMPLE: &'static str = "cooperative-termination = true";
    const WITHOUT: &'static str =
        "a participant in doubt waits for its coordinator, however long that is gone";
    const NEEDS: &'static str = "`durable-vote`: one that forgot its vote would say that it has none";
    const PROTECTS: &'static [&'static str] = &["atomic-agreement"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        setup.needs::<DurableVote>(Self::NAME)
    }
}
