//! The node of a client: it does what the client asks, as the agent of the scenario.

use crate::agent::{Agent, CallError, Confirmation, Content, Finish, OpId, Operation, Report, ToolCall};
use crate::clients::intents::Intents;
use crate::clients::port::{Inbound, Port};
use crate::clients::{Answer, CallAnswer, CallFailure, Catalogue, ChatCall, ChatTurn, Request, Said, chat};
use crate::workflows::TeamContext;
use crate::workflows::agent_loop::LoopTask;
use crate::workflows::user::{UserMessage, report};
use perfidy_sim::{Name, SimSpan};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::{Notify, oneshot};

/// How long the node waits for a tool if its client waits too. A client has timeouts of its own.
const PATIENCE: SimSpan = SimSpan::from_secs(24 * 3_600);

/// What the harness knows of the work of a client, whichever of its processes does it. No client sees it.
pub(super) struct Work {
    catalogue: Arc<Catalogue>,
    intents: RefCell<Intents>,
    /// How many turns the model has taken about each task.
    turns: RefCell<BTreeMap<Name, u32>>,
    /// What the calls are for that the model has asked for.
    asked: RefCell<BTreeMap<OpId, Operation>>,
    /// How the tasks ended of which the user was told.
    told: RefCell<BTreeMap<Name, bool>>,
    /// Whether the user hears the last word of the model about a task.
    model_tells: bool,
}

impl Work {
    /// That of a run, before it begins.
    pub fn new(catalogue: &Arc<Catalogue>, intents: Intents) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            intents: RefCell::new(intents),
            turns: RefCell::default(),
            asked: RefCell::default(),
            told: RefCell::default(),
            model_tells: true,
        }
    }

    /// The same, where the user hears only what the client says, and no model.
    pub fn told_by_the_client(self) -> Self {
        Self { model_tells: false, ..self }
    }

    /// How a task ended, if the user was told.
    pub fn told(&self, task: Name) -> Option<bool> {
        self.told.borrow().get(&task).copied()
    }
}

/// The code of the node: takes requests from the port, each in a task of its own, and the messages of the
/// user.
pub(super) async fn run(agent: Agent, team: TeamContext, port: Rc<Port>, work: Rc<Work>) {
    let _up = port.open(agent.incarnation());
    let node = Rc::new(Node::new(agent.clone(), team, work));
    let takes_requests = Rc::clone(&node);
    agent.spawn(async move {
        loop {
            let asked = port.next().await;
            let node = Rc::clone(&takes_requests);
            takes_requests.agent.spawn(async move { node.answer(asked).await });
        }
    });
    loop {
        let mail = agent.receive().await;
        // A user that asks again has not got the report.
        if let Some(UserMessage::Submit { task, .. }) = mail.open()
            && let Some(done) = node.work.told(*task)
        {
            report(&agent, Report::done_or_failed(*task, done)).await;
        }
    }
}

/// What does the requests of a client, on its node.
pub(super) struct Node {
    agent: Agent,
    team: TeamContext,
    work: Rc<Work>,
    /// By the number of a request: to be told when its client gives it up.
    waits: RefCell<BTreeMap<u64, Rc<Notify>>>,
}

impl Node {
    /// That of one incarnation.
    pub fn new(agent: Agent, team: TeamContext, work: Rc<Work>) -> Self {
        Self { agent, team, work, waits: RefCell::default() }
    }

    /// Does a request, and answers it.
    pub async fn answer(&self, inbound: Inbound) {
        let Inbound { number, request, reply } = inbound;
        match request {
            Request::Call { task, tool, arguments, key } => {
                let operation = self.operation(task.as_deref(), &tool, arguments, key.as_deref());
                if let Some((operation, key)) = operation {
                    self.call(number, operation, key, reply).await;
                }
            }
            Request::Chat { task, turns, said } => {
                self.chat(number, task.as_deref(), (&turns, said.as_ref()), reply).await;
            }
            Request::Tell { task, done } => {
                let task = task.and_then(|task| self.work.catalogue.task(&task));
                self.tell(task.unwrap_or_else(|| self.at_hand()), done).await;
                let _ = reply.send(Answer::Heard);
            }
            Request::GaveUp(number) => {
                if let Some(wait) = self.waits.borrow().get(&number) {
                    wait.notify_one();
                }
            }
            Request::Ended(done) => {
                let open = |task: &Name| !self.work.told.borrow().contains_key(task);
                let tasks: Vec<Name> = self.team.plan.tasks.iter().copied().filter(open).collect();
                for task in tasks {
                    // If it is not known how the client ended, the user hears nothing.
                    let Some(done) = done else { break };
                    self.tell(task, done).await;
                }
            }
        }
    }

    /// The task that the client probably works on: the first that the user has not been told about.
    fn at_hand(&self) -> Name {
        let tasks = &self.team.plan.tasks;
        let told = self.work.told.borrow();
        let open = tasks.iter().find(|task| !told.contains_key(task));
        *open.or(tasks.last()).expect("a scenario has a task")
    }

    /// The operation of a call, and its key; `None` if there is no such tool.
    fn operation(
        &self,
        task: Option<&str>,
        tool: &str,
        arguments: Map<String, Value>,
        key: Option<&str>,
    ) -> Option<(Operation, Option<OpId>)> {
        let served = self.work.catalogue.find(tool)?;
        let key = key.map(OpId::of_text);
        let named = task.and_then(|task| self.work.catalogue.task(task));
        let call = (served.tool, served.operation);
        let intent = self.work.intents.borrow_mut().intent_of(call, &arguments, key, (named, self.at_hand()));
        let arguments =
            if arguments.is_empty() { Content::NOTHING } else { Content::of_json(Value::Object(arguments)) };
        Some((Operation::new(served.tool, served.operation, intent).with(arguments), key))
    }

    async fn call(
        &self,
        number: u64,
        operation: Operation,
        key: Option<OpId>,
        reply: oneshot::Sender<Answer>,
    ) {
        let wanted = operation.clone();
        let call = if let Some(key) = key {
            ToolCall::keyed(operation, key)
        } else {
            let op = self.agent.new_operation_id(operation.intent);
            ToolCall::unkeyed(operation, op)
        };
        let answer = match self.unless_given_up(number, self.agent.call_confirmed(call, PATIENCE)).await {
            Some(Ok(Confirmation { receipt, result })) => {
                Ok(CallAnswer { receipt: receipt.0, result: result.json() })
            }
            Some(Err(CallError { error, why })) => Err(CallFailure { error, why: why.json() }),
            None => return self.agent.stops_waiting(&wanted).await,
        };
        let _ = reply.send(Answer::Call(answer));
    }

    async fn chat(
        &self,
        number: u64,
        task: Option<&str>,
        (turns, said): (&[ChatTurn], Option<&Said>),
        reply: oneshot::Sender<Answer>,
    ) {
        let task = self.task_of(task, turns);
        let request = LoopTask::of(&self.team, task).request;
        let meaning = |id: OpId, call: &ChatCall| self.meaning(task, id, call);
        let transcript = chat::transcript(&request, turns, meaning);
        let turn = {
            let mut turns = self.work.turns.borrow_mut();
            let turn = turns.entry(task).or_default();
            *turn += 1;
            *turn
        };
        let real = said.map(|said| chat::reply(said, meaning));
        let chat = async {
            match &real {
                Some(real) => self.agent.chat_relayed((task, turn), &transcript, real).await,
                None => self.agent.chat(task, turn, &transcript).await,
            }
        };
        let Some(replied) = self.unless_given_up(number, chat).await else { return };
        if let Ok(said) = &replied {
            let calls = said.calls.iter().map(|call| (call.id, call.operation.clone()));
            self.work.asked.borrow_mut().extend(calls);
            // Only of the simulated model it is known what its last word means.
            if real.is_none() && self.work.model_tells && said.calls.is_empty() && said.finish == Finish::Stop
            {
                self.tell(task, said.is_done).await;
            }
        }
        let answer = match (&replied, said.zip(real.as_ref())) {
            (Ok(replied), Some((_, real))) if replied == real => Answer::AsSaid,
            (_, real) => {
                let catalogue = &self.work.catalogue;
                Answer::Chat(replied.map(|reply| chat::answer(catalogue, (task, &transcript), &reply, real)))
            }
        };
        let _ = reply.send(answer);
    }

    /// The task that a conversation is about: the one that the client names, or that its user names last.
    fn task_of(&self, named: Option<&str>, turns: &[ChatTurn]) -> Name {
        let said = turns.iter().rev().find_map(|turn| match turn {
            ChatTurn::User(tasks) => tasks.last().map(String::as_str),
            _ => None,
        });
        let task = named.or(said).and_then(|task| self.work.catalogue.task(task));
        task.unwrap_or_else(|| self.at_hand())
    }

    /// What a call was for that stands in a conversation.
    fn meaning(&self, task: Name, id: OpId, call: &ChatCall) -> Operation {
        if let Some(operation) = self.work.asked.borrow().get(&id) {
            return operation.clone();
        }
        let arguments = serde_json::from_str::<Map<String, Value>>(&call.arguments).unwrap_or_default();
        let Some(served) = self.work.catalogue.find(&call.tool) else {
            let [tool, name] = ["unknown", "unknown"].map(Name::literal);
            return Operation::new(tool, name, Name::joined(task, "/", name));
        };
        let called = (served.tool, served.operation);
        let intent = self.work.intents.borrow().likely(called, &arguments, (Some(task), task));
        Operation::new(served.tool, served.operation, intent).with(Content::of_json(Value::Object(arguments)))
    }

    /// Tells the user how a task ended. What is said first counts.
    pub async fn tell(&self, task: Name, done: bool) {
        let is_news = {
            let mut told = self.work.told.borrow_mut();
            let before = told.len();
            told.entry(task).or_insert(done);
            told.len() > before
        };
        if is_news {
            report(&self.agent, Report::done_or_failed(task, done)).await;
        }
    }

    /// Works until the client gives the request up; then nothing.
    async fn unless_given_up<T>(&self, number: u64, work: impl Future<Output = T>) -> Option<T> {
        let given_up = Rc::new(Notify::new());
        self.waits.borrow_mut().insert(number, Rc::clone(&given_up));
        let (mut work, mut given_up) = (pin!(work), pin!(given_up.notified()));
        let result = poll_fn(|task| {
            if given_up.as_mut().poll(task).is_ready() {
                return Poll::Ready(None);
            }
            work.as_mut().poll(task).map(Some)
        });
        let result = result.await;
        self.waits.borrow_mut().remove(&number);
        result
    }
}
