//! A specialist: carries out steps of its field, and what it makes of others.

use super::{Fields, RouterMessage};
use crate::agent::{Agent, Content, Headers};
use crate::safeguards::intent_keys::KeySource;
use crate::safeguards::route_check::RouteCheck;
use crate::workflows::TeamContext;
use crate::workflows::worker::{StepStatus, StepWorker};
use serde_json::Value;

/// Carries out what it is sent. With `route-check`, it refuses what is not of its field.
pub(super) async fn specialist(agent: Agent, team: TeamContext) {
    let (worker, fields) = (StepWorker::recover(&agent, team.safeguards()), Fields::of(&team));
    let place = team.place_of(agent.name()).unwrap_or_default();
    loop {
        let mail = agent.receive().await;
        let Some(RouterMessage::Assign { task, step, op }) = mail.open().cloned() else { continue };
        if !team.plan.has_step(step) {
            continue;
        }
        let (router, operation) = (mail.from(), team.plan.operation_of(task, step));
        let (intent, is_mine) = (operation.intent, fields.knows(place, step));
        if !is_mine && team.safeguards().has::<RouteCheck>() {
            agent.send(router, intent, RouterMessage::NotMine { task, step });
            continue;
        }
        match worker.status(intent, 0) {
            StepStatus::Running => {}
            StepStatus::Done => {
                agent.send(router, intent, RouterMessage::outcome(task, step, worker.confirmed(intent)));
            }
            StepStatus::New => {
                let arguments = operation.arguments.clone();
                let arguments = if is_mine { arguments } else { half_understood(&arguments) };
                let headers = Headers { correlation: Some(task), ..Headers::NONE };
                let work = (operation.with(arguments), headers);
                worker.start(work, 0, KeySource::Given(op), move |agent, confirmed| {
                    agent.send(router, intent, RouterMessage::outcome(task, step, confirmed));
                });
            }
        }
    }
}

/// What a model makes of the arguments of a call in a field that it does not know: they have the right form.
fn half_understood(arguments: &Content) -> Content {
    if arguments.is_nothing() { Content::NOTHING } else { Content::of_json(half_of(arguments.json())) }
}

fn half_of(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let half = text.chars().count().div_ceil(2);
            text.chars().take(half).collect::<String>().into()
        }
        Value::Number(number) => number.as_u64().map_or(Value::Number(number), |amount| (amount / 2).into()),
        Value::Array(parts) => parts.into_iter().map(half_of).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, field)| (key, half_of(field))).collect(),
        Value::Bool(_) | Value::Null => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_half_understood_has_the_right_form_and_another_content() {
        let arguments = json!({ "to": "alice", "amount": 50, "urgent": true, "lines": ["one", "two"] });
        let half = json!({ "to": "ali", "amount": 25, "urgent": true, "lines": ["on", "tw"] });
        assert_eq!(half_of(arguments), half);
        assert_eq!(half_understood(&Content::NOTHING), Content::NOTHING);
    }
}
