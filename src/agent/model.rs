//! An agent's model, simulated: it takes time and tokens and gives one of several answers.

use perfidy_sim::Name;

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
