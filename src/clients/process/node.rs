//! The node of an agent that is a program: it runs the script once for each task.

use super::child::{Child, Event, Operation, Stop, Then};
use super::http::{HttpRequest, take_request};
use super::launcher::{Launcher, Start};
use super::services::{Routed, Services};
use crate::agent::{Agent, Message, Report};
use crate::clients::node::{Node, Work};
use crate::clients::port::Inbound;
use crate::clients::{Catalogue, Request};
use crate::workflows::user::{UserMessage, report};
use crate::workflows::{Program, TeamContext};
use perfidy_sim::{Name, Seed, SimTime, Words};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::{Notify, oneshot};

/// What the wall clocks show at the beginning of a run: noon on the first of January 2026, in UTC.
const BEGINNING: u64 = 1_767_268_800 * 1_000_000_000;

/// What the model says at the end of a task that is not done, as it stands in what a script prints.
const NOT_DONE: [&str; 2] = ["could not be done", "I cannot help with that"];

/// How many characters of a printed line are kept.
const LINE: usize = 400;

/// How many printed lines of one child are in the history.
const MOST_LINES: u32 = 200;

/// A line that a script printed: for stories, and for an audit to compare. No verdict depends on it.
#[derive(Clone, Hash, Debug, Serialize, Deserialize)]
struct Printed(String);

impl Message for Printed {
    fn kind(&self) -> &'static str {
        "printed"
    }
}

/// What there is of a program in one run, across its crashes.
pub(super) struct RunState {
    launcher: Arc<dyn Launcher>,
    program: Program,
    services: Services,
    catalogue: Arc<Catalogue>,
    work: Rc<Work>,
    seed: Seed,
    folder: OnceCell<PathBuf>,
    /// The tasks that the agent was given.
    given: RefCell<BTreeSet<Name>>,
    children: Cell<u32>,
}

impl RunState {
    /// That of a run, before it begins.
    pub fn new(
        launcher: Arc<dyn Launcher>,
        program: Program,
        catalogue: Arc<Catalogue>,
        work: Work,
        seed: Seed,
    ) -> Self {
        let services = Services::new(Arc::clone(&catalogue));
        let work = Rc::new(work);
        let (folder, given, children) = (OnceCell::new(), RefCell::default(), Cell::new(0));
        Self { launcher, program, services, catalogue, work, seed, folder, given, children }
    }

    /// Starts the script for a task.
    fn start(&self, agent: &Agent, task: Name) -> std::io::Result<Child> {
        let folder = if let Some(folder) = self.folder.get() {
            folder
        } else {
            let new = self.launcher.folders().for_a_run()?;
            self.folder.get_or_init(|| new)
        };
        let child = self.children.replace(self.children.get() + 1);
        let seed = Words::digest(|words| {
            words.text(&self.seed.to_string()).text(agent.name().as_str()).text(task.as_str());
            words.text(&agent.incarnation().to_string());
        });
        let start = Start {
            folder,
            environment: vec![
                ("PERFIDY_TASK", task.to_string()),
                ("PERFIDY_PROMPT", self.catalogue.prompt(task.as_str())),
                ("TMPDIR", folder.to_string_lossy().into_owned()),
            ],
            hosts: self.services.hosts(),
            seed,
            pid: 1_000 + child,
        };
        Child::start(&self.launcher, &start)
    }
}

/// The working directory of a run is removed with it.
impl Drop for RunState {
    fn drop(&mut self) {
        if let Some(folder) = self.folder.get() {
            // It is in a temporary directory that is removed in any case.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// The code of the node.
pub(super) async fn run(agent: Agent, team: TeamContext, state: Rc<RunState>) {
    let node = Rc::new(Node::new(agent.clone(), team, Rc::clone(&state.work)));
    let begin = |task: Name| {
        let process = Process::new(agent.clone(), Rc::clone(&node), Rc::clone(&state), task);
        agent.spawn(process.run());
    };
    // What a crash has cut short is begun again.
    let given: Vec<Name> = state.given.borrow().iter().copied().collect();
    given.into_iter().filter(|task| state.work.told(*task).is_none()).for_each(begin);
    loop {
        let mail = agent.receive().await;
        let Some(UserMessage::Submit { task, .. }) = mail.open() else { continue };
        match state.work.told(*task) {
            // A user that asks again has not got the report.
            Some(done) => report(&agent, Report::done_or_failed(*task, done)).await,
            None if state.given.borrow_mut().insert(*task) => begin(*task),
            None => {}
        }
    }
}

/// What comes in for a child while it waits.
#[derive(Default)]
struct Arrivals {
    events: RefCell<Vec<Event>>,
    /// The requests that were answered, each by its connection.
    answered: RefCell<Vec<u64>>,
    notify: Notify,
}

/// A connection of the child.
struct Connection {
    host: String,
    unread: Vec<u8>,
    /// The number of the request that is under way.
    asked: Option<u64>,
    /// Whether nothing more is sent on it.
    is_finished: bool,
}

/// The script at work on a task.
struct Process {
    agent: Agent,
    node: Rc<Node>,
    state: Rc<RunState>,
    task: Name,
    arrivals: Rc<Arrivals>,
    connections: BTreeMap<u64, Connection>,
    requests: u64,
    /// How many lines it has printed, the last of them, and the last on its standard output.
    lines: u32,
    last_printed: String,
    answer: String,
    /// What it was refused last.
    refused: Option<String>,
}

impl Process {
    fn new(agent: Agent, node: Rc<Node>, state: Rc<RunState>, task: Name) -> Self {
        Self {
            agent,
            node,
            state,
            task,
            arrivals: Rc::default(),
            connections: BTreeMap::new(),
            requests: 0,
            lines: 0,
            last_printed: String::new(),
            answer: String::new(),
            refused: None,
        }
    }

    async fn run(mut self) {
        let started = self.state.start(&self.agent, self.task);
        let mut child = started.unwrap_or_else(|error| self.fails(&format!("cannot be started: {error}")));
        loop {
            let events = self.arrivals.events.take();
            let clocks = (self.agent.monotonic(), BEGINNING + self.agent.now().as_nanos());
            let mut operations = Vec::new();
            let then = child.resume(clocks, &events, &mut operations);
            for operation in operations {
                self.does(operation);
            }
            match then {
                Ok(Then::Waits(due)) => self.waits(due).await,
                Ok(Then::Ended(status)) => {
                    drop(child);
                    return self.ends(status).await;
                }
                Err(Stop::Broken(what)) => self.fails(&what),
                // The engine notices it too, and unwinds.
                Err(Stop::Interrupted) => std::future::pending().await,
            }
        }
    }

    /// The run has no meaning any more: the finding is what the child did.
    fn fails(&self, what: &str) -> ! {
        let last = match self.last_printed.as_str() {
            "" => String::new(),
            line => format!("; the last that it printed: {line}"),
        };
        panic!("`{}`, at work on {}, {what}{last}", self.state.program, self.task)
    }

    /// Waits for a time, if there is one, or for what comes before.
    async fn waits(&mut self, due: Option<SimTime>) {
        if self.arrivals.events.borrow().is_empty() {
            let arrivals = Rc::clone(&self.arrivals);
            let mut arrived = pin!(arrivals.notify.notified());
            match due {
                None => arrived.await,
                Some(due) => {
                    let mut timer = pin!(self.agent.sleep(due.since(self.agent.monotonic())));
                    poll_fn(|task| {
                        if arrived.as_mut().poll(task).is_ready() {
                            return Poll::Ready(());
                        }
                        timer.as_mut().poll(task)
                    })
                    .await;
                }
            }
        }
        for number in self.arrivals.answered.take() {
            if let Some(connection) = self.connections.get_mut(&number) {
                connection.asked = None;
                self.read(number);
                self.close_if_over(number);
            }
        }
    }

    fn arrives(&self, event: Event) {
        self.arrivals.events.borrow_mut().push(event);
        self.arrivals.notify.notify_one();
    }

    fn does(&mut self, operation: Operation) {
        match operation {
            Operation::Open { number, host } => {
                self.connections
                    .insert(number, Connection { host, unread: Vec::new(), asked: None, is_finished: false });
                self.arrives(Event("opened", number, String::new()));
            }
            Operation::Send { number, bytes } => {
                if let Some(connection) = self.connections.get_mut(&number) {
                    connection.unread.extend(bytes);
                    self.read(number);
                }
            }
            Operation::Finish { number } => {
                if let Some(connection) = self.connections.get_mut(&number) {
                    connection.is_finished = true;
                    self.close_if_over(number);
                }
            }
            Operation::Close { number } => {
                if let Some(Connection { asked: Some(asked), .. }) = self.connections.remove(&number) {
                    self.gives_up(asked);
                }
            }
            Operation::Print { stream, text } => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    self.prints(&stream, line);
                }
            }
            Operation::Refused { what } => {
                let (seed, task) = (self.state.seed, self.task);
                tracing::warn!(target: "perfidy::agent", %seed, %task, "refused: {what}");
                self.refused = Some(what);
            }
        }
    }

    fn prints(&mut self, stream: &str, line: &str) {
        let (seed, task) = (self.state.seed, self.task);
        tracing::info!(target: "perfidy::agent", %seed, %task, stream, "{line}");
        let line: String = line.chars().take(LINE).collect();
        if self.lines < MOST_LINES {
            self.agent.announce(task, Printed(line.clone()));
        }
        self.lines += 1;
        if stream == "stdout" {
            self.answer.clone_from(&line);
        }
        self.last_printed = line;
    }

    /// Takes the next request from a connection, if there is a whole one and none is under way.
    fn read(&mut self, number: u64) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        if connection.asked.is_some() {
            return;
        }
        match take_request(&mut connection.unread) {
            Ok(None) => {}
            Ok(Some(request)) => self.asks(number, &request),
            Err(response) => {
                self.connections.remove(&number);
                self.arrives(Event::data(number, &response.to_bytes(true)));
                self.arrives(Event("closed", number, String::new()));
            }
        }
    }

    /// A server closes a connection on which nothing more is sent, when it has answered everything.
    fn close_if_over(&mut self, number: u64) {
        let is_over = |connection: &Connection| connection.is_finished && connection.asked.is_none();
        if self.connections.get(&number).is_some_and(is_over) {
            self.connections.remove(&number);
            self.arrives(Event("closed", number, String::new()));
        }
    }

    fn asks(&mut self, number: u64, request: &HttpRequest) {
        let closes = request.closes();
        let connection = self.connections.get_mut(&number).expect("it was there a moment ago");
        let (request, rendering) = match self.state.services.route(&connection.host, request, self.task) {
            Routed::Now(response) => {
                self.arrives(Event::data(number, &response.to_bytes(closes)));
                if closes {
                    self.connections.remove(&number);
                    self.arrives(Event("closed", number, String::new()));
                }
                return self.read(number);
            }
            Routed::Ask(request, rendering) => (request, rendering),
        };
        self.requests += 1;
        let asked = self.requests;
        connection.asked = Some(asked);
        let (node, arrivals) = (Rc::clone(&self.node), Rc::clone(&self.arrivals));
        self.agent.spawn(async move {
            let (reply, mut answer) = oneshot::channel();
            node.answer(Inbound { number: asked, request, reply }).await;
            let mut events = vec![];
            match rendering.response(answer.try_recv().ok(), asked) {
                Some(response) => {
                    events.push(Event::data(number, &response.to_bytes(closes)));
                    if closes {
                        events.push(Event("closed", number, String::new()));
                    }
                }
                None => events.push(Event("reset", number, String::new())),
            }
            arrivals.events.borrow_mut().extend(events);
            arrivals.answered.borrow_mut().push(number);
            arrivals.notify.notify_one();
        });
    }

    fn gives_up(&self, asked: u64) {
        let node = Rc::clone(&self.node);
        self.agent.spawn(async move {
            let (reply, _) = oneshot::channel();
            node.answer(Inbound { number: asked, request: Request::GaveUp(asked), reply }).await;
        });
    }

    /// The script has ended. Its user reads its exit status, and the last line of its standard output.
    async fn ends(mut self, status: u8) {
        if let Some(refused) = self.refused.take().filter(|_| status != 0) {
            self.fails(&format!("ended with status {status} after it was refused {refused}"));
        }
        for (_, connection) in std::mem::take(&mut self.connections) {
            connection.asked.into_iter().for_each(|asked| self.gives_up(asked));
        }
        let says_no = NOT_DONE.iter().any(|words| self.answer.contains(words));
        self.node.tell(self.task, status == 0 && !says_no).await;
    }
}
