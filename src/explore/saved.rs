//! A saved failure: seed, case and the faults that suffice, in a file that says what it is.
//!
//! The file carries the text of its scenario, so that it means the same from any directory and after the
//! scenario has been edited. Read back it is a [`Failure`](crate::explore::Failure), which can be replayed.

use crate::config::{Problem, Problems};
use crate::explore::embedded::place_of;
use crate::explore::{Changes, Failure, Finding, ShrunkFailure};
use crate::inert;
use crate::scenario::{self, Case};
use crate::suite::Suite;
use perfidy_sim::{Digest, Engine, Fault, Seed};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The version of the file format.
const SCHEMA: u32 = 1;

/// How many characters of a message are saved. Agents can panic with a text of any length.
const MOST_OF_A_MESSAGE: usize = 4_000;

/// A failure that can be replayed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSeed {
    schema: u32,
    /// The version of perfidy that saved it.
    pub perfidy: String,
    /// The property that broke.
    pub property: String,
    /// How, in words, as they are shown.
    pub message: String,
    /// The engine; digests are each engine's own.
    pub engine: Engine,
    /// The seed.
    #[serde(with = "seed")]
    pub seed: Seed,
    /// The fingerprint of the history.
    pub digest: Digest,
    /// Whether something could perhaps still be left out, because shrinking was cut short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// If a [check](crate::check) found it, which replays it: the command that runs its test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The faults that suffice.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
    /// The case.
    pub case: SavedCase,
    /// What shrinking has changed of the scenario, if the failure was shrunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// The suite of its case; `None` if it was only read as a file.
    #[serde(skip)]
    pub(super) suite: Option<Suite>,
}

/// The case of a saved failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedCase {
    /// The scenario's name.
    pub scenario: String,
    /// The label of the case.
    pub label: String,
    /// The scenario's text.
    pub text: String,
}

impl SavedSeed {
    /// A failure to be saved.
    pub fn new(engine: Engine, seed: Seed, property: &str, minimal: &ShrunkFailure) -> Self {
        let ShrunkFailure { case, faults, run, changes, is_finished } = minimal;
        let message = run.violation(property).map(|violation| violation.message.as_str());
        let finding = (property, message.unwrap_or_default(), run.outcome.digest(), faults.as_slice());
        let changes = Some(changes.clone()).filter(|changes| *changes != Changes::default());
        Self { changes, ..Self::whole(case, engine, seed, finding, !is_finished) }
    }

    /// A failure to be saved as it was found, before anything is left out.
    pub fn as_found(case: &Case, engine: Engine, finding: &Finding) -> Self {
        let Finding { property, seed, ref faults, ref message, digest, .. } = *finding;
        Self::whole(case, engine, seed, (property, message, digest, faults), true)
    }

    fn whole(
        case: &Case,
        engine: Engine,
        seed: Seed,
        (property, message, digest, faults): (&str, &str, Digest, &[Fault]),
        unfinished: bool,
    ) -> Self {
        Self {
            schema: SCHEMA,
            perfidy: env!("CARGO_PKG_VERSION").to_owned(),
            property: property.to_owned(),
            message: shortened(message),
            engine,
            seed,
            digest,
            faults: faults.to_vec(),
            unfinished,
            check: case.scenario.suite.check_command().map(str::to_owned),
            case: SavedCase {
                scenario: case.scenario.name.to_string(),
                label: case.label(),
                // The path of a schema leads nowhere from here.
                text: scenario::without_directives(&case.scenario.text).to_owned(),
            },
            changes: None,
            suite: Some(case.scenario.suite.clone()),
        }
    }

    /// Reads the text of a saved failure, which stands at `path`, without asking what it means:
    /// [`Failure`](crate::explore::Failure) does that.
    ///
    /// # Errors
    /// What is wrong and where, for a text that is no saved failure, is half of one, or was saved by another
    /// version of the format.
    pub fn parse(path: &str, text: &str) -> Result<Self, Problems> {
        let bad = |problem| Problems::new(path, text, vec![problem]);
        let is_scenario = || text.lines().any(|line| line.starts_with("workflow "));
        if !Self::is_one(text) && is_scenario() {
            let problem = Problem::whole("this is a scenario, not a saved failure");
            return Err(bad(problem.help("`perfidy run` runs it")));
        }
        let saved: Self = toml::from_str(text).map_err(|error| bad(Problem::in_toml(text, &error)))?;
        if saved.schema != SCHEMA {
            let message =
                format!("this file has schema {}; this perfidy reads schema {SCHEMA}", saved.schema);
            return Err(bad(Problem::at(place_of(text, &["schema"]), message)));
        }
        if let Err(missing) = saved.engine.available() {
            return Err(bad(Problem::at(place_of(text, &["engine"]), missing.to_string())));
        }
        if let Some(trouble) = scenario::trouble_with_name(&saved.case.scenario) {
            let help = "write the name that the scenario had, such as conductor/lost-ack";
            return Err(bad(Problem::at(place_of(text, &["case", "scenario"]), trouble).help(help)));
        }
        Ok(saved)
    }

    /// Whether a text looks like a saved failure, good or bad, and not like a scenario.
    pub fn is_one(text: &str) -> bool {
        text.lines().any(|line| line.starts_with("digest ") || line == "[case]")
    }

    /// What tells it apart: the property, the case, and of each fault what it is and at which site. Numbers
    /// in a site do not count: what befalls `executor-2` would befall `executor-1`.
    pub fn fingerprint(&self) -> u64 {
        let mut faults: Vec<(&str, String)> = self
            .faults
            .iter()
            .map(|fault| (fault.action.kind().as_str(), without_numbers(fault.at.site.as_str())))
            .collect();
        faults.sort_unstable();
        perfidy_sim::Words::digest(|words| {
            words.text(&self.property).text(&self.case.scenario).text(&self.case.label);
            words.text(self.engine.as_str());
            for (kind, site) in &faults {
                words.text(kind).text(site);
            }
        })
    }

    /// What orders the forms of one failure, the best first: those of few faults in a short scenario, shrunk
    /// to the end, said in few words. No two different forms are equal, so the best of any number is the same
    /// in whatever order they are found.
    pub(crate) fn size(&self) -> impl Ord {
        let Self { case, unfinished, seed, .. } = self;
        let faults = || self.faults.iter().map(ToString::to_string);
        let length: usize = faults().map(|fault| fault.len()).sum();
        let how_much = (self.faults.len(), case.text.len(), *unfinished, length);
        (how_much, *seed, faults().collect::<Vec<_>>(), case.text.clone(), self.digest.to_string())
    }

    /// The suite of its case.
    ///
    /// # Panics
    /// If it was only read as a file, and not understood.
    pub(crate) fn suite(&self) -> &Suite {
        self.suite.as_ref().expect("a failure that was found or understood is one of a suite")
    }

    /// The command of its suite.
    fn command(&self) -> &str {
        self.suite.as_ref().map_or("perfidy", Suite::command)
    }

    /// The file's text, as it stands at `path`.
    ///
    /// # Panics
    /// Never: a saved seed has nothing that TOML cannot say.
    pub fn to_toml(&self, path: &Path) -> String {
        let faults = match self.faults.len() {
            0 => "No fault is needed.".to_owned(),
            1 => "One fault suffices.".to_owned(),
            count => format!("{count} faults suffice."),
        };
        let path = path.display().to_string();
        let Self { property, message, case: SavedCase { scenario, label, .. }, .. } = self;
        let [scenario, label, property, message, path] =
            [scenario, label, property, message, &path].map(|text| inert::line(text));
        let unfinished = if self.unfinished {
            format!("\n# Something may still be left out: {} shrink {path}", self.command())
        } else {
            String::new()
        };
        let replay = match &self.check {
            Some(test) => format!("{test}   (replays {path} first)"),
            None => format!("{} replay {path}", self.command()),
        };
        format!(
            "# {scenario}, {label}: {property} broke.\n# {message}. {faults}\n\
             # Replay it with: {replay}{unfinished}\n\n{}",
            toml::to_string(self).expect("a saved seed has nothing that TOML cannot say"),
        )
    }

    /// Reads the failure from the text that a save at `path` would write. It is then exactly what would be
    /// replayed.
    ///
    /// # Errors
    /// [`NotReadBack`] if the text could not be read or says something else.
    pub(crate) fn read_back(&self, path: &Path) -> Result<Failure, NotReadBack> {
        let text = self.to_toml(path);
        if scenario::is_too_long_to_save(&text) {
            return Err(NotReadBack(format!(
                "it has {} faults, more than a file can list",
                self.faults.len()
            )));
        }
        let read = Failure::read_text(self.suite(), path, text).map_err(|bad| {
            let problem = bad.problems().list.first().map(|problem| problem.message.clone());
            NotReadBack(problem.unwrap_or_default())
        })?;
        let Self { property, engine, seed, faults, case, .. } = &read.saved;
        let parts = [
            ("property", property == &self.property),
            ("engine", engine == &self.engine),
            ("seed", seed == &self.seed),
            ("list of faults", faults == &self.faults),
            ("scenario", case.scenario == self.case.scenario),
            ("case", case.label == self.case.label),
            ("text of the scenario", case.text == self.case.text),
        ];
        match parts.iter().find(|(_, is_the_same)| !is_the_same) {
            None => Ok(read),
            Some((part, _)) => Err(NotReadBack(format!("its {part} would be read as another"))),
        }
    }
}

/// Why a failure cannot be read back from its own text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotReadBack(String);

impl fmt::Display for NotReadBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file could not be replayed: {}", self.0)
    }
}

impl std::error::Error for NotReadBack {}

/// A site in which no agent has a number: `executor-2 > mail, call send` becomes `executor > mail, call
/// send`.
fn without_numbers(site: &str) -> String {
    let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut result = String::with_capacity(site.len());
    for part in site.split_inclusive(|c| !is_of_a_word(c)) {
        let word = part.trim_end_matches(|c| !is_of_a_word(c));
        let numbered = word.rsplit_once('-').filter(|(name, number)| {
            !name.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        result.push_str(numbered.map_or(word, |(name, _)| name));
        result.push_str(&part[word.len()..]);
    }
    result
}

/// The message of a violation, as it is saved: in one escaped line of limited length.
pub(super) fn shortened(message: &str) -> String {
    let message = inert::line(message);
    let mut short: String = message.chars().take(MOST_OF_A_MESSAGE).collect();
    if short.len() < message.len() {
        short.push_str(" [...]");
    }
    short
}

/// A seed in TOML, whose numbers end at 2^63: one beyond that stands in quotes.
pub(super) mod seed {
    use perfidy_sim::Seed;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a seed is a number from 0 to 18446744073709551615, in quotes from 2^63 on"
    )]
    enum Written {
        Number(u64),
        Text(String),
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    pub fn serialize<S: Serializer>(seed: &Seed, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(seed.0) {
            Ok(number) => serializer.serialize_i64(number),
            Err(_) => serializer.collect_str(seed),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seed, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Seed(number)),
            Written::Text(text) => text.parse().map(Seed).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULT: &str = "coordinator > executor-2, order, task-1/pay, try 1: drop";

    fn saved(faults: &[&str]) -> SavedSeed {
        let mut text = "schema = 1\nperfidy = \"0.1.0\"\nproperty = \"no-duplicate-effects\"\n\
                        message = \"paid twice\"\nengine = \"native\"\nseed = 3\n\
                        digest = \"dba263883de647a8aa0f18a459d07bec\"\n"
            .to_owned();
        for fault in faults {
            let (at, action) = fault.rsplit_once(": ").unwrap();
            text += &["[[fault]]\nat = \"", at, "\"\ndo = \"", action, "\"\n"].concat();
        }
        text += "[case]\nscenario = \"conductor/refund\"\nlabel = \"as written\"\ntext = \"long text\"\n";
        SavedSeed::parse("", &text).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn what_befalls_one_of_many_agents_is_the_same_failure_as_with_another_of_them() {
        let one = saved(&[FAULT]);
        let the_same = [
            "coordinator > executor-1, order, task-1/pay, try 1: drop",
            "coordinator > executor-2, order, task-3/pay, try 4: drop",
        ];
        for fault in the_same {
            assert_eq!(saved(&[fault]).fingerprint(), one.fingerprint(), "{fault}");
        }
        let others: [&[&str]; 4] = [
            &[],
            &[FAULT, FAULT],
            &["coordinator > executor-2, order, task-1/pay, try 1: delay 1s"],
            &["coordinator > planner-2, order, task-1/pay, try 1: drop"],
        ];
        for faults in others {
            assert_ne!(saved(faults).fingerprint(), one.fingerprint(), "{faults:?}");
        }
        let mut other = one.clone();
        other.property = "no-phantom-completion".to_owned();
        assert_ne!(other.fingerprint(), one.fingerprint());
        let mut other = one.clone();
        other.case.label = "without retry".to_owned();
        assert_ne!(other.fingerprint(), one.fingerprint());
    }

    #[test]
    fn only_the_number_behind_a_whole_name_is_left_out_of_a_site() {
        for (site, without) in [
            ("executor-2 > mail, call send", "executor > mail, call send"),
            ("a > executor-12", "a > executor"),
            ("write-2-files, x", "write-2-files, x"),
            ("v-2b, -3, 4", "v-2b, -3, 4"),
            ("two_words-7's disk", "two_words's disk"),
        ] {
            assert_eq!(without_numbers(site), without);
        }
    }

    #[test]
    fn the_better_form_has_fewer_faults_then_a_shorter_scenario_then_is_shrunk_to_the_end() {
        let base = saved(&[FAULT]);
        let with = |change: fn(&mut SavedSeed)| {
            let mut other = base.clone();
            change(&mut other);
            other
        };
        let in_order = [
            saved(&[]),
            with(|other| other.case.text.truncate(4)),
            base.clone(),
            with(|other| other.seed = Seed(4)),
            with(|other| other.unfinished = true),
            with(|other| other.case.text += " and more"),
            saved(&[FAULT, FAULT]),
        ];
        for (nth, one) in in_order.iter().enumerate() {
            for (mth, other) in in_order.iter().enumerate() {
                let is = one.size().partial_cmp(&other.size());
                assert_eq!(is, Some(nth.cmp(&mth)), "{nth} and {mth}");
            }
        }
    }

    #[test]
    fn every_seed_is_read_as_it_was_written() {
        for seed in [0, 3, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            let mut one = saved(&[FAULT]);
            one.seed = Seed(seed);
            let text = one.to_toml(Path::new("seeds/one.toml"));
            let is_quoted = text.contains(&format!("seed = \"{seed}\""));
            assert_eq!(is_quoted, i64::try_from(seed).is_err(), "{seed}");
            assert_eq!(SavedSeed::parse("", &text).unwrap().seed, Seed(seed));
        }
    }

    #[test]
    fn a_file_says_how_many_faults_suffice_how_to_replay_it_and_whether_it_can_become_smaller() {
        let text = |one: &SavedSeed| one.to_toml(Path::new("seeds/one.toml"));
        assert!(text(&saved(&[])).contains("# paid twice. No fault is needed.\n"));
        assert!(text(&saved(&[FAULT])).contains("# paid twice. One fault suffices.\n"));
        assert!(text(&saved(&[FAULT, FAULT])).contains("# paid twice. 2 faults suffice.\n"));
        let mut one = saved(&[FAULT]);
        assert!(text(&one).contains("# Replay it with: perfidy replay seeds/one.toml\n\n"));
        one.unfinished = true;
        assert!(text(&one).contains("# Something may still be left out: perfidy shrink seeds/one.toml\n"));
        one.check = Some("cargo test pays".to_owned());
        assert!(text(&one).contains("# Replay it with: cargo test pays   (replays seeds/one.toml first)\n"));
    }

    #[test]
    fn what_another_version_saved_and_what_is_a_scenario_are_refused() {
        let text = saved(&[FAULT]).to_toml(Path::new("one.toml"));
        assert!(SavedSeed::is_one(&text));
        let refused = |text: &str| SavedSeed::parse("one.toml", text).unwrap_err().to_string();
        assert!(refused(&text.replace("schema = 1", "schema = 2")).contains("this perfidy reads schema 1"));
        let scenario = "workflow = \"conductor\"\n";
        assert!(!SavedSeed::is_one(scenario));
        assert!(refused(scenario).contains("this is a scenario, not a saved failure"));
        assert!(refused(&text.replace("conductor/refund", "../refund")).contains("scenario"));
    }

    #[test]
    fn a_message_is_cut_only_where_it_is_too_long() {
        let most = "m".repeat(MOST_OF_A_MESSAGE);
        assert_eq!(shortened(&most), most);
        assert_eq!(shortened(&format!("{most}m")), format!("{most} [...]"));
    }
}
