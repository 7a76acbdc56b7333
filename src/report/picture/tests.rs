//! Diagrams of saved failures.

use super::causes::{Cause, Link};
use super::mark::Mark;
use super::scene::{Depth, Fate, Lasting, Scene, lanes, place};
use super::*;
use crate::agent::{TeamEvent, UserEvent};
use crate::suite::Suite;
use perfidy_sim::{Event, EventKind};
use std::collections::BTreeSet;
use std::path::Path;

const PAUSED: &str = "seeds/standby/paused-leader-without-fencing-tokens-no-split-brain-bae20ea6.toml";

/// Failures of different workflows: a pause, lies, a crash, a lost message, a partition, and none.
const FAILURES: [&str; 6] = [
    PAUSED,
    "seeds/vote/lying-voter-without-voting-quorum-agreement-50a34cbe.toml",
    "seeds/conductor/crash-before-record-without-persist-before-call-no-duplicate-effects-bda012ed.toml",
    "seeds/handoff/lost-transfer-without-transfer-acks-eventual-termination-464ddba6.toml",
    "seeds/hierarchy/deadline-passes-without-deadline-propagation-no-orphans-e24e6d7d.toml",
    "seeds/hierarchy/surviving-call-without-acknowledged-cancel-no-effect-after-cancel-a9d33b5c.toml",
];

fn failure(file: &str) -> Failure {
    Failure::read(&Suite::shipped(), Path::new(file)).unwrap_or_else(|bad| panic!("{bad}"))
}

/// The failure, its run, and the counterpart.
fn replayed(file: &str) -> (Failure, Run, Option<Counterpart>) {
    let failure = failure(file);
    let (run, _) = failure.replay();
    let Failure { saved, case, .. } = &failure;
    let counterpart = Counterpart::of(case, saved.engine, saved.seed, &saved.faults);
    (failure, run, counterpart)
}

fn is_injected(event: &Event<TeamEvent>) -> bool {
    matches!(event.what, EventKind::Injected(_))
}

/// What is in a folder, in the order of names.
fn listed(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("there are saved failures");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| path.to_str().expect("its name is a text").to_owned()).collect()
}

#[test]
fn each_lane_is_a_node_and_what_it_is_follows_from_what_it_does() {
    let (_, run, _) = replayed(PAUSED);
    let lanes: Vec<String> =
        lanes(&[&run]).iter().map(|lane| format!("{} {}", lane.actor.word(), lane.name)).collect();
    assert_eq!(
        lanes,
        [
            "user user",
            "agent orchestrator",
            "agent backup",
            "agent worker-1",
            "agent worker-2",
            "service leases",
            "tool vault",
            "tool cluster"
        ]
    );
}

#[test]
fn leases_and_pauses_are_bars_from_where_they_begin_to_where_they_end() {
    let (failure, run, _) = replayed(PAUSED);
    let scene = Picture::of_failure(&failure, &run).scene();
    let leases: Vec<_> = scene.bars.iter().filter(|bar| matches!(bar.what, Lasting::Lease(1 | 2))).collect();
    assert_eq!(leases.len(), 2, "renewals go on with the same bar");
    assert!(leases[0].to.expect("it ends") <= leases[1].from, "a lease is never held by two");
    let paused = scene.bars.iter().find(|bar| bar.what == Lasting::Paused).expect("it was paused");
    assert!(matches!(scene.shots[paused.to.expect("it ends")].event.what, EventKind::Resumed));
    assert_eq!(paused.lane, leases[0].lane, "the leader is paused");
}

#[test]
fn the_path_leads_from_a_fault_to_every_event_of_the_verdict() {
    for file in FAILURES {
        let (failure, run, _) = replayed(file);
        let picture = Picture::of_failure(&failure, &run);
        let scene = picture.scene();
        for id in &picture.violation().expect("it broke").because {
            let shot = &scene.shots[place(*id)];
            assert!(shot.is_bad && shot.is_lit && shot.depth == Depth::Causes, "{file}, {id}");
            // Up to where the task comes, whose time has come whatever happened before.
            let is_later = |cause: &&Event<TeamEvent>| {
                !matches!(cause.app_event(), Some(TeamEvent::User(UserEvent::TaskGiven { .. })))
            };
            let history = &run.outcome.history;
            let way = std::iter::once(history.event(*id)).chain(history.causes(*id));
            let mut causes = way.take_while(is_later);
            assert!(causes.all(|cause| scene.shots[place(cause.id)].is_lit), "{file}, {id}");
        }
        for fault in picture.faults() {
            let is_it =
                |what: &EventKind<TeamEvent>| matches!(what, EventKind::Injected(it) if **it == *fault);
            assert!(
                scene.shots.iter().any(|shot| is_it(&shot.event.what) && shot.depth == Depth::Causes),
                "{file}"
            );
        }
    }
}

#[test]
fn going_back_from_the_verdict_cause_by_cause_comes_to_every_fault_that_suffices() {
    let mut count = 0;
    for workflow in listed("seeds") {
        for file in listed(&workflow).iter().step_by(4) {
            let (failure, run, counterpart) = replayed(file);
            let picture = Picture::of_failure(&failure, &run).beside(counterpart.as_ref());
            let rows = picture.rows();
            let last = picture.violation().expect("it broke").because.iter().max().expect("it names events");
            let is_behind = rows.scene.causes.behind([place(*last)]);
            for (at, shot) in rows.scene.shots.iter().enumerate().take(place(*last)) {
                let is_fault = is_injected(shot.event);
                assert!(!is_fault || is_behind[at], "{file}: {}", shot.event.id);
                count += usize::from(is_fault);
                assert!(rows.scene.causes.of(at).iter().all(|cause| cause.place < at), "{file}");
            }
            let has_fault = rows.scene.shots[..place(*last)].iter().any(|shot| is_injected(shot.event));
            let first = |at: &usize| rows.scene.causes.of(*at).first().map(|cause| cause.place);
            let mut way = std::iter::successors(Some(place(*last)), first);
            assert!(!has_fault || way.any(|at| is_injected(rows.scene.shots[at].event)), "{file}");
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn a_restart_comes_of_the_crash_before_it() {
    let file = "seeds/cascade/lost-requests-without-idempotency-keys-no-duplicate-effects-208bc51c.toml";
    let (failure, run, _) = replayed(file);
    let scene = Picture::of_failure(&failure, &run).scene();
    let at = scene.shots.iter().position(|shot| shot.mark == Mark::Restart).expect("it restarts");
    let [cause] = scene.causes.of(at) else { panic!("it has one cause") };
    assert_eq!(scene.shots[cause.place].mark, Mark::Crash);
    assert_eq!(scene.shots[cause.place].event.node, scene.shots[at].event.node);
}

#[test]
fn a_wait_without_an_end_comes_of_the_faults_that_suffice() {
    let file = "seeds/saga-choreographed/lost-event-without-outbox-all-or-compensated-c9166b95.toml";
    let (failure, run, counterpart) = replayed(file);
    let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
    let last = rows.scene.shots.iter().rposition(|shot| shot.is_bad).expect("the verdict names it");
    assert_eq!(rows.scene.shots[last].mark, Mark::Wait);
    let causes = rows.scene.causes.of(last);
    assert!(causes.iter().any(|cause| cause.link == Link::Needed), "{causes:?}");
    let is_fault = |cause: &Cause| matches!(rows.scene.shots[cause.place].event.what, EventKind::Injected(_));
    assert!(causes.iter().filter(|cause| cause.link == Link::Needed).all(is_fault));
}

#[test]
fn an_altered_message_stands_beside_what_it_would_have_been() {
    let (failure, run, counterpart) = replayed(FAILURES[1]);
    let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
    let altered = rows.scene.arrows.iter().find(|arrow| arrow.fate == Fate::Altered).expect("it was altered");
    let row = rows.list.iter().find(|row| row.pair.left == Some(altered.to)).expect("it has a row");
    let (_, other) = rows.shots(row);
    assert!(matches!(other.expect("the other run has it too").event.what, EventKind::Delivered { .. }));
    assert!(rows.is_apart(row), "though not with the same content");
    let difference = rows.difference(row).expect("it says what differs");
    assert!(difference.contains("in the other run"), "{difference}");
}

#[test]
fn what_a_model_said_wrongly_stands_beside_what_it_would_have_said_and_so_does_what_came_of_it() {
    let file = "seeds/cascade/quiet-drift-without-end-to-end-check-end-to-end-goal-met-f989ed76.toml";
    let (failure, run, counterpart) = replayed(file);
    let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
    let differing: Vec<_> = rows.list.iter().filter_map(|row| Some((row, rows.difference(row)?))).collect();
    let marks: Vec<Mark> =
        differing.iter().map(|(row, _)| rows.scene.shots[row.pair.left.expect("it is here")].mark).collect();
    assert!(marks.contains(&Mark::Model) && marks.contains(&Mark::Effect), "{marks:?}");
    assert!(differing[0].1.contains("section 2-3a67"), "{}", differing[0].1);
}

#[test]
fn a_path_that_leads_through_hundreds_of_polls_is_shown_at_its_beginning_and_at_its_end() {
    let file = "seeds/scheduled/two-schedulers-without-tick-claim-one-firing-per-tick-24dc5434.toml";
    let (failure, run, _) = replayed(file);
    let scene = Picture::of_failure(&failure, &run).scene();
    let lit = scene.shots.iter().filter(|shot| shot.is_lit).count();
    let shown: Vec<_> = scene.shots.iter().filter(|shot| shot.depth == Depth::Causes).collect();
    assert!(lit > 300 && shown.len() < 150, "{} of {lit}", shown.len());
    assert!(scene.shots.iter().all(|shot| !shot.is_bad || shot.depth == Depth::Causes));
}

#[test]
fn a_message_is_an_arrow_with_both_of_its_ends_as_deep() {
    for file in FAILURES {
        let (failure, run, _) = replayed(file);
        let scene = Picture::of_failure(&failure, &run).scene();
        assert!(scene.arrows.len() > 5);
        for arrow in &scene.arrows {
            let (from, to) = (&scene.shots[arrow.from], &scene.shots[arrow.to]);
            assert_eq!(from.depth, to.depth);
            assert_eq!(matches!(to.event.what, EventKind::Lost { .. }), arrow.fate == Fate::Lost);
        }
    }
}

#[test]
fn both_runs_are_shown_whole_each_in_its_own_order() {
    for file in FAILURES {
        let (failure, run, counterpart) = replayed(file);
        let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
        let counterpart = counterpart.as_ref().expect("there is one");
        let count = |run: &Run| run.outcome.history.len() - 1;
        let left: Vec<usize> = rows.list.iter().filter_map(|row| row.pair.left).collect();
        let right: Vec<usize> = rows.list.iter().filter_map(|row| row.pair.right).collect();
        assert!(left.is_sorted() && right.is_sorted(), "{file}");
        if rows.list.len() == rows.of {
            assert_eq!(left.len(), count(&run), "{file}");
            assert_eq!(right.len(), count(&counterpart.run), "{file}");
        }
    }
}

#[test]
fn up_to_the_fault_the_run_without_it_is_the_same() {
    let (failure, run, counterpart) = replayed(PAUSED);
    let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
    let parting = rows.list.iter().position(|row| rows.is_apart(row)).expect("they part");
    let before = &rows.list[..parting];
    let is_fault = |at: usize| matches!(rows.scene.shots[at].event.what, EventKind::Injected(_));
    assert!(before.len() > 20);
    assert!(before.iter().all(|row| row.pair.right.is_some() || row.pair.left.is_some_and(is_fault)));
    assert!(before.iter().any(|row| row.pair.right.is_none()), "the fault comes before they part");
}

#[test]
fn without_a_fault_the_counterpart_has_the_safeguards_that_are_taken_away() {
    let (failure, _, counterpart) = replayed(FAILURES[5]);
    let counterpart = counterpart.expect("there is one");
    assert_eq!(counterpart.how, "with acknowledged-cancel");
    assert!(counterpart.run.violation(&failure.saved.property).is_none());
}

#[test]
fn a_long_picture_keeps_what_led_to_the_violation() {
    let (failure, run, counterpart) = replayed(FAILURES[4]);
    let rows = Picture::of_failure(&failure, &run).beside(counterpart.as_ref()).rows();
    let shown: BTreeSet<usize> = rows.list.iter().filter_map(|row| row.pair.left).collect();
    let causes = |scene: &Scene<'_>| {
        (0..scene.shots.len()).filter(|at| scene.shots[*at].depth == Depth::Causes).collect::<BTreeSet<_>>()
    };
    assert!(causes(&rows.scene).is_subset(&shown));
}

#[test]
fn the_page_says_what_broke_and_shows_the_story_the_ledger_and_the_scenario() {
    let (failure, run, counterpart) = replayed(PAUSED);
    let page =
        Picture::of_failure(&failure, &run).again("perfidy replay it").beside(counterpart.as_ref()).to_page();
    for part in [
        "<em>no-split-brain</em> broke",
        "One fault suffices",
        "Taken away in this case",
        "perfidy replay it",
        "Here the two runs part",
        "the same run without the fault",
        "task-1/rotate-keys",
        "workflow = &quot;standby&quot;",
        "script-src 'sha256-",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("style=\""), "the policy of the page allows no style of an element");
}
