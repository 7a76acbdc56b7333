//! Activity: the node whose code a thread runs, for another thread to look at.
//!
//! Code that loops without ever waiting cannot be stopped from within its thread, and a watchdog on another
//! thread cannot look into it. The worlds that are built [within](Activity::within) an activity say there
//! whose code they run, so the watchdog can name the node.
//!
//! ```
//! use perfidy_sim::Activity;
//! let activity = Activity::default();
//! assert_eq!(activity.within(|| activity.node()), None, "no world runs here");
//! ```

use crate::{Name, scoped};
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

/// What a thread works on. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Activity(Arc<Mutex<Option<Name>>>);

thread_local! {
    static CURRENT: RefCell<Option<Activity>> = const { RefCell::new(None) };
}

impl Activity {
    /// The node whose code runs, if one does.
    pub fn node(&self) -> Option<Name> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work on this thread as part of this activity.
    pub fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        scoped::within(&CURRENT, Some(self.clone()), work)
    }

    pub(crate) fn set_node(&self, node: Option<Name>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = node;
    }
}

/// The activity of this thread.
pub(crate) fn current() -> Option<Activity> {
    CURRENT.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Domain, Engine, Seed, World, WorldConfig};

    struct Numbers;
    impl Domain for Numbers {
        type Payload = u64;
        type AppEvent = u64;
        type Author = ();
    }

    /// Runs a world whose only node looks at an activity, and returns what it sees.
    fn seen(activity: &Activity) -> Option<Name> {
        let seen = Arc::new(Mutex::new(None));
        let build = || {
            let mut world: World<Numbers> = World::new(WorldConfig::fault_free(Seed(1)));
            let (activity, seen) = (activity.clone(), Arc::clone(&seen));
            world.process(Name::new("looker"), move |_: Context<Numbers>| {
                let (activity, seen) = (activity.clone(), Arc::clone(&seen));
                async move { *seen.lock().unwrap() = activity.node() }
            });
            world
        };
        Engine::Native.run(build);
        *seen.lock().unwrap()
    }

    #[test]
    fn while_the_code_of_a_node_runs_other_threads_can_see_which_node_it_is() {
        let activity = Activity::default();
        assert_eq!(activity.within(|| seen(&activity)), Some(Name::new("looker")));
        assert_eq!(activity.node(), None, "it is over");
        assert_eq!(seen(&activity), None, "it is no part of the activity");
    }
}
