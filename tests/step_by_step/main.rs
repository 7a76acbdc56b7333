//! Teams step by step, in worlds in which exactly the faults happen that a test names.

mod hierarchy;
mod sagas;
