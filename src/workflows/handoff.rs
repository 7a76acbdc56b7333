//! Handoff: specialists who pass a task on to whom they think fit, until one of them has done the last of it.
//!
//! ```text
//!   user --submit--> desk --transfer--> specialist-3 --transfer--> specialist-1 --call--> tool
//!                     ^                                                |
//!                     '-------------transfer (finished or given up)----'
//! ```
//!
//! There is one folder for each task, and whoever holds it asks their model: do I take the next step myself,
//! or is this for a colleague? The folder carries everything there is to know about the task: which steps are
//! done, under which operation ids, how often it has changed hands and what it has cost. In the end it goes
//! back to the desk.

use crate::agent::{Agent, Headers, Mail, Message, OpId, Pick, Purpose, Request};
use crate::faults::model::{ANSWER, HANDOFF};
use crate::safeguards::budgets::{Budgets, Spent};
use crate::safeguards::checkpoint;
use crate::safeguards::perform::perform;
use crate::safeguards::transfer_acks::{NobodyThere, TransferAcks, hand_over};
use crate::workflows::task_tracker::TaskTracker;
use crate::workflows::user::USER;
use crate::workflows::{Briefing, MOST_AGENTS, Role, Workflow};
use perfidy_sim::Name;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The workflow, for the shipped suite.
pub fn workflow() -> Workflow {
    Workflow::new("handoff", "specialists hand a task to whom they think fit, until it is done")
        .agent(DESK, desk)
        .agents(Role::new("specialists", "specialist", 2..=MOST_AGENTS, 4), specialist_loop)
        .safeguards(&["budgets", "checkpoint", "idempotency-keys", "retry", "tool-dedupe", "transfer-acks"])
        .crash_points(&["call", "record", "report", "transfer"])
        .sends(&[
            (USER, &["submit"]),
            (DESK, &["received", "report", "transfer"]),
            ("specialist", &["received", "transfer"]),
        ])
        .moments(&[ANSWER, HANDOFF])
        .requests(&[Request::Call])
        .keeps_journals()
        .properties(&[
            "bounded-handoffs",
            "eventual-termination",
            "no-duplicate-effects",
            "no-phantom-completion",
        ])
}

const DESK: &str = "desk";

/// Whom a model may name that nobody has ever seen.
const STRANGER: &str = "somebody-else";

/// Tokens the desk reads to choose who begins.
const TRIAGE_TOKENS: u32 = 300;

/// Tokens a specialist reads to see what is to be done next.
const READING_TOKENS: u32 = 900;

/// How often the steps of one task may fail in one pair of hands before it is given up.
const MAX_FAILURES: u32 = 5;

/// Everything there is to know about a task.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
struct Folder {
    task: Name,
    ops: Arc<[OpId]>,
    done: Vec<bool>,
    spent: Spent,
    /// How often it was passed on, the desk included; tells a transfer from its repetition.
    number: u32,
    given_up: bool,
}

impl Folder {
    fn is_finished(&self) -> bool {
        self.done.iter().all(|done| *done)
    }
}

#[derive(Clone, Hash, Debug, Serialize)]
enum Say {
    Transfer(Folder),
    Received,
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Transfer(_) => "transfer",
            Self::Received => "received",
        }
    }

    fn headers(&self) -> Headers {
        let Self::Transfer(folder) = self else { return Headers::NONE };
        let purpose = match (folder.is_finished(), folder.given_up) {
            (true, _) => Purpose::Done,
            (false, true) => Purpose::Failed,
            (false, false) => Purpose::Handoff,
        };
        Headers { attempt: Some(folder.number), ..Headers::of(purpose) }
    }
}

/// What somebody writes down about a folder of theirs.
#[derive(Clone, Hash, Debug, Serialize)]
enum Page {
    /// They have it, and this is how far it is.
    Holds(Folder),
    /// They pass it on, and have to until it has arrived.
    PassesOn(Folder, Name),
    /// It has arrived. By then it may be back already, under a higher number.
    Gone { task: Name, number: u32 },
}

impl Message for Page {
    fn kind(&self) -> &'static str {
        "folder"
    }
}

/// Somebody's desk drawer: the folders they hold, and the numbers of those they have seen.
struct Drawer {
    hands: Hands,
    seen: BTreeMap<Name, u32>,
}

/// What it takes to work on a folder. Each is worked on by a task of its own.
#[derive(Clone)]
struct Hands {
    agent: Agent,
    briefing: Briefing,
    /// Whom folders can be passed on to: the colleagues, and back to the desk.
    team: Arc<[Name]>,
}

impl Drawer {
    /// The drawer as it was left in the journal, with the folders that were in it and where each was to go.
    fn recover(agent: Agent, briefing: Briefing) -> (Self, Vec<(Folder, Option<Name>)>) {
        let mut left: BTreeMap<Name, (Folder, Option<Name>)> = BTreeMap::new();
        let mut seen = BTreeMap::new();
        checkpoint::recover(&agent, |page| match page {
            Page::Holds(folder) => {
                seen.insert(folder.task, folder.number);
                left.insert(folder.task, (folder.clone(), None));
            }
            Page::PassesOn(folder, to) => {
                seen.insert(folder.task, folder.number);
                left.insert(folder.task, (folder.clone(), Some(*to)));
            }
            Page::Gone { task, number } => {
                if left.get(task).is_some_and(|(folder, _)| folder.number <= *number) {
                    left.remove(task);
                }
            }
        });
        let me = agent.name();
        let everybody = briefing.doers.iter().copied().chain([Name::literal(DESK)]);
        let team = everybody.filter(|name| *name != me).collect();
        let hands = Hands { agent, briefing, team };
        (Self { hands, seen }, left.into_values().collect())
    }

    /// Takes a folder that has come, and acknowledges it; `None` if it has come before.
    async fn take(&mut self, mail: &Mail) -> Option<Folder> {
        let Some(Say::Transfer(folder)) = mail.open().cloned() else { return None };
        let Hands { agent, briefing, .. } = &self.hands;
        let is_new = self.seen.get(&folder.task).is_none_or(|number| folder.number > *number);
        if is_new {
            self.seen.insert(folder.task, folder.number);
            checkpoint::save(agent, briefing.safeguards(), folder.task, Page::Holds(folder.clone())).await;
        }
        if briefing.safeguards().has::<TransferAcks>() {
            agent.reply(mail, Say::Received);
        }
        is_new.then_some(folder)
    }
}

impl Hands {
    async fn write(&self, task: Name, page: Page) {
        checkpoint::save(&self.agent, self.briefing.safeguards(), task, page).await;
    }

    /// Passes a folder on, if there is somebody to take it.
    async fn pass_on(&self, folder: Folder, to: Name) -> Result<(), NobodyThere> {
        let (task, number, safeguards) = (folder.task, folder.number, self.briefing.safeguards());
        if self.team.contains(&to) {
            self.write(task, Page::PassesOn(folder.clone(), to)).await;
        }
        self.agent.before("transfer", task).await;
        hand_over(&self.agent, safeguards, &self.team, to, task, Say::Transfer(folder)).await?;
        self.write(task, Page::Gone { task, number }).await;
        Ok(())
    }

    /// Goes on with what was to be passed on when its holder died.
    fn go_on_passing(&self, folder: Folder, to: Name) {
        let hands = self.clone();
        self.agent.spawn(async move {
            hands.pass_on(folder, to).await.expect("only a colleague is written down");
        });
    }

    /// Does with a folder what the model thinks best, step by step, until it is out of these hands.
    async fn work_on(&self, mut folder: Folder) {
        let budgets = self.briefing.safeguards().get::<Budgets>().copied();
        let mut failures = 0;
        while !folder.is_finished() && !folder.given_up {
            if budgets.is_some_and(|budgets| !budgets.allow_turn(&folder.spent)) || failures >= MAX_FAILURES {
                folder.given_up = true;
                break;
            }
            match self.choose(&mut folder).await {
                Pick::Myself => failures += u32::from(!self.take_a_step(&mut folder).await),
                _ if budgets.is_some_and(|budgets| !budgets.allow_hop(&folder.spent)) => {
                    folder.given_up = true;
                }
                pick if self.pass_on(folder.handed_on(), self.named(pick)).await.is_ok() => return,
                // There is nobody of that name, so it stays here for another turn.
                _ => {}
            }
            self.write(folder.task, Page::Holds(folder.clone())).await;
        }
        folder.number += 1;
        self.pass_on(folder, Name::literal(DESK)).await.expect("the desk is on everybody's team");
    }

    /// Asks the model who should take the next step.
    async fn choose(&self, folder: &mut Folder) -> Pick {
        let turn = Name::new(&format!("{}/turn-{}", folder.task, folder.spent.turns + 1));
        let colleagues = self.briefing.doers.len() as u32 - 1;
        let (thought, pick) = self.agent.pick(turn, READING_TOKENS, colleagues).await;
        folder.spent.turns += 1;
        folder.spent.tokens += thought.tokens_in + thought.tokens_out;
        pick
    }

    fn named(&self, pick: Pick) -> Name {
        match pick {
            Pick::Colleague(which) => self.team[which as usize],
            Pick::Myself | Pick::Stranger => Name::literal(STRANGER),
        }
    }

    /// Takes the next step that can be taken; whether that succeeded.
    async fn take_a_step(&self, folder: &mut Folder) -> bool {
        let plan = &self.briefing.plan;
        let can_be_taken = |step: &usize| {
            !folder.done[*step] && plan.steps[*step].needs.iter().all(|need| folder.done[*need])
        };
        let Some(step) = (0..plan.steps.len()).find(can_be_taken) else { return false };
        let wish = plan.wish(folder.task, step);
        let (safeguards, op) = (self.briefing.safeguards(), folder.ops[step]);
        // Somebody may have tried under this id and not lived to say so.
        folder.done[step] = perform(&self.agent, safeguards, wish, op, true).await.is_ok();
        folder.done[step]
    }
}

impl Folder {
    /// The folder as the next one gets it.
    fn handed_on(&self) -> Self {
        let spent = Spent { hops: self.spent.hops + 1, ..self.spent };
        Self { spent, number: self.number + 1, ..self.clone() }
    }
}

/// Works on every folder that comes, each beside the others.
async fn specialist_loop(agent: Agent, briefing: Briefing) {
    let (mut drawer, left) = Drawer::recover(agent, briefing);
    let begin = |hands: Hands, folder| hands.agent.clone().spawn(async move { hands.work_on(folder).await });
    for (folder, to) in left {
        match to {
            Some(to) => drawer.hands.go_on_passing(folder, to),
            None => begin(drawer.hands.clone(), folder),
        }
    }
    loop {
        let mail = drawer.hands.agent.receive().await;
        let Some(folder) = drawer.take(&mail).await else { continue };
        begin(drawer.hands.clone(), folder);
    }
}

/// Opens a folder for each task, gives it to whoever should begin, and closes it when it comes back.
async fn desk(agent: Agent, briefing: Briefing) {
    let mut tracker = TaskTracker::recover(&agent, &briefing);
    let (mut drawer, left) = Drawer::recover(agent.clone(), briefing);
    for (folder, to) in left {
        match to {
            Some(to) => drawer.hands.go_on_passing(folder, to),
            None => close(&agent, &mut tracker, &folder).await,
        }
    }
    let open = tracker.states().open();
    for task in open {
        if !drawer.seen.contains_key(&task) {
            send_round(&drawer.hands, &tracker, task);
        }
    }
    loop {
        let mail = agent.receive().await;
        if let Some(task) = tracker.accept(&mail).await {
            send_round(&drawer.hands, &tracker, task);
        }
        if let Some(folder) = drawer.take(&mail).await {
            close(&agent, &mut tracker, &folder).await;
        }
    }
}

async fn close(agent: &Agent, tracker: &mut TaskTracker, folder: &Folder) {
    let task = folder.task;
    if tracker.states().has_open(task) {
        agent.expect_no_more(task);
        tracker.close(task, folder.is_finished()).await;
    }
}

fn send_round(hands: &Hands, tracker: &TaskTracker, task: Name) {
    let states = tracker.states();
    let Some(state) = states.get(task) else { return };
    let (ops, done) = (Arc::clone(&state.ops), state.complete.clone());
    let folder =
        Folder { task, ops, done, spent: Spent { hops: 1, ..Spent::default() }, number: 1, given_up: false };
    let (hands, states) = (hands.clone(), tracker.shared_states());
    hands.agent.clone().spawn(async move {
        let specialists = hands.briefing.doers.len() as u32;
        let first = hands.agent.think(task, TRIAGE_TOKENS, specialists).await.choice;
        let to = hands.briefing.doers[first as usize];
        let passed_on = hands.pass_on(folder, to).await.is_ok();
        if passed_on && states.borrow().has_open(task) {
            hands.agent.expect(to, "the task's end", task);
        }
    });
}
