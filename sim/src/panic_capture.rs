//! Panic capture: panics of simulated code go into the history, not onto the terminal.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// The payload of a panic.
pub(crate) type Panic = Box<dyn Any + Send>;

/// A panic hook: called at the place of a panic.
pub(crate) type PanicHook = fn(&PanicHookInfo<'_>);

thread_local! {
    static HOOK: Cell<Option<PanicHook>> = const { Cell::new(None) };
}

/// Runs simulated code, catches its panic and prints nothing.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_with_hook(|_| {}, work)
}

/// Like [`catch`], with a hook that is called before the stack unwinds.
///
/// The first call wraps the process's panic hook for good; panics anywhere else reach it as before.
pub(crate) fn catch_with_hook<T>(hook: PanicHook, work: impl FnOnce() -> T) -> Result<T, Panic> {
    static WRAP: Once = Once::new();
    WRAP.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| match HOOK.get() {
            Some(hook) => hook(info),
            None => usual(info),
        }));
    });
    let outer = HOOK.replace(Some(hook));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    HOOK.set(outer);
    result
}

/// The message of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
