//! Questions and look-ups, which change nothing, and what faults make of the answers.

use super::answers::{Altering, altered, refuse, serve, unanswered};
use super::{Reply, ToolService, Work};
use crate::agent::{Agents, Author, Content, Definite, Note, Operation, Reading, Refused, ToolEvent, Wire};
use crate::tools::prototype::{NotDone, Running};
use crate::tools::{Asked, LookUpFault, Moment, ReadFault};
use perfidy_sim::{Desk, SimSpan, SimTime};

impl ToolService {
    pub(super) fn on_read(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        query: &Operation,
        fault: Option<ReadFault>,
    ) -> Reply {
        let Some(fault) = fault else { return Reply::Now(self.reading(desk, work, query, SimSpan::ZERO)) };
        match fault {
            ReadFault::LateReply(span) => Reply::Later(self.reading(desk, work, query, SimSpan::ZERO), span),
            ReadFault::NoResponse => unanswered(desk, work),
            ReadFault::WrongReply => {
                let other = self.last_reading.clone();
                match other {
                    Some((_, other)) => Reply::Now(serve(desk, work, Wire::Reading(other.clone()), &other)),
                    None => Reply::Now(self.reading(desk, work, query, SimSpan::ZERO)),
                }
            }
            ReadFault::Stale(age) => Reply::Now(self.reading(desk, work, query, age)),
            ReadFault::MalformedResult => {
                unanswered(desk, work);
                Reply::Now(Wire::Malformed)
            }
            ReadFault::Altered(alteration) => {
                self.altered_reading(desk, work, query, &Altering::Shipped(alteration))
            }
            ReadFault::Own(name) => {
                let own = self.faults.own.clone();
                self.altered_reading(desk, work, query, &Altering::Own(&own, name))
            }
        }
    }

    fn altered_reading(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        query: &Operation,
        altering: &Altering<'_>,
    ) -> Reply {
        match self.look(desk, query, SimSpan::ZERO) {
            Ok(reading) => {
                let answer = altered(desk, work, Wire::Reading(reading.clone()), altering);
                let said = answer.reading().unwrap_or(reading);
                Reply::Now(serve(desk, work, answer, &said))
            }
            Err(refused) => Reply::Now(refuse(desk, work, refused)),
        }
    }

    /// Answers a question as of so long ago.
    fn reading(&mut self, desk: &mut Desk<'_, Agents>, work: &Work, query: &Operation, age: SimSpan) -> Wire {
        match self.look(desk, query, age) {
            Ok(reading) => serve(desk, work, Wire::Reading(reading.clone()), &reading),
            Err(refused) => refuse(desk, work, refused),
        }
    }

    /// What the tool says as of so long ago.
    fn look(
        &mut self,
        desk: &mut Desk<'_, Agents>,
        query: &Operation,
        age: SimSpan,
    ) -> Result<Reading, Refused> {
        let as_of = SimTime::ZERO + desk.now().since(SimTime::ZERO + age);
        let earlier = (age > SimSpan::ZERO).then(|| self.as_it_was(as_of));
        let tool = earlier.as_ref().unwrap_or(&self.tool);
        match tool.read(query.name, &query.arguments, &Moment { as_of, desk }) {
            Ok(content) => {
                let reading = Reading { as_of, content };
                self.last_reading = Some((query.name, reading.clone()));
                Ok(reading)
            }
            Err(NotDone::Declined(why)) => Err(Refused { error: Definite::Refused, why }),
            Err(NotDone::Unreadable(why)) => {
                Err(Refused { error: Definite::Unreadable, why: Content::new(why) })
            }
        }
    }

    /// The tool as it was at a time: as at the beginning, with everything applied again that took effect
    /// until then.
    fn as_it_was(&self, at: SimTime) -> Box<dyn Running> {
        let mut tool = self.initial.copy();
        for (_, request) in self.effects.iter().take_while(|(done, _)| *done <= at) {
            let Operation { name, arguments, .. } = request.operation();
            let asked = Asked { by: request.by, at: request.at, headers: request.headers() };
            // It took effect, so it does again.
            let _ = tool.apply(*name, arguments, &asked);
        }
        tool
    }

    pub(super) fn on_look_up(
        &self,
        desk: &mut Desk<'_, Agents>,
        work: &Work,
        operation: &Operation,
        fault: Option<LookUpFault>,
        now: SimTime,
    ) -> Reply {
        let age = match fault {
            Some(LookUpFault::Stale(age)) => age,
            None => SimSpan::ZERO,
        };
        let Operation { name, intent, .. } = *operation;
        let found = self.memory.find(name, intent).filter(|(_, at)| *at + age <= now);
        let found = found.map(|(receipt, _)| receipt);
        let request = work.asked.clone();
        desk.note(
            Author::HARNESS,
            Note::Tool(ToolEvent::LookedUp { operation: name, intent, found: found.is_some(), request }),
        );
        Reply::Now(Wire::Found(found))
    }
}
