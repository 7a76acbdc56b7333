//! Primitives that belong to no runtime work inside agents.

use crate::{ms, name, notes, on_every_engine, with_faults};
use std::rc::Rc;
use tokio::sync::{Notify, mpsc, oneshot};

#[test]
fn agents_may_use_channels_oneshots_and_notify() {
    on_every_engine(
        &with_faults(&[]),
        |world| {
            world.process(name("agent"), |context| async move {
                let (work, mut jobs) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(1);
                let done = Rc::new(Notify::new());
                let worker = (context.clone(), Rc::clone(&done));
                context.spawn(async move {
                    let (context, done) = worker;
                    while let Some((number, answer)) = jobs.recv().await {
                        context.sleep(ms(1)).await;
                        answer.send(number * number).unwrap();
                    }
                    done.notify_one();
                });
                for number in 1..=4 {
                    let (answer, square) = oneshot::channel();
                    work.send((number, answer)).await.unwrap();
                    context.record_event((), square.await.unwrap());
                }
                drop(work);
                done.notified().await;
                context.record_event((), 0);
            });
        },
        |engine, outcome| assert_eq!(notes(&outcome), [1, 4, 9, 16, 0], "{engine}"),
    );
}
