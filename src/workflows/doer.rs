//! Doers: agents that carry out steps, several at a time, and remember what they have done.
//!
//! The executors of the conductor and the workers of the standby team are both doers. What they do between
//! order and report is the same; whom they obey is not.

use crate::agent::{Agent, Headers, Message, OpId, Wish};
use crate::safeguards::Safeguards;
use crate::safeguards::checkpoint;
use crate::safeguards::event_log::Answers;
use crate::safeguards::perform::perform;
use crate::safeguards::persist::{Operations, PersistBeforeCall};
use perfidy_sim::Name;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Semaphore;

/// How many steps one agent works on at a time.
const HANDS: usize = 4;

/// Tokens an agent reads to compose the arguments of a call.
const BRIEFING_TOKENS: u32 = 400;

/// In how many ways its model can put one and the same call.
const WORDINGS: u32 = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Busy,
    Done,
}

/// Where the id of an operation comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// The order carries it.
    Given(OpId),
    /// The doer mints it, once for each intent.
    Own,
    /// It is a digest of the call as the doer's model composes it, every time anew.
    Composed,
}

#[derive(Clone, Copy, Hash, Debug)]
struct Finished {
    intent: Name,
    round: u32,
}

impl Message for Finished {
    fn kind(&self) -> &'static str {
        "finished"
    }

    fn headers(&self) -> Headers {
        Headers { correlation: Some(self.intent), ..Headers::NONE }
    }
}

/// What a doer knows of its own work. Clones share it.
#[derive(Clone)]
pub struct Doer {
    agent: Agent,
    safeguards: Safeguards,
    operations: Rc<Operations>,
    answers: Answers,
    work: Rc<RefCell<BTreeMap<Name, (State, u32)>>>,
    hands: Rc<Semaphore>,
}

/// Where an ordered step stands with its doer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Never heard of it, or not in this round.
    New,
    /// At work on it.
    Busy,
    /// It is done.
    Done,
}

impl Doer {
    /// The doer as it left its work in its journal.
    pub fn recover(agent: &Agent, safeguards: &Safeguards) -> Self {
        let mut work = BTreeMap::new();
        checkpoint::recover(agent, |Finished { intent, round }| {
            work.insert(*intent, (State::Done, *round));
        });
        Self {
            agent: agent.clone(),
            safeguards: safeguards.clone(),
            operations: Rc::new(Operations::recover(agent)),
            answers: Answers::recover(agent),
            work: Rc::new(RefCell::new(work)),
            hands: Rc::new(Semaphore::new(HANDS)),
        }
    }

    /// Where a step stands.
    pub fn standing(&self, intent: Name, round: u32) -> Standing {
        match self.work.borrow().get(&intent) {
            Some((_, known)) if *known < round => Standing::New,
            Some((State::Busy, _)) => Standing::Busy,
            Some((State::Done, _)) => Standing::Done,
            None => Standing::New,
        }
    }

    /// Sets to work on a step, beside whatever else it is doing, with calls under these headers; `report`
    /// hears whether it succeeded.
    pub fn set_to_work(
        &self,
        (wish, headers): (Wish, Headers),
        round: u32,
        identity: Identity,
        report: impl FnOnce(&Agent, bool) + 'static,
    ) {
        self.work.borrow_mut().insert(wish.intent, (State::Busy, round));
        let doer = self.clone();
        self.agent.spawn(async move {
            // Nobody closes the semaphore, so this is always a hand.
            let hand = doer.hands.acquire().await;
            let succeeded = doer.carry_out((wish, headers), round, identity).await;
            drop(hand);
            report(&doer.agent, succeeded);
        });
    }

    /// Carries a step out with calls under these headers, and says whether it succeeded. It can be dropped at
    /// any point; what then becomes of a call that was on its way is not known.
    pub async fn carry_out(&self, (wish, headers): (Wish, Headers), round: u32, identity: Identity) -> bool {
        let (agent, safeguards) = (&self.agent.under(headers), &self.safeguards);
        let wording = self.answers.think(agent, safeguards, wish.intent, BRIEFING_TOKENS, WORDINGS).await;
        let (op, tried_before) = match identity {
            Identity::Given(op) => (op, false),
            Identity::Own => self.operations.id_for(agent, safeguards, wish.intent).await,
            Identity::Composed => (OpId::of_call(wish, wording), false),
        };
        if perform(agent, safeguards, wish, op, tried_before).await.is_err() {
            self.work.borrow_mut().remove(&wish.intent);
            return false;
        }
        if safeguards.has::<PersistBeforeCall>() || matches!(identity, Identity::Given(_)) {
            agent.before("record", wish.intent).await;
            agent.persist(Finished { intent: wish.intent, round }).await;
            agent.after("record", wish.intent).await;
        }
        self.work.borrow_mut().insert(wish.intent, (State::Done, round));
        true
    }
}
