//! Runs under the [watchdog](crate::suite::Watchdog).

use crate::scenario::Case;
use crate::suite::Watchdog;
use perfidy_sim::Seed;

impl Watchdog {
    /// Runs `work` under watch.
    pub fn watch<T>(&self, case: &Case, seed: Seed, work: impl FnOnce() -> T) -> T {
        self.watch_each(case, seed, |_| work())
    }

    /// Runs `work` of many runs under watch. It says when the next one begins, and each has the whole
    /// patience.
    pub fn watch_each<T>(&self, case: &Case, seed: Seed, work: impl FnOnce(&dyn Fn()) -> T) -> T {
        let case = case.clone();
        let watch = self.begin(move || format!("{case}, seed {seed}"), None);
        work(&|| watch.restart())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::suite::Suite;
    use std::path::Path;

    fn case() -> Case {
        let file = Path::new("scenarios/conductor/lost-ack.toml");
        Case::as_written(
            &Scenario::read(&Suite::shipped(), file, Path::new("scenarios"))
                .unwrap_or_else(|bad| panic!("{bad}")),
        )
    }

    #[test]
    fn time_counts_only_while_the_process_ticks() {
        let watchdog = Watchdog::new();
        watchdog.watch(&case(), Seed(7), || {
            let tick = || watchdog.tick(3).map(|overdue| overdue.work);
            assert_eq!([tick(), tick(), tick()], [None, None, None]);
            assert_eq!(tick().as_deref(), Some("conductor/lost-ack, as written, seed 7"));
        });
        assert_eq!(watchdog.tick(3), None);
    }

    #[test]
    fn each_of_many_runs_has_the_whole_patience() {
        let watchdog = Watchdog::new();
        watchdog.watch_each(&case(), Seed(7), |next| {
            for _ in 0..5 {
                assert_eq!(watchdog.tick(1), None);
                next();
            }
            assert!(watchdog.tick(1).is_none() && watchdog.tick(1).is_some());
        });
    }
}
