//! Evidence that an agent floods the world, for teams of any size.
//!
//! That a run reached its bound of events shows nothing by itself: a large team has much to say. Two things
//! do. An agent that sends *the same message*, to the same node and with the same content, 500 times within a
//! second, and ten times more for every task that is open then, says nothing new and does not wait for an
//! answer. (A team looks at what all its tasks share once or twice for each of them, and a thousand tasks can
//! come at once.) And an agent that is stopped in the middle of *more than the work calls for*, past 10,000
//! actions and ten for every piece of work within a second, does not wait for the world at all. Only what the
//! agent does itself counts: what reaches it, and the faults that are injected around it, are not its doing.

use crate::agent::{TeamEvent, UserEvent, kinds};
use crate::properties::{TeamHistory, Verdict};
use perfidy_sim::{Event, EventId, EventKind, Lookup, Name, Payload, SimSpan, SocketAct};
use std::collections::BTreeMap;

/// So many equal messages within [`A_MOMENT`] are a flood ...
const SAME_MESSAGES: u64 = 500;

/// ... or, with many open tasks, so many more for each of them.
const SAME_MESSAGES_A_TASK: u64 = 10;

/// The time window.
const A_MOMENT: SimSpan = SimSpan::from_secs(1);

/// The events that an agent of any team may cause in that window ...
const IN_A_MOMENT: u64 = 10_000;

/// ... and so much more for each piece of work.
const IN_A_MOMENT_A_PIECE: u64 = 10;

/// A flood of one message, if there is one.
pub(super) fn of_one_message(history: &TeamHistory) -> Option<Verdict> {
    if !has_a_busy_moment(history.events()) {
        return None;
    }
    let open = OpenTasks::of(history);
    moments(history).filter(|moment| moment.len() as u64 >= SAME_MESSAGES).find_map(|moment| {
        let most = SAME_MESSAGES + SAME_MESSAGES_A_TASK * open.during(moment);
        if moment.len() as u64 >= most { most_sent(moment, most, history) } else { None }
    })
}

/// Whether there can be a time window of at least [`SAME_MESSAGES`] events; few runs have one. Of every half
/// as many events one is looked at: two of these in a row would be in it.
fn has_a_busy_moment(events: &[Event<TeamEvent>]) -> bool {
    let looked_at = || events.iter().step_by(SAME_MESSAGES as usize / 2);
    looked_at().zip(looked_at().skip(1)).any(|(first, next)| next.at < first.at + A_MOMENT)
}

/// The events of each time window, from the first on.
fn moments(history: &TeamHistory) -> impl Iterator<Item = &[Event<TeamEvent>]> {
    let mut rest = history.events();
    std::iter::from_fn(move || {
        let until = rest.first()?.at + A_MOMENT;
        let (moment, later) = rest.split_at(rest.partition_point(|event| event.at < until));
        rest = later;
        Some(moment)
    })
}

/// When tasks were given and when they ended, in order.
struct OpenTasks {
    given: Vec<EventId>,
    ended: Vec<EventId>,
}

impl OpenTasks {
    fn of(history: &TeamHistory) -> Self {
        let mut open = Self { given: Vec::new(), ended: Vec::new() };
        let mut has_ended = Lookup::default();
        for (event, note) in history.app_events_of(kinds::TASK_GIVEN.and(kinds::INFORMED)) {
            match note {
                TeamEvent::User(UserEvent::TaskGiven { .. }) => open.given.push(event.id),
                TeamEvent::User(UserEvent::Informed { report, .. })
                    if has_ended.insert(report.task, ()).is_none() =>
                {
                    open.ended.push(event.id);
                }
                _ => {}
            }
        }
        open
    }

    /// How many are open in a time window. A task that is given in it is open in it, and one that ends in it
    /// as well.
    fn during(&self, moment: &[Event<TeamEvent>]) -> u64 {
        let (Some(first), Some(last)) = (moment.first(), moment.last()) else { return 0 };
        let given = self.given.partition_point(|given| *given <= last.id);
        let ended = self.ended.partition_point(|ended| *ended < first.id);
        given.saturating_sub(ended) as u64
    }
}

fn most_sent(moment: &[Event<TeamEvent>], most: u64, history: &TeamHistory) -> Option<Verdict> {
    // Few nodes send so much, and to compare what they send is the dearer part.
    let mut times_of = Lookup::default();
    for event in moment.iter().filter(|event| matches!(event.what, EventKind::Sent { .. })) {
        *times_of.get_or_insert_with(event.node, || 0_u64) += 1;
    }
    let mut sent = Lookup::default();
    for event in moment.iter().filter(|event| times_of.get(event.node).is_some_and(|times| *times >= most)) {
        if let EventKind::Sent { to, kind, about, content } = &event.what {
            let message = (event.node, *to, *kind, *about, content.digest());
            let (first, times) = sent.get_or_insert_with(message, || (event, 0_u64));
            *times += 1;
            if *times == most && is_agent(event.node, history) {
                let node = event.node;
                let message = format!(
                    "{node} floods {to}: it sent the same {kind} about {about} {most} times within {A_MOMENT}"
                );
                return Some(Verdict::violated(&[*first, event], message));
            }
        }
    }
    None
}

/// More events than the work needs, if an agent caused them when the run was stopped.
pub(super) fn beyond_the_work(history: &TeamHistory) -> Option<Verdict> {
    let last = history.events().last()?;
    let is_earlier = |event: &Event<TeamEvent>| event.at + A_MOMENT <= last.at;
    let first = history.events().partition_point(is_earlier);
    let mut by_node: BTreeMap<Name, Vec<&Event<TeamEvent>>> = BTreeMap::new();
    for event in history.events()[first..].iter().filter(|event| is_action(&event.what)) {
        by_node.entry(event.node).or_default().push(event);
    }
    let agents = by_node.into_iter().filter(|(node, _)| is_agent(*node, history));
    let (node, events) = agents.max_by_key(|(_, events)| events.len())?;
    let (count, work) = (events.len(), work(history));
    let is_flood = count as u64 > IN_A_MOMENT + IN_A_MOMENT_A_PIECE * work;
    let message =
        || format!("{node} floods the world: {count} actions within {A_MOMENT}, with {work} pieces of work");
    is_flood.then(|| Verdict::violated(&[events[0], events[count - 1]], message()))
}

/// Whether an event is something that an agent does, and not something that happens to it.
fn is_action(what: &EventKind<TeamEvent>) -> bool {
    match what {
        EventKind::Sent { .. }
        | EventKind::TimedOut { .. }
        | EventKind::Wrote { .. }
        | EventKind::Synced { .. }
        | EventKind::Waiting { .. }
        | EventKind::App(_) => true,
        EventKind::Started { .. }
        | EventKind::Delivered { .. }
        | EventKind::Lost { .. }
        | EventKind::Injected(_)
        | EventKind::Crashed { .. }
        | EventKind::Paused { .. }
        | EventKind::Resumed
        | EventKind::PartitionBegan { .. }
        | EventKind::PartitionHealed { .. }
        | EventKind::Panicked { .. }
        | EventKind::Recovered { .. }
        | EventKind::Ended(_) => false,
        EventKind::Socket(socket) => match socket.act {
            SocketAct::Connecting | SocketAct::Sent(_) | SocketAct::Closed => true,
            SocketAct::Connected
            | SocketAct::Accepted
            | SocketAct::Refused
            | SocketAct::Received(_)
            | SocketAct::Lost { .. }
            | SocketAct::Ended
            | SocketAct::Reset
            | SocketAct::TimedOut => false,
        },
    }
}

/// How much there was to do: every task and everything it wants, and every task again for every agent.
fn work(history: &TeamHistory) -> u64 {
    let (mut tasks, mut wants) = (0, 0);
    for (_, note) in history.app_events_of(kinds::TASK_GIVEN.and(kinds::WANTED).and(kinds::QUESTION)) {
        match note {
            TeamEvent::User(UserEvent::TaskGiven { .. }) => tasks += 1,
            TeamEvent::User(UserEvent::Wanted { .. } | UserEvent::Question { .. }) => wants += 1,
            _ => {}
        }
    }
    let first_started =
        |event: &&Event<TeamEvent>| matches!(event.what, EventKind::Started { incarnation: 0 });
    tasks * (1 + history.events().iter().filter(first_started).count() as u64) + wants
}

/// Services only send replies.
fn is_agent(node: Name, history: &TeamHistory) -> bool {
    history.events().iter().any(|event| event.node == node && matches!(event.what, EventKind::Started { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Outcome, Report};
    use crate::properties::testing::{number, violation};
    use perfidy_sim::SimTime;

    /// An agent that sends messages, `gap_millis` apart, each with the content that `content` gives it.
    fn sends(count: u64, gap_millis: u64, content: impl Fn(u64) -> u64) -> TeamHistory {
        let mut history = TeamHistory::default();
        let [node, to, kind, about] = ["caller", "tool", "call", "task-1/file"].map(Name::new);
        history.append(SimTime::ZERO, (node, 0), None, EventKind::Started { incarnation: 0 });
        for nth in 0..count {
            let at = SimTime::ZERO + SimSpan::from_millis(gap_millis * nth);
            history.append(
                at,
                (node, 0),
                None,
                EventKind::Sent { to, kind, about, content: number(content(nth)) },
            );
        }
        history
    }

    #[test]
    fn partitions_that_begin_and_end_around_an_agent_are_no_flood_of_its_own() {
        let mut history = sends(1, 0, |_| 7);
        let [left, right] = ["caller", "tool"].map(Name::new);
        for _ in 0..10_000 {
            history.append(SimTime::ZERO, (left, 0), None, EventKind::PartitionBegan { left, right });
            history.append(SimTime::ZERO, (left, 0), None, EventKind::PartitionHealed { left, right });
        }
        assert_eq!(beyond_the_work(&history), None);
    }

    #[test]
    fn the_same_message_five_hundred_times_a_second_is_a_flood() {
        let (events, message) = violation(of_one_message(&sends(5_000, 1, |_| 7)).unwrap());
        assert_eq!(
            message,
            "caller floods tool: it sent the same call about task-1/file 500 times within 1s"
        );
        assert_eq!(events, [2, 501]);
    }

    #[test]
    fn messages_that_differ_or_come_slowly_are_none() {
        assert_eq!(of_one_message(&sends(5_000, 1, |nth| nth)), None);
        assert_eq!(of_one_message(&sends(5_000, 10, |_| 7)), None);
        assert_eq!(of_one_message(&sends(499, 0, |_| 7)), None);
    }

    #[test]
    fn the_same_question_for_each_of_a_thousand_tasks_is_none() {
        let mut history = sends(1_000, 0, |_| 7);
        (0..1_000).for_each(|_| {
            let task = Name::new("task-1");
            history.append(
                SimTime::ZERO,
                (Name::new("user"), 0),
                None,
                EventKind::App(TeamEvent::User(UserEvent::TaskGiven { task })),
            );
        });
        assert_eq!(of_one_message(&history), None);
    }

    #[test]
    fn tasks_that_have_ended_excuse_no_flood() {
        let mut history = TeamHistory::default();
        let [user, task, node, to] = ["user", "task-1", "caller", "tool"].map(Name::new);
        let informed =
            TeamEvent::User(UserEvent::Informed { by: node, report: Report::of(task, Outcome::Done) });
        for note in [TeamEvent::User(UserEvent::TaskGiven { task }), informed] {
            history.append(SimTime::ZERO, (user, 0), None, EventKind::App(note));
        }
        let at = SimTime::ZERO + SimSpan::from_secs(2);
        history.append(at, (node, 0), None, EventKind::Started { incarnation: 0 });
        (0..500).for_each(|_| {
            let sent = EventKind::Sent { to, kind: Name::new("call"), about: task, content: number(7) };
            history.append(at, (node, 0), None, sent);
        });
        let (_, message) = violation(of_one_message(&history).unwrap());
        assert_eq!(message, "caller floods tool: it sent the same call about task-1 500 times within 1s");
    }

    #[test]
    fn a_service_may_answer_as_often_as_it_is_asked() {
        let mut history = sends(0, 0, |_| 0);
        let [node, to, kind, about] = ["tool", "caller", "reply", "task-1/file"].map(Name::new);
        (0..5_000).for_each(|_| {
            history.append(
                SimTime::ZERO,
                (node, 0),
                None,
                EventKind::Sent { to, kind, about, content: number(0) },
            );
        });
        assert_eq!(of_one_message(&history), None);
    }

    #[test]
    fn much_in_a_moment_is_a_flood_if_the_work_does_not_call_for_it() {
        let (_, message) = violation(beyond_the_work(&sends(20_000, 0, |nth| nth)).unwrap());
        assert_eq!(message, "caller floods the world: 20000 actions within 1s, with 0 pieces of work");
        assert_eq!(beyond_the_work(&sends(20_000, 1, |nth| nth)), None);
        let mut large = TeamHistory::default();
        (0..1_000).for_each(|_| {
            let task = Name::new("task-1");
            large.append(
                SimTime::ZERO,
                (Name::new("user"), 0),
                None,
                EventKind::App(TeamEvent::User(UserEvent::TaskGiven { task })),
            );
        });
        for event in sends(20_000, 0, |nth| nth).events() {
            large.append(event.at, (event.node, 0), None, event.what.clone());
        }
        assert_eq!(beyond_the_work(&large), None);
    }

    #[test]
    fn a_task_that_is_reported_twice_ends_once() {
        let mut history = TeamHistory::default();
        let [user, one, other, node] = ["user", "task-1", "task-2", "caller"].map(Name::new);
        let given = |task| TeamEvent::User(UserEvent::TaskGiven { task });
        let informed =
            || TeamEvent::User(UserEvent::Informed { by: node, report: Report::of(one, Outcome::Done) });
        for note in [given(one), given(other), informed(), informed()] {
            history.append(SimTime::ZERO, (user, 0), None, EventKind::App(note));
        }
        let at = SimTime::ZERO + SimSpan::from_secs(2);
        history.append(at, (node, 0), None, EventKind::Started { incarnation: 0 });
        let open = OpenTasks::of(&history);
        assert_eq!(open.during(&history.events()[4..]), 1);
    }

    #[test]
    fn work_is_each_task_for_each_agent_and_once_more_and_what_it_wants() {
        let mut history = sends(0, 0, |_| 0);
        let other = Name::new("other");
        history.append(SimTime::ZERO, (other, 0), None, EventKind::Started { incarnation: 0 });
        history.append(SimTime::ZERO, (other, 1), None, EventKind::Started { incarnation: 1 });
        let [task, intent] = ["task-1", "task-1/figure"].map(Name::new);
        let given = UserEvent::TaskGiven { task };
        for note in [given.clone(), UserEvent::Question { task, intent }, given] {
            history.append(
                SimTime::ZERO,
                (Name::new("user"), 0),
                None,
                EventKind::App(TeamEvent::User(note)),
            );
        }
        assert_eq!(work(&history), 2 * (1 + 2) + 1);
    }
}
