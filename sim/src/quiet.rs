//! Panics of simulated code are findings: they go into the history, not onto the terminal.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static SIMULATING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, during which a panic on this thread prints nothing.
///
/// The first call wraps the process's panic hook for good; panics anywhere else reach it as before.
pub(crate) fn while_simulating<T>(work: impl FnOnce() -> T) -> T {
    static WRAP: Once = Once::new();
    WRAP.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !SIMULATING.get() {
                usual(info);
            }
        }));
    });
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            SIMULATING.set(self.0);
        }
    }
    let _restore = Restore(SIMULATING.replace(true));
    work()
}
