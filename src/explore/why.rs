//! Why a verdict is not the one that a file wants, and what to do about it.

use crate::explore::{CaseReport, CaseVerdict};

impl CaseReport {
    /// Why the property of a `[[without]]` case did not break, as far as the runs tell; `None` for another
    /// verdict.
    pub fn why_not_caught(&self) -> Option<String> {
        let (CaseVerdict::NotCaught { property, .. } | CaseVerdict::NotYetCaught { property, .. }) =
            self.verdict()
        else {
            return None;
        };
        let tally = self.tallies.get(property).copied().unwrap_or_default();
        let runs = |count: u64| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
        let instead = self.findings.iter().find(|finding| finding.property != property);
        Some(if let Some(why) = self.not_counted() {
            why.to_string()
        } else if let Some(finding) = instead {
            let broke = self.tallies.get(finding.property).map_or(0, |tally| tally.violated);
            format!("{} broke instead, in {} (first at seed {})", finding.property, runs(broke), finding.seed)
        } else if let Some(never) = self.never_injected.first() {
            let configured = &self.case.scenario.configured[*never];
            let gone = self.case.why_gone(configured).map_or_else(String::new, |gone| format!(": {gone}"));
            format!("{} was never injected in this case{gone}", configured.in_words())
        } else if tally.holds + tally.violated + tally.unknown == 0 {
            "it had nothing to judge in any run".to_owned()
        } else if tally.unknown > 0 {
            format!("it could not be judged in {} of {}", tally.unknown, runs(self.seeds))
        } else {
            format!("every fault of the file was injected, and it held in all {}", runs(self.seeds))
        })
    }

    /// What to do about a case that is vacuous, with the key of its file; `None` for another verdict.
    pub fn what_to_do(&self) -> Option<String> {
        if !matches!(self.verdict(), CaseVerdict::Vacuous { .. }) {
            return None;
        }
        if let Some(never) = self.never_injected.first() {
            let configured = &self.case.scenario.configured[*never];
            let unreached = configured.as_pinned().and_then(|fault| self.why_unreached(fault));
            return Some(unreached.unwrap_or_else(|| configured.advice().to_owned()));
        }
        if self.probes.values().any(|runs| *runs == 0) {
            return Some("run more seeds, or give the agents a reason to go there".to_owned());
        }
        let is_idle = |name: &&str| {
            let tally = self.tallies.get(*name).copied().unwrap_or_default();
            tally.holds + tally.unknown == 0
        };
        let property = self.case.is_about().into_iter().find(|name| is_idle(name))?;
        let workflow = &self.case.scenario.workflow;
        // A workflow that does not say what it is about is about all that its suite adds.
        let or = if workflow.has_default_properties() {
            format!(", name those that `{}` is about in its code (`Workflow::properties`)", workflow.name)
        } else {
            String::new()
        };
        Some(format!(
            "give the team something that it judges{or}, or write {property} = {{ waive = \"why\" }} into [properties]"
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::agent::{Outcome, Report};
    use crate::explore::strategy::{self, Bounds, Start};
    use crate::explore::{
        Campaign, CaseReport, CaseStatus, CaseVerdict, Collect, Finding, FuzzState, NotCounted,
        TrialsProgress, Watchdog,
    };
    use crate::properties::{Property, TeamHistory};
    use crate::scenario::{Case, Scenario};
    use crate::suite::Suite;
    use crate::workflows::Workflow;
    use crate::workflows::user::UserMessage;
    use perfidy_sim::{Digest, Engine, EventKind, Interrupt, Name, Seed, SimSpan};

    /// A runner tells `near` and then `far`; the messages only change places if one is held back.
    fn suite() -> Suite {
        let idle = |agent: crate::agent::Agent| async move {
            loop {
                agent.receive().await;
            }
        };
        let race = Workflow::new("race")
            .about("two messages, one after the other")
            .agent("desk", idle)
            .agent("near", idle)
            .agent("far", idle)
            .agent("runner", |agent: crate::agent::Agent| async move {
                let about = Name::new("task-1");
                for to in ["near", "far"] {
                    let report = UserMessage::Report(Report::of(about, Outcome::Done));
                    agent.send(Name::new(to), about, report);
                    agent.sleep(SimSpan::from_millis(100)).await;
                }
            })
            .safeguards(&["retry"]);
        let in_order = Property::new("in-order", "near hears of it before far", |history: &TeamHistory| {
            let heard = |node: &str| {
                let is_it = |what: &EventKind<_>| matches!(what, EventKind::Delivered { .. });
                let mut events = history.events().iter();
                events.find(|event| event.node.as_str() == node && is_it(&event.what)).map(|event| event.at)
            };
            heard("near") <= heard("far")
        });
        Suite::shipped().workflow(race).add_property(in_order)
    }

    const TEXT: &str = "# A race.\nworkflow = \"race\"\n[[step]]\nname = \"run\"\ntool = \"track.run\"\n[tools.track]\n\
                        [network]\nlatency = \"1ms..20ms\"\n[safeguards]\nretry = { attempts = 2, backoff = \"1s\" }\n\
                        [faults]\nuntil = \"1m\"\nduplicate = { chance = \"5%\", after = \"1ms\" }\n\
                        [[without]]\nsafeguards = \"retry\"\nviolates = \"in-order\"\n";

    fn report(strategy: &str, seeds: u64) -> CaseReport {
        let scenario = Scenario::parse(&suite(), "own/race", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
        let case = Case::all(&scenario).remove(1);
        let (engine, first_seed, bounds) = (Engine::Native, Seed(0), Bounds::default());
        let start = Start { case: &case, engine, first_seed, bounds };
        let mut strategy = (strategy::find(strategy).unwrap().start)(&start).ok().unwrap();
        let (interrupted, watchdog) = (&Interrupt::default(), &Watchdog::new());
        Campaign { engine, first_seed, seeds, collect: Collect::NONE, interrupted, watchdog }
            .run_with(&case, &mut *strategy)
    }

    #[test]
    fn what_breaks_only_by_faults_that_the_file_does_not_name_does_not_count() {
        let report = report("pct", 300);
        assert!(matches!(report.verdict(), CaseVerdict::NotCaught { property: "in-order", .. }));
        let why = report.why_not_caught().unwrap();
        assert!(
            why.starts_with("it broke only with `reorder`, which the file does not name (first at"),
            "{why}"
        );
        assert!(report.finding("in-order").is_none() && report.tallies["in-order"].violated > 0);
    }

    #[test]
    fn a_long_campaign_counts_as_a_short_one_does() {
        let scenario = Scenario::parse(&suite(), "own/race", TEXT).unwrap_or_else(|bad| panic!("{bad}"));
        // As written it breaks with such faults too, which is another reason.
        let cases = vec![Case::all(&scenario).remove(1)];
        let kind = strategy::find("pct").unwrap();
        let (engine, interrupted, watchdog) = (Engine::Native, &Interrupt::default(), &Watchdog::new());
        let mut state = FuzzState::new(&cases, engine, &strategy::Choice::Shipped(kind), Seed(0), None);
        while let Some(slice) = state.next(1_024) {
            let (case, first_seed) = (&cases[slice.case], slice.first_seed);
            let start = Start { case, engine, first_seed, bounds: Bounds::default() };
            let mut strategy = (kind.start)(&start).ok().unwrap();
            let seeds = slice.seeds;
            let campaign =
                Campaign { engine, first_seed, seeds, collect: Collect::NONE, interrupted, watchdog };
            let mut trials = campaign.start(case, &mut *strategy);
            while trials.done() < slice.until {
                let TrialsProgress::Ran(runs) = trials.go_on(slice.until - trials.done()) else {
                    panic!("{slice:?}")
                };
                for run in &runs {
                    state.take_in(case, run);
                }
            }
        }
        let status = state.status(&state.cases[0], &cases[0]);
        let CaseStatus::NotCaught("in-order", Some(why)) = status else { panic!("{status:?}") };
        assert!(matches!(&why, NotCounted::ByOtherFaults(_)), "{why:?}");
        let report = report("pct", 300);
        assert_eq!(report.not_counted(), Some(why), "the same words for the same runs");
    }

    #[test]
    fn what_breaks_as_written_too_shows_nothing_of_the_safeguard() {
        let mut caught = report("random", 300);
        let finding = Finding {
            property: "in-order",
            seed: Seed(7),
            faults: Vec::new(),
            after_seeds: 8,
            message: "far heard of it first".to_owned(),
            digest: Digest::default(),
            events: 9,
        };
        caught.findings.push(finding.clone());
        assert!(matches!(caught.verdict(), CaseVerdict::Caught(findings) if findings == [finding.clone()]));
        let as_written = CaseReport { findings: vec![finding], ..caught.clone() };
        caught.compare_with(&as_written);
        assert!(matches!(caught.verdict(), CaseVerdict::NotCaught { .. }));
        let why = caught.why_not_caught().unwrap();
        assert!(why.starts_with("it breaks as written too (seed "), "{why}");
    }
}
