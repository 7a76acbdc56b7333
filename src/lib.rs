//! Deterministic simulation testing for agent workflows.
