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
        Some(if let Some(never) = self.never_struck.first() {
            format!("{} never struck in this case", self.case.scenario.configured[*never].in_words())
        } else if let Some(finding) = instead {
            let broke = self.tallies.get(finding.property).map_or(0, |tally| tally.violated);
            format!("{} broke instead, in {} (first at seed {})", finding.property, runs(broke), finding.seed)
        } else if tally.holds + tally.violated + tally.unknown == 0 {
            "it had nothing to judge in any run".to_owned()
        } else if tally.unknown > 0 {
            format!("it could not be judged in {} of {}", tally.unknown, runs(self.seeds))
        } else if tally.violated > 0 {
            format!("it broke only later, in {} of {}", tally.violated, runs(self.seeds))
        } else {
            format!("every fault of the file struck, and it held in all {}", runs(self.seeds))
        })
    }

    /// What to do about a case that is vacuous, with the key of its file; `None` for another verdict.
    pub fn what_to_do(&self) -> Option<String> {
        if !matches!(self.verdict(), CaseVerdict::Vacuous { .. }) {
            return None;
        }
        if let Some(never) = self.never_struck.first() {
            return Some(self.case.scenario.configured[*never].advice().to_owned());
        }
        if self.probes.values().any(|runs| *runs == 0) {
            return Some("run more seeds, or give the agents a reason to go there".to_owned());
        }
        let is_idle = |name: &&str| {
            let tally = self.tallies.get(*name).copied().unwrap_or_default();
            tally.holds + tally.unknown == 0
        };
        let property = self.case.is_about().into_iter().find(|name| is_idle(name))?;
        Some(format!(
            "give the team something that it judges, or write {property} = {{ waive = \"why\" }} into [properties]"
        ))
    }
}
