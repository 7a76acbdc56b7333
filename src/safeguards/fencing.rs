//! Fencing tokens: a receiver of orders rejects a leader with a lower token than one it has seen.
//!
//! A lease alone does not stop a leader that was paused between a check of its lease and its order. The
//! receiver can, with one comparison, if every order carries the lease's token in its headers (`authority`;
//! Kleppmann 2016, "How to do distributed locking"). The highest token seen must survive a crash of the
//! receiver, or it would accept an older leader again.

use crate::agent::{Agent, Headers, Message, Token};
use crate::config::{Entry, Problem};
use crate::safeguards::{Safeguard, checkpoint, switch};
use serde::{Deserialize, Serialize};

/// The switch.
#[derive(Default)]
pub struct FencingTokens;

impl Safeguard for FencingTokens {
    const NAME: &'static str = "fencing-tokens";
    const ABOUT: &'static str = "workers reject orders with a lower fencing token than one they have seen";
    const EXAMPLE: &'static str = "fencing-tokens = true";
    const WITHOUT: &'static str = "orders and writes of a former leader or lock holder are accepted";
    const NEEDS: &'static str = "a lease: `election` or `write-lock`";
    const PROTECTS: &'static [&'static str] = &["no-lost-update", "no-split-brain"];

    fn read(entry: &Entry<'_>) -> Result<Option<Self>, Problem> {
        switch(entry)
    }
}

/// The highest token seen.
#[derive(Clone, Copy, Default, Debug)]
pub struct Fence {
    highest: Option<Token>,
}

#[derive(Clone, Copy, Hash, Debug, Serialize, Deserialize)]
struct Raised(Token);

impl Message for Raised {
    fn kind(&self) -> &'static str {
        "fence"
    }
}

impl Fence {
    /// The fence as the agent left it in its journal.
    pub fn recover(agent: &Agent) -> Self {
        let mut fence = Self::default();
        checkpoint::recover(agent, |Raised(token)| fence.highest = fence.highest.max(Some(*token)));
        fence
    }

    /// Whether an order with these headers may be carried out: it carries a token, and no higher one was
    /// seen.
    pub fn admits(&self, order: &Headers) -> bool {
        order.authority.is_some_and(|token| self.highest.is_none_or(|highest| token >= highest))
    }

    /// The highest token seen; zero, which no leader has, if none was.
    pub fn highest(&self) -> Token {
        self.highest.unwrap_or(Token(0))
    }

    /// Raises the fence to the token of an order with these headers, and returns once that is durable.
    pub async fn raise(&mut self, agent: &Agent, order: &Headers) {
        if let Some(token) = order.authority.filter(|token| self.highest < Some(*token)) {
            self.highest = Some(token);
            agent.persist(Raised(token)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Purpose;

    fn under(token: u64) -> Headers {
        Headers { authority: Some(Token(token)), ..Headers::of(Purpose::Order) }
    }

    #[test]
    fn an_older_leader_is_refused_and_the_same_one_is_not() {
        let fence = Fence { highest: Some(Token(3)) };
        assert!(!fence.admits(&under(2)));
        assert!(fence.admits(&under(3)) && fence.admits(&under(4)));
        assert!(Fence::default().admits(&under(1)));
    }

    #[test]
    fn an_order_without_a_token_is_refused() {
        assert!(!Fence::default().admits(&Headers::of(Purpose::Order)));
    }
}
