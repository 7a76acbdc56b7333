//! `perfidy serve`: a real agent in the place of the simulated one.
//!
//! The world runs on this thread, in step with real time; servers pass on what the client asks. When the
//! client has left, or a signal comes, the run is judged, told and, if a property broke, saved as a history:
//! a file that `judge` judges again, and whose faults `serve --replay` injects again.

use super::client_report::{Report, Sink};
use super::ending::catch_signals;
use super::{Format, Status, print_error, print_problems, tell, warn};
use crate::clients::{
    Child, Command, Handle, Live, Recording, Served, Server, ServerConfig, Session, Upstream, channel,
};
use crate::inert;
use crate::scenario::{self, Case, Scenario};
use crate::suite::Suite;
use perfidy_sim::{Pinned, Plan, RunOutcome, Seed};
use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(clap::Args)]
#[command(
    after_help = "The client is any MCP client, or an agent that talks to a model by OpenAI's or Anthropic's API. \
    One that the\ncommand starts itself (after `--`) finds the addresses in its environment: OPENAI_BASE_URL, \
    ANTHROPIC_BASE_URL,\nPERFIDY_MCP_URL, PERFIDY_URL, and what the user wants in PERFIDY_PROMPT."
)]
pub struct Arguments {
    /// The scenario
    #[arg(required_unless_present = "replay")]
    scenario: Option<PathBuf>,
    /// Inject the faults of a saved history, in its scenario with its seed
    #[arg(long, value_name = "HISTORY", conflicts_with_all = ["scenario", "seed", "case"])]
    replay: Option<PathBuf>,
    /// Which case of the scenario, such as "without tool-dedupe"
    #[arg(long, default_value = "as written", value_name = "LABEL")]
    case: String,
    /// The seed of the faults
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How many times as fast as real time virtual time passes: latencies are divided by it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    speed: u32,
    /// Ask the real model at this address, such as <https://api.openai.com>, in the place of the simulated
    /// one; faults alter its replies
    #[arg(long, value_name = "URL")]
    model: Option<String>,
    /// Serve the MCP client at standard input and output; results go to standard error
    #[arg(long, conflicts_with = "client")]
    stdio: bool,
    /// Where to serve HTTP [default: 127.0.0.1:8710, or any free port for a client after `--`]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where histories are saved in which a property broke
    #[arg(long, value_name = "FOLDER", default_value = "histories")]
    histories: PathBuf,
    /// Write the history to this file, whatever comes of it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How to write the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A client to start, with its arguments
    #[arg(last = true, value_name = "CLIENT")]
    client: Vec<OsString>,
}

pub fn serve(suite: &Suite, arguments: &Arguments) -> Status {
    let Some((session, replayed)) = session_of(suite, arguments) else { return Status::BadInput };
    let stop = Arc::new(AtomicBool::new(false));
    if let Err(error) = catch_signals(&stop) {
        warn(format!("Ctrl-C will end this at once: {error}"));
    }
    let is_started = !arguments.client.is_empty();
    if !is_started && session.needs_process() {
        print_error(
            "faults of this scenario kill or stop the agent, and only a client that this command starts can be killed\n  \
             = help: name it after `--`, as in `serve scenario.toml -- python agent.py`",
        );
        return Status::BadInput;
    }
    let (handle, inbox) = channel();
    let Some(servers) = start_servers(arguments, &handle, &session) else { return Status::BadInput };
    announce(&servers, &session, arguments.model.as_deref());
    let environment = environment(&servers, &session, arguments.model.is_some());
    let command = Command { line: arguments.client.clone(), environment };
    let mut child = None;
    let mut not_started = None;
    let on_node = |incarnation: Option<u32>| {
        drop(child.take());
        if is_started && incarnation.is_some() {
            match Child::start(&command, handle.clone()) {
                Ok(started) => child = Some(started),
                Err(error) => {
                    not_started = Some(error);
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    let served = session.serve(Live::new(inbox, arguments.speed, &stop, on_node));
    drop(child);
    if let Some(error) = not_started {
        print_error(format!("cannot start {}: {error}", inert::line(&command.line[0].to_string_lossy())));
        return Status::BadInput;
    }
    conclude(arguments, &served, replayed.as_ref())
}

/// The servers of the model and the tools; complains if they cannot be started.
fn start_servers(arguments: &Arguments, handle: &Handle, session: &Session) -> Option<Server> {
    let model = arguments.model.as_deref().map(Upstream::new).transpose();
    let model = model.map_err(|why| print_error(inert::line(&why))).ok()?;
    let port = if arguments.client.is_empty() { 8710 } else { 0 };
    let usual: SocketAddr = ([127, 0, 0, 1], port).into();
    let listen = arguments.listen.or((!arguments.stdio).then_some(usual));
    let config = ServerConfig { stdio: arguments.stdio, listen, speed: arguments.speed, model };
    let complain = |error| {
        let place = listen.map_or_else(String::new, |listen| format!(" at {listen}"));
        print_error(format!(
            "cannot serve{place}: {error}\n  = help: --listen 127.0.0.1:0 takes any free port"
        ));
    };
    Server::start(&config, handle, session.catalogue()).map_err(complain).ok()
}

/// Saves and tells how the run went.
fn conclude(arguments: &Arguments, served: &Served, replayed: Option<&Recording>) -> Status {
    let sink = if arguments.stdio { Sink::StandardError } else { Sink::StandardOutput };
    let file = match save(arguments, &served.recording) {
        Ok(file) => file,
        Err(error) => {
            print_error(error);
            tell("this is the file, to be saved by hand:\n");
            tell(served.recording.to_lines());
            return Status::BadInput;
        }
    };
    let report = Report::new(&served.recording, &served.run, file.as_deref());
    report.tell(sink, arguments.format);
    if let Some(before) = replayed {
        sink.say(&in_words(before, &served.recording, &served.run.outcome));
    }
    report.status()
}

/// What is to be served, and the history that is replayed, if one is; complains if that cannot be had.
fn session_of(suite: &Suite, arguments: &Arguments) -> Option<(Session, Option<Recording>)> {
    if let Some(path) = &arguments.replay {
        let before = Recording::read(suite, path).map_err(print_error).ok()?;
        return Some((before.session().clone(), Some(before)));
    }
    let path = arguments.scenario.as_ref()?;
    let scenario = read(suite, path)?;
    let case = Case::labelled(&scenario, &arguments.case).map_err(print_error).ok()?;
    let session = Session::new(&case, Seed(arguments.seed), None::<Plan>).map_err(print_error).ok()?;
    Some((session, None))
}

fn read(suite: &Suite, path: &Path) -> Option<Arc<Scenario>> {
    match scenario::read_all(suite, &[path.to_owned()]) {
        Ok(scenarios) => match <[_; 1]>::try_from(scenarios) {
            Ok([scenario]) => Some(scenario),
            Err(many) => {
                print_error(format!(
                    "one scenario is served at a time; there are {} at this path",
                    many.len()
                ));
                None
            }
        },
        Err(bad) => {
            bad.iter().for_each(print_problems);
            None
        }
    }
}

/// Says where the servers are.
fn announce(servers: &Server, session: &Session, model: Option<&str>) {
    let Some(address) = servers.address else { return };
    let url = format!("http://{address}");
    if !address.ip().is_loopback() {
        warn(format!("{address} can be reached from other machines"));
    }
    let tasks: Vec<&str> = session.catalogue().tasks().collect();
    tell(format_args!(
        "serving {} to a client\n  MCP        {url}/mcp\n  OpenAI     {url}/v1   (OPENAI_BASE_URL)\n  \
         Anthropic  {url}      (ANTHROPIC_BASE_URL)\n  model      {}\n  tools      {url}/tools/NAME\n  tasks      \
         {}, as prompts at {url}/\nIt ends a virtual minute after the client has told its user how every task ended, when \
         it leaves, or with Ctrl-C.",
        inert::line(&session.case().to_string()),
        model.map_or("simulated: it follows the task".into(), inert::line),
        tasks.join(", "),
    ));
}

/// What a client that is started here finds in its environment.
fn environment(servers: &Server, session: &Session, has_real_model: bool) -> Vec<(String, String)> {
    let Some(address) = servers.address else { return Vec::new() };
    let url = format!("http://{address}");
    let prompts: Vec<String> =
        session.catalogue().tasks().map(|task| session.catalogue().prompt(task)).collect();
    let mut variables = vec![
        ("OPENAI_BASE_URL", format!("{url}/v1")),
        ("ANTHROPIC_BASE_URL", url.clone()),
        ("PERFIDY_MCP_URL", format!("{url}/mcp")),
        ("PERFIDY_URL", url),
        ("PERFIDY_PROMPT", prompts.join("\n\n")),
    ];
    if !has_real_model {
        // SDKs want keys; the simulated model takes any. A real one gets those of the user.
        variables.extend(["OPENAI_API_KEY", "ANTHROPIC_API_KEY"].map(|name| (name, "perfidy".to_owned())));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes the history where it is wanted; the file, if there is one.
fn save(arguments: &Arguments, recording: &Recording) -> Result<Option<PathBuf>, String> {
    let write = |path: PathBuf| {
        recording.save(&path).map_err(|error| format!("cannot save {}: {error}", inert::path(&path)))?;
        Ok(Some(path))
    };
    if let Some(path) = &arguments.record {
        return write(path.clone());
    }
    if recording.broke().is_empty() {
        return Ok(None);
    }
    let path = arguments.histories.join(recording.file_name());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", inert::path(folder)))?;
    }
    write(path)
}

/// What a replay means: of the saved history, with this run of the client.
fn in_words(before: &Recording, now: &Recording, outcome: &RunOutcome<crate::agent::Agents>) -> String {
    let missing = outcome.pinned.iter().find(|Pinned { reached, .. }| !reached);
    let again: Vec<&str> =
        before.broke().iter().filter(|name| now.broke().contains(name)).map(String::as_str).collect();
    if !again.is_empty() {
        return format!("reproduced: {} broke again", again.join(", "));
    }
    match missing {
        Some(Pinned { fault, .. }) => {
            format!(
                "stale: `{}` never came up, so this run says nothing of the saved one",
                inert::shown(fault.at)
            )
        }
        None if before.broke().is_empty() => {
            "replayed: every fault was injected, and nothing broke".to_owned()
        }
        None => format!("fixed: every fault was injected, and {} held", before.broke().join(", ")),
    }
}
