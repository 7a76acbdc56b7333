//! The `perfidy` command.
fn main() {}
