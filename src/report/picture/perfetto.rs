//! A trace of Perfetto: a track for each node with its events, tracks below it for what takes time, and flows
//! for messages. It is protobuf, written here by hand: a trace needs a dozen fields of four messages.

use super::Picture;
use super::scene::{Bar, Lasting, Scene};
use super::spans::{Work, spans};
use crate::agent::{AgentEvent, TeamEvent};
use crate::report::told::told;
use perfidy_sim::SimTime;
use std::collections::BTreeMap;

/// A message of protobuf.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn fixed(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

// The numbers of fields in `trace.proto`, `trace_packet.proto`, `track_event.proto` and
// `track_descriptor.proto`.
const PACKET: u64 = 1;
const TIMESTAMP: u64 = 8;
const SEQUENCE: u64 = 10;
const TRACK_EVENT: u64 = 11;
const TRACK_DESCRIPTOR: u64 = 60;
const UUID: u64 = 1;
const NAME_OF_TRACK: u64 = 2;
const PARENT: u64 = 5;
const ANNOTATION: u64 = 4;
const TYPE: u64 = 9;
const TRACK: u64 = 11;
const CATEGORY: u64 = 22;
const NAME: u64 = 23;
const FLOWS: u64 = 47;
const FLOWS_THAT_END: u64 = 48;
const NAME_OF_ANNOTATION: u64 = 10;
const TEXT_OF_ANNOTATION: u64 = 6;

const BEGINS: u64 = 1;
const ENDS: u64 = 2;
const INSTANT: u64 = 3;

/// The packets of a trace, by time.
#[derive(Default)]
struct Trace {
    tracks: Vec<Message>,
    events: Vec<(SimTime, Message)>,
    /// The tracks below each node, and when each of them is free again.
    free: BTreeMap<(usize, &'static str), Vec<(u64, SimTime)>>,
}

impl Trace {
    /// A new track.
    fn track(&mut self, name: &str, parent: Option<u64>) -> u64 {
        let uuid = self.tracks.len() as u64 + 1;
        let track = Message::default().number(UUID, uuid).text(NAME_OF_TRACK, name);
        self.tracks.push(match parent {
            Some(parent) => track.number(PARENT, parent),
            None => track,
        });
        uuid
    }

    fn event(&mut self, at: SimTime, track: u64, kind: u64, rest: Message) {
        let mut event = Message::default().number(TYPE, kind).number(TRACK, track);
        event.0.extend(rest.0);
        self.events.push((at, event));
    }

    /// What takes time, on a track below that of a node on which nothing else is meanwhile.
    fn lasting(&mut self, lane: usize, group: &'static str, (from, until): (SimTime, SimTime), name: &str) {
        let known = self.free.get(&(lane, group));
        let track = known.and_then(|tracks| tracks.iter().position(|(_, free)| *free <= from));
        let track = track.unwrap_or_else(|| {
            let uuid = self.track(group, Some(lane as u64 + 1));
            let tracks = self.free.entry((lane, group)).or_default();
            tracks.push((uuid, SimTime::ZERO));
            tracks.len() - 1
        });
        let place = &mut self.free.get_mut(&(lane, group)).expect("it was made")[track];
        place.1 = until;
        let uuid = place.0;
        self.event(from, uuid, BEGINS, Message::default().text(NAME, name).text(CATEGORY, group));
        self.event(until, uuid, ENDS, Message::default());
    }

    fn written(mut self) -> Vec<u8> {
        // What ends comes before what begins at the same time.
        self.events.sort_by_key(|(at, _)| *at);
        let packet = |message: Message| Message::default().message(PACKET, &message.number(SEQUENCE, 1));
        let tracks = self.tracks.iter().map(|track| Message::default().message(TRACK_DESCRIPTOR, track));
        let event = |(at, event): &(SimTime, Message)| {
            Message::default().number(TIMESTAMP, at.as_nanos()).message(TRACK_EVENT, event)
        };
        tracks.chain(self.events.iter().map(event)).flat_map(|message| packet(message).0).collect()
    }
}

pub(super) fn trace(picture: &Picture<'_>) -> Vec<u8> {
    let scene = picture.scene();
    let mut trace = Trace::default();
    for lane in &scene.lanes {
        trace.track(lane.name.as_str(), None);
    }
    let mut flows: BTreeMap<usize, Vec<(u64, u64)>> = BTreeMap::new();
    for (flow, arrow) in (1..).zip(&scene.arrows) {
        flows.entry(arrow.from).or_default().push((FLOWS, flow));
        flows.entry(arrow.to).or_default().push((FLOWS_THAT_END, flow));
    }
    lasting(&mut trace, picture, &scene);
    for (place, shot) in scene.shots.iter().enumerate() {
        let note = |name: &str, value: &str| {
            Message::default().text(NAME_OF_ANNOTATION, name).text(TEXT_OF_ANNOTATION, value)
        };
        let look = shot.mark.look();
        let mut rest = Message::default()
            .text(NAME, &told(shot.event))
            .text(CATEGORY, look.kind)
            .message(ANNOTATION, &note("event", &shot.event.id.to_string()))
            .message(ANNOTATION, &note("what", look.meaning));
        for (field, flow) in flows.get(&place).into_iter().flatten() {
            rest = rest.fixed(*field, *flow);
        }
        trace.event(shot.event.at, shot.lane as u64 + 1, INSTANT, rest);
    }
    trace.written()
}

fn lasting(trace: &mut Trace, picture: &Picture<'_>, scene: &Scene<'_>) {
    for span in spans(picture.run) {
        let shot = &scene.shots[span.first];
        let (group, name) = match (span.work, shot.event.app_event()) {
            (Work::Tool, Some(TeamEvent::Agent(AgentEvent::Called { tool, operation, .. }))) => {
                ("tool calls", format!("{tool}.{operation}"))
            }
            (Work::Model, _) => ("model calls", "model call".to_owned()),
            (Work::Agent, _) => ("work", span.task.map(|task| task.to_string()).unwrap_or_default()),
            _ => ("tasks", span.task.map(|task| task.to_string()).unwrap_or_default()),
        };
        trace.lasting(shot.lane, group, (span.from, span.until), &name);
    }
    for Bar { lane, from, to, what } in scene.bars.iter().copied() {
        let until = to.map_or(picture.run.outcome.ended, |to| scene.shots[to].event.at);
        let (group, name) = match what {
            Lasting::Lease(token) => ("leases", format!("token {token}")),
            Lasting::Down => ("state", "down".to_owned()),
            Lasting::Paused => ("state", "paused".to_owned()),
            Lasting::Partition(_) => ("partitions", "partitioned".to_owned()),
        };
        trace.lasting(lane, group, (scene.shots[from].event.at, until), &name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_protobuf_has_them() {
        let message = Message::default().number(1, 300).text(2, "ab").fixed(3, 1);
        assert_eq!(message.0, [0x08, 0xac, 0x02, 0x12, 2, b'a', b'b', 0x19, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
}
