//! An agent's model, simulated: it takes time and tokens and gives one of several answers.

use perfidy_sim::Name;

/// The moment at which a model answers a question that it may have answered before.
pub const ANSWER: &str = "answer";
/// The moment at which a model sums a piece of work up.
pub const SUMMARY: &str = "summary";
/// The moment at which a model says who should go on with something.
pub const HANDOFF: &str = "handoff";
/// The moment at which an agent that reports on its own work could say more than is its own to say.
pub const ROLE: &str = "role";

/// The fault by which a model names an agent that is not on the team, in the place of a colleague.
pub const NO_TARGET: &str = "no-target";

/// What a model answered. The answer is a choice among those the agent offered; which one is drawn, keyed by
/// the agent and what the question is about, so asking again gives the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Thought {
    /// Which of the offered answers, from zero.
    pub choice: u32,
    /// Tokens read.
    pub tokens_in: u32,
    /// Tokens written.
    pub tokens_out: u32,
    /// What it was about.
    pub about: Name,
}

/// Who should go on with something, as a model sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// The agent that asked.
    Myself,
    /// One of its colleagues, counted from zero.
    Colleague(u32),
    /// Somebody who is not on the team.
    Stranger,
}
