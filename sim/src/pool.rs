//! A buffer pool: a run reuses the memory of the previous run on its thread.
//!
//! Only empty containers are kept, so a run cannot observe earlier runs. Each thread keeps at most one value
//! of each type.

use std::any::Any;
use std::cell::RefCell;

/// The maximum capacity that is kept; a larger container is freed. It is more than a run of a thousand tasks
/// needs: to get that memory from the system anew for each run costs a fifth of the run.
pub(crate) const MOST: usize = 1 << 22;

thread_local! {
    static POOL: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// A pooled value of this type, or a new one.
pub(crate) fn take<T: Default + 'static>() -> T {
    in_pool(Option::take).flatten().unwrap_or_default()
}

/// Puts a value into the pool. The caller has emptied it.
pub(crate) fn give<T: 'static>(thing: T) {
    // A thread that ends has no pool any more.
    let earlier = in_pool(|place| place.replace(thing));
    drop(earlier);
}

/// Accesses the pool's slot for values of one type.
fn in_pool<T: 'static, R>(work: impl FnOnce(&mut Option<T>) -> R) -> Option<R> {
    POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        let known = pool.iter().position(|place| place.is::<Option<T>>());
        let place = known.unwrap_or_else(|| {
            pool.push(Box::new(None::<T>));
            pool.len() - 1
        });
        pool[place].downcast_mut().map(work)
    })
    .ok()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_taken_once() {
        let mut first: Vec<u16> = take();
        first.reserve(100);
        give(first);
        assert!(take::<Vec<u16>>().capacity() >= 100);
        assert_eq!(take::<Vec<u16>>().capacity(), 0);
        assert_eq!(take::<Vec<i16>>().capacity(), 0, "another type has another place");
    }
}
