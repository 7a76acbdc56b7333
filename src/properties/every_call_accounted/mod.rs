//! No call vanishes: each was answered, was retried until it was, or is recorded by the person on call.
//!
//! A call is an operation that an agent wants from a tool, however many tries it takes and whichever agents
//! make them. It is accounted for if some try returned that it is done; if the person on call has recorded
//! it; or if for every try it is definite that nothing happened and the user has a report that the task
//! failed or was cancelled. A cancelled call is as definite as one that was done or rejected for good; each
//! outcome concerns one operation id. A refused *compensation* needs more, because no report to the user says
//! that an effect was left behind. Calls of a task without a final report may still be retried, and in a team
//! without a person on call nothing is required.

use super::ledger::Ledger;
use crate::agent::{
    AgentEvent, CallOutcome, Definite, OpId, Outcome, PersonEvent, TeamEvent, UserEvent, cancel_of, kinds,
    look_up_of,
};
use crate::properties::{Property, TeamHistory, Verdict};
use perfidy_sim::{Event, EventKinds, Lookup, Name};
use std::collections::{BTreeMap, BTreeSet};

/// The property, for the shipped suite.
pub fn property() -> Property {
    Property::new(
        "every-call-accounted",
        "every call was answered, retried until answered, or escalated to the person on call",
        judge,
    )
    .needs(kinds::IS_ON_CALL)
}

/// The outcome of a call, updated with each try.
struct Account<'a> {
    last_try: &'a Event<TeamEvent>,
    last_word: Option<(&'a Event<TeamEvent>, CallOutcome)>,
    /// The id of each agent's last try.
    last_ops: BTreeMap<Name, OpId>,
    /// The ids of tries with an unknown outcome.
    unclear: Vec<OpId>,
    /// Ids under which nothing has happened and nothing will.
    declined: BTreeSet<OpId>,
    is_closed: bool,
}

impl<'a> Account<'a> {
    fn opened_by(event: &'a Event<TeamEvent>) -> Self {
        let (last_ops, unclear, declined) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { last_try: event, last_word: None, last_ops, unclear, declined, is_closed: false }
    }

    fn is_tried(&mut self, event: &'a Event<TeamEvent>, op: OpId) {
        self.last_try = event;
        self.last_ops.insert(event.node, op);
        self.unclear.push(op);
    }

    /// An agent got the outcome of its last try, or the answer that the operation is done, whichever agent
    /// tried.
    fn is_answered(&mut self, event: &'a Event<TeamEvent>, told: CallOutcome) {
        self.last_word = Some((event, told));
        match (told, self.last_ops.get(&event.node)) {
            (CallOutcome::Done, _) => self.is_closed = true,
            (CallOutcome::Cancelled | CallOutcome::Not(Definite::Declined), Some(op)) => {
                self.declined.insert(*op);
            }
            (CallOutcome::Not(_), Some(op)) => {
                if let Some(place) = self.unclear.iter().position(|unclear| unclear == op) {
                    self.unclear.remove(place);
                }
            }
            _ => {}
        }
    }

    /// Whether it is definite that nothing happened.
    fn came_to_nothing(&self) -> bool {
        self.unclear.iter().all(|op| self.declined.contains(op))
    }
}

#[derive(Default)]
struct Book<'a> {
    calls: BTreeMap<(Name, Name, Name), Account<'a>>,
    /// The operations of the calls of each tool for each intent.
    operations: Lookup<(Name, Name), Vec<Name>>,
    task_of: BTreeMap<Name, Name>,
    /// The calls that the person on call has recorded, each under its id.
    escalated: BTreeSet<(Name, Name, Name, OpId)>,
    /// Tasks that were reported to the user as failed or cancelled.
    given_up: BTreeSet<Name>,
    informed: BTreeMap<Name, &'a Event<TeamEvent>>,
    ledger: Ledger<'a>,
}

/// The kinds of events that it reads.
const READS: EventKinds = Ledger::READS
    .and(kinds::WANTED)
    .and(kinds::CALLED)
    .and(kinds::ANSWERED)
    .and(kinds::DEAD_LETTERED)
    .and(kinds::INFORMED);

fn judge(history: &TeamHistory) -> Verdict {
    if history.app_events_of(kinds::IS_ON_CALL).next().is_none() {
        return Verdict::Vacuous;
    }
    let mut book = Book::default();
    for (event, note) in history.app_events_of(READS) {
        book.take_in(event, note);
    }
    let mut verdict = Verdict::Vacuous;
    for (&(tool, operation, intent), account) in &book.calls {
        let task = book.task_of.get(&intent);
        let Some((task, informed)) = task.and_then(|task| Some((task, *book.informed.get(task)?))) else {
            continue;
        };
        verdict = Verdict::Holds;
        let says_enough = account.came_to_nothing()
            && book.given_up.contains(task)
            && !book.ledger.is_undoing(tool, operation, intent);
        if account.is_closed || says_enough {
            continue;
        }
        let caller = account.last_try.node;
        let (word, told) = match account.last_word {
            None => (None, "heard nothing".to_owned()),
            Some((event, told)) => (Some(event), format!("was told \"{told}\"")),
        };
        let message = format!(
            "{caller} called {tool}.{operation} for {intent}, {told}, and left it at that: the call is lost"
        );
        let because: Vec<_> = [account.last_try, informed].into_iter().chain(word).collect();
        return Verdict::violated(&because, message);
    }
    verdict
}

impl<'a> Book<'a> {
    fn take_in(&mut self, event: &'a Event<TeamEvent>, note: &TeamEvent) {
        self.ledger.take_in(event, note);
        match *note {
            TeamEvent::User(UserEvent::Wanted { task, intent, .. }) => {
                self.task_of.insert(intent, task);
            }
            TeamEvent::Agent(AgentEvent::Called { tool, operation, intent, op, .. }) => {
                let account = self.calls.entry((tool, operation, intent)).or_insert_with(|| {
                    self.operations.get_or_insert_with((tool, intent), Vec::new).push(operation);
                    Account::opened_by(event)
                });
                account.is_tried(event, op);
                // A late order can reach an agent after its call was escalated.
                account.is_closed |= self.escalated.contains(&(tool, operation, intent, op));
            }
            TeamEvent::Agent(AgentEvent::Answered {
                tool,
                intent,
                told: CallOutcome::Found(true),
                operation,
                ..
            }) => {
                // A look-up that found the effect counts as an answer.
                let found = |known: Name| look_up_of(known) == operation;
                self.change(tool, intent, found, |account| account.is_closed = true);
            }
            TeamEvent::Agent(AgentEvent::Answered { tool, operation, intent, told, .. }) => {
                if let Some(account) = self.calls.get_mut(&(tool, operation, intent)) {
                    account.is_answered(event, told);
                } else {
                    let cancelled = |known: Name| cancel_of(known) == operation;
                    self.change(tool, intent, cancelled, |account| account.is_answered(event, told));
                }
            }
            TeamEvent::Person(PersonEvent::DeadLetterRecorded { tool, operation, intent, op, .. }) => {
                self.escalated.insert((tool, operation, intent, op));
                if let Some(account) = self.calls.get_mut(&(tool, operation, intent)) {
                    account.is_closed = true;
                }
            }
            TeamEvent::User(UserEvent::Informed { ref report, .. }) => {
                if report.outcome != Outcome::Done {
                    self.given_up.insert(report.task);
                }
                self.informed.entry(report.task).or_insert(event);
            }
            _ => {}
        }
    }

    /// Changes the accounts of a tool's calls for an intent whose operation is among these.
    fn change(
        &mut self,
        tool: Name,
        intent: Name,
        concerns: impl Fn(Name) -> bool,
        change: impl Fn(&mut Account<'a>),
    ) {
        for operation in self.operations.get((tool, intent)).into_iter().flatten() {
            if concerns(*operation)
                && let Some(account) = self.calls.get_mut(&(tool, *operation, intent))
            {
                change(account);
            }
        }
    }
}

#[cfg(test)]
mod tests;
