//! The evaluator: has its model judge each draft.

use super::EvaluatorMessage;
use crate::agent::{Agent, Content};
use crate::protocols::{Question, SingleFlight};
use crate::safeguards::check_arguments::are_as_ordered;
use crate::safeguards::event_log::ModelAnswers;
use crate::workflows::TeamContext;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Tokens that the evaluator's model reads to judge a draft.
const JUDGING_TOKENS: u32 = 600;

/// A draft as the model gets it: one that looks like an earlier one is another draft all the same.
#[derive(Hash, Serialize)]
struct Draft {
    round: u32,
    arguments: Content,
}

/// What a model says of a draft.
#[derive(Clone, Copy, PartialEq, Hash, Debug, Serialize, Deserialize)]
struct Judged {
    is_accepted: bool,
}

/// Judges several drafts at a time, each only once at a time. A review that is sent again while the draft is
/// judged changes only where the verdict goes.
pub(super) async fn evaluator(agent: Agent, team: TeamContext) {
    let (answers, judging) = (ModelAnswers::recover(&agent), SingleFlight::default());
    let latest = Rc::new(RefCell::new(BTreeMap::new()));
    loop {
        let mail = agent.receive().await;
        let Some(EvaluatorMessage::Review { task, step, round, draft }) = mail.open().cloned() else {
            continue;
        };
        if !team.plan.has_step(step) {
            continue;
        }
        let key = (task, step, round);
        latest.borrow_mut().insert(key, mail);
        let (agent_of_it, team, answers, latest) =
            (agent.clone(), team.clone(), answers.clone(), Rc::clone(&latest));
        judging.start(&agent, key, async move {
            let agent = agent_of_it;
            let operation = team.plan.operation_of(task, step);
            let is_right = are_as_ordered(&draft, &operation);
            let question = Question::new("Say whether this draft is what is asked for.", operation.intent);
            let known = Content::new(Draft { round, arguments: draft });
            let prompt = question.knowing(known).prompt(JUDGING_TOKENS);
            let ask = async || {
                let judged = |nth| Judged { is_accepted: nth == 1 };
                agent.complete_rightly(operation.intent, &prompt, (2, is_right.into()), judged).await
            };
            let about = (operation.intent, round.into());
            let Judged { is_accepted } = answers.complete(&agent, team.safeguards(), about, ask).await;
            let asked = latest.borrow_mut().remove(&key);
            if let Some(mail) = asked {
                agent.reply(&mail, EvaluatorMessage::Verdict { is_accepted });
            }
        });
    }
}
