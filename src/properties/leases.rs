//! What the lock service has granted: which lease a token belongs to, until when, and with which token an
//! agent can order anything, whatever its orders carry.

use crate::agent::{Headers, LeaseEvent, Token};
use perfidy_sim::{Lookup, Name, SimTime};

/// A lease as its holder has it under one token.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub resource: Name,
    pub ends: SimTime,
}

/// The latest token of a holder.
#[derive(Clone, Copy)]
struct Latest {
    resource: Name,
    token: Token,
    /// Whether all its leases were for that resource.
    is_the_only_resource: bool,
}

/// All leases so far.
#[derive(Default)]
pub(super) struct Leases {
    by_token: Lookup<(Name, Token), Lease>,
    tokens: Lookup<Token, ()>,
    latest: Lookup<Name, Latest>,
}

impl Leases {
    pub fn record(&mut self, event: &LeaseEvent, at: SimTime) {
        match *event {
            LeaseEvent::Granted { resource, holder, token, until } => {
                self.by_token.insert((holder, token), Lease { resource, ends: until });
                self.tokens.insert(token, ());
                let first = || Latest { resource, token, is_the_only_resource: true };
                let latest = self.latest.get_or_insert_with(holder, first);
                let is_the_only_resource = latest.is_the_only_resource && latest.resource == resource;
                *latest = Latest { resource, token, is_the_only_resource };
            }
            LeaseEvent::GivenBack { resource, holder, token } => {
                self.by_token.insert((holder, token), Lease { resource, ends: at });
            }
        }
    }

    /// The lease of a holder under a token.
    pub fn of(&self, holder: Name, token: Token) -> Option<Lease> {
        self.by_token.get((holder, token)).copied()
    }

    /// The token of an order: the one that it carries, or the latest of its sender. An agent that leaves its
    /// token out has no other right to give orders than its last one. Of a holder of leases for different
    /// resources it is not known which it makes use of.
    pub fn authority_of(&self, sender: Name, headers: &Headers) -> Option<Token> {
        let held = || self.latest.get(sender).filter(|latest| latest.is_the_only_resource);
        headers.authority.or_else(|| held().map(|latest| latest.token))
    }

    /// Whether a token is made up: there is a lock service, and it has granted this token to no agent.
    pub fn is_made_up(&self, token: Token) -> bool {
        !self.tokens.is_empty() && !self.tokens.contains(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(resource: &str, token: u64) -> LeaseEvent {
        let [resource, holder] = [resource, "lead"].map(Name::new);
        LeaseEvent::Granted { resource, holder, token: Token(token), until: SimTime::ZERO }
    }

    #[test]
    fn an_order_without_a_token_counts_under_the_latest_one_of_a_holder_of_one_resource() {
        let mut leases = Leases::default();
        let authority = |leases: &Leases| leases.authority_of(Name::new("lead"), &Headers::NONE);
        assert_eq!(authority(&leases), None);
        for token in [1, 2] {
            leases.record(&granted("leadership", token), SimTime::ZERO);
            assert_eq!(authority(&leases), Some(Token(token)));
        }
        for resource in ["another", "leadership"] {
            leases.record(&granted(resource, 3), SimTime::ZERO);
            assert_eq!(authority(&leases), None, "it is not known which one it uses");
        }
        let with_token = Headers { authority: Some(Token(2)), ..Headers::NONE };
        assert_eq!(leases.authority_of(Name::new("lead"), &with_token), Some(Token(2)));
    }
}
