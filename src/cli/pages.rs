//! Pages of a campaign: one with all of it, and one for each failure that it saved.

use super::{Status, print_bad_seed, print_error, tell};
use crate::explore::Failure;
use crate::inert;
use crate::report::{CampaignPage, Counterpart, Picture};
use crate::suite::{Suite, Watchdog};
use std::fs;
use std::path::{Path, PathBuf};

/// How many failures have a page of their own.
const PAGES: usize = 200;

/// The page of a campaign, in its folder.
const INDEX: &str = "index.html";

/// Writes the page of a campaign into a folder, and a page for each of these saved failures; says where.
pub fn write_pages(
    suite: &Suite,
    folder: &Path,
    mut page: CampaignPage,
    failures: &[PathBuf],
    watchdog: &Watchdog,
) -> Status {
    if let Err(error) = fs::create_dir_all(folder) {
        print_error(format_args!("cannot write pages to {}: {error}", inert::path(folder)));
        return Status::BadInput;
    }
    let status = add_failures(suite, &mut page, failures, Some(folder), watchdog);
    let index = folder.join(INDEX);
    let written = write_file(&index, page.to_html().as_bytes());
    if written == Status::AsExpected {
        tell(format_args!("pages: {}", inert::path(&index)));
    }
    status.worse(written)
}

/// Adds saved failures to the page of a campaign, as they go today. With a folder, each has a page there.
pub fn add_failures(
    suite: &Suite,
    page: &mut CampaignPage,
    files: &[PathBuf],
    folder: Option<&Path>,
    watchdog: &Watchdog,
) -> Status {
    let mut status = Status::AsExpected;
    for (place, file) in files.iter().enumerate() {
        let failure = match Failure::read(suite, file) {
            Ok(failure) => failure,
            Err(bad) => {
                status = status.worse(print_bad_seed(file, &bad));
                continue;
            }
        };
        if let Err(error) = failure.saved.engine.available() {
            print_error(format_args!("{}: {error}", inert::path(file)));
            status = Status::BadInput;
            continue;
        }
        let (case, seed) = (&failure.case, failure.saved.seed);
        let (run, _) = watchdog.watch(case, seed, || failure.replay());
        let replay = suite.replay_command(&inert::path(file));
        let picture = Picture::of_failure(&failure, &run).again(&replay);
        let mut link = None;
        if let Some(folder) = folder.filter(|_| place < PAGES) {
            let of = || Counterpart::of(case, failure.saved.engine, seed, &failure.saved.faults);
            let counterpart = watchdog.watch(case, seed, of);
            let name = format!("{place:03}-{}.html", file_name(file));
            let written =
                write_file(&folder.join(&name), picture.beside(counterpart.as_ref()).to_page().as_bytes());
            status = status.worse(written);
            link = (written == Status::AsExpected).then_some(name);
        }
        page.add_failure(&failure, &picture, &replay, link);
    }
    status
}

/// What the page of a saved failure is called: as its file, with the folder that it is in.
fn file_name(file: &Path) -> String {
    let parts: Vec<String> = file
        .with_extension("")
        .iter()
        .rev()
        .take(2)
        .map(|part| {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
            part.to_string_lossy().chars().map(plain).collect()
        })
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("-")
}

/// Writes a file; complains if it cannot be written.
pub fn write_file(file: &Path, document: &[u8]) -> Status {
    match fs::write(file, document) {
        Ok(()) => Status::AsExpected,
        Err(error) => {
            print_error(format_args!("cannot write `{}`: {error}", inert::path(file)));
            Status::BadInput
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_failure_is_called_as_its_file_and_folder_and_needs_no_escaping() {
        assert_eq!(file_name(Path::new("seeds/conductor/lost ack-1f.toml")), "conductor-lost-ack-1f");
        assert_eq!(file_name(Path::new("a%2F.toml")), "a-2F");
    }
}
