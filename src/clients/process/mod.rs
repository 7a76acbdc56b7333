//! Agents in Python, unmodified, in virtual time: `[agents.NAME] run = "python my_agent.py"`.
//!
//! ```text
//!   world --- node `assistant` (node) --- child: the script, once for each task
//!               |   HTTP (http, services)   '--forked by-- fork server (server), which has imported what it needs
//!               '--- tools, model, user of the world
//! ```
//!
//! A child is a coroutine of its node. The node lets it run until nothing in it can go on, which takes no virtual
//! time; then the child says what it did and when its next timer is due, and the node waits for that time or for
//! what comes in, as any code of an agent waits. So nothing here has a clock or an order of its own: pauses, clock faults
//! and crashes reach the child through its node, a plan of faults means the same as in simulation, and every command
//! works on such a scenario. (Another way would be an [`Outside`](perfidy_sim::Outside), as a client in real time is one.
//! It would have to find out by itself when its node is paused or its clock is wrong.)
//!
//! * A **crash** of the node drops its code, and with it the child, which is killed. After a **restart** the tasks that
//!   were not reported are begun anew, in the same working directory, as a supervisor does.
//! * **Connections** end at services of the scenario, each by its name as the host: a tool, `model`, `mcp` and `user`.
//! * **Imports** are paid once: the fork server imports what the script imports first of all, before the first child. That
//!   one says what else it has imported, and the fork server imports it too.
//! * A child that dies, hangs, or says what it cannot say makes its node panic, with what it did in the message: the
//!   property `well-behaved` breaks, and the seed is reported.
//!
//! What Python itself does is in `shim.py`, which ships inside the command.

mod child;
mod http;
mod mcp;
mod node;
mod server;
mod services;

use crate::clients::Catalogue;
use crate::clients::intents::Intents;
use crate::clients::node::Work;
use crate::clients::session::NOT_JUDGED;
use crate::workflows::{NotRunnable, OtherCode, Placement, Program, Programs};
use node::RunState;
use server::{ForkServer, Trouble};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Those that are not judged, and those of the model's transcript, as a program need not ask the model: they are
/// judged where there is something to judge.
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

/// Runs Python scripts as agents.
#[derive(Debug, Default)]
pub struct Python {
    servers: Mutex<BTreeMap<Program, Arc<ForkServer>>>,
}

impl Python {
    /// The one of this process: all suites share its fork servers.
    pub fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Python>> = LazyLock::new(Arc::default);
        Arc::clone(&SHARED)
    }

    /// Ends the fork servers that nothing uses any more, and waits for that: nothing of them outlives the command.
    /// However the command ends, they end after it by themselves.
    pub fn end(&self) {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fork server of a program, started if there is none.
    fn server(&self, program: &Program) -> Result<Arc<ForkServer>, NotRunnable> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(program) {
            return Ok(Arc::clone(server));
        }
        let words: Vec<&str> = program.words().collect();
        let [interpreter, script, arguments @ ..] = &words[..] else {
            return Err(not_runnable(
                format!("`{program}` names no script"),
                "name an interpreter of Python and a script, as in \"python my_agent.py\"",
            ));
        };
        let name = Path::new(interpreter).file_name().map(|name| name.to_string_lossy());
        if !name.is_some_and(|name| name.starts_with("python")) {
            return Err(not_runnable(
                format!("`{interpreter}` is no interpreter of Python"),
                "only Python runs in virtual time; `perfidy serve` takes any program, in real time",
            ));
        }
        if !is_there(interpreter) {
            let other = ["python3", "python"].into_iter().find(|other| is_there(other));
            let help = other
                .map_or("install Python 3.11 or later".to_owned(), |other| format!("there is `{other}`"));
            return Err(NotRunnable {
                message: format!("there is no `{interpreter}` on this machine"),
                help,
            });
        }
        let path = absolute(script);
        if !path.is_file() {
            let current = env::current_dir().unwrap_or_default();
            return Err(NotRunnable {
                message: format!("there is no script `{script}`"),
                help: format!("its path begins where the command is run: {}", current.display()),
            });
        }
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        let server = ForkServer::start(interpreter, &path, arguments).map_err(|trouble| match trouble {
            Trouble::Script(why) => NotRunnable {
                message: format!("`{script}` is not Python: {why}"),
                help: format!("`{interpreter} {script}` would say the same"),
            },
            Trouble::Version(found) => not_runnable(
                format!("`{interpreter}` is Python {found}"),
                "name one of version 3.11 or later",
            ),
            Trouble::Other(why) => NotRunnable {
                message: format!("`{interpreter}` cannot be started: {why}"),
                help: format!("see what `{interpreter} -c 'import asyncio'` says"),
            },
        })?;
        let server = Arc::new(server);
        servers.insert(program.clone(), Arc::clone(&server));
        Ok(server)
    }
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

fn absolute(script: &str) -> PathBuf {
    std::path::absolute(script).unwrap_or_else(|_| script.into())
}

impl Programs for Python {
    fn check(&self, program: &Program) -> Result<(), NotRunnable> {
        self.server(program).map(drop)
    }

    fn code(&self, placement: Placement<'_>) -> OtherCode {
        let Placement { program, team, recognising, seed } = placement;
        let server = self.server(program).unwrap_or_else(|why| panic!("{program}: {}", why.message));
        let catalogue = Catalogue::of_plan(&team.plan, |tool| recognising.contains(&tool));
        let catalogue = Arc::new(catalogue.unwrap_or_else(|why| panic!("{why}")));
        let intents = Intents::new(Arc::clone(&team.plan));
        let work = Work::new(&catalogue, intents).told_by_the_client();
        let state = Rc::new(RunState::new(server, program.clone(), catalogue, work, seed));
        Rc::new(move |agent, team| Box::pin(node::run(agent, team, Rc::clone(&state))))
    }

    fn not_judged(&self) -> &'static [&'static str] {
        NOT_JUDGED
    }

    fn need_not_be_judged(&self) -> &'static [&'static str] {
        NEED_NOT_BE_JUDGED
    }
}
