//! The spans that a file gives to faults, by kind.
//!
//! A failure that is made smaller loses the chances of its file, and with them how long a crash may last. So
//! the spans are kept beside it: its faults stay within them, however often it is shrunk. Of other kinds than
//! those of its file are the delays of PCT: longer ones than were found would accuse a team of what no
//! strategy does to it.

use crate::config::Spread;
use perfidy_sim::{Chaos, Fault, Name, SimSpan, SimTime, TimedEffect, TimedFault};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The spans of kinds of faults. A kind that is not among them can have any.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spans {
    /// How long faults last, or by how much they delay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lasting: BTreeMap<String, Spread>,
    /// How bad they are, for those that also have a severity in units of time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    by: BTreeMap<String, Spread>,
}

impl Spans {
    /// The spans of a file. If several entries are of one kind, from the shortest to the longest of all.
    pub(super) fn of(chaos: &Chaos) -> Self {
        let mut spans = Self::default();
        for rule in &chaos.rules {
            if let Some(span) = &rule.span {
                widen(&mut spans.lasting, rule.action.kind(), span);
            }
        }
        // A crash for good has no span.
        let is_for_a_while = |window: &&TimedFault| !matches!(window.disturbance, TimedEffect::Kill { .. });
        for window in chaos.windows.iter().filter(is_for_a_while) {
            for kind in window.disturbance.action_kinds() {
                widen(&mut spans.lasting, kind, &window.lasting);
                if let TimedEffect::Flap { turn: by, .. } | TimedEffect::SlowLink { by, .. } =
                    &window.disturbance
                {
                    widen(&mut spans.by, kind, by);
                }
            }
        }
        spans
    }

    /// These, and for the kinds of faults of which nothing is said any span up to the longest among them.
    pub(super) fn up_to_those_of(mut self, faults: &[Fault]) -> Self {
        let mut others = Self::default();
        for Fault { action, .. } in faults {
            let kind = action.kind();
            if self.lasting.contains_key(kind.as_str()) || self.by.contains_key(kind.as_str()) {
                continue;
            }
            for (ranges, span) in [(&mut others.lasting, action.span()), (&mut others.by, action.amount())] {
                if let Some(span) = span {
                    widen(ranges, kind, &(SimSpan::ZERO..=span));
                }
            }
        }
        self.lasting.extend(others.lasting);
        self.by.extend(others.by);
        self
    }

    /// Those of these kinds only.
    pub(super) fn of_kinds(mut self, kinds: &[Name]) -> Self {
        let is_one = |kind: &String| kinds.iter().any(|name| name.as_str() == kind);
        self.lasting.retain(|kind, _| is_one(kind));
        self.by.retain(|kind, _| is_one(kind));
        self
    }

    /// How long faults of a kind may last.
    pub(super) fn span(&self, kind: Name) -> RangeInclusive<SimSpan> {
        within(&self.lasting, kind)
    }

    /// How bad they may be.
    pub(super) fn amount(&self, kind: Name) -> RangeInclusive<SimSpan> {
        within(&self.by, kind)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lasting.is_empty() && self.by.is_empty()
    }
}

fn within(spans: &BTreeMap<String, Spread>, kind: Name) -> RangeInclusive<SimSpan> {
    let any = SimSpan::ZERO..=SimTime::MAX.since(SimTime::ZERO);
    spans.get(kind.as_str()).map_or(any, |Spread(range)| range.clone())
}

fn widen(spans: &mut BTreeMap<String, Spread>, kind: Name, range: &RangeInclusive<SimSpan>) {
    let known = spans.entry(kind.to_string()).or_insert_with(|| Spread(range.clone()));
    let Spread(known) = known;
    *known = *known.start().min(range.start())..=*known.end().max(range.end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::SavedSeed;
    use crate::scenario::{self, Scenario, files_below};
    use crate::suite::Suite;
    use perfidy_sim::Address;
    use std::fs;
    use std::path::Path;

    #[test]
    fn entries_of_one_kind_give_it_the_spans_of_all_of_them() {
        let text = "# Three crashes.\nworkflow = \"conductor\"\n[team]\nexecutors = 3\n\
                    [[step]]\nname = \"file\"\ntool = \"mail.send\"\n\
                    [tools.mail]\n[faults]\ncrash = [\n\
                    { at = \"executors\", after = \"call\", chance = \"4%\", back-after = \"2s..20s\" },\n\
                    { at = \"planner\", every = \"1m..2m\", lasting = \"1s..5s\" },\n\
                    { at = \"executors\", every = \"1m..2m\", lasting = \"never\", at-most = 1 }]\n";
        let scenario = Scenario::parse(&Suite::shipped(), "own/crashes", text).unwrap();
        let spans = Spans::of(&scenario.chaos);
        let seconds = SimSpan::from_secs;
        assert_eq!(spans.span(Name::new("crash")), seconds(1)..=seconds(20));
        assert!(spans.span(Name::new("pause")).contains(&seconds(1_000_000)), "nothing is said of it");
        let back = toml::from_str(&toml::to_string(&spans).unwrap());
        assert_eq!(back, Ok(spans.clone()));
        assert!(spans.of_kinds(&[Name::new("pause")]).is_empty());
    }

    #[test]
    fn a_fault_of_which_the_file_says_nothing_gets_no_longer_than_the_longest_that_was_found() {
        let text = "# A crash.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\ntool = \"mail.send\"\n\
                    [tools.mail]\n[faults]\n\
                    crash = { at = \"planner\", every = \"1m..2m\", lasting = \"1s..5s\" }\n";
        let scenario = Scenario::parse(&Suite::shipped(), "own/crash", text).unwrap();
        let fault = |action: &str| {
            let [site, id] = ["user > coordinator, submit", "task-1"].map(Name::new);
            Fault { at: Address { site, id, nth: 1 }, action: action.parse().unwrap() }
        };
        let found = ["reorder 2s", "reorder 1s 500ms", "crash, back after 9s", "drop"].map(fault);
        let spans = Spans::of(&scenario.chaos).up_to_those_of(&found);
        let (seconds, kind) = (SimSpan::from_secs, Name::new);
        assert_eq!(spans.span(kind("reorder")), SimSpan::ZERO..=seconds(2));
        assert_eq!(spans.span(kind("crash")), seconds(1)..=seconds(5), "the file says it");
        assert_eq!(spans.of_kinds(&[kind("reorder")]), spans_of("reorder", "0s..2s"));
    }

    fn spans_of(kind: &str, span: &str) -> Spans {
        toml::from_str(&format!("[lasting]\n{kind} = \"{span}\"\n")).unwrap()
    }

    #[test]
    fn the_faults_of_saved_failures_have_spans_that_their_files_give() {
        let scenarios = scenario::read_all(&Suite::shipped(), &["scenarios".into()]);
        let scenarios = scenarios.unwrap_or_else(|bad| panic!("{}", bad[0]));
        let mut looked_at = 0;
        for file in files_below(Path::new("seeds")).unwrap_or_else(|bad| panic!("{bad}")) {
            let text = fs::read_to_string(&file).unwrap();
            let Ok(saved) = SavedSeed::parse("", &text) else { continue };
            let name = &saved.case.scenario;
            let scenario = scenarios.iter().find(|scenario| scenario.name.as_str() == name).expect(name);
            let spans = Spans::of(&scenario.chaos);
            for fault in &saved.faults {
                let (kind, span) = (fault.action.kind(), fault.action.span());
                assert!(
                    span.is_none_or(|span| spans.span(kind).contains(&span)),
                    "{}: {fault:?}",
                    file.display()
                );
                looked_at += 1;
            }
        }
        assert!(looked_at > 100);
    }
}
