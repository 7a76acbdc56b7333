//! Values that a thread has for as long as some work lasts: an interrupt, an activity.
//!
//! ```
//! use perfidy_sim::scoped;
//! use std::cell::RefCell;
//!
//! thread_local! {
//!     static DEPTH: RefCell<Option<u32>> = const { RefCell::new(None) };
//! }
//! assert_eq!(scoped::within(&DEPTH, Some(1), || DEPTH.with_borrow(|depth| *depth)), Some(1));
//! assert_eq!(DEPTH.take(), None);
//! ```

use std::cell::RefCell;
use std::thread::LocalKey;

/// Where a thread keeps such a value.
pub type Slot<T> = LocalKey<RefCell<Option<T>>>;

/// Does work while the thread has this value. The previous one is back when the work is over, however it
/// ends.
pub fn within<T: 'static, R>(slot: &'static Slot<T>, value: Option<T>, work: impl FnOnce() -> R) -> R {
    struct Restore<T: 'static>(&'static Slot<T>, Option<T>);

    impl<T> Drop for Restore<T> {
        fn drop(&mut self) {
            self.0.set(self.1.take());
        }
    }

    let _restore = Restore(slot, slot.replace(value));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_value_is_back_also_if_the_work_panics() {
        thread_local! {
            static SLOT: RefCell<Option<u32>> = const { RefCell::new(None) };
        }
        within(&SLOT, Some(1), || {
            let panicked =
                std::panic::catch_unwind(|| within(&SLOT, Some(2), || panic!("{:?}", SLOT.take())));
            assert_eq!(panicked.unwrap_err().downcast_ref::<String>().map(String::as_str), Some("Some(2)"));
            assert_eq!(SLOT.take(), Some(1));
        });
        assert_eq!(SLOT.take(), None);
    }
}
