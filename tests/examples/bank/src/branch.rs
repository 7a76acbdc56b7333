//! The branch: a front desk that takes orders, and tellers that carry them out at the bank.

use crate::ledger::{Call, Movement};
use crate::{CheckAmounts, SECOND_TRY};
use perfidy::agent::{Agent, Delivery, Message, OpId, Operation, Outcome, Report, ToolCall, ToolError};
use perfidy::sim::{Name, SimSpan};
use perfidy::workflows::user::UserMessage;
use perfidy::workflows::{Role, TeamContext, Workflow};
use serde::{Deserialize, Serialize};

/// How long a teller waits for the bank, and the front desk for a teller.
const BANK_TIMEOUT: SimSpan = SimSpan::from_secs(5);
const TELLER_TIMEOUT: SimSpan = SimSpan::from_secs(60);

/// How long a teller waits before it asks the bank again.
const BACKOFF: SimSpan = SimSpan::from_secs(2);

/// What the front desk and the tellers say to each other.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Debug)]
#[serde(rename_all = "kebab-case")]
enum Slip {
    /// Move this amount. Each of the two operations has an id.
    Move { from: Movement, to: Movement, ids: [OpId; 2] },
    /// This amount was moved.
    Moved { amount: u64 },
    /// The bank declined.
    Declined,
}

impl Message for Slip {
    fn kind(&self) -> &'static str {
        match self {
            Self::Move { .. } => "move",
            Self::Moved { .. } => "moved",
            Self::Declined => "declined",
        }
    }
}

/// The workflow of the branch.
pub fn workflow() -> Workflow {
    Workflow::new("branch")
        .about("a front desk hands transfers to tellers, who withdraw and deposit")
        .agent("front-desk", front_desk)
        .agents(Role::new("tellers", "teller", 1..=10, 2), teller)
        .probes(&[SECOND_TRY])
}

/// Hands each order to a teller, in turn, until one reports the outcome.
async fn front_desk(agent: Agent, team: TeamContext) {
    let tellers = team.group("tellers");
    for next in 0.. {
        let message = agent.receive().await;
        let Some(UserMessage::Submit { task, ops }) = message.open().cloned() else { continue };
        let (agent, plan, teller) = (agent.clone(), team.plan.clone(), tellers[next % tellers.len()]);
        let movement = |step| plan.operation_of(task, step).arguments.read::<Movement>();
        let (Ok(from), Ok(to), &[withdraw, deposit]) = (movement(0), movement(1), &*ops) else {
            report(&agent, &message, task, Outcome::Failed);
            continue;
        };
        let order = Slip::Move { from, to, ids: [withdraw, deposit] };
        agent.clone().spawn(async move {
            let outcome = loop {
                let answer = agent.request(teller, task, order.clone(), TELLER_TIMEOUT).await;
                match answer.as_ref().map(Delivery::open::<Slip>) {
                    Ok(Some(Slip::Moved { .. })) => break Outcome::Done,
                    Ok(Some(Slip::Declined)) => break Outcome::Failed,
                    _ => {}
                }
            };
            report(&agent, &message, task, outcome);
        });
    }
}

fn report(agent: &Agent, to: &Delivery, task: Name, outcome: Outcome) {
    agent.send(to.from(), task, UserMessage::Report(Report::of(task, outcome)));
}

/// Withdraws and deposits.
async fn teller(agent: Agent, team: TeamContext) {
    let checks = team.safeguards().has::<CheckAmounts>();
    loop {
        let message = agent.receive().await;
        let Some(Slip::Move { from, to, ids }) = message.open().cloned() else { continue };
        let agent = agent.clone();
        agent.clone().spawn(async move {
            let ordered = from.amount;
            let task = message.about();
            let Ok(withdrawn) = ask_bank(&agent, (task, "move"), &Call::Withdraw(from), ids[0]).await else {
                return agent.reply(&message, Slip::Declined);
            };
            let amount = if checks { ordered } else { withdrawn.amount };
            let deposit = Call::Deposit(Movement { amount, ..to });
            // The bank accepts every deposit into an account that exists.
            match ask_bank(&agent, (task, "credit"), &deposit, ids[1]).await {
                Ok(_) => agent.reply(&message, Slip::Moved { amount }),
                Err(_) => agent.reply(&message, Slip::Declined),
            }
        });
    }
}

/// Asks the bank until the outcome is definite.
async fn ask_bank(
    agent: &Agent,
    (task, step): (Name, &str),
    call: &Call,
    id: OpId,
) -> Result<Movement, ToolError> {
    let intent = Name::new(&format!("{task}/{step}"));
    let operation = Operation::calling(Name::new("bank"), intent, call);
    loop {
        match agent.call_and_read(ToolCall::keyed(operation.clone(), id), BANK_TIMEOUT).await {
            Err(ToolError::Indefinite(_)) => {
                agent.reached(SECOND_TRY);
                agent.sleep(BACKOFF).await;
            }
            result => return result,
        }
    }
}
