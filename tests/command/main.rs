//! End-to-end tests of the command, as a separate process in its own folder.

mod ablate;
mod audit;
mod bad_input;
mod closed_pipe;
mod compare;
mod diagnostics;
mod fuzz;
mod inert;
mod list;
mod new;
#[cfg(feature = "clients")]
mod node_programs;
mod nothing_lost;
#[cfg(unix)]
mod permissions;
mod place;
#[cfg(feature = "clients")]
mod programs;
mod readme;
mod records;
mod replay;
mod report;
mod resume;
mod run;
mod saving;
#[cfg(feature = "clients")]
mod serve;
mod service_level;
mod shrink;
mod watch;
mod workshop;

use place::Place;

#[test]
fn the_command_explains_itself() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["ablate", "--help"], &["check", "--help"]] {
        place.perfidy(arguments).ends_with(0).calmly().says(&["Usage: perfidy"]);
    }
    place.perfidy(&["--help"]).says(&["Exit status: 0 as expected"]);
    let version = format!("perfidy {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(place.perfidy(&["--version"]).ends_with(0).out, version);
}
