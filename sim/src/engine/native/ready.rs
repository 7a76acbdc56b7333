//! The ready queue: woken tasks, first woken first.
//!
//! A waker may be called from any thread, but nearly always is called from the thread of its run. There the
//! queue is thread-local and needs no lock; calls from other threads go through a list with a lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// The run that is under way on a thread.
struct Here {
    /// Its identity: the address of its [`Elsewhere`], zero if no run is under way.
    run: Cell<usize>,
    woken: RefCell<VecDeque<usize>>,
}

thread_local! {
    static HERE: Here = const { Here { run: Cell::new(0), woken: RefCell::new(VecDeque::new()) } };
}

/// Tasks of a run woken by other threads.
#[derive(Default)]
struct Elsewhere {
    woken: Mutex<Vec<usize>>,
    /// Whether there are any.
    any: AtomicBool,
}

/// The woken tasks of the run under way on this thread. Runs can be nested; the inner one ends before the
/// outer one goes on.
pub(super) struct Ready {
    elsewhere: Arc<Elsewhere>,
    outer: usize,
    outer_woken: VecDeque<usize>,
}

impl Ready {
    /// An empty queue. Tasks woken from now on belong to this run.
    pub fn new() -> Self {
        let elsewhere = Arc::new(Elsewhere::default());
        HERE.with(|here| Self {
            outer: here.run.replace(address(&elsewhere)),
            outer_woken: here.woken.borrow_mut().drain(..).collect(),
            elsewhere,
        })
    }

    /// The waker of a task that is in the queue.
    pub fn waker(&self, task: usize) -> TaskWaker {
        TaskWaker { task, queued: AtomicBool::new(true), elsewhere: Arc::clone(&self.elsewhere) }
    }

    pub fn push(&self, task: usize) {
        HERE.with(|here| {
            debug_assert_eq!(
                here.run.get(),
                address(&self.elsewhere),
                "an inner run ends before the outer goes on"
            );
            here.woken.borrow_mut().push_back(task);
        });
    }

    /// The task that was woken first.
    pub fn next(&self) -> Option<usize> {
        if self.elsewhere.any.load(Ordering::Acquire) {
            self.elsewhere.any.store(false, Ordering::Relaxed);
            let woken = std::mem::take(&mut *lock(&self.elsewhere.woken));
            for task in woken {
                self.push(task);
            }
        }
        HERE.with(|here| here.woken.borrow_mut().pop_front())
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        HERE.with(|here| {
            here.run.set(self.outer);
            let mut woken = here.woken.borrow_mut();
            woken.clear();
            woken.extend(self.outer_woken.drain(..));
        });
    }
}

/// Puts its task into the queue, once until it is polled.
pub(super) struct TaskWaker {
    task: usize,
    queued: AtomicBool,
    elsewhere: Arc<Elsewhere>,
}

impl TaskWaker {
    /// From now on the task may be woken again.
    pub fn about_to_be_polled(&self) {
        self.queued.store(false, Ordering::Relaxed);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let is_here = HERE.try_with(|here| {
            let is_here = here.run.get() == address(&self.elsewhere);
            // Only this thread changes the flag.
            if is_here && !self.queued.load(Ordering::Relaxed) {
                self.queued.store(true, Ordering::Relaxed);
                here.woken.borrow_mut().push_back(self.task);
            }
            is_here
        });
        if !is_here.unwrap_or(false) {
            lock(&self.elsewhere.woken).push(self.task);
            self.elsewhere.any.store(true, Ordering::Release);
        }
    }
}

fn address(elsewhere: &Arc<Elsewhere>) -> usize {
    Arc::as_ptr(elsewhere) as usize
}

fn lock(woken: &Mutex<Vec<usize>>) -> std::sync::MutexGuard<'_, Vec<usize>> {
    woken.lock().unwrap_or_else(PoisonError::into_inner)
}
