//! A handle that can be sent, for runtimes whose traits demand `Send`.
//!
//! A run is one thread, and an [`Agent`] cannot leave it. Runtimes for agents often demand `Send` of futures
//! all the same: a trait that returns `Pin<Box<dyn Future + Send>>`, `async_trait`, `tower::Service`. A
//! [`SendAgent`] satisfies that bound without `unsafe`, because it contains no agent: it is a key to one that
//! its thread keeps, and so is every future that it makes. A key that is used on another thread fits nothing
//! and panics; the panic is a finding of that run. (`send_wrapper` and tokio's `LocalSet` check the thread in
//! the same way.)

use crate::agent::Agent;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

thread_local! {
    /// The values that this thread keeps, by the numbers of their keys.
    static KEPT: RefCell<BTreeMap<u64, Box<dyn Any>>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A key to a value that a thread keeps. Dropped on that thread, the key takes the value with it; dropped on
/// another, the value stays until its thread ends.
struct Key<T> {
    thread: ThreadId,
    number: u64,
    value: PhantomData<fn() -> T>,
}

impl<T: 'static> Key<T> {
    fn new(value: T) -> Self {
        let number = NEXT.replace(NEXT.get() + 1);
        KEPT.with_borrow_mut(|kept| kept.insert(number, Box::new(value)));
        Self { thread: thread::current().id(), number, value: PhantomData }
    }

    /// Does something with the value. Whatever that is may use other keys, so the value is out meanwhile.
    fn with<R>(&self, what: impl FnOnce(&mut T) -> R) -> R {
        assert!(
            self.thread == thread::current().id(),
            "this agent is used on another thread, but a run is one thread: let its futures run where they are \
             made, and not on a thread pool"
        );
        let kept = KEPT.with_borrow_mut(|kept| kept.remove(&self.number));
        let mut kept = kept.expect("the future of an agent is polled again although it has panicked");
        let value = kept.downcast_mut().expect("a key is to one value");
        let result = what(value);
        KEPT.with_borrow_mut(|all| all.insert(self.number, kept));
        result
    }
}

impl<T> Drop for Key<T> {
    fn drop(&mut self) {
        if self.thread == thread::current().id() {
            // The value is dropped when it is out, since it can own keys. A thread that ends keeps nothing.
            drop(KEPT.try_with(|kept| kept.borrow_mut().remove(&self.number)));
        }
    }
}

/// A handle of an agent that is `Send` and `Sync`; [`Agent::to_send`] makes it. It can be used only on the
/// thread of its run.
///
/// ```
/// use perfidy::prelude::*;
/// use std::pin::Pin;
///
/// // A trait of a runtime, as it is without perfidy: its futures can be sent.
/// trait Action: Send + Sync {
///     fn perform(&self, task: Name) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;
/// }
///
/// async fn runtime(action: Box<dyn Action>, task: Name) -> Outcome {
///     action.perform(task).await
/// }
///
/// // Its implementation for tests: the tool is one of a simulated world.
/// struct FileTicket(SendAgent);
///
/// impl Action for FileTicket {
///     fn perform(&self, task: Name) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
///         Box::pin(self.0.with_async(move |agent| async move {
///             let intent = Name::joined(task, "/", Name::new("file"));
///             let operation = Operation::new(Name::new("ticketing"), Name::new("create"), intent);
///             let call = ToolCall::keyed(operation, agent.new_operation_id(task));
///             match agent.call(call, SimSpan::from_secs(5)).await {
///                 Ok(_) => Outcome::Done,
///                 Err(_) => Outcome::Failed,
///             }
///         }))
///     }
/// }
///
/// async fn clerk(agent: Agent) {
///     loop {
///         let order = agent.receive().await;
///         let outcome = runtime(Box::new(FileTicket(agent.to_send())), order.about()).await;
///         let report = Report::of(order.about(), outcome);
///         agent.send(order.from(), order.about(), UserMessage::Report(report));
///     }
/// }
///
/// let scenario = Scenario::of("helpdesk").step("file", "ticketing.create").tool("ticketing", json!({}));
/// perfidy::check(Workflow::new("helpdesk").agent("clerk", clerk), scenario).seeds(20).assert();
/// ```
#[derive(Clone)]
pub struct SendAgent(Arc<Key<Agent>>);

impl Agent {
    /// A handle of this agent for code that demands `Send`.
    pub fn to_send(&self) -> SendAgent {
        SendAgent(Arc::new(Key::new(self.clone())))
    }
}

impl SendAgent {
    /// Does something with the agent at once.
    ///
    /// # Panics
    /// On another thread than that of the run.
    pub fn with<T>(&self, what: impl FnOnce(&Agent) -> T) -> T {
        what(&self.0.with(|agent| agent.clone()))
    }

    /// Does something with the agent that takes time. The future can be sent, whatever it awaits.
    ///
    /// # Panics
    /// On another thread than that of the run; the future panics if it is polled there.
    pub fn with_async<R>(&self, what: impl FnOnce(Agent) -> R) -> SendFuture<R::Output>
    where
        R: Future<Output: 'static> + 'static,
    {
        SendFuture(Key::new(Box::pin(what(self.0.with(|agent| agent.clone())))))
    }
}

impl fmt::Debug for SendAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendAgent")
    }
}

/// A future that can be sent, and polled only on its own thread; [`SendAgent::with_async`] makes it.
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<T>(Key<Pin<Box<dyn Future<Output = T>>>>);

impl<T: 'static> Future for SendFuture<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.0.with(|future| future.as_mut().poll(context))
    }
}

impl<T> fmt::Debug for SendFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendFuture")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;
    use std::task::Waker;

    fn kept() -> usize {
        KEPT.with_borrow(BTreeMap::len)
    }

    #[test]
    fn handles_and_futures_can_be_sent_whatever_they_hold() {
        fn is_send<T: Send>() {}
        fn is_sync<T: Sync>() {}
        is_send::<SendAgent>();
        is_sync::<SendAgent>();
        is_send::<SendFuture<Rc<()>>>();
    }

    #[test]
    fn a_value_goes_with_its_key_and_the_values_that_it_owns_go_with_it() {
        let value = Rc::new(());
        let inner = Key::new(Rc::clone(&value));
        let outer = Key::new(inner);
        assert_eq!((kept(), Rc::strong_count(&value)), (2, 2));
        drop(outer);
        assert_eq!((kept(), Rc::strong_count(&value)), (0, 1));
    }

    #[test]
    fn a_value_can_use_other_keys_while_it_is_used() {
        let inner = Key::new(1);
        let outer = Key::new(inner);
        assert_eq!(outer.with(|inner| inner.with(|number| *number + Key::new(1).with(|one| *one))), 2);
    }

    #[test]
    fn a_future_is_polled_where_it_was_made() {
        let mut future = SendFuture(Key::new(Box::pin(async { 7 })));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut future).poll(&mut context), Poll::Ready(7));
    }

    #[test]
    fn another_thread_has_nothing_for_a_key_and_cannot_take_the_value_away() {
        let here = Key::new(1);
        let (there, panic) = thread::scope(|scope| {
            let there = scope.spawn(|| Key::new(2)).join().unwrap();
            assert_eq!(here.number, there.number, "each thread numbers its own");
            let panic = scope.spawn(|| here.with(|number| *number)).join().unwrap_err();
            (there, panic)
        });
        assert!(panic.downcast_ref::<&str>().is_some_and(|why| why.contains("on another thread")));
        drop(there);
        assert_eq!(here.with(|number| *number), 1);
        thread::scope(|scope| scope.spawn(move || drop(here)).join().unwrap());
        assert_eq!(kept(), 1);
    }
}
