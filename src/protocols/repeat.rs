//! Repeated requests: an agent asks again until it has an answer, with or without a limit.
//!
//! An agent that asks without a limit first declares whom it waits for, so that the report of an unfinished
//! run can name the wait. The receiver must answer a repetition as it answered the first request; see
//! [`inbox`](crate::safeguards::inbox) for receivers with effects.

use crate::agent::{Agent, Delivery, Message};
use perfidy_sim::{Name, SimSpan};

/// How long a request waits for its reply, and how long the agent pauses before it sends the request again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResendTiming {
    /// How long to wait for the reply.
    pub timeout: SimSpan,
    /// How long to pause after that.
    pub pause: SimSpan,
}

impl ResendTiming {
    /// Sends a request again as soon as its reply is late.
    pub const fn without_pause(timeout: SimSpan) -> Self {
        Self { timeout, pause: SimSpan::ZERO }
    }
}

/// Repeats a request until `accept` takes a reply to it, however long that takes, and declares meanwhile that
/// the agent waits for `to`, for the reason `waits_for`.
pub async fn request_until_answered<T>(
    agent: &Agent,
    (to, waits_for): (Name, &'static str),
    about: Name,
    message: impl Message + Clone,
    timing: ResendTiming,
    accept: impl Fn(&Delivery) -> Option<T>,
) -> T {
    agent.declare_wait(to, waits_for, about);
    let answer = until_some(agent, timing.pause, async || {
        let reply = agent.request(to, about, message.clone(), timing.timeout).await;
        reply.ok().as_ref().and_then(&accept)
    })
    .await;
    agent.withdraw_wait(about);
    answer
}

/// Asks until there is an answer, with a pause after each try without one.
pub async fn until_some<T>(agent: &Agent, pause: SimSpan, ask: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        if pause > SimSpan::ZERO {
            agent.sleep(pause).await;
        }
    }
}

/// Asks until there is an answer, at most so often; `None` if there was none.
///
/// ```
/// use perfidy::protocols::in_attempts;
/// use std::cell::Cell;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let asked = Cell::new(0);
/// let ask = async || {
///     asked.set(asked.get() + 1);
///     (asked.get() == 3).then_some("yes")
/// };
/// assert_eq!(in_attempts(2, &ask).await, None);
/// assert_eq!(in_attempts(2, &ask).await, Some("yes"));
/// # });
/// ```
pub async fn in_attempts<T>(attempts: u32, ask: impl AsyncFn() -> Option<T>) -> Option<T> {
    for _ in 0..attempts {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Agents;
    use perfidy_sim::{Context, Engine, Seed, World, WorldConfig};
    use serde::{Deserialize, Serialize};

    /// How often the sender has been answered.
    #[derive(Clone, Hash, Debug, Serialize, Deserialize)]
    struct Ping(u32);

    impl Message for Ping {
        fn kind(&self) -> &'static str {
            "ping"
        }
    }

    fn agent(context: Context<Agents>) -> Agent {
        Agent::new(context, SimSpan::ZERO..=SimSpan::ZERO)
    }

    /// Answers from the second request on, and announces each request.
    async fn answer(agent: Agent) {
        for requests in 1.. {
            let mail = agent.receive().await;
            agent.announce(mail.about(), Ping(requests));
            if requests > 1 {
                agent.reply(&mail, Ping(requests - 1));
            }
        }
    }

    #[test]
    fn a_request_is_sent_until_a_reply_is_accepted() {
        let [client, server] = ["client", "server"].map(Name::new);
        let outcome = Engine::Native.run(|| {
            let mut world = World::<Agents>::new(WorldConfig::fault_free(Seed(1)));
            world.process(server, move |context| answer(agent(context)));
            world.process(client, move |context| async move {
                let agent = agent(context);
                let timing = ResendTiming::without_pause(SimSpan::from_secs(5));
                let second =
                    |mail: &Delivery| mail.open().and_then(|Ping(number)| (*number == 2).then_some(()));
                request_until_answered(&agent, (server, "a reply"), client, Ping(0), timing, second).await;
                agent.finish_after(SimSpan::ZERO);
            });
            world
        });
        let requests = outcome.history.app_events().count();
        assert_eq!(requests, 3, "no reply, a reply that is not accepted, one that is");
    }
}
