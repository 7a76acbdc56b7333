//! Faults of clocks: there is no "now" that two nodes share.
//!
//! Every node has a wall clock, which can be wrong in all of these ways, and a monotonic one, which can only
//! drift (Lamport 1978, "Time, clocks, and the ordering of events in a distributed system", is why order must
//! not hang on either). Clocks are set right again when fault injection ends. The history's times are true
//! throughout.

use super::window::{self, Times, degrade, nanos};
use super::{FaultKind, Target, targets};
use crate::config::{Entry, OneOrMany, Problem, Spread};
use crate::faults::Directory;
use perfidy_sim::{Chaos, ClockDirection, Degradation, SimSpan, SimTime};
use serde::Deserialize;
use toml::Spanned;

/// The faults of clocks.
pub const KINDS: &[FaultKind] = &[
    FaultKind {
        name: "clock-skew",
        about: "wall clocks are wrong until faults end, each by its own offset",
        example: r#"clock-skew = { at = "everyone", by = "100ms..10s" }"#,
        target: Target::World,
        read: read_skew,
    },
    FaultKind {
        name: "clock-step",
        about: "a wall clock jumps forward or back for a while",
        example: r#"clock-step = { at = "coordinator", direction = "behind", by = "5s..30s", every = "1m..5m", lasting = "10s..60s" }"#,
        target: Target::World,
        read: read_step,
    },
    FaultKind {
        name: "clock-drift",
        about: "an agent's clocks run fast or slow for a while",
        example: r#"clock-drift = { at = "everyone", ppm = 20000, every = "1m..5m", lasting = "1m..3m" }"#,
        target: Target::World,
        read: read_drift,
    },
];

/// The maximum drift: a clock runs up to half as fast again, or at half speed.
const MOST_PPM: u32 = 500_000;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    Ahead,
    Behind,
}

/// The direction that a file asks for, or both.
fn directions(
    direction: Option<Direction>,
    degradation: impl Fn(ClockDirection) -> Degradation,
) -> Vec<Degradation> {
    match direction {
        Some(Direction::Ahead) => vec![degradation(ClockDirection::Ahead)],
        Some(Direction::Behind) => vec![degradation(ClockDirection::Behind)],
        None => vec![degradation(ClockDirection::Ahead), degradation(ClockDirection::Behind)],
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skew {
    at: OneOrMany<String>,
    by: Spanned<Spread>,
    direction: Option<Direction>,
}

fn read_skew(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Skew { at, by, direction } = entry.read()?;
    let amount = nanos(&targets::time(&by)?);
    let degradations = directions(direction, |direction| Degradation::Skew { by: SimSpan::ZERO, direction });
    let all_along = chaos.until.since(SimTime::ZERO);
    for node in targets::all_nodes(&at, directory)? {
        let site = format!("clock-skew {node}");
        let times = [SimSpan::ZERO..=SimSpan::ZERO, all_along..=all_along];
        let disturbance = degrade(vec![node], &degradations, amount.clone());
        window::push(entry, (&site, "of the same clock"), disturbance, times, chaos)?;
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: OneOrMany<String>,
    by: Spanned<Spread>,
    direction: Option<Direction>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_step(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Step { at, by, direction, every, lasting } = entry.read()?;
    let amount = nanos(&targets::time(&by)?);
    let degradations = directions(direction, |direction| Degradation::Step { by: SimSpan::ZERO, direction });
    let site = format!("clock-step {}", targets::joined(&at));
    let disturbance = degrade(targets::all_nodes(&at, directory)?, &degradations, amount);
    let times = Times { every: &every, lasting: &lasting };
    window::add(entry, (&site, window::OF_THE_SAME), disturbance, &times, chaos)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drift {
    at: OneOrMany<String>,
    ppm: Spanned<u32>,
    direction: Option<Direction>,
    every: Spanned<Spread>,
    lasting: Spanned<Spread>,
}

fn read_drift(entry: &Entry<'_>, directory: &Directory, chaos: &mut Chaos) -> Result<(), Problem> {
    let Drift { at, ppm, direction, every, lasting } = entry.read()?;
    if !(1..=MOST_PPM).contains(ppm.get_ref()) {
        let message = format!("a clock does not drift by {}ppm", ppm.get_ref());
        return Err(Problem::at(ppm.span(), message)
            .help(format!("write parts per million, from 1 to {MOST_PPM}; 20000 are 2%")));
    }
    let amount = u64::from(*ppm.get_ref());
    let degradations = directions(direction, |direction| Degradation::Drift { ppm: 0, direction });
    let site = format!("clock-drift {}", targets::joined(&at));
    let disturbance = degrade(targets::all_nodes(&at, directory)?, &degradations, amount..=amount);
    let times = Times { every: &every, lasting: &lasting };
    window::add(entry, (&site, window::OF_THE_SAME), disturbance, &times, chaos)
}

#[cfg(test)]
mod tests {
    use crate::faults::tests::{chaos_of, refusal_of};
    use perfidy_sim::{ClockDirection, Degradation, SimSpan, TimedEffect};

    #[test]
    fn every_clock_is_skewed_by_an_amount_of_its_own_until_chaos_ends() {
        let chaos =
            chaos_of("until = \"3m\"\nclock-skew = { at = [\"executors\", \"ticketing\"], by = \"1s..2s\" }");
        let sites: Vec<&str> = chaos.windows.iter().map(|window| window.site.as_str()).collect();
        assert_eq!(sites, ["clock-skew executor-1", "clock-skew executor-2", "clock-skew ticketing"]);
        let three_minutes = SimSpan::from_secs(180);
        for window in &chaos.windows {
            assert_eq!(window.every, SimSpan::ZERO..=SimSpan::ZERO);
            assert_eq!(window.lasting, three_minutes..=three_minutes);
        }
    }

    #[test]
    fn a_clock_goes_the_way_it_is_told_or_either() {
        let degradations = |direction: &str| {
            let text = format!(
                r#"clock-drift = {{ at = "planner", ppm = 9{direction}, every = "1m", lasting = "1m" }}"#
            );
            let mut chaos = chaos_of(&text);
            let TimedEffect::Degrade { degradations, amount, .. } = chaos.windows.remove(0).disturbance
            else {
                panic!("{text}")
            };
            assert_eq!(amount, 9..=9);
            degradations
        };
        assert_eq!(
            degradations(", direction = \"behind\""),
            [Degradation::Drift { ppm: 0, direction: ClockDirection::Behind }]
        );
        assert_eq!(degradations("").len(), 2);
    }

    #[test]
    fn what_no_clock_does_is_refused() {
        for (text, said) in [
            (r#"clock-skew = { at = "planner", by = "0s" }"#, "no time at all"),
            (r#"clock-skew = { at = "planer", by = "1s" }"#, "unknown agent or tool `planer`"),
            (r#"clock-step = { at = "planner", by = "1s", every = "1m" }"#, "lasting"),
            (
                r#"clock-step = { at = "planner", by = "1s", direction = "back", every = "1m", lasting = "1s" }"#,
                "back",
            ),
            (
                r#"clock-drift = { at = "planner", ppm = 0, every = "1m", lasting = "1s" }"#,
                "does not drift by 0ppm",
            ),
            (
                r#"clock-drift = { at = "planner", ppm = 900000, every = "1m", lasting = "1s" }"#,
                "does not drift by 900000ppm",
            ),
        ] {
            assert!(refusal_of(text).contains(said), "{text}: {}", refusal_of(text));
        }
    }
}
