//! The simulated world under perfidy.
