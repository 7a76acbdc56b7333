//! Every run ends, with a reason.

use crate::{Numbers, at, last_thing, ms, name, notes, on_every_engine, with_faults};
use perfidy_sim::{
    Chance, Context, EventKind, IncomingMessage, Limits, RunEnd, Service, ServiceContext, SimSpan, SimTime,
    World, WorldConfig,
};
use std::cell::RefCell;
use std::rc::Rc;

fn with_limits(limits: Limits) -> WorldConfig {
    WorldConfig { limits, ..with_faults(&[]) }
}

/// An agent whose timers keep time moving.
fn heartbeat(world: &mut World<Numbers>) {
    world.process(name("heart"), |context| async move {
        loop {
            context.sleep(ms(1)).await;
        }
    });
}

fn panicking(world: &mut World<Numbers>) {
    heartbeat(world);
    world.process(name("fragile"), |context| async move {
        context.sleep(ms(10)).await;
        panic!("{} boom", context.name());
    });
}

#[test]
fn an_agent_that_acts_through_the_handle_of_another_is_a_finding() {
    let build = |world: &mut World<Numbers>| {
        heartbeat(world);
        let handle: Rc<RefCell<Option<Context<Numbers>>>> = Rc::default();
        let given = Rc::clone(&handle);
        world.process(name("owner"), move |context| {
            *given.borrow_mut() = Some(context.clone());
            async move { context.sleep(ms(1_000)).await }
        });
        world.process(name("thief"), move |context| {
            let stolen = Rc::clone(&handle);
            async move {
                context.sleep(ms(10)).await;
                let stolen = stolen.borrow().clone().unwrap();
                stolen.send(name("heart"), name("word"), name("theft"), 1);
            }
        });
    };
    on_every_engine(&with_faults(&[]), build, |engine, outcome| {
        assert_eq!(outcome.stop, RunEnd::Panicked { node: name("thief") }, "{engine}");
        let message = "a handle of owner was used by a task that is not of that incarnation of it";
        assert_eq!(*last_thing(&outcome), EventKind::Panicked { message: message.into() }, "{engine}");
    });
}

#[test]
fn a_panic_of_an_agent_is_a_finding() {
    on_every_engine(&with_faults(&[]), panicking, |engine, outcome| {
        assert_eq!(outcome.stop, RunEnd::Panicked { node: name("fragile") }, "{engine}");
        assert_eq!(*last_thing(&outcome), EventKind::Panicked { message: "fragile boom".into() }, "{engine}");
    });
}

#[test]
fn a_panic_of_an_agent_prints_nothing_and_any_other_is_printed_as_ever() {
    const CHILD: &str = "PERFIDY_TEST_PANICS_HERE";
    if std::env::var_os(CHILD).is_some() {
        on_every_engine(&with_faults(&[]), panicking, |_, _| {});
        std::panic::catch_unwind(|| panic!("outside")).unwrap_err();
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "ends::a_panic_of_an_agent_prints_nothing_and_any_other_is_printed_as_ever",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    assert!(!said.contains("boom") && said.contains("outside"), "{said}");
}

#[test]
fn a_panic_before_the_first_await_is_a_finding_too() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.process(name("fragile"), |context| {
                assert!(context.incarnation() > 0, "stillborn");
                async {}
            });
        },
        |engine, outcome| assert_eq!(outcome.stop, RunEnd::Panicked { node: name("fragile") }, "{engine}"),
    );
}

#[test]
fn a_panic_of_a_service_is_a_finding_too() {
    struct Fragile;
    impl Service<Numbers> for Fragile {
        fn on_message(&mut self, _: &mut ServiceContext<'_, Numbers>, envelope: IncomingMessage<u64>) {
            panic!("no more than {}", envelope.payload);
        }
    }
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.service(name("fragile"), Fragile);
            world.process(name("caller"), |context| async move {
                context.send(name("fragile"), name("call"), name("it"), 7);
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::Panicked { node: name("fragile") }, "{engine}");
            assert_eq!(
                *last_thing(&outcome),
                EventKind::Panicked { message: "no more than 7".into() },
                "{engine}"
            );
        },
    );
}

#[test]
fn an_agent_that_wakes_itself_for_ever_is_spinning() {
    let config = with_limits(Limits { polls: 1_000, ..Limits::default() });
    on_every_engine(
        &config,
        |world| {
            heartbeat(world);
            world.process(name("spinner"), |context| async move {
                context.sleep(ms(100)).await;
                loop {
                    context.yield_now().await;
                }
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::Spinning { node: name("spinner") }, "{engine}");
            assert!(outcome.ended < at(200), "{engine}: {}", outcome.ended);
        },
    );
}

#[test]
fn an_agent_that_never_yields_is_spinning() {
    let config = with_limits(Limits { operations: 1_000, ..Limits::default() });
    on_every_engine(
        &config,
        |world| {
            world.process(name("spinner"), |context| async move { while context.now() < SimTime::MAX {} });
        },
        |engine, outcome| assert_eq!(outcome.stop, RunEnd::Spinning { node: name("spinner") }, "{engine}"),
    );
}

#[test]
fn a_service_that_never_returns_is_spinning() {
    struct Endless;
    impl Service<Numbers> for Endless {
        fn on_message(&mut self, desk: &mut ServiceContext<'_, Numbers>, _: IncomingMessage<u64>) {
            while desk.draw(name("endless"), name("coin"), |draw| draw.happens("heads", Chance::ALWAYS)) {}
        }
    }
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.service(name("endless"), Endless);
            world.process(name("caller"), |context| async move {
                context.send(name("endless"), name("call"), name("it"), 7);
            });
        },
        |engine, outcome| assert_eq!(outcome.stop, RunEnd::Spinning { node: name("endless") }, "{engine}"),
    );
}

#[test]
fn a_storm_of_messages_is_too_many_events() {
    let config = with_limits(Limits { events: 5_000, ..Limits::default() });
    on_every_engine(
        &config,
        |world| {
            world.process(name("echo"), |context| async move {
                context.send(name("echo"), name("call"), name("it"), 0);
                loop {
                    let call = context.receive().await.payload;
                    context.send(name("echo"), name("call"), name("it"), call + 1);
                    context.send(name("echo"), name("call"), name("it"), call + 1);
                }
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::TooManyEvents, "{engine}");
            assert!(outcome.history.len() <= 5_002, "{engine}: {}", outcome.history.len());
        },
    );
}

#[test]
fn a_storm_in_a_single_step_is_stopped_at_the_bound() {
    let config = with_limits(Limits { events: 5_000, ..Limits::default() });
    on_every_engine(
        &config,
        |world| {
            world.process(name("flood"), |context| async move {
                loop {
                    context.send(name("nobody"), name("call"), name("it"), 0);
                }
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::TooManyEvents, "{engine}");
            assert!(outcome.history.len() <= 5_002, "{engine}: {}", outcome.history.len());
        },
    );
}

#[test]
fn a_deadlock_is_quiescent_and_names_who_waits_for_whom() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            for (node, other) in [("a", "b"), ("b", "a")] {
                world.process(name(node), move |context| async move {
                    context.declare_wait(name(other), name("to go first"), name("door"));
                    context.receive().await;
                    context.withdraw_wait(name("door"));
                });
            }
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::Quiescent, "{engine}");
            let waiting = |event: &&perfidy_sim::Event<u64>| matches!(event.what, EventKind::Waiting { .. });
            let waiting = outcome.history.events().iter().filter(waiting);
            let waiting: Vec<_> = waiting.map(|event| (event.node, event.what.clone())).collect();
            let on =
                |other| EventKind::Waiting { on: name(other), why: name("to go first"), about: name("door") };
            assert_eq!(waiting, [(name("a"), on("b")), (name("b"), on("a"))], "{engine}");
        },
    );
}

#[test]
fn time_that_is_over_is_a_deadline() {
    let until = at(5_000);
    let config = with_limits(Limits { until, ..Limits::default() });
    on_every_engine(&config, heartbeat, |engine, outcome| {
        assert_eq!(outcome.stop, RunEnd::Deadline, "{engine}");
        assert!((until..until + ms(1)).contains(&outcome.ended), "{engine}: {}", outcome.ended);
    });
}

#[test]
fn the_first_call_for_the_end_counts() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            heartbeat(world);
            world.process(name("caller"), |context| async move {
                context.finish_after(SimSpan::from_secs(2));
                context.finish_after(SimSpan::from_secs(1));
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::Finished, "{engine}");
            assert!((at(2_000)..at(2_001)).contains(&outcome.ended), "{engine}: {}", outcome.ended);
        },
    );
}

#[test]
fn a_run_that_was_called_to_an_end_lasts_until_then_even_if_nothing_happens() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.process(name("caller"), |context| async move {
                context.finish_after(SimSpan::from_secs(2));
            });
        },
        |engine, outcome| {
            assert_eq!(outcome.stop, RunEnd::Finished, "{engine}");
            assert!((at(2_000)..at(2_001)).contains(&outcome.ended), "{engine}: {}", outcome.ended);
        },
    );
}

#[test]
fn a_task_that_a_dying_node_asks_for_never_runs() {
    let config = with_faults(&[("dying, before step, it, try 1", "crash, back after 1s")]);
    on_every_engine(
        &config,
        |world| {
            world.process(name("dying"), |context| async move {
                struct LastWish(perfidy_sim::Context<Numbers>);
                impl Drop for LastWish {
                    fn drop(&mut self) {
                        let context = self.0.clone();
                        let life = u64::from(context.incarnation());
                        self.0.spawn(async move {
                            context.record_event((), life);
                        });
                    }
                }
                let operation_of = LastWish(context.clone());
                context.before(name("step"), name("it")).await;
                context.sleep(ms(10)).await;
                drop(operation_of);
            });
        },
        |engine, outcome| assert_eq!(notes(&outcome), [1], "{engine}"),
    );
}
