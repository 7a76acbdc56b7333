//! How long a model takes to begin is on record beside how long it takes in all.

use perfidy::agent::{AgentEvent, ReplyTiming, TeamEvent};
use perfidy::explore::Run;
use perfidy::scenario::{Case, Scenario};
use perfidy::suite::Suite;
use perfidy_sim::{Engine, Seed, SimSpan};

/// The timings of all model steps in some runs of a team with these faults.
fn timings(workflow: &str, faults: &str) -> Vec<ReplyTiming> {
    let text = format!(
        "# A slow model.\nworkflow = \"{workflow}\"\n[[step]]\nname = \"file\"\ntool = \"ticketing.create\"\n\
         [tools.ticketing]\n[tasks]\ncount = 3\n[faults]\nuntil = \"1h\"\n{faults}\n"
    );
    let scenario = Scenario::parse(&Suite::shipped(), &format!("{workflow}/slow-model"), &text);
    let case = Case::as_written(&scenario.unwrap_or_else(|problems| panic!("{problems}")));
    let runs = (0..20).map(|seed| Run::fuzzed(&case, Engine::Native, Seed(seed)));
    let timings = runs.flat_map(|run| {
        let notes = run.outcome.history.app_events().filter_map(|(_, note)| match note {
            TeamEvent::Agent(
                AgentEvent::Chatted { reply: Ok(_), timing, .. } | AgentEvent::Completed { timing, .. },
            ) => Some(*timing),
            _ => None,
        });
        notes.collect::<Vec<_>>()
    });
    timings.collect()
}

#[test]
fn the_first_token_comes_before_the_last_and_late_where_a_fault_delays_it() {
    for (workflow, agents) in [("tool-loop", "assistant"), ("conductor", "everyone")] {
        let slow =
            format!("slow-first-token = {{ at = \"{agents}\", chance = \"100%\", by = \"30s..30s\" }}");
        let [usual, late] = [timings(workflow, ""), timings(workflow, &slow)];
        assert!(usual.len() > 100 && late.len() > 100, "{workflow}: {} {}", usual.len(), late.len());
        let before_the_last =
            |timing: &ReplyTiming| timing.first_token.is_some_and(|first| first < timing.total);
        assert!(usual.iter().chain(&late).all(before_the_last), "{workflow}");
        let delay = Some(SimSpan::from_secs(30));
        assert!(late.iter().all(|timing| timing.first_token >= delay), "{workflow}");
        let in_time = usual.iter().filter(|timing| timing.first_token < delay).count();
        assert!(in_time * 10 > usual.len() * 9, "{workflow}");
    }
}
