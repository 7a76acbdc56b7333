//! Agents in Python and JavaScript, unmodified, in virtual time: `[agents.NAME] run = "python my_agent.py"`,
//! or `"node my_agent.mjs"`.
//!
//! ```text
//!   world --- node `assistant` (node) --- child: the script, once for each task
//!               |   HTTP (http, services)   '--started by-- launcher: Python (server) or Node (javascript)
//!               '--- tools, model, user of the world
//! ```
//!
//! A child is a coroutine of its node. The node lets it run until nothing in it can go on, which takes no
//! virtual time; then the child says what it did and when its next timer is due, and the node waits for that
//! time or for what comes in, as any code of an agent waits. So nothing here has a clock or an order of its
//! own: pauses, clock faults and crashes reach the child through its node, a plan of faults means the same as
//! in simulation, and every command works on such a scenario. (Another way would be an
//! [`Outside`](perfidy_sim::Outside), as a client in real time is one. It would have to find out by itself
//! when its node is paused or its clock is wrong.)
//!
//! * A **crash** of the node drops its code, and with it the child, which is killed. After a **restart** the
//!   tasks that were not reported are begun anew, in the same working directory, as a supervisor does.
//! * **Connections** end at services of the scenario, each by its name as the host: a tool, `model`, `mcp`
//!   and `user`.
//! * A child of **Python** is a fork of a server, which imports what the script imports first of all before
//!   the first child; that one says what else it has imported, and the server imports it too. So imports are
//!   paid once. A child of **Node**, which cannot fork, is a new process.
//! * A child that dies, hangs, or says what it cannot say makes its node panic, with what it did in the
//!   message: the property `well-behaved` breaks, and the seed is reported.
//!
//! What is done in Python itself is in `shim.py`, and what is done in Node in the files of `javascript/`.
//! They ship inside the command.

mod activity;
mod child;
mod http;
mod javascript;
mod launcher;
mod mcp;
mod node;
mod server;
mod services;

use crate::clients::Catalogue;
use crate::clients::intents::Intents;
use crate::clients::node::Work;
use crate::clients::session::NOT_JUDGED;
use crate::workflows::{NotRunnable, OtherCode, Placement, Program, Programs};
use javascript::{Line, Node, is_node};
use launcher::Launcher;
use node::RunState;
use server::ForkServer;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Those that are not judged, and those of the model's transcript, as a program need not ask the model: they
/// are judged where there is something to judge.
const NEED_NOT_BE_JUDGED: &[&str] = &[
    "approved-before-irreversible",
    "bounded-turns",
    "every-call-accounted",
    "required-facts-survive",
    "results-paired",
    "tasks-do-not-leak",
    "within-context-budget",
];

/// The Python versions that are supported, from this one on.
const OLDEST: (u32, u32) = (3, 11);

/// Runs scripts of Python and of Node as agents.
#[derive(Debug, Default)]
pub struct Interpreters {
    launchers: Mutex<BTreeMap<Program, Arc<dyn Launcher>>>,
}

impl Interpreters {
    /// The one of this process: all suites share what it has started.
    pub fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Interpreters>> = LazyLock::new(Arc::default);
        Arc::clone(&SHARED)
    }

    /// Ends the processes that nothing uses any more, and waits for that: nothing of them outlives the
    /// command. However the command ends, they end after it by themselves.
    pub fn end(&self) {
        self.launchers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What starts a program, made if there is none.
    fn launcher(&self, program: &Program) -> Result<Arc<dyn Launcher>, NotRunnable> {
        let mut launchers = self.launchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(launcher) = launchers.get(program) {
            return Ok(Arc::clone(launcher));
        }
        let words: Vec<&str> = program.words().collect();
        let launcher = match &words[..] {
            [interpreter, rest @ ..] => launcher_of(interpreter, rest)?,
            [] => {
                return Err(not_runnable(
                    "it names no program".to_owned(),
                    "name an interpreter and a script",
                ));
            }
        };
        launchers.insert(program.clone(), Arc::clone(&launcher));
        Ok(launcher)
    }
}

fn launcher_of(interpreter: &str, rest: &[&str]) -> Result<Arc<dyn Launcher>, NotRunnable> {
    let name = Path::new(interpreter).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    if name.starts_with("python") {
        Ok(Arc::new(python(interpreter, rest)?))
    } else if is_node(&name) {
        Ok(Arc::new(node(interpreter, rest)?))
    } else {
        Err(not_runnable(
            format!("`{interpreter}` is no interpreter that runs in virtual time"),
            "Python (`python3`) and Node (`node`) do; `perfidy serve` takes any program, in real time",
        ))
    }
}

fn python(interpreter: &str, rest: &[&str]) -> Result<ForkServer, NotRunnable> {
    let [script, arguments @ ..] = rest else {
        return Err(not_runnable(
            format!("`{interpreter}` names no script"),
            "name an interpreter of Python and a script, as in \"python my_agent.py\"",
        ));
    };
    if !is_there(interpreter) {
        let other = ["python3", "python"].into_iter().find(|other| is_there(other));
        return Err(NotRunnable {
            message: format!("there is no `{interpreter}` on this machine"),
            help: other
                .map_or("install Python 3.11 or later".to_owned(), |other| format!("there is `{other}`")),
        });
    }
    let path = path_of(script)?;
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    ForkServer::start(interpreter, &path, arguments).map_err(|trouble| match trouble {
        server::Trouble::Script(why) => NotRunnable {
            message: format!("`{script}` is not Python: {why}"),
            help: format!("`{interpreter} {script}` would say the same"),
        },
        server::Trouble::Version(found) => {
            not_runnable(format!("`{interpreter}` is Python {found}"), "name one of version 3.11 or later")
        }
        server::Trouble::Other(why) => NotRunnable {
            message: format!("`{interpreter}` cannot be started: {why}"),
            help: format!("see what `{interpreter} -c 'import asyncio'` says"),
        },
    })
}

fn node(interpreter: &str, rest: &[&str]) -> Result<Node, NotRunnable> {
    let Some(line) = Line::of(rest) else {
        return Err(not_runnable(
            format!("`{interpreter}` names no script"),
            "name Node and a script, as in \"node my_agent.mjs\"",
        ));
    };
    if !is_there(interpreter) {
        return Err(not_runnable(
            format!("there is no `{interpreter}` on this machine"),
            "install Node 20 or later",
        ));
    }
    let script = line.script.clone();
    Node::new(interpreter, path_of(&script)?, line).map_err(|trouble| match trouble {
        javascript::Trouble::Script(why) => NotRunnable {
            message: format!("`{script}` is not JavaScript: {why}"),
            help: format!("`{interpreter} --check {script}` would say the same"),
        },
        javascript::Trouble::Types(found) => not_runnable(
            format!("`{script}` is TypeScript, which Node {found} does not run"),
            "name what `tsc` makes of it, or Node 22.18 or later",
        ),
        javascript::Trouble::Version(found) => {
            not_runnable(format!("`{interpreter}` is Node {found}"), "name one of version 20 or later")
        }
        javascript::Trouble::Other(why) => NotRunnable {
            message: format!("`{interpreter}` cannot be started: {why}"),
            help: format!("see what `{interpreter} --version` says"),
        },
    })
}

/// The path of a script, which is there.
fn path_of(script: &str) -> Result<PathBuf, NotRunnable> {
    let path = std::path::absolute(script).unwrap_or_else(|_| script.into());
    if path.is_file() {
        return Ok(path);
    }
    let current = env::current_dir().unwrap_or_default();
    Err(NotRunnable {
        message: format!("there is no script `{script}`"),
        help: format!("its path begins where the command is run: {}", current.display()),
    })
}

fn not_runnable(message: String, help: &str) -> NotRunnable {
    NotRunnable { message, help: help.to_owned() }
}

/// Whether there is a program of that name.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Programs for Interpreters {
    fn check(&self, program: &Program) -> Result<(), NotRunnable> {
        self.launcher(program).map(drop)
    }

    fn code(&self, placement: Placement<'_>) -> OtherCode {
        let Placement { program, team, recognising, seed } = placement;
        let launcher = self.launcher(program).unwrap_or_else(|why| panic!("{program}: {}", why.message));
        let catalogue = Catalogue::of_plan(&team.plan, |tool| recognising.contains(&tool));
        let catalogue = Arc::new(catalogue.unwrap_or_else(|why| panic!("{why}")));
        let intents = Intents::new(Arc::clone(&team.plan));
        let work = Work::new(&catalogue, intents).told_by_the_client();
        let state = Rc::new(RunState::new(launcher, program.clone(), catalogue, work, seed));
        Rc::new(move |agent, team| Box::pin(node::run(agent, team, Rc::clone(&state))))
    }

    fn not_judged(&self) -> &'static [&'static str] {
        NOT_JUDGED
    }

    fn need_not_be_judged(&self) -> &'static [&'static str] {
        NEED_NOT_BE_JUDGED
    }
}
