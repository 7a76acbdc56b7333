//! Which safeguards an ablation removes, and in which order.

use crate::scenario::Scenario;

/// Which safeguards are removed: nothing first, in any case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Removals {
    /// Each alone, then each pair if that is asked for, and all together.
    Each {
        /// Whether each pair as well.
        pairs: bool,
        /// Whether also those that are built in and that the file does not name.
        built_in: bool,
    },
    /// These together, and nothing else.
    Only(Vec<&'static str>),
    /// All together, and nothing else.
    All,
}

impl Default for Removals {
    fn default() -> Self {
        Self::Each { pairs: false, built_in: false }
    }
}

impl Removals {
    /// What is removed from a scenario, row by row.
    pub fn of(&self, scenario: &Scenario) -> Vec<Vec<&'static str>> {
        let mut all = vec![Vec::new()];
        match self {
            Self::Only(safeguards) => all.push(safeguards.clone()),
            Self::All => all.extend(Some(removable(scenario, false)).filter(|names| !names.is_empty())),
            Self::Each { pairs, built_in } => {
                let removable = removable(scenario, *built_in);
                all.extend(removable.iter().map(|name| vec![*name]));
                if *pairs && removable.len() > 2 {
                    all.extend(pairs_of(&removable));
                }
                if removable.len() > 1 {
                    all.push(removable);
                }
            }
        }
        all
    }
}

/// The safeguards that a file turns on, and those that its cases take away, which are built in if the file
/// does not turn them on; or all that are built in and that the agents of its workflow have. In the order of
/// the suite.
fn removable(scenario: &Scenario, built_in: bool) -> Vec<&'static str> {
    let is_removable = |name: &&'static str| {
        scenario.safeguards.names().any(|on| on == *name)
            || scenario.without.iter().any(|without| without.safeguards.contains(name))
    };
    let kinds = scenario.suite.safeguards().iter();
    let of_workflow = |name: &&'static str| scenario.workflow.safeguards.contains(name);
    let on = kinds.filter(|kind| scenario.safeguards.is_on(kind));
    on.filter(|kind| is_removable(&kind.name) || (built_in && of_workflow(&kind.name)))
        .map(|kind| kind.name)
        .collect()
}

fn pairs_of(names: &[&'static str]) -> Vec<Vec<&'static str>> {
    let with_later = |(place, one): (usize, &&'static str)| {
        names[place + 1..].iter().map(|other| vec![*one, *other]).collect::<Vec<_>>()
    };
    names.iter().enumerate().flat_map(with_later).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Suite;

    fn removals(safeguards: &str, cases: &str, removals: &Removals) -> Vec<Vec<&'static str>> {
        let text = format!(
            "# A ticket.\nworkflow = \"conductor\"\n[[step]]\nname = \"file\"\ntool = \"desk.file\"\n\
             [tools.desk]\n[safeguards]\n{safeguards}\n{cases}"
        );
        let scenario = Scenario::parse(&Suite::shipped(), "own/ticket", &text);
        removals.of(&scenario.unwrap_or_else(|bad| panic!("{bad}")))
    }

    const THREE: &str = "verify = true\ncheckpoint = true\nretry = { attempts = 2, backoff = \"1s\" }";

    #[test]
    fn nothing_is_removed_first_then_each_alone_then_pairs_then_all() {
        let each = removals(THREE, "", &Removals::default());
        let all = ["checkpoint", "retry", "verify"];
        let expected: [&[&str]; 5] = [&[], &["checkpoint"], &["retry"], &["verify"], &all];
        assert_eq!(each, expected);
        let pairs = removals(THREE, "", &Removals::Each { pairs: true, built_in: false });
        let pairs: Vec<String> = pairs.iter().map(|removed| removed.join("+")).collect();
        assert_eq!(pairs[4..7], ["checkpoint+retry", "checkpoint+verify", "retry+verify"]);
        assert_eq!(pairs.len(), 8);
        assert_eq!(removals(THREE, "", &Removals::All), [&[][..], &all]);
    }

    #[test]
    fn the_pair_of_two_safeguards_is_all_of_them() {
        let two = removals(
            "verify = true\ncheckpoint = true",
            "",
            &Removals::Each { pairs: true, built_in: false },
        );
        assert_eq!(two.len(), 4);
        assert_eq!(removals("verify = true", "", &Removals::default()).len(), 2);
        assert_eq!(removals("", "", &Removals::default()), [Vec::<&str>::new()]);
    }

    #[test]
    fn what_is_built_in_is_removed_if_a_case_of_the_file_does_it_or_if_it_is_asked_for() {
        let case = "[[without]]\nsafeguards = \"call-timeout\"\nviolates = \"eventual-termination\"\n";
        let named = removals("verify = true", case, &Removals::default());
        assert_eq!(named[1..3], [["call-timeout"], ["verify"]]);
        let all = removals("verify = true", "", &Removals::Each { pairs: false, built_in: true });
        assert!(all.contains(&vec!["retry-backoff"]), "{all:?}");
    }
}
