//! Vote: voters answer the same questions independently, and two aggregators each take the answer that enough
//! of them give.
//!
//! ```text
//!   user --submit--> aggregator --ballot--> voter --read--> source
//!    |  ^---report------'   ^----vote----------'
//!    |
//!    '--submit--> auditor --ballot--> voter
//!       ^---report---'  ^----vote-------'
//! ```
//!
//! Every step of a task is a question to a source. A voter reads the source, has its model state the answer,
//! and tells it to each aggregator that asks. A model can state it wrongly, and a voter can be broken and
//! tell each aggregator something else. Aggregator and auditor do the same, each on its own: they answer the
//! same user, who relies on it that they agree (N-version programming; Avizienis 1985, "The N-Version
//! Approach to Fault-Tolerant Software"). Where no answer has enough votes in time, the report says that it
//! is missing.
//!
//! What a model states of a source can also be checked without a model: a voter can compare the statement
//! with the source itself (`end-to-end-check`), and have its model state the answer again where the two
//! differ. One voter with that check, a panel of voters and one judge without either are three designs to
//! compare.
//!
//! Nothing is changed by a vote, so all of it can be repeated: agents keep nothing but what their models have
//! answered.

use crate::agent::{Agent, AnswerPart, Content, Headers, Message, Operation, Purpose, ReadResult, Report};
use crate::protocols::{Question, Resend, SingleFlight};
use crate::safeguards::calls::{ReadPolicy, read_with_retry};
use crate::safeguards::end_to_end_check::{EndToEndCheck, source_says};
use crate::safeguards::event_log::ModelAnswers;
use crate::safeguards::resend_orders::ResendOrders;
use crate::safeguards::voting_quorum::VotingQuorum;
use crate::tools::Document;
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{MOST_AGENTS, Role, TeamContext, Workflow};
use perfidy_sim::{Lookup, Name, SimSpan, SimTime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("vote")
        .about("voters answer questions independently, and two aggregators take what enough of them say")
        .agent(AGGREGATOR, |agent, team| Aggregator::new(agent, team).run())
        .agent(AUDITOR, |agent, team| Aggregator::new(agent, team).run())
        .agents(Role::new("voters", "voter", 1..=MOST_AGENTS, 4), voter)
        .tasks_to(&[AGGREGATOR, AUDITOR])
        .tasks_are_questions()
        .safeguards(&[
            "call-timeout",
            "end-to-end-check",
            "event-log",
            "reply-correlation",
            "resend-orders",
            "retry",
            "retry-backoff",
            "retry-writes",
            "voting-quorum",
        ])
        .properties(&["agreement", "eventual-termination", "no-silent-partial"])
}

const AGGREGATOR: &str = "aggregator";
const AUDITOR: &str = "auditor";

/// How long an aggregator waits for a vote before it asks again.
const RESEND: SimSpan = SimSpan::from_secs(15);

/// When a question without enough equal votes is given up.
const DEADLINE: SimSpan = SimSpan::from_secs(120);

/// How many statements of its model a voter checks before it leaves the question unanswered.
const STATEMENTS: u64 = 5;

#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
enum VoteMessage {
    /// How do you answer this?
    Ballot { task: Name, step: usize },
    /// The answer of one voter.
    Vote { task: Name, step: usize, answer: Content },
}

impl Message for VoteMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ballot { .. } => "ballot",
            Self::Vote { .. } => "vote",
        }
    }

    fn headers(&self) -> Headers {
        Headers::of(match self {
            Self::Ballot { .. } => Purpose::Ask,
            Self::Vote { .. } => Purpose::Answer,
        })
    }
}

/// What a voter's model states as the answer.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Statement {
    answer: Content,
}

/// One question of a task, at one aggregator.
#[derive(Default)]
struct Poll {
    /// The first vote of each voter.
    votes: BTreeMap<usize, Content>,
    /// How many have given each answer, in the order in which the answers came up.
    tally: Vec<(Content, usize)>,
}

impl Poll {
    /// Counts the vote of a voter, once.
    fn count(&mut self, voter: usize, answer: Content) {
        if self.votes.contains_key(&voter) {
            return;
        }
        match self.tally.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, count)) => *count += 1,
            None => self.tally.push((answer.clone(), 1)),
        }
        self.votes.insert(voter, answer);
    }

    /// The answer that so many voters have given.
    fn decided(&self, needed: usize) -> Option<&Content> {
        self.tally.iter().find(|(_, votes)| *votes >= needed).map(|(answer, _)| answer)
    }
}

/// A task that has not ended.
struct Open {
    deadline: SimTime,
    polls: Vec<Poll>,
}

/// Asks all voters and counts.
struct Aggregator {
    agent: Agent,
    team: TeamContext,
    open: Lookup<Name, Open>,
    closed: Lookup<Name, Report>,
    deadlines: BTreeSet<(SimTime, Name)>,
    /// The ballots that each voter is to answer.
    ballots: Resend<(Name, usize, usize)>,
}

impl Aggregator {
    fn new(agent: Agent, team: TeamContext) -> Self {
        let ballots = Resend::every(ResendOrders::of_or(team.safeguards(), RESEND));
        Self {
            agent,
            team,
            open: Lookup::default(),
            closed: Lookup::default(),
            deadlines: BTreeSet::new(),
            ballots,
        }
    }

    async fn run(mut self) {
        loop {
            while let Some((task, step, voter)) = self.ballots.next(self.agent.monotonic()) {
                self.ask(task, step, voter);
            }
            while let Some((_, task)) = self.deadlines.first().copied().filter(|(at, _)| self.is_past(*at)) {
                self.close(task).await;
            }
            if let Ok(mail) = self.agent.receive_within(self.wait(), "a vote").await {
                if let Some(UserMessage::Submit { task, .. }) = mail.open() {
                    self.submitted(*task).await;
                }
                if let Some(VoteMessage::Vote { task, step, answer }) = mail.open() {
                    self.voted(*task, *step, (mail.from(), answer)).await;
                }
            }
        }
    }

    fn is_past(&self, at: SimTime) -> bool {
        self.agent.monotonic() >= at
    }

    /// How long to wait for a message before ballots may be due again, or a task has taken too long.
    fn wait(&self) -> SimSpan {
        let deadline = self.deadlines.first().map(|(deadline, _)| deadline.since(self.agent.monotonic()));
        deadline.into_iter().fold(RESEND, SimSpan::min)
    }

    /// How many equal votes an answer needs.
    fn needed(&self) -> usize {
        let quorum = self.team.safeguards().get::<VotingQuorum>();
        quorum.map_or(1, |quorum| quorum.of(self.team.workers.len()))
    }

    async fn submitted(&mut self, task: Name) {
        if let Some(closed) = self.closed.get(task) {
            return report(&self.agent, closed.clone()).await;
        }
        if self.open.contains(task) {
            return;
        }
        let (steps, voters) = (self.team.plan.steps.len(), self.team.workers.len());
        let deadline = self.agent.monotonic() + DEADLINE;
        let polls = (0..steps).map(|_| Poll::default()).collect();
        self.open.insert(task, Open { deadline, polls });
        self.deadlines.insert((deadline, task));
        for step in 0..steps {
            (0..voters).for_each(|voter| self.ballots.add((task, step, voter)));
        }
    }

    fn ask(&mut self, task: Name, step: usize, voter: usize) {
        let Some(open) = self.open.get(task) else { return };
        let has_voted = open.polls[step].votes.contains_key(&voter);
        if has_voted || !self.ballots.send_if_due((task, step, voter), self.agent.monotonic()) {
            return;
        }
        let (intent, to) = (self.team.plan.intent(task, step), self.team.workers[voter]);
        self.agent.declare_wait(to, "a vote", intent);
        self.agent.send(to, intent, VoteMessage::Ballot { task, step });
    }

    async fn voted(&mut self, task: Name, step: usize, (from, answer): (Name, &Content)) {
        let needed = self.needed();
        let Some(voter) = self.team.workers.iter().position(|worker| *worker == from) else { return };
        let Some(open) = self.open.get_mut(task).filter(|_| self.team.plan.has_step(step)) else { return };
        open.polls[step].count(voter, answer.clone());
        self.ballots.answered((task, step, voter));
        if open.polls.iter().all(|poll| poll.decided(needed).is_some()) {
            self.close(task).await;
        }
    }

    /// Reports what is decided, and what is not.
    async fn close(&mut self, task: Name) {
        let needed = self.needed();
        let Some(Open { deadline, polls }) = self.open.remove(task) else { return };
        self.deadlines.remove(&(deadline, task));
        let part = |(step, poll): (usize, &Poll)| AnswerPart {
            intent: self.team.plan.intent(task, step),
            content: poll.decided(needed).cloned(),
        };
        let answer: Vec<AnswerPart> = polls.iter().enumerate().map(part).collect();
        for part in &answer {
            self.agent.withdraw_wait(part.intent);
        }
        let is_done = answer.iter().any(|part| part.content.is_some());
        let closing = Report { answer: answer.into(), ..Report::done_or_failed(task, is_done) };
        self.closed.insert(task, closing.clone());
        report(&self.agent, closing).await;
    }
}

/// The length of a reading in tokens.
fn tokens_of(reading: &ReadResult) -> u32 {
    reading.read::<Document>().map_or(0, |document| document.tokens())
}

/// A voter: answers what it is asked, several questions at a time, each for all who ask.
async fn voter(agent: Agent, team: TeamContext) {
    let policy = ReadPolicy::of(team.safeguards());
    let (polls, answers) = (SingleFlight::default(), ModelAnswers::recover(&agent));
    loop {
        let mail = agent.receive().await;
        let Some(VoteMessage::Ballot { task, step }) = mail.open().cloned() else { continue };
        if !team.plan.has_step(step) {
            continue;
        }
        let (voter, policy, team, answers) = (agent.clone(), policy.clone(), team.clone(), answers.clone());
        let to = mail.from();
        polls.start(&agent, (to, task, step), async move {
            let query = team.plan.operation_of(task, step);
            // One that cannot read its source does not vote.
            let Ok(reading) = read_with_retry(&voter, &policy, &query).await else { return };
            // Each statement that the check rejects is followed by another one, up to a limit.
            for nth in 0..STATEMENTS {
                let ask = async || {
                    let question = Question::new("State the answer to this.", query.intent);
                    let prompt = question.knowing(reading.content.clone()).prompt(tokens_of(&reading));
                    let state = |_| Statement { answer: reading.content.clone() };
                    voter.complete_valid(query.intent, &prompt, 1, state, |_| true).await.value
                };
                let stated = answers.complete(&voter, team.safeguards(), (query.intent, nth), ask).await;
                if passes_check(&voter, &team, &policy, &query, &stated.answer).await {
                    return voter.send(
                        to,
                        query.intent,
                        VoteMessage::Vote { task, step, answer: stated.answer },
                    );
                }
            }
        });
    }
}

/// Whether the source itself says what a model has stated. Without the check, any statement passes.
async fn passes_check(
    voter: &Agent,
    team: &TeamContext,
    policy: &ReadPolicy,
    query: &Operation,
    stated: &Content,
) -> bool {
    !team.safeguards().has::<EndToEndCheck>() || source_says(voter, policy, query, stated).await == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voter_counts_once_and_an_answer_needs_equal_votes() {
        let [seven, eight] = [7_u32, 8].map(Content::new);
        let mut poll = Poll::default();
        poll.count(0, seven.clone());
        poll.count(0, eight.clone());
        poll.count(1, eight.clone());
        assert_eq!(poll.decided(2), None);
        assert_eq!(poll.decided(1), Some(&seven), "the first that came");
        poll.count(2, eight.clone());
        assert_eq!(poll.decided(2), Some(&eight));
    }
}
