//! Questions and look-ups, which change nothing, and what faults make of the answers.

use super::call_records::{Answered, CallRecords};
use super::outcome::{ActualOutcome, Outcome, Reply};
use super::{Asking, Injecting, altered};
use crate::agent::{Content, Definite, Operation, ReadResult, Refused, Wire};
use crate::tools::prototype::{NotDone, Running};
use crate::tools::{LookUpFault, ReadFault, ToolContext};
use perfidy_sim::{SimSpan, SimTime};

impl CallRecords {
    /// What comes of a question.
    pub(super) fn on_read(
        &self,
        tool: &dyn Running,
        asking: &Asking<'_>,
        query: &Operation,
        injecting: Option<(ReadFault, &Injecting<'_>)>,
    ) -> Outcome {
        let as_of = |age| Outcome::from(self.answer(tool, asking, query, age));
        let honest = || as_of(SimSpan::ZERO);
        let Some((fault, injecting)) = injecting else { return honest() };
        match fault {
            ReadFault::LateReply(span) => honest().late_by(span),
            ReadFault::NoResponse => ActualOutcome::Ignored.into(),
            ReadFault::WrongReply => {
                let other = self.last_reading.as_ref().filter(|reading| reading.item != query.name);
                match other {
                    Some(Answered { intent, answer, .. }) => {
                        honest().answering_as_to(*intent, answer.clone()).recorded_as_served()
                    }
                    None => honest(),
                }
            }
            ReadFault::Stale(age) => as_of(age),
            ReadFault::MalformedResult => Outcome::from(ActualOutcome::Ignored).answering(Wire::Malformed),
            ReadFault::Altered(alteration) => {
                altered(honest(), |json, said| injecting.alter(alteration, json, said)).recorded_as_served()
            }
            ReadFault::Own(name) => {
                altered(honest(), |json, said| injecting.alter_own(name, json, said)).recorded_as_served()
            }
        }
    }

    /// What the tool says to a question, as of so long ago.
    fn answer(
        &self,
        tool: &dyn Running,
        asking: &Asking<'_>,
        query: &Operation,
        age: SimSpan,
    ) -> ActualOutcome {
        let as_of = SimTime::ZERO + asking.now.since(SimTime::ZERO + age);
        let earlier = (age > SimSpan::ZERO).then(|| self.tool_as_it_was(as_of));
        let tool = earlier.as_deref().unwrap_or(tool);
        match tool.read(query.name, &query.arguments, &ToolContext { as_of, service: asking.context }) {
            Ok(content) => ActualOutcome::Served(ReadResult { as_of, content }),
            Err(NotDone::Declined(why)) => ActualOutcome::refused(Refused { error: Definite::Refused, why }),
            Err(NotDone::Unreadable(why)) => {
                ActualOutcome::refused(Refused { error: Definite::Unreadable, why: Content::new(why) })
            }
        }
    }

    /// What comes of a look-up of an operation.
    pub(super) fn on_look_up(
        &self,
        asking: &Asking<'_>,
        operation: &Operation,
        fault: Option<LookUpFault>,
    ) -> Outcome {
        let age = match fault {
            Some(LookUpFault::Stale(age)) => age,
            None => SimSpan::ZERO,
        };
        let found = self.memory.find(operation.name, operation.intent);
        let found = found.filter(|(_, at)| *at + age <= asking.now);
        ActualOutcome::LookedUp(found.map(|(done, _)| done.clone())).into()
    }
}

impl Outcome {
    /// The same, where the event of the tool says what its reader gets to read, as far as that can be read.
    fn recorded_as_served(self) -> Self {
        let Reply { answer: Some(answer), .. } = &self.reply else { return self };
        match (answer.reading(), self.happens) {
            (Some(reading), ActualOutcome::Served(_)) => {
                Self { happens: ActualOutcome::Served(reading), ..self }
            }
            (_, happens) => Self { happens, ..self },
        }
    }
}
