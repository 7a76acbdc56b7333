//! How results and trouble are written.
//!
//! Results go to standard output, everything else to standard error. Text is plain and made inert here,
//! whatever file or agent it came from; what has colours is [`Styled`], records for programs are JSON, and
//! each has its own way out. When the reader of the results has gone (`perfidy run | head`) the command goes
//! on in silence: its exit status and its saved failures are results too.

use super::{Status, progress};
use crate::config::Problems;
use crate::inert::{self, Styled};
use serde::Serialize;
use std::fmt;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

/// Results are read.
const OPEN: u8 = 0;
/// Their reader has gone.
const CLOSED: u8 = 1;
/// They could not be written.
const FAILED: u8 = 2;

/// What has become of standard output.
static RESULTS: AtomicU8 = AtomicU8::new(OPEN);

/// Prints a line of a result, or several.
pub fn print(text: impl fmt::Display) {
    write_result(&inert::block(&text.to_string()));
}

/// Prints a result that has colours.
pub fn say_styled(text: &Styled) {
    write_result(text.as_ansi());
}

/// Prints a result for programs.
pub fn say_record(record: &impl Serialize) {
    let json = serde_json::to_string(record).expect("a record is plain data");
    write_result(&inert::json(&json));
}

/// Writes a document as it is: its maker has escaped text from other sources, in the way of its format.
pub fn say_document(document: &[u8]) {
    write_with(|| {
        let mut out = io::stdout().lock();
        out.write_all(document)?;
        out.flush()
    });
}

fn write_result(text: &str) {
    write_with(|| {
        let mut written = Ok(());
        progress::with_progress_suspended(|| written = writeln!(anstream::stdout().lock(), "{text}"));
        written
    });
}

fn write_with(write: impl FnOnce() -> io::Result<()>) {
    if RESULTS.load(Ordering::Relaxed) != OPEN {
        return;
    }
    if let Err(error) = write() {
        if error.kind() == io::ErrorKind::BrokenPipe {
            RESULTS.store(CLOSED, Ordering::Relaxed);
        } else {
            RESULTS.store(FAILED, Ordering::Relaxed);
            print_error(format_args!("cannot write the result: {error}"));
        }
    }
}

/// Whether results are still read.
pub fn is_read() -> bool {
    RESULTS.load(Ordering::Relaxed) == OPEN
}

/// What has become of standard output, as a status: a result that could not be written is not as expected.
pub fn status() -> Status {
    if RESULTS.load(Ordering::Relaxed) == FAILED { Status::BadInput } else { Status::AsExpected }
}

/// Prints what is wrong.
pub fn print_error(error: impl fmt::Display) {
    tell(format_args!("error: {error}"));
}

/// Prints what may be wrong, though the command goes on as asked.
pub fn warn(warning: impl fmt::Display) {
    tell(format_args!("warning: {warning}"));
}

/// Prints what is wrong with a file.
pub fn print_problems(problems: &Problems) {
    write_to_stderr(Styled::new(&problems.render(true)).as_ansi());
}

/// Prints something beside the result.
pub fn tell(text: impl fmt::Display) {
    write_to_stderr(&inert::block(&text.to_string()));
}

fn write_to_stderr(text: &str) {
    progress::with_progress_suspended(|| {
        // Where standard error is gone, there is nothing left to write to.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    });
}
