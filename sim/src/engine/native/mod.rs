//! The native engine: a single-threaded executor on virtual time.
//!
//! It applies one event, runs the tasks that the event woke, first woken first, until all of them wait, and
//! then goes to the next event. Wakers work from any thread, so `tokio::sync` and other runtime-agnostic
//! futures can be used inside processes. Everything is dropped at the end of a run, so memory stays flat over
//! millions of runs.

mod ready;

use crate::core::Core;
use crate::engine;
use crate::node::Command;
use crate::queue::NodeIndex;
use crate::{Domain, Outside, RunOutcome, Turn, World, net, pool};
use ready::{Ready, TaskWaker};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Waker};

struct Task {
    node: NodeIndex,
    incarnation: u32,
    code: engine::Task,
    signal: Arc<TaskWaker>,
    waker: Waker,
}

struct Executor<D: Domain> {
    core: Rc<RefCell<Core<D>>>,
    /// Slots are not reused within a run, so an old waker cannot wake another task.
    tasks: Vec<Option<Task>>,
    /// For each node the tasks that may still be there.
    tasks_of: Vec<Vec<usize>>,
    ready: Ready,
    /// Tasks that were woken while their node was paused.
    parked: Vec<usize>,
    paused: Vec<NodeIndex>,
}

/// Runs a world to its end, together with something outside if there is that; no outcome if the run was
/// abandoned.
pub(crate) fn run<D: Domain>(
    world: World<D>,
    mut outside: Option<&mut dyn Outside>,
) -> Option<RunOutcome<D>> {
    let mut executor = Executor {
        core: Rc::clone(&world.core),
        tasks: pool::take(),
        tasks_of: pool::take(),
        ready: Ready::new(),
        parked: Vec::new(),
        paused: Vec::new(),
    };
    net::within(Rc::clone(&world.core) as _, || {
        loop {
            world.core.borrow_mut().count_polls_anew();
            executor.settle();
            if let Some(outside) = &mut outside {
                let time = world.core.borrow_mut().time_of_next();
                // Not borrowed meanwhile: the outside wakes tasks, and may take long.
                if let Some((now, next)) = time
                    && let Turn::At(at) = outside.turn(now, next)
                {
                    world.core.borrow_mut().elapse(at);
                    continue;
                }
            }
            if !world.core.borrow_mut().advance() {
                break;
            }
        }
    });
    executor.tasks.clear();
    pool::give(std::mem::take(&mut executor.tasks));
    executor.tasks_of.iter_mut().for_each(Vec::clear);
    pool::give(std::mem::take(&mut executor.tasks_of));
    drop(executor);
    world.into_outcome()
}

impl<D: Domain> Executor<D> {
    /// Polls until all tasks wait.
    fn settle(&mut self) {
        loop {
            self.obey();
            let Some(task) = self.ready.next() else { return };
            self.poll(task);
            if self.core.borrow().end.is_some() {
                return;
            }
        }
    }

    /// Carries out the commands of the world.
    fn obey(&mut self) {
        loop {
            let command = self.core.borrow_mut().commands.pop_front();
            match command {
                None => return,
                Some(Command::Boot(node)) => {
                    let incarnation = self.core.borrow_mut().node(node).incarnation;
                    if let Some(future) = engine::boot(&self.core, node) {
                        self.spawn(node, incarnation, engine::Task { incarnation, future, cause: None });
                    }
                }
                Some(Command::Spawn { node, incarnation, cause, future }) => {
                    if self.core.borrow_mut().node(node).is_alive(incarnation) {
                        self.spawn(node, incarnation, engine::Task { incarnation, future, cause });
                    }
                }
                Some(Command::Kill(node)) => {
                    self.paused.retain(|paused| *paused != node);
                    self.end_tasks(node, |_| true);
                }
                Some(Command::Retire { node, incarnation }) => {
                    self.end_tasks(node, |task| task.incarnation == incarnation);
                }
                Some(Command::Pause(node)) => self.paused.push(node),
                Some(Command::Resume(node)) => {
                    self.paused.retain(|paused| *paused != node);
                    self.parked.drain(..).for_each(|task| self.ready.push(task));
                }
                Some(Command::Link { .. }) => {}
            }
        }
    }

    /// Ends the selected tasks of a node, the oldest first.
    fn end_tasks(&mut self, node: NodeIndex, ends: impl Fn(&Task) -> bool) {
        let Some(of_node) = self.tasks_of.get_mut(node.0 as usize) else { return };
        of_node.retain(|index| {
            let task = &mut self.tasks[*index];
            if task.as_ref().is_some_and(&ends) {
                *task = None;
            }
            task.is_some()
        });
    }

    fn spawn(&mut self, node: NodeIndex, incarnation: u32, code: engine::Task) {
        let task = self.tasks.len();
        let index = node.0 as usize;
        if self.tasks_of.len() <= index {
            self.tasks_of.resize_with(index + 1, Vec::new);
        }
        self.tasks_of[index].push(task);
        let signal = Arc::new(self.ready.waker(task));
        let waker = Waker::from(Arc::clone(&signal));
        self.tasks.push(Some(Task { node, incarnation, code, signal, waker }));
        self.ready.push(task);
    }

    fn poll(&mut self, index: usize) {
        let Some(task) = &mut self.tasks[index] else { return };
        if self.paused.contains(&task.node) {
            self.parked.push(index);
            return;
        }
        task.signal.about_to_be_polled();
        let mut cx = task::Context::from_waker(&task.waker);
        if engine::poll(&self.core, task.node, &mut task.code, &mut cx).is_ready() {
            self.tasks[index] = None;
        }
    }
}
