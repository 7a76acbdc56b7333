//! The `perfidy` command: the shipped suite, from the command line.

use mimalloc::MiMalloc;
use perfidy::suite::Suite;
use std::process::ExitCode;

/// A run allocates and frees some hundreds of small things, all on its own thread: mimalloc does that in
/// less than half of the time that the C library takes.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Suite::shipped().main()
}
