//! The books of a tool's wrapper: what it knows beside the tool itself, and what it enters there.

use super::Work;
use super::outcome::{ActualOutcome, Outcome, Reply};
use crate::agent::{
    Agents, Author, Confirmation, OpId, Operation, Receipt, Request, TeamEvent, ToolEvent, ToolRequest, Wire,
};
use crate::tools::Caller;
use crate::tools::keys::Memory;
use crate::tools::outage::{Begun, Outages};
use crate::tools::prototype::Running;
use perfidy_sim::{Name, ServiceContext, SimTime};

/// What a wrapper knows of the requests that it has handled.
pub(super) struct CallRecords {
    pub deduplicates: bool,
    /// Whether it refuses calls that do not say for which task they are made.
    pub refuses_untraced: bool,
    /// The tool as it was at the beginning.
    pub initial: Box<dyn Running>,
    /// What took effect since then.
    pub effects: Vec<(SimTime, ToolRequest)>,
    pub outages: Outages,
    pub memory: Memory,
    pub receipts: u64,
    /// The honest answer to the last call, and its intent.
    pub last_answer: Option<(Name, Wire)>,
    pub last_reading: Option<Answered>,
}

/// The honest answer to a question.
pub(super) struct Answered {
    pub item: Name,
    pub intent: Name,
    pub answer: Wire,
}

impl CallRecords {
    /// Carries the outcome of a request into effect, and returns what is answered.
    pub fn enter(
        &mut self,
        context: &mut ServiceContext<'_, Agents>,
        work: &Work,
        outcome: Outcome,
    ) -> Reply {
        let Outcome { begins, loses_trace, forgets, happens, again, key, honest, reply } = outcome;
        let now = context.now();
        if let Some(begun) = begins {
            self.begin(context, begun);
        }
        if let Some(age) = forgets {
            self.memory.forget_older_than(age, now);
        }
        let untraced = loses_trace.then(|| work.asked.untraced());
        let asked = untraced.as_ref().unwrap_or(&work.asked);
        for happening in [Some(happens), again].into_iter().flatten() {
            let answer = happening.answer();
            let is_remembered = match &happening {
                ActualOutcome::Effect(done) => {
                    self.receipts += 1;
                    self.effects.push((now, asked.clone()));
                    self.memory.enter(work.operation().name, work.intent, done.clone(), now);
                    true
                }
                ActualOutcome::Cancelled => true,
                ActualOutcome::Refused { is_final, .. } => *is_final,
                ActualOutcome::Recognised(_)
                | ActualOutcome::Ignored
                | ActualOutcome::Served(_)
                | ActualOutcome::LookedUp(_) => false,
            };
            context.record_event(Author::HARNESS, TeamEvent::Tool(work.event(asked.clone(), happening)));
            if let (Some(key), Some(answer)) = (key.filter(|_| is_remembered), answer) {
                self.memory.remember(key, answer, now);
            }
        }
        match (work.request, honest) {
            (Request::Call, Some(answer)) => self.last_answer = Some((work.intent, answer)),
            (Request::Read, Some(answer)) => {
                let (item, intent) = (work.operation().name, work.intent);
                self.last_reading = Some(Answered { item, intent, answer });
            }
            (Request::LookUp | Request::Cancel, _) | (_, None) => {}
        }
        reply
    }

    /// An outage begins. That its schema has another version, a tool says before it says anything else.
    pub fn begin(&mut self, context: &mut ServiceContext<'_, Agents>, begun: Begun) {
        self.outages.begin(begun);
        if let Some(version) = begun.schema() {
            context.record_event(Author::HARNESS, TeamEvent::Tool(ToolEvent::SchemaRolled { version }));
        }
    }

    /// The tool as it was at a time: as at the beginning, with everything applied again that took effect
    /// until then.
    pub fn tool_as_it_was(&self, at: SimTime) -> Box<dyn Running> {
        let mut tool = self.initial.copy();
        for (_, request) in self.effects.iter().take_while(|(done, _)| *done <= at) {
            let Operation { name, arguments, .. } = request.operation();
            // It took effect, so it does again.
            let _ = tool.apply(*name, arguments, &Caller::by(request));
        }
        tool
    }

    /// What the nth effect from now on is confirmed with.
    pub fn receipt(&self, nth: u64) -> Receipt {
        Receipt(self.receipts + nth)
    }
}

impl Work {
    /// What is asked for.
    pub fn operation(&self) -> &Operation {
        self.asked.operation()
    }

    /// Its operation id.
    ///
    /// # Panics
    /// If it is neither a call nor to cancel one.
    fn op(&self) -> OpId {
        self.asked.op().expect("a call has an operation id")
    }

    /// What stands in the history about what the tool does about the request, as it has that.
    fn event(&self, request: ToolRequest, happening: ActualOutcome) -> ToolEvent {
        let intent = self.intent;
        let operation = self.operation().name;
        match happening {
            ActualOutcome::Effect(Confirmation { receipt: Receipt(receipt), .. }) => {
                ToolEvent::Effect { operation, intent, op: self.op(), receipt, request }
            }
            ActualOutcome::Recognised(_) => {
                ToolEvent::Recognised { operation, intent, op: self.op(), request }
            }
            ActualOutcome::Refused { refused, .. } => {
                ToolEvent::Refused { operation: self.what, intent, refused, request }
            }
            ActualOutcome::Ignored => ToolEvent::Ignored { operation: self.what, intent, request },
            ActualOutcome::Cancelled => ToolEvent::Cancelled { operation, intent, op: self.op(), request },
            ActualOutcome::Served(reading) => {
                let (as_of, content) = (reading.as_of, reading.content);
                ToolEvent::Served { item: operation, intent, as_of, content, request }
            }
            ActualOutcome::LookedUp(found) => {
                ToolEvent::LookedUp { operation, intent, found: found.is_some(), request }
            }
        }
    }
}
