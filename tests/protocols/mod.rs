//! Teams step by step, in worlds with exactly the faults that a test names.

mod cascade;
mod hierarchy;
mod review;
mod sagas;
mod two_phase_commit;
