//! Voting quorum: an answer counts once so many agents give it that liars among them cannot bring about
//! another.
//!
//! Of n voters of which f lie, two answers can each have a majority of what its reader has received, since
//! liars tell different readers different things. More than (n + f) / 2 equal votes cannot: two such sets
//! have an honest voter in common (Pease, Shostak and Lamport 1980, "Reaching Agreement in the Presence of
//! Faults"). For there to be so many honest voters, n must be more than 3f. Votes that are not enough for any
//! answer are no answer, and the reader is told so.

use crate::config::{Entry, Problem};
use crate::safeguards::Safeguard;
use crate::safeguards::setup::{Missing, Setup};
use serde::Deserialize;
use toml::Spanned;

/// How many liars an answer withstands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VotingQuorum {
    /// How many voters may lie.
    pub liars: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuorumTable {
    liars: Spanned<u32>,
}

/// More liars than that need more voters than a team can have.
const MOST_LIARS: u32 = 300;

impl Safeguard for VotingQuorum {
    const NAME: &'static str = "voting-quorum";
    const ABOUT: &'static str =
        "an answer needs so many equal votes that `liars` voters cannot bring about another";
    const EXAMPLE: &'static str = "voting-quorum = { liars = 1 }";
    const WITHOUT: &'static str = "the first vote that arrives is the answer";
    const NEEDS: &'static str = "more than three times as many voters as liars";
    const PROTECTS: &'static [&'static str] = &["agreement", "no-silent-partial"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        let QuorumTable { liars } = entry.read()?;
        if *liars.get_ref() > MOST_LIARS {
            let message = format!("a team withstands at most {MOST_LIARS} liars");
            return Err(Problem::at(liars.span(), message));
        }
        Ok(Some(Self { liars: *liars.get_ref() }))
    }

    fn missing(&self, setup: &Setup<'_>) -> Option<Missing> {
        let voters = setup.team.values().sum::<u32>();
        if self.can_be_reached(voters as usize) {
            return None;
        }
        let Self { liars } = self;
        let needed = 3 * liars + 1;
        let message = format!("{voters} voters do not withstand {liars} liars: that takes {needed}");
        let help = format!("make it {needed} in [team], or `liars` fewer");
        Some(Missing { message, help })
    }
}

impl VotingQuorum {
    /// How many of so many voters must give the same answer.
    ///
    /// ```
    /// use perfidy::safeguards::voting_quorum::VotingQuorum;
    ///
    /// assert_eq!(VotingQuorum { liars: 1 }.of(4), 3);
    /// assert_eq!(VotingQuorum { liars: 2 }.of(7), 5);
    /// assert_eq!(VotingQuorum { liars: 0 }.of(4), 3, "a majority");
    /// ```
    pub fn of(self, voters: usize) -> usize {
        voters.midpoint(self.liars as usize) + 1
    }

    /// Whether so many voters are enough for honest ones to agree on an answer, whatever the liars say.
    pub fn can_be_reached(self, voters: usize) -> bool {
        voters > 3 * self.liars as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_quorums_share_an_honest_voter_and_the_honest_ones_are_a_quorum() {
        for voters in 1..200_usize {
            for liars in 0..70_u32 {
                let quorum = VotingQuorum { liars };
                let (needed, lying) = (quorum.of(voters), liars as usize);
                assert!(2 * needed > voters + lying, "{voters} {liars}");
                if quorum.can_be_reached(voters) {
                    assert!(voters - lying >= needed, "{voters} {liars}");
                }
            }
        }
    }
}
