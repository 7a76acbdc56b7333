//! What a campaign has come to: its rounds, what it saved, and what was found and is not small yet.
//!
//! Between two calls it is whole: what counts is saved, and the checkpoint that could be written now is one
//! from which the campaign comes to the same as if it had not been left. So whichever thread finds that the
//! campaign is over can end it.

use crate::cli::findings::{ShrunkFinding, in_short};
use crate::cli::save::{save, save_at_once};
use crate::cli::{Format, Status, print, print_error, say_record, say_styled, tell};
use crate::explore::{
    CampaignCheckpoint, CaseStatus, Corpus, Finding, Fingerprint, FuzzState, RunSummary, Saved, SavedSeed,
    Slice, Unfinished,
};
use crate::inert::{self, Styled};
use crate::report::{CampaignPage, FindingStory, FuzzRecord, fuzz_table, known_table, probes_table};
use crate::scenario::Case;
use perfidy_sim::SimSpan;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many stories are told at the end.
const STORIES: usize = 5;

/// Runs that have been made and do not count yet, since what they found is being made small.
pub struct Pending {
    pub slice: Slice,
    pub runs: Vec<RunSummary>,
    /// What of them is made small, each with the index of its run.
    pub found: Vec<(usize, Finding)>,
}

/// What this process found that was not in the corpus.
#[derive(Default)]
struct New {
    files: u64,
    stories: Vec<Styled>,
    last: Option<Duration>,
}

/// What this process has saved, by its file: what has to come back if the file is deleted.
#[derive(Default)]
struct Kept(BTreeMap<PathBuf, SavedSeed>);

impl Kept {
    /// Takes in what became of a failure that was to be saved; whether its file was known.
    fn keep(&mut self, saved: &Saved, seed: &SavedSeed) -> bool {
        let is_known = self.0.contains_key(saved.path());
        // What stood there before is as small or smaller.
        if !(is_known && matches!(saved, Saved::Before(_))) {
            self.0.insert(saved.path().to_owned(), seed.clone());
        }
        is_known
    }
}

pub struct CampaignLog {
    format: Format,
    cases: Vec<Case>,
    corpus: Corpus,
    checkpoint: CampaignCheckpoint,
    pub rounds: FuzzState,
    pub pending: Option<Pending>,
    saved: Kept,
    new: New,
    /// For programs, the smallest failure of each case and property.
    smallest: BTreeMap<(usize, &'static str), FindingStory>,
    /// How well all went so far, apart from what the runs came to.
    status: Status,
    /// Whether the checkpoint is written for good, and what comes now counts only for the report.
    is_left: bool,
}

impl CampaignLog {
    pub fn new(
        format: Format,
        cases: Vec<Case>,
        corpus: Corpus,
        checkpoint: CampaignCheckpoint,
        rounds: FuzzState,
    ) -> Self {
        Self {
            format,
            cases,
            corpus,
            checkpoint,
            rounds,
            pending: None,
            saved: Kept::default(),
            new: New::default(),
            smallest: BTreeMap::new(),
            status: Status::AsExpected,
            is_left: false,
        }
    }

    /// Takes in the runs that were pending, with what became of the findings in them. If one could not be
    /// made small in time, the campaign is left before its run; but not twice, or it would never get past it
    /// in a short time.
    pub fn take_in(
        &mut self,
        small: Vec<Result<ShrunkFinding, String>>,
        now: Duration,
    ) -> ControlFlow<Status> {
        let Some(Pending { slice, runs, found }) = self.pending.take() else {
            return ControlFlow::Continue(());
        };
        let is_cut = |small: &Result<ShrunkFinding, String>, finding: &Finding| {
            let is_of_it = |unfinished: &Unfinished| is_of(unfinished, slice.case, finding);
            small.as_ref().is_ok_and(|small| small.is_cut) && !self.rounds.unfinished.iter().any(is_of_it)
        };
        let cut = small.iter().zip(&found).find(|(small, (_, finding))| is_cut(small, finding));
        let cut = cut.map(|(_, (index, _))| *index);
        let mut status = Status::AsExpected;
        // The checkpoint says which files are not small yet, so they are saved before it is written.
        for (small, (_, finding)) in small.iter().zip(&found) {
            if let Ok(small) = small
                && small.is_cut
                && let Some(saved) = save(&self.corpus, small)
            {
                self.note_unfinished(slice.case, finding, &saved);
                self.record_event(&saved, &small.saved, now, |file| small.story(Some(file)));
            }
        }
        let mut small = small.into_iter().zip(found).peekable();
        for (index, run) in runs.iter().enumerate() {
            if cut == Some(index) && !self.leave() {
                status = Status::BadInput;
            }
            // What is worth saving is asked before the run counts, which may end its slice.
            let mut of_run = Vec::new();
            while let Some((small, (_, finding))) = small.next_if(|(_, (of, _))| *of == index) {
                of_run.push((self.rounds.is_wanted(finding.property), finding, small));
            }
            self.rounds.take_in(&self.cases[slice.case], run);
            for (is_wanted, finding, small) in of_run {
                let saved = if is_wanted {
                    self.keep(slice.case, &finding, small, now)
                } else {
                    Self::withdraw(&small);
                    Status::AsExpected
                };
                status = status.worse(saved);
            }
        }
        self.status = self.status.worse(status);
        if status == Status::BadInput || cut.is_some() {
            return ControlFlow::Break(status);
        }
        ControlFlow::Continue(())
    }

    /// Saves a failure, if it is another one or its file is gone.
    fn keep(
        &mut self,
        case: usize,
        finding: &Finding,
        small: Result<ShrunkFinding, String>,
        now: Duration,
    ) -> Status {
        let property = finding.property;
        let small = match small {
            Ok(small) => small,
            Err(does_not_replay) => {
                if self.rounds.take_in_failure(case, property, Fingerprint::DOES_NOT_REPLAY) {
                    print_error(does_not_replay);
                }
                return Status::Broken;
            }
        };
        self.rounds.take_in_failure(case, property, Fingerprint::of(&small.saved));
        self.restore_if_deleted(&self.corpus.path_of(&small.saved));
        let Some(saved) = save(&self.corpus, &small) else {
            self.new.stories.extend(small.story(None));
            return Status::BadInput;
        };
        self.forget_unfinished(case, finding, saved.path());
        // The file of an earlier failure does not tell this one's story.
        if self.format == Format::Json && !matches!(saved, Saved::Before(_)) {
            self.note_smallest(case, property, small.record(Some(saved.path()), String::new));
        }
        self.record_event(&saved, &small.saved, now, |file| small.story(Some(file)));
        Status::AsExpected
    }

    fn note_smallest(&mut self, case: usize, property: &'static str, story: FindingStory) {
        let is_smaller = |known: &FindingStory| story.saved.size() < known.saved.size();
        if self.smallest.get(&(case, property)).is_none_or(is_smaller) {
            self.smallest.insert((case, property), story);
        }
    }

    /// Notes what was saved, and how its story goes if it is new.
    fn record_event(
        &mut self,
        saved: &Saved,
        seed: &SavedSeed,
        now: Duration,
        story: impl FnOnce(&Path) -> Option<Styled>,
    ) {
        let is_known = self.saved.keep(saved, seed);
        if let Saved::Now(file) = saved
            && !is_known
        {
            self.new.files += 1;
            self.new.last = Some(now);
            if self.new.stories.len() < STORIES {
                self.new.stories.extend(story(file));
            }
        }
    }

    /// Notes that what was saved of a finding is not small yet, so that it goes when it is.
    fn note_unfinished(&mut self, case: usize, finding: &Finding, saved: &Saved) {
        let file = saved.path().strip_prefix(self.corpus.root()).unwrap_or(saved.path()).to_owned();
        let property = finding.property.to_owned();
        let unfinished = Unfinished { case, property, seed: finding.seed, file };
        if !self.rounds.unfinished.contains(&unfinished) {
            self.rounds.unfinished.push(unfinished);
        }
    }

    /// Removes the files of a finding that were saved before it was small.
    fn forget_unfinished(&mut self, case: usize, finding: &Finding, small: &Path) {
        if self.is_left {
            return;
        }
        for unfinished in self.rounds.unfinished.extract_if(.., |unfinished| is_of(unfinished, case, finding))
        {
            let file = self.corpus.root().join(unfinished.file);
            if file != small {
                Corpus::withdraw(&file, finding.property, finding.seed);
            }
        }
    }

    /// Removes what was saved of a finding that is one too many.
    fn withdraw(small: &Result<ShrunkFinding, String>) {
        if let Ok(ShrunkFinding { as_found: Some(as_found), saved, .. }) = small {
            Corpus::withdraw(as_found.path(), &saved.property, saved.seed);
        }
    }

    /// Writes the checkpoint for the first time, so that the campaign can be taken up again however long its
    /// first runs take.
    pub fn begin(&mut self) {
        // On a disk that is full the campaign goes on until it finds something, which is then shown.
        let _ = self.checkpoint.keep(&self.rounds);
    }

    /// Writes the checkpoint, unless it is kept for good.
    pub fn write_checkpoint(&mut self) -> bool {
        if self.is_left {
            return true;
        }
        let kept = self.checkpoint.keep(&self.rounds);
        kept.map_err(|error| {
            print_error(format!("cannot save {}: {error}", inert::path(self.checkpoint.path())));
        })
        .is_ok()
    }

    /// Writes the checkpoint for the last time.
    fn leave(&mut self) -> bool {
        let is_kept = self.write_checkpoint();
        self.is_left = true;
        is_kept
    }

    /// Ends the campaign: saves what is left to be saved, writes the checkpoint, reports, and says what it
    /// all means.
    pub fn end(&mut self) -> Status {
        let mut status = Status::AsExpected;
        if let Some(Pending { slice, runs, found }) = self.pending.take() {
            for (_, finding) in &found {
                let case = &self.cases[slice.case];
                let as_found = SavedSeed::as_found(case, self.rounds.engine, finding);
                let Some(saved) = save_at_once(&self.corpus, &as_found) else {
                    self.new.stories.push(in_short(&as_found, None));
                    status = Status::BadInput;
                    continue;
                };
                self.note_unfinished(slice.case, finding, &saved);
                self.new.stories.push(in_short(&as_found, Some(saved.path())));
            }
            if !self.leave() {
                status = Status::BadInput;
            }
            for run in &runs {
                self.rounds.take_in(&self.cases[slice.case], run);
            }
        }
        if !self.leave() {
            status = Status::BadInput;
        }
        self.restore_deleted();
        self.report();
        status.worse(self.status).worse(self.meaning())
    }

    /// Saves again what has been deleted since this process saved it.
    fn restore_deleted(&mut self) {
        self.saved.0.keys().for_each(|file| self.restore_if_deleted(file));
    }

    fn restore_if_deleted(&self, file: &Path) {
        if let Some(saved) = self.saved.0.get(file)
            && !file.exists()
            && save_at_once(&self.corpus, saved).is_some()
        {
            tell(format_args!("{} was deleted while this ran, and is saved again", inert::path(file)));
        }
    }

    /// How far it is, in a line.
    pub fn line(&self, now: Duration, runs_before: u64) -> String {
        let whole_seconds = |time: Duration| SimSpan::from_secs(time.as_secs());
        let runs = self.rounds.runs();
        let rate = (runs - runs_before) as f64 / now.as_secs_f64().max(1e-9);
        let last = self.new.last.map_or_else(String::new, |last| {
            format!(", the last new one {} ago", whole_seconds(now.saturating_sub(last)))
        });
        format!(
            "{}  {runs} runs  {rate:.0} runs/s  {} faults  {} failures{last}",
            whole_seconds(now),
            self.rounds.faults(),
            self.rounds.failures()
        )
    }

    /// The files of all that was saved.
    pub fn files(&self) -> Vec<PathBuf> {
        self.saved.0.keys().cloned().collect()
    }

    /// The page of the campaign, without its failures.
    pub fn page(&self) -> CampaignPage {
        let mut page = CampaignPage::new("A campaign", self.in_a_line());
        page.add_state(&self.rounds, |progress| self.cases.iter().find(|case| progress.is_of(case)).cloned());
        page
    }

    /// What the campaign was and came to, in a line.
    fn in_a_line(&self) -> String {
        let base = self.rounds.base.as_ref().map_or_else(String::new, |base| format!(" (from \"{base}\")"));
        format!(
            "{} runs of {} from seed {}{base}, {} different failures, {} of them new",
            self.rounds.runs(),
            self.rounds.strategy,
            self.rounds.first_seed,
            self.rounds.failures(),
            self.new.files
        )
    }

    fn report(&self) {
        if self.format == Format::Json {
            for (number, (rounds, case)) in self.rounds.cases.iter().zip(&self.cases).enumerate() {
                let smallest = |property: &str| {
                    let mut of_case = self.smallest.iter().filter(|((case, _), _)| *case == number);
                    of_case.find(|((_, known), _)| *known == property).map(|(_, story)| story)
                };
                say_record(&FuzzRecord::new(&self.rounds, rounds, case, smallest));
            }
            return;
        }
        self.new.stories.iter().for_each(say_styled);
        let untold = self.new.files.saturating_sub(self.new.stories.len() as u64);
        if untold > 0 {
            let corpus = inert::path(self.corpus.root());
            print(format_args!("and {untold} more new failures, saved in {corpus}\n"));
        }
        print(fuzz_table(&self.rounds, &self.cases));
        if let Some(probes) = probes_table(&self.rounds.cases) {
            print(format!("\n{probes}"));
        }
        if let Some(known) = known_table(&self.rounds.cases) {
            print(format!("\n{known}"));
        }
        print(format_args!("\n{}", self.in_a_line()));
    }

    /// What the campaign as a whole means. What has not been run, or not long enough, is unknown.
    fn meaning(&self) -> Status {
        let cases = self.rounds.cases.iter().zip(&self.cases);
        let statuses = cases.map(|(progress, case)| self.rounds.status(progress, case));
        statuses.fold(Status::AsExpected, |status, case_status| {
            status.worse(match case_status {
                CaseStatus::Broken(_) | CaseStatus::NotCaught(..) => Status::Broken,
                CaseStatus::NotRun | CaseStatus::NotYetCaught(..) => Status::Inconclusive,
                CaseStatus::NothingBroke | CaseStatus::Caught(..) => Status::AsExpected,
            })
        })
    }
}

/// Whether a file is of a finding in that case.
fn is_of(unfinished: &Unfinished, case: usize, finding: &Finding) -> bool {
    let Unfinished { case: of, property, seed, .. } = unfinished;
    (*of, property.as_str(), *seed) == (case, finding.property, finding.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfidy_sim::Seed;
    use std::fs;

    #[test]
    fn what_comes_back_is_the_smallest_form_that_was_saved() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/conductor");
        let file = fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        let form = |seed| {
            let mut form =
                SavedSeed::parse("a failure", &text).unwrap_or_else(|problems| panic!("{problems}"));
            form.seed = Seed(seed);
            form
        };
        let mut kept = Kept::default();
        let mut keep = |saved: Saved, seed| {
            let is_known = kept.keep(&saved, &form(seed));
            (is_known, kept.0[&file].seed.0)
        };
        assert_eq!(keep(Saved::Now(file.clone()), 1), (false, 1));
        assert_eq!(keep(Saved::Smaller(file.clone()), 2), (true, 2));
        assert_eq!(keep(Saved::Before(file.clone()), 3), (true, 2));
    }
}
